"""The bed's certificates: one authority, a certificate and a kubeconfig for each part of the cluster."""

import json

from places import CONTROL_ADDRESS, DOMAIN, PKI, run

DAYS = "3650"


def create(nodes):
    """Creates everything below `pki` for a cluster of these nodes, a dictionary of name to address."""
    PKI.mkdir(parents=True)
    PKI.chmod(0o700)
    private_key("ca")
    run(["openssl", "req", "-x509", "-key", PKI / "ca.key", "-out", PKI / "ca.crt", "-days", DAYS, "-subj", "/CN=testbed"])
    private_key("service-accounts")
    run(["openssl", "ec", "-in", PKI / "service-accounts.key", "-pubout", "-out", PKI / "service-accounts.pub"])
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}"]
    addresses = ["127.0.0.1", CONTROL_ADDRESS, "10.96.0.1"]
    issue("api-server", "/CN=kube-apiserver", [f"DNS:{name}" for name in names] + [f"IP:{ip}" for ip in addresses])
    issue("admin", "/O=system:masters/CN=admin")
    issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    issue("controller-manager", "/CN=system:kube-controller-manager")
    issue("scheduler", "/CN=system:kube-scheduler")
    issue("proxy", "/CN=system:kube-proxy")
    issue("dns", "/CN=testbed-dns")
    issue("provisioner", "/CN=testbed-provisioner")
    for name, address in nodes.items():
        issue(name, f"/O=system:nodes/CN=system:node:{name}", [f"DNS:{name}", f"IP:{address}"])


def private_key(name):
    """Creates the private key NAME.key."""
    run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", PKI / f"{name}.key"])
    (PKI / f"{name}.key").chmod(0o600)


def issue(name, subject, alternative_names=()):
    """Issues NAME.crt with its key, and the kubeconfig NAME.conf that uses them."""
    private_key(name)
    extension = f"subjectAltName={','.join(alternative_names)}" if alternative_names else "keyUsage=digitalSignature"
    (PKI / f"{name}.ext").write_text(extension)
    request = run(["openssl", "req", "-new", "-key", PKI / f"{name}.key", "-subj", subject])
    authority = ["-CA", PKI / "ca.crt", "-CAkey", PKI / "ca.key", "-CAcreateserial", "-days", DAYS]
    run(["openssl", "x509", "-req", *authority, "-extfile", PKI / f"{name}.ext", "-out", PKI / f"{name}.crt"], input=request)
    cluster = {"server": f"https://{CONTROL_ADDRESS}:6443", "certificate-authority": str(PKI / "ca.crt")}
    user = {"client-certificate": str(PKI / f"{name}.crt"), "client-key": str(PKI / f"{name}.key")}
    (PKI / f"{name}.conf").write_text(
        json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": name}}],
            "current-context": "testbed",
        })
    )

"""One node: a set of namespaces with its own containerd, kubelet and kube-proxy; powered on and off.

What a node keeps over a power cut is in STATE/NAME: images, pods' directories, and one file per volume.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import processes
from binaries import program
from places import DNS_SERVICE_ADDRESS, DOMAIN, PARTS, PKI, REGISTRY, REGISTRY_ADDRESS, STATE, BedError, run

# Where each directory of STATE/NAME is seen inside the node; the rest of the machine's files are shared by all nodes.
PLACES = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
    "cni": "/var/lib/cni",
    "etc-cni": "/etc/cni/net.d",
    "etc-containerd": "/etc/containerd",
}
DAEMONS = ["containerd", "kubelet", "proxy"]


class Node:
    """One node by its name, `node1` and up."""

    def __init__(self, name):
        if not name.startswith("node") or not name[4:].isdigit():
            raise BedError(f"`{name}` is not a node; nodes are named node1, node2 and so on")
        self.name, self.number = name, int(name[4:])
        self.state = STATE / name
        self.address = f"10.200.0.{10 + self.number}"
        self.pod_range = f"10.244.{self.number}.0/24"
        self.network = f"testbed-{name}"
        self.link = f"v{name}"

    def process_one(self):
        """The pid of the node's process 1 as this machine counts it; None when the node is off."""
        return processes.alive(self.state / "init.pid")

    def running(self):
        """Whether the node is on and has all of its daemons."""
        return bool(self.process_one()) and all(processes.alive(self.state / f"{daemon}.pid") for daemon in DAEMONS)

    def inside(self, command):
        """The command line that runs a command in this node's namespaces."""
        pid = self.process_one()
        if pid is None:
            raise BedError(f"{self.name} is off; `ci/testbed start-node {self.name}` starts it")
        return ["nsenter", "-t", str(pid), "-m", "-p", "-u", "-C", f"--net=/run/netns/{self.network}", *map(str, command)]

    def set_link(self, direction):
        """Plugs the node's network cable in (`up`) or out (`down`)."""
        run(["nsenter", "--net=/run/netns/testbed-switch", "ip", "link", "set", self.link, direction])

    def start(self):
        """Powers the node on with the disks that it has; returns when containerd answers and kubelet is started."""
        if self.process_one():
            processes.end_group(self.name)
        self.write_files()
        processes.create_group(self.name)
        self.set_link("up")
        controllers = "unified" if processes.UNIFIED else " ".join(processes.CONTROLLERS)
        binds = [f"{self.state / own}:{seen}" for own, seen in PLACES.items()]
        (self.state / "init.pid").unlink(missing_ok=True)
        (self.state / "ready").unlink(missing_ok=True)
        unshare = ["unshare", "-m", "-p", "-u", "-C", "-f", "--kill-child"]
        init = [PARTS / "node-init", self.name, self.state, program("pause"), controllers, *binds]
        starter = processes.spawn(
            self.state / "starter", self.name, ["nsenter", f"--net=/run/netns/{self.network}", *unshare, *init]
        )
        processes.wait_for(
            f"{self.name} to start (its words are in {self.state}/starter.log)",
            lambda: (self.state / "ready").exists() or starter.poll() is not None,
        )
        if starter.poll() is not None:
            raise BedError(f"{self.name} did not start: {Path(f'{self.state}/starter.log').read_text().strip()}")
        pid = int((self.state / "ready").read_text())
        (self.state / "init.pid").write_text(json.dumps({"pid": pid, "started": processes.started(pid)}))
        self.spawn("containerd", ["containerd"])
        processes.wait_for(f"containerd on {self.name}", lambda: processes.succeeds(self.inside(["ctr", "version"])))
        conf = PKI / f"{self.name}.conf"
        identity = [f"--hostname-override={self.name}", f"--node-ip={self.address}"]
        self.spawn("kubelet", [program("kubelet"), f"--config={self.state}/kubelet.json", f"--kubeconfig={conf}", *identity])
        self.spawn("proxy", [program("kube-proxy"), f"--config={self.state}/proxy.json"])

    def spawn(self, name, command):
        """Starts one of the node's daemons."""
        group = f"{self.name}/init" if processes.UNIFIED else self.name
        processes.spawn(self.state / name, group, self.inside(command))

    def stop(self):
        """Powers the node off: the cable first, so that no peer hears a farewell, then every process at once."""
        pid = self.process_one()
        if pid is None:
            raise BedError(f"{self.name} is off already")
        self.set_link("down")
        os.kill(pid, signal.SIGKILL)
        processes.end_group(self.name)
        processes.wait_for(f"the end of {self.name}", lambda: self.process_one() is None)

    def write_files(self):
        """Writes the configuration of the node's daemons."""
        state = self.state
        for directory in [*PLACES, "volumes", "mounts"]:
            (state / directory).mkdir(parents=True, exist_ok=True)
        ranges = {"type": "host-local", "ranges": [[{"subnet": self.pod_range}]], "routes": [{"dst": "0.0.0.0/0"}]}
        plugins = [
            {"type": "ptp", "mtu": 1500, "ipam": ranges},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ]
        write(state / "etc-cni/10-pods.conflist", {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins})
        (state / "etc-containerd/config.toml").write_text((PARTS / "containerd.toml").read_text())
        # Every image comes from the registry of the bed, those named without a registry too: nodes have no other network.
        for registry in (REGISTRY, "docker.io"):
            directory = state / "etc-containerd/certs.d" / registry
            directory.mkdir(parents=True, exist_ok=True)
            host = f'server = "http://{REGISTRY_ADDRESS}"\n[host."http://{REGISTRY_ADDRESS}"]\n  capabilities = ["pull", "resolve"]\n'
            (directory / "hosts.toml").write_text(host)
        (state / "resolv.conf").write_text(f"nameserver {DNS_SERVICE_ADDRESS}\n")
        write(state / "kubelet.json", {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(PKI / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(PKI / f"{self.name}.crt"),
            "tlsPrivateKeyFile": str(PKI / f"{self.name}.key"),
            "cgroupDriver": "cgroupfs",
            "clusterDNS": [DNS_SERVICE_ADDRESS],
            "clusterDomain": DOMAIN,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "resolvConf": str(state / "resolv.conf"),
            "failSwapOn": False,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "4s",
            "registryPullQPS": 0,
            "serializeImagePulls": False,
        })
        write_proxy_configuration(state / "proxy.json", self.name)


def write_proxy_configuration(path, name):
    """Writes the configuration of a kube-proxy that acts as the one of a node."""
    write(path, {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(PKI / "proxy.conf")},
        "mode": "iptables",
        "clusterCIDR": "10.244.0.0/16",
        "hostnameOverride": name,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })


def write(path, content):
    """Writes JSON, which is YAML too."""
    path.write_text(json.dumps(content, indent=1))


def existing():
    """The nodes of the bed, on or off, in order."""
    names = [path.name for path in STATE.glob("node[0-9]*") if path.is_dir()]
    return [Node(name) for name in sorted(names, key=lambda name: int(name[4:]))]


def find(name):
    """The node of this name; an error names those that there are."""
    nodes = existing()
    for node in nodes:
        if node.name == name:
            return node
    raise BedError(f"no node `{name}`; there are: {', '.join(node.name for node in nodes) or 'none, the bed is down'}")


def volume_file(node, name):
    """The file that holds a volume's file system on its node."""
    return node.state / "volumes" / f"{name}.xfs"


def volume_mount(node, name):
    """Where a volume is mounted inside its node."""
    return node.state / "mounts" / name


def mounted(node, name):
    """Whether a volume is mounted inside its node."""
    command = node.inside(["mountpoint", "-q", volume_mount(node, name)])
    return subprocess.run(command, check=False, capture_output=True).returncode == 0

"""The cluster as a whole: its network, its control plane, booting, health and the end of it."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certificates
import images
import nodes
import processes
from binaries import build, parts, program
from nodes import Node
from places import (
    BALANCED_RANGE, CACHE, CLIENT_ADDRESS, CONTROL_ADDRESS, DNS_SERVICE_ADDRESS, PARTS, PKI, REGISTRY_ADDRESS, STATE,
    BedError, fingerprint, lock, run, say,
)

CONTROL_NETWORK = "testbed-control"
CLIENT_NETWORK = "testbed-client"
CONTROL = STATE / "control"
DAEMONS = ["etcd", "api-server", "controller-manager", "scheduler", "registry", "dns", "proxy", "provisioner", "balancer"]
# A namespace of mounts for one command, in which the names of the cluster resolve.
WITH_NAMES = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'


def bed_lock():
    """One call at a time changes what runs."""
    return lock(CACHE / "bed.lock", "the test bed")


def in_network(command):
    """The command line that runs a command in the control plane's network, where the names of the cluster resolve."""
    if not (STATE / "hosts").exists():
        raise BedError("the test bed is down; `ci/testbed up` boots it")
    own_mounts = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WITH_NAMES, "net"]
    files = [str(STATE / "hosts"), str(STATE / "resolv.conf")]
    return ["nsenter", f"--net=/run/netns/{CONTROL_NETWORK}", *own_mounts, *files, *map(str, command)]


def outside(command):
    """The command line that runs a command outside the cluster, from where only nodes and balanced addresses are reached."""
    if CLIENT_NETWORK not in networks():
        raise BedError("the test bed is down, or of an earlier version; `ci/testbed down` and `up` renew it")
    return ["nsenter", f"--net=/run/netns/{CLIENT_NETWORK}", *map(str, command)]


def as_client(command):
    """The command line that gives a command a share of the processors as a node has one: what measures must not be what waits."""
    processes.create_group("client")
    return processes.in_group("client", command)


def environment():
    """The environment of commands that talk to the cluster."""
    return {**os.environ, "KUBECONFIG": str(PKI / "admin.conf")}


def kubectl(*arguments, **options):
    """Runs kubectl as the administrator and returns its output."""
    return run(in_network([program("kubectl"), *arguments]), env=environment(), **options)


def unhealthy():
    """What is wrong with the control plane, in words; an empty list when it is well."""
    wrong = [f"{daemon} does not run" for daemon in DAEMONS if not processes.alive(CONTROL / f"{daemon}.pid")]
    if not wrong and not answers():
        wrong.append("the API server does not answer")
    return wrong


def answers():
    """Whether the API server says that it is ready."""
    command = in_network([program("kubectl"), "get", "--raw", "/readyz", "--request-timeout=5s"])
    return subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0


def up(count):
    """Boots the cluster, or starts what is off in the one that runs."""
    build()
    with bed_lock():
        if STATE.exists():
            wrong = unhealthy()
            if not wrong:
                off = [node for node in nodes.existing() if not node.running()]
                for node in off:
                    say(f"starting {node.name}, which is off")
                    start_node(node)
                wait_for_nodes()
                say("is up" if off else "is up already")
                if (STATE / "recipe").read_text() != recipe():
                    say("its recipe has changed since it booted; `ci/testbed down` and `up` renew it")
                return
            say(f"a bed that is not well is in the way ({'; '.join(wrong)}): cleaning up")
        clean()
        boot([Node(f"node{number}") for number in range(1, count + 1)])


def boot(bed_nodes):
    """Boots a cluster on a clean machine."""
    begin = time.monotonic()
    say(f"booting {len(bed_nodes)} nodes (about 30 s)")
    base = [images.built(name) for name in images.BASE]
    STATE.mkdir(parents=True)
    (STATE / "recipe").write_text(recipe())
    certificates.create({node.name: node.address for node in bed_nodes})
    create_mount_points()
    create_network(bed_nodes)
    (STATE / "hosts").write_text(f"127.0.0.1 localhost\n{CONTROL_ADDRESS} registry.local\n")
    (STATE / "resolv.conf").write_text(f"nameserver {CONTROL_ADDRESS}\noptions timeout:2\n")
    processes.create_group("control")
    start_registry()
    with ThreadPoolExecutor() as pool:
        pushes = [pool.submit(images.push_built, image) for image in base]
        control = pool.submit(start_control_plane)
        for push in pushes:
            push.result()
        control.result()
        say("the API server answers; starting the nodes")
        list(pool.map(Node.start, bed_nodes))
    for file in ("dns.json", "storage.json"):
        kubectl("apply", "-f", PARTS / file)
    start_helpers(bed_nodes[0])
    wait_for_nodes()
    processes.wait_for("cluster DNS", lambda: unhealthy() == [] and dns_serves())
    say(f"is up after {time.monotonic() - begin:.0f} s: {', '.join(node.name for node in bed_nodes)}")


def recipe():
    """A hash of everything that a bed is booted from."""
    return fingerprint(PARTS, *(part.directory for part in parts()))


def start_node(node):
    """Powers a node on and waits until its own kubelet says that it is Ready; before, the API shows what was once true."""
    before = heartbeat(node)
    node.start()
    processes.wait_for(f"the kubelet of {node.name} to report", lambda: heartbeat(node) != before, 120)
    wait_for_nodes([node])


def heartbeat(node):
    """When the kubelet of a node last reported, as the API server's words."""
    lease = ["-n", "kube-node-lease", "get", "lease", node.name, "--ignore-not-found"]
    return kubectl(*lease, "-o", "jsonpath={.spec.renewTime}")


def create_mount_points():
    """Creates the directories that nodes mount over, and remembers which ones this machine did not have."""
    created = []
    for place in nodes.PLACES.values():
        missing = [parent for parent in [Path(place), *Path(place).parents] if not parent.exists()]
        Path(place).mkdir(parents=True, exist_ok=True)
        created += [str(path) for path in missing]
    (STATE / "created-directories.json").write_text(json.dumps(created))


def create_network(bed_nodes):
    """One switch, one network namespace for the control plane and for each node; pod ranges are routed between them.

    There is no way out: the default route leads to an address that nobody has, so no packet of a test leaves the machine.
    """
    run(["ip", "netns", "add", "testbed-switch"])
    switch = ["nsenter", "--net=/run/netns/testbed-switch", "ip", "link"]
    run([*switch, "add", "switch", "type", "bridge"])
    run([*switch, "set", "switch", "up"])
    members = [(CONTROL_NETWORK, "vcontrol", CONTROL_ADDRESS, None)]
    members += [(node.network, node.link, node.address, node.pod_range) for node in bed_nodes]
    for network, link, address, own_range in members:
        run(["ip", "netns", "add", network])
        run(["ip", "link", "add", link, "netns", "testbed-switch", "type", "veth", "peer", "name", "eth0", "netns", network])
        run([*switch, "set", link, "master", "switch", "up"])
        lines = [
            "ip link set lo up", f"ip addr add {address}/24 dev eth0", "ip link set eth0 up",
            "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0", "ip route add default via 10.200.0.254",
        ]
        lines += [f"ip route add {node.pod_range} via {node.address}" for node in bed_nodes if node.network != network]
        if own_range:
            lines.append(f"iptables -t nat -A POSTROUTING -s {own_range} ! -d 10.244.0.0/16 -j MASQUERADE")
        run(["nsenter", f"--net=/run/netns/{network}", "sh", "-ec", "\n".join(lines)])
    create_client(switch, bed_nodes)


def create_client(switch, bed_nodes):
    """The network of a client outside the cluster: it has routes to the nodes, and to the addresses of balanced Services."""
    run(["ip", "netns", "add", CLIENT_NETWORK])
    run(["ip", "link", "add", "vclient", "netns", "testbed-switch", "type", "veth", "peer", "name", "eth0", "netns", CLIENT_NETWORK])
    run([*switch, "set", "vclient", "master", "switch", "up"])
    lines = ["ip link set lo up", f"ip addr add {CLIENT_ADDRESS}/32 dev eth0", "ip link set eth0 up"]
    lines += [f"ip route add {node.address} dev eth0" for node in bed_nodes]
    lines.append(f"ip route add {BALANCED_RANGE} via {CONTROL_ADDRESS} dev eth0 onlink")
    run(["nsenter", f"--net=/run/netns/{CLIENT_NETWORK}", "sh", "-ec", "\n".join(lines)])


def spawn(name, command, user=None):
    """Starts a process of the control plane in its network."""
    arguments = [*command, *([f"--kubeconfig={PKI / user}.conf"] if user else [])]
    processes.spawn(CONTROL / name, "control", ["nsenter", f"--net=/run/netns/{CONTROL_NETWORK}", *arguments])


def start_registry():
    """Starts the registry of images and charts, and waits until it answers."""
    storage = {"filesystem": {"rootdirectory": str(STATE / "registry")}, "delete": {"enabled": True}}
    CONTROL.mkdir(parents=True)
    configuration = {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": REGISTRY_ADDRESS}}
    (CONTROL / "registry.yaml").write_text(json.dumps(configuration))
    spawn("registry", ["docker-registry", "serve", CONTROL / "registry.yaml"])
    address = f"http://{REGISTRY_ADDRESS}/v2/"
    processes.wait_for("the registry", lambda: processes.succeeds(in_network(["curl", "-fsS", address])))


def start_control_plane():
    """Starts etcd, the API server with its audit log, the controllers and the scheduler."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    urls = [f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}"]
    (CONTROL / "etcd-data").mkdir(mode=0o700)
    # The bed never outlives the machine, so nothing is gained by waiting for its disk.
    spawn("etcd", ["etcd", f"--data-dir={CONTROL}/etcd-data", *urls, "--unsafe-no-fsync"])
    spawn("api-server", [
        program("kube-apiserver"),
        f"--etcd-servers={client}",
        f"--advertise-address={CONTROL_ADDRESS}",
        "--service-cluster-ip-range=10.96.0.0/12",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction,PodSecurity",
        "--allow-privileged=true",
        "--anonymous-auth=false",
        f"--client-ca-file={PKI}/ca.crt",
        f"--tls-cert-file={PKI}/api-server.crt",
        f"--tls-private-key-file={PKI}/api-server.key",
        f"--service-account-key-file={PKI}/service-accounts.pub",
        f"--service-account-signing-key-file={PKI}/service-accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--kubelet-client-certificate={PKI}/kubelet-client.crt",
        f"--kubelet-client-key={PKI}/kubelet-client.key",
        f"--kubelet-certificate-authority={PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={PARTS}/audit-policy.json",
        f"--audit-log-path={CONTROL}/audit.log",
        "--audit-log-maxsize=2000",
    ])
    processes.wait_for("the API server", answers, 120)
    spawn("controller-manager", [
        program("kube-controller-manager"),
        f"--authentication-kubeconfig={PKI}/controller-manager.conf",
        f"--authorization-kubeconfig={PKI}/controller-manager.conf",
        f"--service-account-private-key-file={PKI}/service-accounts.key",
        f"--root-ca-file={PKI}/ca.crt",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--node-monitor-grace-period=20s",
    ], "controller-manager")
    spawn("scheduler", [program("kube-scheduler"), "--leader-elect=false"], "scheduler")


def start_helpers(first):
    """Starts what serves the cluster from beside it: DNS, service addresses in the control plane's network, volumes."""
    corefile = (PARTS / "dns/Corefile").read_text()
    replacements = {"ADDRESS": CONTROL_ADDRESS, "KUBECONFIG": str(PKI / "dns.conf"), "HOSTS": str(STATE / "hosts")}
    for word, value in replacements.items():
        corefile = corefile.replace(f"%{word}%", value)
    (CONTROL / "Corefile").write_text(corefile)
    spawn("dns", [program("coredns"), "-conf", CONTROL / "Corefile"])
    # kube-proxy wants to be on a node; which one matters to node ports only, and nobody asks this
    # network for those. It also sends on what comes from outside for balanced Services.
    nodes.write_proxy_configuration(CONTROL / "proxy.json", first.name)
    spawn("proxy", [program("kube-proxy"), f"--config={CONTROL}/proxy.json"])
    for helper in ("provisioner", "balancer"):
        spawn(helper, [sys.executable, "-B", "-u", PARTS / f"{helper}.py"])


def node_conditions():
    """Whether each registered node is Ready, by name."""
    listed = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    return {
        node["metadata"]["name"]: any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node["status"].get("conditions", [])
        )
        for node in listed
    }


def wait_for_nodes(bed_nodes=None):
    """Waits until these nodes, or else every node of the bed, are registered and Ready."""
    names = [node.name for node in bed_nodes or nodes.existing()]

    def ready():
        conditions = node_conditions()
        return all(conditions.get(name) for name in names)

    processes.wait_for(f"{', '.join(names)} to be Ready (`ci/testbed status` says more)", ready, 120)


def dns_serves():
    """Whether the name server of the cluster knows a name of the cluster, asked by its address as pods do."""
    question = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1);"
        "q = b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + b''.join(bytes([len(p)]) + p for p in"
        " b'kubernetes.default.svc.cluster.local'.split(b'.')) + b'\\0\\0\\1\\0\\1';"
        f"s.sendto(q, ('{DNS_SERVICE_ADDRESS}', 53)); a = s.recv(512); raise SystemExit(a[7] == 0)"
    )
    return processes.succeeds(in_network([sys.executable, "-c", question]))


def down():
    """Ends the bed and removes everything that it made."""
    with bed_lock():
        present = STATE.exists() or bool(processes.members()) or bool(networks())
        clean()
    say("is down" if present else "was down already")


def networks():
    """The bed's network namespaces."""
    return sorted(path.name for path in Path("/run/netns").glob("testbed-*"))


def clean():
    """Removes processes, control groups, networks, loop devices, mount points and files of a bed, however it ended."""
    processes.end_group()
    for network in networks():
        run(["ip", "netns", "del", network])
    for device in json.loads(run(["losetup", "--list", "--json"]) or '{"loopdevices": []}')["loopdevices"]:
        if (device["back-file"] or "").startswith(f"{STATE}/"):
            # A device detaches itself when the last mount of an ended node is gone, which may be a moment later.
            device_file = Path(f"/sys/block/{Path(device['name']).name}/loop/backing_file")
            processes.wait_for(f"{device['name']} to detach", lambda file=device_file: not file.exists())
    if not STATE.exists():
        return
    below = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in [mount for mount in below if mount.startswith(f"{STATE}/")]:
        raise BedError(f"{mount} is mounted outside the bed, by somebody else; unmount it, then run `ci/testbed down` again")
    created = STATE / "created-directories.json"
    directories = json.loads(created.read_text()) if created.exists() else []
    shutil.rmtree(STATE)
    for directory in sorted(directories, key=len, reverse=True):
        if Path(directory).is_dir() and not os.listdir(directory):
            os.rmdir(directory)


def status():
    """Prints what runs; says whether all is well."""
    if not STATE.exists():
        print("the test bed is down")
        return False
    wrong = unhealthy()
    print("control plane: " + ("; ".join(wrong) if wrong else "well"))
    ready = None if wrong else node_conditions()
    for node in nodes.existing():
        power = "on" if node.running() else "off" if not node.process_one() else "lacks daemons"
        words = "readiness unknown" if ready is None else "Ready" if ready.get(node.name) else "not Ready"
        print(f"{node.name} {node.address}: {power}, {words}")
        if power != "on" or not (ready or {}).get(node.name):
            wrong.append(node.name)
    return not wrong


def audit():
    """Prints the audit log as JSON lines, oldest first."""
    files = sorted(CONTROL.glob("audit-*.log")) + [CONTROL / "audit.log"]
    if not files[-1].exists():
        raise BedError("no audit log; `ci/testbed up` boots the bed that writes it")
    for file in files:
        with open(file, encoding="utf-8") as lines:
            shutil.copyfileobj(lines, sys.stdout)

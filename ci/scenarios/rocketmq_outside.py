"""RocketMQ reached from outside the cluster: by addresses of load balancers and by ports of nodes, while inside clients go on."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

from .bed import CI, TESTBED, output
from .load import Load
from .release import ROUTE_REFRESH_SECONDS, Release
from .rocketmq_proxy import BROKERS, GRPC, change, check_metrics
from .rocketmq_transfer import told_of
from .rocketmq_variants import replace
from .rocketmq_volumes import cluster
from .trial import Failed, Trial, scenario, until

CLIENT = ["java", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+PerfDisableSharedMem"]
NAME_SERVERS = 9876
FIRST_NODE_PORT = 30_000  # below those that the cluster gives out by itself
SUFFIX = "-outside"
RATE = 50  # messages a second of a client outside, beside the load inside
LEAST = 1_000


class Outside:
    """Clients that are no pods: the load program in the network of the test bed's client."""

    def __init__(self, release: Release, topic: str, option: str, address: str, names: dict[str, str] | None = None) -> None:
        """`option` is how the load program is told the address; `names` are the hosts that these clients know."""
        self.trial, self.topic = release.trial, topic
        place = output([CI / "load/build"]).strip()
        program = ["-cp", f"{place}/load.jar:{place}/lib/*", "midships.load.Load"]
        what = ["--topic", topic, "--groups", f"{topic}-a"]
        prepare = ["prepare", "--name-servers", release.name_server(0), *what, "--begin", "true"]
        output(release.bed.net(*CLIENT, *program, *prepare))
        how = [option, address, "--rate", str(RATE), "--minimum", str(LEAST), "--progress", "true"]
        if option == "--name-servers":
            how += ["--route-refresh", str(ROUTE_REFRESH_SECONDS)]
        directory = release.bed.explanations / release.namespace
        directory.mkdir(parents=True, exist_ok=True)
        self.hosts, knows = Path(directory, f"{topic}.hosts"), []
        if names:
            self.know(names)
            knows = [f"-Djdk.net.hosts.file={self.hosts}"]
        self.said = Path(directory, f"{topic}.log")
        with open(self.said, "w", encoding="utf-8") as file:
            command = [str(TESTBED), "client", *CLIENT, *knows, *program, "run", *what, *how]
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        release.bed.leave_to_end(self.kill)
        until(f"a client outside has sent to {address}", lambda: self.acknowledged() > 0, 60)

    def know(self, names: dict[str, str]) -> None:
        """Tells these clients the addresses of hosts, as the DNS outside does."""
        self.hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))

    def kill(self) -> None:
        """Ends the clients if they still run."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def acknowledged(self) -> int:
        """How many messages have been acknowledged."""
        if self.process.poll() is not None:
            raise Failed(f"the clients outside ended early: {self.said.read_text()[-1500:]}")
        lines = [line for line in self.said.read_text().splitlines() if " progress {" in line and line.endswith("}")]
        return json.loads(lines[-1].partition(" progress ")[2])["acknowledged"] if lines else 0

    def finish(self) -> None:
        """Stops the clients and checks what they reckon: nothing lost, no send failed."""
        until(f"{LEAST} messages from outside", lambda: self.acknowledged() >= LEAST, 120)
        self.process.terminate()
        self.process.wait(timeout=180)
        last = [line for line in self.said.read_text().splitlines() if line.startswith("{")]
        if not last:
            raise Failed(f"the clients outside ended without figures: {self.said.read_text()[-1500:]}")
        figures = json.loads(last[-1])
        for name in ("acknowledged", "lost", "sendErrors"):
            self.trial.figure(f"{self.topic} {name}", figures[name])
        self.trial.equal((figures["lost"], figures["damaged"], figures["sendErrors"]), (0, 0, 0), f"lost, damaged and failed of {self.topic}")


@scenario("rocketmq-outside", needs_power=True)
def outside(trial: Trial) -> None:
    """5.5.0: gRPC from outside by a balanced address and by a node's port while proxies are renewed; inside clients go on."""
    with trial.bed.namespace("accept-outside") as namespace:
        proxy = {"enabled": True, "replicas": 2, "service": {"type": "LoadBalancer"}}
        values = {"brokers": BROKERS, "proxy": proxy, "metrics": {"enabled": True}}
        release = Release(trial, namespace, "5.5.0", values=values)
        release.install()
        load = Load(release, watched=1)
        name = f"{release.full_name}-proxy"
        balanced = until("the Service has an address", lambda: ingress_of(release, name), 30)[0]["ip"]
        ports = trial.bed.api.get("services", namespace, name)["spec"]["ports"]
        port = next(entry["nodePort"] for entry in ports if entry["name"] == "grpc")
        node = node_address(trial, "node2")
        clients = [Outside(release, "balanced", "--endpoints", f"{balanced}:{GRPC}"), Outside(release, "node-port", "--endpoints", f"{node}:{port}")]
        change(release, {"configuration": {"maxMessageSize": 2_097_152}})
        check_metrics(release)
        for client in clients:
            client.finish()
        load.finish()


def node_address(trial: Trial, name: str) -> str:
    """The address of a node."""
    return output([*trial.bed.kubectl, "get", "node", name, "-o", "jsonpath={.status.addresses[0].address}"]).strip()


def ingress_of(release: Release, name: str) -> list[dict] | None:
    """What a Service was given by the load balancer."""
    return release.bed.api.get("services", release.namespace, name)["status"]["loadBalancer"].get("ingress")


def reached_servers(release: Release) -> list[str]:
    """The names of what has a Service for clients outside: the name servers, and each broker."""
    names = [service["metadata"]["name"] for service in release.bed.api.list("services", release.namespace)]
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def broker_hosts(release: Release, addresses: dict[str, str]) -> dict[str, str]:
    """The names that brokers register, each with the address that leads to it from outside."""
    zone = f"{release.namespace}.svc.cluster.local"
    return {f"{name}.{zone}": address for name, address in addresses.items() if "-broker-" in name}


def evict_master(release: Release, client: Outside) -> None:
    """Evicts the master of the first group, and waits until it is back and a client outside has sent on."""
    replace(release.trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
    sent = client.acknowledged()
    until("the client outside has sent on", lambda: client.acknowledged() > sent + RATE, 60)


def check_followed(release: Release) -> None:
    """Checks that replicas follow: each has all that its master has when nobody sends any more."""
    replicas = [broker for broker in cluster(release) if broker["id"] > 0]
    release.trial.equal(len(replicas), 2, "replicas that answer")

    def have_all() -> bool:
        return all(broker["behindBytes"] == 0 for broker in cluster(release) if broker["id"] > 0)

    until("replicas have all that their masters have", have_all, 60)


@scenario("rocketmq-brokers-outside", needs_power=True)
def brokers_outside(trial: Trial) -> None:
    """5.5.0: brokers get balanced addresses under load without a restart; a client outside goes on when a master is evicted."""
    with trial.bed.namespace("accept-brokers-outside") as namespace:
        release = Release(trial, namespace, "5.5.0")
        release.install()
        load = Load(release, watched=1)
        lives = release.broker_lives()
        trial.figure("seconds to open", round(release.succeed("upgrade", {"outside": {"loadBalancers": True}}), 1))
        trial.equal(len(reached_servers(release)), 5, "Services for clients outside")
        addresses = {
            name: until(f"{name} has an address", lambda name=name: ingress_of(release, f"{name}{SUFFIX}"), 30)[0]["ip"]
            for name in reached_servers(release)
        }
        known = f"{addresses[f'{release.full_name}-name-server']}:{NAME_SERVERS}"
        client = Outside(release, "balanced-brokers", "--name-servers", known, broker_hosts(release, addresses))
        trial.equal(release.broker_lives(), lives, "uid and restarts of each broker")
        evict_master(release, client)
        client.finish()
        release.succeed("upgrade", {"outside": {"loadBalancers": False}})
        trial.equal(reached_servers(release), [], "Services for clients outside when they are closed")
        load.finish()
        check_followed(release)


@scenario("rocketmq-brokers-outside-4-9-7", needs_power=True)
def brokers_outside_of_four(trial: Trial) -> None:
    """4.9.7: brokers with ports of nodes from the start, where replicas follow them; the ports cannot be taken away."""
    with trial.bed.namespace("accept-brokers-outside-4-9-7") as namespace:
        outside = {"nodePorts": True, "firstNodePort": FIRST_NODE_PORT}
        release = Release(trial, namespace, "4.9.7", values={"outside": outside})
        release.install()
        load = Load(release, watched=1)
        nodes = itertools.cycle(node_address(trial, f"node{number}") for number in (1, 2, 3))
        addresses = dict(zip(reached_servers(release), nodes))
        known = f"{addresses[f'{release.full_name}-name-server']}:{FIRST_NODE_PORT}"
        client = Outside(release, "node-ports", "--name-servers", known, broker_hosts(release, addresses))
        evict_master(release, client)
        result = release.apply("upgrade", {"outside": {"nodePorts": False}})
        trial.check(result.returncode != 0, "the ports were taken away under the brokers")
        told_of(trial, release, "outside.nodePorts")
        release.change({"outside": outside})
        trial.figure("seconds of an upgrade without a change", round(release.succeed("upgrade"), 1))
        client.finish()
        load.finish()
        check_followed(release)

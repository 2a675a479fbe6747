"""RocketMQ reached from outside the cluster: by the address of a load balancer and by ports of nodes, while inside clients go on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .bed import CI, TESTBED, output
from .load import Load
from .release import Release
from .rocketmq_proxy import BROKERS, GRPC, change, check_metrics
from .trial import Failed, Trial, scenario, until

CLIENT = ["java", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+PerfDisableSharedMem"]
RATE = 50  # messages a second of a client outside, beside the load inside
LEAST = 1_000


class Outside:
    """Clients that are no pods: the load program in the network of the test bed's client."""

    def __init__(self, release: Release, topic: str, endpoints: str) -> None:
        self.trial, self.topic = release.trial, topic
        place = output([CI / "load/build"]).strip()
        program = [*CLIENT, "-cp", f"{place}/load.jar:{place}/lib/*", "midships.load.Load"]
        what = ["--topic", topic, "--groups", f"{topic}-a"]
        output(release.bed.net(*program, "prepare", "--name-servers", release.name_server(0), *what, "--begin", "true"))
        how = ["--endpoints", endpoints, "--rate", str(RATE), "--minimum", str(LEAST), "--progress", "true"]
        directory = release.bed.explanations / release.namespace
        directory.mkdir(parents=True, exist_ok=True)
        self.said = Path(directory, f"{topic}.log")
        with open(self.said, "w", encoding="utf-8") as file:
            command = [str(TESTBED), "client", *program, "run", *what, *how]
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        release.bed.leave_to_end(self.kill)
        until(f"a client outside has sent to {endpoints}", lambda: self.acknowledged() > 0, 60)

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

        def ingress() -> list[dict] | None:
            return trial.bed.api.get("services", namespace, name)["status"]["loadBalancer"].get("ingress")

        balanced = until("the Service has an address", ingress, 30)[0]["ip"]
        ports = trial.bed.api.get("services", namespace, name)["spec"]["ports"]
        port = next(entry["nodePort"] for entry in ports if entry["name"] == "grpc")
        node = output([*trial.bed.kubectl, "get", "node", "node2", "-o", "jsonpath={.status.addresses[0].address}"]).strip()
        clients = [Outside(release, "balanced", f"{balanced}:{GRPC}"), Outside(release, "node-port", f"{node}:{port}")]
        change(release, {"configuration": {"maxMessageSize": 2_097_152}})
        check_metrics(release)
        for client in clients:
            client.finish()
        load.finish()

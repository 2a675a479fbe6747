"""The load: real producers and consumers in a pod, and what they and the name servers said."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone

from .bed import CI, command_result, output
from .release import ROUTE_REFRESH_SECONDS, Release
from .trial import Failed, Trial, until

POD = "load"
TOPIC = "load"
QUEUES = 16
LEAST_RATE = 200  # messages a second, of which a load is worth its name
# Where `prepare` writes pairs of key and value: namespaces that name servers keep.
ORDER_NAMESPACE = "ORDER_TOPIC_CONFIG"
OWN_NAMESPACE = "midships-load"
SOURCES = "load-sources"
# Another cluster's machine needs no JDK: there the program is compiled where it runs, with the JDK and the client's jars that
# the official image of RocketMQ has.
COMPILE = """export CLASSPATH="/tmp/classes:$ROCKETMQ_HOME/lib/*"
mkdir -p /tmp/classes && javac -nowarn -d /tmp/classes /sources/*.java
"""
COMPILED = "java -Xmx160m -XX:+UseSerialGC -XX:+PerfDisableSharedMem -Duser.home=/tmp midships.load.Load"
CLIENT_LOG = "/tmp/logs/rocketmqlogs/rocketmq_client.log"
CLIENT_FAULT = re.compile(r"sendKernelImpl exception|createChannel: connect|RemotingTimeoutException|invokeSync")
SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


class Load:
    """The load on a release, from its start until its reckoning."""

    def __init__(
        self,
        release: Release,
        watched: int = 3,
        *,
        known: int = 1,
        node: str = "",
        groups: str = "load-a,load-b",
        prepare: bool = True,
        more: str = "",
        queues: int = QUEUES,
        through: str = "",
        secrets: tuple[str, ...] = (),
        tls: str | None = None,
    ) -> None:
        """`known` is how many name servers the clients are given; `queues` is how many the topic has on all masters, which share
        them evenly; `through` are proxies, as an option; `secrets` are those with whose keys the topic is made, and it is sent
        and consumed; `tls` is the Secret with the authority of the servers' certificates, or empty where any certificate will
        do, while without it plain text is spoken."""
        self.release = release
        self.queues = queues
        self.trial: Trial = release.trial
        self._api = release.bed.api
        self._secrets = secrets
        self._tls = tls
        # Each message goes twice the way through a proxy: how many do is the machine's matter.
        self._least_rate = 0 if through else LEAST_RATE
        more += " --begin true" if through else ""
        self._known = known
        self._create(watched, node, groups, f"{more} " if prepare else None, f" {through}" if through else "")
        self._lines = self._api.follow(release.namespace, POD)
        until("the load has 500 acknowledged messages", lambda: self.acknowledged() >= 500, 120)
        self.trial.note("the load runs")

    def _create(self, watched: int, node: str, groups: str, prepare: str | None, through: str) -> None:
        known, watch = (";".join(self.release.name_servers(count)) for count in (self._known, watched))
        topic = f"--name-servers '{known}' --topic {TOPIC} --groups {groups}"
        run = f"{topic} --route-refresh {ROUTE_REFRESH_SECONDS} --progress true --watch '{watch}'{through}"
        bed, volumes, mounts = self.release.bed, [{"name": "tmp", "emptyDir": {}}], [{"name": "tmp", "mountPath": "/tmp"}]
        image = bed.load_image
        before, load = ("", "load") if image else (COMPILE, COMPILED)
        signed = [f" --credentials /{secret}" for secret in self._secrets]
        administrator, user = signed or ["", ""]
        for secret in filter(None, [*self._secrets, self._tls]):
            volumes.append({"name": secret, "secret": {"secretName": secret}})
            mounts.append({"name": secret, "mountPath": f"/{secret}"})
        if prepare is not None:
            before += f"{load} prepare {topic} {prepare}--queues {self.queues}{administrator}\n"
        if not image:
            image = f"{bed.registry}/apache/rocketmq:5.4.0"
            volumes.append({"name": "sources", "configMap": {"name": SOURCES}})
            mounts.append({"name": "sources", "mountPath": "/sources"})
            sources = {file.name: file.read_text() for file in (CI / "load/src/main/java/midships/load").glob("*.java")}
            self._api.delete("configmaps", self.release.namespace, SOURCES)
            self._api.create("configmaps", self.release.namespace, {"metadata": {"name": SOURCES}, "data": sources})
        container = {
            "name": POD,
            "image": image,
            "command": ["sh", "-e", "-c", f"{before}exec {load} run {run}{user}"],
            "env": [{"name": "JAVA_TOOL_OPTIONS", "value": self._properties()}],
            # What measures must not be what waits: a client without processor time fails sends that nobody else would.
            "resources": {"requests": {"cpu": "600m", "memory": "256Mi"}, "limits": {"memory": "448Mi"}},
            "securityContext": SECURE,
            "volumeMounts": mounts,
        }
        specification = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 3000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": volumes,
        }
        if node:
            specification["nodeSelector"] = {"kubernetes.io/hostname": node}
        self._api.create("pods", self.release.namespace, {"metadata": {"name": POD}, "spec": specification})
        until("the pod of the load has started", lambda: self._phase() != "Pending", 120)

    def _properties(self) -> str:
        """The properties of Java by which clients know what to speak."""
        if self._tls is None:
            return ""
        trust = f"-Dtls.test.mode.enable=false -Dtls.client.authServer=true -Dtls.client.trustCertPath=/{self._tls}/ca.crt"
        return f"-Dtls.enable=true {trust if self._tls else ''}"

    def _phase(self) -> str:
        pod = self._api.get("pods", self.release.namespace, POD)
        return pod["status"].get("phase", "Pending") if pod else "Gone"

    def _marked(self, mark: str) -> list[tuple[datetime, str]]:
        """The lines of one kind, with their moments."""
        found = []
        for line in list(self._lines):
            moment, _, rest = line.partition(" ")
            if rest.startswith(f"{mark} "):
                found.append((datetime.fromisoformat(moment), rest.removeprefix(f"{mark} ")))
        return found

    def progress(self) -> dict:
        """The figures of the last second."""
        lines = self._marked("progress")
        return json.loads(lines[-1][1]) if lines else {}

    def acknowledged(self) -> int:
        """How many messages have been acknowledged."""
        progress = self.progress()
        if not progress and self._phase() in ("Failed", "Gone"):
            raise Failed(f"the load ended early: {' | '.join(self._lines[-5:])}")
        return progress.get("acknowledged", 0)

    def views(self, server: str) -> list[tuple[datetime, dict]]:
        """What a name server was seen to list, whenever that changed."""
        views = [(moment, json.loads(text)) for moment, text in self._marked("view")]
        return [(moment, view) for moment, view in views if view["nameServer"] == server]

    def last_view(self, server: str, returned: datetime) -> dict:
        """What a name server was last seen to list before helm returned."""
        before = [view for moment, view in self.views(server) if moment <= returned]
        self.trial.check(before, f"{server} was never seen to answer before helm returned")
        return before[-1]

    def check_listed(self, count: int, returned: datetime) -> None:
        """Checks that each of the first name servers listed every broker and every topic before a moment."""
        expected = self.release.brokers()
        topics = self.last_view(self.release.name_server(0), returned).get("topics")
        for server in self.release.name_servers(count):
            last = self.last_view(server, returned)
            self.trial.check(last["answered"], f"{server} did not answer when helm returned: {last.get('why')}")
            found = {name: self._ids(ids) for name, ids in last.get("brokers", {}).items()}
            self.trial.equal(found, expected, f"brokers that {server} listed when helm returned")
            self.trial.check(TOPIC in last["topics"], f"{server} did not list the topic {TOPIC}: {last['topics']}")
            self.trial.equal(last["topics"], topics, f"topics that {server} listed when helm returned")
            queues = sum(route["writeQueues"] for route in last["route"].values() if route["permission"] == 6)
            self.trial.equal(queues, self.queues, f"writable queues that {server} routed when helm returned")

    def _ids(self, ids: list[str]) -> set[str]:
        """The ids of a group; where controllers grant them, those of replicas as they would be without."""
        if not self.release.elected:
            return set(ids)
        replicas = [name for name in ids if name != "0"]
        return ({"0"} & set(ids)) | {str(number + 1) for number in range(len(replicas))}

    def await_listed(self, count: int) -> None:
        """Waits until each of the first name servers lists every broker and topic, with every queue writable."""
        found: list[str] = []

        def listed() -> bool:
            try:
                self.check_listed(count, now())
            except Failed as failed:
                found.append(str(failed))
                return False
            return True

        try:
            until("every broker is listed", listed, 120)
        except Failed as failed:
            raise Failed(f"{failed}; {found[-1]}") from failed

    def check_copied(self, count: int, returned: datetime, namespaces: tuple[str, ...]) -> None:
        """Checks that each of the first name servers had the pairs that the first one has, before a moment."""
        expected = self.last_view(self.release.name_server(0), returned)["pairs"]
        for server in self.release.name_servers(count):
            found = self.last_view(server, returned)["pairs"]
            for namespace in namespaces:
                self.trial.check(expected[namespace], f"the first name server has no pairs in {namespace}")
                what = f"pairs in {namespace} that {server} had when helm returned"
                self.trial.equal(found[namespace], expected[namespace], what)

    def finish(self, lost: int = 0, send_errors: int | None = 0) -> dict:
        """Waits for the least number of messages, stops the load, reads its figures and checks them."""
        until("the load has 10,000 acknowledged messages", lambda: self.acknowledged() >= 10_000, 240)
        said = self._said_by_client() if self.progress()["sendErrors"] else ""
        output([*self.release.bed.kubectl, "exec", "-n", self.release.namespace, POD, "--", "kill", "-TERM", "1"])
        until("the load has reckoned", lambda: self._phase() in ("Succeeded", "Failed"), 180)
        lines = self._api.log(self.release.namespace, POD).splitlines()
        last = next((line for line in reversed(lines) if line.startswith("{")), None)
        if last is None:
            raise Failed(f"the load ended without figures: {' | '.join(lines[-5:])}")
        figures = json.loads(last)
        errors = [line for line in lines if " send error: " in line]
        for name, value in figures.items():
            self.trial.figure(name, value)
        self.trial.equal(figures["lost"], lost, "lost messages")
        self.trial.equal(figures["damaged"], 0, "damaged messages")
        if send_errors is not None:
            what = f"sends that failed after the client's retries, first {errors[:1]}{said}"
            self.trial.equal(figures["sendErrors"], send_errors, what)
        self.trial.check(figures["acknowledged"] >= 10_000, f"only {figures['acknowledged']} messages were acknowledged")
        # While no master is there, as after the loss of a node with all of them, a load can only try.
        what = "sent" if send_errors is None else "acknowledged"
        rate = figures[what] / figures["seconds"]
        least = self._least_rate
        self.trial.check(rate >= least, f"only {rate:.0f} messages a second were {what}, at least {least} are wanted")
        return figures

    def client_log(self) -> str:
        """What the client's own log says so far."""
        where = ["exec", "-n", self.release.namespace, POD, "--", "cat", CLIENT_LOG]
        return command_result([*self.release.bed.kubectl, *where]).stdout

    def _said_by_client(self) -> str:
        """What the client's own log says of sends that failed; the whole log is kept with what explains a failure."""
        log = self.client_log()
        directory = self.release.bed.explanations / self.release.namespace
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "load-client.log").write_text(log)
        lines = [line for line in log.splitlines() if CLIENT_FAULT.search(line)]
        return "".join(f"\n    {line[:400]}" for line in lines[:20])

    def remove(self) -> None:
        """Deletes what the load is made of, so that another load can take its place."""
        self._api.delete("configmaps", self.release.namespace, SOURCES)
        self._api.delete("pods", self.release.namespace, POD, seconds_of_grace=0)
        until("the pod of the load is gone", lambda: self._phase() == "Gone", 60)


def now() -> datetime:
    """The clock that the load's lines tell: one machine, or machines kept in step."""
    return datetime.now(timezone.utc)

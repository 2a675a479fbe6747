"""One release of the chart `rocketmq`: installing, changing and looking at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from .bed import Bed, command_result, merged, values_file
from .kubernetes import lives, ready
from .trial import Failed, Trial, until

# Servers live for minutes here and compete for few processors: code compiled once, quickly, starts them in half the time.
ONE_COMPILER = "-XX:TieredStopAtLevel=1"
QUICK_START = {"env": [{"name": "JAVA_TOOL_OPTIONS", "value": ONE_COMPILER}]}
# Unless told otherwise a server makes a key and a certificate at each start, for clients that speak TLS: 2 s of a processor.
WITHOUT_KEY = {"env": [{"name": "JAVA_TOOL_OPTIONS", "value": f"{ONE_COMPILER} -Dtls.server.mode=disabled"}]}
# Short waits, small stores and heaps: what is tried is the order of things, not their size.
SMALL = {
    "nameServers": {
        "count": 1,
        "storage": {"size": "64Mi"},
        "resources": {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"memory": "384Mi"}},
        "heapMegabytes": 96,
        "pod": WITHOUT_KEY,
    },
    "brokers": {
        "groups": 2,
        "replicasPerGroup": 1,
        "clientRouteRefreshSeconds": 5,
        "commitLogFileMegabytes": 16,
        "storage": {"size": "1Gi"},
        "resources": {"requests": {"cpu": "200m", "memory": "320Mi"}, "limits": {"memory": "768Mi"}},
        "heapMegabytes": 256,
        "directMemoryMegabytes": 192,
        "pod": WITHOUT_KEY,
    },
    "controllers": {
        "storage": {"size": "1Gi"},
        "resources": {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"memory": "384Mi"}},
        "heapMegabytes": 96,
        "pod": WITHOUT_KEY,
    },
    "proxy": {
        "replicas": 2,
        "resources": {"requests": {"cpu": "100m", "memory": "320Mi"}, "limits": {"memory": "512Mi"}},
        "heapMegabytes": 160,
        "pod": QUICK_START,
    },
}
# From 5.0 on a broker compares 38 MB byte by byte each time it flushes its timer wheel, every second: a tenth of a processor. And
# until it first writes its figures of transactions down, after 3 s, it asks for the time over and over: a whole one.
IDLER = {"configuration": {"timerFlushIntervalMs": 10_000, "transactionMetricFlushInterval": 300}}
ROUTE_REFRESH_SECONDS = SMALL["brokers"]["clientRouteRefreshSeconds"]
HELM_TIMEOUT = "20m"
HELM_SECONDS = 1_260


def full_name(name: str) -> str:
    """The name from which the names of a release's objects are made."""
    return name if "rocketmq" in name else f"{name}-rocketmq"


@dataclass
class Release:
    """A release of the chart in a namespace."""

    trial: Trial
    namespace: str
    version: str
    name: str = "trial"
    values: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        image = {"image": {"repository": f"{self.bed.registry}/apache/rocketmq", "tag": self.version}}
        is_old = self.version.startswith("4.")
        own = {"nameServers": image, "proxy": image, "controllers": image, "brokers": image if is_old else {**image, **IDLER}}
        self.values = merged(merged(SMALL, own), self.values)

    @property
    def bed(self) -> Bed:
        """The cluster."""
        return self.trial.bed

    @property
    def full_name(self) -> str:
        """The name from which the names of the release's objects are made."""
        return full_name(self.name)

    @property
    def chart(self) -> list[str]:
        """The published chart, as Helm's arguments."""
        return [f"{self.bed.publish()}/rocketmq", *self.bed.plain]

    def change(self, values: dict) -> None:
        """Changes the values that the next command will be given."""
        self.values = merged(self.values, values)

    def ask(self, change: dict) -> dict:
        """Changes the values that Helm is given, and returns them."""
        self.change(change)
        return self.values

    def helm(self, action: str, *arguments: str, major: int = 4) -> subprocess.CompletedProcess[str]:
        """Runs one Helm command on the release and returns what came of it."""
        return command_result([*self.bed.helm(major), action, self.name, *arguments, "--namespace", self.namespace])

    def begin(
        self,
        action: str,
        change: dict | None = None,
        *,
        major: int = 4,
        chart: list[str] | None = None,
        timeout: str = HELM_TIMEOUT,
    ) -> Helm:
        """Starts `helm install` or `helm upgrade` and does not wait for it."""
        values = self.ask(change or {})
        return Helm(self, [action, self.name, *(chart or self.chart)], major, values, timeout)

    def apply(
        self, action: str, change: dict | None = None, *, major: int = 4, chart: list[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `helm install` or `helm upgrade` and returns what came of it."""
        return self.begin(action, change, major=major, chart=chart).finish()

    def succeed(self, action: str, change: dict | None = None, **options: object) -> float:
        """Runs `helm install` or `helm upgrade`, which must succeed; returns how many seconds it took."""
        begun = time.monotonic()
        result = self.apply(action, change, **options)
        if result.returncode != 0:
            raise Failed(f"helm {action} ended with {result.returncode}: {result.stderr.strip()[-3000:]}")
        return time.monotonic() - begun

    def roll_back(self, count: int, *, major: int = 4, revision: int = 0) -> subprocess.CompletedProcess[str]:
        """Rolls back to a revision, or to the last one that was deployed, which has so many name servers."""
        result = Helm.rollback(self, revision, major).finish()
        self.values = merged(self.values, {"nameServers": {"count": count}})
        return result

    def last_deployed(self, major: int = 4) -> int:
        """The newest revision that succeeded."""
        result = self.helm("history", "--output", "json", major=major)
        good = [entry["revision"] for entry in json.loads(result.stdout) if entry["status"] in ("deployed", "superseded")]
        return max(good)

    def install(self, **options: object) -> None:
        """Installs the release and waits until its brokers are ready."""
        self.bed.images(f"rocketmq:{self.version}")
        self.trial.note(f"helm install of RocketMQ {self.version}")
        seconds = self.succeed("install", **options)
        self.trial.figure("install seconds", round(seconds, 1))
        until("all pods are ready", lambda: all(ready(pod) for pod in self.pods()), 120)

    def set_name_servers(self, count: int, **options: object) -> float:
        """Changes the number of name servers with `helm upgrade`; returns how many seconds it took."""
        self.trial.note(f"helm upgrade to {count} name servers")
        seconds = self.succeed("upgrade", {"nameServers": {"count": count}}, **options)
        self.trial.note(f"helm upgrade took {seconds:.1f} s")
        return seconds

    def pods(self, component: str = "") -> list[dict]:
        """The release's servers, or those of one component."""
        components = component or "name-server,broker,controller,proxy"
        selector = f"midships/cluster={self.full_name},midships/component in ({components})"
        return self.bed.api.list("pods", self.namespace, selector)

    def broker_lives(self) -> dict[str, tuple[str, int]]:
        """The uid and the restarts of each broker."""
        return lives(self.pods("broker"))

    def name_server(self, number: int) -> str:
        """The address of a name server that the brokers use: an own one or one of another release."""
        own = {"name": self.name, "namespace": self.namespace}
        owner = self.values["nameServers"]["release"] if self.values["nameServers"].get("source") == "Release" else own
        service = f"{full_name(owner['name'])}-name-server"
        return f"{service}-{number}.{service}.{owner['namespace'] or self.namespace}.svc.cluster.local:9876"

    def proxy(self, port: int) -> str:
        """The address of the proxies for clients of a protocol."""
        return f"{self.full_name}-proxy.{self.namespace}.svc.cluster.local:{port}"

    def name_servers(self, count: int) -> list[str]:
        """The addresses of the first name servers."""
        return [self.name_server(number) for number in range(count)]

    @property
    def elected(self) -> bool:
        """Whether controllers elect the masters, and grant the ids."""
        return self.values.get("controllers", {}).get("enabled", False)

    def brokers(self) -> dict[str, set[str]]:
        """What every name server must list: the ids of each group of brokers, counted from 0 where controllers grant them."""
        ids = {str(number) for number in range(self.values["brokers"]["replicasPerGroup"] + 1)}
        return {f"{self.namespace}_{self.full_name}-broker-{group}": ids for group in range(self.values["brokers"]["groups"])}

    def list_for_restarts(self) -> list[str]:
        """The name servers that a broker would read if it started now."""
        configuration = self.bed.api.get("configmaps", self.namespace, f"{self.full_name}-brokers") or {}
        return configuration.get("data", {}).get("name-servers", "").strip().split(";")

    def journal(self) -> dict[str, str]:
        """The journal as it is stored."""
        journal = self.bed.api.get("configmaps", self.namespace, f"{self.full_name}-journal") or {}
        return journal.get("data") or {}

    def hook_logs(self, since: datetime) -> str:
        """What the pods of hook Jobs that are still there have said since a moment."""
        said = []
        for pod in self.bed.api.list("pods", self.namespace, "job-name"):
            if pod["status"].get("phase") != "Pending":
                for line in self.bed.api.log(self.namespace, pod["metadata"]["name"], timestamps="true").splitlines():
                    moment, _, text = line.partition(" ")
                    if datetime.fromisoformat(moment) > since:
                        said.append(text)
        return "\n".join(said)


class Helm:
    """One helm command on a release that runs."""

    def __init__(
        self, release: Release, words: list[str], major: int, values: dict | None = None, timeout: str = HELM_TIMEOUT
    ) -> None:
        self._files = ExitStack()
        given = ["--values", self._files.enter_context(values_file(values))] if values else []
        where = ["--namespace", release.namespace, "--timeout", timeout]
        pipe = subprocess.PIPE
        # Of its own session, so that it can be killed with everything that it started.
        self.process = subprocess.Popen(
            [*release.bed.helm(major), *words, *given, *where], stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        release.bed.leave_to_end(self.kill)

    @classmethod
    def rollback(cls, release: Release, revision: int = 0, major: int = 4) -> Helm:
        """Starts a rollback to a revision, or to the last one that was deployed."""
        deployed = revision or release.last_deployed(major)
        return cls(release, ["rollback", release.name, str(deployed)], major)

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Waits for it and returns what came of it."""
        try:
            said, complained = self.process.communicate(timeout=HELM_SECONDS)
        finally:
            self._files.close()
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, said, complained)

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kills it, with everything that it started, with -9, if it still runs."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def planned_steps(journal: dict[str, str]) -> list[str]:
    """The names of the steps of an open plan, in order."""
    return [step["name"] for step in json.loads(journal.get("plan") or '{"steps": []}')["steps"]]


def journal_entries(journal: dict[str, str]) -> list[tuple[str, str]]:
    """The events of an open plan, in order, as pairs of event and the name of its step."""
    steps = planned_steps(journal)
    entries = []
    for line in (journal.get("entries") or "").splitlines():
        for event, content in json.loads(line)["event"].items():
            entries.append((event, steps[content["step"]] if "step" in content else ""))
    return entries

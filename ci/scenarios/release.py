"""One release of the chart `rocketmq`: installing, changing and looking at it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import ClassVar

from .bed import merged
from .chart_release import ChartRelease, Helm, full_name
from .kubernetes import lives

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
CHART = "rocketmq"


@dataclass
class Release(ChartRelease):
    """A release of the chart in a namespace."""

    chart_name: ClassVar[str] = CHART
    components: ClassVar[tuple[str, ...]] = ("name-server", "broker", "controller", "proxy")

    def __post_init__(self) -> None:
        image = {"image": {"repository": f"{self.bed.registry}/apache/rocketmq", "tag": self.version}}
        is_old = self.version.startswith("4.")
        own = {"nameServers": image, "proxy": image, "controllers": image, "brokers": image if is_old else {**image, **IDLER}}
        self.values = merged(merged(SMALL, own), self.values)

    @property
    def product(self) -> str:
        """What is installed, with its version, in words."""
        return f"RocketMQ {self.version}"

    @property
    def image(self) -> str:
        """The image of the servers, as the test bed names it."""
        return f"rocketmq:{self.version}"

    def roll_back(self, count: int, *, major: int = 4, revision: int = 0) -> subprocess.CompletedProcess[str]:
        """Rolls back to a revision, or to the last one that was deployed, which has so many name servers."""
        result = Helm.rollback(self, revision, major).finish()
        self.values = merged(self.values, {"nameServers": {"count": count}})
        return result

    def set_name_servers(self, count: int, **options: object) -> float:
        """Changes the number of name servers with `helm upgrade`; returns how many seconds it took."""
        self.trial.note(f"helm upgrade to {count} name servers")
        seconds = self.succeed("upgrade", {"nameServers": {"count": count}}, **options)
        self.trial.note(f"helm upgrade took {seconds:.1f} s")
        return seconds

    def broker_lives(self) -> dict[str, tuple[str, int]]:
        """The uid and the restarts of each broker."""
        return lives(self.pods("broker"))

    def name_server(self, number: int) -> str:
        """The address of a name server that the brokers use: an own one or one of another release."""
        own = {"name": self.name, "namespace": self.namespace}
        owner = self.values["nameServers"]["release"] if self.values["nameServers"].get("source") == "Release" else own
        service = f"{full_name(owner['name'], CHART)}-name-server"
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

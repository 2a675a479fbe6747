"""Values that together show what a chart can render: each choice of its fields, in pairs with each other one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .bed import ROOT, command_result, merged, output, values_file
from .pairwise import Row, combine
from .trial import Failed

OFFERINGS = ROOT / "docs/offerings"
# What has to be given for a chart or an offering that requires it.
REQUIRED: dict[str, dict] = {
    "nfs-storage": {"nfs": {"server": "nfs.example", "path": "/exports"}},
    "rocketmq-topic-transfer": {"topic": "orders", "source": {"release": "old"}, "target": {"release": "new"}},
    "team-brokers": {"brokers": {"clusterName": "orders"}},
}
MOST_SMALL = 9  # a number up to which a field's ends are values worth combining
# Values of fields of which a schema tells no choice. Those that only pass through text count as one.
SAMPLES: dict[str, list[object]] = {
    "accessControl.secretName": ["", "administrator"],
    "tls.secretName": ["", "certificates"],
    "console.usersSecretName": ["people"],
    "commonLabels": [{}, {"team": "orders"}],
    "commonAnnotations": [{}, {"note": "of orders"}],
    "imageRegistry": ["", "registry.example:5000"],
    "imagePullSecrets": [[], ["pull"]],
    "networkPolicy.clients": [[], [{"pods": {"app": "shop"}}, {"namespaces": {"team": "orders"}}]],
    "pod.labels": [{}, {"app": "shop"}],
    "pod.annotations": [{}, {"note": "1"}],
    "pod.env": [[], [{"name": "TZ", "value": "UTC"}]],
    "pod.nodeSelector": [{}, {"disk": "fast"}],
    "pod.tolerations": [[], [{"key": "dedicated", "operator": "Exists"}]],
    "pod.affinity": [{}, {"nodeAffinity": {}}],
    "pod.topologySpread": [[], [{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}]],
    "pod.priorityClassName": ["", "high"],
    "pod.terminationGracePeriodSeconds": [0, 300],
    "resources.requests.cpu": ["", "250m", 1],
    "resources.limits.cpu": ["", "2"],
    "brokers.configuration": [{}, {"fileReservedTime": 10, "traceTopicEnable": True}],
    "brokers.groups": [1, 2],
    "controllers.count": [3],
    "memory.policy": ["noeviction", "allkeys-lru"],
    "servers.replicas": [2],
    "servers.minReplicas": [0, 1],
    "sentinels.count": [3],
    "sentinels.quorum": [0, 2],
    "nfs.mountOptions": [[], ["nfsvers=4.1", "hard"]],
    "storageClass.name": ["", "files"],
    "storageClass.pathPattern": ["", "${.PVC.namespace}/${.PVC.name}", "${.PVC.namespace}_${.PVC.name}"],
    "hook.labels": [{}, {"app": "shop"}],
    "hook.annotations": [{}, {"note": "1"}],
    "hook.nodeSelector": [{}, {"disk": "fast"}],
    "hook.tolerations": [[], [{"key": "dedicated", "operator": "Exists"}]],
}
# Fields that only make sense together, as one choice at the path that they share; those that a chart refuses by themselves are left out.
TOGETHER: dict[str, list[dict]] = {
    "nameServers": [
        {"source": "Own"},
        {"source": "Release", "release": {"name": "base"}},
        {"source": "Addresses", "addresses": ["names-0.example:9876", "names-1.example:9876"]},
    ],
    "authentication": [{"source": "Generated"}, {"source": "Secret", "secretName": "password"}, {"source": "None"}],
    "persistence": [
        {"mode": "None", "storage": {"mode": "EmptyDir"}},
        {"mode": "None"},
        {"mode": "Snapshots", "storage": {"mode": "HostPath", "hostPath": "/srv/data"}},
        {"mode": "AppendOnly", "flush": "Always", "storage": {"className": "fast", "accessMode": "ReadWriteOncePod"}},
        {"mode": "Both", "flush": "Never", "storage": {"accessMode": "ReadWriteMany", "onScaleIn": "Delete", "onUninstall": "Delete"}},
    ],
    "storage": [
        {"mode": "EmptyDir"},
        {"mode": "HostPath", "hostPath": "/srv/data"},
        {"mode": "StorageClass"},
        {"mode": "StorageClass", "className": "fast", "accessMode": "ReadWriteOncePod"},
        {"mode": "StorageClass", "accessMode": "ReadWriteMany", "onScaleIn": "Delete", "onUninstall": "Delete"},
    ],
}


def fits(schema: dict, choice: dict) -> bool:
    """Whether the fields of a choice are shown, and can have its values."""
    for name, value in choice.items():
        part = schema.get("properties", {}).get(name, {"x-hidden": True})
        if part.get("x-hidden") or value not in part.get("enum", [value]):
            return False
        if isinstance(value, dict) and not fits(part, value):
            return False
    return True


def fields(schema: dict, path: str = "") -> Iterator[tuple[str, list[object]]]:
    """The fields whose values change what is rendered, with the values of each that are combined."""
    choices = next((values for end, values in TOGETHER.items() if path == end or path.endswith(f".{end}")), [])
    together = [choice for choice in choices if fits(schema, choice)]
    if together:
        yield path, list(together)
    for name, part in schema.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        if part.get("x-hidden"):
            continue
        sample = next((values for end, values in SAMPLES.items() if at == end or at.endswith(f".{end}")), None)
        if any(name in choice for choice in together):
            continue
        if sample:
            yield at, sample
        elif part.get("properties"):
            yield from fields(part, at)
        elif "enum" in part and "default" in part:
            yield at, part["enum"]
        elif part.get("type") == "boolean" and "default" in part:
            yield at, [False, True]
        elif part.get("type") == "integer" and part.get("maximum", MOST_SMALL + 1) <= MOST_SMALL:
            yield at, sorted({part["minimum"], part["default"], part["maximum"]})


def nested(row: Row) -> dict:
    """Values as a file has them, of a row of paths."""
    values: dict = {}
    for path, value in row.items():
        for name in reversed(path.split(".")):
            value = {name: value}  # noqa: PLW2901 (it grows from the inside)
        values = merged(values, value)
    return values


@dataclass(frozen=True)
class Representative:
    """The values of a chart, how many fields they combine, and the pairs that rules of the chart refuse."""

    rows: list[dict]
    fields: int
    refused: set[str]


@dataclass(frozen=True)
class Subject:
    """A chart that is looked at: one of the project, or one that is made of an offering."""

    name: str
    base: str  # the chart of the project that it is or is made of
    directory: Path
    schema: dict
    check: list[object]  # the words with which `midships check` is told what values are for

    @property
    def required(self) -> dict:
        """What has to be given for it at least."""
        return REQUIRED.get(self.name, {})


def subjects(midships: Path, directory: Path) -> list[Subject]:
    """The charts of the project, and those of the worked examples of offerings, which are made in a directory for this."""
    found = []
    for chart in sorted(file.parent for file in ROOT.glob("charts/*/Chart.yaml")):
        found.append(Subject(chart.name, chart.name, chart, schema_of(ROOT, chart.name), ["--chart", chart.name]))
    examples = sorted(OFFERINGS.glob("*.yaml"))
    if not examples:
        raise Failed(f"there is no example of an offering in {OFFERINGS}")
    for file in examples:
        made = directory / file.stem
        output([midships, "offering", file, "--out", made])
        chart = next((made / "charts").iterdir())
        base = next(line.split()[1] for line in file.read_text().splitlines() if line.startswith("chart: "))
        found.append(Subject(chart.name, base, chart, schema_of(made, chart.name), ["--offering", file]))
    return found


def defaults(schema: dict) -> dict:
    """The defaults of all fields, as a chart's values have them."""
    shown = {name: part for name, part in schema.get("properties", {}).items() if not part.get("x-hidden")}
    return {name: defaults(part) if part.get("properties") else part.get("default") for name, part in shown.items()}


def schema_of(root: Path, chart: str) -> dict:
    """The schema of a chart's values."""
    return json.loads((root / f"schemas/{chart}.values.json").read_text())


def values_of(subject: Subject, midships: Path) -> Representative:
    """Values of a chart in which every two values of two fields meet, unless a rule of the chart refuses that."""

    def allowed(row: Row) -> bool:
        with values_file(merged(subject.required, nested(row))) as file:
            result = command_result([midships, "check", file, *subject.check, "--release", "trial"])
        if result.returncode not in (0, 1):
            raise Failed(f"midships check ended with {result.returncode}: {result.stderr.strip()}")
        return result.returncode == 0

    known = dict(fields(subject.schema))
    for path, values in known.items():
        if isinstance(values[0], dict) and path.rpartition(".")[2] in TOGETHER:
            known[path] = [choice for choice in values if allowed({path: choice})]
    rows, refused = combine(known, allowed)
    if not rows:
        raise Failed(f"no two values of the chart {subject.name} go together")
    pairs = {f"{one}={first} with {other}={second}" for one, first, other, second in refused}
    return Representative([merged(subject.required, nested(row)) for row in rows], len(known), pairs)

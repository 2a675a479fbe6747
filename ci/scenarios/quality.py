"""The charts as text: lint, the schemas of six versions of Kubernetes, pairwise values, repetition."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import kubernetes_schemas
from .argo import as_list, as_objects
from .bed import CACHE, ROOT, command_result, merged, output, program, values_file
from .pairwise import Row, combine
from .release import SMALL
from .rocketmq_faults import succeed
from .trial import Failed, Trial, scenario

OFFERINGS = ROOT / "docs/offerings"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
NAMESPACE = "accept-quality"
MOST_SMALL = 9  # a number up to which a field's ends are values worth combining
# Values of fields of which a schema tells no choice. Those that only pass through text count as one.
SAMPLES: dict[str, list[object]] = {
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
    "hook.labels": [{}, {"app": "shop"}],
    "hook.annotations": [{}, {"note": "1"}],
    "hook.nodeSelector": [{}, {"disk": "fast"}],
    "hook.tolerations": [[], [{"key": "dedicated", "operator": "Exists"}]],
}
# Fields that only make sense together, as one choice at the path that they share.
TOGETHER: dict[str, list[dict]] = {
    "nameServers": [
        {"source": "Own"},
        {"source": "Release", "release": {"name": "base"}},
        {"source": "Addresses", "addresses": ["names-0.example:9876", "names-1.example:9876"]},
    ],
    "storage": [
        {"mode": "EmptyDir"},
        {"mode": "HostPath", "hostPath": "/srv/rocketmq"},
        {"mode": "StorageClass"},
        {"mode": "StorageClass", "className": "fast", "accessMode": "ReadWriteOncePod"},
        {"mode": "StorageClass", "accessMode": "ReadWriteMany", "onScaleIn": "Delete", "onUninstall": "Delete"},
    ],
}


# What has to be given for an offering that requires it.
REQUIRED: dict[str, dict] = {"team-brokers": {"brokers": {"clusterName": "orders"}}}


@dataclass
class Subject:
    """A chart that is looked at: one of the project, or one that is made of an offering."""

    name: str
    directory: Path
    schema: Path
    check: list[object]  # the words with which `midships check` is told what values are for


@scenario("charts-quality")
def charts_quality(trial: Trial) -> None:
    """Charts and offerings: lint of both Helms, pairwise values against six Kubernetes and the API server, the same twice."""
    midships = program("midships")
    succeed(trial, [midships, "generate", "--check"])
    packages_repeat(trial, midships)
    with values_file(SMALL) as file:
        succeed(trial, [midships, "check", file, "--chart", "rocketmq"])
    with trial.bed.namespace(NAMESPACE), tempfile.TemporaryDirectory(prefix="midships-quality-") as directory:
        # A pod of its own, as that of `helm test` is, needs its account even for a dry run.
        trial.bed.api.create("serviceaccounts", NAMESPACE, {"metadata": {"name": "trial-rocketmq"}})
        files = []
        for subject in subjects(trial, midships, Path(directory)):
            required = REQUIRED.get(subject.name, {})
            with values_file(required) as file:
                for major in (3, 4):
                    helm = trial.bed.helm(major)
                    succeed(trial, [*helm, "lint", "--strict", subject.directory, "--values", file])
                    dry = ["install", "trial", subject.directory, "--namespace", NAMESPACE, "--dry-run=server", "--values", file]
                    succeed(trial, [*helm, *dry])
            for number, values in enumerate([required, *pairwise(trial, midships, subject, required)]):
                files.append(Path(directory, f"{subject.name}-{number:03}.yaml"))
                rendered = render_twice(trial, subject, values)
                files[-1].write_text(rendered)
                apply = ["apply", "--dry-run=server", "--namespace", NAMESPACE, "-f", "-"]
                succeed(trial, [*trial.bed.kubectl, *apply], input=as_list(as_objects(trial.bed, rendered)))
        trial.note(f"the API server takes {len(files)} renderings")
        conform(trial, files)


def subjects(trial: Trial, midships: Path, directory: Path) -> list[Subject]:
    """The charts of the project, and those of the worked examples of offerings, which are made for this."""
    name = "rocketmq"
    found = [Subject(name, ROOT / "charts" / name, ROOT / f"schemas/{name}.values.json", ["--chart", name])]
    for file in sorted(OFFERINGS.glob("*.yaml")):
        made = directory / file.stem
        succeed(trial, [midships, "offering", file, "--out", made])
        chart = next((made / "charts").iterdir())
        found.append(Subject(chart.name, chart, made / f"schemas/{chart.name}.values.json", ["--offering", file]))
    trial.check(len(found) > 1, "no offering was made")
    trial.figure("charts and offerings", len(found))
    return found


def packages_repeat(trial: Trial, midships: Path) -> None:
    """Packs the charts twice: the bytes are the same."""
    with tempfile.TemporaryDirectory(prefix="midships-quality-") as directory:
        packages = []
        for attempt in ("one", "two"):
            succeed(trial, [midships, "package", "--out", Path(directory, attempt)])
            files = sorted(Path(directory, attempt).iterdir())
            packages.append({file.name: file.read_bytes() for file in files})
    trial.check(packages[0] and packages[0] == packages[1], "two packages of the same charts differ")
    trial.figure("packages", ", ".join(f"{name} {len(content)} bytes" for name, content in packages[0].items()))


def fields(schema: dict, path: str = "") -> Iterator[tuple[str, list[object]]]:
    """The fields whose values change what is rendered, with the values of each that are combined."""
    together = next((values for end, values in TOGETHER.items() if path == end or path.endswith(f".{end}")), None)
    if together:
        yield path, list(together)
    for name, part in schema.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        if part.get("x-hidden"):
            continue
        sample = next((values for end, values in SAMPLES.items() if at == end or at.endswith(f".{end}")), None)
        if together and any(name in choice for choice in together):
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


def pairwise(trial: Trial, midships: Path, subject: Subject, required: dict) -> list[dict]:
    """Values in which every two values of two fields meet, unless a rule of the chart refuses that."""
    known = dict(fields(json.loads(subject.schema.read_text())))

    def allowed(row: Row) -> bool:
        with values_file(merged(required, nested(row))) as file:
            result = command_result([midships, "check", file, *subject.check, "--release", "trial"])
        if result.returncode not in (0, 1):
            raise Failed(f"midships check ended with {result.returncode}: {result.stderr.strip()}")
        return result.returncode == 0

    rows, refused = combine(known, allowed)
    pairs = {f"{one}={first} with {other}={second}" for one, first, other, second in refused}
    figures = f"{len(known)} fields combined, {len(rows)} pairwise rows, {len(pairs)} pairs that rules refuse"
    trial.figure(subject.name, figures)
    for pair in sorted(pairs):
        trial.note(f"refused by a rule: {pair}")
    return [merged(required, nested(row)) for row in rows]


def render_twice(trial: Trial, subject: Subject, values: dict) -> str:
    """What Helm makes of values: twice the same, and the same objects whichever Helm it is."""
    version = trial.bed.api.ask("GET", "/version")["gitVersion"]
    with values_file(values) as file:
        rest = ["template", "trial", subject.directory, "--namespace", NAMESPACE, "--kube-version", version, "--values", file]
        texts = [output([*trial.bed.helm(major), *rest]) for major in (4, 4, 3)]
    trial.check(texts[0] == texts[1], f"helm template made two different texts of {json.dumps(values)}")
    lines = [[line for line in text.splitlines() if line] for text in texts[1:]]
    trial.check(lines[0] == lines[1], f"Helm 3 and Helm 4 made different objects of {json.dumps(values)}")
    return texts[0]


@cache
def go_program(module: str) -> Path:
    """A program that is built from a Go module of a pinned version, once."""
    name = module.rpartition("/")[2].replace("@", "-")
    directory = CACHE / "quality" / name
    built = directory / name.rpartition("-")[0]
    if not built.exists():
        directory.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(directory), "CGO_ENABLED": "0"}
        output(["nice", "go", "install", module], env=environment, cwd=directory)
    return built


def conform(trial: Trial, files: list[Path]) -> None:
    """Holds every object against the schemas of each version of Kubernetes; unknown fields are refused."""
    for version in kubernetes_schemas.VERSIONS:
        location = f"{kubernetes_schemas.directory(version)}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
        command = [go_program(KUBECONFORM), "-strict", "-summary", "-output", "json", "-schema-location", location]
        result = command_result([*command, *files])
        summary = json.loads(result.stdout)["summary"]
        good = result.returncode == 0 and summary["valid"] and not summary["skipped"]
        trial.check(good, f"kubeconform for Kubernetes {version}: {result.stdout[:3000]}{result.stderr[-1000:]}")
        trial.figure(f"objects valid for Kubernetes {version}", summary["valid"])

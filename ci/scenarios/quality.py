"""The charts as text: lint, the schemas of six versions of Kubernetes, pairwise values, repetition."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from . import kubernetes_schemas, prometheus, representative
from .argo import as_list, as_objects
from .bed import ROOT, command_result, output, program, values_file
from .programs import go_program
from .release import SMALL
from .representative import Subject
from .rocketmq_faults import succeed
from .trial import Trial, scenario

KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
NAMESPACE = "accept-quality"


@scenario("charts-quality")
def charts_quality(trial: Trial) -> None:
    """Charts and offerings: lint of both Helms, pairwise values against six Kubernetes and the API server, the same twice."""
    midships = program("midships")
    succeed(trial, [midships, "generate", "--check"])
    packages_repeat(trial, midships)
    with values_file(SMALL) as file:
        succeed(trial, [midships, "check", file, "--chart", "rocketmq"])
    temporary = tempfile.TemporaryDirectory(prefix="midships-quality-")
    with trial.bed.namespace(NAMESPACE), prometheus.service_monitors(trial.bed), temporary as directory:
        looked_at = representative.subjects(midships, Path(directory))
        for subject in looked_at:
            with values_file(subject.required) as file:
                for major in (3, 4):
                    helm = trial.bed.helm(major)
                    succeed(trial, [*helm, "lint", "--strict", subject.directory, "--values", file])
                    dry = ["install", "trial", subject.directory, "--namespace", NAMESPACE, "--dry-run=server", "--values", file]
                    succeed(trial, [*helm, *dry])
        # A pod of its own, as that of `helm test` is, needs its account even for a dry run.
        trial.bed.api.create("serviceaccounts", NAMESPACE, {"metadata": {"name": "trial-rocketmq"}})
        files = []
        for subject in looked_at:
            repeats(trial, subject)
            rendered = [render(trial, subject, values) for values in (subject.required, *pairwise(trial, midships, subject))]
            for number, text in enumerate(rendered):
                files.append(Path(directory, f"{subject.name}-{number:03}.yaml"))
                files[-1].write_text(text)
            # All at once, since kubectl learns anew what the API server knows each time it starts.
            apply = ["apply", "--dry-run=server", "--namespace", NAMESPACE, "-f", "-"]
            succeed(trial, [*trial.bed.kubectl, *apply], input=as_list(as_objects(trial.bed, "\n---\n".join(rendered))))
        trial.note(f"the API server takes {len(files)} renderings")
        conform(trial, files)


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


def pairwise(trial: Trial, midships: Path, subject: Subject) -> list[dict]:
    """Values in which every two values of two fields meet, unless a rule of the chart refuses that."""
    found = representative.values_of(subject, midships)
    figures = f"{found.fields} fields combined, {len(found.rows)} pairwise rows, {len(found.refused)} pairs that rules refuse"
    trial.figure(subject.name, figures)
    for pair in sorted(found.refused):
        trial.note(f"refused by a rule: {pair}")
    return found.rows


def texts(trial: Trial, subject: Subject, values: dict, majors: tuple[int, int]) -> list[str]:
    """What these Helms make of values."""
    version = trial.bed.api.ask("GET", "/version")["gitVersion"]
    with values_file(values) as file:
        rest = ["template", "trial", subject.directory, "--namespace", NAMESPACE, "--kube-version", version, "--values", file]
        return [output([*trial.bed.helm(major), *rest]) for major in majors]


def repeats(trial: Trial, subject: Subject) -> None:
    """Renders the fewest values twice: the texts are the same."""
    first, second = texts(trial, subject, subject.required, (4, 4))
    trial.check(first == second, f"helm template made two different texts of the chart {subject.name}")


def render(trial: Trial, subject: Subject, values: dict) -> str:
    """What Helm makes of values: the same objects whichever Helm it is."""
    newer, older = texts(trial, subject, values, (4, 3))
    lines = [[line for line in text.splitlines() if line] for text in (newer, older)]
    trial.check(lines[0] == lines[1], f"Helm 3 and Helm 4 made different objects of {json.dumps(values)}")
    return newer


def conform(trial: Trial, files: list[Path]) -> None:
    """Holds every object against the schemas of each version of Kubernetes; unknown fields are refused."""
    kind = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
    own = ["-schema-location", f"{prometheus.schemas(trial.bed)}/{kind}"]
    for version in kubernetes_schemas.VERSIONS:
        location = f"{kubernetes_schemas.directory(version)}/{kind}"
        command = [go_program(KUBECONFORM), "-strict", "-summary", "-output", "json", "-schema-location", location, *own]
        result = command_result([*command, *files])
        summary = json.loads(result.stdout)["summary"]
        good = result.returncode == 0 and summary["valid"] and not summary["skipped"]
        trial.check(good, f"kubeconform for Kubernetes {version}: {result.stdout[:3000]}{result.stderr[-1000:]}")
        trial.figure(f"objects valid for Kubernetes {version}", summary["valid"])

"""Making a chart by midships from the model, by cdk8s from code and by helmify from manifests, for few objects and for many."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .measure import ROOT, Failed, Measure, go_program, measure, midships, node_modules
from .post_render import YQ

CHART = "rocketmq"
# What is set of the chart's values: nothing, and the most brokers that it takes.
SIZES = [[], ["brokers.groups=32", "brokers.replicasPerGroup=4"]]
IN_MEMORY = "/dev/shm"  # what is measured is the programs, not the disk
HELMIFY = ("helmify", "github.com/arttor/helmify/cmd/helmify", "v0.4.20")
CDK8S = Path(__file__).resolve().parent / "cdk8s"
# Objects by what tells them apart.
Objects = dict[tuple[str, str, str], dict]


@dataclass(frozen=True)
class Program:
    """One way of making the chart."""

    title: str
    command: list[object]
    output: str  # the directory that it makes, below the one in which it runs


def read(yq: Path, text: str) -> Objects:
    """The objects of a stream by kind, name and the hook that they are: an object may stand for two hooks."""
    words = [str(yq), "--output-format=json", "--indent=0", ".", "-"]
    lines = subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [value for line in lines if (value := json.loads(line))]
    return {key(value): value for value in found}


def key(value: dict) -> tuple[str, str, str]:
    """What tells an object from others."""
    metadata = value["metadata"]
    return value["kind"], metadata["name"], (metadata.get("annotations") or {}).get("helm.sh/hook", "")


def kinds(objects: Objects) -> list[str]:
    """The kinds of objects but for accounts, each as often as it is there."""
    return sorted(kind for kind, _, _ in objects if kind != "ServiceAccount")


def rendered(helm: Path, chart: Path, sets: list[str]) -> str:
    """The manifests of a chart as Helm renders them."""
    command = [helm, "template", "demo", chart, *(f"--set={one}" for one in sets)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"Helm does not render {chart.name}: {done.stderr[-1000:]}")
    return done.stdout


def app(objects: Objects) -> str:
    """An app of cdk8s that makes the objects: literals, which leave it nothing to compute."""
    lines = ['const { ApiObject, App, Chart } = require("cdk8s");', "const app = new App();"]
    lines.append(f'const chart = new Chart(app, "{CHART}", {{ disableResourceNameHashes: true }});')
    for place, value in enumerate(objects.values()):
        lines.append(f'new ApiObject(chart, "{place}", {json.dumps(value, indent=2)});')
    return "\n".join([*lines, "app.synth();", ""])


def programs() -> list[Program]:
    """The programs that are compared."""
    cdk8s = "cdk8s " + json.loads((CDK8S / "package.json").read_text())["dependencies"]["cdk8s-cli"]
    synth = ["node", "node_modules/cdk8s-cli/bin/cdk8s", "synth", "--check-upgrade=false", "--app", "node app.js"]
    synth += ["--format", "helm", "--chart-version", "0.1.0", "--output", "synthesized"]
    return [
        Program("midships", [midships(), "generate", "--chart", CHART, "--root", "own"], "own"),
        Program(f"helmify {HELMIFY[2]}", [go_program(*HELMIFY), "helmified"], "helmified"),
        Program(f"{cdk8s}, its app alone", ["node", "app.js"], "dist"),
        Program(cdk8s, synth, "synthesized"),
    ]


def judge(program: Program, directory: Path, helm: Path, yq: Path, given: Objects, sets: list[str]) -> None:
    """Fails when a program has made something else than the objects that it was given."""
    output = directory / program.output
    if program.output == "helmified":
        # It gives the objects other names, which its chart makes of the release's, and all pods one account.
        made, wanted = kinds(read(yq, rendered(helm, output, []))), kinds(given)
        if made != wanted:
            raise Failed(f"helmify has made a chart of {made}, and was given {wanted}")
        return
    if program.output == "own":
        made = read(yq, rendered(helm, output / "charts" / CHART, sets))
    else:
        made = read(yq, "---\n".join(path.read_text() for path in sorted(output.rglob("*.k8s.yaml"))))
    if made != given:
        differ = [name for name in {**made, **given} if made.get(name) != given.get(name)]
        raise Failed(f"{program.title} has made other objects than it was given: {differ[:5]}")


def row(objects: int, name: str, taken: Measure, ours: Measure) -> str:
    """A row of the table."""
    more = "" if taken.finished else "more than "
    ratio = "" if taken is ours else f"{more}{taken.seconds / ours.seconds:.1f} times"
    return f"| {objects} | {name} | {more}{taken.seconds:.4g} s | {taken.megabytes:.0f} MB | {ratio} | {taken.runs} |"


def run(runs: int) -> None:
    """Measures all and prints the table; fails when a program does not make what it is given."""
    yq = go_program(*YQ)
    if subprocess.run([ROOT / "ci/testbed", "build", "helm4"], check=False).returncode != 0:
        raise Failed("Helm cannot be built; the lines above say why")
    found = subprocess.run([ROOT / "ci/testbed", "program", "helm4"], stdout=subprocess.PIPE, text=True, check=True)
    helm = Path(found.stdout.strip())
    modules, compared = node_modules(CDK8S), programs()
    print("| objects | program | time | memory | beside midships | runs |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for sets in SIZES:
        with tempfile.TemporaryDirectory(prefix="midships-bench-", dir=IN_MEMORY) as name:
            directory = Path(name)
            source = directory / "manifests.yaml"
            source.write_text(rendered(helm, ROOT / "charts" / CHART, sets))
            given = read(yq, source.read_text())
            (directory / "app.js").write_text(app(given))
            (directory / "node_modules").symlink_to(modules)
            ours = None
            start = measure(["/bin/true"], source, directory / "true.out", directory, runs)
            print(f"| {len(given)} | a process that does nothing | {start.seconds:.4g} s | | | {start.runs} |", flush=True)
            for program in compared:
                output = directory / program.output

                def prepare(output: Path = output) -> None:
                    """Each run begins without what the one before has made."""
                    shutil.rmtree(output, ignore_errors=True)

                taken = measure(program.command, source, directory / f"{program.output}.out", directory, runs, prepare)
                ours = ours or taken
                if taken.finished:
                    judge(program, directory, helm, yq, given, sets)
                print(row(len(given), program.title, taken, ours), flush=True)

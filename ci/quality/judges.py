"""The judges of the charts: how each is run, and what it found in the words that all share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scenarios.bed import command_result
from scenarios.programs import go_program, python_programs
from scenarios.trial import Failed

from .exceptions import Finding, Rendering

HERE = Path(__file__).resolve().parent
KUBE_SCORE = "github.com/zegl/kube-score/cmd/kube-score@v1.20.0"
KUBERNETES = "1.34"
PYTHON_PACKAGES = HERE / "python.txt"
GOOD_GRADE = 10  # kube-score's best one; what it grades lower it has something to say about
# What would silence a judge from within an object; exceptions stand in one file instead.
SILENCERS = ("kube-score/ignore", "kube-score/enable", "checkov.io/")


@dataclass(frozen=True)
class Rendered:
    """A file of objects that Helm made, each with the release's full name at the beginning of its name."""

    file: Path
    full_name: str
    rendering: Rendering
    objects: int

    def short(self, name: str) -> str:
        """An object's name with F for the full name, as in the table of names in ARCHITECTURE.md."""
        return "F" + name.removeprefix(self.full_name) if name.startswith(self.full_name) else name


def install() -> None:
    """Makes the programs of all judges, unless they are there."""
    go_program(KUBE_SCORE)
    python_programs(PYTHON_PACKAGES)


def silenced(rendered: list[Rendered]) -> list[str]:
    """Renderings that tell a judge to look away."""
    texts = {item.rendering.name: item.file.read_text() for item in rendered}
    return [f"{name}: has the annotation `{word}`" for name, text in texts.items() for word in SILENCERS if word in text]


def kube_score(rendered: list[Rendered]) -> list[Finding]:
    """What kube-score finds with all of its tests. It looks at one rendering at a time: the objects of one belong together."""
    with ThreadPoolExecutor(os.cpu_count()) as lanes:
        return [finding for found in lanes.map(score, rendered) for finding in found]


def score(item: Rendered) -> list[Finding]:
    """What kube-score finds in one rendering."""
    options = ["--output-format", "json", "--kubernetes-version", f"v{KUBERNETES}", "--all-default-optional"]
    objects = answer([go_program(KUBE_SCORE), "score", *options, item.file])
    return list(scored(item, objects))


def scored(item: Rendered, objects: list[dict]) -> Iterator[Finding]:
    """The findings of kube-score's answer; a test that it skips is one that does not concern the object."""
    for scored_object in objects:
        kind, name = scored_object["type_meta"]["kind"], item.short(scored_object["object_meta"]["name"])
        for test in scored_object["checks"]:
            if test["skipped"] or test["grade"] >= GOOD_GRADE:
                continue
            make = partial(Finding, "kube-score", test["check"]["id"], kind, name, rendering=item.rendering)
            for comment in test["comments"] or [{"path": "", "summary": test["check"]["name"]}]:
                yield make(comment["path"], comment["summary"])


def checkov(rendered: list[Rendered]) -> list[Finding]:
    """What checkov finds. It takes seconds to start and has one thread, so each processor gets its share of the files."""
    count = os.cpu_count() or 1
    shares = [share for share in (rendered[number::count] for number in range(count)) if share]
    with ThreadPoolExecutor(count) as lanes:
        return [finding for found in lanes.map(check, shares) for finding in found]


def check(share: list[Rendered]) -> list[Finding]:
    """What checkov finds in several renderings, without asking anybody on the network."""
    options = ["--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "--output", "json"]
    files = [word for item in share for word in ("--file", item.file)]
    return list(checked(share, answer([python_programs(PYTHON_PACKAGES) / "checkov", *options, *files])))


def checked(share: list[Rendered], report: dict) -> Iterator[Finding]:
    """The findings of checkov's report, which has to have looked at every object."""
    summary, by_name = report["summary"], {item.file.name: item for item in share}
    expected = sum(item.objects for item in share)
    if summary["parsing_errors"] or summary["skipped"] or summary["resource_count"] < expected:
        raise Failed(f"checkov looked at less than all of {expected} objects: {summary}")
    for record in report["results"]["failed_checks"]:
        item = by_name[Path(record["file_path"]).name]
        # After the name of an object for whose pods it speaks, checkov writes their labels.
        kind, _, name = record["resource"].split(".")[:3]
        yield Finding("checkov", record["check_id"], kind, item.short(name), "", record["check_name"], item.rendering)


def yamllint(configuration: Path, files: list[Path]) -> list[str]:
    """What yamllint finds, a line each."""
    options = ["--strict", "--format", "parsable", "--config-file", configuration]
    result = command_result([python_programs(PYTHON_PACKAGES) / "yamllint", *options, *files])
    if result.stderr or result.returncode not in (0, 1, 2):
        raise Failed(f"yamllint ended with {result.returncode}: {result.stderr.strip()}")
    return result.stdout.splitlines()


def answer(command: list[object]) -> list | dict:
    """What a judge says as JSON; its exit code only tells whether it found something."""
    result = command_result(command)
    try:
        return json.loads(result.stdout)
    except ValueError as error:
        words = " ".join(str(word) for word in command[:2])
        raise Failed(f"`{words} …` ended with {result.returncode}: {result.stderr.strip() or result.stdout[:1000]}") from error

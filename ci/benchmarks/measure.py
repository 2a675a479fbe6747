"""Runs programs, measures what they take, and builds those to compare with."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MIDSHIPS_CACHE") or Path.home() / ".cache/midships")
PATIENCE_SECONDS = 600  # a run that takes longer is ended, and the table says so
INSIDE = "MIDSHIPS_BENCH_INSIDE"  # what a benchmark is given that measures in a network of its own
TIME = Path("/usr/bin/time")
LONG_SECONDS = 30  # what takes longer than this is run once


class Failed(Exception):
    """Something cannot be measured, or gives another result than it must."""


@dataclass(frozen=True)
class Measure:
    """What a command took."""

    seconds: float
    megabytes: float
    runs: int
    finished: bool = True


def midships() -> Path:
    """The program midships as `cargo build --release` leaves it."""
    found = sorted(ROOT.glob("target/*/release/midships"))
    if not found:
        raise Failed("midships is not built; run `cargo build --release` first")
    return found[0]


def built(*target: str) -> Path:
    """A program of the workspace, built for release."""
    command = ["cargo", "build", "--quiet", "--release", "--message-format", "json", *target]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{target[-1]} cannot be built; the lines above say why")
    found = [made for line in done.stdout.splitlines() if (made := json.loads(line).get("executable"))]
    return Path(found[-1])


def given_inside() -> list[Path]:
    """What was prepared outside, where this is the network of its own; else nothing."""
    return [Path(text) for text in os.environ.get(INSIDE, "").split(":") if text]


def measure_apart(bench: str, runs: int, *given: Path) -> None:
    """Runs a benchmark once more, in a network and with processes of its own, and gives it what was prepared. Needs root."""
    environment = {**os.environ, INSIDE: ":".join(map(str, given))}
    apart = ["unshare", "--net", "--mount", "--uts", "--fork", "--pid", "--kill-child", "--mount-proc"]
    command = [*apart, sys.executable, ROOT / "ci/bench", bench, str(runs)]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise Failed("the measurement did not come to its end; the lines above say why")


def go_program(name: str, package: str, version: str) -> Path:
    """A program that is built from a pinned Go module, once."""
    directory = CACHE / "bench" / f"{name}-{version}"
    program = directory / name
    if not program.exists():
        print(f"building {name} {version}, once", flush=True)
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(directory)}
        command = ["nice", "go", "install", "-ldflags", "-s -w", f"{package}@{version}"]
        if subprocess.run(command, env=environment, check=False).returncode != 0:
            raise Failed(f"{name} {version} cannot be built; the lines above say why")
    return program


def node_modules(source: Path) -> Path:
    """The packages that the lock file beside a package.json pins, installed once for each content of it."""
    key = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    directory = CACHE / "bench" / f"{source.name}-{key}"
    if not (directory / "ready").exists():
        print(f"installing {source.name}, once", flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, directory)
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        if subprocess.run(command, cwd=directory, check=False).returncode != 0:
            raise Failed(f"{source.name} cannot be installed; the lines above say why")
        (directory / "ready").touch()
    return directory / "node_modules"


def run_once(command: list[object], source: Path, target: Path, directory: Path) -> Measure:
    """Runs a command from a file to a file and measures it."""
    words, complaints = [str(word) for word in command], target.with_suffix(".complaints")
    with source.open("rb") as given, target.open("wb") as taken, complaints.open("wb") as complained:
        begun = time.monotonic()
        process = subprocess.Popen(words, stdin=given, stdout=taken, stderr=complained, cwd=directory)
        end = threading.Timer(PATIENCE_SECONDS, process.kill)
        end.start()
        _, status, usage = os.wait4(process.pid, 0)  # it alone tells what this one process had in use
        seconds = time.monotonic() - begun
        end.cancel()
    megabytes, code = usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL and seconds >= PATIENCE_SECONDS:
        return Measure(seconds, megabytes, 1, finished=False)
    if code != 0:
        raise Failed(f"`{words[0]}` ended with {code}: {complaints.read_text()[-1000:]}")
    return Measure(seconds, megabytes, 1)


def memory(command: list[object], source: Path, target: Path, directory: Path) -> float:
    """The most memory that a command has in use, in MB: in a run of its own, started by a small program.

    What starts a program counts as its memory, too, and this one here is larger than some that it measures.
    """
    if not TIME.exists():
        raise Failed("the program time is not installed; install Debian's package of that name")
    said = target.with_suffix(".memory")
    run_once([TIME, "--format=%M", f"--output={said}", *command], source, target, directory)
    return int(said.read_text()) / 1024


def nothing() -> None:
    """What most commands need before each run."""


def measure(
    command: list[object], source: Path, target: Path, directory: Path, runs: int, prepare: Callable[[], None] = nothing
) -> Measure:
    """Runs a command some times and takes the median of the times; the memory is that of one more run, unless runs are long.

    What prepares a run is not measured.
    """
    done: list[Measure] = []
    while len(done) < runs:
        prepare()
        done.append(run_once(command, source, target, directory))
        if done[-1].seconds > LONG_SECONDS or not done[-1].finished:
            break
    seconds = statistics.median(run.seconds for run in done)
    megabytes = done[-1].megabytes
    if seconds <= LONG_SECONDS:
        prepare()
        megabytes = memory(command, source, target, directory)
    return Measure(seconds, megabytes, len(done), done[-1].finished)

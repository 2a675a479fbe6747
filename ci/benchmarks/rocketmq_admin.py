"""Questions to a cluster of RocketMQ and a thousand topics, by midships-hook and its client and by mqadmin and its library."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .measure import CACHE, ROOT, Failed, Measure, built, given_inside, measure, measure_apart, nothing

HERE = Path(__file__).resolve().parent / "rocketmq"
RECORDINGS = ROOT / "hooks/clients/rocketmq/recordings"
IN_MEMORY = "/dev/shm"  # what is measured is the programs, not the disk
NAME_SERVER, BROKER, CLUSTER = "127.0.0.1:9876", "127.0.0.1:10911", "recorded"
TOPICS, GROUPS = 1000, 100
START_SECONDS = 300
# As `tools.sh` of the product starts it.
HEAP = ["-server", "-Xms1g", "-Xmx1g", "-Xmn256m", "-XX:MetaspaceSize=128m", "-XX:MaxMetaspaceSize=128m"]
ADMIN = "org.apache.rocketmq.tools.command.MQAdminStartup"


@dataclass(frozen=True)
class Program:
    """One way of doing what is measured."""

    title: str
    command: list[object]
    prepare: Callable[[], None] = nothing
    times: int = 1  # how often the command would have to be run to do the whole
    figure: Callable[[str], int] | None = None  # what all programs must find alike, from what they print


def version() -> str:
    """The version of the servers and of mqadmin."""
    found = re.search(r"<rocketmq.version>(.*)</rocketmq.version>", (HERE / "pom.xml").read_text())
    if not found:
        raise Failed("ci/benchmarks/rocketmq/pom.xml names no version")
    return found[1]


def jars() -> Path:
    """A directory with the jars in a folder of the version's name, downloaded once, and the compiled class in `classes`."""
    directory = CACHE / "bench" / f"rocketmq-{version()}"
    if not (directory / "ready").exists():
        print(f"downloading RocketMQ {version()}, once", flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        options = [f"-DoutputDirectory={directory / version()}", "-DincludeScope=runtime"]
        command = ["nice", "mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies", *options]
        if subprocess.run(command, check=False).returncode != 0:
            raise Failed("the jars cannot be downloaded; the lines above say why")
        (directory / "ready").touch()
    classes = directory / "classes"
    command = ["nice", "javac", "-cp", directory / version() / "*", "-d", classes, HERE / "CreateTopics.java"]
    if subprocess.run(command, check=False).returncode != 0:
        raise Failed("CreateTopics.java cannot be compiled; the lines above say why")
    return directory


def start(directory: Path) -> subprocess.Popen:
    """Starts two name servers, a master and its replica, and waits for them."""
    lines = [
        "set -euo pipefail",
        f"jars={directory} version={version()}",
        f". {RECORDINGS / 'servers'}",
        "name_server name-server 9876 JSON",
        "name_server other-name-server 9877 JSON",
        "broker master ASYNC_MASTER 0 10911",
        "broker replica SLAVE 1 11911",
        "wait",
    ]
    return subprocess.Popen(["bash", "-c", "\n".join(lines)])


def answered(hook: Path, brokers: int) -> bool:
    """Whether so many brokers are there and answer."""
    command = [hook, "rocketmq", "cluster", "--name-servers", NAME_SERVER, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and len(json.loads(done.stdout)["brokers"]) == brokers


def brokers_listed(text: str) -> int:
    """How many brokers an answer lists."""
    return len(re.findall(r"127\.0\.0\.1:1[01]911", text))


def lag_told(text: str) -> int:
    """The lag in total, as midships-hook tells it."""
    found = re.search(r"^lag in total: (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else -1


def lag_summed(text: str) -> int:
    """The lag in total, from the last column of the table of mqadmin."""
    return sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith("group-"))


def row(work: str, program: Program, taken: Measure, ours: Measure) -> str:
    """A row of the table."""
    seconds, more = taken.seconds * program.times, "" if taken.finished else "more than "
    ratio = "" if taken is ours else f"{more}{seconds / ours.seconds:.1f} times"
    memory = "" if taken is ours else f"{taken.megabytes / ours.megabytes:.1f} times"
    runs = f"{taken.runs}" + (f", extrapolated from one of {program.times}" if program.times > 1 else "")
    return f"| {work} | {program.title} | {more}{seconds:.4g} s | {taken.megabytes:.0f} MB | {ratio} | {memory} | {runs} |"


def works(hook: Path, fill: Path, directory: Path) -> dict[str, list[Program]]:
    """What is measured, ours first."""
    java = ["java", *HEAP, "-cp", f"{directory / version()}/*:{directory / 'classes'}"]
    admin, own = [*java, ADMIN], [hook, "rocketmq"]
    servers = ["--name-servers", NAME_SERVER]

    def fresh(prefix: str, topics: int = TOPICS) -> Callable[[], None]:
        """Without the topics of the run before, whose names the command has: to make them again would change nothing."""

        def prepare() -> None:
            subprocess.run([fill, BROKER, "remove", prefix, str(topics)], check=True)

        return prepare

    single = [*admin, "updateTopic", "-n", NAME_SERVER, "-c", CLUSTER, "-t", "one-0"]
    return {
        "list of brokers": [
            Program("midships-hook rocketmq cluster", [*own, "cluster", *servers], figure=brokers_listed),
            Program("mqadmin clusterList", [*admin, "clusterList", "-n", NAME_SERVER], figure=brokers_listed),
        ],
        f"progress of {GROUPS} groups in 10 topics": [
            Program("midships-hook rocketmq progress", [*own, "progress", *servers], figure=lag_told),
            Program("mqadmin consumerProgress", [*admin, "consumerProgress", "-n", NAME_SERVER], figure=lag_summed),
        ],
        f"{TOPICS:,} topics made and compared": [
            Program("the client of midships-hook", [fill, BROKER, "create", "ours", TOPICS], fresh("ours")),
            Program(
                "the library of mqadmin, in one process",
                [*java, "CreateTopics", NAME_SERVER, BROKER, "theirs", TOPICS],
                fresh("theirs"),
            ),
            Program("mqadmin updateTopic, each made and none compared", single, fresh("one", 1), TOPICS),
        ],
    }


def inside(runs: int, hook: Path, fill: Path, directory: Path) -> None:
    """Measures all and prints the table, where the network holds nothing but these servers."""
    servers = start(directory)
    try:
        end = time.monotonic() + START_SECONDS
        while not answered(hook, 2):
            if time.monotonic() > end or servers.poll() is not None:
                raise Failed(f"the servers did not come up within {START_SECONDS} s")
            time.sleep(1)
        subprocess.run([fill, BROKER, "groups", str(GROUPS)], check=True)
        head = "| work | program | time | memory | time beside midships | memory beside midships | runs |"
        print(f"{head}\n| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        with tempfile.TemporaryDirectory(prefix="midships-bench-", dir=IN_MEMORY) as name:
            empty = Path(name) / "input"
            empty.touch()
            for work, programs in works(hook, fill, directory).items():
                ours, found = None, set()
                for program in programs:
                    output = Path(name) / "output"
                    taken = measure(program.command, empty, output, Path(name), runs, program.prepare)
                    ours = ours or taken
                    if program.figure:
                        found.add(program.figure(output.read_text()))
                    if len(found) > 1:
                        raise Failed(f"{program.title} and midships do not find the same: {sorted(found)}")
                    print(row(work, program, taken, ours), flush=True)
    finally:
        servers.kill()


def run(runs: int) -> None:
    """Prepares all outside, and measures in a network and with processes of its own. Needs root and a JDK 17 with Maven."""
    if given := given_inside():
        inside(runs, *given)
        return
    hook = built("--bin", "midships-hook")
    fill = built("-p", "midships-client-rocketmq", "--example", "fill")
    measure_apart("rocketmq-admin", runs, hook, fill, jars())

"""Slots that go to a fourth master and come back, by the client of midships-hook and by redis-cli of two versions."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .measure import ROOT, Failed, built, given_inside, measure_apart

sys.path.insert(0, str(ROOT / "ci/testbed-parts"))

import images  # noqa: E402 (the parts of the test bed are in another directory)

IN_MEMORY = "/dev/shm"  # what is measured is the programs, not the disk
SERVERS, NEWEST = "redis:7.0", "redis:8.0"
MASTERS = 4
SLOTS = 16_384
FIRST_PORT = 7_000
MOST_RUNS = 3  # each program moves for up to a minute
RATE = 5_000  # writes a second of the paced load
PATIENCE_SECONDS = 60
# Bytes of a value, and how many megabytes of them there are.
DATA = {100: 40, 16_384: 200}


@dataclass(frozen=True)
class Program:
    """One way of moving slots."""

    title: str
    out: list[object]  # to four masters
    back: list[object]  # to three


def cli(root: Path, *words: object, check: bool = True) -> str:
    """What the client of an image says."""
    command = ["chroot", str(root), "/usr/local/bin/redis-cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Failed(f"`redis-cli {' '.join(map(str, words))}` ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout


def ask(root: Path, number: int, *words: object) -> str:
    """What a server answers."""
    return cli(root, "-p", FIRST_PORT + number, *words)


def await_all(what: str, condition: object) -> None:
    """Waits for a condition of all servers."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not all(condition(number) for number in range(MASTERS)):
        if time.monotonic() > end:
            raise Failed(f"after {PATIENCE_SECONDS} s still not: {what}")
        time.sleep(0.05)


@contextmanager
def cluster(root: Path) -> Iterator[list[str]]:
    """Four masters, of which the first three have the slots; their addresses."""
    processes = []
    try:
        for number in range(MASTERS):
            port = FIRST_PORT + number
            (root / f"data/{port}").mkdir(parents=True, exist_ok=True)
            options = ["--port", port, "--dir", f"/data/{port}", "--cluster-enabled", "yes", "--save", "", "--appendonly", "yes"]
            # Else a master without slots would become a replica.
            options += ["--cluster-allow-replica-migration", "no"]
            command = ["chroot", root, "/usr/local/bin/redis-server", *options]
            processes.append(subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL))
        await_all("the servers answer", lambda number: "PONG" in cli(root, "-p", FIRST_PORT + number, "PING", check=False))
        for number in range(3):
            ask(root, number, "CLUSTER", "ADDSLOTSRANGE", number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1)
        for number in range(MASTERS):
            ask(root, number, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            ask(root, 0, "CLUSTER", "MEET", "127.0.0.1", FIRST_PORT + number)
        await_all("they know each other", lambda number: f"cluster_known_nodes:{MASTERS}" in ask(root, number, "CLUSTER", "INFO"))
        await_all("the cluster serves", lambda number: "cluster_state:ok" in ask(root, number, "CLUSTER", "INFO"))
        yield [f"127.0.0.1:{FIRST_PORT + number}" for number in range(MASTERS)]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def owned(root: Path) -> list[int]:
    """How many slots each master has, by what the first one says."""
    numbers = {}
    for line in ask(root, 0, "CLUSTER", "NODES").splitlines():
        parts = line.split()
        ends = [part.split("-") for part in parts[8:] if not part.startswith("[")]
        port = int(parts[1].split("@")[0].rpartition(":")[2])
        numbers[port - FIRST_PORT] = sum(int(end[-1]) - int(end[0]) + 1 for end in ends)
    return [numbers[number] for number in range(MASTERS)]


def moved(root: Path, command: list[object], masters: int) -> float:
    """How many seconds a command took, after which so many masters must have the slots, as evenly as redis-cli has it."""
    begun = time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise Failed(f"`{command[0]}` ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    expected = [SLOTS / masters if number < masters else 0 for number in range(MASTERS)]
    found = owned(root)
    if any(abs(has - wanted) > wanted * 0.03 for has, wanted in zip(found, expected, strict=True)):
        told = f"it said: {(done.stdout + done.stderr)[-500:]}"
        raise Failed(f"after `{command[0]}` the masters have {found} slots, wanted were about {expected}; {told}")
    return seconds


def under_load(load: Path, addresses: list[str], size: int) -> subprocess.Popen:
    """Starts the paced load, and waits until it runs."""
    words = [load, "run", "--mode", "cluster", "--servers", ",".join(addresses), "--rate", RATE, "--keys", 50_000]
    process = subprocess.Popen(
        [*map(str, words), "--value-size", str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if json.loads(line).get("acknowledged", 0) > RATE:
            return process
    raise Failed("the load ended early")


def ended(load: subprocess.Popen) -> dict:
    """Ends the load, and returns its summary, in which nothing may be lost."""
    said, _ = load.communicate("end\n")
    summary = json.loads(said.splitlines()[-1])
    if summary["lost"] or summary["stale"]:
        raise Failed(f"acknowledged writes are missing: {summary['findings']}")
    return summary


def row(words: list[object]) -> str:
    """A row of the table."""
    return f"| {' | '.join(map(str, words))} |"


def inside(runs: int, mover: Path, load: Path) -> None:
    """Measures all and prints the table, where the network holds nothing but these servers."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with ExitStack() as stack:
        root, newest = (stack.enter_context(images.unpacked(image, IN_MEMORY)) for image in (SERVERS, NEWEST))
        head = ["values", "clients", "way", "program", "median", "beside midships", "p99.9 of a write", "failed writes", "runs"]
        print(f"{row(head)}\n{row(['---'] * len(head))}", flush=True)
        for size, megabytes in DATA.items():
            with cluster(root) as addresses:
                data = ["--mode", "cluster", "--servers", ",".join(addresses), "--megabytes", megabytes, "--sizes", size]
                subprocess.run([str(word) for word in (load, "fill", *data)], check=True, stdout=subprocess.DEVNULL)
                for is_loaded in (False, True):
                    measure(root, programs(mover, root, newest, addresses), load if is_loaded else None, size, min(runs, MOST_RUNS))
                subprocess.run([str(word) for word in (load, "verify", *data)], check=True, stdout=subprocess.DEVNULL)


def programs(mover: Path, root: Path, newest: Path, addresses: list[str]) -> list[Program]:
    """What is measured, ours first."""
    last = ask(root, MASTERS - 1, "CLUSTER", "MYID").strip()

    def of_product(title: str, where: Path) -> Program:
        command = ["chroot", where, "/usr/local/bin/redis-cli", "--cluster", "rebalance", addresses[0]]
        return Program(title, [*command, "--cluster-use-empty-masters"], [*command, "--cluster-weight", f"{last}=0"])

    return [
        Program("midships", [mover, 0, *addresses], [mover, 1, *addresses]),
        of_product("redis-cli of 7.0", root),
        of_product("redis-cli of 8.0", newest),
    ]


def measure(root: Path, ways: list[Program], load: Path | None, size: int, runs: int) -> None:
    """Has each program move slots out and back, and prints what it took."""
    first: dict[int, float] = {}
    for program in ways:
        took: dict[int, list[float]] = {MASTERS: [], MASTERS - 1: []}
        clients = under_load(load, [f"127.0.0.1:{FIRST_PORT}"], size) if load else None
        for _ in range(runs):
            for masters, command in ((MASTERS, program.out), (MASTERS - 1, program.back)):
                took[masters].append(moved(root, command, masters))
        summary = ended(clients) if clients else None
        for masters, seconds in took.items():
            median = statistics.median(seconds)
            first.setdefault(masters, median)
            ratio = "" if program is ways[0] else f"{median / first[masters]:.1f} times"
            way = "3 to 4" if masters == MASTERS else "4 to 3"
            latency = f"{summary['latency']['p999']:.3g} ms" if summary else ""
            failed = summary["failed"] if summary else ""
            clients_said = f"{RATE:,} writes a second" if load else "none"
            print(row([f"{size} bytes", clients_said, way, program.title, f"{median:.3g} s", ratio, latency, failed, runs]), flush=True)


def run(runs: int) -> None:
    """Prepares all outside, and measures in a network and with processes of its own. Needs root."""
    if given := given_inside():
        inside(runs, *given)
        return
    mover = built("-p", "midships-operations-redis", "--example", "place-slots")
    built_load = subprocess.run([ROOT / "ci/load-redis/build"], stdout=subprocess.PIPE, text=True, check=True)
    for image in (SERVERS, NEWEST):
        images.built(image)
    measure_apart("redis-migration", runs, mover, Path(built_load.stdout.strip(), "load-redis"))

"""Clusters of Redis and Valkey: what breaks while slots move, what others left half done, and what is refused, while a real client writes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from .chart_release import Helm
from .kubernetes import lives, ready
from .redis_cluster import SLOTS, check_slots, installed
from .redis_load import Filling, RedisLoad
from .redis_release import PORT, SIGN_IN, RedisRelease
from .sabotage import Saboteur, hook_processes, pod_processes
from .trial import Failed, Trial, scenario, until

VERSIONS = ("Redis 5.0.6", "Redis 6.0", "Redis 6.2", "Redis 7.0", "Redis 8.0", "Valkey 8.1", "Valkey 9.1")
# How often all boundaries are gone through to hit each.
MOST_ROUNDS = 4
# Sums up the keys of the server's own slots, and tells how many it has.
COUNT_KEYS = SIGN_IN + """for range in "$@"; do
  slot="${range%-*}"
  while [ "$slot" -le "${range#*-}" ]; do
    echo "CLUSTER COUNTKEYSINSLOT $slot"
    slot=$((slot + 1))
  done
done | "$client" | awk '{ sum += $NF } END { print sum + 0 }'
"$client" DBSIZE
"""


@scenario("redis-cluster-kills", needs_power=True)
def kills(trial: Trial) -> None:
    """7.0: the hook program is killed with -9 at every boundary of scaling out and in and in the middle of moving slots, under load."""
    with trial.bed.namespace("accept-redis-kills") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        target = release.target()
        filling = Filling(trial, target, 200, (100, 16_384))
        load = RedisLoad(trial, target)
        saboteurs = {shards: Saboteur(release) for shards in (4, 3)}
        for _ in range(MOST_ROUNDS):
            for shards, saboteur in saboteurs.items():
                under_sabotage(release, shards, saboteur.run)
            if not any(saboteur.missing() for saboteur in saboteurs.values()):
                break
        for shards in saboteurs:
            under_sabotage(release, shards, lambda helm: kill_while_moving(release, helm))
        for shards, saboteur in saboteurs.items():
            trial.check(saboteur.plans, f"no plan was seen on the way to {shards} shards")
            trial.equal(saboteur.missing(), [], f"boundaries on the way to {shards} shards without a kill")
        load.go_on()
        load.finish(repeated=0)
        filling.check()


@scenario("redis-cluster-install")
def install(trial: Trial) -> None:
    """Each version: a new cluster, which the product's own check finds good; three more runs of its Jobs change nothing."""
    for version in VERSIONS:
        with trial.bed.namespace("accept-redis-install") as namespace:
            release = installed(trial, namespace, version)
            check_by_product(release)
            before = standing(release)
            for _ in range(3):
                release.succeed("upgrade")
            trial.equal(standing(release), before, f"pods, nodes and journal of {version} after three more upgrades")
            trial.figure(f"seconds of the install of {version}", trial.figures.pop("install seconds"))


def check_by_product(release: RedisRelease) -> None:
    """The product's own check of a cluster says that all is well."""
    said = release.cli(release.pod_names()[0], "--cluster", "check", f"127.0.0.1:{PORT}")
    good = ("[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered.")
    bad = [line for line in said.splitlines() if "[ERR]" in line or "[WARNING]" in line]
    release.trial.check(all(line in said for line in good) and not bad, f"the product's check of {release.version} says: {said}")


def standing(release: RedisRelease) -> dict:
    """What a run of the Jobs must not change: pods, what each server is and has, and the journal."""
    nodes = {}
    for pod in release.pod_names():
        lines = [line.split() for line in release.cli(pod, "CLUSTER", "NODES").splitlines() if line.strip()]
        # Without times, and with nobody's own mark.
        nodes[pod] = sorted([words[0], words[2].replace("myself,", ""), words[3], words[6], *words[8:]] for words in lines)
    return {"pods": lives(release.pods()), "nodes": nodes, "plan": release.journal().get("plan", "")}


@scenario("redis-cluster-servers-killed", needs_power=True)
def servers_killed(trial: Trial) -> None:
    """7.0: the server that gives slots, or takes them, is killed with -9 in the middle, on the way out and in, under load."""
    with trial.bed.namespace("accept-redis-killed") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        target = release.target()
        filling = Filling(trial, target, 250, (100, 16_384))
        load = RedisLoad(trial, target)
        for shards, marks in ((4, "->-"), (3, "-<-"), (4, "-<-"), (3, "->-")):
            role = "gives" if marks == "->-" else "takes"
            trial.note(f"helm upgrade to {shards} shards; a server that {role} slots is killed")
            helm = release.begin("upgrade", {"shards": {"count": shards}})
            pod = moving(release, helm, marks)
            killed = [process.signal(signal.SIGKILL) for process in servers(release) if process.pod == pod]
            trial.equal(killed, [True], f"servers of {pod} that were killed")
            trial.note(f"kill -9 of the server of {pod}, which {role} slots")
            ended = helm.finish()
            trial.figure(f"to {shards} shards, killed while it {role} slots", "ended well" if ended.returncode == 0 else "again")
            if ended.returncode != 0:
                trial.note(f"helm upgrade failed, and runs again: {ended.stderr.strip()[-500:]}")
                release.succeed("upgrade")
            check_slots(release, shards)
            check_keys(release)
            load.go_on()
        load.finish(failed=None)
        filling.check()


def servers(release: RedisRelease) -> list:
    """The processes of the release's servers."""
    return pod_processes(release, f"midships/cluster={release.full_name}", "redis-server")


def under_sabotage(release: RedisRelease, shards: int, sabotage: Callable[[Helm], None]) -> None:
    """A change of the number of shards with kills in it, which must succeed, if need be by the same upgrade once more."""
    trial = release.trial
    trial.note(f"helm upgrade to {shards} shards, with kills")
    helm = release.begin("upgrade", {"shards": {"count": shards}})
    sabotage(helm)
    result = helm.finish()
    trial.equal(result.returncode, 0, f"exit code of helm upgrade with kills ({result.stderr.strip()[-1500:]})")
    check_slots(release, shards)


def kill_while_moving(release: RedisRelease, helm: Helm) -> None:
    """Kills the hook program while slots are on their way, up to three times as long as they are."""
    killed = 0
    moving(release, helm)
    while killed < 3 and helm.running():
        for process in hook_processes(release):
            if process.signal(signal.SIGKILL):
                killed += 1
                release.trial.note(f"kill -9 of {process.pod} while slots are on their way")
        with suppress(Failed):  # nothing may be left to move
            moving(release, helm)
    if not killed:
        raise Failed("no hook program was met while slots were on their way")


def moving(release: RedisRelease, helm: Helm, mark: str = "-") -> str:
    """Waits until slots are on their way, and returns the pod of a server that gives them (`->-`) or takes them (`-<-`)."""

    def mark_of(pod: str) -> str:
        own = [line for line in release.cli(pod, "CLUSTER", "NODES").splitlines() if "myself" in line]
        return pod if any(part.startswith("[") and mark in part for line in own for part in line.split()) else ""

    def found() -> str:
        if not helm.running():
            raise Failed(f"helm had ended before slots were seen on their way: {helm.finish().stderr.strip()[-1500:]}")
        # All at once: slots move within seconds.
        with ThreadPoolExecutor() as lanes:
            return next(filter(None, lanes.map(mark_of, masters(release))), "")

    return str(until("slots are on their way", found, 180, every=0.05))


def masters(release: RedisRelease) -> list[str]:
    """The pods of masters, by what one of the servers knows; of those that do not have slots yet, too."""
    pods = {pod["status"].get("podIP"): pod["metadata"]["name"] for pod in release.pods() if ready(pod)}
    lines = [line.split() for line in release.cli(next(iter(pods.values())), "CLUSTER", "NODES").splitlines() if line.strip()]
    found = (pods.get(line[1].partition(":")[0], "") for line in lines if "master" in line[2].split(","))
    return list(filter(None, found))


def check_keys(release: RedisRelease) -> None:
    """No master has a key of a slot that is not its own, so that no key is at two places."""
    for pod in release.pod_names():
        own = next(line.split() for line in release.cli(pod, "CLUSTER", "NODES").splitlines() if "myself" in line)
        if "master" not in own[2].split(",") or not own[8:]:
            continue

        def agree(pod: str = pod, ranges: tuple[str, ...] = tuple(own[8:])) -> bool:
            # Both numbers are of now only if nothing was written in between.
            counted, keys = release.run(pod, COUNT_KEYS, *ranges).split()[-2:]
            return counted == keys

        until(f"{pod} has keys of its own slots only", agree, 60)


@scenario("redis-cluster-out-of-memory")
def out_of_memory(trial: Trial) -> None:
    """7.0: fewer shards than fit are refused; a server whose memory is full in the middle stops it, and then it goes on, under load."""
    with trial.bed.namespace("accept-redis-memory") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        target = release.target()
        filling = Filling(trial, target, 250, (100, 16_384))
        before = standing(release)
        bound = {pod: release.cli(pod, "CONFIG", "GET", "maxmemory").split()[-1] for pod in release.pod_names()}
        load = RedisLoad(trial, target)
        helm = release.begin("upgrade", {"shards": {"count": 4}})
        full = moving(release, helm, "-<-")
        release.cli(full, "CONFIG", "SET", "maxmemory", "1mb")
        trial.note(f"{full} takes slots, and has no memory any more")
        ended = helm.finish()
        trial.check(ended.returncode != 0, "helm upgrade succeeded although a server had no memory for its keys")
        trial.note(f"it says: {explained(release, 'OOM')}")
        release.cli(full, "CONFIG", "SET", "maxmemory", next(iter(bound.values())))
        release.succeed("upgrade")
        check_slots(release, 4)
        check_keys(release)
        load.go_on()
        # A server that is full refuses writes, too.
        load.finish(failed=None)
        owners = masters(release)
        for pod in owners:
            # So much that the keys of four do not fit into three.
            used = int(release.information(pod, "memory")["used_memory"])
            release.cli(pod, "CONFIG", "SET", "maxmemory", used + used // 10)
        four = standing(release)
        values = release.values
        ended = release.apply("upgrade", {"shards": {"count": 3}})
        trial.check(ended.returncode != 0, "helm upgrade to fewer shards than fit succeeded")
        trial.note(f"refused: {explained(release, 'shards.count')}")
        trial.equal(standing(release), four, "pods, nodes and plan after the refusal")
        for pod in owners:
            release.cli(pod, "CONFIG", "SET", "maxmemory", next(iter(bound.values())))
        release.values = values
        release.succeed("upgrade", {"shards": {"count": 3}})
        check_slots(release, 3)
        check_keys(release)
        filling.check()
        trial.equal(set(standing(release)["pods"]), set(before["pods"]), "pods at the end")


def explained(release: RedisRelease, word: str) -> str:
    """The Event of an operation that says a word."""
    events = release.bed.api.list("events", release.namespace)
    told = [event["message"] for event in events if word in event.get("message", "")]
    release.trial.check(told, f"no Event says `{word}`; Events: {[event.get('message') for event in events][-8:]}")
    return told[-1]


@scenario("redis-cluster-kill-helm")
def kill_helm(trial: Trial) -> None:
    """7.0: the helm client is killed while slots are on their way, out and in; unlocked, an upgrade finishes it, under load."""
    with trial.bed.namespace("accept-redis-kill-helm") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        target = release.target()
        filling = Filling(trial, target, 200, (100, 16_384))
        load = RedisLoad(trial, target)
        for shards in (4, 3):
            helm = release.begin("upgrade", {"shards": {"count": shards}})
            moving(release, helm)
            helm.kill()
            trial.note(f"helm upgrade to {shards} shards was killed while slots were on their way")
            refused = release.apply("upgrade")
            trial.check(refused.returncode != 0, "helm upgrade went on although a client was killed")
            release.unlock()
            release.succeed("upgrade")
            check_slots(release, shards)
            check_keys(release)
            load.go_on()
        load.finish(repeated=0)
        filling.check()


@scenario("redis-cluster-repairs")
def repairs(trial: Trial) -> None:
    """7.0: a slot that was left open with a key on both sides, which the product's own repair gives up, is mended by an upgrade."""
    with trial.bed.namespace("accept-redis-repairs") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        owners = masters(release)
        source, target = owners[:2]
        ids = {pod: release.cli(pod, "CLUSTER", "MYID").strip() for pod in owners}
        own = next(line.split() for line in release.cli(source, "CLUSTER", "NODES").splitlines() if "myself" in line)
        first = int(own[8].partition("-")[0])
        name = next(f"key-{number}" for number in range(10 * SLOTS) if slot_of(f"key-{number}") == first)
        release.cli(source, "SET", name, "kept")
        release.cli(target, "CLUSTER", "SETSLOT", first, "IMPORTING", ids[source])
        release.cli(source, "CLUSTER", "SETSLOT", first, "MIGRATING", ids[target])
        addresses = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in release.pods()}
        release.cli(source, "MIGRATE", addresses[target], PORT, name, 0, 5000, "COPY", "AUTH", release.password())
        fixed = release.run(source, FIX, f"{addresses[source]}:{PORT}")
        trial.check("Value check failed" in fixed, f"the product's own repair did not give up: {fixed}")
        left_open = [pod for pod in owners if "[" in release.cli(pod, "CLUSTER", "NODES")]
        trial.check(left_open, f"no slot is open any more after the product's own repair: {fixed}")
        trial.note("the product's own repair gives up, and leaves the slot open")
        begun = time.monotonic()
        release.succeed("upgrade")
        trial.figure("seconds of the upgrade that mends it", round(time.monotonic() - begun, 1))
        check_slots(release, 3)
        check_keys(release)
        check_by_product(release)
        found = {pod: release.cli(pod, "CLUSTER", "GETKEYSINSLOT", first, 10).split() for pod in owners}
        trial.equal(sorted(found.values()), [[], [], [name]], "masters that have the key")


FIX = f'{SIGN_IN}"$client" --cluster fix "$1" 2>&1 || true\n'


def slot_of(key: str) -> int:
    """The slot of a key: CRC16 of XMODEM, as the specification of clusters has it."""
    crc = 0
    for byte in key.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
            crc &= 0xFFFF
    return crc % SLOTS

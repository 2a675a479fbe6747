"""Clusters of Redis and Valkey: shards come and go, servers are renewed and lost, while a real client writes."""

from __future__ import annotations

from .kubernetes import lives, ready
from .redis_load import Filling, RedisLoad
from .redis_release import CLUSTER, RedisRelease
from .trial import Trial, scenario, until

SLOTS = 16_384
# The longest time in milliseconds for which no write of a sixteenth of the slots may be acknowledged where nothing is lost by force.
LONGEST_GAP = 1_000


@scenario("redis-cluster-scale-7-0")
def scale_newer(trial: Trial) -> None:
    """7.0: a cluster of three shards gets five and has three again, under load."""
    scale(trial, "Redis 7.0", 200)


@scenario("redis-cluster-scale-5-0-6")
def scale_older(trial: Trial) -> None:
    """5.0.6: a cluster of three shards gets five and has three again, under load."""
    scale(trial, "Redis 5.0.6", 200)


@scenario("redis-cluster-scale-valkey-9-1")
def scale_valkey(trial: Trial) -> None:
    """Valkey 9.1: a cluster of three shards gets five and has three again, under load with 1 GB."""
    scale(trial, "Valkey 9.1", 1_000)


@scenario("redis-cluster-upgrade")
def upgrade(trial: Trial) -> None:
    """7.0 to 8.0 under load, each server renewed once, a master after it has handed over; then more memory."""
    with trial.bed.namespace("accept-redis-upgrade") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        trial.bed.images("redis:8.0")
        load = RedisLoad(trial, release.target())
        renewed(release, "Redis 8.0", {"version": "Redis 8.0"})
        renewed(release, "memory", {"server": {"resources": {"limits": {"memory": "288Mi"}}}})
        load.go_on()
        load.finish(repeated=0, longest_gap=LONGEST_GAP)


@scenario("redis-cluster-to-valkey")
def to_valkey(trial: Trial) -> None:
    """Redis 7.0 to Valkey 8.1 under load; the way back is refused, and nothing has changed."""
    with trial.bed.namespace("accept-redis-valkey") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        trial.bed.images("valkey:8.1")
        load = RedisLoad(trial, release.target())
        renewed(release, "Valkey 8.1", {"version": "Valkey 8.1"})
        load.go_on()
        load.finish(repeated=0, longest_gap=LONGEST_GAP)


@scenario("redis-cluster-heals-7-0")
def heals_newer(trial: Trial) -> None:
    """7.0: all pods of a cluster are deleted at once; it serves again by itself, with all keys."""
    heals(trial, "Redis 7.0")


@scenario("redis-cluster-heals-5-0-6")
def heals_older(trial: Trial) -> None:
    """5.0.6: all pods of a cluster are deleted at once; it serves again by itself, with all keys."""
    heals(trial, "Redis 5.0.6")


@scenario("redis-cluster-node-drain", needs_power=True, alone=True)
def node_drain(trial: Trial) -> None:
    """7.0: each node is drained in turn under load; masters hand over as their pods stop."""
    with trial.bed.namespace("accept-redis-drain") as namespace:
        release = installed(trial, namespace, "Redis 7.0")
        load = RedisLoad(trial, release.target())
        for node in sorted({pod["spec"]["nodeName"] for pod in release.pods()}):
            only = f"--pod-selector=midships/cluster={release.full_name}"
            trial.bed.testbed("kubectl", "drain", node, only, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s")
            trial.bed.testbed("kubectl", "uncordon", node)
            until(f"the pods of {node} are back", lambda: len(release.pods()) == 6 and all(map(ready, release.pods())), 180)
            trial.note(f"{node} was drained")
            load.go_on()
        load.finish(repeated=0, longest_gap=LONGEST_GAP)


def installed(trial: Trial, namespace: str, version: str) -> RedisRelease:
    """A cluster of three shards with a replica each."""
    release = RedisRelease(trial, namespace, version, chart_name=CLUSTER)
    trial.bed.images(release.image)
    release.install()
    check_slots(release, 3)
    return release


def scale(trial: Trial, version: str, megabytes: int) -> None:
    """Scales out and in under load, with data that was there before."""
    with trial.bed.namespace("accept-redis-scale") as namespace:
        release = RedisRelease(trial, namespace, version, chart_name=CLUSTER)
        # No number of shards has all the data, and an append-only file is there twice while it is written anew.
        limits = {"server": {"resources": {"limits": {"memory": f"{256 + megabytes}Mi"}}}}
        release.change({**limits, "persistence": {"storage": {"size": f"{1 + megabytes // 250}Gi"}}})
        trial.bed.images(release.image)
        release.install()
        check_slots(release, 3)
        target = release.target()
        filling = Filling(trial, target, megabytes, (100, 16_384))
        load = RedisLoad(trial, target)
        for shards in (5, 3):
            to_shards(release, shards)
            load.go_on()
        before = lives(release.pods())
        release.succeed("upgrade")
        trial.equal(lives(release.pods()), before, "uid and restarts of each server after an upgrade without a change")
        load.finish(repeated=0)
        filling.check()


def to_shards(release: RedisRelease, shards: int) -> None:
    """Changes the number of shards, and checks that the slots are shared evenly."""
    trial = release.trial
    seconds = release.succeed("upgrade", {"shards": {"count": shards}})
    trial.figure(f"to {shards} shards", f"{seconds:.1f} s")
    trial.note(f"helm upgrade to {shards} shards took {seconds:.1f} s")
    check_slots(release, shards)


def renewed(release: RedisRelease, what: str, change: dict) -> None:
    """Changes values with `helm upgrade`, and checks that each server was renewed once, and that the cluster is as it was."""
    release.renew(what, change)
    check_slots(release, 3)


def heals(trial: Trial, version: str) -> None:
    """Deletes all pods at once, and waits until every server says that all is well."""
    with trial.bed.namespace("accept-redis-heals") as namespace:
        release = installed(trial, namespace, version)
        target = release.target()
        filling = Filling(trial, target, 50, (100, 16_384))
        before = lives(release.pods())
        addresses = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in release.pods()}
        for pod in addresses:
            trial.bed.api.delete("pods", namespace, pod)
        trial.note("all pods are deleted")

        def served() -> bool:
            pods = release.pods()
            is_old = any(before[name] == life for name, life in lives(pods).items())
            if is_old or len(pods) < len(addresses) or not all(map(ready, pods)):
                return False
            return all("cluster_state:ok" in release.cli(pod["metadata"]["name"], "CLUSTER", "INFO") for pod in pods)

        until("the cluster serves again", served, 240)
        trial.note("the cluster serves again")
        moved = [pod for pod in release.pods() if pod["status"]["podIP"] != addresses[pod["metadata"]["name"]]]
        trial.check(moved, "all pods have come back with the addresses that they had")
        filling.check()
        load = RedisLoad(trial, release.target())
        load.finish(repeated=0)


def check_slots(release: RedisRelease, shards: int) -> None:
    """Every server says that there are so many masters, with slots that differ by one at most, none of them half moved."""
    trial = release.trial
    servers = shards * (1 + release.values.get("shards", {}).get("replicasPerShard", 1))
    until("the pods that leave are gone", lambda: len(release.pods()) == servers, 120)
    for pod in release.pod_names():
        lines = [line.split() for line in release.cli(pod, "CLUSTER", "NODES").splitlines() if line.strip()]
        masters = [line for line in lines if "master" in line[2].split(",")]
        numbers = sorted(sum(length(part) for part in line[8:] if not part.startswith("[")) for line in masters)
        trial.equal(len(numbers), shards, f"masters that {pod} knows: {lines}")
        trial.equal(sum(numbers), SLOTS, f"slots that {pod} knows of")
        trial.check(numbers[-1] - numbers[0] <= 1, f"slots are not balanced: {numbers}")
        trial.equal([part for line in lines for part in line[8:] if part.startswith("[")], [], f"slots on their way, says {pod}")
        trial.equal(len(lines), servers, f"servers that {pod} knows: {lines}")


def length(part: str) -> int:
    """How many slots a part of a server's line names: `7`, or `0-5460`."""
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1

"""Clusters of Redis reached from outside the pods' network, while inside clients go on."""

from __future__ import annotations

import dataclasses

from .kubernetes import lives
from .redis_cluster import check_slots, installed, renewed
from .redis_load import RedisLoad, Target
from .redis_release import RedisRelease
from .rocketmq_outside import node_address
from .rocketmq_transfer import told_of
from .rocketmq_variants import replace
from .trial import Trial, scenario

# Above those of other scenarios, and below most that the cluster gives out by itself.
FIRST, FIRST_BUS = 30_400, 30_600
PORTS_OF_SHARD = 5
RATE = 2_500  # writes a second of each of two loads
LEAST_RATE = 1_500


@scenario("redis-cluster-outside-7-0", needs_power=True)
def outside_newer(trial: Trial) -> None:
    """7.0: ports of nodes under load; then clients outside and inside write at once while the cluster grows and shrinks."""
    outside(trial, "Redis 7.0")


@scenario("redis-cluster-outside-5-0-6", needs_power=True)
def outside_older(trial: Trial) -> None:
    """5.0.6: ports of nodes under load; then clients outside and inside write at once while the cluster grows and shrinks."""
    outside(trial, "Redis 5.0.6")


def outside(trial: Trial, version: str) -> None:
    """Gives a running cluster ports of nodes, and changes the number of its shards while clients of both kinds write."""
    with trial.bed.namespace("accept-redis-outside") as namespace:
        release = installed(trial, namespace, version)
        inside = RedisLoad(trial, release.target(), rate=RATE)
        ports = {"nodePorts": True, "firstNodePort": FIRST, "firstBusNodePort": FIRST_BUS}
        renewed(release, "ports of nodes", {"outside": ports})
        inside.go_on(RATE)
        check_announced(release)
        outside = RedisLoad(trial, reached(trial, release), rate=RATE)
        for shards in (4, 3):
            seconds = release.succeed("upgrade", {"shards": {"count": shards}})
            trial.figure(f"to {shards} shards", f"{seconds:.1f} s")
            check_slots(release, shards)
            check_announced(release)
            for load in (inside, outside):
                load.go_on(RATE)
        evict_master(release)
        check_kept(release)
        for load in (inside, outside):
            load.go_on(RATE)
        for load in (inside, outside):
            load.finish(repeated=0, least_rate=LEAST_RATE)


def reached(trial: Trial, release: RedisRelease) -> Target:
    """Where clients outside begin: at one node, with a port of another one's server."""
    node = node_address(trial, "node1")
    where = [f"{node}:{FIRST + shard * PORTS_OF_SHARD}" for shard in range(3)]
    return dataclasses.replace(release.target(), servers=where, is_outside=True, more=("--prefix", "outside"))


def check_announced(release: RedisRelease) -> None:
    """Every server knows every other one at its node's address and the ports that follow from its name."""
    trial = release.trial
    expected = {announced(pod) for pod in release.pods()}
    for pod in release.pod_names():
        lines = release.cli(pod, "CLUSTER", "NODES").splitlines()
        told = {line.split()[1].partition(",")[0] for line in lines if line.strip()}
        trial.equal(told, expected, f"addresses that {pod} knows")


def announced(pod: dict) -> str:
    """What the server of a pod announces."""
    shard, number = map(int, pod["metadata"]["name"].rpartition("-shard-")[2].split("-"))
    place = shard * PORTS_OF_SHARD + number
    return f"{pod['status']['hostIP']}:{FIRST + place}@{FIRST_BUS + place}"


def check_kept(release: RedisRelease) -> None:
    """The ports are not taken away under the servers: the upgrade is refused, and nothing has changed."""
    trial, before = release.trial, lives(release.pods())
    result = release.apply("upgrade", {"outside": {"nodePorts": False}})
    trial.check(result.returncode != 0, "the ports were taken away under the servers")
    told_of(trial, release, "outside.nodePorts")
    release.change({"outside": {"nodePorts": True}})
    trial.equal(lives(release.pods()), before, "uid and restarts of each server after a refusal")
    check_announced(release)


def evict_master(release: RedisRelease) -> None:
    """Evicts the pod of a master, whose server hands over as it stops, and waits until it is back."""
    masters = [pod for pod in release.pod_names() if release.information(pod, "replication")["role"] == "master"]
    replace(release.trial, release, masters[0], evicted=True)

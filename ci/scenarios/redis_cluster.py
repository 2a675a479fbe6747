"""Clusters of Redis and Valkey: shards come and go, and servers are renewed, while a real client writes."""

from __future__ import annotations

from .kubernetes import lives
from .redis_load import Filling, RedisLoad
from .redis_release import CLUSTER, RedisRelease
from .trial import Trial, scenario

SLOTS = 16_384


@scenario("redis-cluster-scale-7-0")
def newer(trial: Trial) -> None:
    """7.0: a cluster of three shards gets five and has three again, under load."""
    scale(trial, "Redis 7.0", 200)


@scenario("redis-cluster-scale-5-0")
def older(trial: Trial) -> None:
    """5.0.6: the same."""
    scale(trial, "Redis 5.0", 200)


def scale(trial: Trial, version: str, megabytes: int) -> None:
    """Scales out and in under load, with data that was there before."""
    with trial.bed.namespace("accept-redis-cluster") as namespace:
        release = RedisRelease(trial, namespace, version, chart_name=CLUSTER, hooks=True)
        trial.bed.images(release.image)
        release.install()
        check_slots(release, 3)
        target = release.target()
        filling = Filling(trial, target, megabytes, (100, 16_384))
        load = RedisLoad(trial, target)
        for shards in (5, 3):
            seconds = release.succeed("upgrade", {"shards": {"count": shards}})
            trial.figure(f"to {shards} shards", f"{seconds:.1f} s")
            trial.note(f"helm upgrade to {shards} shards took {seconds:.1f} s")
            check_slots(release, shards)
            load.go_on()
        before = lives(release.pods())
        release.succeed("upgrade")
        trial.equal(lives(release.pods()), before, "uid and restarts of each server after an upgrade without a change")
        load.finish(repeated=0)
        filling.check()


def check_slots(release: RedisRelease, shards: int) -> None:
    """Every server says that there are so many masters, with slots that differ by one at most, none of them half moved."""
    trial = release.trial
    for pod in release.pod_names():
        lines = [line.split() for line in release.cli(pod, "CLUSTER", "NODES").splitlines() if line.strip()]
        masters = [line for line in lines if "master" in line[2].split(",")]
        numbers = sorted(sum(length(part) for part in line[8:] if not part.startswith("[")) for line in masters)
        trial.equal(len(numbers), shards, f"masters that {pod} knows: {lines}")
        trial.equal(sum(numbers), SLOTS, f"slots that {pod} knows of")
        trial.check(numbers[-1] - numbers[0] <= 1, f"slots are not balanced: {numbers}")
        trial.equal([part for line in lines for part in line[8:] if part.startswith("[")], [], f"slots on their way, says {pod}")
        known = len(lines)
        trial.equal(known, len(release.pods()), f"servers that {pod} knows: {lines}")


def length(part: str) -> int:
    """How many slots a part of a server's line names: `7`, or `0-5460`."""
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1

"""Masters of Redis and Valkey with replicas and Sentinels: the master goes in every way, while a real client writes."""

from __future__ import annotations

import itertools
import os
import random
import time
from contextlib import suppress

from .kubernetes import ready
from .redis_load import RedisLoad
from .redis_release import MASTER, SENTINEL, SENTINEL_PORT, RedisRelease
from .trial import Failed, Trial, scenario, until

VALUES = {
    "server": {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}},
    "sentinels": {"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}},
}
# How often all pods are deleted.
ROUNDS = int(os.environ.get("MIDSHIPS_ROUNDS", "20"))
# Within how many seconds there is one master again.
HEALED = 120
# What an unplanned loss of the master may cost: what was on its way to the replicas.
ON_THE_WAY = 5_000
# Asks a Sentinel; it has no socket.
ASK_SENTINEL = """client="$(command -v redis-cli || command -v valkey-cli)"
if [ -s /run/redis/password ]; then
  REDISCLI_AUTH="$(cat /run/redis/password)"
  export REDISCLI_AUTH
fi
exec "$client" -p PORT "$@"
""".replace("PORT", str(SENTINEL_PORT))


class Set(RedisRelease):
    """A release of the chart, and what its Sentinels and servers say of the master."""

    def sentinel(self, pod: str, *words: object) -> str:
        """Asks the Sentinel of a pod."""
        return self.run(pod, ASK_SENTINEL, *words, container="sentinel")

    def roles(self) -> dict[str, str]:
        """The role of each server that answers."""
        found = {}
        for pod in self.pod_names():
            try:
                found[pod] = self.information(pod, "replication").get("role", "")
            except (Failed, OSError):
                found[pod] = "silent"
        return found

    def named(self) -> set[str]:
        """Whom the Sentinels name, by the pods of its address or name."""
        found = set()
        for pod in self.pod_names("sentinel"):
            try:
                lines = self.sentinel(pod, "SENTINEL", "get-master-addr-by-name", MASTER).split()
            except (Failed, OSError):
                lines = []
            found.add(self.pod_at(lines[0]) if len(lines) == 2 else "")
        return found

    def priorities(self, pod: str) -> list[str]:
        """The priority of each replica that the Sentinel of a pod knows."""
        lines = self.sentinel(pod, "SENTINEL", "replicas", MASTER).splitlines()
        return [value for name, value in itertools.pairwise(lines) if name == "slave-priority"]

    def pod_at(self, place: str) -> str:
        """The pod that others know by a name or an address."""
        for pod in self.pod_names():
            service = self.bed.api.get("services", self.namespace, pod)
            if place.startswith(f"{pod}.") or (service and service["spec"]["clusterIP"] == place):
                return pod
        return place

    def master(self) -> str:
        """The one server that is the master and that every Sentinel names, or nothing."""
        masters = [pod for pod, role in self.roles().items() if role == "master"]
        return masters[0] if len(masters) == 1 and self.named() == set(masters) else ""

    def await_master(self, seconds: float = HEALED) -> str:
        """Waits until there is one master, with all servers ready, and returns its pod."""

        servers, sentinels = self.values.get("servers", {}), self.values.get("sentinels", {})
        expected = 1 + servers.get("replicas", 2) + sentinels.get("count", 3)

        def settled() -> str:
            pods = self.pods()
            if len(pods) != expected or not all(ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods):
                return ""
            return self.master()

        return str(until("there is one master, and all pods are ready", settled, seconds, every=1))


def install(trial: Trial, namespace: str, version: str) -> Set:
    """A new set of three servers and three Sentinels, which has one master."""
    # Since 7.0 a server takes the command that makes it crash only if it is told to.
    older = version in ("Redis 5.0.6", "Redis 6.0", "Redis 6.2")
    tuning = {} if older else {"configuration": {"enable-debug-command": "local"}}
    release = Set(trial, namespace, version, chart_name=SENTINEL, values={**VALUES, "tuning": tuning})
    begun = time.monotonic()
    release.install()
    master = release.await_master()
    trial.figure("seconds until all are ready", round(time.monotonic() - begun, 1))
    trial.note(f"the master is {master}")
    return release


@scenario("redis-sentinel-7-0")
def newer(trial: Trial) -> None:
    """7.0: a planned and an unplanned loss of the master, under load."""
    losses(trial, "Redis 7.0")


@scenario("redis-sentinel-5-0")
def older(trial: Trial) -> None:
    """5.0.6: the same."""
    losses(trial, "Redis 5.0.6")


@scenario("redis-sentinel-6-2")
def between(trial: Trial) -> None:
    """6.2: the same."""
    losses(trial, "Redis 6.2")


@scenario("redis-sentinel-8-0")
def newest(trial: Trial) -> None:
    """8.0: the same."""
    losses(trial, "Redis 8.0")


@scenario("redis-sentinel-valkey-9-1")
def valkey(trial: Trial) -> None:
    """Valkey 9.1: the same."""
    losses(trial, "Valkey 9.1")


def losses(trial: Trial, version: str) -> None:
    """The pod of the master is deleted, which loses nothing; then its server crashes, which loses what was on its way at most."""
    with trial.bed.namespace(f"accept-{trial.scenario}") as namespace:
        release = install(trial, namespace, version)
        target = release.target()
        load = RedisLoad(trial, target)
        first = release.master()
        trial.bed.api.delete("pods", namespace, first)
        second = str(until("another server is the master", lambda: other(release, first), 60))
        trial.note(f"after its pod was deleted the master is {second}")
        load.go_on()
        release.await_master()
        load.finish(failed=None, least_rate=0)

        load = RedisLoad(trial, target)
        crash(release, second)
        third = str(until("another server is the master", lambda: other(release, second), 60))
        trial.note(f"after its server crashed the master is {third}")
        load.go_on()
        release.await_master()
        summary = load.finish(lost=None, stale=None, failed=None, least_rate=0)
        gone = summary["lost"] + summary["stale"]
        trial.figure("writes that went with the server that crashed", gone)
        trial.check(gone <= ON_THE_WAY, f"{gone} acknowledged writes are gone, more than were on their way to replicas")


def other(release: Set, than: str) -> str:
    """The master that all Sentinels name, if it is another one than before."""
    named = release.named()
    only = next(iter(named)) if len(named) == 1 else ""
    return only if only and only != than else ""


def crash(release: Set, pod: str) -> None:
    """Has the server of a pod crash where it is: nothing more is written, and no replica is waited for."""
    with suppress(Failed):  # it does not answer
        release.cli(pod, "DEBUG", "SEGFAULT")


@scenario("redis-sentinel-all-deleted-7-0")
def all_newer(trial: Trial) -> None:
    """7.0: all pods deleted in random order, again and again: one master, with the newest data."""
    all_deleted(trial, "Redis 7.0")


@scenario("redis-sentinel-all-deleted-5-0")
def all_older(trial: Trial) -> None:
    """5.0.6: the same."""
    all_deleted(trial, "Redis 5.0.6")


def all_deleted(trial: Trial, version: str) -> None:
    """Deletes all pods, in random order, at random moments, with grace and without, after a write that a replica has."""
    with trial.bed.namespace(f"accept-{trial.scenario}") as namespace:
        release = install(trial, namespace, version)
        seed = int(os.environ.get("MIDSHIPS_SEED", "1"))
        numbers = random.Random(seed)
        times = []
        for number in range(1, ROUNDS + 1):
            master = release.await_master()
            release.cli(master, "SET", "round", number)
            release.cli(master, "SET", f"round-{number}", "x" * 100)
            trial.check(release.cli(master, "WAIT", 1, 5000).strip() != "0", "no replica has the write")
            pods = release.pod_names() + release.pod_names("sentinel")
            numbers.shuffle(pods)
            begun = time.monotonic()
            for pod in pods:
                trial.bed.api.delete("pods", namespace, pod, seconds_of_grace=numbers.choice((None, 0)))
                time.sleep(numbers.choice((0, 0, 0.3, 2, 7)))
            deleted = time.monotonic()
            now = release.await_master(240)
            times.append(time.monotonic() - deleted)
            trial.equal(release.cli(now, "GET", "round").strip(), str(number), f"what {now} has of round {number} after {pods} (seed {seed})")
            keys = {f"round-{one}" for one in range(1, number + 1)}
            found = set(release.cli(now, "KEYS", "round-*").split())
            trial.equal(found, keys, f"keys of all rounds on {now}")
            trial.note(f"round {number}: {master} → {now}, {deleted - begun:.0f} s of deletions, one master after {times[-1]:.0f} s")
        trial.figure("rounds", ROUNDS)
        trial.figure("seconds until one master", f"{min(times):.1f} to {max(times):.1f}, mean {sum(times) / len(times):.1f}")


@scenario("redis-sentinel-power", needs_power=True, alone=True)
def power(trial: Trial) -> None:
    """7.0: the node of the master loses its power, under load, and comes back."""
    with trial.bed.namespace("accept-redis-sentinel-power") as namespace:
        release = install(trial, namespace, "Redis 7.0")
        load = RedisLoad(trial, release.target())
        master = release.master()
        node = next(pod["spec"]["nodeName"] for pod in release.pods("server") if pod["metadata"]["name"] == master)
        trial.bed.testbed("kill-node", node)
        load.go_on(seconds=120)
        trial.bed.testbed("start-node", node)
        release.await_master(600)
        summary = load.finish(lost=None, stale=None, failed=None, least_rate=0)
        gone = summary["lost"] + summary["stale"]
        trial.figure("writes that went with the node", gone)
        trial.check(gone <= ON_THE_WAY, f"{gone} acknowledged writes are gone, more than were on their way to replicas")

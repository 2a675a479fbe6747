"""Sets of Redis that Sentinels watch get more servers and Sentinels, and fewer, while a real client writes."""

from __future__ import annotations

from .redis_load import RedisLoad
from .redis_release import MASTER
from .redis_sentinel import Set, install, other
from .redis_steady import LONGEST_GAP
from .trial import Trial, scenario, until

# Sentinels promote the replica with the lowest number first.
FIRST_CHOICE = 1
# How long Sentinels may take to forget who has left: each has its turn once in half a minute and more.
FORGOTTEN = 300


@scenario("redis-sentinel-scale")
def scale(trial: Trial) -> None:
    """7.0: two more replicas, then three fewer with the master among them, and two more Sentinels and fewer; no write fails or is lost."""
    with trial.bed.namespace("accept-redis-sentinel-scale") as namespace:
        release = install(trial, namespace, "Redis 7.0")
        load = RedisLoad(trial, release.target())
        step(release, "five servers", {"servers": {"replicas": 4}})
        load.go_on()
        lead(release, release.pod_names("server")[-1])
        step(release, "writes that wait for three", {"servers": {"minReplicas": 3}})
        load.go_on()
        # While the only replica is the next master, a write must not wait for one.
        step(release, "two servers", {"servers": {"replicas": 1, "minReplicas": 0}})
        load.go_on()
        step(release, "five Sentinels", {"sentinels": {"count": 5}})
        step(release, "three Sentinels", {"sentinels": {"count": 3}})
        until("Sentinels know one replica and two others", lambda: knows_only_who_stays(release), FORGOTTEN, every=5)
        load.go_on()
        before = release.master()
        trial.bed.api.delete("pods", namespace, before)
        until("another server is the master", lambda: other(release, before), 60)
        release.await_master()
        load.go_on()
        load.finish(least_rate=0, longest_gap=LONGEST_GAP)


def step(release: Set, what: str, change: dict) -> None:
    """Changes the numbers of servers or Sentinels, and waits until there is one master among so many."""
    trial = release.trial
    seconds = release.succeed("upgrade", change)
    master = release.await_master()
    trial.figure(what, f"{seconds:.1f} s")
    trial.note(f"helm upgrade to {what} took {seconds:.1f} s; the master is {master}")


def lead(release: Set, pod: str) -> None:
    """Makes the server of a pod the master: it is the first choice when that of the master stops."""
    release.cli(pod, "CONFIG", "SET", "replica-priority", FIRST_CHOICE)

    def is_known() -> bool:
        return all(str(FIRST_CHOICE) in release.priorities(sentinel) for sentinel in release.pod_names("sentinel"))

    until("every Sentinel has heard of the first choice", is_known, 60)
    release.bed.api.delete("pods", release.namespace, release.master())
    until(f"{pod} is the master", lambda: release.master() == pod, 60)
    release.await_master()
    release.trial.note(f"the master is {pod}, the last one")


def knows_only_who_stays(release: Set) -> bool:
    """Whether no Sentinel remembers a server or a Sentinel that has left."""
    for pod in release.pod_names("sentinel"):
        others = release.sentinel(pod, "SENTINEL", "sentinels", MASTER).splitlines().count("name")
        if len(release.priorities(pod)) != 1 or others != 2:
            return False
    return True

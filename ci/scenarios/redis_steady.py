"""Servers of Redis that are in no cluster: settings change, volumes grow and pods are renewed, while a real client writes."""

from __future__ import annotations

from .kubernetes import lives
from .redis_cluster_changes import TOLD, check_growth, check_settings, told
from .redis_load import RedisLoad
from .redis_release import RedisRelease
from .redis_sentinel import install
from .trial import Trial, scenario

MORE_MEMORY = {"server": {"resources": {"limits": {"memory": "288Mi"}}}}
# The longest time in milliseconds for which no write may be acknowledged where another server takes the place of the master: Sentinels
# look once a second at the one that they promote.
LONGEST_GAP = 4_000


@scenario("redis-steady-7-0")
def single(trial: Trial) -> None:
    """7.0: one server takes settings and a larger volume as it runs, is renewed once for more memory, and loses no write."""
    with trial.bed.namespace("accept-redis-steady") as namespace:
        # What is acknowledged is on the disk, whatever becomes of the process.
        values = {"persistence": {"flush": "Always", "storage": {"size": "1Gi"}}}
        release = RedisRelease(trial, namespace, "Redis 7.0", values=values)
        release.install()
        load = RedisLoad(trial, release.target())
        check_settings(release)
        check_growth(release)
        load.go_on()
        release.renew("memory", MORE_MEMORY)
        load.go_on()
        check_nothing_changes(release)
        load.finish(failed=None, least_rate=0)
        for pod in release.pod_names():
            trial.equal(told(release, pod), TOLD, f"settings of {pod} after it was renewed")


@scenario("redis-sentinel-steady")
def watched(trial: Trial) -> None:
    """7.0: a set takes settings and larger volumes as it runs; for more memory its servers are renewed in turn, and no write is lost."""
    with trial.bed.namespace("accept-redis-sentinel-steady") as namespace:
        release = install(trial, namespace, "Redis 7.0")
        load = RedisLoad(trial, release.target())
        check_settings(release)
        check_growth(release)
        load.go_on()
        release.renew("memory", MORE_MEMORY, "server")
        release.await_master()
        load.go_on()
        check_nothing_changes(release)
        load.finish(failed=None, least_rate=0, longest_gap=LONGEST_GAP)


@scenario("redis-sentinel-upgrade")
def upgrade(trial: Trial) -> None:
    """7.0 to 8.0 under load: replicas first, the master after another one has taken its place, then the Sentinels; no write is lost."""
    with trial.bed.namespace("accept-redis-sentinel-upgrade") as namespace:
        release = install(trial, namespace, "Redis 7.0")
        trial.bed.images("redis:8.0")
        load = RedisLoad(trial, release.target())
        release.renew("Redis 8.0", {"version": "Redis 8.0"})
        trial.note(f"the master is {release.await_master()}")
        load.go_on()
        load.finish(failed=None, least_rate=0, longest_gap=LONGEST_GAP)


def check_nothing_changes(release: RedisRelease) -> None:
    """An upgrade without a change leaves every pod and the journal as they are."""
    trial, before = release.trial, lives(release.pods())
    journal = release.journal()
    seconds = release.succeed("upgrade")
    trial.figure("upgrade without a change", f"{seconds:.1f} s")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod after an upgrade without a change")
    trial.equal(release.journal(), journal, "the journal after an upgrade without a change")

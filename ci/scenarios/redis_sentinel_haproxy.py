"""Masters of Redis reached through HAProxy from outside the cluster, while inside clients ask Sentinels."""

from __future__ import annotations

import dataclasses

from .redis_load import Filling, RedisLoad, Target
from .redis_release import PORT, SENTINEL
from .redis_sentinel import VALUES, Set
from .rocketmq_outside import ingress_of, node_address
from .rocketmq_variants import replace
from .trial import Trial, scenario, until

# Below most that the cluster gives out by itself.
NODE_PORT, READ_NODE_PORT = 30_380, 30_381
RATE = 2_500  # writes a second of each of two loads
LEAST_RATE = 1_000


@scenario("redis-sentinel-haproxy", needs_power=True)
def haproxy(trial: Trial) -> None:
    """7.0: clients outside by HAProxy and inside by Sentinels write at once while the master's pod stops and a replica joins."""
    with trial.bed.namespace("accept-redis-haproxy") as namespace:
        service = {"type": "NodePort", "nodePort": NODE_PORT, "readNodePort": READ_NODE_PORT}
        # The test bed's image is of the same version, and made of Debian's packages.
        passed_on = {"enabled": True, "image": {"tag": "3.0"}, "service": service}
        trial.bed.images("haproxy:3.0")
        release = Set(trial, namespace, "Redis 7.0", chart_name=SENTINEL, values={**VALUES, "haproxy": passed_on})
        release.install()
        release.await_master()
        inside = RedisLoad(trial, release.target(), rate=RATE)
        outside = RedisLoad(trial, reached(release, f"{node_address(trial, 'node2')}:{NODE_PORT}"), rate=RATE)
        replace(trial, release, release.master())
        trial.note(f"the master is {release.await_master()}")
        for load in (inside, outside):
            load.go_on(RATE)
        trial.figure("seconds to three replicas", round(release.succeed("upgrade", {"servers": {"replicas": 3}}), 1))
        release.await_ready()
        for load in (inside, outside):
            load.go_on(RATE)
        for load in (inside, outside):
            load.finish(least_rate=LEAST_RATE)
        release.succeed("upgrade", {"haproxy": {"service": {"type": "LoadBalancer"}}})
        name = f"{release.full_name}-haproxy"
        balanced = until("the Service has an address", lambda: ingress_of(release, name), 30)[0]["ip"]
        Filling(trial, reached(release, f"{balanced}:{PORT}"), 1, (100,)).check()
        trial.note("clients outside write at the balanced address")


def reached(release: Set, address: str) -> Target:
    """Where clients outside begin, with keys of their own."""
    own = {"mode": "standalone", "servers": [address], "master": "", "sentinel_password": "", "more": ("--prefix", "outside")}
    return dataclasses.replace(release.target(), **own, is_outside=True)

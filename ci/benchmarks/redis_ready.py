"""A cluster of six servers, from `helm install` until it serves: joined by the chart's Job, and the same pods by redis-cli."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scenarios.bed import Bed  # noqa: E402 (the package is in the directory above)
from scenarios.redis_release import CLUSTER, RedisRelease  # noqa: E402
from scenarios.trial import Failed, Trial, until  # noqa: E402

NAME = "bench-redis-ready"
VERSION = "Redis 7.0"
SERVERS = 6
MOST_RUNS = 5
PATIENCE_SECONDS = 180
EVERY_SECONDS = 0.1
# Nobody shows a password, which without hooks nobody would make.
VALUES = {"authentication": {"source": "None"}}
# What each server must say: that the cluster is well, and of a replica that it is connected.
SERVES = 'cli="redis-cli -p 6379"; $cli cluster info | grep -c cluster_state:ok; $cli info replication | grep -c -E "link_status:up|connected_slaves:1"'


def serves(release: RedisRelease) -> bool:
    """Whether every server says that the cluster is well, and every shard has a replica with its data."""
    pods = release.pod_names()
    with suppress(Failed):  # one that does not answer yet
        return len(pods) == SERVERS and all(release.run(pod, SERVES).split()[:2] == ["1", "1"] for pod in pods)
    return False


def joined_by_job(release: RedisRelease) -> None:
    """Nothing more is to be done: the chart's Job joins them."""


def joined_by_cli(release: RedisRelease) -> None:
    """Waits until all servers answer, and joins them as the product's manual tells."""

    def answering() -> bool:
        with suppress(Failed):
            pods = release.pods()
            good = len(pods) == SERVERS and all(pod["status"].get("podIP") for pod in pods)
            return good and all("PONG" in release.run(pod, "redis-cli -p 6379 ping") for pod in release.pod_names())
        return False

    until("all servers answer", answering, PATIENCE_SECONDS, every=EVERY_SECONDS)
    places = " ".join(f"{pod['status']['podIP']}:6379" for pod in release.pods())
    create = f"redis-cli --cluster create {places} --cluster-replicas 1 --cluster-yes"
    said = release.run(release.pod_names()[0], create)
    if "All 16384 slots covered" not in said:
        raise Failed(f"redis-cli did not make a cluster: {said[-1000:]}")


def seconds_until_serving(bed: Bed, join: Callable[[RedisRelease], None], *options: str) -> float:
    """How long a new cluster takes until it serves."""
    with bed.namespace(NAME) as namespace:
        release = RedisRelease(Trial(bed, NAME), namespace, VERSION, values=VALUES, chart_name=CLUSTER)
        chart = [*release.chart, *options]
        bed.images(release.image)
        begun = time.monotonic()
        helm = release.begin("install", chart=chart)
        join(release)
        until("the cluster serves", lambda: serves(release), PATIENCE_SECONDS, every=EVERY_SECONDS)
        seconds = time.monotonic() - begun
        helm.finish()
        return seconds


def run(runs: int) -> None:
    """Measures both, in turn, on the test bed that is up, and prints a table."""
    bed = Bed()
    bed.publish()
    took: dict[str, list[float]] = {}
    for number in range(min(runs, MOST_RUNS) + 1):
        for title, join, options in (("midships", joined_by_job, ()), ("redis-cli --cluster create", joined_by_cli, ("--no-hooks",))):
            seconds = seconds_until_serving(bed, join, *options)
            if number:  # the first run of each has the nodes get the images
                took.setdefault(title, []).append(seconds)
    ours = statistics.median(took["midships"])
    print("| joined by | median | least and most | beside midships | runs |\n| --- | --- | --- | --- | --- |")
    for title, seconds in took.items():
        median = statistics.median(seconds)
        span = f"{min(seconds):.1f} to {max(seconds):.1f} s"
        print(f"| {title} | {median:.1f} s | {span} | {median / ours:.2f} times | {len(seconds)} |")

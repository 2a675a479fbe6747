"""Clusters of Redis and Valkey: settings change, replicas come and go and volumes grow, while a real client writes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .authority import Authority, presented
from .bed import output
from .kubernetes import lives
from .redis_cluster import check_slots
from .redis_load import RedisLoad
from .redis_release import CLUSTER, TLS_PORT, RedisRelease
from .trial import Trial, scenario, until

SHARDS = 3
# A named setting and a field, each with what a server tells of it.
CHANGED = {"memory": {"policy": "allkeys-lru"}, "tuning": {"slowMicroseconds": 2500, "configuration": {"lfu-decay-time": 7}}}
TOLD = {"maxmemory-policy": "allkeys-lru", "slowlog-log-slower-than": "2500", "lfu-decay-time": "7"}


@scenario("redis-cluster-settings")
def settings(trial: Trial) -> None:
    """7.0: changed settings are taken without a restart and outlive one, and one that no server knows is refused, under load."""
    with trial.bed.namespace("accept-redis-settings") as namespace:
        release = RedisRelease(trial, namespace, "Redis 7.0", chart_name=CLUSTER)
        release.install()
        load = RedisLoad(trial, release.target())
        before = lives(release.pods())
        check_settings(release)
        load.finish(repeated=0)
        # What a server reads at a start of its container, and with a new pod.
        pods = release.pod_names()
        first, last = pods[0], pods[-1]
        within = ["exec", "--namespace", namespace, first, "--container", "server", "--", "cat", "/config/server/redis.conf"]
        until(f"the file of {first} is the new one", lambda: "slowlog-log-slower-than 2500" in output([*trial.bed.kubectl, *within]), 120)
        stop = ["exec", "--namespace", namespace, first, "--container", "server", "--", "sh", "-c", "kill 1"]
        output([*trial.bed.kubectl, *stop])
        until(f"{first} has been started again", lambda: lives(release.pods())[first] != before[first], 60)
        trial.bed.api.delete("pods", namespace, last)
        until(f"{last} is made anew", lambda: lives(release.pods()).get(last, before[last]) != before[last], 120)
        release.await_ready()
        for pod in (first, last):
            trial.equal(told(release, pod), TOLD, f"settings of {pod} after a start")


def check_settings(release: RedisRelease) -> None:
    """Changed settings are taken without a restart; one that no server knows is refused by its field, and nothing has changed."""
    trial, before = release.trial, lives(release.pods())
    seconds = release.succeed("upgrade", CHANGED)
    trial.figure("settings changed", f"{seconds:.1f} s")
    for pod in release.pod_names():
        trial.equal(told(release, pod), TOLD, f"settings of {pod}")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod")
    kept = release.values
    unknown = {"tuning": {"configuration": {"no-such-setting": 1}}}
    result = release.apply("upgrade", unknown)
    release.values = kept
    trial.check(result.returncode != 0, "helm upgrade with a setting that no server knows succeeded")
    named = "tuning.configuration.no-such-setting"
    events = trial.bed.api.list("events", release.namespace)
    reasons = [event["message"] for event in events if named in event.get("message", "")]
    trial.check(reasons, f"no Event names the field; helm said: {result.stderr.strip()[-1500:]}")
    trial.note(f"refused: {reasons[-1]}")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod after the refusal")


def told(release: RedisRelease, pod: str) -> dict[str, str]:
    """What the server of a pod has of the changed settings."""
    return {name: release.cli(pod, "CONFIG", "GET", name).split()[-1] for name in TOLD}


@scenario("redis-cluster-replicas-7-0")
def replicas(trial: Trial) -> None:
    """7.0: shards with one replica get two, none, and one again, under load; masters that leave hand over first."""
    change_replicas(trial, "Redis 7.0")


@scenario("redis-cluster-replicas-5-0-6")
def replicas_of_older(trial: Trial) -> None:
    """5.0.6: the same."""
    change_replicas(trial, "Redis 5.0.6")


def change_replicas(trial: Trial, version: str) -> None:
    """Changes the number of replicas under load; before some of them leave, one is made the master of its shard."""
    with trial.bed.namespace("accept-redis-changes") as namespace:
        release = RedisRelease(trial, namespace, version, chart_name=CLUSTER)
        release.install()
        check_replicas(release, 1)
        load = RedisLoad(trial, release.target())
        for number in (2, 0, 1):
            if number == 0:
                last = f"{release.full_name}-shard-0-2"
                release.cli(last, "CLUSTER", "FAILOVER")
                until(f"{last} is the master of its shard", lambda: is_master(release, f"{release.full_name}-shard-0-2"), 30)
            failed = load.failed()
            seconds = release.succeed("upgrade", {"shards": {"replicasPerShard": number}})
            trial.figure(f"to {number} replicas", f"{seconds:.1f} s")
            trial.note(f"helm upgrade to {number} replicas took {seconds:.1f} s, {load.failed() - failed} writes failed")
            check_replicas(release, number)
            load.go_on()
        load.finish(repeated=0)
        check_replicas(release, 1)


def is_master(release: RedisRelease, pod: str) -> bool:
    """Whether the server of a pod is a master."""
    return release.information(pod, "replication")["role"] == "master"


def check_replicas(release: RedisRelease, number: int) -> None:
    """Slots are as they were; every shard has a master and so many replicas, which are connected to it; nobody knows anybody else."""
    trial = release.trial
    check_slots(release, SHARDS)
    for shard in range(SHARDS):
        pods = [pod for pod in release.pod_names() if pod.startswith(f"{release.full_name}-shard-{shard}-")]
        roles = sorted(release.information(pod, "replication")["role"] for pod in pods)
        trial.equal(roles, ["master", *["slave"] * number], f"roles of shard {shard}")
        for pod in pods:
            told_by = release.information(pod, "replication")
            trial.check(told_by.get("master_link_status", "up") == "up", f"{pod} is not connected to its master")


@scenario("redis-cluster-certificates")
def certificates(trial: Trial) -> None:
    """7.0: the certificate of servers that speak TLS only is renewed under load; all present the new one, and no pod restarts."""
    with trial.bed.namespace("accept-redis-certificates") as namespace, TemporaryDirectory() as directory:
        tls = {"tls": {"secretName": "certificates", "enforced": True}}
        release = RedisRelease(trial, namespace, "Redis 7.0", chart_name=CLUSTER, values=tls)
        names = (release.host(release.full_name), f"*.{release.host(f'{release.full_name}-servers')}")
        authority = Authority(Path(directory, "own"), names)
        api, secret = trial.bed.api, {"metadata": {"name": "certificates"}}
        api.create("secrets", namespace, {**secret, "stringData": authority.secret()})
        release.install()
        target = replace(release.target(), servers=[f"{release.host(release.full_name)}:{TLS_PORT}"], authority=authority.certificate())
        load = RedisLoad(trial, target)
        trial.equal(all_presented(release), {authority.serial()}, "certificates that servers present")
        before = lives(release.pods())
        authority.renew(new_key=True)
        api.ask("PUT", api.path("secrets", namespace, "certificates"), {**secret, "stringData": authority.secret()})
        begun = time.monotonic()
        until("all servers present the new certificate", lambda: all_presented(release) == {authority.serial()}, 180, every=2)
        trial.figure("seconds until all servers present the new certificate", round(time.monotonic() - begun, 1))
        load.go_on()
        # Servers that meet anew show each other the new one.
        pod = release.pod_names()[-1]
        api.delete("pods", namespace, pod)
        until(f"{pod} is made anew", lambda: lives(release.pods()).get(pod, before[pod]) != before[pod], 120)
        release.await_ready()
        after = {name: life for name, life in lives(release.pods()).items() if name != pod}
        trial.equal(after, {name: life for name, life in before.items() if name != pod}, "uid and restarts of each other server")
        load.go_on()
        load.finish(repeated=0)


def all_presented(release: RedisRelease) -> set[str]:
    """The numbers of the certificates that servers present."""
    return {presented(release.bed, f"{pod['status']['podIP']}:{TLS_PORT}") for pod in release.pods()}


@scenario("redis-cluster-volumes")
def volumes(trial: Trial) -> None:
    """7.0: volumes grow to twice their size under load, no pod restarts; smaller ones are refused; a rollback keeps them."""
    with trial.bed.namespace("accept-redis-volumes") as namespace:
        release = RedisRelease(trial, namespace, "Redis 7.0", chart_name=CLUSTER)
        release.install()
        small = release.last_deployed()
        load = RedisLoad(trial, release.target())
        before = lives(release.pods())
        check_growth(release)
        owned = {pod["metadata"]["name"]: pod["metadata"].get("ownerReferences", []) for pod in release.pods()}
        trial.equal([name for name, owners in owned.items() if not owners], [], "pods that no StatefulSet has taken over")
        result = release.apply("upgrade", sized("1Gi"))
        trial.check(result.returncode != 0, "helm upgrade to smaller volumes succeeded")
        events = trial.bed.api.list("events", namespace)
        reasons = [event["message"] for event in events if "cannot become smaller" in event.get("message", "")]
        trial.check(reasons, f"no Event says why; helm said: {result.stderr.strip()[-1500:]}")
        trial.note(f"refused: {reasons[-1]}")
        result = release.helm("rollback", str(small))
        trial.equal(result.returncode, 0, f"exit code of helm rollback: {result.stderr.strip()[-1500:]}")
        trial.equal(capacities(release), {"2Gi"}, "what claims have after a rollback")
        trial.equal(lives(release.pods()), before, "uid and restarts of each server after a rollback")
        load.finish(repeated=0)


def check_growth(release: RedisRelease) -> None:
    """Volumes of servers grow to twice their size, and no pod restarts."""
    trial, before = release.trial, lives(release.pods())
    seconds = release.succeed("upgrade", sized("2Gi"))
    trial.figure("growth", f"{seconds:.1f} s")
    trial.equal(capacities(release), {"2Gi"}, "what claims have")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod")


def sized(size: str) -> dict:
    """Values with volumes of a size."""
    return {"persistence": {"storage": {"size": size}}}


def capacities(release: RedisRelease) -> set[str]:
    """What the claims of servers have."""
    selector = f"midships/cluster={release.full_name}"
    claims = release.bed.api.list("persistentvolumeclaims", release.namespace, f"{selector},midships/component=server")
    return {claim["status"]["capacity"]["storage"] for claim in claims}

"""RocketMQ: volumes fill up and grow while real clients send and consume."""

from __future__ import annotations

import json
import time

from .bed import output, program
from .kubernetes import lives
from .load import Load
from .release import Release
from .rocketmq_groups import stored
from .trial import Trial, scenario, until


@scenario("rocketmq-volumes-grow")
def grow(trial: Trial) -> None:
    """5.4.0: volumes of brokers and name servers grow to twice their size under load, no pod restarts; smaller ones are refused."""
    with trial.bed.namespace("accept-volumes") as namespace:
        release = Release(trial, namespace, "5.4.0")
        release.install()
        small = release.last_deployed()
        load = Load(release, watched=1)
        before = lives(release.pods())
        larger = {"nameServers": {"storage": {"size": "128Mi"}}, "brokers": {"storage": {"size": "2Gi"}}}
        seconds = release.succeed("upgrade", larger)
        trial.figure("growth", f"{seconds:.1f} s")
        trial.equal(capacities(release), {"broker": {"2Gi"}, "name-server": {"128Mi"}}, "what claims have")
        trial.equal(lives(release.pods()), before, "uid and restarts of each pod")
        owned = {pod["metadata"]["name"]: pod["metadata"].get("ownerReferences", []) for pod in release.pods()}
        trial.equal([name for name, owners in owned.items() if not owners], [], "pods that no StatefulSet has taken over")
        result = release.apply("upgrade", {"brokers": {"storage": {"size": "1Gi"}}})
        trial.check(result.returncode != 0, "helm upgrade to smaller volumes succeeded")
        events = trial.bed.api.list("events", namespace)
        reasons = [event["message"] for event in events if "cannot become smaller" in event.get("message", "")]
        trial.check(reasons, f"no Event says why; helm said: {result.stderr.strip()[-1500:]}")
        trial.note(f"refused: {reasons[-1]}")
        result = release.roll_back(1, revision=small)
        trial.equal(result.returncode, 0, f"exit code of helm rollback: {result.stderr.strip()[-1500:]}")
        trial.equal(capacities(release), {"broker": {"2Gi"}, "name-server": {"128Mi"}}, "what claims have after a rollback")
        trial.equal(lives(release.pods()), before, "uid and restarts of each pod after a rollback")
        load.finish()


def capacities(release: Release) -> dict[str, set[str]]:
    """What the claims of each component have."""
    found: dict[str, set[str]] = {}
    selector = f"midships/cluster={release.full_name}"
    for claim in release.bed.api.list("persistentvolumeclaims", release.namespace, selector):
        component = "broker" if "-broker-" in claim["metadata"]["name"] else "name-server"
        found.setdefault(component, set()).add(claim["status"]["capacity"]["storage"])
    return found


@scenario("rocketmq-disk-full")
def disk_full(trial: Trial) -> None:
    """5.5.0: a master's volume is filled: it refuses messages and says why, what it has is read, and a larger volume cures it."""
    check_disk_full(trial, "5.5.0")


@scenario("rocketmq-disk-full-4-9-7")
def disk_full_of_four(trial: Trial) -> None:
    """4.9.7: the same."""
    check_disk_full(trial, "4.9.7")


def check_disk_full(trial: Trial, version: str) -> None:
    """Fills the volume of the first of two masters under load, and grows it."""
    with trial.bed.namespace(f"accept-disk-full-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values={"brokers": {"replicasPerGroup": 0, "storage": {"size": "512Mi"}}})
        release.install()
        load = Load(release, watched=1)
        before = lives(release.pods())
        group = f"{namespace}_{release.full_name}-broker-0"
        fill(release, f"{release.full_name}-broker-0-master-0", 96)
        # A broker looks at its disk every ten seconds.
        until("the master of group 0 takes no more messages", lambda: stands_still(release), 120)
        told = next(broker for broker in cluster(release) if broker["broker"] == group)
        trial.check(told["diskUsed"] >= 0.9, f"the cluster's list does not say that the disk is full: {told}")
        refused = [line for line in load.client_log().splitlines() if "disk" in line.lower() and group in line]
        trial.check(refused, "no line of the clients' log says that the disk of the first master is full")
        trial.note(f"what clients are told: {refused[-1][:300]}")
        seconds = release.succeed("upgrade", {"brokers": {"storage": {"size": "1Gi"}}})
        trial.figure("growth", f"{seconds:.1f} s")
        until("the master of group 0 takes messages again", lambda: not stands_still(release), 120)
        trial.equal(lives(release.pods()), before, "uid and restarts of each pod")
        load.finish()


def fill(release: Release, pod: str, percent: int) -> None:
    """Fills the volume of a pod with a file, until so much of it is used."""
    sized = "set -- $(df -k /data | tail -n 1); free=$4; used=$3; all=$((used + free))"
    write = f"head -c $(((all * {percent} / 100 - used) * 1024)) /dev/zero > /data/ballast"
    output([*release.bed.kubectl, "exec", "-n", release.namespace, pod, "--", "sh", "-ec", f"{sized}; {write}; sync /data/ballast"])


def stands_still(release: Release) -> bool:
    """Whether the first master has stored nothing for three seconds."""
    first = stored(release, 0)
    time.sleep(3)
    return stored(release, 0) == first


def cluster(release: Release) -> list[dict]:
    """What the hook program says of the brokers."""
    ask = [program("midships-hook"), "rocketmq", "cluster", "--name-servers", release.name_server(0), "--output", "json"]
    return json.loads(output(release.bed.net(*ask)))["brokers"]

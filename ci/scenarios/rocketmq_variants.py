"""RocketMQ: pods that leave unplanned, name servers and brokers in releases apart, and each place where data can lie."""

from __future__ import annotations

import secrets

from .bed import Bed
from .kubernetes import ready
from .load import Load, now
from .release import Release
from .trial import Trial, scenario, until

ALONE = {"groups": 1, "replicasPerGroup": 0}
HOST_DIRECTORY = "/var/lib/kubelet/acceptance"  # on the disk of a node of the test bed, which goes with the bed
HOST_NAME = "kubernetes.io/hostname"
AGAIN = "again-a,again-b"


@scenario("rocketmq-pod-leaves-5")
def pod_leaves_5(trial: Trial) -> None:
    """5.4.0: a master's pod is deleted under load, drains itself, comes back with another address; no operation needed."""
    pod_leaves(trial, "5.4.0")


@scenario("rocketmq-pod-leaves-4")
def pod_leaves_4(trial: Trial) -> None:
    """4.9.3: a master's pod is deleted under load, drains itself, comes back with another address; no operation needed."""
    pod_leaves(trial, "4.9.3")


def pod_leaves(trial: Trial, version: str) -> None:
    """A master's pod is deleted as `kubectl delete pod` does, while another group can take what it refuses."""
    values = {"nameServers": {"count": 2}, "brokers": {"replicasPerGroup": 0}}
    with trial.bed.namespace(f"accept-pod-leaves-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values=values)
        release.install()
        load = Load(release, watched=2)
        load.await_listed(2)
        journal = release.journal()
        name = f"{release.full_name}-broker-0-master-0"
        before = trial.bed.api.get("pods", namespace, name)
        after = replace_drained(trial, release, name)
        trial.check(after["status"]["podIP"] != before["status"]["podIP"], "the pod has come back with the same address")
        load.await_listed(2)
        load.finish()
        trial.equal(release.journal(), journal, "the journal")


def replace(trial: Trial, release: Release, name: str, *, evicted: bool = False) -> dict:
    """Deletes or evicts a pod with its grace period and waits until another one of its name is ready; returns that one."""
    api, namespace = trial.bed.api, release.namespace
    uid = api.get("pods", namespace, name)["metadata"]["uid"]
    if evicted:
        api.evict(namespace, name)
    else:
        api.delete("pods", namespace, name)
    trial.note(f"{name} is {'evicted' if evicted else 'deleted'}")

    def back() -> dict | None:
        pod = api.get("pods", namespace, name)
        return pod if pod and pod["metadata"]["uid"] != uid and ready(pod) else None

    pod = until(f"another pod {name} is ready", back, 240)
    trial.note(f"{name} is back")
    return pod


def replace_drained(trial: Trial, release: Release, name: str, *, evicted: bool = False) -> dict:
    """The same of a master, and checks that it has drained itself before it went."""
    said = trial.bed.api.follow(release.namespace, name)
    pod = replace(trial, release, name, evicted=evicted)
    drained = [line for line in said if line.startswith("drain: ")]
    trial.equal(drained[-1:], ["drain: drained"], f"the last word of the drain of {name}, of {drained}")
    return pod


@scenario("rocketmq-apart")
def apart(trial: Trial) -> None:
    """Name servers in one release, brokers in another: one more and one fewer, and in the wrong order refused."""
    with trial.bed.namespace("accept-apart") as namespace:
        names = Release(trial, namespace, "5.4.0", name="names", values={"brokers": {"enabled": False}})
        other = {"source": "Release", "release": {"name": names.name, "namespace": "", "count": 1}}
        brokers = {"groups": 1, "replicasPerGroup": 1, "replication": "Synchronous"}
        shop = Release(trial, namespace, "5.4.0", name="shop", values={"nameServers": other, "brokers": brokers})
        names.install()
        shop.install()
        before = shop.broker_lives()
        load = Load(shop, watched=2)

        names.set_name_servers(2)
        use_name_servers(trial, shop, load, 2)

        values = names.values
        refused = names.apply("upgrade", {"nameServers": {"count": 1}})
        names.values = values
        trial.check(refused.returncode != 0, "a name server was removed at which brokers of another release are registered")
        trial.equal(len(names.pods()), 2, "name servers after the refusal")
        lone = f"{shop.full_name}-broker-0"
        messages = [event.get("message", "") for event in trial.bed.api.list("events", namespace)]
        reasons = [message for message in messages if "brokers of other releases" in message and lone in message]
        said = refused.stderr.strip()[-1500:]
        trial.check(reasons, f"no Event names {lone} as a broker of another release; helm said: {said}")
        trial.note(f"refused: {reasons[-1]}")

        use_name_servers(trial, shop, load, 1)
        names.set_name_servers(1)
        load.check_listed(1, now())
        load.finish()
        trial.equal(shop.broker_lives(), before, "uid and restarts of each broker")


def use_name_servers(trial: Trial, release: Release, load: Load, count: int) -> None:
    """Has brokers use so many name servers of another release, and checks that those list them when helm returns."""
    seconds = release.succeed("upgrade", {"nameServers": {"release": {"count": count}}})
    load.check_listed(count, now())
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    trial.note(f"helm upgrade to {count} name servers of another release took {seconds:.1f} s")


@scenario("rocketmq-storage-modes", needs_power=True)
def storage_modes(trial: Trial) -> None:
    """EmptyDir under the restricted standard, and HostPath, whose messages outlive their pods."""
    with trial.bed.namespace("accept-empty-dir") as namespace:
        release = Release(trial, namespace, "5.4.0", values=stored({"mode": "EmptyDir"}))
        release.install()
        Load(release, watched=1).finish()
    node = first_node(trial.bed)
    # A directory of this run: what an earlier one left must not be taken for its messages.
    directory = f"{HOST_DIRECTORY}-{secrets.token_hex(4)}"
    storage = stored({"mode": "HostPath", "hostPath": directory}, {"nodeSelector": {HOST_NAME: node}})
    with trial.bed.namespace("accept-host-path", standard="privileged") as namespace:
        keep_on_host(trial, Release(trial, namespace, "5.4.0", values=storage))


def stored(storage: dict, pod: dict | None = None) -> dict:
    """The values of a small release with all data in one kind of place."""
    own = {"storage": storage, "pod": pod or {}}
    return {"nameServers": own, "brokers": {**own, **ALONE}}


def first_node(bed: Bed) -> str:
    """The first node that is ready, by name."""
    nodes = sorted(bed.api.ask("GET", "/api/v1/nodes")["items"], key=lambda node: node["metadata"]["name"])
    return next(node["metadata"]["labels"][HOST_NAME] for node in nodes if ready(node))


def keep_on_host(trial: Trial, release: Release) -> None:
    """Sends messages, deletes every pod, and checks that consumers who come later receive all of them."""
    release.install()
    load = Load(release, watched=1)
    acknowledged = load.finish()["acknowledged"]
    load.remove()
    for pod in release.pods():
        replace(trial, release, pod["metadata"]["name"])
    # A hook Job waits until every broker and topic is listed again.
    release.succeed("upgrade")
    again = Load(release, watched=1, groups=AGAIN, prepare=False).finish()
    expected = {group: acknowledged for group in AGAIN.split(",")}
    trial.equal(again["earlier"], expected, "messages of before the pods were deleted that new consumers received")

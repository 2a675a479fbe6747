"""RocketMQ: controllers elect masters, while nodes lose power, brokers restart, and groups and replicas come and go."""

from __future__ import annotations

import json
import time

from .bed import command_result, merged
from .checks import passes
from .kubernetes import ready
from .load import QUEUES, Load, now
from .release import Release
from .rocketmq_access import ADMINISTRATOR, APPLICATION, make_secrets, refused
from .rocketmq_restarts import renewed, setting
from .rocketmq_variants import replace_drained
from .trial import Trial, scenario, until

# Nothing that is acknowledged may be lost whichever replica is elected.
ELECTED = {"controllers": {"enabled": True}, "brokers": {"replication": "Synchronous"}}
# The longest time without a master after a node has lost its power, in seconds.
LONGEST_ELECTION = 30


@scenario("rocketmq-controllers")
def restarts(trial: Trial) -> None:
    """5.5.0, elected masters: a new heap restarts each broker once under load, and each master hands its group over before."""
    with trial.bed.namespace("accept-controllers") as namespace:
        release = Release(trial, namespace, "5.5.0", values=ELECTED)
        release.install()
        passes(trial, release, 4)
        load = Load(release, watched=1)
        renewed(trial, release, "heap", {"brokers": {"heapMegabytes": 240}})
        load.check_listed(1, now())
        evict_a_master(trial, release)
        load.await_listed(1)
        passes(trial, release, 4)
        load.finish()


@scenario("rocketmq-controllers-access-control")
def with_access_control(trial: Trial) -> None:
    """5.5.0, elected masters and access control: a drain is signed, another master is elected, and restarts hand groups over."""
    with trial.bed.namespace("accept-controllers-access") as namespace:
        access = {"accessControl": {"secretName": ADMINISTRATOR, "enforced": True}}
        release = Release(trial, namespace, "5.5.0", values={**ELECTED, **access})
        make_secrets(release)
        release.install()
        load = Load(release, watched=1, secrets=(ADMINISTRATOR, APPLICATION))
        evict_a_master(trial, release)
        load.await_listed(1)
        renewed(trial, release, "heap", {"brokers": {"heapMegabytes": 240}})
        load.check_listed(1, now())
        passes(trial, release, 4)
        load.finish()


def evict_a_master(trial: Trial, release: Release) -> None:
    """Evicts a master: it turns clients away first, and another one is elected when it has gone."""
    (master, *_) = [address_of(election, election["masterBrokerId"]) for election in elections(release).values()]
    replace_drained(trial, release, f"{master.split('.')[0]}-0", evicted=True)


@scenario("rocketmq-controllers-node-off", needs_power=True, alone=True)
def node_off(trial: Trial) -> None:
    """5.5.0, elected masters: the node of a master loses its power under load; another takes over, the old one comes back as a replica."""
    lose_a_master(trial, "accept-election", "DLedger")


@scenario("rocketmq-controllers-node-off-jraft", needs_power=True, alone=True)
def node_off_jraft(trial: Trial) -> None:
    """5.5.0: the same with controllers that agree by JRaft."""
    lose_a_master(trial, "accept-election-jraft", "JRaft")


def lose_a_master(trial: Trial, name: str, consensus: str) -> None:
    """Powers a node off that has a master, and on again."""
    with trial.bed.namespace(name) as namespace:
        # Each broker of a group on another node, whatever else runs there.
        own = {"controllers": {"consensus": consensus}, "nameServers": {"count": 2}, "brokers": {"pod": {"antiAffinity": "Hard"}}}
        release = Release(trial, namespace, "5.5.0", values=merged(ELECTED, own))
        release.install()
        passes(trial, release, 4)
        places = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in release.pods()}
        # The load stands where the name server does that it knows, and the node of a master that is lost is another one.
        home = places[f"{release.full_name}-name-server-0"]
        before = elections(release)
        group, master = master_elsewhere(trial, release, places, home)
        (heir,) = set(ids(before[group]).values()) - {master}
        off = places[f"{master.split('.')[0]}-0"]
        lost = sorted(pod for pod, node in places.items() if node == off)
        load = Load(release, watched=2, node=home)
        trial.note(f"power off: {off} with {', '.join(lost)}")
        begun = time.monotonic()
        trial.bed.testbed("kill-node", off)
        try:
            # The dead node would be waited for, so only the other broker is asked.
            other = heir.split(".")[0].removeprefix(f"{release.full_name}-")
            until("the other broker is the master", lambda: setting(release, other, "brokerId") == "0", LONGEST_ELECTION, every=0.1)
            took = time.monotonic() - begun
            trial.figure("seconds until the other broker was the master", round(took, 1))
            trial.check(took <= LONGEST_ELECTION, f"the other broker was the master after {took:.1f} s")
            trial.note(f"{heir} is the master of {group} after {took:.1f} s")
            goal = load.acknowledged() + 5_000
            until("messages are acknowledged without the node", lambda: load.acknowledged() >= goal, 120)
        finally:
            trial.bed.testbed("start-node", off)
        trial.note(f"power on: {off}")
        until("the node's pods are back", lambda: all(ready(pod) for pod in release.pods()), 300)
        until("all brokers are in sync", lambda: all_in_sync(release), 120)
        after = elections(release)[group]
        trial.equal(address_of(after, after["masterBrokerId"]), heir, f"master of {group} after the node is back")
        trial.equal(ids(after), ids(before[group]), f"ids of the brokers of {group}")
        # A name server that comes back knows nothing until each broker registers again, every 30 seconds.
        load.await_listed(2)
        # Sends that hit the dead node may fail after the client's own retries; what was acknowledged may not be lost.
        load.finish(send_errors=None)
        passes(trial, release, 4)


def master_elsewhere(trial: Trial, release: Release, places: dict[str, str], home: str) -> tuple[str, str]:
    """A group and the address of its master, which is not on a node; where all are, one of them gives way to another broker."""

    def found() -> tuple[str, str] | None:
        for group, election in sorted(elections(release).items()):
            master = address_of(election, election.get("masterBrokerId"))
            if master and places[f"{master.split('.')[0]}-0"] != home:
                return group, master
        return None

    if not found():
        evict_a_master(trial, release)
        until("all brokers are in sync", lambda: all_in_sync(release), 120)
    return until("a master is on another node", found, 60)


@scenario("rocketmq-controllers-scale")
def scale(trial: Trial) -> None:
    """5.5.0, elected masters: a name server, a group and replicas come and go under load, also a replica that is the master."""
    with trial.bed.namespace("accept-controllers-scale") as namespace:
        release = Release(trial, namespace, "5.5.0", values=ELECTED)
        release.install()
        load = Load(release, watched=2)
        release.set_name_servers(2)
        load.check_listed(2, now())
        for what, change in [("a third group", {"groups": 3}), ("two replicas per group", {"replicasPerGroup": 2})]:
            # Each group that is added has as many queues of the topic as the others.
            load.queues = 3 * QUEUES // 2
            seconds = release.succeed("upgrade", {"brokers": change})
            trial.figure(what, f"{seconds:.1f} s")
            until("all brokers are in sync", lambda: all_in_sync(release), 120)
            load.check_listed(2, now())
        elect(trial, release, 0, 2)
        seconds = release.succeed("upgrade", {"brokers": {"replicasPerGroup": 1}})
        trial.figure("one replica per group, one of those that left a master", f"{seconds:.1f} s")
        load.await_listed(2)
        seconds = release.succeed("upgrade", {"brokers": {"groups": 2}})
        trial.figure("two groups", f"{seconds:.1f} s")
        load.queues = QUEUES
        load.await_listed(2)
        remove_claims(release, "data-{}-broker-2-")
        seconds = release.succeed("upgrade", {"brokers": {"groups": 3}})
        trial.figure("a third group again, on new volumes", f"{seconds:.1f} s")
        load.queues = 3 * QUEUES // 2
        load.await_listed(2)
        refused(release, {"controllers": {"count": 5}}, "controllers.count")
        refused(release, {"controllers": {"consensus": "JRaft"}}, "controllers.consensus")
        refused(release, {"controllers": {"enabled": False}}, "controllers.enabled")
        load.finish()
        passes(trial, release, 4, masters=3)


def elect(trial: Trial, release: Release, group: int, number: int) -> None:
    """Has a broker elected as the product's own tool does, and waits until it is the master."""
    name = next(name for name in elections(release) if name.endswith(f"-broker-{group}"))
    address = f"{release.full_name}-broker-{group}-{number}.{release.namespace}.svc.cluster.local:10911"
    wanted = next(known for known in ids(elections(release)[name]).items() if known[1] == address)[0]
    where = f"-a {release.full_name}-controller-0:9878 -b {wanted} -bn {name} -c {release.full_name}"
    command = f". /scripts/java.sh; run_tool electMaster {where}"
    pod = f"{release.full_name}-broker-{group}-0-0"
    said = command_result([*release.bed.kubectl, "exec", "-n", release.namespace, pod, "--", "sh", "-c", command])
    trial.note(f"electMaster: {(said.stdout + said.stderr).strip()[:400]}")
    until(f"{address} is the master", lambda: master_of(release, name) == address, 60)


def remove_claims(release: Release, prefix: str) -> None:
    """Deletes the volumes of brokers that have left, and waits until they are gone: a pod that still stops keeps its own."""
    api, prefix = release.bed.api, prefix.format(release.full_name)

    def left() -> list[str]:
        claims = [claim["metadata"]["name"] for claim in api.list("persistentvolumeclaims", release.namespace)]
        return [name for name in claims if name.startswith(prefix)]

    for name in left():
        api.delete("persistentvolumeclaims", release.namespace, name)
    until("the volumes of brokers that have left are gone", lambda: not left(), 120)


def elections(release: Release) -> dict[str, dict]:
    """What the leading controller knows of each group."""
    groups = json.dumps(sorted(release.brokers()))
    for pod in release.pods("broker"):
        if not ready(pod):
            continue
        for number in range(3):
            controller = f"{release.full_name}-controller-{number}.{release.namespace}.svc.cluster.local:9878"
            ask = ["bash", "/scripts/remoting.bash", controller, "1006", groups]
            where = ["exec", "-n", release.namespace, pod["metadata"]["name"], "--"]
            answer = command_result([*release.bed.kubectl, *where, *ask], errors="replace").stdout
            start = answer.find('{"replicasInfoTable"')
            if start >= 0:
                return json.JSONDecoder().raw_decode(answer, start)[0]["replicasInfoTable"]
    return {}


def ids(election: dict) -> dict[int, str]:
    """The address of each broker of a group, by its id."""
    return {broker["brokerId"]: broker["brokerAddress"] for broker in election["inSyncReplicas"] + election["notInSyncReplicas"]}


def address_of(election: dict, broker: int | None) -> str:
    """The address of a broker of a group; nothing where there is none."""
    return ids(election).get(broker, "")


def master_of(release: Release, group: str) -> str:
    """The master of a group that knows it itself, if there is one."""
    election = elections(release).get(group, {})
    address = address_of(election, election.get("masterBrokerId")) if election else ""
    if not address:
        return ""
    broker = address.split(".")[0].removeprefix(f"{release.full_name}-")
    return address if setting(release, broker, "brokerId") == "0" else ""


def all_in_sync(release: Release) -> bool:
    """Whether every broker counts as in sync with its master."""
    found = elections(release)
    size = release.values["brokers"]["replicasPerGroup"] + 1
    return set(found) == set(release.brokers()) and all(len(election["inSyncReplicas"]) == size for election in found.values())

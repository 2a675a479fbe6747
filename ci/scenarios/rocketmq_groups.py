"""RocketMQ: groups of brokers are added and removed while real clients send and consume."""

from __future__ import annotations

import json
import time

from .bed import command_result
from .load import QUEUES, TOPIC, Load
from .release import Release
from .rocketmq_restarts import setting
from .trial import Failed, Trial, scenario, until

# The codes of the questions for all topics, for all subscription groups, and for what a broker has done.
TOPICS, GROUPS, RUNTIME = 21, 201, 28
MORE_TOPICS, MORE_GROUPS = 50, 30
MARK = "MIDSHIPS_ADDITION_UNFINISHED"
REMOVAL_MARKS = ("MIDSHIPS_REMOVAL_UNFINISHED", "MIDSHIPS_REMOVAL_DRAINED")
# The load has a topic with an order of all groups, which has to be shortened.
THREE = {"groups": 3, "replicasPerGroup": 0, "orderedTopics": "Spread"}
SYSTEM = ("TBW102", "SELF_TEST_TOPIC", "BenchmarkTest", "OFFSET_MOVED_EVENT", "SCHEDULE_TOPIC_XXXX", "RMQ_SYS_", "rmq_sys_")


@scenario("rocketmq-add-groups")
def add_groups(trial: Trial) -> None:
    """5.5.0: 1 to 3 groups under load with 50 topics and 30 groups: all but ordered ones are equal on each, and all are written."""
    check_added(trial, "5.5.0", {f"more-{number:03}" for number in range(MORE_TOPICS) if number % 10 in (0, 1)})


@scenario("rocketmq-add-groups-4-9-7")
def add_groups_of_four(trial: Trial) -> None:
    """4.9.7: the same, where only the order configuration of the name servers tells which topics are ordered."""
    ordered = {f"more-{number:03}" for number in range(0, MORE_TOPICS, 5)}
    check_added(trial, "4.9.7", ordered, f" --order {','.join(sorted(ordered))}")


def check_added(trial: Trial, version: str, ordered: set[str], order: str = "") -> None:
    """Grows a release of one group to three under load, with ordered topics among others."""
    with trial.bed.namespace(f"accept-add-groups-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values={"brokers": {"groups": 1, "replicasPerGroup": 0}})
        release.install()
        load = Load(release, watched=1, more=f"--more-topics {MORE_TOPICS} --more-groups {MORE_GROUPS}{order}")
        known = made(release, 0)
        trial.check(len(known["topics"]) > MORE_TOPICS, f"the source has only the topics {sorted(known['topics'])}")
        trial.check(len(known["groups"]) > MORE_GROUPS, f"the source has only the groups {sorted(known['groups'])}")
        trial.check(ordered < set(known["topics"]), f"the source lacks ordered topics: {sorted(ordered - set(known['topics']))}")
        added(trial, release, 3)
        unordered = {name: topic for name, topic in known["topics"].items() if name not in ordered}
        for number in (1, 2):
            found = made(release, number)
            trial.equal(found["topics"], unordered, f"topics of group {number}")
            trial.equal(found["groups"], known["groups"], f"subscription groups of group {number}")
            until(f"group {number} takes messages", lambda at=number: stored(release, at) > 0, 60)
        before = {number: made(release, number) for number in range(3)}
        release.succeed("upgrade")
        trial.equal({number: made(release, number) for number in range(3)}, before, "topics and groups after the same upgrade again")
        load.finish()


@scenario("rocketmq-spread-ordered")
def spread(trial: Trial) -> None:
    """5.4.0: 1 to 2 groups with orderedTopics Spread: ordered topics are copied too, and the order configuration names the group."""
    with trial.bed.namespace("accept-spread") as namespace:
        brokers = {"groups": 1, "replicasPerGroup": 0, "orderedTopics": "Spread"}
        release = Release(trial, namespace, "5.4.0", values={"brokers": brokers})
        release.install()
        load = Load(release, watched=1, more=f"--more-topics 20 --more-groups 2 --order {TOPIC}")
        added(trial, release, 2)
        # Brokers take whether a topic is ordered from the order configuration too, each when it registers next.
        until("group 1 has the topics and groups of group 0", lambda: made(release, 0) == made(release, 1), 60)
        name = f"{namespace}_{release.full_name}-broker"
        view = load.views(release.name_server(0))[-1][1]
        entry = view["pairs"]["ORDER_TOPIC_CONFIG"].get(TOPIC)
        trial.equal(entry, f"{name}-0:{QUEUES};{name}-1:{QUEUES}", f"order configuration of {TOPIC}")
        load.finish()


def added(trial: Trial, release: Release, groups: int) -> None:
    """Grows the release to so many groups; no broker that stood is restarted."""
    before = release.broker_lives()
    seconds = release.succeed("upgrade", {"brokers": {"groups": groups}})
    trial.figure(f"{groups} groups", f"{seconds:.1f} s")
    after = release.broker_lives()
    trial.equal({name: after.get(name) for name in before}, before, "uid and restarts of each broker that stood")
    trial.equal(len(after), groups, "brokers")


def made(release: Release, number: int) -> dict:
    """The topics and subscription groups of a group's master that somebody has made, each with all its fields."""
    own = (f"{release.namespace}_{release.full_name}-broker-", release.full_name)
    topics = asked(release, number, TOPICS)["topicConfigTable"]
    groups = asked(release, number, GROUPS)["subscriptionGroupTable"]
    if MARK in groups:
        raise Failed(f"group {number} still has the mark of an addition")
    return {
        "topics": {name: topic for name, topic in topics.items() if not name.startswith((*SYSTEM, *own))},
        "groups": {name: group for name, group in groups.items() if name.startswith(("more-", "load-"))},
    }


def stored(release: Release, number: int) -> int:
    """How many messages a group's master has stored today."""
    return int(asked(release, number, RUNTIME)["table"]["msgPutTotalTodayNow"])


def asked(release: Release, number: int, code: int) -> dict:
    """The body of a group's master's answer to a question without fields."""
    pod = f"{release.full_name}-broker-{number}-master-0"
    ask = ["exec", "-n", release.namespace, pod, "--", "bash", "/scripts/remoting.bash", "127.0.0.1", str(code), ""]
    # The length before the header is no text.
    answer = command_result([*release.bed.kubectl, *ask], errors="replace").stdout
    start = answer.find('{"')
    if start < 0:
        raise Failed(f"{pod} does not answer {code}: {json.dumps(answer[:300])}")
    _, end = json.JSONDecoder().raw_decode(answer, start)
    return json.JSONDecoder().raw_decode(answer, end)[0]


@scenario("rocketmq-remove-groups")
def remove_groups(trial: Trial) -> None:
    """5.4.0: 3 to 2 groups under load: nothing that was sent to the third is lost, its volume stays, and is used again when told."""
    with trial.bed.namespace("accept-remove-groups") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": THREE})
        release.install()
        load = Load(release, watched=1, queues=15)
        before = release.broker_lives()
        seconds = release.succeed("upgrade", {"brokers": {"groups": 2}})
        trial.figure("2 groups", f"{seconds:.1f} s")
        stay = {name: life for name, life in before.items() if "-broker-2-" not in name}
        until("the third group is gone", lambda: len(release.broker_lives()) == len(stay), 240)
        trial.equal(release.broker_lives(), stay, "uid and restarts of each broker that stays")
        trial.check(any("-broker-2-master" in claim for claim in claims(release)), f"its volume is gone: {claims(release)}")
        result = release.apply("upgrade", {"brokers": {"groups": 3}})
        trial.check(result.returncode != 0, "helm upgrade made a broker on a volume that another one had left")
        told(trial, release, f"data-{release.full_name}-broker-2-master-0", "keptVolumes: Reuse")
        trial.equal(release.broker_lives(), stay, "uid and restarts of each broker after the refusal")
        release.succeed("upgrade", {"brokers": {"groups": 3, "keptVolumes": "Reuse"}})
        trial.equal([mark for mark in REMOVAL_MARKS if mark in asked(release, 2, GROUPS)["subscriptionGroupTable"]], [], "marks")
        count = stored(release, 2)
        until("the third group takes messages again", lambda: stored(release, 2) > count, 60)
        load.finish()


@scenario("rocketmq-remove-stopped-consumer")
def remove_stopped_consumer(trial: Trial) -> None:
    """5.4.0: 3 to 2 groups while a group of consumers is away: refused in time with its name, everything is as before."""
    with trial.bed.namespace("accept-remove-stopped") as namespace:
        brokers = {**THREE, "drainMinutes": 1}
        release = Release(trial, namespace, "5.4.0", values={"brokers": brokers})
        release.install()
        first = Load(release, watched=1, queues=15, groups="load-a,load-b,load-away")
        # Its offsets are stored every 5 s; what comes afterwards is left.
        until("all groups have offsets", lambda: first.acknowledged() >= 3_000, 60)
        first.remove()
        load = Load(release, watched=1, queues=15, prepare=False)
        before = release.broker_lives()
        begun = time.monotonic()
        result = release.apply("upgrade", {"brokers": {"groups": 2}})
        trial.figure("refusal", f"{time.monotonic() - begun:.1f} s")
        trial.check(result.returncode != 0, "helm upgrade to fewer groups succeeded while a group of consumers was away")
        told(trial, release, "load-away", TOPIC, "queue", "broker-2-master-0")
        trial.equal(release.broker_lives(), before, "uid and restarts of each broker")
        trial.equal(setting(release, "broker-2-master", "brokerPermission"), "6", "permission of the third master")
        trial.equal([mark for mark in REMOVAL_MARKS if mark in asked(release, 2, GROUPS)["subscriptionGroupTable"]], [], "marks")
        load.finish()


def claims(release: Release) -> list[str]:
    """The names of the release's claims for volumes."""
    selector = f"midships/cluster={release.full_name}"
    found = release.bed.api.list("persistentvolumeclaims", release.namespace, selector)
    return [claim["metadata"]["name"] for claim in found]


def told(trial: Trial, release: Release, *parts: str) -> None:
    """Checks that an Event of the release has all these words."""
    messages = [event.get("message", "") for event in release.bed.api.list("events", release.namespace)]
    found = [message for message in messages if all(part in message for part in parts)]
    trial.check(found, f"no Event has all of {parts}; the last ones are {messages[-5:]}")
    trial.note(f"refused: {found[-1]}")

"""RocketMQ: a topic moves from one release to another while real clients send and consume."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from .bed import output
from .chart_release import Helm, journal_entries
from .declining import SYSTEM_BUSY, SYSTEM_ERROR, Declining, Error
from .load import ORDER_NAMESPACE, QUEUES, TOPIC, Load
from .release import Release
from .rocketmq_groups import GROUPS, TOPICS, asked
from .sabotage import Saboteur
from .trial import Failed, Trial, scenario, until

SUFFIX = "rocketmq-topic-transfer"
CLAIMS = "MIDSHIPS_TRANSFERS"
CONSUMERS = ("load-a", "load-b", "load-shared")
OTHER_TOPIC = "more-000"
# The code with which a broker is told the offset of a group.
PUT_OFFSET = 15
STEPS = (
    "topic_claimed",
    "groups_in_target",
    "topic_in_target",
    "source_closed",
    "source_drained",
    "topic_deleted",
    "groups_deleted",
    "retry_topics_in_target",
    "claim_released",
)
# The steps whose intent is written by itself, because they act.
ACTING = ("topic_claimed", "groups_in_target", "topic_in_target", "source_closed", "topic_deleted", "groups_deleted")
# Before this one everything can be taken back.
RETURN = STEPS.index("topic_deleted")
MOST_ROUNDS = 7
# The codes of requests that steps make.
PUT_TOPIC, PUT_KEY_VALUE, DELETE_KEY_VALUE, PUT_GROUP, TOPIC_STATISTICS, DELETE_GROUP, DELETE_TOPIC = 17, 100, 102, 200, 202, 207, 215
# For each step before the point of no return: who declines what, and after how many that were let through. A new topic is made
# closed first, and opened by the request that follows.
DECLINED: list[tuple[str, str, int, Error, int]] = [
    ("topic_claimed", "name server", PUT_KEY_VALUE, SYSTEM_ERROR, 0),
    ("groups_in_target", "target", PUT_GROUP, SYSTEM_BUSY, 1),
    ("topic_in_target", "target", PUT_TOPIC, SYSTEM_ERROR, 1),
    ("source_closed", "source", PUT_TOPIC, SYSTEM_BUSY, 0),
    ("source_drained", "source", TOPIC_STATISTICS, SYSTEM_ERROR, 0),
]
# After it each step goes on when its requests are not declined any more.
DECLINED_AFTER = [("source", DELETE_TOPIC), ("source", DELETE_GROUP), ("name server", DELETE_KEY_VALUE)]
# Tells a broker something: a frame is the length of all that follows, that of the header, and the header.
TELL = """
import json, socket, struct, sys
host, code, fields = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
header = {"code": code, "language": "OTHER", "version": 0, "opaque": 1, "flag": 0, "serializeTypeCurrentRPC": "JSON"}
text = json.dumps({**header, "extFields": fields}).encode()
with socket.create_connection((host, 10911), 5) as connection:
    connection.sendall(struct.pack(">ii", 4 + len(text), len(text)) + text)
    head = connection.recv(8, socket.MSG_WAITALL)
    length = struct.unpack(">ii", head)[1]
    answer = json.loads(connection.recv(length, socket.MSG_WAITALL))
    sys.exit(answer["code"])
"""


class Transfer(Release):
    """A release of the chart that moves a topic."""

    def __init__(self, source: Release, target: Release, name: str = "move", **values: object) -> None:
        side = {"release": source.name, "namespace": source.namespace}
        super().__init__(source.trial, source.namespace, source.version, name)
        self.values = {
            "topic": TOPIC,
            "source": side,
            "target": {"release": target.name, "namespace": target.namespace},
            "clientRouteRefreshSeconds": source.values["brokers"]["clientRouteRefreshSeconds"],
            "drainMinutes": 10,
            **values,
        }

    @property
    def full_name(self) -> str:
        """The name from which the names of the release's objects are made."""
        return self.name if SUFFIX in self.name else f"{self.name}-{SUFFIX}"

    @property
    def chart(self) -> list[str]:
        """The published chart, as Helm's arguments."""
        return [f"{self.bed.publish()}/{SUFFIX}", *self.bed.plain]

    def uninstall(self) -> Helm:
        """Starts `helm uninstall` and does not wait for it."""
        return Helm(self, ["uninstall", self.name], 4)


@contextmanager
def both(trial: Trial, version: str, namespaces: int = 1, **brokers: object) -> Iterator[tuple[Release, Release, Load]]:
    """Two releases that share the name servers of the first, in one namespace or two, with load on a topic of the first.

    The third group of consumers has an offset of another topic at the source as well.
    """
    mark = trial.scenario.removeprefix("rocketmq-transfer")
    with trial.bed.namespace(f"accept-source{mark}") as first, trial.bed.namespace(f"accept-target{mark}") as other:
        second = first if namespaces == 1 else other
        one = {"groups": 1, "replicasPerGroup": 0, **brokers}
        source = Release(trial, first, version, name="old", values={"brokers": one})
        source.install()
        # Before there is a target, which would get its share of the queues.
        load = Load(source, watched=1, groups=",".join(CONSUMERS), more="--more-topics 1 --more-groups 1")
        share(source)
        shared = {"source": "Release", "release": {"name": source.name, "namespace": first, "count": 1}}
        target = Release(trial, second, version, name="new", values={"brokers": one, "nameServers": shared})
        target.install()
        yield source, target, load
        load.finish()


def share(release: Release) -> None:
    """Gives a group an offset of a topic that stays."""
    tell_offset(release, CONSUMERS[-1], OTHER_TOPIC)


def tell_offset(release: Release, group: str, topic: str) -> None:
    """Tells a release's master that a group is at the beginning of a queue."""
    fields = {"consumerGroup": group, "topic": topic, "queueId": "0", "commitOffset": "0"}
    (pod,) = (pod for pod in release.pods("broker") if pod["metadata"]["name"].endswith("-0-master-0"))
    output(release.bed.net("python3", "-c", TELL, pod["status"]["podIP"], str(PUT_OFFSET), json.dumps(fields)))


def kept(release: Release) -> dict:
    """What a release's master has of the topic and of the groups that consume it, field by field."""
    topics = asked(release, 0, TOPICS)["topicConfigTable"]
    groups = asked(release, 0, GROUPS)["subscriptionGroupTable"]
    retried = [f"%RETRY%{group}" for group in CONSUMERS]
    return {
        "topics": {name: topics[name] for name in (TOPIC, *retried) if name in topics},
        "groups": {name: groups[name] for name in CONSUMERS if name in groups},
    }


def check_moved(trial: Trial, before: dict, source: Release, target: Release) -> None:
    """Checks that the target has the topic and the groups as the source had them, and the source only the group in use there."""
    found = kept(target)
    trial.equal(found["topics"].get(TOPIC), before["topics"][TOPIC], "the topic at the target")
    trial.equal(found["topics"][TOPIC]["readQueueNums"], QUEUES, "queues of the topic at the target")
    trial.equal(found["groups"], before["groups"], "groups at the target")
    trial.equal(sorted(found["topics"]), sorted(before["topics"]), "topics at the target")
    left = kept(source)
    trial.check(TOPIC not in left["topics"], f"the source still has the topic: {left['topics'].get(TOPIC)}")
    trial.equal(sorted(left["groups"]), [CONSUMERS[-1]], "groups that are left at the source")


@scenario("rocketmq-transfer")
def transfer(trial: Trial) -> None:
    """5.5.0: a topic with 16 queues and three groups, one shared, to a release in another namespace, under load."""
    check_transfer(trial, "5.5.0", 2)


@scenario("rocketmq-transfer-4-5-0")
def transfer_of_four(trial: Trial) -> None:
    """4.5.0: the same in one namespace, where name servers forget a topic of all clusters."""
    check_transfer(trial, "4.5.0", 1)


def check_transfer(trial: Trial, version: str, namespaces: int) -> None:
    """Moves the topic, and sees that a second run has nothing to do."""
    with both(trial, version, namespaces) as (source, target, load):
        before = kept(source)
        release = Transfer(source, target)
        trial.figure("transfer seconds", round(release.succeed("install"), 1))
        check_moved(trial, before, source, target)
        trial.figure("seconds of the same again", round(release.succeed("upgrade"), 1))
        result = release.uninstall().finish()
        trial.equal(result.returncode, 0, f"exit code of helm uninstall ({result.stderr.strip()[-1500:]})")
        check_moved(trial, before, source, target)
        found = pairs(source, load)
        trial.check(not found.get(CLAIMS), f"a claim is left: {found}")
        trial.check(TOPIC not in found.get(ORDER_NAMESPACE, {}), "the topic has got an order")


def pairs(source: Release, load: Load) -> dict:
    """The keys and values that the name server has, by namespace, as the load has last seen them."""
    return load.views(source.name_server(0))[-1][1]["pairs"]


@scenario("rocketmq-transfer-kills", needs_power=True)
def kills(trial: Trial) -> None:
    """5.5.0: the Job killed with -9 at every boundary of every step, under load: the end is the same."""
    check_kills(trial, "5.5.0")


@scenario("rocketmq-transfer-kills-4-5-0", needs_power=True)
def kills_of_four(trial: Trial) -> None:
    """4.5.0: the same."""
    check_kills(trial, "4.5.0")


def check_kills(trial: Trial, version: str) -> None:
    """Moves the topic there and back with kills, until each boundary was hit or no round is left."""
    with both(trial, version) as (source, target, _):
        before = kept(source)
        killed: set = set()
        plans: set = set()
        for number in range(MOST_ROUNDS):
            there, back = (source, target) if number % 2 == 0 else (target, source)
            release = Transfer(there, back, f"move-{number}")
            release.values["nameServers"] = {"addresses": [source.name_server(0)]}
            saboteur = Saboteur(release, wanted=lambda boundary: boundary[0] != "handed_over" and boundary not in killed)
            helm = release.begin("install")
            saboteur.run(helm)
            result = helm.finish()
            if result.returncode != 0:
                # A Job makes four attempts; the same again goes on.
                release.succeed("upgrade")
            killed |= set(saboteur.killed)
            plans |= saboteur.plans
            trial.equal(kept(back)["topics"][TOPIC], before["topics"][TOPIC], "the topic after a transfer with kills")
            trial.check(TOPIC not in kept(there)["topics"], "the topic is left where it was")
            release.uninstall().finish()
            wanted = {("started", step) for step in ACTING} | {("succeeded", step) for step in STEPS[:-1]}
            missing = sorted(wanted - killed)
            if not missing:
                break
        trial.equal(missing, [], "boundaries of steps at which no Job was killed")
        trial.figure("killed", [" ".join(boundary).strip() for boundary in sorted(killed)])


@scenario("rocketmq-transfer-taken-back", needs_power=True)
def taken_back(trial: Trial) -> None:
    """5.5.0: left in the middle of each step that can be taken back: uninstall restores source and target; then it succeeds."""
    check_taken_back(trial, "5.5.0")


@scenario("rocketmq-transfer-taken-back-4-5-0", needs_power=True)
def taken_back_of_four(trial: Trial) -> None:
    """4.5.0: the same."""
    check_taken_back(trial, "4.5.0")


def check_taken_back(trial: Trial, version: str) -> None:
    """Stops a transfer at each step before the removal, takes it back, and compares both sides field by field."""
    with both(trial, version) as (source, target, _):
        before, empty = kept(source), kept(target)
        for number, step in enumerate(STEPS[1 : RETURN + 1]):
            release = Transfer(source, target, f"back-{number}")
            # A step of a second may have begun before anybody sees that the one before it has ended.
            last = (("succeeded", STEPS[STEPS.index(step) - 1]), ("started", step))
            saboteur = Saboteur(release, wanted=lambda boundary, last=last: boundary in last, most_each=1)
            helm = release.begin("install")

            class KilledToo:
                """Helm until the saboteur has struck; then it is killed as well."""

                @staticmethod
                def running(helm: Helm = helm, saboteur: Saboteur = saboteur) -> bool:
                    return helm.running() and not saboteur.killed

            saboteur.run(KilledToo())  # type: ignore[arg-type]
            if not saboteur.killed:
                raise Failed(f"helm ended and the begin of {step} was never seen: {helm.finish().stderr.strip()[-1500:]}")
            helm.kill()
            result = release.uninstall().finish()
            trial.equal(result.returncode, 0, f"exit code of helm uninstall before {step} ({result.stderr.strip()[-1500:]})")
            trial.equal(kept(source), before, f"source after {step} was taken back")
            until("the target is as it was", lambda: kept(target) == empty, 60)
        Transfer(source, target, "again").succeed("install")
        check_moved(trial, before, source, target)


def begin_group(source: Release, group: str) -> None:
    """Gives a group without members the first offset of the topic, so that all messages of a queue are left to it."""
    tell_offset(source, group, TOPIC)


@scenario("rocketmq-transfer-undrained")
def undrained(trial: Trial) -> None:
    """5.5.0: a group that comes when the source is closed and never consumes: after a minute all is taken back."""
    with both(trial, "5.5.0") as (source, target, _):
        before, empty = kept(source), kept(target)
        release = Transfer(source, target, drainMinutes=1)
        helm = release.begin("install")
        closing = ("started", "source_closed")
        until("the source is being closed", lambda: not helm.running() or closing in journal_entries(release.journal()), 300)
        begin_group(source, "more-000")
        result = helm.finish()
        trial.check(result.returncode != 0, "a transfer succeeded while a group had messages left")
        told_of(trial, source, "more-000")
        trial.equal(kept(source), before, "source")
        until("the target is as it was", lambda: kept(target) == empty, 60)


def told_of(trial: Trial, release: Release, text: str) -> None:
    """Checks that an Event says something."""
    events = [event.get("message", "") for event in trial.bed.api.list("events", release.namespace)]
    trial.check(any(text in event for event in events), f"no Event says {text!r}: {events[-5:]}")


@scenario("rocketmq-transfer-refused")
def refused(trial: Trial) -> None:
    """5.5.0: other name servers, and a group that is away with messages left: refused before anything is changed."""
    with both(trial, "5.5.0") as (source, target, _):
        before = kept(source)
        apart = Release(trial, source.namespace, "5.5.0", name="apart", values={"brokers": {"groups": 1, "replicasPerGroup": 0}})
        apart.install()
        release = Transfer(source, apart, "elsewhere")
        result = release.apply("install")
        trial.check(result.returncode != 0, "a topic went to a release with other name servers")
        told_of(trial, source, "share their name servers")
        trial.equal(kept(source), before, "source")
        begin_group(source, "more-000")
        empty = kept(target)
        result = Transfer(source, target, "undrained").apply("install")
        trial.check(result.returncode != 0, "a topic was to go while a group without members had messages left")
        told_of(trial, source, "no member of it is connected")
        told_of(trial, source, "more-000")
        trial.equal((kept(source), kept(target)), (before, empty), "source and target")


@scenario("rocketmq-transfer-declined", needs_power=True)
def declined(trial: Trial) -> None:
    """5.5.0: servers decline requests of each step: all is taken back before the topic is deleted, and after it goes on."""
    with both(trial, "5.5.0") as (source, target, load):
        before, empty = kept(source), kept(target)
        relays = {
            "name server": Declining(source, "midships/component=name-server", 9876),
            "source": Declining(source, f"midships/cluster={source.full_name},midships/component=broker", 10911),
            "target": Declining(target, f"midships/cluster={target.full_name},midships/component=broker", 10911),
        }
        for number, (step, where, request, error, after) in enumerate(DECLINED):
            relay = relays[where]
            release = Transfer(source, target, f"declined-{number}", drainMinutes=1)
            if step != "source_drained":
                relay.decline(request, error, after=after)
            helm = release.begin("install")
            if step == "source_drained":  # what it asks for, the step before it asks for as well
                begun = ("succeeded", "source_closed")
                until("the source is closed", lambda h=helm, r=release: not h.running() or begun in journal_entries(r.journal()), 300)
                relay.decline(request, error, after=after)
            result = helm.finish()
            relay.let_through()
            trial.check(result.returncode != 0, f"a transfer succeeded while {where} declined what {step} asks for")
            trial.check(relay.declined[request], f"nothing was declined in {step}")
            trial.note(f"{step}: {relay.declined[request]} requests declined, taken back")
            told_of(trial, source, f"Unwound: {step}: ")
            trial.equal(kept(source), before, f"source after {step} was declined")
            until("the target is as it was", lambda: kept(target) == empty, 60)
            until("no claim is left", lambda: not pairs(source, load).get(CLAIMS), 30)
            result = release.uninstall().finish()
            trial.equal(result.returncode, 0, f"exit code of helm uninstall after {step} ({result.stderr.strip()[-1500:]})")
        finish_declined(trial, source, target, relays)
        check_moved(trial, before, source, target)
        until("no claim is left", lambda: not pairs(source, load).get(CLAIMS), 30)


def finish_declined(trial: Trial, source: Release, target: Release, relays: dict[str, Declining]) -> None:
    """A transfer that is stuck when it deletes the topic, and goes on, with a few errors more in each step, when told again."""
    release = Transfer(source, target, "again", drainMinutes=1)
    relays["source"].decline(DELETE_TOPIC, SYSTEM_ERROR)
    result = release.apply("install")
    trial.check(result.returncode != 0, "a transfer succeeded while the source declined to delete the topic")
    told_of(trial, source, "Stuck: topic_deleted: ")
    trial.note(f"topic_deleted: {relays['source'].declined[DELETE_TOPIC]} requests declined, stuck")
    for where, request in DECLINED_AFTER:
        relays[where].decline(request, SYSTEM_BUSY, most=3)
    release.succeed("upgrade")
    for where, request in DECLINED_AFTER:
        trial.equal(relays[where].declined[request], 3, f"requests of code {request} that {where} declined before it went on")

"""RocketMQ: access control is turned on and off while real clients, who sign, send and consume."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

from .bed import command_result, output, program
from .checks import passes
from .kubernetes import lives
from .load import TOPIC, Load, now
from .release import Release
from .rocketmq_proxy import BROKERS, GRPC, settled
from .rocketmq_restarts import renewed, rolled
from .rocketmq_variants import replace_drained
from .trial import Failed, Trial, scenario, until

ADMINISTRATOR, APPLICATION, STRANGER, SUCCESSOR = "administrator", "application", "stranger", "successor"
# Secrets with which one administrator takes over from another where all accounts stand in them, and one with an account's key that
# is too short.
TOGETHER, TAKEN_OVER, SHORT = "together", "taken-over", "short"
GROUPS = ("load-a", "load-b")
# A broker makes the directory of a topic's queues with the first message.
QUEUES_OF_TOPICS = "ls /data/store/consumequeue"
SIGNED, ENFORCED = {"accessControl": {"secretName": ADMINISTRATOR}}, {"accessControl": {"enforced": True}}
ASKED_WHO, ASKED_WHO_BY_4 = "code 16", "AclException"


@scenario("rocketmq-access-control")
def brokers(trial: Trial) -> None:
    """5.5.0: access control is turned on under load in two upgrades, and off again; who does not sign, or wrongly, is refused."""
    with trial.bed.namespace("accept-access") as namespace:
        release = Release(trial, namespace, "5.5.0", values={"nameServers": {"count": 1}})
        keys = make_secrets(release)
        release.install()
        load = Load(release, watched=2, secrets=(ADMINISTRATOR, APPLICATION))
        refused(release, {"accessControl": {"secretName": ADMINISTRATOR, "enforced": True}}, "has no users yet")
        rolled(trial, release, "Secret", SIGNED)
        rolled(trial, release, "enforcement", ENFORCED)

        check_who_is_let_in(release, keys)
        refused(release, {"accessControl": {"secretName": STRANGER}}, "refuses the user `administrator` of its Secret")
        refused(release, {"accessControl": {"secretName": "missing"}}, "its Secret does not exist")
        refused(release, {"accessControl": {"secretName": "", "enforced": False}}, "asks who one is")

        # What the operations and a pod's own drain ask is signed.
        release.set_name_servers(2)
        load.check_listed(2, now())
        replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
        load.await_listed(2)
        passes(trial, release, 4)
        check_replica_asks(release)

        refused(release, {"accessControl": {"secretName": SUCCESSOR}}, "refuses the user `successor` of its Secret")
        make_successor(release, keys[SUCCESSOR])
        rolled(trial, release, "administrator", {"accessControl": {"secretName": SUCCESSOR, "enforced": False}})
        rolled(trial, release, "end of signatures", {"accessControl": {"secretName": ""}})
        trial.equal(asked(release).returncode, 0, "exit code of an unsigned question after access control has ended")
        load.finish()


@scenario("rocketmq-access-control-proxy")
def proxies(trial: Trial) -> None:
    """5.5.0: the same for clients of gRPC, whom the proxies ask who they are; a stranger is refused there."""
    with trial.bed.namespace("accept-access-proxy") as namespace:
        values = {"brokers": BROKERS, "proxy": {"enabled": True, "replicas": 1}}
        release = Release(trial, namespace, "5.5.0", values=values)
        make_secrets(release)
        release.install()
        through = f"--endpoints {release.proxy(GRPC)}"
        load = Load(release, watched=1, through=through, secrets=(ADMINISTRATOR, APPLICATION))
        for step in (SIGNED, ENFORCED):
            release.succeed("upgrade", step)
            until("the proxies are as asked for", lambda: settled(release), 240)
        load.finish()
        load.remove()
        try:
            Load(release, watched=1, prepare=False, through=through, secrets=(ADMINISTRATOR, STRANGER))
        except Failed as failed:
            trial.check("signature" in str(failed).lower(), f"a stranger is refused for another reason: {failed}")
            trial.note(f"refused: {failed}")
        else:
            raise Failed("a proxy took messages of a stranger")


@scenario("rocketmq-access-control-fresh")
def fresh(trial: Trial) -> None:
    """5.5.0: installed with access control: a drain is signed, and a new group has the users of the Secret."""
    with trial.bed.namespace("accept-access-fresh") as namespace:
        values = {"brokers": {"replicasPerGroup": 0}, "accessControl": {"secretName": ADMINISTRATOR, "enforced": True}}
        release = Release(trial, namespace, "5.5.0", values=values)
        keys = make_secrets(release)
        release.install()
        load = Load(release, watched=1, secrets=(ADMINISTRATOR, APPLICATION))
        check_who_is_let_in(release, keys)
        # A drain has to sign.
        replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
        load.await_listed(1)
        passes(trial, release, 4)
        seconds = release.succeed("upgrade", {"brokers": {"groups": 3}})
        trial.figure("a new group", f"{seconds:.1f} s")
        until("the new group takes messages", lambda: TOPIC in in_pod(release, "broker-2-master", QUEUES_OF_TOPICS), 120)
        load.finish()


@scenario("rocketmq-access-control-4-9-7")
def by_file(trial: Trial) -> None:
    """4.9.7 without replicas: access control is turned on under load in two upgrades, and stays on with a new group and with 5.4.0."""
    with trial.bed.namespace("accept-access-4") as namespace:
        values = {"nameServers": {"count": 1}, "brokers": {"replicasPerGroup": 0}}
        release = Release(trial, namespace, "4.9.7", values=values)
        keys = make_secrets(release)
        release.install()
        trial.bed.images("rocketmq:5.4.0")
        load = Load(release, watched=2, secrets=(ADMINISTRATOR, APPLICATION))
        refused(release, {"accessControl": {"secretName": ADMINISTRATOR, "enforced": True}}, "has no users yet")
        refused(release, {"accessControl": {"secretName": SHORT}}, "has a `secretKey` in line 3 that is too short")
        renewed(trial, release, "Secret", SIGNED)
        renewed(trial, release, "enforcement", ENFORCED)

        check_who_is_let_in(release, keys, ASKED_WHO_BY_4)
        check_no_example(release)
        refused(release, {"accessControl": {"secretName": STRANGER}}, "refuses the user `administrator` of its Secret")
        refused(release, {"accessControl": {"secretName": "", "enforced": False}}, "asks who one is")

        # What the operations and a pod's own drain ask is signed.
        release.set_name_servers(2)
        load.check_listed(2, now())
        replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
        load.await_listed(2)
        passes(trial, release, 4)
        release.succeed("upgrade", {"brokers": {"groups": 3}})
        until("the new group takes messages", lambda: TOPIC in in_pod(release, "broker-2-master", QUEUES_OF_TOPICS), 120)

        tag = {"image": {"tag": "5.4.0"}}
        renewed(trial, release, "version 5", {"nameServers": tag, "brokers": tag})
        check_who_is_let_in(release, keys)
        load.finish()


@scenario("rocketmq-access-control-4-5-0")
def by_file_fresh(trial: Trial) -> None:
    """4.5.0: installed with access control; another administrator takes over by other Secrets under load, and then it is turned off."""
    with trial.bed.namespace("accept-access-4-5-0") as namespace:
        values = {"brokers": {"replicasPerGroup": 0}, "accessControl": {"secretName": ADMINISTRATOR, "enforced": True}}
        release = Release(trial, namespace, "4.5.0", values=values)
        keys = make_secrets(release)
        release.install()
        load = Load(release, watched=1, secrets=(ADMINISTRATOR, APPLICATION))
        check_who_is_let_in(release, keys, ASKED_WHO_BY_4)
        replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
        load.await_listed(1)
        passes(trial, release, 4)

        refused(release, {"accessControl": {"secretName": TAKEN_OVER}}, "refuses the user `successor` of its Secret")
        renewed(trial, release, "both administrators", {"accessControl": {"secretName": TOGETHER}})
        renewed(trial, release, "successor", {"accessControl": {"secretName": TAKEN_OVER}})
        trial.equal(asked(release, keys[SUCCESSOR]).returncode, 0, "exit code of a question of the successor")
        renewed(trial, release, "end of enforcement", {"accessControl": {"enforced": False}})
        renewed(trial, release, "end of signatures", {"accessControl": {"secretName": ""}})
        trial.equal(asked(release).returncode, 0, "exit code of an unsigned question after access control has ended")
        load.finish()


def make_secrets(release: Release) -> dict[str, dict[str, str]]:
    """Makes the Secrets of an administrator, of an application and of somebody who only knows the administrator's name."""
    user, administrator, stranger, successor = (
        {"accessKey": name, "secretKey": secrets.token_hex(24)}
        for name in ("shop-orders", ADMINISTRATOR, ADMINISTRATOR, SUCCESSOR)
    )
    account = {
        **user,
        "admin": False,
        "defaultTopicPerm": "DENY",
        "defaultGroupPerm": "DENY",
        "topicPerms": [f"{TOPIC}=PUB|SUB"],
        "groupPerms": [f"{group}=SUB" for group in GROUPS],
    }
    keys = {ADMINISTRATOR: administrator, APPLICATION: user, STRANGER: stranger, SUCCESSOR: successor}
    accounts = {
        ADMINISTRATOR: [account],
        TOGETHER: [account, {**successor, "admin": True}],
        TAKEN_OVER: [account, {**administrator, "admin": True}],
        SHORT: [{**user, "secretKey": "short"}],
    }
    others = {TOGETHER: administrator, TAKEN_OVER: successor, SHORT: administrator}
    for name, content in {**keys, **others}.items():
        more = {"plain_acl.yml": written(accounts[name])} if name in accounts else {}
        body = {"metadata": {"name": name}, "stringData": {**content, **more}}
        release.bed.api.create("secrets", release.namespace, body)
    return keys


def written(accounts: list[dict[str, object]]) -> str:
    """Accounts in the form of the product's file, each in lines of its own; a list in one line is JSON, which is YAML as well."""
    lines = ["accounts:"]
    for account in accounts:
        entries = [f"{key}: {json.dumps(value)}" for key, value in account.items()]
        lines += [f"  - {entries[0]}", *(f"    {entry}" for entry in entries[1:])]
    return "\n".join(lines) + "\n"


def refused(release: Release, values: dict, reason: str) -> None:
    """An upgrade is refused for a reason before anything has changed."""
    trial, before, kept, since = release.trial, lives(release.pods()), release.values, now()
    result = release.apply("upgrade", values)
    release.values = kept
    trial.check(result.returncode != 0, f"helm upgrade to {values} succeeded")
    said = [line for line in release.hook_logs(since).splitlines() if reason in line]
    trial.check(said, f"no hook Job says `{reason}`; helm said: {result.stderr.strip()[-1500:]}")
    trial.note(f"refused: {said[-1]}")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod")


def asked(release: Release, keys: dict[str, str] | None = None, authority: str = "") -> CompletedProcess[str]:
    """Asks about topics, signed with the keys of a user unless nobody's, over TLS if an authority is trusted."""
    words = [program("midships-hook"), "rocketmq", "topics", "--name-servers", release.name_server(0), "--topic", TOPIC]
    with TemporaryDirectory() as directory:
        for name, content in {**(keys or {}), "ca.crt": authority}.items():
            (Path(directory) / name).write_text(content)
        words += ["--credentials", directory] if keys else []
        words += ["--tls", directory] if authority else []
        return command_result(release.bed.net(*words))


def check_who_is_let_in(release: Release, keys: dict[str, dict[str, str]], asked_who: str = ASKED_WHO) -> None:
    """The administrator is answered; nobody, a stranger and an application that asks for more than its topic are not."""
    trial = release.trial
    answer = asked(release, keys[ADMINISTRATOR])
    trial.equal(answer.returncode, 0, f"exit code of a question of the administrator: {answer.stdout}{answer.stderr}")
    strangers = {"nobody": None, STRANGER: keys[STRANGER]}
    # Version 4 lets each of its accounts read everything but messages.
    for name, user in (strangers | ({APPLICATION: keys[APPLICATION]} if asked_who == ASKED_WHO else {})).items():
        answer = asked(release, user)
        trial.equal(answer.returncode, 1, f"exit code of a question of {name}")
        trial.check(asked_who in answer.stdout, f"the answer to {name} does not say that brokers refused: {answer.stdout}")


def check_no_example(release: Release) -> None:
    """The accounts of the example in the image, whose keys everybody knows, are no accounts here, and logs have no keys."""
    trial = release.trial
    example = asked(release, {"accessKey": "rocketmq2", "secretKey": "12345678"})
    trial.equal(example.returncode, 1, f"exit code of a question of an account of the example: {example.stdout}")
    said = in_pod(release, "broker-0-master", "grep -r -l -e secretKey -e 'plain acl conf' /var/rocketmq/logs || true")
    trial.equal(said, "", "logs of the broker with keys of accounts")


def in_pod(release: Release, broker: str, command: str) -> str:
    """What a command of a shell in a broker's pod says."""
    where = ["exec", "-n", release.namespace, f"{release.full_name}-{broker}-0", "--", "sh", "-c", command]
    return output([*release.bed.kubectl, *where])


def make_successor(release: Release, keys: dict[str, str]) -> None:
    """Makes another administrator on all brokers, with the product's own tool."""
    user = f"-u {keys['accessKey']} -p '{keys['secretKey']}' -t Super"
    where = f'-n "$(cat /config/brokers/name-servers)" -c {release.full_name}'
    said = in_pod(release, "broker-0-master", f". /scripts/java.sh; run_tool createUser {where} {user}")
    release.trial.equal(said.count("success"), len(release.pods("broker")), f"brokers that took the successor: {said}")


def check_replica_asks(release: Release) -> None:
    """A topic that the administration tool makes on a master is known to its replica, which asks for it."""
    topic = "made-by-hand"
    in_pod(release, "broker-1-master", f". /scripts/java.sh; run_tool updateTopic -b 127.0.0.1:10911 -t {topic}")

    def known() -> bool:
        return topic in in_pod(release, "broker-1-replica-1", "cat /data/store/config/topics.json")

    until(f"the replica knows the topic {topic} of its master", known, 120, every=2)

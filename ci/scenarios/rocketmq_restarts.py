"""RocketMQ: image, resources and configuration change while real clients send and consume."""

from __future__ import annotations

import json

from .bed import command_result, output
from .kubernetes import lives
from .load import Load
from .release import Release
from .rocketmq_kills import leave_open
from .trial import Failed, Trial, scenario, until

# The least that can be lost by a restart is nothing where sends wait for a replica, and the most can be noticed.
SYNCHRONOUS = {"brokers": {"replication": "Synchronous", "allowRestart": True}}


@scenario("rocketmq-restart-heap")
def heap(trial: Trial) -> None:
    """5.4.0, sends wait for a replica: a new heap restarts each broker once under load; a setting taken online restarts none."""
    with trial.bed.namespace("accept-heap") as namespace:
        release = Release(trial, namespace, "5.4.0", values=SYNCHRONOUS)
        release.install()
        trial.equal(setting(release, "broker-0-master", "inSyncReplicas"), "2", "copies that an acknowledged message has")
        load = Load(release, watched=1)
        rolled(trial, release, "heap", {"brokers": {"heapMegabytes": 240}})
        before = release.broker_lives()
        seconds = release.succeed("upgrade", {"brokers": {"configuration": {"fileReservedTime": 48}}})
        trial.figure("setting taken online", f"{seconds:.1f} s")
        trial.equal(release.broker_lives(), before, "uid and restarts of each broker after a setting that is taken online")
        for broker in brokers(release):
            trial.equal(setting(release, broker, "fileReservedTime"), "48", f"fileReservedTime of {broker}")
        del release.values["brokers"]["configuration"]["fileReservedTime"]
        release.succeed("upgrade")
        for broker in brokers(release):
            trial.equal(setting(release, broker, "fileReservedTime"), "72", f"fileReservedTime of {broker}, no longer set")
        trial.equal(release.broker_lives(), before, "uid and restarts of each broker after it is no longer set")
        load.finish()


@scenario("rocketmq-restart-image")
def image(trial: Trial) -> None:
    """5.4.0 to 5.5.0, sends wait for a replica: name servers and brokers take the new image under load; the way back is refused."""
    with trial.bed.namespace("accept-image") as namespace:
        release = Release(trial, namespace, "5.4.0", values={**SYNCHRONOUS, "nameServers": {"count": 2}})
        release.install()
        trial.bed.images("rocketmq:5.5.0")
        load = Load(release, watched=2)
        name_servers = lives(release.pods("name-server"))
        tag = {"image": {"tag": "5.5.0"}}
        rolled(trial, release, "image", {"nameServers": tag, "brokers": tag})
        kept = [name for name, life in lives(release.pods("name-server")).items() if name_servers[name] == life]
        trial.equal(kept, [], "name servers that were not renewed")
        for pod in release.pods():
            trial.check(
                pod["spec"]["containers"][0]["image"].endswith(":5.5.0"), f"{pod['metadata']['name']} has another image"
            )
        load.finish()
        refused_back(trial, release)


def refused_back(trial: Trial, release: Release) -> None:
    """An older image is refused, and nothing has changed."""
    before, newer = lives(release.pods()), release.values
    tag = {"image": {"tag": "5.4.0"}}
    result = release.apply("upgrade", {"nameServers": tag, "brokers": tag})
    trial.check(result.returncode != 0, "helm upgrade to an older image succeeded")
    events = trial.bed.api.list("events", release.namespace)
    reasons = [event["message"] for event in events if "older one may not read" in event.get("message", "")]
    trial.check(reasons, f"no Event says why; helm said: {result.stderr.strip()[-1500:]}")
    trial.note(f"refused: {reasons[-1]}")
    trial.equal(lives(release.pods()), before, "uid and restarts of each pod")
    release.values = newer
    release.succeed("upgrade")


@scenario("rocketmq-restart-bad-image")
def bad_image(trial: Trial) -> None:
    """5.4.0: a new image that does not exist stops at the first replica; helm rollback makes that pod anew, and clients go on."""
    with trial.bed.namespace("accept-bad-image") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"allowRestart": True}})
        release.install()
        load = Load(release, watched=1)
        first = f"{release.full_name}-broker-0-replica-1-0"
        before = release.broker_lives()
        helm = release.begin("upgrade", {"brokers": {"image": {"tag": "5.4.0-missing"}}})
        until("the first replica's image cannot be pulled", lambda: waits_for_image(release, first), 300)
        # Whoever sees that an image is missing ends the Job, which would wait for it until its time is over.
        job = ["patch", "job", f"{release.full_name}-after", "--namespace", namespace]
        output([*trial.bed.kubectl, *job, "--type", "merge", "--patch", json.dumps({"spec": {"activeDeadlineSeconds": 1}})])
        result = helm.finish()
        trial.check(result.returncode != 0, "helm upgrade to an image that does not exist succeeded")
        others = {name: life for name, life in release.broker_lives().items() if name != first}
        trial.equal(others, {name: life for name, life in before.items() if name != first}, "lives of the other brokers")
        result = release.roll_back(1)
        trial.equal(result.returncode, 0, f"exit code of helm rollback: {result.stderr.strip()[-1500:]}")
        release.values["brokers"]["image"]["tag"] = "5.4.0"
        trial.check(not waits_for_image(release, first), f"{first} still waits for its image")
        trial.equal(
            {name: life for name, life in release.broker_lives().items() if name != first}, others, "lives of the other brokers"
        )
        load.finish()


@scenario("rocketmq-restart-killed", needs_power=True)
def killed(trial: Trial) -> None:
    """5.4.0: helm and the hook program killed with -9 between two restarts, of name servers and of brokers; both are carried on."""
    with trial.bed.namespace("accept-restart-killed") as namespace:
        values = {"nameServers": {"count": 2}, "brokers": {"replicasPerGroup": 0}}
        release = Release(trial, namespace, "5.4.0", values=values)
        release.install()
        load = Load(release, watched=2)
        for component, step, change in [
            ("name-server", "name_server_restarted/{}-name-server-0", {"nameServers": {"heapMegabytes": 88}}),
            ("broker", "broker_restarted/{}-broker-0-master-0", {"brokers": {"heapMegabytes": 240}}),
        ]:
            before = lives(release.pods(component))
            # The next one is looked at twice, a pause apart, before it is touched.
            leave_open(trial, release, ("succeeded", step.format(release.full_name)), change)
            # Without its Job nobody goes on with the plan before the same upgrade does, in its before Job.
            trial.bed.api.delete("jobs", namespace, f"{release.full_name}-after")
            release.unlock()
            middle = lives(release.pods(component))
            renewed = [name for name, life in middle.items() if before[name] != life]
            trial.equal(len(renewed), 1, f"pods of {component} that were renewed before the kill")
            release.succeed("upgrade", change)
            after = lives(release.pods(component))
            trial.equal(after[renewed[0]], middle[renewed[0]], f"life of {renewed[0]}, which had been renewed")
            trial.equal([name for name in after if after[name] == before[name]], [], f"pods of {component} that were not renewed")
        load.finish()


def waits_for_image(release: Release, pod: str) -> bool:
    """Whether a pod's image cannot be pulled."""
    found = release.bed.api.get("pods", release.namespace, pod)
    containers = (found or {}).get("status", {}).get("containerStatuses", [])
    reasons = [container.get("state", {}).get("waiting", {}).get("reason", "") for container in containers]
    return any("Image" in reason for reason in reasons)


def brokers(release: Release) -> list[str]:
    """The brokers, by what their pods' names say after the release's."""
    prefix = f"{release.full_name}-"
    return [pod["metadata"]["name"].removeprefix(prefix).removesuffix("-0") for pod in release.pods("broker")]


def setting(release: Release, broker: str, key: str) -> str:
    """What a running broker has as a value of its configuration."""
    pod = f"{release.full_name}-{broker}-0"
    # The answer has a header that is no text.
    ask = f"bash /scripts/remoting.bash 127.0.0.1 26 '' | grep -a -o '^{key}=.*'"
    answer = command_result([*release.bed.kubectl, "exec", "-n", release.namespace, pod, "--", "bash", "-c", ask]).stdout
    values = [line.removeprefix(f"{key}=") for line in answer.splitlines()]
    if not values:
        raise Failed(f"{pod} does not tell {key}: {json.dumps(answer[:300])}")
    return values[0]


def renewed(trial: Trial, release: Release, what: str, change: dict) -> None:
    """Changes values with `helm upgrade` and checks that each broker was restarted once."""
    before = release.broker_lives()
    seconds = release.succeed("upgrade", change)
    trial.figure(f"new {what}", f"{seconds:.1f} s")
    trial.note(f"helm upgrade to a new {what} took {seconds:.1f} s")
    kept = [name for name, life in release.broker_lives().items() if before[name] == life]
    trial.equal(kept, [], "brokers that were not restarted")
    trial.equal({restarts for _, restarts in release.broker_lives().values()}, {0}, "restarts of containers of new pods")


def rolled(trial: Trial, release: Release, what: str, change: dict) -> None:
    """The same, and checks that replicas were restarted before masters."""
    renewed(trial, release, what, change)
    pods = {pod["metadata"]["name"]: pod for pod in release.pods("broker")}
    born = {role: [pods[name]["metadata"]["creationTimestamp"] for name in pods if role in name] for role in ("replica", "master")}
    trial.check(max(born["replica"]) <= min(born["master"]), f"a master was restarted before a replica: {born}")

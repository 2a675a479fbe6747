"""RocketMQ: what else can go wrong around a change: a node without power, a neighbour release, values that make no sense."""

from __future__ import annotations

import copy
import json
import signal
from datetime import datetime

from .bed import Bed, command_result, program, values_file
from .kubernetes import PATHS, lives, ready
from .load import Load, now
from .release import Release
from .sabotage import pod_processes
from .trial import Failed, Trial, scenario, until

# What must be refused, and the field that the refusal must name.
BAD_VALUES: list[tuple[str, dict]] = [
    ("nameServers.count", {"nameServers": {"count": 0}}),
    ("nameServers.count", {"nameServers": {"count": -1}}),
    ("brokers.groups", {"brokers": {"groups": 0}}),
    ("brokers.replicasPerGroup", {"brokers": {"replicasPerGroup": -1}}),
    ("brokers.storage.mode", {"brokers": {"storage": {"mode": "Floppy"}}}),
    ("nameServers.heapMegabytes", {"nameServers": {"heapMegabytes": 4096}}),
    ("brokers.heapMegabytes", {"brokers": {"heapMegabytes": 4096}}),
    ("nameServers.addresses", {"nameServers": {"source": "Addresses", "addresses": ["a:9876", "a:9876"]}}),
    ("nameServers.addresses", {"nameServers": {"source": "Addresses", "addresses": ["a:9876", "A:9876"]}}),
    ("namesrvAddr", {"brokers": {"configuration": {"namesrvAddr": "elsewhere:9876"}}}),
    ("grups", {"brokers": {"grups": 2}}),
]
SENDERS = 8  # of the load, each of which has one send under way
LONG_NAME = "a-name-of-a-release-that-leaves-no-room-for-its-pods"


@scenario("rocketmq-bad-input")
def bad_input(trial: Trial) -> None:
    """Values that make no sense are refused by both Helms and by `midships check`, with the field's path, and nothing is made."""
    with trial.bed.namespace("accept-bad-input") as namespace:
        bare = objects(trial.bed, namespace)
        cases = [(field, values, "trial") for field, values in BAD_VALUES] + [("Release.Name", {}, LONG_NAME)]
        for field, values, name in cases:
            words = f"{field} in {json.dumps(values)}, release {name}"
            release = Release(trial, namespace, "5.4.0", name=name, values=copy.deepcopy(values))
            for major in (3, 4):
                result = release.apply("install", major=major)
                trial.check(result.returncode != 0, f"Helm {major} installed {words}")
                # The schema's validator writes a path with slashes, the chart's own rules with dots.
                said = result.stderr.replace("/", ".")
                trial.check(field in said, f"Helm {major} does not name {words}: {result.stderr.strip()}")
            if not trial.bed.foreign:
                with values_file(release.values) as file:
                    checked = command_result([program("midships"), "check", file, "--chart", "rocketmq", "--release", name])
                said = checked.stdout + checked.stderr
                trial.equal(checked.returncode, 1, f"exit code of midships check for {words}: {said.strip()}")
                trial.check(field in said, f"midships check does not name {words}: {said.strip()}")
        trial.equal(objects(trial.bed, namespace), bare, "objects in the namespace")
        trial.figure("refused", len(cases))


def objects(bed: Bed, namespace: str) -> list[str]:
    """Every object of a namespace that a chart could have made, by kind and name, but no volume claim."""
    kinds = sorted(set(PATHS) - {"events", "persistentvolumeclaims"})
    return [f"{kind}/{item['metadata']['name']}" for kind in kinds for item in bed.api.list(kind, namespace)]


@scenario("rocketmq-two-releases")
def two_releases(trial: Trial) -> None:
    """Two releases in one namespace, and the same name in another: a change of one leaves the others as they are."""
    lone = {"brokers": {"groups": 1, "replicasPerGroup": 0}}
    with trial.bed.namespace("accept-two") as first, trial.bed.namespace("accept-two-more") as second:
        changed = Release(trial, first, "5.4.0", name="orders", values=lone)
        others = [
            Release(trial, first, "5.4.0", name="payments", values=lone),
            Release(trial, second, "5.4.0", name="orders", values=lone),
        ]
        for release in (changed, *others):
            release.install()
        before = [lives(other.pods()) for other in others]
        lists = [other.list_for_restarts() for other in others]
        load = Load(changed, watched=2)
        seconds = changed.set_name_servers(2)
        load.check_listed(2, now())
        trial.figure("to 2 name servers", f"{seconds:.1f} s")
        trial.equal([lives(other.pods()) for other in others], before, "uid and restarts of the other releases' pods")
        trial.equal([other.list_for_restarts() for other in others], lists, "the other releases' name server lists")
        removed = changed.helm("uninstall")
        trial.equal(removed.returncode, 0, f"exit code of helm uninstall: {removed.stderr.strip()}")
        trial.equal([lives(other.pods()) for other in others], before, "uid and restarts of the other releases' pods")


@scenario("rocketmq-node-drain", needs_power=True, alone=True)
def node_drain(trial: Trial) -> None:
    """5.4.0, three groups on three nodes: each node is drained in turn under load; nothing is lost and no send fails."""
    with trial.bed.namespace("accept-node-drain") as namespace:
        spread = [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]
        values = {
            "nameServers": {"count": 2},
            "brokers": {"groups": 3, "replicasPerGroup": 0, "pod": {"topologySpread": spread}},
        }
        release = Release(trial, namespace, "5.4.0", values=values)
        release.install()
        # A client that knows only the name server which goes together with a broker would not hear that the broker goes.
        load = Load(release, watched=2, known=2, queues=18)
        nodes = sorted({pod["spec"]["nodeName"] for pod in release.pods("broker")})
        trial.equal(len(nodes), 3, "nodes with brokers")
        for node in nodes:
            before = lives(release.pods())
            moved = sorted(pod["metadata"]["name"] for pod in release.pods() if pod["spec"]["nodeName"] == node)
            # The load is no part of the cluster, and a drain would delete it for good.
            only = f"--pod-selector=midships/cluster={release.full_name}"
            trial.bed.testbed("kubectl", "drain", node, only, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
            trial.bed.testbed("kubectl", "uncordon", node)
            until(f"the pods of {node} are back", lambda: len(release.pods()) == 5 and all(map(ready, release.pods())), 180)
            load.await_listed(2)
            after = lives(release.pods())
            trial.equal(sorted(name for name in after if after[name] != before[name]), moved, f"pods that left {node}")
            trial.note(f"{node} was drained of {', '.join(moved)}")
        load.finish()


@scenario("rocketmq-broker-killed", needs_power=True)
def broker_killed(trial: Trial) -> None:
    """5.5.0, nothing waits for disk or replica: each master is killed with -9 in turn under load; what was acknowledged stays."""
    with trial.bed.namespace("accept-broker-killed") as namespace:
        release = Release(trial, namespace, "5.5.0", values={"brokers": {"replicasPerGroup": 0}})
        release.install()
        load = Load(release, watched=1)
        for group in range(2):
            load.await_listed(1)
            begun = load.acknowledged()
            until("the load has sent on", lambda begun=begun: load.acknowledged() > begun + 1_000, 60)
            pod = f"{release.full_name}-broker-{group}-master-0"
            (server,) = pod_processes(release, f"midships/component=broker,midships/group={group},midships/role=master", "java")
            trial.check(server.signal(signal.SIGKILL), f"the server of {pod} was gone before it was killed")
            trial.note(f"kill -9 of the server of {pod}")
            until(f"{pod} has started again", lambda pod=pod: restarted(release, pod), 240)
        load.await_listed(1)
        # A send whose answer died with the server may be repeated by the client, and fail where that goes to the same one.
        figures = load.finish(send_errors=None)
        trial.check(figures["sendErrors"] <= 2 * SENDERS, f"{figures['sendErrors']} sends failed; only those under way may: {2 * SENDERS}")


def restarted(release: Release, pod: str) -> bool:
    """Whether the server of a pod runs again after it has ended once."""
    found = release.bed.api.get("pods", release.namespace, pod)
    return ready(found) and sum(status["restartCount"] for status in found["status"]["containerStatuses"]) == 1


@scenario("rocketmq-node-off", needs_power=True, alone=True)
def node_off(trial: Trial) -> None:
    """A node loses power during the change: the Job waits or refuses with that node's pods named, and ends well afterwards."""
    with trial.bed.namespace("accept-node-off") as namespace:
        release = Release(trial, namespace, "5.4.0")
        release.install()
        places = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in release.pods()}
        home = places[f"{release.full_name}-name-server-0"]
        off = next((node for name, node in sorted(places.items()) if "-broker-" in name and node != home), None)
        if off is None:
            raise Failed(f"every pod is on {home}; the change cannot be tried without a second node")
        lost = sorted(name for name, node in places.items() if node == off)
        load = Load(release, watched=2, node=home)
        # New pods stay away from the node, so that only brokers are lost with it.
        trial.bed.testbed("kubectl", "cordon", off)
        try:
            helm = release.begin("upgrade", {"nameServers": {"count": 2}})
            until("the after Job has begun", lambda: job_pod(release, "after") and helm.running(), 300, every=0.02)
            trial.note(f"power off: {off} with {', '.join(lost)}")
            trial.bed.testbed("kill-node", off)
            moment = now()
            named = until("the Job names a pod of that node together with it", lambda: named_on(release, off, lost, moment), 300)
            trial.note(f"the Job waits for {', '.join(named)} on {off}")
        finally:
            trial.bed.testbed("start-node", off)
            trial.bed.testbed("kubectl", "uncordon", off)
        trial.note(f"power on: {off}")
        result = helm.finish()
        if result.returncode != 0:
            trial.note(f"the Job has refused: {result.stderr.strip().splitlines()[-1]}")
            until("the node's pods are back", lambda: all(ready(pod) for pod in release.pods("broker")), 240)
            release.succeed("upgrade")
        until("the node's pods are back", lambda: all(ready(pod) for pod in release.pods("broker")), 240)
        trial.equal(release.list_for_restarts(), release.name_servers(2), "name servers that a restarted broker would read")
        load.await_listed(2)
        # Sends that hit the dead node may fail after the client's own retries; what was acknowledged may not be lost.
        load.finish(send_errors=None)


def job_pod(release: Release, phase: str) -> bool:
    """Whether a phase's Job has a pod that runs."""
    pods = release.bed.api.list("pods", release.namespace, f"job-name={release.full_name}-{phase}")
    return any(pod["status"].get("phase") == "Running" for pod in pods)


def named_on(release: Release, node: str, pods: list[str], moment: datetime) -> list[str]:
    """Those of the pods that the Jobs' logs have named together with their node since a moment."""
    said = release.hook_logs(moment)
    return [pod for pod in pods if f"pod {pod} on {node} (" in said]


@scenario("helm-3-and-4")
def helm_3_and_4(trial: Trial) -> None:
    """Helm 3 installs, upgrades, rolls back, uninstalls; volumes stay, on which Helm 4 installs and finds the messages."""
    one_helm_after_the_other(trial, 3, 4)


@scenario("helm-4-and-3")
def helm_4_and_3(trial: Trial) -> None:
    """Helm 4 installs, upgrades, rolls back, uninstalls; volumes stay, on which Helm 3 installs and finds the messages."""
    one_helm_after_the_other(trial, 4, 3)


def one_helm_after_the_other(trial: Trial, first: int, second: int) -> None:
    """The whole life of a release with one Helm, and its second life with the other on the volumes that stayed."""
    with trial.bed.namespace(f"accept-helm-{first}") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"replicasPerGroup": 0}})
        release.install(major=first)
        load = Load(release, watched=2)
        release.set_name_servers(2, major=first)
        load.check_listed(2, now())
        back = release.roll_back(1, major=first, revision=1)
        trial.equal(back.returncode, 0, f"exit code of helm rollback: {back.stderr.strip()[-1500:]}")
        load.check_listed(1, now())
        acknowledged = load.finish()["acknowledged"]
        load.remove()
        uninstall(trial, release, first)
        trial.note(f"reinstall with Helm {second} on the volumes that stayed")
        release.install(major=second)
        again = Load(release, watched=1, groups="again-a,again-b", prepare=False).finish()
        expected = {"again-a": acknowledged, "again-b": acknowledged}
        trial.equal(again["earlier"], expected, "messages of before the uninstall that new consumers received")


def uninstall(trial: Trial, release: Release, major: int) -> None:
    """Uninstalls and checks that nothing but volumes and what every namespace has is left."""
    result = release.helm("uninstall", "--wait", major=major)
    trial.equal(result.returncode, 0, f"exit code of helm uninstall: {result.stderr.strip()}")
    uninstalled(trial, release, f"Helm {major}")


def uninstalled(trial: Trial, release: Release, what: str) -> None:
    """Checks that nothing but volumes and what every namespace has is left of a release."""
    api, namespace = trial.bed.api, release.namespace
    always = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}

    def left() -> set[str]:
        return set(objects(trial.bed, namespace)) - always

    until(f"nothing is left but volumes; there is {sorted(left())}", lambda: not left(), 120)
    claims = [claim["metadata"]["name"] for claim in api.list("persistentvolumeclaims", namespace)]
    trial.check(claims, f"no volume claim is left by {what}")
    trial.figure(f"volume claims left by {what}", len(claims))


def succeed(trial: Trial, command: list[object], **options: object) -> None:
    """Runs a command that must succeed."""
    result = command_result(command, **options)
    words = " ".join(str(word) for word in command)
    trial.equal(result.returncode, 0, f"exit code of `{words}`: {(result.stderr or result.stdout).strip()[-2000:]}")

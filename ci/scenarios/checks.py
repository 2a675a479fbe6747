"""`helm test`: the chart's own round trip through the product, and that it notices what is wrong."""

from __future__ import annotations

from .bed import output
from .kubernetes import ready
from .release import Release
from .trial import Trial, scenario, until

TOPIC = "midships-check-"


@scenario("helm-test-5")
def helm_test_5(trial: Trial) -> None:
    """5.4.0: `helm test` of both Helms passes, fails with a closed master and with one that is away, and leaves no topic."""
    helm_test(trial, "5.4.0")


@scenario("helm-test-4")
def helm_test_4(trial: Trial) -> None:
    """4.9.3: `helm test` of both Helms passes, fails with a closed master and with one that is away, and leaves no topic."""
    helm_test(trial, "4.9.3")


@scenario("helm-test-5-5-0")
def helm_test_5_5_0(trial: Trial) -> None:
    """5.5.0, the newest: `helm test` passes, fails with a closed master and with one that is away, and leaves no topic."""
    helm_test(trial, "5.5.0")


@scenario("helm-test-4-5-0")
def helm_test_4_5_0(trial: Trial) -> None:
    """4.5.0, the oldest: `helm test` passes, fails with a closed master and with one that is away, and leaves no topic."""
    helm_test(trial, "4.5.0")


def helm_test(trial: Trial, version: str) -> None:
    """The tests of a release with two masters."""
    values = {"nameServers": {"count": 2}, "brokers": {"replicasPerGroup": 0}}
    with trial.bed.namespace(f"accept-test-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values=values)
        release.install()
        for major in (3, 4):
            passes(trial, release, major)
        set_permission(trial, release, 4)
        fails(trial, release, "is closed for writing")
        set_permission(trial, release, 6)
        passes(trial, release, 4)
        master = f"{release.full_name}-broker-1-master"
        scale(release, master, 0)
        until(f"{master} is away", lambda: len(release.pods("broker")) == 1, 180)
        fails(trial, release, f"FAILED: master {master}")
        scale(release, master, 1)
        until("all pods are ready", lambda: len(release.pods("broker")) == 2 and all(map(ready, release.pods())), 180)
        passes(trial, release, 3)
        for name in (f"{release.full_name}-broker-{group}-master-0" for group in (0, 1)):
            topics = output([*trial.bed.kubectl, "exec", "-n", namespace, name, "--", "cat", "/data/store/config/topics.json"])
            trial.check(TOPIC not in topics, f"{name} has a topic of a check still: {topics}")


def passes(trial: Trial, release: Release, major: int, masters: int = 2) -> None:
    """Runs `helm test`, which must pass and say what it saw."""
    result = release.helm("test", "--timeout", "5m", major=major)
    said = result.stdout + result.stderr
    trial.equal(result.returncode, 0, f"exit code of `helm test` of Helm {major}, which said {said[-3000:]}")
    found = said.count("took a message and gave it back")
    trial.equal(found, masters, f"masters that took a message and gave it back, as Helm {major} told of {said[-3000:]}")
    trial.note(f"helm test of Helm {major} passes")


def fails(trial: Trial, release: Release, expected: str) -> None:
    """Runs `helm test`, which must fail and say why."""
    result = release.helm("test", "--timeout", "5m")
    said = result.stdout + result.stderr
    trial.check(result.returncode != 0, f"`helm test` passed although a master {expected}: {said[-3000:]}")
    trial.check(expected in said, f"`helm test` does not say `{expected}`: {said[-3000:]}")
    trial.note(f"helm test fails: {expected}")


def set_permission(trial: Trial, release: Release, permission: int) -> None:
    """Closes the first group's master for writing, or opens it, and sees that it took that.

    Not with the product's tool: that of 4.5.0 ends well whatever came of it.
    """
    name = f"{release.full_name}-broker-0-master-0"
    ask = ["bash", "/scripts/remoting.bash", "127.0.0.1", "25", f"brokerPermission={permission}"]
    said = output([*release.bed.kubectl, "exec", "-n", release.namespace, name, "--", *ask])
    trial.check('"code":0' in said, f"{name} does not take the permission {permission}: {said}")


def scale(release: Release, name: str, replicas: int) -> None:
    """Takes a StatefulSet's pods away, or brings them back."""
    output([*release.bed.kubectl, "-n", release.namespace, "scale", "statefulset", name, f"--replicas={replicas}"])

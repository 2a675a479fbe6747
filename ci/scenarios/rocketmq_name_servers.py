"""RocketMQ: the number of name servers changes while real clients send and consume."""

import re
import tempfile
import time
from pathlib import Path

from .bed import merged, output
from .kubernetes import lives, versions
from .load import ORDER_NAMESPACE, OWN_NAMESPACE, Load, now
from .release import Release
from .trial import Trial, scenario, until


def change(
    trial: Trial, release: Release, load: Load, count: int, *, copied: tuple[str, ...] = (ORDER_NAMESPACE,)
) -> None:
    """Changes the number of name servers and checks what every name server listed and had when helm returned."""
    before = len(release.pods("name-server"))
    seconds = release.set_name_servers(count)
    returned = now()
    load.check_listed(count, returned)
    load.check_copied(count, returned, copied)
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    trial.equal(len(release.pods("name-server")), count, "name servers that are left")
    trial.figure(f"{before} to {count} name servers", f"{seconds:.1f} s")
    trial.note(f"every name server lists every broker and topic; {progress(load)}")


def progress(load: Load) -> str:
    """The load's figures in words."""
    figures = load.progress()
    gap = figures["longestGapMilliseconds"]
    return f"{figures['acknowledged']} acknowledged, {figures['sendErrors']} send errors, longest gap {gap} ms"


@scenario("rocketmq-name-servers-hot")
def hot(trial: Trial) -> None:
    """5.4.0, two groups with a replica each: name servers 1, 2, 3, 1 under load, without any restart of a broker."""
    with trial.bed.namespace("accept-hot") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"nameServers": {"keyValueNamespaces": [OWN_NAMESPACE]}})
        release.install()
        before = release.broker_lives()
        trial.equal(len(before), 4, "brokers")
        load = Load(release)
        for count in (2, 3, 1):
            change(trial, release, load, count, copied=(ORDER_NAMESPACE, OWN_NAMESPACE))
        figures = load.finish()
        trial.equal(release.broker_lives(), before, "uid and restarts of each broker")
        trial.note(f"{figures['acknowledged']} acknowledged, none lost, no send error, no broker restarted")


def rolling(trial: Trial, version: str) -> None:
    """The same on a version whose brokers take a new list at their start only: 1, 2, 1, each broker restarted in turn."""
    with trial.bed.namespace(f"accept-rolling-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values={"brokers": {"allowRestart": True}})
        release.install()
        load = Load(release, watched=2)
        for count in (2, 1):
            before = release.broker_lives()
            change(trial, release, load, count)
            kept = [name for name, life in release.broker_lives().items() if before[name] == life]
            trial.equal(kept, [], "brokers that were not restarted")
        load.finish()


@scenario("rocketmq-name-servers-rolling-4-9-3")
def rolling_4_9_3(trial: Trial) -> None:
    """4.9.3, restarts allowed: name servers 1, 2, 1 under load, brokers drained and restarted one at a time."""
    rolling(trial, "4.9.3")


@scenario("rocketmq-name-servers-rolling-4-5-0")
def rolling_4_5_0(trial: Trial) -> None:
    """4.5.0, restarts allowed: name servers 1, 2, 1 under load, brokers drained and restarted one at a time."""
    rolling(trial, "4.5.0")


@scenario("rocketmq-name-servers-refused")
def refused_4_9_3(trial: Trial) -> None:
    """4.9.3, restarts not allowed: helm upgrade to two name servers fails with the reason, and nothing has changed."""
    refused(trial, "4.9.3")


@scenario("rocketmq-name-servers-refused-4-5-0")
def refused_4_5_0(trial: Trial) -> None:
    """4.5.0, restarts not allowed: helm upgrade to two name servers fails with the reason, and nothing has changed."""
    refused(trial, "4.5.0")


def refused(trial: Trial, version: str) -> None:
    """A change that needs restarts, on a version whose brokers take a new list at their start only, is refused."""
    with trial.bed.namespace(f"accept-refused-{version.replace('.', '-')}") as namespace:
        release = Release(trial, namespace, version, values={"brokers": {"groups": 1, "replicasPerGroup": 0, "allowRestart": False}})
        release.install()
        own = {f"configmaps/{release.full_name}-journal", f"configmaps/{release.full_name}-operations"}
        before = settled(trial, namespace, own)
        result = release.apply("upgrade", {"nameServers": {"count": 2}})
        trial.check(result.returncode != 0, f"helm upgrade succeeded although brokers of {version} need a restart")
        events = trial.bed.api.list("events", namespace)
        reasons = [event["message"] for event in events if "allowRestart" in event.get("message", "")]
        trial.check(reasons, f"no Event names brokers.allowRestart; helm said: {result.stderr.strip()[-1500:]}")
        trial.note(f"refused: {reasons[-1]}")
        trial.equal(versions(trial.bed.api, namespace, own), before, "versions of all objects but journal, lease and Events")
        release.values = merged(release.values, {"nameServers": {"count": 1}})
        release.succeed("upgrade")
        trial.note("helm upgrade with the old number succeeds")


@scenario("rocketmq-no-change")
def no_change(trial: Trial) -> None:
    """helm upgrade without a change and with a newer chart version: no pod restarts, nothing is written, Jobs take seconds."""
    with trial.bed.namespace("accept-no-change") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"groups": 1}})
        release.install()
        # The third tells the number of the revision.
        own = {f"configmaps/{release.full_name}-{part}" for part in ("journal", "operations", "after")}
        before, pods, journal = settled(trial, namespace, own), lives(release.pods()), release.journal()
        trial.figure("upgrade without a change", f"{release.succeed('upgrade'):.1f} s")
        trial.equal(versions(trial.bed.api, namespace, own), before, "versions of all objects but journal, lease, revision and Events")
        trial.equal(release.journal(), journal, "the journal after an upgrade without a change")
        with tempfile.TemporaryDirectory(prefix="midships-chart-") as directory:
            seconds = release.succeed("upgrade", chart=[str(newer_chart(release, Path(directory)))])
            trial.figure("upgrade to a newer chart version", f"{seconds:.1f} s")
        trial.equal(release.journal(), journal, "the journal after an upgrade to a newer chart version")
        trial.equal(lives(release.pods()), pods, "uid and restarts of each pod")
        trial.equal(release.list_for_restarts(), release.name_servers(1), "name servers that a restarted broker would read")


def settled(trial: Trial, namespace: str, own: set[str]) -> dict[str, str]:
    """The versions of a namespace's objects once they have stood still for three seconds."""
    last: dict[str, str] = {}
    since = time.monotonic()

    def still() -> dict[str, str] | None:
        nonlocal last, since
        found = versions(trial.bed.api, namespace, own)
        if found != last:
            last, since = found, time.monotonic()
        return found if time.monotonic() - since > 3 else None

    until("the objects stand still", still, 90, every=0.5)
    return last


def newer_chart(release: Release, directory: Path) -> Path:
    """A copy of the published chart with a later version."""
    output([*release.bed.helm(), "pull", *release.chart, "--untar", "--untardir", directory])
    file = directory / "rocketmq/Chart.yaml"
    file.write_text(re.sub(r"^version: .*$", "version: 99.0.0", file.read_text(), flags=re.M))
    return file.parent

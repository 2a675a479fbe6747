"""RocketMQ: volumes grow while real clients send and consume."""

from __future__ import annotations

from .kubernetes import lives
from .load import Load
from .release import Release
from .trial import Trial, scenario


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

"""Plays Argo CD: the chart as `helm template` renders it, applied in the order and by the rules of Argo CD's sync engine.

The rules are those of Argo CD 3.x, by its documentation and its engine's behaviour: of several objects with one name the last
one counts; excluded kinds are left out; Helm's hooks become sync phases, rollback and test hooks nothing; a hook's weight is its
wave; an object is applied by a client-side apply, and the next wave begins when all of the wave before are healthy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from .bed import Bed, command_result, output, values_file
from .kubernetes import PATHS, lives, ready, versions
from .load import Load, now
from .release import Release
from .rocketmq_faults import uninstalled
from .rocketmq_name_servers import settled
from .trial import Failed, Trial, scenario, until

APPLICATION = "shop"  # another name than the release's, so that the tracking label really changes
MANAGER = "argocd-controller"
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"
PHASES = {"pre-install": "PreSync", "pre-upgrade": "PreSync", "post-install": "PostSync", "post-upgrade": "PostSync"}
ORDER = ["PreSync", "Sync", "PostSync"]
# The default of `resource.exclusions` since 3.0, as far as a chart could have such kinds.
EXCLUDED = {
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
}
# Within a wave; kinds that are not here come last.
KINDS = [
    "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap",
    "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding",
    "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet",
    "Job", "CronJob", "IngressClass", "Ingress", "APIService",
]  # fmt: skip
HEALTH_SECONDS = 900


def rendered_objects(bed: Bed, release: Release, major: int = 3, *options: str) -> list[dict]:
    """What `helm template` makes of the release's values, in its order, hooks included."""
    version = bed.api.ask("GET", "/version")["gitVersion"]
    with values_file(release.values) as file:
        command = ["template", release.name, *release.chart, "--namespace", release.namespace, "--values", file]
        return as_objects(bed, output([*bed.helm(major), *command, "--kube-version", version, *options]))


def as_objects(bed: Bed, documents: str) -> list[dict]:
    """The objects of a stream of YAML documents, read as kubectl reads them."""
    shown = output([*bed.kubectl, "create", "--dry-run=client", "-o", "json", "-f", "-"], input=documents)
    decoder, objects, place = json.JSONDecoder(), [], 0
    while place < len(shown.rstrip()):
        found, end = decoder.raw_decode(shown, place)
        objects += found["items"] if found["kind"] == "List" else [found]
        place = end + len(shown[end:]) - len(shown[end:].lstrip())
    return objects


def as_list(objects: list[dict]) -> str:
    """Objects as one input of kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def key(item: dict) -> tuple[str, str, str]:
    """What makes an object the same one: group, kind and name."""
    group = item["apiVersion"].rpartition("/")[0]
    return group, item["kind"], item["metadata"]["name"]


def plural(kind: str) -> str:
    """The word for a kind in paths."""
    word = kind.lower()
    return next(name for name in PATHS if name in (f"{word}s", f"{word[:-1]}ies"))


def annotation(item: dict, name: str) -> list[str]:
    """The words of an annotation that is a list."""
    return [word.strip() for word in item["metadata"].get("annotations", {}).get(name, "").split(",") if word.strip()]


def is_hook(item: dict) -> bool:
    """Whether an object is a hook of any kind."""
    return bool(annotation(item, "helm.sh/hook"))


def deletions(item: dict) -> list[str]:
    """When a hook is deleted: without any policy, before it is made anew."""
    return annotation(item, "helm.sh/hook-delete-policy") or ["before-hook-creation"]


def phases(item: dict) -> list[str]:
    """The phases in which an object is applied: none for hooks that Argo CD does not have."""
    if not is_hook(item):
        return ["Sync"]
    return sorted({PHASES[event] for event in annotation(item, "helm.sh/hook") if event in PHASES})


def wave(item: dict) -> int:
    """An object's wave."""
    return int((annotation(item, "argocd.argoproj.io/sync-wave") or annotation(item, "helm.sh/hook-weight") or ["0"])[0])


def place(item: dict) -> tuple[int, str]:
    """An object's place within a wave."""
    kind = item["kind"]
    return (KINDS.index(kind) if kind in KINDS else len(KINDS)), item["metadata"]["name"]


def health(item: dict) -> str:
    """What Argo CD calls the health of an object; empty for kinds that have none, which count as done at once."""
    status, spec = item.get("status", {}), item.get("spec", {})
    if item["metadata"].get("deletionTimestamp"):
        return "Progressing"
    match item["kind"]:
        case "StatefulSet":
            observed = status.get("observedGeneration", 0)
            if not observed or item["metadata"]["generation"] > observed or status.get("readyReplicas", 0) < spec["replicas"]:
                return "Progressing"
            if spec["updateStrategy"]["type"] == "OnDelete" or spec["updateStrategy"].get("rollingUpdate"):
                return "Healthy"
            return "Healthy" if status.get("updateRevision") == status.get("currentRevision") else "Progressing"
        case "Job":
            kinds = {condition["type"] for condition in status.get("conditions", [])}
            return "Degraded" if "Failed" in kinds else "Healthy" if kinds & {"Complete", "Suspended"} else "Progressing"
        case "PersistentVolumeClaim":
            return {"Bound": "Healthy", "Lost": "Degraded"}.get(status.get("phase", ""), "Progressing")
        case _:
            return ""


@dataclass
class Application:
    """An application of Argo CD that deploys a release of the chart, with automatic pruning."""

    release: Release
    pruned: list[str] = field(default_factory=list)  # by the last sync
    said: dict[str, str] = field(default_factory=dict)  # by the Job of each phase of the last sync

    @property
    def bed(self) -> Bed:
        """The cluster."""
        return self.release.bed

    def targets(self) -> list[dict]:
        """The objects that shall be: the last one of each name, marked as this application's, without excluded kinds."""
        found = {}
        for item in rendered_objects(self.bed, self.release):
            group, kind, name = key(item)
            metadata = item["metadata"]
            metadata.setdefault("labels", {})[INSTANCE] = APPLICATION
            mark = f"{APPLICATION}:{group}/{kind}:{self.release.namespace}/{name}"
            metadata.setdefault("annotations", {})[TRACKING] = mark
            found[key(item)] = item
        return [item for identity, item in found.items() if identity[:2] not in EXCLUDED]

    def live(self) -> Iterator[dict]:
        """The objects in the cluster that are marked as this application's and belong to no other object."""
        for kind in sorted(set(PATHS) - {"events"}):
            for item in self.bed.api.list(kind, self.release.namespace):
                mark = item["metadata"].get("annotations", {}).get(TRACKING, "")
                if mark.startswith(f"{APPLICATION}:") and not item["metadata"].get("ownerReferences"):
                    # A list leaves out what all its items have in common.
                    group, named = mark.removeprefix(f"{APPLICATION}:").split("/", 1)
                    yield {**item, "apiVersion": f"{group}/v1".lstrip("/"), "kind": named.split(":", 1)[0]}

    def sync(self) -> float:
        """One sync with pruning, which must succeed; returns how many seconds it took."""
        targets = self.targets()
        steps = {(ORDER.index(phase), wave(item)) for item in targets for phase in phases(item)}
        self.pruned, self.said, begun = [], {}, now()
        hooks = []
        for number, at in sorted(steps):
            phase = ORDER[number]
            group = sorted((item for item in targets if phase in phases(item) and wave(item) == at), key=place)
            hooks += [item for item in group if is_hook(item)]
            if phase == "Sync":
                self._prune(targets)
            self._recreate(group)
            for kind in dict.fromkeys(item["kind"] for item in group):
                self._apply([item for item in group if item["kind"] == kind])
            self._await_health(phase, group)
        self._delete([item for item in hooks if "hook-succeeded" in deletions(item)])
        return (now() - begun).total_seconds()

    def _prune(self, targets: list[dict]) -> None:
        wanted = {key(item) for item in targets}
        unwanted = [item for item in self.live() if key(item) not in wanted and not is_hook(item)]
        self.pruned += ["/".join(key(item)[1:]) for item in unwanted]
        self._delete(unwanted)

    def _recreate(self, group: list[dict]) -> None:
        """Deletes what stands in the way of hooks that are made anew for each sync."""
        self._delete([item for item in group if is_hook(item) and "before-hook-creation" in deletions(item)])

    def _apply(self, objects: list[dict]) -> None:
        words = ["apply", f"--field-manager={MANAGER}", "--namespace", self.release.namespace, "-f", "-"]
        output([*self.bed.kubectl, *words], input=as_list(objects))

    def _delete(self, items: list[dict]) -> None:
        """Deletes objects at the same time and waits until all are gone."""
        names = sorted({f"{plural(item['kind'])}/{item['metadata']['name']}" for item in items})
        if names:
            words = ["delete", *names, "--ignore-not-found", "--cascade=foreground"]
            output([*self.bed.kubectl, "--namespace", self.release.namespace, *words])

    def _await_health(self, phase: str, group: list[dict]) -> None:
        begun = now()

        def healthy() -> bool:
            waiting = False
            for item in group:
                found = self.bed.api.get(plural(item["kind"]), self.release.namespace, item["metadata"]["name"])
                if found is None:
                    raise Failed(f"{phase}: {item['kind']} {item['metadata']['name']} is missing, it might have been deleted")
                state = health({**found, "kind": item["kind"]})
                if state == "Degraded":
                    said = self.release.hook_logs(begun)
                    raise Failed(f"{phase}: {item['kind']} {item['metadata']['name']} is degraded: {said[-3000:]}")
                waiting |= state == "Progressing"
            return not waiting

        until(f"{phase}: all objects of a wave are healthy", healthy, HEALTH_SECONDS, every=0.5)
        if any(item["kind"] == "Job" for item in group):
            self.said[phase] = self.release.hook_logs(begun)

    def difference(self) -> str:
        """What a refresh would call out of sync, and what self-healing would write: empty when nothing is."""
        targets = [item for item in self.targets() if not is_hook(item)]
        words = ["diff", f"--field-manager={MANAGER}", "--namespace", self.release.namespace, "-f", "-"]
        result = command_result([*self.bed.kubectl, *words], input=as_list(targets))
        if result.returncode not in (0, 1):
            raise Failed(f"kubectl diff ended with {result.returncode}: {result.stderr.strip()}")
        return result.stdout

    def delete(self) -> None:
        """Deletes the application with all that is its own, hooks of earlier syncs among them."""
        last = [event for item in self.targets() for event in annotation(item, "helm.sh/hook")]
        if "pre-delete" in last or "post-delete" in last:
            raise Failed("the application has hooks of its deletion, which are not played here")
        self._delete(list(self.live()))


@scenario("argo-phases")
def argo_phases(trial: Trial) -> None:
    """As Argo CD syncs the chart: install, name servers 1, 3, 1 under load with pruning, a sync without a change, deletion."""
    with trial.bed.namespace("accept-argo") as namespace:
        trial.bed.images("rocketmq:5.4.0")
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"replicasPerGroup": 0}})
        application = Application(release)
        trial.figure("first sync", f"{application.sync():.1f} s")
        trial.check("Done" in application.said["PreSync"], f"the before Job of a first sync said {application.said['PreSync']!r}")
        until("all pods are ready", lambda: all(ready(pod) for pod in release.pods()), 120)
        trial.equal(application.difference(), "", "what is out of sync after the first sync")
        load = Load(release, watched=3)
        before = release.broker_lives()
        scale(trial, application, load, 3, {})
        trial.equal(application.pruned, [], "objects that were pruned with more name servers")
        scale(trial, application, load, 1, {"networkPolicy": {"enabled": False}})
        policies = [f"NetworkPolicy/{release.full_name}", f"NetworkPolicy/{release.full_name}-hook"]
        trial.equal(sorted(application.pruned), policies, "objects that were pruned with fewer name servers and no NetworkPolicy")
        trial.equal(release.broker_lives(), before, "uid and restarts of each broker")
        load.finish()
        load.remove()
        sync_without_a_change(trial, application)
        application.delete()
        uninstalled(trial, release, "the deletion of the application")


def scale(trial: Trial, application: Application, load: Load, count: int, change: dict) -> None:
    """Syncs another number of name servers and checks what every name server lists."""
    release = application.release
    release.change({"nameServers": {"count": count}, **change})
    seconds = application.sync()
    returned = now()
    load.check_listed(count, returned)
    load.check_copied(count, returned, ("ORDER_TOPIC_CONFIG",))
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    trial.equal(len(release.pods("name-server")), count, "name servers that are left")
    trial.equal(application.difference(), "", f"what is out of sync after the sync to {count} name servers")
    trial.figure(f"sync to {count} name servers", f"{seconds:.1f} s")
    trial.note(f"synced to {count} name servers")


def sync_without_a_change(trial: Trial, application: Application) -> None:
    """Syncs once more: no object has another version, no pod is another one, the journal is the same."""
    release, api = application.release, application.bed.api
    own = {f"configmaps/{release.full_name}-{name}" for name in ("journal", "operations")}
    before, pods, journal = settled(trial, release.namespace, own), lives(release.pods()), release.journal()
    trial.figure("sync without a change", f"{application.sync():.1f} s")
    trial.equal(versions(api, release.namespace, own), before, "versions of all objects but journal, lease and Events")
    trial.equal((lives(release.pods()), release.journal()), (pods, journal), "pods and journal after a sync without a change")
    trial.equal(application.pruned, [], "objects that were pruned without a change")


@scenario("kubectl-apply")
def kubectl_apply(trial: Trial) -> None:
    """`helm template | kubectl apply` with both Helms: a cluster that works, and Jobs that end well; the same again is no change."""
    with trial.bed.namespace("accept-kubectl") as namespace:
        trial.bed.images("rocketmq:5.4.0")
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"groups": 1, "replicasPerGroup": 0}})
        for major in (4, 3):
            apply_rendered(trial, release, major)
        until("all pods are ready", lambda: all(ready(pod) for pod in release.pods()), 300)
        for phase in ("before", "after"):
            name = f"{release.full_name}-{phase}"
            done = lambda name=name: health({**trial.bed.api.get("jobs", namespace, name), "kind": "Job"})  # noqa: E731
            trial.equal(until(f"the Job {name} has ended", lambda done=done: done() != "Progressing" and done(), 300), "Healthy", name)
        load = Load(release, watched=1)
        load.await_listed(1)
        load.finish()


def apply_rendered(trial: Trial, release: Release, major: int) -> None:
    """Pipes what a Helm renders into kubectl."""
    objects = as_list(rendered_objects(trial.bed, release, major))
    words = ["apply", "--namespace", release.namespace, "-f", "-"]
    said = output([*trial.bed.kubectl, *words], input=objects).splitlines()
    trial.note(f"Helm {major}: {len(said)} objects applied")

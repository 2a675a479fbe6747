"""The chart `nfs-storage`: its provisioner makes, keeps, archives and deletes directories for claims.

No NFS is needed of the kernel: the exported directory is one of this machine, put in place of the NFS volume of the provisioner's
own claim. So volumes are made and bound as with a server, and no pod can mount them.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .bed import output
from .kubernetes import ready
from .release import Release
from .trial import Trial, scenario, until

IMAGE = "MIDSHIPS_NFS_PROVISIONER_IMAGE"
OWNER = 65_534  # the user and group that the provisioner runs as unless told otherwise
EXPORT = "/exports/kubernetes"
CLASS = "files-nfs-storage"
VOLUMES = "/api/v1/persistentvolumes"
ENDPOINTS = "/api/v1/namespaces/{}/endpoints"
LEADER = "control-plane.alpha.kubernetes.io/leader"
CONTENT = "what an application has written"
# Puts a directory of the node in place of the NFS volume.
POST_RENDERER = """#!/usr/bin/env python3
import re, sys
text, count = re.subn(r"^  nfs:\\n(    .*\\n)+", "  hostPath:\\n    path: {directory}\\n", sys.stdin.read(), flags=re.M)
sys.exit("no NFS volume") if count != 1 else print(text)
"""


class Storage(Release):
    """A release of the chart that makes a storage class, over a directory of this machine."""

    def __init__(self, trial: Trial, namespace: str, directory: Path, storage_class: dict) -> None:
        super().__init__(trial, namespace, "", "files")
        self.directory = directory
        repository, tag = os.environ[IMAGE].rsplit(":", 1)
        self.values = {
            "nfs": {"server": "nfs.invalid", "path": EXPORT},
            "storageClass": storage_class,
            "provisioner": {"replicas": 2, "image": {"repository": repository, "tag": tag}},
        }

    @property
    def full_name(self) -> str:
        """The name from which the names of the release's objects are made."""
        return CLASS

    @property
    def chart(self) -> list[str]:
        """The published chart and what replaces the NFS volume in it, as Helm's arguments."""
        renderer = self.directory.parent / "post-renderer"
        renderer.write_text(POST_RENDERER.format(directory=self.directory))
        renderer.chmod(0o755)
        return [f"{self.bed.publish()}/nfs-storage", *self.bed.plain, "--post-renderer", str(renderer), "--wait"]

    def provisioners(self) -> list[dict]:
        """The pods that make directories."""
        return self.bed.api.list("pods", self.namespace, "midships/component=provisioner")

    def locks(self) -> list[dict]:
        """What the pods tell each other by who of them works."""
        found = self.bed.api.ask("GET", ENDPOINTS.format(self.namespace))["items"]
        return [item for item in found if LEADER in item["metadata"].get("annotations", {})]

    def worker(self) -> str:
        """The pod that works."""
        holders = [json.loads(lock["metadata"]["annotations"][LEADER])["holderIdentity"] for lock in self.locks()]
        return holders[0].partition("_")[0] if holders else ""


@contextmanager
def installed(trial: Trial, namespace: str, directory: Path, **storage_class: str) -> Iterator[Storage]:
    """A release of the chart; after it nothing of it is left in the cluster."""
    release = Storage(trial, namespace, directory, storage_class)
    release.succeed("install", major=3)
    # Helm waits for one of two.
    until("both provisioners are ready", lambda: [ready(pod) for pod in release.provisioners()] == [True, True], 60)
    yield release
    result = release.helm("uninstall", "--wait", major=3)
    trial.equal(result.returncode, 0, f"exit code of helm uninstall: {result.stderr.strip()}")
    mark = f"midships/cluster={CLASS}"
    kinds = "storageclasses,persistentvolumes,clusterroles,clusterrolebindings"
    left = output([*trial.bed.kubectl, "get", kinds, "--selector", mark, "--output", "name"])
    trial.equal(left, "", "objects of the whole cluster that are left")
    until("no lock is left", lambda: not release.locks(), 30)


@scenario("nfs-storage", needs_power=True, needs_variable=IMAGE)
def nfs_storage(trial: Trial) -> None:
    """Directories are made for claims, by another pod when one is lost, and kept, archived or deleted as the class says."""
    with tempfile.TemporaryDirectory() as place, trial.bed.namespace("accept-nfs") as own, trial.bed.namespace("accept-nfs-user") as user:
        directory = Path(place, "export")
        directory.mkdir()
        Path(place).chmod(0o755)
        shutil.chown(directory, OWNER, OWNER)

        # What is in no namespace does not go with one when the scenario fails.
        trial.bed.leave_to_end(lambda: remove_volumes(trial))
        trial.bed.leave_to_end(lambda: Storage(trial, own, directory, {}).helm("uninstall", major=3))
        with installed(trial, own, directory) as release:
            until("a provisioner works", release.worker, 60)
            volume = claimed(trial, user, "kept")
            made = written(trial, directory, volume)
            trial.equal(made.name, f"{user}-kept-{volume['metadata']['name']}", "the directory of a claim")
            first = release.worker()
            trial.bed.api.delete("pods", own, first, seconds_of_grace=0)
            until("another provisioner works", lambda: release.worker() not in ("", first), 60)
            claimed(trial, user, "another")
            trial.note("another pod has made the next directory")
            for name in ("kept", "another"):
                trial.bed.api.delete("persistentvolumeclaims", user, name)
            until("the volume is released", lambda: phase(trial, volume) == "Released", 60)
            trial.equal(content(made), CONTENT, "what is left of a claim that was deleted")
        trial.equal(content(made), CONTENT, "what is left after helm uninstall")
        remove_volumes(trial)

        pattern = "kubernetes/${.PVC.namespace}_${.PVC.name}"
        with installed(trial, own, directory, pathPattern=pattern, reclaimPolicy="Delete", onDelete="Retain"):
            made = written(trial, directory, claimed(trial, user, "again"))
            trial.equal(made, directory / f"kubernetes/{user}_again", "the directory of a claim by a pattern")
            deleted(trial, user, "again")
            again = claimed(trial, user, "again")
            trial.equal(content(place_of(directory, again)), CONTENT, "what a claim finds that is made again")
            deleted(trial, user, "again")

        with installed(trial, own, directory, reclaimPolicy="Delete", onDelete="Archive"):
            made = written(trial, directory, claimed(trial, user, "archived"))
            deleted(trial, user, "archived")
            trial.equal(content(directory / f"archived-{made.name}"), CONTENT, "what is archived")

        with installed(trial, own, directory, reclaimPolicy="Delete", onDelete="Delete"):
            made = written(trial, directory, claimed(trial, user, "gone"))
            deleted(trial, user, "gone")
            trial.check(not made.exists(), "the directory of a claim that was deleted with all it had is still there")


def claimed(trial: Trial, namespace: str, name: str) -> dict:
    """Makes a claim and waits until it is bound; returns its volume."""
    api = trial.bed.api
    size = {"requests": {"storage": "16Mi"}}
    spec = {"accessModes": ["ReadWriteMany"], "storageClassName": CLASS, "resources": size}
    api.create("persistentvolumeclaims", namespace, {"metadata": {"name": name}, "spec": spec})

    def bound() -> str:
        claim = api.get("persistentvolumeclaims", namespace, name)
        return claim["spec"].get("volumeName", "") if claim["status"].get("phase") == "Bound" else ""

    volume = api.ask("GET", f"{VOLUMES}/{until(f'claim {name} is bound', bound, 60)}")
    trial.equal(volume["spec"]["nfs"]["server"], "nfs.invalid", f"server of the volume of {name}")
    trial.note(f"claim {name} is bound: {volume['spec']['nfs']['path']}")
    return volume


def deleted(trial: Trial, namespace: str, name: str) -> None:
    """Deletes a claim and waits until its volume is gone."""
    volume = trial.bed.api.get("persistentvolumeclaims", namespace, name)["spec"]["volumeName"]
    trial.bed.api.delete("persistentvolumeclaims", namespace, name)
    until(f"the volume of {name} is gone", lambda: volume not in volumes(trial), 60)


def place_of(directory: Path, volume: dict) -> Path:
    """Where the directory of a volume is on this machine."""
    return directory / Path(volume["spec"]["nfs"]["path"]).relative_to(EXPORT)


def written(trial: Trial, directory: Path, volume: dict) -> Path:
    """Writes a file into the directory of a volume, as a pod would, and returns the directory."""
    made = place_of(directory, volume)
    trial.equal((made.stat().st_uid, made.stat().st_mode & 0o777), (OWNER, 0o777), f"owner and mode of {made}")
    (made / "file").write_text(CONTENT)
    return made


def content(made: Path) -> str:
    """What the file in a directory says; nothing where there is none."""
    file = made / "file"
    return file.read_text() if file.exists() else ""


def volumes(trial: Trial) -> list[str]:
    """The names of all volumes."""
    return [item["metadata"]["name"] for item in trial.bed.api.ask("GET", VOLUMES)["items"]]


def phase(trial: Trial, volume: dict) -> str:
    """The phase of a volume."""
    return trial.bed.api.ask("GET", f"{VOLUMES}/{volume['metadata']['name']}")["status"]["phase"]


def remove_volumes(trial: Trial) -> None:
    """Deletes what claims of the class have left."""
    for volume in trial.bed.api.ask("GET", VOLUMES)["items"]:
        if volume["spec"].get("storageClassName") == CLASS:
            trial.bed.api.ask("DELETE", f"{VOLUMES}/{volume['metadata']['name']}")

"""Releases that go through `midships post-render`: as a program of Helm 3 and as a plugin of Helm 4."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .bed import ROOT, output, program
from .release import Release
from .rocketmq_faults import objects
from .trial import Trial, scenario

TEAM = "example.org/team"
OWNER = "example.org/owner"
RULE = "owned"
ALWAYS = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}


@scenario("post-render")
def post_render(trial: Trial) -> None:
    """Both Helms install through the post-renderer: labels, a mirror that serves, hooks with Helm 4; a rule stops a release."""
    with tempfile.TemporaryDirectory(prefix="midships-post-render-") as name:
        directory = Path(name)
        mirrors = [{"from": "docker.io", "to": trial.bed.registry}]
        labels = [{"set": {TEAM: "acceptance"}, "podTemplates": True}]
        policy = {"images": {"mirrors": mirrors}, "labels": labels}
        changing = write(directory / "changing.yaml", policy)
        required = [{"path": f'metadata.labels["{OWNER}"]'}]
        rule = {"name": RULE, "match": {"kinds": ["StatefulSet"]}, "required": required}
        refusing = write(directory / "refusing.yaml", {**policy, "deny": [rule]})
        install(trial, 3, changing, refusing)
        with plugin(trial, directory / "helm"):
            install(trial, 4, changing, refusing)


def write(file: Path, policy: dict) -> Path:
    """Writes a policy. JSON is YAML."""
    file.write_text(json.dumps(policy))
    return file


@contextmanager
def plugin(trial: Trial, directory: Path) -> Iterator[None]:
    """The plugin of Helm 4, installed from the checkout in a directory of its own, which Helm 3 must not see."""
    before = os.environ.get("HELM_DATA_HOME")
    os.environ["HELM_DATA_HOME"] = str(directory)
    try:
        output([*trial.bed.helm(4), "plugin", "install", ROOT / "hooks/post-render"])
        yield
    finally:
        if before is None:
            del os.environ["HELM_DATA_HOME"]
        else:
            os.environ["HELM_DATA_HOME"] = before


def through(major: int, policy: Path) -> list[str]:
    """Helm's arguments for the post-renderer."""
    words = [f"--policy={policy}"]
    if major == 3:
        words.insert(0, "post-render")
    renderer = str(program("midships")) if major == 3 else "midships"
    return ["--post-renderer", renderer, *(word for given in words for word in ("--post-renderer-args", given))]


def install(trial: Trial, major: int, changing: Path, refusing: Path) -> None:
    """A release is refused and leaves nothing; then it is installed, with images that only the mirror has."""
    with trial.bed.namespace(f"accept-post-render-{major}") as namespace:
        image = {"image": {"repository": "apache/rocketmq"}}
        values = {"nameServers": image, "brokers": {**image, "groups": 1, "replicasPerGroup": 0}}
        if major == 4:
            # Hooks pass through the post-renderer as well: without it, this image could not be pulled.
            values["hook"] = {"image": {"repository": f"docker.io{trial.bed.charts.removeprefix(trial.bed.registry)}/hook"}}
        release = Release(trial, namespace, "5.4.0", values=values)
        refused = release.apply("install", major=major, chart=[*release.chart, *through(major, refusing)])
        trial.check(refused.returncode != 0, f"Helm {major} installed what a rule refuses")
        server = f"StatefulSet {namespace}/{release.full_name}-name-server"
        for word in (f"rule `{RULE}`", server, "rocketmq/templates/name-servers.yaml"):
            trial.check(word in refused.stderr, f"Helm {major} does not say `{word}`: {refused.stderr.strip()[-2000:]}")
        trial.equal(sorted(set(objects(trial.bed, namespace)) - ALWAYS), [], f"objects after the refusal with Helm {major}")
        trial.note(f"Helm {major}: refused, and nothing has reached the cluster")

        release.install(major=major, chart=[*release.chart, *through(major, changing)])
        for pod in release.pods():
            images = [container["image"] for container in pod["spec"]["containers"]]
            expected = [f"{trial.bed.registry}/apache/rocketmq:5.4.0"] * len(images)
            trial.equal(images, expected, f"images of {pod['metadata']['name']}")
            trial.equal(pod["metadata"]["labels"].get(TEAM), "acceptance", f"label {TEAM} of {pod['metadata']['name']}")
        hooks = output([*trial.bed.helm(major), "get", "hooks", release.name, "--namespace", namespace])
        trial.equal(f"{TEAM}: acceptance" in hooks, major == 4, f"whether hooks of Helm {major} have passed through")
        trial.figure(f"Helm {major}: pods with the label and the mirror's image", len(release.pods()))

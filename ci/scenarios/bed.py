"""The cluster that the scenarios run on: the test bed, or the one that KUBECONFIG names."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .kubernetes import Kubernetes, Refusal
from .trial import Failed, until

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "ci"
TESTBED = CI / "testbed"
BED_REGISTRY = "registry.local:5000"
CACHE = Path(os.environ.get("MIDSHIPS_CACHE") or Path.home() / ".cache/midships")
ENFORCED = "pod-security.kubernetes.io/enforce"


def command_result(command: list[object], **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end and returns what it said and its exit code; one that this machine lacks is a failure."""
    words, pipe = [str(word) for word in command], subprocess.PIPE
    try:
        return subprocess.run(words, stdout=pipe, stderr=pipe, text=True, check=False, **options)
    except FileNotFoundError as missing:
        raise Failed(f"not found: `{missing.filename}`") from missing


def output(command: list[object], **options: object) -> str:
    """Runs a command and returns its output; a failure fails the scenario and quotes what the command said."""
    result = command_result(command, **options)
    if result.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise Failed(f"`{words}` ended with {result.returncode}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def program(name: str) -> Path:
    """A program of the project as `cargo build --release` leaves it."""
    found = sorted(ROOT.glob(f"target/*/release/{name}"))
    if not found:
        raise Failed(f"the program {name} is not built; run `cargo build --release` first")
    return found[0]


class Bed:
    """A cluster, with the commands that reach it."""

    def __init__(self) -> None:
        self.foreign = bool(os.environ.get("KUBECONFIG"))
        self.registry = os.environ.get("MIDSHIPS_REGISTRY", "") if self.foreign else BED_REGISTRY
        if self.foreign and not self.registry:
            raise Failed("KUBECONFIG is set: set MIDSHIPS_REGISTRY to the registry that its nodes pull from, as host:port/path")
        self.plain_http = not self.foreign or os.environ.get("MIDSHIPS_REGISTRY_PLAIN_HTTP") == "1"
        self._published: str | None = None
        self._endings: list[Callable[[], None]] = []
        self.explanations = CACHE / "accept"  # where what explains a failure is kept

    @functools.cached_property
    def api(self) -> Kubernetes:
        """The Kubernetes API."""
        return Kubernetes(self.kubectl)

    def close(self) -> None:
        """Ends what was started to reach the cluster."""
        if "api" in self.__dict__:
            self.api.close()

    def leave_to_end(self, end: Callable[[], None]) -> None:
        """Has something ended at the latest when the namespace that it is used in is left."""
        self._endings.append(end)

    @property
    def kubectl(self) -> list[str]:
        """The command line of kubectl."""
        return ["kubectl"] if self.foreign else [str(TESTBED), "kubectl"]

    def helm(self, major: int = 4) -> list[str]:
        """The command line of Helm 3 or 4."""
        if not self.foreign:
            return [str(TESTBED), f"helm{major}"]
        for name in (f"helm{major}", "helm"):
            if shutil.which(name) and output([name, "version", "--short"]).startswith(f"v{major}"):
                return [name]
        raise Failed(f"Helm {major} is not installed as `helm{major}` or `helm`")

    def net(self, *command: object) -> list[str]:
        """The command line that runs a command where the cluster's addresses can be reached."""
        return [str(word) for word in command] if self.foreign else [str(TESTBED), "net", *(str(word) for word in command)]

    def testbed(self, *arguments: object) -> str:
        """Runs a command of the test bed and returns its output."""
        return output([TESTBED, *arguments])

    @functools.cached_property
    def plain(self) -> list[str]:
        """The option with which registries without TLS are spoken to."""
        return ["--plain-http"] if self.plain_http else []

    @functools.cached_property
    def charts(self) -> str:
        """Where charts and the hook image are published: on the test bed each checkout has a place of its own."""
        return f"{self.registry}/charts" if self.foreign else f"{self.registry}/{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}/charts"

    def publish(self) -> str:
        """Publishes the charts and the hook image once for each build, and returns the address of the charts."""
        if self._published is None:
            address = f"oci://{self.charts}"
            # What an earlier build published under the same version is replaced, so that what is tried is this build.
            how = ["--force", "--hook-image", program("midships-hook")]
            CACHE.mkdir(parents=True, exist_ok=True)
            with open(CACHE / "publish.lock", "w", encoding="ascii") as lock:
                # Two scenarios that begin at the same time would push the same files; the registry refuses one of them.
                fcntl.flock(lock, fcntl.LOCK_EX)
                output(self.net(program("midships"), "publish", address, *self.plain, *how), cwd=ROOT)
            self._published = address
        return self._published

    def images(self, *names: str) -> None:
        """Makes sure that the registry has the named images; another cluster's registry is expected to have them."""
        if not self.foreign:
            self.testbed("images", *names)

    @functools.cached_property
    def load_image(self) -> str:
        """The image of the load program, built and pushed.

        MIDSHIPS_LOAD_IMAGE names one that is there already. Empty for another cluster without one: see `load.py`.
        """
        named = os.environ.get("MIDSHIPS_LOAD_IMAGE", "")
        if named or self.foreign:
            return named
        built = Path(output([CI / "load/build"]).strip())
        name = f"midships/load:{built.name}"
        self.testbed("push", built / "image", name)
        return f"{self.registry}/{name}"

    @contextmanager
    def namespace(self, name: str, *, keep: bool = False, standard: str = "restricted") -> Iterator[str]:
        """A namespace in which a pod security standard is enforced, deleted at the end with everything in it unless kept."""
        self.remove_namespace(name)
        body = {"metadata": {"name": name, "labels": {ENFORCED: standard, "midships/acceptance": "true"}}}
        self.api.ask("POST", "/api/v1/namespaces", body)
        # What Kubernetes itself puts into a namespace comes a moment later.
        for kind, own in (("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")):
            until(f"{own} of namespace {name}", lambda kind=kind, own=own: self.api.get(kind, name, own), 60)
        try:
            yield name
        except BaseException:
            self._explain(name)
            raise
        finally:
            while self._endings:
                self._endings.pop()()
            if not keep and os.environ.get("MIDSHIPS_KEEP") != "1":
                self.remove_namespace(name)

    def _explain(self, namespace: str) -> None:
        """Keeps what explains a failure before it is deleted: pods, Events, journals, what the containers said."""
        directory = self.explanations / namespace
        directory.mkdir(parents=True, exist_ok=True)
        commands = {
            "pods.txt": ["get", "pods,pvc,jobs,statefulsets", "-o", "wide"],
            "events.txt": ["get", "events", "--sort-by=.lastTimestamp"],
            "configuration.yaml": ["get", "configmaps", "-o", "yaml"],
        }
        for pod in self.api.list("pods", namespace):
            name = pod["metadata"]["name"]
            commands[f"{name}.log"] = ["logs", name, "--tail=2000"]
            commands[f"{name}.yaml"] = ["get", "pod", name, "-o", "yaml"]
        for file, words in commands.items():
            result = command_result([*self.kubectl, "--namespace", namespace, *words])
            (directory / file).write_text(result.stdout + result.stderr)
        complain(f"  what explains it is kept in {directory}")

    def remove_namespace(self, name: str) -> None:
        """Deletes a namespace if it exists and waits until it is gone."""
        path = f"/api/v1/namespaces/{name}"

        def gone() -> bool:
            try:
                self.api.ask("DELETE", path)
            except Refusal as refusal:
                if refusal.status not in (404, 409):  # 409: it is being deleted
                    raise
                return refusal.status == 404
            return False

        if not gone():
            # Pods end without grace: what is in them has been checked, or has failed.
            for pod in self.api.list("pods", name):
                self.api.delete("pods", name, pod["metadata"]["name"], seconds_of_grace=0)
            until(f"the namespace {name} is gone", gone, 180)


@contextmanager
def values_file(values: dict) -> Iterator[str]:
    """A file of values, for as long as it is needed. JSON is YAML."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="midships-values-") as file:
        json.dump(values, file)
        file.flush()
        yield file.name


def merged(base: dict, over: dict) -> dict:
    """Values over values, as Helm merges them."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def complain(text: str) -> None:
    """Prints one line on standard error."""
    print(text, file=sys.stderr, flush=True)

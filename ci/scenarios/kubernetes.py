"""The Kubernetes API over one `kubectl proxy` on a Unix socket, which works for the test bed and for any other cluster."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from .trial import Failed

CORE = "/api/v1"
PATHS = {
    "configmaps": CORE,
    "events": CORE,
    "persistentvolumeclaims": CORE,
    "pods": CORE,
    "secrets": CORE,
    "serviceaccounts": CORE,
    "services": CORE,
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
}


class Refusal(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Kubernetes:
    """Reads and writes objects. One is shared by all scenarios of a process."""

    def __init__(self, kubectl: list[str]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="midships-accept-")
        self._socket = Path(self._directory.name, "api")
        command = [*kubectl, "proxy", f"--unix-socket={self._socket}"]
        # Of its own session, so that an interrupt at the terminal leaves it for the clearing up.
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        self._proxy = subprocess.Popen(command, stdout=pipe, stderr=both, text=True, start_new_session=True)
        said = self._proxy.stdout.readline() if self._proxy.stdout else ""
        if "Starting to serve" not in said:
            self.close()
            raise Failed(f"`{' '.join(command)}` does not serve: {said.strip()}")

    def close(self) -> None:
        """Ends the proxy."""
        self._proxy.terminate()
        self._proxy.wait()
        self._directory.cleanup()

    @contextmanager
    def connection(self, timeout: float | None = 60) -> Iterator[http.client.HTTPConnection]:
        """A connection of its own, for many requests in a row."""
        connection = _Connection(self._socket, timeout)
        try:
            yield connection
        finally:
            connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        kind: str = "application/json",
        connection: http.client.HTTPConnection | None = None,
    ) -> dict:
        """One request; returns the object of the answer."""
        return json.loads(self.text(method, path, body, kind, connection))

    def text(
        self,
        method: str,
        path: str,
        body: object = None,
        kind: str = "application/json",
        connection: http.client.HTTPConnection | None = None,
    ) -> str:
        """One request; returns the answer as it is."""
        if connection is None:
            with self.connection() as own:
                return self.text(method, path, body, kind, own)
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status >= 300:
            raise Refusal(answer.status, f"{method} {path}: {answer.status} {text.strip()}")
        return text

    @staticmethod
    def path(kind: str, namespace: str, name: str = "", **query: str | int) -> str:
        """The path of a kind's objects in a namespace, or of one of them."""
        path = f"{PATHS[kind]}/namespaces/{namespace}/{kind}" + (f"/{name}" if name else "")
        return path + (f"?{urlencode(query, quote_via=quote)}" if query else "")

    def get(self, kind: str, namespace: str, name: str) -> dict | None:
        """One object, or nothing."""
        try:
            return self.ask("GET", self.path(kind, namespace, name))
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict]:
        """The objects of a kind, by name."""
        query = {"labelSelector": selector} if selector else {}
        items = self.ask("GET", self.path(kind, namespace, **query))["items"]
        return sorted(items, key=lambda item: item["metadata"]["name"])

    def evict(self, namespace: str, pod: str) -> None:
        """Asks a pod to leave as a drain of its node does; a budget may refuse it."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        self.ask("POST", f"{self.path('pods', namespace, pod)}/eviction", body)

    def create(self, kind: str, namespace: str, body: dict) -> dict:
        """Creates an object."""
        return self.ask("POST", self.path(kind, namespace), body)

    def delete(self, kind: str, namespace: str, name: str, seconds_of_grace: int | None = None) -> None:
        """Deletes an object, in the background; one that is gone is fine."""
        body: dict[str, object] = {"propagationPolicy": "Background"}
        if seconds_of_grace is not None:
            body["gracePeriodSeconds"] = seconds_of_grace
        try:
            self.ask("DELETE", self.path(kind, namespace, name), body)
        except Refusal as refusal:
            if refusal.status != 404:
                raise

    def log(self, namespace: str, pod: str, **query: str | int) -> str:
        """The log of a pod's container."""
        return self.text("GET", self.path("pods", namespace, f"{pod}/log", **query))

    def follow(self, namespace: str, pod: str) -> list[str]:
        """The lines of a pod's log, to which more are added as they come, until its container has ended."""
        lines: list[str] = []

        def read() -> None:
            with self.connection(timeout=None) as connection:
                connection.request("GET", self.path("pods", namespace, f"{pod}/log", follow="true"))
                for line in connection.getresponse():
                    lines.append(line.decode(errors="replace").rstrip("\n"))

        threading.Thread(target=read, daemon=True).start()
        return lines


def ready(pod: dict) -> bool:
    """Whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def lives(pods: list[dict]) -> dict[str, tuple[str, int]]:
    """The uid and the number of container restarts of each pod: equal before and after means that nothing restarted."""
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(status["restartCount"] for status in pod.get("status", {}).get("containerStatuses", [])),
        )
        for pod in pods
    }


def versions(api: Kubernetes, namespace: str, leave_out: set[str]) -> dict[str, str]:
    """The resourceVersion of each object of a namespace by `kind/name`, but not of those named to be left out.

    Events never count, nor Secrets in which Helm keeps its releases, nor hook objects: those carry Helm's annotation.
    """
    found = {}
    for kind in sorted(set(PATHS) - {"events"}):
        for item in api.list(kind, namespace):
            metadata = item["metadata"]
            name = f"{kind}/{metadata['name']}"
            hook = "helm.sh/hook" in metadata.get("annotations", {}) or "job-name" in metadata.get("labels", {})
            release = kind == "secrets" and item.get("type") == "helm.sh/release.v1"
            if name not in leave_out and not hook and not release:
                found[name] = metadata["resourceVersion"]
    return found

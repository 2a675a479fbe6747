"""One release of any chart of the project: installing, changing and looking at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from .bed import Bed, command_result, merged, program, values_file
from .kubernetes import ready
from .trial import Failed, Trial, until

HELM_TIMEOUT = "20m"
HELM_SECONDS = 1_260


def full_name(name: str, chart: str) -> str:
    """The name from which the names of a release's objects are made."""
    return name if chart in name else f"{name}-{chart}"


@dataclass
class ChartRelease:
    """A release of a chart in a namespace. What is true of one chart only is said by the class of its releases."""

    trial: Trial
    namespace: str
    version: str
    name: str = "trial"
    values: dict = field(default_factory=dict)
    chart_name: ClassVar[str]
    components: ClassVar[tuple[str, ...]]  # those whose pods are servers

    @property
    def bed(self) -> Bed:
        """The cluster."""
        return self.trial.bed

    @property
    def product(self) -> str:
        """What is installed, with its version, in words."""
        raise NotImplementedError

    @property
    def image(self) -> str:
        """The image of the servers, as the test bed names it."""
        raise NotImplementedError

    @property
    def full_name(self) -> str:
        """The name from which the names of the release's objects are made."""
        return full_name(self.name, self.chart_name)

    @property
    def chart(self) -> list[str]:
        """The published chart, as Helm's arguments."""
        return [f"{self.bed.publish()}/{self.chart_name}", *self.bed.plain]

    def change(self, values: dict) -> None:
        """Changes the values that the next command will be given."""
        self.values = merged(self.values, values)

    def ask(self, change: dict) -> dict:
        """Changes the values that Helm is given, and returns them."""
        self.change(change)
        return self.values

    def helm(self, action: str, *arguments: str, major: int = 4) -> subprocess.CompletedProcess[str]:
        """Runs one Helm command on the release and returns what came of it."""
        return command_result([*self.bed.helm(major), action, self.name, *arguments, "--namespace", self.namespace])

    def begin(
        self,
        action: str,
        change: dict | None = None,
        *,
        major: int = 4,
        chart: list[str] | None = None,
        timeout: str = HELM_TIMEOUT,
    ) -> Helm:
        """Starts `helm install` or `helm upgrade` and does not wait for it."""
        values = self.ask(change or {})
        return Helm(self, [action, self.name, *(chart or self.chart)], major, values, timeout)

    def apply(
        self, action: str, change: dict | None = None, *, major: int = 4, chart: list[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `helm install` or `helm upgrade` and returns what came of it."""
        return self.begin(action, change, major=major, chart=chart).finish()

    def succeed(self, action: str, change: dict | None = None, **options: object) -> float:
        """Runs `helm install` or `helm upgrade`, which must succeed; returns how many seconds it took."""
        begun = time.monotonic()
        result = self.apply(action, change, **options)
        if result.returncode != 0:
            raise Failed(f"helm {action} ended with {result.returncode}: {result.stderr.strip()[-3000:]}")
        return time.monotonic() - begun

    def last_deployed(self, major: int = 4) -> int:
        """The newest revision that succeeded."""
        result = self.helm("history", "--output", "json", major=major)
        good = [entry["revision"] for entry in json.loads(result.stdout) if entry["status"] in ("deployed", "superseded")]
        return max(good)

    def unlock(self) -> None:
        """Marks the pending revision failed with the hook program; refused while a Job runs, so that is waited for."""
        command = self.bed.net(program("midships-hook"), "unlock", self.name, "--namespace", self.namespace)

        def unlocked() -> bool:
            result = command_result(command)
            said.append(result.stderr.strip() or result.stdout.strip())
            return result.returncode == 0

        said: list[str] = []
        until("midships-hook unlock succeeds once no Job runs", unlocked, 300, every=0.5)
        self.trial.note(f"midships-hook unlock: refused {len(said) - 1} times while a Job ran, then: {said[-1].splitlines()[-1]}")

    def install(self, **options: object) -> None:
        """Installs the release and waits until its servers are ready."""
        self.bed.images(self.image)
        self.trial.note(f"helm install of {self.product}")
        seconds = self.succeed("install", **options)
        self.trial.figure("install seconds", round(seconds, 1))
        self.await_ready()

    def await_ready(self, seconds: float = 120) -> None:
        """Waits until all servers are ready."""
        until("all pods are ready", lambda: all(ready(pod) for pod in self.pods()), seconds)

    def pods(self, component: str = "") -> list[dict]:
        """The release's servers, or those of one component."""
        components = component or ",".join(self.components)
        selector = f"midships/cluster={self.full_name},midships/component in ({components})"
        return self.bed.api.list("pods", self.namespace, selector)

    def journal(self) -> dict[str, str]:
        """The journal as it is stored."""
        journal = self.bed.api.get("configmaps", self.namespace, f"{self.full_name}-journal") or {}
        return journal.get("data") or {}

    def hook_logs(self, since: datetime) -> str:
        """What the pods of hook Jobs that are still there have said since a moment."""
        said = []
        for pod in self.bed.api.list("pods", self.namespace, "job-name"):
            if pod["status"].get("phase") != "Pending":
                for line in self.bed.api.log(self.namespace, pod["metadata"]["name"], timestamps="true").splitlines():
                    moment, _, text = line.partition(" ")
                    if datetime.fromisoformat(moment) > since:
                        said.append(text)
        return "\n".join(said)


class Helm:
    """One helm command on a release that runs."""

    def __init__(
        self, release: ChartRelease, words: list[str], major: int, values: dict | None = None, timeout: str = HELM_TIMEOUT
    ) -> None:
        self._files = ExitStack()
        given = ["--values", self._files.enter_context(values_file(values))] if values else []
        where = ["--namespace", release.namespace, "--timeout", timeout]
        pipe = subprocess.PIPE
        # Of its own session, so that it can be killed with everything that it started.
        self.process = subprocess.Popen(
            [*release.bed.helm(major), *words, *given, *where], stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        release.bed.leave_to_end(self.kill)

    @classmethod
    def rollback(cls, release: ChartRelease, revision: int = 0, major: int = 4) -> Helm:
        """Starts a rollback to a revision, or to the last one that was deployed."""
        deployed = revision or release.last_deployed(major)
        return cls(release, ["rollback", release.name, str(deployed)], major)

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Waits for it and returns what came of it."""
        try:
            said, complained = self.process.communicate(timeout=HELM_SECONDS)
        finally:
            self._files.close()
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, said, complained)

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kills it, with everything that it started, with -9, if it still runs."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def planned_steps(journal: dict[str, str]) -> list[str]:
    """The names of the steps of an open plan, in order."""
    return [step["name"] for step in json.loads(journal.get("plan") or '{"steps": []}')["steps"]]


def journal_entries(journal: dict[str, str]) -> list[tuple[str, str]]:
    """The events of an open plan, in order, as pairs of event and the name of its step."""
    steps = planned_steps(journal)
    entries = []
    for line in (journal.get("entries") or "").splitlines():
        for event, content in json.loads(line)["event"].items():
            entries.append((event, steps[content["step"]] if "step" in content else ""))
    return entries

"""Kills the hook program with -9 right after a chosen entry of the journal has been written.

The program is found in the node's processes and runs in slices of a few milliseconds: stopped, the journal read, and either
killed or let go on. Whatever it does after an entry, it can have done for one slice only.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .chart_release import Helm, journal_entries, planned_steps
from .release import Release

SLICE_SECONDS = 0.002
IDLE_SECONDS = 0.04
PROGRAM = "midships-hook"
Boundary = tuple[str, str]
Plan = tuple[str, ...]  # the names of its steps
# Steps that never act: the journal gets their intent and their success in one write.
ONLY_WAITING = {"brokers_registered", "brokers_released"}
# Steps that act when they are taken back; for the others intent and success of that are one write too.
TAKEN_BACK = {"brokers_told"}


def boundaries_of_doing(plan: Plan) -> set[Boundary]:
    """The writes after which a program that carries a plan out can be killed.

    The success of the last step is none: the write that closes the plan follows it at once.
    """
    begun = {("started", step) for step in plan if step not in ONLY_WAITING}
    return {("planned", ""), *begun, *(("succeeded", step) for step in plan[:-1])}


def boundaries_of_undoing(plan: Plan, last: str) -> set[Boundary]:
    """The writes after which a program that takes a plan back, from its last started step on, can be killed.

    Taking back the first step is none that is finished: the write that closes the plan follows it at once.
    """
    started = plan[: plan.index(last) + 1]
    begun = {("undo_started", step) for step in started if step in TAKEN_BACK}
    return begun | {("undo_finished", step) for step in started[1:]}


@contextmanager
def at_once() -> Iterator[None]:
    """Has this thread run whenever it wants to: one that waits for a processor leaves a program more than a slice."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    os.sched_setscheduler(0, policy, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@dataclass(frozen=True)
class PodProcess:
    """A running program of a pod, known by its pid and by when it started, so that another process is never taken for it."""

    pid: int
    started: str
    pod: str

    def signal(self, number: int) -> bool:
        """Sends a signal if the process is still the same one; returns whether it was."""
        if start_of(self.pid) != self.started:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def start_of(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return ""


def hook_processes(release: Release) -> list[PodProcess]:
    """The hook programs that run for a release, of whichever phase."""
    return pod_processes(release, "job-name", PROGRAM)


def pod_processes(release: Release, selector: str, program: str) -> list[PodProcess]:
    """The programs of one name that run in pods of a release's namespace."""
    pods = {}
    for pod in release.bed.api.list("pods", release.namespace, selector):
        if pod["status"].get("phase") in ("Pending", "Running"):
            pods[pod["metadata"]["uid"]] = pod["metadata"]["name"]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != program:
                continue
            uid = re.search(r"/pod([0-9a-f-]{36})/", (entry / "cgroup").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        if uid and uid.group(1) in pods:
            found.append(PodProcess(int(entry.name), start_of(int(entry.name)), pods[uid.group(1)]))
    return found


@dataclass
class Saboteur:
    """Kills hook programs of a release at boundaries of its plans, each boundary once."""

    release: Release
    # Another runner's taking over is no boundary of a step.
    wanted: Callable[[Boundary], bool] = lambda boundary: boundary[0] != "handed_over"
    most_each: int = 3  # kills of one Job, which makes four attempts
    killed: list[Boundary] = field(default_factory=list)
    plans: set[Plan] = field(default_factory=set)  # those that were seen open

    def run(self, helm: Helm) -> None:
        """Kills until helm has ended. Helm goes on by itself."""
        by_job: dict[str, int] = {}
        with at_once(), self.release.bed.api.connection() as connection:
            while helm.running():
                processes = hook_processes(self.release)
                if not processes:
                    time.sleep(IDLE_SECONDS)
                for process in processes:
                    job = process.pod.rpartition("-")[0]
                    if by_job.get(job, 0) < self.most_each and self._slice(process, connection):
                        by_job[job] = by_job.get(job, 0) + 1
                    elif by_job.get(job, 0) >= self.most_each:
                        time.sleep(IDLE_SECONDS)

    def missing(self) -> list[Boundary]:
        """The boundaries of doing the plans that were seen at which nothing was killed yet."""
        return sorted(set().union(*map(boundaries_of_doing, self.plans)) - set(self.killed))

    def _slice(self, process: PodProcess, connection: object) -> bool:
        """Lets a program run slice by slice until it has ended or was killed; returns whether it was killed."""
        api, release = self.release.bed.api, self.release
        path = api.path("configmaps", release.namespace, f"{release.full_name}-journal")
        while process.signal(signal.SIGSTOP):
            try:
                journal = api.ask("GET", path, connection=connection).get("data") or {}
                entries = journal_entries(journal)
                if not entries:
                    continue
                self.plans.add(tuple(planned_steps(journal)))
                last = entries[-1]
                if not self.wanted(last) or last in self.killed:
                    continue
                if process.signal(signal.SIGKILL):
                    self.killed.append(last)
                    release.trial.note(f"kill -9 of {process.pod} after {' '.join(last).strip()}")
                    return True
            finally:
                process.signal(signal.SIGCONT)
                time.sleep(SLICE_SECONDS)
        return False

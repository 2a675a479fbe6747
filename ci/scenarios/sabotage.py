"""Kills the hook program with -9 right after a chosen entry of the journal has been written.

The program is found in the node's processes and runs in slices of a few milliseconds: stopped, the journal read, and either
killed or let go on. Whatever it does after an entry, it can have done for one slice only.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .release import Helm, Release, journal_entries

SLICE_SECONDS = 0.004
PROGRAM = "midships-hook"
Boundary = tuple[str, str]


@dataclass(frozen=True)
class HookProcess:
    """A running hook program, known by its pid and by when it started, so that another process is never taken for it."""

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


def hook_processes(release: Release) -> list[HookProcess]:
    """The hook programs that run for a release, of whichever phase."""
    pods = {}
    for pod in release.bed.api.list("pods", release.namespace, "job-name"):
        if pod["status"].get("phase") in ("Pending", "Running"):
            pods[pod["metadata"]["uid"]] = pod["metadata"]["name"]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != PROGRAM:
                continue
            uid = re.search(r"/pod([0-9a-f-]{36})/", (entry / "cgroup").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        if uid and uid.group(1) in pods:
            found.append(HookProcess(int(entry.name), start_of(int(entry.name)), pods[uid.group(1)]))
    return found


@dataclass
class Saboteur:
    """Kills hook programs of a release at boundaries of its plans, each boundary once."""

    release: Release
    # Another runner's taking over is no boundary of a step.
    wanted: Callable[[Boundary], bool] = lambda boundary: boundary[0] != "handed_over"
    most_each: int = 3  # kills of one Job, which makes four attempts
    done: list[Boundary] = field(default_factory=list)
    seen: set[Boundary] = field(default_factory=set)  # those at which a program could have been killed

    def run(self, helm: Helm) -> int:
        """Kills until helm has ended; returns how many programs it killed. Helm goes on by itself."""
        kills = 0
        by_job: dict[str, int] = {}
        with self.release.bed.api.connection() as connection:
            while helm.running():
                processes = hook_processes(self.release)
                if not processes:
                    time.sleep(SLICE_SECONDS * 10)
                for process in processes:
                    job = process.pod.rpartition("-")[0]
                    if by_job.get(job, 0) < self.most_each and self._slice(process, connection):
                        by_job[job] = by_job.get(job, 0) + 1
                        kills += 1
                    elif by_job.get(job, 0) >= self.most_each:
                        time.sleep(SLICE_SECONDS * 10)
        return kills

    def _slice(self, process: HookProcess, connection: object) -> bool:
        """Lets a program run slice by slice until it has ended or was killed; returns whether it was killed."""
        api, release = self.release.bed.api, self.release
        path = api.path("configmaps", release.namespace, f"{release.full_name}-journal")
        while process.signal(signal.SIGSTOP):
            try:
                entries = journal_entries(api.ask("GET", path, connection=connection).get("data") or {})
                last = entries[-1] if entries else None
                if last is None or not self.wanted(last):
                    continue
                self.seen.add(last)
                if last not in self.done:
                    self.done.append(last)
                    release.trial.note(f"kill -9 of {process.pod} after {' '.join(last).strip()}")
                    return process.signal(signal.SIGKILL)
            finally:
                process.signal(signal.SIGCONT)
                time.sleep(SLICE_SECONDS)
        return False

"""The processes of the bed: started in its control groups, known by pid and start time, and ended without touching others.

Every process of the bed lives below the control group `testbed`, so the kernel itself says what belongs to the bed. A pid
file also holds the start time of its process, so that a pid that the kernel gave to somebody else is never taken for ours.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from places import BedError

ROOT = Path("/sys/fs/cgroup")
UNIFIED = (ROOT / "cgroup.controllers").exists()  # cgroups of version 2
CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"]
# The processor time of the whole bed beside the machine's other processes, each of which counts as 1024 (100 in version 2).
# With the same for the bed as for one of them, a busy test starved every server in it for seconds.
WEIGHT_FILE, WEIGHT = ("cpu.weight", 1_600) if UNIFIED else ("cpu.shares", 16_384)
# A shell enters the control groups and becomes the command, so no instant passes outside them.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'


def hierarchies():
    """The directories below which the bed has control groups."""
    return [ROOT] if UNIFIED else [ROOT / name for name in [*CONTROLLERS, "systemd"]]


def create_group(name):
    """Creates the control group `testbed/NAME`."""
    for hierarchy in hierarchies():
        group = hierarchy / "testbed" / name
        group.mkdir(parents=True, exist_ok=True)
        if UNIFIED:
            for parent in (hierarchy, hierarchy / "testbed"):
                for controller in ("cpu", "cpuset", "io", "memory", "pids"):
                    (parent / "cgroup.subtree_control").write_text(f"+{controller}")
            # The file is there once the controller has been handed down.
            (hierarchy / "testbed" / WEIGHT_FILE).write_text(str(WEIGHT))
        elif hierarchy.name == "cpu":
            (hierarchy / "testbed" / WEIGHT_FILE).write_text(str(WEIGHT))
        elif hierarchy.name == "cpuset":
            for directory in (hierarchy / "testbed", group):
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (directory / file).write_text((hierarchy / file).read_text())
                (directory / "cgroup.clone_children").write_text("1")


def in_group(name, command):
    """The command line that runs a command in the control group `testbed/NAME`."""
    files = [str(hierarchy / "testbed" / name / "cgroup.procs") for hierarchy in hierarchies()]
    return ["sh", "-c", ENTER, "enter", *files, "--", *(str(part) for part in command)]


def members(name=""):
    """The pids of all processes in the control group `testbed/NAME` and below it."""
    found = set()
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy / "testbed" / name):
            try:
                found.update(int(pid) for pid in Path(directory, "cgroup.procs").read_text().split())
            except (FileNotFoundError, OSError):
                continue  # a group that ended while we walked has no members
    return found - {0}


def end_group(name=""):
    """Kills every process in a control group and waits until none is left; then removes the group."""

    def none_left():
        for pid in members(name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not members(name)

    wait_for(f"the end of the processes in the control group testbed/{name}", none_left, 30)
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy / "testbed" / name, topdown=False):
            wait_for(f"the removal of {directory}", lambda directory=directory: removed(directory), 10)


def removed(directory):
    """Removes an empty directory; says whether it is gone."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a control group stays busy for an instant after its last process
    return True


def spawn(file, group, command):
    """Starts a process that outlives us; FILE.log gets its output, FILE.pid says which process it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{file}.log", "ab") as log:
        process = subprocess.Popen(
            in_group(group, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    Path(f"{file}.pid").write_text(json.dumps({"pid": process.pid, "started": started(process.pid)}))
    return process


def started(pid):
    """When a process started, in clock ticks since boot; None when there is no such process, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(pid_file):
    """The pid in a pid file if that very process still runs, else None."""
    try:
        known = json.loads(Path(pid_file).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return known["pid"] if started(known["pid"]) == known["started"] else None


def wait_for(what, condition, seconds=60):
    """Waits until a condition holds; an error names what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BedError(f"gave up after {seconds} s waiting for {what}")
        time.sleep(0.05)


def succeeds(command):
    """Whether a command ends well; its output is of no interest."""
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0

"""Where the test bed keeps things, and the versions that it is made of.

Caches and state live outside the checkout: caches in MIDSHIPS_CACHE (~/.cache/midships), the state of the running bed in
MIDSHIPS_STATE (midships-testbed in /dev/shm, or in /var/tmp where memory is short). What is cached is keyed by a hash of
everything that it is made from.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

PARTS = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("MIDSHIPS_CACHE") or Path.home() / ".cache/midships") / "testbed"
MEMORY_FILES = Path("/dev/shm")
LEAST_MEMORY_FILES = 10 << 30  # bytes that the state may take, and that must be left to files in memory
LEAST_MEMORY = 20 << 30  # bytes of memory with which there is room for the nodes beside the state


def default_state():
    """The directory of the state: in memory where there is enough, since all nodes' volumes are else written to one disk, which
    keeps a broker waiting for seconds that a disk of its own would not."""
    on_disk = Path("/var/tmp/midships-testbed")
    if on_disk.exists() or not os.access(MEMORY_FILES, os.W_OK):
        return on_disk
    files = os.statvfs(MEMORY_FILES)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    enough = files.f_blocks * files.f_frsize >= LEAST_MEMORY_FILES and memory >= LEAST_MEMORY
    return MEMORY_FILES / on_disk.name if enough else on_disk


STATE = Path(os.environ.get("MIDSHIPS_STATE") or default_state()).absolute()
PKI = STATE / "pki"

KUBERNETES = "1.34.4"  # 1.35 and later refuse the cgroups of version 1 that some machines still have
HELM3 = "3.22.0"
HELM4 = "4.3.1"
COSIGN = "3.1.3"

CONTROL_ADDRESS = "10.200.0.1"
REGISTRY = "registry.local:5000"
REGISTRY_ADDRESS = f"{CONTROL_ADDRESS}:5000"
DNS_SERVICE_ADDRESS = "10.96.0.10"
DOMAIN = "cluster.local"
CLIENT_ADDRESS = "10.200.0.200"
BALANCED_RANGE = "10.200.64.0/24"
BALANCED_ADDRESSES = [f"10.200.64.{number}" for number in range(1, 255)]


class BedError(Exception):
    """Something that the person at the terminal has to know; its text is the whole message."""


def say(text):
    """Prints one line of progress; on standard error, so that the output of commands stays clean."""
    print(f"testbed: {text}", file=sys.stderr, flush=True)


def run(command, **options):
    """Runs a command to its end and returns its output; a failure is an error that quotes what the command said."""
    options.setdefault("text", True)
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if result.returncode != 0:
        said = result.stderr.strip() if options["text"] else result.stderr.decode(errors="replace").strip()
        raise BedError(f"`{' '.join(str(part) for part in command)}` ended with {result.returncode}: {said}")
    return result.stdout


def fingerprint(*inputs):
    """A short hash of texts and of files (a directory stands for the files directly in it), the key of a cached thing."""
    digest = hashlib.sha256()
    for item in inputs:
        if isinstance(item, Path):
            files = sorted(path for path in item.iterdir() if path.is_file()) if item.is_dir() else [item]
            for path in files:
                digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
        else:
            digest.update(f"{item}\0".encode())
    return digest.hexdigest()[:16]


@contextmanager
def lock(path, what):
    """Holds a file lock, so that two calls at the same time do not do the same work or undo each other's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: another call is busy with {what}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

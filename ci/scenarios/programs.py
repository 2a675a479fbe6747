"""Programs and modules of others that judge what the project makes: of pinned versions, made once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from .bed import CACHE, output


@cache
def go_program(module: str) -> Path:
    """A program that is built from a Go module of a pinned version, once."""
    name = module.rpartition("/")[2].replace("@", "-")
    directory = CACHE / "quality" / name
    built = directory / name.rpartition("-")[0]
    if not built.exists():
        print(f"building {name}, once", flush=True)
        directory.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(directory), "CGO_ENABLED": "0"}
        output(["nice", "go", "install", module], env=environment, cwd=directory)
    return built


@contextmanager
def go_module(module: str, home: Path) -> Iterator[Path]:
    """The directory of a Go module of a pinned version, below a home of its own; modules are large, so it is not kept."""
    modules = home / "modules"
    modules.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOMODCACHE": str(modules), "GOFLAGS": "-modcacherw"}
    try:
        found = json.loads(output(["go", "mod", "download", "-json", module], env=environment, cwd=home))
        yield Path(found["Dir"])
    finally:
        shutil.rmtree(modules, ignore_errors=True)


@cache
def python_programs(packages: Path) -> Path:
    """The directory of the programs of Python packages, which a file lists with their versions, installed once."""
    key = hashlib.sha256(packages.read_bytes() + sys.version.encode()).hexdigest()[:16]
    home = CACHE / "quality" / f"python-{key}"
    if not (home / "ready").exists():
        print(f"installing the packages of {packages.name}, once", flush=True)
        output([sys.executable, "-m", "venv", "--clear", home])
        output(["nice", home / "bin/python", "-m", "pip", "install", "--quiet", "--requirement", packages])
        (home / "ready").touch()
    return home / "bin"

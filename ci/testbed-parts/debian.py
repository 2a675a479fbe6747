"""Packages of another Debian release, unpacked into a directory with all that they depend on; nothing is installed.

The archive's signature is checked with this machine's Debian keyring; the mirror is the one that this machine uses.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from places import run

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEFAULT_MIRROR = "http://deb.debian.org/debian"


def mirror():
    """The first mirror in this machine's package sources that is not one of security updates."""
    for file in [*sorted(Path("/etc/apt/sources.list.d").glob("*.sources")), Path("/etc/apt/sources.list")]:
        for address in re.findall(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(https?://\S+/debian/?)(?=\s)", read(file), re.MULTILINE):
            return address
    return DEFAULT_MIRROR


def read(file):
    """The text of a file; nothing if there is none."""
    return file.read_text() if file.exists() else ""


def unpack(suite, root, packages):
    """Unpacks packages of a release such as `sid`; returns the version of each package that was unpacked."""
    with tempfile.TemporaryDirectory() as work:
        directory = Path(work)
        for needed in ("lists/partial", "cache/archives/partial", "parts"):
            (directory / needed).mkdir(parents=True)
        (directory / "status").touch()
        (directory / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n")
        settings = {
            "Dir::Etc::SourceList": directory / "sources.list",
            "Dir::Etc::SourceParts": directory / "parts",
            "Dir::State::Lists": directory / "lists",
            "Dir::State::Status": directory / "status",
            "Dir::Cache": directory / "cache",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        run(["apt-get", *options, "-qq", "update"])
        run(["apt-get", *options, "-qq", "-y", "--download-only", "install", *packages])
        root.mkdir(parents=True, exist_ok=True)
        # What the archive's packages expect since the directories of programs and libraries were merged into /usr.
        for link in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / link).mkdir(parents=True, exist_ok=True)
            (root / link).symlink_to(f"usr/{link}")
        versions = {}
        for file in sorted((directory / "cache/archives").glob("*.deb")):
            name, version = run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", file]).split()
            versions[name] = version
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as archive:
                run(["tar", "-C", root, "--keep-directory-symlink", "--no-same-owner", "-xf", "-"], stdin=archive.stdout)
        return versions

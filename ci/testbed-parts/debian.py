"""Packages of another Debian release, unpacked into a directory with all that they depend on; nothing is installed.

The archive's signature is checked with this machine's Debian keyring; the mirror is the one that apt is configured with here.
"""

import subprocess
import tempfile
from pathlib import Path

from places import BedError, run

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror():
    """The first mirror of Debian itself, not of its security updates, that apt is configured with."""
    for site in run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]).split():
        if site.rstrip("/").endswith("/debian"):
            return site
    raise BedError("apt has no mirror of Debian, an address that ends in /debian; name one in /etc/apt/sources.list.d")


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

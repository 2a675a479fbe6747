"""How the image of HAProxy is made: from packages of the release of Debian that has the version.

It is laid out as the official one is: the program in /usr/local/sbin, the user with the number 99, and the signal after which it ends
when its last connection does.
"""

import shutil

import debian
from layout import pack
from recipes import SEARCH_PATH, add_userland, make

SUITES = {"3.0": "trixie"}
USER = 99


def build_haproxy(work, version):
    """HAProxy of one version."""
    system = make(work / "system")
    found = debian.unpack(SUITES[version], system, ["haproxy", "dash", "coreutils"])["haproxy"]
    if not found.startswith(f"{version}."):
        raise ValueError(f"Debian {SUITES[version]} has HAProxy {found}, not {version}")
    for directory in ("doc", "man", "locale", "info", "lintian", "perl", "perl5"):
        shutil.rmtree(system / "usr/share" / directory, ignore_errors=True)
    add_userland(system)
    make(system / "usr/local/sbin").joinpath("haproxy").symlink_to("/usr/sbin/haproxy")
    for file, line in (("passwd", f"haproxy:x:{USER}:{USER}::/var/lib/haproxy:/bin/sh\n"), ("group", f"haproxy:x:{USER}:\n")):
        place = system / "etc" / file
        place.write_text(f"{place.read_text()}{line}")
    configuration = {
        "Env": [f"PATH={SEARCH_PATH}", f"HAPROXY_VERSION={version}"],
        "User": "haproxy",
        "StopSignal": "SIGUSR1",
        "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    }
    return pack(work, [system], configuration)


RECIPES = {"haproxy": build_haproxy}

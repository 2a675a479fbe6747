"""How each image is made: from packages of Debian and jars of Maven Central, without Docker.

The RocketMQ images are laid out as the official ones are, so that a chart that works with these works with those: the same
directories, user, working directory and variables, and no start script that the official images of every version have not.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import debian
from binaries import program
from layout import ROCKETMQ_USER, pack
from places import PARTS, run, say

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
JAVA_HOME = "/opt/java/openjdk"  # where the official images' base has it
JAVA_MODULES = "java.se,jdk.unsupported,jdk.crypto.ec,jdk.management,jdk.management.agent,jdk.naming.dns,jdk.zipfs,jdk.jcmd,jdk.httpserver"
LIBRARIES = "/lib/x86_64-linux-gnu"
# The native libraries inside the jars of 5.x, of RocksDB and of the proxy's TLS, are linked to these.
JAR_LIBRARIES = [
    "libpthread.so.0", "librt.so.1", "libdl.so.2", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libcrypt.so.1",
]


def make(directory):
    """A directory, created if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def build_pause(work, _):
    """Process 1 of every pod."""
    root = make(work / "root")
    shutil.copy(program("pause"), root / "pause")
    return pack(work, [root], {"Entrypoint": ["/pause"], "User": "65535:65535"})


def build_busybox(work, _):
    """A shell and the usual commands."""
    root = make(work / "root")
    add_userland(root)
    return pack(work, [root], {"Cmd": ["sh"], "Env": [f"PATH={SEARCH_PATH}"]})


def add_userland(root):
    """Adds busybox under all of its names to what is there, and the directories and files that programs expect."""
    for directory in ("bin", "etc", "home", "root", "run", "tmp", "usr/bin", "usr/sbin", "var/tmp", "proc", "sys", "dev"):
        make(root / directory)
    for directory in ("tmp", "var/tmp"):
        (root / directory).chmod(0o1777)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in run(["/bin/busybox", "--list"]).split():
        if not any((root / place / applet).is_symlink() or (root / place / applet).exists() for place in ("bin", "usr/bin")):
            (root / "bin" / applet).symlink_to("busybox")
    users = f"root:x:0:0::/root:/bin/sh\nrocketmq:x:{ROCKETMQ_USER}:{ROCKETMQ_USER}::/home/rocketmq:/bin/bash\n"
    (root / "etc/passwd").write_text(users)
    (root / "etc/group").write_text(f"root:x:0:\nrocketmq:x:{ROCKETMQ_USER}:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")


def build_rocketmq(work, version):
    """RocketMQ as the official images have it: Java 8 under 4.x, Java 17 under 5.x, at the same path."""
    home = f"/home/rocketmq/rocketmq-{version}"
    system, product = make(work / "system"), make(work / "product")
    installation = product / home[1:]
    for directory in ("bin", "conf", "lib"):
        make(installation / directory)
    if version.startswith("4."):
        add_java_8(system)
        for server in ("namesrv", "broker", "tools"):
            logback = (PARTS / "logback.xml").read_text().replace("%SERVER%", server)
            (installation / f"conf/logback_{server}.xml").write_text(logback)
    else:
        add_java_17(system)
    # The three lines of the official broker.conf that matter; the chart brings its own file.
    lines = ["brokerClusterName = DefaultCluster", "brokerName = broker-a", "brokerId = 0"]
    (installation / "conf/broker.conf").write_text("\n".join(lines) + "\n")
    download_jars(work, version, installation / "lib")
    environment = [
        f"PATH={JAVA_HOME}/bin:{SEARCH_PATH}", f"JAVA_HOME={JAVA_HOME}", "LANG=C.UTF-8",
        f"ROCKETMQ_VERSION={version}", f"ROCKETMQ_HOME={home}",
    ]
    return pack(work, [system, product], {"Env": environment, "User": "rocketmq", "WorkingDir": f"{home}/bin"})


def add_java_8(root):
    """Debian sid still has Java 8; taken with all that it needs, C library included."""
    versions = debian.unpack("sid", root, ["openjdk-8-jre-headless", "bash", "dash"])
    say(f"Java 8 is {versions['openjdk-8-jre-headless']} of Debian sid")
    add_userland(root)
    for directory in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian"):
        shutil.rmtree(root / directory, ignore_errors=True)
    make(root / JAVA_HOME[1:]).rmdir()
    (root / JAVA_HOME[1:]).symlink_to("/usr/lib/jvm/java-8-openjdk-amd64/jre")


def add_java_17(root):
    """A runtime linked from this machine's JDK, with this machine's shared libraries."""
    add_userland(root)
    make(root / JAVA_HOME[1:]).rmdir()
    options = ["--strip-debug", "--no-man-pages", "--no-header-files"]
    run(["nice", "jlink", "--add-modules", JAVA_MODULES, *options, "--output", root / JAVA_HOME[1:]])
    shutil.copy("/bin/bash", root / "bin/bash.new")
    (root / "bin/bash.new").replace(root / "bin/bash")
    for library in JAR_LIBRARIES:
        # On machines where /lib is not merged into /usr, libstdc++ is in the latter.
        found = next(path for path in (Path(LIBRARIES, library), Path(f"/usr{LIBRARIES}", library)) if path.exists())
        shutil.copy(found.resolve(), make(root / LIBRARIES[1:]) / library)
    add_libraries(root)
    # The classes of Java as every start needs them, which the official images have too.
    run(["nice", root / JAVA_HOME[1:] / "bin/java", "-Xshare:dump"])


def add_libraries(root):
    """Adds the shared libraries of this machine that the programs below a directory are linked to."""
    wanted = set()
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and (os.access(path, os.X_OK) or ".so" in path.name):
            listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
            wanted.update(re.findall(r"(?<![^\s])(/\S+)", listing))
    for library in sorted(wanted):
        if not library.startswith(f"{root}/") and not (root / library[1:]).exists():
            make((root / library[1:]).parent)
            shutil.copy(Path(library).resolve(), root / library[1:])


def download_jars(work, version, directory):
    """Downloads the jars of the servers and the tools, with all that they depend on."""
    modules = ["namesrv", "broker", "tools"] + (["controller", "proxy"] if version.startswith("5.") else [])
    entries = "".join(
        f"<dependency><groupId>org.apache.rocketmq</groupId><artifactId>rocketmq-{module}</artifactId>"
        f"<version>{version}</version></dependency>"
        for module in modules
    )
    project = (
        "<project><modelVersion>4.0.0</modelVersion><groupId>testbed</groupId><artifactId>jars</artifactId>"
        f"<version>1</version><dependencies>{entries}</dependencies></project>"
    )
    (work / "pom.xml").write_text(project)
    options = [f"-DoutputDirectory={directory}", "-DincludeScope=runtime"]
    run(["nice", "mvn", "-q", "-B", "-f", work / "pom.xml", "dependency:copy-dependencies", *options])


RECIPES = {"pause": build_pause, "busybox": build_busybox, "rocketmq": build_rocketmq}

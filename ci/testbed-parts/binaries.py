"""The programs that the bed is made of, built from their pinned Go modules and kept in the cache."""

import os
import subprocess
import time

from places import CACHE, COSIGN, HELM3, HELM4, KUBERNETES, PARTS, BedError, fingerprint, lock, say

KUBERNETES_COMMANDS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"]
VERSION_PACKAGE = "k8s.io/component-base/version"


class Part:
    """A group of programs that one command builds."""

    def __init__(self, name, title, duration, programs, command, inputs):
        self.name, self.title, self.duration, self.programs, self.command = name, title, duration, programs, command
        self.directory = CACHE / "programs" / f"{name}-{fingerprint(*command, *inputs)}"

    def complete(self):
        """Whether the cache has every program of this part."""
        return all((self.directory / program).exists() for program in self.programs)

    def build(self):
        """Builds the programs beside their place and moves them there together, so that the cache never has half a part."""
        say(f"building {self.title}, once ({self.duration} on 2 cores)")
        begin = time.monotonic()
        unfinished = self.directory.with_suffix(".unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        command = [word.replace("OUT", f"{unfinished}/") for word in self.command]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        directory = PARTS / self.name if (PARTS / self.name).is_dir() else PARTS
        built = subprocess.run(["nice", *command], cwd=directory, env=environment, stdout=2, check=False)
        if built.returncode != 0:
            raise BedError(f"the build of {self.title} failed; the lines above say why")
        unfinished.rename(self.directory)
        say(f"built {self.title} in {time.monotonic() - begin:.0f} s")


def go_part(name, title, duration, programs, packages, linker_flags):
    """A part that is built from the Go module in the directory NAME."""
    output = f"OUT{programs[0]}" if len(programs) == 1 else "OUT"
    command = ["go", "build", "-buildvcs=false", "-ldflags", f"-s -w {linker_flags}".strip(), "-o", output, *packages]
    return Part(name, title, duration, programs, command, [PARTS / name])


def parts():
    """Every part, in the order in which they are built."""
    major, minor, _ = KUBERNETES.split(".")
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    stamp = " ".join(f"-X {VERSION_PACKAGE}.{key}={value}" for key, value in stamps.items())
    helm = "-X helm.sh/helm/v{0}/internal/version.version=v{1}"
    return [
        Part("pause", "pause", "a second", ["pause"], ["gcc", "-static", "-O2", "-o", "OUTpause", "pause.c"], [PARTS / "pause.c"]),
        go_part("dns", "CoreDNS", "about a minute", ["coredns"], ["."], ""),
        go_part("helm3", f"Helm {HELM3}", "about 2 minutes", ["helm3"], ["helm.sh/helm/v3/cmd/helm"], helm.format(3, HELM3)),
        go_part("helm4", f"Helm {HELM4}", "about 2 minutes", ["helm4"], ["helm.sh/helm/v4/cmd/helm"], helm.format(4, HELM4)),
        go_part(
            "kubernetes",
            f"Kubernetes {KUBERNETES}",
            "about 9 minutes",
            KUBERNETES_COMMANDS,
            [f"k8s.io/kubernetes/cmd/{command}" for command in KUBERNETES_COMMANDS],
            stamp,
        ),
    ]


def extras():
    """The parts that the bed runs without; each is built only when a scenario asks for it by name."""
    stamp = f"-X sigs.k8s.io/release-utils/version.gitVersion=v{COSIGN}"
    return [go_part("cosign", f"cosign {COSIGN}", "about 2 minutes", ["cosign"], ["github.com/sigstore/cosign/v3/cmd/cosign"], stamp)]


def build(names=()):
    """Builds what the cache lacks: everything that the bed is made of, or only the parts with the named programs."""
    with lock(CACHE / "build.lock", "building the test bed's programs"):
        for part in [part_of(name) for name in names] or parts():
            if not part.complete():
                part.build()


def part_of(program_name):
    """The part that a program belongs to."""
    for part in [*parts(), *extras()]:
        if program_name in part.programs:
            return part
    raise BedError(f"the test bed has no program {program_name}")


def program(name):
    """The path of a program; an error tells how to build it when the cache lacks it."""
    part = part_of(name)
    if not part.complete():
        raise BedError(f"{part.title} is not built yet for these pinned versions; run `ci/testbed build {name}`")
    return part.directory / name

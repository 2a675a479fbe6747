"""An offering: published, installed by its short form, its size changed under load, and what it locks out of reach."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .bed import ROOT, merged, output, program
from .checks import passes
from .kubernetes import lives, versions
from .load import Load, now
from .release import Release
from .rocketmq_name_servers import settled
from .trial import Trial, scenario

NAME = "trial-queue"
SIZES = {"one": 1, "three": 3}


@dataclass
class Offered(Release):
    """A release of the chart of an offering: Helm is given its few values, and the others are what it stands for."""

    given: dict = field(default_factory=dict)

    @property
    def chart(self) -> list[str]:
        """The published chart of the offering, as Helm's arguments."""
        return [f"{self.bed.publish()}/{NAME}", *self.bed.plain]

    def ask(self, change: dict) -> dict:
        """Changes the values of the offering that Helm is given, and returns them."""
        self.given = merged(self.given, change)
        return self.given


def offering(release: Release) -> dict:
    """An offering with two sizes that locks what makes clusters small here. JSON is YAML."""
    values = json.loads(json.dumps(release.values))
    values["nameServers"].pop("count")
    sizes = [{"name": name, "help": name, "values": {"nameServers": {"count": count}}} for name, count in SIZES.items()]
    return {
        "chart": "rocketmq",
        "name": NAME,
        "version": "1.0.0",
        "title": "Trial queue",
        "description": "A queue for a trial.",
        "others": "Locked",
        "locked": values,
        "hidden": ["hook.image"],
        "exposed": [{"path": "commonLabels"}],
        "sizes": {"default": "one", "choices": sizes},
    }


def publish(trial: Trial, offered: dict) -> None:
    """Publishes the chart of the offering beside the others."""
    address = trial.bed.publish()
    with tempfile.TemporaryDirectory(prefix="midships-offering-") as directory:
        file = Path(directory, "offering.yaml")
        file.write_text(json.dumps(offered))
        how = ["--offering", file, "--force", "--hook-image", program("midships-hook")]
        output(trial.bed.net(program("midships"), "publish", address, *trial.bed.plain, *how), cwd=ROOT)


def refuse(trial: Trial, release: Offered) -> None:
    """A value for what is locked is refused by both Helms, and nothing has changed."""
    own = {f"configmaps/{release.full_name}-journal", f"configmaps/{release.full_name}-operations"}
    before = settled(trial, release.namespace, own)
    given = release.given
    for major in (3, 4):
        result: subprocess.CompletedProcess[str] = release.apply("upgrade", {"brokers": {"groups": 3}}, major=major)
        trial.check(result.returncode != 0, f"Helm {major} took a value for what is locked")
        trial.check("brokers" in result.stderr, f"Helm {major} does not name the field: {result.stderr.strip()[-1500:]}")
        release.given = given
    trial.equal(versions(trial.bed.api, release.namespace, own), before, "versions of all objects after the refusals")


@scenario("offering")
def offering_installed(trial: Trial) -> None:
    """An offering: published, installed with Helm 3, one and three name servers by its size under load, locks that hold."""
    with trial.bed.namespace("accept-offering") as namespace:
        release = Offered(trial, namespace, "5.4.0", values={"brokers": {"replicasPerGroup": 0}})
        publish(trial, offering(release))
        release.given = {"size": "one", "commonLabels": {"team": "orders"}}
        release.install(major=3)
        trial.equal(len(release.pods("name-server")), 1, "name servers of the size `one`")
        refuse(trial, release)
        before = lives(release.pods("broker"))
        load = Load(release)
        for size in ("three", "one"):
            seconds = release.succeed("upgrade", {"size": size})
            returned = now()
            release.change({"nameServers": {"count": SIZES[size]}})
            load.check_listed(SIZES[size], returned)
            trial.equal(len(release.pods("name-server")), SIZES[size], f"name servers of the size `{size}`")
            trial.figure(f"upgrade to the size `{size}`", f"{seconds:.1f} s")
        load.finish()
        trial.equal(lives(release.pods("broker")), before, "uid and restarts of each broker")
        passes(trial, release, 4)

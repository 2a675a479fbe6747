"""The forms: pages built from the form descriptions, filled in a browser, and what comes of it installed."""

from __future__ import annotations

import json
import shutil

from .bed import CACHE, CI, command_result, output
from .release import Release
from .trial import Trial, scenario

# What the form says nothing of: where the trial's images are.
IMAGES = ("nameServers", "brokers")


@scenario("forms")
def forms(trial: Trial) -> None:
    """The form in RJSF and in JSON Forms is filled in Chromium in both languages; what comes of it is what Helm installs."""
    trial.equal(command_result([CI / "forms/check", "install"]).returncode, 0, "exit code of `ci/forms/check install`")
    output(["node", CI / "forms/build.mjs"])
    screenshots = CACHE / "forms/screenshots"
    shutil.rmtree(screenshots, ignore_errors=True)
    filled = [json.loads(line) for line in output(["node", CI / "forms/fill.mjs", screenshots]).splitlines()]
    trial.equal(len(filled), 4, "forms that were filled")
    trial.figure("screenshots", str(screenshots))
    first = filled[0]["values"]
    trial.equal(first["nameServers"]["storage"]["mode"], "EmptyDir", "the mode that was chosen")
    trial.equal(first["brokers"]["configuration"], {"deleteWhen": "04"}, "the mapping that was written")
    for form in filled[1:]:
        trial.equal(form["values"], first, f"values of {form['library']} in {form['language']}")
    with trial.bed.namespace("accept-forms") as namespace:
        release = Release(trial, namespace, "5.4.0")
        images = {name: {"image": release.values[name]["image"]} for name in IMAGES}
        release.values = {name: {**first[name], **images[name]} for name in IMAGES}
        release.install()
        trial.equal(len(release.pods("name-server")), 1, "name servers")
        trial.equal(len(release.pods("broker")), 1, "brokers")


@scenario("forms-agree", alone=True)
def agree(trial: Trial) -> None:
    """All 10,000 random values of each chart are judged alike by what reads the form descriptions, 200 of them on pages."""
    result = command_result([CI / "forms/check"])
    trial.equal(result.returncode, 0, f"exit code of `ci/forms/check` ({result.stdout[-1500:]}{result.stderr[-500:]})")

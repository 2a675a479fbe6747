"""What the operator of Prometheus adds to a cluster, as far as the charts use it: the definition of ServiceMonitors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .bed import CACHE, Bed, command_result, output
from .kubernetes_schemas import strict
from .programs import go_module

MODULE = "github.com/prometheus-operator/prometheus-operator@v0.92.0"
DEFINITION = "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"
NAME = "servicemonitors.monitoring.coreos.com"
HOME = CACHE / "quality" / MODULE.rpartition("/")[2].replace("@", "-")


def definition() -> Path:
    """The file of the definition, taken once from the operator's Go module, which is large and not kept."""
    kept = HOME / Path(DEFINITION).name
    if not kept.exists():
        with go_module(MODULE, HOME) as module:
            shutil.copyfile(module / DEFINITION, kept)
    return kept


@contextmanager
def service_monitors(bed: Bed) -> Iterator[None]:
    """The cluster knows ServiceMonitors; one that did not before forgets them afterwards."""
    known = command_result([*bed.kubectl, "get", "customresourcedefinition", NAME]).returncode == 0
    if not known:
        output([*bed.kubectl, "apply", "--server-side", "-f", definition()])
        output([*bed.kubectl, "wait", "--for=condition=Established", "--timeout=60s", f"customresourcedefinition/{NAME}"])
    try:
        yield
    finally:
        if not known:
            output([*bed.kubectl, "delete", "customresourcedefinition", NAME])


def schemas(bed: Bed) -> Path:
    """The directory of the JSON Schema of ServiceMonitors, as kubeconform looks for it; unknown fields are refused."""
    described = json.loads(output([*bed.kubectl, "create", "--dry-run=client", "-o", "json", "-f", definition()]))
    version = next(version for version in described["spec"]["versions"] if version["name"] == "v1")
    schema = strict(version["schema"]["openAPIV3Schema"])
    # What every object has.
    schema["properties"]["metadata"] = {"type": "object"}
    (HOME / "servicemonitor-monitoring-v1.json").write_text(json.dumps(schema))
    return HOME

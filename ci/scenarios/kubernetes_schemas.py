"""JSON Schemas of Kubernetes' objects, made from the description of the API that each version of its Go module carries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .bed import CACHE
from .programs import go_module

VERSIONS = ["1.31.0", "1.32.0", "1.33.0", "1.34.0", "1.35.0", "1.36.0"]
MODULE = "k8s.io/kubernetes"
DESCRIPTION = "api/openapi-spec/swagger.json"
HERE = "#/definitions/"
GROUPS = "x-kubernetes-group-version-kind"
# What the description calls text may be written as a number too.
NUMBER_OR_TEXT = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}
# Of a definition, what a schema can judge; formats are those of the API's own types.
KEPT = ("type", "required", "enum", "items", "properties", "additionalProperties", "$ref")


def directory(version: str) -> Path:
    """The directory of a version's schemas, made once: a file for each kind, as kubeconform looks for them."""
    made = CACHE / "kubernetes-schemas" / f"{version}-1"
    if not made.exists():
        unfinished = made.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, schema in schemas(description(version)).items():
            (unfinished / f"{name}.json").write_text(json.dumps(schema))
        unfinished.rename(made)
    return made


def description(version: str) -> dict:
    """The description of a version's API; the module that it comes in is large and not kept."""
    with go_module(f"{MODULE}@v{version}", CACHE / "kubernetes-schemas") as module:
        return json.loads((module / DESCRIPTION).read_text())


def schemas(api: dict) -> dict[str, dict]:
    """A schema for each kind of object, by the name under which it is looked for; unknown fields are refused."""
    definitions = {name: NUMBER_OR_TEXT.get(name) or strict(definition) for name, definition in api["definitions"].items()}
    found = {}
    for name, definition in api["definitions"].items():
        for kind in definition.get(GROUPS, []):
            group = kind["group"].split(".")[0]
            file = "-".join(part for part in (kind["kind"], group, kind["version"]) if part).lower()
            version = f"{kind['group']}/{kind['version']}".lstrip("/")
            own = json.loads(json.dumps(definitions[name]))
            own.setdefault("properties", {}).update(apiVersion={"enum": [version]}, kind={"enum": [kind["kind"]]})
            own["required"] = sorted({*own.get("required", []), "apiVersion", "kind"})
            needed = {part: definitions[part] for part in reached(own, definitions)}
            found[file] = {"$schema": "http://json-schema.org/draft-07/schema#", **own, "definitions": needed}
    return found


def strict(schema: dict) -> dict:
    """A schema with what can be judged, that takes no field which it does not name."""
    kept = {key: schema[key] for key in KEPT if key in schema}
    if isinstance(kept.get("items"), dict):
        kept["items"] = strict(kept["items"])
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = strict(kept["additionalProperties"])
    if "properties" in kept:
        kept["properties"] = {name: strict(value) for name, value in kept["properties"].items()}
        kept.setdefault("additionalProperties", False)
    return kept


def reached(schema: dict, definitions: dict[str, dict]) -> set[str]:
    """The names of all definitions that a schema refers to, directly or through others."""
    names: set[str] = set()
    open_parts: list[object] = [schema]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix(HERE)
            if name and isinstance(part["$ref"], str) and name not in names:
                names.add(name)
                open_parts.append(definitions[name])
            open_parts.extend(part.values())
        elif isinstance(part, list):
            open_parts.extend(part)
    return names

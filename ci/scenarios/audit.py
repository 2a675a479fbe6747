"""The rights of the hook program: what its Roles grant is what the API server's audit log has seen used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from .bed import output
from .release import Release
from .trial import Trial, scenario

ACCOUNT = re.compile(r"^system:serviceaccount:(accept-[^:]+):(.+)-(before|after)$")
# One right names each pod, claim or StatefulSet that a release may have, and no release has all of them.
SERVER = re.compile(r"-(broker|name-server)(?:-\d+)?(?:-(?:master|replica-\d+))?(?:-0)?$")
ANY = "*"  # whatever the object's name


class Right(NamedTuple):
    """What a rule of a Role grants, or a request used."""

    verb: str
    group: str
    resource: str
    name: str  # without the release's full name

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}" + ("" if self.name == ANY else f" {self.name}")


def name_of(full_name: str, name: str) -> str:
    """An object's name without the release's full name, the same one for all brokers and for all name servers."""
    return SERVER.sub(r"-\1-…", name.replace(full_name, "", 1))


@scenario("audit-rights", needs_power=True, last=True)
def audit_rights(trial: Trial) -> None:
    """The audit log of the scenarios before: no request of a hook Job was refused, and every right granted was used."""
    used: dict[str, set[Right]] = {"before": set(), "after": set()}
    refused: set[str] = set()
    requests = 0
    for line in trial.bed.testbed("audit").splitlines():
        event = json.loads(line)
        account = ACCOUNT.match(event["user"]["username"])
        reference = event.get("objectRef")
        if account is None or reference is None or event.get("stage") != "ResponseComplete":
            continue
        requests += 1
        resource = "/".join(part for part in (reference["resource"], reference.get("subresource")) if part)
        verb, group, name = event["verb"], reference.get("apiGroup", ""), name_of(account.group(2), reference.get("name", ""))
        used[account.group(3)] |= {Right(verb, group, resource, name), Right(verb, group, resource, ANY)}
        if event["responseStatus"]["code"] in (401, 403):
            refused.add(f"{event['verb']} {resource} {reference.get('name', '')} by {event['user']['username']}")
    trial.check(requests, "the audit log has no request of a hook Job; run the other scenarios first")
    trial.figure("requests of hook Jobs", requests)
    trial.equal(sorted(refused), [], "requests of hook Jobs that were refused")
    for phase, rights in granted(trial).items():
        trial.figure(f"rights of the {phase} Job", ", ".join(map(str, sorted(rights))))
        unused = [str(right) for right in sorted(rights - used[phase])]
        trial.equal(unused, [], f"rights of the {phase} Job that were granted and never used")


def granted(trial: Trial) -> dict[str, set[Right]]:
    """The rights that the chart's hook Roles grant, from the chart as Helm renders it."""
    release = Release(trial, "accept-audit", "5.4.0")
    rendered = output([*trial.bed.helm(), "template", release.name, *release.chart, "--namespace", release.namespace])
    found: dict[str, set[Right]] = {}
    for document in rendered.split("\n---\n"):
        if not re.search(r"^kind: Role$", document, re.M) or "helm.sh/hook: post-delete" in document:
            continue
        shown = output([*trial.bed.kubectl, "create", "--dry-run=client", "-o", "json", "-f", "-"], input=document)
        role = json.loads(shown)
        phase = role["metadata"]["name"].rpartition("-")[2]
        found[phase] = {right for rule in role["rules"] for right in rights_of(rule, release.full_name)}
    trial.equal(sorted(found), ["after", "before"], "hook Roles of the chart")
    return found


def rights_of(rule: dict, full_name: str) -> Iterator[Right]:
    """Each right that a rule of a Role grants."""
    names = {name_of(full_name, name) for name in rule.get("resourceNames", [])} or {ANY}
    for parts in product(rule["verbs"], rule["apiGroups"], rule["resources"], sorted(names)):
        yield Right(*parts)

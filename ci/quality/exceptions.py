"""The exceptions of the charts' judges: read from their file, and held against what was found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product

JUDGES = ("kube-score", "checkov")
LEAST_WORDS = 6  # a shorter reason does not explain anything
REQUIRED = {"checks": list, "objects": list, "reason": str}
OPTIONAL = {"container": str, "says": str, "values": dict}


class BadExceptions(Exception):
    """The file of exceptions is not one; the text has a line for each fault."""


@dataclass(frozen=True)
class Rendering:
    """What Helm made of some values: the name of the values, and all of them after Helm's merge."""

    name: str
    values: dict


@dataclass(frozen=True)
class Finding:
    """What a judge does not like about an object of a rendering. The release's full name is F in the object's name."""

    judge: str
    check: str
    kind: str
    name: str
    container: str  # empty: the judge speaks of the whole object, or does not say
    text: str
    rendering: Rendering

    @property
    def title(self) -> str:
        """What is the same in every rendering in which the judge finds this."""
        place = f"{self.kind} {self.name}" + (f", container {self.container}" if self.container else "")
        return f"{self.judge} {self.check}: {place}: {self.text}"


@dataclass(frozen=True)
class Case:
    """One check and one pattern of objects of an exception. Each has to be needed."""

    judge: str
    check: str
    kind: str
    name: str


@dataclass(frozen=True)
class Intended:
    """An exception: what is found on purpose, and why."""

    cases: tuple[Case, ...]
    container: str  # empty: any; a judge that names none may speak of this one
    says: str
    values: dict[str, object]
    reason: str

    def case_of(self, finding: Finding) -> Case | None:
        """The case that a finding is, if it is one of this exception."""
        other_container = self.container and finding.container and self.container != finding.container
        other_values = any(value_at(finding.rendering.values, path) != value for path, value in self.values.items())
        if other_container or other_values or self.says not in finding.text:
            return None
        for case in self.cases:
            same = (case.judge, case.check, case.kind) == (finding.judge, finding.check, finding.kind)
            if same and fnmatchcase(finding.name, case.name):
                return case
        return None


@dataclass
class Verdict:
    """What is wrong: findings that nobody intends, with the renderings of each, and cases of exceptions that nothing needs."""

    unexplained: dict[str, list[Rendering]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    explained: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.unexplained and not self.unused


def value_at(values: dict, path: str) -> object:
    """The value at a path with dots; none where the path ends early."""
    found: object = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def read(text: str) -> list[Intended]:
    """The exceptions of a file; one that is not complete is an error."""
    document = tomllib.loads(text)
    faults = [f"unknown key `{key}`; allowed: exception" for key in document if key != "exception"]
    exceptions = []
    for number, entry in enumerate(document.get("exception", []), 1):
        wrong = list(faults_of(entry))
        faults += [f"exception {number}: {fault}" for fault in wrong]
        if not wrong:
            exceptions.append(intended(entry))
    if faults:
        raise BadExceptions("\n".join(faults))
    return exceptions


def faults_of(entry: dict) -> Iterable[str]:
    """What an entry lacks or has too much."""
    known = {**REQUIRED, **OPTIONAL}
    for key, value in entry.items():
        if key not in known:
            yield f"unknown key `{key}`; allowed: {', '.join(known)}"
        elif not isinstance(value, known[key]):
            yield f"`{key}` is no {known[key].__name__}"
    for key in REQUIRED:
        if not entry.get(key):
            yield f"no {key}"
    reason = str(entry.get("reason", ""))
    if len(reason.split()) < LEAST_WORDS or not reason.endswith("."):
        yield f"the reason is not a full sentence: {reason!r}"
    for check in entry.get("checks", []):
        if [word in JUDGES for word in str(check).split(" ")] != [True, False]:
            yield f"`{check}` is no check; allowed: {' or '.join(f'`{judge} ID`' for judge in JUDGES)}"
    for pattern in entry.get("objects", []):
        if str(pattern).count(" ") != 1:
            yield f"`{pattern}` names no objects; allowed: `KIND NAME`, with * and ? in the name"


def intended(entry: dict) -> Intended:
    """An exception of a complete entry."""
    pairs = product(entry["checks"], entry["objects"])
    cases = tuple(Case(*check.split(" "), *pattern.split(" ")) for check, pattern in pairs)
    return Intended(cases, entry.get("container", ""), entry.get("says", ""), entry.get("values", {}), entry["reason"])


def judge(findings: Iterable[Finding], exceptions: list[Intended]) -> Verdict:
    """Holds findings against exceptions. The first exception that fits explains a finding, so that one of two alike is unused."""
    verdict, needed = Verdict(), set()
    for finding in findings:
        fitting = ((number, exception.case_of(finding)) for number, exception in enumerate(exceptions))
        first = next(((number, case) for number, case in fitting if case), None)
        if first:
            needed.add(first)
            verdict.explained += 1
        else:
            verdict.unexplained.setdefault(finding.title, []).append(finding.rendering)
    for number, exception in enumerate(exceptions):
        for case in exception.cases:
            if (number, case) not in needed:
                verdict.unused.append(f"exception {number + 1}: {case.judge} {case.check} for {case.kind} {case.name}")
    return verdict

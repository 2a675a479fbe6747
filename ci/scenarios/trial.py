"""What a scenario is, how it says what it found, and the table of all scenarios."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bed import Bed

TABLE: dict[str, Scenario] = {}


class Failed(Exception):
    """A scenario has found something that must not be; its text says what, and what was expected."""


@dataclass(frozen=True)
class Scenario:
    """One acceptance scenario."""

    name: str
    summary: str
    run: Callable[[Trial], None]
    needs_power: bool  # over nodes, their processes and what is outside of them: only the test bed gives it
    alone: bool  # disturbs every other scenario that runs at the same time
    last: bool  # judges what the others have left behind
    needs_variable: str  # of the environment: names what nobody can make here


@dataclass
class Trial:
    """One run of a scenario: the cluster that it runs on and what it has found so far."""

    bed: Bed
    scenario: str
    figures: dict[str, object] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    def note(self, text: str) -> None:
        """Prints one line of progress."""
        print(f"  {time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def figure(self, name: str, value: object) -> None:
        """Records a figure, which is printed at the end and kept with the result."""
        self.figures[name] = value

    def check(self, truth: object, expectation: str) -> None:
        """Fails the scenario unless the truth holds; the text says what was expected and what was found."""
        if not truth:
            raise Failed(expectation)

    def equal(self, found: object, expected: object, what: str) -> None:
        """Fails the scenario unless both are equal; of tables only the entries that differ are told."""
        if found == expected:
            return
        if isinstance(found, dict) and isinstance(expected, dict):
            entries = {**expected, **found}.items()
            expected, found = (
                {name: table.get(name) for name, _ in entries if found.get(name) != expected.get(name)} for table in (expected, found)
            )
        raise Failed(f"{what}: expected {expected}, found {found}")


def scenario(
    name: str, *, needs_power: bool = False, alone: bool = False, last: bool = False, needs_variable: str = ""
) -> Callable:
    """Puts a function into the table of scenarios; the first line of its description is the summary."""

    def add(run: Callable[[Trial], None]) -> Callable[[Trial], None]:
        summary = (run.__doc__ or "").strip().splitlines()[0]
        TABLE[name] = Scenario(name, summary, run, needs_power, alone or last, last, needs_variable)
        return run

    return add


def until(what: str, condition: Callable[[], object], seconds: float, every: float = 0.25) -> object:
    """Waits until a condition is true and returns what it returned; past the deadline the scenario fails."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:.0f} s; last seen: {result!r}")
        time.sleep(every)

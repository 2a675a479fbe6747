"""Pairwise combinations: few rows of values in which every two values of two different fields meet at least once."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

Row = dict[str, object]
Pair = tuple[str, str, str, str]  # two fields, each with the text of its value, in order of the fields
TRIALS = 40


def pairs_of(row: Row) -> set[Pair]:
    """The pairs that meet in a row."""
    return {(one, repr(row[one]), other, repr(row[other])) for one, other in combinations(sorted(row), 2)}


def combine(fields: dict[str, list[object]], allowed: Callable[[Row], bool]) -> tuple[list[Row], set[Pair]]:
    """Rows that together have every pair, and the pairs that no row may have.

    The rows are the same for the same fields. A pair counts as refused when none of many rows that have it was allowed.
    """
    chance = random.Random(0)  # noqa: S311 (nothing secret: the same rows each time)
    names = sorted(fields)
    open_pairs = {
        (one, repr(first), other, repr(second))
        for one, other in combinations(names, 2)
        for first in fields[one]
        for second in fields[other]
    }
    by_text = {(name, repr(value)): value for name in names for value in fields[name]}
    rows: list[Row] = []
    refused: set[Pair] = set()
    while open_pairs:
        one, first, other, second = wanted = min(open_pairs)
        fixed = {one: by_text[one, first], other: by_text[other, second]}
        for trial in range(TRIALS):
            # Later trials leave more to chance, so that what the best choice is refused for can be avoided.
            row = filled(fields, fixed, open_pairs, chance, trial / TRIALS)
            if allowed(row):
                rows.append(row)
                open_pairs -= pairs_of(row)
                break
        else:
            open_pairs.discard(wanted)
            refused.add(wanted)
    return rows, refused


def filled(fields: dict[str, list[object]], fixed: Row, open_pairs: set[Pair], chance: random.Random, luck: float) -> Row:
    """A row with some fixed values, whose other values bring as many new pairs as they can."""
    row = dict(fixed)
    names = [name for name in sorted(fields) if name not in row]
    chance.shuffle(names)
    for name in names:
        values = list(fields[name])
        chance.shuffle(values)
        row[name] = values[0] if chance.random() < luck else max(values, key=lambda value, name=name: gain(row, name, value, open_pairs))
    return row


def gain(row: Row, name: str, value: object, open_pairs: set[Pair]) -> int:
    """How many pairs that have not met yet a further value brings to a row."""
    new = repr(value)
    count = 0
    for other, held in row.items():
        pair = (name, new, other, repr(held)) if name < other else (other, repr(held), name, new)
        count += pair in open_pairs
    return count

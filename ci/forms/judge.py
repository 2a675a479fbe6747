"""Judges random values with Python's jsonschema: `judge.py TREES SCHEMA`; it must accept and refuse what the model does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator

MOST_TOLD = 10


def main(trees: str, schema: str) -> int:
    """Compares every tree; returns the exit code."""
    validator = Draft7Validator(json.loads(Path(schema).read_text()))
    count, wrong = 0, []
    with Path(trees).open() as lines:
        for line in lines:
            tree = json.loads(line)
            count += 1
            if validator.is_valid(tree["values"]) != tree["accepted"]:
                wrong.append(f"Python {'refuses' if tree['accepted'] else 'accepts'}: {json.dumps(tree['given'])}")
    print("\n".join(wrong[:MOST_TOLD]), end="\n" if wrong else "")
    print(f"{Path(schema).name}: {count} trees judged by Python's jsonschema; {len(wrong)} disagreements")
    return 1 if wrong or count == 0 else 0


sys.exit(main(*sys.argv[1:]))

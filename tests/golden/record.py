"""Golden samples: one stored record of every type and version of event that was ever written.

`python -m tests.golden.record` adds lines for types and versions that have none. A line is never
changed and never taken away: it stands for logs out there, which have to be read for ever.
"""

import sys
from pathlib import Path
from random import Random

import msgspec

from domain.registry import EVENTS
from infra.log.envelope import GENESIS, chain, seal
from tests import shapes
from tests.decisions import NOW, recorded

FILE = Path(__file__).with_name("events.jsonl")


class Sample(msgspec.Struct, frozen=True):
    """A record as it lay in the log, and its hash behind the genesis."""

    type: str
    version: int
    tags: str
    data: str
    hash: str


def samples():
    """All lines, by type and version."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    found = [msgspec.json.decode(line, type=Sample) for line in lines]
    return {(sample.type, sample.version): sample for sample in found}


def missing():
    """Event types whose present version has no line."""
    known = samples()
    return [kind for kind in EVENTS if (kind.type_name(), kind.version) not in known]


def leaf(kind, field):
    """Values that a reader recognises: the field's own name, and small numbers."""
    values = {str: field, int: len(field), float: 1.5, bool: True, type(None): None}
    return values.get(kind, NOW)


def sample(kind):
    """A record of this type, every field filled."""
    event = shapes.made(kind, Full(kind.type_name()), leaf)
    record = seal(recorded(7, event))
    digest = chain(GENESIS, record).hex()
    return Sample(
        kind.type_name(), kind.version, record.tags.decode(), record.data.decode(), digest
    )


class Full(Random):
    """Takes of a choice what holds most: a value instead of None, one item in each list."""

    def choice(self, seq):
        return next(item for item in seq if item is not type(None))

    def randint(self, a, b):
        return 1


def main():
    """Add what is missing."""
    added = missing()
    with FILE.open("a", encoding="utf-8") as file:
        file.writelines(msgspec.json.encode(sample(kind)).decode() + "\n" for kind in added)
    sys.stdout.write(f"{len(added)} added to {FILE.name}\n")


if __name__ == "__main__":
    main()

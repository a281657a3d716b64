"""Measure everything, or the parts that are named: log http live sync loading auth."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench import auth, figures, http, live, loading, log, sync

PARTS = ("log", "http", "live", "sync", "loading", "auth")


def measure(parts, folder, events, seconds):
    if "log" in parts:
        yield from log.every(folder, events)
    if "http" in parts:
        yield from http.every(folder, seconds)
    if {"live", "sync", "loading", "auth"} & set(parts):
        cookies = _cookies(folder / "second")
        if "live" in parts:
            yield from live.every(folder / "second", cookies)
        if "sync" in parts:
            yield from sync.every(folder / "second", cookies)
        if "loading" in parts:
            yield from loading.every(folder / "second", cookies)
        if "auth" in parts:
            yield from auth.every(folder / "second" / "project", cookies, seconds)


def _cookies(folder):
    folder.mkdir()
    return json.loads(http.python("served", "make", str(folder / "project")).stdout)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), default=[])
    parser.add_argument("--events", type=int, default=1_000_000, help="of the long log")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(prefix="dango-bench-") as folder:
        parts = arguments.parts or PARTS
        for figure in measure(parts, Path(folder), arguments.events, arguments.seconds):
            sys.stderr.write(f"{figure.name}: {figure.value:,.2f} {figure.unit}\n")
            found.append(figure)
    figures.show(found)
    if arguments.json is not None:
        arguments.json.write_text(figures.as_json(found) + "\n")
    return 0 if all(figure.kept for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())

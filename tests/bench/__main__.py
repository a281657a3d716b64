"""Measure everything, or the parts that are named; --help lists them."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench import (
    auth,
    backups,
    catalog,
    figures,
    http,
    live,
    loading,
    log,
    models,
    pages,
    proxy,
    query,
    schedules,
    sync,
)

PARTS = (
    "log",
    "http",
    "live",
    "sync",
    "loading",
    "models",
    "auth",
    "query",
    "schedules",
    "catalog",
    "proxy",
    "pages",
    "backups",
)


def measure(parts, folder, events, seconds):
    if "log" in parts:
        yield from log.every(folder, events)
    if "http" in parts:
        yield from http.every(folder, seconds)
    if "backups" in parts:
        yield from backups.every(folder, events)
    second = folder / "second"
    served = {
        "live": live.every,
        "sync": sync.every,
        "loading": loading.every,
        "models": models.every,
        "auth": lambda folder, cookies: auth.every(folder / "project", cookies, seconds),
        "query": query.every,
        "schedules": schedules.every,
        "catalog": catalog.every,
        "proxy": proxy.every,
        "pages": pages.every,
    }
    wanted = [every for name, every in served.items() if name in parts]
    cookies = _cookies(second) if wanted else ()
    for every in wanted:
        yield from every(second, cookies)


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

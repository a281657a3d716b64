"""A project of sources whose folders are watched."""

from infra.watcher.folders import Wanted


def wanted(name="orders", directory=None, pattern="**/*.csv"):
    return Wanted(
        name=name,
        directory=directory or f"data/{name}",
        pattern=pattern,
        patterns=("*.csv", "*.csv.gz"),
    )


def folder(*parts):
    path = parts[0].joinpath(*parts[1:])
    path.mkdir(parents=True, exist_ok=True)
    return path


def dropped(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id\n1\n")

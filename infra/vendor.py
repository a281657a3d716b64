"""Lays out the browser files that others wrote, so that no page needs the network.

`make assets` runs it as `python -m infra.vendor BUILD_DIR`, where BUILD_DIR holds the wheels of
assets.lock as `pip install --target` left them. The result, `api/static/vendor/`, is not in git;
pages do without it: an editor becomes a text area, an icon its label.
"""

import hashlib
import json
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "api" / "static" / "vendor"
MANIFEST = "manifest.json"  # path below VENDOR -> SHA-256, for URLs that may be cached for ever


@dataclass(frozen=True)
class Bundle:
    """Files of one browser package: where a wheel keeps them, and whose licence covers them."""

    name: str
    distribution: str
    folder: str


BUNDLES = (
    Bundle(
        "swagger-ui",
        "drf_spectacular_sidecar",
        "drf_spectacular_sidecar/static/drf_spectacular_sidecar/swagger-ui-dist",
    ),
    Bundle(
        "redoc",
        "drf_spectacular_sidecar",
        "drf_spectacular_sidecar/static/drf_spectacular_sidecar/redoc",
    ),
    Bundle("codemirror", "nicegui", "nicegui/elements/codemirror/dist"),
)

# One sprite with what the pages show: all 1,745 icons would be 0.7 MB for each visitor.
ICONS = tuple(
    """
    activity archive arrow-down arrow-right arrow-up bell book-open boxes calendar-clock chart-line
    check chevron-down chevron-right circle-alert circle-check circle-x clock cloud code columns-3
    copy database download ellipsis-vertical eye eye-off file-text folder funnel git-branch
    hard-drive history house info key-round layers layout-dashboard link list-tree loader-circle
    lock log-out mail menu monitor moon notebook-pen pause pencil play plug plus refresh-cw
    rotate-ccw scroll-text search server settings shield shield-check square star sun table-2 tag
    terminal trash-2 triangle-alert upload user users webhook workflow x zap
    """.split()  # noqa: SIM905 - a list literal would take 75 lines
)


def lay_out(build: Path, vendor: Path = VENDOR) -> int:
    """Build `vendor` anew from the wheels in `build` and return how many files it holds."""
    fresh = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for bundle in BUNDLES:
        _copy_bundle(build, bundle, fresh / bundle.name)
    _write_sprite(build, fresh / "lucide")
    digests = {
        path.relative_to(fresh).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(fresh.rglob("*"))
        if path.is_file()
    }
    (fresh / MANIFEST).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    return len(digests)


def _copy_bundle(build: Path, bundle: Bundle, target: Path) -> None:
    source = build / bundle.folder
    if not source.is_dir():
        msg = f"{bundle.folder} is missing in {build}: has {bundle.distribution} moved its files?"
        raise FileNotFoundError(msg)
    target.mkdir(parents=True)
    for path in source.rglob("*"):
        if path.is_file() and path.suffix != ".map":
            shutil.copyfile(path, target / path.name)
    for script in target.glob("redoc*.js"):
        _silence(script)
    _copy_licence(build, bundle.distribution, target)


def _silence(script: Path) -> None:
    """Redoc would ask another host for a logo; it may ask for nothing instead."""
    text = script.read_text(encoding="utf-8")
    script.write_text(re.sub(r"https://cdn\.redoc\.ly/[\w./-]+", "data:,", text), encoding="utf-8")


def _copy_licence(build: Path, distribution: str, target: Path) -> None:
    (info,) = build.glob(f"{distribution}-*.dist-info")
    for path in sorted(info.rglob("LICENSE*")):
        shutil.copyfile(path, target / f"{path.name}.{distribution}")


def _write_sprite(build: Path, target: Path) -> None:
    target.mkdir(parents=True)
    with zipfile.ZipFile(build / "lucide" / "lucide.zip") as icons:
        symbols = [_symbol(name, icons.read(f"{name}.svg").decode()) for name in ICONS]
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (target / "sprite.svg").write_text(sprite, encoding="utf-8")
    _copy_licence(build, "lucide", target)


def _symbol(name: str, svg: str) -> str:
    """Keep an icon's shapes; size, colour and stroke come from the page's style sheet."""
    shapes = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(shapes.split())}</symbol>'


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's name and its one argument
        sys.exit("usage: python -m infra.vendor BUILD_DIR")
    print(f"{VENDOR.name}: {lay_out(Path(sys.argv[1]))} browser files")

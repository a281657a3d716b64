"""The browser files are laid out whole: licences along, maps left out, digests right."""

import hashlib
import json
import zipfile

import pytest

from infra import vendor


@pytest.fixture
def build(tmp_path):
    """The wheels of assets.lock in small, as `pip install --target` leaves them."""
    root = tmp_path / "build"
    for bundle in vendor.BUNDLES:
        folder = root / bundle.folder
        folder.mkdir(parents=True)
        (folder / f"{bundle.name}.js").write_text("export {}")
        (folder / f"{bundle.name}.js.map").write_text("{}")
    for distribution in {*(bundle.distribution for bundle in vendor.BUNDLES), "lucide"}:
        licences = root / f"{distribution}-1.0.dist-info" / "licenses"
        licences.mkdir(parents=True)
        (licences / "LICENSE").write_text(distribution)
    (root / "lucide").mkdir()
    with zipfile.ZipFile(root / "lucide" / "lucide.zip", "w") as icons:
        for name in vendor.ICONS:
            icons.writestr(f"{name}.svg", '<svg\n  width="24"\n>\n  <path d="M1 1" />\n</svg>\n')
    return root


def test_each_package_comes_with_its_licence_and_without_maps(build, tmp_path):
    target = tmp_path / "vendor"

    vendor.lay_out(build, target)

    assert "nicegui" == (target / "codemirror" / "LICENSE.nicegui").read_text()
    assert {"codemirror", "lucide", "redoc", "swagger-ui"} == {
        path.parent.name for path in target.rglob("LICENSE*")
    }
    assert [] == list(target.rglob("*.map"))


def test_the_manifest_names_every_file_with_its_digest(build, tmp_path):
    target = tmp_path / "vendor"

    count = vendor.lay_out(build, target)

    manifest = json.loads((target / vendor.MANIFEST).read_text())
    files = [path for path in target.rglob("*") if path.is_file() and path.suffix != ".json"]
    assert count == len(manifest)
    assert manifest == {
        path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_an_icon_keeps_its_shapes_alone(build, tmp_path):
    target = tmp_path / "vendor"

    vendor.lay_out(build, target)

    sprite = (target / "lucide" / "sprite.svg").read_text()
    assert '<symbol id="database" viewBox="0 0 24 24"><path d="M1 1" /></symbol>' in sprite


def test_laying_out_again_leaves_nothing_of_before(build, tmp_path):
    target = tmp_path / "vendor"
    vendor.lay_out(build, target)
    (target / "codemirror" / "left-over.js").write_text("")

    vendor.lay_out(build, target)

    assert not (target / "codemirror" / "left-over.js").exists()


def test_a_package_that_moved_its_files_is_named(build, tmp_path):
    (build / "nicegui").rename(build / "elsewhere")

    with pytest.raises(FileNotFoundError, match="has nicegui moved its files"):
        vendor.lay_out(build, tmp_path / "vendor")

"""Style sheet and scripts: for ever under their digest, never anything else of the disk, small."""

import subprocess
import sys
from pathlib import Path

from api.pages import render, static
from tests.pages.site import Site

ROOT = Path(__file__).parents[2]
SCRIPT_BYTES_MAX = 14 * 1024
STYLE_BYTES_MAX = 28 * 1024
QUERY_STYLE_BYTES_MAX = 4 * 1024
OWN = sorted(path for path in static._files() if not path.startswith("vendor/"))
HEAVY = {"duckdb", "jinja2", "minijinja", "pydantic", "sqlglot", "openapi_spec_validator"}


def test_a_file_is_kept_for_ever_under_its_digest_and_asked_for_again_without(tmp_path):
    site = Site(tmp_path)

    async def story():
        client = site.client()
        for path in OWN:
            fixed = await client.get(static.url(path))
            assert static.FOR_EVER == fixed.headers["cache-control"]
            assert (static.FOLDER / path).read_bytes() == fixed.content
            for url in (f"/static/{path}", f"/static/{path}?v=old"):
                answer = await client.get(url)
                assert "no-cache" == answer.headers["cache-control"]
            headers = {"if-none-match": fixed.headers["etag"]}
            assert 304 == (await client.get(static.url(path), headers=headers)).status_code

    site.run(story)


OTHERS = (
    *("../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "/etc/passwd", "vendor/../../app.py"),
    *("vendor/manifest.json", "vendor/swagger-ui/oauth2-redirect.html", "", "%00", "dango.css%00"),
)


def test_nothing_else_is_given(tmp_path):
    site = Site(tmp_path)

    async def story():
        for path in OTHERS:
            assert 404 == (await site.client().get(f"/static/{path}")).status_code, path

    site.run(story)


def test_our_script_and_style_stay_small():
    scripts = [static.FOLDER / name for name in ("live.js", "palette.js")]
    assert sum(path.stat().st_size for path in scripts) <= SCRIPT_BYTES_MAX
    assert (static.FOLDER / "dango.css").stat().st_size <= STYLE_BYTES_MAX
    assert (static.FOLDER / "query.js").stat().st_size <= SCRIPT_BYTES_MAX
    assert (static.FOLDER / "lineage.js").stat().st_size <= SCRIPT_BYTES_MAX
    assert (static.FOLDER / "lineage.css").stat().st_size <= QUERY_STYLE_BYTES_MAX
    assert (static.FOLDER / "query.css").stat().st_size <= QUERY_STYLE_BYTES_MAX


def test_every_template_compiles():
    for path in render.TEMPLATES.glob("*.html"):
        render.environment().undeclared_variables_in_template(path.name)


def test_a_page_without_icons_is_whole(tmp_path, monkeypatch):
    site = Site(tmp_path)
    render.environment.cache_clear()
    monkeypatch.setattr(static, "_files", lambda: frozenset(OWN))

    async def story():
        answer = await site.client().get("/")
        assert 200 == answer.status_code
        assert "sprite" not in answer.text

    try:
        site.run(story)
    finally:
        render.environment.cache_clear()


def test_starting_imports_neither_templates_nor_schemas():
    program = "import sys, api.app; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert set() == HEAVY & set(done.stdout.splitlines())


def test_texts_come_compressed_to_who_takes_them_so(tmp_path):
    site = Site(tmp_path)

    async def story():
        client = site.client()
        plain = await client.get("/static/dango.css", headers={"accept-encoding": "identity"})
        small = await client.get("/static/dango.css", headers={"accept-encoding": "gzip, br"})
        assert "content-encoding" not in plain.headers
        assert "gzip" == small.headers["content-encoding"]
        assert plain.content == small.content
        assert int(small.headers["content-length"]) * 3 < len(plain.content)
        assert plain.headers["etag"] != small.headers["etag"]
        assert "accept-encoding" in small.headers["vary"]
        headers = {"accept-encoding": "gzip", "if-none-match": small.headers["etag"]}
        assert 304 == (await client.get("/static/dango.css", headers=headers)).status_code

    site.run(story)

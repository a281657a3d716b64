"""A notebook in a real browser: a cell that reads the warehouse, through the server."""

import re

import pytest

from tests.pages.tabs import Tab
from tests.server.harness import copied, lives, until
from tests.server.template import ORDERS_ROWS

NOTEBOOK = """\
import marimo

app = marimo.App()


@app.cell
def _():
    import dango_notebook as dango

    (found,) = dango.sql("SELECT count(*) FROM raw_orders.orders").fetchone()
    f"there are {found} orders"
    return
"""
SHOWN_MS = 60_000
STEP_MS = 50


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_cell_reads_the_warehouse_and_its_page_ends_with_the_lock(browser, template, tmp_path):
    with copied(template, tmp_path / "project") as server:
        folder = server.root / "notebooks"
        folder.mkdir()
        (folder / "count.py").write_text(NOTEBOOK)
        server.start()
        editor = server.client(session="editor")
        assert "success" == server.sync(editor, "orders")["status"]
        url = locked(editor)
        with Tab(browser, server, session="editor") as tab:
            sockets = []
            tab.page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - a builtin cannot be marked
            page = tab.go(url)
            page.get_by_test_id("cell-editor").first.wait_for(timeout=SHOWN_MS)
            page.get_by_test_id("run-button").last.click(timeout=SHOWN_MS)
            shown = page.get_by_text(re.compile(f"there are {ORDERS_ROWS} orders"))
            shown.first.wait_for(timeout=SHOWN_MS)
            names = {cookie["name"] for cookie in tab.context.cookies()}
            assert {"dango_session"} == names
            assert [] == [line for line in tab.noise if line.startswith("asked for")]
            tab.picture("notebook")
            assert 200 == editor.post("/api/notebooks/count/release").status_code
            assert 409 == editor.get(url).status_code
            assert sockets
            while not all(socket.is_closed() for socket in sockets):
                page.wait_for_timeout(STEP_MS)
        had = server.kill()
        until(lambda: not any(lives(pid) for pid in had))


def locked(editor):
    """Lock the notebook, and wait until its editor is there."""

    def ready():
        answer = editor.post("/api/notebooks/count/lock")
        return answer.json()["marimo_url"] if answer.status_code == 200 else None

    return until(ready, 120.0)

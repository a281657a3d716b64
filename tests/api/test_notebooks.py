"""/api/notebooks and the way to an editor: who may what, and what goes through."""

import asyncio

import pytest

from api import proxying
from commands.notebook_ports import Place
from commands.notebooks import StartNotebookSession
from domain.notebooks import LOCK_LIFE
from domain.permissions import Role
from infra.notebooks.files import NotebookFolder
from projections import notebooks
from tests.api.access import ADMIN, Server
from tests.api.upstream import Upstream
from tests.core import ORIGIN

PASSWORD = "a tiger in the snow"
RACES, RACES_SOAK = 100, 1_000


class Sessions:
    """Editors that are there at once, all at one place."""

    def __init__(self):
        self.url, self.refreshed = "http://127.0.0.1:9", []

    def place(self, lock):
        return Place(self.url, f"token-of-{lock}")

    def used(self, lock):
        self.refreshed.append(lock)


@pytest.fixture
def server(tmp_path):
    sessions, files = Sessions(), NotebookFolder(tmp_path)
    return Server(tmp_path, notebook_files=files, notebook_sessions=sessions)


async def people(server):
    await server.add("ed@example.org", PASSWORD, Role.EDITOR)
    await server.add("vi@example.org", PASSWORD, Role.VIEWER)
    names = (ADMIN["email"], "ed@example.org", "vi@example.org")
    return [await server.logged_in(name, PASSWORD) for name in names]


def told(test):
    """Run an async test with an admin's, an editor's and a viewer's client."""

    def run(server):
        async def whole():
            try:
                await test(server, *await people(server))
            finally:
                await server.platform.passage.close()

        server.run(whole)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def made(client, name="a"):
    answer = await client.post("/api/notebooks", json={"name": name, "template": "explore"})
    assert 201 == answer.status_code, answer.text


@told
async def test_a_notebook_is_made_listed_copied_and_deleted(server, admin, editor, viewer):
    answer = await editor.post("/api/notebooks", json={"name": "NB1", "template": "quality"})
    assert {"id", "name", "template"} == answer.json().keys()
    assert (201, "nb1") == (answer.status_code, answer.json()["name"])
    (listed,) = (await viewer.get("/api/notebooks")).json()
    assert ("ed@example.org", True, None) == tuple(
        listed[key] for key in ("created_by", "file_exists", "lock")
    )
    copied = await editor.post("/api/notebooks/nb1/copy")
    assert (201, "nb1_copy_20260101_120000.py") == (copied.status_code, copied.json()["copy_name"])
    again = await editor.post("/api/notebooks/nb1/copy")
    assert "nb1_copy_20260101_120000_2.py" == again.json()["copy_name"]
    gone = await editor.delete("/api/notebooks/nb1")
    assert {"status": "deleted", "name": "nb1"} == gone.json()
    assert 2 == len((await viewer.get("/api/notebooks")).json())
    assert 404 == (await editor.delete("/api/notebooks/nb1")).status_code


@told
async def test_a_name_that_leads_elsewhere_or_a_template_that_is_none_is_refused(server, *clients):
    editor = clients[1]
    for name in ("../x", "a/b", "", ".a", "a b", "ä"):
        answer = await editor.post("/api/notebooks", json={"name": name})
        assert (name, 422) == (name, answer.status_code)
    answer = await editor.post("/api/notebooks", json={"name": "a", "template": "evil"})
    assert 422 == answer.status_code
    await made(editor)
    assert 409 == (await editor.post("/api/notebooks", json={"name": "a"})).status_code


@told
async def test_a_link_in_the_folder_is_no_notebook(server, admin, editor, viewer):
    await made(editor)
    files = server.platform.notebook_files
    path = files.path("a")
    secret = path.parent.parent / "secret.py"
    secret.write_text("secret = 1")
    path.unlink()
    path.symlink_to(secret)
    assert 404 == (await editor.post("/api/notebooks/a/lock")).status_code
    assert 404 == (await editor.post("/api/notebooks/a/copy")).status_code
    assert not (await viewer.get("/api/notebooks")).json()[0]["file_exists"]


async def race(admin, editor, times):
    await made(editor)
    clients = (admin, editor)
    for _ in range(times):
        answers = await asyncio.gather(*(c.post("/api/notebooks/a/lock") for c in clients))
        assert [200, 409] == sorted(answer.status_code for answer in answers)
        (holder,) = (c for c, a in zip(clients, answers, strict=True) if a.status_code == 200)
        assert 200 == (await holder.post("/api/notebooks/a/release")).status_code


@told
async def test_of_two_who_lock_at_once_exactly_one_holds_it(server, admin, editor, viewer):
    await race(admin, editor, RACES)


@pytest.mark.soak
@told
async def test_of_two_who_lock_a_thousand_times_exactly_one_holds_it(server, admin, editor, viewer):
    await race(admin, editor, RACES_SOAK)


@told
async def test_a_lock_answers_as_clients_know_it_and_tells_others_who_holds_it(
    server, admin, editor, viewer
):
    await made(editor)
    answer = (await editor.post("/api/notebooks/a/lock")).json()
    expected = {
        "locked": True,
        "ready": True,
        "status": "ready",
        "marimo_url": "/notebooks/marimo/a/",
    }
    assert expected == answer
    refused = await admin.post("/api/notebooks/a/lock")
    assert 409 == refused.status_code
    assert "Notebook is locked by ed@example.org." == refused.json()["detail"]
    assert {"locked_by", "locked_at", "expires_at"} == refused.json()["lock"].keys()
    assert 403 == (await viewer.post("/api/notebooks/a/lock")).status_code
    assert 409 == (await admin.post("/api/notebooks/a/release")).status_code
    assert 409 == (await admin.post("/api/notebooks/a/heartbeat")).status_code
    assert 403 == (await editor.delete("/api/notebooks/a/lock")).status_code
    assert {"force_released": True} == (await admin.delete("/api/notebooks/a/lock")).json()
    assert 404 == (await admin.delete("/api/notebooks/a/lock")).status_code


@told
async def test_a_heartbeat_keeps_a_lock_without_an_event_and_comes_too_late_at_its_end(
    server, admin, editor, viewer
):
    await made(editor)
    await editor.post("/api/notebooks/a/lock")
    events = len(server.recorded)
    server.clock.forward(seconds=LOCK_LIFE.total_seconds() - 1)
    assert {"refreshed": True} == (await editor.post("/api/notebooks/a/heartbeat")).json()
    assert events == len(server.recorded)
    server.clock.forward(seconds=LOCK_LIFE.total_seconds() - 1)
    assert 409 == (await admin.post("/api/notebooks/a/lock")).status_code
    server.clock.forward(seconds=1)
    assert 409 == (await editor.post("/api/notebooks/a/heartbeat")).status_code
    assert 200 == (await admin.post("/api/notebooks/a/lock")).status_code
    assert "notebook_lock_expired" in server.types()


# the way to an editor


async def edited(server, client):
    await made(client)
    assert 200 == (await client.post("/api/notebooks/a/lock")).status_code
    held = notebooks.lock(server.views.current, "a")
    await server.writer.send(StartNotebookSession(notebook="a", lock=held.lock), ORIGIN)
    return held.lock


@told
async def test_a_request_goes_to_the_editor_without_who_asks(server, admin, editor, viewer):
    async with Upstream() as upstream:
        server.platform.notebook_sessions.url = upstream.url
        lock = await edited(server, editor)
        headers = {
            "origin": "http://127.0.0.1:8800",
            "x-forwarded-for": "10.0.0.1",
            "connection": "x-hop",
            "x-hop": "1",
            "marimo-server-token": "t",
        }
        path = "/notebooks/marimo/a/api/kernel/run"
        large = b"x" * 100_000
        answer = await editor.post(path, content=large, params={"q": "a b"}, headers=headers)
    assert (200, b"fine") == (answer.status_code, answer.content)
    ((method, target, shown, body),) = upstream.asked
    assert ("POST", f"{path}?q=a%20b", 100_000) == (method, target.replace("+", "%20"), len(body))
    assert f"Bearer token-of-{lock}" == shown["authorization"]
    assert "t" == shown["marimo-server-token"]
    assert set() == {"cookie", "origin", "x-forwarded-for", "x-hop"} & shown.keys()
    assert f"127.0.0.1:{upstream.port}" == shown["host"]


@told
async def test_of_an_answer_comes_down_what_describes_it_and_no_more(server, admin, editor, viewer):
    async with Upstream() as upstream:
        server.platform.notebook_sessions.url = upstream.url
        await edited(server, editor)
        path = "/notebooks/marimo/a/"
        upstream.answers[path] = (
            200,
            {
                "set-cookie": "session=1; path=/",
                "access-control-allow-origin": "*",
                "clear-site-data": '"*"',
                "content-security-policy": "default-src *",
                "content-encoding": "identity",
                "content-type": "text/html",
                "etag": '"1"',
                "keep-alive": "timeout=5",
                "x-powered-by": "someone",
            },
            b"<p>hi</p>",
        )
        answer = await editor.get(path)
    assert b"<p>hi</p>" == answer.content
    assert '"1"' == answer.headers["etag"]
    kept = {"set-cookie", "access-control-allow-origin", "clear-site-data", "x-powered-by"}
    assert set() == (kept | {"keep-alive"}) & answer.headers.keys()
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "*" not in answer.headers["content-security-policy"]


@told
async def test_a_redirect_is_told_and_not_followed_and_never_leads_elsewhere(
    server, admin, editor, viewer
):
    async with Upstream() as upstream:
        server.platform.notebook_sessions.url = upstream.url
        await edited(server, editor)
        base = "/notebooks/marimo/a"
        upstream.answers[f"{base}/in"] = (303, {"location": f"{upstream.url}{base}/x?y=1"}, b"")
        upstream.answers[f"{base}/up"] = (302, {"location": "/api/admin/users"}, b"")
        upstream.answers[f"{base}/out"] = (302, {"location": "https://example.org/"}, b"")
        upstream.answers[f"{base}/odd"] = (302, {"location": "//example.org/"}, b"")
        found = {name: await editor.get(f"{base}/{name}") for name in ("in", "up", "out", "odd")}
        asked = len(upstream.asked)
    assert (303, f"{base}/x?y=1") == (found["in"].status_code, found["in"].headers["location"])
    assert f"{base}/api/admin/users" == found["up"].headers["location"]
    assert (502, 502) == (found["out"].status_code, found["odd"].status_code)
    assert 4 == asked


@told
async def test_no_sign_that_browsers_read_as_another_makes_a_host_of_a_redirect(
    server, admin, editor, viewer
):
    places = {
        b"\\\\evil.example/x": "%5C%5Cevil.example/x",
        b"\\/evil.example": "%5C/evil.example",
        b"/\\evil.example": "/notebooks/marimo/a/%5Cevil.example",
        b"////evil.example": "/notebooks/marimo/a/evil.example",
        "é//evil.example".encode(): "%C3%A9//evil.example",
        b"x?y=%2F&z=\\#a[b]": "x?y=%2F&z=%5C#a[b]",
    }
    async with Upstream() as upstream:
        server.platform.notebook_sessions.url = upstream.url
        await edited(server, editor)
        base = "/notebooks/marimo/a"
        for number, place in enumerate(places):
            upstream.answers[f"{base}/{number}"] = (302, {"location": place.decode()}, b"")
        found = [await editor.get(f"{base}/{number}") for number in range(len(places))]
    assert list(places.values()) == [answer.headers["location"] for answer in found]


@told
async def test_only_who_holds_the_lock_reaches_the_editor(server, admin, editor, viewer):
    async with Upstream() as upstream:
        server.platform.notebook_sessions.url = upstream.url
        await edited(server, editor)
        path = "/notebooks/marimo/a/"
        assert 409 == (await admin.get(path)).status_code
        assert 403 == (await viewer.get(path)).status_code
        assert 401 == (await server.client().get(path)).status_code
        assert 409 == (await editor.get("/notebooks/marimo/b/")).status_code
        server.clock.forward(seconds=LOCK_LIFE.total_seconds())
        assert 409 == (await editor.get(path)).status_code
        assert [] == upstream.asked


OUTSIDE = ("..", "%2e%2e/b/", "x/%252e%252e/y", "..%2fb", "%5c..%5cb", "%0d%0aX:1")


@pytest.mark.parametrize("rest", OUTSIDE)
def test_no_path_leaves_the_editor(server, rest):
    async def story():
        (_, editor, _) = await people(server)
        async with Upstream() as upstream:
            server.platform.notebook_sessions.url = upstream.url
            await edited(server, editor)
            request = editor.build_request("GET", "/notebooks/marimo/a/x")
            request.url = request.url.copy_with(raw_path=b"/notebooks/marimo/a/" + rest.encode())
            answer = await editor.send(request)
        assert 404 == answer.status_code
        assert [] == upstream.asked
        await server.platform.passage.close()

    server.run(story)


@told
async def test_an_editor_that_is_not_there_is_502(server, admin, editor, viewer):
    await edited(server, editor)
    answer = await editor.get("/notebooks/marimo/a/x")
    assert (502, "The notebook's editor does not answer.") == (
        answer.status_code,
        answer.json()["detail"],
    )


@told
async def test_a_request_that_is_too_large_is_413(server, admin, editor, viewer):
    before, proxying.BODY_BYTES_MAX = proxying.BODY_BYTES_MAX, 1_000
    try:
        async with Upstream() as upstream:
            server.platform.notebook_sessions.url = upstream.url
            await edited(server, editor)

            async def endless():
                for _ in range(20):
                    yield b"x" * 100

            path = "/notebooks/marimo/a/x"
            assert 413 == (await editor.post(path, content=b"x" * 1_001)).status_code
            assert 413 == (await editor.post(path, content=endless())).status_code
            assert 200 == (await editor.post(path, content=b"x" * 1_000)).status_code
    finally:
        proxying.BODY_BYTES_MAX = before

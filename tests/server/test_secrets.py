"""Secrets of forty kinds, planted through every door: none is found anywhere afterwards."""

import asyncio
import json
from pathlib import Path

import pyotp
import pytest

from tests.server.harness import tell
from tests.server.sockets import Socket
from tests.server.template import PASSWORD, sources_yml, write_sources
from tests.server.traces import found, spellings

WRITTEN = ("sources.yml", "project.yml")  # by people, who may write secrets there
CHARS_MIN = 8  # a shorter one is found everywhere by chance


class Plot:
    """Plants secrets and keeps every answer; one that shows a secret may show that one."""

    def __init__(self, server):
        self.server, self.secrets, self.answers = server, {}, []

    def plant(self, kind, value):
        self.secrets[kind] = value
        return value

    def marked(self, kind):
        return self.plant(kind, f"marked-{kind.replace(' ', '-')}-Zq7")

    def ask(self, client, method, path, *, shows=(), **more):
        answer = client.request(method, path, **more)
        for kind, take in dict(shows).items():
            value = take(answer)
            for number, each in enumerate([value] if isinstance(value, str) else value):
                self.plant(f"{kind} {number}", each)
        told = [kind for kind in self.secrets if any(kind.startswith(k) for k in dict(shows))]
        place = f"{method} {path.partition('?')[0]}"
        self.answers.append((place, answer.content, told, answer.status_code))
        return answer

    def told(self):
        """Secrets in answers that do not show them."""
        return [
            (place, kind)
            for place, body, shown, _ in self.answers
            for kind, value in self.secrets.items()
            if kind not in shown and any(spelled in body for spelled in spellings(value))
        ]


def cookie(name):
    return lambda answer: answer.cookies[name]


def last(field):
    return lambda answer: answer.json()[field].rpartition("/")[2]


SESSION = {"session": cookie("dango_session"), "device": cookie("dango_device")}


def configured(plot):
    """Secrets in the files that people write."""
    secret = (
        "  - name: shop\n    type: shopify\n    shopify:\n"
        f"      api_token: {plot.marked('token of a source')}\n"
        f"      password: {plot.marked('password of a source')}\n"
        "  - name: base\n    type: postgres\n    postgres:\n"
        f"      credentials: postgresql://me:{plot.marked('password in a URL')}@db/x\n"
    )
    write_sources(plot.server.root, sources_yml("orders") + secret)


def joined(plot, admin):
    """An account from its invitation to its second factor."""
    server, anybody = plot.server, plot.server.client()
    body = {"email": "eve@example.org", "role": "editor"}
    ask, users = plot.ask, "/api/admin/users"
    made = ask(admin, "POST", users, json=body, shows={"invitation": last("invite_url")})
    user = made.json()["user"]["id"]
    again = {"invitation renewed": last("invite_url")}
    link = ask(admin, "POST", f"{users}/{user}/reinvite", shows=again).json()["invite_url"]
    token = link.rpartition("/")[2]
    first = plot.marked("first password")
    weak = {"token": token, "password": "short"}
    ask(anybody, "POST", "/api/auth/accept-invite", json=weak)
    ask(anybody, "GET", f"/invite/{token}", shows={"invitation": lambda _: ()})
    ask(anybody, "POST", "/api/auth/accept-invite", json={**weak, "password": first})
    eve = server.client()
    wrong = {"email": "eve@example.org", "password": plot.marked("wrong password")}
    ask(eve, "POST", "/api/auth/login", json=wrong)
    ask(eve, "POST", "/api/auth/login", json={**wrong, "password": first}, shows=SESSION)
    second = plot.marked("second password")
    changed = {"current_password": plot.marked("wrong current password"), "new_password": second}
    ask(eve, "POST", "/api/auth/change-password", json=changed)
    shows = {f"{kind} after a change": take for kind, take in SESSION.items()}
    changed["current_password"] = first
    ask(eve, "POST", "/api/auth/change-password", json=changed, shows=shows)
    setup = {
        "seed": lambda answer: answer.json()["secret"],
        "recovery": lambda answer: answer.json()["recovery_codes"],
    }
    body = {"password": second}
    seed = ask(eve, "POST", "/api/auth/2fa/setup", json=body, shows=setup).json()["secret"]
    body = {"code": pyotp.TOTP(seed).now()}
    shows = {"recovery": setup["recovery"], "session with a factor": cookie("dango_session")}
    ask(eve, "POST", "/api/auth/2fa/verify-setup", json=body, shows=shows)
    half = server.client()
    body = {"email": "eve@example.org", "password": second}
    partial = {"partial session": cookie("dango_session")}
    ask(half, "POST", "/api/auth/login", json=body, shows=partial)
    ask(half, "POST", "/api/auth/2fa/verify", json={"code": plot.marked("wrong code")})
    body = {"code": plot.secrets["recovery 0"]}
    shows = {"session by recovery": cookie("dango_session")}
    ask(half, "POST", "/api/auth/2fa/verify", json=body, shows=shows)
    return user, half


def used(plot, admin, user, eve):
    """Keys, queries, headers, paths, forms and links."""
    ask, server = plot.ask, plot.server
    key = {"key": lambda answer: answer.json()["key"]}
    once = {"idempotency-key": "made-once"}
    body = {"name": "key"}
    for _ in range(2):
        ask(eve, "POST", "/api/auth/api-keys", json=body, headers=once, shows=key)
    headers = {
        "authorization": f"Bearer {plot.marked('bearer')}",
        "x-request-id": "probe",
        "cookie": f"dango_session={'Q' * 40}abc",
        "x-api-key": plot.marked("header"),
        "user-agent": plot.marked("agent"),
        "referer": f"http://x/{plot.marked('referrer')}",
    }
    plot.plant("cookie that is none", "Q" * 40 + "abc")
    basic = {"authorization": f"Basic {plot.marked('basic')}"}
    for method, path in (("GET", "/api/events"), ("POST", "/api/query"), ("GET", "/nothing")):
        ask(server.client(**headers), method, path)
        ask(server.client(**basic), method, path)
        ask(admin, method, f"{path}?token={plot.marked('token in a query string')}")
        ask(admin, method, path, content=f'{{"x": "{plot.marked("body")}"}}')
    literal = plot.marked("literal in a query")
    ask(admin, "POST", "/api/query", json={"sql": f"select count(*) where '{literal}' = ''"})
    for token in (plot.marked("link that is none"), "A" * 43):
        body = {"token": token, "password": plot.marked("password of no link")}
        ask(admin, "POST", "/api/auth/reset-password", json=body)
        ask(admin, "POST", "/api/auth/accept-invite", json=body)
    extra = {"name": "x", "secret": plot.marked("unknown field")}
    ask(admin, "POST", "/api/auth/api-keys", json=extra)
    form = {"email": "eve@example.org", "password": plot.marked("password in a form")}
    ask(server.client(), "POST", "/login", data=form)
    path = f"/api/admin/users/{user}/reset-password"
    reset = ask(admin, "POST", path, shows={"reset": last("reset_url")}).json()["reset_url"]
    body = {"token": reset.rpartition("/")[2], "password": plot.marked("third password")}
    ask(server.client(), "POST", "/api/auth/reset-password", json=body)
    shows = {"temporary password": lambda answer: answer.json()["temp_password"]}
    ask(admin, "POST", path, json={"generate_password": True}, shows=shows)
    body = {"email": "tom@example.org", "generate_password": True}
    shows = {"temporary password of a new one": lambda answer: answer.json()["temp_password"]}
    ask(admin, "POST", "/api/admin/users", json=body, shows=shows)


def looked_at(plot, admin):
    """Every way in which the past is shown."""
    for path in ("/api/events?limit=1000", "/api/events/export", "/api/logs", "/events", "/"):
        plot.ask(admin, "GET", path)
    for path in ("/api/sources", "/api/sources/shop/details", "/api/sources/base/details"):
        plot.ask(admin, "GET", path)
    for path in ("/openapi.json", "/api/config", "/api/status", "/api/auth/me", "/api/admin/users"):
        plot.ask(admin, "GET", path)
    for path in ("/api/auth/api-keys", "/api/auth/sessions"):
        plot.ask(admin, "GET", path)


async def frames(server, head):
    """What /ws says from the first event on."""
    socket, told = await Socket.open(server.port, server.people.sessions["admin"], after=0), []
    while not told or json.loads(told[-1]).get("position", 0) < head:
        told.append(await socket.text())
    socket.drop()
    return b"\n".join(told)


@pytest.fixture
def plot(own, monkeypatch):
    plot = Plot(own)
    monkeypatch.setenv("DANGO_MARKED", plot.marked("environment"))
    configured(plot)
    own.start()
    return plot


def test_no_secret_is_found_in_files_frames_logs_answers_and_exports(plot):
    server = plot.server
    admin = server.client(session="admin")
    plot.plant("session of the admin", server.people.sessions["admin"])
    plot.plant("key of the admin", server.people.keys["admin"])
    plot.plant("password of everybody", PASSWORD)
    user, eve = joined(plot, admin)
    used(plot, admin, user, eve)
    looked_at(plot, admin)
    streamed = asyncio.run(frames(server, server.head(admin)))
    shown = [kind for kind, value in plot.secrets.items() if value.encode() in streamed]
    commands = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    server.kill()

    marks = {kind: [*spellings(value)] for kind, value in plot.secrets.items()}
    left = {kind: where for kind, m in marks.items() if (where := found(server, m, but=WRITTEN))}

    kinds = len(plot.secrets)
    tell(f"{kinds} secrets, {len(plot.answers)} answers, {len(left)} found")
    assert kinds >= 40
    assert [] == [place for place, _, _, status in plot.answers if status >= 500]
    assert [] == [kind for kind, value in plot.secrets.items() if len(value) < CHARS_MIN]
    assert {} == left
    assert [] == plot.told()
    assert [] == shown
    assert [] == [kind for kind, value in plot.secrets.items() if value.encode() in commands]


def test_a_secret_that_lies_about_is_found(own):
    own.start()
    client = own.client(session="admin")
    client.get("/api/config")
    (own.root / "warehouse" / "left.log").write_bytes(b"xx" + b"bWFya2VkLXNlY3JldC1acTc=" + b"yy")
    own.stop()

    assert ["project/warehouse/left.log"] == found(own, [*spellings("marked-secret-Zq7")])

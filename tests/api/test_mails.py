"""Links by mail: who gets one, what stands in it, and that no mail is never a refusal."""

import pytest

from api.platform import HttpSettings
from tests.api.access import Server
from tests.api.stories import USERS, invited, token_of

OLD = "a tiger in the snow"


class Outbox:
    """Keeps what is sent; `taken` is what the mail server says."""

    def __init__(self):
        self.mails, self.taken = [], True

    async def send(self, mail):
        self.mails.append(mail)
        return self.taken


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def server(tmp_path, outbox):
    settings = HttpSettings(public_url="https://dango.example", project_name="Shop\r\nBcc: <b>x")
    return Server(tmp_path, settings=settings, mailer=outbox)


def told(server, story):
    server.run(story)


def test_an_invitation_and_a_reset_are_mailed_to_their_owner(server, outbox):
    async def story():
        admin = await server.logged_in()
        made = (await admin.post(USERS, json={"email": "Ben@a.io"})).json()
        again = (await admin.post(f"{USERS}/{made['user']['id']}/reinvite")).json()
        reset = (await admin.post(f"{USERS}/id-1/reset-password")).json()

        urls = (made["invite_url"], again["invite_url"], reset["reset_url"])
        assert (True, True, True) == (made["emailed"], again["emailed"], reset["emailed"])
        assert ["ben@a.io", "ben@a.io", "admin@localhost"] == [mail.to for mail in outbox.mails]
        for mail, url in zip(outbox.mails, urls, strict=True):
            assert (1, 2) == (mail.text.count(url), mail.html.count(url))
            assert url.startswith("https://dango.example/")

    told(server, story)


def test_what_people_named_the_project_breaks_neither_header_nor_page(server, outbox):
    async def story():
        await invited(await server.logged_in())

        (mail,) = outbox.mails
        assert "You are invited to Shop Bcc: <b>x" == mail.subject
        assert "<b>" not in mail.html
        assert "&lt;b&gt;" in mail.html

    told(server, story)


def test_a_mail_that_is_not_taken_is_told_and_the_link_is_there_all_the_same(server, outbox):
    outbox.taken = False

    async def story():
        answer = await (await server.logged_in()).post(USERS, json={"email": "ben@a.io"})

        assert (201, False) == (answer.status_code, answer.json()["emailed"])
        body = {"token": token_of(answer.json()["invite_url"]), "password": OLD}
        client = server.client()
        assert 200 == (await client.post("/api/auth/accept-invite", json=body)).status_code

    told(server, story)


def test_a_request_that_is_repeated_under_its_key_mails_once(server, outbox):
    async def story():
        admin = await server.logged_in()
        body, key = {"email": "ben@a.io"}, {"idempotency-key": "k"}
        answers = [await admin.post(USERS, json=body, headers=key) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert 1 == len(outbox.mails)

    told(server, story)


def test_what_is_refused_is_not_mailed(server, outbox):
    async def story():
        admin = await server.logged_in()

        assert 409 == (await admin.post(USERS, json={"email": "admin@localhost"})).status_code
        assert 404 == (await admin.post(f"{USERS}/nobody/reinvite")).status_code
        assert [] == outbox.mails

    told(server, story)


def test_without_a_mail_server_nothing_is_said_of_mail(tmp_path):
    server = Server(tmp_path)

    async def story():
        admin = await server.logged_in()
        made = (await admin.post(USERS, json={"email": "ben@a.io"})).json()

        assert {"user", "invite_url"} == set(made)

    told(server, story)

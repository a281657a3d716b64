"""Mail over a real SMTP server on loopback: what arrives, and what happens when none does."""

import asyncio
import contextlib
import email
import email.policy
import ipaddress
import logging
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commands.mail_ports import Mail
from infra.configuration.project import Security, SmtpBlock
from infra.mailer import SmtpMailer

HOST = "127.0.0.1"
LINK = "https://dango.example/invite/marked-token"
MAIL = Mail(to="ada@example.org", subject="Hello", text=f"{LINK}\n", html=f"<p>{LINK}</p>")
PASSWORD = "marked-smtp-password"


class Inbox:
    """What a server took, and what it is to answer first."""

    def __init__(self, *answers):
        self.answers, self.envelopes, self.logins = list(answers), [], []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        if self.answers:
            return self.answers.pop(0)
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    def messages(self):
        return [
            email.message_from_bytes(e.content, policy=email.policy.default) for e in self.envelopes
        ]


@contextlib.contextmanager
def served(inbox, **options):
    with contextlib.closing(socket.socket()) as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname=HOST, port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def settings(port, security=Security.NONE, **more):
    return SmtpBlock(host=HOST, port=port, security=security, sender="dango@example.org", **more)


def send(block, *mails, linger_s=0.0, **options):
    """Send at once, and look a while what becomes of those that were not taken."""

    async def story():
        mailer = SmtpMailer(block, **options)
        try:
            sent = await asyncio.gather(*(mailer.send(mail) for mail in mails))
            await asyncio.sleep(linger_s)
            return sent
        finally:
            mailer.close()

    return asyncio.run(story())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for loopback, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_mail_arrives_in_both_forms():
    inbox = Inbox()
    with served(inbox) as port:
        assert [True] == send(settings(port), MAIL)

    (envelope,), (message,) = inbox.envelopes, inbox.messages()
    assert ("dango@example.org", ["ada@example.org"]) == (envelope.mail_from, envelope.rcpt_tos)
    assert ("dango@example.org", "ada@example.org", "Hello") == tuple(
        message[name] for name in ("From", "To", "Subject")
    )
    assert ["text/plain", "text/html"] == [p.get_content_type() for p in message.iter_parts()]
    assert LINK in message.get_body(("plain",)).get_content()
    assert LINK in message.get_body(("html",)).get_content()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_the_way_is_sealed_and_the_password_goes_over_it_alone(certificate, security):
    inbox = Inbox()
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate)
    name = "ssl_context" if security is Security.TLS else "tls_context"
    options = {name: inside, "authenticator": inbox.authenticate}
    if security is Security.TLS:
        options["auth_require_tls"] = False  # it is sealed below what the server looks at
    trusted = ssl.create_default_context(cafile=str(certificate))
    with served(inbox, **options) as port:
        block = settings(port, security, username="dango", password=PASSWORD)
        assert [True] == send(block, MAIL, trusted=trusted)

    assert [(b"dango", PASSWORD.encode())] == inbox.logins
    assert 1 == len(inbox.envelopes)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password(certificate, security):
    inbox = Inbox()
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate)
    name = "ssl_context" if security is Security.TLS else "tls_context"
    with served(inbox, **{name: inside}, authenticator=inbox.authenticate) as port:
        block = settings(port, security, username="dango", password=PASSWORD)
        assert [False] == send(block, MAIL)

    assert ([], []) == (inbox.logins, inbox.envelopes)


def test_a_server_that_cannot_seal_the_way_gets_nothing():
    inbox = Inbox()
    with served(inbox) as port:
        assert [False] == send(settings(port, Security.STARTTLS), MAIL)

    assert [] == inbox.envelopes


def test_a_mail_that_was_turned_away_for_now_is_tried_again():
    inbox = Inbox("451 later", "451 later")
    with served(inbox) as port:
        sent = send(settings(port), MAIL, linger_s=0.5, pauses_s=(0.01, 0.01))

    assert ([False], 1) == (sent, len(inbox.envelopes))


def test_a_mail_that_was_refused_for_good_is_not_tried_again():
    inbox = Inbox("554 never")
    with served(inbox) as port:
        sent = send(settings(port), MAIL, linger_s=0.3, pauses_s=(0.01, 0.01))

    assert ([False], 0, []) == (sent, len(inbox.envelopes), inbox.answers)


def test_a_server_that_is_not_there_is_given_up_after_a_few_tries(caplog):
    with served(Inbox()) as port:
        pass

    assert [False] == send(settings(port), MAIL, linger_s=1.5, pauses_s=(0.01, 0.01))
    assert 3 == len([r for r in caplog.records if "handed over" in r.message])


def test_a_server_that_says_nothing_does_not_hold_the_caller_up(monkeypatch):
    monkeypatch.setattr("infra.mailer.ANSWER_WAIT_S", 0.1)
    monkeypatch.setattr("infra.mailer.TIMEOUT_S", 3.0)

    with contextlib.closing(socket.create_server((HOST, 0))) as silent:
        began = time.monotonic()
        assert [False] == send(settings(silent.getsockname()[1]), MAIL, pauses_s=())

        assert time.monotonic() - began < 2.5  # sooner than the try itself ends


def test_more_mails_than_may_wait_are_dropped():
    inbox = Inbox()
    with served(inbox) as port:
        sent = send(settings(port), *[MAIL] * 5, waiting_max=3)

    assert (3, 3) == (sent.count(True), len(inbox.envelopes))


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.org\r\nBcc: eve@example.org", "Hello"),
        ("ada@example.org", "Hello\r\nBcc: eve@example.org"),
        ("ada@example.org", "Hello\nX: y"),
        ("ada@example.org", "x" * 201),
    ],
)
def test_a_line_break_does_not_make_a_header(to, subject):
    inbox = Inbox()
    mail = Mail(to=to, subject=subject, text="", html="")
    with served(inbox) as port:
        assert [False] == send(settings(port), mail)

    assert [] == inbox.envelopes


def test_an_address_with_signs_of_its_own_goes_to_one_alone():
    inbox = Inbox()
    mail = Mail(to="a,eve@example.org", subject="Hello", text="", html="")
    with served(inbox) as port:
        assert [True] == send(settings(port), mail)

    (envelope,), (message,) = inbox.envelopes, inbox.messages()
    assert 1 == len(envelope.rcpt_tos)
    assert ['"a,eve"@example.org'] == [a.addr_spec for a in message["To"].addresses]


def test_the_log_tells_no_address_no_link_and_no_password(caplog):
    caplog.set_level(logging.DEBUG)
    inbox = Inbox("554 5.7.1 ada@example.org is not welcome")
    options = {"authenticator": inbox.authenticate, "auth_require_tls": False}
    with served(inbox, **options) as port:
        block = settings(port, username="dango", password=PASSWORD)
        assert [False] == send(block, MAIL)
        wrong = settings(port, username="dango", password="marked-wrong")
        assert [False] == send(wrong, MAIL)

    said = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("dango"))
    assert "SMTPDataError 554" in said
    assert "SMTPAuthenticationError 535" in said
    assert [] == [w for w in ("ada@", "marked", LINK) if w in said]

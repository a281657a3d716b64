"""Mail by SMTP (RFC 5321), on one thread of its own, with a bounded queue and a few tries.

The log tells what kind of failure there was and the server's code, never an address or a text: the
texts of mails hold links that are as good as a password.
"""

import asyncio
import logging
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from commands.mail_ports import Mail
from domain.emails import EMAIL_LENGTH_MAX
from infra.configuration.project import Security, SmtpBlock

TIMEOUT_S: Final = 10.0  # for each answer of the mail server
ANSWER_WAIT_S: Final = 5.0  # how long a caller waits to hear whether the first try went well
WAITING_MAX: Final = 100  # mails; one too many is not sent
PAUSES_S: Final = (2.0, 10.0, 60.0)  # before the second try, the third and the last
SUBJECT_LENGTH_MAX: Final = 200  # characters

_log = logging.getLogger("dango.mailer")


class SmtpMailer:
    """The `Mailer` port."""

    def __init__(
        self,
        settings: SmtpBlock,
        *,
        waiting_max: int = WAITING_MAX,
        pauses_s: tuple[float, ...] = PAUSES_S,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """`trusted` says whose certificates are believed; None is the system's."""
        self._settings, self._trusted = settings, trusted
        self._waiting_max, self._pauses_s = waiting_max, pauses_s
        self._waiting: set[asyncio.Task[None]] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="dango-mailer")

    async def send(self, mail: Mail) -> bool:
        """As the port says."""
        message = _message(mail, self._settings.sender)
        if message is None:
            _log.warning("a mail was not sent: its address or subject cannot stand in one")
            return False
        if len(self._waiting) >= self._waiting_max:
            _log.warning("a mail was not sent: too many are waiting")
            return False
        first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._deliver(message, first))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        done, _ = await asyncio.wait({first}, timeout=ANSWER_WAIT_S)
        return bool(done) and first.result()

    def close(self) -> None:
        """Drop what waits; a try that runs ends by itself, within its timeouts."""
        for task in self._waiting:
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _deliver(self, message: EmailMessage, first: "asyncio.Future[bool]") -> None:
        """Try until it is taken, refused for good, or tried often enough."""
        loop = asyncio.get_running_loop()
        for pause_s in (*self._pauses_s, None):
            try:
                await loop.run_in_executor(self._pool, self._try, message)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                taken, final = False, _final(error)
                _log.warning("a mail could not be handed over: %s", _kind(error))
            else:
                taken, final = True, True
            if not first.done():
                first.set_result(taken)
            if final or pause_s is None:
                return
            await asyncio.sleep(pause_s)

    def _try(self, message: EmailMessage) -> None:
        settings = self._settings
        context = self._trusted or ssl.create_default_context()
        if settings.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        with server:
            if settings.security is Security.STARTTLS:
                server.starttls(context=context)
            if settings.username is not None and settings.password is not None:
                server.login(settings.username, settings.password)
            # As the header spells it: a name with signs of its own stands in quotes there too.
            (recipient,) = message["To"].addresses
            server.send_message(message, settings.sender, [recipient.addr_spec])


def _message(mail: Mail, sender: str) -> EmailMessage | None:
    """None where something would break a header (the policy refuses line breaks in one)."""
    message = EmailMessage(policy=SMTP)
    local, _, host = mail.to.rpartition("@")
    if len(mail.to) > EMAIL_LENGTH_MAX or len(mail.subject) > SUBJECT_LENGTH_MAX:
        return None
    try:
        message["From"] = sender
        message["To"] = Address(username=local, domain=host)
        message["Subject"] = mail.subject
    except (ValueError, IndexError):
        return None
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _final(error: Exception) -> bool:
    """Whether another try is useless: the server said no for good, or cannot take such a mail."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(_for_good(code) for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _for_good(error.smtp_code)
    return isinstance(error, smtplib.SMTPNotSupportedError | ValueError | ssl.SSLError)


def _for_good(code: int) -> bool:
    return code >= 500  # noqa: PLR2004 - RFC 5321 section 4.2.1: permanent


def _kind(error: Exception) -> str:
    """What failed, without the server's words: these repeat addresses."""
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ + ("" if code is None else f" {code}")

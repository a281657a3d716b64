"""What mail needs from outside: a server that takes it. `infra` has it."""

from typing import Protocol

import msgspec


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one address: personal data, and often a link that is a secret."""

    to: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    """Sends mail, beside everything else."""

    async def send(self, mail: Mail) -> bool:
        """Whether the mail server has taken it. Waits for one try, a bounded time; never raises.

        False may turn into a mail still: it is tried again for a while.
        """
        ...

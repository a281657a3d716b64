"""The `Notifier` port: finds where a place is, and takes the message there."""

import html
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from commands.kernel import Secrets
from commands.mail_ports import Mail, Mailer
from commands.notifications import WAYS, Way
from commands.ports import SecretValues
from commands.schedule_ports import Attempted
from domain.notifications import Wanted
from domain.source_types.secret import filled, references
from infra.notices import webhooks

AGENT: Final = "dango"
NO_PLACE: Final = Attempted(ok=False, reason="The place is no longer configured.", final=True)
NO_SECRET: Final = Attempted(ok=False, reason="A secret that its URL or key names is not set.")
NO_MAIL: Final = Attempted(ok=False, reason="No mail server is configured.", final=True)

_ways: Final = msgspec.json.Decoder(tuple[Way, ...])


class PlacesNotifier:
    """Takes messages to webhooks and mail servers."""

    def __init__(
        self,
        vault: Secrets,
        values: SecretValues,
        mailer: Mailer | None,
        *,
        wanted: Callable[[], Wanted],
        allow_private: bool,
        resolve: webhooks.Resolve = webhooks.look_up,
    ) -> None:
        self._vault, self._values, self._mailer = vault, values, mailer
        self._wanted, self._allow_private = wanted, allow_private
        self._resolve = resolve

    async def send(self, place: str, message: dict[str, Any]) -> Attempted:
        """As the port says."""
        known = {each.place: each.format for each in self._wanted().places}
        way = self._way(place)
        if way is None or place not in known:
            return NO_PLACE
        if way.to:
            return await self._mail(way, message)
        resolved = self._resolved(way)
        if resolved is None:
            return NO_SECRET
        url, key = resolved
        slack = known[place] == "slack"
        body = webhooks.slack(message) if slack else webhooks.generic(message)
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "x-dango-event": str(message["event"]),
            "x-dango-delivery": str(message.get("delivery", "")),
        }
        if key is not None:
            headers["x-dango-signature"] = webhooks.signed(body, key, int(time.time()))
        return await webhooks.post(
            url, body, headers, allow_private=self._allow_private, resolve=self._resolve
        )

    def _way(self, place: str) -> Way | None:
        kept = self._vault.read(WAYS, WAYS)
        ways = () if kept is None else _ways.decode(kept)
        return next((way for way in ways if way.place == place), None)

    def _resolved(self, way: Way) -> tuple[str, str | None] | None:
        """URL and key with the secrets in their places; None when one is not set."""
        names = references([way.url, way.key or ""])
        values = {name: self._values.get(name) for name in names}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) < len(names):
            return None
        return filled(way.url, known), None if way.key is None else filled(way.key, known)

    async def _mail(self, way: Way, message: dict[str, Any]) -> Attempted:
        if self._mailer is None:
            return NO_MAIL
        subject = f"Dango: {str(message['event']).replace('_', ' ')}"
        if message.get("schedule"):
            subject += f" ({message['schedule']})"
        shown = {key: value for key, value in message.items() if value is not None}
        lines = [f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in shown.items()]
        text = "\n".join(lines) + "\n"
        page = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
        taken = [
            await self._mailer.send(Mail(to=to, subject=subject, text=text, html=page))
            for to in way.to
        ]
        if all(taken):
            return Attempted(ok=True)
        # The mailer tries again by itself for a while: another attempt here would double a mail.
        reason = f"The mail server has not taken {taken.count(False)} of {len(taken)} mails yet."
        return Attempted(ok=False, reason=reason, final=True)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

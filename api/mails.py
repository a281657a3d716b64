"""The mails that links are sent with. What is in them comes from forms and files: it is escaped."""

import html
from datetime import timedelta
from typing import Final

from api.platform import Platform
from commands.mail_ports import Mail
from domain.links import INVITE_LIFE, RESET_LIFE

PROJECT_LENGTH_MAX: Final = 100  # characters of the project's name in a subject
HOUR: Final = timedelta(hours=1)


async def invite(platform: Platform, to: str, url: str) -> bool | None:
    """Mail an invitation. None where no mail server is configured; else whether one took it."""
    project = _project(platform)
    return await _send(
        platform,
        to,
        subject=f"You are invited to {project}",
        sentence=f"You are invited to {project}. Choose a password with this link:",
        url=url,
        life=INVITE_LIFE,
    )


async def reset(platform: Platform, to: str, url: str) -> bool | None:
    """Mail a link for a new password. As `invite`."""
    project = _project(platform)
    return await _send(
        platform,
        to,
        subject=f"A new password for {project}",
        sentence=(
            f"An admin of {project} had a link made for you, with which you choose a new password:"
        ),
        url=url,
        life=RESET_LIFE,
    )


async def _send(
    platform: Platform, to: str, *, subject: str, sentence: str, url: str, life: timedelta
) -> bool | None:
    if platform.mailer is None:
        return None
    end = (
        f"It is good once, for {_hours(life)}. If you did not expect this mail, leave it:"
        " without the link nothing happens."
    )
    escaped = html.escape(url)
    page = (
        '<!doctype html><html lang="en"><body>'
        f'<p>{html.escape(sentence)}</p><p><a href="{escaped}">{escaped}</a></p><p>{end}</p>'
        "</body></html>"
    )
    text = f"{sentence}\n\n{url}\n\n{end}\n"
    return await platform.mailer.send(Mail(to=to, subject=subject, text=text, html=page))


def _project(platform: Platform) -> str:
    """The project's name as it may stand in a subject: one line, not too long."""
    name = " ".join(platform.settings.project_name.split())[:PROJECT_LENGTH_MAX]
    return "".join(character for character in name if character.isprintable()) or "Dango"


def _hours(life: timedelta) -> str:
    hours = life // HOUR
    return "one hour" if hours == 1 else f"{hours} hours"

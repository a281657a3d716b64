"""The notices of a project, wired."""

from collections.abc import Callable

from commands.kernel import Secrets
from commands.mail_ports import Mailer
from commands.policies.notices import NoticePolicy, Waiting
from commands.ports import SecretValues
from commands.schedule_ports import Notifier
from domain.kernel import Recorded
from domain.notifications import Subject
from infra.configuration.project import NotificationsBlock
from infra.notices.send import PlacesNotifier
from infra.views.views import Views
from infra.writer import Writer
from projections import notifications, schedules


def policy(
    writer: Writer,
    views: Views,
    notifier: Notifier,
    event: Callable[[int], Recorded | None],
    base_url: str,
) -> NoticePolicy:
    """What tells people."""

    def queued() -> list[Waiting]:
        return [
            Waiting(
                notice=each.notice,
                place=each.place,
                subject=Subject(each.subject),
                cause=each.cause,
                attempts=each.attempts,
            )
            for each in notifications.queued(views.current)
        ]

    return NoticePolicy(
        writer,
        notifier,
        wanted=lambda: notifications.wanted(views.current),
        config=lambda name: schedules.one(views.current, name),
        event=event,
        queued=queued,
        base_url=base_url,
    )


def notifier(
    vault: Secrets,
    values: SecretValues,
    mailer: Mailer | None,
    views: Views,
    settings: NotificationsBlock,
) -> Notifier:
    """What takes messages to places."""
    return PlacesNotifier(
        vault,
        values,
        mailer,
        wanted=lambda: notifications.wanted(views.current),
        allow_private=settings.allow_private_hosts,
    )

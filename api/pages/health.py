"""/health: whether all is well, where the read models stand, what the workers do."""

from functools import partial
from typing import Any, Final

import msgspec
from litestar import Response

from api import (
    backup_health,
    backups,
    disk_health,
    grant_health,
    health,
    platform_health,
    troubles,
    upkeep,
)
from api.call import Call
from api.pages import disks, forms
from api.platform import Platform
from domain.machine import Level
from projections import disks as measured
from projections import health as summaries
from projections.engine import Reader

MANAGES: Final = "platform.manage"


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The disk that the project lies on, as it was a few seconds ago."""

    free_bytes: int
    total_bytes: int
    low: bool


async def health_page(call: Call) -> Response[str]:
    """Show how the platform is."""
    return await _page(call)


async def rebuild(call: Call, name: str) -> Response[str]:
    """Fold the read models anew."""
    await forms.read(call)
    return await forms.done(upkeep.rebuild_projection(call, name), "/health", partial(_page, call))


async def check(call: Call) -> Response[str]:
    """Fold the read models anew beside those that serve, and show what differs."""
    await forms.read(call)
    return await _page(call, checked=await upkeep.check_projections(call))


async def maintain(call: Call) -> Response[str]:
    """Look after the warehouse's files."""
    await forms.read(call)
    return await forms.done(upkeep.maintain_warehouse(call), "/health", partial(_page, call))


async def back_up(call: Call) -> Response[str]:
    """Make a backup where project.yml says."""
    await forms.read(call)
    return await forms.done(backups.make_backup(call), "/health", partial(_page, call))


async def _page(
    call: Call, refused: Exception | None = None, checked: upkeep.Checked | None = None
) -> Response[str]:
    platform = call.platform
    manages = call.caller.may(MANAGES)
    known = call.caller.role is not None
    workers = platform.workers
    folded = platform.upkeep.status() if manages else []
    return forms.form_page(
        call,
        "health.html",
        "Health",
        refused,
        at="/health",
        service=await health.status(call),
        problems=[said for each in platform.checks if (said := each()) is not None]
        if known
        else [],
        projections=folded,
        unwell=[each["name"] for each in folded if each["status"] != "live" or each["error"]],
        workers=workers() if workers is not None and manages else [],
        watcher=platform.watcher() if platform.watcher is not None and known else None,
        disk=await _disk(platform) if manages else None,
        head=platform.history.head(),
        checked=checked,
        **_keeping(platform, known=known, manages=manages),
        may_manage=manages,
        backs_up=platform.settings.backups_to is not None,
        signed_in=known,
        now=platform.clock(),
    )


def _keeping(platform: Platform, *, known: bool, manages: bool) -> dict[str, Any]:
    """Backups and connected accounts: what is wrong with them, and how each stands."""
    reader = platform_health.reader_now(platform) if known else None
    if reader is None:
        return {"troubles": [], "kept": None, "accounts": [], **_over_time(None)}
    summary = summaries.summary(reader)
    return {
        "troubles": platform_health.of_keeping(platform, reader, summary),
        "kept": backup_health.section(platform, reader, tell=True) if manages else None,
        "accounts": grant_health.section(reader, summary.granted, tell=True) if manages else [],
        **_over_time(reader if manages else None),
    }


def _over_time(reader: Reader | None) -> dict[str, Any]:
    """The disk day by day, and when it will be full."""
    days = [] if reader is None else measured.newest(reader)
    return {
        "forecast": disk_health.section(reader),
        "days": days,
        "curve": disks.curve(days),
        "curve_size": (disks.WIDTH, disks.HEIGHT),
    }


async def _disk(platform: Platform) -> Disk | None:
    if platform.gauges is None:
        return None
    machine = await platform.gauges.machine()
    return Disk(
        free_bytes=machine.disk_free_bytes,
        total_bytes=machine.disk_total_bytes,
        low=troubles.disk_level(machine) is not Level.OK,
    )

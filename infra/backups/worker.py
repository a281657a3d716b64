"""Handler of the kind "backup": makes one, away from the server."""

from datetime import UTC, datetime

import msgspec

from commands import ports
from commands.backups import Made
from infra.backups.create import create
from infra.backups.settings import Make, Settings
from infra.log.move import NotMoved
from infra.log.places import archive, remote
from infra.warehouse.settings import secrets_of
from infra.workers import secrecy
from infra.workers.desk import Desk, Run


def start(config: msgspec.Raw) -> Run:
    """Nothing to warm up: a backup is seldom made."""
    settings = msgspec.json.decode(config, type=Settings)
    own = () if settings.s3 is None else (settings.s3.key, settings.s3.secret)
    key = () if settings.key is None else (settings.key,)
    log = (settings.log, *secrets_of(settings.log)) if remote(settings.log) else ()
    secrecy.hide((*own, *key, *log, *settings.warehouse.secrets()))
    unreadable = archive(settings.log).ERRORS

    def run(raw: msgspec.Raw, desk: Desk) -> Made:
        task = msgspec.json.decode(raw, type=Make)
        try:
            return create(settings, desk, task.to, lambda: datetime.now(UTC))
        except OSError as error:
            name = "" if error.filename is None else f"{error.filename}: "
            raise ports.WorkFailed(f"{name}{error.strerror or type(error).__name__}.") from error
        except NotMoved as error:
            raise ports.WorkFailed(f"{error}.") from error
        except unreadable as error:
            shown = archive(settings.log).shown(settings.log)
            reason = f"{shown} could not be copied ({type(error).__name__})."
            raise ports.WorkFailed(reason, transient=True) from error

    return run

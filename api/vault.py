"""/api/vault: how secrets and personal data are sealed, and new keys for them."""

from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from api.callers import OWNER
from api.errors import Denied
from commands.ports import Progress
from commands.vault import RotateVault, VaultKeys
from projections import vault

SHOWN_MAX: Final = 20  # of the newest rotations
FIRST: Final = 1  # the position at which a project begins
MASTER: Final = (
    "Only the owner of the project, at its command line, may change the master key: backups that"
    " were made before need the old one."
)
ELSEWHERE: Final = "This process keeps no keys."


class RotationBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys are to be new: that of the values; with `master` the one that opens it too."""

    master: bool = False


class RotationJob(msgspec.Struct, frozen=True, kw_only=True):
    """A rotation that was asked for."""

    status: str
    job_id: int


class KeyRows(msgspec.Struct, frozen=True, kw_only=True):
    """How many values are sealed with one key; one that is not `known` opens none of them."""

    key_id: str
    rows: int
    current: bool
    known: bool


class VaultAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the vault is sealed, and the newest rotations, the last one first."""

    key_id: str
    since: datetime | None
    rows: int
    older_rows: int  # that are sealed with another key than the present one
    keys: list[KeyRows]
    master_key: str  # file, environment
    running: vault.Rotation | None
    progress: Progress | None  # of the running one
    rotations: list[vault.Rotation]


async def show_vault(call: Call) -> VaultAnswer:
    """Tell which key seals the vault, since when, and what older keys still seal."""
    sealing = await _keys(call).sealing()
    begun = call.platform.history.get(max(sealing.number, FIRST))
    total, now = sum(sealing.rows.values()), sealing.rows.get(sealing.key_id, 0)
    running = vault.running(call.views)
    return VaultAnswer(
        key_id=sealing.key_id,
        since=None if begun is None else begun[0].at,
        rows=total,
        older_rows=total - now,
        keys=[
            KeyRows(
                key_id=key_id,
                rows=rows,
                current=key_id == sealing.key_id,
                known=key_id in sealing.known,
            )
            for key_id, rows in sorted(sealing.rows.items())
        ],
        master_key="environment" if sealing.master_given else "file",
        running=running,
        progress=None if running is None else sealing.progress,
        rotations=vault.newest(call.views, SHOWN_MAX),
    )


async def rotate_vault(call: Call, data: RotationBody | None = None) -> RotationJob:
    """Seal the vault with a new key, while everything runs."""
    master = data is not None and data.master
    if master and call.caller.via != OWNER:
        raise Denied(403, MASTER)
    outcome = await call.send(RotateVault(master=master, given=_keys(call).master_given))
    return RotationJob(status="started", job_id=outcome.recorded[0].position)


def _keys(call: Call) -> VaultKeys:
    if call.platform.vault_keys is None:
        raise Denied(404, ELSEWHERE)
    return call.platform.vault_keys

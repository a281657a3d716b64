"""An account's second factor: codes that change with time, and codes for when these are lost.

Invariants: each time step is good once, and none that lies before it is good afterwards (RFC 6238
section 5.2); each recovery code is good once; a factor is in force only after a code of it was
given. What follows for sessions stands in factors.py.

Seeds lie in the vault. Recovery codes are random, and events hold their keyed digests alone.
"""

import base64
from datetime import datetime, timedelta
from typing import Final, NewType

import msgspec

from domain import users
from domain.kernel import Event
from domain.users import UserId

STEP_S: Final = 30
SEED_BYTES: Final = 20  # 160 bits, RFC 4226 section 4
SETUP_LIFE: Final = timedelta(minutes=15)
RECOVERY_CODES: Final = 8
RECOVERY_BYTES: Final = 10  # 80 bits, 16 characters of Base32
GROUP: Final = 4  # characters of a recovery code between dashes

FactorId = NewType("FactorId", str)  # names one seed


def steps(at: datetime) -> tuple[int, int]:
    """The time steps whose codes are taken: this one, and the one before for slow people."""
    now = int(at.timestamp()) // STEP_S
    return now, now - 1


def spell(seed: bytes) -> str:
    """The recovery code that some random bytes stand for: `XXXX-XXXX-XXXX-XXXX`."""
    text = base64.b32encode(seed[-RECOVERY_BYTES:]).decode()
    return "-".join(text[n : n + GROUP] for n in range(0, len(text), GROUP))


def canonical(code: str) -> str:
    """A recovery code as it is compared: however people wrote it down."""
    return "".join(character for character in code.upper() if character.isalnum())


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _FactorEvent(Event, frozen=True, kw_only=True):
    user_id: UserId

    def stream(self) -> str:
        return users.tag(self.user_id)


class TotpSetupBegun(_FactorEvent, frozen=True, kw_only=True, tag="totp_setup_begun"):
    """A seed was made and shown; it counts only when a code of it was given."""

    factor_id: FactorId


class TotpEnabled(_FactorEvent, frozen=True, kw_only=True, tag="totp_enabled"):
    """A code was given: the account has a second factor. All sessions that were there end."""

    factor_id: FactorId
    step: int  # of the code that was given, which is spent
    recovery: tuple[str, ...]  # keyed digests


class TotpDisabled(_FactorEvent, frozen=True, kw_only=True, tag="totp_disabled"):
    """The account has no second factor any more. All sessions that were there end."""


class TotpUsed(_FactorEvent, frozen=True, kw_only=True, tag="totp_used"):
    """A code was given and is spent."""

    factor_id: FactorId
    step: int


class RecoveryCodesIssued(_FactorEvent, frozen=True, kw_only=True, tag="recovery_codes_issued"):
    """New recovery codes; those of before are void. All sessions that were there end."""

    recovery: tuple[str, ...]  # keyed digests


class RecoveryCodeUsed(_FactorEvent, frozen=True, kw_only=True, tag="recovery_code_used"):
    """A recovery code was given and is spent."""

    proof: str  # keyed digest


EVENTS: Final[tuple[type[Event], ...]] = (
    TotpSetupBegun,
    TotpEnabled,
    TotpDisabled,
    TotpUsed,
    RecoveryCodesIssued,
    RecoveryCodeUsed,
)
ENDS_SESSIONS: Final = (TotpEnabled, TotpDisabled, RecoveryCodesIssued)


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a code that was given can be: of a step of a seed, a recovery code, or neither."""

    factor_id: FactorId | None = None
    step: int | None = None
    proof: str | None = None  # keyed digest of a recovery code


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """One account's second factor."""

    pending: FactorId | None = None
    enabled: FactorId | None = None
    step: int = 0  # the last that was spent
    recovery: frozenset[str] = frozenset()

    def spent(self, user_id: UserId, code: Code) -> Event | None:
        """What it means that this code is given now; None when it is no good."""
        if self.enabled is None:
            return None
        if code.step is not None and code.factor_id == self.enabled and code.step > self.step:
            return TotpUsed(user_id=user_id, factor_id=self.enabled, step=code.step)
        if code.proof is not None and code.proof in self.recovery:
            return RecoveryCodeUsed(user_id=user_id, proof=code.proof)
        return None


def evolve(factor: Factor, event: Event) -> Factor:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case TotpSetupBegun(factor_id=pending):
            return replace(factor, pending=pending)
        case TotpEnabled(factor_id=enabled, step=step, recovery=recovery):
            return Factor(enabled=enabled, step=step, recovery=frozenset(recovery))
        case TotpDisabled() | users.UserDeleted():
            return Factor()
        case TotpUsed(step=step):
            return replace(factor, step=step)
        case RecoveryCodesIssued(recovery=recovery):
            return replace(factor, recovery=frozenset(recovery))
        case RecoveryCodeUsed(proof=proof):
            return replace(factor, recovery=factor.recovery - {proof})
        case _:
            return factor

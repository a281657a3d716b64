"""The intents around second factors."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from commands.sessions import CLIENT, NewSession
from domain import factors, sessions, totp
from domain.kernel import Boundary, Decider, Event
from domain.sessions import Method, SessionId
from domain.totp import Code, FactorId
from domain.users import Credential, UserId

# What the vault keeps under a user's id.
SEED: Final = "totp"
PENDING: Final = "totp_pending"  # a seed that was shown, with its recovery codes
RECOVERY: Final = "recovery_code"  # the kind of digest that proves a recovery code


class BeginTotpSetup(Command, frozen=True, kw_only=True):
    """Make a seed known; `pending` is what the vault keeps of it, until `expires_at`."""

    user_id: UserId
    session_id: SessionId  # in which the password was given
    factor_id: FactorId
    verified: Credential
    pending: bytes
    expires_at: datetime
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(PENDING, self.user_id, self.pending, self.expires_at),)


class _Renewing(Command, frozen=True, kw_only=True):
    """It ends all sessions of a user, and goes on with a new one."""

    user_id: UserId
    email_digest: str
    session_id: SessionId  # in which it was asked for
    session: NewSession
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (self.session.keep(self.user_id),)

    def started(self) -> sessions.SessionStarted:
        """The event of the new session."""
        return self.session.started(self.user_id, self.email_digest, Method.FACTOR_CHANGE)


class EnableTotp(_Renewing, frozen=True, kw_only=True):
    """Put a seed in force: a code of this step was given."""

    factor_id: FactorId
    step: int
    recovery: tuple[str, ...]  # keyed digests
    seed: bytes

    def vault(self) -> tuple[Keep | Forget, ...]:
        seed = Keep(SEED, self.user_id, self.seed)
        return (*super().vault(), seed, Forget(PENDING, self.user_id))


class DisableTotp(_Renewing, frozen=True, kw_only=True):
    """Do without a second factor."""

    verified: Credential
    code: Code | None = None  # None: none was given

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (*super().vault(), Forget(SEED, self.user_id))


class RegenerateRecoveryCodes(_Renewing, frozen=True, kw_only=True):
    """Replace the recovery codes."""

    verified: Credential
    code: Code
    recovery: tuple[str, ...]  # keyed digests


class VerifySecondFactor(Command, frozen=True, kw_only=True):
    """Turn a partial session into a session."""

    user_id: UserId
    email_digest: str
    partial_id: SessionId
    code: Code
    session: NewSession
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (self.session.keep(self.user_id), Forget(CLIENT, self.partial_id))


FactorCommand = (
    BeginTotpSetup | EnableTotp | DisableTotp | RegenerateRecoveryCodes | VerifySecondFactor
)


def boundary(command: FactorCommand) -> Boundary:
    """What counts."""
    if isinstance(command, VerifySecondFactor):
        return sessions.login(command.user_id, command.email_digest, command.at)
    return sessions.guarded(command.user_id, command.session_id)


def decide(state: sessions.Sessions, command: FactorCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case BeginTotpSetup(user_id=user, factor_id=factor):
            begun = totp.TotpSetupBegun(user_id=user, factor_id=factor)
            return factors.begin(state, begun, command.verified, command.at)
        case EnableTotp():
            enabled = totp.TotpEnabled(
                user_id=command.user_id,
                factor_id=command.factor_id,
                step=command.step,
                recovery=command.recovery,
            )
            return factors.enable(state, enabled, command.started(), command.at)
        case DisableTotp():
            return factors.disable(
                state,
                totp.TotpDisabled(user_id=command.user_id),
                command.started(),
                verified=command.verified,
                code=command.code,
                at=command.at,
            )
        case RegenerateRecoveryCodes(user_id=user, recovery=recovery):
            return factors.regenerate(
                state,
                totp.RecoveryCodesIssued(user_id=user, recovery=recovery),
                command.started(),
                verified=command.verified,
                code=command.code,
                at=command.at,
            )
        case VerifySecondFactor():
            return _verify(state, command)
        case _:
            assert_never(command)


def _verify(state: sessions.Sessions, command: VerifySecondFactor) -> Sequence[Event]:
    method = Method.RECOVERY_CODE if command.code.step is None else Method.TOTP
    started = command.session.started(command.user_id, command.email_digest, method)
    return factors.verify(state, command.partial_id, command.code, started, command.at)


_DECIDER: Final = Decider(
    initial=sessions.Sessions(), boundary=boundary, evolve=sessions.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    BeginTotpSetup: _DECIDER,
    EnableTotp: _DECIDER,
    DisableTotp: _DECIDER,
    RegenerateRecoveryCodes: _DECIDER,
    VerifySecondFactor: _DECIDER,
}

"""/api/auth/2fa: second factors: set up, given at a login, taken away."""

import base64
from typing import Annotated, Final

import msgspec

from api import sessions as own
from api import totp
from api import users as accounts
from api.auth import LoggedIn, Secret, logged_in, prove_again
from api.call import Call, Done
from commands.factors import (
    PENDING,
    RECOVERY,
    SEED,
    BeginTotpSetup,
    DisableTotp,
    EnableTotp,
    RegenerateRecoveryCodes,
    VerifySecondFactor,
)
from commands.sessions import FailCurrentPassword, FailLogin
from domain import totp as rules
from domain.factors import BadCode, CodeWrong, FactorThere, NoSetup, PartialSessionOver
from domain.guesses import heard
from domain.sessions import Given
from domain.totp import Code, FactorId
from projections import sessions, users
from projections.users import Account

CODE_LENGTH_MAX: Final = 64  # characters, of either kind of code as people write it
DIGITS: Final = 6  # of a code that changes with time

CodeText = Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX)]


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """What the vault keeps of a factor; `codes` only until it is in force."""

    factor_id: FactorId
    secret: str
    codes: tuple[str, ...] = ()


class Password(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a setup."""

    password: Secret


class SetupCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a setup's end."""

    code: CodeText


class LoginCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a login's second step; the two kinds of code are told apart without a word."""

    code: CodeText
    is_recovery: bool = False


class Disabling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a disabling; a code that is given must be right."""

    password: Secret
    code: CodeText | None = None


class Regeneration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a regeneration."""

    password: Secret
    code: CodeText


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A seed, and the codes for when it is lost: they count once a code of it was given."""

    secret: str
    provisioning_uri: str
    qr_svg: str
    recovery_codes: tuple[str, ...]


class Enabled(msgspec.Struct, frozen=True, kw_only=True):
    """The factor is in force; its recovery codes are shown this last time."""

    success: bool = True
    recovery_codes: tuple[str, ...]


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """New recovery codes, shown once."""

    recovery_codes: tuple[str, ...]


async def set_up(call: Call, data: Password) -> Setup:
    """Begin 2FA setup: verifies the password, makes secret and recovery codes."""
    if own.own_account(call).totp:
        raise FactorThere
    proved, platform = await prove_again(call, data.password), call.platform
    seed = Seed(
        factor_id=FactorId(platform.new_id()),
        secret=totp.secret(_random(call)),
        codes=tuple(rules.spell(_random(call)) for _ in range(rules.RECOVERY_CODES)),
    )
    now, user_id = platform.clock(), proved.account.user_id
    await call.send(
        BeginTotpSetup(
            user_id=user_id,
            session_id=own.own_session(call),
            factor_id=seed.factor_id,
            verified=proved.credential,
            pending=msgspec.json.encode(seed),
            expires_at=now + rules.SETUP_LIFE,
            at=now,
        )
    )
    uri = totp.uri(seed.secret, accounts.email_of(user_id, platform))
    return Setup(
        secret=seed.secret,
        provisioning_uri=uri,
        qr_svg=totp.qr_svg(uri),
        recovery_codes=seed.codes,
    )


async def verify_setup(call: Call, data: SetupCode) -> Enabled:
    """Complete 2FA setup with a code of the app; all other sessions end."""
    platform, account = call.platform, own.own_account(call)
    if account.totp:
        raise FactorThere
    seed = _seed(call, PENDING, account)
    if seed is None:
        raise NoSetup
    _be_heard(call)
    step = totp.step_of(seed.secret, _digits(data.code), platform.clock())
    if step is None:
        await _fail_code(call, account)
        raise CodeWrong
    begun = own.prepare(call, account)
    await call.send(
        EnableTotp(
            user_id=account.user_id,
            email_digest=account.email_digest,
            session_id=own.own_session(call),
            session=begun.session,
            factor_id=seed.factor_id,
            step=step,
            recovery=_proofs(call, account, seed.codes),
            seed=msgspec.json.encode(msgspec.structs.replace(seed, codes=())),
            at=platform.clock(),
        )
    )
    own.give(call, begun)
    return Enabled(recovery_codes=seed.codes)


async def verify(call: Call, data: LoginCode) -> LoggedIn:
    """Complete a login with a TOTP or recovery code; sets the session cookie."""
    platform, partial = call.platform, call.caller.partial
    account = None if partial is None else users.one(call.views, partial.user_id)
    if partial is None or account is None:
        raise PartialSessionOver
    source = own.place_of(call, account.email_digest, account.guesses)
    with platform.attempts.counted(source, account.guesses, platform.clock()):
        begun = own.prepare(call, account)
        command = VerifySecondFactor(
            user_id=account.user_id,
            email_digest=account.email_digest,
            partial_id=partial.session_id,
            code=_code(call, account, data.code),
            session=begun.session,
            at=platform.clock(),
        )
        nobody, call.caller = call.caller, own.caller_in(begun.session, account)
        try:
            await call.send(command)
        except BadCode:
            call.caller = nobody
            await call.send(
                FailLogin(
                    attempt=platform.new_id(),
                    email_digest=account.email_digest,
                    user_id=account.user_id,
                    network=source.network,
                    unheard=platform.attempts.unheard(),
                    given=Given.CODE,
                    session_id=partial.session_id,
                    at=platform.clock(),
                )
            )
            raise
    own.give(call, begun)
    return logged_in(call, account)


async def disable(call: Call, data: Disabling) -> Done:
    """Disable 2FA; all other sessions end."""
    proved, platform = await prove_again(call, data.password), call.platform
    account = proved.account
    begun = own.prepare(call, account)
    command = DisableTotp(
        user_id=account.user_id,
        email_digest=account.email_digest,
        session_id=own.own_session(call),
        session=begun.session,
        verified=proved.credential,
        code=None if data.code is None else _code(call, account, data.code),
        at=platform.clock(),
    )
    await _confirmed(call, command, account)
    own.give(call, begun)
    return Done()


async def regenerate(call: Call, data: Regeneration) -> RecoveryCodes:
    """Regenerate recovery codes; takes password and code, all other sessions end."""
    proved, platform = await prove_again(call, data.password), call.platform
    account = proved.account
    codes = tuple(rules.spell(_random(call)) for _ in range(rules.RECOVERY_CODES))
    begun = own.prepare(call, account)
    command = RegenerateRecoveryCodes(
        user_id=account.user_id,
        email_digest=account.email_digest,
        session_id=own.own_session(call),
        session=begun.session,
        verified=proved.credential,
        code=_code(call, account, data.code),
        recovery=_proofs(call, account, codes),
        at=platform.clock(),
    )
    await _confirmed(call, command, account)
    own.give(call, begun)
    return RecoveryCodes(recovery_codes=codes)


async def _confirmed(
    call: Call, command: DisableTotp | RegenerateRecoveryCodes, account: Account
) -> None:
    try:
        await call.send(command)
    except CodeWrong:
        await _fail_code(call, account)
        raise


async def _fail_code(call: Call, account: Account) -> None:
    """Count a wrong code of somebody who is logged in."""
    await call.send(
        FailCurrentPassword(
            attempt=call.platform.new_id(),
            session_id=own.own_session(call),
            user_id=account.user_id,
            given=Given.CODE,
            at=call.platform.clock(),
        )
    )


def _be_heard(call: Call) -> None:
    now = call.platform.clock()
    heard(sessions.wrong(call.views, own.own_session(call)).until(now), now)


def _code(call: Call, account: Account, text: str) -> Code:
    """What a code that somebody typed can be; whether it is good is not decided here."""
    digits, seed = _digits(text), _seed(call, SEED, account)
    if seed is not None and len(digits) == DIGITS:
        step = totp.step_of(seed.secret, digits, call.platform.clock())
        return Code() if step is None else Code(factor_id=seed.factor_id, step=step)
    return Code(proof=_proof(call, account, text))


def _digits(text: str) -> str:
    """Apps show `123 456`."""
    return "".join(text.split())


def _seed(call: Call, kind: str, account: Account) -> Seed | None:
    sealed = call.platform.secrets.read(kind, account.user_id)
    return None if sealed is None else msgspec.json.decode(sealed, type=Seed)


def _proofs(call: Call, account: Account, codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_proof(call, account, code) for code in codes)


def _proof(call: Call, account: Account, code: str) -> str:
    """What is stored of a recovery code."""
    value = f"{account.user_id}:{rules.canonical(code)}"
    return call.platform.secrets.digest(RECOVERY, value)


def _random(call: Call) -> bytes:
    token = call.platform.new_token()
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

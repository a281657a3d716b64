"""The intents around API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from domain import api_keys
from domain.api_keys import KeyId
from domain.kernel import Boundary, Decider, Event
from domain.users import UserId

NAME: Final = "api_key_name"  # the vault's kind of what a user called a key
DIGEST: Final = "api_key"  # the kind of digest that proves a key


class CreateApiKey(Command, frozen=True, kw_only=True):
    """Make a key; `proof` is the keyed digest of its SHA-256."""

    key_id: KeyId
    user_id: UserId
    name: str
    proof: str
    prefix: str
    expires_at: datetime | None = None
    permissions: tuple[str, ...] | None = None  # None: all that its owner has
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(NAME, self.key_id, self.name.encode(), owner=self.user_id),)


class RevokeApiKey(Command, frozen=True, kw_only=True):
    """Take one of the user's own keys back. Its name stays, for looking at the past."""

    key_id: KeyId
    user_id: UserId


KeyCommand = CreateApiKey | RevokeApiKey


def boundary(command: KeyCommand) -> Boundary:
    """What counts."""
    match command:
        case CreateApiKey():
            return api_keys.of_user(command.user_id)
        case RevokeApiKey():
            return api_keys.one(command.key_id, command.user_id)
        case _:
            assert_never(command)


def decide(state: api_keys.ApiKeys, command: KeyCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case CreateApiKey():
            created = api_keys.ApiKeyCreated(
                key_id=command.key_id,
                user_id=command.user_id,
                proof=command.proof,
                prefix=command.prefix,
                expires_at=command.expires_at,
                permissions=command.permissions,
            )
            return api_keys.create(state, created, command.at)
        case RevokeApiKey():
            return api_keys.revoke(state, command.key_id, command.user_id)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=api_keys.ApiKeys(), boundary=boundary, evolve=api_keys.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    CreateApiKey: _DECIDER,
    RevokeApiKey: _DECIDER,
}

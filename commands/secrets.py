"""The intents around secrets. Values go to the vault, and to nothing else."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

import msgspec

from commands.kernel import Command, Forget, Keep
from domain import secrets
from domain.kernel import Decider, Event

VALUE: Final = "secret"  # the vault's kind of a secret's value, and the kind of digest of it


class SetSecret(Command, frozen=True, kw_only=True):
    """Give a secret a value; `proof` is the keyed digest of name and value."""

    secret: str
    value: bytes
    proof: str

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(VALUE, self.secret, self.value),)


class RemoveSecret(Command, frozen=True, kw_only=True):
    """Take a secret away."""

    secret: str

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(VALUE, self.secret),)


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of one secret."""

    secret: str
    value: bytes


class ImportSecrets(Command, frozen=True, kw_only=True):
    """Take over what a `.env` says, of names that are free."""

    values: tuple[Value, ...]
    file: str = ".env"

    def vault(self) -> tuple[Keep | Forget, ...]:
        return tuple(Keep(VALUE, each.secret, each.value) for each in self.values)


SecretCommand = SetSecret | RemoveSecret | ImportSecrets


def decide(state: secrets.Secrets, command: SecretCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case SetSecret():
            wanted = secrets.SecretSet(variable=command.secret, proof=command.proof)
            return secrets.put(state, wanted, len(command.value))
        case RemoveSecret():
            return secrets.remove(state, command.secret)
        case ImportSecrets():
            names = tuple(dict.fromkeys(each.secret for each in command.values))
            imported = secrets.SecretsImported(variables=names, file=command.file)
            return secrets.take_over(state, imported)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=secrets.Secrets(),
    boundary=lambda _: secrets.boundary(),
    evolve=secrets.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    SetSecret: _DECIDER,
    RemoveSecret: _DECIDER,
    ImportSecrets: _DECIDER,
}

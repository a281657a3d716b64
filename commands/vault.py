"""The intents around the keys of the vault, and what changes them: `infra` has it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, assert_never

import msgspec

from commands.kernel import Command
from commands.ports import OnProgress, Progress
from domain import vault
from domain.kernel import Decider, Event


class RotateVault(Command, frozen=True, kw_only=True):
    """Change the keys; `given` tells that the master key comes from outside."""

    master: bool = False
    given: bool = False


class EndVaultRotation(Command, frozen=True, kw_only=True):
    """It has ended like this."""

    ending: vault.VaultRotated | vault.VaultRotationFailed


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The key that all is sealed with now, and how many rows were sealed anew."""

    key_id: str
    rows: int


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """How the vault is sealed; `number` is the job that made the key, 0 that of the beginning."""

    key_id: str
    number: int
    rows: Mapping[str, int]  # by the id of their key
    known: frozenset[str]  # the ids of the keys that are there
    master_given: bool  # the master key comes from the environment
    progress: Progress | None = None  # of the rotation that goes on


class VaultKeys(Protocol):
    """Changes the keys of the vault while everything runs."""

    @property
    def master_given(self) -> bool:
        """Whether the master key comes from outside, and cannot be changed here."""
        ...

    async def rotate(self, job: int, *, master: bool, on_progress: OnProgress) -> Rotated:
        """Seal all with a new key, that of the job. Doing it again goes on. Raises WorkFailed."""
        ...

    async def sealing(self) -> Sealing:
        """How it stands."""
        ...


VaultCommand = RotateVault | EndVaultRotation


def decide(state: vault.Rotations, command: VaultCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RotateVault():
            return vault.request(state, master=command.master, given=command.given)
        case EndVaultRotation():
            return vault.end(state, command.ending)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=vault.Rotations(),
    boundary=lambda _: vault.boundary(),
    evolve=vault.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RotateVault: _DECIDER,
    EndVaultRotation: _DECIDER,
}

"""Taking what the configuration says about columns."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from commands.kernel import Command, Forget, Keep, Secrets
from domain import pii_overrides
from domain.kernel import Decider, Event
from domain.pii_overrides import Key, Override, Wish

TEXTS: Final = "pii_overrides"  # kind in the vault; the id of all of them is the file's name

_texts: Final = msgspec.json.Decoder(tuple[Wish, ...])


class ApplyPiiOverrides(Command, frozen=True, kw_only=True):
    """pii-overrides.yml reads like this now; `texts` are its wishes as JSON."""

    overrides: tuple[Override, ...]
    texts: bytes

    def vault(self) -> tuple[Keep | Forget, ...]:
        """Who said it, when and why."""
        return (Keep(TEXTS, pii_overrides.FILE, self.texts),)


def applying(wishes: Sequence[Wish], digest: Callable[[str, str], str]) -> ApplyPiiOverrides:
    """The command for what a file says."""
    overrides = tuple(
        Override(
            source=wish.source,
            table=wish.table,
            column=wish.column,
            status=wish.status,
            proof=digest(TEXTS, f"{wish.reason}\0{wish.set_by}\0{wish.updated_at}"),
        )
        for wish in wishes
        if wish.status is not None
    )
    return ApplyPiiOverrides(overrides=overrides, texts=msgspec.json.encode(wishes))


def told(secrets: Secrets) -> dict[Key, Wish]:
    """Who said what, when and why, as the vault has it."""
    value = secrets.read(TEXTS, pii_overrides.FILE)
    return {wish.key: wish for wish in (_texts.decode(value) if value else ())}


def decide(state: pii_overrides.Overrides, command: ApplyPiiOverrides) -> Sequence[Event]:
    """Choose the decision."""
    return pii_overrides.apply(state, command.overrides)


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    ApplyPiiOverrides: Decider(
        initial=pii_overrides.Overrides(),
        boundary=lambda _: pii_overrides.boundary(),
        evolve=pii_overrides.evolve,
        decide=decide,
    ),
}

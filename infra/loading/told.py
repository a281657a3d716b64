"""What a source's block says, with its secrets in their places: for the length of one load."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from commands import ports
from domain.source_types import secret
from infra.workers import secrecy

_LOOKBACK: Final = "lookback_days"

T = TypeVar("T", bound=msgspec.Struct)


def block(load: ports.Load, kind: type[T], *, spell: Callable[[str], str] = str) -> T:
    """Give the block of a load. `spell` writes a secret as the place that it goes to wants it.

    Raises WorkRefused when a secret is not set, or stands in the file itself.
    """
    secrecy.hide(load.secrets.values())
    if path := _masked(load.options):
        reason = (
            f"{path} stands in sources.yml itself. Put it into the vault"
            " (dango secrets set NAME) and write ${NAME} in its place."
        )
        raise ports.WorkRefused(reason)
    values = {name: spell(value) for name, value in load.secrets.items()}
    try:
        return _looking_back(load, msgspec.convert(secret.filled(load.options, values), kind))
    except KeyError as missing:
        raise ports.WorkRefused(secret.UNSET.format(missing.args[0])) from None
    except msgspec.ValidationError as error:
        where = str(error).rpartition(" - at ")[2]
        raise ports.WorkRefused(f"The source's settings are not right at {where}.") from None


def _looking_back(load: ports.Load, found: T) -> T:
    """Of days to be read again, a block that says nothing itself has those of its source."""
    field = next((f for f in msgspec.structs.fields(found) if f.name == _LOOKBACK), None)
    if field is None or load.lookback_days is None:
        return found
    if getattr(found, _LOOKBACK) != field.default:
        return found
    return msgspec.structs.replace(found, **{_LOOKBACK: load.lookback_days})


def _masked(value: Any, path: str = "") -> str:
    """Name the first value that is masked."""
    match value:
        case secret.MASK:
            return path
        case dict():
            found = (_masked(item, f"{path}.{key}".lstrip(".")) for key, item in value.items())
        case list() | tuple():
            found = (_masked(item, f"{path}[{number}]") for number, item in enumerate(value))
        case _:
            return ""
    return next((one for one in found if one), "")

"""What actors are called on a page, as far as the caller may know it."""

from typing import Final

from api import users as accounts
from api.call import Call
from commands.users import DISPLAY_NAME

ID_SHOWN: Final = 8  # characters
ITSELF: Final = ("policy", "system")  # what follows from events, or from the time
UNNAMED: Final = "(deleted user)"


def own_name(call: Call) -> str:
    """The caller's name."""
    caller = call.caller
    if caller.user_id is None:
        return caller.actor.removeprefix("cli:")
    return _name(call, caller.user_id) or caller.user_id


def label(call: Call, actor: str) -> str:
    """An actor: `you`, a name for those who may see users, else a shortened id."""
    kind, _, name = actor.partition(":")
    if kind in ITSELF:
        return f"Dango ({name.replace('_', ' ')})"
    if kind == "cli":
        return f"{name}, command line"
    if kind != "user":
        return actor
    if name == call.caller.user_id:
        return "you"
    if call.caller.may("users.view"):
        return _name(call, name) or UNNAMED
    return f"user {name[:ID_SHOWN]}"


def _name(call: Call, user_id: str) -> str:
    name = call.platform.secrets.read(DISPLAY_NAME, user_id)
    if name:
        return name.decode()
    return accounts.email_of(user_id, call.platform)

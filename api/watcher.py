"""GET /api/watcher/status: whether dropped files are noticed, and what is about to be synced."""

import msgspec

from api.call import Call
from api.platform import WatcherStatus


async def watcher_status(call: Call) -> WatcherStatus:
    """Tell whether dropped files are noticed, and how."""
    watcher = call.platform.watcher
    status = WatcherStatus() if watcher is None else watcher()
    if call.caller.role is None:  # anonymous callers see no configuration
        hidden = ("watch_patterns", "watch_directories", "pending", "looked_at")
        status = msgspec.structs.replace(status, pid=None, **dict.fromkeys(hidden, ()))
    return status

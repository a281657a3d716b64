"""GET /api/watcher/status: whether dropped files are noticed, and what is about to be synced."""

from api.call import Call
from api.platform import WatcherStatus


async def watcher_status(call: Call) -> WatcherStatus:
    """Tell whether dropped files are noticed, and how."""
    watcher = call.platform.watcher
    return WatcherStatus() if watcher is None else watcher()

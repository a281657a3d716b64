"""What the watcher tells over HTTP, and to whom."""

from api.platform import HttpSettings, LookedAt, WatcherStatus
from tests.api.access import Server

REASON = "The system lets no more folders be listened to."


def test_which_sources_are_looked_at_is_told_to_who_may_read_of_them(tmp_path):
    server = Server(tmp_path, settings=HttpSettings(anonymous_reads="true"))
    status = WatcherStatus(
        running=True,
        pid=7,
        watched_folders=3,
        looked_at=(LookedAt(source="orders", reason=REASON),),
        pending=("orders",),
    )
    object.__setattr__(server.platform, "watcher", lambda: status)

    async def story():
        admin, stranger = await server.logged_in(), server.client()
        told = [(await each.get("/api/watcher/status")).json() for each in (admin, stranger)]
        assert [3, 3] == [each["watched_folders"] for each in told]
        assert [[{"source": "orders", "reason": REASON}], []] == [e["looked_at"] for e in told]
        assert [(7, ["orders"]), (None, [])] == [(each["pid"], each["pending"]) for each in told]

    server.run(story)

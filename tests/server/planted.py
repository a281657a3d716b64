"""A server with defects planted in its route table: what the probes must notice.

`/api/events` is open to anybody, and `/api/planted` raises.
"""

import sys

import msgspec

from api import routes
from api.call import Call
from api.callers import PUBLIC
from api.table import get


async def planted(call: Call) -> None:
    """Fail as a bug would."""
    raise ZeroDivisionError(call.route.path)


ROUTE = get("/api/planted", PUBLIC, planted)

if __name__ == "__main__":
    opened = tuple(
        msgspec.structs.replace(route, access=PUBLIC) if route.path == "/api/events" else route
        for route in routes.ROUTES
    )
    routes.ROUTES = (*opened, ROUTE)  # before the application takes them
    from infra.main import main

    sys.exit(main())

"""What was put on the server, and when."""

from datetime import datetime
from typing import Final

import msgspec

from domain.deployments import Deployment, DeploymentRecorded
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

DEPLOYMENTS: Final = Table(
    name="deployments",
    columns={
        "position": "INTEGER NOT NULL",
        "at": "TEXT NOT NULL",
        "by": "TEXT NOT NULL",
        "told": "TEXT NOT NULL",  # domain.deployments.Deployment as JSON
    },
    key=("position",),
    grows="position",
)
_told: Final = msgspec.json.Decoder(Deployment)


def _recorded(rows: Rows, e: DeploymentRecorded, r: Recorded) -> None:
    told = msgspec.json.encode(e.told).decode()
    rows.put(DEPLOYMENTS, position=r.position, at=stamp(r.at), by=r.actor, told=told)


PROJECTION: Final = Projection(
    name="deployments", tables=(DEPLOYMENTS,), on={DeploymentRecorded: _recorded}
)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment, who recorded it, and when."""

    at: datetime
    by: str
    told: Deployment


def newest(reader: Reader, limit: int) -> list[Known]:
    """The newest first."""
    rows = reader.rows(
        'SELECT at, "by", told FROM deployments ORDER BY position DESC LIMIT :limit', limit=limit
    )
    return [
        Known(at=datetime.fromisoformat(at), by=by, told=_told.decode(told))
        for at, by, told in rows
    ]

"""Looking after what was derived: projections, and the warehouse's files."""

from typing import Any

import msgspec

from api.call import Call
from api.errors import Denied
from commands.upkeep import RequestMaintenance


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """The views were folded anew; all projections share one file, so all of them were."""

    status: str
    position: int
    projections: list[str]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a new fold gives the rows that are served."""

    equal: bool
    differences: list[str]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work that was asked for."""

    status: str
    job_id: int


async def list_projections(call: Call) -> dict[str, list[dict[str, Any]]]:
    """Tell which projections there are, where they stand and what they take up."""
    return {"projections": call.platform.upkeep.status()}


async def rebuild_projection(call: Call, name: str) -> Rebuilt:
    """Fold a projection anew while the old rows serve, then swap."""
    names = [row["name"] for row in call.platform.upkeep.status()]
    if name not in (*names, "all"):
        raise Denied(404, f"Projection '{name}' not found.")
    call.position = position = await call.platform.upkeep.rebuild()
    return Rebuilt(status="rebuilt", position=position, projections=names)


async def check_projections(call: Call) -> Checked:
    """Fold all projections anew beside those that serve, and compare row by row."""
    differences = await call.platform.upkeep.check()
    return Checked(equal=not differences, differences=differences)


async def maintain_warehouse(call: Call) -> Job:
    """Merge small files, expire old snapshots, remove what nobody needs."""
    outcome = await call.send(RequestMaintenance())
    return Job(status="started", job_id=outcome.recorded[0].position)

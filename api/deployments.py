"""/api/deployments: what was put on the server, as whatever put it there has recorded."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from api.call import Call
from commands.deployments import RecordDeployment
from domain.deployments import MODELS_MAX, Deployment
from projections import deployments
from projections.deployments import Known

ROWS: Final = 20
ROWS_MAX: Final = 100

Text = Annotated[str, msgspec.Meta(max_length=200)]
Models = Annotated[tuple[Text, ...], msgspec.Meta(max_length=MODELS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class DeploymentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be recorded."""

    success: bool = True
    version: Text | None = None
    git_commit: Text | None = None
    git_branch: Text | None = None
    git_clean: bool | None = None
    files_synced: Count | None = None
    models_changed: Models = ()
    models_added: Models = ()
    models_removed: Models = ()
    duration_seconds: Seconds | None = None
    dry_run: bool = False


class DeploymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment; `deployer` is who recorded it. Why one failed is in the deployer's own log."""

    timestamp: datetime
    deployer: str
    success: bool
    git_commit: str | None
    git_branch: str | None
    git_clean: bool | None
    dango_version: str | None
    files_synced: int | None
    models_changed: tuple[str, ...]
    models_added: tuple[str, ...]
    models_removed: tuple[str, ...]
    duration_seconds: float | None
    dry_run: bool
    error: None = None


class DeploymentList(msgspec.Struct, frozen=True, kw_only=True):
    """Deployments, the newest first."""

    deployments: list[DeploymentView]


async def history(call: Call, limit: int = ROWS) -> DeploymentList:
    """List what was put on the server, newest first; nothing, when nobody recorded it."""
    wanted = min(max(limit, 1), ROWS_MAX)
    found = deployments.newest(call.views, wanted)
    return DeploymentList(deployments=[_view(each) for each in found])


async def record(call: Call, data: DeploymentBody) -> DeploymentView:
    """Record what was put on the server, or that it was tried."""
    told = Deployment(
        success=data.success,
        version=data.version or call.platform.version,
        commit=data.git_commit,
        branch=data.git_branch,
        clean=data.git_clean,
        files=data.files_synced,
        models_changed=data.models_changed,
        models_added=data.models_added,
        models_removed=data.models_removed,
        duration_s=data.duration_seconds,
        dry_run=data.dry_run,
    )
    outcome = await call.send(RecordDeployment(deployment=call.platform.new_id(), told=told))
    recorded = outcome.recorded[0]
    return _view(Known(at=recorded.at, by=recorded.actor, told=told))


def _view(known: Known) -> DeploymentView:
    told = known.told
    return DeploymentView(
        timestamp=known.at,
        deployer=known.by,
        success=told.success,
        git_commit=told.commit,
        git_branch=told.branch,
        git_clean=told.clean,
        dango_version=told.version,
        files_synced=told.files,
        models_changed=told.models_changed,
        models_added=told.models_added,
        models_removed=told.models_removed,
        duration_seconds=told.duration_s,
        dry_run=told.dry_run,
    )

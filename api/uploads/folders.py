"""What handing in and taking away share: the source, its folder, and the sync that may follow."""

from api.call import Call
from api.errors import Denied
from commands.syncs import RequestSync
from commands.upload_ports import Uploads
from domain.kernel import Refused
from domain.sources import Source, SourceMissing
from domain.uploads import takes
from projections import sources


async def sync(call: Call, source: str) -> tuple[int | None, str]:
    """Ask for a sync; the file is there, whatever becomes of it."""
    if not call.caller.may("source.sync"):
        return None, " - no sync: permission denied: source.sync"
    try:
        outcome = await call.send(RequestSync(sources=(source,)))
    except Refused as refused:
        return None, f" - no sync: {refused.detail}"
    return outcome.recorded[0].position, " - Sync started."


def source_of(call: Call, name: str) -> Source:
    """A source that files can be handed in for. Raises SourceMissing, NoFileSource."""
    found = sources.one(call.views, name)
    if found is None:
        raise SourceMissing(name)
    takes(found.config)
    return found.config


def desk(call: Call) -> Uploads:
    """Where the files of sources are. Raises Denied, 503."""
    found = call.platform.uploads
    if found is None:
        raise Denied(503, "This process keeps no files.", retry_after=10)
    return found

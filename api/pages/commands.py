"""What the forms of the pages do: the same commands as the API's, under the same guard."""

from litestar import Response

from api import syncs
from api.call import Call
from api.pages import render


async def sync_source(call: Call, source_name: str) -> Response[str]:
    """Sync a source, and go back to the overview."""
    await syncs.sync_source(call, source_name)
    return render.see_other("/")

"""/governance: what needs somebody, how columns changed, which of them tell of persons."""

from functools import partial
from typing import Any

from litestar import Response

from api import governance, pii
from api.call import Call
from api.pages import forms
from projections import pii as findings
from projections import sources


async def governance_page(call: Call) -> Response[str]:
    """Show what needs somebody."""
    return await _page(call)


async def override(call: Call) -> Response[str]:
    """Say whether a column tells of persons."""
    given: dict[str, Any] = {**(await forms.filled(call))}
    given.setdefault("pii_status", None)
    return await forms.sent(
        partial(pii.put_overrides, call),
        pii.OverridesBody,
        {"overrides": [given]},
        "/governance",
        partial(_page, call),
    )


async def scan(call: Call) -> Response[str]:
    """Look for personal data."""
    given = await forms.filled(call)
    return await forms.sent(
        partial(pii.scan, call), pii.ScanBody, given, "/governance", partial(_page, call)
    )


async def _page(call: Call, refused: Exception | None = None) -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    said = {
        (each.source, each.table.casefold(), each.column.casefold()): each.status
        for each in findings.overrides(call.views)
    }
    found = (await pii.list_findings(call, limit=governance.ROWS_MAX)).findings
    names = {(f.source, f.table_name.casefold(), f.column_name.casefold()) for f in found}
    now = call.as_of is None
    return forms.form_page(
        call,
        "governance.html",
        "Governance",
        refused,
        at="/governance",
        attention=await governance.list_attention(call),
        drift=await governance.list_drift(call),
        findings=[
            (each, said.get((each.source, each.table_name.casefold(), each.column_name.casefold())))
            for each in found
        ],
        words=[(key, status) for key, status in sorted(said.items()) if key not in names],
        # Who said it and why is the vault's, which keeps no past.
        overrides=(await pii.list_overrides(call)).overrides if now else [],
        sources=[health.config.name for health in sources.every(call.views) if health.tables],
        may_manage=now and call.caller.may("governance.manage"),
        now=call.views.now,
    )

"""/api/auth/identities: the logins at other places that open one's account."""

from datetime import datetime

import msgspec

from api.call import Call, Done
from api.sessions import own_account, own_session
from commands.identities import UnlinkIdentity
from domain.identities import IdentityMissing, Provider
from projections import identities


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """One login; its provider's name for the person is not kept, but as the digest that is `id`."""

    id: str
    provider: Provider
    linked_at: datetime


async def list_identities(call: Call) -> list[IdentityView]:
    """List the logins at other places that open one's account."""
    return [
        IdentityView(id=found.identity, provider=found.provider, linked_at=found.linked_at)
        for found in identities.of_user(call.views, own_account(call).user_id)
    ]


async def unlink_identity(call: Call, identity_id: str) -> Done:
    """Unlink a login; refused where it is the only way in; all other sessions end."""
    account, within = own_account(call), own_session(call)
    found = identities.of_user(call.views, account.user_id)
    linked = next((each for each in found if each.identity == identity_id), None)
    if linked is None:
        raise IdentityMissing
    await call.send(
        UnlinkIdentity(
            user_id=account.user_id,
            session_id=within,
            provider=linked.provider,
            identity=linked.identity,
        )
    )
    return Done()

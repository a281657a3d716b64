"""Who calls, and what the route table may demand of them."""

from typing import Final

import msgspec

from domain import permissions
from domain.permissions import Role
from projections.sessions import Partial

PUBLIC: Final = "public"  # anybody
READS: Final = "reads"  # "None" in the reference: anonymous while auth.anonymous_reads allows it
SIGNED_IN: Final = "signed in"  # any session or key
SESSION: Final = "session only"  # no key: it must not outlive itself, nor reach further
PARTIAL: Final = "partial session"  # the password was right, the second factor is due
DEPLOY: Final = "deploy token"  # the token of a deployment, or who has platform.manage
DEPLOYS: Final = "platform.manage"  # what stands for the token
OWNER: Final = "control"  # the way in of who could read and change the project's files anyway
# every other entry of the route table's access column is the name of a permission


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """One caller of one request; `role` is None for an anonymous one."""

    actor: str = "anonymous"  # user:<id>, cli:<name>, local
    via: str = "anonymous"  # session:<id>, key:<id>, control
    role: Role | None = None
    user_id: str | None = None
    session_id: str | None = None
    key_id: str | None = None
    only: frozenset[str] | None = None  # the permissions that a key is narrowed to
    must_change_password: bool = False
    must_set_up_2fa: bool = False
    deploy: str | None = None  # the digest of a deploy token: nobody, but for the initial sync
    partial: Partial | None = None  # nobody yet, but for giving the second factor

    @property
    def held(self) -> bool:
        """Whether something has to be done before anything else may be."""
        return self.must_change_password or self.must_set_up_2fa

    def may(self, permission: str) -> bool:
        """Whether the caller has the permission."""
        if self.role is None or not permissions.may(self.role, permission):
            return False
        return self.only is None or permission in self.only

    def without(self, permission: str) -> "Caller":
        """The same caller, who does not want to use one of their permissions."""
        only = permissions.EVERY if self.only is None else self.only
        return msgspec.structs.replace(self, only=only - {permission})


ANONYMOUS: Final = Caller()

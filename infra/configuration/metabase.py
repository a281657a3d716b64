"""metabase.yml: where Metabase is, which of its databases is ours, who its administrator is.

Keys of the existing product are taken (`metabase_url`, `database.id`), unknown ones pass.
"""

import os
import re
from pathlib import Path
from typing import Final

import msgspec

from infra.configuration.documents import Document

FILE: Final = "metabase.yml"
_URL: Final = re.compile(r"https?://[^\s/?#@]{1,300}")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class DatabaseBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`database:`, the one that is our warehouse."""

    id: int | None = None  # if Metabase has the warehouse already


class AdminBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`admin:`, an administrator of Metabase, who makes accounts for our users."""

    email: str  # without `admin`, everybody logs in there by hand
    password: str  # as `${NAME}` alone, from the environment


class MetabaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """All of metabase.yml."""

    metabase_url: str | None = None  # without a path; else localhost, at platform.metabase_port
    database: DatabaseBlock = DatabaseBlock()
    admin: AdminBlock | None = None


def read(folder: Path) -> MetabaseFile | None:
    """Read `.dango/metabase.yml`; None when there is none. Raises Unreadable."""
    path = folder / FILE
    if not path.exists():
        return None
    document = Document(path)
    found = document.convert(MetabaseFile)
    url = found.metabase_url
    if url is not None and not _URL.fullmatch(url.rstrip("/")):
        reason = "must be the address of a server without a path, like http://localhost:3000"
        raise document.refused(".metabase_url", reason)
    if found.admin is None:
        return found
    named = _VARIABLE.fullmatch(found.admin.password)
    if named is None:
        reason = "must be ${NAME}, from the environment: a password does not stand in a file"
        raise document.refused(".admin.password", reason)
    if named[1] not in os.environ:
        raise document.refused(".admin.password", f"the environment has no {named[1]}")
    admin = AdminBlock(email=found.admin.email, password=os.environ[named[1]])
    return msgspec.structs.replace(found, admin=admin)

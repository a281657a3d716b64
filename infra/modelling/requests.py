"""What the kind "dbt" is asked to do."""

import msgspec

from commands import modelling


class Run(msgspec.Struct, frozen=True, tag=True):
    """Build models."""

    build: modelling.Build


class Read(msgspec.Struct, frozen=True, tag=True):
    """Read which models there are, and what reads them.

    `schemas`: of each source of the platform, by its schema.
    """

    schemas: dict[str, str]


class Document(msgspec.Struct, frozen=True, tag=True):
    """Make the documentation anew."""


Request = Run | Read | Document

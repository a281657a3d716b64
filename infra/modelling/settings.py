"""Where the dbt project lies, and the bounds within which it is built."""

import msgspec

from infra.warehouse.settings import Settings


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the kind "dbt" is started with. Paths are absolute."""

    warehouse: Settings
    project: str  # the dbt project's folder
    docs: str  # where its documentation is published
    name: str  # of a project that has to be made
    build_deadline_s: float = 4 * 3600.0
    read_deadline_s: float = 300.0
    document_deadline_s: float = 600.0
    count_s_max: float = 2.0  # rows of a model that take longer to count are not counted
    message_chars_max: int = 2_000
    sql_lines_max: int = 15  # of compiled code that are shown around a fault
    sql_chars_max: int = 4_000

"""Sources of the type `dlt_native`: any dlt source that the user has installed."""

from typing import Annotated, Any

import msgspec

from domain.source_types import secret
from domain.source_types.block import Block


class DltNativeBlock(Block, frozen=True, kw_only=True):
    """Where the source is, and what it is called with; secrets as `${NAME}`.

    The module must be importable in the server's environment, or lie in the project's folder
    `custom_sources`.
    """

    source_module: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
    source_function: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]\w*$")]
    function_kwargs: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    resources: tuple[str, ...] = ()  # all when empty
    pipeline_name: str | None = None  # of existing files; cursors are kept by the source's name
    dataset_name: str | None = None  # of existing files; tables lie in the source's schema
    notes: str | None = None

    @staticmethod
    def spelled(plain: dict[str, Any]) -> dict[str, Any]:
        """`api_key_env: NAME` among the arguments means `api_key: ${NAME}`."""
        given = plain.get("function_kwargs")
        if not isinstance(given, dict):
            return plain
        found = {
            str(key).removesuffix("_env"): secret.reference(value)
            if str(key).endswith("_env") and isinstance(value, str) and secret.NAME.fullmatch(value)
            else value
            for key, value in given.items()
        }
        return {**plain, "function_kwargs": found}

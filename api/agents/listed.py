"""GET /api/tools: the table of tools, for one caller."""

import msgspec

from api.call import Call
from api.tools import ABOUT, TOOLS, ToolList, schema


async def list_tools(call: Call) -> ToolList:
    """List what programs can do here, with JSON Schema."""
    role = call.caller.role
    return ToolList(
        description=ABOUT,
        tools=[
            msgspec.structs.replace(
                tool,
                input_schema=schema(tool),
                allowed=all(call.caller.may(each) for each in tool.permissions_required),
            )
            for tool in TOOLS
        ],
        user_role="" if role is None else str(role),
    )

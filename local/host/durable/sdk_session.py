"""The SDK's client keeps one HTTP session for the whole process, and leaves it to the process's end to close it."""

import sys
from typing import Any

MODULE = "azure.durable_functions.models.utils.http_utils"


async def close_sdk_session() -> None:
    """Close the session, if a function has used one: else aiohttp complains in the log when the host stops."""
    session: Any = getattr(sys.modules.get(MODULE), "_client_session", None)
    if session is not None and not session.closed:
        await session.close()

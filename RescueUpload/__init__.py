"""An upload was given up, and its event lies in the poison queue: have its missing steps tried again."""

import azure.functions as func

from shared import threads
from shared.uploads import rescue


async def main(message: func.QueueMessage, starter: str, context: func.Context) -> None:
    """Rescue one upload. Raises what waiting can help: ten minutes later the platform tries again."""
    with threads.invocation(context):
        await rescue.process(message.get_body(), starter)

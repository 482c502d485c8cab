"""What happened to an image beside its upload: it was deleted, renamed, brought back, or is too large."""

import azure.functions as func

from shared import threads
from shared.lifecycle import reactions


# A CloudEvent is handed over as another type, which is refused there.
async def main(event: func.EventGridEvent, starter: str, context: func.Context) -> None:
    """Do what follows from one event. Raises what waiting can help: Event Grid sends it again."""
    with threads.invocation(context):
        await reactions.process(event, starter)

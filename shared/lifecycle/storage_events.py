"""
The events of the account of the images, beside its uploads.
"""

import azure.functions as func


async def process(event: func.EventGridEvent, starter: str) -> None:
    """
    Do what follows from an event.

    Args:
        event: as the platform hands it over.
        starter: the durable client's binding.
    """
    raise NotImplementedError

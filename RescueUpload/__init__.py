"""An upload was given up, and its event lies in the poison queue: write down what is missing of it."""

import azure.functions as func

from shared import log, rescue, services


def main(message: func.QueueMessage, context: func.Context) -> None:
    """Rescue one upload. Raises what waiting can help: ten minutes later the platform tries again."""
    with log.correlated(context.invocation_id):
        rescue.rescue(services.current(), message.get_body())

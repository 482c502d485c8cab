"""
The errors of the durable engine.

    HostError
    `-- DurableError
        |-- OrchestrationError    the instance fails with this text
        `-- AlreadyExistsError    an instance with this id has not finished
"""

from local.host.errors import HostError


class DurableError(HostError):
    """Base of the durable engine's errors."""


class OrchestrationError(DurableError):
    """The orchestrator asked for what cannot be done: the instance fails, and its code cannot catch it."""


class AlreadyExistsError(DurableError):
    """An instance with this id has not finished, so no other can be started in its place."""

"""
The errors this host raises on purpose.

    HostError
    |-- StartError           the host cannot run at all: told in one line, and a supervisor does not try again
    |-- FunctionLoadError    one function cannot run; the others do
    |-- InvocationError      one run of a function failed; it has been logged already
    |   `-- CutShortError    it did not fail by itself: it took too long, or another one did that ran beside it
    `-- BadRequestError      a caller of the host's own addresses sent what it cannot use: HTTP 400
"""


class HostError(Exception):
    """Base of all errors of this host."""


class StartError(HostError):
    """The host cannot run: the app or its configuration is unusable, or another host holds the port or the state."""


class FunctionLoadError(HostError):
    """A function cannot be loaded; the text says why and what to do."""


class InvocationError(HostError):
    """A function raised, or its result could not be used. The log already tells about it."""


class CutShortError(InvocationError):
    """A run was given up: it took longer than `functionTimeout`, or its process ends because another run did."""


class BadRequestError(HostError):
    """A request to the host itself is malformed."""

    status = 400

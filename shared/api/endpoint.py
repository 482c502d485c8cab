"""
The decorators of HTTP functions: what holds for each of their requests.

A request is an invocation with one correlation identifier and one time budget. The texts beside its body are checked
before the function is called, and an error that it raises becomes an answer.
"""

import functools
import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import azure.functions as func

from shared import log, settings, threads
from shared.api import parameters, responses
from shared.errors import BlobsightError, StorageError
from shared.index import writer
from shared.transport import time_budget

CORRELATION = "X-Correlation-Id"

# For the lines of the index: they go with those of others otherwise, and the nightly comparison misses none.
_INDEX_SECONDS = 2.0
_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
# As the worker calls it, with the context of the invocation.
Function = Callable[..., func.HttpResponse]
AsyncFunction = Callable[..., Awaitable[func.HttpResponse]]


def endpoint(handler: Callable[[func.HttpRequest], func.HttpResponse]) -> Function:
    """
    Make a handler an HTTP function.

    Errors become problems, every line of the log carries one identifier, and every wait of the handler ends in
    MAX_WAIT_SECONDS.
    """

    def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        with _invoked(req, context) as noted:
            try:
                parameters.check(req)
                response = handler(req)
            except Exception as error:
                response = _answer_to(error)
            _store(noted)
            response.headers[CORRELATION] = log.correlation_id()
            return response

    return _as_function(main, handler)


def async_endpoint(handler: AsyncFunction) -> AsyncFunction:
    """The same for an asynchronous function, with any other bindings."""

    async def main(req: func.HttpRequest, context: func.Context, **bindings: str) -> func.HttpResponse:
        with _invoked(req, context) as noted:
            try:
                parameters.check(req)
                response = await handler(req, **bindings)
            except Exception as error:
                response = _answer_to(error)
            if noted.writer is not None:
                from shared import services

                await threads.in_pool(services.current().threads, lambda: _store(noted))
            response.headers[CORRELATION] = log.correlation_id()
            return response

    return _as_function(main, handler)


def _as_function(main: Callable[..., _Answer], handler: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Give *main* the handler's name and parameters, and `context`, by which the worker calls it."""
    functools.update_wrapper(main, handler)
    signature = inspect.signature(handler)
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=func.Context)
    main.__annotations__ = {**handler.__annotations__, "context": func.Context}
    main.__signature__ = signature.replace(parameters=[*signature.parameters.values(), context])  # type: ignore[attr-defined]
    return main


@contextmanager
def _invoked(req: func.HttpRequest, context: func.Context) -> Iterator[writer.Noted]:
    with (
        threads.invocation(context),
        log.correlated(_correlation(req), sent=True),
        time_budget.request(settings.max_wait_seconds()),
        writer.noting() as noted,
    ):
        yield noted


def _store(noted: writer.Noted) -> None:
    """Tell the index of the records that were written; what it does not take now goes with the lines of others."""
    try:
        with time_budget.overtime(), time_budget.within(_INDEX_SECONDS):
            noted.flush()
    except StorageError as error:
        log.event(_logger, "index.delayed", level=logging.WARNING, code=error.code, problem=error)


def _answer_to(error: Exception) -> func.HttpResponse:
    if not isinstance(error, BlobsightError):
        _logger.error("request.crashed correlation=%s", log.told_correlation_id(), exc_info=log.quiet(error))
        return responses.problem(BlobsightError("The app made a mistake; its log has the details."))
    log.event(
        _logger,
        "request.refused",
        level=logging.INFO if error.status < 500 else logging.WARNING,
        code=error.code,
        problem=error,
    )
    return responses.problem(error)


def _correlation(req: func.HttpRequest) -> str | None:
    """The caller's identifier, if it can stand in a header and in a log line as it is."""
    given = req.headers.get(CORRELATION, "")
    return given if re.fullmatch(r"[!-~]{1,128}", given) else None

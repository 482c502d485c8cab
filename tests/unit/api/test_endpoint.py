import asyncio
import inspect
import logging
import typing
from typing import Any

import azure.functions as func
import pytest
from doubles.http_requests import invocation, problem_of, raising, request

from shared.api import responses
from shared.api.endpoint import async_endpoint, endpoint
from shared.errors import (
    BadRequestError,
    BlobsightError,
    VisionUnavailableError,
)


def test_a_crash_is_a_problem_that_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    response = raising(RuntimeError("the secret is tiger"))
    document = problem_of(response, 500, "internal_error")
    assert "tiger" not in response.get_body().decode()
    assert document["correlationId"] in caplog.text
    assert "the secret is tiger" in caplog.text


@pytest.mark.parametrize(
    ("error", "level"), [(BadRequestError("No."), logging.INFO), (VisionUnavailableError("Down."), logging.WARNING)]
)
def test_a_refusal_is_one_event(error: BlobsightError, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    raising(error)
    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage().startswith(f"request.refused code={error.code} ")


def test_the_callers_correlation_id_is_used_and_given_back() -> None:
    response = raising(BadRequestError("No."), **{"X-Correlation-Id": "abc-123"})
    assert response.headers["X-Correlation-Id"] == "abc-123"
    assert problem_of(response, 400, "bad_request")["correlationId"] == "abc-123"


@pytest.mark.parametrize("given", ["a\r\nSet-Cookie: x=1", "ä" * 10, "x" * 5000])
def test_a_correlation_id_that_is_no_token_is_replaced(given: str) -> None:
    """It goes into a header, into every log line and back to the caller."""
    response = raising(BadRequestError("No."), **{"X-Correlation-Id": given})
    assert response.headers["X-Correlation-Id"] != given
    assert response.headers["X-Correlation-Id"] == "invocation-1"


def test_the_correlation_id_of_a_success_is_its_invocation_too() -> None:
    response = endpoint(lambda req: responses.answer_json({}))(request(), invocation())
    assert response.status_code == 200
    assert response.headers["X-Correlation-Id"] == "invocation-1"


@pytest.mark.parametrize("text", ["\ud83d", "\x00", "x" * 9000], ids=lambda text: ascii(text[:9]))
def test_no_function_is_called_with_a_text_that_cannot_be_meant(text: str) -> None:
    """A new one has it from its decorator."""

    def never(req: func.HttpRequest) -> Any:
        raise AssertionError("was called")

    for given in ({"params": {"a": text}}, {"params": {text: "a"}}, {"route": {"a": text}}):
        for answer in (
            endpoint(never)(request(**given), invocation()),
            asyncio.run(async_endpoint(never)(request(**given), invocation())),
        ):
            problem_of(answer, 400, "bad_parameter")


@pytest.mark.parametrize("decorated", [endpoint, async_endpoint])
def test_the_worker_finds_the_handlers_parameters_and_the_context(decorated: Any) -> None:
    def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
        raise AssertionError("was called")

    function = decorated(main)
    assert list(inspect.signature(function).parameters) == ["req", "starter", "context"]
    assert typing.get_type_hints(function) == {
        "req": func.HttpRequest,
        "starter": str,
        "context": func.Context,
        "return": func.HttpResponse,
    }

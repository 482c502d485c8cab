"""No answer of an HTTP function in any test escapes the comparison with the contract."""

import json
from types import SimpleNamespace

import azure.functions as func
import pytest
from doubles import judged_answers
from doubles.conformance import Contract
from doubles.http_requests import Hub
from doubles.http_routes import ROUTES, Route
from doubles.parts import Parts

from shared.api.endpoint import endpoint


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_each_route_is_judged(app: Parts, task_hub: Hub, monkeypatch: pytest.MonkeyPatch, route: Route) -> None:
    judge = SimpleNamespace(breaches=lambda exchange: [f"seen: {exchange}"])
    monkeypatch.setattr(judged_answers, "contract", lambda: judge)
    with pytest.raises(AssertionError, match=f"seen: {route.method} /api/{route.path.split('/')[0]}"):
        route.answer()


def test_an_answer_that_the_contract_lacks_fails_the_test_that_asked(
    app: Parts, task_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(judged_answers.DOCUMENT.read_text())
    del document["paths"]["/analyze"]["post"]["responses"]["200"]
    monkeypatch.setattr(judged_answers, "contract", lambda: Contract(document))
    (analyze,) = [route for route in ROUTES if route.folder == "AnalyzeHttp"]
    with pytest.raises(AssertionError, match="status 200 is not documented"):
        analyze.answer()


def test_functions_that_tests_make_are_left_alone(app: Parts) -> None:
    @endpoint
    def main(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("a test's own", status_code=299)

    sent = func.HttpRequest(method="GET", url="http://127.0.0.1/api", body=b"")
    context = SimpleNamespace(invocation_id="1", thread_local_storage=SimpleNamespace())
    assert main(sent, context).status_code == 299

import asyncio

import azure.functions as func
import pytest
from doubles.clock import FakeClock
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.parts import Parts

import HealthHttp
from shared import __version__, services
from shared.api import health
from shared.errors import VisionUnauthorizedError

KEY = "open-sesame"


def main(asked: func.HttpRequest) -> func.HttpResponse:
    return asyncio.run(HealthHttp.main(asked, invocation()))


@pytest.fixture(autouse=True)
def _fresh_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_health", health.Health(FakeClock()))
    monkeypatch.setenv("HEALTH_KEY", KEY)


def test_up_is_200_and_says_no_more(app: Parts) -> None:
    response = main(request("GET"))
    assert (response.status_code, parsed(response)) == (200, {"status": "up", "version": __version__})


def test_down_is_503_and_tells_strangers_no_reason(app: Parts) -> None:
    app.vision.failing = VisionUnauthorizedError("refused the key of VISION_KEY")
    for headers in ({}, {"x-functions-key": "guess"}):
        response = main(request("GET", headers=headers))
        assert (response.status_code, parsed(response)) == (503, {"status": "down", "version": __version__})


@pytest.mark.parametrize("way", ["header", "parameter"])
def test_the_operator_is_told_what_is_wrong(app: Parts, way: str) -> None:
    app.vision.failing = VisionUnauthorizedError("refused the key of VISION_KEY")
    asked = (
        request("GET", headers={"x-functions-key": KEY}) if way == "header" else request("GET", params={"code": KEY})
    )
    response = main(asked)
    assert response.status_code == 503
    (problem,) = parsed(response)["problems"]
    assert set(parsed(response)["spending"]) == {"day", "month"}
    assert problem["part"] == "vision"
    assert "VISION_KEY" in problem["action"]


def test_wrong_settings_are_down_and_the_operator_sees_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)
    missing = ("VISION_ENDPOINT", "ImagesStorage", "AzureWebJobsStorage")
    for name in missing:
        monkeypatch.delenv(name, raising=False)
    response = main(request("GET", headers={"x-functions-key": KEY}))
    assert response.status_code == 503
    (problem,) = parsed(response)["problems"]
    for name in missing:
        assert name in problem["message"]


def test_other_parameters_are_refused(app: Parts) -> None:
    problem_of(main(request("GET", params={"verbose": "1"})), 400, "bad_parameter")

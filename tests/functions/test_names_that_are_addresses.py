"""An address in the place of a name: its signature opens a private file to whoever reads the answer or the log."""

import json
from typing import Any

import pytest
from doubles.http_requests import Hub, problem_of
from doubles.http_routes import RETRY, ROUTES, TAKERS, Route
from doubles.parts import Parts

SIGNED = "https://me:hunter2-hunter2@example.com/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc#S3CRETPART"
BY_NAME = [route for route in ROUTES if "name" in route.path_names() and route.method != "POST"]


def check(answer: Any, log: str, code: str) -> None:
    document = problem_of(answer, 400 if code == "bad_blob_name" else 404, code)
    assert "https://example.com/a.jpg" in document["detail"]
    for secret in ("hunter2", "S3CRET", "sv=2024"):
        assert secret not in json.dumps(document) + log


@pytest.mark.parametrize("route", TAKERS, ids=str)
def test_it_is_not_repeated_whole_where_a_blob_is_named(
    app: Parts, task_hub: Hub, caplog: pytest.LogCaptureFixture, route: Route
) -> None:
    with caplog.at_level("INFO"):
        answer = route.answer({"blob": SIGNED})
    check(answer, caplog.text, "image_not_found")


@pytest.mark.parametrize("route", BY_NAME, ids=str)
def test_it_is_not_repeated_whole_where_the_path_or_the_query_names_it(
    app: Parts, caplog: pytest.LogCaptureFixture, route: Route
) -> None:
    # Nothing is stored under it either.
    refusal = "bad_blob_name" if route.stores_body else "image_not_found"
    with caplog.at_level("INFO"):
        for where in ({"query": {"name": SIGNED}, "path": {"name": ""}}, {"path": {"name": SIGNED}}):
            check(route.answer(**where), caplog.text, refusal)  # type: ignore[arg-type]


def test_it_is_not_repeated_whole_by_what_is_to_be_tried_again(
    app: Parts, task_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        answer = RETRY.answer({"name": SIGNED})
    check(answer, caplog.text, "image_not_found")


def test_every_route_that_takes_a_name_is_tried() -> None:
    assert len(TAKERS) >= 5
    assert {route.folder for route in BY_NAME} == {"CorrectionsHttp", "ImagesHttp", "ThumbnailHttp"}

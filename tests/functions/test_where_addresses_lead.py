"""An address that leads to a private host: every route that takes one refuses it, before anything is asked."""

import json

import pytest
from doubles.http_requests import Hub, problem_of
from doubles.http_routes import TAKERS, Route
from doubles.parts import Parts, restarted
from doubles.read_runs import ReadRun

from shared import names, services
from shared.durable.read_job import Job

REFUSED = {
    "https://example.com\\@127.0.0.1/?sig=S3cret": "backslash",
    "https://us3r:p4ss@example.com/a.jpg": "user before its host",
    "https://example.com/a.jpg?sig=S3cret#S3cret": "fragment",
    "http://example.com/a.jpg?sig=S3cret": "only https",
    "https://example.com:8443/a.jpg?sig=S3cret": "port 8443",
    "https://0x7f.1/a.jpg?sig=S3cret": "127.0.0.1, which is a loopback address",
    "https://[::ffff:a9fe:a9fe]/metadata?sig=S3cret": "169.254.169.254",
    "https://storage/a.jpg?sig=S3cret": "without a dot",
}
EVERY_TAKER = pytest.mark.parametrize("route", TAKERS, ids=str)


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
@EVERY_TAKER
def test_it_is_refused_with_its_reason(route: Route, url: str, app: Parts, task_hub: Hub) -> None:
    touched: list[str] = []
    app.images.before = app.host.before = lambda operation, container, name: touched.append(f"{operation} {container}")
    document = problem_of(route.answer({"url": url}), 400, "url_not_allowed")
    assert REFUSED[url] in document["detail"]
    assert not [each for each in ("S3cret", "us3r", "p4ss") if each in json.dumps(document)]
    assert (touched, app.vision.asked, task_hub.started) == ([], [], [])


@EVERY_TAKER
def test_the_operator_allows_a_host_and_a_network(route: Route, app: Parts, task_hub: Hub) -> None:
    with services.replaced(restarted(app, URL_ALLOW="http://storage:10000, 10.0.0.0/8").services):
        for url in ("http://storage:10000/a.jpg", "http://10.0.0.1:8080/a.jpg", "https://example.com/a.jpg"):
            assert route.answer({"url": url}).status_code in (200, 202)
        problem_of(route.answer({"url": "http://storage/a.jpg"}), 400, "url_not_allowed")
    assert len(app.vision.asked) + len(task_hub.started) == 3


def test_a_read_that_was_accepted_before_goes_on(app: Parts, task_hub: Hub) -> None:
    """Its address is kept as it was given, and is judged no second time."""
    (ocr,) = [route for route in TAKERS if route.folder == "OcrHttp"]
    with services.replaced(restarted(app, URL_ALLOW="http://storage:10000").services):
        assert ocr.answer({"url": "http://storage:10000/a.jpg"}).status_code == 202
    run = ReadRun(app, Job.from_json(task_hub.started[0][2]))
    assert run.finish()["state"] == "done"
    assert app.host.contents(names.INPUTS) == {}

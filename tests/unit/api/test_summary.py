"""All images in numbers: counts by state, the queue, the rate and the money."""

import json
from typing import Any

import pytest
from doubles.http_requests import invocation, parsed, request
from doubles.parts import Parts, parts
from doubles.pictures import picture

import ImagesHttp
from shared import names, services
from shared.api import image_states, summary
from shared.errors import StorageError, VisionRefusedError, VisionUnavailableError
from shared.index import places
from shared.uploads import steps


def app_with_every_state() -> Parts:
    """Two complete images, one that failed, one that waits."""
    app = parts(THUMBNAIL_MODE="center", VISION_RATE="10/1")
    for name in ("a.jpg", "b/c.jpg"):
        upload(app, name)
    app.vision.failures = [VisionRefusedError("No.")]
    upload(app, "refused.jpg")
    app.vision.failing = VisionUnavailableError("down", retry_after_seconds=60)
    upload(app, "waits.jpg")
    app.vision.failing = None
    app.services.index_writer.flush()
    return app


def upload(app: Parts, name: str) -> None:
    app.images.write(names.IMAGES, name, picture(colour=(len(name), 80, 90)), content_type="image/jpeg")
    steps.process(app.services, name, None)


def asked(app: Parts, **query: str) -> tuple[int, dict[str, Any]]:
    with services.replaced(app.services):
        answer = ImagesHttp.main(request("GET", params=query), invocation())
    return answer.status_code, parsed(answer)


def test_the_counts_are_those_of_the_list() -> None:
    app = app_with_every_state()
    status, body = asked(app, summary="true")
    assert status == 200
    assert body["images"] == []
    listed = [each["state"] for each in image_states.page(app.services, limit=200)["images"]]
    assert body["summary"]["images"] == {
        "total": 4,
        **{state: listed.count(state) for state in image_states.STATES},
    }
    assert (listed.count("complete"), listed.count("failed"), listed.count("deferred")) == (2, 1, 1)


def test_it_is_told_whether_the_index_was_ever_made() -> None:
    app = parts()
    app.images.write(names.IMAGES, "old.png", b"x", content_type="image/png")
    found = summary.summary(app.services)
    assert (found["images"]["total"], found["building"]) == (0, True)
    app.host.write(names.INDEX, places.BUILT, json.dumps({}).encode(), content_type=names.JSON)
    app.clock.advance(5)
    assert summary.summary(app.services)["building"] is False


def test_the_queue_tells_how_many_calls_wait_and_when_the_last_one_comes() -> None:
    app = parts(VISION_RATE="10/1")
    assert summary.summary(app.services)["queue"] == {"calls": 0, "seconds": 0.0, "until": None}
    for _ in range(3):
        app.services.quota.postpone(calls=100)
    found = summary.summary(app.services)
    assert found["queue"]["calls"] == 300
    # The pace is a little slower than the tier's.
    assert found["queue"]["seconds"] == pytest.approx(30.5, abs=0.2)
    assert found["queue"]["until"] == "2026-01-01T00:00:30.456+00:00"
    assert found["rate"] == {"calls": 10, "seconds": 1.0, "share": 1.0}
    app.clock.advance(15)
    later = summary.summary(app.services)["queue"]
    assert later["calls"] == pytest.approx(152, abs=1)
    assert later["until"] == found["queue"]["until"]
    app.clock.advance(60)
    assert summary.summary(app.services)["queue"] == {"calls": 0, "seconds": 0.0, "until": None}


def test_the_rate_is_less_after_a_refusal() -> None:
    app = parts()
    app.services.quota.hold_off(5.0, throttled=True)
    assert summary.summary(app.services)["rate"]["share"] == 0.95


def test_the_money_is_that_of_both_classes_of_today_and_of_the_month() -> None:
    app = parts(VISION_PRICES="1.00/1.50 EUR", VISION_DAILY_LIMIT="100")
    app.services.quota.settle(10, 4, at_once=True)
    app.clock.advance(86_400)
    app.services.quota.settle(2, 2, at_once=True)
    found = summary.summary(app.services)
    assert found["day"] == {
        "date": "2026-01-02",
        "transactions": 2,
        "descriptionAndText": 2,
        "money": 0.003,
        "limit": 100,
    }
    assert found["month"] == {
        "date": "2026-01",
        "transactions": 12,
        "descriptionAndText": 6,
        "money": 0.015,
        "limit": None,
    }
    assert found["currency"] == "EUR"


def test_a_ledger_of_the_version_before_gives_an_upper_bound() -> None:
    app = parts()
    app.services.quota.settle(10, 4, at_once=True)
    (name,) = app.host.contents(names.QUOTA)
    stored = json.loads(app.host.contents(names.QUOTA)[name])
    del stored["describedOfDay"], stored["describedOfMonth"]
    app.host.write(names.QUOTA, name, json.dumps(stored).encode(), content_type=names.JSON)
    app.clock.advance(5)
    found = summary.summary(app.services)["day"]
    assert (found["transactions"], found["descriptionAndText"], found["money"]) == (10, 10, 0.015)


@pytest.mark.parametrize("beside", ["name", "limit", "prefix", "continuation", "state", "since", "wait"])
def test_it_goes_alone(beside: str) -> None:
    status, body = asked(parts(), summary="true", **{beside: "1"})
    assert (status, body["code"]) == (400, "bad_parameter")
    assert "summary" in body["detail"]
    assert beside in body["detail"]


def test_it_is_true_or_false() -> None:
    app = parts()
    assert asked(app, summary="maybe")[0] == 400
    status, body = asked(app, summary="false")
    assert (status, body) == (200, {"images": [], "continuation": None})


def test_storage_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = parts()

    def fail() -> None:
        raise StorageError("down")

    monkeypatch.setattr(app.services.quota, "spending", fail)
    status, body = asked(app, summary="true")
    assert (status, body["code"]) == (503, "storage_unavailable")

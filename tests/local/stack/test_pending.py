"""What a change of settings has left is told once, with the command that redoes it, and without counting for long."""

from typing import Any

from doubles.fake_app import image_json, running_app
from doubles.ports import five_free_ports

from local.app import AppClient
from local.stack.pending import ENOUGH_SECONDS, told_of_comparison, told_of_pending


def pending(name: str, code: str) -> dict[str, Any]:
    reason = {"code": code, "message": "The settings were changed."}
    return image_json(name, "pending", analysis={"state": "pending", "reason": reason}, thumbnails=[])


def test_images_of_other_settings_are_counted_and_those_whose_events_are_on_their_way_are_not() -> None:
    with running_app() as app:
        client = AppClient(app.port)
        app.images = {"new.jpg": pending("new.jpg", "not_made"), "done.jpg": image_json("done.jpg")}
        assert told_of_pending(client, "") is None
        app.images["old.jpg"] = pending("old.jpg", "settings_changed")
        told = told_of_pending(client, "")
        assert told is not None
        assert told.splitlines() == [
            "1 image is pending, because settings were changed since its records were made, "
            "or the work on it was interrupted. "
            "This makes its records anew:",
            "  .venv/bin/python -m local unfinished retry --pending",
        ]
        app.images |= {f"{number}.jpg": pending(f"{number}.jpg", "settings_changed") for number in range(20)}
        told = told_of_pending(client, "--state /a ", is_paid=True)
        assert told is not None
        assert told.startswith("21 images are pending, because settings were changed since their records")
        assert told.endswith(
            "anew, which your service bills:\n  .venv/bin/python -m local unfinished retry --pending --state /a"
        )


def test_of_many_as_many_are_counted_as_the_time_allows() -> None:
    with running_app() as app:
        app.images = {f"{number}.jpg": pending(f"{number}.jpg", "settings_changed") for number in range(5)}
        times = iter([0.0, 1.0, ENOUGH_SECONDS, ENOUGH_SECONDS + 1.0])
        told = told_of_pending(AppClient(app.port), "", now=lambda: next(times))
    assert told is not None
    assert told.startswith("at least 2 images are pending")


def test_an_app_that_does_not_answer_has_nothing_to_tell() -> None:
    assert told_of_pending(AppClient(five_free_ports()), "") is None


def test_what_the_last_comparison_has_found_is_told_and_nothing_before_the_first() -> None:
    report: dict[str, Any] = {"status": "up", "problems": [], "warnings": []}
    with running_app() as app:
        app.health_key, url = "k", f"http://127.0.0.1:{app.port}"
        app.health = 200, {**report, "reconciliation": None}
        assert told_of_comparison(url, "k") == []
        last = {"state": "ended", "mode": "repair", "checkedAt": "2026-11-30T03:30:00+00:00", "started": 0}
        counts = {"imagesWithoutResult": 0, "waitForBackfill": 0}
        app.health = 200, {**report, "reconciliation": {**last, **counts}}
        assert told_of_comparison(url, "k") == ["images without a result: 0, checked at 2026-11-30 03:30 UTC"]
        assert told_of_comparison(url, "another") == []
    assert told_of_comparison(f"http://127.0.0.1:{five_free_ports()}", "k") == []

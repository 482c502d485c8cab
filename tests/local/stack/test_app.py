import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doubles.fake_app import document_json, image_json, running_app, text_json
from doubles.ports import five_free_ports

from local.app import AppClient, ImageState, Step, function_key, parse_image
from local.errors import LocalError
from local.reasons import reasons
from local.waiting import wait_for_images

FAILED = {
    "state": "failed",
    "record": None,
    "problem": {"code": "image_rejected", "message": "truncated", "action": "upload it again"},
}


def test_an_image_is_read_with_its_steps_and_what_was_found() -> None:
    image = parse_image(image_json("coffee.jpg"))
    assert (image.caption, image.caption_confidence, image.tags) == ("a cup of coffee", 0.42, ("cup", "coffee"))
    assert [step.what for step in image.steps] == ["analysis", "thumbnail 200x150", "thumbnail 1024x768", "text"]
    assert [step.record for step in image.thumbnails] == [
        "thumbnails/coffee.jpg/200x150-smart.jpg",
        "thumbnails/coffee.jpg/1024x768-smart.jpg",
    ]
    assert image.unfinished == ()


def test_a_failed_step_tells_its_code_message_and_action() -> None:
    image = parse_image(image_json("a.jpg", "failed", analysis=FAILED, thumbnails=[]))
    assert [step.problem for step in image.unfinished] == ["truncated. upload it again. (image_rejected)"]


def test_text_that_was_read_tells_its_beginning_and_both_of_its_records() -> None:
    image = parse_image(image_json("sign.jpg", text=text_json("sign.jpg")))
    assert image.text == Step(
        "text", "done", "text/sign.jpg.json", plain="text/sign.jpg.txt", excerpt="RIVER PARK OPEN 8 - 20"
    )
    assert image.unfinished == ()


def test_text_that_is_not_there_yet_is_unfinished_with_its_reason() -> None:
    problem = {"code": "throttled", "message": "the quota is used up", "action": "wait until noon"}
    for text, reason in (
        ({"state": "pending"}, None),
        ({"state": "deferred", "problem": problem}, "the quota is used up. wait until noon. (throttled)"),
    ):
        image = parse_image(image_json("a.jpg", text=text))
        assert [(step.what, step.state, step.problem) for step in image.unfinished] == [("text", text["state"], reason)]


def test_a_step_that_does_not_apply_is_not_missing() -> None:
    photograph, document = parse_image(image_json("a.jpg")), parse_image(document_json("a.pdf"))
    assert not photograph.text.applies
    assert photograph.unfinished == document.unfinished == ()
    assert [step.what for step in document.steps if step.applies] == ["text"]


@pytest.mark.parametrize("name", ["a.jpg", "été #1/100%.jpg", "a+b&c?.png", "/a b.jpg", "a//b&c.jpg", "//ü"])
def test_any_name_can_be_asked_for(name: str) -> None:
    with running_app() as app:
        app.images[name] = image_json(name)
        found = AppClient(app.port).image(name)
    assert found is not None
    assert found.name == name


def test_an_unknown_image_and_a_silent_app_are_both_nothing_yet() -> None:
    with running_app() as app:
        assert AppClient(app.port).image("a.jpg") is None
    client = AppClient(five_free_ports())
    assert (client.image("a.jpg"), client.is_up()) == (None, False)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"name": 1, "state": "x", "thumbnails": 3}', b"\xff"])
def test_another_program_on_the_port_is_told(body: bytes) -> None:
    with running_app() as app:
        app.images["a.jpg"] = image_json("a.jpg")
        app.foreign = body
        client = AppClient(app.port)
        for ask in (lambda: client.image("a.jpg"), lambda: client.page("pending", None)):
            with pytest.raises(LocalError, match=f"port {app.port} is not that of this app"):
                ask()


def test_the_function_key_of_the_stack_opens_the_app(tmp_path: Path) -> None:
    assert function_key(tmp_path) is None
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "keys.json").write_text(json.dumps({"master": "m", "functionKeys": {"default": "f"}}))
    with running_app() as app:
        app.key = "f"
        app.images["a.jpg"] = image_json("a.jpg")
        assert AppClient(app.port, key=function_key(tmp_path)).image("a.jpg")
        with pytest.raises(LocalError, match="--state"):
            AppClient(app.port).image("a.jpg")


def test_waiting_ends_when_every_image_is_complete_or_failed() -> None:
    rounds: list[int] = []

    def show(states: object) -> None:
        rounds.append(1)
        app.images["b.jpg"] = image_json("b.jpg", "failed")

    with running_app() as app:
        app.images["a.jpg"] = image_json("a.jpg")
        states = wait_for_images(
            AppClient(app.port), ["a.jpg", "b.jpg"], timeout_seconds=60, stop=threading.Event(), show=show
        )
    assert {name: state.state for name, state in states.items()} == {"a.jpg": "complete", "b.jpg": "failed"}
    assert len(rounds) == 2


def test_waiting_is_bounded_and_tells_what_is_known_by_then() -> None:
    with running_app() as app:
        app.images["a.jpg"] = image_json("a.jpg", "pending")
        states = wait_for_images(AppClient(app.port), ["a.jpg", "b.jpg"], timeout_seconds=0, stop=threading.Event())
    assert {name: state.state for name, state in states.items()} == {"a.jpg": "pending"}


UNTIL = {"last": "2026-11-26T17:00:00.5+00:00", "until": "2026-11-26T18:00:00.5+00:00"}
QUOTA = {"code": "quota_exhausted", "message": "the quota is used up", "action": "wait", **UNTIL}
NOT_MADE = {"code": "not_made", "message": "Nothing is there yet."}
LATER = QUOTA | {"code": "throttled", "until": "2026-11-27T00:00:00+00:00"}


NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def deferred(now: datetime = NOON, **problem: object) -> ImageState:
    """An image whose analysis is deferred with that problem, and its one thumbnail until midnight."""
    analysis = {"state": "deferred", "problem": QUOTA | problem}
    thumbnails = [{"size": "1x1", "state": "deferred", "problem": LATER}]
    return parse_image(image_json("a.jpg", "deferred", analysis=analysis, thumbnails=thumbnails), now)


def test_what_is_deferred_tells_until_when_and_why() -> None:
    analysis = {"state": "deferred", "problem": QUOTA}
    image = parse_image(image_json("a.jpg", "deferred", analysis=analysis, thumbnails=[]), NOON)
    assert image.told == "deferred until 2026-11-26 18:00:00 UTC (quota_exhausted)"
    assert reasons(image) == [
        "analysis is deferred until 2026-11-26 18:00:00 UTC: the quota is used up. wait. (quota_exhausted)"
    ]


@pytest.mark.parametrize("problem", [{"running": True, "until": None}, {"until": None}, {"until": NOON.isoformat()}])
def test_what_is_deferred_is_being_tried_where_no_time_is_ahead(problem: dict[str, object]) -> None:
    """The last two are of an app of the version before."""
    analysis = {"state": "deferred", "problem": QUOTA | problem}
    image = parse_image(image_json("a.jpg", "deferred", analysis=analysis, thumbnails=[]), NOON)
    assert image.told == "deferred, being tried now (quota_exhausted)"
    assert reasons(image) == ["analysis is deferred, being tried now: the quota is used up. wait. (quota_exhausted)"]
    assert image.put_off_until(NOON) is None


def test_an_image_is_put_off_until_the_last_of_its_steps_is_tried_again_and_tells_it() -> None:
    since = datetime(2026, 11, 26, 16, tzinfo=UTC)
    assert deferred().put_off_until(since) == datetime(2026, 11, 27, tzinfo=UTC)
    assert deferred().told == "deferred until 2026-11-27 00:00:00 UTC (throttled)"
    # Both were found out before: whatever kept them may be over.
    assert deferred().put_off_until(since + timedelta(hours=2)) is None
    # It may be complete at once.
    assert deferred(running=True, until=None).put_off_until(since) is None


def test_steps_with_one_reason_tell_it_once_and_the_one_that_holds_up_the_image_comes_first() -> None:
    thumbnails = [{"size": size, "state": "pending", "reason": NOT_MADE} for size in ("1x1", "2x2")]
    analysis = {"state": "deferred", "problem": QUOTA}
    text = {"state": "pending", "reason": {"code": "waits_for_analysis", "message": "The text waits."}}
    image = parse_image(image_json("a.jpg", "deferred", analysis=analysis, thumbnails=thumbnails, text=text), NOON)
    assert reasons(image)[0].startswith("analysis is deferred until 2026-11-26 18:00:00 UTC: ")
    assert reasons(image)[1:] == ["thumbnails are pending", "text waits for the analysis"]


def test_what_other_settings_have_left_says_so() -> None:
    changed = {"code": "settings_changed", "message": "The settings were changed."}
    analysis = {"state": "pending", "reason": changed}
    image = parse_image(image_json("a.jpg", "pending", analysis=analysis, thumbnails=[]))
    assert reasons(image) == ["analysis is pending: The settings were changed. (settings_changed)"]
    assert image.told == "pending"


def test_some_thumbnails_are_named_by_their_sizes_and_all_together() -> None:
    thumbnails = [{"size": size, "state": "pending"} for size in ("1x1", "2x2")]
    done = {"size": "3x3", "state": "done"}
    some = image_json("a.jpg", "pending", analysis={"state": "done"}, thumbnails=[*thumbnails, done])
    assert reasons(parse_image(some)) == ["thumbnails 1x1 and 2x2 are pending"]
    every = image_json("a.jpg", "pending", thumbnails=thumbnails, text={"state": "pending"})
    assert reasons(parse_image(every)) == ["analysis, thumbnails and text are pending"]
    one = image_json("a.jpg", "pending", analysis={"state": "done"}, thumbnails=[thumbnails[0], done])
    assert reasons(parse_image(one)) == ["thumbnail 1x1 is pending"]


def test_thumbnails_of_one_size_are_told_apart_by_their_formats() -> None:
    done = {"size": "1x1", "format": "jpeg", "state": "done"}
    pending = [{"size": size, "format": "webp", "state": "pending"} for size in ("1x1", "2x2")]
    image = parse_image(image_json("a.jpg", "pending", analysis={"state": "done"}, thumbnails=[done, *pending]))
    assert [step.what for step in image.thumbnails] == ["thumbnail 1x1", "thumbnail 1x1 webp", "thumbnail 2x2 webp"]
    assert reasons(image) == ["thumbnails 1x1 webp and 2x2 webp are pending"]


def test_what_has_failed_tells_why_but_no_time_and_what_is_pending_or_complete_has_neither() -> None:
    failed = parse_image(image_json("a.jpg", "failed", analysis={"state": "failed", "problem": QUOTA}, thumbnails=[]))
    assert failed.told == "failed (quota_exhausted)"
    assert "18:00" not in str(failed.unfinished[0].problem)
    for state in ("pending", "complete"):
        image = parse_image(image_json("a.jpg", state))
        assert (image.told, image.put_off_until(datetime(2026, 1, 1, tzinfo=UTC))) == (state, None)


SETTINGS = {
    "code": "settings_invalid",
    "detail": "VISION_RATE is wrong; it is 'x'; THUMBNAIL_SIZES is wrong",
    "problems": ["VISION_RATE is wrong; it is 'x'", "THUMBNAIL_SIZES is wrong"],
    "action": "Correct the app settings.",
}
PYTHON = {"code": "python_mismatch", "detail": "The packages are of another Python.", "action": "Deploy again."}
BROKEN = ["A: SyntaxError: '(' was never closed (A/__init__.py, line 3)", "B: No module x", "C: No module x"]


def test_an_app_that_works_or_does_not_answer_has_no_obstacles() -> None:
    with running_app() as app:
        assert AppClient(app.port).obstacles() == []
    assert AppClient(five_free_ports()).obstacles() == []


def test_wrong_settings_and_broken_functions_are_told_a_line_each_with_what_to_do() -> None:
    with running_app() as app:
        app.misdeployed, app.broken = SETTINGS, BROKEN
        settings, functions = AppClient(app.port).obstacles()
        with pytest.raises(LocalError, match=r"^the app cannot work\nsettings_invalid:\n"):
            AppClient(app.port).require_working()
    assert settings.splitlines() == [
        "settings_invalid:",
        "  VISION_RATE is wrong; it is 'x'",
        "  THUMBNAIL_SIZES is wrong",
        "Correct the app settings. Settings of the local stack come from the environment and from local.settings.json.",
    ]
    assert functions.splitlines()[:-1] == [
        "functions that cannot be loaded:",
        "  A: SyntaxError: '(' was never closed (A/__init__.py, line 3)",
        "  B, C: No module x",
    ]


def test_the_host_may_check_keys_when_it_is_asked_for_obstacles() -> None:
    with running_app() as app:
        app.key, app.master_key, app.broken = "f", "m", BROKEN
        assert len(AppClient(app.port, key="f", master_key="m").obstacles()) == 1
        with pytest.raises(LocalError, match="--state"):
            AppClient(app.port, key="f").obstacles()


@pytest.mark.parametrize("misdeployed", [SETTINGS, PYTHON], ids=lambda problem: str(problem["code"]))
def test_waiting_for_an_image_ends_at_once_when_the_app_cannot_work(misdeployed: dict[str, object]) -> None:
    with running_app() as app:
        app.misdeployed = misdeployed
        with pytest.raises(LocalError, match=str(misdeployed["code"])):
            wait_for_images(AppClient(app.port), ["a.jpg"], timeout_seconds=100, stop=threading.Event())


def test_waiting_for_an_image_ends_at_once_when_its_function_does_not_load() -> None:
    with running_app() as app:
        app.knows_images, app.broken = False, BROKEN
        with pytest.raises(LocalError, match=r"A/__init__\.py, line 3"):
            AppClient(app.port).image("a.jpg")
        app.admin_status = 404
        with pytest.raises(LocalError, match="does not run AnalyzeOnUpload\nfunctions that cannot be loaded"):
            AppClient(app.port).process_again("a.jpg")
        # One that is only starting may know no route yet.
        app.broken = []
        assert AppClient(app.port).image("a.jpg") is None

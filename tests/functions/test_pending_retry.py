"""`POST /api/unfinished/retry` with `{"pending": true}`: what a change of settings leaves is made in the backlog."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.parts import ENVIRONMENT, Parts, parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub
from doubles.tiffs import Page, tiff

from shared import names, services
from shared.api import image_states, pending_steps
from shared.errors import StorageError, VisionRefusedError
from shared.records import unfinished
from shared.settings import Settings
from UnfinishedHttp import main

RED = picture(colour=(200, 0, 0))
# In this mode, each thumbnail is a call.
SMALL = {"THUMBNAIL_SIZES": "100x50", "THUMBNAIL_MODE": "vision"}


def retry(**body: Any) -> dict[str, Any]:
    response = answer(body)
    assert response.status_code == 202, response.get_body()
    return parsed(response)


def answer(body: dict[str, Any]) -> Any:
    return asyncio.run(main(request("POST", body, route={"action": "retry"}), invocation(), starter="the binding"))


def retried(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["name"], each["step"]) for each in found["retried"]]


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    """An app of one thumbnail size with what it has started."""
    hub = TaskHub(parts(**SMALL))
    with hub.running():
        yield hub


def changed(hub: TaskHub, **settings: str) -> Any:
    """The app after a start with other settings."""
    app = hub.app
    settings = {**ENVIRONMENT, **SMALL, **settings}
    hub.app = Parts(
        app.services._replace(settings=Settings.from_env(settings)), app.images, app.host, app.vision, app.clock
    )
    services._current = hub.app.services
    hub.app.vision.asked.clear()


def paid(hub: TaskHub) -> dict[str, int]:
    return dict(hub.app.vision.count())


def image(hub: TaskHub, name: str = "a.jpg") -> Any:
    return image_states.of_image(hub.app.services, name)


def backlog(hub: TaskHub) -> bytes:
    """The ledger, whole."""
    return b"".join(hub.app.host.contents(names.QUOTA).values())


def test_one_image_is_redone_by_its_name_with_what_is_pending_of_it(hub: TaskHub) -> None:
    for name in ("a.jpg", "b.jpg"):
        hub.upload(name, RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    assert retried(retry(name="b.jpg")) == [("b.jpg", "thumbnails")]
    hub.pass_time(10.0)
    assert [image(hub, name)["state"] for name in ("a.jpg", "b.jpg")] == ["pending", "complete"]
    problem_of(answer({"name": "b.jpg"}), 404, "not_found")
    changed(hub, VISION_FEATURES="Faces")
    told = problem_of(answer({"name": "b.jpg", "step": "text"}), 404, "not_found")["detail"]
    assert told.endswith(" in the step text; text that waits for its analysis comes with it.")


def test_a_change_of_sizes_is_made_in_its_turn_and_no_analysis_is_paid(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    hub.upload("b.jpg", picture(colour=(0, 0, 200)))
    changed(hub, THUMBNAIL_SIZES="100x50,64x64,50x50")
    found = retry(pending=True)
    assert retried(found) == [("a.jpg", "thumbnails"), ("b.jpg", "thumbnails")]
    assert found["continuation"] is None
    first, second = (each["inSeconds"] for each in found["retried"])
    # Two calls of the first lie between, at 10 a second.
    assert second - first == pytest.approx(0.2, abs=0.05)
    problem = image(hub, "b.jpg")["thumbnails"][1]["problem"]
    assert (image(hub, "b.jpg")["state"], problem["code"], problem["attempts"]) == ("deferred", "backlog", 0)
    assert (problem["until"] is None) == problem["running"]
    hub.pass_time(3)
    assert [image(hub, name)["state"] for name in ("a.jpg", "b.jpg")] == ["complete", "complete"]
    assert paid(hub) == {"generateThumbnail": 4}
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_a_second_retry_finds_nothing_and_takes_no_place_in_the_backlog(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, VISION_FEATURES="Faces")
    assert retried(retry(pending=True)) == [("a.jpg", "analysis")]
    before = backlog(hub)
    assert retry(pending=True) == {"retried": [], "continuation": None}
    assert backlog(hub) == before
    assert len(hub.instances) == 1


def test_what_failed_with_more_features_is_done_by_its_code_and_not_before(hub: TaskHub) -> None:
    hub.app.vision.failing = VisionRefusedError("No such feature.")
    changed(hub, VISION_FEATURES="Tags,Description,Objects,Brands")
    hub.upload("a.jpg", RED)
    hub.app.vision.failing = None
    changed(hub)
    hub.deliver("a.jpg")
    assert (retried(retry(pending=True)), image(hub)["analysis"]["state"], paid(hub)) == ([], "failed", {})
    assert retried(retry(code="vision_refused")) == [("a.jpg", "analysis"), ("a.jpg", "thumbnails")]
    hub.pass_time(5)
    assert (image(hub)["state"], paid(hub)) == ("complete", {"analyze": 1, "generateThumbnail": 1})
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_an_analysis_that_is_redone_and_finds_text_has_it_read(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, VISION_FEATURES="Brands,Tags")
    hub.app.vision.tags = {"text": 0.9}
    retry(pending=True)
    hub.pass_time(30)
    assert (image(hub)["state"], image(hub)["text"]["state"]) == ("complete", "done")
    assert paid(hub) == {"analyze": 1, "read": 1}


def test_a_change_of_the_text_mode_has_the_text_read_and_nothing_else_is_paid(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, TEXT_MODE="always")
    assert retried(retry(pending=True)) == [("a.jpg", "text")]
    hub.pass_time(30)
    assert (image(hub)["state"], image(hub)["text"]["state"]) == ("complete", "done")
    assert paid(hub) == {"read": 1}
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_a_text_that_is_not_to_be_read_any_more_by_its_turn_leaves_no_note(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, TEXT_MODE="always")
    hub.app.services.quota.postpone(calls=50)
    retry(pending=True)
    changed(hub)
    hub.pass_time(30)
    assert (image(hub)["state"], paid(hub)) == ("complete", {})
    assert hub.app.images.contents(names.UNFINISHED) == {}


@pytest.mark.parametrize("data", [picture("PDF"), tiff(Page(60, 60), Page(60, 60))], ids=["PDF", "TIFF"])
def test_of_a_document_the_text_is_redone(hub: TaskHub, data: bytes) -> None:
    hub.upload("a.pdf", data)
    hub.pass_time(30)
    changed(hub, TEXT_READING_ORDER="basic")
    assert retried(retry(pending=True)) == [("a.pdf", "text")]
    assert (image(hub, "a.pdf")["state"], image(hub, "a.pdf")["analysis"]["state"]) == ("deferred", "none")
    hub.pass_time(30)
    assert image(hub, "a.pdf")["state"] == "complete"
    assert paid(hub) == {"read": 1}


@pytest.mark.parametrize("data", [RED, picture("PDF"), b"dear diary"], ids=["image", "document", "text"])
def test_an_image_whose_event_was_lost_is_done(hub: TaskHub, data: bytes) -> None:
    hub.app.images.write(names.IMAGES, "a.jpg", data, content_type="image/jpeg")
    assert retried(retry(pending=True)) == [("a.jpg", "analysis"), ("a.jpg", "thumbnails")]
    hub.pass_time(30)
    assert image(hub)["state"] == ("failed" if data == b"dear diary" else "complete")
    assert not any(count > 1 for count in paid(hub).values())
    assert [unfinished.find(hub.app.images, step, "a.jpg") for step in ("thumbnails", "text")] == [None, None]


@pytest.mark.parametrize("at_call", [1, 2])
def test_what_is_being_made_at_this_moment_is_not_paid_twice(hub: TaskHub, at_call: int) -> None:
    seen: list[Any] = []

    def meanwhile(question: Any, its_image: Any) -> None:
        if len(hub.app.vision.asked) == at_call and not seen:
            (found, _) = pending_steps.page(hub.app.services, None, limit=200)
            for each in found:
                asyncio.run(hub.start_new(*started(hub, each)))
                pending_steps.note(hub.app.services, each, 0.0)
                seen.extend(each.calls)

    hub.app.vision.at_call = meanwhile
    hub.upload("a.jpg", RED)
    hub.pass_time(5)
    assert seen == ["analysis", "thumbnails"][at_call - 1 :]
    assert image(hub)["state"] == "complete"
    assert paid(hub) == {"analyze": 1, "generateThumbnail": 1}
    assert hub.app.images.contents(names.UNFINISHED) == {}


def started(hub: TaskHub, pending: Any) -> tuple[str, str, Any]:
    appointment = pending_steps.appointment(hub.app.services, pending, 0.0)
    return "RetryOrchestrator", appointment.instance_id, appointment.to_json()


def test_of_a_document_no_other_step_is_told_that_a_retry_has_noted(hub: TaskHub) -> None:
    hub.app.images.write(names.IMAGES, "a.pdf", picture("PDF"), content_type="application/pdf")
    (pending,) = pending_steps.of_image(hub.app.services, "a.pdf", None)
    hub.deliver("a.pdf")
    hub.pass_time(30)
    pending_steps.note(hub.app.services, pending, 10.0)
    assert image(hub, "a.pdf")["state"] == "complete"
    assert image(hub, "a.pdf")["analysis"] == {"state": "none", "caption": None, "captionConfidence": None, "tags": []}


def test_its_turn_that_comes_while_the_upload_is_worked_on_waits_for_the_answer() -> None:
    """The claim is held: the try is put off, and finds the record later."""
    hub = TaskHub(parts(**SMALL, MAX_WAIT_SECONDS="5"))
    during: list[Any] = []

    def meanwhile(question: Any, its_image: Any) -> None:
        if not during:
            during.append(question)
            hub.pass_time(1)
            during.append(image(hub)["analysis"]["problem"]["code"])

    with hub.running():
        hub.app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
        retry(pending=True, step="analysis")
        hub.app.vision.at_call = meanwhile
        hub.deliver("a.jpg")
        assert during[1:] == ["busy"]
        hub.pass_time(60)
        assert image(hub)["state"] == "complete"
    assert paid(hub) == {"analyze": 1, "generateThumbnail": 1}
    assert hub.app.images.contents(names.UNFINISHED) == {}


@pytest.mark.parametrize("properties", [{"metadata": {"album": "x"}}, {"metadata": {"album": "x"}, "md5": None}])
def test_an_edited_image_is_redone_without_paying_what_is_answered(hub: TaskHub, properties: Any) -> None:
    hub.upload("a.jpg", RED)
    hub.app.images.edit(names.IMAGES, "a.jpg", **properties)
    changed(hub, THUMBNAIL_SIZES="64x64")
    retry(pending=True)
    hub.pass_time(30)
    assert image(hub)["state"] == "complete"
    assert paid(hub) == {"generateThumbnail": 1}
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_text_that_is_there_already_leaves_no_note(hub: TaskHub) -> None:
    hub.app.vision.tags = {"text": 0.9}
    hub.upload("a.jpg", RED)
    hub.pass_time(30)
    # Its properties do not tell any more that the records are of it.
    hub.app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "x"}, md5=None)
    changed(hub, TEXT_MODE="always")
    assert ("a.jpg", "text") in retried(retry(pending=True))
    hub.pass_time(30)
    assert (image(hub)["state"], paid(hub)) == ("complete", {})
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_an_image_that_is_edited_before_its_turn_is_done_all_the_same(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    hub.app.services.quota.postpone(calls=50)
    retry(pending=True)
    hub.app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "x"})
    hub.pass_time(30)
    assert (image(hub)["state"], paid(hub)) == ("complete", {"generateThumbnail": 1})
    assert hub.app.images.contents(names.UNFINISHED) == {}


def test_an_archived_image_says_so_at_its_turn(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    hub.app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    changed(hub, THUMBNAIL_SIZES="64x64")
    retry(pending=True)
    hub.pass_time(5)
    problem = image(hub)["thumbnails"][0]["problem"]
    assert (problem["code"], paid(hub)) == ("image_archived", {})
    hub.app.images.tell(names.IMAGES, "a.jpg", tier="Hot")
    hub.pass_time(400)
    assert (image(hub)["state"], paid(hub)) == ("complete", {"generateThumbnail": 1})


@pytest.mark.parametrize("becomes", ["deleted", "overwritten"])
@pytest.mark.parametrize("before", ["the note", "its turn"])
def test_an_image_that_goes_leaves_nothing(hub: TaskHub, becomes: str, before: str) -> None:
    def change() -> None:
        if becomes == "deleted":
            hub.app.images.delete(names.IMAGES, "a.jpg")
        else:
            hub.app.images.write(names.IMAGES, "a.jpg", picture(colour=(0, 0, 200)), content_type="image/jpeg")

    def at_the_note(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.UNFINISHED):
            hub.app.images.before = None
            change()

    hub.upload("a.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    hub.app.services.quota.postpone(calls=50)
    if before == "the note":
        hub.app.images.before = at_the_note
    assert retried(retry(pending=True)) == [("a.jpg", "thumbnails")]
    if before == "its turn":
        change()
    if becomes == "overwritten":
        hub.deliver("a.jpg")
    hub.pass_time(30)
    assert hub.app.images.contents(names.UNFINISHED) == {}
    if becomes == "overwritten":
        assert (image(hub)["state"], paid(hub)) == ("complete", {"analyze": 1, "generateThumbnail": 1})


def test_a_process_that_dies_before_it_notes_it_leaves_what_a_repeated_call_mends(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: object) -> None:
        raise StorageError("the account is down")

    hub.upload("a.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    with monkeypatch.context() as patched:
        patched.setattr(pending_steps, "note", die)
        problem_of(answer({"pending": True}), 503, "storage_unavailable")
    assert image(hub)["state"] == "pending"
    assert retried(retry(pending=True)) == [("a.jpg", "thumbnails")]
    assert (image(hub)["state"], len(hub.instances)) == ("deferred", 1)
    hub.pass_time(3)
    assert (image(hub)["state"], paid(hub)) == ("complete", {"generateThumbnail": 1})


def test_without_a_try_that_is_arranged_nothing_says_that_one_comes(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    hub.failing = ConnectionError("refused")
    problem_of(answer({"pending": True}), 503, "storage_unavailable")
    assert image(hub)["state"] == "pending"
    hub.failing = None
    assert retried(retry(pending=True)) == [("a.jpg", "thumbnails")]


def test_a_try_that_was_lost_is_had_again_by_its_code(hub: TaskHub) -> None:
    hub.upload("a.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64")
    retry(pending=True)
    hub.instances.clear()
    hub.pass_time(30)
    assert image(hub)["thumbnails"][0]["problem"]["running"]
    assert retried(retry(code="backlog")) == [("a.jpg", "thumbnails")]
    hub.pass_time(3)
    assert image(hub)["state"] == "complete"


def test_other_steps_and_images_that_failed_are_redone_where_they_are_pending(hub: TaskHub) -> None:
    hub.upload("a.jpg", b"dear diary")
    hub.upload("b.jpg", RED)
    changed(hub, THUMBNAIL_SIZES="64x64", VISION_FEATURES="Faces")
    # Of the text nothing but the analysis is asked, which now answers other settings.
    assert retried(retry(pending=True, step="thumbnails")) == [("a.jpg", "thumbnails"), ("b.jpg", "thumbnails")]
    assert retried(retry(pending=True, step="text")) == []
    assert retried(retry(pending=True)) == [("a.jpg", "analysis"), ("b.jpg", "analysis")]


def test_pages_together_are_all_that_is_pending(hub: TaskHub) -> None:
    for number in range(230):
        hub.app.images.write(names.IMAGES, f"{number:03}.jpg", b"tiny %d" % number, content_type="image/jpeg")
    seen: list[tuple[str, str]] = []
    continuation: dict[str, Any] = {}
    sizes = []
    while True:
        found = retry(pending=True, **continuation)
        seen += retried(found)
        sizes.append(len(found["retried"]))
        if found["continuation"] is None:
            break
        continuation = {"continuation": found["continuation"]}
    assert max(sizes) <= 200
    assert sorted(seen) == [(f"{number:03}.jpg", step) for number in range(230) for step in ("analysis", "thumbnails")]


def test_a_request_looks_at_a_bounded_number_of_images(hub: TaskHub) -> None:
    for number in range(450):
        hub.app.images.write(names.IMAGES, f"{number:03}.jpg", b"tiny %d" % number, content_type="image/jpeg")
    looked_at = []
    hub.app.images.before = lambda operation, container, name: looked_at.append((operation, container))
    found = retry(pending=True, step="text")
    assert found["retried"] == []
    assert found["continuation"]
    assert looked_at.count(("read", names.ANALYSIS)) == 400


@pytest.mark.parametrize("body", [{"pending": False}, {"pending": True, "all": True}, {"pending": "yes"}])
def test_a_body_that_says_nothing_clear_is_refused(hub: TaskHub, body: dict[str, Any]) -> None:
    assert '{"pending": true}' in problem_of(answer(body), 400, "bad_json")["detail"]
    assert hub.instances == {}

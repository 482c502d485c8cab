"""The step as the platform calls it: what it does when it runs twice, dies, or cannot work."""

import asyncio
from typing import Any

import pytest
from doubles.clock import EPOCH
from doubles.operation_runs import DESCRIBE, PICTURE, finish, kept_operation
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names, services
from shared.errors import ImageRejectedError, StorageError, ThrottledError
from shared.images import ImageBytes, ImageUrl, Owner
from shared.operations import loop, results, step, work
from shared.operations.loop import Outcome, Work
from shared.operations.work import Operation
from shared.records.thumbnails import Thumbnail

RED = picture(colour=(200, 0, 0))
SMALL = Thumbnail(60, 60, "vision")


@pytest.fixture
def app() -> Parts:
    return parts()


def do(app: Parts, operation: Operation, **more: Any) -> Outcome:
    given: Work = {**loop.work_of(loop.begin(operation.to_json(), EPOCH)), **more}  # type: ignore[typeddict-item]
    with services.replaced(app.services):
        return asyncio.run(step.step(given))


@pytest.mark.parametrize("asked", [DESCRIBE, SMALL], ids=["question", "thumbnail"])
@pytest.mark.parametrize("image", [ImageBytes(PICTURE), ImageUrl("https://example.com/a.jpg")], ids=["bytes", "url"])
def test_a_step_that_runs_twice_pays_once(app: Parts, asked: Any, image: Any) -> None:
    """Its process may have died before the history had its outcome."""
    operation = kept_operation(app, asked, image=image)
    assert [do(app, operation)["state"] for _ in range(3)] == ["done"] * 3
    assert len(app.vision.asked) == 1


def test_what_was_sent_stays_until_the_history_has_the_end(app: Parts) -> None:
    operation = kept_operation(app)
    done = do(app, operation)
    assert list(app.host.contents(names.INPUTS)) == [operation.input_name]
    assert do(app, operation, end=done) == done
    assert app.host.contents(names.INPUTS) == {}
    assert do(app, operation, end=done) == done


def test_an_answer_that_storage_did_not_take_is_not_done(app: Parts) -> None:
    operation = kept_operation(app)
    failing = True

    def before(what: str, container: str, _: str) -> None:
        if failing and (what, container) == ("write", names.CACHE) and app.vision.asked:
            raise StorageError("down")

    app.host.before = before
    assert do(app, operation)["state"] == "wait"
    failing = False
    assert finish(app, operation)["state"] == "done"
    assert results.found(app.services, operation)


def test_what_storage_never_takes_is_paid_for_a_few_times_at_most(app: Parts) -> None:
    """As where a policy lets the app write a claim and not overwrite it."""
    operation = kept_operation(app)
    once = set[str]()

    def before(what: str, container: str, name: str) -> None:
        if (what, container) == ("write", names.CACHE):
            if name in once:
                raise StorageError("written once for all")
            once.add(name)
        if (what, container) == ("acquire", names.CACHE):
            app.clock.advance(60)

    app.host.before = before
    end = finish(app, operation)
    assert (end["state"], end["problem"]["status"]) == ("failed", 503)  # type: ignore[typeddict-item]
    assert len(app.vision.asked) <= loop.MOST_UNSTORED
    assert app.host.contents(names.INPUTS) == {}


def test_an_expected_error_is_an_outcome(app: Parts) -> None:
    app.vision.failures = [ThrottledError("later", retry_after_seconds=7.0)]
    operation = kept_operation(app)
    waits = do(app, operation)
    assert (waits["state"], waits["seconds"]) == ("wait", 7.0)  # type: ignore[typeddict-item]
    app.vision.failures = [ImageRejectedError("No.", code="image_not_supported")]
    assert do(app, operation)["state"] == "failed"


def test_a_surprise_is_raised(app: Parts) -> None:
    def at_call(*_: object) -> None:
        raise ZeroDivisionError("oh")

    app.vision.at_call = at_call
    with pytest.raises(ZeroDivisionError):
        do(app, kept_operation(app))


def test_wrong_settings_wait_for_an_operator(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = kept_operation(app)
    monkeypatch.setattr(services, "_current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    given = loop.work_of(loop.begin(operation.to_json(), EPOCH))
    outcome = asyncio.run(step.step(given))
    assert (outcome["state"], outcome["problem"]["code"]) == ("wait", "settings_invalid")  # type: ignore[typeddict-item]
    end = loop.crashed("oh")
    assert asyncio.run(step.step({**given, "end": end})) == end


def test_it_works_in_the_lane_of_callers_and_notes_whose_bytes_they_are(app: Parts) -> None:
    etag = app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    operation = work.of_bytes(ImageBytes(RED, Owner("a.jpg", etag)), DESCRIBE)
    assert finish(app, operation)["state"] == "done"
    assert list(app.host.contents(names.OWNERS)) == [names.owner(operation.subject, "a.jpg")]

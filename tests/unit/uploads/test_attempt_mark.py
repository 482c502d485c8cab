"""A try that ends its worker is counted, and does not go on for ever."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.lost_answers import lose_answers
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.api import image_states, unfinished_entries
from shared.errors import BusyError, ConflictError, StorageError, ThrottledError
from shared.records import by_step, unfinished, versions
from shared.services import App
from shared.uploads import attempt_mark, retry_step, steps

RED = picture(colour=(200, 0, 0))


class KilledError(BaseException):
    """Stands for a worker that is gone: nothing after it runs, so nothing may clean up either."""


@pytest.fixture
def app() -> Parts:
    """An app with one image whose analysis is deferred."""
    app = parts(THUMBNAIL_SIZES="100x50")
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    app.vision.failing = ThrottledError("slow")
    steps.process(app.services, "a.jpg", None, only=("analysis",))
    app.vision.failing = None
    return app


def work(attempts: int = 1, key: str = "k") -> dict[str, Any]:
    return {"name": "a.jpg", "steps": ["analysis"], "key": key, "attempts": attempts, "crash": None}


def tried(services: App, work: Any) -> Any:
    """The outcome of a try."""
    return retry_step._retry(services, work)[0]


def note(app: Parts) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(app.images.contents(names.UNFINISHED)["analysis/a.jpg.json"])
    return found


def killed(app: Parts, monkeypatch: pytest.MonkeyPatch, key: str = "k") -> None:
    """Begin a try whose worker is killed in the middle of it."""

    def die(*given: object, **options: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(steps, "process", die)
        patched.setattr(attempt_mark, "_end", lambda services, document, own: (document, 0.0))
        with pytest.raises(KilledError):
            tried(app.services, work(key=key))


def test_a_try_is_written_down_while_it_is_under_way_and_forgotten_with_its_success(app: Parts) -> None:
    seen = []
    app.vision.at_call = lambda question, image: seen.append(note(app))
    assert tried(app.services, work())["steps"] == {"analysis": "done"}
    assert [(each["state"], each["until"], each["tries"]) for each in seen] == [("deferred", None, 1)]
    assert app.images.contents(names.UNFINISHED) == {}


def test_a_try_that_ends_without_success_counts_as_none(app: Parts) -> None:
    app.vision.failing = ThrottledError("slow")
    for _ in range(10):
        assert tried(app.services, work())["state"] == "deferred"
    assert note(app)["code"] == "vision_throttled"
    assert "tries" not in note(app)


def test_three_tries_that_kill_their_worker_are_the_last(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    for _ in range(3):
        killed(app, monkeypatch)
        # The platform starts the activity anew, at once.
        outcome = tried(app.services, work())
        if outcome["state"] == "deferred":
            waits.append(outcome["seconds"])
            told = note(app)
            assert (told["state"], told["code"]) == ("deferred", "upload_interrupted")
            assert datetime.fromisoformat(told["until"]) - app.clock.utc() == timedelta(seconds=outcome["seconds"])
            app.clock.advance(outcome["seconds"])
    assert waits == [300.0, 1500.0]
    assert outcome == {"state": "ended", "steps": {"analysis": "failed"}, "job": None}
    problem = image_states.of_image(app.services, "a.jpg")["analysis"]["problem"]
    assert (problem["code"], problem["attempts"], problem["until"]) == ("upload_gave_up", 4, None)
    assert "4 times" in problem["message"]
    assert problem["action"].endswith(' POST /api/unfinished/retry with {"name": "a.jpg"}.')
    assert len(app.vision.asked) == 1


def test_a_worker_that_is_killed_by_chance_costs_a_wait(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(app, monkeypatch)
    assert tried(app.services, work())["seconds"] == 300.0
    app.clock.advance(300.0)
    assert tried(app.services, work())["steps"] == {"analysis": "done"}
    assert app.images.contents(names.UNFINISHED) == {}


def test_whoever_has_it_tried_again_gives_it_three_tries_more(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        killed(app, monkeypatch)
        tried(app.services, work())
    (entry,) = unfinished_entries.find(app.services, "a.jpg", None)
    assert unfinished_entries.reopen(app.services, entry, 0.0)
    assert (note(app)["state"], note(app)["tries"]) == ("deferred", 0)
    killed(app, monkeypatch)
    assert tried(app.services, work())["seconds"] == 300.0


@pytest.mark.parametrize("interrupted", [1, 3])
def test_a_try_that_begins_before_the_request_has_written_counts_no_earlier_failure(
    app: Parts, monkeypatch: pytest.MonkeyPatch, interrupted: int
) -> None:
    for _ in range(interrupted):
        killed(app, monkeypatch)
        tried(app.services, work())
    (entry,) = unfinished_entries.find(app.services, "a.jpg", None)
    key = unfinished_entries.appointment(entry, 0.0).key
    killed(app, monkeypatch, key)
    assert not unfinished_entries.reopen(app.services, entry, 0.0)
    assert (note(app)["state"], note(app)["attempts"], note(app)["tries"]) == ("deferred", 0, 1)
    assert tried(app.services, work(key=key))["seconds"] == 300.0
    assert (note(app)["attempts"], note(app)["tries"]) == (1, 1)


def test_an_error_that_the_worker_survives_leaves_no_mark(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **options: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(steps, "process", fail)
        with pytest.raises(ZeroDivisionError):
            tried(app.services, work())
    assert note(app)["tries"] == 0
    assert note(app)["until"] is not None
    assert tried(app.services, work())["steps"] == {"analysis": "done"}


def test_of_several_steps_those_that_were_not_tried_lose_no_try(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    app.vision.failing = ThrottledError("slow")
    steps.process(app.services, "a.jpg", None, only=("thumbnails",))
    killed(app, monkeypatch)
    both = {**work(), "steps": ["analysis", "thumbnails"]}
    assert tried(app.services, both)["seconds"] == 300.0
    other = json.loads(app.images.contents(names.UNFINISHED)["thumbnails/a.jpg.json"])
    assert (other["tries"], other["until"] is None) == (0, False)


def test_text_that_is_handed_over_is_under_way_no_longer_here() -> None:
    app = parts()
    etag = app.images.write(names.IMAGES, "a.pdf", text_pdf("hello"), content_type="application/pdf")
    version = versions.UnreadVersion("a.pdf", etag, 5)
    specs = by_step.specs(app.services.settings, "text", "a.pdf")
    error = ThrottledError("slow")
    unfinished.note(app.images, app.clock, version, "text", specs, error, wait_seconds=5.0)
    outcome = tried(app.services, {**work(), "name": "a.pdf", "steps": ["text"]})
    assert outcome["steps"] == {"text": "due"}
    found = json.loads(app.images.contents(names.UNFINISHED)["text/a.pdf.json"])
    assert (found["tries"], found["until"] is None) == (0, False)


def test_what_is_not_written_down_is_tried_all_the_same(app: Parts) -> None:
    app.images.delete(names.UNFINISHED, "analysis/a.jpg.json")
    assert tried(app.services, work())["steps"] == {"analysis": "done"}


def test_a_mark_that_cannot_be_written_lets_it_wait(app: Parts) -> None:
    def fail(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.UNFINISHED):
            raise StorageError("the account is down")

    app.images.before = fail
    assert tried(app.services, work(attempts=2)) == {"state": "deferred", "seconds": 20.0, "attempts": 3}
    assert len(app.vision.asked) == 1


def test_another_writer_of_the_record_is_looked_at_anew(app: Parts) -> None:
    """The other one's success, here: there is nothing left to be marked."""

    def meddle(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.UNFINISHED):
            app.images.before = None
            steps.process(app.services, "a.jpg", None, only=("analysis",))

    app.images.before = meddle
    assert tried(app.services, work())["steps"] == {"analysis": "skipped"}
    assert app.images.contents(names.UNFINISHED) == {}


def test_a_mark_whose_answer_is_lost_is_known_as_ones_own(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    before = note(app)["attempts"]
    lose_answers(app.images, names.UNFINISHED, ConflictError("412 at the storage client's second attempt"))
    with _marked(app.services) as wait:
        assert wait == 0.0
        assert (note(app)["until"], note(app)["tries"], note(app)["attempts"]) == (None, 1, before)
    assert (note(app)["until"] is None, note(app)["tries"]) == (False, 0)
    assert not any("step.interrupted" in line for line in caplog.messages)
    assert tried(app.services, work())["steps"] == {"analysis": "done"}


def test_a_wait_whose_answer_is_lost_is_kept_and_counted_once(
    app: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    killed(app, monkeypatch)
    lose_answers(app.images, names.UNFINISHED, ConflictError("412 at the storage client's second attempt"))
    outcome = tried(app.services, work())
    assert (outcome["state"], outcome["seconds"]) == ("deferred", 300.0)
    assert (note(app)["tries"], note(app)["attempts"]) == (1, 2)
    assert sum("step.interrupted" in line for line in caplog.messages) == 1
    assert len(app.vision.asked) == 1


def test_the_end_of_a_try_whose_answer_is_lost_is_its_end(app: Parts) -> None:
    with _marked(app.services):
        lose_answers(app.images, names.UNFINISHED, ConflictError("412 at the storage client's second attempt"))
    assert note(app)["tries"] == 0
    assert tried(app.services, work())["steps"] == {"analysis": "done"}


def test_a_mark_that_was_written_although_storage_failed_is_taken_away(app: Parts) -> None:
    lose_answers(app.images, names.UNFINISHED, StorageError("no answer"))
    assert tried(app.services, work())["state"] == "deferred"
    assert (note(app)["until"] is None, note(app)["tries"]) == (False, 0)
    assert tried(app.services, work())["steps"] == {"analysis": "done"}


def test_a_mark_of_the_last_version_which_has_no_id_still_holds(app: Parts) -> None:
    (entry,) = unfinished_entries.find(app.services, "a.jpg", None)
    unfinished.rewrite(app.images, entry.blob, {**entry.document, "until": None, "tries": 1})
    assert tried(app.services, work())["seconds"] == 300.0


def test_a_record_that_others_write_without_end_is_told(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict(*given: object) -> None:
        raise ConflictError("somebody was faster")

    monkeypatch.setattr("shared.records.unfinished.rewrite", conflict)
    with pytest.raises(BusyError, match="written by others"), _marked(app.services):
        pass


def _marked(services: App) -> Any:
    return attempt_mark.in_progress(services, "a.jpg", ["analysis"])

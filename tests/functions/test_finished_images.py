"""`GET /api/images?since=` and `?wait=true`: what pollers are answered, and how they go on by Location alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest
from doubles.documents import text_pdf
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.parts import Parts, parts
from doubles.pictures import picture

from ImagesHttp import main
from shared import names, services
from shared.api import image_states
from shared.errors import ThrottledError, VisionRefusedError
from shared.records import by_step, unfinished
from shared.uploads import steps

RED, BLUE = picture(), picture(colour=(0, 0, 200))
LAG = 6


def get(name: str | None = None, **params: str) -> func.HttpResponse:
    return main(request("GET", route={"name": name} if name else {}, params=params), invocation())


def follow(response: func.HttpResponse) -> func.HttpResponse:
    """Ask where the answer says, as Logic Apps does."""
    return get(**dict(parse_qsl(urlsplit(response.headers["Location"]).query)))


def told(response: func.HttpResponse) -> list[str]:
    images = parsed(response)["images"]
    assert response.status_code == (200 if images else 202)
    assert sorted(parsed(response)) == ["images", "since"]
    return [image["name"] for image in images]


def put(app: Parts, name: str, data: bytes = RED) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def finish(app: Parts, *images: str, data: bytes = RED) -> None:
    """Upload and process images, and let the time pass after which they are told."""
    for name in images:
        put(app, name, data)
        steps.process(app.services, name, None)
    app.clock.advance(LAG)


def test_from_now_on_nothing_is_finished_yet(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_ADDRESS", "https://app.example")
    finish(app, "before.jpg")
    answer = get(since="now")
    assert (answer.status_code, parsed(answer)) == (202, {"images": [], "since": "2026-01-01T00:00:06Z"})
    assert answer.headers["Location"] == "https://app.example/api/images?since=2026-01-01T00:00:06Z"
    assert answer.headers["Retry-After"] == "60"


def test_an_image_is_told_once_when_it_is_complete_and_as_the_list_tells_it(app: Parts) -> None:
    answer = get(since="now")
    finish(app, "a.jpg")
    answer = follow(answer)
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "60")
    assert parsed(answer)["images"] == parsed(get())["images"]
    for _ in range(3):
        answer = follow(answer)
        assert told(answer) == []
        app.clock.advance(LAG)


def test_a_second_that_may_not_be_over_for_storage_is_left_to_the_next_poll(app: Parts) -> None:
    answer = get(since="now")
    put(app, "a.jpg")
    steps.process(app.services, "a.jpg", None)
    app.clock.advance(LAG - 1)
    answer = follow(answer)
    assert told(answer) == []
    app.clock.advance(1)
    assert told(follow(answer)) == ["a.jpg"]


def test_an_image_of_the_second_at_which_two_rounds_meet_is_told_once(app: Parts) -> None:
    app.clock.advance(10)
    put(app, "a.jpg")
    steps.process(app.services, "a.jpg", None)
    answer, found = get(since="2026-01-01T00:00:00Z"), []
    for _ in range(10):
        app.clock.advance(1)
        answer = follow(answer)
        found += told(answer)
    assert found == ["a.jpg"]


@pytest.mark.parametrize("seconds", [-120, 120])
def test_storage_whose_clock_differs_from_the_apps_tells_none_twice_and_none_late(app: Parts, seconds: int) -> None:
    app.images.clock_ahead = timedelta(seconds=seconds)
    answer, found = get(since="now"), []
    for number in range(12):
        put(app, f"{number}.jpg")
        steps.process(app.services, f"{number}.jpg", None)
        app.clock.advance(1)
        answer = follow(answer)
        found += told(answer)
    assert found == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg"]


def test_a_failed_image_is_told_and_a_deferred_one_when_it_is_done(app: Parts) -> None:
    answer = get(since="now")
    app.vision.failing = ThrottledError("Slow down.")
    finish(app, "deferred.jpg")
    app.vision.failing = None
    finish(app, "none.jpg", data=b"no image at all")
    answer = follow(answer)
    assert told(answer) == ["none.jpg"]
    steps.process(app.services, "deferred.jpg", None)
    app.clock.advance(LAG)
    assert told(follow(answer)) == ["deferred.jpg"]


def test_an_image_is_told_when_its_last_step_ends_also_if_another_failed_before(app: Parts) -> None:
    app.vision.failures = [VisionRefusedError("No such model."), ThrottledError("Slow down.")]
    answer = get(since="now")
    put(app, "a.jpg")
    steps.process(app.services, "a.jpg", None, from_backlog=True)
    app.clock.advance(LAG)
    assert parsed(get("a.jpg"))["state"] == "failed"
    answer = follow(answer)
    assert told(answer) == []
    steps.process(app.services, "a.jpg", None, only=[by_step.THUMBNAILS])
    app.clock.advance(LAG)
    answer = follow(answer)
    assert told(answer) == ["a.jpg"]
    assert told(follow(answer)) == []


def test_an_overwritten_image_is_told_again_and_a_deleted_one_not(app: Parts) -> None:
    answer = get(since="now")
    finish(app, "a.jpg", "gone.jpg")
    app.images.delete(names.IMAGES, "gone.jpg")
    answer = follow(answer)
    assert told(answer) == ["a.jpg"]
    finish(app, "a.jpg", data=BLUE)
    answer = follow(answer)
    assert told(answer) == ["a.jpg"]
    put(app, "a.jpg", RED)
    app.clock.advance(LAG)
    assert told(follow(answer)) == []


def test_what_callers_ask_for_tells_no_image_again(app: Parts) -> None:
    """A thumbnail of another size; records of bytes."""
    finish(app, "a.jpg")
    answer = get(since="now")
    app.images.write(
        names.THUMBNAILS, "a.jpg/33x33-smart.jpg", RED, content_type="image/jpeg", metadata={names.ON_DEMAND: "true"}
    )
    app.images.write(names.TEXT, names.text_of_digest("0" * 64, "key"), b"{}", content_type=names.JSON)
    app.images.write(names.TEXT, names.text("a.jpg"), b"{}", content_type=names.JSON)
    app.clock.advance(LAG)
    assert told(follow(answer)) == []


def test_names_of_every_kind_are_told(app: Parts) -> None:
    images = ["a.jpg", "a.jpg/b.jpg", "ä b#c.jpg", "long/x.jpg", "by-sha256/x.jpg", f"{'n' * 950}.jpg", "x/thumb/1.txt"]
    answer = get(since="now")
    finish(app, *images)
    assert sorted(told(follow(answer))) == sorted(images)


def test_directories_are_no_records(app: Parts) -> None:
    app.images.has_directories = True
    images = ["album.json/a.jpg", "album/a.jpg", "album/b/c.jpg", "z.jpg"]
    answer = get(since="now")
    finish(app, *images)
    assert sorted(told(follow(answer))) == images


def test_more_than_the_limit_is_told_by_the_polls_that_follow_at_once(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBSITE_HOSTNAME", "app.example")
    images = [f"{number}.jpg" for number in range(7)]
    finish(app, *images)
    answer = get(since="2026-01-01T00:00:00Z", limit="3", code="the key")
    found = told(answer)
    while answer.headers["Retry-After"] == "1":
        assert len(told(answer)) <= 3
        assert answer.headers["Location"].startswith("https://app.example/api/images?since=at-")
        assert answer.headers["Location"].endswith("&limit=3&code=the%20key")
        answer = follow(answer)
        found += told(answer)
    assert sorted(found) == images


def test_a_listing_that_takes_too_long_goes_on_with_the_next_poll(app: Parts) -> None:
    finish(app, "a.jpg", "b.jpg")
    app.images.before = lambda operation, container, name: operation == "page" and app.clock.advance(11)
    answer, found, polls = get(since="2026-01-01T00:00:00Z"), [], 1
    found += told(answer)
    while answer.headers["Retry-After"] == "1":
        answer = follow(answer)
        found += told(answer)
        polls += 1
    assert (sorted(found), polls) == (["a.jpg", "b.jpg"], 4)


def test_an_outage_of_storage_is_told_and_the_same_poll_finds_all(app: Parts) -> None:
    from shared.errors import StorageError

    def out(*asked: str) -> None:
        raise StorageError("Out.")

    answer = get(since="now")
    finish(app, "a.jpg")
    app.images.before = out
    problem_of(follow(answer), 503, "storage_unavailable")
    app.images.before = None
    assert told(follow(answer)) == ["a.jpg"]


def test_an_image_that_storage_tells_nothing_of_stops_no_poll(app: Parts) -> None:
    from shared.errors import ConflictError

    def locked(operation: str, container: str, name: str) -> None:
        if (container, name) == (names.IMAGES, "locked.jpg"):
            raise ConflictError("Blob storage answered 409 for images/locked.jpg.")

    answer = get(since="now")
    finish(app, "a.jpg", "locked.jpg")
    app.images.before = locked
    assert told(follow(answer)) == ["a.jpg"]


@pytest.mark.parametrize(
    ("since", "told_next"),
    [
        ("2025-12-31T23:00:00Z", "2026-01-01T00:00:01Z"),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:01Z"),
        ("2026-01-01T01:00:00 01:00", "2026-01-01T00:00:01Z"),  # its plus was not percent-encoded
        ("2025-12-31T23:59:59.9999999Z", "2026-01-01T00:00:01Z"),  # as utcNow() of Power Automate writes it
        ("1066-10-14T09:00:00Z", "2026-01-01T00:00:01Z"),
        ("20251231T230000Z", "2026-01-01T00:00:01Z"),
        ("2026-01-01T00:05:00Z", "2026-01-01T00:05:00Z"),  # the caller's clock is ahead
    ],
)
def test_times_of_every_form(app: Parts, since: str, told_next: str) -> None:
    finish(app, "a.jpg")
    answer = get(since=since)
    assert parsed(answer)["since"] == told_next
    assert told(answer) == (["a.jpg"] if told_next.endswith("01Z") else [])


PLACE = "at-WzE3NjcyMjU2MDAsMTc2NzIyNTYwMSwxLG51bGxd"


def test_the_place_that_the_refused_ones_differ_from_is_taken(app: Parts) -> None:
    assert get(since=PLACE).status_code == 202


@pytest.mark.parametrize(
    "since",
    [
        "yesterday",
        "NOW",
        "1767225600",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-W01-1T00:00Z",
        "2026-01-01T00:05:10Z",
        "9999-12-31T23:59:59-14:00",
        "0x8DE0",
        "at-",
        PLACE[:-1],
        PLACE + "A",
        "at-W10",
        "at-bnVsbA",
        "at-Ww" * 200,
        "at-WzIsMSwwLG51bGxd",  # ends before it begins
        "at-WzEsMCwwLG51bGxd",  # no round
        "at-WzEsMiw0LG51bGxd",  # a fifth container
        "at-WzEsMiwwLDNd",  # a token that is a number
        "at-WzEsMiwwLCIiXQ",  # an empty token
        "at-WzEsMiwwLCJcdTAwMDAiXQ",  # a control character
        "at-WzEsMmUwLDAsbnVsbF0",  # half seconds
        "at-WzEsOTk5OTk5OTk5OTk5LDAsbnVsbF0",  # a round of the far future
        "at-WzEsMiwwLCJtYWRlIHVwIl0",  # a token that storage refuses
    ],
)
def test_what_is_no_time_and_no_place_is_refused(app: Parts, since: str) -> None:
    problem_of(get(since=since), 400, "bad_parameter")


def test_a_signature_that_came_in_the_wrong_parameter_is_told_to_none(
    app: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answer = get(since="https://account.example/images/a.jpg?sv=1&sig=c2lnbmF0dXJl", code="the key")
    problem_of(answer, 400, "bad_parameter")
    for text in (answer.get_body().decode(), caplog.text):
        assert "account.example" in text
        assert "c2lnbmF0dXJl" not in text
        assert "the key" not in text


@pytest.mark.parametrize(
    "params",
    [
        {"name": "a.jpg"},
        {"prefix": "a"},
        {"state": "complete"},
        {"continuation": "YQ=="},
        {"wait": "true"},
        {"wait": "false"},
        {"limit": "0"},
        {"limit": "201"},
        {"since": "now,now"},
    ],
)
def test_since_goes_with_limit_alone(app: Parts, params: dict[str, str]) -> None:
    problem_of(get(**{"since": "now", **params}), 400, "bad_parameter")


def test_since_has_no_image_in_the_path(app: Parts) -> None:
    finish(app, "a.jpg")
    problem_of(get("a.jpg", since="now"), 400, "bad_parameter")


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    monkeypatch.setenv("PUBLIC_ADDRESS", "https://app.example")
    app = parts(THUMBNAIL_SIZES="100x50", TEXT_MODE="always")
    with services.replaced(app.services):
        yield app


def wait(name: str) -> tuple[int, str | None]:
    """Status and Retry-After of an image that is waited for; the body is the same in any case."""
    answer = get(name, wait="true")
    assert parsed(answer) == parsed(get(name)) == image_states.of_image(services.current(), name)
    assert ("Location" in answer.headers) == (answer.status_code == 202)
    return answer.status_code, answer.headers.get("Retry-After")


def test_a_pending_image_is_waited_for(waiting: Parts) -> None:
    put(waiting, "2026/ä.jpg")
    answer = get("2026/ä.jpg", wait="true")
    assert (answer.status_code, parsed(answer)["state"]) == (202, "pending")
    assert answer.headers["Location"] == "https://app.example/api/images/2026/%C3%A4.jpg?wait=true"
    assert answer.headers["Retry-After"] == "5"
    assert get("2026/ä.jpg", wait="false").status_code == 200


def test_a_name_that_no_path_takes_is_waited_for_by_the_parameter_and_with_the_key(waiting: Parts) -> None:
    put(waiting, "a//b.jpg")
    answer = get(name="a//b.jpg", wait="true", code="k&y")
    assert answer.headers["Location"] == "https://app.example/api/images?name=a%2F%2Fb.jpg&wait=true&code=k%26y"
    assert follow(answer).status_code == 202


def test_a_finished_image_is_told_at_once() -> None:
    app = parts(THUMBNAIL_SIZES="100x50")
    with services.replaced(app.services):
        finish(app, "a.jpg")
        finish(app, "none.jpg", data=b"no image at all")
        assert [wait("a.jpg"), wait("none.jpg")] == [(200, None), (200, None)]
        problem_of(get("missing.jpg", wait="true"), 404, "image_not_found")


def test_a_change_of_settings_is_not_waited_for() -> None:
    """No event comes for it: a caller would wait for ever."""
    app = parts(VISION_FEATURES="Tags")
    finish(app, "a.jpg")
    changed = parts(VISION_FEATURES="Faces")
    with services.replaced(app.services._replace(settings=changed.services.settings)):
        assert image_states.of_image(services.current(), "a.jpg")["state"] == "pending"
        assert wait("a.jpg") == (200, None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, (202, "5")),  # it is being tried
        (-1.0, (202, "5")),  # its turn has come
        (1.0, (202, "5")),
        (120.5, (202, "121")),
        (3600.0, (202, "300")),
        (3601.0, (200, None)),
    ],
)
def test_a_deferred_image_is_waited_for_as_long_as_its_turn_is_near(
    waiting: Parts, seconds: float | None, expected: tuple[int, str | None]
) -> None:
    put(waiting, "a.pdf", text_pdf("HELLO"))
    source = steps.versions.identify(waiting.images, "a.pdf", None)
    assert source
    specs = by_step.specs(waiting.services.settings, by_step.TEXT, "a.pdf")
    mark: dict[str, Any] = {"extra_metadata": {names.TEXT_ONLY: "true"}, "wait_seconds": seconds}
    unfinished.note(waiting.images, waiting.clock, source, by_step.TEXT, specs, ThrottledError("Slow down."), **mark)
    assert wait("a.pdf") == expected


@pytest.mark.parametrize("params", [{"wait": "true"}, {"wait": "false", "state": "failed"}, {"wait": "1", "name": "a"}])
def test_wait_is_true_or_false_of_one_image(app: Parts, params: dict[str, str]) -> None:
    problem_of(get(**params), 400, "bad_parameter")

"""What a limit or the stop has put off is done by itself when that ends: the app as it is wired, on a fake clock."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import responses
from doubles.clock import EPOCH, FakeClock
from doubles.memory import MemoryBlobs
from doubles.parts import ENVIRONMENT
from doubles.pictures import picture

from shared import names, services
from shared.errors import CallsStoppedError, QuotaExhaustedError
from shared.images import ImageBytes
from shared.services import App
from shared.settings import Settings
from shared.uploads import retry_step, steps
from shared.uploads.steps import StepOutcome
from shared.vision import questions

BASE = "https://vision.invalid/vision/v3.2"
PICTURES = {f"{number}.png": picture("PNG", colour=(number * 50, 0, 0)) for number in range(3)}
FROM_HTTP = ImageBytes(picture("PNG", colour=(0, 0, 200)))
RECORDS = {names.ANALYSIS: 3, names.THUMBNAILS: 3, names.UNFINISHED: 0}

Build = Callable[..., App]


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as service:
        answer = {"tags": [], "categories": [], "requestId": "id", "metadata": {"width": 64, "height": 64}}
        answer["areaOfInterest"] = {"x": 0, "y": 8, "w": 64, "h": 48}
        for operation in ("analyze", "describe", "areaOfInterest"):
            service.post(f"{BASE}/{operation}", json=answer)
        yield service


@pytest.fixture
def blobs(clock: FakeClock) -> MemoryBlobs:
    found = MemoryBlobs(clock)
    for name, data in PICTURES.items():
        found.write(names.IMAGES, name, data, content_type="image/png")
    return found


@pytest.fixture
def build(clock: FakeClock, blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setattr(services, "BlobStore", lambda connection, **options: blobs)

    def made(**changes: str) -> App:
        return services.build(Settings.from_env({**ENVIRONMENT, "THUMBNAIL_SIZES": "200x150", **changes}), clock=clock)

    return made


def upload_all(app: App) -> list[StepOutcome]:
    """Deliver every picture's event; returns what was deferred."""
    outcomes = [outcome for name, data in PICTURES.items() for outcome in steps.process(app, name, data)]
    assert {outcome.state for outcome in outcomes} <= {"done", "deferred"}
    return [outcome for outcome in outcomes if outcome.state == "deferred"]


def come_back(app: App, clock: FakeClock, deferred: list[StepOutcome]) -> None:
    """Let each appointment's time come, as RetryOrchestrator's timers do, and have its steps done."""
    begun = clock.now()
    turns = [outcome.appointment for outcome in deferred if outcome.appointment]
    assert len(turns) == len(deferred)
    for turn in sorted(turns, key=lambda turn: turn.seconds):
        clock.advance(max(0.0, begun + turn.seconds - clock.now()))
        work = {"name": turn.name, "steps": list(turn.steps), "attempts": turn.attempts, "key": turn.key, "crash": None}
        with services.replaced(app):
            outcome = retry_step._retry(app, work)[0]
        assert outcome == {"state": "ended", "steps": dict.fromkeys(turn.steps, "done"), "job": None}


def records(blobs: MemoryBlobs) -> dict[str, int]:
    return {container: len(blobs.contents(container)) for container in RECORDS}


@pytest.mark.parametrize(
    ("setting", "reset"), [("VISION_DAILY_LIMIT", timedelta(days=1)), ("VISION_MONTHLY_LIMIT", timedelta(days=31))]
)
def test_at_a_limit_everything_waits_for_its_reset_and_is_done_then(
    service: responses.RequestsMock,
    clock: FakeClock,
    blobs: MemoryBlobs,
    build: Build,
    setting: str,
    reset: timedelta,
) -> None:
    clock.advance(3600.0)
    # Three transactions for each analysis and one for its thumbnail: two pictures, and nothing is left for the third.
    app = build(**{setting: "8", "VISION_FEATURES": "Tags,Description,Objects"})
    deferred = upload_all(app)
    assert [(outcome.step, outcome.code) for outcome in deferred] == [
        ("analysis", "quota_exhausted"),
        ("thumbnails", "quota_exhausted"),
    ]
    with pytest.raises(QuotaExhaustedError) as caught:
        app.answers.ask(questions.describe(), FROM_HTTP)
    assert caught.value.retry_after_seconds == pytest.approx(reset.total_seconds() - clock.now())
    assert len(service.calls) == 4

    come_back(app, clock, deferred)
    assert EPOCH + reset <= clock.utc() < EPOCH + reset + timedelta(seconds=10)
    assert records(blobs) == RECORDS
    assert app.answers.ask(questions.describe(), FROM_HTTP).paid
    assert len(service.calls) == 7


def test_what_a_stop_has_put_off_is_done_within_minutes_of_its_end(
    service: responses.RequestsMock, clock: FakeClock, blobs: MemoryBlobs, build: Build
) -> None:
    stopped = build(VISION_STOP="true")
    deferred = upload_all(stopped)
    assert {outcome.code for outcome in deferred} == {"calls_stopped"}
    with pytest.raises(CallsStoppedError):
        stopped.answers.ask(questions.describe(), FROM_HTTP)
    assert len(service.calls) == 0

    come_back(build(), clock, deferred)
    assert clock.now() < 310.0
    assert records(blobs) == RECORDS
    assert len(service.calls) == 6

import pytest
from doubles.clock import FakeClock
from doubles.fake_vision import FakeVision
from doubles.memory import MemoryBlobs
from doubles.parts import ENVIRONMENT, parts
from doubles.pictures import picture

from shared import names, services
from shared.errors import (
    BusyError,
    CallsStoppedError,
    ImageRejectedError,
    NotFoundError,
    QuotaExhaustedError,
    SettingsError,
)
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.index.observed import Observed
from shared.pace.ledger import Rate
from shared.settings import Settings
from shared.transport import time_budget
from shared.vision import questions

QUESTION = questions.analyze(["Tags"])


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)


def test_the_parts_are_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    first = services.current()
    assert services.current() is first
    assert first.settings.vision_key == "first-secret-key"
    assert first.images is not first.host


def test_one_account_for_both_is_one_store() -> None:
    same = Settings.from_env({**ENVIRONMENT, "AzureWebJobsStorage": ENVIRONMENT["ImagesStorage"]})
    built = services.build(same)
    # What writes records there leaves lines for the index, beside the same store.
    assert isinstance(built.images, Observed)
    assert built.images.observed is built.host


def test_wrong_settings_are_tried_again_at_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError):
        services.current()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert services.current().settings.vision_endpoint == "https://vision.invalid"


def test_the_settings_of_money_reach_the_gate() -> None:
    stopped = services.build(Settings.from_env({**ENVIRONMENT, "VISION_STOP": "true"}), clock=FakeClock())
    with pytest.raises(CallsStoppedError):
        stopped.vision.tag(ImageBytes(picture()))


def test_the_rate_and_the_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[MemoryBlobs] = []

    def memory(connection: str, **options: object) -> MemoryBlobs:
        made.append(MemoryBlobs(clock))
        return made[-1]

    clock = FakeClock()
    monkeypatch.setattr(services, "BlobStore", memory)
    limits = {"VISION_RATE": "20/60", "VISION_DAILY_LIMIT": "8", "VISION_MONTHLY_LIMIT": "7"}
    built = services.build(Settings.from_env({**ENVIRONMENT, **limits}), clock=clock)
    assert built.quota.interval_seconds == Rate.for_tier(20, 60.0).interval_seconds
    assert len(built.quota.reserve([7]).slots) == 1
    clock.advance(10.0)
    with pytest.raises(QuotaExhaustedError) as caught:
        built.quota.reserve([1])
    assert caught.value.retry_after_seconds == 31 * 86_400.0 - 10.0
    assert [blobs.contents(names.QUOTA).keys() for blobs in made if blobs.contents(names.QUOTA)] == [
        {"vision.invalid.json"}
    ]


def test_the_lifetime_of_answers_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    blobs = MemoryBlobs(clock)
    monkeypatch.setattr(services, "BlobStore", lambda connection, **options: blobs)
    vision, image = FakeVision(), ImageBytes(picture())
    monkeypatch.setattr(services, "VisionClient", lambda *where, **options: vision)
    built = services.build(Settings.from_env({**ENVIRONMENT, "ANSWER_LIFETIME_DAYS": "2"}), clock=clock)
    for days, calls in ((0, 1), (1.9, 1), (0.2, 2)):
        clock.advance(days * 86_400)
        built.answers.ask(QUESTION, image)
        assert len(vision.asked) == calls


def test_no_key_is_shown_with_the_services() -> None:
    shown = repr(services.build(Settings.from_env({**ENVIRONMENT, "HEALTH_KEY": "secret-health"})))
    assert "vision.invalid" in shown
    assert "secret" not in shown


def test_a_test_may_replace_the_services_for_a_while() -> None:
    app = parts()
    with services.replaced(app.services):
        assert services.current() is app.services


def test_bytes_an_address_and_a_blob_are_asked_alike() -> None:
    app = parts()
    image = ImageBytes(picture())
    app.images.write(names.IMAGES, "a.jpg", image.data, content_type="image/jpeg")
    url = ImageUrl("https://example.com/a.jpg")
    asked: list[ImageBytes | ImageUrl | ImageBlob] = [image, ImageBlob("a.jpg"), url, url]
    answers = [app.services.answers.ask(QUESTION, each) for each in asked]
    assert [answer.paid for answer in answers] == [True, False, True, False]
    assert [subject for _, subject in app.vision.asked] == [image.subject, url.subject]
    assert app.vision.in_background == [False, False]


def test_an_address_is_asked_again_after_some_minutes() -> None:
    """What it shows can change; bytes stay what they are."""
    app = parts()
    url, image = ImageUrl("https://example.com/a.jpg"), ImageBytes(picture())
    for each in (url, image):
        app.services.answers.ask(QUESTION, each)
    app.clock.advance(301)
    assert app.services.answers.ask(QUESTION, url).paid
    assert not app.services.answers.ask(QUESTION, image).paid


def test_a_blob_that_is_not_there_is_not_found() -> None:
    app = parts()
    with pytest.raises(NotFoundError) as caught:
        app.services.answers.ask(QUESTION, ImageBlob("missing.jpg"))
    assert caught.value.code == "image_not_found"


def test_an_address_in_the_place_of_a_blobs_name_is_not_repeated_whole() -> None:
    with pytest.raises(NotFoundError) as caught:
        parts().services.answers.ask(QUESTION, ImageBlob("https://me:hunter2@host/a.jpg?sig=S3CRETSIG"))
    assert caught.value.message == "There is no image 'https://host/a.jpg' in the container 'images'."


def test_bytes_that_are_no_image_are_refused_before_any_call_or_claim() -> None:
    app = parts()
    with pytest.raises(ImageRejectedError):
        app.services.answers.ask(QUESTION, ImageBytes(b"text"))
    assert app.vision.asked == []
    assert app.host.contents(names.CACHE) == {}


def test_no_caller_waits_longer_for_memory_to_decode_in_than_for_a_turn_at_the_service() -> None:
    budget = services.build(Settings.from_env({**ENVIRONMENT, "MAX_WAIT_SECONDS": "1"})).converter.budget
    clock = FakeClock()
    with budget.share(budget.capacity), time_budget.request(600, clock):
        clock.advance(401)
        with pytest.raises(BusyError, match="within 0 seconds"), budget.share(1):
            pass

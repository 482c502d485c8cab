"""The app's services put together of doubles: storage in memory, a fake Computer Vision, a clock that never waits."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from doubles.clock import FakeClock
from doubles.fake_vision import FakeVision
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers.answers import Answers
from shared.answers.claims import Claims
from shared.clock import Clock
from shared.index.observed import Observed
from shared.index.writer import IndexWriter
from shared.pace.ledger import Rate
from shared.pace.quota import Quota
from shared.pictures.converter import Converter
from shared.records import thumbnails
from shared.search.search import Search
from shared.services import BATCH_THREADS, App
from shared.settings import Settings
from shared.vision.poll_schedule import Median

ENVIRONMENT = {
    "VISION_ENDPOINT": "https://vision.invalid",
    "VISION_KEY": "first-secret-key",
    "ImagesStorage": "AccountName=images;AccountKey=c2VjcmV0",
    "AzureWebJobsStorage": "AccountName=host;AccountKey=c2VjcmV0",
    "IMAGES_WRITABLE": "true",
}


@dataclass(frozen=True)
class Parts:
    """The services and the doubles they are made of."""

    services: App
    images: MemoryBlobs
    host: MemoryBlobs
    vision: FakeVision
    # A FakeClock unless the test gave another.
    clock: Any


def parts(clock: Clock | None = None, **settings: str) -> Parts:
    """Fresh services; *settings* are environment variables on top of `ENVIRONMENT`."""
    clock = clock or FakeClock()
    return _put_together(MemoryBlobs(clock), MemoryBlobs(clock), FakeVision(), clock, settings)


def restarted(app: Parts, **settings: str) -> Parts:
    """The same accounts, service and clock after a restart with other settings."""
    return _put_together(app.images, app.host, app.vision, app.clock, settings)


def _put_together(
    images: MemoryBlobs, host: MemoryBlobs, vision: FakeVision, clock: Clock, settings: dict[str, str]
) -> Parts:
    chosen = Settings.from_env({**ENVIRONMENT, **settings})
    converter = Converter(most_pixels=chosen.max_megapixels * 10**6, wait_seconds=chosen.max_wait_seconds)
    answers = _answers(chosen, vision, host, images, clock, converter)
    quota = Quota(host, names.quota(chosen.vision_endpoint), Rate.for_tier(*chosen.vision_rate), clock)
    pools = ThreadPoolExecutor(4), ThreadPoolExecutor(4)
    parts = chosen, images, host, vision, answers, clock, Median(), *pools, quota, converter
    index = IndexWriter(host, clock)
    seen = Observed(images, index, clock, thumbnails.files(chosen)).as_blobs()
    search = Search(seen, host, clock, chosen)
    services = App(*parts, ThreadPoolExecutor(BATCH_THREADS), index, search)._replace(images=seen)
    return Parts(services, images, host, vision, clock)


def asking(app: App, vision: Any) -> App:
    """The same services with another client of Computer Vision: a real one, or a fake one."""
    answers = _answers(app.settings, vision, app.host, app.images, app.clock, app.converter)
    return app._replace(vision=vision, answers=answers)


def _answers(settings: Settings, vision: Any, host: Any, images: Any, clock: Clock, converter: Converter) -> Answers:
    return Answers(
        vision,
        Claims(host, clock),
        images,
        clock,
        converter,
        wait_seconds=settings.max_wait_seconds,
        most_bytes=settings.max_upload_bytes,
    )

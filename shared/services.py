"""
What the functions of one process share: settings, stores, client. Made at the first use, once.

Everything below here is handed what it needs; this is the only place that puts the parts together.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shared import log, names, threads
from shared.answers.answers import Answers
from shared.answers.claims import Claims
from shared.clock import Clock, SystemClock
from shared.configuration import installed
from shared.configuration.storage_accounts import Account
from shared.errors import StorageError
from shared.index.observed import Observed
from shared.index.writer import IndexWriter, Noted
from shared.pace.gate import Gate
from shared.pace.ledger import Limits, Rate
from shared.pace.quota import Quota
from shared.pictures.converter import Converter
from shared.records import thumbnails
from shared.settings import Settings, log_names
from shared.storage.azure import BlobStore
from shared.storage.blobs import Blobs
from shared.storage.bulkhead import Bulkhead
from shared.transport import time_budget
from shared.transport.http import Transport
from shared.transport.identities import Identity
from shared.vision.client import VisionClient
from shared.vision.credentials import VisionBearer, VisionKeys
from shared.vision.poll_schedule import Median

if TYPE_CHECKING:
    from shared.search.search import Search

_T = TypeVar("_T")
# At ten calls a second, each of which takes a second or two, as many are under way.
BATCH_THREADS = 16
# Lines that are logged before the settings are known, or where these are wrong, must not tell names in hash mode.
log.configure(log_names())


class App(NamedTuple):
    """The parts: `images` is the account with the images and their records, `host` the app's own."""

    settings: Settings
    images: Blobs
    host: Blobs
    vision: VisionClient
    answers: Answers
    clock: Clock
    # How long a Read takes, as learned so far, and the threads for what async functions must not do themselves.
    median: Median
    threads: Executor
    # For requests that wait for Computer Vision, so that they do not occupy those which requests of a status need.
    callers: Executor
    quota: Quota
    converter: Converter
    # For the records of batches, which may take minutes and are not to keep requests from the threads above.
    batches: Executor
    # Each function that has written records flushes it before it ends.
    index_writer: IndexWriter
    search: "Search"


async def in_thread(executor: Executor, action: Callable[[], _T]) -> _T:
    """
    Do what blocks in a thread: an event loop that waits freezes every function of the process.

    It ends in the caller's time; in the background, where no caller waits, in that of `shared.transport.time_budget`.
    """

    def run() -> _T:
        with time_budget.within(time_budget.BACKGROUND_SECONDS):
            return action()

    return await threads.in_pool(executor, run)


@asynccontextmanager
async def recorded(app: App, executor: Executor) -> AsyncIterator[Noted]:
    """
    Inside, a function writes records; it stores their lines at its end, with `store` of the app's `index_writer`.

    Where it raises instead, they are stored here, if storage takes them.
    """
    with app.index_writer.working() as noted:
        try:
            yield noted
        except Exception:
            with suppress(StorageError):
                await app.index_writer.store(noted, executor)
            raise


async def recording(app: App, executor: Executor, action: Callable[[], _T]) -> _T:
    """
    `in_thread` for what writes records, whose lines are stored at its end.

    Raises:
        StorageError: they could not be stored.
    """
    async with recorded(app, executor) as noted:
        done = await in_thread(executor, action)
        await app.index_writer.store(noted, executor)
        return done


async def both(*waits: Coroutine[Any, Any, None]) -> None:
    """Wait for all side by side, and then raise what the first of them has raised."""
    for found in await asyncio.gather(*waits, return_exceptions=True):
        if found is not None:
            raise found


_lock = threading.Lock()
_current: App | None = None


def current() -> App:
    """
    The process's parts.

    Raises:
        SettingsError: the app settings are incomplete; tried again at the next call.
        PythonMismatchError: the packages are for another Python, until the process ends.
    """
    global _current
    with _lock:
        if _current is None:
            installed.check()
            _current = build(Settings.from_env())
        return _current


@contextmanager
def replaced(app: App) -> Iterator[None]:
    """Inside, `current()` is *app*: the seam for tests of function folders."""
    global _current
    before, _current = _current, app
    try:
        yield
    finally:
        _current = before


def build(settings: Settings, *, clock: Clock | None = None) -> App:
    """Put the parts together. Connects to nothing yet."""
    log.configure(settings.log_names)
    clock = clock or SystemClock()
    # Callers, uploads and batches have executors of their own beside the worker's threads.
    connections = 3 * settings.threads + BATCH_THREADS
    same = settings.host_storage == settings.images_storage
    # Half of the worker's threads are for requests that need no storage, whatever storage does.
    places = max(1, settings.threads // (2 if same else 4))
    identity = cache(partial(Identity, clock=clock))

    def store(account: Account, **options: Any) -> BlobStore:
        return BlobStore(account, identity=identity(account.principal) if account.principal else None, **options)

    both = replace(settings.images_storage, setting="ImagesStorage and AzureWebJobsStorage")
    images: Blobs = store(
        both if same else settings.images_storage,
        connections=connections,
        bulkhead=Bulkhead(places, clock),
    )
    host = images if same else store(settings.host_storage, connections=connections, bulkhead=Bulkhead(places, clock))
    index_writer = IndexWriter(host, clock)
    images = Observed(images, index_writer, clock, thumbnails.files(settings)).as_blobs()
    # Imported here: most processes of other functions come without it.
    from shared.search.search import Search

    search = Search(images, host, clock, settings)
    quota = Quota(
        # A store of its own: the whole queue waits while it is asked.
        store(settings.host_storage, connections=8, hurried=True),
        names.quota(settings.vision_endpoint),
        Rate.for_tier(*settings.vision_rate),
        clock,
        Limits(settings.vision_daily_limit, settings.vision_monthly_limit),
    )
    vision = VisionClient(
        settings.vision_endpoint,
        VisionBearer(identity(settings.principal))
        if settings.vision_auth == "identity"
        else VisionKeys(settings.vision_key or "", settings.vision_key_2),
        transport=Transport(
            service="Computer Vision",
            connections=connections,
            ca_bundle=settings.ca_bundle,
            https_proxy=settings.https_proxy,
        ),
        timeout_seconds=settings.vision_timeout_seconds,
        max_wait_seconds=settings.max_wait_seconds,
        clock=clock,
        gate=Gate(clock, quota, stopped=settings.vision_stop),
    )
    days = settings.answer_lifetime_days
    claims = Claims(host, clock, lifetime_seconds=None if days is None else days * 86_400.0)
    converter = Converter(
        most_pixels=settings.max_megapixels * 10**6,
        wait_seconds=settings.max_wait_seconds,
        left=time_budget.left_for_turns,
    )
    answers = Answers(
        vision,
        claims,
        images,
        clock,
        converter,
        wait_seconds=settings.max_wait_seconds,
        most_bytes=settings.max_upload_bytes,
    )
    pools = [
        ThreadPoolExecutor(size, thread_name_prefix=name)
        for size, name in ((settings.threads, "services"), (settings.threads, "callers"), (BATCH_THREADS, "batches"))
    ]
    parts = settings, images, host, vision, answers, clock, Median()
    return App(*parts, pools[0], pools[1], quota, converter, pools[2], index_writer, search)

"""What became of pictures that were uploaded: their records, what was paid for each, and what is left behind."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from bench.pictures import Picture
from bench.stack import Stack
from local.host.blobs.listener import POISON_QUEUE

LOOK_SECONDS = 1.0
# Longer than a claim of the dead lives, a probe of an open breaker or a first appointment takes.
PATIENCE_SECONDS = 150.0
SIZES = ["200x150", "1024x768"]
_RECORDS = ("analysis", "thumbnails", "text")
_UPLOADS_AT_ONCE = 4

# A picture's digest and an operation: what is paid for.
Asked = tuple[str, str]


class Left(NamedTuple):
    """What nothing should be left of: instances that have not ended or ended badly, and messages in poison queues."""

    unended: int
    failed: int
    poison: int


def upload(stack: Stack, given: Sequence[Picture]) -> None:
    """Upload them, as fast as storage takes them."""
    with stack.storage() as storage, ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        images = storage.get_container_client("images")

        def put(picture: Picture) -> None:
            with suppress(ResourceExistsError):  # an attempt before has arrived, and its answer has not
                images.upload_blob(picture.name, picture.data)

        list(pool.map(put, given))


def paid(stack: Stack) -> Counter[Asked]:
    """How often each picture was paid for, by operation."""
    operations = stack.vision_stats()["operations"]
    return Counter((body, name) for name, counted in operations.items() for body in counted["bodies"])


def expected(given: Sequence[Picture]) -> Counter[Asked]:
    """How often each is to be paid for."""
    questions: Counter[Asked] = Counter()
    for picture in given:
        questions[picture.sha256, "analyze"] = 1
        questions[picture.sha256, "areaOfInterest"] = 1
        if picture.text:
            questions[picture.sha256, "read"] = 1
    return questions


def records(stack: Stack) -> set[str]:
    """The records that are there of the images as they are now, as `container/name`."""
    found = set()
    with stack.storage() as storage:
        etags = {blob.etag.strip('"') for blob in storage.get_container_client("images").list_blobs()}
        for container in _RECORDS:
            for blob in storage.get_container_client(container).list_blobs(include=["metadata"]):
                if blob.metadata["sourceetag"] in etags:
                    found.add(f"{container}/{blob.name}")
    return found


def unfinished(stack: Stack, state: str | None = None) -> dict[str, str]:
    """The code of each unfinished record, by its name; those of one state, or all."""
    with stack.storage() as storage:
        listed = storage.get_container_client("unfinished").list_blobs(include=["metadata"])
        return {blob.name: blob.metadata["code"] for blob in listed if state in (None, blob.metadata["state"])}


def wrong_texts(stack: Stack, given: Sequence[Picture]) -> list[str]:
    """The names of the pictures whose text is not what is in them."""
    with stack.storage() as storage:
        container = storage.get_container_client("text")
        there = {blob.name for blob in container.list_blobs()}
        wrong = []
        for picture in given:
            name = f"{picture.name}.txt"
            text = container.download_blob(name).readall().decode().strip() if name in there else None
            wrong += [] if text == picture.text else [picture.name]
        return wrong


def states(stack: Stack) -> Counter[str]:
    """How many images the app says are complete, pending, deferred and failed."""
    counted: Counter[str] = Counter()
    continuation = ""
    while True:
        page = json.loads(stack.ask_host("GET", f"/api/images?limit=200{continuation}"))
        counted.update(image["state"] for image in page["images"])
        if page["continuation"] is None:
            return counted
        continuation = f"&continuation={page['continuation']}"


def left(stack: Stack) -> Left:
    """What is left behind."""
    with QueueClient.from_connection_string(stack.addresses.connection_string, POISON_QUEUE) as queue:
        poison = queue.get_queue_properties().approximate_message_count or 0
    return Left(_instances(stack, "Running,Pending"), _instances(stack, "Failed,Terminated"), poison)


def _is_quiet(stack: Stack) -> bool:
    """Whether no instance is under way; False while the host is being started again."""
    try:
        return not left(stack).unended
    except OSError:
        return False


def _instances(stack: Stack, status: str) -> int:
    path = f"/runtime/webhooks/durabletask/instances?runtimeStatus={status}&top=1000"
    return len(json.loads(stack.ask_host("GET", path)))


def wait_until_settled(
    stack: Stack,
    wanted: Mapping[str, set[str]],
    *,
    show: Callable[[int, int], None] = lambda there, total: None,
) -> None:
    """
    Return when each picture has its records or a failed step, and no instance is under way; or when nothing moves.

    Args:
        stack: where.
        wanted: the records of each picture, by its name.
        show: is told how many records are there, of how many.
    """
    total = sum(map(len, wanted.values()))
    seen, last_progress = Counter[str](), time.monotonic()
    while True:
        there = records(stack)
        failed = {name.partition("/")[2].removesuffix(".json") for name in unfinished(stack, "failed")}
        missing = [name for name, of_it in wanted.items() if not of_it <= there and name not in failed]
        if not missing and _is_quiet(stack):
            return
        show(len(there), total)
        now = Counter(records=len(there), paid=paid(stack).total(), failed=len(failed))
        if now != seen:
            seen, last_progress = now, time.monotonic()
        if time.monotonic() - last_progress > PATIENCE_SECONDS:
            return
        time.sleep(LOOK_SECONDS)

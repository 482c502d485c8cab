"""`python -m local events`: watch the container `images` and tell the host what appears, changes and goes."""

import argparse
import fcntl
import logging
import os
import sys
import threading
import time
from contextlib import ExitStack

from azure.core.exceptions import AzureError

from local.addresses import Addresses, add_stack_options
from local.events.container import WatchedContainer
from local.events.journal import Journal
from local.events.stopping import stop_event
from local.events.watcher import Watcher
from local.events.webhook import NotDeliveredError, Subscription, Webhook
from local.private import private_folder

INTERVAL_SECONDS = 0.5
DESCRIPTION = """\
Tells the Functions host about blobs that appear, change or go in a container, by Event Grid's contract: the storage
emulator sends no events. Delivery is at least once. At the very first start the blobs that are there count as known."""

logger = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Run until SIGTERM, SIGINT or the end of the supervisor; returns the exit status."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    stop = stop_event()
    folder = private_folder(options.state.resolve(), "events")
    with ExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder} is in use by another watcher: stop that one, or give another --state", file=sys.stderr)
            return 1
        watcher = _watcher(options, stack, stop)
        if _prepare(watcher, stop):
            print("events ready", flush=True)
            _watch(watcher, stop, options.interval)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local events", description=DESCRIPTION)
    add_stack_options(parser)
    parser.add_argument("--container", default="images", help="the container to watch (default %(default)s)")
    parser.add_argument(
        "--function", default="AnalyzeOnUpload", help="the blobTrigger function told of new blobs (default %(default)s)"
    )
    parser.add_argument(
        "--deleted-function", metavar="NAME", help="an eventGridTrigger function to tell of deletions (default: none)"
    )
    parser.add_argument("--duplicate", action="store_true", help="send every event twice, as Event Grid sometimes does")
    parser.add_argument(
        "--interval",
        type=float,
        default=INTERVAL_SECONDS,
        metavar="SECONDS",
        help="time between two looks (default %(default)s)",
    )
    return parser


def _watcher(options: argparse.Namespace, stack: ExitStack, stop: threading.Event) -> Watcher:
    connection = os.environ.get("ImagesStorage") or Addresses(options.port).connection_string  # noqa: SIM112
    keys = options.state / "host" / "keys.json"
    created = Webhook(options.port, Subscription.of_blob_trigger(options.function), keys)
    deleted = None
    if options.deleted_function:
        deleted = Webhook(options.port, Subscription.of_event_grid_trigger(options.deleted_function), keys)
    return Watcher(
        stack.enter_context(WatchedContainer(connection, options.container)),
        stack.enter_context(Journal(options.state / "events" / "told.db", options.container)),
        created=created,
        deleted=deleted,
        copies=2 if options.duplicate else 1,
        stopping=stop.is_set,
    )


def _prepare(watcher: Watcher, stop: threading.Event) -> bool:
    """Record the baseline as soon as storage answers; False when told to stop meanwhile."""
    said = ""
    while not stop.is_set():
        try:
            watcher.record_baseline()
            return True
        except AzureError as error:
            said = _say_once(said, f"storage does not answer yet: {error.message.splitlines()[0]}")
            stop.wait(INTERVAL_SECONDS)
    return False


def _watch(watcher: Watcher, stop: threading.Event, interval_seconds: float) -> None:
    said = ""
    while not stop.is_set():
        begun = time.monotonic()
        try:
            if told := watcher.scan():
                logger.info("told the host of %d changes", told)
            said = ""
        except NotDeliveredError as error:
            said = _say_once(said, f"{error}; trying again")
        except AzureError as error:
            said = _say_once(said, f"storage does not answer: {error.message.splitlines()[0]}; trying again")
        # Listing a large container must not take the machine: never more than a tenth of the time.
        stop.wait(max(interval_seconds, 9 * (time.monotonic() - begun)))


def _say_once(said: str, message: str) -> str:
    if message != said:
        logger.warning(message)
    return message

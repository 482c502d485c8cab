"""`python -m local events`: watch the container `images` and tell the host what is uploaded to it."""

import argparse
import fcntl
import logging
import os
import sys
import threading
from contextlib import ExitStack

from local import notices
from local.addresses import DEFAULT_PORT, Addresses, add_stack_options
from local.events.container import WatchedContainer
from local.events.journal import Journal
from local.events.rounds import Rounds
from local.events.stopping import stop_event
from local.events.watcher import Watcher
from local.events.webhook import Subscription, Webhook
from local.private import private_folder
from local.stack.state_lock import running_port
from local.trouble import Trouble
from local.wording import program

INTERVAL_SECONDS = 0.5
DESCRIPTION = """\
Tells the Functions host about uploads to a container, by Event Grid's contract: the storage emulator sends no events.
Of deletions it tells the function of --deleted-function alone; this app has none. Delivery is at least once. At the
very first start the blobs that are there count as known."""

logger = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Run until SIGTERM, SIGINT or the end of the supervisor; returns the exit status."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    options.port = options.port or running_port(options.state) or DEFAULT_PORT
    stop = stop_event()
    folder = private_folder(options.state.resolve(), "events")
    with ExitStack() as stack:
        lock = stack.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder} is in use by another watcher: stop that one, or give another --state", file=sys.stderr)
            return notices.final_status()
        watcher = _watcher(options, stack, stop)
        rounds = Rounds(stop, Trouble(_say), interval_seconds=options.interval)
        if rounds.until_one_succeeds(watcher.record_baseline):
            print("events ready", flush=True)
            rounds.until_stopped(lambda: _scan(watcher))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"{program()} events", description=DESCRIPTION)
    add_stack_options(parser)
    parser.add_argument("--container", default="images", help="the container to watch (default %(default)s)")
    parser.add_argument(
        "--function", default="AnalyzeOnUpload", help="the blobTrigger function told of uploads (default %(default)s)"
    )
    parser.add_argument(
        "--deleted-function",
        metavar="NAME",
        help="an eventGridTrigger function to tell of deletions (default: none is told)",
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


def _scan(watcher: Watcher) -> None:
    if told := watcher.scan():
        logger.info("told the host of %d changes", told)


def _say(text: str) -> None:
    logger.warning(text)
    notices.send(text)

"""`python -m local events`: watch the container `images` and tell the host what happens to its blobs."""

import argparse
import fcntl
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from local import notices
from local.addresses import DEFAULT_PORT, Addresses, add_stack_options
from local.events.container import WatchedContainer
from local.events.journal import EVENTS, UPLOADS, Journal
from local.events.outbox import Outbox
from local.events.rounds import Rounds
from local.events.sender import BatchSender, SingleSender
from local.events.stopping import stop_event
from local.events.watcher import Watcher
from local.events.webhook import ANSWER_SECONDS, Subscription, Webhook
from local.private import private_folder
from local.stack.state_lock import running_port
from local.trouble import Trouble
from local.wording import program

INTERVAL_SECONDS = 0.5
# How often the outbox is looked into, which costs next to nothing.
SEND_SECONDS = 0.1
# A host without the function is not asked for it more often than this, in the end.
LONGEST_PAUSE_SECONDS = 5.0
DESCRIPTION = """\
Tells the Functions host what happens to the blobs of a container, by Event Grid's contract: the storage emulator sends
no events. One function is told of uploads, another one of deletions, of uploads of more than 100 MB, and of changed
access tiers. Delivery is at least once. At the very first start the blobs that are there count as known."""

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
            background = _Background(options, stop)
            background.start()
            print("events ready", flush=True)
            rounds.until_stopped(watcher.scan)
            background.join()
            return 1 if background.has_failed else 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"{program()} events", description=DESCRIPTION)
    add_stack_options(parser)
    parser.add_argument("--container", default="images", help="the container to watch (default %(default)s)")
    parser.add_argument(
        "--function", default="AnalyzeOnUpload", help="the blobTrigger function told of uploads (default %(default)s)"
    )
    parser.add_argument(
        "--events-function",
        default="StorageEvents",
        metavar="NAME",
        help="the eventGridTrigger function told of everything else (default %(default)s)",
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


def _watcher(options: argparse.Namespace, stack: ExitStack, stop: Event) -> Watcher:
    connection = os.environ.get("ImagesStorage") or Addresses(options.port).connection_string  # noqa: SIM112
    return Watcher(
        stack.enter_context(WatchedContainer(connection, options.container)),
        stack.enter_context(Journal(_told(options), options.container)),
        stopping=stop.is_set,
    )


@dataclass
class _Background:
    """Sends the events of each subscription in a thread of its own, until *stop* is set."""

    options: argparse.Namespace
    stop: Event
    has_failed: bool = False
    threads: list[Thread] = field(default_factory=list)

    def start(self) -> None:
        for work in (self._send_uploads, self._send_events):
            thread = Thread(target=self._until_stopped, args=[work], daemon=True)
            thread.start()
            self.threads.append(thread)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(ANSWER_SECONDS)

    def _until_stopped(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            # The process must not go on without one of them: a supervisor starts it again.
            logger.exception("events cannot be sent")
            self.has_failed = True
            self.stop.set()

    def _send_uploads(self) -> None:
        webhook = self._webhook(Subscription.of_blob_trigger(self.options.function))
        with Outbox(_told(self.options), UPLOADS) as outbox:
            sender = BatchSender(outbox, webhook, copies=self._copies, stopping=self.stop.is_set)
            self._rounds(Trouble(_say), INTERVAL_SECONDS).until_stopped(lambda: _send(sender))

    def _send_events(self) -> None:
        function = self.options.events_function
        webhook = self._webhook(Subscription.of_event_grid_trigger(function))
        trouble = Trouble(lambda text: _say(f"{function} is not told of deletions and the like: {text}"))
        with Outbox(_told(self.options), EVENTS) as outbox:
            sender = SingleSender(outbox, webhook, say=_say, copies=self._copies, stopping=self.stop.is_set)
            self._rounds(trouble, LONGEST_PAUSE_SECONDS).until_stopped(lambda: _send(sender))

    @property
    def _copies(self) -> int:
        return 2 if self.options.duplicate else 1

    def _webhook(self, subscription: Subscription) -> Webhook:
        return Webhook(self.options.port, subscription, self.options.state / "host" / "keys.json")

    def _rounds(self, trouble: Trouble, longest_pause: float) -> Rounds:
        return Rounds(self.stop, trouble, interval_seconds=SEND_SECONDS, rest=0.0, longest_after_failures=longest_pause)


def _send(sender: BatchSender | SingleSender) -> None:
    if told := sender.send():
        logger.info("told the host of %d change%s", told, "s" * (told != 1))


def _told(options: argparse.Namespace) -> Path:
    path: Path = options.state / "events" / "told.db"
    return path


def _say(text: str) -> None:
    logger.warning(text)
    notices.send(text)

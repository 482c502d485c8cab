"""The command line of `add`: find the files, upload them and wait with a progress bar, print what came of it."""

import argparse
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from local.adding.advice import advice
from local.adding.batch import Batch, Interrupt, Listener, Upload
from local.adding.files import Found, find_files
from local.adding.report import Report
from local.adding.tally import SHOWN, Listing, Tally, unsettled_lines
from local.addresses import Addresses, add_stack_options, stack_words
from local.app import AppClient, ImageState, function_key, master_key
from local.console import say
from local.counts import images
from local.durations import about
from local.errors import INTERRUPTED, LocalError
from local.signals import signals_call
from local.stack.state_lock import stack_port
from local.stack.status_table import plain_line
from local.upload import ImageUploader
from local.wording import program
from local.wrapping import Verbatim, complain

WAIT_SECONDS = 120.0
PLAIN_PROGRESS_SECONDS = 10.0
# What the stand-in of Computer Vision and the app do with two cores; a guess for as long as nothing has been measured.
IMAGES_A_SECOND = 4
# From then on it is said how long it takes.
MANY = 50


def main(argv: list[str]) -> int:
    """Add images; returns 0 when all are complete, 1 when one is not, 2 for wrong usage such as a missing file."""
    options = _parser().parse_args(argv)
    try:
        found = find_files(options.paths, name=options.name)
    except LocalError as error:
        complain("add", error)
        return 2
    try:
        return _Adding(options, found).run()
    except LocalError as error:
        complain("add", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} add", description="Upload images into the running stack, wait, print what was found."
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE_OR_FOLDER",
        help="images and PDFs, and folders of which each one below is taken, named by its path in the folder",
    )
    add_stack_options(parser)
    parser.add_argument("--name", help="the image's name in the container (one FILE only; default: the file's name)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="stop waiting when no further image is complete or failed within that time (default %(default).0f)",
    )
    return parser


class _Adding:
    """One run of `add`."""

    def __init__(self, options: argparse.Namespace, found: Found) -> None:
        state, port = options.state, stack_port(options.port, options.state)
        self._patience_seconds = options.timeout
        self._stack_options = "".join(f" {shlex.quote(word)}" for word in stack_words(options.port, state))
        self._start = f"{program()} start{self._stack_options}"
        self._found = found
        self._addresses = Addresses(port)
        self._app = AppClient(port, key=function_key(state), master_key=master_key(state))
        self._console = Console(highlight=False)
        self._tally = Tally(len(found.files) + len(found.refused))
        self._report = Report(self._addresses, state.resolve() / "logs", self._stack_options)
        self._interrupt = Interrupt()
        self._begun = time.monotonic()
        # Of a few files everything is told, of a small folder a line for each image, of many what they came to.
        self._is_few = len(found.files) <= SHOWN
        self._in_full = self._is_few and not any(path.is_dir() for path in options.paths)

    def run(self) -> int:
        if not self._app.is_up():
            raise LocalError(f"no stack answers on port {self._addresses.port}: start one with `{self._start}`")
        self._app.require_working()
        self._tell_before()
        with signals_call(self._interrupt.request, signal.SIGINT):
            return self._add()

    def _add(self) -> int:
        batch = Batch(self._app, self._tally, self._interrupt)
        try:
            self._upload_and_wait(batch)
        except LocalError as error:
            raise LocalError(f"{error}\nadd: {self._what_goes_on(batch)}") from error
        if self._interrupt.stop.is_set():
            complain("add", f"stopped: {self._what_goes_on(batch)}")
            return INTERRUPTED
        self._tell_result(batch)
        return 0 if self._tally.complete == self._tally.total else 1

    def _upload_and_wait(self, batch: Batch) -> None:
        with ImageUploader(self._addresses.connection_string) as uploader, self._progress(batch) as show:
            listener = Listener(self._tell_upload, self._tell_settled, show)
            batch.run(uploader, self._found.files, listener, patience_seconds=self._patience_seconds)
        if batch.storage_error and not self._interrupt.stop.is_set():
            raise batch.storage_error

    @contextmanager
    def _progress(self, batch: Batch) -> Iterator[Callable[[], None]]:
        """Yield the function that shows how far all are: in a bar on a terminal, elsewhere now and then in a line."""
        tally = self._tally
        if not self._console.is_interactive:
            yield _now_and_then(lambda: self._say(self._how_far(batch)))
            return
        # The bar takes what the words leave.
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=None))
        progress = Progress(*columns, expand=True)
        # An upload is half of an image's way.
        task = progress.add_task(self._how_far(batch), total=2 * tally.total)
        # In another line, the `^C` that a terminal shows would keep this one from being cleared.
        narrow = Constrain(progress, self._console.width - len("^C^C"))
        with Live(narrow, console=self._console, transient=True, refresh_per_second=10):
            yield lambda: progress.update(
                task,
                description=self._how_far(batch),
                completed=tally.uploaded + 2 * tally.not_uploaded.count + tally.settled,
            )

    def _how_far(self, batch: Batch) -> str:
        if self._interrupt.stop.is_set():
            return "finishing the uploads under way; Ctrl-C again leaves them"
        seconds = self._tally.seconds_left(time.monotonic() - self._begun)
        deferred = [state for state in batch.unsettled.values() if state and state.state == "deferred"]
        how_far = self._tally.how_far(deferred) + _until_when(deferred)
        return how_far + (f", {about(seconds)} left" if seconds else "")

    def _tell_before(self) -> None:
        others = Listing()
        for path in self._found.not_images:
            others.add(str(path))
        self._say(*others.lines("skipped, being neither images nor PDFs by their first bytes:"))
        for reason in self._found.refused:
            self._tally.count_not_uploaded(reason)
        if len(self._found.files) >= MANY:
            takes = about(len(self._found.files) / IMAGES_A_SECOND)
            self._say(
                f"{images(len(self._found.files))} take {takes} on a laptop; Ctrl-C stops, and the same command goes on"
            )

    def _tell_upload(self, result: Upload) -> None:
        if self._in_full:
            self._say(f"{result.item}: {result.value.value if result.value else result.error}")

    def _tell_settled(self, state: ImageState) -> None:
        if self._in_full:
            self._say(*self._report.lines(state.name, state))
        elif self._is_few and state.state == "complete":
            self._say(plain_line(state))

    def _tell_result(self, batch: Batch) -> None:
        unsettled = batch.unsettled
        if self._in_full:
            for name, state in unsettled.items():
                self._say(*self._report.lines(name, state))
        else:
            self._say(*self._problems(unsettled))
        if self._tally.total > 1:
            self._say(self._tally.summary(unsettled.values(), time.monotonic() - self._begun))
        if unsettled:
            complain("add", self._why_no_longer(batch))

    def _problems(self, unsettled: Mapping[str, ImageState | None]) -> list[str]:
        tally = self._tally
        lines = [*tally.not_uploaded.lines("not uploaded:"), *tally.failed.lines("failed:")]
        if tally.failed.count:
            commands = advice(tally.codes, "NAME", self._stack_options)
            lines += [Verbatim(f"{purpose.format('one'):<16} {command}") for purpose, command in commands.items()]
        return [*lines, *unsettled_lines(unsettled)]

    def _why_no_longer(self, batch: Batch) -> str:
        if not self._app.is_up():
            return f"the stack has stopped: `{self._start}` starts it again, and it goes on with what was uploaded"
        seconds = f"{self._patience_seconds:.0f} s"
        waited = f"no further image became complete or failed within {seconds}"
        if batch.is_put_off:
            waited = f"what is left is deferred until after the {seconds} of --timeout"
        return f"{waited}: the app goes on with what was uploaded; the same command waits for it again"

    def _what_goes_on(self, batch: Batch) -> str:
        perhaps = f" (and perhaps {batch.left_under_way} more)" if batch.left_under_way else ""
        how_far = self._tally.how_far(batch.unsettled.values())
        by_itself = "; the app goes on with what was uploaded" if batch.unsettled else ""
        return f"{how_far}{perhaps}{by_itself}; the same command goes on from here"

    def _say(self, *lines: str) -> None:
        say(self._console, *lines)


def _until_when(deferred: Sequence[ImageState]) -> str:
    """Until when and why the first of them is deferred, to stand behind how many there are."""
    if not deferred:
        return ""
    told = deferred[0].told.removeprefix("deferred")
    return told if len(deferred) == 1 else f", one of them {told.lstrip(', ')}"


def _now_and_then(action: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def show() -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_PROGRESS_SECONDS:
            last = time.monotonic()
            action()

    return show

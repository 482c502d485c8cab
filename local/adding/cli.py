"""The command line of `add`: find the files, upload them and wait with a progress bar, print what came of it."""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from local.adding.batch import Batch
from local.adding.files import Found, find_files
from local.adding.report import report
from local.adding.tally import SHOWN, Listing, Tally, why_unfinished
from local.adding.upload_pool import Uploaded
from local.addresses import Addresses, add_stack_options
from local.app import AppClient, function_key, master_key
from local.errors import LocalError
from local.stack.state_lock import stack_port
from local.upload import ImageUploader
from local.wording import program

WAIT_SECONDS = 120.0
PLAIN_PROGRESS_SECONDS = 10.0


def main(argv: list[str]) -> int:
    """Add images; returns 0 when all are complete, 1 when one is not, 2 for wrong usage such as a missing file."""
    options = _parser().parse_args(argv)
    try:
        found = find_files(options.paths, name=options.name)
    except LocalError as error:
        print(f"add: {error}", file=sys.stderr)
        return 2
    try:
        options.port = stack_port(options.port, options.state)
        return _Adding(options, found).run()
    except LocalError as error:
        print(f"add: {error}", file=sys.stderr)
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
        help="stop waiting when no further image is finished within that time (default %(default).0f)",
    )
    return parser


class _Adding:
    """One run of `add`."""

    def __init__(self, options: argparse.Namespace, found: Found) -> None:
        self._options = options
        self._found = found
        self._addresses = Addresses(options.port)
        state = options.state
        self._app = AppClient(options.port, key=function_key(state), master_key=master_key(state))
        self._console = Console(highlight=False)
        self._tally = Tally(len(found.files) + len(found.refused))
        # Of a few files everything is told, of many what they came to.
        self._in_full = len(found.files) <= SHOWN and not any(path.is_dir() for path in options.paths)

    def run(self) -> int:
        if not self._app.is_up():
            port = self._options.port
            raise LocalError(f"no stack answers on port {port}: start one with `make start`, or name its --port")
        begun = time.monotonic()
        self._tell_skipped()
        try:
            unsettled = self._upload_and_wait()
        except KeyboardInterrupt:
            print(f"add: stopped: {self._what_goes_on()}", file=sys.stderr)
            return 130
        except LocalError as error:
            raise LocalError(f"{error}\nadd: {self._what_goes_on()}") from error
        self._tell(unsettled, time.monotonic() - begun)
        return 0 if self._tally.complete == self._tally.total else 1

    def _upload_and_wait(self) -> Collection[str]:
        with ImageUploader(self._addresses.connection_string) as uploader, self._progress() as show:
            batch = Batch(self._app, self._tally, uploaded=self._tell_upload, show=show)
            return batch.run(uploader, self._found.files, patience_seconds=self._options.timeout)

    @contextmanager
    def _progress(self) -> Iterator[Callable[[], None]]:
        """Yield the function that shows how far all are: in a bar on a terminal, elsewhere now and then in a line."""
        tally = self._tally
        if not self._console.is_terminal:
            yield _now_and_then(lambda: self._say(_how_far(tally)))
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            # An upload is half of an image's way.
            task = progress.add_task(_how_far(tally), total=2 * tally.total)
            yield lambda: progress.update(
                task,
                description=_how_far(tally),
                completed=tally.uploaded + tally.not_uploaded + tally.done,
            )

    def _tell_skipped(self) -> None:
        others = Listing()
        for path in self._found.not_images:
            others.add(str(path))
        if others.count:
            self._say(f"skipped, being neither images nor PDFs by their first bytes: {others.count}", *others.lines())
        for reason in self._found.refused:
            self._tally.count_failed_upload(reason)

    def _tell_upload(self, result: Uploaded) -> None:
        if self._in_full:
            self._say(f"{result.name}: {result.outcome.value}" if result.outcome else f"{result.name}: {result.error}")

    def _tell(self, unsettled: Collection[str], seconds: float) -> None:
        if self._in_full:
            for name in self._found.files:
                self._say(*report(name, self._app.image(name), self._addresses))
        else:
            self._say(*self._problems(unsettled))
        if self._tally.total > 1:
            self._say(self._tally.summary(seconds))
        if unsettled:
            waited = f"nothing more is finished within {self._options.timeout:.0f} s"
            print(f"add: {waited}: {self._what_goes_on()}", file=sys.stderr)

    def _problems(self, unsettled: Collection[str]) -> list[str]:
        waiting = Listing()
        for name in sorted(unsettled):
            state = self._app.image(name) if waiting.count < SHOWN else None
            waiting.add(f"{name}: {why_unfinished(state) if state else 'the app has not heard of it'}")
        failed = self._tally.failed
        lines = [f"failed: {failed.count}", *failed.lines()] if failed.count else []
        return lines + ([f"not done yet: {waiting.count}", *waiting.lines()] if waiting.count else [])

    def _what_goes_on(self) -> str:
        return (
            f"{_how_far(self._tally)}; work on what was uploaded goes on, "
            "and the same command again uploads the rest and starts what had been given up"
        )

    def _say(self, *lines: str) -> None:
        for line in lines:
            # A file's name need not be text.
            printable = line.encode(errors="backslashreplace").decode()
            self._console.print(Text(printable), soft_wrap=True)


def _how_far(tally: Tally) -> str:
    return f"{tally.uploaded} of {tally.total} uploaded, {tally.done} done"


def _now_and_then(action: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def act() -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_PROGRESS_SECONDS:
            last = time.monotonic()
            action()

    return act

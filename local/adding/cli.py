"""The command line of `add`: check the files, upload, wait with a progress bar, print."""

import argparse
import sys
import threading
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from local.adding.report import report
from local.addresses import Addresses, add_stack_options
from local.app import AppClient, ImageState, function_key
from local.errors import LocalError
from local.upload import ImageUploader, read_image_file
from local.waiting import wait_for_images

WAIT_SECONDS = 120.0


def main(argv: list[str]) -> int:
    """Add images; returns 0 when all are complete, 1 when one is not, 2 for wrong usage such as a missing file."""
    options = _parser().parse_args(argv)
    try:
        uploads = _uploads(options)
    except LocalError as error:
        print(f"add: {error}", file=sys.stderr)
        return 2
    try:
        return _add(options, uploads)
    except LocalError as error:
        print(f"add: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("add: stopped waiting; what was uploaded is processed all the same", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local add", description="Upload images into the running stack, wait, print what was found."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="image files")
    add_stack_options(parser)
    parser.add_argument("--name", help="the image's name in the container (one FILE only; default: the file's name)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the results (default %(default).0f)",
    )
    return parser


def _uploads(options: argparse.Namespace) -> dict[str, Path]:
    """Return the files by the names they get; raises LocalError for what cannot be uploaded as asked."""
    if options.name is not None and len(options.files) > 1:
        raise LocalError("--name names one image: give one FILE with it")
    uploads: dict[str, Path] = {}
    for path in options.files:
        read_image_file(path)
        name = options.name or path.name
        if name in uploads:
            raise LocalError(f"{uploads[name]} and {path} would both be named {name}: add one of them with --name")
        uploads[name] = path
    return uploads


def _add(options: argparse.Namespace, uploads: dict[str, Path]) -> int:
    addresses = Addresses(options.port)
    app = AppClient(options.port, key=function_key(options.state))
    if not app.is_up():
        raise LocalError(f"no stack answers on port {options.port}: start one with `make start`, or name its --port")
    console = Console(highlight=False)
    _upload(console, addresses, uploads)
    states = _wait(console, app, list(uploads), options.timeout)
    for name in uploads:
        for line in report(name, states.get(name), addresses):
            console.print(Text(line), soft_wrap=True)
    complete = all(name in states and states[name].state == "complete" for name in uploads)
    if not complete and any(name not in states or states[name].state == "pending" for name in uploads):
        print(f"add: not everything was done within {options.timeout:.0f} s; work goes on", file=sys.stderr)
    return 0 if complete else 1


def _upload(console: Console, addresses: Addresses, uploads: dict[str, Path]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with (
        ImageUploader(addresses.connection_string) as uploader,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        for name, path in uploads.items():
            task = progress.add_task(f"uploading {name}", total=path.stat().st_size)
            outcome = uploader.upload(path, name, lambda sent, task=task: progress.update(task, completed=sent))  # type: ignore[misc]
            console.print(Text(f"{name}: {outcome.value}"), soft_wrap=True)


def _wait(console: Console, app: AppClient, names: list[str], timeout_seconds: float) -> dict[str, ImageState]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("records", total=len(names))

        def show(states: dict[str, ImageState]) -> None:
            steps = [step for state in states.values() for step in state.steps if step.state != "none"]
            total = max(len(steps), len(names)) if len(states) == len(names) else None
            progress.update(task, total=total, completed=sum(step.state == "done" for step in steps))

        return wait_for_images(app, names, timeout_seconds=timeout_seconds, stop=threading.Event(), show=show)

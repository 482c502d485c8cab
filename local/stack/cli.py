"""`python -m local start`: the command line, and what happens in which order."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local.addresses import DEFAULT_PORT, Addresses, add_stack_options
from local.app import AppClient, function_key, master_key
from local.errors import LocalError
from local.private import private_folder
from local.stack import recipes
from local.stack.space import SpaceWatch, watched_space
from local.stack.state_lock import LEFTOVER_SECONDS, locked_state, require_free_ports
from local.stack.status_table import StatusDisplay
from local.stack.supervisor import Supervisor
from local.stack.tryout import curl_lines
from local.waiting import wait_for_images
from local.wording import program, program_elsewhere

SAMPLES_SECONDS = 180.0
IDLE_SECONDS = 1.0
PLAIN_COLUMNS = 120  # of a table in a file or a pipe


def main(argv: list[str]) -> int:
    """Start the stack and stay; returns 0 after Ctrl-C, with --once 0 only if every sample is complete."""
    options = _parse(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_COLUMNS)
    begun = time.monotonic()
    try:
        with locked_state(options.state.resolve(), options.port) as unclean:
            addresses = Addresses(options.port)
            require_free_ports(addresses, wait_seconds=LEFTOVER_SECONDS if unclean else 0)
            return _Stack(options, console).run(begun)
    except LocalError as error:
        print(f"start: {error}", file=sys.stderr)
        return 1


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.no_host and options.enable_auth:
        parser.error("--enable-auth is for the host, which --no-host leaves out: give it to `python -m local host`")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} start", description="Start the whole stack, process the samples, stay until Ctrl-C."
    )
    add_stack_options(parser, port=DEFAULT_PORT)
    samples = parser.add_mutually_exclusive_group()
    samples.add_argument(
        "--once",
        action="store_true",
        help="stop after the samples; exit 0 only if every one has every record that applies to it",
    )
    samples.add_argument("--no-samples", action="store_true", help="upload nothing, and stay until Ctrl-C")
    samples.add_argument(
        "--no-host",
        action="store_true",
        help="leave out the host, for a debugger to start with `python -m local host --in-stack`; uploads nothing",
    )
    parser.add_argument("--enable-auth", action="store_true", help="check function keys, as Azure does")
    return parser


class _Stack:
    """One run of `start`."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        self._console = console
        self._state: Path = options.state.resolve()
        self._addresses = Addresses(options.port)
        self._has_samples = not (options.no_samples or options.no_host)
        self._supervisor = Supervisor(self._say)

    def run(self, begun: float) -> int:
        space = SpaceWatch(self._state, self._say)
        with _signals_call(self._supervisor.request_stop), watched_space(space):
            try:
                if not self._start():
                    return 0
                if not self._options.no_host:
                    self._app().require_working()
                self._say(f"ready after {time.monotonic() - begun:.1f} s; logs in {self._state / 'logs'}")
                status = self._process_samples() if self._has_samples else 0
                if not self._options.once:
                    self._stay()
                    status = 0
                return status
            finally:
                if self._supervisor.stop_requested.is_set():
                    self._say("stopping")
                self._supervisor.stop(recipes.STOP_ORDER)

    def _start(self) -> bool:
        """Start everything; False when told to stop meanwhile."""
        supervisor, addresses, state = self._supervisor, self._addresses, self._state
        supervisor.launch(recipes.azurite(addresses, state), recipes.vision(addresses, state))
        # Half a second of imports, while the processes start.
        from local.stack.containers import make_containers

        if not supervisor.wait_until_ready("azurite"):
            return False
        # The app's storage is there before the host is: work left over from the last run begins at once.
        own_host = () if self._options.no_host else ("host",)
        if own_host:
            supervisor.launch(recipes.host(addresses, state, enable_auth=self._options.enable_auth))
        make_containers(addresses.connection_string)
        supervisor.launch(recipes.events(addresses, state))
        return supervisor.wait_until_ready("vision", *own_host, "events")

    def _process_samples(self) -> int:
        from local.samples import sample_files
        from local.upload import ImageUploader, Outcome

        begun = time.monotonic()
        files = sample_files(private_folder(self._state, "samples"))
        with ImageUploader(self._addresses.connection_string) as uploader:
            outcomes = {path.name: uploader.upload(path, path.name) for path in files}
        stop = self._supervisor.stop_requested
        with StatusDisplay(self._console, list(outcomes), self._state / "logs") as display:
            states = wait_for_images(
                self._app(),
                list(outcomes),
                timeout_seconds=SAMPLES_SECONDS,
                stop=stop,
                show=display.show,
                # Settings may have changed since, or an outage ended their events.
                already_there=[name for name, outcome in outcomes.items() if outcome is Outcome.PRESENT],
            )
        if not stop.is_set():
            display.tell_result(time.monotonic() - begun)
        return 0 if all(name in states and states[name].state == "complete" for name in outcomes) else 1

    def _stay(self) -> None:
        stop = self._supervisor.stop_requested
        if not stop.is_set() and self._options.no_host:
            self._say("\nStart the host, under a debugger or not:")
            self._say(f"  {program_elsewhere()} host {self._own_options()}--in-stack")
            self._say("\nCtrl-C stops everything else.")
        elif not stop.is_set():
            self._say("\nTry it from another terminal:")
            for what, command in self._curl_lines() if self._has_samples else ():
                self._say(f"  # {what}\n  {command}")
            self._say("  # upload an image of your own, wait, print what was found in it")
            self._say(f"  {program_elsewhere()} add {self._own_options()}FILE\n\nCtrl-C stops everything.")
        while not stop.wait(IDLE_SECONDS):
            pass

    def _curl_lines(self) -> Iterable[tuple[str, str]]:
        samples = Path(__file__).resolve().parents[2] / "samples"
        receipt = self._state / "samples" / "receipt.png"
        return curl_lines(self._addresses, samples / "coffee.jpg", receipt, key=self._key())

    def _own_options(self) -> str:
        defaults = _parser().parse_args([])
        port = "" if self._options.port == defaults.port else f"--port {self._options.port} "
        return port + ("" if self._options.state == defaults.state else f"--state {self._options.state} ")

    def _app(self) -> AppClient:
        master = master_key(self._state) if self._options.enable_auth else None
        return AppClient(self._options.port, key=self._key(), master_key=master)

    def _key(self) -> str | None:
        return function_key(self._state) if self._options.enable_auth else None

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


@contextmanager
def _signals_call(action: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and the end of the terminal call *action* instead of raising in the middle of something."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: action()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""`python -m local start`: the command line, and what happens in which order."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console

from local.app import AppClient, function_key, master_key
from local.app_settings import PROJECT, overridden
from local.console import say
from local.errors import INTERRUPTED, LocalError
from local.health_key import health_key
from local.local_settings import read_local_settings
from local.private import private_folder
from local.signals import signals_call
from local.stack import recipes
from local.stack.options import PARTS, Choice, parse
from local.stack.own_service import require_answer, told_of_service
from local.stack.pending import told_of_comparison, told_of_pending
from local.stack.service import Recipe
from local.stack.space import SpaceWatch, watched_space
from local.stack.state_lock import LEFTOVER_SECONDS, locked_state, require_free_ports, wait_for_leftovers
from local.stack.status_table import StatusDisplay
from local.stack.supervisor import Supervisor
from local.stack.tryout import curl_lines, thumbnail_by_service
from local.waiting import wait_for_images
from local.wording import program_elsewhere
from local.wrapping import Verbatim, complain

SAMPLES_SECONDS = 180.0
SHOWN_SAMPLE = "coffee.jpg"
IDLE_SECONDS = 1.0
# Ctrl-C, what a service manager sends, and the end of the terminal: none raises in the middle of something.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: list[str]) -> int:
    """Start the stack and stay; returns 0 after Ctrl-C, with --once 0 only if every sample is complete."""
    choice = parse(argv)
    console = Console(highlight=False)
    begun = time.monotonic()
    try:
        settings = _settings(choice, console)
        with locked_state(choice.state, choice.addresses.port) as unclean:
            if unclean:
                wait_for_leftovers(choice.state, choice.parts, lambda line: say(console, line))
            require_free_ports(choice.addresses, choice.parts, wait_seconds=LEFTOVER_SECONDS if unclean else 0)
            return _Stack(choice, settings, console).run(begun)
    except LocalError as error:
        complain("start", error)
        return 1


def _settings(choice: Choice, console: Console) -> dict[str, str]:
    """Return the settings of the environment and the file; says which the stack does not use, and what is paid."""
    if not (choice.has_app or choice.for_debugger):
        return {}
    of_file = read_local_settings(PROJECT)
    settings = {**of_file, **os.environ}
    say(console, *overridden(choice.addresses, os.environ, of_file, own_service=choice.own_service))
    if choice.own_service:
        say(console, *told_of_service(choice, settings))
    return settings


class _Stack:
    """One run of `start`."""

    def __init__(self, choice: Choice, settings: Mapping[str, str], console: Console) -> None:
        self._choice = choice
        self._console = console
        self._state = choice.state
        self._addresses = choice.addresses
        self._supervisor = Supervisor(self._say)
        self._health_key = health_key(choice.state, settings) if choice.has_app else ""

    def run(self, begun: float) -> int:
        space = SpaceWatch(self._state, self._say)
        with signals_call(self._supervisor.request_stop, *STOPPING), watched_space(space):
            try:
                if not self._start():
                    return INTERRUPTED if self._choice.once else 0
                self._require_working_app()
                self._say(f"ready after {time.monotonic() - begun:.1f} s; logs in {self._state / 'logs'}")
                status = self._process_samples() if self._choice.samples else 0
                self._tell_pending()
                self._tell_reconciliation()
                if not self._choice.once:
                    self._stay()
                    status = 0
                return status
            finally:
                if self._supervisor.stop_requested.is_set():
                    self._say("stopping")
                self._supervisor.stop(recipes.STOP_ORDER)

    def _start(self) -> bool:
        """Start every part that was chosen; False when told to stop meanwhile."""
        supervisor, addresses, state, parts = self._supervisor, self._addresses, self._state, self._choice.parts
        if "azurite" in parts:
            supervisor.launch(recipes.azurite(addresses, state))
        if "vision" in parts:
            supervisor.launch(recipes.vision(addresses, state))
        if not parts & {"azurite", "host", "events"}:
            return supervisor.wait_until_ready(*parts)
        # Half a second of imports, while the processes start.
        from local.stack.containers import make_containers, require_storage

        if "azurite" not in parts:
            require_storage(addresses)
        elif not supervisor.wait_until_ready("azurite"):
            return False
        # The app's storage is there before the host is: work left over from the last run begins at once.
        if "host" in parts:
            supervisor.launch(self._host())
        make_containers(addresses.connection_string)
        if "events" in parts:
            supervisor.launch(recipes.events(addresses, state))
        return supervisor.wait_until_ready(*(part for part in PARTS[1:] if part in parts))

    def _host(self) -> Recipe:
        choice = self._choice
        return recipes.host(
            self._addresses,
            self._state,
            enable_auth=choice.enable_auth,
            own_service=choice.own_service,
            health_key=self._health_key,
        )

    def _require_working_app(self) -> None:
        if self._choice.has_app:
            self._app().require_working()
            if self._choice.own_service:
                require_answer(self._addresses.host_url, self._health_key)

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
        if stop.is_set():
            return INTERRUPTED
        display.tell_result(time.monotonic() - begun)
        # Of one's own service it would be paid, and is none of the calls whose cost was told.
        if self._choice.once and not self._choice.own_service:
            self._say(thumbnail_by_service(self._app(), SHOWN_SAMPLE, self._state / "thumbnail.jpg"))
        return 0 if all(name in states and states[name].state == "complete" for name in outcomes) else 1

    def _tell_pending(self) -> None:
        """After the samples, which are brought up to date by the start itself."""
        if self._choice.has_app and not self._supervisor.stop_requested.is_set():
            pending = told_of_pending(self._app(), self._choice.words, is_paid=self._choice.own_service)
            self._say(*[pending] if pending else [])

    def _tell_reconciliation(self) -> None:
        """Say what the app's last comparison of images and records has found; nothing before the first."""
        if self._choice.has_app and not self._supervisor.stop_requested.is_set():
            self._say(*told_of_comparison(self._addresses.host_url, self._health_key))

    def _stay(self) -> None:
        stop = self._supervisor.stop_requested
        if not stop.is_set():
            self._say(*self._what_next())
        while not stop.wait(IDLE_SECONDS):
            pass

    def _what_next(self) -> Iterator[str]:
        words = self._choice.words
        if self._choice.for_debugger:
            vision = " --vision azure" if self._choice.own_service else ""
            yield "\nStart the host, under a debugger or not:"
            yield f"  {program_elsewhere()} host {words}--in-stack{vision}"
            yield "\nCtrl-C stops everything else."
            return
        if self._choice.has_app:
            yield f"\nSee your images, and drop others on them: {self._addresses.page_url}"
        if {"azurite", "host", "events"} <= self._choice.parts:
            yield "\nTry it from another terminal:"
            for what, command in self._curl_lines() if self._choice.samples else ():
                yield f"  # {what}\n  {command}"
            yield "  # upload an image of your own, wait, print what was found in it"
            yield f"  {program_elsewhere()} add {words}FILE"
        yield "\nCtrl-C stops everything."

    def _curl_lines(self) -> Iterable[tuple[str, str]]:
        # As they are found from the folder in which the command was typed.
        coffee, receipt = (
            Path(os.path.relpath(folder / "samples" / name))
            for folder, name in ((PROJECT, SHOWN_SAMPLE), (self._state, "receipt.png"))
        )
        return curl_lines(self._addresses, coffee, receipt, key=self._key())

    def _app(self) -> AppClient:
        master = master_key(self._state) if self._choice.enable_auth else None
        return AppClient(self._addresses.port, key=self._key(), master_key=master)

    def _key(self) -> str | None:
        return function_key(self._state) if self._choice.enable_auth else None

    def _say(self, *lines: str) -> None:
        for line in (line for text in lines for line in text.split("\n")):
            # What stands below a line that explains it is a command, to be copied.
            say(self._console, Verbatim(line) if line.startswith("  ") else line)

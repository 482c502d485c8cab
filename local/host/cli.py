"""`python -m local host`: run the function folders of an app on this machine."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO, get_args

from local import app_settings, notices
from local.addresses import DEFAULT_PORT, DEFAULT_STATE, Addresses
from local.errors import LocalError
from local.health_key import NAME as HEALTH_KEY
from local.health_key import health_key
from local.host.app.config import apply_host_settings, apply_local_settings, read_host_json
from local.host.app.context import WORKERS_ATTRIBUTION, Attribution
from local.host.app.loader import enter_app, load_app
from local.host.errors import StartError
from local.host.http.keys import read_keys
from local.host.http.routes import build_routes
from local.host.logs import lost_lines, set_up_logging
from local.host.process.beginning import Beginning
from local.host.process.exclusive import listening_socket, locked_state
from local.host.service import Plan, describe, serve
from local.host.support import check_support
from local.signals import end_at_once, signals_call
from local.stack.state_lock import stack_port
from local.wording import program

PROJECT = Path(__file__).resolve().parents[2]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Console:
    """What the host says apart from its log."""

    output: TextIO

    def announce(self, url: str) -> None:
        """Say that the host answers at *url*."""
        print(f"host ready {url}", file=self.output, flush=True)

    def restarts(self, reason: str) -> None:
        """Say, where a supervisor listens, why the host starts again."""
        notices.send(f"starts again: {reason}", self.output)


def main(argv: list[str]) -> int:
    """Run the host until it is told to stop; returns the exit status."""
    beginning = Beginning.now()
    options = _parse(argv)
    # Standard output is for the ready line; what functions print goes where their log goes.
    console, sys.stdout = Console(sys.stdout), sys.stderr
    try:
        if options.port is None:
            options.port = stack_port(None, options.state) if options.in_stack else DEFAULT_PORT
        # While the functions are imported; the event loop has a handler of its own.
        with signals_call(end_at_once, signal.SIGINT), locked_state(options.state.resolve()):
            _run(options, console, beginning)
    except (StartError, LocalError) as error:
        print(f"host: {error}", file=sys.stderr)
        return notices.final_status()
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"{program()} host", description=__doc__)
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help=f"default {DEFAULT_PORT}, with --in-stack that of the running stack; 0 takes any free port",
    )
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help="its data is in DIR/host")
    parser.add_argument(
        "--in-stack",
        action="store_true",
        help="as the host of the running stack, with the settings that `start` gives it; "
        "for a stack that was started with --no-host",
    )
    parser.add_argument(
        "--vision",
        choices=("local", "azure"),
        default="local",
        help="with --in-stack: whose Computer Vision, as with `start` (default: %(default)s)",
    )
    parser.add_argument("--enable-auth", action="store_true", help="check keys, as Azure does; they are in keys.json")
    parser.add_argument(
        "--attribution",
        choices=get_args(Attribution),
        default=WORKERS_ATTRIBUTION,
        help="what tells the invocation of a thread, as up to Python 3.12 or as from 3.13 on (default %(default)s)",
    )
    parser.add_argument("--root", type=Path, default=PROJECT, metavar="DIR", help="the app (default: this project)")
    options = parser.parse_args(argv)
    if options.in_stack and options.port == 0:
        parser.error("--in-stack needs the port of the stack's host: give it with --port")
    if options.vision == "azure" and not options.in_stack:
        parser.error("--vision is for --in-stack: without it the host has the settings of its environment as they are")
    return options


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _run(options: argparse.Namespace, console: Console, beginning: Beginning) -> None:
    plan = _plan(options)
    table = "\n".join(describe(plan)) or "  none"
    print(f"functions of {Path.cwd()}:\n{table}", file=sys.stderr, flush=True)
    asyncio.run(_serve_until_told(plan, console, beginning))


def _plan(options: argparse.Namespace) -> Plan:
    root, state = options.root.resolve(), options.state.resolve() / "host"
    if options.in_stack:
        own_service = options.vision == "azure"
        os.environ.update(app_settings.environment(Addresses(options.port), os.environ, own_service=own_service))
        os.environ.update(app_settings.of_page(os.environ, enable_auth=options.enable_auth))
    apply_local_settings(root, os.environ)
    if options.in_stack:
        os.environ[HEALTH_KEY] = health_key(options.state.resolve(), os.environ)
    config = read_host_json(root, os.environ)
    set_up_logging(config.log_levels, options.attribution)
    keys = read_keys(state / "keys.json", enabled=options.enable_auth)
    listener = listening_socket(options.port)
    apply_host_settings(root, listener.getsockname()[1], os.environ)
    enter_app(root)
    loaded = load_app(root, os.environ, check_support, config.functions)
    routes, app = build_routes(loaded, config.route_prefix)
    return Plan(config, app, routes, keys, state, listener)


async def _serve_until_told(plan: Plan, console: Console, beginning: Beginning) -> None:
    port = plan.listener.getsockname()[1]
    stop = asyncio.Event()

    def start_again(reason: str) -> NoReturn:
        if stop.is_set():
            logger.error("ending without it: %s", reason)
            _end_now()
        logger.error("starting again: %s", reason)
        console.restarts(reason)
        beginning.again(port)

    _stop_on_signals(stop)
    if os.environ.get("BLOBSIGHT_PARENT") == "1":
        _stop_at_end_of_stdin(stop)
    end = await serve(plan, stop, lambda: console.announce(plan.url), start_again)
    lost_lines.tell()
    if end.start_again:
        start_again(end.start_again)
    if not end.finished:
        _end_now()


def _end_now() -> NoReturn:
    """The end of the loop, and that of the interpreter, would wait for the threads of runs that do not end."""
    sys.stderr.flush()
    os._exit(0)


def _stop_on_signals(stop: asyncio.Event) -> None:
    def told(number: signal.Signals) -> None:
        if stop.is_set():
            # The second time somebody is in a hurry.
            os._exit(128 + number)
        logger.info("%s: finishing what has begun", number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told, number)


def _stop_at_end_of_stdin(stop: asyncio.Event) -> None:
    """The parent holds the other end of standard input: when it is closed, however suddenly, the parent is gone."""
    loop = asyncio.get_running_loop()

    def told() -> None:
        logger.info("the parent is gone: finishing what has begun")
        stop.set()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        # The host may have stopped by itself in the meantime.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(told)

    threading.Thread(target=watch, name="parent", daemon=True).start()

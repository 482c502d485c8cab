"""`python -m local vision`: the service as a process of its own."""

import argparse
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from local import notices
from local.errors import LocalError
from local.printable import printable
from local.private import private_folder
from local.vision.calls import CallLogInUseError
from local.vision.connection import Connection
from local.vision.listener import HOST, STOP_SECONDS, VisionServer
from local.vision.rate import Rate
from local.vision.recognition.loading import Models
from local.vision.recognition.seen import Recognizers
from local.vision.server import DEFAULT_KEY, STATE_FOLDER, make_service
from local.vision.service import VisionService
from local.vision.text.engines import EngineError, asked_engine
from local.wording import program

DEFAULT_PORT = 7072
STDIN = 0


def main(argv: list[str]) -> int:
    """Serve until SIGTERM, SIGINT or, as a child of the local stack, the end of stdin."""
    options = _parser().parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if os.environ.get("BLOBSIGHT_PARENT") == "1":
        threading.Thread(target=_watch_parent, args=(stop,), name="parent", daemon=True).start()
    try:
        asked_engine()
        models = Models(os.environ)
        server = VisionServer(_service(options, models), Connection, port=options.port, is_verbose=options.verbose)
    except (CallLogInUseError, EngineError, LocalError) as error:
        sys.stderr.write(f"vision: {printable(str(error))}\n")
        return notices.final_status()
    except OSError as error:
        sys.stderr.write(
            f"vision: cannot listen on {HOST}:{options.port} ({error.strerror}): "
            "stop what uses that port or choose another with --port\n"
        )
        return notices.final_status()
    _serve(server, stop)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} vision", description="A local stand-in for Azure Computer Vision v3.2."
    )
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--key", default=DEFAULT_KEY, help="subscription key to accept (default: %(default)s)")
    parser.add_argument("--rate", type=_rate, metavar="N/S", help="at most N calls in S seconds (default: no limit)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep statistics and Reads in DIR/vision")
    parser.add_argument("--answers", type=_directory, metavar="DIR", help="scripted answers, searched first")
    parser.add_argument("--verbose", action="store_true", help="one line on stderr for each request")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: use 0 to 65535")
    return int(text)


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a directory: name one that holds <sha256>.json files")
    return Path(text)


def _rate(text: str) -> Rate:
    try:
        return Rate.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _service(options: argparse.Namespace, models: Models) -> VisionService:
    answers = [options.answers] if options.answers else []
    if options.state is not None:
        private_folder(options.state.resolve(), STATE_FOLDER)
    return make_service(key=options.key, rate=options.rate, state=options.state, answers=answers, models=models)


def _serve(server: VisionServer, stop: threading.Event) -> None:
    # Of a damaged picture Pillow warns on stderr; the caller is told by the answer.
    warnings.simplefilter("ignore")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="accept", daemon=True).start()
    sys.stdout.write(f"vision ready {server.url}\n")
    sys.stdout.flush()
    warming = threading.Thread(target=_warm_up, args=[server.service.models], name="warm-up", daemon=True)
    warming.start()
    stop.wait()
    server.stop()
    server.service.close()
    # Native code that still runs while Python comes to its end would bring it down with an abort.
    warming.join(STOP_SECONDS)


def _warm_up(models: Callable[[], Recognizers]) -> None:
    """Load what the first call would have to wait for."""
    with contextlib.suppress(ImportError):
        from local.vision.evidence.warming import warm_up

        warm_up(models())


def _watch_parent(stop: threading.Event) -> None:
    """Stop when the parent is gone: its end of the pipe closes with it."""
    # Not sys.stdin: Python aborts at its end when a thread is still inside one of its buffered readers.
    with contextlib.suppress(OSError):
        while os.read(STDIN, 1024):
            pass
    stop.set()

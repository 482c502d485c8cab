"""
The vision service on a port of this machine, in this process.

`running_vision` is for tests: it takes a free port and is gone at the end of the block.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.vision.admission import Admission
from local.vision.calls import CallLedger
from local.vision.connection import Connection, too_many_connections
from local.vision.faults import parse_faults
from local.vision.patience import PATIENCE, Patience
from local.vision.rate import Rate
from local.vision.reading.desk import ReadDesk
from local.vision.reading.store import OperationStore
from local.vision.reading.work import read_document
from local.vision.scripted import PACKAGED_ANSWERS, ScriptedAnswers
from local.vision.service import VisionService

DEFAULT_KEY = "local-vision-key"
HOST = "127.0.0.1"
STATE_FOLDER = "vision"
STOP_SECONDS = 30.0
# A thread each. The app opens some dozens; more than this are a mistake, and must not take all memory.
MAX_CONNECTIONS = 512


class VisionServer(ThreadingHTTPServer):
    """
    Serves *service* on 127.0.0.1:*port*; port 0 takes a free one.

    *patience* is how long a client may take, *max_connections* how many may be open at once. Raises OSError when the
    port is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        service: VisionService,
        *,
        port: int,
        is_verbose: bool = False,
        patience: Patience = PATIENCE,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        super().__init__((HOST, port), Connection)
        self.service = service
        self.is_verbose = is_verbose
        self.patience = patience
        self._max_connections = max_connections
        self._free_connections = threading.BoundedSemaphore(max_connections)
        self._calls = 0
        self._idle = threading.Condition()

    @property
    def url(self) -> str:
        """Base address without a slash at its end."""
        return f"http://{HOST}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind, without the look-up of this machine's name that the base class makes."""
        # A service that was killed a moment ago leaves connections that linger on this port.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or refuse it where there are too many."""
        if not self._free_connections.acquire(blocking=False):
            with suppress(OSError):
                request.sendall(too_many_connections(self._max_connections))
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free_connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free_connections.release()

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a call from its headers to the last byte of its answer."""
        with self._idle:
            self._calls += 1
        try:
            yield
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def stop(self, *, timeout_seconds: float = STOP_SECONDS) -> bool:
        """Accept nothing more and finish what is in flight; False when that took longer than *timeout_seconds*."""
        self.shutdown()
        self.server_close()
        self.service.stop()
        with self._idle:
            return self._idle.wait_for(lambda: self._calls == 0, timeout_seconds)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away; report everything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # typed as a socket there


class RunningVision:
    """A running service, as tests see it."""

    def __init__(self, server: VisionServer, key: str) -> None:
        self.server, self.key = server, key
        self.url = server.url
        self.hold = server.service.hold

    def set_faults(self, **faults: object) -> None:
        """Put faults in force, named as in `PUT /_control/faults`; none at all clears them."""
        self.server.service.admission.set_faults(parse_faults(faults))

    def stats(self) -> dict[str, dict[str, object]]:
        """Return what `GET /_control/stats` has under `operations`."""
        operations: dict[str, dict[str, object]] = self.server.service.ledger.snapshot()["operations"]
        return operations


def make_service(
    *,
    key: str = DEFAULT_KEY,
    rate: Rate | None = None,
    state: Path | None = None,
    answers: Sequence[Path] = (),
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
) -> VisionService:
    """
    Put a service together.

    *state* is the directory above the service's own, None keeps nothing; *answers* are searched before the state's and
    the package's. Raises LedgerInUseError when another process uses the same state.
    """
    own = state / STATE_FOLDER if state is not None else None
    directories = [*answers, *([own / "answers"] if own else []), PACKAGED_ANSWERS]
    admission = Admission(key=key, rate=rate, clock=clock, wall_clock=wall_clock)
    # The ledger first: it makes sure that nobody else uses the directory.
    ledger = CallLedger(own)
    reads = ReadDesk(OperationStore(own), read_document, wall_clock=wall_clock)
    return VisionService(admission=admission, ledger=ledger, scripts=ScriptedAnswers(directories), reads=reads)


@contextmanager
def running_vision(
    *,
    key: str = DEFAULT_KEY,
    rate: Rate | None = None,
    state: Path | None = None,
    answers: Sequence[Path] = (),
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
    patience: Patience = PATIENCE,
    max_connections: int = MAX_CONNECTIONS,
) -> Iterator[RunningVision]:
    """Run the service on a free port for the length of a with block."""
    service = make_service(key=key, rate=rate, state=state, answers=answers, clock=clock, wall_clock=wall_clock)
    server = VisionServer(service, port=0, patience=patience, max_connections=max_connections)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="vision", daemon=True)
    thread.start()
    try:
        yield RunningVision(server, key)
    finally:
        server.stop()
        thread.join()
        service.close()

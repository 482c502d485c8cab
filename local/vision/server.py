"""
The vision service on a port of this machine, in this process.

`running_vision` is for tests: it takes a free port and is gone at the end of the block.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.vision.admission import Admission
from local.vision.calls import CallLog
from local.vision.connection import Connection
from local.vision.faults import parse_faults
from local.vision.listener import MAX_CONNECTIONS, VisionServer
from local.vision.patience import PATIENCE, Patience
from local.vision.rate import Rate
from local.vision.read_api import read_document
from local.vision.reading.read_queue import ReadQueue
from local.vision.reading.store import OperationStore
from local.vision.recognition.loading import no_models
from local.vision.recognition.seen import Recognizers
from local.vision.scripted import PACKAGED_ANSWERS, ScriptedAnswers
from local.vision.service import VisionService

DEFAULT_KEY = "local-vision-key"
STATE_FOLDER = "vision"


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

    def calls(self) -> list[dict[str, object]]:
        """Return what `GET /_control/calls` has under `calls`."""
        return self.server.service.ledger.calls()


def make_service(
    *,
    key: str = DEFAULT_KEY,
    rate: Rate | None = None,
    state: Path | None = None,
    answers: Sequence[Path] = (),
    models: Callable[[], Recognizers] = no_models,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
) -> VisionService:
    """
    Put a service together.

    *state* is the directory above the service's own, None keeps nothing; *answers* are searched before the state's and
    the package's. Raises CallLogInUseError when another process uses the same state.
    """
    own = state / STATE_FOLDER if state is not None else None
    directories = [*answers, *([own / "answers"] if own else []), PACKAGED_ANSWERS]
    admission = Admission(key=key, rate=rate, clock=clock, wall_clock=wall_clock)
    # The ledger first: it makes sure that nobody else uses the directory.
    ledger = CallLog(own)
    reads = ReadQueue(OperationStore(own), read_document, wall_clock=wall_clock)
    return VisionService(
        admission=admission, ledger=ledger, scripts=ScriptedAnswers(directories), reads=reads, models=models
    )


@contextmanager
def running_vision(
    *,
    key: str = DEFAULT_KEY,
    rate: Rate | None = None,
    state: Path | None = None,
    answers: Sequence[Path] = (),
    models: Callable[[], Recognizers] = no_models,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
    patience: Patience = PATIENCE,
    max_connections: int = MAX_CONNECTIONS,
) -> Iterator[RunningVision]:
    """Run the service on a free port for the length of a with block."""
    service = make_service(
        key=key, rate=rate, state=state, answers=answers, models=models, clock=clock, wall_clock=wall_clock
    )
    server = VisionServer(service, Connection, port=0, patience=patience, max_connections=max_connections)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="vision", daemon=True)
    thread.start()
    try:
        yield RunningVision(server, key)
    finally:
        server.stop()
        thread.join()
        service.close()

"""A real burst: the client, its gate and its ledger on Azurite, against the local vision service with a rate."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from doubles.azurite import Azurite
from doubles.pictures import picture
from doubles.vision_calls import Caller

from local.vision.server import running_vision
from shared import names
from shared.clock import SystemClock
from shared.images import ImageBytes
from shared.pace.gate import Gate
from shared.pace.ledger import Ledger, Rate
from shared.pace.quota import Quota
from shared.storage.azure import BlobStore
from shared.transport.http import Transport
from shared.vision.client import VisionClient

IMAGES, THREADS, PROCESSES = 100, 8, 2
CALLS_A_SECOND = 40
FAULTS = {
    "rate": {"calls": CALLS_A_SECOND, "seconds": 1, "kind": "bucket"},
    "status": {"503": 0.03},
    "reset": 0.01,
    "seed": 7,
}


def test_a_burst_at_the_limit_loses_nothing_is_never_throttled_and_is_counted_by_the_services_header(
    azurite: Azurite,
) -> None:
    blobs, name, clock = BlobStore(azurite.connection_string), f"{uuid.uuid4().hex}.json", SystemClock()
    image = ImageBytes(picture())
    with running_vision() as vision, Caller(vision.url, vision.key) as control:
        control.control("PUT", "faults", FAULTS)
        gates = [Gate(clock, Quota(blobs, name, Rate(CALLS_A_SECOND, 1.0), clock)) for _ in range(PROCESSES)]
        clients = [
            VisionClient(
                vision.url,
                vision.key,
                transport=Transport(service="Computer Vision", connections=THREADS * PROCESSES),
                timeout_seconds=90,
                clock=clock,
                gate=gate,
            )
            for gate in gates
        ]
        with ThreadPoolExecutor(THREADS * PROCESSES) as pool:
            answers = list(pool.map(lambda number: clients[number % PROCESSES].tag(image), range(IMAGES)))
        (seen,) = control.control("GET", "stats").json()["operations"].values()
        # Each process has corrections left, which go with its next reservation.
        for client in clients:
            client.list_models()
    assert len(answers) == IMAGES
    assert seen["status"].get("429", 0) == 0
    assert seen["status"]["200"] == seen["paid"] == IMAGES
    assert sum(seen["status"].values()) <= 1.15 * IMAGES
    stored = blobs.read(names.QUOTA, name)
    assert stored is not None
    # The header CSP-Billing-Usage is on failures as well, as it was seen on Azure's; a reset has none.
    assert Ledger.from_json(stored.data).paid_of_day == seen["transactions"] > seen["paid"]

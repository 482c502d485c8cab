"""
The services that have to keep one contract: the local one twice, and Azure's if asked for.

    in_process()     local.vision in this process
    own_process()    `python -m local vision`, over HTTP
    real_resource()  the resource of VISION_ENDPOINT and VISION_KEY
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from doubles.patience import POLL_SECONDS
from doubles.vision_calls import Caller, sample
from doubles.wire import running_wire, whole
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from local.vision.server import running_vision

PROJECT = Path(__file__).parents[2]
RESOURCE = ("VISION_ENDPOINT", "VISION_KEY")
STOP_SECONDS = 110.0
AZURE_POLL_SECONDS = 2.0  # each question spends the tier's rate
# A picture in the repository of Microsoft's client for .NET; their recorded tests send it to the service.
PUBLIC_IMAGE = (
    "https://raw.githubusercontent.com/Azure/azure-sdk-for-net/main/sdk/cognitiveservices/Vision.ComputerVision/"
    "tests/TestImages/signage.jpg"
)


@dataclass(frozen=True)
class ServiceUnderContract:
    """
    A running service.

    Attributes:
        name: as the summary of the witnesses has it.
        caller: calls with its key.
        stranger: calls with a wrong key.
        image_url: a JPEG that the service can fetch.
        poll_seconds: how long to wait between two questions for the same Read.
    """

    name: str
    caller: Caller
    stranger: Caller
    image_url: str
    poll_seconds: float = POLL_SECONDS


class PatientCaller(Caller):
    """A client that waits when it is throttled, as its tier may allow no more than 20 calls a minute."""

    def __init__(self, url: str, key: str | None = None) -> None:
        super().__init__(url, key)
        waits = Retry(
            total=None,
            connect=0,
            read=0,
            redirect=0,
            other=0,
            status=6,
            status_forcelist=[429],
            allowed_methods=None,
            backoff_factor=2,
            backoff_max=30,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=waits))


@contextmanager
def in_process() -> Iterator[ServiceUnderContract]:
    """Run the local service in this process."""
    with (
        running_vision() as vision,
        _under_contract("local service in this process", vision.url, vision.key) as service,
    ):
        yield service


@contextmanager
def own_process() -> Iterator[ServiceUnderContract]:
    """Run the local service by its command."""
    command = [sys.executable, "-m", "local", "vision", "--port", "0", "--key", "a-key"]
    # Its answers keep the contract with the models that set-up made; those in this process, without.
    environment = os.environ | {"MODELS": "all"}
    child = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=environment)
    with child:  # closes its pipe
        try:
            assert child.stdout is not None
            url = child.stdout.readline().removeprefix("vision ready ").strip()
            assert url.startswith("http://127.0.0.1:")
            with _under_contract("python -m local vision", url, "a-key") as service:
                yield service
        finally:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def real_resource() -> Iterator[ServiceUnderContract]:
    """Use the resource that VISION_ENDPOINT and VISION_KEY name. BLOBSIGHT_TEST_IMAGE_URL is a JPEG it can fetch."""
    endpoint, key = os.environ["VISION_ENDPOINT"].rstrip("/"), os.environ["VISION_KEY"]
    image_url = os.environ.get("BLOBSIGHT_TEST_IMAGE_URL", PUBLIC_IMAGE)
    with PatientCaller(endpoint, key) as caller, PatientCaller(endpoint, "0" * 32) as stranger:
        yield ServiceUnderContract("Azure", caller, stranger, image_url, poll_seconds=AZURE_POLL_SECONDS)


@contextmanager
def _under_contract(name: str, url: str, key: str) -> Iterator[ServiceUnderContract]:
    headers = {"Content-Type": "image/jpeg", "Connection": "close"}
    with (
        running_wire(whole(200, sample("rocket"), **headers)) as files,
        Caller(url, key) as caller,
        Caller(url, "0" * 32) as stranger,
    ):
        yield ServiceUnderContract(name, caller, stranger, f"{files.url}/rocket.jpg")

"""
The peers, each set up as its documentation says, with the deadline as its timeout where it knows one.

Each is imported by the function that makes it, because an environment has one of them only.
"""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

URL = "http://127.0.0.1/photo.jpg"
KEY = "0" * 32
_PATH = "/vision/v3.2/analyze?visualFeatures=Categories,Tags,Description&language=en"
_RETRIED = (408, 429, 500, 502, 503, 504)

# The name of each peer, and the lock of its environment.
PEERS = {
    "ours": "requests",
    "ours, paced": "requests",
    "requests.Session": "requests",
    "requests with urllib3 Retry": "requests",
    "stamina around requests": "stamina",
    "computervision 0.9.1": "computervision",
    "imageanalysis 1.0.0": "imageanalysis",
}


class Target(NamedTuple):
    """Whom to ask and how: base address, file of trusted authorities, seconds for one call, threads that will call."""

    endpoint: str
    ca_bundle: str
    deadline_seconds: float
    threads: int


# Asks about an image, given as its bytes or, without, by `URL`; raises whatever the peer raises.
Ask = Callable[[bytes | None], Any]


def make(peer: str, target: Target) -> Ask:
    """The peer, ready to be called from many threads."""
    makers = {
        "ours": _ours,
        "ours, paced": _paced,
        "requests.Session": lambda target: _requests(target, 0),
        "requests with urllib3 Retry": _urllib3_retry,
        "stamina around requests": _stamina,
        "computervision 0.9.1": _computervision,
        "imageanalysis 1.0.0": _imageanalysis,
    }
    return makers[peer](target)


def _ours(target: Target) -> Ask:
    return _client(target)


def _paced(target: Target) -> Ask:
    """With the app's gate and ledger, at a pace that no call here waits for. What storage costs is not ours."""
    from bench.peers.shelf import shelf
    from shared.clock import SystemClock
    from shared.pace.gate import Gate
    from shared.pace.ledger import Rate
    from shared.pace.quota import Quota

    clock = SystemClock()
    return _client(target, gate=Gate(clock, Quota(shelf(), "ledger.json", Rate(100_000, 1.0), clock)))


def _client(target: Target, **options: Any) -> Ask:
    from shared.images import ImageBytes, ImageUrl
    from shared.transport.http import Transport
    from shared.vision.client import VisionClient

    client = VisionClient(
        target.endpoint,
        KEY,
        transport=Transport(service="Computer Vision", connections=target.threads, ca_bundle=target.ca_bundle),
        timeout_seconds=target.deadline_seconds,
        **options,
    )
    features = ("Categories", "Tags", "Description")
    return lambda image: client.analyze(ImageUrl(URL) if image is None else ImageBytes(image), features)


def _requests(target: Target, retries: Any) -> Ask:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.verify = target.ca_bundle
    adapter = HTTPAdapter(pool_maxsize=64, max_retries=retries)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["Ocp-Apim-Subscription-Key"] = KEY

    def ask(image: bytes | None) -> Any:
        given: dict[str, Any] = {"json": {"url": URL}}
        if image is not None:
            given = {"data": image, "headers": {"Content-Type": "application/octet-stream"}}
        response = session.post(target.endpoint + _PATH, timeout=target.deadline_seconds, **given)
        response.raise_for_status()
        return response.json()

    return ask


def _urllib3_retry(target: Target) -> Ask:
    from urllib3.util import Retry

    # allowed_methods=None: by default a POST is not tried again at all.
    return _requests(target, Retry(5, backoff_factor=0.5, status_forcelist=_RETRIED, allowed_methods=None))


def _stamina(target: Target) -> Ask:
    import requests
    import stamina

    retry = stamina.retry(on=requests.RequestException, timeout=target.deadline_seconds)
    return retry(_requests(target, 0))  # type: ignore[no-any-return]


def _computervision(target: Target) -> Ask:
    from azure.cognitiveservices.vision.computervision import ComputerVisionClient
    from msrest.authentication import CognitiveServicesCredentials

    client: Any = ComputerVisionClient(target.endpoint, CognitiveServicesCredentials(KEY))
    client.config.connection.timeout = target.deadline_seconds
    client.config.connection.verify = target.ca_bundle
    features = ["Categories", "Tags", "Description"]

    def ask(image: bytes | None) -> Any:
        if image is None:
            return client.analyze_image(URL, visual_features=features)
        return client.analyze_image_in_stream(io.BytesIO(image), visual_features=features)

    return ask


def _imageanalysis(target: Target) -> Ask:
    from azure.ai.vision.imageanalysis import ImageAnalysisClient
    from azure.ai.vision.imageanalysis.models import VisualFeatures
    from azure.core.credentials import AzureKeyCredential

    client: Any = ImageAnalysisClient(
        target.endpoint,
        AzureKeyCredential(KEY),
        connection_verify=target.ca_bundle,
        connection_timeout=target.deadline_seconds,
        read_timeout=target.deadline_seconds,
    )
    features = [VisualFeatures.TAGS, VisualFeatures.CAPTION]

    def ask(image: bytes | None) -> Any:
        if image is None:
            return client.analyze_from_url(URL, visual_features=features)
        return client.analyze(image, visual_features=features)

    return ask

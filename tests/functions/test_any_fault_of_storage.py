"""Any faults of storage beneath the SDK, one after the other, on a virtual clock: callers are answered in time."""

import io
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest
import requests
import urllib3
from doubles.clock import FakeClock
from doubles.fake_vision import FakeVision
from doubles.fuzz import fuzzed
from doubles.http_requests import answered, invocation, parsed, request
from doubles.parts import ENVIRONMENT, asking
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st

import AnalyzeHttp
import ImagesHttp
import ThumbnailHttp
from shared import services
from shared.errors import VisionUnavailableError
from shared.settings import Settings
from shared.transport import time_budget

# Twice the promise of MAX_WAIT_SECONDS (20 s by default) and of its two seconds would be none.
ALLOWED_SECONDS = 22.0
CODES = {
    "storage_unavailable",
    "storage_denied",
    "conflict",
    "image_not_found",
    "bad_parameter",
    "busy",
    "turn_too_late",
    "vision_unavailable",
}
IMAGE = picture()
CALLS: dict[str, Callable[[], Any]] = {
    "state": lambda: ImagesHttp.main(request("GET", route={"name": "a.jpg"}), invocation()),
    "state, waited for": lambda: ImagesHttp.main(
        request("GET", route={"name": "a.jpg"}, params={"wait": "true"}), invocation()
    ),
    "new results": lambda: ImagesHttp.main(request("GET", params={"since": "2025-01-01T00:00:00Z"}), invocation()),
    "list": lambda: ImagesHttp.main(request("GET", params={"limit": "5"}), invocation()),
    "thumbnail": lambda: answered(
        ThumbnailHttp.main, request("GET", route={"name": "a.jpg"}, params={"width": "100", "height": "50"})
    ),
    "known thumbnail": lambda: answered(
        ThumbnailHttp.main,
        request(
            "GET",
            route={"name": "a.jpg"},
            params={"width": "100", "height": "50"},
            headers={"If-None-Match": WELL["ETag"]},
        ),
    ),
    "analyze": lambda: answered(AnalyzeHttp.main, request("POST", IMAGE)),
    "analyze a blob": lambda: answered(AnalyzeHttp.main, request("POST", {"blob": "a.jpg"})),
}
WELL = {"ETag": '"0x1"', "Last-Modified": "Sat, 28 Nov 2026 19:00:00 GMT", "x-ms-blob-type": "BlockBlob"}
LISTING = b'<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>a.jpg</Name><Properties>'
LISTED = LISTING + b"</Properties></Blob></Blobs></EnumerationResults>"
BODIES = [b"", b"<html>proxy</html>", b"{}", b"\xff\xfe\0", LISTING, LISTED, IMAGE]
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "ETag": st.sampled_from(['"0x1"', "", "W/1"]),
        "Content-Range": st.sampled_from(["bytes 0-9/10", "bytes 0-9/99999999", "none", "bytes */*"]),
        "Last-Modified": st.sampled_from([WELL["Last-Modified"], "yesterday"]),
        "Date": st.sampled_from([WELL["Last-Modified"], "yesterday", "", "Fri, 31 Dec 9999 23:59:59 GMT"]),
        "Content-MD5": st.sampled_from(["AAAA", "no base64!"]),
        "Content-Type": st.sampled_from(["application/xml", "text/html", "application/json; charset=nonsense"]),
        "Content-Length": st.sampled_from(["3", "99999", "-1", "many"]),
        "x-ms-error-code": st.sampled_from(["ContainerNotFound", "InvalidUri", "ServerBusy", "Nonsense"]),
        "Retry-After": st.sampled_from(["1", "1000", "tomorrow"]),
        "Location": st.sampled_from(["http://127.0.0.1:9/b", "//", "\\"]),
    },
)
ANSWERS = st.tuples(
    st.sampled_from([200, 201, 204, 206, 302, 304, 400, 403, 404, 408, 409, 412, 416, 429, 500, 501, 503]),
    HEADERS,
    st.sampled_from(BODIES),
    st.sampled_from(["whole", "dripping", "cut off"]),
)
RANGE = {"Content-Range": f"bytes 0-{len(IMAGE) - 1}/{len(IMAGE)}", "Content-Type": "image/jpeg"}
NO_FAULTS = [
    (200, WELL, b"", "whole"),
    (200, {**WELL, "Content-Type": "application/xml"}, LISTED, "whole"),
    (206, {**WELL, **RANGE}, IMAGE, "whole"),
    (201, WELL, b"", "whole"),
    (404, {}, b"", "whole"),
]
FAULTS = st.one_of(st.sampled_from(["hang", "refuse", "reset"]), ANSWERS, st.sampled_from(NO_FAULTS))


class Storage:
    """What answers the SDK's requests: each with the next fault, and the last one for ever."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.faults: Iterator[Any] = iter(())

    def send(self, sent: requests.PreparedRequest, timeout: tuple[float, float]) -> requests.Response:
        fault = next(self.faults)
        if fault == "hang":
            self.clock.advance(timeout[1])
            raise requests.exceptions.ReadTimeout("timed out")
        if fault == "refuse":
            raise requests.exceptions.ConnectionError(urllib3.exceptions.NewConnectionError(None, "refused"))  # type: ignore[arg-type]
        if fault == "reset":
            raise requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("reset"))
        status, headers, body, manner = fault
        body = b"" if sent.method == "HEAD" else body
        raw = urllib3.HTTPResponse(
            body=_Body(body, manner, self.clock),
            status=status,
            headers={"Content-Length": str(len(body) + (manner == "cut off")), **headers},
            preload_content=False,
            request_method=sent.method,
        )
        return requests.adapters.HTTPAdapter().build_response(sent, raw)


class _Body(io.BytesIO):
    """A body that comes at once, or a byte a second while there is time."""

    def __init__(self, body: bytes, manner: str, clock: FakeClock) -> None:
        super().__init__(body)
        self._drips = manner == "dripping"
        self._clock = clock

    def read(self, size: int | None = -1) -> bytes:
        if not self._drips:
            return super().read(size)
        self._clock.advance(1)
        if time_budget.left(1) <= 0:
            raise TimeoutError("timed out")
        return super().read(1)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    clock = FakeClock()
    storage = Storage(clock)
    monkeypatch.setattr(
        "requests.adapters.HTTPAdapter.send", lambda _, sent, stream, timeout, **options: storage.send(sent, timeout)
    )
    monkeypatch.setattr("azure.storage.blob._download.time.sleep", clock.sleep)
    monkeypatch.setattr("shared.transport.time_budget.SystemClock", lambda: clock)
    account = "AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:9/a"
    settings = Settings.from_env({**ENVIRONMENT, "ImagesStorage": account, "AzureWebJobsStorage": account})
    vision = FakeVision()
    # What is not paid for leaves nothing to be stored when the caller is gone.
    vision.failing = VisionUnavailableError("down")
    parts = services.build(settings, clock=clock)
    with services.replaced(asking(parts, vision)):
        yield storage


@fuzzed
@given(st.sampled_from(sorted(CALLS)), st.lists(FAULTS, min_size=1, max_size=12))
def test_a_caller_is_answered_in_time_and_with_a_code_that_is_documented(
    storage: Storage, call: str, faults: list[Any]
) -> None:
    storage.faults = chain(faults, repeat(faults[-1]))
    begun = storage.clock.now()
    response = CALLS[call]()
    assert storage.clock.now() - begun <= ALLOWED_SECONDS
    if response.status_code >= 300:
        problem = parsed(response)
        assert problem["code"] in CODES, problem
        assert (
            response.status_code != 503 or problem["code"] != "storage_unavailable" or response.headers["Retry-After"]
        )
    # Whatever was found out about storage must not be the next example's.
    storage.clock.advance(60)

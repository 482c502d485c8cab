"""Clients that begin a request and do not end it."""

import asyncio
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from doubles.host_in_process import host_in_process

from local.host.http.messages import SlowBodyError, read_body

HOME = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.setenv(name, "UseDevelopmentStorage=true")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: "])
def test_a_connection_on_which_no_whole_request_comes_is_closed(sent: bytes, tmp_path: Path) -> None:
    with host_in_process(tmp_path, idle_seconds=0.05) as host:
        assert host.exchange(sent) == b""


def test_a_connection_on_which_no_other_request_comes_is_closed_after_the_answer(tmp_path: Path) -> None:
    with host_in_process(tmp_path, idle_seconds=0.05) as host:
        answer = host.exchange(HOME)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" not in answer


def test_a_body_that_is_not_sent_is_408() -> None:
    async def read() -> bytes:
        loop = asyncio.get_running_loop()
        never = StreamReader(mock.Mock(spec=BaseProtocol), limit=2**16, loop=loop)
        request = make_mocked_request("POST", "/api/describe", {"Content-Length": "1000000"}, payload=never)
        return await read_body(request, within_seconds=0.01)

    with pytest.raises(SlowBodyError, match=r"the 1000000 bytes of the body did not come within 0\.01 s") as caught:
        asyncio.run(read())
    assert caught.value.status == 408

"""Captions by a chat model that a person runs; a stand-in for it is on loopback."""

import base64
import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles.chat_server import ChatServer, completion, running_chat_server
from doubles.clock import FakeClock
from doubles.patience import PATIENCE_SECONDS, wait_until
from doubles.recognizers import plain
from doubles.vision_calls import Caller, picture
from PIL import Image

from local.errors import LocalError
from local.vision.decoding.pixels import Rgb
from local.vision.recognition.captions_by_chat import KEPT_CAPTIONS, ChatCaptioner, NoCaptionError, clean
from local.vision.recognition.loading import Models
from local.vision.recognition.own_settings import Chat, own_settings
from local.vision.server import RunningVision, running_vision
from local.vision.service import PatientCaptioner

KEY = "sk-secret-0123456789"


class Told(list[str]):
    """The lines on stderr, and a captioner that writes them."""

    def captioner(
        self, chat: ChatServer, *, clock: FakeClock | None = None, seconds: float = PATIENCE_SECONDS
    ) -> ChatCaptioner:
        own = Chat(chat.url, "llava", KEY, seconds)
        return ChatCaptioner(own, clock=(clock or FakeClock()).now, tell=self.append)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with running_chat_server() as server:
        yield server


@pytest.fixture
def told() -> Iterator[Told]:
    """The lines on stderr; never the key."""
    lines = Told()
    yield lines
    assert KEY not in "".join(lines)


def test_a_chat_model_is_asked_for_a_sentence_about_the_picture(chat: ChatServer, told: Told) -> None:
    assert told.captioner(chat).caption(plain(1, 0, 0, height=200, width=640)) == "A cat on a sofa"
    [(path, headers, question)] = chat.asked
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert (question["model"], question["stream"]) == ("llava", False)
    [message] = question["messages"]
    text, shown = message["content"]
    assert "one short English sentence" in text["text"]
    kind, _, data = shown["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (image.format, image.size) == ("JPEG", (640, 200))
        assert image.getpixel((400, 100)) == pytest.approx((255, 0, 0), abs=3)
    assert not told


def test_without_a_key_none_is_sent(chat: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one of another program for this address."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    settings = own_settings({"CAPTION_URL": f"{chat.url}/", "CAPTION_MODEL": "llava"})
    assert settings.chat is not None

    assert ChatCaptioner(settings.chat).caption(plain(1, 0, 0)) == "A cat on a sofa"
    [(path, headers, _)] = chat.asked
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("answer", "caption"),
    [
        ("A cat on a sofa.", "A cat on a sofa"),
        ('\n  "A cat on a sofa."\n\nIt looks calm.', "A cat on a sofa"),
        ("**\u201cA  cat\ton a sofa\u201d**", "A cat on a sofa"),
        ("<think>A cat?\nYes.</think>\nA cat on a sofa", "A cat on a sofa"),
        ("A cat?\nYes.\n</think>\n\nA cat on a sofa", "A cat on a sofa"),
        ("Here is a caption:\n\nA cat on a sofa.", "A cat on a sofa"),
        ("A dog's bowl, 'empty'", "A dog's bowl, 'empty"),
        ("Ein Café in Zürich", "Ein Café in Zürich"),
        ("x" * 300, "x" * 300),
    ],
)
def test_an_answer_is_cleaned(answer: str, caption: str) -> None:
    assert clean(answer) == caption


MARKUP = ("<think>\nIs it a cat? It may be", "<|im_start|>assistant\nA cat", "<b>A cat</b>")


@pytest.mark.parametrize("answer", ["", " \n", '"."', "1234", "x" * 301, "a\x1b[31mcat", "a cat \u202e tac a", *MARKUP])
def test_what_is_no_sentence_is_no_caption(answer: str) -> None:
    with pytest.raises(NoCaptionError, match="no sentence"):
        clean(answer)


@pytest.mark.parametrize("answer", ["I'm sorry, but I can't help.", "Sorry, I see nothing", "I cannot describe it"])
def test_a_refusal_is_no_caption(answer: str) -> None:
    with pytest.raises(NoCaptionError, match="declines"):
        clean(answer)


def test_a_long_answer_may_come_in_pieces(chat: ChatServer, told: Told) -> None:
    chat.is_chunked = True
    assert told.captioner(chat).caption(plain(1, 0, 0)) == "A cat on a sofa"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 500}, "it answers with status 500: check CAPTION_URL"),
        ({"status": 401, "body": KEY.encode()}, "it answers with status 401: check"),
        ({"body": b"<html>"}, "its answer is no chat completion"),
        ({"body": b"[" * 10_000}, "its answer is no chat completion"),
        ({"body": b'{"choices": []}'}, "its answer is no chat completion"),
        ({"body": completion(None)}, "its answer is no chat completion"),
        ({"body": completion("?!")}, "its answer is no sentence"),
        ({"body": completion("x" * 100_000)}, "its answer is longer than 65536 bytes"),
        ({"body": completion("x" * 100_000), "is_chunked": True}, "its answer is longer than 65536 bytes"),
        ({"missing_bytes": 10}, "its answer cannot be read"),
        ({"headers": {"Content-Encoding": "gzip"}, "body": b"\x1f\x8b\x08"}, "its answer is no chat completion"),
    ],
)
def test_a_bad_answer_is_no_caption_and_one_line(
    chat: ChatServer, told: Told, answer: dict[str, Any], why: str
) -> None:
    vars(chat).update(answer)

    assert told.captioner(chat).caption(plain(1, 0, 0)) is None
    assert told == [f"vision: no caption from CAPTION_URL: {told[0].split(': ', 2)[2]}"]
    assert why in told[0]
    assert "\n" not in told[0]


def test_an_address_without_a_server_is_no_caption_and_one_line(told: Told) -> None:
    with running_chat_server() as gone:
        pass
    assert told.captioner(gone).caption(plain(1, 0, 0)) is None
    assert len(told) == 1
    assert "it cannot be reached: start what serves it" in told[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_key(chat: ChatServer, told: Told, status: int) -> None:
    with running_chat_server() as elsewhere:
        chat.status, chat.headers = status, {"Location": f"{elsewhere.url}/chat/completions"}
        assert told.captioner(chat).caption(plain(1, 0, 0)) is None
    assert not elsewhere.asked
    assert "it leads to another address: set CAPTION_URL to that one" in told[0]


def test_failures_are_told_once_a_minute(chat: ChatServer, told: Told) -> None:
    clock = FakeClock()
    captioner = told.captioner(chat, clock=clock)
    chat.status = 500
    for at in range(200):
        assert captioner.caption(plain(at / 255, 0, 0)) is None
        clock.advance(0.5)

    assert len(chat.asked) == 200
    assert len(told) == 2


def test_two_calls_at_once_for_one_picture_ask_once_and_a_third_asks_nothing(chat: ChatServer, told: Told) -> None:
    captioner = told.captioner(chat)
    chat.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        captions = [pool.submit(captioner.caption, plain(1, 0, 0)) for _ in range(2)]
        assert chat.came.acquire(timeout=PATIENCE_SECONDS)
        chat.go_on.set()
        assert [caption.result(PATIENCE_SECONDS) for caption in captions] == ["A cat on a sofa"] * 2
    assert captioner.caption(plain(1, 0, 0)) == "A cat on a sofa"
    assert len(chat.asked) == 1
    # The same bytes in another shape are another picture.
    captioner.caption(plain(1, 0, 0, height=64, width=48))
    assert len(chat.asked) == 2


def test_what_failed_is_asked_again(chat: ChatServer, told: Told) -> None:
    captioner = told.captioner(chat)
    chat.status = 503
    assert captioner.caption(plain(1, 0, 0)) is None
    chat.status = 200
    assert captioner.caption(plain(1, 0, 0)) == "A cat on a sofa"


def test_captions_are_kept_for_the_last_pictures_only(chat: ChatServer, told: Told) -> None:
    captioner = told.captioner(chat)
    for at in [*range(KEPT_CAPTIONS), 0, KEPT_CAPTIONS, 0, 1]:
        captioner.caption(np.full((2, 2, 3), [at % 256, at // 256, 0], np.uint8))

    # The first was used again before the last new one came, so it is the second that was dropped.
    assert len(chat.asked) == KEPT_CAPTIONS + 2


def test_an_answer_that_comes_too_late_is_kept_for_the_next_call(chat: ChatServer, told: Told) -> None:
    captioner = told.captioner(chat, seconds=0.01)
    chat.go_on.clear()
    assert captioner.caption(plain(1, 0, 0)) is None
    assert told == ["vision: no caption from CAPTION_URL: it gave no answer within 0.01 s; said at most once a minute"]
    assert chat.came.acquire(timeout=PATIENCE_SECONDS)
    chat.go_on.set()
    wait_until(lambda: captioner.caption(plain(1, 0, 0)) == "A cat on a sofa")
    assert len(chat.asked) == 1


def test_no_more_than_two_pictures_are_asked_about_at_once(chat: ChatServer, told: Told) -> None:
    patient = told.captioner(chat, seconds=PATIENCE_SECONDS)
    chat.go_on.clear()
    with ThreadPoolExecutor(3) as pool:
        captions = [pool.submit(patient.caption, plain(level, 0, 0)) for level in (0.25, 0.5, 0.75)]
        for _ in range(2):
            assert chat.came.acquire(timeout=PATIENCE_SECONDS)
        assert not chat.came.acquire(timeout=0.05)
        chat.go_on.set()
        assert [caption.result(PATIENCE_SECONDS) for caption in captions] == ["A cat on a sofa"] * 3


def test_a_picture_that_waits_for_its_caption_keeps_no_worker_from_others() -> None:
    workers = threading.BoundedSemaphore(1)

    class Free:
        def caption(self, pixels: Rgb) -> str:
            free = workers.acquire(blocking=False)
            workers.release()
            return f"free: {free}"

    with workers:
        assert PatientCaptioner(Free(), workers).caption(plain(1, 0, 0)) == "free: True"
        assert not workers.acquire(blocking=False)


@pytest.fixture
def seeing(chat: ChatServer) -> Iterator[RunningVision]:
    """A service that asks the chat model."""
    own = {"CAPTION_URL": chat.url, "CAPTION_MODEL": "llava", "CAPTION_SECONDS": f"{PATIENCE_SECONDS}"}
    with running_vision(models=Models({"MODELS": "off", **own})) as vision:
        yield vision


def test_the_service_tells_the_sentence_first_and_asks_only_when_captions_are_asked_for(
    chat: ChatServer, seeing: RunningVision
) -> None:
    with Caller(seeing.url, seeing.key) as caller:
        caller.post("tag", picture())
        assert not chat.asked
        described = caller.post("describe", picture(), query="maxCandidates=2").json()
        analyzed = caller.post("analyze", picture(), query="visualFeatures=Description,Tags").json()

    captions = [caption["text"] for caption in described["description"]["captions"]]
    assert captions[0] == analyzed["description"]["captions"][0]["text"] == "A cat on a sofa"
    assert len(captions) == 2
    assert len(chat.asked) == 1


def test_the_service_answers_without_the_chat_model_where_it_fails(
    chat: ChatServer, seeing: RunningVision, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.status = 500
    with Caller(seeing.url, seeing.key) as caller:
        described = caller.post("describe", picture()).json()

    assert described["description"]["captions"][0]["text"].startswith("a photo in ")
    assert capsys.readouterr().err.count("vision: no caption from CAPTION_URL: it answers with status 500") == 1


def test_other_pictures_are_answered_while_captions_are_waited_for(chat: ChatServer, seeing: RunningVision) -> None:
    workers = max(2, os.cpu_count() or 1)
    chat.go_on.clear()

    def describe(at: int) -> int:
        with Caller(seeing.url, seeing.key) as caller:
            return caller.post("describe", picture(100 + at)).status_code

    # A failure lets the waiting calls go at once.
    with ThreadPoolExecutor(workers) as pool, ExitStack() as at_end:
        at_end.callback(chat.go_on.set)
        waiting = [pool.submit(describe, at) for at in range(workers)]
        for _ in range(2):
            assert chat.came.acquire(timeout=PATIENCE_SECONDS)
        with Caller(seeing.url, seeing.key) as caller:
            assert caller.post("tag", picture()).status_code == 200
        assert not any(one.done() for one in waiting)
        chat.go_on.set()
        assert [one.result(PATIENCE_SECONDS) for one in waiting] == [200] * workers


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"CAPTION_URL": "http://localhost:11434/v1"}, "CAPTION_URL is set, but CAPTION_MODEL is not: name a model"),
        ({"CAPTION_MODEL": "llava"}, "CAPTION_MODEL is set, but CAPTION_URL is not: set it to an address such as"),
        ({"CAPTION_KEY": KEY}, "CAPTION_KEY is set, but CAPTION_URL is not: set"),
        (
            {"CAPTION_URL": "localhost:11434/v1", "CAPTION_MODEL": "llava"},
            "CAPTION_URL is no address .*: use an http or",
        ),
        ({"CAPTION_URL": "ftp://host/v1", "CAPTION_MODEL": "llava"}, "CAPTION_URL is no address .*: use an http or"),
        (
            {"CAPTION_URL": "http://host:port/v1", "CAPTION_MODEL": "llava"},
            "CAPTION_URL is no address .*: use an http or",
        ),
        (
            {"CAPTION_URL": f"https://me:{KEY}@host/v1", "CAPTION_MODEL": "m"},
            "CAPTION_URL has more than host, port and",
        ),
        (
            {"CAPTION_URL": f"https://host/v1?key={KEY}", "CAPTION_MODEL": "m"},
            "CAPTION_URL has more than host, port and",
        ),
        (
            {"CAPTION_URL": "http://h/v1", "CAPTION_MODEL": "m", "CAPTION_KEY": f"{KEY} x"},
            "CAPTION_KEY has characters that",
        ),
        ({"CAPTION_URL": "http://h/v1", "CAPTION_MODEL": "m", "CAPTION_SECONDS": "0"}, "CAPTION_SECONDS is '0': use a"),
        (
            {"CAPTION_URL": "http://h/v1", "CAPTION_MODEL": "m", "CAPTION_SECONDS": "nan"},
            "CAPTION_SECONDS is 'nan': use",
        ),
    ],
)
def test_wrong_settings_are_told_in_one_line_without_the_key(settings: dict[str, str], told: str) -> None:
    with pytest.raises(LocalError, match=told) as caught:
        Models(settings)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_the_key_is_not_shown_with_its_settings() -> None:
    settings = own_settings({"CAPTION_URL": "http://h/v1", "CAPTION_MODEL": "m", "CAPTION_KEY": KEY})
    assert settings.chat is not None
    assert settings.chat.key == KEY
    assert KEY not in repr(settings)

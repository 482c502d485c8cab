"""
Captions by a chat model that a person runs: Ollama, or anything else with OpenAI's `/chat/completions`.

A picture is asked about once, and its sentence kept for a while, so that a call again, or another operation, asks
nothing. A picture waits a bounded time; an answer that comes later is kept all the same.
"""

import base64
import hashlib
import io
import json
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from PIL import Image

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.own_settings import Chat

QUESTION = "Describe this picture in one short English sentence. Answer with that sentence only."
MOST_TOKENS = 300
QUALITY = 85
CONNECT_SECONDS = 3.0
LATE_SECONDS = 60.0  # how much later an answer may come to be kept
# Each takes a whole machine; more of them would only make all of them late.
ASKED_AT_ONCE = 2
KEPT_CAPTIONS = 256
MOST_ANSWER_BYTES = 64 * 1024
PIECE_BYTES = 8 * 1024
MOST_CAPTION_CHARACTERS = 300
QUIET_SECONDS = 60.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_END_OF_THOUGHT = "</think>"
_REFUSAL = re.compile(r"(i'?m|i am) (sorry|unable|not able)|sorry,|i (can'?t|cannot|don'?t)\b", re.IGNORECASE)
_AROUND = " \t\"'`*_\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"


class NoCaptionError(Exception):
    """There is no caption; the text says why and is safe to print."""


class ChatCaptioner:
    """
    Asks *chat* for a sentence about each picture.

    A failure is told by one line of *tell*, but at most once in QUIET_SECONDS of the *clock*.
    """

    def __init__(
        self,
        chat: Chat,
        *,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n"),
    ) -> None:
        self._chat, self._clock, self._tell = chat, clock, tell
        self._lock = threading.Lock()
        self._asked: OrderedDict[bytes, Future[str]] = OrderedDict()
        self._free = threading.BoundedSemaphore(ASKED_AT_ONCE)
        self._told_at: float | None = None

    def caption(self, pixels: Rgb) -> str | None:
        """Return one line of English; None, told on stderr, where none could be had in the time of `Chat.seconds`."""
        try:
            return self._answer(pixels).result(self._chat.seconds)
        except TimeoutError:
            self._complain(f"it gave no answer within {self._chat.seconds:g} s")
        except NoCaptionError as error:
            self._complain(str(error))
        return None

    def _answer(self, pixels: Rgb) -> "Future[str]":
        """Return what comes of asking about *pixels*, which one call does for all that come with the same."""
        key = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        with self._lock:
            if key in self._asked:
                self._asked.move_to_end(key)
                return self._asked[key]
            answer: Future[str] = Future()
            self._asked[key] = answer
            while len(self._asked) > KEPT_CAPTIONS:
                self._asked.popitem(last=False)
        # A daemon: nothing waits for a late answer when the service ends.
        threading.Thread(target=self._ask, args=(key, pixels, answer), name="caption", daemon=True).start()
        return answer

    def _ask(self, key: bytes, pixels: Rgb, answer: "Future[str]") -> None:
        try:
            if not self._free.acquire(timeout=self._chat.seconds):
                raise NoCaptionError("it is busy with the pictures before")
            try:
                answer.set_result(clean(asked(self._chat, pixels)))
            finally:
                self._free.release()
        except Exception as error:
            with self._lock:
                self._asked.pop(key, None)  # a call again asks again
            # Texts of other exceptions may have the address or the key in them.
            answer.set_exception(
                error if isinstance(error, NoCaptionError) else NoCaptionError(f"a {type(error).__name__} came up")
            )

    def _complain(self, why: str) -> None:
        now = self._clock()
        with self._lock:
            if self._told_at is not None and now - self._told_at < QUIET_SECONDS:
                return
            self._told_at = now
        self._tell(f"vision: no caption from CAPTION_URL: {why}; said at most once a minute")


def asked(chat: Chat, pixels: Rgb) -> str:
    """Return what the model of *chat* says about *pixels*. Raises NoCaptionError."""
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {chat.key}"} if chat.key else {})
    seconds = chat.seconds + LATE_SECONDS
    with requests.Session() as session:
        # No proxy between this machine and itself.
        session.trust_env = urlsplit(chat.url).hostname not in LOOPBACK
        try:
            with session.post(
                f"{chat.url}/chat/completions",
                json=_question(chat.model, pixels),
                headers=headers,
                # Not None, by which requests would send what it finds in .netrc.
                auth=lambda request: request,
                timeout=(CONNECT_SECONDS, seconds),
                # The key is for the address that the person named.
                allow_redirects=False,
                stream=True,
            ) as response:
                return _content(response, until=time.monotonic() + seconds)
        except requests.ConnectTimeout:
            raise NoCaptionError(f"no connection within {CONNECT_SECONDS:g} s: check the address") from None
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise NoCaptionError(f"it gave no answer within {seconds:g} s") from None
        except requests.ConnectionError:
            raise NoCaptionError("it cannot be reached: start what serves it, or check the address") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            raise NoCaptionError("its answer cannot be read") from None


def clean(text: str) -> str:
    """
    Return the first line of *text* as a caption: without quotes and the final full stop.

    Thoughts before it are passed over, of which some models leave out the beginning; so are lines such as "Here is a
    caption:". Raises NoCaptionError, for markup too, as of thoughts that do not come to an end.
    """
    lines = (" ".join(line.split()) for line in text.rpartition(_END_OF_THOUGHT)[2].splitlines())
    said = next((line for line in lines if line and not line.endswith(":")), "")
    line = said.strip(_AROUND).removesuffix(".").strip(_AROUND)
    is_text = line.isprintable() and any(map(str.isalpha, line)) and not line.startswith("<")
    if not is_text or len(line) > MOST_CAPTION_CHARACTERS:
        raise NoCaptionError("its answer is no sentence")
    if _REFUSAL.match(line):
        raise NoCaptionError("it declines to describe the picture")
    return line


def _question(model: str, pixels: Rgb) -> dict[str, Any]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    address = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": address}}]
    messages = [{"role": "user", "content": parts}]
    return {"model": model, "messages": messages, "max_tokens": MOST_TOKENS, "temperature": 0, "stream": False}


def _content(response: requests.Response, *, until: float) -> str:
    if 300 <= response.status_code < 400:
        raise NoCaptionError("it leads to another address: set CAPTION_URL to that one")
    if response.status_code != 200:
        raise NoCaptionError(
            f"it answers with status {response.status_code}: check CAPTION_URL, CAPTION_MODEL and CAPTION_KEY"
        )
    body = bytearray()
    while piece := response.raw.read1(PIECE_BYTES):
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise NoCaptionError(f"its answer is longer than {MOST_ANSWER_BYTES} bytes")
        if time.monotonic() > until:
            raise NoCaptionError("its answer does not come to an end")
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        content = None
    if not isinstance(content, str):
        raise NoCaptionError("its answer is no chat completion")
    return content

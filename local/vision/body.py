"""
The body of a request, read in pieces and never beyond a limit.

`http.server` hands over the bare stream: framing (Content-Length or chunked) is the reader's business, and a body that
was not read to its end would be taken for the next request on the same connection.
"""

from collections.abc import Callable, Iterator
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase

PIECE_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 1024
MAX_TRAILER_LINES = 64


class BodyError(Exception):
    """The body cannot be read, which is answered with `status`; the connection cannot be used any further."""

    status = HTTPStatus.BAD_REQUEST


class BadFramingError(BodyError):
    """The headers do not tell where the body ends, or the body contradicts them."""


class IncompleteBodyError(BodyError):
    """The client stopped before the end of the body."""


class SlowBodyError(BodyError):
    """The client took too long."""

    status = HTTPStatus.REQUEST_TIMEOUT


class BodyTooLargeError(Exception):
    """The body holds more bytes than the reader was asked to take."""


class BodyReader:
    """
    Reads one request's body; *before_reading* is called once, when the first byte is wanted.

    *stream* raises TimeoutError, with a sentence, when the client is too slow.
    """

    def __init__(self, stream: BufferedIOBase, headers: Message, *, before_reading: Callable[[], None]) -> None:
        self._stream = stream
        self._headers = headers
        self._before_reading = before_reading
        self._pieces: Iterator[bytes] | None = None
        self.is_started = False

    def read(self, max_bytes: int) -> bytes:
        """
        Return the whole body.

        Raises BodyTooLargeError beyond *max_bytes*, BadFramingError, IncompleteBodyError.
        """
        taken = bytearray()
        for piece in self._iterate():
            taken += piece
            if len(taken) > max_bytes:
                raise BodyTooLargeError(max_bytes)
        return bytes(taken)

    def drain(self, max_bytes: int) -> bool:
        """Throw away what was not read; False when there is more than *max_bytes* of it."""
        dropped = 0
        for piece in self._iterate():
            dropped += len(piece)
            if dropped > max_bytes:
                return False
        return True

    def _iterate(self) -> Iterator[bytes]:
        if self._pieces is None:
            self._pieces = self._framed()
        return self._pieces

    def _framed(self) -> Iterator[bytes]:
        coding = self._headers.get("Transfer-Encoding", "").strip().lower()
        lengths = self._headers.get_all("Content-Length", [])
        if coding:
            if coding != "chunked" or lengths:
                raise BadFramingError("Transfer-Encoding must be 'chunked', and without a Content-Length.")
            return self._chunked()
        if not lengths:
            return iter(())
        if len(set(lengths)) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise BadFramingError("Content-Length must be one number of bytes.")
        return self._sized(int(lengths[0]))

    def _sized(self, byte_count: int) -> Iterator[bytes]:
        while byte_count:
            piece = self._take(min(byte_count, PIECE_BYTES))
            byte_count -= len(piece)
            yield piece

    def _chunked(self) -> Iterator[bytes]:
        while byte_count := self._chunk_size():
            yield from self._sized(byte_count)
            if self._line() != b"\r\n":
                raise BadFramingError("A chunk must end with CRLF.")
        for _ in range(MAX_TRAILER_LINES):
            if self._line() == b"\r\n":
                return
        raise BadFramingError(f"At most {MAX_TRAILER_LINES} trailer lines are allowed.")

    def _chunk_size(self) -> int:
        digits = self._line().split(b";")[0].strip()
        try:
            if not digits.isalnum():
                raise ValueError(digits)
            return int(digits, 16)
        except ValueError:
            raise BadFramingError("A chunk must begin with its size in hexadecimal.") from None

    def _line(self) -> bytes:
        line = self._received(self._stream.readline, MAX_CHUNK_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise IncompleteBodyError("The body ended inside a chunk.")
        return line

    def _take(self, byte_count: int) -> bytes:
        piece = self._received(self._stream.read1, byte_count)
        if not piece:
            raise IncompleteBodyError("The body ended before its stated length.")
        return piece

    def _received(self, read: Callable[[int], bytes], most: int) -> bytes:
        if not self.is_started:
            self.is_started = True
            self._before_reading()
        try:
            return read(most)
        except TimeoutError as error:
            raise SlowBodyError(str(error)) from None

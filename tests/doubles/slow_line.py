"""A line between a client and a server of this machine that is as slow as one of a mobile phone."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ROUND_TRIP_SECONDS = 0.05
BITS_A_SECOND = 5_000_000
# Small enough that answers which come side by side share the line.
_PIECE_BYTES = 8 * 1024


class _Way:
    """One direction of the line: all connections share what it carries in a second."""

    def __init__(self, seconds: float, bytes_a_second: float) -> None:
        self.seconds = seconds
        self.bytes_a_second = bytes_a_second
        self._free_at = 0.0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry everything to its end, each piece as late as the line is."""
        loop = asyncio.get_running_loop()
        arrives = loop.time()
        while piece := await reader.read(_PIECE_BYTES):
            self._free_at = max(self._free_at, loop.time()) + len(piece) / self.bytes_a_second
            arrives = self._free_at + self.seconds
            loop.call_at(arrives, _write, writer, piece)
            # What the line cannot take yet stays with the sender.
            await asyncio.sleep(self._free_at - loop.time())
        loop.call_at(max(arrives, loop.time()), _end, writer)


def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if not writer.is_closing():
        writer.write(piece)


def _end(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        if not writer.is_closing() and writer.can_write_eof():
            writer.write_eof()


@contextmanager
def slow_line(
    port: int, *, round_trip_seconds: float = ROUND_TRIP_SECONDS, bits_a_second: float = BITS_A_SECOND
) -> Iterator[int]:
    """Inside, what connects to the port that is yielded reaches *port* of this machine, so late and so slowly."""
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    listening: list[int] = []

    async def serve() -> None:
        ways = [_Way(round_trip_seconds / 2, bits_a_second / 8) for _ in range(2)]
        open_ones: set[asyncio.Task[None]] = set()

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_ones.add(task)
            try:
                # The trip that opens a connection.
                await asyncio.sleep(round_trip_seconds)
                await _joined(reader, writer, port, ways)
            except asyncio.CancelledError:
                # The line ends before its connections.
                pass
            finally:
                open_ones.discard(task)
                writer.close()

        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        listening.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(60), "the line did not start"
        yield listening[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, ways: list[_Way]) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    there = asyncio.ensure_future(ways[0].carry(reader, far_writer))
    back = asyncio.ensure_future(ways[1].carry(far_reader, writer))
    try:
        with suppress(ConnectionError):
            await asyncio.gather(there, back)
        # The last pieces are on their way still.
        await asyncio.sleep(max(way.seconds for way in ways))
    finally:
        there.cancel()
        back.cancel()
        far_writer.close()

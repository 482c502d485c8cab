"""A chat model behind OpenAI's `/chat/completions`, on loopback: it says what a test wants."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from doubles.patience import PATIENCE_SECONDS


def completion(content: object) -> bytes:
    """Return the body of an answer that says *content*."""
    return json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}).encode()


@dataclass
class ChatServer:
    """
    What came in, and what it answers.

    *go_on* is waited for before an answer is sent; *is_chunked* sends it without its length, byte by byte.
    """

    url: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = completion("A cat on a sofa.")
    is_chunked: bool = False
    missing_bytes: int = 0
    asked: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@contextmanager
def running_chat_server() -> Iterator[ChatServer]:
    """Serve on a free port."""
    chat = ChatServer()
    chat.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat.asked.append((self.path, dict(self.headers), question))
            chat.came.release()
            assert chat.go_on.wait(PATIENCE_SECONDS)
            self.close_connection = True
            try:
                self.send_response(chat.status)
                for name, value in chat.headers.items():
                    self.send_header(name, value)
                if chat.is_chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in chat.body)
                    self.wfile.write(pieces + b"0\r\n\r\n")
                else:
                    self.send_header("Content-Length", str(len(chat.body) + chat.missing_bytes))
                    self.end_headers()
                    self.wfile.write(chat.body)
            except OSError:
                pass  # it has read enough, or waited enough

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield chat
        finally:
            chat.go_on.set()
            server.shutdown()
            thread.join()

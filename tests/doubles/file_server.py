"""A web server on loopback that serves the files of a few folders by their names."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@contextmanager
def serving(folders: Sequence[Path], asked: list[str] | None = None) -> Iterator[str]:
    """
    Inside, `{address}/{name}` answers with the first file of that name, whatever the query; yields the address, without
    a slash. *asked* gets the target of every request.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            name = Path(urlsplit(self.path).path).name
            data = next(((folder / name).read_bytes() for folder in folders if (folder / name).is_file()), None)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()

"""Where the parts of one local stack listen: five ports in a row from the host's, all on loopback."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 7071  # the port of `func start`, so that either can serve the same callers
ACCOUNT = "devstoreaccount1"
# Published with the emulator and the same on every machine: it protects nothing.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
DEFAULT_STATE = Path(__file__).resolve().parent.parent / ".blobsight"
# Answers are kept by the bytes that were asked about: those of the local Computer Vision must not pass for Azure's.
AZURE_STATE = DEFAULT_STATE.with_name(".blobsight-azure")


@dataclass(frozen=True)
class Addresses:
    """The ports and addresses that follow from *port*, the host's."""

    port: int

    @property
    def ports(self) -> dict[str, int]:
        """Every port of the stack by what listens there."""
        names = ("host", "vision", "blob storage", "queue storage", "table storage")
        return {name: self.port + offset for offset, name in enumerate(names)}

    @property
    def host_url(self) -> str:
        """Base URL of the Functions host, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def page_url(self) -> str:
        """Address of the page, as people type it."""
        return f"http://localhost:{self.port}/api/gallery"

    @property
    def vision_url(self) -> str:
        """Base URL of the Computer Vision service."""
        return f"http://{LOOPBACK}:{self.port + 1}"

    @property
    def blob_url(self) -> str:
        """Base URL of the blob storage account."""
        return f"http://{LOOPBACK}:{self.port + 2}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """Connection string of the emulator; explicit, as `UseDevelopmentStorage=true` knows the default ports only."""
        endpoints = zip(("Blob", "Queue", "Table"), range(self.port + 2, self.port + 5), strict=True)
        parts = ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={ACCOUNT_KEY}"]
        parts += [f"{name}Endpoint=http://{LOOPBACK}:{port}/{ACCOUNT}" for name, port in endpoints]
        return ";".join(parts)


def image_target(route: str, name: str, **parameters: str) -> str:
    """
    Return path and query of the image *name* at `/api/images` or `/api/thumbnail`, whichever *route* is.

    A name with an empty segment goes into the query: no route of the host takes one at its beginning, and proxies make
    one slash of two.
    """
    if name.startswith("/") or "//" in name:
        return f"{route}?{urlencode({'name': name, **parameters}, quote_via=quote, safe='')}"
    return f"{route}/{quote(name)}{'?' if parameters else ''}{urlencode(parameters)}"


def port_number(text: str) -> int:
    """Parse a host port; the four after it must be ports too."""
    if not text.isdecimal() or not 1 <= int(text) <= 65531:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65531 (five in a row are used)")
    return int(text)


def stack_words(port: int | None, state: Path) -> list[str]:
    """Return these options as they are to be typed for the stack on *state*; *port* is None where its lock tells it."""
    words = [] if port is None else ["--port", str(port)]
    return words if state == DEFAULT_STATE else [*words, "--state", str(state)]


def add_stack_options(parser: argparse.ArgumentParser, *, port: int | None = None) -> None:
    """
    Add the options by which every command names its stack: `--port` and `--state`.

    *port* is the default of `--port`. Without one it is None unless it is given, and `state_lock.stack_port` finds the
    port of the running stack.
    """
    default = "that of the stack that runs on the state folder" if port is None else "%(default)s"
    parser.add_argument(
        "--port",
        type=port_number,
        default=port,
        metavar="N",
        help=f"the host's port (default: {default}); vision N+1, blobs N+2, queues N+3, tables N+4",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=DEFAULT_STATE,
        metavar="DIR",
        help="where everything is kept (default: .blobsight in the project)",
    )

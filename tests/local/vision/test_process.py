"""The service as a process of its own: its ready line, its signals, what it survives."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.patience import is_alive, wait_until
from doubles.pdfs import slow_pdf
from doubles.vision_calls import Caller, connection_to, encoded, picture
from PIL import Image

from local import drawings
from local.vision.reading.store import OperationStore

PROJECT = Path(__file__).parents[3]
PROGRAM = "import sys; from local.vision.cli import main; sys.exit(main(sys.argv[1:]))"
WAIT_SECONDS = 110.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the service with the arguments given; what still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        with child:  # waits for it, and closes its pipes
            pass


def children_of(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if is_alive(int(path.parent.name))]
    return [int(stat.split()[0]) for stat in stats if int(stat.rpartition(")")[2].split()[1]) == pid]


def ready_url(child: "subprocess.Popen[str]") -> str:
    """Wait for the ready line; return the address in it."""
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("vision ready http://127.0.0.1:"), child.stderr and child.stderr.read()
    return line.split()[-1]


def test_one_line_on_stdout_says_that_it_is_ready(start: Start) -> None:
    child = start("--port", "0", "--key", "k")
    with Caller(ready_url(child), "k") as client:
        assert client.post("analyze", picture(), query="visualFeatures=Tags").status_code == 200
    child.terminate()
    output, errors = child.communicate(timeout=WAIT_SECONDS)

    assert (output, errors, child.returncode) == ("", "", 0)


def test_a_signal_lets_the_call_in_flight_finish(start: Start) -> None:
    child = start("--port", "0", "--key", "k")
    url = ready_url(child)
    data = picture()
    with Caller(url, "k") as client, connection_to(url) as wire:
        client.control("PUT", "faults", {"latency_seconds": 600})
        lines = (
            "POST /vision/v3.2/tag HTTP/1.1",
            "Host: x",
            "Ocp-Apim-Subscription-Key: k",
            "Content-Type: application/octet-stream",
            "Expect: 100-continue",
            f"Content-Length: {len(data)}",
        )
        wire.sendall("\r\n".join((*lines, "", "")).encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 100 ")
        child.send_signal(signal.SIGINT)
        wire.sendall(data)
        assert wire.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"

    assert child.wait(WAIT_SECONDS) == 0


def test_the_end_of_its_parent_is_its_end(start: Start) -> None:
    child = start("--port", "0", BLOBSIGHT_PARENT="1")
    ready_url(child)
    assert child.stdin is not None
    child.stdin.close()

    assert child.wait(WAIT_SECONDS) == 0


def test_a_signal_is_heard_while_the_parent_lives(start: Start) -> None:
    child = start("--port", "0", BLOBSIGHT_PARENT="1")
    ready_url(child)
    child.terminate()

    assert child.wait(WAIT_SECONDS) == 0


def test_calls_that_were_answered_are_counted_after_a_kill(start: Start, tmp_path: Path) -> None:
    first = start("--port", "0", "--key", "k", "--state", str(tmp_path))
    with Caller(ready_url(first), "k") as client:
        for _ in range(3):
            client.post("tag", picture())
    first.kill()
    first.wait(WAIT_SECONDS)

    second = start("--port", "0", "--key", "k", "--state", str(tmp_path))
    with Caller(ready_url(second), "k") as client:
        assert client.control("GET", "stats").json()["operations"]["tag"]["paid"] == 3


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_the_largest_picture_that_is_decoded_stays_within_bounds_of_memory(start: Start) -> None:
    """Fifty million pixels with transparency, the costliest kind: 200 MB decoded, and no second copy of it."""
    child = start("--port", "0", "--key", "k")
    data = encoded(Image.new("RGBA", (7071, 7071), (10, 90, 200, 128)), "PNG", compress_level=1)
    with Caller(ready_url(child), "k") as client:
        assert client.post("tag", data).status_code == 200
    status = Path(f"/proc/{child.pid}/status").read_text()
    peak_kilobytes = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))

    assert peak_kilobytes < 500_000


def test_a_taken_port_is_said_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = start("--port", str(port))
        output, errors = child.communicate(timeout=WAIT_SECONDS)

    assert (child.returncode, output) == (1, "")
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port}" in errors
    assert "--port" in errors


def test_a_state_in_use_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    ready_url(start("--port", "0", "--state", str(tmp_path)))
    child = start("--port", "0", "--state", str(tmp_path))
    _, errors = child.communicate(timeout=WAIT_SECONDS)

    assert child.returncode == 1
    assert "give another --state" in errors


def test_verbose_logs_neither_keys_nor_query_strings(start: Start) -> None:
    child = start("--port", "0", "--key", "secret-key", "--verbose", "--rate", "1/60")
    with Caller(ready_url(child), "secret-key") as client:
        client.post("tag", picture(), query="language=en&sig=secret")
        client.post("tag", picture())
    child.terminate()
    _, errors = child.communicate(timeout=WAIT_SECONDS)

    assert errors.splitlines() == ["POST /vision/v3.2/tag 200", "POST /vision/v3.2/tag 429"]


@pytest.mark.parametrize(
    "arguments", [("--rate", "many"), ("--port", "70000"), ("--answers", "no-such-folder"), ("--nonsense",)]
)
def test_wrong_arguments_are_refused(start: Start, arguments: tuple[str, ...]) -> None:
    child = start(*arguments)
    _, errors = child.communicate(timeout=WAIT_SECONDS)

    assert child.returncode == 2
    assert arguments[-1] in errors


def test_nothing_heavy_is_imported_before_the_service_is_ready() -> None:
    program = "import json, sys, local.vision.cli; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, check=True).stdout

    assert {"cv2", "numpy", "PIL", "requests", "azure"}.isdisjoint(json.loads(output))


def test_a_killed_service_comes_back_on_its_port_though_connections_linger(start: Start) -> None:
    child = start("--port", "0")
    url = ready_url(child)
    port = url.rpartition(":")[2]
    with socket.create_connection(("127.0.0.1", int(port))) as lingering:
        lingering.sendall(b"GET /_control/stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lingering.recv(100).startswith(b"HTTP/1.1 200")
        child.kill()
        child.wait()
        assert ready_url(start("--port", port)) == url


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)])
def test_a_read_that_was_not_done_when_the_service_ended_is_done_by_the_next(
    start: Start, tmp_path: Path, number: int, status: int
) -> None:
    arguments = ("--port", "0", "--key", "k", "--state", str(tmp_path))
    first = start(*arguments)
    with Caller(ready_url(first), "k") as client:
        accepted = client.post("read/analyze", encoded(drawings.letter(), "PNG"))
        path = accepted.headers["Operation-Location"].partition("/vision/v3.2/")[2]
        # The models alone take longer to load than this call.
        assert client.get(path).json()["status"] in ("notStarted", "running")
        first.send_signal(number)
        assert first.wait(WAIT_SECONDS) == status
    with Caller(ready_url(start(*arguments)), "k") as client:
        wait_until(lambda: client.get(path).json()["status"] == "succeeded")
        report = client.get(path).json()
        assert client.control("GET", "stats").json()["operations"]["read"]["paid"] == 1

    lines = report["analyzeResult"]["readResults"][0]["lines"]
    assert [line["text"] for line in lines] == list(drawings.LETTER)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)])
def test_the_service_ends_while_a_pdf_takes_its_time_and_leaves_no_process(
    start: Start, tmp_path: Path, number: int, status: int
) -> None:
    child = start("--port", "0", "--key", "k", "--state", str(tmp_path))
    with Caller(ready_url(child), "k") as client:
        accepted = client.post("read/analyze", slow_pdf(200))
        path = accepted.headers["Operation-Location"].partition("/vision/v3.2/")[2]
        wait_until(lambda: client.get(path).json()["status"] == "running")
    [at_work] = children_of(child.pid)
    child.send_signal(number)

    assert child.wait(WAIT_SECONDS) == status
    wait_until(lambda: not is_alive(at_work))
    store = OperationStore(tmp_path / "vision")
    assert store.unfinished() == [path.rpartition("/")[2]]
    store.close()

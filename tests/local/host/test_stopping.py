"""The host stops without losing what has begun, and a crash delays events but drops none."""

import base64
import json
import os
import signal
import socket
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient
from doubles.azurite import Azurite
from doubles.hosting import (
    Host,
    Response,
    blob_trigger,
    http_return,
    http_trigger,
    running_host,
    started_host,
    write_function,
    write_host_json,
)
from doubles.patience import PATIENCE_SECONDS

from local.host.blobs.queue import BlobQueue

# A function that says that it runs and then waits for a file to appear.
WAITING = """
import logging, pathlib, time
import azure.functions as func
GATE = pathlib.Path(__file__).parent.parent / "gate"

def wait():
    logging.info("begun")
    while not GATE.exists():
        time.sleep(0.02)
    logging.info("done")

"""
ON_UPLOAD = WAITING + "def main(blob: func.InputStream):\n    wait()\n"
BY_HTTP = (
    WAITING + "def main(req: func.HttpRequest) -> func.HttpResponse:\n    wait()\n    return func.HttpResponse('ok')\n"
)
CONTAINER = "crashes"


class App:
    """An app of one blob and one HTTP function, both waiting for the gate."""

    def __init__(self, root: Path, azurite: Azurite) -> None:
        self.root = root
        self.state = root / "state"
        self.azurite = azurite
        self.environment = {"ImagesStorage": azurite.connection_string}
        write_host_json(root)
        write_function(root, "OnUpload", [blob_trigger(f"{CONTAINER}/{{name}}")], ON_UPLOAD)
        write_function(root, "Wait", [http_trigger(), http_return()], BY_HTTP)

    def open_gate(self) -> None:
        (self.root / "gate").touch()

    def post(self, host: Host, name: str) -> None:
        data = {"url": f"{self.azurite.blob_url}/{CONTAINER}/{quote(name)}", "eTag": "0x1", "blobType": "BlockBlob"}
        target = "/runtime/webhooks/blobs?functionName=Host.Functions.OnUpload"
        answer = host.request("POST", target, json.dumps([{"data": data}]), {"aeg-event-type": "Notification"})
        assert answer.status == 202

    def waiting_messages(self) -> int:
        queue = BlobQueue(self.state / "host" / "events.sqlite")
        try:
            return queue.count()
        finally:
            queue.close()


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> App:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        if not service.get_container_client(CONTAINER).exists():
            service.create_container(CONTAINER)
        for name in ("a", "b"):
            service.get_blob_client(CONTAINER, name).upload_blob(b"x", overwrite=True)
    return App(tmp_path, azurite)


def test_event_in_flight_at_a_kill_runs_again_at_once_after_the_restart(app: App) -> None:
    with running_host(app.root, app.state, environment=app.environment) as host:
        app.post(host, "a")
        app.post(host, "b")
        host.wait_for_log("begun", count=2)
        host.kill()
    app.open_gate()
    with running_host(app.root, app.state, environment=app.environment) as host:
        host.wait_for_log("Succeeded", count=2)
        assert host.terminate() == 0, "".join(host.log)
    assert app.waiting_messages() == 0


def test_as_many_functions_run_at_once_as_host_json_says(app: App) -> None:
    write_host_json(app.root, extensions={"blobs": {"maxDegreeOfParallelism": 2}})
    with running_host(app.root, app.state, environment=app.environment) as host:
        for name in ("a", "b", "a"):
            app.post(host, name)
        host.wait_for_log("begun", count=2)
        assert host.request("GET", "/admin/host/ping").status == 200
        assert sum("begun" in line for line in host.log) == 2
        app.open_gate()
        host.wait_for_log("Succeeded", count=3)


def test_event_that_kills_its_host_as_often_as_allowed_becomes_poison(app: App) -> None:
    write_host_json(app.root, extensions={"blobs": {"poisonBlobThreshold": 2}})
    write_function(
        app.root,
        "OnUpload",
        [blob_trigger(f"{CONTAINER}/{{name}}")],
        "import os\ndef main(blob):\n    os.kill(os.getpid(), 9)\n",
    )
    for attempt in range(2):
        with started_host(app.root, app.state, environment=app.environment) as host:
            if attempt == 0:
                assert host.settled.wait(110)
                app.post(host, "a")
            assert host.process.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL
    with running_host(app.root, app.state, environment=app.environment) as host:
        host.wait_for_log("was started 2 times for crashes/a")
        assert host.terminate() == 0, "".join(host.log)
    with QueueClient.from_connection_string(app.azurite.connection_string, "webjobs-blobtrigger-poison") as queue:
        (message,) = queue.receive_messages(messages_per_page=1)
        queue.delete_message(message)
    assert json.loads(base64.b64decode(message.content))["BlobName"] == "a"


def test_events_of_a_function_that_is_broken_now_wait_until_it_is_mended(app: App) -> None:
    with running_host(app.root, app.state, environment=app.environment) as host:
        app.post(host, "a")
        host.wait_for_log("begun")
        host.kill()
    sound = (app.root / "OnUpload" / "__init__.py").read_text()
    (app.root / "OnUpload" / "__init__.py").write_text("import nowhere")
    with running_host(app.root, app.state, environment=app.environment) as host:
        assert host.terminate() == 0, "".join(host.log)
    assert app.waiting_messages() == 1
    (app.root / "OnUpload" / "__init__.py").write_text(sound + "\n# mended\n")
    app.open_gate()
    with running_host(app.root, app.state, environment=app.environment) as host:
        host.wait_for_log("Succeeded")


def test_events_of_a_function_that_is_no_more_are_dropped_with_a_warning(app: App) -> None:
    with running_host(app.root, app.state, environment=app.environment) as host:
        app.post(host, "a")
        host.wait_for_log("begun")
        host.kill()
    (app.root / "OnUpload" / "function.json").unlink()
    with running_host(app.root, app.state, environment=app.environment) as host:
        host.wait_for_log("1 events for OnUpload are dropped")
        assert host.terminate() == 0, "".join(host.log)
    assert app.waiting_messages() == 0


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "end of standard input"])
def test_stop_lets_invocations_finish_and_takes_nothing_new(app: App, how: str) -> None:
    environment = {**app.environment, "BLOBSIGHT_PARENT": "1"}
    with running_host(app.root, app.state, environment=environment) as host:
        answers: list[Response] = []
        caller = threading.Thread(target=lambda: answers.append(host.request("GET", "/api/wait")))
        caller.start()
        app.post(host, "a")
        host.wait_for_log("begun", count=2)
        if how == "end of standard input":
            assert host.process.stdin is not None
            host.process.stdin.close()
            host.wait_for_log("the parent is gone")
        else:
            host.process.send_signal(signal.Signals[how])
            host.wait_for_log("finishing what has begun")
        wait_until_refused(host.port)
        assert host.process.poll() is None
        app.open_gate()
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 0
        caller.join()
        assert [answer.text for answer in answers] == ["ok"]
    assert app.waiting_messages() == 0


def wait_until_refused(port: int) -> None:
    for _ in range(10_000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return
    raise AssertionError(f"port {port} still takes connections")


def test_second_signal_ends_at_once_and_the_event_runs_again(app: App) -> None:
    with running_host(app.root, app.state, environment=app.environment) as host:
        app.post(host, "a")
        host.wait_for_log("begun")
        host.process.send_signal(signal.SIGTERM)
        host.wait_for_log("finishing what has begun")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 128 + signal.SIGTERM
    assert app.waiting_messages() == 1


def test_idle_connection_does_not_hold_the_stop_up(app: App) -> None:
    with (
        running_host(app.root, app.state, environment=app.environment) as host,
        socket.create_connection(("127.0.0.1", host.port)) as idle,
    ):
        idle.sendall(b"GET /admin/host/ping HTTP/1.1\r\nHost: h\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 0


def test_two_hosts_cannot_share_a_state(app: App) -> None:
    with (
        running_host(app.root, app.state, environment=app.environment) as first,
        started_host(app.root, app.state, environment=app.environment) as second,
    ):
        assert second.process.wait(timeout=PATIENCE_SECONDS) == 1
        second.wait_for_log(f"another host (process {first.process.pid}) uses {app.state / 'host'}")


def test_port_in_use_is_told_in_one_line(app: App, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started_host(app.root, tmp_path / "other", "--port", str(port), environment=app.environment) as host:
            assert host.process.wait(timeout=PATIENCE_SECONDS) == 1
            host.wait_for_log("in use")
            assert host.log == [
                f"host: port {port} on 127.0.0.1 is in use: stop the program that holds it, or choose another with "
                "--port\n"
            ]
            assert host.output == []


def test_folder_that_is_no_app_is_told_in_one_line(tmp_path: Path) -> None:
    with started_host(tmp_path, tmp_path / "state") as host:
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 1
        host.wait_for_log("no Functions app")
        assert host.log == [f"host: {tmp_path} has no host.json, so it is no Functions app: give --root\n"]


def test_ready_line_is_all_that_is_on_standard_output(app: App) -> None:
    write_function(
        app.root,
        "Prints",
        [http_trigger(), http_return()],
        "import azure.functions as func\nprint('at import')\n"
        "def main(req):\n    print('in a call', flush=True)\n    return func.HttpResponse()\n",
    )
    with running_host(app.root, app.state, environment=app.environment) as host:
        assert host.request("GET", "/api/prints").status == 200
        host.wait_for_log("at import")
        host.wait_for_log("in a call")
        assert host.terminate() == 0, "".join(host.log)
        assert host.output == [f"host ready {host.url}\n"]


def test_warm_start_takes_less_than_two_and_a_half_seconds(app: App) -> None:
    """Measured in processor time, so that a busy machine does not fail it."""
    with running_host(app.root, app.state, environment=app.environment) as host:
        host.terminate()
    with running_host(app.root, app.state, environment=app.environment) as host:
        fields = Path(f"/proc/{host.process.pid}/stat").read_text().rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        assert seconds < 2.5

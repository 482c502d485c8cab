"""A run that takes longer than `functionTimeout` has failed, all others beside it too, and nothing is lost by it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient
from doubles.azurite import Azurite
from doubles.durable_apps import DurableApp, finish, start_id, wait_finished
from doubles.hosting import (
    Host,
    Response,
    blob_trigger,
    http_return,
    http_trigger,
    queue_trigger,
    running_host,
    started_host,
    write_function,
    write_host_json,
)
from doubles.patience import PATIENCE_SECONDS, wait_until

from local.host.app.context import Invocation
from local.host.app.time_limit import TimeLimit, Watchdog
from local.host.errors import CutShortError

# Longer than the two seconds that a function has to end by itself: what begins in them is aborted, not too slow.
LIMIT = "00:00:03"
TOO_LONG = f"Timeout value of {LIMIT} was exceeded by function: Functions"
HANGS = "import threading, azure.functions as func\ndef main(req):\n    threading.Event().wait()\n"
ANSWERS = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse('ok')\n"
# Notes that it runs, and hangs the first two times.
HANGS_TWICE = """
import pathlib, threading

def note_and_hang():
    notes = pathlib.Path(__file__).parent.with_suffix(".runs")
    with notes.open("a") as file:
        print("begun", file=file)
    if len(notes.read_text().splitlines()) < 3:
        threading.Event().wait()

"""


def by_http(root: Path, name: str, code: str) -> None:
    write_function(root, name, [http_trigger(), http_return()], code)


@contextmanager
def asked(host: Host, *paths: str) -> Iterator[list[Future[Response]]]:
    """Send requests at the same time; their answers come later."""
    with ThreadPoolExecutor(len(paths)) as pool:
        yield [pool.submit(host.request, "GET", path) for path in paths]


def wait_for_restart(host: Host) -> None:
    wait_until(lambda: host.output.count(f"host ready {host.url}\n") == 2)


def test_a_request_that_takes_too_long_is_answered_500_and_the_host_comes_back_at_its_place(tmp_path: Path) -> None:
    write_host_json(tmp_path, functionTimeout=LIMIT)
    by_http(tmp_path, "Hangs", HANGS)
    by_http(tmp_path, "Answers", ANSWERS)
    with running_host(tmp_path, tmp_path / "state", environment={"BLOBSIGHT_PARENT": "1"}) as host:
        keys = (tmp_path / "state" / "host" / "keys.json").read_bytes()
        with asked(host, "/api/hangs", "/api/hangs") as answers:
            assert host.request("GET", "/api/answers").text == "ok"
        assert [(answer.result().status, answer.result().body) for answer in answers] == [(500, b"")] * 2
        host.wait_for_log("A function timeout has occurred. Restarting the process")
        wait_for_restart(host)
        assert f"notice: starts again: {TOO_LONG}.Hangs\n" in host.output
        assert host.process.poll() is None
        assert host.request("GET", "/api/answers").text == "ok"
        assert (tmp_path / "state" / "host" / "keys.json").read_bytes() == keys
        assert host.terminate() == 0, "".join(host.log)


def test_events_and_messages_under_way_come_again_after_a_timer_took_too_long(azurite: Azurite, tmp_path: Path) -> None:
    write_host_json(tmp_path, functionTimeout=LIMIT)
    timer = {"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 0 1 1 *"}
    write_function(tmp_path, "Tick", [timer], "import threading\ndef main(timer):\n    threading.Event().wait()\n")
    write_function(tmp_path, "Upload", [blob_trigger("late/{name}")], f"{HANGS_TWICE}def main(blob): note_and_hang()\n")
    write_function(tmp_path, "Item", [queue_trigger("late")], f"{HANGS_TWICE}def main(item): note_and_hang()\n")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container("late")
        service.get_blob_client("late", "a").upload_blob(b"x")
    with QueueClient.from_connection_string(azurite.connection_string, "late") as queue:
        queue.create_queue()
        queue.send_message("aXQ=")
        with running_host(
            tmp_path, tmp_path / "state", environment={"ImagesStorage": azurite.connection_string}
        ) as host:
            assert host.request("POST", "/admin/functions/Tick", "{}").status == 202
            event = json.dumps(
                [{"data": {"url": f"{azurite.blob_url}/late/a", "eTag": "0x1", "blobType": "BlockBlob"}}]
            )
            target = "/runtime/webhooks/blobs?functionName=Host.Functions.Upload"
            assert host.request("POST", target, event, {"aeg-event-type": "Notification"}).status == 202
            host.wait_for_log(f"{TOO_LONG}.Tick")
            wait_for_restart(host)
            host.wait_for_log("Succeeded", count=2)
            assert host.terminate() == 0, "".join(host.log)
        assert queue.get_queue_properties().approximate_message_count == 0
    assert [len((tmp_path / f"{name}.runs").read_text().splitlines()) for name in ("Upload", "Item")] == [3, 3]


@pytest.fixture
def durable(tmp_path: Path) -> DurableApp:
    app = DurableApp(tmp_path, functionTimeout=LIMIT)
    app.activity("Hangs", "def main(payload: dict) -> str:\n    __import__('threading').Event().wait()\n")
    app.orchestrator(
        "Asks",
        """
        def run(context):
            errors = []
            for _ in range(2):
                try:
                    yield context.call_activity("Hangs", {})
                except Exception as error:
                    errors.append(str(error))
            return errors
        """,
    )
    return app


def test_activities_that_hang_fail_one_after_the_other(durable: DurableApp) -> None:
    """The next one is aborted with the process, or on a slow machine begins in the next process and is too slow too."""
    with durable.running() as host:
        instance = start_id(host, "Asks")
        wait_for_restart(host)
        slow, after = wait_finished(host, instance)["output"]
        failed = "Activity function 'Hangs' failed:  "
        assert f"{failed}{TOO_LONG}.Hangs" in slow
        assert f"{failed}it was aborted with its process" in after or f"{failed}{TOO_LONG}.Hangs" in after
        assert host.terminate() == 0, "".join(host.log)


def test_a_turn_of_an_orchestrator_that_takes_too_long_is_taken_again(durable: DurableApp) -> None:
    durable.orchestrator(
        "Thinks", HANGS_TWICE + 'def run(context):\n    note_and_hang()\n    yield from ()\n    return "done"'
    )
    with durable.running() as host:
        instance = start_id(host, "Thinks")
        wait_for_restart(host)
        assert wait_finished(host, instance)["output"] == "done"
        assert host.terminate() == 0, "".join(host.log)
    assert len((durable.root / "Thinks.runs").read_text().splitlines()) == 3


def test_an_async_function_that_blocks_the_host_is_ended_with_it_and_its_activity_runs_again(
    durable: DurableApp,
) -> None:
    durable.activity(
        "Blocks", f"{HANGS_TWICE}async def main(payload: dict) -> str:\n    note_and_hang()\n    return 'done'"
    )
    durable.orchestrator("Waits", 'def run(context):\n    return (yield context.call_activity("Blocks", {}))')
    (durable.root / "Blocks.runs").write_text("once\n")
    with durable.running() as host:
        instance = start_id(host, "Waits")
        host.wait_for_log(f"starting again: {TOO_LONG}.Blocks, which blocks the event loop")
        wait_for_restart(host)
        assert wait_finished(host, instance)["output"] == "done"
        assert finish(host, "Waits")["output"] == "done"
        assert host.terminate() == 0, "".join(host.log)


def test_a_host_that_is_told_to_stop_does_not_start_again_for_what_takes_too_long_meanwhile(tmp_path: Path) -> None:
    write_host_json(tmp_path, functionTimeout=LIMIT)
    hangs = "import asyncio, logging\nasync def main(req):\n    logging.info('begun')\n"
    by_http(tmp_path, "Hangs", f"{hangs}    await asyncio.to_thread(__import__('threading').Event().wait)\n")
    with started_host(tmp_path, tmp_path / "state", "--port", "0") as host:
        assert host.settled.wait(PATIENCE_SECONDS)
        with asked(host, "/api/hangs") as (answer,):
            host.wait_for_log("begun")
            assert host.terminate() == 0
        assert answer.result().status == 500
        assert len(host.output) == 1


async def never() -> None:
    await asyncio.Event().wait()


def test_a_run_that_ends_soon_after_its_time_has_failed_and_its_process_goes_on() -> None:
    async def main() -> None:
        limit, gate = TimeLimit(0.001, grace_seconds=1000), asyncio.Event()

        async def call() -> None:
            await gate.wait()
            raise ValueError("too late to be told")

        with pytest.raises(CutShortError, match="Timeout value of"):
            await limit.run(Invocation("F"), call())
        assert not limit.given_up.done()
        gate.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        assert not limit.given_up.done()

    asyncio.run(main())


def test_a_run_that_does_not_end_costs_its_process() -> None:
    async def main() -> str:
        limit = TimeLimit(0.001, grace_seconds=0)
        with pytest.raises(CutShortError):
            await limit.run(Invocation("F"), never())
        return await limit.given_up

    assert asyncio.run(main()) == "Timeout value of 00:00:00.0010000 was exceeded by function: Functions.F"


def test_no_limit_lets_a_run_take_its_time() -> None:
    async def main() -> str:
        limit, gate = TimeLimit(None), asyncio.Event()

        async def call() -> str:
            await gate.wait()
            return "done"

        running = asyncio.create_task(limit.run(Invocation("F"), call()))
        await asyncio.sleep(0)
        assert limit.overdue(0) is None
        gate.set()
        return await running

    assert asyncio.run(main()) == "done"


def test_the_limit_is_told_in_the_platforms_words_and_as_dotnet_writes_times() -> None:
    async def main() -> None:
        limit = TimeLimit(93_784.5)
        assert (
            limit.told(Invocation("F")) == "Timeout value of 1.02:03:04.5000000 was exceeded by function: Functions.F"
        )

    asyncio.run(main())


def test_once_the_process_is_given_up_nothing_begins_in_it_and_what_runs_is_aborted() -> None:
    async def main() -> None:
        limit = TimeLimit(1000)
        running = asyncio.create_task(limit.run(Invocation("F"), never()))
        await asyncio.sleep(0)
        limit.given_up.set_result("G took too long")
        for run in (running, limit.run(Invocation("H"), never())):
            with pytest.raises(CutShortError, match=r"aborted with its process\. G took too long"):
                await run

    asyncio.run(main())


def test_the_watchdog_gives_up_for_a_run_that_is_overdue_at_two_looks_and_for_no_other() -> None:
    first, second = Invocation("First"), Invocation("Second")

    class Looks:
        """One run is noticed after the first look at it, the other is not."""

        def __init__(self) -> None:
            self.answers = [None, first, None, None, second, second]

        def overdue(self, by_seconds: float) -> Invocation | None:
            return self.answers.pop(0)

        def told(self, invocation: Invocation) -> str:
            return invocation.function

    said: list[str] = []
    gave_up = threading.Event()

    def give_up(reason: str) -> None:
        said.append(reason)
        gave_up.set()

    looks = Looks()
    watchdog = Watchdog(cast(Any, looks), give_up, look_seconds=0.001)
    watchdog.start()
    assert gave_up.wait(PATIENCE_SECONDS)
    watchdog.stop()
    assert (said, looks.answers) == (["Second, which blocks the event loop"], [])

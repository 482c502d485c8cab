"""The log tells which invocation a line belongs to and what Azure would lose, and host.json decides what is shown."""

import logging
import re
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient
from doubles.azurite import Azurite
from doubles.hosting import (
    Host,
    http_return,
    http_trigger,
    queue_trigger,
    running_host,
    write_function,
    write_host_json,
)

from local.host.logs import CategoryFilter

TALKS = """
import contextvars, logging, threading
import azure.functions as func

logging.getLogger("mine").warning("at import")

def work(context, known):
    if known:
        context.thread_local_storage.invocation_id = context.invocation_id
    logging.getLogger("mine").warning("from thread, known=%s", known)

def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.debug("a debug line")
    logging.info("an info line")
    logging.getLogger("azure.core.pipeline").info("storage chatter")
    for known in (True, False):
        thread = threading.Thread(target=work, args=[context, known])
        thread.start()
        thread.join()
    copied = contextvars.copy_context()
    thread = threading.Thread(target=lambda: copied.run(logging.warning, "from thread, context copied"))
    thread.start()
    thread.join()
    return func.HttpResponse(context.invocation_id)
"""
AWAITS = """
import asyncio, logging, threading
import azure.functions as func

STARTED = []

async def say(text):
    await asyncio.sleep(0)
    logging.warning(text)

async def outlive(ended):
    await ended.wait()
    logging.warning("after the end")

async def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    if req.params.get("release"):
        ended, task = STARTED.pop()
        ended.set()
        await task
        return func.HttpResponse()
    await say("awaited")
    await asyncio.create_task(say("in a task"))
    await asyncio.gather(say("gathered"), asyncio.wait_for(asyncio.shield(say("shielded")), 20))
    await asyncio.to_thread(logging.warning, "in a thread of asyncio")
    asyncio.get_running_loop().call_soon(logging.warning, "in a callback without a task")
    ended = asyncio.Event()
    STARTED.append((ended, asyncio.create_task(outlive(ended))))
    return func.HttpResponse(context.invocation_id)
"""
LOST = "LOST in Azure"


def write_app(root: Path, **levels: str) -> None:
    write_host_json(root, logging={"logLevel": levels})
    write_function(root, "Talks", [http_trigger(), http_return()], TALKS)
    write_function(root, "Awaits", [http_trigger(), http_return()], AWAITS)


def source_of(host: Host, text: str) -> str:
    """Return what stands between the time and the level of the one line that ends with *text*."""
    host.wait_for_log(text)
    (found,) = re.findall(rf"^\S+ \S+ (.+) +(?:DEBUG|INFO|WARNING|ERROR) +{text}$", "".join(host.log), re.MULTILINE)
    return str(found).strip()


def test_lines_carry_time_function_and_invocation(tmp_path: Path) -> None:
    write_app(tmp_path)
    with running_host(tmp_path, tmp_path / "state") as host:
        short_id = host.request("GET", "/api/talks").text[:8]
        host.wait_for_log("GET /api/talks 200")
        lines = "".join(host.log)
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert re.search(rf"^{time} Talks {short_id} INFO  an info line$", lines, re.MULTILINE)
    assert re.search(rf"^{time} Talks {short_id} INFO  storage chatter$", lines, re.MULTILINE)
    assert re.search(rf"^{time} Talks {short_id} INFO  Succeeded in \d+ ms$", lines, re.MULTILINE)
    assert re.search(rf"^{time} host INFO  GET /api/talks 200 in \d+ ms$", lines, re.MULTILINE)
    assert "a debug line" not in lines


@pytest.mark.parametrize(
    ("attribution", "kept", "lost"),
    [
        ("thread", "from thread, known=True", "from thread, context copied"),
        ("context", "from thread, context copied", "from thread, known=True"),
    ],
)
def test_a_thread_is_known_by_what_the_worker_looks_at_and_the_others_are_lost(
    tmp_path: Path, attribution: str, kept: str, lost: str
) -> None:
    write_app(tmp_path)
    with running_host(tmp_path, tmp_path / "state", "--attribution", attribution) as host:
        own = f"Talks {host.request('GET', '/api/talks').text[:8]}"
        assert source_of(host, "an info line") == own
        assert source_of(host, kept) == own
        assert [source_of(host, text) for text in (lost, "from thread, known=False", "at import")] == [LOST] * 3
        assert host.request("GET", "/admin/host/status").json()["logLinesLostInAzure"] == 3
        assert host.terminate() == 0
        host.wait_for_log("3 lines of this log would be lost in Azure")


def test_the_tasks_that_a_function_makes_belong_to_its_invocation_until_that_has_ended(tmp_path: Path) -> None:
    write_app(tmp_path)
    with running_host(tmp_path, tmp_path / "state", "--attribution", "thread") as host:
        own = f"Awaits {host.request('GET', '/api/awaits').text[:8]}"
        assert [source_of(host, text) for text in ("awaited", "in a task", "gathered", "shielded")] == [own] * 4
        assert host.request("GET", "/api/awaits?release=1").status == 200
        for text in ("in a thread of asyncio", "in a callback without a task", "after the end"):
            assert source_of(host, text) == LOST


def test_a_run_without_lost_lines_says_nothing_of_them(tmp_path: Path) -> None:
    write_host_json(tmp_path)
    with running_host(tmp_path, tmp_path / "state") as host:
        assert host.request("GET", "/admin/host/status").json()["logLinesLostInAzure"] == 0
        assert host.terminate() == 0
        assert "lost in Azure" not in "".join(host.log)


def test_requests_to_storage_are_told_where_a_function_makes_them_and_not_where_the_host_does(
    tmp_path: Path, azurite: Azurite
) -> None:
    write_host_json(tmp_path)
    code = """
import os
from azure.storage.queue import QueueClient

def main(item: str):
    with QueueClient.from_connection_string(os.environ["ImagesStorage"], "chatter") as queue:
        queue.get_queue_properties()
"""
    write_function(tmp_path, "Counts", [queue_trigger("chatter")], code)
    with QueueClient.from_connection_string(azurite.connection_string, "chatter") as queue:
        queue.create_queue()
        queue.send_message("aXQ=")
    environment = {"ImagesStorage": azurite.connection_string}
    with running_host(tmp_path, tmp_path / "state", environment=environment) as host:
        host.wait_for_log("Succeeded")
        # By then the host has received the message, hidden it, deleted it, and looked for another.
        assert host.terminate() == 0
        requests = [line for line in host.log if "Request URL" in line]
    assert [" Counts " in line for line in requests] == [True]


def test_of_the_hosts_own_sdk_errors_are_told_and_no_more() -> None:
    """A call without a token tells so itself, and a queue asks for one at every look."""
    shown = CategoryFilter({"default": "Information"}).filter
    levels = (logging.INFO, logging.WARNING, logging.ERROR)
    records = [logging.LogRecord("azure.identity", level, __file__, 1, "no token", None, None) for level in levels]
    assert [shown(record) for record in records] == [False, False, True]


def test_levels_of_host_json_hold_for_the_longest_category(tmp_path: Path) -> None:
    write_app(tmp_path, **{"default": "Error", "Function.Talks.User": "Debug", "Host": "Information"})
    with running_host(tmp_path, tmp_path / "state", "--attribution", "thread") as host:
        host.request("GET", "/api/talks")
        host.wait_for_log("GET /api/talks 200")
        lines = "".join(host.log)
    assert "a debug line" in lines
    assert "Succeeded" not in lines
    assert "known=True" in lines
    assert "known=False" not in lines

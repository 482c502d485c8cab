"""The log tells which invocation a line belongs to, and host.json decides what is shown."""

import re
from pathlib import Path

from doubles.hosting import http_return, http_trigger, running_host, write_function, write_host_json

TALKS = """
import logging, threading
import azure.functions as func

def work(context, known):
    if known:
        context.thread_local_storage.invocation_id = context.invocation_id
    logging.getLogger("mine").warning("from thread, known=%s", known)

def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.debug("a debug line")
    logging.info("an info line")
    logging.getLogger("azure.core.pipeline").info("storage chatter")
    logging.getLogger("azure.identity._internal").warning("identity chatter")
    for known in (True, False):
        thread = threading.Thread(target=work, args=[context, known])
        thread.start()
        thread.join()
    return func.HttpResponse(context.invocation_id)
"""


def write_app(root: Path, **levels: str) -> None:
    write_host_json(root, logging={"logLevel": levels})
    write_function(root, "Talks", [http_trigger(), http_return()], TALKS)


def test_lines_carry_time_function_and_invocation(tmp_path: Path) -> None:
    write_app(tmp_path)
    with running_host(tmp_path, tmp_path / "state") as host:
        short_id = host.request("GET", "/api/talks").text[:8]
        host.wait_for_log("GET /api/talks 200")
        lines = "".join(host.log)
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert re.search(rf"^{time} Talks {short_id} INFO  an info line$", lines, re.MULTILINE)
    assert re.search(rf"^{time} Talks {short_id} INFO  Succeeded in \d+ ms$", lines, re.MULTILINE)
    assert re.search(rf"^{time} Talks {short_id} WARNING from thread, known=True$", lines, re.MULTILINE)
    assert re.search(rf"^{time} host WARNING from thread, known=False$", lines, re.MULTILINE)
    assert "a debug line" not in lines
    assert "storage chatter" not in lines
    assert "identity chatter" not in lines


def test_levels_of_host_json_hold_for_the_longest_category(tmp_path: Path) -> None:
    write_app(tmp_path, **{"default": "Error", "Function.Talks.User": "Debug", "Host": "Information"})
    with running_host(tmp_path, tmp_path / "state") as host:
        host.request("GET", "/api/talks")
        host.wait_for_log("GET /api/talks 200")
        lines = "".join(host.log)
    assert "a debug line" in lines
    assert "Succeeded" not in lines
    assert "known=True" in lines
    assert "known=False" not in lines

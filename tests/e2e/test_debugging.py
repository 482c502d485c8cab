"""The host as an editor's debugger starts it, in a stack that has none: a breakpoint in a function is reached."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
# As a debugger does: the module is run in its own process, and each thread is traced.
DEBUGGER = """
import runpy, sys, threading
def trace(frame, event, argument):
    code = frame.f_code
    if code.co_name == "main" and code.co_filename.endswith("/AnalyzeOnUpload/__init__.py"):
        print("reached", code.co_filename, file=sys.stderr, flush=True)
module, *sys.argv[1:] = sys.argv[1:]
sys.settrace(trace)
threading.settrace(trace)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("words", [["--enable-auth"], ["--once"]])
def test_what_only_a_stack_with_a_host_can_do_is_refused_without_one(words: list[str]) -> None:
    command = [sys.executable, "-m", "local", "start", "--no-host", *words]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 2
    assert "--no-host" in answer.stderr


def test_a_breakpoint_in_a_function_is_reached_by_an_upload(tmp_path: Path) -> None:
    launch = json.loads((PROJECT / ".vscode" / "launch.json").read_text())["configurations"][0]
    stack = RunningStack(Addresses(five_free_ports()), tmp_path / "state")
    stack.start("--no-host")
    # The port is that of the stack, which holds the state folder.
    command = [sys.executable, "-c", DEBUGGER, launch["module"], *launch["args"], "--state", str(stack.state)]
    # What the editor's own environment says must not lead the app elsewhere.
    environment = {**os.environ, **launch["env"], "VISION_ENDPOINT": "http://127.0.0.1:1", "VISION_KEY": "another"}
    log = tmp_path / "host.log"
    try:
        assert "host" not in stack.pids()
        assert f"local host --state {stack.state} --in-stack" in stack.output
        with log.open("w") as output:
            host = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=output)
        try:
            wait_until(lambda: "host ready" in log.read_text() or host.poll() is not None)
            stack.upload("stopped-at.png", picture("PNG"))
            assert stack.wait_for("stopped-at.png")["stopped-at.png"].state == "complete", log.read_text()
            assert f"reached {PROJECT / 'AnalyzeOnUpload' / '__init__.py'}" in log.read_text()
        finally:
            host.send_signal(signal.SIGINT)
            assert host.wait(60) == 0
    finally:
        assert stack.stop() == 0, stack.output
    assert not stack.has_processes()

"""
Damaged pictures and bombs: each comes to a result or a typed refusal, in bounded time and memory, and ends no worker.

They are put through in a process of their own (`doubles.mutant_worker`), so that one that hangs or ends it fails the
test with its number: `doubles.mutants.mutant(NUMBER)` is the file.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.fuzz import EXAMPLES

WORKER = Path(__file__).parents[1] / "doubles" / "mutant_worker.py"
MOST_SECONDS = 20.0
# By the clock; a machine may be busy with other things. The first is for imports.
PATIENCE_SECONDS, START_SECONDS = 90.0, 120.0

Json = dict[str, Any]


class Worker:
    """The process, whose lines are waited for no longer than so many seconds."""

    def __init__(self) -> None:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self._process = subprocess.Popen([sys.executable, str(WORKER)], **pipes)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._next(START_SECONDS) == "ready\n"

    def ask(self, number: int) -> Json:
        """What came of a mutant."""
        assert self._process.stdin
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        line = self._next(PATIENCE_SECONDS)
        if not line:
            return {"number": number, "ended": "hung" if self._process.poll() is None else self._process.returncode}
        answer: Json = json.loads(line)
        return answer

    def close(self) -> None:
        """End it, however busy it is."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._process.wait()
        self._lines.put("")

    def _next(self, seconds: float) -> str:
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            return ""


def answers(count: int) -> Iterator[Json]:
    """What came of so many mutants; a worker that ended is followed by another one."""
    worker = Worker()
    try:
        for number in range(count):
            answer = worker.ask(number)
            if "ended" in answer:
                worker.close()
                worker = Worker()
            yield answer
    finally:
        worker.close()


def complaint(answer: Json) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if "ended" in answer:
        return f"the worker ended: {answer['ended']}"
    found = list(answer["problems"])
    if answer["seconds"] > MOST_SECONDS:
        found.append(f"took {answer['seconds']:.0f} s")
    if answer["above_idle"] > answer["bound"]:
        found.append(f"took {answer['above_idle'] >> 20} MB, and {answer['bound'] >> 20} are its bound")
    return "\n".join(found)


@pytest.mark.fuzz
def test_every_mutant_comes_to_a_result_or_a_typed_refusal_within_its_bounds() -> None:
    wrong = [
        f"mutant {answer['number']} ({answer.get('name', '')}): {problem}"
        for answer in answers(EXAMPLES)
        if (problem := complaint(answer))
    ]
    assert wrong == [], "\n".join(wrong)

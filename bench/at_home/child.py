"""
Uploads in one tree of the app, as the platform's worker runs them: what they log, and what they cost.

    python child.py TREE '{"storage": CONNECTION_STRING, "uploads": [["a.png", "/tmp/a.png"], ...]}'

A program of its own, which imports nothing of the tree that it lies in: TREE may be another commit's. It prints
`{"uploads": [{"cpu_ms", "lines": [{"function", "event", "level", "bytes", "older", "newer"}, ...]}, ...]}`. `older` and
`newer` say whether the line reaches the platform from a worker of Python 3.11 and 3.12, and from one of 3.13 and later.
"""

import asyncio
import contextvars
import importlib
import inspect
import json
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

Json = dict[str, Any]

UPLOAD, ORCHESTRATOR = "AnalyzeOnUpload", "OcrOrchestrator"
# The worker sets its own loggers apart, and the host keeps their lines for itself.
SYSTEM = "azure_functions_worker"


class InvocationTask(asyncio.Task[Any]):
    """The older worker's task: it knows its invocation, and a task that it starts knows it too."""

    def __init__(self, action: Coroutine[Any, Any, Any], **options: Any) -> None:
        super().__init__(action, **options)
        self.invocation: str | None = getattr(asyncio.current_task(self.get_loop()), "invocation", None)


class Worker(logging.Handler):
    """
    Runs functions, and judges each line of the log as worker and host do.

    The host takes a line only with the id of an invocation that runs. The older worker (`get_current_invocation_id` in
    its dispatcher.py) knows that id by the task, else by the thread; the newer one (`invocation_id_cv` in
    azure-functions-runtime-v1) by the context.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(logging.INFO)
        self.lines: list[Json] = []
        self._root = root
        self._storage = threading.local()
        self._current: contextvars.ContextVar[str | None] = contextvars.ContextVar("invocation", default=None)
        self._running: dict[str, str] = {}
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="worker")

    def emit(self, record: logging.LogRecord) -> None:
        """Note the line and who gets it."""
        if record.name.startswith(SYSTEM):
            return
        older, newer = (self._running.get(found or "") for found in (self._by_task_or_thread(), self._current.get()))
        text = self.format(record)
        self.lines.append(
            {
                "function": older or newer or "-",
                "event": text.split(" ", 1)[0] if record.name.partition(".")[0] != "azure" else record.name,
                "level": record.levelname,
                "bytes": len(text.encode()),
                "older": older is not None,
                "newer": newer is not None,
            }
        )

    async def invoke(self, function: str, **inputs: Any) -> Any:
        """Run a function with those of the inputs that it takes; in a task of its own, as each invocation has one."""
        return await asyncio.create_task(self._invoke(function, inputs))

    def tell(self, invocation: str) -> Any:
        """Return the `context` of an invocation."""
        function = self._running[invocation]
        return SimpleNamespace(
            invocation_id=invocation,
            thread_local_storage=self._storage,
            function_name=function,
            function_directory=str(self._root / function),
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )

    async def _invoke(self, function: str, inputs: Mapping[str, Any]) -> Any:
        main, invocation = importlib.import_module(function).main, str(uuid.uuid4())
        task = asyncio.current_task()
        assert isinstance(task, InvocationTask)
        self._running[invocation], task.invocation = function, invocation
        self._current.set(invocation)
        given = {**inputs, "context": self.tell(invocation)}
        wanted = {name: given[name] for name in inspect.signature(main).parameters}
        try:
            if inspect.iscoroutinefunction(main):
                return await main(**wanted)
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._in_thread(invocation, main, wanted)
            )
        finally:
            del self._running[invocation]

    def _in_thread(self, invocation: str, main: Any, wanted: Mapping[str, Any]) -> Any:
        self._storage.invocation_id = invocation
        self._current.set(invocation)
        try:
            return main(**wanted)
        finally:
            self._current.set(None)
            self._storage.invocation_id = None

    def _by_task_or_thread(self) -> str | None:
        # Asked without a loop, because a thread has none.
        loop = asyncio._get_running_loop()
        by_task = getattr(asyncio.current_task(loop), "invocation", None) if loop else None
        return by_task or getattr(self._storage, "invocation_id", None)


class Hub:
    """Takes the place of the durable client, and keeps what is handed over."""

    started: list[tuple[str, Any]] = []  # noqa: RUF012 (the app makes its own clients, which all hand over to this one)

    def __init__(self, starter: str) -> None:
        pass

    async def start_new(self, orchestrator: str, instance_id: str, client_input: Any) -> str:
        """Keep it, as JSON would."""
        self.started.append((orchestrator, json.loads(json.dumps(client_input))))
        return instance_id

    async def get_status(self, instance_id: str) -> None:
        """There is none."""


async def upload(worker: Worker, name: str, data: bytes) -> None:
    """Run everything that one upload starts, to the end of its text. Raises RuntimeError if anything is put off."""
    from azure.functions.blob import InputStream

    image = InputStream(data=data, name=f"images/{name}", uri="http://127.0.0.1", length=len(data))
    Hub.started.clear()
    await worker.invoke(UPLOAD, image=image, starter="starter")
    for orchestrator, job in Hub.started:
        if orchestrator != ORCHESTRATOR:
            raise RuntimeError(f"{name}: {orchestrator} has to try {job} again")
        await _read(worker, job)
    if not Hub.started:
        raise RuntimeError(f"{name} has no text")


def _poll_loop() -> ModuleType:
    """The tree's durable loop: commits before the packages of `shared` had it in another place."""
    try:
        return importlib.import_module("shared.ocr.poll_loop")
    except ImportError:
        return importlib.import_module("shared.ocr_loop")


async def _read(worker: Worker, job: Any) -> None:
    """Do what the orchestrator asks for, whose turns log nothing."""
    poll_loop = _poll_loop()
    state = poll_loop.begin(job, datetime.now(UTC))
    while state["step"] != poll_loop.END:
        await asyncio.sleep(state["pause"])
        outcome = await worker.invoke(state["step"], work=poll_loop.work_of(state), starter="starter")
        state = poll_loop.advance(state, json.loads(json.dumps(outcome)))
    if not state["outcome"] or state["outcome"]["state"] != "done":
        raise RuntimeError(f"the text was not read: {state['outcome']}")


async def run(root: Path, storage: str, uploads: list[tuple[str, str]]) -> list[Json]:
    """Process the uploads one after the other."""
    import azure.durable_functions
    from azure.storage.blob import BlobServiceClient

    azure.durable_functions.DurableOrchestrationClient = Hub
    asyncio.get_running_loop().set_task_factory(lambda loop, action, **options: InvocationTask(action, loop=loop))
    worker = Worker(root)
    measured = []
    with BlobServiceClient.from_connection_string(storage) as blobs:
        for name, path in uploads:
            data = Path(path).read_bytes()
            blobs.get_blob_client("images", name).upload_blob(data)
            # As the worker does: everything of level INFO and above is handed on.
            logging.getLogger().addHandler(worker)
            logging.getLogger().setLevel(logging.INFO)
            begun = time.process_time()
            await upload(worker, name, data)
            measured.append({"cpu_ms": (time.process_time() - begun) * 1000, "lines": worker.lines})
            worker.lines = []
            logging.getLogger().removeHandler(worker)
    return measured


def main() -> None:
    """Do the task of the command line."""
    root, task = Path(sys.argv[1]).resolve(), json.loads(sys.argv[2])
    os.chdir(root)
    sys.path[0] = str(root)
    print(json.dumps({"uploads": asyncio.run(run(root, task["storage"], task["uploads"]))}), flush=True)
    # Pools of the app wait for nothing more.
    os._exit(0)


if __name__ == "__main__":
    main()

"""
What is left of an image: a search of both accounts, of histories and of the log, place by place.

    traces = Traces({"name": ("Zebra8173",), "caption": ("Kaninchen4711",)})
    with hub.running(), traces.listening():
        ...
    traces.found(hub)  # {"analysis": {"name", "caption"}, "histories": {"name"}, ...}
"""

import base64
import gzip
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from doubles.memory import MemoryBlobs
from doubles.secret_search import SecretSearch
from doubles.task_hub import Json, TaskHub

from shared import names

HISTORIES, LOG = "histories", "log"
# Containers in which HTTP callers' records lie apart.
_SHARED = (names.TEXT, names.THUMBNAILS)


class RememberingHub(TaskHub):
    """A task hub that keeps what the tables and queues of Durable Functions keep, until it is purged."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.histories: dict[str, list[str]] = {}
        self._created: dict[str, datetime] = {}
        self._current = ""

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Json) -> str:
        started = await super().start_new(orchestration_function_name, instance_id, client_input)
        self._created[instance_id] = self.app.clock.utc()
        self.histories[instance_id] = []
        self._keep(instance_id, client_input)
        return started

    async def purge_instance_history_by(
        self, created_time_from: datetime, created_time_to: datetime, runtime_status: list[object]
    ) -> Any:
        """Purge those that have ended, as all statuses asked for are ends."""
        gone = [
            each
            for each, instance in self.instances.items()
            if instance.is_over and created_time_from <= self._created[each] < created_time_to
        ]
        for each in gone:
            del self.instances[each], self.histories[each], self._created[each]
        return SimpleNamespace(instances_deleted=len(gone))

    def _go_on(self, instance: Any) -> None:
        self._current = next(key for key, value in self.instances.items() if value is instance)
        before = instance.given
        super()._go_on(instance)
        self._keep(self._current, instance.status, instance.output)
        if instance.given is not before:
            self._keep(self._current, instance.given)

    async def _act(self, name: str, work: Mapping[str, Any]) -> Any:
        current = self._current
        self._keep(current, name, work)
        try:
            outcome = await super()._act(name, work)
        except Exception as error:
            self._keep(current, f"{type(error).__name__}: {error}")
            raise
        self._keep(current, outcome)
        return outcome

    def _keep(self, instance_id: str, *told: object) -> None:
        self.histories.get(instance_id, []).extend(json.dumps(each, default=str) for each in told)


class Traces(logging.Handler):
    """
    What is looked for, by its kind, and the lines of the log so far.

    Args:
        kinds: words made of ASCII letters and digits.
    """

    def __init__(self, kinds: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(logging.INFO)
        self.kinds = kinds
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)}\n")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, every line is kept."""
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(self)
            root.setLevel(level)

    def found(self, hub: RememberingHub) -> dict[str, dict[str, list[str]]]:
        """By place and kind, what was found there."""
        places: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for kind, words in self.kinds.items():
            search = SecretSearch(words)
            for account in (hub.app.images, hub.app.host):
                _look_through(search, account)
            for identifier, lines in hub.histories.items():
                search.look(HISTORIES, identifier, "\n".join([identifier, *lines, *map(_unescaped, lines)]))
            search.look(LOG, "lines", "".join([*self.lines, *map(_unescaped, self.lines)]))
            for each in search.found:
                places[each.partition(" ")[0]].setdefault(kind, []).append(each)
        return dict(places)


def _look_through(search: SecretSearch, account: MemoryBlobs) -> None:
    for container, name, info, stored in account.everything():
        data = _unpacked(name, stored)
        place = f"{container}/by-sha256" if container in _SHARED and name.startswith("by-sha256/") else container
        told = json.dumps([name, dict(info.metadata), info.content_type], ensure_ascii=False)
        search.look(place, name, b"\n".join([name.encode(), told.encode(), data, *_inside(data)]))


def _unpacked(name: str, data: bytes) -> bytes:
    return gzip.decompress(data) if name.endswith(".gz") else data


def _inside(data: bytes) -> Iterator[bytes]:
    """What the app has put into base64 inside of a JSON document, as the bodies of claims are."""
    try:
        document = json.loads(data)
    except ValueError:
        return
    todo = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, (dict, list)):
            todo += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            yield value.encode(errors="surrogatepass")
            try:
                yield base64.b64decode(value, validate=True)
            except ValueError:
                continue


def _unescaped(line: str) -> str:
    return line.encode(errors="surrogatepass").decode("unicode_escape", errors="replace")

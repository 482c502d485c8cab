"""A gate that tests close: calls wait at it, checked but neither counted nor answered."""

import threading
from collections import Counter
from typing import Any

from local.vision.operations import Operation

HOLDABLE = tuple(
    operation.value
    for operation in Operation
    if operation not in (Operation.MODELS, Operation.READ_RESULT, Operation.OCR)
)


class HoldError(Exception):
    """What is to be held is no operation; the message says what may be."""


class Hold:
    """Which operations are held, and how many calls wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: frozenset[str] = frozenset()
        self._waiting: Counter[str] = Counter()
        self._is_closed = False

    def set(self, content: object) -> None:
        """Hold `{"operations": [...]}`, or everything for `{}`; calls of other operations go on. Raises HoldError."""
        names = content.get("operations", HOLDABLE) if isinstance(content, dict) else None
        if not isinstance(content, dict) or not content.keys() <= {"operations"} or not isinstance(names, list | tuple):
            raise HoldError('{} or {"operations": ["analyze"]} is required.')
        for name in names:
            if name not in HOLDABLE:
                raise HoldError(f"{name!r} cannot be held: use any of {', '.join(HOLDABLE)}.")
        with self._changed:
            self._held = frozenset(names)
            self._changed.notify_all()

    def release(self) -> None:
        """Let every call go on."""
        self.set({"operations": []})

    def close(self) -> None:
        """Let every call go on, and hold none any more: the service is stopping."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait(self, operation: str) -> None:
        """Wait for as long as *operation* is held."""
        with self._changed:
            if self._is_closed or operation not in self._held:
                return
            self._waiting[operation] += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._is_closed or operation not in self._held)
            finally:
                self._waiting[operation] -= 1

    def wait_until_waiting(self, operation: str, calls: int, timeout_seconds: float) -> bool:
        """Wait until *calls* calls of *operation* stand at the gate; False when they did not come in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting[operation] >= calls, timeout_seconds)

    def snapshot(self) -> dict[str, Any]:
        """Return `{"operations": [held], "waiting": {operation: calls}}`."""
        with self._changed:
            waiting = {name: calls for name, calls in sorted(self._waiting.items()) if calls}
            return {"operations": sorted(self._held), "waiting": waiting}

"""The vision service of a running stack, with calls held in it: how a test stands exactly in the middle of one."""

import json
from typing import Any

from doubles.calls import call
from doubles.patience import wait_until
from doubles.running_stack import RunningStack


class Held:
    """The vision service with calls of one operation held in it."""

    def __init__(self, stack: RunningStack, operation: str = "analyze") -> None:
        self._port = stack.addresses.port + 1
        self._operation = operation

    def __enter__(self) -> "Held":
        self._control("PUT", {"operations": [self._operation]})
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let them go on."""
        self._control("DELETE")

    def wait_for(self, count: int) -> None:
        """Wait until that many calls are held."""
        wait_until(lambda: self._control("GET")["waiting"].get(self._operation, 0) == count, 30)

    def _control(self, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body else None
        answer = call(self._port, method, "/_control/hold", data, {"Content-Type": "application/json"})
        assert answer.status < 300, answer.text
        found: dict[str, Any] = answer.json() if answer.body else {}
        return found

"""All services of one stack: started in waves, stopped in the reverse order of who needs whom."""

import threading
import time
from collections.abc import Callable

from local.errors import LocalError
from local.stack.service import Recipe, Service

READY_SECONDS = 60.0


class Supervisor:
    """The services of one stack. Use `launch` for each wave, `wait_until_ready` for what the next one needs."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.hurry = threading.Event()
        self.stop_requested = threading.Event()
        self._report = report
        self._services: dict[str, Service] = {}

    def launch(self, *recipes: Recipe) -> None:
        """Start processes without waiting for them."""
        for recipe in recipes:
            service = self._services[recipe.name] = Service(recipe, self._report)
            service.start()

    def wait_until_ready(self, *names: str, timeout_seconds: float = READY_SECONDS) -> bool:
        """
        Wait until these services are ready and say so, each with its address; False when asked to stop meanwhile.

        Raises LocalError when one of them cannot start, ends again and again, or is not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        for name in names:
            service = self._services[name]
            while not service.ready.wait(0.02):
                if self.stop_requested.is_set():
                    return False
                if service.gave_up.is_set():
                    last = service.last_words.removeprefix(f"{name}: ") or "it says nothing"
                    raise LocalError(f"{name} does not start: {last} (more in {service.recipe.log})")
                if time.monotonic() > deadline:
                    raise LocalError(f"{name} is not ready after {timeout_seconds:.0f} s: see {service.recipe.log}")
            self._report(f"{name:<9}{service.recipe.address}")
        return True

    def request_stop(self) -> None:
        """Ask for the end; asking twice hurries it. Safe in a signal handler."""
        if self.stop_requested.is_set():
            self.hurry.set()
        self.stop_requested.set()

    def stop(self, order: tuple[str, ...]) -> None:
        """Stop every service that was launched, one after the other: what feeds work to others goes first."""
        for name in order:
            if name in self._services:
                self._services.pop(name).stop(self.hurry)

    def pids(self) -> dict[str, int]:
        """Return the process id of each running service by its name."""
        return {name: service.pid for name, service in self._services.items() if service.pid is not None}

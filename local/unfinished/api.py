"""The app's HTTP API as far as `unfinished` and `reindex` need it."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from local.addresses import LOOPBACK
from local.app_obstacles import keys_refused, misdeployment, not_the_app, problem_of
from local.errors import LocalError
from local.json_text import NotJsonError, read_json
from local.wording import start_command

ANSWER_SECONDS = 60.0
LARGEST_PAGE = 200
# How often in a row the same is asked of an app that says when to come back, and the longest wait for that.
ATTEMPTS = 6
MAX_WAIT_SECONDS = 10
# The id of the instance that compares.
RECONCILIATION = "reconcile"
Json = dict[str, Any]


class NotThereError(LocalError):
    """The app answers 404: it knows no such image, or has nothing to do for it."""


class NoAnswerError(LocalError):
    """No answer came: the app is not there, or was killed and is being started again."""


class Api:
    """
    The API of the app whose host has *port*; *key* is needed where it checks keys.

    *durable_key* opens the host's own address of instances, which says how far a comparison is.
    """

    def __init__(self, port: int, key: str | None, durable_key: str | None = None) -> None:
        self._port = port
        self._key = key
        self._durable_key = durable_key

    def pages(self, path: str, **query: str | None) -> Iterator[Json]:
        """Ask for one page after the other; those of *query* that are None are left out."""
        given = {"limit": str(LARGEST_PAGE), **{name: value for name, value in query.items() if value}}
        further: dict[str, str] = {}
        while True:
            page = self._ask("GET", f"{path}?{urlencode({**given, **further})}")
            yield page
            if page["continuation"] is None:
                return
            further = {"continuation": page["continuation"]}

    def retries(self, wish: Json) -> Iterator[Json]:
        """Have what *wish* names tried again; yields the answers, of which each tells some of it."""
        further: Json = {}
        while True:
            answer = self._ask("POST", "/api/unfinished/retry", {**wish, **further})
            yield answer
            if answer["continuation"] is None:
                return
            further = {"continuation": answer["continuation"]}

    def reconcile(self) -> None:
        """Have images and records compared now, or go on with it; raises NotThereError of an app that does not."""
        self._ask("POST", "/api/unfinished/reconcile", member="reconciliation")

    def reconciliation(self) -> Json:
        """Return the status of the comparison that is under way, or of the last one, as the host tells it."""
        path = f"/runtime/webhooks/durabletask/instances/{RECONCILIATION}"
        return self._ask("GET", path, member="runtimeStatus", key=self._durable_key)

    def rebuild(self) -> Json:
        """Have the index made anew, or go on with it; raises NotThereError of an app that has none."""
        return self._ask("POST", "/api/search/rebuild", member="rebuild")

    def rebuild_state(self) -> Json:
        """Return how far the index is: `state` (running, ended, failed or never), and numbers of entries."""
        return self._ask("GET", "/api/search/rebuild", member="state")

    def _ask(
        self, method: str, path: str, body: Json | None = None, *, member: str = "continuation", key: str | None = None
    ) -> Json:
        """
        Ask, with *key* in place of the app's; the answer has this *member*.

        Raises NotThereError for 404, NoAnswerError where none came, and LocalError for any other answer that is not 2xx
        or not the app's.
        """
        key = key or self._key
        for _ in range(ATTEMPTS - 1):
            status, text, wait_seconds = self._answer(method, path, body, key)
            if status != 503 or wait_seconds is None:
                break
            # Its storage has more to do than it can: thousands of images that are tried again bring it there.
            time.sleep(wait_seconds)
        else:
            status, text, _ = self._answer(method, path, body, key)
        if status >= 300:
            raise _refusal(status, text)
        return self._document(text, member)

    def _answer(self, method: str, path: str, body: Json | None, key: str | None) -> tuple[int, bytes, int | None]:
        """Return the status, the body, and the seconds after which to ask again if the answer has them."""
        headers = {"Content-Type": "application/json", **({"x-functions-key": key} if key else {})}
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            after = answer.getheader("Retry-After", "")
            return answer.status, answer.read(), min(int(after), MAX_WAIT_SECONDS) if after.isdecimal() else None
        except TimeoutError as error:
            raise NoAnswerError(f"the app on port {self._port} gave no answer within {ANSWER_SECONDS:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(
                f"no app answers on port {self._port}: start a stack there with "
                f"`{start_command(port=self._port)}`, or name the running one by --state or --port"
            ) from error
        finally:
            connection.close()

    def _document(self, text: bytes, member: str) -> Json:
        try:
            document = read_json(text)
        except NotJsonError:
            document = None
        if not isinstance(document, dict) or member not in document:
            raise not_the_app(self._port)
        return document


def _refusal(status: int, text: bytes) -> LocalError:
    if obstacle := misdeployment(text):
        return LocalError(f"the app cannot work\n{obstacle}")
    problem = problem_of(text)
    told = " ".join(str(problem[part]) for part in ("detail", "action") if problem.get(part))
    if not told and status in (401, 403):
        return keys_refused()
    kind = NotThereError if status == 404 else LocalError
    return kind(told or f"the app answers {status}: host.log says why")

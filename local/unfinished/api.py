"""The app's HTTP API as far as `unfinished` needs it."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from local.addresses import LOOPBACK
from local.app_obstacles import misdeployment
from local.errors import LocalError
from local.wording import start_command

ANSWER_SECONDS = 60.0
LARGEST_PAGE = 200
Json = dict[str, Any]


class NotThereError(LocalError):
    """The app answers 404: it knows no such image, or has nothing to do for it."""


class Api:
    """The API of the app whose host has *port*; *key* is needed where it checks keys."""

    def __init__(self, port: int, key: str | None) -> None:
        self._port = port
        self._key = key

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

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask; raises NotThereError for 404 and LocalError for any other answer that is not 2xx."""
        headers = {"Content-Type": "application/json", **({"x-functions-key": self._key} if self._key else {})}
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except TimeoutError as error:
            raise LocalError(f"the app on port {self._port} gave no answer within {ANSWER_SECONDS:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise LocalError(
                f"no app answers on port {self._port}: start a stack with `{start_command()}`, "
                "or name the running one by --state or --port"
            ) from error
        finally:
            connection.close()
        if answer.status < 300:
            document: Json = json.loads(text)
            return document
        raise _refusal(answer.status, text)


def _refusal(status: int, text: bytes) -> LocalError:
    if obstacle := misdeployment(text):
        return LocalError(f"the app cannot work\n{obstacle}")
    problem = json.loads(text) if text.startswith(b"{") else {}
    told = " ".join(filter(None, [problem.get("detail"), problem.get("action")]))
    if not told and status in (401, 403):
        told = "the host checks keys and refused ours: is --state the folder of the running stack?"
    kind = NotThereError if status == 404 else LocalError
    return kind(told or f"the app answers {status}")

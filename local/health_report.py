"""Ask an app, here or in Azure, whether it can work, and with its HEALTH_KEY what is wrong with it."""

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.addresses import LOOPBACK
from local.errors import LocalError
from local.json_text import read_json
from local.reconciliation import Reconciliation

# A look takes 5 s; an app that sleeps starts first.
ANSWER_SECONDS = 60.0
HERE = (LOOPBACK, "localhost")


@dataclass(frozen=True)
class HealthReport:
    """
    What `GET /api/health` answers.

    *problems* and *warnings* hold `{"part", "code", "message", "action"}` each; both are None for who has no key.
    *spending* is `{"day": {"date", "transactions", "limit"}, "month": ...}`, and None where the app does not tell it.
    *version* is None of an app that does not tell it, and *reconciliation* of one that has compared nothing so far;
    *compares* is True of an app that will.
    """

    is_up: bool
    problems: list[dict[str, str]] | None = None
    warnings: list[dict[str, str]] | None = None
    version: str | None = None
    spending: dict[str, dict[str, Any]] | None = None
    reconciliation: Reconciliation | None = None
    compares: bool = False


def ask(url: str, key: str | None) -> HealthReport:
    """
    Ask the app at the base address *url*; the key goes to no other address, and over TLS unless the app is here.

    Raises LocalError where there is no such app, or the address is none.
    """
    status = None
    try:
        status, body = _answer(url, key)
        document = read_json(body)
        is_up = {200: True, 503: False}[status] and document["status"] == "up"
        told = {name: document.get(name) for name in ("problems", "warnings", "version", "spending")}
        section = document.get("reconciliation")
        found = Reconciliation.of_health(section) if section else None
        return HealthReport(is_up, **told, reconciliation=found, compares="reconciliation" in document)
    except (OSError, http.client.HTTPException) as error:
        raise LocalError(f"{url} does not answer: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError):
        raise LocalError(f"{url} has no health report: its /api/health answers {status}") from None


def _answer(url: str, key: str | None) -> tuple[int, bytes]:
    connection, path = _opened(url)
    try:
        connection.request("GET", f"{path}/api/health", headers={"x-functions-key": key} if key else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _opened(url: str) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_address(url) from None
    if not host or (parts.scheme != "https" and (parts.scheme, host in HERE) != ("http", True)):
        raise _no_address(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=ANSWER_SECONDS), parts.path.rstrip("/")


def _no_address(url: str) -> LocalError:
    return LocalError(f"{url!r} is no address of an app: give one such as https://APP.azurewebsites.net")

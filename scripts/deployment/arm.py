"""Azure Resource Manager over HTTPS, with azd's sign-in."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from deployment import azd, waiting, wire
from deployment.failures import Failed

ENDPOINT = "https://management.azure.com"
REQUEST_SECONDS = 30.0
# How long one request is tried again while Azure is busy or the network is away.
PATIENCE_SECONDS = 300.0
_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0
_REASON_CHARACTERS = 400
# Azure repeats a webhook's whole address, key included, when it cannot reach it.
_CODE = re.compile(r"(code(?:=|%3D))[^\s&\"'<>]+", re.IGNORECASE)


class Denied(Failed):
    """The signed-in person or pipeline may not do this."""


@dataclass(frozen=True)
class Answer:
    """
    What came back for one request.

    Attributes:
        status: the HTTP status; 0 where no whole answer came.
        document: the JSON object of the body; `{}` where there is none.
        reason: the status and what Azure says about it, cut short, without any key; for the person who deploys.
        headers: the names in lower case.
    """

    status: int
    document: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether Azure did it or has begun it."""
        return 200 <= self.status < 300

    @property
    def is_transient(self) -> bool:
        """Whether the same request can work in a while: no answer, too many requests, a fault of the service."""
        return self.status in (0, 408, 429) or self.status >= 500

    @property
    def retry_after(self) -> float | None:
        """The seconds after which Azure wants to be asked again, 1 to 60; None where it does not say."""
        text = self.headers.get("retry-after", "")
        if not (text.isascii() and text.isdigit()):
            return None
        return max(_SHORTEST_WAIT_SECONDS, min(float(text), _LONGEST_WAIT_SECONDS))

    @property
    def code(self) -> str:
        """Azure's own name of the error, such as `PrincipalNotFound`; empty where there is none."""
        return str(_error(self.document).get("code") or "")

    def properties(self) -> dict[str, Any]:
        """Return the resource's `properties`; empty where there are none."""
        return self.part("properties")

    def part(self, name: str) -> dict[str, Any]:
        """Return a member of the document that is an object; empty where it is none."""
        found = self.document.get(name)
        return found if isinstance(found, dict) else {}


class Arm:
    """
    Asks Azure Resource Manager; the address is `ARM_ENDPOINT`, which is Azure's public cloud where it is not set.

    `get`, `put`, `patch`, `post` and `delete` wait for a busy service and return every other answer, a 404 too.
    `once` makes one attempt, for callers that have a waiting of their own.

    Args:
        clock: whose time passes between attempts.
        tokens: where tokens come from.
    """

    def __init__(self, clock: waiting.Clock = waiting.SYSTEM_CLOCK, tokens: azd.Tokens | None = None) -> None:
        self._clock = clock
        self._tokens = tokens or azd.Tokens(clock)
        self._endpoint = os.environ.get("ARM_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
        wire.refuse_plain_text(self._endpoint, "ARM_ENDPOINT")
        self._secrets: set[str] = set()

    def get(self, path: str, version: str, *, query: dict[str, str] | None = None, needs: str = "Reader") -> Answer:
        """Read; `needs` is the role that a refusal names, here and below."""
        return self._patient("GET", path, version, None, query, needs)

    def put(
        self, path: str, version: str, body: Any, *, query: dict[str, str] | None = None, needs: str = "Contributor"
    ) -> Answer:
        """Create or replace."""
        return self._patient("PUT", path, version, body, query, needs)

    def patch(
        self, path: str, version: str, body: Any, *, query: dict[str, str] | None = None, needs: str = "Contributor"
    ) -> Answer:
        """Change a part."""
        return self._patient("PATCH", path, version, body, query, needs)

    def post(
        self,
        path: str,
        version: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        needs: str = "Contributor",
    ) -> Answer:
        """Have something done, or read a secret."""
        return self._patient("POST", path, version, body, query, needs)

    def delete(
        self, path: str, version: str, *, query: dict[str, str] | None = None, needs: str = "Contributor"
    ) -> Answer:
        """Remove; a missing resource is a 204 or a 404."""
        return self._patient("DELETE", path, version, None, query, needs)

    def pages(
        self, path: str, version: str, *, query: dict[str, str] | None = None, needs: str = "Reader"
    ) -> list[dict[str, Any]]:
        """
        Return all entries of a list, over all of its pages.

        Raises:
            Failed: if a page cannot be read.
        """
        return self.entries(path, self.get(path, version, query=query, needs=needs), needs)

    def entries(self, path: str, first: Answer, needs: str = "Reader") -> list[dict[str, Any]]:
        """
        Return all entries of a list whose first page is there.

        Raises:
            Failed: if a page cannot be read, or leads back to one that was read.
        """
        entries: list[dict[str, Any]] = []
        answer, seen = first, set()
        while True:
            if not answer.ok:
                raise Failed(f"{path} could not be listed: {answer.reason}")
            value = answer.document.get("value")
            entries += [entry for entry in (value if isinstance(value, list) else []) if isinstance(entry, dict)]
            following = str(answer.document.get("nextLink") or "")
            if not following:
                return entries
            if following in seen:
                raise Failed(f"{path} could not be listed: its pages lead in a circle.")
            seen.add(following)
            answer = self._patient("GET", self.inside(following), "", None, None, needs)

    def once(
        self,
        method: str,
        path: str,
        version: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        needs: str = "Contributor",
    ) -> Answer:
        """
        Make one attempt and return its answer, whatever it is.

        Args:
            method: of HTTP.
            path: of the resource, from its first slash; a query in it stays.
            version: the `api-version`; empty where the path has it.
            body: sent as JSON; None sends nothing.
            query: further parameters.
            needs: the role that a refusal names, with its scope.

        Raises:
            Denied: if Azure knows the caller and refuses, if a policy does, or if it does not take azd's sign-in.
        """
        parameters = {**(query or {}), **({"api-version": version} if version else {})}
        url = self._endpoint + quote(path, safe="/?&=%$-_.~:+") + (("&" if "?" in path else "?") if parameters else "")
        url += urlencode(parameters, quote_via=quote)
        answer = self._sent(method, url, body)
        if answer.status == 401:
            self._tokens.forget()
            answer = self._sent(method, url, body)
        if answer.status == 401:
            raise Denied(f"Azure does not take azd's sign-in ({answer.reason}). Run `azd auth login`.")
        if answer.status == 403 and "Policy" in answer.code:
            raise Denied(f"A policy of your subscription refuses {method} {path}: {answer.reason}")
        # Services that Azure asks on the way have refusals of their own, which are no matter of the caller's roles.
        if answer.status == 403 and (not answer.code or "Authorization" in answer.code):
            raise Denied(f"You may not {method} {path} ({answer.reason}). You need the role {needs}.")
        return answer

    def hide(self, secret: str) -> None:
        """Never tell this text in a reason."""
        self._secrets |= {secret, quote(secret, safe="")}

    def inside(self, url: str) -> str:
        """
        Return the path and query of an address that Azure gave.

        Raises:
            Failed: if it leads elsewhere than to the endpoint, which must not see the token.
        """
        given = urlsplit(url)
        # Azure writes the port of https out in some of them.
        if wire.origin(url) != wire.origin(self._endpoint):
            raise Failed(f"Azure refers to {given.scheme}://{given.netloc}, which is not {self._endpoint}.")
        return given.path + (f"?{given.query}" if given.query else "")

    def operation(self, answer: Answer) -> str:
        """
        Return what became of an operation that this answer has begun, as Azure words it; empty where it does not say.

        What it says explains a failure that is known already, so that no trouble here becomes one.

        Args:
            answer: to a request that Azure goes on with after it has answered.
        """
        url = answer.headers.get("azure-asyncoperation", "")
        if not url:
            return ""
        try:
            found = self.once("GET", self.inside(url), "", needs="Reader")
        except Failed:
            return ""
        error = _error(found.document) if "error" in found.document else {}
        return self._redacted(reason_of(found.status, {"error": error})) if error else ""

    def _patient(
        self, method: str, path: str, version: str, body: Any, query: dict[str, str] | None, needs: str
    ) -> Answer:
        """Ask until there is an answer of the resource itself."""

        def attempt() -> Answer | waiting.NotYet:
            answer = self.once(method, path, version, body, query=query, needs=needs)
            return waiting.NotYet(answer.reason, answer.retry_after) if answer.is_transient else answer

        return waiting.until(f"{method} {path.rpartition('/providers/')[2]}", attempt, PATIENCE_SECONDS, self._clock)

    def _sent(self, method: str, url: str, body: Any) -> Answer:
        """Send one request."""
        headers = {"Authorization": f"Bearer {self._tokens.token()}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        elif method in ("POST", "PUT"):
            data = b""
        reply = wire.send(method, url, headers, data, REQUEST_SECONDS)
        if not reply.status:
            return Answer(0, reason=self._redacted(reply.trouble))
        document = {} if not reply.data.strip() and not reply.trouble else wire.json_object(reply.data)
        if document is not None:
            return Answer(reply.status, document, self._redacted(reason_of(reply.status, document)), reply.headers)
        # A good status with a body that is no JSON object is no whole answer.
        said = f"{reply.status} with a body that is no JSON object"
        return Answer(0 if reply.ok else reply.status, reason=said, headers=reply.headers)

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _CODE.sub(r"\1***", text)
        return text if len(text) <= _REASON_CHARACTERS else text[:_REASON_CHARACTERS] + "..."


def _error(document: Any) -> dict[str, Any]:
    """Return the error of a body; some services wrap it, some do not, and some write its members large."""
    if not isinstance(document, dict):
        return {}
    inner = document.get("error", document)
    if not isinstance(inner, dict):
        return {"message": str(inner)}
    return {str(name).lower(): value for name, value in inner.items()}


def reason_of(status: int, document: Any) -> str:
    """Return the status with the code and message of Azure, or of Microsoft Graph."""
    error = _error(document)
    parts = _texts(error)
    # Event Grid says only there what its handshake met.
    for detail in error.get("details") or []:
        parts += _texts(_error(detail))
    return f"{status} {' '.join(' '.join(parts).split())}".strip()


def _texts(error: dict[str, Any]) -> list[str]:
    """Return the error's code and message, as far as they are there."""
    return [str(error[name]) for name in ("code", "message") if isinstance(error.get(name), (str, int))]

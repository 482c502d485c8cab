"""Microsoft Graph over HTTPS, with azd's sign-in: what the directory knows of registrations and their roles."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import quote, urlencode

from deployment import azd, environment, waiting, wire
from deployment.arm import PATIENCE_SECONDS, REQUEST_SECONDS, Answer, Arm, Denied, reason_of
from deployment.failures import Failed

ENDPOINT = "https://graph.microsoft.com"
SCOPE = f"{ENDPOINT}/.default"
SUBSCRIPTIONS_VERSION = "2022-12-01"
# The directory's copies learn of something new one after another: microsoftgraph/msgraph-sdk-dotnet, issue 3108.
SETTLING_SECONDS = 300.0
_LOOK_SECONDS = 5.0
# What a copy says that does not know it yet: microsoftgraph/msgraph-bicep-types, issue 193, too.
_NOT_KNOWN_YET = (
    "does not reference a valid application",
    "does not exist or one of its queried reference-property",
    "must be in the local tenant",
    "Not a valid reference update",
)


class Graph:
    """
    Asks Microsoft Graph; the address is `GRAPH_ENDPOINT`, which is Azure's public cloud where it is not set.

    Args:
        tenant: the directory, by its id.
        clock: whose time passes between attempts.
    """

    def __init__(self, tenant: str, clock: waiting.Clock = waiting.SYSTEM_CLOCK) -> None:
        self.tenant = tenant
        self._clock = clock
        self._tokens = azd.Tokens(clock, tenant)
        self._endpoint = os.environ.get("GRAPH_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
        wire.refuse_plain_text(self._endpoint, "GRAPH_ENDPOINT")

    def get(self, path: str, needs: str, *, settles: bool = False) -> Answer:
        """Read; `needs` is what a refusal names, and `settles` waits for what has just been made, here and below."""
        return self._patient("GET", path, None, needs, settles)

    def post(self, path: str, body: dict[str, Any], needs: str, *, settles: bool = False) -> Answer:
        """Make something."""
        return self._patient("POST", path, body, needs, settles)

    def patch(self, path: str, body: dict[str, Any], needs: str, *, settles: bool = False) -> Answer:
        """Change a part."""
        return self._patient("PATCH", path, body, needs, settles)

    def delete(self, path: str, needs: str) -> Answer:
        """Remove; a missing object is a 404."""
        return self._patient("DELETE", path, None, needs, False)

    def entries(self, path: str, needs: str, *, query: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """
        Return all entries of a list, over all of its pages.

        Raises:
            Failed: if a page cannot be read, or leads elsewhere or back to one that was read.
        """
        following = path + (f"?{urlencode(query, quote_via=quote, safe='$')}" if query else "")
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        while following:
            if following in seen:
                raise Failed(f"{path} could not be listed: its pages lead in a circle.")
            seen.add(following)
            answer = self._patient("GET", following, None, needs, False)
            if not answer.ok:
                raise Failed(f"{path} of the directory could not be listed: {answer.reason}")
            value = answer.document.get("value")
            found += [entry for entry in (value if isinstance(value, list) else []) if isinstance(entry, dict)]
            following = self._inside(str(answer.document.get("@odata.nextLink") or ""))
        return found

    def _inside(self, url: str) -> str:
        """Return an address that Graph gave without what all of them begin with; elsewhere goes no token."""
        beginning = f"{self._endpoint}/v1.0"
        if url and not url.startswith(f"{beginning}/"):
            raise Failed(f"Microsoft Graph refers to {url.partition('?')[0]}, which is not below {beginning}.")
        return url[len(beginning) :]

    def _patient(self, method: str, path: str, body: dict[str, Any] | None, needs: str, settles: bool) -> Answer:
        """Ask until the directory itself answers, or knows the new objects."""

        def attempt() -> Answer | waiting.NotYet:
            answer = self._once(method, path, body, needs)
            if answer.is_transient:
                return waiting.NotYet(answer.reason, answer.retry_after)
            if settles and _is_behind(answer):
                return waiting.NotYet(f"the directory does not know it everywhere yet ({answer.reason})", _LOOK_SECONDS)
            return answer

        patience = SETTLING_SECONDS if settles else PATIENCE_SECONDS
        return waiting.until(f"{method} {path.partition('?')[0]}", attempt, patience, self._clock)

    def _once(self, method: str, path: str, body: dict[str, Any] | None, needs: str) -> Answer:
        answer = self._sent(method, path, body)
        if answer.status == 401:
            self._tokens.forget(SCOPE)
            answer = self._sent(method, path, body)
        if answer.status == 401:
            raise Denied(
                f"Microsoft Graph does not take azd's sign-in ({answer.reason}). Run `azd auth login --tenant-id "
                f"{self.tenant}`."
            )
        if answer.status == 403:
            where = f"{method} {path.partition('?')[0]} in the directory {self.tenant}"
            raise Denied(f"You may not {where} ({answer.reason}). You need {needs}.")
        return answer

    def _sent(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        headers = {"Authorization": f"Bearer {self._tokens.token(SCOPE)}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        reply = wire.send(method, f"{self._endpoint}/v1.0{path}", headers, data, REQUEST_SECONDS)
        if not reply.status:
            return Answer(0, reason=reply.trouble)
        document = {} if not reply.data.strip() and not reply.trouble else wire.json_object(reply.data)
        if document is None:
            said = f"{reply.status} with a body that is no JSON object"
            return Answer(0 if reply.ok else reply.status, reason=said, headers=reply.headers)
        return Answer(reply.status, document, reason_of(reply.status, document)[:400], reply.headers)


def of_subscription(arm: Arm, clock: waiting.Clock) -> Graph:
    """
    Return the directory that the subscription trusts: the app's identity is there, and so its registration has to be.

    Raises:
        Failed: if Azure does not tell which one it is.
    """
    subscription = environment.required("AZURE_SUBSCRIPTION_ID")
    path = f"/subscriptions/{subscription}"
    answer = arm.get(path, SUBSCRIPTIONS_VERSION, needs=f"Reader on {path}")
    tenant = str(answer.document.get("tenantId") or "")
    if not tenant:
        raise Failed(f"The directory of the subscription {subscription} could not be read: {answer.reason}")
    return Graph(tenant, clock)


def _is_behind(answer: Answer) -> bool:
    """Whether a copy of the directory has answered that has not been told yet."""
    return answer.status == 404 or (answer.status == 400 and any(text in answer.reason for text in _NOT_KNOWN_YET))

"""
Answers as they leave the service: status, headers and body.

JSON is pretty-printed with CRLF, and results carry the request id twice (body and header), as captured answers of the
service do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

JSON_TYPE = "application/json; charset=utf-8"
BILLING_HEADER = "CSP-Billing-Usage"
BILLING_PREFIX = "CognitiveServices.ComputerVision."
TRANSACTION = "Transaction"


@dataclass(frozen=True)
class Reply:
    """One answer, before the headers that every answer has."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self.content_type == JSON_TYPE


def json_reply(status: int, content: object, *, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer *content* as JSON."""
    return Reply(status, json_body(content), headers=headers or {})


def json_body(content: object) -> bytes:
    """JSON the way the service prints it: two spaces, CRLF."""
    return json.dumps(content, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()


def service_headers(*, request_id: str, milliseconds: int | None, billed: tuple[str, ...]) -> dict[str, str]:
    """
    Headers of every answer below /vision/.

    *milliseconds* is None for answers of the gateway in front of the service, which have neither a service time nor a
    billing line. *billed* names what was used besides the transaction itself.
    """
    headers = {
        "apim-request-id": request_id,
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
    }
    if milliseconds is not None:
        headers[BILLING_HEADER] = ",".join(f"{BILLING_PREFIX}{unit}=1" for unit in (*sorted(billed), TRANSACTION))
        headers["x-envoy-upstream-service-time"] = str(milliseconds)
    return headers


def transactions(headers: Mapping[str, str]) -> int:
    """How many transactions an answer with this billing line costs: one for each feature, one where it names none."""
    line = headers.get(BILLING_HEADER, "")
    units = dict(entry.removeprefix(BILLING_PREFIX).split("=") for entry in line.split(",") if entry)
    whole = int(units.pop(TRANSACTION, 0))
    return max(whole, sum(map(int, units.values())))

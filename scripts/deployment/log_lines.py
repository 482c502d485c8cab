"""The app's log in Log Analytics: whether lines about the sample have arrived."""

from __future__ import annotations

import json
import os
from datetime import datetime

from deployment import azd, environment, waiting, wire
from deployment.site import Site

ENDPOINT = "https://api.loganalytics.io"
SCOPE = "https://api.loganalytics.io/.default"
CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
SIGN_IN = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
_ENTRA = "Authorization=AAD"
# The table is not there before the first line has arrived.
QUERY = """union isfuzzy=true AppTraces
| where TimeGenerated >= datetime({since}) and Message contains "{name}"
| summarize Lines = count()"""


def count(name: str, since: datetime, tokens: azd.Tokens) -> int | waiting.NotYet:
    """Return how many lines with the name have arrived since then, once there are any."""
    endpoint = os.environ.get("LOGS_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
    workspace = environment.required("BLOBSIGHT_WORKSPACE_ID")
    query = QUERY.format(since=f"{since:%Y-%m-%dT%H:%M:%SZ}", name=name)
    headers = {"Authorization": f"Bearer {tokens.token(SCOPE)}", "Content-Type": "application/json"}
    reply = wire.send(
        "POST", f"{endpoint}/v1/workspaces/{workspace}/query", headers, json.dumps({"query": query}).encode()
    )
    if reply.status == 403:
        return waiting.NotYet("you may not read the workspace: the role Log Analytics Reader is needed there")
    if not reply.ok:
        error = reply.document.get("error") or {}
        return waiting.NotYet(reply.trouble or f"{reply.status} {error.get('message', '')}".strip())
    try:
        lines = int(reply.document["tables"][0]["rows"][0][0])
    except (LookupError, TypeError, ValueError):
        lines = 0
    return lines or waiting.NotYet("no line has arrived")


def fault(site: Site) -> str | None:
    """Return the setting or role without which no line can arrive; None where all of them are there."""
    settings = site.settings()
    for name in (CONNECTION, SIGN_IN):
        if settings is not None and not settings.get(name):
            return (
                f"The app setting {name} is missing, so that its log goes nowhere; `azd provision --no-state` sets it."
            )
    if settings is not None and _ENTRA not in settings[SIGN_IN]:
        return (
            f"The app setting {SIGN_IN} does not say {_ENTRA}, so that its log is refused; "
            "`azd provision --no-state` sets it."
        )
    if not site.may_send_logs():
        return (
            "The app's identity lacks the role Monitoring Metrics Publisher, so that its log is refused; "
            "`azd provision --no-state` gives it."
        )
    return None

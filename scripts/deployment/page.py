"""The page after a deployment: its files come, its data are closed to strangers, and sign-in is as it was asked for."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

from deployment import waiting, wire
from deployment.failures import Failed

DATA = "/api/gallery/data"
# A route that shows something, and asks nothing of other services before it knows who asks.
_CLOSED = f"{DATA}/summary"
LOGIN = "/.auth/login/aad"
# Paths that are another route's until dots are resolved. Should sign-in go by what a client writes, and the host by
# what that means, then the principal that a stranger writes would come through.
_DETOURS = (
    _CLOSED,
    f"/api/images/..{_CLOSED.removeprefix('/api')}",
    f"/api/images/%2e%2e{_CLOSED.removeprefix('/api')}",
    f"/api/images/..%2f{_CLOSED.removeprefix('/api/')}",
    f"/api//images/..//{_CLOSED.removeprefix('/api/')}",
    f"/runtime/webhooks/../..{_CLOSED}",
    f"/runtime/webhooks/%2e%2e/%2e%2e{_CLOSED}",
)
_CLAIMS = [{"typ": "name", "val": "A stranger"}, {"typ": "roles", "val": "editor"}]
_PRINCIPAL = {"auth_typ": "aad", "claims": _CLAIMS, "name_typ": "name", "role_typ": "roles"}
FORGED = {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(_PRINCIPAL).encode()).decode()}


def look(url: str, signs_in: bool, client_id: str) -> str | waiting.NotYet:
    """
    Return what the page is like, in a sentence, or why it is not like that yet.

    Args:
        url: the address of the app.
        signs_in: whether people are to sign in.
        client_id: of the registration with which they do.

    Raises:
        Failed: if the page lets a stranger see data.
    """
    shell = wire.send("GET", f"{url}/api/gallery", {})
    if not shell.ok or not shell.headers.get("content-type", "").startswith("text/html"):
        return waiting.NotYet(f"the page does not come ({shell.trouble or shell.status})")
    stranger = wire.send("GET", url + _CLOSED, {})
    if stranger.ok:
        raise Failed(f"The page shows its data to everyone: GET {_CLOSED} answers {stranger.status} to a stranger.")
    if stranger.status != 401:
        return waiting.NotYet(f"the page's data answer {stranger.trouble or stranger.status} to a stranger, not 401")
    for path in _DETOURS:
        if wire.send("GET", url + path, FORGED).ok:
            raise Failed(
                f"GET {path} shows data to a stranger who writes the header X-MS-CLIENT-PRINCIPAL by hand. Switch "
                "sign-in off now: `azd env set BLOBSIGHT_GALLERY_SIGN_IN false`, then `azd up`."
            )
    session = wire.send("GET", f"{url}{DATA}/session", {})
    if not session.ok:
        return waiting.NotYet(f"the page does not say whether people sign in ({session.trouble or session.status})")
    knows = session.document.get("signIn") is True
    if knows is not signs_in:
        return waiting.NotYet(f"the app knows sign-in as {_switched(knows)}, and it is to be {_switched(signs_in)}")
    return _see_sign_in(url, client_id) if signs_in else f"The page is at {url}/api/gallery, and closed to strangers"


def _see_sign_in(url: str, client_id: str) -> str | waiting.NotYet:
    """See that the platform sends people to the directory, with the registration that is meant."""
    login = wire.send("GET", url + LOGIN, {})
    where = login.headers.get("location", "")
    if login.status not in (302, 303, 307) or client_id.lower() not in where.lower():
        return waiting.NotYet(f"{LOGIN} answers {login.trouble or login.status}, and does not lead to the sign-in")
    host = urlsplit(where).netloc
    return f"The page is at {url}/api/gallery, closed to strangers; people sign in at {host}"


def _switched(on: bool) -> str:
    return "on" if on else "off"

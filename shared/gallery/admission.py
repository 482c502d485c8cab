"""
Who asks for the page's data, and what that person may do.

A person is believed to be signed in only by the platform's header, and that only where the platform signs people in:
everywhere else any caller could send it. GALLERY_KEY opens reading. On a developer's machine the page can be open.
"""

import base64
import binascii
import hmac
import json
import logging
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import azure.functions as func

from shared import log
from shared.configuration.gallery_access import GalleryAccess
from shared.errors import ForbiddenError, SignInError

Role = Literal["viewer", "editor"]
PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
KEY = "x-gallery-key"
# A page of another site cannot send a header of its own: the browser would ask first, and gets no leave.
OWN = "x-blobsight-gallery"
# Where the platform tells the address as it came. The sign-in takes forged principals out of requests, but not on paths
# that are excluded from it; a detour such as `/api/images/../gallery` begins with one of these.
_AS_IT_CAME = ("X-WAWS-Unencoded-URL", "X-Original-URL")
_DIRECT = re.compile(r"/api/gallery(?!.*(/|%2f)(\.|%2e){1,2}(/|%2f|$))/.*", re.IGNORECASE)
_ENTRA = "aad"
_ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAME_CLAIMS = ("name", "preferred_username")
_LOOPBACK = re.compile(r"(?i:localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")
# The platform's header holds every claim of the token, and never more than this.
_MOST_CHARACTERS = 65_536
_MOST_NAME_CHARACTERS = 200
_logger = logging.getLogger(__name__)


class Caller(NamedTuple):
    """
    Attributes:
        role: what the caller may do; an editor may do all that a viewer may. None is nothing.
        how: what the caller has shown: the platform's sign-in, the key, or that the page is open.
        person: the name of a person who is signed in, with or without a role.
    """

    role: Role | None
    how: Literal["sign-in", "key", "open"] | None
    person: str | None


class _Principal(NamedTuple):
    person: str
    role: Role | None


def caller_of(req: func.HttpRequest, access: GalleryAccess) -> Caller:
    """The caller of a request, by the most that it shows."""
    principal = _principal(req) if access.sign_in else None
    person = principal.person if principal else None
    if principal and principal.role:
        return Caller(principal.role, "sign-in", person)
    if access.is_open and _is_to_this_machine(req):
        return Caller("editor", "open", None)
    if _has_key(req, access):
        return Caller("viewer", "key", person)
    return Caller(None, "sign-in" if principal else None, person)


def require_own_page(req: func.HttpRequest) -> None:
    """
    Refuse what a page of another site sends with the person's own cookie.

    Raises:
        ForbiddenError: the browser says so, or a change comes without the header that only the own page can send.
    """
    site = req.headers.get("Sec-Fetch-Site", "").strip().lower()
    if site not in ("", "same-origin", "none"):
        raise ForbiddenError(
            "A page of another site asks for the data of this one.", action="Open /api/gallery by itself."
        )
    if req.method not in ("GET", "HEAD") and req.headers.get(OWN) != "1":
        raise ForbiddenError(
            f"The request changes something and has no header {OWN}: 1, as those of the page have.",
            action=f"Send {OWN}: 1, or use the documented routes with a function key.",
        )


def require(caller: Caller, role: Role) -> None:
    """
    Let a caller pass who has the role.

    Raises:
        SignInError: the caller has shown nothing that opens the page.
        ForbiddenError: the caller has, and may not do this.
    """
    if caller.role == "editor" or caller.role == role:
        return
    if caller.role is None and caller.how is None:
        raise SignInError("The page's data are for people who are signed in or have its key.")
    if caller.how == "key":
        raise ForbiddenError(
            "GALLERY_KEY opens reading only.", action="Sign in as a person with the role editor to change something."
        )
    if caller.role is None:
        raise ForbiddenError("The person who is signed in has no role in this app.")
    raise ForbiddenError(
        "The role viewer reads, and does not change.",
        action="Ask those who run the app for the role editor of its app registration in Entra ID.",
    )


def _is_to_this_machine(req: func.HttpRequest) -> bool:
    """Whether the request was sent to loopback: another name that leads here is a stranger's page."""
    return _LOOPBACK.fullmatch(req.headers.get("Host", "")) is not None


def _has_key(req: func.HttpRequest, access: GalleryAccess) -> bool:
    given = req.headers.get(KEY, "")
    if not given or not access.key:
        return False
    # A header has the bytes that a stranger sent, which can be no text at all.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), access.key.encode(errors="surrogatepass"))


def _principal(req: func.HttpRequest) -> _Principal | None:
    """The person of the platform's header; None without one, and where it cannot be read."""
    header = req.headers.get(PRINCIPAL, "")
    if not header:
        return None
    try:
        _require_direct(req)
        return _parsed(header)
    except (ValueError, RecursionError) as error:
        log.event(_logger, "gallery.principal_refused", level=logging.WARNING, problem=error)
        return None


def _require_direct(req: func.HttpRequest) -> None:
    """
    Raises:
        ValueError: the platform was asked for another path than this one.
    """
    for name in _AS_IT_CAME:
        path = req.headers.get(name, "").partition("?")[0]
        if path and not _DIRECT.fullmatch(path):
            raise ValueError("it came by a detour")


def _parsed(header: str) -> _Principal:
    """
    Raises:
        ValueError: it is not what App Service authentication sends of a person of Entra ID.
    """
    if len(header) > _MOST_CHARACTERS:
        raise ValueError("it is too long")
    try:
        told = json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError):
        # The error's own text would have a part of it.
        raise ValueError("it is no base64 of JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("claims"), list):
        raise ValueError("it has no claims")
    if told.get("auth_typ") != _ENTRA:
        raise ValueError("it is not of Entra ID")
    claims = list(_claims(told["claims"]))
    own_role, own_name = told.get("role_typ"), told.get("name_typ")
    roles = {value for kind, value in claims if kind in (own_role, *_ROLE_CLAIMS)}
    role: Role | None = "editor" if "editor" in roles else "viewer" if "viewer" in roles else None
    return _Principal(_name(claims, own_name), role)


def _claims(claims: list[object]) -> Iterator[tuple[str, str]]:
    for claim in claims:
        if not isinstance(claim, dict):
            raise ValueError("a claim is no object")
        kind, value = claim.get("typ"), claim.get("val")
        if not isinstance(kind, str) or not isinstance(value, str):
            raise ValueError("a claim has no text")
        yield kind, value


def _name(claims: list[tuple[str, str]], own: object) -> str:
    for wanted in (*_NAME_CLAIMS, own):
        for kind, value in claims:
            if kind == wanted and value.strip():
                return value.strip()[:_MOST_NAME_CHARACTERS]
    return ""

"""
A loopback double of App Service authentication with Entra ID, in front of an app: what the platform does to requests.

It takes every header from a request that only the platform may set, and puts in the principal of the person whose
cookie comes. A request without one passes as it is (`AllowAnonymous`), and a path that is excluded passes without a
principal. `/.auth/login/aad` asks who signs in, `/.auth/logout` ends that, and `/.auth/me` is not there, as with the
token store off.
"""

import asyncio
import base64
import html
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

COOKIE = "AppServiceAuthSession"
# Names of 1,024 letters stand percent-encoded in the first line of a request.
_MOST_LINE_BYTES = 64 * 1024
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_OF_PLATFORM = ("x-ms-client-principal", "x-ms-token-")
_ISSUER = "https://login.microsoftonline.com/7d6f0a3e-0000-4000-8000-000000000001/v2.0"


@dataclass(frozen=True)
class Person:
    """Who can sign in, and the app roles that the directory gives them."""

    name: str
    address: str
    roles: tuple[str, ...] = ()


VIEWER = Person("Vera Viewer", "vera@example.org", ("viewer",))
EDITOR = Person("Edda Editor", "edda@example.org", ("editor",))
WITHOUT_ROLE = Person("Nora Norole", "nora@example.org")
PEOPLE = (VIEWER, EDITOR, WITHOUT_ROLE)


def principal_headers(person: Person) -> dict[str, str]:
    """The headers by which the platform tells an app who has signed in."""
    claims = [
        {"typ": "aud", "val": "7d6f0a3e-0000-4000-8000-000000000002"},
        {"typ": "iss", "val": _ISSUER},
        {"typ": "name", "val": person.name},
        {"typ": "preferred_username", "val": person.address},
        *({"typ": "roles", "val": role} for role in person.roles),
    ]
    principal = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": "roles"}
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": base64.b32encode(person.address.encode()).decode().rstrip("="),
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "X-MS-CLIENT-PRINCIPAL-NAME": person.address,
    }


@dataclass
class SignIn:
    """
    The running double.

    Attributes:
        port: where it listens.
        excluded: beginnings of paths that pass without a principal.
        answered: method, path and status of every answer of the app, and whether a person was signed in.
    """

    port: int
    excluded: Sequence[str]
    answered: list[tuple[str, str, int, bool]] = field(default_factory=list)
    _sessions: dict[str, Person] = field(default_factory=dict)

    def session_of(self, person: Person) -> str:
        """The value of the cookie with which this person is signed in."""
        session = secrets.token_urlsafe(24)
        self._sessions[session] = person
        return session

    def person_of(self, session: str | None) -> Person | None:
        """Who has that cookie."""
        return self._sessions.get(session or "")

    def end(self, session: str | None) -> None:
        """Sign out."""
        self._sessions.pop(session or "", None)

    def is_excluded(self, path: str) -> bool:
        """Whether the platform leaves requests to that path alone."""
        return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in self.excluded)


@contextmanager
def running_sign_in(app_port: int, *, excluded: Sequence[str] = ()) -> Iterator[SignIn]:
    """Stand in front of the app on that port of this machine, on a port that the system chooses."""
    found: list[SignIn] = []
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, skip_auto_headers=_ADDED, timeout=timeout
        ) as session:
            platform = _Platform(session, app_port)
            server = web.Server(platform.answer, max_line_size=_MOST_LINE_BYTES, max_field_size=_MOST_LINE_BYTES)
            runner = web.ServerRunner(server, shutdown_timeout=0.5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            platform.sign_in = SignIn(runner.addresses[0][1], excluded)
            found.append(platform.sign_in)
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(60), "the double of the sign-in did not start"
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class _Platform:
    sign_in: SignIn

    def __init__(self, session: aiohttp.ClientSession, app_port: int) -> None:
        self._session = session
        self._app = f"http://127.0.0.1:{app_port}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = urlsplit(request.raw_path).path
        if path == "/.auth/login/aad":
            return self._login(request)
        if path == "/.auth/logout":
            return self._logout(request)
        if path.startswith("/.auth/"):
            return web.Response(status=404)
        person = None if self.sign_in.is_excluded(path) else self.sign_in.person_of(request.cookies.get(COOKIE))
        answer = await self._passed_on(request, principal_headers(person) if person else {})
        self.sign_in.answered.append((request.method, path, answer.status, person is not None))
        return answer

    def _login(self, request: web.BaseRequest) -> web.Response:
        """Entra ID's page, on which the people of the directory choose themselves."""
        back = _own(request.query.get("post_login_redirect_uri"))
        chosen = next((person for person in PEOPLE if person.address == request.query.get("as")), None)
        if chosen:
            answer = web.Response(status=302, headers={"Location": back})
            answer.set_cookie(COOKIE, self.sign_in.session_of(chosen), httponly=True, samesite="Lax")
            return answer
        links = "".join(
            f"<li><a href='{html.escape(str(_with(request, **{'as': person.address})))}'>{person.name}</a></li>"
            for person in PEOPLE
        )
        head = "<!doctype html><html lang=en><link rel=icon href=data:,><title>Sign in</title>"
        page = f"{head}<h1>Who are you?</h1><ul>{links}</ul>"
        return web.Response(text=page, content_type="text/html")

    def _logout(self, request: web.BaseRequest) -> web.Response:
        self.sign_in.end(request.cookies.get(COOKIE))
        back = _own(request.query.get("post_logout_redirect_uri"))
        answer = web.Response(status=302, headers={"Location": back})
        answer.del_cookie(COOKIE)
        return answer

    async def _passed_on(self, request: web.BaseRequest, principal: Mapping[str, str]) -> web.StreamResponse:
        kept = [(name, value) for name, value in request.headers.items() if _is_clients(name)]
        # The browser can have gone, or the app: both end the other's connection.
        async with self._session.request(
            request.method,
            URL(f"{self._app}{request.raw_path}", encoded=True),
            headers=[*kept, *principal.items()],
            data=request.content.iter_any() if request.body_exists else None,
            allow_redirects=False,
        ) as found:
            answer = web.StreamResponse(status=found.status, reason=found.reason)
            for name, value in found.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    answer.headers.add(name, value)
            await answer.prepare(request)
            async for part in found.content.iter_any():
                await answer.write(part)
            await answer.write_eof()
            return answer


def _is_clients(name: str) -> bool:
    """Whether a client may send a header of that name."""
    return name.lower() not in _HOP_BY_HOP and not name.lower().startswith(_OF_PLATFORM)


def _own(address: str | None) -> str:
    """Where the browser goes then: the platform leads to no other site."""
    return address if address and address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def _with(request: web.BaseRequest, **query: str) -> URL:
    return URL(request.raw_path, encoded=True).update_query(query)

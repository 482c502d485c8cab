"""One request handed on to another server, and its answer handed back, part by part."""

from collections.abc import Iterable

import aiohttp
from aiohttp import web
from yarl import URL

# Of one connection alone, not of what it carries (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


async def passed_on(
    session: aiohttp.ClientSession, target: str, request: web.BaseRequest, headers: Iterable[tuple[str, str]]
) -> web.StreamResponse:
    """The answer of *target*, an address without a path, to the request with these headers."""
    async with session.request(
        request.method,
        URL(f"{target}{request.raw_path}", encoded=True),
        headers=list(headers),
        data=request.content.iter_any() if request.body_exists else None,
        allow_redirects=False,
    ) as found:
        answer = web.StreamResponse(status=found.status, reason=found.reason)
        for name, value in found.headers.items():
            if name.lower() not in HOP_BY_HOP:
                answer.headers.add(name, value)
        await answer.prepare(request)
        async for part in found.content.iter_any():
            await answer.write(part)
        await answer.write_eof()
        return answer

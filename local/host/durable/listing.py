"""Lists of instances over HTTP, page by page, and purging by the same parameters."""

import base64
import binascii
from collections.abc import Mapping

from aiohttp import web

from local.host.durable.history import seconds_of
from local.host.durable.instances import Status
from local.host.durable.queries import Filter, Queries
from local.host.durable.status import instance_json
from local.host.durable.whole_numbers import whole_number
from local.host.errors import BadRequestError

DEFAULT_PAGE_SIZE = 100  # as in the extension
TOKEN_HEADER = "x-ms-continuation-token"  # noqa: S105
# Statuses of the API in which an instance of this host never is.
NEVER = frozenset({"canceled", "suspended", "continuedasnew"})


def list_instances(queries: Queries, query: Mapping[str, str], headers: Mapping[str, str]) -> web.Response:
    """Answer with one page of instances, ordered by id, and the token of the next one; raises BadRequestError."""
    chosen, size = _filter(query), _size(query)
    found = [] if _only_never(query) else queries.page(chosen, _read_token(headers.get(TOKEN_HEADER, "")), size + 1)
    page = found[:size]
    with_input = query.get("showinput", "true").lower() == "true"
    response = web.json_response([instance_json(instance, with_input=with_input) for instance in page])
    if len(found) > size:
        response.headers[TOKEN_HEADER] = base64.urlsafe_b64encode(page[-1].id.encode()).decode()
    return response


def purge_instances(queries: Queries, query: Mapping[str, str]) -> web.Response:
    """Delete finished instances and answer with their number, 404 for none; raises BadRequestError."""
    if "createdtimefrom" not in query:
        raise BadRequestError("Please provide value for 'createdTimeFrom' parameter.")
    count = 0 if _only_never(query) else queries.purge_by(_filter(query))
    return web.json_response({"instancesDeleted": count}) if count else web.Response(status=404)


def _filter(query: Mapping[str, str]) -> Filter:
    known = {str(status).lower(): status for status in Status}
    names = _status_names(query)
    for name in names:
        if name not in known and name not in NEVER:
            allowed = ", ".join(Status)
            raise BadRequestError(f"runtimeStatus {name!r} is none: give some of {allowed}, separated by commas")
    return Filter(
        frozenset(known[name] for name in names if name in known),
        _time(query, "createdTimeFrom"),
        _time(query, "createdTimeTo"),
        query.get("instanceidprefix", ""),
    )


def _status_names(query: Mapping[str, str]) -> set[str]:
    return {name.strip().lower() for name in query.get("runtimestatus", "").split(",")} - {""}


def _only_never(query: Mapping[str, str]) -> bool:
    names = _status_names(query)
    return bool(names) and names <= NEVER


def _time(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name.lower())
    if not text:
        return None
    try:
        return seconds_of(text)
    except ValueError:
        raise BadRequestError(f"{name} {text!r} is no time: give one like 2026-01-31T23:59:59Z") from None


def _size(query: Mapping[str, str]) -> int:
    size = whole_number(query, "top", DEFAULT_PAGE_SIZE)
    if size < 1:
        raise BadRequestError("top is 0, which is no page size: give 1 or more")
    return size


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        raise BadRequestError(f"{TOKEN_HEADER} is none of this host's: repeat the one of the last answer") from None

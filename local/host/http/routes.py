"""Which HTTP function answers a request: routes are tried in the order of the folders, and the first match wins."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from local.host.app.loader import LoadedApp, LoadedFunction
from local.host.app.metadata import BrokenFunction
from local.host.errors import FunctionLoadError
from local.host.http.route_template import RouteTemplate

RESERVED = ("admin", "runtime")
AUTH_LEVELS = ("anonymous", "function", "system", "admin")


@dataclass(frozen=True)
class Route:
    """One HTTP function's address; *methods* is None if every method is taken."""

    function: LoadedFunction
    template: RouteTemplate
    methods: frozenset[str] | None
    auth_level: str

    def takes(self, method: str) -> bool:
        """Whether this route is for *method*."""
        return self.methods is None or method.upper() in self.methods

    def describe_methods(self) -> str:
        """Return the methods for people."""
        return ",".join(sorted(self.methods)) if self.methods else "any method"


@dataclass(frozen=True)
class Match:
    """A route that fits a request, and the values of its parameters."""

    route: Route
    values: dict[str, str]


def find_match(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """Return the first route for *method* and the decoded *path*; a wrong method is no match, so 404 and never 405."""
    for route in routes:
        if route.takes(method):
            values = route.template.match(path)
            if values is not None:
                return Match(route, values)
    return None


def empty_segment_hint(routes: Iterable[Route], method: str, path: str) -> str | None:
    """
    Say how to ask for what a *path* without a match names, if an empty segment is all that keeps it from a catch-all.

    Templates match no such path, in Azure neither: a blob's name that begins with a slash makes one.
    """
    if "//" not in path:
        return None
    match = find_match(routes, method, re.sub("/{2,}", "/", path))
    rest = match.route.template.catch_all if match else None
    if match is None or rest is None:
        return None
    base = f"/{match.route.template.text.rpartition('/')[0]}"
    name = path[len(base) + 1 :] if path.lower().startswith(f"{base.lower()}/") else match.values.get(rest, "")
    return (
        "A path with an empty segment, '//', matches no route, here as in Azure. "
        f"Give {rest} in the query: {base}?{rest}={quote(name, safe='')}\n"
    )


def build_routes(app: LoadedApp, prefix: str) -> tuple[tuple[Route, ...], LoadedApp]:
    """Return the routes of the app's HTTP functions, and the app with those that cannot have one moved to `broken`."""
    routes: list[Route] = []
    functions, broken = [], list(app.broken)
    for function in app.functions:
        try:
            if function.metadata.trigger.type.lower() == "httptrigger":
                routes.append(_route(function, prefix, routes))
            functions.append(function)
        except FunctionLoadError as error:
            broken.append(BrokenFunction(function.name, str(error)))
    return tuple(routes), LoadedApp(tuple(functions), tuple(broken))


def _route(function: LoadedFunction, prefix: str, others: Iterable[Route]) -> Route:
    trigger = function.metadata.trigger
    own = trigger.text("route", function.name) or function.name
    if own.strip("/").lower().startswith(RESERVED):
        raise FunctionLoadError("The specified route conflicts with one or more built in routes.")
    auth_level = trigger.text("authLevel", "function").lower()
    if auth_level not in AUTH_LEVELS:
        raise FunctionLoadError(f"authLevel must be one of {', '.join(AUTH_LEVELS)}, not {auth_level!r}")
    template = RouteTemplate.parse(f"{prefix}/{own.strip('/')}")
    route = Route(function, template, _methods(trigger.properties.get("methods")), auth_level)
    for other in others:
        if other.template.text.lower() == template.text.lower() and _overlap(route, other):
            raise FunctionLoadError(
                f"The route specified conflicts with the route defined by function '{other.function.name}'."
            )
    return route


def _methods(given: object) -> frozenset[str] | None:
    if not given:
        return None
    if not isinstance(given, list) or not all(isinstance(method, str) for method in given):
        raise FunctionLoadError(f"methods must be a list of texts, not {given!r}")
    return frozenset(method.upper() for method in given)


def _overlap(one: Route, other: Route) -> bool:
    return one.methods is None or other.methods is None or bool(one.methods & other.methods)

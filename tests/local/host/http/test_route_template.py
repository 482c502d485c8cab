"""Route templates match as in ASP.NET Core."""

from typing import Any

import pytest

from local.host.errors import FunctionLoadError
from local.host.http.route_template import RouteTemplate
from local.host.http.routes import Route, empty_segment_hint, find_match

MATCHES = [
    ("api/hello", "/api/hello", {}),
    ("api/hello", "/API/Hello/", {}),
    ("api/hello", "/api/hello//", None),
    ("api/hello", "/api/hello/x", None),
    ("api/hello", "/api", None),
    ("", "/", {}),
    ("api/{id}", "/api/A%2Fb", {"id": "A%2Fb"}),
    ("api/{id}", "/api", None),
    ("api/{id}", "/api//", None),
    ("api/{id?}", "/api", {}),
    ("api/{id?}", "/api/7", {"id": "7"}),
    ("api/{id=5}", "/api", {"id": "5"}),
    ("api/{id=5}/x", "/api/6/x", {"id": "6"}),
    ("api/images/{*name}", "/api/images", {}),
    ("api/images/{*name}", "/api/images/", {}),
    ("api/images/{*name}", "/api/images/a/b c.png", {"name": "a/b c.png"}),
    ("api/images/{*name}", "/api/images/a/", {"name": "a/"}),
    ("api/images/{*name}", "/api/images/a//b", {"name": "a//b"}),
    ("api/images/{*name}", "/api/images//a", None),
    ("api/images/{**name}", "/api/images/a/b", {"name": "a/b"}),
    ("api/{name}.{extension}", "/api/a.b.png", {"name": "a.b", "extension": "png"}),
    ("api/{name}.{extension}", "/api/png", None),
    ("api/{name}.{extension?}", "/api/a", {"name": "a"}),
    ("api/{name}.{extension?}", "/api/a.b", {"name": "a", "extension": "b"}),
    ("api/size-{width}x{height}", "/api/SIZE-10x20", {"width": "10", "height": "20"}),
    ("api/{{x}}/{y}", "/api/{x}/1", {"y": "1"}),
    ("{id:int}", "/12", {"id": "12"}),
    ("{id:int}", "/-3", {"id": "-3"}),
    ("{id:int}", "/1.5", None),
    ("{id:int}", "/99999999999", None),
    ("{id:long}", "/99999999999", {"id": "99999999999"}),
    ("{id:int:min(1)}", "/0", None),
    ("{id:int:min(1)}", "/1", {"id": "1"}),
    ("{id:max(9)}", "/10", None),
    ("{id:range(1,9)}", "/9", {"id": "9"}),
    ("{id:range(1,9)?}", "/", {}),
    ("{id:int?}", "/x", None),
    ("{x:bool}", "/TRUE", {"x": "TRUE"}),
    ("{x:bool}", "/1", None),
    ("{x:guid}", "/0f8fad5b-d9cb-469f-a165-70867728950e", {"x": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
    ("{x:guid}", "/0f8f", None),
    ("{x:alpha}", "/abC", {"x": "abC"}),
    ("{x:alpha}", "/ab1", None),
    ("{x:decimal}", "/1.50", {"x": "1.50"}),
    ("{x:decimal}", "/1e5", None),
    ("{x:double}", "/1e5", {"x": "1e5"}),
    ("{x:float}", "/x", None),
    ("{x:datetime}", "/2026-11-22T10:00:00Z", {"x": "2026-11-22T10:00:00Z"}),
    ("{x:datetime}", "/yesterday", None),
    ("{x:length(3)}", "/abc", {"x": "abc"}),
    ("{x:length(3)}", "/abcd", None),
    ("{x:length(1,2)}", "/abc", None),
    ("{x:minlength(2)}", "/a", None),
    ("{x:maxlength(2)}", "/abc", None),
    ("{x:required}", "/a", {"x": "a"}),
    (r"{x:regex(^\d{{3}}-[a/]b$)}", "/123-ab", {"x": "123-ab"}),
    (r"{x:regex(^\d{{3}}$)}", "/12", None),
]


@pytest.mark.parametrize(("template", "path", "values"), MATCHES)
def test_template_matches_a_path_or_not(template: str, path: str, values: dict[str, str] | None) -> None:
    assert RouteTemplate.parse(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a//b", "a segment is empty"),
        ("{*rest}/x", "only the last"),
        ("{a?}/x", "only the last"),
        ("{a}{b}", "text between"),
        ("x{*rest}", "whole segment"),
        ("{a}/{A}", "more than once"),
        ("{a", "do not pair"),
        ("a}b", "do not pair"),
        ("{}", "no parameter"),
        ("{a:number}", "unknown"),
        ("{a:int(3)}", "unknown"),
        ("{a:min(x)}", "wrong argument"),
        ("{a:regex([)}", "wrong argument"),
    ],
)
def test_unusable_template_is_refused_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(FunctionLoadError, match=reason):
        RouteTemplate.parse(template)


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("GET", "/api/images//case-20.png", "/api/images?name=%2Fcase-20.png"),
        ("GET", "/API/Images//dir//ü ?.png", "/api/images?name=%2Fdir%2F%2F%C3%BC%20%3F.png"),
        ("GET", "//api/images/a.png", "/api/images?name=a.png"),
        ("GET", "/api//images///a.png", "/api/images?name=a.png"),
        ("GET", "/api/images//", "/api/images?name=%2F"),
        ("HEAD", "/api/thumbnail//a.png", "/api/thumbnail?file=%2Fa.png"),
        ("GET", "/api/images/a.png", None),
        ("GET", "/api/nothing//a.png", None),
        ("POST", "/api/images//a.png", None),
        ("GET", "/api/one//", None),
        ("GET", "/api//one/7", None),
    ],
)
def test_a_path_that_only_an_empty_segment_keeps_from_a_catch_all_gets_a_hint(
    method: str, path: str, hint: str | None
) -> None:
    nothing: Any = None
    routes = [
        Route(nothing, RouteTemplate.parse(text), frozenset(methods), "function")
        for text, methods in (
            ("api/images/{*name}", ["GET"]),
            ("api/thumbnail/{*file}", ["HEAD"]),
            ("api/one/{id?}", ["GET"]),
        )
    ]
    assert find_match(routes, method, path) is None or hint is None
    said = empty_segment_hint(routes, method, path)
    assert (said is not None) == (hint is not None)
    assert hint is None or str(said).endswith(f": {hint}\n")

"""Request targets are read as Kestrel reads them."""

import pytest

from local.host.errors import BadRequestError
from local.host.http.target import Target


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/api/a%20b", "/api/a b"),
        ("/api/%C3%BC.png", "/api/ü.png"),
        ("/api/a+b", "/api/a+b"),
        ("/api/a%23b", "/api/a#b"),
        ("/api/a%3Fb", "/api/a?b"),
        ("/api/a%2Fb%2fc", "/api/a%2Fb%2fc"),
        ("/api/100%25", "/api/100%"),
        ("/api/%252e", "/api/%2e"),
        ("/api/a%2eb", "/api/a.b"),
        ("/api/x/%2e%2e/y", "/api/y"),
        ("/api/x/../../../y", "/y"),
        ("/api/./x/.", "/api/x/"),
        ("/api/x/..", "/api/"),
        ("/api//x", "/api//x"),
        ("/api/%zz%4", "/api/%zz%4"),
        ("/api/%ff%C3%BC", "/api/%FFü"),
        ("/api/%E4%B8%ADz%E4%B8", "/api/中z%E4%B8"),
        ("http://localhost:7071/api/x", "/api/x"),
        ("http://localhost:7071", "/"),
    ],
)
def test_path_is_decoded_once_except_for_slashes_and_then_dot_segments_go(raw: str, path: str) -> None:
    assert Target.parse(raw).path == path


@pytest.mark.parametrize("raw", ["api", "*", "/api/\u00fc", "/a%00b"])
def test_unusable_target_is_refused(raw: str) -> None:
    with pytest.raises(BadRequestError):
        Target.parse(raw)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("a=1&A=2", {"a": "1,2"}),
        ("flag=&other", {}),
        ("a=&a=2", {"a": "2"}),
        ("q=a+b%2Bc%26d", {"q": "a b+c&d"}),
        ("u=http://x/y?z=1", {"u": "http://x/y?z=1"}),
        ("a=%C3%BC&b=#", {"a": "ü"}),
        ("&&a=1&", {"a": "1"}),
        ("=x", {"": "x"}),
    ],
)
def test_query_values_are_joined_and_empty_ones_dropped(query: str, parameters: dict[str, str]) -> None:
    assert Target.parse(f"/x?{query}").parameters() == parameters


@pytest.mark.parametrize("raw", ["/a%20b/%C3%BC", "/a%2Fb", "/a:b@c!$&'()*+,;=-._~"])
def test_encoded_path_is_what_was_sent(raw: str) -> None:
    assert Target.parse(raw).encoded_path == raw

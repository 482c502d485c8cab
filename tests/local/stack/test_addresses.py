"""Addresses that the local commands print lead to the image they speak of."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from local.adding.report import Report
from local.addresses import Addresses, image_target
from local.app import ImageState, Step


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a b/ü.jpg", "/api/images/a%20b/%C3%BC.jpg"),
        ("/case-20.png", "/api/images?name=%2Fcase-20.png"),
        ("a//b?c&d.png", "/api/images?name=a%2F%2Fb%3Fc%26d.png"),
        ("//", "/api/images?name=%2F%2F"),
    ],
)
def test_a_name_with_an_empty_segment_stands_in_the_query(name: str, target: str) -> None:
    assert image_target("/api/images", name) == target
    assert image_target("/api/images", name, width="3").removeprefix(target) in ("?width=3", "&width=3")


@pytest.mark.parametrize("name", ["coffee.jpg", "/case-20.png", "dir//x y.png"])
@pytest.mark.parametrize("what", ["analysis", "thumbnail 200x150", "thumbnail 200x150 webp"])
def test_what_add_prints_of_an_image_leads_to_it(name: str, what: str) -> None:
    state = ImageState(name, "complete", steps=(Step(what, "done", record="r"),))
    (line,) = (line for line in Report(Addresses(7071), Path(), "").lines(name, state) if "http://" in line)
    address = urlsplit(line.strip())
    assert "//" not in address.path
    asked = parse_qs(address.query).get("name", [unquote(address.path.split("/", 3)[-1])])
    assert asked == [name]


def test_the_address_of_a_thumbnail_is_that_of_its_format() -> None:
    steps = tuple(Step(what, "done", record="r") for what in ("thumbnail 200x150", "thumbnail 200x150 webp"))
    lines = Report(Addresses(7071), Path(), "").lines("a.jpg", ImageState("a.jpg", "complete", steps=steps))
    assert [line.partition("?")[2] for line in lines if "http://" in line] == [
        "width=200&height=150",
        "width=200&height=150&format=webp",
    ]

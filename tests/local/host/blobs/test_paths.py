"""Paths of blob bindings take names apart and are filled in."""

import re

import pytest

from local.host.blobs.paths import BlobPath, BlobTemplate
from local.host.errors import FunctionLoadError


@pytest.mark.parametrize(
    ("path", "container", "blob", "captures"),
    [
        ("images/{name}", "images", "a.png", {"name": "a.png"}),
        ("images/{name}", "images", "sub dir/ü#%2e.png", {"name": "sub dir/ü#%2e.png"}),
        ("images/{name}", "other", "a.png", None),
        ("Images/{name}", "images", "a.png", {"name": "a.png"}),
        ("images/{name}.{ext}", "images", "sub/a.b.png", {"name": "sub/a.b", "ext": "png"}),
        ("images/{name}.{ext}", "images", "png", None),
        ("images/{name}.jpg", "images", "a.JPG", None),
        ("images/in-{name}", "images", "in-", {"name": ""}),
        ("images", "images", "anything/at all", {}),
        ("images/{{x}}-{name}", "images", "{x}-1", {"name": "1"}),
        ("images/a+b", "images", "aab", None),
        ("images/{name}", "images", "two\nlines", {"name": "two\nlines"}),
    ],
)
def test_pattern_takes_a_blob_name_apart(path: str, container: str, blob: str, captures: dict[str, str] | None) -> None:
    assert BlobPath.parse(path).match(container, blob) == captures


@pytest.mark.parametrize("path", ["", "/a", "{container}/a", "images/{a.b}", "images/{a}{a}", "images/{", "images/{}"])
def test_unusable_pattern_is_refused(path: str) -> None:
    with pytest.raises(FunctionLoadError, match="Invalid blob trigger path"):
        BlobPath.parse(path)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("out/{name}.txt", ("out", "a/b.txt")),
        ("{Container}/{NAME}", ("c", "a/b")),
        ("out/{metadata.author}", ("out", "me")),
        ("out/{Properties.ContentLength}", ("out", "3")),
        ("out/{{{name}}}", ("out", "{a/b}")),
    ],
)
def test_template_is_filled_from_binding_data(template: str, filled: tuple[str, str]) -> None:
    data = {"name": "a/b", "container": "c", "Metadata": {"author": "me"}, "Properties": {"ContentLength": 3}}
    assert BlobTemplate.parse(template).fill(data) == filled


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        ("{rand-guid}", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("{rand-guid:N}", "[0-9a-f]{32}"),
        ("{rand-guid:B}", r"\{[0-9a-f-]{36}\}"),
        ("{datetime:yyyy}", r"20\d\d"),
        ("{datetime}", r"20\d\d-\d\d-\d\dT\d\d-\d\d-\d\dZ"),
    ],
)
def test_template_makes_guids_and_times(expression: str, pattern: str) -> None:
    _, name = BlobTemplate.parse(f"out/{expression}").fill({})
    assert re.fullmatch(pattern, name)


def test_missing_value_is_told_in_the_words_of_the_platform() -> None:
    with pytest.raises(ValueError, match=re.escape("No value for named parameter 'name'.")):
        BlobTemplate.parse("out/{name}").fill({"other": 1})


@pytest.mark.parametrize("template", ["", "out", "out/{name", "out/"])
def test_unusable_template_is_refused(template: str) -> None:
    with pytest.raises(FunctionLoadError, match="Invalid blob path"):
        BlobTemplate.parse(template)

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.errors import BadRequestError

# Storage takes any characters; what a URL or a listing cannot carry at all is left out.
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"))
SEGMENTS = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda text: text not in (".", ".."))
NAMES = st.one_of(
    st.text(CHARACTERS, min_size=1, max_size=200),
    st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["long/", "by-sha256/", "long", "by-sha256", "analysis/", "long/" + "0" * 64]),
    st.builds(str.__add__, st.sampled_from(["long/", "by-sha256/"]), SEGMENTS),
    st.builds(lambda letter, count: letter * count, st.sampled_from("aä😀"), st.integers(880, 1024)),
)
SIZES = st.tuples(st.integers(1, 1024), st.integers(1, 1024), st.booleans())
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


def records(name: str) -> list[str]:
    """Every record of an image, with its container."""
    return [
        f"analysis:{names.analysis(name)}",
        f"unfinished:{names.unfinished('analysis', name)}",
        f"unfinished:{names.unfinished('thumbnails', name)}",
        f"thumbnails:{names.thumbnail(name, width=1024, height=1024, smart=True)}",
        f"thumbnails:{names.thumbnail(name, width=1024, height=1024, smart=False)}",
    ]


@given(NAMES)
def test_every_record_has_a_name_that_storage_takes(name: str) -> None:
    for record in records(name):
        assert len(record.partition(":")[2]) <= names.MAX_BLOB_NAME_CHARACTERS


@given(NAMES)
def test_the_records_of_one_image_are_different_blobs(name: str) -> None:
    assert len(set(records(name))) == len(records(name))


@given(NAMES, NAMES)
def test_no_two_images_share_a_record(one: str, other: str) -> None:
    assert one == other or not set(records(one)) & set(records(other))


@given(NAMES, DIGESTS, SIZES)
def test_a_visitors_thumbnail_is_no_images_thumbnail(name: str, digest: str, size: tuple[int, int, bool]) -> None:
    width, height, smart = size
    theirs = names.thumbnail_of_digest(digest, width=width, height=height, smart=smart)
    for image in (name, f"by-sha256/{digest}", theirs):
        assert names.thumbnail(image, width=width, height=height, smart=smart) != theirs


@pytest.mark.parametrize("length", [899, 900, 901, 1024])
def test_a_name_of_more_than_900_characters_is_stored_under_its_digest(length: int) -> None:
    stored = names.analysis("n" * length)
    assert stored.startswith("long/") == (length > 900)
    assert stored.endswith(".json")


def test_short_names_stay_readable() -> None:
    assert names.analysis("2026/cat.jpg") == "2026/cat.jpg.json"
    assert names.unfinished("thumbnails", "cat.jpg") == "thumbnails/cat.jpg.json"
    assert names.thumbnail("cat.jpg", width=200, height=150, smart=True) == "cat.jpg/200x150-smart.jpg"
    assert names.thumbnail("cat.jpg", width=200, height=150, smart=False) == "cat.jpg/200x150-plain.jpg"
    assert names.thumbnail_of_digest("ab", width=1, height=2, smart=False) == "by-sha256/ab/1x2-plain.jpg"
    assert names.claim("ab", "analyze-1") == "ab/analyze-1.json"


@given(NAMES)
def test_the_name_comes_back_out_of_an_event_and_out_of_our_address(name: str) -> None:
    assert names.image_of_event(f"images/{name}") == name
    address = urlsplit(f"http://host{names.image_path(name)}")
    assert not address.fragment
    if address.query:
        assert (address.path, parse_qs(address.query)) == ("/api/images", {"name": [name]})
    else:
        assert unquote(address.path) == f"/api/images/{name}"
        assert "//" not in address.path


@pytest.mark.parametrize("name", ["/case.png", "//", "a//b.png", "dir//", "/ä&?#.png"])
def test_a_name_with_an_empty_segment_stands_in_the_query_of_our_address(name: str) -> None:
    assert parse_qs(urlsplit(names.image_path(name)).query) == {"name": [name]}


@pytest.mark.parametrize("path", ["", "images", "images/", "thumbnails/a.jpg", "Images/a.jpg", "imagesx/a.jpg"])
def test_what_is_not_under_images_is_no_image(path: str) -> None:
    assert names.image_of_event(path) is None


@pytest.mark.parametrize(
    "name", ["..", ".", "../secrets/a", "a/../../b", "a/..", "./a", "a/./b", "..\\windows", "a\\..\\b"]
)
def test_a_name_that_leads_out_of_the_container_is_refused(name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        names.check_image_name(name)
    assert caught.value.code == "bad_blob_name"


@pytest.mark.parametrize("name", ["...", "..a", "a..", "a.b/c..d", ".hidden", "a b#c?.jpg", "n" * 1024])
def test_dots_inside_a_name_are_no_harm(name: str) -> None:
    assert names.check_image_name(name) == name


@pytest.mark.parametrize(("name", "told"), [("", "empty"), ("n" * 1025, "1025")])
def test_an_empty_or_overlong_name_is_refused(name: str, told: str) -> None:
    with pytest.raises(BadRequestError, match=told):
        names.check_image_name(name)


def test_outputs_never_land_in_the_watched_container() -> None:
    containers = {names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED, names.CACHE, names.INPUTS, names.KEYS}
    books = {names.QUOTA, names.HEALTH, names.OWNERS, names.FORGETTING, names.RECONCILIATION}
    containers |= {names.CORRECTIONS, names.SEARCH}
    books |= {names.INDEX, names.KEPT_CORRECTIONS}
    assert containers | books == set(names.OUTPUTS)
    assert names.IMAGES not in names.OUTPUTS


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("https://my-resource.cognitiveservices.azure.com", "my-resource.cognitiveservices.azure.com.json"),
        ("http://127.0.0.1:7072", "127.0.0.1-7072.json"),
        ("http://gateway.example.com/team/vision", "gateway.example.com-team-vision.json"),
    ],
)
def test_each_resource_has_books_of_its_own(endpoint: str, name: str) -> None:
    assert names.quota(endpoint) == name


@pytest.mark.parametrize("name", ["a.jpg", "dir/a.jpg", "by-sha256", "by-sha256/a.jpg", "x" * 1000])
def test_a_thumbnail_further_down_is_that_of_another_image(name: str) -> None:
    own = names.thumbnail(name, width=200, height=150, smart=True)
    assert names.is_thumbnail_of(own, name)
    assert not names.is_thumbnail_of(f"{names.thumbnails(name)}b.jpg/200x150-smart.jpg", name)

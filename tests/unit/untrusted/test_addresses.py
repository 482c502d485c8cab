"""What of an address may be shown, and that nothing else of it comes back in a text from elsewhere."""

import re
from urllib.parse import quote, unquote

import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from shared.untrusted import addresses

SIGNED = "https://me:hunter2!@example.invalid/a%20b.jpg?sv=2024&sp=r&sig=S3CRET%2Fsig%2B==#S3CRETPART"
SHOWN = "https://example.invalid/a%20b.jpg"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (SIGNED, SHOWN),
        (SHOWN, SHOWN),
        ("https://example.invalid", "https://example.invalid"),
        ("https://example.invalid?sig=x", "https://example.invalid"),
        ("https://example.invalid#?sig=x", "https://example.invalid"),
        ("https://example.invalid/#/?sig=x", "https://example.invalid/"),
        ("HTTP://a:b@c@[::1]:80/x@y/z?u@v", "HTTP://[::1]:80/x@y/z"),
        ("https://me:hunter2@proxy/https://you:hunter3@host/x", "https://proxy/https://host/x"),
        ("https://:hunter2@host/", "https://host/"),
        ("https://me:hunter2@[::1/?x", "https://[::1/"),
        ("me:hunter2@host?sig", "host"),
        ("?sig=x", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_user_query_and_fragment(address: str, shown: str) -> None:
    assert addresses.shown(address) == shown
    assert addresses.shown(shown) == shown


LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="?#/@: ")
WORDS = st.text(LETTERS, min_size=12, max_size=30)


@fuzzed
@given(st.text(LETTERS, min_size=1, max_size=20), WORDS, WORDS, WORDS, st.text("/abc%20@", max_size=10))
def test_nothing_of_user_query_and_fragment_is_shown(host: str, user: str, query: str, part: str, path: str) -> None:
    base = f"https://{host}/{path}"
    assert addresses.shown(f"https://{user}@{host}/{path}?{query}#{part}") == base
    assert addresses.shown(f"https://{user}:{part}@{host}/{path}#{query}") == base


def lower(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


# How a service may quote what it was sent.
QUOTED = {
    "as it is": lambda text: text,
    "encoded": lambda text: quote(text, safe=""),
    "encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "encoded in lower case": lambda text: lower(quote(text, safe="")),
    "decoded": unquote,
    "decoded twice": lambda text: unquote(unquote(text)),
    "as a form": lambda text: unquote(text).replace(" ", "+"),
    "cut": lambda text: text[: text.index("sig=") + 8],
    "without its scheme": lambda text: text.partition("://")[2],
    "the query alone": lambda text: text.partition("?")[2].partition("#")[0],
    "the signature alone": lambda text: text.partition("sig=")[2].partition("#")[0],
    "the signature decoded": lambda text: unquote(text.partition("sig=")[2].partition("#")[0]),
    "the user alone": lambda text: text.partition("://")[2].partition("@")[0] + "@",
    "the fragment": lambda text: "#" + text.partition("#")[2],
}


@pytest.mark.parametrize("way", QUOTED)
def test_a_text_that_quotes_an_address_shows_nothing_more_of_it(way: str) -> None:
    text = f"Image URL '{QUOTED[way](SIGNED)}' is not accessible (40 ms)."
    found = addresses.hidden(text, SIGNED)
    for secret in ("hunter2", "S3CRET", "sig=S3", "2Fsig"):
        assert secret not in found
    assert found.startswith("Image URL '")
    assert way == "cut" or found.endswith("is not accessible (40 ms).")


@pytest.mark.parametrize("text", ["", "The image is 9 pixels wide; r, me and 2024 are not hidden.", "a@b ? c # d = e"])
def test_a_text_that_quotes_nothing_stays_as_it_is(text: str) -> None:
    assert addresses.hidden(text, SIGNED) == text
    assert addresses.hidden(text) == text


def test_an_address_that_nobody_has_sent_is_shown_without_its_query_too() -> None:
    text = 'Redirected to "https://elsewhere.invalid/a.jpg?sig=x#y", in vain'
    assert addresses.hidden(text) == 'Redirected to "https://elsewhere.invalid/a.jpg", in vain'


@fuzzed
@given(st.text(max_size=80), WORDS, st.sampled_from(sorted(QUOTED)))
def test_whatever_a_signature_is_it_is_found_in_every_form(before: str, signature: str, way: str) -> None:
    address = f"https://me:{signature}@example.invalid/a.jpg?sig={signature}&sp=r#{signature}"
    found = addresses.hidden(f"{before} {QUOTED[way](address)}", address).removeprefix(before)
    assert way == "cut" or signature not in found
    assert unquote(signature) not in found

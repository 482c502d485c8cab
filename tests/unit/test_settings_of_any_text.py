"""What holds for every text that a setting can have; test_settings.py has the examples."""

import base64
import math
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from doubles.parts import ENVIRONMENT
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.utils import prepend_scheme_if_needed
from urllib3.util import parse_url

from shared.configuration.parse import TEXT_MODES
from shared.configuration.storage_accounts import Account
from shared.contract import FEATURES, LANGUAGES, endpoint
from shared.errors import SettingsError
from shared.settings import Settings

NAMES = {each.metadata["name"]: each.name for each in fields(Settings)}
SECRETS = [each.metadata["name"] for each in fields(Settings) if each.metadata["secret"]]
# Any text an environment can hold, and texts made of what the readers look for.
PIECES = ["http://", "https:", "[", "]", ":", "@", "/", "?", "#", "%00", "\\", "x", ",", "-", "nan", "inf", "1e9"]
PIECES += ["true", "=", "host", ".", "0", "1", "²", "٣", "9" * 400, "9" * 5000, "Tags", "en", "vision", " ", "\n"]
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=40) | st.lists(
    st.sampled_from(PIECES), max_size=6
).map("".join)

DECIMALS = st.decimals("0.001", 86_400, places=3, allow_nan=False)
TOKENS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=40)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
SIDES = st.integers(1, 4096)
# Values of each setting, and how they are written.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "vision_key": KEYS,
    "vision_key_2": st.none() | KEYS,
    "vision_rate": st.tuples(st.integers(1, 10**6), DECIMALS.map(float)),
    "vision_features": st.sets(st.sampled_from(FEATURES), min_size=1).map(
        lambda wanted: tuple(feature for feature in FEATURES if feature in wanted)
    ),
    "vision_language": st.sampled_from(sorted(LANGUAGES)),
    "vision_model_version": st.dates().map(str) | st.just("latest"),
    "vision_timeout_seconds": st.floats(0, 600, exclude_min=True),
    "thumbnail_sizes": st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=5, unique=True).map(tuple),
    "thumbnail_smart": st.booleans(),
    "thumbnail_formats": st.sampled_from([("jpeg",), ("webp",), ("jpeg", "webp")]),
    "text_mode": st.sampled_from(TEXT_MODES),
    "max_wait_seconds": st.floats(0, 600, exclude_min=True),
    "images_storage": st.binary(max_size=40).map(
        lambda key: Account(f"AccountName=a;AccountKey={base64.b64encode(b'k' + key).decode()}")
    ),
    "threads_set": st.integers(1, 256),
    "health_key": st.none() | TOKENS,
}
WRITTEN: dict[str, Callable[[Any], str]] = {
    "vision_rate": lambda rate: f"{rate[0]}/{rate[1]:f}",
    "vision_features": ",".join,
    "thumbnail_formats": ",".join,
    "images_storage": lambda account: str(account.connection_string),
    "thumbnail_sizes": lambda sizes: ",".join(f"{width}x{height}" for width, height in sizes),
}
LABELS = st.text("abcxyz0189-", min_size=1, max_size=12)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
NUMBERS = st.text("0123456789.", min_size=1, max_size=6) | st.sampled_from(
    ["9" * 400, "9" * 5000, "0." + "0" * 400 + "1"]
)
BASES = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    HOSTS,
    st.integers(1, 65_535).map(":{}".format) | st.just(""),
    st.sampled_from(["", "/gateway", "/my/gateway", "/vision-proxy", "/v3.2"]),
)


def written(name: str, value: Any) -> str:
    """Write a value as it stands in an environment."""
    return "" if value is None else WRITTEN.get(name, str)(value)


def problems_of(environment: dict[str, str]) -> list[str]:
    """Return the settings that an environment has wrong; none, if it is taken."""
    try:
        Settings.from_env(environment)
    except SettingsError as error:
        return [problem.partition(" ")[0] for problem in error.problems]
    return []


@settings(max_examples=300)
@given(st.sampled_from(sorted(NAMES)), TEXTS)
def test_any_text_is_a_setting_or_a_problem_that_names_it(name: str, text: str) -> None:
    assert problems_of({**ENVIRONMENT, name: text}) in ([], [name])


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), TEXTS))
def test_any_environment_is_settings_or_all_its_problems(environment: dict[str, str]) -> None:
    named = problems_of(environment)

    assert set(named) <= set(NAMES)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("name", SECRETS)
@given(text=st.text("abcdef=;", min_size=12, max_size=40))
def test_no_secret_is_shown_whether_it_is_taken_or_not(name: str, text: str) -> None:
    try:
        shown = repr(Settings.from_env({**ENVIRONMENT, name: text}))
    except SettingsError as error:
        shown = str(error)
    assert text not in shown


@given(st.fixed_dictionaries(VALUES))
def test_what_is_written_is_read_as_it_was_meant(values: dict[str, Any]) -> None:
    names = {attribute: name for name, attribute in NAMES.items()}
    environment = {names[attribute]: written(attribute, value) for attribute, value in values.items()}
    taken = Settings.from_env({**ENVIRONMENT, **environment})

    assert {attribute: getattr(taken, attribute) for attribute in values} == values


@given(st.permutations(FEATURES), st.integers(1, len(FEATURES)), st.sampled_from([str.lower, str.upper, str.title]))
def test_features_mean_the_same_in_any_order_and_case(order: list[str], count: int, case: Callable[[str], str]) -> None:
    text = " , ".join(case(feature) for feature in order[:count])
    taken = Settings.from_env({**ENVIRONMENT, "VISION_FEATURES": text})

    assert taken.vision_features == tuple(feature for feature in FEATURES if feature in order[:count])


@given(TEXTS | st.builds("{}/{}".format, NUMBERS, NUMBERS))
def test_a_rate_that_is_taken_can_be_kept(text: str) -> None:
    try:
        calls, seconds = Settings.from_env({**ENVIRONMENT, "VISION_RATE": text}).vision_rate
    except SettingsError:
        return
    assert calls >= 1
    assert 0 < seconds < math.inf
    assert 0 < calls / seconds < math.inf


@given(BASES, st.sampled_from(["", "/", "//", "/vision", "/Vision/", "/vision/v3.2", "//vision//v3.2/"]))
def test_an_endpoint_is_the_same_however_it_was_copied(base: str, copied: str) -> None:
    assert endpoint(base + copied) == base
    assert endpoint(f" {base}{copied}\n") == base


@given(TEXTS)
def test_an_endpoint_that_is_taken_is_a_clean_base_address(text: str) -> None:
    try:
        taken = endpoint(text)
    except ValueError:
        return
    assert re.fullmatch(r"https?://[^/?#@]+(/[^/?#]+)*", taken)


@given(TEXTS | st.builds("http://{}:{}@{}".format, TEXTS, TEXTS, HOSTS))
def test_a_proxy_that_is_taken_is_one_that_requests_can_read(text: str) -> None:
    try:
        proxy = Settings.from_env({**ENVIRONMENT, "HTTPS_PROXY": text}).https_proxy
    except SettingsError:
        return
    assert proxy is None or parse_url(prepend_scheme_if_needed(proxy, "http")).host

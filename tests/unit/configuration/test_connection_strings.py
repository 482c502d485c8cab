import logging

import pytest
import responses
from doubles.clock import FakeClock
from doubles.fuzz import fuzzed
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared import services
from shared.api.health import Look
from shared.configuration import connection_strings
from shared.errors import SettingsError, StorageError
from shared.settings import Settings
from shared.storage.azure import BlobStore
from shared.transport import time_budget

KEY = "c2VjcmV0LWtleS0xMjM0NTY3OA=="
SECRET = "c2VjcmV0LWtl"  # what must be in no message
AZURE = f"DefaultEndpointsProtocol=https;AccountName=pictures;AccountKey={KEY};EndpointSuffix=core.windows.net"


@pytest.mark.parametrize(
    "text",
    [
        AZURE,
        AZURE + ";",
        f"AccountName=pictures;AccountKey={KEY}",
        f"accountname=pictures;ACCOUNTKEY={KEY};blobendpoint=http://127.0.0.1:10000/pictures;",
        f"AccountName=a;AccountKey={KEY};BlobEndpoint=https://[::1]:443/a;BlobSecondaryEndpoint=https://b.example.com",
        "BlobEndpoint=https://pictures.blob.core.windows.net/;SharedAccessSignature=sv=2024-11-04&sig=a%2Bb%3D",
        "AccountName=pictures;SharedAccessSignature=?sv=2024-11-04&sig=a%2Bb%3D",
        "UseDevelopmentStorage=true",
        f"{AZURE};QueueEndpoint=https://pictures.queue.core.windows.net/;Unknown=x",
    ],
)
def test_what_the_portal_and_the_emulator_give_is_taken_as_it_is(text: str) -> None:
    assert connection_strings.checked(text) == text
    assert BlobStore(text).url("images", "a.jpg").endswith("/images/a.jpg")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not made of pairs"),
        (";", "it is not made of pairs"),
        (f"AccountName=a;;AccountKey={KEY}", "it is not made of pairs"),
        (f"AccountName=ä;AccountKey={KEY}", "it is not made of pairs"),
        ("foo=bar", "neither AccountName and AccountKey nor SharedAccessSignature"),
        (f"AccountKey={KEY}", "neither AccountName and AccountKey"),
        ("AccountName=pictures", "neither AccountName and AccountKey"),
        (f"AccountName=pictures;AccountKey={KEY}=", "AccountKey is no base64"),
        (f"AccountName=pictures;AccountKey={KEY[:-3]}", "AccountKey is no base64"),
        (f"AccountName=pictures/a;AccountKey={KEY}", "AccountName is none"),
        (AZURE.replace("https", "ftp"), "DefaultEndpointsProtocol is neither"),
        (AZURE.replace("core.windows.net", "core windows"), "EndpointSuffix is no host's name"),
        (AZURE.replace("core.windows.net", "core.windows.net:0"), "EndpointSuffix is no host's name"),
        (f"AccountName=a;AccountKey={KEY};BlobEndpoint=127.0.0.1:10000/a", "BlobEndpoint is no http(s) address"),
        (f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://a:99999/a", "BlobEndpoint is no http(s) address"),
        (f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://[/a", "BlobEndpoint is no http(s) address"),
        (
            f"AccountName=a;AccountKey={KEY};BlobSecondaryEndpoint=http://a",
            "BlobSecondaryEndpoint without BlobEndpoint",
        ),
        ("SharedAccessSignature=sig=1", "neither AccountName nor BlobEndpoint"),
        ("AccountName=a;SharedAccessSignature=sv=2024-11-04", "SharedAccessSignature has no sig"),
        ("UseDevelopmentStorage=True", "neither AccountName and AccountKey"),
    ],
)
def test_what_the_sdk_could_not_use_is_named_with_its_setting_and_no_value(
    text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ImagesStorage", "AzureWebJobsStorage"):
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({**ENVIRONMENT, name: text or " ;"})
        (told,) = caught.value.problems
        assert told.startswith(f"{name} must be a storage connection string")
        assert problem in told
        assert SECRET not in told
    monkeypatch.setattr(services, "_current", None)
    for name, value in {**ENVIRONMENT, "ImagesStorage": text or " ;"}.items():
        monkeypatch.setenv(name, value)
    (found,) = Look()().problems
    assert (found["part"], found["code"]) == ("settings", "settings_invalid")
    assert "ImagesStorage" in found["message"]


NAMES = st.sampled_from(
    [
        "AccountName",
        "accountkey",
        "AccountKey",
        "BlobEndpoint",
        "BlobSecondaryEndpoint",
        "DefaultEndpointsProtocol",
        "EndpointSuffix",
        "SharedAccessSignature",
        "UseDevelopmentStorage",
        "Foo",
    ]
)
GOOD = {"AccountName": "a", "AccountKey": KEY, "BlobEndpoint": "http://127.0.0.1:9/a", "EndpointSuffix": "b.example"}
VALUES = st.one_of(
    st.sampled_from(
        [*GOOD.values(), "true", "http", "https", "sv=1&sig=2", "?", "http://", "http://[", "a:b", "//", "=="]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
)
STRINGS = st.one_of(
    st.builds(
        lambda changes: ";".join(f"{name}={value}" for name, value in {**GOOD, **changes}.items()),
        st.dictionaries(NAMES, VALUES, max_size=3),
    ),
    st.builds(lambda pairs: ";".join(f"{name}={value}" for name, value in pairs), st.lists(st.tuples(NAMES, VALUES))),
    st.text(max_size=40),
)


def taken(text: str) -> tuple[Settings | None, str]:
    """The settings with it, or why there are none."""
    try:
        return Settings.from_env({**ENVIRONMENT, "ImagesStorage": text}), ""
    except SettingsError as error:
        return None, error.message


@fuzzed
@given(STRINGS)
def test_a_connection_string_is_refused_by_name_or_can_be_used(text: str) -> None:
    settings, refused = taken(text)
    if settings is None:
        assert "ImagesStorage" in refused
        assert SECRET not in refused
        return
    logging.getLogger("azure").setLevel(logging.ERROR)
    with responses.RequestsMock(), time_budget.request(20, FakeClock()):
        store = BlobStore(settings.images_storage)
        with pytest.raises(StorageError, match=r"could not be asked for images/a.jpg: ServiceRe\w+Error") as caught:
            store.head("images", "a.jpg")
        assert SECRET not in caught.value.message

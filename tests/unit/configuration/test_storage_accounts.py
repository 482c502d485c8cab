"""A storage account is set with a connection string, or with an identity that the Functions host takes too."""

from dataclasses import replace

import pytest
from doubles.fuzz import fuzzed
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared.configuration.storage_accounts import PARTS, Account, Principal
from shared.errors import SettingsError
from shared.settings import Settings

CLIENT = "01234567-89ab-cdef-0123-456789abcdef"
OTHER = "fedcba98-7654-3210-fedc-ba9876543210"
IMAGES = {
    "ImagesStorage__blobServiceUri": "https://pictures.blob.core.windows.net/",
    "ImagesStorage__queueServiceUri": "https://pictures.queue.core.windows.net/",
}
HOST = {
    "AzureWebJobsStorage__blobServiceUri": "https://books.blob.core.windows.net",
    "AzureWebJobsStorage__queueServiceUri": "https://books.queue.core.windows.net",
    "AzureWebJobsStorage__tableServiceUri": "https://books.table.core.windows.net",
}
AZURE = {"IDENTITY_ENDPOINT": "http://127.0.0.1:8081/msi/token", "IDENTITY_HEADER": "a-header"}
KEYLESS = {"VISION_ENDPOINT": "https://vision.example.com", "VISION_AUTH": "identity", **IMAGES, **HOST}


def read(**changes: str) -> Settings:
    return Settings.from_env({**KEYLESS, **changes})


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environment)
    return caught.value.problems


def test_an_app_without_any_key_is_set_up() -> None:
    settings = read()
    assert settings.images_storage == Account(blobs="https://pictures.blob.core.windows.net", principal=Principal())
    assert settings.host_storage == Account(blobs="https://books.blob.core.windows.net", principal=Principal())
    assert (settings.images_storage.setting, settings.host_storage.setting) == ("ImagesStorage", "AzureWebJobsStorage")


def test_one_account_may_have_a_connection_string_and_the_other_none() -> None:
    settings = Settings.from_env({**ENVIRONMENT, "ImagesStorage": "", **IMAGES})
    assert settings.images_storage.connection_string is None
    assert settings.host_storage.connection_string == ENVIRONMENT["AzureWebJobsStorage"]


def test_an_accounts_name_stands_for_its_addresses_in_public_azure() -> None:
    named = {"ImagesStorage__accountName": "pictures", "AzureWebJobsStorage__accountName": "books"}
    settings = Settings.from_env({"VISION_ENDPOINT": "https://v", "VISION_AUTH": "identity", **named})
    assert (settings.images_storage, settings.host_storage) == (read().images_storage, read().host_storage)


def test_the_same_account_is_the_same_whatever_setting_names_it() -> None:
    settings = read(AzureWebJobsStorage__blobServiceUri=IMAGES["ImagesStorage__blobServiceUri"])
    assert settings.images_storage == settings.host_storage
    assert hash(settings.images_storage) == hash(settings.host_storage)
    assert settings.images_storage != replace(settings.host_storage, principal=Principal(managed=True))


@pytest.mark.parametrize(
    ("environment", "principal"),
    [
        ({}, Principal(managed=False)),
        ({"AZURE_CLIENT_ID": CLIENT.upper()}, Principal(managed=False, client_id=CLIENT)),
        (AZURE, Principal(managed=True)),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1:8081/msi/token"}, Principal(managed=False)),
        ({**AZURE, "AZURE_CLIENT_ID": CLIENT}, Principal(managed=True, client_id=CLIENT)),
        ({"ImagesStorage__credential": "ManagedIdentity"}, Principal(managed=True)),
        ({"ImagesStorage__clientId": CLIENT}, Principal(managed=False, client_id=CLIENT)),
        ({**AZURE, "ImagesStorage__clientId": CLIENT, "AZURE_CLIENT_ID": OTHER}, Principal(True, CLIENT)),
        (
            {"ImagesStorage__credential": "managedidentity", "ImagesStorage__clientId": CLIENT},
            Principal(managed=True, client_id=CLIENT),
        ),
        (
            # The host's own rule: a managed identity without a client id is the system-assigned one.
            {**AZURE, "ImagesStorage__credential": "managedidentity", "AZURE_CLIENT_ID": CLIENT},
            Principal(managed=True),
        ),
    ],
)
def test_the_identity_is_the_one_that_the_settings_or_azure_give(
    environment: dict[str, str], principal: Principal
) -> None:
    assert read(**environment).images_storage.principal == principal


def test_the_identity_of_computer_vision_is_that_of_a_storage_account_with_the_same_client_id() -> None:
    own = {"AzureWebJobsStorage__credential": "managedidentity", "AzureWebJobsStorage__clientId": CLIENT}
    settings = read(**AZURE, **own, AZURE_CLIENT_ID=CLIENT)
    assert settings.principal == settings.host_storage.principal == settings.images_storage.principal


def test_settings_are_taken_in_any_case_as_the_host_takes_them() -> None:
    lower = {name.lower().replace("imagesstorage", "ImagesStorage"): text for name, text in IMAGES.items()}
    environment = {name: text for name, text in KEYLESS.items() if name not in IMAGES}
    assert Settings.from_env({**environment, **lower}) == read()


@pytest.mark.parametrize(
    ("address", "blobs", "name"),
    [
        ("https://pictures.blob.core.windows.net//", "https://pictures.blob.core.windows.net", "pictures"),
        ("https://pictures.blob.core.chinacloudapi.cn", "https://pictures.blob.core.chinacloudapi.cn", "pictures"),
        ("https://127.0.0.1:12345/devstoreaccount1", "https://127.0.0.1:12345/devstoreaccount1", "devstoreaccount1"),
        ("https://[::1]:12345/devstoreaccount1/", "https://[::1]:12345/devstoreaccount1", "devstoreaccount1"),
    ],
)
def test_the_address_of_an_account_or_an_emulator_is_taken(address: str, blobs: str, name: str) -> None:
    account = read(ImagesStorage__blobServiceUri=address).images_storage
    assert (account.blobs, account.name) == (blobs, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AccountName=pictures;AccountKey=c2VjcmV0", "pictures"),
        ("AccountKey=c2VjcmV0;accountname=pictures", "pictures"),
        ("BlobEndpoint=https://pictures.blob.core.windows.net/;SharedAccessSignature=sig=hunter2", "pictures"),
        ("UseDevelopmentStorage=true", ""),
    ],
)
def test_an_account_with_a_connection_string_has_a_name_for_messages_and_shows_no_key(text: str, name: str) -> None:
    account = Account(text)
    assert account.name == name
    assert "c2VjcmV0" not in repr(account)
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"ImagesStorage": "AccountName=a;AccountKey=c2VjcmV0"},
            ["ImagesStorage is set beside ImagesStorage__blobServiceUri and ImagesStorage__queueServiceUri"],
        ),
        (
            {"AzureWebJobsImagesStorage": "AccountName=a;AccountKey=c2VjcmV0"},
            ["ImagesStorage is not what the triggers use, because AzureWebJobsImagesStorage is set"],
        ),
        (
            {"AzureWebJobsImagesStorage__accountName": "pictures"},
            ["ImagesStorage is not what the triggers use, because AzureWebJobsImagesStorage__accountName is set"],
        ),
        (
            dict.fromkeys(IMAGES, ""),
            ["ImagesStorage is not set: a connection string, or ImagesStorage__blob"],
        ),
        (
            {"ImagesStorage__queueServiceUri": " "},
            ["ImagesStorage__queueServiceUri is not set: the blob trigger keeps there"],
        ),
        ({"ImagesStorage__blobServiceUri": ""}, ["ImagesStorage__blobServiceUri is not set: the images lie there"]),
        (
            {"AzureWebJobsStorage__queueServiceUri": "", "AzureWebJobsStorage__tableServiceUri": ""},
            [
                "AzureWebJobsStorage__queueServiceUri is not set: the blob trigger and Durable Functions",
                "AzureWebJobsStorage__tableServiceUri is not set: Durable Functions",
            ],
        ),
        (
            {"ImagesStorage__accountName": "pictures"},
            ["ImagesStorage__accountName is set beside ImagesStorage__blobServiceUri and ImagesStorage__queue"],
        ),
        (
            {"ImagesStorage__blobServiceUri": "http://pictures.blob.core.windows.net"},
            ["ImagesStorage__blobServiceUri must be an https address such as https://ACCOUNT.blob.core.windows.net: a"],
        ),
        (
            {"ImagesStorage__blobServiceUri": "https://pictures.blob.core.windows.net/images"},
            ["ImagesStorage__blobServiceUri must be an https address"],
        ),
        (
            {"ImagesStorage__credential": "workloadidentity"},
            ["ImagesStorage__credential must be managedidentity, or not be set"],
        ),
        (
            {"ImagesStorage__credential": "managedidentity", "ImagesStorage__clientId": "my-identity"},
            ["ImagesStorage__clientId must be the client id of an identity, such as"],
        ),
        (
            {"ImagesStorage__tenantId": "t", "ImagesStorage__clientSecret": "hunter2", "AZURE_CLIENT_ID": "x"},
            [
                "AZURE_CLIENT_ID must be the client id",
                "ImagesStorage__tenantId is no setting that the app takes; of an identity there are blobServiceUri,",
                "ImagesStorage__clientSecret is no setting that the app takes",
            ],
        ),
        (
            {"AzureWebJobsStorage__managedIdentityResourceId": "/subscriptions/hunter2"},
            ["AzureWebJobsStorage__managedIdentityResourceId is no setting that the app takes"],
        ),
    ],
)
def test_what_the_app_or_the_host_could_not_use_is_refused_with_the_reason(
    changes: dict[str, str], expected: list[str]
) -> None:
    found = problems({**KEYLESS, **changes})
    assert len(found) == len(expected), found
    for problem, beginning in zip(found, expected, strict=True):
        assert problem.startswith(beginning)
        assert "hunter2" not in problem
        assert "c2VjcmV0" not in problem


@pytest.mark.parametrize("part", ["blobServiceUri", "queueServiceUri", "tableServiceUri"])
@pytest.mark.parametrize(
    "address",
    [
        "pictures",
        "https://",
        "https://me:hunter2@pictures.blob.core.windows.net",
        "https://pictures.blob.core.windows.net?sv=1&sig=hunter2",
        "https://pictures.blob.core.windows.net/#hunter2",
        "HTTP://pictures.blob.core.windows.net",
        "https://127.0.0.1:10000/devstoreaccount1/images",
        "https://127.0.0.1:99999/devstoreaccount1",
    ],
)
def test_an_address_to_which_no_token_may_go_is_refused_and_not_repeated(part: str, address: str) -> None:
    name = f"AzureWebJobsStorage__{part}"
    [problem] = problems({**KEYLESS, name: address})
    assert problem.startswith(f"{name} must be an https address such as https://ACCOUNT.")
    assert "pictures" not in problem
    assert "hunter2" not in problem


NAMES = [f"{account}__{part.name}" for account in ("ImagesStorage", "AzureWebJobsStorage") for part in PARTS]
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=40) | st.sampled_from(
    ["https://a.example", "http://a", "managedidentity", CLIENT, "pictures", "hunter2", "https://hunter2@a", "[", "//"]
)


def taken(environment: dict[str, str]) -> tuple[Settings | None, list[str]]:
    """The settings, or why there are none."""
    try:
        return Settings.from_env(environment), []
    except SettingsError as error:
        return None, error.problems


@fuzzed
@given(st.dictionaries(st.sampled_from([*NAMES, "ImagesStorage", "ImagesStorage__other"]), TEXTS, max_size=5))
def test_any_settings_of_accounts_are_taken_or_refused_by_their_names(changes: dict[str, str]) -> None:
    settings, refused = taken({**KEYLESS, **changes})
    assert all(problem.startswith(("ImagesStorage", "AzureWebJobsStorage")) for problem in refused)
    assert "hunter2" not in "".join(refused)
    for account in (settings.images_storage, settings.host_storage) if settings else ():
        assert account.blobs.startswith("https://")
        assert "@" not in account.blobs

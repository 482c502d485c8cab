"""The app takes the settings that the Bicep gives it; `tests/e2e/test_without_keys.py` runs it with them."""

import pytest
from doubles.app_settings import from_bicep

from shared.configuration.storage_accounts import Principal
from shared.pace.ledger import Rate
from shared.settings import Settings

CLIENT = "1a1f7c52-0000-4000-8000-000000000001"
KNOWN = {
    "identityClientId": CLIENT,
    "insights.properties.ConnectionString": "InstrumentationKey=i",
    "visionEndpoint": "https://cog-token.cognitiveservices.azure.com/",
    **{f"images{each}Url": f"https://stimages.{each.lower()}.core.windows.net/" for each in ("Blob", "Queue")},
    **{f"host{each}Url": f"https://sthost.{each.lower()}.core.windows.net/" for each in ("Blob", "Queue", "Table")},
}

PLATFORM = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "h"}


def settings(**parameters: str) -> Settings:
    return Settings.from_env({**from_bicep(KNOWN, **parameters), **PLATFORM})


def test_the_app_comes_to_each_service_as_the_one_identity_and_has_no_key() -> None:
    found = settings()
    assert found.principal == found.images_storage.principal == found.host_storage.principal == Principal(True, CLIENT)
    assert (found.images_storage.blobs, found.host_storage.blobs) == (
        "https://stimages.blob.core.windows.net",
        "https://sthost.blob.core.windows.net",
    )
    assert (found.vision_auth, found.vision_key, found.vision_key_2) == ("identity", None, None)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, (10, 1)),
        ({"visionTier": "F0"}, (20, 60)),
        ({"visionTier": "F0", "visionRate": "5/60"}, (5, 60)),
    ],
)
def test_the_rate_is_the_tiers_unless_another_is_asked_for(
    parameters: dict[str, str], expected: tuple[int, int]
) -> None:
    assert Rate.for_tier(*settings(**parameters).vision_rate) == Rate.for_tier(*expected)


def test_what_is_given_for_the_app_reaches_it() -> None:
    given = {"visionMonthlyLimit": "5000", "features": "Tags", "thumbnailSizes": "64x64"}
    found = settings(**given)
    assert found.vision_monthly_limit == 5000
    assert list(found.vision_features) == ["Tags"]
    assert list(found.thumbnail_sizes) == [(64, 64)]
    assert settings().vision_monthly_limit is None


def test_a_value_of_which_the_test_knows_nothing_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="ImagesStorage__queueServiceUri"):
        from_bicep({name: value for name, value in KNOWN.items() if name != "imagesQueueUrl"})


def test_images_are_written_over_http_only_where_that_is_asked_for() -> None:
    assert from_bicep(KNOWN)["IMAGES_WRITABLE"] == "false"
    assert from_bicep(KNOWN, imagesWritable="true")["IMAGES_WRITABLE"] == "true"


def test_an_app_that_never_had_sign_in_has_no_setting_of_it() -> None:
    name = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    assert name not in from_bicep(KNOWN, gallerySignIn="true")
    assert from_bicep(KNOWN, galleryClientId="c11e47")[name] == CLIENT

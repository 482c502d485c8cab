from dataclasses import fields

import pytest
from doubles.parts import ENVIRONMENT

from shared import settings
from shared.errors import SettingsError
from shared.settings import Settings

SECRETS = ("VISION_KEY", "VISION_KEY_2", "ImagesStorage", "AzureWebJobsStorage", "HEALTH_KEY")


def read(**environment: str) -> Settings:
    return Settings.from_env({**ENVIRONMENT, **environment})


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environment)
    return caught.value.problems


def test_the_defaults_hold_where_nothing_is_set() -> None:
    assert read() == Settings(
        vision_endpoint="https://vision.invalid",
        vision_auth="key",
        vision_key="first-secret-key",
        vision_key_2=None,
        vision_rate=(10, 1.0),
        vision_features=("Categories", "Tags", "Description", "Objects", "ImageType", "Color"),
        vision_language="en",
        vision_model_version="latest",
        vision_timeout_seconds=30.0,
        vision_daily_limit=None,
        vision_monthly_limit=None,
        vision_stop=False,
        answer_lifetime_days=None,
        thumbnail_sizes=((200, 150), (1024, 768)),
        thumbnail_smart=True,
        text_mode="auto",
        text_reading_order="natural",
        text_model_version="latest",
        text_deadline_seconds=1800.0,
        max_wait_seconds=20.0,
        images_storage="AccountName=images;AccountKey=secret",
        host_storage="AccountName=host;AccountKey=secret",
        threads=16,
        ca_bundle=None,
        https_proxy=None,
        health_key=None,
    )


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("VISION_ENDPOINT", "https://x.cognitiveservices.azure.com/", "vision_endpoint", None),
        ("VISION_ENDPOINT", "http://127.0.0.1:7072", "vision_endpoint", "http://127.0.0.1:7072"),
        ("VISION_KEY", " spaced-key ", "vision_key", "spaced-key"),
        ("VISION_KEY_2", "second", "vision_key_2", "second"),
        ("VISION_RATE", "20/60", "vision_rate", (20, 60.0)),
        ("VISION_RATE", "5/0.5", "vision_rate", (5, 0.5)),
        ("VISION_FEATURES", "color, TAGS,,tags", "vision_features", ("Tags", "Color")),
        ("VISION_LANGUAGE", "pt-BR", "vision_language", "pt-BR"),
        ("VISION_MODEL_VERSION", "2021-05-01", "vision_model_version", "2021-05-01"),
        ("VISION_TIMEOUT_SECONDS", "600", "vision_timeout_seconds", 600.0),
        ("VISION_DAILY_LIMIT", "0", "vision_daily_limit", 0),
        ("VISION_MONTHLY_LIMIT", "250000", "vision_monthly_limit", 250_000),
        ("VISION_STOP", "true", "vision_stop", True),
        ("ANSWER_LIFETIME_DAYS", "30", "answer_lifetime_days", 30),
        ("THUMBNAIL_SIZES", "1x1, 1024x1024,1x1", "thumbnail_sizes", ((1, 1), (1024, 1024))),
        ("THUMBNAIL_SMART", "False", "thumbnail_smart", False),
        ("TEXT_MODE", "never", "text_mode", "never"),
        ("MAX_WAIT_SECONDS", "0.5", "max_wait_seconds", 0.5),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "256", "threads", 256),
        ("REQUESTS_CA_BUNDLE", "/etc/authorities.pem", "ca_bundle", "/etc/authorities.pem"),
        ("HTTPS_PROXY", "http://proxy:8080", "https_proxy", "http://proxy:8080"),
        ("HEALTH_KEY", "open-sesame", "health_key", "open-sesame"),
        ("VISION_RATE", "   ", "vision_rate", (10, 1.0)),
    ],
)
def test_each_setting_is_read(name: str, text: str, attribute: str, value: object) -> None:
    expected = text.rstrip("/") if value is None else value
    assert getattr(read(**{name: text}), attribute) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VISION_ENDPOINT", "my-resource.cognitiveservices.azure.com"),
        ("VISION_ENDPOINT", "ftp://my-resource"),
        ("VISION_ENDPOINT", "https://"),
        ("VISION_ENDPOINT", "https://host/?key=1"),
        ("VISION_ENDPOINT", "https://[broken"),
        ("VISION_RATE", "10"),
        ("VISION_RATE", "0/1"),
        ("VISION_RATE", "10/0"),
        ("VISION_RATE", "-1/1"),
        ("VISION_FEATURES", "Tags,Smell"),
        ("VISION_FEATURES", ","),
        ("VISION_LANGUAGE", "xx"),
        ("VISION_MODEL_VERSION", "newest"),
        ("VISION_TIMEOUT_SECONDS", "x"),
        ("VISION_TIMEOUT_SECONDS", "0"),
        ("VISION_TIMEOUT_SECONDS", "nan"),
        ("VISION_TIMEOUT_SECONDS", "601"),
        ("VISION_DAILY_LIMIT", "-1"),
        ("VISION_MONTHLY_LIMIT", "none"),
        ("VISION_MONTHLY_LIMIT", "²"),
        ("VISION_STOP", "1"),
        ("ANSWER_LIFETIME_DAYS", "0"),
        ("ANSWER_LIFETIME_DAYS", "1.5"),
        ("ANSWER_LIFETIME_DAYS", "36501"),
        ("THUMBNAIL_SIZES", "200x150,0x10"),
        ("THUMBNAIL_SIZES", "1025x10"),
        ("THUMBNAIL_SIZES", "200"),
        ("THUMBNAIL_SMART", "yes"),
        ("TEXT_MODE", "sometimes"),
        ("MAX_WAIT_SECONDS", "-1"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "0"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "1.5"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "²"),
        ("ImagesStorage", "my-account"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(name: str, text: str) -> None:
    (problem,) = problems({**ENVIRONMENT, name: text})
    assert problem.startswith(f"{name} ")
    assert len(problem) > len(name) + len(text) + 5, "says nothing about what is allowed"
    assert (repr(text) in problem) == (name not in SECRETS)


def test_every_problem_is_reported_at_once() -> None:
    found = problems({"VISION_RATE": "fast", "TEXT_MODE": "maybe", "ImagesStorage": "nothing"})
    assert [problem.split()[0] for problem in found] == [
        "VISION_ENDPOINT",
        "VISION_RATE",
        "TEXT_MODE",
        "ImagesStorage",
        "AzureWebJobsStorage",
        "VISION_KEY",
    ]
    assert found[0] == (
        "VISION_ENDPOINT is not set: base address of the Computer Vision resource (or the Read container)"
    )


def test_no_secret_is_shown() -> None:
    secrets = {name: f"Secret=of-{name.lower()}" for name in SECRETS}
    shown = repr(read(**secrets))
    assert "https://vision.invalid" in shown
    assert not [name for name, secret in secrets.items() if secret in shown]


def test_a_secret_that_is_wrong_is_not_shown_either() -> None:
    with pytest.raises(SettingsError) as caught:
        read(ImagesStorage="a-key-pasted-into-the-wrong-place")
    assert "ImagesStorage" in str(caught.value)
    assert "pasted" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        read().vision_key = "another"  # type: ignore[misc]


def test_the_environment_of_the_process_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "VISION_RATE": "7/1", "HEALTH_KEY": "k"}.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_env().vision_rate == (7, 1.0)
    assert settings.health_key() == "k"


def test_the_health_key_is_read_where_all_else_is_wrong() -> None:
    assert settings.health_key({"HEALTH_KEY": " k ", "VISION_RATE": "fast"}) == "k"
    assert settings.health_key({"HEALTH_KEY": "  "}) is None
    assert settings.health_key({}) is None


def test_every_setting_says_what_it_is_for() -> None:
    for each in fields(Settings):
        assert each.metadata["help"].endswith("."), each.name

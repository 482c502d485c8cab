from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest
from doubles.parts import ENVIRONMENT

from shared import settings
from shared.configuration.parse import Prices
from shared.configuration.storage_accounts import Account, Principal
from shared.errors import SettingsError
from shared.records import analysis
from shared.settings import Settings
from shared.vision import billing

SECRETS = (
    "VISION_KEY",
    "VISION_KEY_2",
    "ImagesStorage",
    "AzureWebJobsStorage",
    "HEALTH_KEY",
    "GALLERY_KEY",
    "HTTPS_PROXY",
)
# In which a key is put easily: as part of an address.
NEVER_REPEATED = (*SECRETS, "VISION_ENDPOINT", "PUBLIC_ADDRESS", "AZURE_CLIENT_ID", "URL_ALLOW")


def read(**environment: str) -> Settings:
    return Settings.from_env({**ENVIRONMENT, **environment})


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environment)
    return caught.value.problems


def test_the_defaults_hold_where_nothing_is_set() -> None:
    assert read(IMAGES_WRITABLE="") == Settings(
        vision_endpoint="https://vision.invalid",
        vision_auth="key",
        vision_key="first-secret-key",
        vision_key_2=None,
        principal=Principal(),
        vision_rate=(10, 1.0),
        vision_features=("Tags", "Description", "Objects"),
        vision_language="en",
        vision_model_version="latest",
        vision_timeout_seconds=30.0,
        vision_daily_limit=None,
        vision_monthly_limit=None,
        vision_stop=False,
        answer_lifetime_days=None,
        forget_after_hours=24,
        reconcile="repair",
        reconcile_since=None,
        reconcile_hour=3,
        log_names="plain",
        thumbnail_sizes=((200, 150), (1024, 768)),
        thumbnail_mode_set=None,
        thumbnail_smart=True,
        thumbnail_formats=("jpeg",),
        text_mode="auto",
        text_reading_order="natural",
        text_model_version="latest",
        text_deadline_seconds=1800.0,
        max_wait_seconds=20.0,
        url_allow=None,
        max_upload_megabytes=100,
        max_megapixels=100,
        images_writable=False,
        search_records=False,
        vision_prices=Prices(1.0, 1.5, "USD"),
        images_storage=Account("AccountName=images;AccountKey=c2VjcmV0"),
        host_storage=Account("AccountName=host;AccountKey=c2VjcmV0"),
        threads_set=None,
        ca_bundle=None,
        https_proxy=None,
        public_address=None,
        health_key=None,
        gallery_key=None,
        gallery_open=False,
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
        ("SEARCH_RECORDS", "true", "search_records", True),
        ("VISION_PRICES", "0.65/1.5 EUR", "vision_prices", Prices(0.65, 1.5, "EUR")),
        ("VISION_FEATURES", "color, TAGS,,tags", "vision_features", ("Tags", "Color")),
        ("VISION_LANGUAGE", "pt-BR", "vision_language", "pt-BR"),
        ("VISION_MODEL_VERSION", "2021-05-01", "vision_model_version", "2021-05-01"),
        ("VISION_TIMEOUT_SECONDS", "600", "vision_timeout_seconds", 600.0),
        ("VISION_DAILY_LIMIT", "0", "vision_daily_limit", 0),
        ("VISION_MONTHLY_LIMIT", "250000", "vision_monthly_limit", 250_000),
        ("VISION_STOP", "true", "vision_stop", True),
        ("ANSWER_LIFETIME_DAYS", "30", "answer_lifetime_days", 30),
        ("THUMBNAIL_SIZES", "1x1, 4096x4096,1x1", "thumbnail_sizes", ((1, 1), (4096, 4096))),
        ("THUMBNAIL_MODE", "", "thumbnail_mode", "auto"),
        ("THUMBNAIL_MODE", "area", "thumbnail_mode", "area"),
        ("THUMBNAIL_MODE", "vision", "thumbnail_mode", "vision"),
        ("THUMBNAIL_MODE", "center", "thumbnail_mode", "center"),
        ("THUMBNAIL_SMART", "false", "thumbnail_mode", "center"),
        ("THUMBNAIL_FORMATS", "WebP, jpeg,,webp", "thumbnail_formats", ("jpeg", "webp")),
        ("THUMBNAIL_FORMATS", "webp", "thumbnail_formats", ("webp",)),
        ("THUMBNAIL_SMART", "False", "thumbnail_smart", False),
        ("TEXT_MODE", "never", "text_mode", "never"),
        ("MAX_WAIT_SECONDS", "0.5", "max_wait_seconds", 0.5),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "256", "threads_set", 256),
        ("REQUESTS_CA_BUNDLE", "/etc/authorities.pem", "ca_bundle", "/etc/authorities.pem"),
        ("HTTPS_PROXY", "http://proxy:8080", "https_proxy", "http://proxy:8080"),
        ("HTTPS_PROXY", "https://me:p%40ss@[::1]:8080", "https_proxy", "https://me:p%40ss@[::1]:8080"),
        ("PUBLIC_ADDRESS", "https://api.example.com/pictures/", "public_address", "https://api.example.com/pictures"),
        ("VISION_MODEL_VERSION", "2024-02-29-preview", "vision_model_version", "2024-02-29-preview"),
        ("HEALTH_KEY", "open-sesame", "health_key", "open-sesame"),
        ("GALLERY_KEY", "sixteen-letters!", "gallery_key", "sixteen-letters!"),
        ("GALLERY_OPEN", "True", "gallery_open", True),
        ("IMAGES_WRITABLE", "True", "images_writable", True),
        ("VISION_RATE", "   ", "vision_rate", (10, 1.0)),
    ],
)
def test_each_setting_is_read(name: str, text: str, attribute: str, value: object) -> None:
    expected = text.rstrip("/") if value is None else value
    assert getattr(read(**{name: text}), attribute) == expected


@pytest.mark.parametrize("name", ["VISION_DAILY_LIMIT", "VISION_MONTHLY_LIMIT"])
def test_a_limit_is_as_high_as_one_analysis_costs_or_0(name: str) -> None:
    features = "Tags,Description,Objects"
    for limit in ("0", "3", "4"):
        chosen = read(**{name: limit, "VISION_FEATURES": features})
        assert billing.price(analysis.question(chosen)) == 3
    for limit in ("1", "2"):
        with pytest.raises(SettingsError) as caught:
            read(**{name: limit, "VISION_FEATURES": features})
        assert caught.value.problems == [
            f"{name} is lower than one analysis costs, so nothing could be analyzed: each feature of VISION_FEATURES is"
            f" a transaction, so set it to 3 or more, to 0 for no paid call, or leave it out for no limit; it is"
            f" '{limit}'"
        ]
    assert read(**{name: "1", "VISION_FEATURES": "Tags"})


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
        ("THUMBNAIL_SIZES", "4097x10"),
        ("THUMBNAIL_MODE", "smart"),
        ("THUMBNAIL_MODE", "Auto"),
        ("THUMBNAIL_FORMATS", "jpeg,png"),
        ("THUMBNAIL_FORMATS", ","),
        ("THUMBNAIL_SIZES", "200"),
        ("THUMBNAIL_SMART", "yes"),
        ("TEXT_MODE", "sometimes"),
        ("MAX_WAIT_SECONDS", "-1"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "0"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "1.5"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "²"),
        ("ImagesStorage", "my-account"),
        ("ImagesStorage", "AccountName=a;my-account"),
        ("ImagesStorage", ";;"),
        ("PUBLIC_ADDRESS", "api.example.com"),
        ("PUBLIC_ADDRESS", "https://api.example.com/?code=k"),
        ("HTTPS_PROXY", "proxy:8080"),
        ("HTTPS_PROXY", "socks5://proxy:8080"),
        ("HTTPS_PROXY", "http://proxy:99999"),
        ("VISION_MODEL_VERSION", "9999-99-99"),
        ("TEXT_MODEL_VERSION", "2023-02-29"),
        ("AZURE_CLIENT_ID", "my-identity"),
        ("URL_ALLOW", "localhost"),
        ("URL_ALLOW", "10.0.0.1/8"),
        ("URL_ALLOW", "https://a.example, https://a.example/images"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(name: str, text: str) -> None:
    (problem,) = problems({**ENVIRONMENT, name: text})
    assert problem.startswith(f"{name} ")
    assert len(problem) > len(name) + len(text) + 5, "says nothing about what is allowed"
    assert (repr(text) in problem) == (name not in NEVER_REPEATED)


@pytest.mark.parametrize("name", [each.metadata["name"] for each in fields(Settings) if each.name != "ca_bundle"])
@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\udcff"], ids=lambda text: ascii(text)
)
def test_a_control_character_in_a_setting_is_a_problem_that_repeats_no_key(name: str, character: str) -> None:
    text = {"HTTPS_PROXY": "http://u:hunter2@p:1", "VISION_ENDPOINT": "https://hunter2.example"}.get(name, "A=hunter2")
    (problem,) = problems({**ENVIRONMENT, name: f"{text}{character}x"})
    assert problem.startswith(f"{name} ")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VISION_RATE", "\u0661\u0660/1"),
        ("VISION_RATE", "10/\U0001d7cf"),
        ("VISION_TIMEOUT_SECONDS", "\uff13\uff10"),
        ("VISION_TIMEOUT_SECONDS", "1_0"),
        ("VISION_DAILY_LIMIT", "\u0663"),
        ("ANSWER_LIFETIME_DAYS", "\u096f"),
        ("THUMBNAIL_SIZES", "\u0662\u0660\u0660x150"),
        ("VISION_MODEL_VERSION", "\uff12\uff1021-05-01"),
        ("TEXT_MODEL_VERSION", "2021-\u09665-01"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "\u0967\u096c"),
    ],
)
def test_numbers_are_written_in_ascii(name: str, text: str) -> None:
    (problem,) = problems({**ENVIRONMENT, name: text})
    assert problem.startswith(f"{name} must be ")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("https://me:hunter2@vision.example", "password"),
        ("https://hunter2@vision.example", "password"),
        ("https://vision.example/?sig=hunter2", "query"),
        ("https://vision.example/vision#hunter2", "fragment"),
        ("hunter2", "http"),
        ("AccountName=a;AccountKey=hunter2", "http"),
        ("https://vision.example:hunter2", "http"),
        ("https://vision.example/hunter2 x", "http"),
    ],
)
@pytest.mark.parametrize("name", ["VISION_ENDPOINT", "PUBLIC_ADDRESS"])
def test_an_address_in_which_a_key_may_stand_is_refused_without_being_repeated(name: str, text: str, word: str) -> None:
    (problem,) = problems({**ENVIRONMENT, name: text})
    assert word in problem
    assert "hunter2" not in problem


KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.mark.parametrize("text", [KEY, f"AccountKey={KEY[:8]}", f"https://me:{KEY[:8]}@host", KEY[:8] * 11])
@pytest.mark.parametrize("name", ["VISION_AUTH", "VISION_RATE", "VISION_LANGUAGE", "TEXT_MODE", "THUMBNAIL_SIZES"])
def test_a_key_that_is_pasted_into_any_other_setting_is_not_repeated(name: str, text: str) -> None:
    (problem,) = problems({**ENVIRONMENT, name: text})
    assert problem.startswith(f"{name} must be ")
    assert KEY[:8] not in problem


@pytest.mark.parametrize(
    ("public", "hostname", "address"),
    [
        ("", "", ""),
        ("", "my-app.azurewebsites.net", "https://my-app.azurewebsites.net"),
        ("", "localhost:7071", "http://localhost:7071"),
        ("", "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("", "[::1]:7071", "http://[::1]:7071"),
        ("", "[::1", ""),
        ("", "evil.example/path", ""),
        ("", "a\r\nSet-Cookie: b", ""),
        ("", "host:99999", ""),
        ("https://api.example.com/", "my-app.azurewebsites.net", "https://api.example.com"),
        ("http://gateway:8080/pictures", "", "http://gateway:8080/pictures"),
        ("https://u:p@gateway", "my-app.azurewebsites.net", "https://my-app.azurewebsites.net"),
    ],
)
def test_callers_reach_the_app_where_the_settings_or_the_platform_say(public: str, hostname: str, address: str) -> None:
    assert settings.public_address({"PUBLIC_ADDRESS": public, "WEBSITE_HOSTNAME": hostname}) == address
    assert settings.public_address({}) == ""


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


@pytest.mark.parametrize("mode", ["auto", "area", "vision"])
def test_a_mode_that_contradicts_the_older_setting_is_a_problem(mode: str) -> None:
    (problem,) = problems({**ENVIRONMENT, "THUMBNAIL_MODE": mode, "THUMBNAIL_SMART": "false"})
    assert problem == (
        f"THUMBNAIL_MODE is {mode!r}, and THUMBNAIL_SMART=false means center: leave one of the two out, or set "
        "THUMBNAIL_MODE=center"
    )


@pytest.mark.parametrize("smart", ["true", "false"])
def test_the_middle_goes_with_the_older_setting_as_it_is_or_is_by_default(smart: str) -> None:
    assert read(THUMBNAIL_MODE="center", THUMBNAIL_SMART=smart).thumbnail_mode == "center"


def test_sides_that_computer_vision_does_not_make_are_a_problem_in_its_mode_only() -> None:
    sizes = {"THUMBNAIL_SIZES": "1024x1024,1025x1,1x4096"}
    (problem,) = problems({**ENVIRONMENT, **sizes, "THUMBNAIL_MODE": "vision"})
    assert problem == (
        "THUMBNAIL_SIZES has 1025x1, 1x4096, and with THUMBNAIL_MODE=vision Computer Vision makes sides of 1 to 1024: "
        "set smaller sizes, or THUMBNAIL_MODE=auto"
    )
    assert len(read(**sizes, THUMBNAIL_MODE="area").thumbnail_sizes) == 3


def test_a_contradiction_hides_no_other_one() -> None:
    found = problems(
        {
            **ENVIRONMENT,
            "VISION_KEY": "",
            "THUMBNAIL_SIZES": "2048x2048",
            "THUMBNAIL_MODE": "vision",
            "THUMBNAIL_SMART": "false",
        }
    )
    assert [problem.split()[0] for problem in found] == ["VISION_KEY", "THUMBNAIL_MODE", "THUMBNAIL_SIZES"]


def test_no_secret_is_shown() -> None:
    secrets = {name: f"Secret=of-{name.lower()}" for name in SECRETS}
    secrets |= {
        name: f"AccountName=a;AccountKey={KEY[:8]}{len(name):04}" for name in ("ImagesStorage", "AzureWebJobsStorage")
    }
    secrets["HTTPS_PROXY"] = "http://me:hunter2@proxy:8080"
    shown = repr(read(**secrets))
    assert "https://vision.invalid" in shown
    assert not [name for name, secret in secrets.items() if secret in shown]
    assert "hunter2" not in shown


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
    for each in settings.described():
        assert each["help"].endswith("."), each["name"]


def test_without_a_number_of_threads_the_worker_has_as_many_as_python_gives() -> None:
    with ThreadPoolExecutor() as pool:
        assert read().threads == pool._max_workers
    assert read(PYTHON_THREADPOOL_THREAD_COUNT="3").threads == 3


@pytest.mark.parametrize(("text", "seconds"), [("7.5", 7.5), ("", 20.0), ("-1", 20.0), ("soon", 20.0)])
def test_a_request_ends_in_time_even_where_the_setting_is_wrong(text: str, seconds: float) -> None:
    assert settings.max_wait_seconds({"MAX_WAIT_SECONDS": text}) == seconds

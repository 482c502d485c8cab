"""One's own Computer Vision in Azure: what is missing is told before anything starts, the cost before it is paid."""

import json
from pathlib import Path

import pytest
from doubles.fake_app import running_app

from local import app_settings, samples
from local.addresses import Addresses
from local.app_settings import EXAMPLE, PROJECT, VISION_KEY, environment, overridden, with_defaults
from local.errors import LocalError
from local.local_settings import read_local_settings
from local.stack.options import parse
from local.stack.own_service import DEARER_DOLLARS, DOLLARS, cost_of_samples, require_answer, told_of_service
from shared.settings import Settings, described
from shared.untrusted import destinations

SERVICE = {"VISION_ENDPOINT": "https://mine.cognitiveservices.azure.com", "VISION_KEY": "a-key"}


def told(tmp_path: Path, *words: str, **settings: str) -> list[str]:
    choice = parse(["--vision", "azure", "--state", str(tmp_path), "--port", "17571", *words])
    return list(told_of_service(choice, settings))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "VISION_ENDPOINT is not set: .*https://my-resource"),
        ({"VISION_ENDPOINT": "http://localhost:7072/"}, "VISION_ENDPOINT is the address of the local"),
        ({"VISION_ENDPOINT": "http://127.0.0.1:17572"}, "VISION_ENDPOINT is the address of the local"),
        (SERVICE | {"VISION_KEY": " "}, "VISION_KEY is not set: .*VISION_AUTH=identity"),
        (SERVICE | {"VISION_KEY": VISION_KEY}, "VISION_KEY is that of the local"),
    ],
)
def test_a_service_that_is_not_told_is_missed(settings: dict[str, str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=reason):
        told(tmp_path, **settings)


def test_what_is_paid_and_what_the_samples_cost_is_said_without_the_key_of_the_service(tmp_path: Path) -> None:
    lines = told(tmp_path, **SERVICE)
    assert lines[0] == "Computer Vision is your own service at mine.cognitiveservices.azure.com: you pay for its calls"
    # Seven images with three features and an area of interest, each of which may have text; two documents of two pages.
    assert "The 9 samples cost at most 39 transactions, 0.05 US dollars" in lines[1]
    assert lines[1].endswith(
        "they are not sent: `python -m local start --vision azure --samples --port 17571` sends them"
    )
    assert told(tmp_path, "--samples", **SERVICE)[1].endswith("they are sent now")
    assert "a-key" not in "".join(lines)
    identity = {"VISION_ENDPOINT": SERVICE["VISION_ENDPOINT"], "VISION_AUTH": "identity"}
    assert told(tmp_path, **identity) == lines


def test_answers_of_the_local_service_in_the_same_folder_are_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "vision").mkdir()
    assert "which your service is not asked for again" in told(tmp_path, **SERVICE)[-1]


@pytest.mark.parametrize(
    ("settings", "transactions", "dollars"),
    [
        ({}, 10 * (3 + 1 + 1) + 2, 0.063),
        ({"VISION_FEATURES": "Tags, tags", "THUMBNAIL_SIZES": "64x64", "TEXT_MODE": "never"}, 10 * 2 + 2, 0.023),
        ({"VISION_FEATURES": "Description", "TEXT_MODE": "always"}, 10 * (1 + 1 + 1) + 2, 0.043),
        ({"THUMBNAIL_MODE": "area", "TEXT_MODE": "never"}, 10 * (3 + 1) + 2, 0.048),
        ({"THUMBNAIL_MODE": "vision", "TEXT_MODE": "never"}, 10 * (3 + 2) + 2, 0.058),
        ({"THUMBNAIL_MODE": "center", "TEXT_MODE": "never"}, 10 * 3 + 2, 0.038),
        ({"THUMBNAIL_SMART": "False", "TEXT_MODE": "never"}, 10 * 3 + 2, 0.038),
    ],
)
def test_the_cost_follows_from_the_settings(settings: dict[str, str], transactions: int, dollars: float) -> None:
    cost = cost_of_samples(with_defaults(settings), images=10, documents=1)
    assert (cost.transactions, cost.dollars) == (transactions, pytest.approx(dollars))


def test_the_prices_are_those_of_the_documentation() -> None:
    page = (PROJECT / "docs" / "deploying.md").read_text()
    assert f"{DOLLARS:.2f} for 1,000 transactions, and {DEARER_DOLLARS:.2f} where they are `Description`" in page


def test_the_documents_among_the_samples_have_two_pages() -> None:
    assert [len(draw()) for draw in samples.DOCUMENTS.values()] == [2, 2]


def test_the_defaults_are_those_of_the_app() -> None:
    names = ("VISION_FEATURES", "THUMBNAIL_SIZES", "THUMBNAIL_MODE", "THUMBNAIL_SMART", "TEXT_MODE")
    defaults = {each["name"]: each["default"] for each in described()}
    assert {name: with_defaults({name: " "})[name] for name in names} == {name: defaults[name] for name in names}


def test_a_service_that_refuses_is_told_in_the_words_of_the_app() -> None:
    problem = {"part": "vision", "code": "vision_unauthorized", "message": "The key is refused.", "action": "Set it."}
    with running_app() as app:
        url, app.health_key = f"http://127.0.0.1:{app.port}", "k"
        require_answer(url, "k")
        app.health = 503, {"status": "down", "problems": [problem], "warnings": []}
        with pytest.raises(LocalError, match=r"The key is refused\. \(vision_unauthorized\)\n  Set it\."):
            require_answer(url, "k")


def unused(inherited: dict[str, str], of_file: dict[str, str], *, own_service: bool = False) -> list[str]:
    return list(overridden(Addresses(17571), inherited, of_file, own_service=own_service))


def test_a_setting_that_the_stack_replaces_is_named_with_its_source() -> None:
    [of_environment, of_file] = unused({"VISION_KEY": "mine"}, SERVICE)
    assert of_environment.startswith("VISION_KEY of the environment is not used: ")
    assert of_environment.endswith("`python -m local start --vision azure` uses your own service")
    assert of_file.startswith("VISION_ENDPOINT of local.settings.json is not used: ")
    assert "mine" not in of_environment + of_file
    assert unused({}, SERVICE | {"VISION_AUTH": "identity"})[0].startswith(
        "VISION_ENDPOINT, VISION_AUTH, VISION_KEY of local.settings.json are not used: "
    )
    [storage] = unused({"ImagesStorage": "AccountName=a"}, SERVICE, own_service=True)
    assert storage.startswith("ImagesStorage of the environment is not used: the stack has its own storage")


def test_values_of_the_example_and_those_of_the_stack_itself_are_nothing_to_speak_of() -> None:
    example = json.loads(EXAMPLE.read_text())["Values"]
    assert unused({}, example) == unused(environment(Addresses(17571), {}), {}) == []


def test_ones_own_service_keeps_its_settings_in_the_environment_of_the_host() -> None:
    own = environment(Addresses(17571), SERVICE, own_service=True)
    assert {name: own[name] for name in SERVICE} == SERVICE
    assert "127.0.0.1:17573" in own["ImagesStorage"]


def test_addresses_of_this_machine_are_allowed_where_the_developer_allows_no_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(app_settings, "PROJECT", tmp_path)
    own = "http://localhost,https://localhost,127.0.0.0/8,::1/128"
    ours, theirs = Addresses(17571), "10.0.0.0/8"
    assert environment(ours, {})["URL_ALLOW"] == environment(ours, {"URL_ALLOW": " "})["URL_ALLOW"] == own
    assert environment(ours, {"URL_ALLOW": theirs}, own_service=True)["URL_ALLOW"] == theirs
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": {"URL_ALLOW": theirs}}))
    assert environment(ours, {})["URL_ALLOW"] == theirs
    allowed = Settings.from_env(environment(ours, {"URL_ALLOW": own})).url_allow
    for host in ("localhost", "127.0.0.1", "127.1", "[::1]"):
        for scheme in ("http", "https"):
            assert destinations.check(f"{scheme}://{host}:7073/images/a.jpg", allowed)


def test_a_broken_local_settings_json_is_told(tmp_path: Path) -> None:
    assert read_local_settings(tmp_path) == {}
    (tmp_path / "local.settings.json").write_text('{"Values": {"VISION_KEY": 3}}')
    with pytest.raises(LocalError, match="the value of VISION_KEY must be text"):
        read_local_settings(tmp_path)
    (tmp_path / "local.settings.json").unlink()
    (tmp_path / "local.settings.json").mkdir()
    with pytest.raises(LocalError, match="json cannot be read: Is a directory"):
        read_local_settings(tmp_path)

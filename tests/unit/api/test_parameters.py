import pytest
from doubles.http_requests import request

from shared.api import parameters
from shared.errors import BadRequestError


def test_the_name_comes_from_the_route_or_the_query() -> None:
    assert parameters.name_of(request("GET", route={"name": "a/b.jpg"})) == "a/b.jpg"
    assert parameters.name_of(request("GET", params={"name": "a b.jpg"})) == "a b.jpg"
    assert parameters.optional_name_of(request("GET")) is None
    with pytest.raises(BadRequestError) as both:
        parameters.name_of(request("GET", params={"name": "query"}, route={"name": "route"}))
    assert both.value.code == "bad_parameter"
    for params in ({}, {"name": ""}, {"name": "../x"}):
        with pytest.raises(BadRequestError) as caught:
            parameters.name_of(request("GET", params=params))
        assert caught.value.code == "bad_blob_name"


def test_a_whole_number_may_have_a_default() -> None:
    assert parameters.integer(request(params={"width": "007"}), "width") == 7
    assert parameters.integer(request(), "limit", 50) == 50


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "1e3", "²", "1" * 5000])
def test_what_is_no_whole_number_is_shown(text: str) -> None:
    with pytest.raises(BadRequestError, match="width") as caught:
        parameters.integer(request(params={"width": text}), "width")
    assert caught.value.code == "bad_parameter"
    assert len(caught.value.message) < 300


def test_a_number_that_is_missing_is_told() -> None:
    with pytest.raises(BadRequestError, match="width is missing"):
        parameters.integer(request(), "width")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_a_truth_is_true_or_false(text: str, value: bool) -> None:
    assert parameters.boolean(request(params={"smart": text}), "smart") is value
    assert parameters.boolean(request(), "smart") is None


def test_another_truth_is_refused() -> None:
    with pytest.raises(BadRequestError, match="smart is 'yes'; true or false"):
        parameters.boolean(request(params={"smart": "yes"}), "smart")


def test_one_of_some_words_is_that_word() -> None:
    assert parameters.one_of(request(params={"format": "webp"}), "format", ("jpeg", "webp")) == "webp"
    assert parameters.one_of(request(), "format", ("jpeg", "webp")) is None


@pytest.mark.parametrize("value", ["WEBP", "png", "", "jpeg,webp"])
def test_any_other_word_is_refused_with_those_that_are_allowed(value: str) -> None:
    with pytest.raises(BadRequestError, match="must be one of jpeg, webp") as caught:
        parameters.one_of(request(params={"format": value}), "format", ("jpeg", "webp"))
    assert caught.value.code == "bad_parameter"


def test_words_are_separated_by_commas() -> None:
    assert parameters.list_of(request(params={"f": " Tags,,Color ,"}), "f") == ["Tags", "Color"]
    assert parameters.list_of(request(), "f") == []


def test_a_parameter_nobody_reads_is_refused_with_what_is_known() -> None:
    """A misspelt one would be paid for with its default."""
    parameters.reject_unknown(request(params={"width": "1", "code": "key"}), "width", "height")
    with pytest.raises(BadRequestError) as caught:
        parameters.reject_unknown(request(params={"widht": "1", "b": "2", "code": "secret-key"}), "width", "height")
    assert "b, widht is not known here; known are width, height" in caught.value.message
    assert "secret-key" not in caught.value.message


def test_the_hosts_key_may_be_written_in_any_case() -> None:
    """The Functions host looks for it without regard to case."""
    for name in ("code", "CODE", "Code"):
        sent = request(params={name: "key"})
        parameters.reject_unknown(sent)
        assert parameters.key_of(sent) == "key"
    assert parameters.key_of(request(params={"code": "a"}, headers={"x-functions-key": "b"})) == "b"
    assert parameters.key_of(request()) is None


def test_a_list_that_is_there_twice_is_one_list() -> None:
    sent = request(params={"f": "Tags,Color"}, address="http://127.0.0.1/api?f=Tags&f=Color")
    assert parameters.list_of(sent, "f") == ["Tags", "Color"]


def test_an_unknown_parameter_without_a_value_changes_nothing() -> None:
    parameters.reject_unknown(request(address="http://127.0.0.1/api?1234&x="), "name")

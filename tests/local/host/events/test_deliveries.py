"""Deliveries of Event Grid are read in both schemas."""

import json

import pytest

from local.host.errors import BadRequestError
from local.host.events.deliveries import parse_events, validation_code


def test_one_event_and_arrays_are_both_events() -> None:
    assert parse_events(b'{"a": 1}') == [{"a": 1}]
    assert parse_events(b'[{"a": 1}, {"b": 2}]') == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"[3]"])
def test_body_without_events_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        parse_events(body)


def test_validation_code_is_found() -> None:
    events = parse_events(json.dumps([{"data": {"validationCode": "c0de"}}]).encode())
    assert validation_code(events) == "c0de"
    with pytest.raises(BadRequestError, match="validationCode"):
        validation_code([{"data": {}}])


def test_the_code_of_a_subscription_for_cloud_events_is_found_in_its_text() -> None:
    assert validation_code([{"data": json.dumps({"validationCode": "c0de"})}]) == "c0de"
    for text in ("{", "3", "{}"):
        with pytest.raises(BadRequestError):
            validation_code([{"data": text}])

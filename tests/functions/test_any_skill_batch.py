"""What holds for any batch: as many records come back, each with its data or its error, and nothing else."""

import asyncio
import base64
import json
from typing import Any

import pytest
from doubles.fuzz import fuzzed
from doubles.http_requests import Hub, invocation, request
from doubles.parts import Parts
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st

from SkillsHttp import main

ENCODED = base64.b64encode(picture(colour=(200, 0, 0))).decode()
TEXTS = st.one_of(
    st.sampled_from(["", ENCODED, ENCODED[:50], "a.jpg", "https://example.com/a.jpg", "http://127.0.0.1/", "data:,x"]),
    st.text(st.characters(exclude_categories=()), max_size=20),
)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
ANY = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=8
)
SIDES = ("width", "height", "originalWidth", "originalHeight", "rotationFromOriginal")
FILE = st.fixed_dictionaries(
    {},
    optional={
        "$type": st.just("file"),
        "data": st.one_of(TEXTS, ANY),
        "url": st.one_of(TEXTS, ANY),
        "sasToken": st.one_of(TEXTS, ANY),
        **{each: st.one_of(st.sampled_from([0, 64, 90, 180, 640]), ANY) for each in SIDES},
    },
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "image": st.one_of(TEXTS, FILE, ANY),
        "url": st.one_of(TEXTS, ANY),
        "sasToken": st.one_of(TEXTS, ANY),
        "name": st.one_of(TEXTS, ANY),
        "more": ANY,
    },
)
RECORD = st.one_of(
    st.fixed_dictionaries({"recordId": st.sampled_from("abcde"), "data": DATA}),
    st.fixed_dictionaries({}, optional={"recordId": ANY, "data": st.one_of(DATA, ANY)}),
    ANY,
)


@pytest.mark.parametrize("skill", ["describe", "analyze"])
@fuzzed
@given(values=st.lists(RECORD, max_size=5))
def test_any_batch_is_answered_record_by_record(app: Parts, task_hub: Hub, skill: str, values: list[Any]) -> None:
    body = json.dumps({"values": values}).encode()
    answer = asyncio.run(main(request(body=body, route={"skill": skill}), invocation(), starter="the client's binding"))
    found = json.loads(answer.get_body().decode("utf-8"))
    if answer.status_code != 200:
        # Too deep, or a member's name that no text is: what the whole body is refused for.
        assert (answer.status_code, found["code"]) == (400, "bad_json")
        return
    assert (answer.mimetype, list(found), len(found["values"])) == ("application/json", ["values"], len(values))
    for record, sent in zip(found["values"], values, strict=True):
        assert list(record) == ["recordId", "data", "errors", "warnings"]
        named = sent.get("recordId") if isinstance(sent, dict) else None
        assert record["recordId"] in ("", named)
        assert bool(record["data"]) is (record["errors"] is None)
        for told in (record["errors"], record["warnings"]):
            assert told is None or all(list(each) == ["message"] and len(each["message"]) < 1000 for each in told)

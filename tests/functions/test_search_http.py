"""`GET /api/search` end to end, from uploads to answers; and `/api/search/rebuild`."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.http_requests import Hub, answered, parsed, problem_of, request
from doubles.parts import Parts, restarted
from doubles.pictures import picture
from doubles.searched import found, get, noted, page, rebuild, store

import CorrectionsHttp
from SearchHttp import main
from shared import names, services
from shared.errors import StorageError, VisionUnavailableError
from shared.index import places
from shared.lifecycle import deletion
from shared.search.search import FRESH_SECONDS

RED = picture()


def facet(answer: dict[str, Any], name: str) -> dict[str, int]:
    return {each["value"]: each["count"] for each in answer["facets"][name]}


def test_an_upload_is_found_by_its_name_sentence_tags_and_text(app: Parts) -> None:
    store(app, "holidays/beach.png", espresso=0.8)
    store(app, "bill.png", text="TOTAL DUE 12.50")
    caption = page(q="beach")["images"][0]["caption"]
    assert caption
    for q in ("beach", "tag:espresso", "esspresso", "folder:holidays", caption.split()[-1]):
        assert found(q=q) == ["holidays/beach.png"], q
    for q in ('"total due"', "text:total", "has:text", "due -beach"):
        assert found(q=q) == ["bill.png"], q
    assert found(q="nothing-of-that") == []
    assert sorted(found()) == ["bill.png", "holidays/beach.png"]


def test_an_image_is_told_with_what_is_known_of_it(app: Parts) -> None:
    store(app, "holidays/beach.png", picture("PNG", 90, 60), cup=0.8)
    (image,) = page(q="beach")["images"]
    assert image["why"] == [{"field": "name", "asked": "beach", "matched": "beach", "places": []}]
    told = {key: image[key] for key in ("name", "state", "alt", "tags", "kind", "width", "height", "taken", "folder")}
    assert told == {
        "name": "holidays/beach.png",
        "state": "complete",
        "alt": None,
        "tags": ["outdoor", "cup"],
        "kind": "png",
        "width": 90,
        "height": 60,
        "taken": None,
        "folder": "holidays",
    }
    assert image["thumbnail"] == "/api/thumbnail/holidays/beach.png?width=100&height=50"
    assert image["bytes"] == len(app.images.contents(names.IMAGES)["holidays/beach.png"])


def test_why_tells_the_page_and_the_corners_of_words_in_a_text(app: Parts) -> None:
    app.vision.pages = 2
    store(app, "bill.png", text="TOTAL DUE")
    (image,) = page(q='text:"total due"')["images"]
    (match,) = image["why"]
    assert (match["field"], match["asked"]) == ("text", 'text:"total due"')
    assert [place["page"] for place in match["places"]] == [1, 2]
    assert all(len(place["box"]) == 8 and place["text"] == "TOTAL DUE" for place in match["places"])


def test_a_text_record_that_is_none_hides_no_image(app: Parts) -> None:
    store(app, "bill.png", text="TOTAL DUE")
    app.images.restore(names.TEXT, app.images.read(names.TEXT, "bill.png.json")._replace(data=b"{}"))  # type: ignore[union-attr]
    (image,) = page(q="text:total")["images"]
    assert [match["places"] for match in image["why"]] == [[]]


def test_a_text_is_searched_whole_though_the_index_has_its_beginning(app: Parts) -> None:
    store(app, "long.png", text=" ".join(f"word{number}" for number in range(200)))
    answer = page(q="word199")
    assert ([image["name"] for image in answer["images"]], answer["unsearched"]) == (["long.png"], 0)


def test_a_text_that_is_read_anew_is_searched_anew(app: Parts) -> None:
    filler = " ".join(f"word{number}" for number in range(100))
    store(app, "long.png", text=f"{filler} former")
    assert found(q="former") == ["long.png"]
    store(app, "long.png", picture("PNG", 80, 80), text=f"{filler} recent")
    assert (found(q="recent"), found(q="former")) == (["long.png"], [])


def test_counts_are_of_all_that_match_and_not_of_the_page(app: Parts) -> None:
    for number in range(3):
        store(app, f"june/{number}.png", cup=0.8)
    app.vision.failing = VisionUnavailableError("down")
    store(app, "waits.png")
    answer = page(limit="1")
    assert (len(answer["images"]), answer["total"]) == (1, 4)
    assert facet(answer, "state") == {"complete": 3, "deferred": 1}
    assert facet(answer, "folder")["june"] == 3
    assert facet(answer, "tag")["cup"] == 3
    assert facet(answer, "year") == {"2026": 4}
    assert facet(page(q="is:deferred"), "state") == {"deferred": 1}


@pytest.mark.parametrize("sort", ["match", "date", "name"])
def test_pages_follow_each_other_to_the_end_and_have_each_image_once(app: Parts, sort: str) -> None:
    for number in range(7):
        store(app, f"{number}.png")
    seen, continuation = [], None
    for _ in range(4):
        more = {} if continuation is None else {"continuation": continuation}
        answer = page(sort=sort, limit="2", **more)
        seen += [image["name"] for image in answer["images"]]
        continuation = answer["continuation"]
    assert continuation is None
    assert sorted(seen) == [f"{number}.png" for number in range(7)]
    if sort != "match":
        assert seen == sorted(seen, reverse=sort == "date")


def test_a_deleted_image_is_found_no_more(app: Parts) -> None:
    store(app, "a.png")
    assert found() == ["a.png"]
    app.images.delete(names.IMAGES, "a.png")
    deletion.forget(app.services, "a.png")
    noted(app)
    assert found() == []


def test_what_people_say_wins_over_what_computer_vision_said(app: Parts) -> None:
    store(app, "a.png", cup=0.8)
    before = page()["images"][0]["caption"]
    body = {"caption": "An espresso", "alt": "A small cup", "tags": {"added": ["breakfast"], "removed": ["cup"]}}
    assert answered(CorrectionsHttp.main, request("PUT", body, route={"name": "a.png"})).status_code == 200
    noted(app)
    (image,) = page(q='espresso "small cup" tag:breakfast -tag:cup')["images"]
    assert (image["caption"], image["alt"], image["tags"]) == ("An espresso", "A small cup", ["breakfast", "outdoor"])
    assert {match["field"] for match in image["why"]} == {"caption", "alt", "tags"}
    assert answered(CorrectionsHttp.main, request("DELETE", route={"name": "a.png"})).status_code == 200
    noted(app)
    assert (found(q="espresso"), found(q="tag:cup")) == ([], ["a.png"])
    assert page()["images"][0]["caption"] == before


def test_another_process_finds_the_same(app: Parts) -> None:
    store(app, "a.png", cup=0.8)
    store(app, "long.png", text=" ".join(f"word{number}" for number in range(200)))
    with services.replaced(restarted(app, THUMBNAIL_SIZES="100x50").services):
        assert found(q="tag:cup") == ["a.png"]
        assert found(q="word199") == ["long.png"]


def test_a_search_looks_at_the_index_once_a_second_at_most(app: Parts) -> None:
    store(app, "a.png")
    page()
    asked: list[tuple[str, str]] = []
    app.host.before = lambda operation, container, _: asked.append((operation, container))
    for _ in range(5):
        page()
    looked = [each for each in asked if each[0] != "head"]
    assert looked == []
    app.clock.advance(1)
    page()
    assert [each for each in asked if each[0] == "page"] == [("page", names.INDEX)]


def test_many_callers_at_once_look_once(app: Parts) -> None:
    store(app, "a.png")
    listed: list[str] = []
    app.host.before = lambda operation, container, _: listed.append(container) if operation == "page" else None
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: found(), range(8)))
    assert answers == [["a.png"]] * 8
    assert listed.count(names.INDEX) == 1


def test_until_the_index_was_made_whole_the_answer_says_so(app: Parts) -> None:
    app.images.write(names.IMAGES, "old.png", RED, content_type="image/png")
    assert page()["building"] is True
    app.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    app.clock.advance(FRESH_SECONDS)
    assert page()["building"] is False


@pytest.mark.parametrize("folder", ["my trips", "/lead", "a", "a//b", "/"])
def test_every_folder_that_is_counted_is_found_by_it(app: Parts, folder: str) -> None:
    for name in ("my trips/a b.png", "/lead/1.png", "a//b/1.png", "//2.png"):
        store(app, name)
    counts = facet(page(), "folder")
    assert counts == {"my trips": 1, "/lead": 1, "a": 1, "a//b": 1, "/": 1}
    assert page(q=f'folder:"{folder}/"')["total"] == counts[folder]


def test_an_empty_box_finds_all_images(app: Parts) -> None:
    store(app, "a.png")
    assert found(q="") == ["a.png"]
    problem_of(get(q="", sort=""), 400, "bad_parameter")


def test_an_app_that_is_new_lacks_no_image(app: Parts) -> None:
    assert page()["building"] is False
    store(app, "holidays/beach.png")
    assert page()["building"] is False


def test_the_longest_name_can_be_asked_for(app: Parts) -> None:
    name = f"{'x' * 1020}.png"
    store(app, name)
    assert found(q=f'same:"{name}"') == [name]


@pytest.mark.parametrize("lines", [["x"], [{"text": "TOTAL"}], [{"text": "TOTAL", "boundingBox": [1]}], 5])
def test_a_text_record_with_odd_lines_hides_no_image(app: Parts, lines: object) -> None:
    store(app, "bill.png", text="TOTAL DUE")
    record = app.images.read(names.TEXT, "bill.png.json")
    assert record
    odd = json.dumps({"analyzeResult": {"readResults": [{"page": 1, "unit": "pixel", "lines": lines}]}})
    app.images.restore(names.TEXT, record._replace(data=odd.encode()))
    (image,) = page(q="text:total")["images"]
    assert [match["places"] for match in image["why"]] == [[]]


@pytest.mark.parametrize("account", ["host", "images"])
def test_a_fault_of_storage_is_told_and_the_next_search_finds_all(app: Parts, account: str) -> None:
    store(app, "long.png", text=" ".join(f"word{number}" for number in range(200)))

    def fail(*_: object) -> None:
        raise StorageError("down")

    blobs = getattr(app, account)
    blobs.before = fail
    problem_of(get(q="word199"), 503, "storage_unavailable")
    blobs.before = None
    assert found(q="word199") == ["long.png"]


def test_every_operation_of_storage_can_fail_once_and_nothing_is_lost(app: Parts) -> None:
    """Lines that were taken before the fault are not taken again, and are known all the same."""
    for number in range(3):
        store(app, f"{number}.png", text=" ".join([f"only{number}", *(f"word{each}" for each in range(100))]))
    for failing in range(12):
        with services.replaced(restarted(app, THUMBNAIL_SIZES="100x50").services):
            done = 0

            def fail(*_: object, at: int = failing) -> None:
                nonlocal done
                done += 1
                if done == at + 1:
                    raise StorageError("down")

            app.host.before = app.images.before = fail
            first = get(q="word99")
            app.host.before = app.images.before = None
            assert first.status_code in (200, 503)
            assert sorted(found(q="word99")) == ["0.png", "1.png", "2.png"]
            assert found(q="only1") == ["1.png"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"q": "is:lost"}, "bad_query"),
        ({"q": "after:yesterday"}, "bad_query"),
        ({"q": "x" * 2001}, "bad_parameter"),
        ({"sort": "size"}, "bad_parameter"),
        ({"limit": "0"}, "bad_parameter"),
        ({"limit": "101"}, "bad_parameter"),
        ({"limit": "many"}, "bad_parameter"),
        ({"continuation": "elsewhere"}, "bad_parameter"),
        ({"query": "a"}, "bad_parameter"),
    ],
)
def test_what_can_never_be_is_refused_with_what_is_possible(app: Parts, query: dict[str, str], code: str) -> None:
    problem = problem_of(get(**query), 400, code)
    assert problem["action"]


@pytest.mark.usefixtures("app")
def test_another_action_is_told_where_to_ask(task_hub: Hub) -> None:
    for method in ("GET", "POST"):
        problem_of(answered(main, request(method, route={"action": "forget"})), 404, "not_found")
    problem_of(answered(main, request("POST")), 404, "not_found")


def test_a_rebuild_is_begun_once_and_asked_about(app: Parts, task_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_ADDRESS", "https://app.example")
    never = rebuild("GET")
    assert (never.status_code, parsed(never)["state"]) == (200, "never")
    for told in ("started", "running"):
        begun = rebuild("POST")
        assert (begun.status_code, parsed(begun)["rebuild"]) == (202, told)
        assert begun.headers["Location"] == "https://app.example/api/search/rebuild"
        assert int(begun.headers["Retry-After"]) > 0
    asked = rebuild("GET")
    assert (asked.status_code, parsed(asked)["state"]) == (202, "running")
    assert asked.headers["Location"] == begun.headers["Location"]
    assert [instance for _, instance, _ in task_hub.started] == ["index"]


@pytest.mark.usefixtures("app", "task_hub")
def test_a_rebuild_takes_no_body_and_no_parameter() -> None:
    problem_of(rebuild("POST", b"x"), 400, "body_not_expected")
    for method in ("GET", "POST"):
        sent = request(method, params={"q": "a"}, route={"action": "rebuild"})
        problem_of(answered(main, sent), 400, "bad_parameter")

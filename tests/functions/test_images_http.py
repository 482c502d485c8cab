import azure.functions as func
import pytest
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

from ImagesHttp import main
from shared import names
from shared.uploads import steps


def upload(app: Parts, *images: str) -> None:
    for name in images:
        app.images.write(names.IMAGES, name, picture(), content_type="image/jpeg")


def get(name: str | None = None, **params: str) -> func.HttpResponse:
    return main(request("GET", route={"name": name} if name else {}, params=params), invocation())


def test_all_images_are_listed_with_their_states(app: Parts) -> None:
    upload(app, "b.jpg", "a.jpg")
    steps.process(app.services, "b.jpg", None)
    found = parsed(get())
    assert [(image["name"], image["state"]) for image in found["images"]] == [
        ("a.jpg", "pending"),
        ("b.jpg", "complete"),
    ]
    assert found["continuation"] is None


def test_pages_follow_by_their_continuation(app: Parts) -> None:
    upload(app, "a.jpg", "b.jpg", "c.jpg")
    first = parsed(get(limit="2"))
    second = parsed(get(limit="2", continuation=first["continuation"]))
    assert [image["name"] for image in first["images"] + second["images"]] == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_list_may_be_limited_to_a_prefix(app: Parts) -> None:
    upload(app, "2025/a.jpg", "2026/a.jpg")
    assert [image["name"] for image in parsed(get(prefix="2026/"))["images"]] == ["2026/a.jpg"]


def test_a_list_may_be_limited_to_a_state(app: Parts) -> None:
    upload(app, "a.jpg", "b.jpg", "c.jpg")
    steps.process(app.services, "b.jpg", None)
    found = parsed(get(state="pending"))["images"]
    assert [(image["name"], image["state"]) for image in found] == [("a.jpg", "pending"), ("c.jpg", "pending")]
    assert found[0]["analysis"]["reason"]["code"] == "not_made"


@pytest.mark.parametrize("name", ["a.jpg", "2026/ä b#c.jpg"])
def test_one_image_by_its_path_or_parameter(app: Parts, name: str) -> None:
    upload(app, name)
    by_path, by_parameter = get(name), get(**{"name": name})
    assert parsed(by_path) == parsed(by_parameter)
    assert parsed(by_path)["name"] == name


def test_no_such_image_is_404(app: Parts) -> None:
    assert "missing.jpg" in problem_of(get("missing.jpg"), 404, "image_not_found")["detail"]


@pytest.mark.parametrize("name", ["..", "../cache/x", "a/../../b"])
def test_a_name_that_leads_out_of_the_container_is_refused(app: Parts, name: str) -> None:
    problem_of(get(name), 400, "bad_blob_name")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": "0"}, "bad_parameter"),
        ({"limit": "201"}, "bad_parameter"),
        ({"limit": "all"}, "bad_parameter"),
        ({"page": "2"}, "bad_parameter"),
        ({"state": "waiting"}, "bad_parameter"),
        ({"state": "pending,failed"}, "bad_parameter"),
        ({"state": "pending", "name": "a.jpg"}, "bad_parameter"),
        ({"continuation": "made up"}, "bad_parameter"),
    ],
)
def test_a_page_that_cannot_be_meant_is_refused(app: Parts, params: dict[str, str], code: str) -> None:
    problem_of(get(**params), 400, code)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("limit", "5"), ("prefix", "a"), ("continuation", "a"), ("state", "failed"), ("name", "b.jpg"), ("name", "a.jpg")],
)
def test_what_would_be_left_out_of_account_beside_a_name_is_refused(app: Parts, parameter: str, value: str) -> None:
    upload(app, "a.jpg", "b.jpg")
    sent = request("GET", route={"name": "a.jpg"}, params={parameter: value})
    assert parameter in problem_of(main(sent, invocation()), 400, "bad_parameter")["detail"]


@pytest.mark.parametrize("parameter", ["limit", "prefix", "continuation", "state"])
def test_so_it_is_beside_a_name_in_the_query(app: Parts, parameter: str) -> None:
    upload(app, "a.jpg")
    sent = request("GET", params={"name": "a.jpg", parameter: "5"})
    assert parameter in problem_of(main(sent, invocation()), 400, "bad_parameter")["detail"]

"""The parameters of the query in the contract are those that each route knows, as its refusal of another one tells."""

import re
from typing import NamedTuple

import pytest
from doubles.http_requests import Hub, problem_of
from doubles.http_routes import ROUTES, Route
from doubles.openapi_documents import operations
from doubles.parts import Parts

from shared.openapi.document import document
from shared.openapi.document import operations as described

# Of values in a path that may be any.
EXAMPLES = {"id": f"ocr-{'0' * 40}", "name": "a.jpg", "model": "landmarks"}
# What the twin of the operation has.
BY_PATH = (
    *(
        "GetThumbnail",
        "HeadThumbnail",
        "GetCorrection",
        "CorrectImage",
        "DeleteCorrection",
        "StoreImage",
        "DeleteImage",
    ),
)
BESIDE = {f"{operation}ByPath": {"name"} for operation in BY_PATH}
# One route is three operations, which have these together.
OF_IMAGES = {"ListImages", "GetImage", "GetImageByPath"}


class Asked(NamedTuple):
    """An operation, its route, and the values in its path."""

    id: str
    route: Route
    path: dict[str, str]
    documented: frozenset[str]


def asked() -> list[Asked]:
    sources = {each.id: each for each in described()}
    routes = {(route.folder, route.method.lower()): route for route in ROUTES}
    found = []
    for each in operations(document()):
        route = routes[sources[each.id].folder, each.method]
        value = re.sub(r"\{(\w+)\}", lambda name: EXAMPLES[name[1]], each.path.strip("/")).partition("/")[2]
        path = dict.fromkeys(route.path_names(), value)
        names = frozenset(parameter["name"] for parameter in each.parameters("query"))
        found.append(Asked(each.id, route, path, names))
    return found


ASKED = asked()


def known(each: Asked) -> set[str]:
    document = problem_of(each.route.answer(query={"no-such-parameter": "1"}, path=each.path), 400, "bad_parameter")
    words = document["detail"].rpartition("known are ")[2].removesuffix(".")
    return set() if words == "none" else set(words.split(", "))


@pytest.mark.parametrize("each", [each for each in ASKED if each.id not in OF_IMAGES], ids=lambda each: each.id)
@pytest.mark.usefixtures("app", "task_hub")
def test_an_operation_has_the_parameters_that_its_route_knows(each: Asked) -> None:
    assert known(each) - BESIDE.get(each.id, set()) == each.documented


def test_the_operations_of_images_have_those_of_their_route_together(app: Parts, task_hub: Hub) -> None:
    of_images = [each for each in ASKED if each.id in OF_IMAGES]
    assert len(of_images) == len(OF_IMAGES)
    assert known(of_images[0]) == set().union(*(each.documented for each in of_images))

"""The page's data routes in this process, each as its module answers, below the decorators of every function."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import azure.functions as func
from doubles.http_requests import answered, parsed, request

from shared.api.endpoint import async_endpoint


def ask(route: ModuleType, headers: Mapping[str, str] | None = None, **query: object) -> func.HttpResponse:
    """What a route answers to a GET with this query."""

    @async_endpoint
    async def main(req: func.HttpRequest) -> func.HttpResponse:
        answer: func.HttpResponse = await route.answer(req)
        return answer

    params = {name: str(value) for name, value in query.items()}
    return answered(main, request("GET", params=params, headers=headers))


def told(route: ModuleType, **query: object) -> dict[str, Any]:
    """The JSON of an answer that is a success."""
    response = ask(route, **query)
    assert response.status_code == 200, response.get_body()
    return parsed(response)

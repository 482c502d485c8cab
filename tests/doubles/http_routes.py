"""
Every HTTP route of the contract, read from the function.json files on disk, with a request that each of them answers.

The page's routes are its own: tests/functions/test_gallery_http.py has their table, and asks each of them the same.
"""

import base64
import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import azure.functions as func
from doubles.function_folders import types
from doubles.http_requests import answered, request
from doubles.pictures import picture

PROJECT = Path(__file__).resolve().parents[2]
IMAGE = picture(colour=(200, 0, 0))
READ = f"ocr-{'0' * 40}"
OPERATION = f"op-{'0' * 40}"
# What a request cannot do without: the query, and the values in the path.
_QUERY = {"ThumbnailHttp": {"width": "100", "height": "50"}}
_PATH = {
    "CorrectionsHttp": {"name": "a.jpg"},
    "DomainsHttp": {"model": "landmarks"},
    "ImagesHttp": {"name": "a.jpg"},
    "OcrHttp": {"id": READ},
    "OperationsHttp": {"id": OPERATION},
    "SearchHttp": {"action": "rebuild"},
    "SkillsHttp": {"skill": "describe"},
    "ThumbnailHttp": {"name": "a.jpg"},
    "UnfinishedHttp": {"action": "retry"},
}
_WITHOUT_PATH = {
    ("ImagesHttp", "GET"),
    ("OcrHttp", "POST"),
    ("SearchHttp", "GET"),
    ("ThumbnailHttp", "POST"),
    ("UnfinishedHttp", "GET"),
}
# Bodies that bring no image as the others do.
_OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "CorrectionsHttp": {"caption": "A zebra"},
    "SkillsHttp": {"values": [{"recordId": "0", "data": {"image": base64.b64encode(IMAGE).decode()}}]},
    "UnfinishedHttp": {"all": True},
}
_WITHOUT_BODY = {"SearchHttp"}
# What stores a body of any kind.
_STORES = {"ImagesHttp"}


class Route(NamedTuple):
    """One method of one function's route."""

    folder: str
    method: str
    path: str

    @property
    def takes_image(self) -> bool:
        """Whether its body brings an image."""
        return self.takes_body and self.folder not in {*_OF_ITS_OWN, *_STORES}

    @property
    def stores_body(self) -> bool:
        """Whether it stores its body as it is, whatever that is."""
        return self.takes_body and self.folder in _STORES

    @property
    def takes_body(self) -> bool:
        """Whether it does not refuse every body."""
        return self.method in ("POST", "PUT") and self.folder not in _WITHOUT_BODY

    @property
    def path_values(self) -> dict[str, str]:
        """The values in the path of a good request."""
        return {} if (self.folder, self.method) in _WITHOUT_PATH else dict(_PATH.get(self.folder, {}))

    @property
    def query(self) -> dict[str, str]:
        """The query of a good request."""
        return dict(_QUERY.get(self.folder, {}))

    @property
    def body(self) -> bytes | dict[str, Any]:
        """The body of a good request."""
        if not self.takes_body:
            return b""
        return IMAGE if self.takes_image or self.stores_body else _OF_ITS_OWN[self.folder]

    @property
    def orchestrator(self) -> str:
        """The orchestrator whose instances the id in its path names."""
        return "OperationOrchestrator" if self.folder == "OperationsHttp" else "OcrOrchestrator"

    def path_names(self) -> list[str]:
        """The names of the values in the path."""
        return re.findall(r"\{\*?(\w+)\??\}", self.path)

    @property
    def is_durable(self) -> bool:
        """Whether the function has a durable client."""
        return "durableClient" in types(self.folder)

    def answer(
        self,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        path: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        address: str = "http://127.0.0.1/api",
    ) -> func.HttpResponse:
        """What the function answers to a good request of which these parts are others."""
        sent = request(
            self.method,
            self.body if body is None else body,
            params={**self.query, **(query or {})},
            route={**self.path_values, **(path or {})},
            headers=headers,
            address=address,
        )
        return answered(importlib.import_module(self.folder).main, sent)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def http_routes() -> list[Route]:
    """Every one, in the order of folders and methods."""
    return [
        Route(path.parent.name, method.upper(), binding["route"])
        for path in sorted(PROJECT.glob("*/function.json"))
        if path.parent.name != "GalleryHttp"
        for binding in json.loads(path.read_text())["bindings"]
        if binding["type"] == "httpTrigger"
        for method in binding["methods"]
    ]


ROUTES = http_routes()
TAKERS = [route for route in ROUTES if route.takes_image]
RETRY = next(route for route in ROUTES if (route.folder, route.method) == ("UnfinishedHttp", "POST"))

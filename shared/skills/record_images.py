"""
The image of a record, in each form in which Azure AI Search sends one.

    image   an object with `data` (base64), as `/document/normalized_images/*` and `/document/file_data` are; the base64
            alone, as `/document/normalized_images/*/data` is; an https address, alone or as the object's `url`
    url     an address, as `/document/metadata_storage_path` is; with `sasToken`, `/document/metadata_storage_sas_token`
    name    the name of an image in the container `images`

An address in the app's own container is read by its name, so it takes no signature.
"""

import re
from typing import Any, Literal, NamedTuple, NoReturn
from urllib.parse import unquote

from shared import names
from shared.api import wrapped_images
from shared.errors import BadRequestError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl
from shared.json_types import Json
from shared.services import App
from shared.skills import placement
from shared.skills.placement import Placement
from shared.untrusted import destinations, json_object
from shared.untrusted.characters import listed

INPUTS = ("image", "url", "name")
_ALONG = ("sasToken",)
_DATA = re.compile(r"data:", re.IGNORECASE)
_ADDRESS = re.compile(r"https?:", re.IGNORECASE)
_EXPECTED = "Give the skill one of the inputs image, url (with sasToken) and name."


class Given(NamedTuple):
    """
    What a record says of its image, not looked at yet: base64, an address, or a name.

    Records with the same kind and text have the same image.
    """

    kind: Literal["data", "url", "name"]
    text: str
    placement: Placement = Placement()
    warnings: tuple[str, ...] = ()


def given(data: Json) -> Given:
    """
    What a record says of its image.

    Raises:
        BadRequestError: `image_missing`, or `bad_json` for an input of the wrong kind.
    """
    there = {key: value for key, value in data.items() if value is not None}
    chosen = [name for name in INPUTS if name in there]
    if not chosen:
        raise BadRequestError(
            f"The record has {'no input' if not there else 'the input ' + listed(there)}, and no image.",
            code="image_missing",
            action=_EXPECTED,
        )
    if len(chosen) > 1:
        _refuse(f"The record has {' and '.join(chosen)}; only one of them is possible")
    found = {"image": _image, "url": _url, "name": _name}[chosen[0]](there)
    unknown = there.keys() - {*INPUTS, *(_ALONG if "url" in there else ())}
    if unknown:
        found = found._replace(warnings=(f"The input {listed(unknown)} is not known here and changes nothing.",))
    return found


def image_of(app: App, given: Given) -> Image:
    """
    The image itself, or what leads to it.

    Raises:
        BadRequestError: `body_not_an_image` for text that is no base64; `bad_url`, `url_not_allowed`, `bad_blob_name`.
    """
    if given.kind == "data":
        return ImageBytes(_decoded(given.text))
    if given.kind == "name":
        return ImageBlob(names.check_image_name(given.text))
    own = _own_name(app, given.text)
    if own:
        return ImageBlob(names.check_image_name(own))
    return ImageUrl(destinations.check(given.text, app.settings.url_allow))


def _image(inputs: Json) -> Given:
    image = inputs["image"]
    if isinstance(image, str):
        return Given("url" if _ADDRESS.match(image) else "data", image)
    if not isinstance(image, dict):
        _refuse(f"The input image is {json_object.described(image)}, not an object or base64")
    if image.get("data") is not None:
        return Given("data", _text(image, "data", "The member data of image"), placement.of(image))
    if image.get("url") is None:
        _refuse("The input image has neither data nor url")
    return _url({"url": image["url"], "sasToken": image.get("sasToken")})._replace(placement=placement.of(image))


def _url(inputs: Json) -> Given:
    address = _text(inputs, "url", "The input url")
    if inputs.get("sasToken") is None:
        return Given("url", address)
    token = _text(inputs, "sasToken", "The input sasToken").removeprefix("?")
    return Given("url", f"{address}{'&' if '?' in address else '?'}{token}" if token else address)


def _name(inputs: Json) -> Given:
    return Given("name", _text(inputs, "name", "The input name"))


def _text(inputs: Json, name: str, what: str) -> str:
    value: Any = inputs[name]
    if not isinstance(value, str):
        _refuse(f"{what} is {json_object.described(value)}, not a text")
    # Base64 may have line breaks, and its decoder looks at each character.
    problem = None if name == "data" else json_object.fault_inside(value, longest=len(value))
    if problem:
        _refuse(f"{what} {problem}")
    return value


def _own_name(app: App, address: str) -> str | None:
    """The image's name, if the address is of the container `images`."""
    base = app.images.url(names.IMAGES, "x").removesuffix("x")
    path = re.split(r"[?#]", address, maxsplit=1)[0]
    # Storage takes scheme and host in any case, and only these.
    head = len(base) - len(base.partition("://")[2].partition("/")[2])
    if (path[:head].lower(), path[head : len(base)]) != (base[:head].lower(), base[head:]):
        return None
    return unquote(path[len(base) :], errors="replace")


def _refuse(what: str) -> NoReturn:
    raise BadRequestError(f"{what}.", code="bad_json", action=_EXPECTED)


def _decoded(text: str) -> bytes:
    """The bytes that base64 is, or a `data:` address with it."""
    if _DATA.match(text):
        found = wrapped_images.image_in(text.encode(errors="replace"), is_json=False)
        if found is not None:
            return found
    return wrapped_images.from_base64(text)

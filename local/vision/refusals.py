"""
Everything the service answers instead of a result, in its own words and shapes.

    Refusal               an answer that is not a success
    ConnectionStruck      no answer at all: the connection is to be reset

Three JSON shapes are in use. The gateway (401, 404, 429) answers `{"error": {"code": "401", "message": ...}}` with the
status as a string; image operations answer an outer code and, in `innererror`, the specific one; Read answers the
specific one alone.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from local.vision.replies import Reply, json_body, json_reply

INVALID_ARGUMENT = "InvalidArgument"
INVALID_REQUEST = "InvalidRequest"


class Refusal(Exception):  # noqa: N818 - the service refuses; nothing went wrong in it
    """An answer that is not a success; `gateway` tells that it was given before the service was reached."""

    def __init__(self, reply: Reply, *, gateway: bool = False) -> None:
        super().__init__(reply.status, reply.body.decode(errors="replace"))
        self.reply = reply
        self.gateway = gateway


class ConnectionStruck(Exception):  # noqa: N818 - a fault that was asked for
    """The connection is to be reset without an answer."""


def by_gateway(
    status: int, message: str, *, headers: Mapping[str, str] | None = None, reason: str | None = None
) -> Refusal:
    """Refuse in the gateway's shape: the code is the status in digits."""
    body = json_body({"error": {"code": str(status), "message": message}})
    return Refusal(Reply(status, body, headers=headers or {}, reason=reason), gateway=True)


def by_service(status: int, code: str, message: str, *, inner: str | None = None) -> Refusal:
    """Refuse in the shape of the image operations."""
    error: dict[str, object] = {"code": code, "message": message}
    if inner is not None:
        error["innererror"] = {"code": inner, "message": message}
    return Refusal(json_reply(status, {"error": error}))


def not_found() -> Refusal:
    """No such path, version or method."""
    return by_gateway(HTTPStatus.NOT_FOUND, "Resource not found")


def access_denied(realm: str) -> Refusal:
    """No key or a wrong one."""
    return by_gateway(
        HTTPStatus.UNAUTHORIZED,
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource.",
        headers={
            "WWW-Authenticate": f'AzureApiManagementKey realm="{realm}",name="Ocp-Apim-Subscription-Key",type="header"'
        },
        reason="Access Denied",
    )


def token_denied() -> Refusal:
    """A token that is none, is for something else, or is not valid now."""
    return by_gateway(
        HTTPStatus.UNAUTHORIZED,
        "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), "
        "or have expired.",
    )


def bad_parameter(inner: str, message: str) -> Refusal:
    """Refuse a parameter of the query."""
    return by_service(HTTPStatus.BAD_REQUEST, INVALID_ARGUMENT, message, inner=inner)


def bad_url(message: str = "Image URL is not accessible.") -> Refusal:
    """Refuse the image's URL."""
    return by_service(HTTPStatus.BAD_REQUEST, INVALID_ARGUMENT, message, inner="InvalidImageUrl")


def bad_body(message: str) -> Refusal:
    """Refuse a request body in which no image can be found."""
    return by_service(HTTPStatus.BAD_REQUEST, INVALID_REQUEST, message, inner="BadArgument")


def bad_image_size(message: str) -> Refusal:
    """Refuse an image for its bytes or its pixels: the service has one code for both."""
    return by_service(HTTPStatus.BAD_REQUEST, INVALID_REQUEST, message, inner="InvalidImageSize")


def bad_image_format(message: str = "Input data is not a valid image.") -> Refusal:
    """Refuse bytes that are no image of a supported format."""
    return by_service(HTTPStatus.BAD_REQUEST, INVALID_REQUEST, message, inner="InvalidImageFormat")


def unreadable_image(reason: str) -> Refusal:
    """Refuse an image that is damaged or built otherwise than its format allows; *reason* is a sentence."""
    return bad_image_format(f"Input data is not a valid image. {reason}")


def unsupported_media_type(media_type: str, allowed: Sequence[str]) -> Refusal:
    """Refuse the Content-Type."""
    choice = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
    return by_service(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        INVALID_REQUEST,
        f"Content-Type '{media_type}' is not supported: use {choice}.",
        inner="UnsupportedMediaType",
    )


def in_shape_of_read(refusal: Refusal) -> Refusal:
    """Return *refusal* as Read words it: the specific code alone. What the gateway refused stays as it is."""
    error = {} if refusal.gateway or not refusal.reply.is_json else json.loads(refusal.reply.body)["error"]
    if "innererror" not in error:
        return refusal
    return by_service(refusal.reply.status, error["innererror"]["code"], error["message"])


def not_here(operation: str) -> Refusal:
    """Refuse an operation of the contract that this local service does not have."""
    return by_service(
        HTTPStatus.NOT_IMPLEMENTED,
        "NotImplemented",
        f"The local vision service has no '{operation}' operation; see local/vision/COVERAGE.md for what it has.",
        inner="NotSupportedFeature",
    )


def unavailable() -> Refusal:
    """Answer 503, as in an outage."""
    return by_service(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "The service is unavailable.")


def failed_to_process(message: str) -> Refusal:
    """Answer 500."""
    return by_service(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message, inner="FailedToProcess")


def injected(status: int, *, realm: str) -> Refusal:
    """Answer *status* as a fault that was asked for, in the shape that this status has on the wire."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Fault"
    if status == HTTPStatus.UNAUTHORIZED:
        return access_denied(realm)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return failed_to_process("Failed to process the request.")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return unavailable()
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT):
        page = f"<html><head><title>{status} {phrase}</title></head><body>{phrase}</body></html>".encode()
        return Refusal(Reply(status, page, "text/html"), gateway=True)
    return by_gateway(status, phrase)

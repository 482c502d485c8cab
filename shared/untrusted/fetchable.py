"""Addresses that can be fetched: the app refuses the others before it asks Computer Vision to try."""

import re
import socket
from ipaddress import IPv6Address
from unicodedata import category, normalize
from urllib.parse import SplitResult, urlsplit

from shared.errors import BadRequestError
from shared.untrusted.characters import shown

MAX_CHARACTERS = 2048
_MAX_HOST_CHARACTERS = 253
_LABEL = r"[A-Za-z0-9_-]{1,63}"
# urlsplit passes over what stands before and behind the brackets.
_BRACKETED = r"\[[^\[\]]*\](?::[0-9]*)?"
_NUMBER = r"[0-9]+|0[xX][0-9a-fA-F]*"
# Letters and marks that programs leave out of a name (Default_Ignorable_Code_Point of Unicode).
_IGNORED = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
_ACTION = "Give an http or https address that Computer Vision can fetch, percent-encoded."


def check(url: str) -> str:
    """
    Return *url* if it can be fetched. Where it leads is not judged.

    Raises:
        BadRequestError: `bad_url`, with the part that is wrong and the possible values.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if scheme and scheme[1].lower() == "data":
        raise BadRequestError(
            "The url is a data: address, which holds the image itself; only http and https are fetched.",
            code="bad_url",
            action="Decode it, and send the image's bytes as the body with Content-Type: application/octet-stream.",
        )
    problem = _problem(url, scheme[1].lower() if scheme else "")
    if problem:
        raise BadRequestError(f"The url {problem}.", code="bad_url", action=_ACTION)
    return url


def _problem(url: str, scheme: str) -> str | None:
    if len(url) > MAX_CHARACTERS:
        return f"has {len(url)} characters; at most {MAX_CHARACTERS} are possible"
    odd = next((each for each in url if each in " \\" or not each.isprintable()), None)
    if odd:
        return f"has {shown(odd)}, which no address has; percent-encode it"
    if scheme not in ("http", "https"):
        return f"is {shown(url)}, which is no http(s) address; it has to begin with http:// or https://"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a host or a port that is none; a port is 1 to 65535"
    if port == 0:
        return "has the port 0; a port is 1 to 65535"
    return _problem_of_host(parts)


def _problem_of_host(parts: SplitResult) -> str | None:
    if parts.netloc.count("@") > 1:
        return "has more than one @ before its path; one in a user name or password is written %40"
    host = parts.hostname or ""
    if not host:
        return "names no host"
    what = f"has the host {shown(host)}, which is none"
    if "[" in parts.netloc:
        alone = re.fullmatch(_BRACKETED, parts.netloc.rpartition("@")[2])
        return None if alone and _is_ipv6(host) else f"{what}: between [ and ] stands an IPv6 address"
    labels = host.removesuffix(".").split(".")
    if len(host) > _MAX_HOST_CHARACTERS or not all(map(_is_label, labels)):
        return f"{what}: it has parts of 1 to 63 letters, digits and hyphens with dots between; others as xn--..."
    if re.fullmatch(_NUMBER, labels[-1]) and not _is_ipv4(host.removesuffix(".")):
        return f"{what}: its last part is a number, and it is no IPv4 address"
    return None


def _is_label(label: str) -> bool:
    """The fetching program encodes letters of other scripts; of their digits and full-width forms programs differ."""
    if label.isascii():
        return bool(re.fullmatch(_LABEL, label))
    if re.search(_IGNORED, label):
        return False
    ascii_only = "".join(each for each in label if each.isascii())
    others = (each for each in label if not each.isascii())
    return re.fullmatch(_LABEL, ascii_only or "a") is not None and all(
        category(each)[0] in "LM" and not normalize("NFKC", each).isascii() for each in others
    )


def _is_ipv6(host: str) -> bool:
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _is_ipv4(host: str) -> bool:
    """In any notation that resolvers take, such as 2130706433 and 0x7f.1."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True

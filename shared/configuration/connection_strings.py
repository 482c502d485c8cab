"""
The rules for a storage connection string that the SDK and the service can use.

`NAME=VALUE;NAME=VALUE`, names in any case (https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string).
No value is repeated in a problem: a key may have been put into any of them.
"""

import base64
import re

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
_ACCOUNT = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The SDK takes a text without one for a key.
_SIGNED = r"(?:^|[?&])sig=[^&]"
_ADDRESS = r"https?://([^/?#]+)(?:[/?][!-~]*)?"


def checked(text: str) -> str:
    """
    The connection string as it is.

    Raises:
        ValueError: it is none; the text completes a sentence that names the setting.
    """
    problem = _problem(text)
    if problem:
        raise ValueError(
            f"must be a storage connection string on one line, as the portal shows it (NAME=VALUE;NAME=...): {problem}"
        )
    return text


def _problem(text: str) -> str | None:
    parts = text.rstrip(";").split(";")
    if not text.isascii() or not text.isprintable() or not all(re.match("[A-Za-z]+=.", part) for part in parts):
        return "it is not made of pairs of ASCII characters"
    given = {name.lower(): value for name, value in (part.split("=", 1) for part in parts)}
    if given.get("usedevelopmentstorage") == "true":
        return None
    return _wrong_value(given) or _missing(given)


def _wrong_value(given: dict[str, str]) -> str | None:
    if given.get("defaultendpointsprotocol", "https") not in ("http", "https"):
        return "its DefaultEndpointsProtocol is neither http nor https"
    if not re.fullmatch(_ACCOUNT, given.get("accountname", "a")):
        return "its AccountName is none"
    if not _is_base64(given.get("accountkey", "")):
        return "its AccountKey is no base64"
    if not re.search(_SIGNED, given.get("sharedaccesssignature", "sig=a")):
        return "its SharedAccessSignature has no sig"
    if not _is_host(given.get("endpointsuffix", "a")):
        return "its EndpointSuffix is no host's name"
    for name in ("BlobEndpoint", "BlobSecondaryEndpoint"):
        found = re.fullmatch(_ADDRESS, given.get(name.lower(), "https://a"))
        if not found or not _is_host(found[1]):
            return f"its {name} is no http(s) address"
    return None


def _missing(given: dict[str, str]) -> str | None:
    if not {"accountname", "accountkey"} <= given.keys() and "sharedaccesssignature" not in given:
        return "it has neither AccountName and AccountKey nor SharedAccessSignature"
    if "blobendpoint" not in given:
        if "accountname" not in given:
            return "it has neither AccountName nor BlobEndpoint"
        if "blobsecondaryendpoint" in given:
            return "it has BlobSecondaryEndpoint without BlobEndpoint"
    return None


def _is_base64(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) is not None
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    found = re.fullmatch(_HOST, text)
    return found is not None and (found[1] is None or 1 <= int(found[1]) <= 65_535)

"""
Entra ID tokens in place of a key.

A token is believed as it says, because its signature is the business of the authority that a laptop does not have: it
has to be for Computer Vision, and its time has to be now.
"""

import base64
import binascii
import json
from email.message import Message

AUDIENCE = "https://cognitiveservices.azure.com"
_SCHEME = "bearer"


def bearer_token(headers: Message) -> str | None:
    """Return the token that a call carries; None where it carries none."""
    scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else None


def is_valid(token: str, now: float) -> bool:
    """Whether it is a JSON Web Token for Computer Vision that is valid at *now*, in seconds since 1970."""
    claims = _claims(token)
    begins, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        return False
    return str(claims.get("aud")).rstrip("/") == AUDIENCE and begins <= now < ends


def _claims(token: str) -> dict[str, object]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}

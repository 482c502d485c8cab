"""Callers of the page's data as the Functions worker tells them: by the platform's header, the key, or nothing."""

import base64
import json
from collections.abc import Sequence
from typing import Any

KEY = "0123456789abcdef-of-the-page"
ROLE_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
# What a browser and the page itself send with every request to the data.
OWN = {"x-blobsight-gallery": "1", "Sec-Fetch-Site": "same-origin"}
SIGN_IN = {"WEBSITE_AUTH_ENABLED": "True"}
OPEN = {"GALLERY_OPEN": "true", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
THIS_MACHINE = {"Host": "localhost:7071"}


def principal(
    roles: Sequence[str] = (), name: str | None = "Ada Lovelace", *, role_claim: str = "roles", **others: Any
) -> dict[str, str]:
    """
    The header of App Service authentication for a person of Entra ID.

    Args:
        roles: the app roles of the token.
        name: the person's name; None is a token without one.
        role_claim: the type of the roles' claims.
        others: members in place of the right ones.
    """
    claims = [{"typ": "aud", "val": "11111111-2222-3333-4444-555555555555"}]
    claims += [] if name is None else [{"typ": "name", "val": name}]
    claims += [{"typ": role_claim, "val": role} for role in roles]
    told = {"auth_typ": "aad", "claims": claims, "name_typ": NAME_CLAIM, "role_typ": ROLE_CLAIM, **others}
    return {"X-MS-CLIENT-PRINCIPAL": encoded(told)}


def encoded(told: object) -> str:
    """JSON as the header holds it."""
    return base64.b64encode(json.dumps(told).encode()).decode()

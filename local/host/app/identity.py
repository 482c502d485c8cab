"""
The identities by which this host shows storage who it is, instead of a key.

azure.identity is imported when an identity is first used: a stack with connection strings never needs it.
"""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# A stop waits for a call that is under way, and a call for its token.
TIMEOUTS: dict[str, Any] = {"connection_timeout": 2, "read_timeout": 20}


@dataclass(frozen=True)
class Identity:
    """
    Who asks: the managed identity alone if *is_managed*, else also who is signed in, as with `az login`.

    *client_id* names a user-assigned identity; without one it is the system-assigned one.
    """

    is_managed: bool = False
    client_id: str = ""


_credentials: dict[Identity, "TokenCredential"] = {}
_lock = threading.Lock()


def credential(identity: Identity) -> "TokenCredential":
    """Return the process's one credential for *identity*: each keeps its own tokens, so a second would ask anew."""
    with _lock:
        if identity not in _credentials:
            _credentials[identity] = _credential(identity)
        return _credentials[identity]


def _credential(identity: Identity) -> "TokenCredential":
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if identity.is_managed:
        return ManagedIdentityCredential(client_id=identity.client_id or None, **TIMEOUTS)
    # Without one it falls back on AZURE_CLIENT_ID, which an explicit None would prevent.
    own = {"managed_identity_client_id": identity.client_id} if identity.client_id else {}
    return DefaultAzureCredential(**own, **TIMEOUTS)

"""
The address by which callers reach the app.
"""

from collections.abc import Mapping
from contextlib import suppress

from shared.configuration import parse
from shared.untrusted import base_addresses

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def public(environment: Mapping[str, str]) -> str:
    """PUBLIC_ADDRESS, else by WEBSITE_HOSTNAME, which every Functions host sets; empty if there is neither."""
    with suppress(ValueError):
        return parse.public_address(environment.get("PUBLIC_ADDRESS", "").strip())
    authority = environment.get("WEBSITE_HOSTNAME", "").strip()
    host = base_addresses.host(authority)
    if host is None:
        return ""
    # Azure has certificates for its names; Core Tools and the local host listen on loopback, without one.
    return f"{'http' if host.lower() in _LOOPBACK else 'https'}://{authority}"

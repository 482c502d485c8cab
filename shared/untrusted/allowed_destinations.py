"""The destinations that the operator allows beside public ones: what `URL_ALLOW` means."""

from contextlib import suppress
from ipaddress import ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.errors import BadRequestError
from shared.untrusted import base_addresses, fetchable, ip_literals
from shared.untrusted.ip_literals import IpAddress, IpNetwork

_EXAMPLES = "https://images.example.com, http://localhost:8080, 10.0.0.0/8"


class Origin(NamedTuple):
    """A scheme and a host; every port where `port` is None. `addresses` are the host's where it is no name."""

    scheme: str
    host: str
    port: int | None
    addresses: frozenset[IpAddress]


class Allowed(NamedTuple):
    """Origins, and networks whose addresses are allowed with http, https and every port."""

    origins: tuple[Origin, ...] = ()
    networks: tuple[IpNetwork, ...] = ()

    def covers(self, scheme: str, host: str, port: int) -> bool:
        """Whether that is allowed, however the host is written; every reading of an IP address has to be."""
        addresses = ip_literals.readings(host)
        if addresses and all(any(each in network for network in self.networks) for each in addresses):
            return True
        return any(
            scheme == origin.scheme
            and origin.port in (None, port)
            and (addresses <= origin.addresses if addresses else _plain(host) == origin.host)
            for origin in self.origins
        )


def parsed(text: str) -> Allowed:
    """
    The entries of a comma-separated list: each `scheme://host[:port]`, or a network such as `10.0.0.0/8`.

    Raises:
        ValueError: an entry is neither; the text completes a sentence that names the setting, and repeats no address.
    """
    origins: list[Origin] = []
    networks: list[IpNetwork] = []
    for place, entry in enumerate(map(str.strip, text.split(",")), 1):
        try:
            if "://" in entry:
                origins.append(_origin(entry))
            elif entry:
                networks.append(_network(entry))
        except ValueError as error:
            raise ValueError(f"must be a list such as {_EXAMPLES}; entry {place} {error}") from None
    return Allowed(tuple(origins), tuple(networks))


def _origin(entry: str) -> Origin:
    origin, path = base_addresses.checked(entry, "https://images.example.com")
    if path:
        raise ValueError("has a path: leave it out, because every path of the host is allowed")
    try:
        parts = urlsplit(fetchable.check(origin))
    except BadRequestError:
        raise ValueError("has a host that is none") from None
    host = parts.hostname or ""
    return Origin(parts.scheme, _plain(host), parts.port, ip_literals.readings(host))


def _network(entry: str) -> IpNetwork:
    try:
        whole = ip_network(entry, strict=False)
    except ValueError:
        raise ValueError("is neither scheme://host[:port] nor a network") from None
    if "%" in entry:
        raise ValueError("has a zone, which no network has")
    if ip_literals.holds_ipv4(whole):
        raise ValueError("is a spelling of IPv4 addresses: give their own network, which holds for every spelling")
    with suppress(ValueError):
        return ip_network(entry)
    raise ValueError(f"has bits behind the prefix of its network, which is {whole}")


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")

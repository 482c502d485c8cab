"""
A host that is an IP address, in every notation that some program takes for one.

Programs differ: `0177.0.0.1` is 127.0.0.1 to resolvers in C and to browsers, and 177.0.0.1 to others. All are listed.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import product

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_PARTS = 4
_BITS = 32
_HEX = re.compile(r"0[xX][0-9a-fA-F]*")
_DECIMAL = re.compile(r"[0-9]+")
_OCTAL = re.compile(r"0[0-7]+")
# An IPv4 address stands in the last 32 bits, and packets go to it: mapped (RFC 4291), compatible (RFC 4291), translated
# (RFC 2765) and NAT64 (RFC 6052).
_EMBEDDING = tuple(map(IPv6Network, ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
# In ::/96, but addresses of their own: unspecified and loopback.
_OWN = frozenset(map(IPv6Address, ("::", "::1")))
_OWN_NETWORKS = frozenset(map(IPv6Network, _OWN))


def readings(host: str) -> frozenset[IpAddress]:
    """
    Every address that a program may take *host* for; empty where it is a name.

    Args:
        host: of an address, without port and brackets; a dot may stand at its end.
    """
    if ":" not in host:
        return frozenset(_of_numbers(host.removesuffix(".").split(".")))
    with suppress(ValueError):
        return frozenset([_unwrapped(IPv6Address(host))])
    return frozenset()


def holds_ipv4(network: IpNetwork) -> bool:
    """Whether the network is one of IPv6 whose addresses are spellings of IPv4 addresses."""
    return (
        isinstance(network, IPv6Network)
        and network not in _OWN_NETWORKS
        and any(network.subnet_of(each) for each in _EMBEDDING)
    )


def _unwrapped(address: IPv6Address) -> IpAddress:
    """The IPv4 address that the address is another spelling of, else itself."""
    if address in _OWN or not any(address in network for network in _EMBEDDING):
        return address
    return IPv4Address(int(address) % 2**_BITS)


def _of_numbers(parts: list[str]) -> Iterator[IPv4Address]:
    """What one to four numbers mean; the last one fills the bytes that are left."""
    if len(parts) > _PARTS:
        return
    left = 8 * (_PARTS + 1 - len(parts))
    for *first, last in product(*map(_numbers, parts)):
        if max(first, default=0) < 2**8 and last < 2**left:
            places = (number << 8 * (_PARTS - 1 - place) for place, number in enumerate(first))
            yield IPv4Address(sum(places) + last)


def _numbers(part: str) -> set[int]:
    """What a part means: `010` is 8 to some programs and 10 to others."""
    if _HEX.fullmatch(part):
        return {int(part[2:] or "0", 16)}
    if not _DECIMAL.fullmatch(part):
        return set()
    return {int(part), int(part, 8)} if _OCTAL.fullmatch(part) else {int(part)}

"""What the parsers of the platform make of an address: which host each of them would connect to."""

import json
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

_NODE = """
const addresses = JSON.parse(require("fs").readFileSync(0, "utf8"));
const hosts = addresses.map((each) => { try { return new URL(each).hostname; } catch { return null; } });
console.log(JSON.stringify(hosts));
"""
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
# Private, though `ipaddress` knows nothing of it: Azure's own address.
_BESIDE = (IPv4Address("168.63.129.16"),)
# IPv6 addresses with these first 96 bits hold an IPv4 address: compatible, translated, NAT64.
_HOLDING = {int(IPv6Address(each)) >> 32 for each in ("::", "::ffff:0:0:0", "64:ff9b::")}


def hosts_by_node(addresses: Sequence[str]) -> list[str | None]:
    """The host of each address as `new URL` has it, all in one process; None where it refuses the address."""
    text = json.dumps(addresses)
    done = subprocess.run(["node", "-e", _NODE], input=text, capture_output=True, text=True, timeout=60, check=True)
    found: list[str | None] = json.loads(done.stdout)
    return found


def private_hosts(address: str, by_node: str | None) -> set[str]:
    """The private hosts that any of the parsers sees in the address: IP addresses, or names that no DNS has."""
    hosts = {by_node, *_hosts_by_python(address)} - {None, ""}
    return {each for host in hosts for each in _private(str(host).strip("[]").rstrip(".").lower())}


def _hosts_by_python(address: str) -> Iterator[str | None]:
    with suppress(ValueError):
        yield urlsplit(address).hostname
    with suppress(LocationParseError):
        yield parse_url(address).host


def _private(host: str) -> Iterator[str]:
    addresses = _read(host)
    if not addresses and ":" not in host and ("." not in host or host.endswith(_PRIVATE_NAMES)):
        yield host
    for each in addresses:
        if not each.is_global or each.is_multicast or each in _BESIDE:
            yield str(each)


def _read(host: str) -> list[IPv4Address | IPv6Address]:
    """As `ipaddress` and the C library read it, without its zone, and what the addresses hold."""
    host = host.partition("%")[0]
    found: list[IPv4Address | IPv6Address] = []
    with suppress(ValueError):
        found.append(ip_address(host))
    with suppress(OSError, UnicodeError):
        found.append(IPv4Address(socket.inet_aton(host)))
    return found + [held for each in found if isinstance(each, IPv6Address) for held in _held(each)]


def _held(address: IPv6Address) -> Iterator[IPv4Address]:
    for each in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if each:
            yield each
    if int(address) >> 32 in _HOLDING:
        yield IPv4Address(int(address) % 2**32)

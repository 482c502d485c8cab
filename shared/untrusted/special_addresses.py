"""
Addresses and names that are not on the public internet, with the reason in words.

Sources: the registries of special-purpose addresses for IPv4 and IPv6 and of special-use domain names of IANA; of
metadata services, the documentation of Azure, AWS, Google Cloud and Alibaba Cloud. Written down here, because the
verdicts of `ipaddress` differ between versions of Python.
"""

from ipaddress import IPv6Network, ip_network

from shared.untrusted.ip_literals import IpAddress, IpNetwork

_METADATA = "an address at which a cloud hands out keys of its machines"
_DOCUMENTATION = "an address for documentation"
_RESERVED = "a reserved address"
# The first that fits gives the reason.
_WORDS = {
    "169.254.169.254": _METADATA,
    "100.100.100.200": _METADATA,
    "fd00:ec2::254": _METADATA,
    "168.63.129.16": "an address of Azure's own for its machines",
    "0.0.0.0/8": "an unspecified address",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "a shared address of a carrier's network",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": _RESERVED,
    "192.0.2.0/24": _DOCUMENTATION,
    "192.88.99.0/24": _RESERVED,
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": _DOCUMENTATION,
    "203.0.113.0/24": _DOCUMENTATION,
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": _RESERVED,
    "::": "an unspecified address",
    "::1": "a loopback address",
    "64:ff9b:1::/48": "an address of a translator in a private network",
    "2001::/32": "a Teredo address, which holds an IPv4 address",
    "2001::/23": _RESERVED,
    "2001:db8::/32": _DOCUMENTATION,
    "2002::/16": "a 6to4 address, which holds an IPv4 address",
    "3fff::/20": _DOCUMENTATION,
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a private address",
    "ff00::/8": "a multicast address",
}
NETWORKS: dict[IpNetwork, str] = {ip_network(text): words for text, words in _WORDS.items()}
# All that IANA has given out for unicast; the rest of IPv6 is reserved.
_UNICAST = IPv6Network("2000::/3")

# Of one machine, of a private network, or of a cloud's own; what no public name ends with.
_NAMES = (
    "localhost",
    "localdomain",
    # Of /etc/hosts as Red Hat's systems come with it.
    "localdomain4",
    "localdomain6",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "svc",
    "home.arpa",
    "internal.cloudapp.net",
    "metadata.goog",
)


def of_address(address: IpAddress) -> str | None:
    """What the address is, to stand after "is"; None where it is a public one."""
    for network, words in NETWORKS.items():
        if address in network:
            return words
    return None if address.version == 4 or address in _UNICAST else _RESERVED


def of_name(host: str) -> str | None:
    """What the name is, to stand after "is"; None where it can be a public one. What DNS says of it is not known."""
    name = host.lower().removesuffix(".")
    if "." not in name:
        return "a name without a dot, which only one network knows"
    if any(name.endswith(f".{ending}") or name == ending for ending in _NAMES):
        return "a name of a private network"
    return None

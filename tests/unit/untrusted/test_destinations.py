"""Where addresses lead, judged without a connection: a table, and what holds for every spelling and every text."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from doubles.fuzz import fuzzed
from doubles.url_parsers import hosts_by_node, private_hosts
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequestError
from shared.untrusted import destinations, ip_literals, special_addresses
from shared.untrusted.allowed_destinations import parsed

# Of each address: the reason of its refusal, "" where it is allowed; and a private host that some parser sees in it.
ADDRESSES: dict[str, tuple[str, str]] = {
    # Public.
    "https://example.com/a.jpg?sig=1": ("", ""),
    "https://EXAMPLE.com:443/": ("", ""),
    "https://example.com:/": ("", ""),
    "https://example.com./": ("", ""),
    "https://pictures.blob.core.windows.net/images/a.jpg?sv=1&sig=a%2Fb": ("", ""),
    "https://bücher.example/a.jpg": ("", ""),
    "https://日本.example/": ("", ""),
    "https://xn--bcher-kva.example/": ("", ""),
    "https://my_host.example/": ("", ""),
    "https://8.8.8.8/": ("", ""),
    "https://134744072/": ("", ""),
    "https://0x08.0x08.0x08.0x08/": ("", ""),
    "https://[2001:4860:4860::8888]/": ("", ""),
    "https://[::ffff:8.8.8.8]/": ("", ""),
    "https://[64:ff9b::808:808]/": ("", ""),
    "https://localhost.example.com/": ("", ""),
    "https://local.example.com/": ("", ""),
    "https://example.com/?next=http://127.0.0.1/": ("", ""),
    "https://example.com/@127.0.0.1/": ("", ""),
    "https://example.com?@127.0.0.1/": ("", ""),
    "https://[2001:4860:4860::8888]:443": ("", ""),
    # Which a DNS has to be asked for: the app does not.
    "https://127.0.0.1.nip.io/": ("", ""),
    "https://localtest.me/": ("", ""),
    # Scheme and port.
    "http://example.com/": ("begins with http:", ""),
    "HTTP://8.8.8.8/": ("begins with http:", ""),
    "https://example.com:80/": ("port 80,", ""),
    "https://example.com:8443/": ("port 8443,", ""),
    "https://example.com:22/": ("port 22,", ""),
    "http://example.com:443/": ("begins with http:", ""),
    "http://example.com:6379/": ("port 6379,", ""),
    # Of which programs read two hosts.
    "https://user@example.com/": ("has a user", ""),
    "https://user:pass@example.com/": ("has a user", ""),
    "https://@example.com/": ("has a user", ""),
    "https://example.com@127.0.0.1/": ("has a user", "127.0.0.1"),
    "https://127.0.0.1@example.com/": ("has a user", ""),
    "https://example.com%2F@169.254.169.254/": ("has a user", "169.254.169.254"),
    "https://example.com/a.jpg#top": ("has a fragment", ""),
    "https://example.com#": ("has a fragment", ""),
    "https://example.com#@127.0.0.1/": ("has a fragment", ""),
    "https://127.0.0.1\\@example.com/": ("has a backslash", "127.0.0.1"),
    "https://example.com\\@127.0.0.1/": ("has a backslash", "127.0.0.1"),
    "https:\\\\127.0.0.1\\a.jpg": ("has a backslash", "127.0.0.1"),
    "https://example.com/a\\b.jpg": ("has a backslash", ""),
    # Loopback, in every notation.
    "https://127.0.0.1/": ("127.0.0.1, which is a loopback", "127.0.0.1"),
    "https://127.255.255.254/": ("a loopback", "127.255.255.254"),
    "https://127.0.0.1./": ("a loopback", "127.0.0.1"),
    "https://127.1/": ("a loopback", "127.0.0.1"),
    "https://127.0.1/": ("a loopback", "127.0.0.1"),
    "https://127.1:443/": ("a loopback", "127.0.0.1"),
    "https://2130706433/": ("a loopback", "127.0.0.1"),
    "https://2130706433./": ("a loopback", "127.0.0.1"),
    "https://017700000001/": ("a loopback", "127.0.0.1"),
    "https://0177.0.0.1/": ("a loopback", "127.0.0.1"),
    "https://0000177.0.0.01/": ("a loopback", "127.0.0.1"),
    "https://0x7f000001/": ("a loopback", "127.0.0.1"),
    "https://0X7F.1/": ("a loopback", "127.0.0.1"),
    "https://0x7f.0x0.0x0.0x1/": ("a loopback", "127.0.0.1"),
    "https://0x7f.0.01.1/": ("a loopback", "127.0.1.1"),
    "https://[::1]/": ("a loopback", "::1"),
    "https://[0:0:0:0:0:0:0:1]/": ("a loopback", "::1"),
    "https://[::ffff:127.0.0.1]/": ("a loopback", "127.0.0.1"),
    "https://[::FFFF:7F00:1]/": ("a loopback", "127.0.0.1"),
    "https://[::127.0.0.1]/": ("a loopback", "127.0.0.1"),
    "https://[::ffff:0:127.0.0.1]/": ("a loopback", "127.0.0.1"),
    "https://[64:ff9b::127.0.0.1]/": ("a loopback", "127.0.0.1"),
    "https://[64:ff9b:1::1]/": ("a translator", ""),
    "https://[2002:7f00:1::]/": ("a 6to4", "127.0.0.1"),
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/": ("a Teredo", "127.0.0.1"),
    # Private, shared, link-local.
    "https://10.0.0.1/": ("a private", "10.0.0.1"),
    "https://010.0.0.1/": ("10.0.0.1, which is a private", ""),
    "https://012.1/": ("10.0.0.1, which is a private", "10.0.0.1"),
    "https://167772161/": ("a private", "10.0.0.1"),
    "https://172.16.0.1/": ("a private", "172.16.0.1"),
    "https://172.31.255.255/": ("a private", "172.31.255.255"),
    "https://192.168.1.1/": ("a private", "192.168.1.1"),
    "https://192.168.257/": ("a private", "192.168.1.1"),
    "https://100.64.0.1/": ("a shared", "100.64.0.1"),
    "https://100.127.255.255/": ("a shared", "100.127.255.255"),
    "https://169.254.1.1/": ("a link-local", "169.254.1.1"),
    "https://[fc00::1]/": ("a private", "fc00::1"),
    "https://[fd12:3456::1]/": ("a private", "fd12:3456::1"),
    "https://[fe80::1]/": ("a link-local", "fe80::1"),
    "https://[fec0::1]/": ("a private", ""),
    "https://[::ffff:10.0.0.1]/": ("a private", "10.0.0.1"),
    "https://[64:ff9b::a00:1]/": ("a private", "10.0.0.1"),
    # At which clouds hand out keys.
    "http://169.254.169.254/metadata/instance": ("hands out keys", "169.254.169.254"),
    "https://169.254.169.254/": ("hands out keys", "169.254.169.254"),
    "https://2852039166/": ("hands out keys", "169.254.169.254"),
    "https://0xa9fea9fe/": ("hands out keys", "169.254.169.254"),
    "https://0251.0376.0251.0376/": ("hands out keys", "169.254.169.254"),
    "https://[::ffff:a9fe:a9fe]/": ("hands out keys", "169.254.169.254"),
    "https://168.63.129.16/": ("Azure's own", "168.63.129.16"),
    "https://2822734096/": ("Azure's own", "168.63.129.16"),
    "https://100.100.100.200/": ("hands out keys", "100.100.100.200"),
    "https://[fd00:ec2::254]/": ("hands out keys", "fd00:ec2::254"),
    "https://metadata.google.internal/": ("a private network", "metadata.google.internal"),
    "https://metadata.goog/": ("a private network", ""),
    "https://metadata/": ("without a dot", "metadata"),
    # Of no host.
    "https://0.0.0.0/": ("an unspecified", "0.0.0.0"),
    "https://0/": ("an unspecified", "0.0.0.0"),
    "https://[::]/": ("an unspecified", "::"),
    "https://192.0.0.192/": ("a reserved", ""),
    "https://192.0.2.1/": ("for documentation", "192.0.2.1"),
    "https://198.51.100.7/": ("for documentation", "198.51.100.7"),
    "https://203.0.113.7/": ("for documentation", "203.0.113.7"),
    "https://198.18.0.1/": ("for benchmarks", "198.18.0.1"),
    "https://224.0.0.1/": ("a multicast", "224.0.0.1"),
    "https://255.255.255.255/": ("a reserved", "255.255.255.255"),
    "https://240.0.0.1/": ("a reserved", "240.0.0.1"),
    "https://[ff02::1]/": ("a multicast", "ff02::1"),
    "https://[2001:db8::1]/": ("for documentation", "2001:db8::1"),
    "https://[3fff::1]/": ("for documentation", ""),
    "https://[4000::1]/": ("a reserved", ""),
    # Names that one machine or one network has.
    "https://localhost/": ("without a dot", "localhost"),
    "https://LOCALHOST./": ("without a dot", "localhost"),
    "https://app.localhost/": ("a private network", "app.localhost"),
    "https://localhost.localdomain/": ("a private network", ""),
    "https://localhost4.localdomain4/": ("a private network", ""),
    "https://localhost6.localdomain6/": ("a private network", ""),
    "https://printer.local/": ("a private network", "printer.local"),
    "https://router.home.arpa/": ("a private network", "router.home.arpa"),
    "https://kubernetes.default.svc/": ("a private network", ""),
    "https://vm1.internal.cloudapp.net/": ("a private network", ""),
    "https://intranet/": ("without a dot", "intranet"),
    "https://日本/": ("without a dot", "日本"),
    # That `fetchable` refuses, which is `bad_url`: no program, or not every one, takes them for a host.
    "https://１２７.0.0.1/": ("is none", "127.0.0.1"),  # noqa: RUF001
    "https://①②⑦.0.0.1/": ("is none", "127.0.0.1"),
    "https://127。0。0。1/": ("is none", "127.0.0.1"),
    "https://\u0660x7f.1/": ("is none", ""),
    "https://ｌocalhost/": ("is none", "localhost"),  # noqa: RUF001
    "https://local\u034fhost/": ("is none", "localhost"),
    "https://localhost\ufe0f/": ("is none", "localhost"),
    "https://loc\U000e0100alhost/": ("is none", "localhost"),
    "https://%6c%6f%63%61%6c%68%6f%73%74/": ("is none", "localhost"),
    "https://127.0.0.1%2f.example.com/": ("is none", ""),
    "https://[fe80::1%25eth0]/": ("is none", "fe80::1"),
    "https://[::1%25lo]/": ("is none", "::1"),
    "https://[2001:4860:4860::8888].127.0.0.1/": ("is none", ""),
    "https://127.0.0.1[2001:4860:4860::8888]/": ("is none", ""),
    "https://[2001:4860:4860::8888]443/": ("is none", ""),
    "https://[[::1]]/": ("port that is none", ""),
    "https://-127.0.0.1/": ("no IPv4 address", ""),
    "https://example.com;127.0.0.1/": ("is none", ""),
    "https://127.0.0.0x/": ("no IPv4 address", "127.0.0.0"),
    "https://1.2.3.4.5/": ("no IPv4 address", ""),
    "https://256.256.256.256/": ("no IPv4 address", ""),
    "https://127.0.0.1:99999/": ("port that is none", "127.0.0.1"),
    "https://127.0.0.1:0/": ("port 0", "127.0.0.1"),
    "https://127.0.0.1:abc/": ("port that is none", ""),
    "https:127.0.0.1/": ("names no host", "127.0.0.1"),
    "https:/127.0.0.1/": ("names no host", "127.0.0.1"),
    "https:///127.0.0.1/": ("names no host", "127.0.0.1"),
    "https://127.0.0.1 /": ("percent-encode", ""),
    "https://127.0.0.1\t/": ("percent-encode", "127.0.0.1"),
    "https://exam\nple.com/": ("percent-encode", ""),
    "file:///etc/passwd": ("no http(s) address", ""),
    "gopher://127.0.0.1/": ("no http(s) address", "127.0.0.1"),
    "//127.0.0.1/": ("no http(s) address", "127.0.0.1"),
    "jar:https://example.com!/": ("no http(s) address", ""),
}
LOOPBACK = parsed("http://localhost,https://localhost,127.0.0.0/8,::1/128")


@pytest.fixture(autouse=True)
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any socket, and any question to DNS, fails the test."""
    for name in ("socket", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, None)


@pytest.fixture(scope="module")
def by_node() -> dict[str, str | None]:
    return dict(zip(ADDRESSES, hosts_by_node(list(ADDRESSES)), strict=True))


def refusal(url: str, allow: str = "") -> str:
    """The message of the refusal; empty where the address is handed on as it is."""
    told = "", "url_not_allowed", "?"
    try:
        assert destinations.check(url, parsed(allow) if allow else None) == url
    except BadRequestError as error:
        told = str(error), error.code, error.action
    message, code, action = told
    assert action
    assert code in ("url_not_allowed", "bad_url")
    return message


@pytest.mark.parametrize("url", ADDRESSES, ids=ascii)
def test_an_address_is_refused_with_its_reason_where_any_parser_sees_a_private_host(
    url: str, by_node: dict[str, str | None]
) -> None:
    reason, private = ADDRESSES[url]
    told = refusal(url)
    assert (reason in told, bool(told)) == (True, bool(reason))
    seen = private_hosts(url, by_node[url])
    assert not private or private in seen
    assert told or not seen


def test_the_parsers_do_see_private_hosts(by_node: dict[str, str | None]) -> None:
    """Each of them by itself, and in some addresses only one of them: else the table would compare nothing."""
    assert len(ADDRESSES) > 80
    without_node = [private_hosts(url, None) for url in ADDRESSES]
    assert sum(map(bool, without_node)) > 60
    assert [url for url, seen in zip(ADDRESSES, without_node, strict=True) if not seen and ADDRESSES[url][1]]


@pytest.mark.parametrize("url", [url for url, (reason, _) in ADDRESSES.items() if not reason])
def test_what_is_private_is_so_behind_http_and_behind_any_port_too(url: str) -> None:
    assert "only https" in refusal(url.replace("https:", "http:", 1).replace(":443", ""))


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(BadRequestError) as caught:
        destinations.check("http://127.0.0.1:8080/a.jpg?sig=S3cret", None)
    assert str(caught.value) == (
        "The url leads to 127.0.0.1, which is a loopback address, and begins with http:, where only https: is allowed, "
        "and has the port 8080, where only 443 is allowed."
    )
    assert caught.value.code == "url_not_allowed"
    assert "URL_ALLOW" in caught.value.action


@pytest.mark.parametrize("url", ["https://us3r:p4ss@example.com/?sig=S3cret", "https://example.com/S3cret#S3cret"])
def test_no_secret_of_an_address_is_told(url: str) -> None:
    told = refusal(url)
    assert told
    assert not re.search("S3cret|us3r|p4ss", told)


def spellings(address: IPv4Address) -> st.SearchStrategy[str]:
    """Ways to write an IPv4 address as a host: one to four numbers in three bases, with zeros, or within IPv6."""
    number = int(address)

    def parts(count: int) -> list[int]:
        first = [number >> 8 * (3 - place) & 255 for place in range(count - 1)]
        return [*first, number & 2 ** (8 * (5 - count)) - 1]

    def written(part: int) -> st.SearchStrategy[str]:
        zeros = st.integers(0, 3).map(lambda count: "0" * count)
        hexadecimal = st.builds("{}{}{:x}".format, st.sampled_from(["0x", "0X"]), zeros, st.just(part))
        return st.just(str(part)) | zeros.map(lambda more: f"0{more}{part:o}") | hexadecimal

    numbers = st.integers(1, 4).flatmap(lambda count: st.tuples(*map(written, parts(count))).map(".".join))
    dotted = st.builds("{}{}".format, numbers, st.sampled_from(["", "."]))
    pair = f"{number >> 16:x}:{number & 65535:x}"
    # `::` and `::1` are addresses of their own.
    compatible = ["::"] if number > 1 else []
    inside = st.sampled_from(["::ffff:", *compatible, "::ffff:0:", "64:ff9b::", "0:0:0:0:0:FFFF:"])
    return dotted | st.builds("[{}{}]".format, inside, st.sampled_from([pair, pair.upper(), str(address)]))


PRIVATE = st.sampled_from([each for each in special_addresses.NETWORKS if each.version == 4]).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


@fuzzed
@given(PRIVATE.flatmap(lambda address: st.tuples(st.just(address), spellings(address))))
def test_every_spelling_of_a_private_address_is_refused(spelt: tuple[IPv4Address, str]) -> None:
    address, host = spelt
    told = refusal(f"https://{host}/a.jpg")
    assert f"leads to {address}, which is " in told
    assert refusal(f"http://{host}:8080/a.jpg", f"{address}/32") == "" or _is_read_otherwise(host)


def _is_read_otherwise(host: str) -> bool:
    """With zeros before decimal digits it is two addresses, and both have to be allowed."""
    return len(ip_literals.readings(host.strip("[]"))) > 1


@fuzzed
@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address) | PRIVATE)
def test_what_python_knows_as_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    held = ip_literals.readings(str(address))
    if not all(each.is_global and not each.is_multicast for each in held):
        assert refusal(f"https://{host}/")


HOSTS = st.sampled_from(["127.0.0.1", "localhost", "[::1]", "0x7f.1", "example.com", "10", "xn--a", "日本", "ß"])
PIECES = st.sampled_from(
    [*"@:/\\?#[]%.,;!-_ ", "https:", "http:", "//", "443", "8080", "\u034f", "\u3002", "0x", "\ud800"]
)


TEXTS = st.text(max_size=60) | st.lists(PIECES | HOSTS, max_size=12).map("".join)


@fuzzed
@given(TEXTS | st.builds("{}//{}".format, st.sampled_from(["https:", "http:"]), TEXTS))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    for allow in ("", "0.0.0.0/0,::/0,https://example.com"):
        refusal(text, allow)


ALLOWED = [
    ("http://localhost", "http://localhost:10000/a.jpg", True),
    ("http://localhost", "http://LOCALHOST./a.jpg", True),
    ("http://localhost", "https://localhost/a.jpg", False),
    ("http://localhost:8080", "http://localhost:8080/", True),
    ("http://localhost:8080", "http://localhost:8081/", False),
    ("http://localhost:80", "http://localhost/", True),
    ("https://localhost:443", "https://localhost/", True),
    ("http://localhost", "http://127.0.0.1/", False),
    ("http://localhost", "http://a.localhost/", False),
    ("https://images.intranet/", "https://images.intranet:8443/a.jpg", True),
    ("http://127.0.0.1:9000", "http://0x7f.1:9000/", True),
    ("http://127.0.0.1:9000", "http://[::ffff:7f00:1]:9000/", True),
    ("http://127.0.0.1:9000", "http://127.0.0.2:9000/", False),
    ("http://[::1]:9000", "http://[0:0::1]:9000/", True),
    ("127.0.0.0/8", "http://127.0.0.1:5000/", True),
    ("127.0.0.0/8", "https://2130706433/", True),
    ("127.0.0.0/8", "https://[::ffff:127.0.0.1]/", True),
    ("127.0.0.0/8", "https://localhost/", False),
    ("127.0.0.0/8", "https://10.0.0.1/", False),
    ("127.0.0.0/8", "https://[2002:7f00:1::]/", False),
    ("8.0.0.0/8", "https://010.0.0.1/", False),
    ("https://8.0.0.1", "https://010.0.0.1/", False),
    ("8.0.0.0/8, 10.0.0.0/8", "https://010.0.0.1/", True),
    ("10.1.2.3", "http://10.1.2.3/", True),
    ("169.254.169.254/32", "http://169.254.169.254/", True),
    ("fd00::/8", "http://[fd00:ec2::254]/", True),
    (" ,127.0.0.0/8,", "http://127.0.0.1/", True),
    ("http://example.com:8080", "http://example.com:8080/", True),
    # Never: of these, programs read two hosts, or none.
    ("0.0.0.0/0,https://localhost,https://example.com", "https://user@localhost/", False),
    ("0.0.0.0/0,https://localhost,https://example.com", "https://localhost/#a", False),
    ("0.0.0.0/0,https://localhost,https://example.com", "https://example.com\\@localhost/", False),
    ("0.0.0.0/0,https://localhost,https://example.com", "https://localhost:0/", False),
    ("0.0.0.0/0,https://localhost,https://example.com", "ftp://localhost/", False),
]


@pytest.mark.parametrize(("allow", "url", "allowed"), ALLOWED)
def test_the_operator_allows_hosts_and_networks(allow: str, url: str, allowed: bool) -> None:
    assert refusal(url)
    assert (refusal(url, allow) == "") is allowed


def test_what_is_public_stays_so_beside_what_is_allowed() -> None:
    assert refusal("https://example.com/a.jpg", "10.0.0.0/8") == ""


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("localhost", "neither"),
        ("*", "neither"),
        ("10.0.0.1/8", "bits behind the prefix of its network, which is 10.0.0.0/8"),
        ("10.0.0.0/33", "neither"),
        ("010.0.0.0/8", "neither"),
        ("fe80::1%eth0", "a zone"),
        ("::ffff:10.0.0.0/104", "a spelling of IPv4"),
        ("64:ff9b::/96", "a spelling of IPv4"),
        ("::/96", "a spelling of IPv4"),
        ("ftp://example.com", "an http(s) address"),
        ("https://example.com/images", "a path"),
        ("https://example.com?sig=S3cret", "query"),
        ("https://u:S3cret@example.com", "user and password"),
        ("https://example.com:0", "an http(s) address"),
        ("https://*.example.com", "an http(s) address"),
        ("https://a..b", "a host that is none"),
        ("https://1.2.3.400", "a host that is none"),
        ("https://[::1", "an http(s) address"),
        ("https://日本.example", "an http(s) address"),
    ],
)
def test_a_wrong_entry_is_named_by_its_place_with_the_reason(entry: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a list such as .*; entry 2 ") as caught:
        parsed(f"https://example.com, {entry},127.0.0.0/8")
    assert reason in str(caught.value)
    assert "S3cret" not in str(caught.value)


def test_loopback_is_what_the_local_stack_allows() -> None:
    for url in ("http://127.0.0.1:7073/a", "http://localhost:1/a", "https://[::1]:7/"):
        assert destinations.check(url, LOOPBACK) == url
    with pytest.raises(BadRequestError):
        destinations.check("http://10.0.0.1/", LOOPBACK)

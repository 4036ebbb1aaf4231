"""Which URLs and addresses may be asked.

A catalogue is other people's text. A URL in it, a redirect or a DNS answer can point into the network that packshot
runs in, so an address is checked where it is used: the resolver returns only addresses that passed, and the connector
takes exactly these (no second look-up), checked once more as the socket is made.
"""

import re
import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from packshot.errors import ErrorCode, PhotoError
from packshot.fetching.settings import FetchSettings

MAX_URL_CHARS = 8192
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)")
_PLAIN = re.compile(r"[!-~]*\Z")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?\Z", re.IGNORECASE)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?\Z", re.IGNORECASE)
# Not public though `is_global` has it so: Azure's host agent, and IETF protocol assignments with Oracle's metadata.
_ALSO_INNER = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
_NAT64 = ip_network("64:ff9b::/96")
_INNER_NAMES = ("localhost", ".localhost", ".internal", ".local")

Address = IPv4Address | IPv6Address


class BlockedAddress(OSError):
    """A name resolves only to addresses that may not be asked."""


class AddressPolicy:
    """Refuses loopback, private, link-local, shared (CGNAT), multicast, reserved, unspecified and metadata addresses,
    also those inside an IPv6 address, unless a setting allows them."""

    def __init__(self, allow_private: bool | tuple[IPv4Network | IPv6Network, ...]):
        self._all = allow_private is True
        self._networks = () if isinstance(allow_private, bool) else tuple(allow_private)

    def allows(self, address: str | Address) -> bool:
        if self._all:
            return True
        ip = ip_address(address.partition("%")[0]) if isinstance(address, str) else address
        meant = _meant(ip)
        return _is_public(meant) or any(meant in network for network in self._networks)

    def check(self, address: str | Address) -> None:
        if not self.allows(address):
            raise BlockedAddress(f"{address} is not a public address")

    def allows_name(self, name: str) -> bool:
        """For proxies, which resolve names themselves: what a name alone tells."""
        name = name.rstrip(".").lower()
        return self._all or not (name in _INNER_NAMES or name.endswith(_INNER_NAMES[1:]))


def _meant(ip: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def _is_public(ip: Address) -> bool:
    if ip.is_multicast or ip.is_reserved or any(ip in network for network in _ALSO_INNER):
        return False
    return ip.is_global and not getattr(ip, "is_site_local", False)


class CheckedResolver(AbstractResolver):
    """Passes on only the addresses that the policy allows. `inner` does the look-up (the system's by default)."""

    def __init__(self, policy: AddressPolicy, inner: AbstractResolver | None = None):
        self._policy = policy
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if found and not allowed:
            addresses = ", ".join(sorted({result["host"] for result in found}))
            raise BlockedAddress(f"{host} resolves to {addresses}, which is not a public address")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def checked_socket(policy: AddressPolicy) -> Any:
    """A socket factory for the connector: the last look at the very address that is about to be connected to."""

    def make(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        policy.check(address[0])
        return socket.socket(family, kind, protocol)

    return make


def parse_url(text: str, settings: FetchSettings, policy: AddressPolicy, base: URL | None = None) -> URL:
    """The URL to ask for, as a catalogue's row or (relative to `base`) a redirect states it.

    `//host/path` means https; with `allow_http`, a loopback address there means http, as no such server has a
    certificate. Internationalised names are encoded, and what is percent-encoded already stays as it is.

    Raises `PhotoError`: `bad_url`, or `blocked_address` where the URL spells out an address that is refused.
    """
    text = text.strip()
    if len(text) > MAX_URL_CHARS:
        raise _bad(f"{text[:60]}…", f"it has {len(text)} characters, more than {MAX_URL_CHARS}")
    if _FORBIDDEN.search(text):
        raise _bad(text, "it holds control characters")
    if base is not None:
        try:
            text = urljoin(str(base), text)
        except ValueError as error:
            raise _bad(text, str(error)) from None
    match = _AUTHORITY.match(text)
    if not match:
        raise _bad(text, "it has no scheme and host; packshot takes https://host/path")
    scheme, authority = (match[1] or "").lower(), match[2]
    if "@" in authority or "\\" in authority:
        raise _bad(authority.rpartition("@")[2], "it carries a user or password")
    if not scheme:
        local = settings.allow_http and _is_loopback(authority)
        scheme, text = ("http" if local else "https"), f"{'http' if local else 'https'}:{text}"
    if scheme not in ("http", "https"):
        raise _bad(text, f"its scheme is {scheme}; packshot takes https and, where allow_http is set, http")
    if scheme == "http" and not settings.allow_http:
        raise _bad(text, "it is http; set allow_http to take it")
    text = text.partition("#")[0]
    try:
        url = URL(text, encoded=True) if _PLAIN.match(text) else URL(text)
        host, port = url.raw_host, url.port
    except (ValueError, UnicodeError) as error:
        raise _bad(text, str(error)) from None
    if not host or not port:
        raise _bad(text, "it has no host" if not host else "its port is not a port")
    code, why = _fault_of_host(host, policy, bool(settings.proxy))
    if code is ErrorCode.BLOCKED_ADDRESS:
        raise PhotoError(code, why)
    if code is not None:
        raise _bad(text, why)
    return url


@lru_cache(maxsize=4096)
def _fault_of_host(host: str, policy: AddressPolicy, by_proxy: bool) -> tuple[ErrorCode | None, str]:
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        if policy.allows(address):
            return None, ""
        return ErrorCode.BLOCKED_ADDRESS, f"{host} is not a public address"
    if len(host) > 253 or not _HOST_NAME.match(host) or any(len(label) > 63 for label in host.split(".")):
        return ErrorCode.BAD_URL, f"{host!r} is not a host name"
    if _NUMERIC_LABEL.match(host.rstrip(".").rpartition(".")[2]):
        # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 to the system's resolver, and no public names.
        return ErrorCode.BAD_URL, f"{host!r} is an address in an unusual spelling"
    if by_proxy and not policy.allows_name(host):
        return ErrorCode.BLOCKED_ADDRESS, f"{host} names an inner host"
    return None, ""


def _is_loopback(authority: str) -> bool:
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _bad(text: str, why: str) -> PhotoError:
    return PhotoError(ErrorCode.BAD_URL, f"{text[:200]!r} is not taken: {why}")

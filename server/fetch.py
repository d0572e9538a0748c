"""The one way in which addresses that users name are fetched: guarded, so that nobody reaches through the
server what only the server can reach.

A name is looked up once, every address is judged, and the connection goes to the judged address itself: a
name that means another machine a moment later (DNS rebinding) changes nothing. TLS still checks the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, cast

import httpx

from server.version import program_version
from streaming.errors import LipstreamError

MAX_URL_CHARACTERS = 2000
MAX_REDIRECTS = 5
MAX_ADDRESSES = 4
"""Of one name that are tried, one after the other."""
WAIT = httpx.Timeout(15.0)
"""Seconds for each of connecting, sending and waiting for the next bytes."""
FETCH_SECONDS = 300.0
"""For all of it; a server that sends drop by drop is not waited for."""
MEMORY_BYTES = 1 << 20
"""What is larger goes to the disk."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a name, as text."""
Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those that there are, if that is known."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_OF_CLOUDS = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where clouds tell their machines' secrets, beside 169.254.169.254: AWS, Alibaba, Azure, Oracle."""


class FetchRefused(LipstreamError):
    """The server does not fetch this address; the message says why."""

    code = "fetch_refused"


class FetchFailed(LipstreamError):
    """Something could not be fetched; the message says why and what to do."""

    code = "fetch_failed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched.

    Attributes:
        file: its contents, at their beginning; gone when the block is left.
        size: in bytes.
        media_type: what its sender says it is, without parameters, in small letters; may be empty.
        url: where it was in the end.
    """

    file: BinaryIO
    size: int
    media_type: str
    url: str


class Fetcher:
    """Fetches over http and https. Proxies and cookies are not used, redirects are judged like the address.

    Args:
        private: whether addresses of private networks, and of this machine, are fetched, too.
        resolve: looks names up; the system does when not given.
        transport: stands for the network in tests.
        tls: what is trusted; what the system or ``SSL_CERT_FILE`` names when not given.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        resolve: Resolver | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._private = private
        self._resolve = resolve or _look_up
        self._transport = transport
        self._given_tls = tls

    @asynccontextmanager
    async def fetch(
        self,
        url: str,
        max_bytes: int,
        *,
        seconds: float = FETCH_SECONDS,
        progress: Progress = lambda done, total: None,
    ) -> AsyncGenerator[Fetched]:
        """Fetch an address into a file that has no name.

        Args:
            url: what a user named.
            max_bytes: more is never read.
            seconds: for all of it.
            progress: told how far it is.

        Raises:
            FetchRefused: it is not an address that is fetched, or what is there is too large.
            FetchFailed: it cannot be had.
        """
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
            kept = cast(BinaryIO, file)
            try:
                async with asyncio.timeout(seconds):
                    fetched = await self._fetch(url, _Keeper(kept, max_bytes, progress))
            except TimeoutError as error:
                raise FetchFailed(
                    f"The address did not send all within {seconds:.0f} s. Try again later, or fetch the "
                    "file yourself and send it."
                ) from error
            yield fetched

    async def _fetch(self, url: str, keeper: _Keeper) -> Fetched:
        address = _parse(url)
        # Reading what is trusted takes as long as a frame.
        tls = await asyncio.to_thread(lambda: self._tls)
        client = httpx.AsyncClient(
            verify=tls,
            trust_env=False,
            timeout=WAIT,
            transport=self._transport,
            # TLS checked one name: no other goes over the same connection.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        async with client:
            for _ in range(MAX_REDIRECTS + 1):
                with _explained(address):
                    response = await self._send(client, address)
                    try:
                        if not response.has_redirect_location:
                            return await keeper.keep(response, address)
                        address = _redirected(address, response)
                    finally:
                        await response.aclose()
        raise FetchRefused(f"The address redirects more than {MAX_REDIRECTS} times. Give the last address.")

    async def _send(self, client: httpx.AsyncClient, address: httpx.URL) -> httpx.Response:
        host = address.raw_host.decode()
        port = address.port or (443 if address.scheme == "https" else 80)
        failed: httpx.TransportError | None = None
        for found in await self._addresses(host, port):
            client.cookies.clear()
            request = client.build_request(
                "GET",
                address.copy_with(host=found),
                headers={
                    "Host": address.netloc.decode(),
                    "User-Agent": f"lipstream/{program_version()}",
                    "Accept-Encoding": "identity",
                },
                extensions={"sni_hostname": host},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        assert failed is not None, "there is an address"
        raise failed

    async def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a name that may be fetched, at least one."""
        try:
            found = await self._resolve(host, port)
            judged = [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
        except (OSError, ValueError):
            judged = []
        allowed = [str(address) for address in judged if is_allowed(address, self._private)]
        if not allowed:
            # The same words for a name of a private network and for none: they tell nothing of that network.
            raise FetchRefused(
                f"'{host[:100]}' has no address that this server fetches. Check the spelling; addresses of "
                "private networks are fetched only where the operator sets LIPSTREAM_FETCH_PRIVATE=true."
            )
        return allowed[:MAX_ADDRESSES]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context()


class _Keeper:
    """Writes an answer into a file, as far as it may be."""

    def __init__(self, file: BinaryIO, max_bytes: int, progress: Progress) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._progress = progress

    async def keep(self, response: httpx.Response, address: httpx.URL) -> Fetched:
        if response.status_code != httpx.codes.OK:
            raise FetchFailed(
                f"{address.host} answers {response.status_code}. Check that the address gives the file "
                "itself."
            )
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise FetchFailed(
                f"{address.host} sends the file compressed, which was not asked for. Fetch it yourself and "
                "send it."
            )
        announced = response.headers.get("content-length", "")
        total = int(announced) if announced.isdecimal() and len(announced) < 16 else None
        if total is not None and total > self._max_bytes:
            raise self._too_large()
        done = 0
        async for chunk in response.aiter_raw(MEMORY_BYTES):
            done += len(chunk)
            if done > self._max_bytes:
                raise self._too_large()
            await asyncio.to_thread(self._file.write, chunk)
            self._progress(done, total)
        self._file.seek(0)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(self._file, done, kind, str(address))

    def _too_large(self) -> FetchRefused:
        return FetchRefused(
            f"What is at the address is larger than {self._max_bytes} bytes, which is the most that is taken."
        )


def is_allowed(address: _Address, private: bool = False) -> bool:
    """Whether an address may be fetched.

    Public unicast addresses may. With ``private``, also those of private networks, of carriers (CGNAT) and
    of this machine; never link-local ones, others where clouds tell secrets, or multicast.
    """
    if address in _OF_CLOUDS:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_allowed(inner, private)
        if address in _PUBLIC_IPV6 and address.is_global:
            return True
        return private and (address.is_loopback or (address.is_private and not _is_special(address)))
    if address.is_global and not _is_special(address):
        return True
    return private and not _is_special(address)


def _is_special(address: _Address) -> bool:
    return (
        address.is_multicast
        or address.is_link_local
        or address.is_unspecified
        or address.is_reserved
        or (isinstance(address, ipaddress.IPv4Address) and int(address) >> 24 == 0)
    )


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address come to in the end."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _parse(url: str) -> httpx.URL:
    """An address that a user named, without its fragment.

    Raises:
        FetchRefused: it is none that is fetched.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise FetchRefused(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRefused("The address cannot be read. Write it like https://example.org/file.") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise FetchRefused("Only http and https addresses are fetched, like https://example.org/file.")
    if address.port is not None and not 0 < address.port < 1 << 16:
        raise FetchRefused("The address names a port that cannot be: there are 65535.")
    if address.userinfo:
        raise FetchRefused("The address holds a user name or a password, which are not sent. Leave them out.")
    return address.copy_with(fragment=None)


def _redirected(address: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        target = address.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed(f"{address.host} redirects to an address that cannot be read.") from error
    if address.scheme == "https" and target.scheme == "http":
        raise FetchRefused(f"{address.host} redirects from https to http, which is not followed.")
    return _parse(str(target))


@contextmanager
def _explained(address: httpx.URL) -> Generator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise FetchFailed(
            f"{address.host} cannot be reached, or broke off ({str(error)[:200] or type(error).__name__}). "
            "Check the address, or fetch the file yourself and send it."
        ) from error
    except OSError as error:
        raise FetchFailed(f"The file cannot be kept ({error.strerror or error}). Try again later.") from error


async def _look_up(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]

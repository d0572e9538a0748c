import asyncio
import datetime
import ipaddress
import os
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.fetch import MAX_REDIRECTS, Fetcher, FetchFailed, FetchRefused, is_allowed

PUBLIC = "93.184.216.34"
LIMIT = 10_000_000


class Names:
    """Looks names up, and notes which."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known = {name.replace("_", "."): found for name, found in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("Name or service not known")
        return self.known[host]


async def fetched(fetcher: Fetcher, url: str, max_bytes: int = LIMIT, **options: Any) -> tuple[bytes, Any]:
    async with fetcher.fetch(url, max_bytes, **options) as answer:
        return answer.file.read(), answer


@asynccontextmanager
async def serving(
    answer: bytes | Callable[[bytes], bytes], tls: ssl.SSLContext | None = None, hold: bool = False
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine that says the same to everybody."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer if isinstance(answer, bytes) else answer(heard[-1]))
        if hold:
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


def says(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join((*lines, "", "")).encode() + body


async def test_a_file_is_fetched_from_the_address_that_was_looked_up():
    names = Names(files_example=["127.0.0.1"])
    seen = []
    async with serving(says(b"x" * 3_000_000, "Content-Type: Application/Zip; a=b")) as (port, heard):
        data, answer = await fetched(
            Fetcher(private=True, resolve=names),
            f"http://files.example:{port}/a.lipstream?b=c#d",
            progress=lambda done, total: seen.append((done, total)),
        )
    assert data == b"x" * 3_000_000 and answer.size == len(data)
    assert answer.media_type == "application/zip"
    assert answer.url == f"http://files.example:{port}/a.lipstream?b=c"
    assert names.asked == ["files.example"], "once"
    request = heard[0].decode().lower()
    assert request.startswith("get /a.lipstream?b=c http/1.1")
    assert f"host: files.example:{port}\r\n" in request and "accept-encoding: identity" in request
    assert seen[-1] == (3_000_000, 3_000_000) and len(seen) > 1


def found(data: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        yield data

    return httpx.Response(200, content=body(), headers=headers)


def mocked(
    handler: Callable[[httpx.Request], httpx.Response], *found: str, **names: Sequence[str]
) -> Fetcher:
    resolve = Names(**({"files_example": found or [PUBLIC]} | names))
    return Fetcher(resolve=resolve, transport=httpx.MockTransport(handler))


async def test_the_connection_goes_to_the_judged_address_and_tls_checks_the_name():
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return found(b"ok")

    assert (await fetched(mocked(handler), "https://Files.Example/x"))[0] == b"ok"
    (request,) = seen
    assert str(request.url) == f"https://{PUBLIC}/x"
    assert request.headers["host"] == "files.example"
    assert request.extensions["sni_hostname"] == "files.example"
    await fetched(mocked(handler, "2606:2800:220:1::1"), "https://files.example:444/")
    assert str(seen[-1].url) == "https://[2606:2800:220:1::1]:444/"
    assert seen[-1].headers["host"] == "files.example:444"
    await fetched(mocked(handler, "127.0.0.1", PUBLIC, "10.0.0.1"), "http://files.example/")
    assert seen[-1].url.host == PUBLIC, "what is not allowed is passed over"


async def test_a_name_that_changes_its_meaning_is_looked_up_once():
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    asked = 0

    async def rebinding(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return next(answers)

    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return found(b"ok")

    fetcher = Fetcher(resolve=rebinding, transport=httpx.MockTransport(handler))
    await fetched(fetcher, "http://files.example/")
    assert (asked, seen) == (1, [PUBLIC])
    with pytest.raises(FetchRefused):
        await fetched(fetcher, "http://files.example/")
    assert seen == [PUBLIC]


REFUSED = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "224.0.1.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%1",
    "fc00::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
]
NEVER = {
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "fec0::1",
    "64:ff9b::a9fe:a9fe",
}


@pytest.mark.parametrize("address", REFUSED)
async def test_no_address_of_a_private_network_is_asked(address):
    def handler(request: httpx.Request) -> httpx.Response:
        pytest.fail(f"{request.url} was asked")

    with pytest.raises(FetchRefused, match="LIPSTREAM_FETCH_PRIVATE"):
        await fetched(mocked(handler, address), "http://files.example/")


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_addresses_of_the_internet_may_be_asked(address):
    assert is_allowed(ipaddress.ip_address(address))
    assert is_allowed(ipaddress.ip_address(address), private=True)


@pytest.mark.parametrize("address", REFUSED)
def test_even_where_private_networks_are_allowed_some_are_not(address):
    parsed = ipaddress.ip_address(address)
    special = address in NEVER or parsed.is_multicast or address.startswith(("24", "255"))
    if not special and not address.startswith(("::127", "2002")):
        assert is_allowed(parsed, private=True), address
    if special:
        assert not is_allowed(parsed, private=True), address


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::1]", "localhost"])
async def test_other_spellings_of_this_machine_are_found_out_by_the_system(host):
    with pytest.raises(FetchRefused):
        await fetched(
            Fetcher(transport=httpx.MockTransport(lambda _: pytest.fail("asked"))), f"http://{host}/"
        )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "http and https"),
        ("/etc/passwd", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("ftp://files.example/x", "http and https"),
        ("gopher://files.example/x", "http and https"),
        ("data:text/plain,x", "http and https"),
        ("http://", "http and https"),
        ("http:///x", "http and https"),
        ("http://user:secret@files.example/", "user name"),
        ("http://user@files.example/", "user name"),
        ("http://files.example:99999/", "port"),
        ("http://files.example:0/", "port"),
        ("http://files.example\r\nX: y/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://files.example/" + "x" * 2000, "longer than"),
        ("http://nobody.example/", "no address"),
        ("http://" + "x" * 300 + ".example/", "no address"),
    ],
)
async def test_what_is_no_address_to_fetch_is_refused(url, says):
    fetcher = mocked(lambda _: pytest.fail("it was asked"))
    with pytest.raises(FetchRefused, match=says) as refused:
        await fetched(fetcher, url)
    assert "secret" not in refused.value.message


async def test_redirects_are_judged_like_the_address():
    hops: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        hops.append(f"{request.headers['host']}{request.url.path}")
        assert "cookie" not in request.headers
        places = {
            "/relative": "b",
            "/b": "https://other.example/c",
            "/inside": "http://inside.example/",
            "/number": "http://127.0.0.1/",
            "/scheme": "file:///etc/passwd",
            "/secret": "http://a:b@files.example/",
            "/down": "http://files.example/c",
            "/round": "/round",
        }
        headers = {"set-cookie": "a=b"}
        if request.url.path in places:
            return httpx.Response(302, headers={"location": places[request.url.path], **headers})
        return found(b"there", headers)

    names = {"other_example": [PUBLIC], "inside_example": ["10.0.0.1"], "127_0_0_1": ["127.0.0.1"]}
    fetcher = mocked(handler, **names)
    data, answer = await fetched(fetcher, "https://files.example/relative")
    assert data == b"there" and answer.url == "https://other.example/c"
    assert hops == ["files.example/relative", "files.example/b", "other.example/c"]
    for path in ("inside", "number", "scheme", "secret"):
        with pytest.raises(FetchRefused):
            await fetched(mocked(handler, **names), f"http://files.example/{path}")
    with pytest.raises(FetchRefused, match="https to http"):
        await fetched(mocked(handler, **names), "https://files.example/down")
    hops.clear()
    with pytest.raises(FetchRefused, match="redirects more than"):
        await fetched(mocked(handler, **names), "https://files.example/round")
    assert len(hops) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (says(b"", length=5001), "larger than 5000"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 6000, "larger than 5000"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1771\r\n" + b"x" * 6001 + b"\r\n0\r\n\r\n",
            "larger than 5000",
        ),
        (says(b"short", length=4000), "broke off"),
        (says(b"", status="404 Not Found"), "answers 404"),
        (says(b"", status="302 Found"), "answers 302"),
        (says(b"", status="204 No Content"), "answers 204"),
        (says(b"zip", "Content-Encoding: gzip"), "compressed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke off"),
        (b"", "broke off"),
    ],
)
async def test_what_cannot_be_had_is_told(answer, says):
    fetcher = Fetcher(private=True, resolve=Names(files_example=["127.0.0.1"]))
    async with serving(answer) as (port, _):
        with pytest.raises((FetchRefused, FetchFailed), match=says):
            await fetched(fetcher, f"http://files.example:{port}/", 5000)


async def test_who_sends_drop_by_drop_is_not_waited_for():
    fetcher = Fetcher(private=True, resolve=Names(files_example=["127.0.0.1"]))
    async with serving(says(b"drop", length=100), hold=True) as (port, _):
        with pytest.raises(FetchFailed, match="did not send all"):
            await fetched(fetcher, f"http://files.example:{port}/", seconds=0.2)


async def test_the_next_address_of_a_name_is_tried(unused_tcp_port: int):
    fetcher = Fetcher(private=True, resolve=Names(files_example=["127.0.0.9", "127.0.0.1"]))
    async with serving(says(b"ok")) as (port, _):
        assert (await fetched(fetcher, f"http://files.example:{port}/"))[0] == b"ok"
    with pytest.raises(FetchFailed, match="cannot be reached"):
        await fetched(fetcher, f"http://files.example:{unused_tcp_port}/")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fetcher = Fetcher(private=True, resolve=Names(files_example=["127.0.0.1"]))
    async with serving(says(b"straight")) as (port, _):
        assert (await fetched(fetcher, f"http://files.example:{port}/"))[0] == b"straight"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of this name shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    shown = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(shown + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=shown.decode())


async def test_over_tls_the_name_must_be_that_of_the_certificate(tmp_path):
    shown, trusting = certificate(tmp_path, "files.example")
    names = Names(files_example=["127.0.0.1"], other_example=["127.0.0.1"])
    fetcher = Fetcher(private=True, resolve=names, tls=trusting)
    async with serving(says(b"sealed"), tls=shown) as (port, _):
        assert (await fetched(fetcher, f"https://files.example:{port}/"))[0] == b"sealed"
        with pytest.raises(FetchFailed, match="certificate"):
            await fetched(fetcher, f"https://other.example:{port}/")
        untrusting = Fetcher(private=True, resolve=names)
        with pytest.raises(FetchFailed, match="certificate"):
            await fetched(untrusting, f"https://files.example:{port}/")


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.exists() else 0


async def test_nothing_stays_open(tmp_path):
    fetcher = Fetcher(private=True, resolve=Names(files_example=["127.0.0.1"]))
    async with serving(says(b"x" * 2_000_000)) as (port, _):
        await fetched(fetcher, f"http://files.example:{port}/")
        before = open_files()
        for _ in range(5):
            _, answer = await fetched(fetcher, f"http://files.example:{port}/")
            assert answer.file.closed
            with pytest.raises(FetchRefused):
                await fetched(fetcher, f"http://files.example:{port}/", 10)
        await asyncio.sleep(0)
        assert open_files() <= before + 1

"""What a hostile catalogue, host or name server can try, each with the code it ends in."""

import asyncio
import gzip
import os
import socket
import ssl
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from loopback_server import LoopbackServer, answer, drip
from test_fetching import PHOTO, QUICK

from packshot.errors import ErrorCode, PhotoError
from packshot.fetching import Fetched, Fetcher, FetchRequest, FetchSettings
from packshot.fetching.addresses import AddressPolicy, BlockedAddress, checked_socket, parse_url

FIRST_ONLY = (ip_network("127.0.0.1/32"),)


class ScriptedResolver(AbstractResolver):
    """A name server that answers each look-up with the next of `answers` (the last one for ever)."""

    def __init__(self, *answers: list[str]):
        self.answers = list(answers)
        self.lookups = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.lookups += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {"hostname": host, "host": a, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for a in addresses
        ]

    async def close(self):
        pass


@pytest.fixture
def server():
    running = LoopbackServer("127.0.0.1", "127.0.0.2")
    running.routes["/photo.jpg"] = answer(body=PHOTO)
    yield running
    running.close()


def fetch(url: str, resolver: AbstractResolver | None = None, **settings) -> Fetched | PhotoError:
    with Fetcher(FetchSettings(**QUICK | {"attempts": 1} | settings), resolver) as fetcher:
        [result] = fetcher.fetch_batch([FetchRequest(url)])
    return result


def code(result: Fetched | PhotoError) -> ErrorCode | None:
    return getattr(result, "code", None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "photo.jpg",
        "/photo.jpg",
        "https:///photo.jpg",
        "https:photo.jpg",
        "ftp://host/photo.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://plain.example.com/photo.jpg",
        "https://user:password@host.example.com/photo.jpg",
        "https://user@host.example.com/photo.jpg",
        "//user@host.example.com/photo.jpg",
        "https://good.example.com\\@evil.example.com/",
        "https://host.example.com/a\r\nX-Header: 1",
        "https://host.example.com/\0",
        "https://host.example.com:99999/photo.jpg",
        "https://host.example.com:0/photo.jpg",
        "https://[::1/photo.jpg",
        "https://ho st/photo.jpg",
        "https://127.1/photo.jpg",
        "https://0x7f000001/photo.jpg",
        "https://2130706433/photo.jpg",
        "https://0177.0.0.1/photo.jpg",
        "https://%6cocalhost/photo.jpg",
        "https://host.example.com/" + "a" * 9000,
        "https://" + "a" * 300 + ".example.com/",
    ],
)
def test_urls_that_are_not_taken(url):
    with pytest.raises(PhotoError) as caught:
        parse_url(url, FetchSettings(), AddressPolicy(False))
    assert caught.value.code == ErrorCode.BAD_URL
    assert "password@" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("//cdn.example.com/a.jpg", "https://cdn.example.com/a.jpg"),
        ("  https://cdn.example.com/a.jpg\n", "https://cdn.example.com/a.jpg"),
        ("HTTPS://cdn.example.com/a.jpg#part", "https://cdn.example.com/a.jpg"),
        ("https://cdn.example.com/a%2Fb.jpg?sig=%2b%3D", "https://cdn.example.com/a%2Fb.jpg?sig=%2b%3D"),
        ("https://cdn.example.com/a b.jpg", "https://cdn.example.com/a%20b.jpg"),
        ("https://пример.example.com/фото.jpg", "https://xn--e1afmkfd.example.com/%D1%84%D0%BE%D1%82%D0%BE.jpg"),
        ("https://8.8.8.8/a.jpg", "https://8.8.8.8/a.jpg"),
        ("https://[2606:4700::1111]:8443/a.jpg", "https://[2606:4700::1111]:8443/a.jpg"),
    ],
)
def test_urls_that_are_taken(text, url):
    assert str(parse_url(text, FetchSettings(), AddressPolicy(False))) == url


def test_a_protocol_relative_url_means_https_except_on_an_allowed_loopback():
    allowing = FetchSettings(allow_http=True, allow_private=True)
    policy = AddressPolicy(True)
    assert parse_url("//cdn.example.com/a", allowing, policy).scheme == "https"
    assert parse_url("//127.0.0.1:8000/a", allowing, policy).scheme == "http"
    assert parse_url("//[::1]:8000/a", allowing, policy).scheme == "http"
    assert parse_url("//127.0.0.1:8000/a", FetchSettings(allow_private=True), policy).scheme == "https"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_inner_addresses_are_refused(address):
    policy = AddressPolicy(False)
    assert not policy.allows(address)
    with pytest.raises(BlockedAddress):
        checked_socket(policy)((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80)))
    assert AddressPolicy(True).allows(address)
    if "%" not in address:
        host = f"[{address}]" if ":" in address else address
        with pytest.raises(PhotoError) as caught:
            parse_url(f"https://{host}/latest/meta-data", FetchSettings(), policy)
        assert caught.value.code == ErrorCode.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    "host", ["１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1", "[::ffff:7f00:1]", "[::127.0.0.1]", "127.0.0.1."]
)
def test_addresses_in_disguise_are_refused(host):
    with pytest.raises(PhotoError) as caught:
        parse_url(f"https://{host}/photo.jpg", FetchSettings(), AddressPolicy(False))
    assert caught.value.code in (ErrorCode.BLOCKED_ADDRESS, ErrorCode.BAD_URL)


def test_public_addresses_and_allowed_networks_are_taken():
    policy = AddressPolicy((ip_network("10.1.0.0/16"), ip_network("fd12::/16")))
    for address in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "10.1.2.3", "fd12::5"):
        assert policy.allows(address), address
    assert policy.allows(ip_address("::ffff:10.1.2.3"))
    for address in ("10.2.0.1", "127.0.0.1", "fd13::1"):
        assert not policy.allows(address), address


def test_a_name_that_resolves_inside_is_blocked(server):
    for inner in ("127.0.0.1", "169.254.169.254", "10.0.0.1"):
        resolver = ScriptedResolver([inner])
        result = fetch(f"http://photos.example.com:{server.port}/photo.jpg", resolver, allow_private=False)
        assert code(result) == ErrorCode.BLOCKED_ADDRESS
        assert inner in result.message
    assert not server.connections


def test_of_a_names_addresses_only_the_allowed_ones_are_connected_to(server):
    resolver = ScriptedResolver(["127.0.0.2", "127.0.0.1"])
    url = f"http://photos.example.com:{server.port}/photo.jpg"
    assert isinstance(fetch(url, resolver, allow_private=FIRST_ONLY), Fetched)
    assert set(server.connections) == {"127.0.0.1"}


def test_an_answer_that_changes_between_check_and_connect_changes_nothing(server):
    """DNS rebinding: were the name looked up once more to connect, the second answer would be connected to."""
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    url = f"http://photos.example.com:{server.port}/photo.jpg"
    assert isinstance(fetch(url, resolver, allow_private=FIRST_ONLY), Fetched)
    assert resolver.lookups == 1
    assert dict(server.connections) == {"127.0.0.1": 1}


def test_a_later_lookup_is_checked_again(server):
    async def close_after(asked, writer):
        writer.write(answer(body=PHOTO, Connection="close"))

    server.routes["/photo.jpg"] = close_after
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    settings = FetchSettings(**QUICK | {"allow_private": FIRST_ONLY, "attempts": 1})
    url = f"http://photos.example.com:{server.port}/photo.jpg"
    with Fetcher(settings, resolver) as first, Fetcher(settings, resolver) as second:
        assert isinstance(first.fetch_batch([FetchRequest(url)])[0], Fetched)
        assert code(second.fetch_batch([FetchRequest(url)])[0]) == ErrorCode.BLOCKED_ADDRESS
    assert set(server.connections) == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://127.0.0.2:{port}/photo.jpg", ErrorCode.BLOCKED_ADDRESS),
        ("//127.0.0.2:{port}/photo.jpg", ErrorCode.BLOCKED_ADDRESS),
        ("http://[::ffff:127.0.0.2]:{port}/photo.jpg", ErrorCode.BLOCKED_ADDRESS),
        ("http://169.254.169.254/latest/meta-data", ErrorCode.BLOCKED_ADDRESS),
        ("http://inner.example.com:{port}/photo.jpg", ErrorCode.BLOCKED_ADDRESS),
        ("http://2130706434:{port}/photo.jpg", ErrorCode.BAD_URL),
        ("file:///etc/passwd", ErrorCode.BAD_URL),
        ("http://user:password@127.0.0.1:{port}/photo.jpg", ErrorCode.BAD_URL),
    ],
)
def test_redirects_are_checked_like_rows(server, location, expected):
    server.routes["/a"] = answer("302 Found", Location=location.format(port=server.port))
    resolver = ScriptedResolver(["127.0.0.2"])
    assert code(fetch(server.url("/a"), resolver, allow_private=FIRST_ONLY)) == expected
    assert set(server.connections) == {"127.0.0.1"}


def test_redirect_loops_end(server):
    server.routes["/a"] = answer("302 Found", Location="/b")
    server.routes["/b"] = answer("302 Found", Location="/a")
    assert code(fetch(server.url("/a"), max_redirects=4, attempts=3)) == ErrorCode.TOO_MANY_REDIRECTS
    assert len(server.asked) == 5
    server.routes["/one"] = answer("302 Found", Location="/photo.jpg")
    assert code(fetch(server.url("/one"), max_redirects=0)) == ErrorCode.TOO_MANY_REDIRECTS


def test_a_proxy_does_not_open_the_inner_network(server):
    settings = {"proxy": server.url(), "allow_private": False}
    for host in ("127.0.0.1", "169.254.169.254", "localhost", "metadata.google.internal"):
        assert code(fetch(f"http://{host}/photo.jpg", **settings)) == ErrorCode.BLOCKED_ADDRESS
    assert not server.asked


def test_a_host_that_never_begins_times_out(server):
    async def silent(asked, writer):
        await asyncio.sleep(60)

    server.routes["/p"] = silent
    assert code(fetch(server.url("/p"), first_byte_timeout_s=0.3)) == ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", answer(Content_Length=len(PHOTO))],
    ids=["headers", "body"],
)
def test_slow_loris_hosts_time_out(server, head):
    """A byte now and then keeps the first-byte timeout away; the whole timeout ends it."""
    server.routes["/p"] = drip(head, b"a", 0.02)
    assert code(fetch(server.url("/p"), whole_timeout_s=0.5)) == ErrorCode.TIMEOUT


def test_a_host_that_takes_no_connection_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:  # fill the queue of connections that nobody accepts
            client.setblocking(False)
            client.connect_ex(address)
        result = fetch(f"http://127.0.0.1:{address[1]}/p", connect_timeout_s=0.3, first_byte_timeout_s=0.5)
        for client in waiting:
            client.close()
    assert code(result) == ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        answer(Content_Length=None, Transfer_Encoding="chunked"),
    ],
    ids=["until close", "chunked"],
)
def test_a_body_that_never_ends_is_too_large(server, head):
    piece = b"\xff" * 65536
    if b"chunked" in head:
        piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    server.routes["/p"] = drip(head, piece, 0)
    assert code(fetch(server.url("/p"), max_bytes=1 << 20)) == ErrorCode.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
def test_compression_bombs_are_too_large(server, encoding):
    zeros = bytes(50 << 20)
    bomb = zlib.compress(zeros) if encoding == "deflate" else gzip.compress(zeros)
    server.routes["/p"] = answer(body=bomb, Content_Encoding=encoding)
    assert code(fetch(server.url("/p"), max_bytes=1 << 20)) == ErrorCode.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (gzip.compress(PHOTO)[:-20], "gzip", ErrorCode.TRUNCATED),
        (b"not gzip at all, whatever the header says", "gzip", ErrorCode.CORRUPT_IMAGE),
        (PHOTO, "br", ErrorCode.UNSUPPORTED_FORMAT),
        (PHOTO, "gzip, gzip", ErrorCode.UNSUPPORTED_FORMAT),
    ],
)
def test_broken_and_unasked_compression(server, body, encoding, expected):
    server.routes["/p"] = answer(body=body, Content_Encoding=encoding)
    assert code(fetch(server.url("/p"))) == expected


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 banana\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    ],
    ids=["large header", "negative length", "two lengths", "no status", "not http"],
)
def test_answers_that_are_not_http(server, response):
    server.routes["/p"] = response
    assert code(fetch(server.url("/p"), first_byte_timeout_s=0.5)) == ErrorCode.CONNECTION


def test_one_hostile_host_does_not_hold_a_run_longer_than_its_timeouts(server):
    async def silent(asked, writer):
        await asyncio.sleep(60)

    server.routes["/slow.jpg"] = silent
    urls = [server.url(path) for number in range(20) for path in (f"/slow.jpg?{number}", f"/photo.jpg?{number}")]
    settings = FetchSettings(**QUICK | {"attempts": 1, "first_byte_timeout_s": 0.4, "per_host": 8})
    with Fetcher(settings) as fetcher:
        results = fetcher.fetch_batch(map(FetchRequest, urls))
    assert [code(result) for result in results] == [ErrorCode.TIMEOUT, None] * 20


HTTPS_CLIENT = """
import sys
from packshot.fetching import Fetcher, FetchRequest, FetchSettings

with Fetcher(FetchSettings(allow_http=True, allow_private=True, attempts=1)) as fetcher:
    for result in fetcher.fetch_batch(map(FetchRequest, sys.argv[1:])):
        print(getattr(result, "code", "whole"))
"""


def test_https_is_verified_and_not_left_by_a_redirect(tmp_path):
    """In a process of its own, as certificates are loaded once."""
    key, certificate = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure, plain = LoopbackServer("127.0.0.1", tls=context), LoopbackServer()
    plain.routes["/photo.jpg"] = secure.routes["/photo.jpg"] = answer(body=PHOTO)
    secure.routes["/down"] = answer("302 Found", Location=plain.url("/photo.jpg"))
    plain.routes["/up"] = answer("302 Found", Location=f"https://127.0.0.1:{secure.port}/photo.jpg")
    base = f"https://127.0.0.1:{secure.port}"
    command = [sys.executable, "-c", HTTPS_CLIENT, f"{base}/photo.jpg", f"{base}/down", plain.url("/up")]
    try:
        outputs = [
            subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=60, check=True).stdout
            for env in ({"SSL_CERT_FILE": str(certificate)}, {})
        ]
    finally:
        secure.close()
        plain.close()
    assert outputs[0].split() == ["whole", "bad_url", "whole"]
    assert outputs[1].split() == ["connection", "connection", "connection"]


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of its own signing for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_path, certificate_path = folder / "key.pem", folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_path.write_bytes(private)
    certificate_path.write_bytes(certificate.public_bytes(pem))
    return key_path, certificate_path

"""Fetching against real servers on loopback: results, codes, retries, manners, memory."""

import asyncio
import gzip
import hashlib
import io
import socket
import threading
import time
from itertools import count

import numpy as np
import pytest
from loopback_server import LoopbackServer, answer, hang_up, then_close
from PIL import Image

from packshot.errors import ErrorCode, PackshotError, PhotoError
from packshot.fetching import Fetched, Fetcher, FetchRequest, FetchSettings, close_shared_fetchers, fetch_batch
from packshot.fetching.exchange import ByteBudget, _retry_after
from packshot.fetching.workers import Workers

QUICK = {
    "allow_http": True,
    "allow_private": True,
    "backoff_s": 0.01,
    "connect_timeout_s": 5,
    "first_byte_timeout_s": 5,
    "whole_timeout_s": 10,
}


def jpeg(seed: int = 0, side: int = 64, **options) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


PHOTO = jpeg()


@pytest.fixture
def server():
    running = LoopbackServer()
    yield running
    running.close()


@pytest.fixture
def make_fetcher():
    made = []

    def make(**settings) -> Fetcher:
        made.append(Fetcher(FetchSettings(**QUICK | settings)))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()


def fetch_one(fetcher: Fetcher, url: str, store_photo=None, **request):
    [result] = fetcher.fetch_batch([FetchRequest(url, **request)], store_photo)
    return result


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_whole_photo_is_verified_stored_and_described(server, make_fetcher):
    server.routes["/a.png"] = answer(body=PHOTO, ETag='"1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    stored = []
    fetched = fetch_one(make_fetcher(), server.url("/a.png"), lambda *photo: stored.append(photo))
    digest = hashlib.sha256(PHOTO).hexdigest()
    assert isinstance(fetched, Fetched)
    assert (fetched.digest, fetched.extension, fetched.size_wh) == (digest, "jpg", (64, 64))
    assert (fetched.size_bytes, fetched.attempts, fetched.not_modified) == (len(PHOTO), 1, False)
    assert (fetched.etag, fetched.last_modified) == ('"1"', "Mon, 01 Jan 2024 00:00:00 GMT")
    assert stored == [(digest, "jpg", PHOTO)]


@pytest.mark.parametrize(
    ("response", "code", "status"),
    [
        (answer("404 Not Found", b"gone"), ErrorCode.HTTP_4XX, 404),
        (answer("403 Forbidden"), ErrorCode.HTTP_4XX, 403),
        (answer("304 Not Modified"), ErrorCode.HTTP_4XX, 304),
        (answer("302 Found"), ErrorCode.HTTP_4XX, 302),
        (answer("408 Request Timeout"), ErrorCode.TIMEOUT, 408),
        (answer("429 Too Many Requests"), ErrorCode.HTTP_429, 429),
        (answer("425 Too Early"), ErrorCode.HTTP_429, 425),
        (answer("500 Internal Server Error"), ErrorCode.HTTP_5XX, 500),
        (answer("503 Service Unavailable"), ErrorCode.HTTP_5XX, 503),
        (answer("206 Partial Content", PHOTO[:100]), ErrorCode.TRUNCATED, 206),
        (answer("204 No Content", Content_Length=None), ErrorCode.EMPTY, None),
        (answer(body=b""), ErrorCode.EMPTY, None),
        (answer(body=b"<html>Not found</html>", Content_Type="image/jpeg"), ErrorCode.NOT_AN_IMAGE, None),
        (answer(body=b"<svg xmlns='http://www.w3.org/2000/svg'/>"), ErrorCode.UNSUPPORTED_FORMAT, None),
        (answer(body=PHOTO[: len(PHOTO) // 2]), ErrorCode.CORRUPT_IMAGE, None),
        (answer(body=jpeg(side=8)), ErrorCode.TOO_SMALL, None),
        (answer(body=jpeg(side=600)), ErrorCode.TOO_MANY_PIXELS, None),
        (answer(Content_Length=10**12), ErrorCode.TOO_LARGE, None),
        (then_close(answer(body=PHOTO[:200], Content_Length=len(PHOTO))), ErrorCode.TRUNCATED, None),
        (
            then_close(answer(Content_Length=None, Transfer_Encoding="chunked") + b"40\r\n" + b"x" * 64 + b"\r\n"),
            ErrorCode.TRUNCATED,
            None,
        ),
        (then_close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), ErrorCode.CONNECTION, None),
        (then_close(b""), ErrorCode.CONNECTION, None),
        (hang_up, ErrorCode.CONNECTION, None),
    ],
)
def test_every_failure_has_its_code(server, make_fetcher, response, code, status):
    server.routes["/p.jpg"] = response
    stored = []
    result = fetch_one(make_fetcher(attempts=1, max_pixels=300_000), server.url("/p.jpg"), lambda *p: stored.append(p))
    assert isinstance(result, PhotoError)
    assert (result.code, result.http_status, result.attempts) == (code, status, 1)
    assert not stored


def test_a_refused_connection_and_an_unknown_name(make_fetcher):
    fetcher = make_fetcher(attempts=1)
    assert fetch_one(fetcher, f"http://127.0.0.1:{unused_port()}/p.jpg").code == ErrorCode.CONNECTION
    assert fetch_one(fetcher, "https://no-such-host.invalid/p.jpg").code == ErrorCode.DNS


def test_chunked_unannounced_and_compressed_bodies_are_read(server, make_fetcher):
    chunk = f"{len(PHOTO):x}\r\n".encode() + PHOTO + b"\r\n0\r\n\r\n"
    server.routes["/chunked.jpg"] = answer(Content_Length=None, Transfer_Encoding="chunked") + chunk
    server.routes["/until-close.jpg"] = then_close(b"HTTP/1.0 200 OK\r\n\r\n" + PHOTO)
    server.routes["/gzip.jpg"] = answer(body=gzip.compress(PHOTO), Content_Encoding="gzip")
    fetcher = make_fetcher(attempts=1)
    digests = {fetch_one(fetcher, server.url(path)).digest for path in server.routes}
    assert digests == {hashlib.sha256(PHOTO).hexdigest()}


def test_what_may_pass_is_tried_again_and_what_is_final_is_not(server, make_fetcher):
    server.routes["/late.jpg"] = [answer("500 Oops"), answer("503 Busy"), answer(body=PHOTO)]
    server.routes["/never.jpg"] = answer("502 Bad Gateway")
    fetcher = make_fetcher(attempts=3)
    late, never, gone = fetcher.fetch_batch(
        [FetchRequest(server.url(path)) for path in ("/late.jpg", "/never.jpg", "/gone.jpg")]
    )
    assert late.digest and late.attempts == 3
    assert (never.code, never.http_status, never.attempts) == (ErrorCode.HTTP_5XX, 502, 3)
    assert (gone.code, gone.attempts) == (ErrorCode.HTTP_4XX, 1)
    assert {path: server.paths().count(path) for path in ("/late.jpg", "/never.jpg", "/gone.jpg")} == {
        "/late.jpg": 3,
        "/never.jpg": 3,
        "/gone.jpg": 1,
    }


def test_retry_after_is_waited_for(server, make_fetcher):
    server.routes["/p.jpg"] = [answer("429 Too Many Requests", Retry_After="1"), answer(body=PHOTO)]
    fetched = fetch_one(make_fetcher(), server.url("/p.jpg"))
    assert fetched.attempts == 2
    assert fetched.seconds >= 1


def test_a_host_that_asks_for_an_hour_is_left_alone(server, make_fetcher):
    server.routes["*"] = answer("429 Too Many Requests", Retry_After="3600")
    fetcher = make_fetcher(per_host=1, attempts=3)
    results = fetcher.fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(20))
    assert {result.code for result in results} == {ErrorCode.HTTP_429}
    assert len(server.asked) == 1
    [report] = fetcher.host_reports()
    assert report.closed and report.requests == 1


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("7", 7, 7), (" 7 ", 7, 7), ("Wed, 01 Jan 2020 00:00:00 GMT", 0, 0), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e10)],
)
def test_retry_after_is_seconds_or_a_date(text, low, high):
    assert low <= _retry_after(text) <= high


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e3", "٣"])
def test_retry_after_that_is_neither_is_not_believed(text):
    assert _retry_after(text) is None


@pytest.mark.parametrize(("validator", "header"), [("etag", "if-none-match"), ("last_modified", "if-modified-since")])
def test_what_has_not_changed_is_not_sent_again(server, make_fetcher, validator, header):
    async def only_if_changed(asked, writer):
        writer.write(answer("304 Not Modified") if asked.headers.get(header) == "mark" else answer(body=PHOTO))

    server.routes["/p.jpg"] = only_if_changed
    fetcher = make_fetcher()
    assert not fetch_one(fetcher, server.url("/p.jpg"), **{validator: "old mark"}).not_modified
    stored = []
    again = fetch_one(fetcher, server.url("/p.jpg"), lambda *p: stored.append(p), **{validator: "mark"})
    assert again.not_modified and again.digest is None and not stored


def test_freshness():
    settings = FetchSettings(fresh_for_s=60)
    assert settings.is_fresh(1000.0, now=1059.0)
    assert not settings.is_fresh(1000.0, now=1060.0)
    assert not settings.is_fresh(1000.0, now=900.0)
    assert not FetchSettings(fresh_for_s=0).is_fresh(time.time())


def test_redirects_are_followed_and_the_end_is_told(server, make_fetcher):
    server.routes["/old/a.jpg"] = answer("301 Moved Permanently", Location="../new/a.jpg?size=1#top")
    server.routes["/new/a.jpg"] = answer("307 Temporary Redirect", Location=server.url("/last.jpg"))
    server.routes["/last.jpg"] = answer(body=PHOTO)
    fetched = fetch_one(make_fetcher(), server.url("/old/a.jpg"))
    assert fetched.final_url == server.url("/last.jpg")
    assert fetched.attempts == 1
    assert server.paths() == ["/old/a.jpg", "/new/a.jpg?size=1", "/last.jpg"]


def test_connections_are_reused_within_and_across_batches(server, make_fetcher):
    server.routes["*"] = answer(body=PHOTO)
    fetcher = make_fetcher(per_host=3)
    for batch in range(4):
        fetcher.fetch_batch(FetchRequest(server.url(f"/{batch}/{number}.jpg")) for number in range(25))
    assert len(server.asked) == 100
    assert server.connections.total() <= 3


def test_a_failed_page_does_not_cost_its_connection(server, make_fetcher):
    fetcher = make_fetcher(per_host=1)
    fetcher.fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(20))
    assert server.connections.total() == 1


def test_a_host_gets_no_more_requests_at_once_than_set(server, make_fetcher):
    async def slow(asked, writer):
        await asyncio.sleep(0.02)
        writer.write(answer(body=PHOTO))

    server.routes["*"] = slow
    other = LoopbackServer()
    other.routes["*"] = slow
    try:
        urls = [host.url(f"/{number}.jpg") for number in range(30) for host in (server, other)]
        make_fetcher(per_host=4, concurrency=20).fetch_batch(map(FetchRequest, urls))
        assert (server.most_at_once, other.most_at_once) == (4, 4)
    finally:
        other.close()


def test_a_rate_is_kept(server, make_fetcher):
    server.routes["*"] = answer(body=PHOTO)
    started = time.monotonic()
    make_fetcher(rate_per_host=40).fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(70))
    assert time.monotonic() - started >= (70 - 40) / 40 * 0.99  # a burst of one second's worth is let through


def test_a_dead_host_is_paused_told_of_and_does_not_hold_the_others(server, make_fetcher, caplog):
    server.routes["*"] = answer(body=PHOTO)
    dead = f"http://127.0.0.1:{unused_port()}"
    fetcher = make_fetcher(per_host=2, host_failures=5, host_pause_s=0.05, host_pauses=2, attempts=2)
    urls = [f"{host}/{number}.jpg" for number in range(200) for host in (dead, server.url()[:-1])]
    results = fetcher.fetch_batch(map(FetchRequest, urls))
    assert {result.code for result in results[::2]} == {ErrorCode.CONNECTION}
    assert all(isinstance(result, Fetched) for result in results[1::2])
    report = fetcher.host_reports()[0]
    assert (report.host, report.pauses, report.closed) == (dead, 2, True)
    assert report.requests < 20
    assert report.failures == {ErrorCode.CONNECTION: report.requests}
    assert dead in caplog.text and "pausing" in caplog.text


def test_a_host_that_comes_back_after_a_pause_gets_its_photos(server, make_fetcher):
    server.routes["*"] = [answer("503 Busy")] * 6 + [answer(body=PHOTO)]
    fetcher = make_fetcher(per_host=2, host_failures=4, host_pause_s=0.05, host_pauses=3, attempts=7)
    results = fetcher.fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(30))
    assert all(isinstance(result, Fetched) for result in results)
    [report] = fetcher.host_reports()
    assert report.pauses >= 1 and not report.closed


def test_a_proxy_is_asked_instead_of_the_host_and_alone_gets_its_password(server, make_fetcher):
    server.routes["*"] = answer(body=PHOTO)
    proxy = server.url().replace("http://", "http://reader:secret@").rstrip("/")
    fetched = fetch_one(make_fetcher(proxy=proxy, allow_private=False), "http://photos.example.com/a.jpg")
    assert isinstance(fetched, Fetched)
    [asked] = server.asked
    assert asked.target == "http://photos.example.com/a.jpg"
    assert asked.headers["proxy-authorization"].startswith("Basic ")
    assert "authorization" not in asked.headers


def test_environment_proxies_and_cookies_are_not_used(server, make_fetcher, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    server.routes["*"] = answer(body=PHOTO, Set_Cookie="session=1; Path=/")
    fetcher = make_fetcher(per_host=1)
    fetcher.fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(3))
    assert len(server.asked) == 3
    assert not any("cookie" in asked.headers for asked in server.asked)


def test_a_store_that_fails_costs_that_photo_only(server, make_fetcher):
    server.routes["/a.jpg"], server.routes["/b.jpg"] = answer(body=PHOTO), answer(body=jpeg(1))

    def store(digest: str, extension: str, data: bytes) -> None:
        if data == PHOTO:
            raise OSError("disk full")

    broken, whole = make_fetcher().fetch_batch([FetchRequest(server.url(p)) for p in ("/a.jpg", "/b.jpg")], store)
    assert broken.code == ErrorCode.STORE_ERROR and "disk full" in broken.message
    assert isinstance(whole, Fetched)


def test_equal_requests_share_one_answer_and_keep_their_order(server, make_fetcher):
    server.routes["/a.jpg"] = answer(body=PHOTO)
    paths = ["/a.jpg", "/missing.jpg", "/a.jpg", "/a.jpg"]
    results = make_fetcher().fetch_batch([FetchRequest(server.url(path)) for path in paths])
    assert [isinstance(result, Fetched) for result in results] == [True, False, True, True]
    assert sorted(server.paths()) == ["/a.jpg", "/missing.jpg"]


def test_requests_are_taken_only_as_results_are(make_fetcher):
    taken = 0

    def endless():
        nonlocal taken
        for number in count():
            taken += 1
            yield FetchRequest(f"ftp://host/{number}")

    fetcher = make_fetcher()
    stream = fetcher.stream(endless())
    for _ in range(5000):
        request, result = next(stream)
        assert result.code == ErrorCode.BAD_URL
    stream.close()
    assert 5000 <= taken <= 5000 + fetcher._window + 64


def test_a_batch_may_be_empty_and_a_bad_source_says_so(make_fetcher):
    fetcher = make_fetcher()
    assert fetcher.fetch_batch([]) == []

    def broken():
        yield FetchRequest("ftp://host/1")
        raise RuntimeError("the catalogue ends badly")

    with pytest.raises(RuntimeError, match="ends badly"):
        fetcher.fetch_batch(broken())


def test_bodies_of_unknown_length_share_a_small_buffer_without_standing_still(server, make_fetcher):
    big = jpeg(side=1200, quality=95)
    assert len(big) > 1 << 20
    chunk = f"{len(big):x}\r\n".encode() + big + b"\r\n0\r\n\r\n"
    server.routes["*"] = answer(Content_Length=None, Transfer_Encoding="chunked") + chunk
    fetcher = make_fetcher(max_bytes=3 << 20, buffer_bytes=3 << 20)
    results = fetcher.fetch_batch(FetchRequest(server.url(f"/{number}.jpg")) for number in range(12))
    assert all(isinstance(result, Fetched) for result in results)


def test_photos_in_memory_together_stay_within_the_buffer(server, make_fetcher):
    photos = [jpeg(seed, side=300) for seed in range(4)]
    for number in range(24):
        server.routes[f"/{number}.jpg"] = answer(body=photos[number % 4])
    held, most, lock = 0, 0, threading.Lock()

    def store(digest: str, extension: str, data: bytes) -> None:
        nonlocal held, most
        with lock:
            held += len(data)
            most = max(most, held)
        time.sleep(0.02)
        with lock:
            held -= len(data)

    room = int(2.5 * max(map(len, photos)))
    fetcher = make_fetcher(max_bytes=room, buffer_bytes=room, whole_timeout_s=0.2, attempts=1)
    results = fetcher.fetch_batch([FetchRequest(server.url(f"/{number}.jpg")) for number in range(24)], store)
    assert all(isinstance(result, Fetched) for result in results)  # waiting for room is not the host's time
    assert 0 < most <= room


def test_the_byte_budget_serves_in_turn_and_takes_back_from_the_cancelled():
    async def scene() -> None:
        budget = ByteBudget(10)
        assert budget.take_now(6)
        assert not budget.take_now(5)
        large, small = asyncio.ensure_future(budget.take(8)), asyncio.ensure_future(budget.take(4))
        await asyncio.sleep(0)
        assert not budget.take_now(1)  # nobody jumps the queue
        large.cancel()
        await asyncio.gather(large, return_exceptions=True)
        budget.give(6)
        await asyncio.wait_for(small, 1)
        assert budget.take_now(6) and not budget.take_now(1)

    asyncio.run(scene())


def test_workers_lose_no_result():
    async def scene() -> None:
        workers = Workers(4)
        try:
            for _ in range(20):
                results = await asyncio.wait_for(asyncio.gather(*(workers.run(pow, n, 2) for n in range(200))), 20)
                assert results == [n * n for n in range(200)]
            with pytest.raises(ZeroDivisionError):
                await workers.run(divmod, 1, 0)
        finally:
            workers.close()

    asyncio.run(scene())


def test_leaving_a_stream_early_leaves_the_fetcher_usable(server, make_fetcher):
    async def slow(asked, writer):
        await asyncio.sleep(0.05)
        writer.write(answer(body=PHOTO))

    server.routes["*"] = slow
    fetcher = make_fetcher(per_host=4)
    for _ in fetcher.stream(FetchRequest(server.url(f"/{number}.jpg")) for number in range(500)):
        break
    assert isinstance(fetch_one(fetcher, server.url("/after.jpg")), Fetched)
    assert len(server.asked) < 50


def test_streams_ended_at_any_moment_leave_every_place_free(server, make_fetcher):
    async def never(asked, writer):
        await asyncio.sleep(60)

    server.routes["/never.jpg"], server.routes["/a.jpg"] = never, answer(body=PHOTO)
    fetcher = make_fetcher(concurrency=4, per_host=4)

    def source(number):
        yield from (FetchRequest(server.url(f"/never.jpg?{number}.{n}")) for n in range(64))
        time.sleep(number % 3 * 0.002)
        raise RuntimeError("the catalogue ends badly")

    for number in range(30):  # ends before requests have begun, too
        with pytest.raises(RuntimeError, match="ends badly"):
            fetcher.fetch_batch(source(number))
    urls = [server.url(f"/a.jpg?{number}") for number in range(20)]
    assert all(isinstance(result, Fetched) for result in fetcher.fetch_batch(map(FetchRequest, urls)))


def test_closing_ends_a_stream_under_way(server):
    async def never(asked, writer):
        await asyncio.sleep(60)

    server.routes["*"] = never
    fetcher = Fetcher(FetchSettings(**QUICK))
    threading.Timer(0.2, fetcher.close).start()
    with pytest.raises(PackshotError, match="closed"):
        fetcher.fetch_batch([FetchRequest(server.url("/p.jpg"))])
    with pytest.raises(PackshotError, match="closed"):
        fetcher.fetch_batch([FetchRequest(server.url("/p.jpg"))])


def test_the_shared_fetcher_serves_threads_and_running_loops(server):
    server.routes["*"] = answer(body=PHOTO)
    settings = FetchSettings(**QUICK, per_host=2)
    results = []

    def batch(name: str) -> None:
        results.extend(fetch_batch([FetchRequest(server.url(f"/{name}/{n}.jpg")) for n in range(10)], settings))

    async def inside_a_loop() -> None:
        batch("loop")

    try:
        threads = [threading.Thread(target=batch, args=(f"thread{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        asyncio.run(inside_a_loop())
        for thread in threads:
            thread.join()
        assert len(results) == 40 and all(isinstance(result, Fetched) for result in results)
        assert server.connections.total() <= 2
    finally:
        close_shared_fetchers()


def test_settings_refuse_what_cannot_work():
    with pytest.raises(ValueError, match="buffer_bytes"):
        FetchSettings(max_bytes=10 << 20, buffer_bytes=1 << 20)
    with pytest.raises(ValueError):
        FetchSettings(concurency=3)

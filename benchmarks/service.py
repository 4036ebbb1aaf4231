"""What the service costs and survives, on the whole service as `make up` starts it, with engines that do nothing.

    python -m benchmarks.service [cost] [workers] [dead] [outages]

cost: server CPU and database of 20,000 photos (PACKSHOT_BENCH_PHOTOS), extrapolated to a million; with automations
where PACKSHOT_AUTOMATIONS=on.
workers: one and two workers on engines that sleep 50 ms a photo.
dead: kill -9 of a flow's process and its worker, with the service's own automations and sweeper; when it is seen,
started again and finished (PACKSHOT_DEAD_AFTER_SECONDS, default 60 here).
outages: the S3 server away for 30 s in mid-run, then Prefect's server for 60 s; the artifacts against those of an
undisturbed run.
"""

import hashlib
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psutil

from benchmarks.nothing import PROFILE
from benchmarks.pipeline import write_small
from benchmarks.service_stack import Service, descendants, service
from packshot.store import open_store

STAGES = 8
MILLION = 1_000_000


def asked(source: str, **more: Any) -> dict[str, Any]:
    return {"parameters": {"source": source, "profile": PROFILE, "retry_delay_seconds": 1} | more}


def cost(folder: Path) -> None:
    """Server CPU minutes and gigabytes of database for a million photos."""
    count = int(os.environ.get("PACKSHOT_BENCH_PHOTOS", "20000"))
    source = write_small(folder / "photos", count)
    # A folder as store: this measures Prefect, and the S3 server would only make it wait.
    settings = {name: os.environ[name] for name in ("PACKSHOT_AUTOMATIONS",) if name in os.environ}
    with service(folder / "home", PACKSHOT_STORE=str(folder / "store"), **settings) as up:
        server = psutil.Process(up.pid("prefect-server"))
        up.run("process-catalogue/on-demand", asked(source, limit=8), 300)  # first use: block types, flows, imports
        time.sleep(15)
        before, size = _cpu(server), _database(up)
        started = time.perf_counter()
        # Seldom looked at, or the looking is measured too.
        ended = up.run("process-catalogue/on-demand", asked(source), 3600, pause=5)
        wall = time.perf_counter() - started
        assert ended.state and ended.state.is_completed(), ended.state
        time.sleep(30)  # what the server has queued
        used, grown = _cpu(server) - before, _database(up) - size
        idle = _cpu(server)
        time.sleep(30)
        idle = (_cpu(server) - idle) / 30
        share = count / MILLION
        print(f"cost: {count:,} photos in {wall:.0f} s: {used:.0f} s of server CPU, {grown / 1e6:.1f} MB of database")
        print(f"cost: the idle server uses {idle:.3f} s of CPU a second, {idle * (wall + 30):.0f} s of the above")
        own = used - idle * (wall + 30)
        print(f"cost: a million photos: {used / share / 60:.1f} min of server CPU, all of it (at most 45)")
        print(f"cost: … of that {own / share / 60:.1f} min beyond what the idle server uses in that time")
        print(f"cost: a million photos: {grown / share / 1e9:.2f} GB of database (at most 1.5)")
        _tables(up)
        log = (up.folder / "log/prefect-server.log").read_text()
        print(f"cost: {log.count('(sqlite3.OperationalError) database is locked')} times the database was locked")


def workers(folder: Path) -> None:
    """Two workers against one, on engines that sleep 50 ms a photo in all."""
    from prefect.client.schemas.actions import WorkPoolUpdate

    source = write_small(folder / "photos", int(os.environ.get("PACKSHOT_BENCH_PHOTOS", "6400")))
    log = folder / "calls"
    settings = {"PACKSHOT_NOTHING_SLEEP": str(0.05 / STAGES), "PACKSHOT_NOTHING_LOG": str(log), "PACKSHOT_GPUS": "2"}
    with service(folder / "home", PACKSHOT_STORE=str(folder / "store"), **settings) as up:
        walls = {}
        up.run("process-catalogue/on-demand", asked(source, limit=8), 300)
        for number in (1, 2):
            with up.client() as client:
                client.update_work_pool("gpu", WorkPoolUpdate(concurrency_limit=number))
            log.unlink(missing_ok=True)
            again = {f"{stage}.setting": number for stage in ("ocr", "segment", "classify", "caption")}
            started = time.perf_counter()
            facts = {"shard_size": 800, "batch_size": 100, "resume": False, "overrides": again}
            ended = up.run("process-catalogue/on-demand", asked(source, **facts), 1800)
            walls[number] = time.perf_counter() - started
            assert ended.state and ended.state.name == "Completed", ended.state
            calls = Counter(log.read_text().splitlines())
            twice = sum(calls.values()) - len(calls)
            print(f"workers: {number}: {walls[number]:.1f} s, {len(calls):,} different calls, {twice} done twice")
        print(f"workers: two are {walls[1] / walls[2]:.2f} times as fast as one (at least 1.8)")


def dead(folder: Path) -> None:
    """A machine that dies: nobody but the service's own automations and sweeper is there to notice."""
    source = write_small(folder / "photos", 400)
    log = folder / "calls"
    settings = {"PACKSHOT_NOTHING_SLEEP": "0.01", "PACKSHOT_NOTHING_LOG": str(log)}
    settings["PACKSHOT_DEAD_AFTER_SECONDS"] = os.environ.get("PACKSHOT_DEAD_AFTER_SECONDS", "60")
    with service(folder / "home", **settings) as up:
        started = up.start("process-catalogue/on-demand", asked(source, where="here", shard_size=400, batch_size=50))
        up.until(lambda: log.exists() and log.read_text().count("\n") > 1200, 300, "the run did not get going")
        pid = int(str(up.read(started.id).infrastructure_pid).rpartition(":")[2])
        for victim in [pid for root in (up.pid("worker-cpu"), pid) for pid in descendants(root)]:
            os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        print(f"dead: worker and process killed with kill -9 after {log.read_text().count(chr(10)):,} engine calls")
        _wait_for_states(up, started.id, killed)
        calls = Counter(log.read_text().splitlines())
        twice = sum(calls.values()) - len(calls)
        print(f"dead: {len(calls):,} of {400 * STAGES:,} calls, {twice} done twice")


def outages(folder: Path) -> None:
    """The same artifacts as a run that nothing happened to."""
    source = write_small(folder / "photos", 1200)
    log = folder / "calls"
    settings = {"PACKSHOT_NOTHING_SLEEP": "0.01", "PACKSHOT_NOTHING_LOG": str(log)}
    prints = {}
    for name in ("undisturbed", "disturbed"):
        log.unlink(missing_ok=True)
        with service(folder / name, **settings) as up:
            facts = {"shard_size": 400, "batch_size": 50, "shards_in_flight": 2}
            started = up.start("process-catalogue/on-demand", asked(source, **facts))
            if name == "disturbed":
                for program, seconds, at in (("seaweedfs", 30, 1000), ("prefect-server", 60, 5000)):
                    up.until(lambda at=at: log.exists() and log.read_text().count("\n") > at, 400, "no progress")
                    up.control("stop", program)
                    print(f"outages: {program} stopped for {seconds} s")
                    time.sleep(seconds)
                    up.control("start", program)
                up.until(up.server_up, 60, "Prefect's server did not come back")
            ended = up.wait(started.id, 1200)
            print(f"outages: {name}: {ended.state.name if ended.state else '?'}: {ended.state.message}")
            store = open_store(up.values["PACKSHOT_STORE"])
            keys = sorted([*store.keys("artifacts/"), *store.keys("photos/")])
            prints[name] = {k: hashlib.sha256(data).hexdigest() for k, data in store.get_many(keys).items()}
            calls = Counter(log.read_text().splitlines())
            print(f"outages: {name}: {len(keys):,} objects, {sum(calls.values()) - len(calls)} engine calls done twice")
        from packshot.store import _open

        _open.cache_clear()  # the next service is another bucket under the same name
    assert prints["disturbed"] == prints["undisturbed"], "the artifacts differ"
    print("outages: the same artifacts in both runs")


def _wait_for_states(up: Service, run_id: UUID, since: float) -> None:
    seen = "Running"
    while True:
        state = up.read(run_id).state
        if state and state.name != seen:
            seen = state.name or ""
            print(f"dead: {time.monotonic() - since:5.0f} s  {seen}")
            if state.is_completed() or state.is_failed():
                return
        assert time.monotonic() - since < 900, "it was never finished"
        time.sleep(0.5)


def _cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and what it started."""
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def _database(up: Service) -> int:
    """Bytes of the database, its write-ahead log moved into it."""
    path = up.folder / "prefect/prefect.db"
    with sqlite3.connect(path, timeout=60) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, free, size = (
            database.execute(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


def _tables(up: Service) -> None:
    """Which tables hold it: rows, for those who want to cut it further."""
    with sqlite3.connect(up.folder / "prefect/prefect.db", timeout=60) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        counts = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    most = sorted(counts.items(), key=lambda item: -item[1])[:8]
    print("cost: rows: " + ", ".join(f"{count:,} {name}" for name, count in most))


def main() -> None:
    wanted = sys.argv[1:] or ["cost", "workers", "dead", "outages"]
    for name in wanted:
        started = time.perf_counter()
        with TemporaryDirectory(prefix="packshot-bench-") as folder:
            {"cost": cost, "workers": workers, "dead": dead, "outages": outages}[name](Path(folder))
        print(f"{name}: took {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

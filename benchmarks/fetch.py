"""packshot's fetching against img2dataset's: speed, memory, and faulty files taken for photos.

`python -m benchmarks.fetch` starts a server in a process of its own with 4,000 photos of about 100 KB, a tenth of them
faulty, and lets both tools fetch them in turn, several rounds, each in fresh processes. packshot verifies every photo
and stores it in a folder store; img2dataset runs with its default re-encoding at 512 pixels, and once more storing the
bytes as they come. Neither tries a photo twice. What counts is the whole command, as a user waits for it. Beside it
stands what the server saw, from the first request to the last: there, img2dataset's start does not count (seconds, as
its processes import much), and storing bytes without looking at them costs less than the millisecond of processor time
that decoding a photo takes. Then 100,000 tiny photos show packshot's bookkeeping.

img2dataset is installed by pip into `.bench/`, with the versions of `img2dataset-requirements.txt`.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe, get_context
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil

from benchmarks import fetch_server
from benchmarks.fetch_server import FAULTS, fault_of

ROOT = Path(__file__).parents[1]
BENCH = ROOT / ".bench"
REQUIREMENTS = Path(__file__).with_name("img2dataset-requirements.txt")
CONNECTIONS = 64

IMG2DATASET = """
import json, sys
from img2dataset import download
if __name__ == "__main__":
    download(**json.loads(sys.argv[1]))
"""


def install_img2dataset() -> Path:
    """The interpreter of img2dataset's own virtual environment."""
    folder = BENCH / "img2dataset"
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing img2dataset into .bench/ …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return python


@contextmanager
def photo_server() -> Iterator[str]:
    """A running `fetch_server`; yields `http://127.0.0.1:port`."""
    here, there = Pipe()
    process = get_context("spawn").Process(target=fetch_server.run, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(60):
            raise RuntimeError("the photo server did not start within 60 s")
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


class Measured:
    """Wall time, processor time, output and peak memory (resident, all processes of the tree together) of a command."""

    def __init__(self, command: list[Any], log: Path, **environment: str):
        self.peak_mb = 0.0
        started, cpu = time.perf_counter(), self._cpu()
        with open(log, "w") as errors:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | environment,
            )
            ended = threading.Event()
            sampler = threading.Thread(target=self._sample, args=(process.pid, ended))
            sampler.start()
            self.output, _ = process.communicate()
            ended.set()
            sampler.join()
        self.seconds, self.cpu_seconds = time.perf_counter() - started, self._cpu() - cpu
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")

    @staticmethod
    def _cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def _sample(self, pid: int, ended: threading.Event) -> None:
        while not ended.wait(0.1):
            total = 0
            try:
                root = psutil.Process(pid)
                for process in [root, *root.children(recursive=True)]:
                    total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self.peak_mb = max(self.peak_mb, total / 1e6)


@dataclass(frozen=True)
class Round:
    """One run of one tool: `at_server` seconds from the first request to the last; `wrong` outcomes by fault."""

    measured: Measured
    at_server: float
    wrong: Counter[str]


def run_packshot(urls: Path) -> tuple[Measured, Counter[str]]:
    """Returns what was measured, and wrong outcomes as `fault: wanted, got`."""
    out = BENCH / "packshot-store"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.fetch", "--client", urls, "--store", out]
    measured = Measured(command, BENCH / "packshot.log")
    wrong: Counter[str] = Counter()
    for url, code in json.loads(measured.output).items():
        fault = fault_of(int(Path(url).stem))
        if code != (FAULTS[fault] if fault else None):
            wrong[f"{fault}: got {code}"] += 1
    return measured, wrong


def packshot_client(urls: Path, store_folder: Path) -> None:
    """What runs in packshot's process: fetch, verify, store; prints every URL's code as JSON."""
    from packshot.fetching import Fetcher, FetchRequest, FetchSettings
    from packshot.store import FolderStore

    store = FolderStore(store_folder)
    settings = FetchSettings(
        allow_http=True, allow_private=True, attempts=1, concurrency=CONNECTIONS, per_host=CONNECTIONS
    )
    with Fetcher(settings) as fetcher, open(urls) as lines:
        requests = (FetchRequest(line.strip()) for line in lines)
        results = fetcher.stream(requests, lambda digest, ext, data: store.put(f"{digest[:2]}/{digest}.{ext}", data))
        codes = {request.url: getattr(result, "code", None) for request, result in results}
    print(json.dumps(codes))


def run_img2dataset(python: Path, urls: Path, **options: Any) -> tuple[Measured, Counter[str]]:
    """Returns what was measured, and faulty photos that it took for good ones, by fault."""
    out = BENCH / "img2dataset-out"
    processes = os.cpu_count() or 1
    with open(urls) as lines:
        shard = -(-sum(1 for _ in lines) // (2 * processes))  # as many for each process
    shutil.rmtree(out, ignore_errors=True)
    options = {
        "url_list": str(urls),
        "output_folder": str(out),
        "processes_count": processes,
        "thread_count": CONNECTIONS,
        "number_sample_per_shard": shard,
        **options,
    }
    script = BENCH / "img2dataset_client.py"  # a file, as its worker processes import it
    script.write_text(IMG2DATASET)
    measured = Measured([python, script, json.dumps(options)], BENCH / "img2dataset.log", NO_ALBUMENTATIONS_UPDATE="1")
    return measured, accepted_faults(out)


def accepted_faults(folder: Path) -> Counter[str]:
    import pyarrow.parquet as pq

    accepted: Counter[str] = Counter()
    for path in folder.glob("*.parquet"):
        for row in pq.read_table(path, columns=["url", "status"]).to_pylist():
            fault = fault_of(int(Path(row["url"]).stem))
            if fault and row["status"] == "success":
                accepted[fault] += 1
    return accepted


def compare(server: str, photos: int, rounds: int) -> bool:
    python = install_img2dataset()
    urls = BENCH / "urls.txt"
    urls.write_text("".join(f"{server}/photo/{number}.jpg\n" for number in range(photos)))
    tools = {
        "packshot, every photo verified": lambda: run_packshot(urls),
        "img2dataset, re-encoded at 512 px": lambda: run_img2dataset(python, urls, image_size=512),
        "img2dataset, raw bytes": lambda: run_img2dataset(python, urls, disable_all_reencoding=True),
    }
    rounds_of: dict[str, list[Round]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, run in tools.items():
            server_stats(server)
            measured, wrong = run()
            stats = server_stats(server)
            rounds_of[name].append(Round(measured, stats["last"] - stats["first"], wrong))
    faulty = sum(fault_of(number) is not None for number in range(photos))
    print(f"\n{photos} photos, {faulty} of them faulty; {os.cpu_count()} cores; medians of {rounds} rounds in turn")
    print(f"{'':36}{'seconds':>9}{'photos/s':>9}{'at server':>10}{'CPU s':>7}{'peak MB':>9}  faulty files accepted")
    for name, results in rounds_of.items():
        seconds = statistics.median(r.measured.seconds for r in results)
        at_server = statistics.median(r.at_server for r in results)
        cpu = statistics.median(r.measured.cpu_seconds for r in results)
        peak = max(r.measured.peak_mb for r in results)
        wrong = results[-1].wrong
        print(
            f"{name:36}{seconds:9.1f}{photos / seconds:9.0f}{at_server:10.1f}{cpu:7.1f}{peak:9.0f}"
            f"  {sum(wrong.values())} {dict(wrong) or ''}"
        )
    ours, encoding, raw = rounds_of.values()
    passed = not any(r.wrong for r in ours)
    if not passed:
        print(f"packshot gave WRONG CODES: {[dict(r.wrong) for r in ours]}")
    for name, theirs, least in (("re-encoding", encoding, 1.5), ("storing raw bytes", raw, 1.0)):
        pairs = list(zip(ours, theirs, strict=True))
        speed = statistics.median(b.measured.seconds / a.measured.seconds for a, b in pairs)
        at_server = statistics.median(b.at_server / a.at_server for a, b in pairs)
        memory = max(a.measured.peak_mb / b.measured.peak_mb for a, b in pairs)
        passed &= speed >= least and memory <= 1
        print(
            f"packshot against img2dataset {name}: {speed:.2f} times as fast (wanted {least}; "
            f"at the server {at_server:.2f}), {memory:.2f} times the memory (wanted at most 1)"
        )
    return passed


def server_stats(server: str) -> dict[str, float]:
    """What the server saw since it was asked before."""
    with urlopen(f"{server}/stats") as response:
        return json.load(response)


def bookkeeping(server: str, rows: int) -> bool:
    """Rows a second against a server that answers at once, and whether memory grows with them."""
    from packshot.fetching import Fetched, Fetcher, FetchRequest, FetchSettings

    me = psutil.Process()
    settings = FetchSettings(allow_http=True, allow_private=True)
    memory_mb: list[float] = []
    fetched = 0
    with Fetcher(settings) as fetcher:
        started = time.perf_counter()
        requests = (FetchRequest(f"{server}/tiny/{number}.jpg") for number in range(rows))
        for number, (_, result) in enumerate(fetcher.stream(requests), 1):
            fetched += isinstance(result, Fetched)
            if number % max(1, rows // 20) == 0:
                memory_mb.append(me.memory_info().rss / 1e6)
        seconds = time.perf_counter() - started
    grown = max(memory_mb) / memory_mb[1]
    print(
        f"\nbookkeeping: {rows} rows, {fetched} fetched, {rows / seconds:.0f} rows/s; resident memory "
        f"{memory_mb[1]:.0f} MB after a tenth, {max(memory_mb):.0f} MB at most ({grown:.3f} times)"
    )
    return fetched == rows and rows / seconds >= 1000 and grown <= 1.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the bookkeeping check; 0 leaves it out")
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.client:
        packshot_client(chosen.client, chosen.store)
        return
    BENCH.mkdir(exist_ok=True)
    with photo_server() as server:
        passed = not chosen.photos or compare(server, chosen.photos, chosen.rounds)
        passed &= not chosen.rows or bookkeeping(server, chosen.rows)
    print("all as wanted" if passed else "NOT AS WANTED")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

"""What packshot and Prefect cost, how fast found work is passed over, memory, and the speed of profile `lite`.

    python -m benchmarks.pipeline [overhead] [memory] [lite]

Each measurement runs in a process of its own against a Prefect server that is up. Prints one line a figure.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from benchmarks.nothing import PROFILE
from benchmarks.prefect_server import prefect_server

CHILD = """
import json, resource, sys, time
parameters = json.loads(sys.argv[1])
import flows.process_catalogue as flow
from packshot.run import open_run
from packshot.stage import StageReport
import tasks._policy as policy, tasks.fetch as fetch
inside = {"engine": 0.0, "decode": 0.0}
settle = policy.settle
def note(report: StageReport):
    inside["engine"] += 0.0 if report.stage == "fetch" else report.engine_seconds
    inside["decode"] += report.decode_seconds
    return settle(report)
policy.settle = fetch.settle = note
warm = parameters.pop("warm", None)
if warm:
    flow.process_catalogue(flow.CatalogueParameters(**{**parameters, **warm}))
inside.update(engine=0.0, decode=0.0)
started = time.perf_counter()
summary = flow.process_catalogue(flow.CatalogueParameters(**parameters))
summary |= inside | {"wall": time.perf_counter() - started}
summary["rss_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("RESULT" + json.dumps(summary))
"""


def run_flow(api: str, **parameters: Any) -> dict[str, Any]:
    """Run process-catalogue in a process of its own; its summary with `wall`, `engine` and `decode` seconds and
    `rss_kb`, the peak resident memory."""
    settings = {"PREFECT_API_URL": api, "PREFECT_LOGGING_LEVEL": "ERROR", "PYTHONPATH": os.getcwd()}
    out = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(parameters)],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    if out.returncode:
        raise SystemExit(f"the flow broke off with exit code {out.returncode}")
    return json.loads(out.stdout.rpartition("RESULT")[2])


def write_small(folder: Path, count: int) -> str:
    """`count` different pictures of 64×64."""
    folder.mkdir()
    pixels = np.full((64, 64, 3), 255, np.uint8)
    for i in range(count):
        pixels[:2, :2] = (i % 256, i // 256 % 256, i // 65536)
        cv2.imwrite(str(folder / f"{i:06d}.png"), pixels)
    return str(folder)


def overhead(api: str, folder: Path) -> None:
    """What packshot and Prefect add to the engines' own time; and a second run, which finds all of it done."""
    source = write_small(folder / "photos", 2048)
    fixed = {"source": source, "profile": PROFILE, "store": str(folder / "store")}
    warm = {"limit": 8, "store": str(folder / "warm")}
    first = run_flow(api, **fixed, warm=warm)
    added = first["wall"] - first["engine"] - first["decode"]
    print(
        f"overhead: {1000 * added / 2048:.2f} ms a photo for {len(first['seconds'])} stages (2,048 photos, batch 128)"
    )
    again = run_flow(api, **fixed, resume=False, warm=warm)
    assert not sum(again["worked"].values()), "the second run worked on something"
    print(f"reuse: {2048 / again['wall']:,.0f} photos/s in a new run over the same catalogue, nothing worked on")


def memory(api: str, folder: Path) -> None:
    """Peak memory of a catalogue four times as long."""
    source = write_small(folder / "photos", 4000)
    peaks = {}
    for count in (1000, 4000):
        result = run_flow(api, source=source, profile=PROFILE, store=str(folder / f"store-{count}"), limit=count)
        peaks[count] = result["rss_kb"]
    ratio = peaks[4000] / peaks[1000]
    print(
        f"memory: {peaks[1000] / 1e6:.2f} GB for 1,000 photos, {peaks[4000] / 1e6:.2f} GB for 4,000: {ratio:.3f} times"
    )


def lite(api: str, folder: Path) -> None:
    """Profile `lite`, all stages, engines loaded, photos of 800×800."""
    from packshot.synth import make_photo

    count = int(os.environ.get("PACKSHOT_BENCH_PHOTOS", "48"))
    photos = folder / "photos"
    photos.mkdir()
    for i in range(count + 2):
        image = make_photo(90_000 + i, size_wh=(800, 800)).image
        cv2.imwrite(
            str(photos / f"{i:03d}.jpg"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92]
        )
    held_back = folder / "warm-photos"
    held_back.mkdir()
    for path in sorted(photos.iterdir())[count:]:
        path.rename(held_back / path.name)
    warm = {"source": str(held_back)}
    result = run_flow(api, source=str(photos), store=str(folder / "store"), warm=warm)
    total = sum(result["seconds"].values())
    shares = ", ".join(f"{name} {100 * value / total:.0f} %" for name, value in result["seconds"].items())
    print(f"lite: {count / result['wall']:.2f} photos/s at 800×800, {count} photos on {os.cpu_count()} cores")
    print(f"lite: share of the stages' time: {shares}")
    print(f"lite: outcomes {result['outcomes']}, codes {result['codes']}, peak memory {result['rss_kb'] / 1e6:.2f} GB")


def main() -> None:
    wanted = sys.argv[1:] or ["overhead", "memory", "lite"]
    with prefect_server() as api:
        for name in wanted:
            started = time.perf_counter()
            with TemporaryDirectory() as folder:
                {"overhead": overhead, "memory": memory, "lite": lite}[name](api, Path(folder))
            print(f"{name}: took {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

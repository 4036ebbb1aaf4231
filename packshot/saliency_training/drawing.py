"""Drawing of training photos by all cores, in parts."""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed

PART = 50


def draw_missing(missing: list[int], draw_part: Callable[[list[int]], None]) -> None:
    """Call `draw_part`, which other processes can import, with the numbers of photos to draw, `PART` at a time."""
    if not missing:
        return
    clock, context = time.monotonic(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        jobs = [pool.submit(draw_part, missing[at : at + PART]) for at in range(0, len(missing), PART)]
        for done, job in enumerate(as_completed(jobs), 1):
            job.result()
            print(f"drawn {done} of {len(jobs)} parts, {time.monotonic() - clock:.0f} s", flush=True)

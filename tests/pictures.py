"""Small pictures and runs over them, for tests that are not about pictures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.nothing import PROFILE
from packshot.catalogue import Source
from packshot.config import load_profile
from packshot.records import BatchRef
from packshot.run import Run, RunSpec, new_run_id, start_run
from packshot.store import Store


def write_pictures(folder: Path, count: int, side: int = 48, first: int = 0) -> Path:
    """`count` different PNG files of a disc on white."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        pixels = np.full((side, side, 3), 255, np.uint8)
        cv2.circle(pixels, (side // 2, side // 2), side // 4, (i % 251, 40, 90), -1)
        pixels[0, 0] = (i % 256, i // 256 % 256, 7)
        cv2.imwrite(str(folder / f"p{i:05d}.png"), pixels)
    return folder


def begin(store: Store, folder: Path, steps: tuple[str, ...] = ("classify", "clean", "place"), **facts: Any) -> Run:
    """A new run with engines that do nothing, planned and ready for its shards."""
    overrides = facts.pop("overrides", None)
    spec = RunSpec(
        run_id=new_run_id("test"),
        name="test",
        created_at=datetime.now(UTC).isoformat(),
        source=Source(path=str(folder)),
        steps=steps,
        profile=load_profile(PROFILE, overrides),
        **facts,
    )
    run = start_run(store, spec, resume=False)
    run.plan()
    return run


def batch(run: Run, number: int = 0, shard: int = 0) -> BatchRef:
    return run.batches(shard)[number]

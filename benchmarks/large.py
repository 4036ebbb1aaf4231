"""How long a photo of 4,000×4,000 takes to be read, cut out and placed by `lite`, and how much memory on top of idle.

    python -m benchmarks.large [--side 4000] [--times 3]

Engines are loaded and warm. Nothing is encoded, and the gate passes everything, so that there is a placement to time.
"""

import argparse
import threading
import time

import cv2
import psutil

from benchmarks.deliveries import Pipeline
from packshot.errors import PhotoError
from packshot.synth import make_photo

STAGES = ("ocr", "segment", "caption", "detect", "mask", "inpaint")
NO_GATE = {
    "gates.cutout_confidence": 0.0,
    "gates.covered_outline": 1.0,
    "gates.edge_roughness": 1e3,
    "gates.halo": 1.0,
    "gates.texts_left": 1000,
}


class _Peak:
    """The most memory of this process while it is open, sampled a hundred times a second."""

    def __enter__(self) -> "_Peak":
        self._process = psutil.Process()
        self._idle = self._most = self._process.memory_info().rss
        self._open = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while self._open:
            self._most = max(self._most, self._process.memory_info().rss)
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()

    @property
    def above_idle(self) -> float:
        """GiB."""
        return (self._most - self._idle) / 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4000, help="pixels")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    pipeline = Pipeline(**NO_GATE)
    photo = make_photo(77, "clean_photo_good_background", (800, 800), "test").image
    pipeline.run(STAGES, [photo], [""], {})
    large = cv2.resize(photo, (options.side, options.side), interpolation=cv2.INTER_CUBIC)
    with _Peak() as peak:
        for _ in range(options.times):
            done: dict[str, list] = {}
            seconds = {}
            for stage in STAGES:
                start = time.perf_counter()
                pipeline.run((stage,), [large], [""], done)
                seconds[stage] = time.perf_counter() - start
            if isinstance(done["inpaint"][0], PhotoError):
                raise SystemExit(f"Nothing was placed: {done['inpaint'][0]}")
            placed = sum(seconds[stage] for stage in ("detect", "mask", "inpaint"))
            told = ", ".join(f"{stage} {taken:.2f}" for stage, taken in seconds.items())
            print(f"{options.side}×{options.side}: cut out and placed in {placed:.2f} s ({told})")
    print(f"memory: {peak.above_idle:.2f} GiB above the idle process")


if __name__ == "__main__":
    main()

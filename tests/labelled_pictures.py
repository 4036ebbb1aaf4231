"""Small labelled pictures that a real classifier can tell apart, served over HTTP or in a folder a verdict."""

import json
from pathlib import Path

import cv2
import numpy as np
from loopback_server import LoopbackServer, answer

from packshot.records import VERDICTS


def picture(number: int, label: int) -> bytes:
    """PNG of a disc on a ground of the label's colour; each number is another picture."""
    ground = [(255, 255, 255), (30, 30, 200), (30, 200, 30), (200, 200, 30), (200, 30, 200), (20, 20, 20)][label]
    pixels = np.full((64, 64, 3), ground, np.uint8)
    rng = np.random.default_rng(number)
    cv2.circle(pixels, (32, 32), int(rng.integers(8, 24)), rng.integers(0, 255, 3).tolist(), -1)
    pixels[0, 0] = (number % 256, number // 256, 7)
    return cv2.imencode(".png", pixels)[1].tobytes()


def write_folders(folder: Path, per_verdict: int) -> Path:
    """`folder/<verdict>/<number>.png`."""
    for label, verdict in enumerate(VERDICTS):
        (folder / verdict).mkdir(parents=True)
        for i in range(per_verdict):
            (folder / verdict / f"{i:03d}.png").write_bytes(picture(label * 1000 + i, label))
    return folder


def serve_catalogue(server: LoopbackServer, path: Path, per_verdict: int, broken: dict[int, range]) -> Path:
    """METHOD.md's JSON lines with protocol-relative URLs. `broken[label]`: those numbers answer 404."""
    with open(path, "w") as file:
        for i in range(per_verdict):
            for label, verdict in enumerate(VERDICTS):
                place = f"/{label}/{i}.png"
                if i not in broken.get(label, ()):
                    server.routes[place] = answer(body=picture(label * 1000 + i, label), Content_Type="image/png")
                url = server.url(place).removeprefix("http:")
                print(json.dumps({"market_sku_id": label * 1000 + i, "pic_url": url, "verdict": verdict}), file=file)
    return path

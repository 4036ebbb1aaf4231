"""packshot's own matting against PyMatting's, from one and the same outline, on synthetic photos with true alpha.

    python -m benchmarks.matting [--photos 6]

The outline is the true one at 512 px, so only the edge is judged: mean absolute error of alpha within 10 px of it, and
seconds a photo. PyMatting (closed form: A. Levin et al., "A closed-form solution to natural image matting", 2008) works
on a trimap at 512 px, its alpha is enlarged to the photo.
"""

import argparse
import time

import cv2
import numpy as np

from benchmarks.cutout_figures import has_product, measure
from packshot.background import reduce
from packshot.compose import hard_cutout, signed_distance, soft_cutout
from packshot.synth import SynthPhoto, make_photo

REACH = 2.0


def closed_form(photo: SynthPhoto, mask: np.ndarray) -> np.ndarray:
    """RGBA of the photo's size; `mask` bool (h, w) at the reduced size."""
    from pymatting import estimate_alpha_cf

    small = reduce(photo.image, max(mask.shape)).astype(np.float64) / 255
    distance = signed_distance(mask)
    trimap = np.where(distance > REACH, 1.0, np.where(distance < -REACH, 0.0, 0.5))
    alpha = np.clip(estimate_alpha_cf(small, trimap), 0, 1)
    full = cv2.resize(alpha, photo.image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.dstack([photo.image, np.clip(np.round(255 * full), 0, 255).astype(np.uint8)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=6)
    options = parser.parse_args()
    ways = {
        "bare outline": lambda photo, mask: hard_cutout(photo.image, mask),
        "projection": lambda photo, mask: soft_cutout(photo.image, mask, REACH),
        "closed form": closed_form,
    }
    errors: dict[str, list[float]] = {name: [] for name in ways}
    seconds = dict.fromkeys(ways, 0.0)
    number = 0
    while len(errors["projection"]) < options.photos:
        photo = make_photo(3_000_000 + number, "clean_photo_good_background", None, "train")
        number += 1
        if not has_product(photo):
            continue
        size_wh = reduce(photo.image, 512).shape[1::-1]
        mask = cv2.resize(photo.product_alpha, size_wh, interpolation=cv2.INTER_AREA) > 0.5
        for name, way in ways.items():
            clock = time.process_time()
            cutout = way(photo, mask)
            # The first photo pays for compiling.
            seconds[name] += time.process_time() - clock if errors[name] else 0.0
            errors[name].append(measure(photo, cutout).alpha_mad)
    for name, values in errors.items():
        spent = seconds[name] / max(1, len(values) - 1)
        print(
            f"{name}: alpha error {np.mean(values):.4f} (median {np.median(values):.4f}), {spent:.2f} s of CPU a photo"
        )


if __name__ == "__main__":
    main()

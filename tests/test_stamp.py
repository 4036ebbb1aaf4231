"""Every kind of artifact tells which packshot made it, and holds what it held before."""

import io

import cv2
import numpy as np
import pytest

from packshot import __version__
from packshot.artifacts import Caption, Detections, Raster, Segmentation, Texts
from packshot.stamp import made_by, stamp

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
SEGMENTATION = Segmentation.from_logits(np.ones((3, 256, 256), np.float32), np.ones(3), (40, 60))


@pytest.mark.parametrize(
    "value", [Texts([]), Caption("a mug, packshot 9.9", ["mug"]), Detections([], []), SEGMENTATION, Raster(PIXELS)]
)
def test_an_artifact_tells_and_decodes_as_before(value: object) -> None:
    plain = value.encode()
    assert made_by(plain) is None
    stamped = stamp(plain)
    assert made_by(stamped) == __version__ and made_by(stamp(plain, "2.0rc1+x")) == "2.0rc1+x"
    assert type(value).decode(stamped).encode() == plain


def test_pictures_stay_readable_with_figures_and_comments() -> None:
    measured = Raster(PIXELS, {"seed": 2**62 + 1})
    again = Raster.decode(stamp(measured.encode()))
    assert again.figures == measured.figures and np.array_equal(again.pixels, PIXELS)
    jpeg = cv2.imencode(".jpg", PIXELS)[1].tobytes()
    stamped = stamp(stamp(jpeg, "1.0"), "2.0")
    assert made_by(jpeg) is None and made_by(stamped) == "1.0"
    before, after = (cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR) for d in (jpeg, stamped))
    assert np.array_equal(before, after)
    assert np.load(io.BytesIO(stamp(SEGMENTATION.encode())))["scores"].shape == (3,)

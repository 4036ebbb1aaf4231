"""Gates: each figure moves with the fault it is for, and not without it; limits decide."""

import cv2
import numpy as np
import pytest

from packshot import fidelity
from packshot.compositing import on_white, paste
from packshot.fidelity import Gates, badness, failures


def disc(side=300, radius=80, colour=(60, 90, 170)) -> np.ndarray:
    """A cutout RGBA of a shaded disc."""
    cutout = np.zeros((side, side, 4), np.uint8)
    y, x = np.mgrid[0:side, 0:side]
    far = np.hypot(x - side / 2, y - side / 2)
    shade = np.linspace(0.7, 1.2, side)[None, :, None]
    cutout[..., :3] = np.clip(np.float32(colour) * shade, 0, 255)
    cutout[..., 3] = np.clip((radius - far + 0.5) * 255, 0, 255)
    cutout[cutout[..., 3] == 0] = 0
    return cutout


def backdrop(colour=(215, 200, 180), side=300) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 2, (side, side, 1))
    return np.clip(np.float32(colour) + noise, 0, 255).astype(np.uint8)


CUTOUT = disc()
ALPHA = np.ascontiguousarray(CUTOUT[..., 3])
PICTURE = paste(backdrop(), CUTOUT)


def test_a_single_changed_product_pixel_is_found_and_an_edge_pixel_is_none():
    source = np.ascontiguousarray(CUTOUT[..., :3])
    assert fidelity.changed_pixels(PICTURE, source, ALPHA) == 0
    touched = PICTURE.copy()
    touched[150, 150, 1] ^= 1
    touched[5, 5] = 0
    assert fidelity.changed_pixels(touched, source, ALPHA) == 1
    assert failures({"changed_pixels": 1}, Gates()) == ["changed_pixels"]
    assert failures({"repaired_share": 0.6}, Gates()) == ["repaired_share"]


def test_expansion_is_the_area_that_the_product_gained():
    assert fidelity.expansion(PICTURE, ALPHA) < 0.02
    grown = backdrop()
    colour = tuple(int(v) for v in CUTOUT[150, 225, :3])
    cv2.rectangle(grown, (220, 120), (245, 180), colour, cv2.FILLED)  # joined to the product on its right
    gained = fidelity.expansion(paste(grown, CUTOUT), ALPHA)
    assert 0.03 < gained < 0.1  # it shows about 15 by 60 px of a disc of 20,100
    apart = backdrop()
    cv2.circle(apart, (20, 20), 12, colour, cv2.FILLED)
    assert fidelity.expansion(paste(apart, CUTOUT), ALPHA) < 0.02


def test_expansion_of_what_cannot_be_told_is_none():
    assert fidelity.expansion(PICTURE, np.zeros_like(ALPHA)) == 0
    assert fidelity.expansion(PICTURE, np.full_like(ALPHA, 255)) == 0


def test_rough_edges_are_rough_and_clean_ones_are_not():
    assert fidelity.edge_roughness(ALPHA) < 0.1
    rng = np.random.default_rng(1)
    torn = (ALPHA > 127) & (cv2.resize(rng.random((75, 75)), (300, 300), interpolation=cv2.INTER_NEAREST) > 0.35)
    assert fidelity.edge_roughness((torn * 255).astype(np.uint8)) > 0.8


def test_a_rim_of_the_old_background_is_a_halo():
    dark = backdrop((40, 42, 45))
    assert fidelity.halo(paste(dark, CUTOUT), ALPHA) < 0.02
    rimmed = CUTOUT.copy()
    rimmed[(ALPHA > 0) & (ALPHA < 255), :3] = 255
    ring = cv2.dilate((ALPHA > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > (ALPHA > 0)
    rimmed[ring] = (255, 255, 255, 200)
    assert fidelity.halo(paste(dark, rimmed), np.ascontiguousarray(rimmed[..., 3])) > 0.5


def test_contrast_tells_whether_the_product_can_be_seen():
    assert fidelity.contrast(PICTURE, ALPHA) > 20
    same = np.full((300, 300, 3), (245, 245, 245), np.uint8)
    assert fidelity.contrast(paste(same, disc(colour=(245, 245, 245)) * np.uint8([0, 0, 0, 1]) + _white()), ALPHA) < 1


def _white() -> np.ndarray:
    return np.where(ALPHA[..., None] > 0, np.uint8([245, 245, 245, 0]), np.uint8([0, 0, 0, 0]))


def test_white_must_be_pure_and_black_is_blank():
    white = on_white(CUTOUT)
    assert fidelity.off_white(white, ALPHA) == 0
    white[0, 0] = (255, 254, 255)
    assert fidelity.off_white(white, ALPHA) > 0
    assert fidelity.blank(paste(np.zeros_like(white), CUTOUT), ALPHA)
    assert not fidelity.blank(paste(backdrop((22, 22, 24)), CUTOUT), ALPHA), "a backdrop that is asked to be black"


def test_frame_share_and_drift():
    assert fidelity.frame_share(ALPHA) == pytest.approx(160 / 300, abs=0.01)
    assert fidelity.drift(PICTURE, CUTOUT) == 0
    assert fidelity.drift(np.zeros_like(PICTURE), CUTOUT) > 30


def test_where_to_look_for_text_left():
    inside, outside, half = ([120, 130, 180, 150], [5, 5, 60, 25], [60, 140, 100, 160])
    found = fidelity.covered_texts([np.float32(b) for b in (inside, outside, half)], ALPHA)
    assert [b.tolist() for b in found] == [inside, half]


def test_limits_decide_in_both_directions_and_unmeasured_figures_pass():
    gates = Gates(cutout_confidence=0.6, expansion=0.05)
    fine = {"cutout_confidence": 0.6, "expansion": 0.05, "halo": None}
    assert failures(fine, gates) == []
    assert failures({"cutout_confidence": 0.59, "expansion": 0.051}, gates) == ["cutout_confidence", "expansion"]
    assert failures({"cutout_confidence": None}, gates) == [] and failures({"blank": True}, gates) == ["blank"]
    assert badness(fine, gates) < badness(fine | {"expansion": 0.2}, gates) < badness(fine | {"blank": True}, gates)
    with pytest.raises(ValueError, match="expansions"):
        Gates(expansions=0.1)

"""How much of the product hides behind badges, and the gate that refuses a cutout with bites."""

import cv2
import numpy as np
import pytest
from drawn_products import striped_tin

from benchmarks.deliveries import Pipeline
from packshot.covered import covered_outline
from packshot.errors import ErrorCode, PhotoError


def rectangle(x0, y0, x1, y1, side=200):
    mask = np.zeros((side, side), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def disc(x, y, radius, side=200):
    down, across = np.ogrid[:side, :side]
    return (down - y) ** 2 + (across - x) ** 2 <= radius**2


def test_a_badge_over_the_corner_takes_its_arc_of_the_outline():
    badge = disc(140, 140, 40)
    bitten = rectangle(60, 60, 140, 140) & ~badge
    arc, straight = 0.5 * np.pi * 40, 2 * 80 + 2 * 40
    assert covered_outline(bitten, [badge]) == pytest.approx(arc / (arc + straight), abs=0.08)
    assert covered_outline(bitten, []) == 0


def test_a_badge_within_the_product_is_outline_too():
    badge = disc(100, 100, 20)
    assert covered_outline(rectangle(40, 40, 160, 160) & ~badge, [badge]) > 0.15


def test_what_the_product_stands_before_or_beside_and_the_photos_own_edge_cover_nothing():
    product = rectangle(60, 60, 140, 200)
    behind = disc(100, 110, 70) & ~product
    assert covered_outline(product, [behind]) == 0
    assert covered_outline(product, [disc(30, 100, 20)]) == 0
    assert covered_outline(np.ones((50, 50), bool), [rectangle(0, 0, 50, 5, side=50)]) == 0
    assert covered_outline(np.zeros((50, 50), bool), []) == 0


@pytest.mark.parametrize(("badge_at", "passes"), [((500, 470), False), ((680, 110), True)])
def test_a_bitten_product_is_refused_and_the_same_one_beside_its_badge_is_not(badge_at, passes):
    image = cv2.resize(striped_tin(340)[0], (800, 800), interpolation=cv2.INTER_LINEAR)
    cv2.circle(image, badge_at, 95, (20, 90, 200), -1, cv2.LINE_AA)
    cv2.putText(image, "100 ml", (badge_at[0] - 70, badge_at[1] + 14), 0, 1.2, (255, 255, 255), 3, cv2.LINE_AA)
    pipeline = Pipeline(**{"gates.cutout_confidence": 0.0})
    done: dict[str, list] = {}
    pipeline.run(("ocr", "segment", "caption", "detect", "mask", "deliver"), [image], [""], done)
    (delivered,) = done["deliver"]
    assert isinstance(delivered, PhotoError) != passes
    if not passes:
        assert delivered.code is ErrorCode.GATE_FAILED and "covered_outline" in delivered.message
        assert delivered.figures["gates"]["covered_outline"] > pipeline.profile.gates.covered_outline

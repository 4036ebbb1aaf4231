"""Where a product stands on a canvas: nothing is resampled unless a limit forces it."""

import numpy as np
import pytest

from packshot.compositing import cast_shadow, footing, on_white, paste, reflect
from packshot.engines.placing import photo_on_canvas
from packshot.errors import ErrorCode, PhotoError
from packshot.placement import Framing, cut_edges, place, product_box, put_on_canvas, resample, stay


def product(shape_hw=(200, 300), xyxy=(60, 40, 160, 180)) -> tuple[np.ndarray, np.ndarray]:
    """A photo of noise, and a cutout of a rectangle of it with a soft edge of a pixel."""
    image = np.random.default_rng(1).integers(0, 255, (*shape_hw, 3)).astype(np.uint8)
    cutout = np.zeros((*shape_hw, 4), np.uint8)
    x0, y0, x1, y1 = xyxy
    cutout[y0:y1, x0:x1, :3] = image[y0:y1, x0:x1]
    cutout[y0:y1, x0:x1, 3] = 255
    if x0 > 0:
        cutout[y0:y1, x0, 3] = 120
    return image, cutout


def alpha_of(cutout: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(cutout[..., 3])


@pytest.mark.parametrize("aspect", [None, (1, 1), (3, 4), (16, 9)])
def test_the_canvas_is_cut_around_the_product_at_its_own_resolution(aspect):
    image, cutout = product()
    placement = place(alpha_of(cutout), Framing(aspect=aspect, share=0.8))
    wide, tall = placement.canvas_wh
    assert placement.scale == 1 and wide / tall == pytest.approx(
        (aspect or (3, 2))[0] / (aspect or (3, 2))[1], abs=0.01
    )
    assert max(100 / wide, 140 / tall) == pytest.approx(0.8, abs=0.03)
    canvas = put_on_canvas(cutout, placement, image)
    solid = canvas[..., 3] == 255
    assert solid.sum() == (cutout[..., 3] == 255).sum()
    assert np.array_equal(canvas[solid, :3], photo_on_canvas(image, placement)[solid])
    assert np.array_equal(on_white(canvas)[solid], photo_on_canvas(image, placement)[solid])


def test_a_larger_canvas_comes_before_a_larger_product():
    _, cutout = product()
    placement = place(alpha_of(cutout), Framing(aspect=(3, 4), share=0.8, least_share=0.4, least_wh=(240, 320)))
    assert placement.scale == 1 and placement.canvas_wh == (240, 320)


def test_too_small_unless_enlarging_is_allowed_or_the_rule_only_recommends():
    image, cutout = product()
    alpha = alpha_of(cutout)
    wanted = Framing(aspect=(1, 1), share=0.9, least_share=0.8, least_wh=(1000, 1000))
    with pytest.raises(PhotoError, match=r"100x140 px.*deliver.max_upscale") as error:
        place(alpha, wanted)
    assert error.value.code is ErrorCode.TOO_SMALL and error.value.figures["upscale"] > 5
    placement = place(alpha, wanted, max_upscale=8)
    assert placement.canvas_wh == (1000, 1000) and 140 * placement.scale == pytest.approx(900, abs=8)
    canvas = put_on_canvas(cutout, placement, image)
    x0, y0, x1, y1 = product_box(alpha_of(canvas))
    assert (x1 - x0) / (y1 - y0) == pytest.approx(100 / 140, abs=0.01), "not squashed"
    soft = place(alpha, Framing(aspect=(1, 1), share=0.9, least_share=0.8, least_wh=(1000, 1000), insist=False))
    assert soft.scale == 1 and soft.canvas_wh[0] < 1000


@pytest.mark.parametrize("scale", ["down", "up"])
def test_a_resampled_product_is_the_resampled_photo(scale):
    image, cutout = product()
    limit = {"most_long": 90} if scale == "down" else {"least_wh": (400, 400), "least_share": 0.8}
    placement = place(alpha_of(cutout), Framing(aspect=(1, 1), share=0.8, **limit), max_upscale=8)
    assert (placement.scale < 1) == (scale == "down")
    canvas = put_on_canvas(cutout, placement, image)
    x0, y0, x1, y1 = placement.box
    again = resample(np.ascontiguousarray(image[y0:y1, x0:x1]), placement.size_wh)
    x, y = placement.at
    there = canvas[y : y + again.shape[0], x : x + again.shape[1]]
    solid = there[..., 3] == 255
    assert solid.mean() > 0.9 and np.array_equal(there[solid, :3], again[solid])


def test_a_product_stands_on_the_ground_line_and_a_flat_one_higher():
    _, tall = product((300, 300), (100, 40, 180, 260))
    _, flat = product((300, 300), (40, 200, 260, 240))
    framing = Framing(aspect=(1, 1), share=0.7, ground=0.86)
    bases = []
    for cutout in (tall, flat):
        placement = place(alpha_of(cutout), framing)
        bases.append((placement.at[1] + placement.size_wh[1]) / placement.canvas_wh[1])
    assert bases[0] == pytest.approx(0.86, abs=0.02) and 0.5 < bases[1] < 0.8


def test_a_cut_product_stays_at_its_edge_and_fits_no_other_shape_when_cut_twice():
    _, cutout = product((200, 300), (60, 40, 160, 200))
    assert cut_edges(alpha_of(cutout)) == {"bottom"}
    placement = place(alpha_of(cutout), Framing(aspect=(1, 1), share=0.8, ground=0.86))
    assert placement.at[1] + placement.size_wh[1] == placement.canvas_wh[1]
    _, across = product((200, 300), (0, 40, 300, 180))
    with pytest.raises(PhotoError, match="left, right") as error:
        place(alpha_of(across), Framing(aspect=(1, 1)))
    assert error.value.code is ErrorCode.PRESET_FAILED
    same = place(alpha_of(across), Framing(aspect=(3, 2)))
    assert same.canvas_wh == (300, 200) and same.scale == 1
    assert stay(alpha_of(across)).canvas_wh == (300, 200)
    with pytest.raises(PhotoError, match="empty"):
        place(np.zeros((20, 20), np.uint8), Framing())


def test_pasting_leaves_opaque_pixels_alone_whatever_the_light():
    image, cutout = product()
    backdrop = np.full_like(image, (20, 60, 90))
    solid, edge = cutout[..., 3] == 255, (cutout[..., 3] > 0) & (cutout[..., 3] < 255)
    plain, wrapped = paste(backdrop, cutout), paste(backdrop, cutout, wrap=True)
    for picture in (plain, wrapped):
        assert np.array_equal(picture[solid], image[solid])
        assert (picture[cutout[..., 3] == 0] == (20, 60, 90)).all()

    def apart(picture: np.ndarray) -> float:
        return float(np.abs(picture[edge].astype(int) - (20, 60, 90)).mean())

    assert apart(wrapped) < apart(plain)


def table(height: int = 200) -> np.ndarray:
    """A table top at rows 80-90 on two legs."""
    alpha = np.zeros((height, 200), np.uint8)
    alpha[80:90, 30:170] = 255
    alpha[80:150, 30:45] = 255
    alpha[80:150, 155:170] = 255
    return alpha


def test_the_footing_is_where_the_product_rests_not_where_it_hangs():
    stand = footing(table())
    assert stand is not None and stand.base == 149
    assert (stand.firm[35:40] > 0.5).all() and (stand.firm[160:165] > 0.5).all()
    assert not stand.firm[60:140].any() and not stand.firm[:20].any()
    assert footing(np.zeros((9, 9), np.uint8)) is None


def test_shadow_lies_under_the_product():
    alpha = np.zeros((300, 300), np.uint8)
    alpha[80:220, 100:200] = 255
    shadow = cast_shadow(alpha, 0.6)
    assert shadow.max() <= 0.6 and shadow.min() >= 0
    below, above = shadow[221:228, 110:190].mean(), shadow[60:75, 110:190].mean()
    assert below > 0.15 and below > 4 * above
    under_leg, between = (
        cast_shadow(table(), 0.6)[151:154, 33:42].mean(),
        cast_shadow(table(), 0.6)[151:154, 80:100].mean(),
    )
    assert under_leg > 2 * between
    assert not cast_shadow(np.zeros((50, 50), np.uint8), 0.6).any()
    cut = np.zeros((300, 300), np.uint8)
    cut[150:, 100:200] = 255
    assert cast_shadow(cut, 0.6).max() < below


def test_reflection_is_faint_upside_down_and_only_below():
    backdrop = np.full((200, 200, 3), 200, np.float32)
    cutout = np.zeros((200, 200, 4), np.uint8)
    cutout[50:150, 60:140] = (200, 200, 200, 255)
    cutout[140:150, 60:140, :3] = (250, 0, 0)
    picture = reflect(backdrop, cutout, 0.4)
    assert np.allclose(picture[:140], 200, atol=1)
    red = picture[150:156, 80:120].mean(axis=(0, 1))
    assert red[1] < 170 and red[0] > 190
    assert picture[195:, 80:120].mean() > 195
    assert np.array_equal(reflect(backdrop, cutout, 0.0), backdrop)

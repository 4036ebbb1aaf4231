"""Picture arithmetic of cutouts: specks, holes, edges, pasting, backdrops."""

import cv2
import numpy as np
import pytest

from packshot.backdrops import draw_backdrop, read_prompt
from packshot.colour_words import COLOURS, colours_in, names_of
from packshot.compose import drop_specks, fill_holes, signed_distance, soft_cutout
from packshot.compositing import on_white, paste


def disc(side: int, radius: float, colour=(200, 40, 40), background=(255, 255, 255)) -> tuple[np.ndarray, np.ndarray]:
    """An anti-aliased disc: the photo, and its exact coverage as float in [0, 1]."""
    y, x = np.mgrid[0 : side * 4, 0 : side * 4] / 4
    fine = (np.hypot(x - side / 2 + 0.125, y - side / 2 + 0.125) < radius).astype(np.float32)
    cover = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)
    picture = cover[..., None] * np.float32(colour) + (1 - cover[..., None]) * np.float32(background)
    return np.round(picture).astype(np.uint8), cover


def test_specks_are_counted_over_corners():
    mask = np.zeros((40, 40), bool)
    mask[2:9, 2:9] = True
    mask[9:12, 9:14] = True  # joined over a corner: 49 + 15 pixels, 64 in all
    mask[30:37, 30:38] = True  # 56 pixels
    kept = drop_specks(mask, 62)
    assert kept[5, 5] and kept[10, 10]
    assert not kept[33, 33]
    assert not drop_specks(np.zeros((5, 5), bool)).any()


def test_holes_are_filled_unless_seen_through():
    ring = np.zeros((60, 60), np.uint8)
    cv2.circle(ring, (20, 30), 15, 1, 5)
    cv2.rectangle(ring, (40, 20), (55, 40), 1, 2)
    mask = ring > 0
    see_through = np.zeros_like(mask)
    see_through[:, :38] = True
    filled = fill_holes(mask, see_through)
    assert not filled[30, 20] and filled[30, 47]
    assert fill_holes(mask)[30, 20]
    touching = np.ones((10, 10), bool)
    touching[0, 4] = False  # open to the picture's edge: no hole
    assert not fill_holes(touching)[0, 4]


def test_signed_distance_is_half_a_pixel_either_side():
    mask = np.zeros((9, 9), bool)
    mask[:, 4:] = True
    distance = signed_distance(mask)
    assert distance[4, 3] == pytest.approx(-0.5, abs=0.1) and distance[4, 4] == pytest.approx(0.5, abs=0.1)
    assert (signed_distance(np.ones((9, 9), bool)) > 0).all()


@pytest.mark.parametrize("work_side", [400, 160])
def test_soft_cutout_keeps_pixels_and_frees_the_edge_of_its_background(work_side):
    image, cover = disc(400, 120)
    mask = cv2.resize(cover, (work_side, work_side), interpolation=cv2.INTER_AREA) > 0.5
    cutout = soft_cutout(image, mask, 2.0)
    alpha = cutout[..., 3]
    opaque = alpha == 255
    assert np.array_equal(cutout[opaque, :3], image[opaque])
    assert (cutout[alpha == 0] == 0).all()
    assert np.abs(alpha / 255 - cover).mean() < 0.002
    edge = (alpha > 60) & ~opaque
    assert edge.any()
    # Red on white: a pink rim would have a high green channel.
    assert cutout[edge, 1].mean() < 75


def test_pasting_leaves_opaque_pixels_as_they_are():
    image, cover = disc(200, 60)
    cutout = soft_cutout(image, cover > 0.5)
    backdrop = np.full_like(image, (20, 60, 90))
    placed = paste(backdrop, cutout)
    opaque = cutout[..., 3] == 255
    assert np.array_equal(placed[opaque], image[opaque])
    assert (placed[cutout[..., 3] == 0] == (20, 60, 90)).all()
    assert (backdrop == (20, 60, 90)).all()
    # No light fringe: nothing between the red disc and the dark backdrop is brighter than both.
    assert placed[..., 1].max() <= 75
    white = on_white(cutout)
    assert (white[cutout[..., 3] == 0] == 255).all() and np.array_equal(white[opaque], image[opaque])


def test_a_rod_keeps_its_dark_rims_on_a_background_between_its_colours():
    """White with grey rims on grey: seen as mixtures, the rims would be background."""
    image = np.full((300, 300, 3), 150, np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[100:112, 30:270] = True
    image[100:112, 30:270] = np.uint8([70, 105, 160, 215, 240, 245, 245, 240, 215, 160, 105, 70])[:, None, None]
    alpha = soft_cutout(image, mask)[..., 3]
    assert (alpha[100:112, 40:260] > 127).mean() > 0.9
    assert not (alpha[~cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)] > 127).any()


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("solid light blue", ["light blue"]),
        ("тёмно-синий градиент", ["navy"]),
        ("white marble, green wall", ["white", "green"]),
        ("на красном фоне с жёлтым", ["red", "yellow"]),
        ("сервиз на серой ткани", ["grey"]),
        ("reduced redness", []),
        ("", []),
    ],
)
def test_colour_words(prompt, names):
    assert colours_in(prompt) == [COLOURS[name] for name in names]


def test_colours_are_named():
    pixels = np.uint8([(30, 80, 190)] * 7 + [(250, 250, 250)] * 3)
    assert [name for name, _ in names_of(pixels)][:2] == ["blue", "white"]
    assert names_of(np.zeros((0, 3), np.uint8)) == []


def mean_colour(prompt: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    style = read_prompt(prompt, (180, 40, 40), rng)
    picture = draw_backdrop((240, 240), style, 0.8, rng)
    assert picture.shape == (240, 240, 3) and picture.min() >= 0 and picture.max() <= 255
    return picture.reshape(-1, 3).mean(axis=0)


def test_backdrops_follow_the_prompt():
    red, green, blue = mean_colour("blue gradient")
    assert blue > red + 40 and blue > green + 10
    red, green, blue = mean_colour("pink")
    assert red > green + 20 and red > blue
    assert mean_colour("dark concrete").mean() < 110 < 170 < mean_colour("white marble").mean()
    assert mean_colour("dark wood").mean() < mean_colour("wood").mean()
    red, _, blue = mean_colour("деревянный стол")
    assert red > blue + 10
    solid = read_prompt("solid color background", (30, 90, 200), np.random.default_rng(0))
    flat = draw_backdrop((64, 64), solid, 0.8, np.random.default_rng(0))
    assert (flat == flat[0, 0]).all()


def test_backdrops_repeat_with_their_seed_and_have_texture():
    def draw(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return draw_backdrop((200, 160), read_prompt("oak table", (120, 120, 120), rng), 0.8, rng)

    assert np.array_equal(draw(1), draw(1)) and not np.array_equal(draw(1), draw(2))
    floor, wall = draw(1)[130:], draw(1)[:40]
    assert floor.std(axis=(0, 1)).mean() > 1.2 * wall.std(axis=(0, 1)).mean()

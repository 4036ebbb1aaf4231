"""Inset photos in panels of their own."""

import cv2
import numpy as np
import pytest

from packshot.background import to_lab
from packshot.foreground import find_foreground
from packshot.insets import inset_panels
from packshot.scene import read_scene


def shaded_disc(image: np.ndarray, centre: tuple[int, int], radius: int) -> np.ndarray:
    """Draw a ball; bool (400, 400)."""
    disc = cv2.circle(np.zeros((400, 400), np.uint8), centre, radius, 1, cv2.FILLED) > 0
    shade = np.linspace(0.5, 1.4, 400, dtype=np.float32)[None, :, None] * np.float32([150, 90, 60])
    image[disc] = np.clip(np.broadcast_to(shade, image.shape)[disc], 0, 255).astype(np.uint8)
    return disc


@pytest.fixture
def leaflet():
    """A product of which a panel with another picture hides a part: photo, product that can be seen, panel, its
    picture."""
    image = np.full((400, 400, 3), 250, np.uint8)
    product = shaded_disc(image, (200, 290), 70)
    image[40:270, 30:220] = (200, 214, 232)
    panel = np.zeros((400, 400), bool)
    panel[40:270, 30:220] = True
    return image, product & ~panel, panel, shaded_disc(image, (125, 150), 60)


def test_a_panel_is_found_by_what_the_network_sees_in_it(leaflet):
    image, product, panel, shown = leaflet
    lab, found = to_lab(image), find_foreground(image)
    (one,) = inset_panels(lab, found, product | panel, np.where(product | shown, 0.95, 0.05).astype(np.float32))
    assert (one & panel).sum() > 0.97 * panel.sum() and one.sum() < 1.06 * panel.sum()
    # Seen as a whole it is a pack with a picture on it; with nothing in it, a plate.
    assert not inset_panels(lab, found, product | panel, np.where(product | panel, 0.95, 0.05).astype(np.float32))
    assert not inset_panels(lab, found, product | panel, np.where(product, 0.95, 0.05).astype(np.float32))


def test_what_stands_alone_before_a_coloured_card_is_the_product(leaflet):
    image, product, panel, shown = leaflet
    image[~panel] = 250
    seen = np.where(shown, 0.95, 0.05).astype(np.float32)
    assert not inset_panels(to_lab(image), find_foreground(image), panel, seen)


def test_a_screen_has_its_case_around_it(leaflet):
    image, product, panel, shown = leaflet
    case = cv2.dilate(panel.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    image[case & ~panel] = (30, 30, 34)
    seen = np.where(product | shown | (case & ~panel), 0.95, 0.05).astype(np.float32)
    assert not inset_panels(to_lab(image), find_foreground(image), product | case, seen)


def test_the_network_looks_again_without_the_panels(leaflet):
    image, product, panel, shown = leaflet
    looks = []

    def see(picture: np.ndarray) -> np.ndarray:
        ball = (np.abs(picture.astype(int) - 250).max(axis=2) > 60).astype(np.float32)
        looks.append(ball.sum())
        return 0.95 * ball

    scene = read_scene(image, find_foreground(image), [], see)
    assert len(looks) == 2 and looks[1] < looks[0]
    assert (scene.product & product).sum() > 0.93 * (scene.product | product).sum()
    assert not (scene.product & shown).any()

"""What the agreement of two cutouts does not tell, and the confidence must: hands, discs behind the product, icons."""

import cv2
import numpy as np

from packshot.agreement import Agreement, compare, confidence
from packshot.foreground import find_foreground
from packshot.parts import make_part

SKIN = (224, 172, 140)


def agreed(image: np.ndarray, product: np.ndarray) -> Agreement:
    """Rules and both networks see the product and nothing else."""
    nothing, sure = np.zeros(product.shape, bool), product.astype(np.float32)
    return compare(image, product, product, sure, sure, find_foreground(image), nothing, [])


def flask() -> tuple[np.ndarray, np.ndarray]:
    """A shaded flask on white, and its mask, bool (400, 400)."""
    image = np.full((400, 400, 3), 255, np.uint8)
    image[80:330, 150:250] = np.linspace((20, 60, 60), (90, 130, 200), 100).astype(np.uint8)
    return image, (image != 255).any(axis=2)


def test_a_shaded_product_is_believed():
    agreement = agreed(*flask())
    assert agreement.held == 0 and agreement.disc == 0 and agreement.drawn < 0.1
    assert confidence(agreement) > 0.95


def test_fingers_are_a_hand_whose_arm_the_cutout_left_out():
    image, product = flask()
    image[200:260, 230:400] = SKIN
    product[200:260, 230:310] = True
    agreement = agreed(image, product)
    assert agreement.held > 0.1 and confidence(agreement) < 0.5


def test_a_disc_of_one_colour_behind_the_product_is_not_believed_and_a_shaded_plate_is():
    image, product = flask()
    disc = np.zeros(product.shape, np.uint8)
    cv2.circle(disc, (200, 205), 170, 1, cv2.FILLED)
    before = image.copy()
    before[(disc > 0) & ~product] = (150, 160, 170)
    agreement = agreed(before, disc > 0)
    assert agreement.disc > 0.9 and confidence(agreement) < 0.5
    bitten = disc > 0
    bitten[300:, :180] = False  # a plate's corner
    agreement = agreed(before, bitten)
    assert agreement.disc > 0.7 and confidence(agreement) < 0.5
    plate = np.full_like(image, 255)
    shade = np.add.outer(np.arange(400), np.arange(400))[..., None] / 800
    plate[disc > 0] = np.round((90, 110, 60) + shade * 120)[disc > 0].astype(np.uint8)
    agreement = agreed(plate, disc > 0)
    assert agreement.disc < 0.5 and confidence(agreement) > 0.9


def test_another_thing_in_a_room_may_be_the_product_and_beside_a_known_background_it_is_none():
    rng = np.random.default_rng(1)
    room = cv2.GaussianBlur(rng.integers(60, 200, (400, 400, 3)).astype(np.uint8), (0, 0), 3)
    image, product = flask()
    other = np.zeros_like(product)
    other[300:370, 300:370] = True
    image[other] = np.linspace((90, 40, 20), (200, 120, 60), 70).astype(np.uint8).repeat(70, axis=0)
    nothing, sure = np.zeros_like(product), product.astype(np.float32)
    for before, seen, believed in ((room, 0.95, False), (room, 0.4, True), (np.full_like(image, 255), 0.95, True)):
        photo = np.where((product | other)[..., None], image, before)
        parts = [make_part(product, "product", 0.8), make_part(other, "product", 0.2)]
        parts[1].seen = seen
        agreement = compare(photo, product, product, sure, sure, find_foreground(photo), nothing, parts)
        assert (agreement.rival < 0.02) == (confidence(agreement) > 0.9) == believed


def test_an_icon_is_no_product():
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.rectangle(image, (100, 140), (300, 280), (140, 140, 140), cv2.FILLED)
    cv2.circle(image, (200, 210), 45, (255, 255, 255), cv2.FILLED)
    icon = (image != 255).any(axis=2)
    agreement = agreed(image, icon)
    assert agreement.drawn > 0.95 and confidence(agreement) < 0.5


def test_two_cutouts_that_differ_are_not_believed_nor_one_that_hesitates():
    image, product = flask()
    nothing, sure = np.zeros(product.shape, bool), product.astype(np.float32)
    half = product.copy()
    half[200:] = False
    found = find_foreground(image)
    differing = compare(image, product, half, sure, sure, found, nothing, [])
    assert 0.4 < differing.rules < 0.6 and confidence(differing) < 0.9
    hesitant = compare(image, product, product, np.where(half, sure, 0.6 * sure), sure, found, nothing, [])
    assert 0.4 < hesitant.undecided < 0.6
    both = compare(image, product, half, np.where(half, sure, 0.6 * sure), sure, found, nothing, [])
    assert confidence(both) < 0.2 < confidence(hesitant) < confidence(agreed(image, product))


def test_what_one_network_sees_another_way_and_the_other_hesitates_at_is_not_believed():
    image, product = flask()
    nothing, sure = np.zeros_like(product), product.astype(np.float32)
    other_way, quite_other, hesitant = sure.copy(), sure.copy(), sure.copy()
    other_way[80:95] = quite_other[80:110] = 0
    hesitant[80:95] = 0.6
    for likely, saliency, believed in (
        (sure, sure, True),
        (sure, other_way, True),
        (sure, quite_other, False),
        (hesitant, sure, True),
        (hesitant, other_way, False),
    ):
        agreement = compare(image, product, product, likely, saliency, find_foreground(image), nothing, [])
        assert (confidence(agreement) > 0.9) == believed


def test_a_picture_in_a_patterned_frame_is_no_product():
    rng = np.random.default_rng(2)
    image = cv2.resize(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8), (400, 400), interpolation=cv2.INTER_NEAREST)
    image[40:360, 40:360] = np.linspace((60, 50, 40), (110, 100, 90), 320).astype(np.uint8)
    panel, product = np.zeros((2, 400, 400), np.uint8)
    panel[40:360, 40:360] = 1
    cv2.circle(product, (200, 200), 155, 1, cv2.FILLED)
    assert agreed(image, panel > 0).panel > 0.9 and confidence(agreed(image, panel > 0)) < 0.5
    assert agreed(image, product > 0).panel < 0.5 and confidence(agreed(image, product > 0)) > 0.9

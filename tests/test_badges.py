"""Overlays that hang on the product's outline or lie over it, or look like products: discs, watermarks, callout lines,
lenses, inset photos."""

import cv2
import numpy as np
import pytest
from drawn_products import striped_tin

from packshot.background import to_lab
from packshot.badges import like_icons, round_badges
from packshot.foreground import find_foreground
from packshot.fusion import by_saliency, unsupported
from packshot.marks import accents, find_marks
from packshot.overwriting import letters_beside, writing_over
from packshot.parts import Part, is_clipped, is_disc, is_inset, make_part
from packshot.plates import thin_lines


def quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@pytest.fixture
def tin():
    return striped_tin(340)


def test_a_disc_with_writing_on_the_outline_is_found(tin):
    image, product = tin
    cv2.circle(image, (265, 200), 60, (20, 60, 160), cv2.FILLED)
    cv2.putText(image, "MIX", (235, 210), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    disc = np.zeros(product.shape, np.uint8)
    cv2.circle(disc, (265, 200), 60, 1, cv2.FILLED)
    (found,) = round_badges(to_lab(image), product | (disc > 0), [quad(232, 186, 298, 214)])
    assert (found & (disc > 0)).sum() > 0.95 * (found | (disc > 0)).sum()
    # Without writing in it, it may be a knob.
    assert not round_badges(to_lab(image), product | (disc > 0), [quad(120, 300, 180, 320)])


def test_a_pack_with_a_round_end_is_no_badge():
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.ellipse(image, (200, 150), (70, 70), 0, 0, 360, (20, 90, 160), cv2.FILLED)
    cv2.rectangle(image, (130, 150), (270, 340), (20, 90, 160), cv2.FILLED)
    cv2.putText(image, "VEDA", (150, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    assert not round_badges(to_lab(image), (image != 255).any(axis=2), [quad(148, 145, 240, 175)])


def test_an_icon_on_the_outline_is_told_by_others_in_line_with_it(tin):
    image, _ = tin
    for row in (30, 80, 200, 370):
        cv2.circle(image, (252, row), 18, (90, 80, 60), cv2.FILLED)
        cv2.line(image, (245, row + 6), (259, row - 6), (255, 255, 255), 3)
    icon = cv2.circle(np.zeros((400, 400), np.uint8), (252, 200), 18, 1, cv2.FILLED) > 0
    foreground = (image != 255).any(axis=2) | icon
    found = like_icons(to_lab(image), foreground, [])
    assert len(found) == 4
    assert max((one & icon).sum() / (one | icon).sum() for one in found) > 0.75
    # Or by two others anywhere that stand free.
    image[12:100, 230:275], image[345:395, 230:275] = 255, 255
    for at in ((40, 60), (350, 40)):
        cv2.circle(image, at, 19, (90, 80, 60), cv2.FILLED)
    foreground = (image != 255).any(axis=2) | icon
    assert len(like_icons(to_lab(image), foreground, [])) == 3
    one_free = image.copy()
    one_free[20:62, 328:372] = 255
    assert not like_icons(to_lab(one_free), foreground, [])
    # Buttons of the product are in line too, but none of them stands free.
    buttons = np.full((400, 400, 3), 255, np.uint8)
    cv2.rectangle(buttons, (90, 110), (250, 340), (150, 90, 60), cv2.FILLED)
    for row in (150, 200, 250, 300):
        cv2.circle(buttons, (170, row), 18, (90, 80, 60), cv2.FILLED)
    assert not like_icons(to_lab(buttons), (buttons != 255).any(axis=2), [icon])


def tiled(image: np.ndarray, word: str) -> list[np.ndarray]:
    """Writes a grey watermark at a slant all over `image`; returns its text boxes."""
    quads, ink = [], np.zeros(image.shape[:2], np.uint8)
    turn = cv2.getRotationMatrix2D((0, 0), 30, 1)[:, :2]
    for top in range(20, 400, 70):
        for left in range(20, 400, 110):
            one = np.zeros((400, 400), np.uint8)
            cv2.putText(one, word, (0, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
            moved = np.c_[turn, (left, top + 40)]
            ink |= cv2.warpAffine(one, moved, (400, 400))
            quads.append((quad(0, 2, 14 * len(word), 24) @ turn.T + (left, top + 40)).astype(np.float32))
    share = 0.5 * ink[..., None] / 255
    image[:] = np.round(image * (1 - share) + 90 * share).astype(np.uint8)
    return quads


def test_a_watermark_over_the_product_is_told_from_its_own_writing(tin):
    image, product = tin
    rounded = np.linspace(0.5, 1.2, 400)[None, :, None] * np.float32([210, 190, 120])
    image[product] = np.clip(rounded, 0, 255).astype(np.uint8).repeat(400, axis=0)[product]
    cv2.putText(image, "TEA", (110, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (60, 20, 20), 3)
    own = (image[..., 0] == 60) & product
    bare = image.copy()
    quads = tiled(image, "DEMO")
    found = find_foreground(image)
    lab = to_lab(image)
    label = quad(108, 208, 185, 244)
    over = writing_over(lab, product, find_marks(lab, found, [*quads, label]), found.background.distance)
    inked = product & (np.abs(image.astype(int) - bare).max(axis=2) > 30) & ~own
    assert over[inked].mean() > 0.7
    assert over[own].mean() < 0.35
    # The same letters on the pack alone are the pack's.
    lone = find_marks(to_lab(bare), find_foreground(bare), [label])
    assert not writing_over(to_lab(bare), product, lone, find_foreground(bare).background.distance).any()


def test_writing_that_is_darker_than_the_background_may_be_lighter_than_the_product():
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[60:360, 180:220] = True
    image[product] = (
        np.linspace((70, 10, 10), (130, 30, 20), 40).astype(np.uint8)[None].repeat(300, axis=0).reshape(-1, 3)
    )
    bare = image.copy()
    cv2.putText(image, "very soft and very dry", (10, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (150, 150, 170), 3)
    inked = product & (image != bare).any(axis=2)
    found, lab = find_foreground(image), to_lab(image)
    over = writing_over(lab, product, find_marks(lab, found, [quad(8, 172, 380, 208)]), found.background.distance)
    assert over[inked].mean() > 0.9 and over[product & ~inked].mean() < 0.06


def test_a_line_most_of_which_lies_on_the_product_is_none_of_it_if_it_reaches_over():
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[60:360, 60:300] = True
    image[60:360, 60:300] = np.linspace((230, 150, 160), (190, 90, 150), 240).astype(np.uint8)
    bare = image.copy()
    cv2.putText(image, "keep it dry and warm", (80, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (40, 20, 40), 2)
    inked = product & (image != bare).any(axis=2)
    found, lab = find_foreground(image), to_lab(image)
    over = writing_over(lab, product, find_marks(lab, found, [quad(78, 174, 396, 208)]), found.background.distance)
    assert over[inked].mean() > 0.9
    own = quad(78, 174, 296, 208)
    assert not writing_over(lab, product, find_marks(lab, found, [own]), found.background.distance).any()


@pytest.mark.parametrize(
    ("ink", "printed", "over_it"), [("red", None, True), ("black", None, False), ("red", "red", False)]
)
def test_a_caption_in_several_lines_is_of_one_ink_which_the_product_has_nowhere(ink, printed, over_it):
    inks = {"red": (205, 20, 30), "black": (40, 40, 40)}
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[60:360, 80:320] = True
    image[60:360, 80:320] = np.linspace((225, 205, 190), (120, 130, 140), 240).astype(np.uint8)
    if printed:
        cv2.rectangle(image, (100, 300), (300, 340), inks[printed], cv2.FILLED)
    bare = image.copy()
    cv2.putText(image, "keep it dry and very warm", (10, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.9, inks[ink], 2)
    outer = (image != bare).any(axis=2)
    cv2.putText(image, "11 items", (140, 140), cv2.FONT_HERSHEY_SIMPLEX, 0.9, inks[ink], 2)
    line = (image != bare).any(axis=2) & ~outer
    found, lab = find_foreground(image), to_lab(image)
    marks = find_marks(lab, found, [quad(8, 174, 396, 208), quad(138, 114, 265, 148)])
    over = writing_over(lab, product, marks, found.background.distance)
    assert over[outer & product].mean() > 0.9
    assert over[line].mean() > 0.9 if over_it else not over[line].any()


@pytest.mark.parametrize("ink", [(150, 150, 160), (165, 88, 110)])
def test_letters_that_hang_on_the_products_outline_are_none_of_it(ink):
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[60:360, 180:215] = True
    image[60:360, 180:215] = np.linspace((210, 90, 87), (120, 86, 130), 35).astype(np.uint8)
    bare = image.copy()
    cv2.putText(image, "WINTER SALE", (20, 215), cv2.FONT_HERSHEY_SIMPLEX, 1.8, ink, 7)
    letters = (image != bare).any(axis=2)
    found, lab = find_foreground(image), to_lab(image)
    marks = find_marks(lab, found, [quad(15, 165, 395, 222)])
    taken = product | (letters & (np.arange(400) > 130) & (np.arange(400) < 260))
    likely = np.where(product, 0.97, 0.7).astype(np.float32)
    gone = letters_beside(lab, taken, likely, marks, found.background.distance)
    assert gone[taken & ~product].mean() > 0.9 and gone[product].mean() < 0.03
    # What is printed on a pack, and not around it, stays.
    image = bare.copy()
    cv2.putText(image, "AB", (182, 215), cv2.FONT_HERSHEY_SIMPLEX, 0.6, ink, 2)
    marks = find_marks(lab, found, [quad(182, 195, 214, 220)])
    assert not letters_beside(to_lab(image), product, likely, marks, found.background.distance).any()


def test_letters_of_a_box_that_lies_across_the_outline_hang_on_it_and_legs_do_not():
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[60:200, 60:340] = True
    image[60:200, 60:340] = np.linspace((210, 90, 87), (120, 86, 130), 280).astype(np.uint8)
    for x in (80, 150, 240, 310):
        product[200:330, x : x + 10] = True
    image[200:330][product[200:330]] = 60, 50, 50
    bare, box = image.copy(), quad(70, 176, 335, 232)
    cv2.putText(image, "WINTERS", (75, 225), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (150, 150, 160), 7)
    for photo in (image, bare):
        found, lab = find_foreground(photo), to_lab(photo)
        letters = (photo != bare).any(axis=2) & ~product
        marks = find_marks(lab, found, [box])
        marks.loose[:] = False
        taken = product | letters
        gone = letters_beside(lab, taken, taken.astype(np.float32), marks, found.background.distance)
        assert not letters.any() or gone[letters].mean() > 0.8
        assert gone[product].mean() < 0.03 and (letters.any() or not gone.any())


def test_a_lone_watermark_goes_on_where_the_reader_lost_it():
    image, product = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), bool)
    product[40:380, 150:310] = True
    image[40:380, 150:310] = np.linspace((10, 5, 5), (100, 60, 45), 160).astype(np.uint8)
    cv2.putText(image, "TEA", (180, 350), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (200, 160, 90), 3)
    ink = np.zeros((400, 400), np.uint8)
    cv2.putText(ink, "photo-sklad", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5)
    turn = cv2.getRotationMatrix2D((200, 200), 30, 1)
    ink = cv2.warpAffine(ink, turn, (400, 400))[..., None] / 255
    image = np.round(image * (1 - 0.6 * ink) + 110 * 0.6 * ink).astype(np.uint8)
    inked = product & (ink[..., 0] > 0.5)
    read = (quad(60, 160, 165, 205) @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    found, lab = find_foreground(image), to_lab(image)
    label = quad(176, 320, 262, 356)
    over = writing_over(lab, product, find_marks(lab, found, [read, label]), found.background.distance)
    assert over[inked].mean() > 0.8 and not over[320:356, 176:262].any()


def test_a_callout_line_may_begin_beside_its_caption(tin):
    _, product = tin
    line = np.zeros(product.shape, np.uint8)
    cv2.line(line, (60, 60), (120, 112), 1, 2)
    caption = np.zeros(product.shape, bool)
    caption[50:64, 2:30] = True
    found = thin_lines(product | (line > 0), caption)
    outside = (line > 0) & ~product
    assert found[outside].mean() > 0.7 and not found[product & (line == 0)].any()
    # Far from any writing it is a part of the product, if not in the colour of the writing.
    far = np.zeros_like(product)
    assert not thin_lines(product | (line > 0), far).any()
    found = thin_lines(product | (line > 0), far, line > 0)
    assert found[outside].mean() > 0.9 and not found[product & (cv2.dilate(line, np.ones((5, 5))) == 0)].any()


def test_strong_colours_of_plates_and_writing_are_accents_and_grey_ones_are_not(tin):
    image, _ = tin
    image[20:60, 10:110] = (96, 40, 120)
    cv2.putText(image, "STEEL", (20, 48), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    cv2.putText(image, "30 kg", (250, 48), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 130, 60), 2)
    cv2.putText(image, "new", (250, 88), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (40, 40, 40), 2)
    image[350:353, 20:80], image[360:363, 20:80], image[370:373, 20:80] = (96, 40, 120), (20, 130, 60), (40, 40, 40)
    quads = [cv2.boxPoints(((x, y), (w, 26), 0)) for x, y, w in ((58, 40, 80), (285, 40, 80), (275, 82, 60))]
    found, lab = find_foreground(image), to_lab(image)
    drawn = accents(lab, found, find_marks(lab, found, quads))
    assert drawn[351, 25:75].all() and drawn[361, 25:75].all() and not drawn[371, 25:75].any()


def test_the_accent_of_a_magnified_detail_is_its_rim_and_not_what_it_shows(tin):
    image, product = tin
    cv2.circle(image, (310, 70), 60, (150, 90, 110), cv2.FILLED)
    cv2.circle(image, (310, 70), 60, (20, 130, 160), 5, cv2.LINE_AA)
    image[350:353, 20:80] = (20, 130, 160)
    found, lab = find_foreground(image), to_lab(image)
    marks = find_marks(lab, found, [])
    disc = np.zeros(product.shape, np.uint8)
    cv2.circle(disc, (310, 70), 63, 1, cv2.FILLED)
    marks.add_window(disc > 0)
    drawn = accents(lab, found, marks)
    assert drawn[351, 25:75].all() and not drawn[50:90, 290:330].any() and not drawn[product].any()


def test_a_written_shape_on_the_product_that_the_network_does_not_see_is_no_product(tin):
    image, product = tin
    cv2.rectangle(image, (240, 150), (395, 300), (20, 120, 60), cv2.FILLED)
    cv2.fillPoly(image, [np.int32([[395, 150], [340, 110], [395, 110]])], (20, 120, 60))
    cv2.putText(image, "500 W", (262, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 3)
    found, lab = find_foreground(image), to_lab(image)
    body = (image != 255).any(axis=2)
    saliency = (product & (np.arange(400) < 240)).astype(np.float32)
    text = np.zeros(product.shape, bool)
    text[210:245, 262:370] = True
    gone = unsupported(lab, found, body, saliency, text)
    assert gone[160:290, 260:390].mean() > 0.9 and not gone[:, :230].any()
    # A part of another material that the network misses: neither written upon nor neat.
    stripes = image.copy()
    stripes[150:300, 240:395][::3] = (200, 30, 30)
    assert not unsupported(to_lab(stripes), found, body, saliency, text & False)[160:290, 260:390].any()


def test_a_dial_is_no_opening_but_what_shows_the_background_is():
    rng = np.random.default_rng(0)
    image = rng.integers(30, 110, (300, 300, 3)).astype(np.uint8)
    cv2.circle(image, (90, 150), 60, (150, 90, 40), cv2.FILLED)
    cv2.circle(image, (90, 150), 40, (250, 240, 235), cv2.FILLED)
    ring = np.zeros((300, 300), np.uint8)
    cv2.circle(ring, (220, 150), 60, 1, 18)
    image[ring > 0] = (150, 90, 40)
    saliency = ring.astype(np.float32)
    cv2.circle(saliency, (90, 150), 50, 1.0, 20)
    found = find_foreground(image)
    assert not found.background.sure
    product = by_saliency(image, to_lab(image), found, saliency, np.zeros((300, 300), bool))
    assert product[150, 90] and product[120:180, 60:120].mean() > 0.95
    assert product[130:170, 200:240].mean() < 0.1


def test_inset_photos_and_lenses_with_a_pale_detail_are_known_by_their_shape():
    def part(mask: np.ndarray) -> Part:
        return make_part(mask, "product", 0.5)

    inset, box = (np.zeros((400, 400), bool) for _ in range(2))
    inset[:300, :150] = True
    box[50:350, 100:250] = True
    assert is_inset(part(inset)) and not is_inset(part(box))
    lens = np.zeros((400, 400), np.uint8)
    cv2.circle(lens, (200, 200), 80, 1, cv2.FILLED)
    whole = lens > 0
    lens[215:, 215:] = 0
    shears = np.zeros((400, 400), np.uint8)
    cv2.line(shears, (100, 100), (300, 300), 1, 20)
    cv2.line(shears, (100, 300), (300, 100), 1, 20)
    assert is_disc(part(whole)) and is_disc(part(lens > 0))
    assert not is_disc(part(shears > 0)) and not is_disc(part(box))
    # A lens without a rim, of which the background's own colour is a good part; a bowl fills its circle's half.
    clipped = whole.copy()
    clipped[190:, 185:] = False
    bowl = whole.copy()
    bowl[:200] = False
    assert is_clipped(part(clipped)) and not is_clipped(part(bowl)) and not is_clipped(part(whole))
    # A product beside it may hide less; a screen's round corners are no circle.
    bitten, screen = whole.copy(), np.zeros((400, 400), np.uint8)
    bitten[:, 250:] = False
    cv2.rectangle(screen, (130, 130), (270, 270), 1, cv2.FILLED)
    screen = cv2.dilate(screen, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (61, 61)))
    assert is_clipped(part(bitten)) and not is_clipped(part(screen > 0))

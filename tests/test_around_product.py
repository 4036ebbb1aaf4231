"""What is beside the product and none of it: magnified details, mirror images, plates, other things in the room."""

import cv2
import numpy as np
import pytest
from drawn_products import striped_tin

from packshot.background import learn_background, to_lab
from packshot.barcodes import bar_codes
from packshot.candidates import choose, find_candidates
from packshot.foreground import find_foreground
from packshot.fusion import gaps, pale_insides, pale_parts, unsupported
from packshot.lenses import lenses
from packshot.magnified import _goes_on, magnified
from packshot.marks import find_marks
from packshot.mirrors import mirror_image
from packshot.parts import make_part
from packshot.plates import drawn_plate, plate_under, with_outline
from packshot.pointers import pointers, without_pointers
from packshot.scene import _insets, _panels, read_scene


@pytest.fixture
def tin():
    return striped_tin(300)


def window(image: np.ndarray, centre: tuple[int, int], radius: int, rim: tuple[int, int, int]) -> np.ndarray:
    """Lay a magnified part of the picture over it; the disc, bool (h, w)."""
    disc = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(disc, centre, radius, 1, cv2.FILLED)
    stripes = np.arange(400) // 37 % 2 == 0
    image[(disc > 0) & stripes[:, None]], image[(disc > 0) & ~stripes[:, None]] = (210, 90, 130), (150, 90, 110)
    cv2.circle(image, centre, radius, rim, 4, cv2.LINE_AA)
    return disc > 0


def box(x0: int, y0: int, x1: int, y1: int) -> tuple[np.ndarray, np.ndarray]:
    """A text box and the ring around it, bool (400, 400)."""
    writing, ring = np.zeros((400, 400), bool), np.zeros((400, 400), bool)
    ring[y0 - 5 : y1 + 5, x0 - 5 : x1 + 5] = True
    writing[y0:y1, x0:x1] = True
    ring[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] = False
    return writing, ring


def test_a_magnified_detail_is_found_by_its_rim(tin):
    image, product = tin
    disc = window(image, (262, 130), 60, (30, 140, 60))
    (found,) = lenses(image, to_lab(image), product | disc, [])
    assert (found & disc).sum() > 0.9 * (found | disc).sum()
    # What it shows may be written. Of one colour, and with writing in it, it is a badge.
    quad = np.float32([[230, 120], [290, 120], [290, 145], [230, 145]])
    assert len(lenses(image, to_lab(image), product | disc, [quad])) == 1
    image[disc] = (210, 90, 130)
    cv2.circle(image, (262, 130), 60, (30, 140, 60), 4, cv2.LINE_AA)
    cv2.putText(image, "500 W", (232, 138), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    assert not lenses(image, to_lab(image), product | disc, [quad])


def test_other_overlays_may_cross_the_rim_of_a_magnified_detail(tin):
    image, product = tin
    rim = (90, 20, 120)
    disc = window(image, (300, 110), 80, rim)
    lower = window(image, (320, 240), 60, (255, 255, 255))
    cv2.rectangle(image, (215, 40), (385, 75), rim, cv2.FILLED)
    cv2.putText(image, "27 cm", (250, 68), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    quad = np.float32([[248, 44], [345, 44], [345, 72], [248, 72]])
    (found,) = (one for one in lenses(image, to_lab(image), product | disc | lower, [quad]) if one[110, 300])
    assert (found & disc).sum() > 0.9 * (found | disc).sum()
    # A grey ring with as large gaps may be a part of the product.
    grey = image.copy()
    grey[(image == rim).all(axis=2)] = (90, 90, 90)
    cv2.circle(grey, (300, 110), 80, (90, 90, 90), 4, cv2.LINE_AA)
    cv2.circle(grey, (320, 240), 60, (255, 255, 255), 6, cv2.LINE_AA)
    assert not any(one[110, 300] for one in lenses(grey, to_lab(grey), product | disc | lower, [quad]))


def test_a_magnified_detail_without_a_rim_is_found_by_what_it_shows(tin):
    image, product = tin
    part = cv2.resize(image[230:280, 60:110], (120, 120), interpolation=cv2.INTER_CUBIC)
    disc = np.zeros((120, 120), np.uint8)
    cv2.circle(disc, (60, 60), 60, 1, cv2.FILLED)
    image[20:140, 270:390][disc > 0] = part[disc > 0]
    piece = (image != 255).any(axis=2) & ~product
    assert 0.3 < piece.sum() / disc.sum() < 0.7
    parts = [make_part(product, "product", 0.5), make_part(piece, "product", 0.2)]
    (found,) = magnified(image, parts, [])
    assert found[piece].all() and not (found & product).any() and found.sum() < 1.2 * disc.sum()
    # A bowl of the same colours shows nothing of the tin.
    bowl = np.zeros_like(disc)
    bowl[60:] = disc[60:]
    image[20:140, 270:390] = 255
    image[20:140, 270:390][bowl > 0] = np.linspace((210, 90, 87), (150, 90, 140), 120)[:, None].repeat(120, 1)[bowl > 0]
    piece = (image != 255).any(axis=2) & ~product
    assert not magnified(image, [parts[0], make_part(piece, "product", 0.2)], [])


def test_a_magnified_detail_of_thin_things_is_found_by_its_caption_and_what_it_shows():
    """Where rails are thin, next to nothing of the window's edge is seen."""
    large = np.full((1200, 1200, 3), 255, np.uint8)
    for x in (100, 460):
        cv2.rectangle(large, (x, 300), (x + 24, 1000), (140, 40, 110), cv2.FILLED)
        cv2.rectangle(large, (x + 8, 300), (x + 12, 1000), (200, 130, 180), cv2.FILLED)
    for y in (350, 520, 690):
        cv2.rectangle(large, (90, y), (494, y + 20), (140, 40, 110), cv2.FILLED)
        cv2.rectangle(large, (90, y + 6), (494, y + 10), (200, 130, 180), cv2.FILLED)
    image = cv2.resize(large, (400, 400), interpolation=cv2.INTER_AREA)
    detail = cv2.resize(large[460:600, 50:190], (110, 110), interpolation=cv2.INTER_AREA)
    disc = cv2.circle(np.zeros((110, 110), np.uint8), (55, 55), 54, 1, cv2.FILLED) > 0
    image[60:170, 260:370][disc] = detail[disc]
    piece = (image != 255).any(axis=2)
    chair = piece.copy()
    chair[:, 220:] = False
    parts = [make_part(chair, "product", 0.5), make_part(piece & ~chair, "product", 0.2)]
    caption = np.float32([[280, 175], [350, 175], [350, 190], [280, 190]])
    (found,) = magnified(image, parts, [caption])
    assert found[piece & ~chair].all() and not (found & chair).any()
    assert not magnified(image, parts, [])
    # Each thing of a range has its caption.
    below = [make_part(np.roll(piece & ~chair, (130, 30 * k), axis=(0, 1)), "product", 0.1) for k in range(-7, -3)]
    captions = [caption + (30 * k, 130) for k in range(-7, -3)]
    assert not magnified(image, parts + below, [caption, *captions])


def test_a_magnified_detail_may_be_larger_than_its_product_if_it_shows_the_products_edge():
    image = np.full((400, 400, 3), 255, np.uint8)
    image[200:300, 20:100] = (150, 90, 110)
    disc = np.zeros((400, 400), np.uint8)
    cv2.circle(disc, (270, 150), 90, 1, cv2.FILLED)
    dial, shows = image.copy(), image.copy()
    shows[:, 260:][disc[:, 260:] > 0] = (150, 90, 110)
    dial[140:160, 240:300] = (150, 90, 110)
    label = np.float32([[280, 130], [330, 130], [330, 150], [280, 150]])
    for photo, expected in ((shows, 1), (dial, 0)):
        cv2.circle(photo, (270, 150), 90, (40, 30, 40), 4, cv2.LINE_AA)
        for quads in ([], [label]):  # a label on the product is written
            found = lenses(photo, to_lab(photo), (photo != 255).any(axis=2) | (disc > 0), quads)
            assert len(found) == expected


def test_an_upright_magnified_detail_is_the_same_as_a_part_of_its_product_and_a_bowl_of_a_set_is_another():
    image, vase = np.full((800, 800, 3), 255, np.uint8), np.zeros((800, 800), np.uint8)
    cv2.fillPoly(vase, [np.int32([(120, 400), (240, 400), (210, 460), (260, 760), (100, 760), (150, 460)])], 1)
    shade = (110 + 80 * np.sin(np.arange(800) / 18))[:, None].repeat(3, axis=1).astype(np.uint8)
    image[vase > 0] = np.broadcast_to(shade, image.shape)[vase > 0]
    cv2.ellipse(image, (180, 408), (58, 12), 0, 0, 360, (40, 40, 60), cv2.FILLED)
    detail = cv2.resize(image[352:452, 130:230], None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    disc = cv2.circle(np.zeros((250, 250), np.uint8), (125, 125), 122, 1, cv2.FILLED)
    image[120:370, 440:690][disc > 0] = detail[disc > 0]
    piece = image[..., 0] < 250
    piece[:, :400] = False
    parts = [make_part(vase > 0, "product", 0.5), make_part(piece, "product", 0.4)]
    (found,) = magnified(image, parts, [])
    assert found[piece].all()
    image, bowl = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), np.uint8)
    cv2.ellipse(bowl, (90, 250), (70, 60), 0, 0, 180, 1, cv2.FILLED)
    image[bowl > 0] = np.broadcast_to(shade[:400], image.shape)[bowl > 0]
    larger = cv2.warpAffine(image, np.float32([[1.5, 0, 140], [0, 1.5, -200]]), (400, 400), borderValue=(255,) * 3)
    both = np.minimum(image, larger)
    parts = [make_part((one[..., 0] < 250), "product", 0.5) for one in (larger, image)]
    assert not magnified(both, parts, [])
    # A cap of one colour is like anything of that colour.
    plain = np.full((400, 400, 3), 255, np.uint8)
    cap = cv2.circle(np.zeros((400, 400), np.uint8), (310, 90), 50, 1, cv2.FILLED)
    plain[(cap | bowl) > 0] = (120, 90, 60)
    assert not magnified(plain, [make_part(bowl > 0, "product", 0.5), make_part(cap > 0, "product", 0.4)], [])


def test_a_ranges_thing_that_the_network_misses_is_one_of_it_and_a_mirror_image_is_none():
    image = np.full((400, 400, 3), 255, np.uint8)
    seen, missed = np.zeros((2, 400, 400), np.float32)
    for row, col in ((30, 40), (30, 230), (150, 40), (150, 230), (270, 40)):
        image[row : row + 80, col : col + 90] = np.linspace((20, 30, 60), (80, 60, 30), 80)[:, None].astype(np.uint8)
        seen[row : row + 80, col : col + 90] = 1
    image[270:350, 230:320] = np.linspace((200, 170, 130), (225, 200, 180), 80)[:, None].astype(np.uint8)
    missed[270:350, 230:320] = 1
    lab, found = to_lab(image), find_foreground(image)
    marks = find_marks(lab, found, [])
    pieces = find_candidates(lab, (seen + missed) > 0, marks, found.background, seen)
    assert len(choose(pieces, marks, lab)) == 6
    # Beneath the one over it, where that ends, it is that one's mirror image.
    image[230:310, 230:320], image[310:350, 230:320] = image[270:350, 230:320].copy(), 255
    missed = np.roll(missed, -40, axis=0)
    lab, found = to_lab(image), find_foreground(image)
    body = (seen + missed) > 0
    body[230] = False
    pieces = find_candidates(lab, body, marks, found.background, seen)
    assert len(pieces) == 6 and not any(part.mask[270, 270] for part in choose(pieces, marks, lab))


def test_what_a_ring_marks_on_the_product_is_no_magnified_detail(tin):
    _, product = tin
    ring = cv2.circle(np.zeros((400, 400), np.uint8), (170, 200), 45, 1, 6) > 0
    marked = product & (cv2.circle(np.zeros((400, 400), np.uint8), (170, 200), 42, 1, cv2.FILLED) > 0) & ~ring
    free = cv2.circle(np.zeros((400, 400), np.uint8), (330, 90), 42, 1, cv2.FILLED) > 0
    rest = make_part(product & ~ring & ~marked, "product", 0.5)
    for piece, centre, expected in ((marked, (170, 200), True), (free, (330, 90), False)):
        part = make_part(piece, "product", 0.3)
        assert _goes_on(part, (*centre, 42.0), [part, rest]) == expected


def test_long_thin_things_make_a_range_too():
    image, seen = np.full((400, 400, 3), 255, np.uint8), np.zeros((400, 400), np.float32)
    sticks = np.zeros((400, 400), np.uint8)
    for x in (30, 110, 190):
        cv2.line(sticks, (x, 60), (x + 60, 170), 1, 9)
    shade = np.linspace((10, 10, 40), (160, 120, 90), 400)[:, None].repeat(400, axis=1)
    image[sticks > 0] = shade[sticks > 0].astype(np.uint8)
    image[220:330, 30:120] = np.linspace((20, 30, 60), (80, 60, 30), 110)[:, None].astype(np.uint8)
    seen[(image != 255).any(axis=2)] = 1
    image[220:330, 250:340] = np.linspace((200, 150, 130), (150, 120, 180), 110)[:, None].astype(np.uint8)
    body = (image != 255).any(axis=2)
    lab, found = to_lab(image), find_foreground(image)
    marks = find_marks(lab, found, [])
    pieces = find_candidates(lab, body, marks, found.background, seen)
    assert len(pieces) == len(choose(pieces, marks, lab)) == 5


def test_a_painted_ring_inside_a_plates_brim_is_no_window(tin):
    image, product = tin
    disc = window(image, (300, 110), 70, (30, 140, 60))
    assert len(lenses(image, to_lab(image), product | disc, [])) == 1
    brim = cv2.circle(np.zeros((400, 400), np.uint8), (300, 110), 76, 1, cv2.FILLED) > 0
    image[brim & ~disc] = (190, 80, 120)
    cv2.circle(image, (300, 110), 70, (30, 140, 60), 4, cv2.LINE_AA)
    assert not lenses(image, to_lab(image), product | brim, [])


def test_a_row_of_plates_is_no_word():
    image = np.full((400, 400, 3), 255, np.uint8)
    for x in (50, 130, 210, 290):
        cv2.circle(image, (x, 200), 34, (120, 150, 140), cv2.FILLED)
        cv2.circle(image, (x, 200), 27, (200, 90, 90), 3, cv2.LINE_AA)
        cv2.ellipse(image, (x, 200), (30, 30), 0, 190, 240, (255, 255, 255), 3)  # a highlight
    quad = np.float32([[10, 150], [330, 150], [330, 250], [10, 250]])
    marks = find_marks(to_lab(image), find_foreground(image), [quad])
    assert not marks.loose.any()
    letters = np.full((400, 400, 3), 255, np.uint8)
    cv2.putText(letters, "OOOO", (14, 235), cv2.FONT_HERSHEY_SIMPLEX, 3.2, (60, 60, 60), 12)
    assert find_marks(to_lab(letters), find_foreground(letters), [quad]).loose.any()
    # Lone letters may be as narrow as their stroke.
    one = np.full((400, 400, 3), 255, np.uint8)
    one[160:190, 100:106] = one[300:306, 100:130] = 60
    boxes = [
        np.float32([[94, 154], [112, 154], [112, 196], [94, 196]]),
        np.float32([[94, 282], [136, 282], [136, 324], [94, 324]]),
    ]
    for quad in boxes:
        assert find_marks(to_lab(one), find_foreground(one), [quad]).loose.any()


def test_a_thing_that_the_network_misses_as_a_whole_has_no_openings():
    image = np.full((400, 400, 3), 255, np.uint8)
    crate, plate = np.zeros((2, 400, 400), np.uint8)
    crate[40:180, 40:360] = 1
    crate[80:140, 70:180] = crate[80:140, 220:330] = 0
    cv2.circle(plate, (200, 290), 60, 1, cv2.FILLED)
    image[crate > 0], image[plate > 0] = (90, 60, 40), (253, 253, 253)
    product = (plate > 0) | (np.arange(400)[:, None] < 180) & (np.arange(400)[:, None] >= 40)
    product[:180, :40] = product[:180, 360:] = False
    saliency = (crate > 0).astype(np.float32)
    taken = gaps(to_lab(image), find_foreground(image), product, saliency)
    assert taken[90:130, 80:170].all() and not taken[plate > 0].any()


def test_a_bar_code_is_whole_and_a_grille_is_none():
    rng = np.random.default_rng(0)
    bars = np.repeat(np.arange(60) % 2, rng.integers(1, 4, 60))
    image = np.full((400, 400, 3), 255, np.uint8)
    image[300:350, 40 : 40 + len(bars)][:, bars > 0] = 20
    image[60:200, 200:210] = image[60:200, 300:310] = (60, 60, 160)
    for left in range(210, 300, 6):
        image[60:200, left : left + 3] = (40, 40, 40)
    foreground = (image != 255).any(axis=2)
    (found,) = bar_codes(to_lab(image), foreground)
    assert found[300:350, 41 : 40 + len(bars)].all() and not found[:250].any()
    # One that touches the product, and a caption across it.
    image[250:305, 20:70] = (90, 130, 60)
    cv2.putText(image, "Code 692", (50, 335), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 90, 90), 1)
    (again,) = bar_codes(to_lab(image), (image != 255).any(axis=2))
    assert again[306:350, 44 : 38 + len(bars)].mean() > 0.97 and not again[:295].any() and not again[:, 180:].any()


def test_a_shaded_rim_a_porthole_and_a_clock_are_no_magnified_details(tin):
    image, product = tin
    shaded = image.copy()
    disc = window(shaded, (262, 130), 60, (30, 140, 60))
    light = np.interp(np.arange(400), (200, 325), (0.5, 1.5))[None, :, None]
    rim = cv2.dilate(disc.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    shaded = np.where(rim[..., None], np.clip(shaded * light, 0, 255), shaded).astype(np.uint8)
    assert not lenses(shaded, to_lab(shaded), product | disc, [])
    porthole = image.copy()
    window(porthole, (170, 205), 60, (30, 140, 60))
    assert not lenses(porthole, to_lab(porthole), product, [])
    clock = np.full((400, 400, 3), 255, np.uint8)
    disc = window(clock, (200, 200), 90, (30, 140, 60))
    assert not lenses(clock, to_lab(clock), disc, [])
    plate = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(plate, (200, 200), 110, (235, 150, 180), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(plate, (200, 200), 104, (150, 30, 80), 4, cv2.LINE_AA)
    assert not lenses(plate, to_lab(plate), (plate != 255).any(axis=2), [])


def test_a_pan_seen_from_above_is_no_magnified_detail(tin):
    image, product = tin
    disc = window(image, (320, 110), 74, (30, 140, 60))
    assert lenses(image, to_lab(image), product | disc, [])
    cv2.circle(image, (320, 110), 50, (60, 60, 70), cv2.FILLED, cv2.LINE_AA)
    assert not lenses(image, to_lab(image), product | disc, [])


def test_a_plate_in_rows_and_columns_of_products_is_no_magnified_detail():
    image = np.full((400, 400, 3), 255, np.uint8)
    disc = window(image, (100, 100), 60, (30, 140, 60))
    products = np.zeros_like(disc)
    for x, y in ((250, 50), (50, 250), (250, 250)):
        products[y : y + 100, x : x + 90] = True
    image[products] = (60, 90, 130)
    assert not lenses(image, to_lab(image), products | disc, [])
    # Standing in a row with two others it is none either; beside one it is.
    row = np.full((400, 400, 3), 255, np.uint8)
    standing = window(row, (200, 200), 55, (30, 140, 60))
    two = np.zeros_like(standing)
    two[150:258, 20:110] = two[150:258, 290:380] = True
    row[two] = (60, 90, 130)
    assert not lenses(row, to_lab(row), two | standing, [])
    # Nor does its rim, outside a painted ring, make one thing of them.
    rim = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 62, 1, 14) > 0
    two[150:258, 110:140] = two[150:258, 262:290] = True
    assert not lenses(row, to_lab(row), two | standing | rim, [])
    beside = products.copy()
    beside[240:] = False
    image[products & ~beside] = 255
    assert len(lenses(image, to_lab(image), beside | disc, [])) == 1


def test_a_mirror_image_on_the_floor_is_no_product(tin):
    image, product = tin
    fade = np.linspace(0.3, 0.02, 90)[:, None, None]
    image[300:390] = np.round(255 - fade * (255 - image[210:300][::-1].astype(float)))
    seen = (image != 255).any(axis=2)
    gone = mirror_image(to_lab(image), learn_background(image), seen, np.zeros_like(seen))
    assert gone[302:380, 95:245].mean() > 0.95 and not (gone & product)[:298].any()


def test_pale_legs_are_no_mirror_image():
    image = np.full((400, 400, 3), 255, np.uint8)
    image[60:220, 120:280] = (60, 40, 90)
    for x in (125, 262):
        image[220:370, x : x + 14] = (190, 170, 150)
    product = (image != 255).any(axis=2)
    assert not mirror_image(to_lab(image), learn_background(image), product, np.zeros_like(product)).any()


def test_what_is_hidden_by_overlays_is_no_mirror_image(tin):
    image, product = tin
    fade = np.linspace(0.3, 0.02, 90)[:, None, None]
    image[300:390] = np.round(255 - fade * (255 - image[210:300][::-1].astype(float)))
    seen = (image != 255).any(axis=2)
    hidden = np.zeros_like(seen)
    hidden[300:390, 100:240] = True
    assert not mirror_image(to_lab(image), learn_background(image), seen, hidden).any()


def test_the_strap_below_a_dial_is_no_mirror_image_of_the_one_above():
    image = np.full((400, 400, 3), 255, np.uint8)
    image[40:360, 170:230] = np.linspace(150, 235, 320).astype(np.uint8)[:, None, None]
    cv2.circle(image, (200, 200), 75, (120, 120, 125), cv2.FILLED)
    cv2.circle(image, (200, 200), 60, (20, 18, 26), cv2.FILLED)
    product = (image != 255).any(axis=2)
    assert not mirror_image(to_lab(image), learn_background(image), product, np.zeros_like(product)).any()


def test_a_plate_that_hangs_on_the_product_is_none_of_it_and_a_label_is(tin):
    image, product = tin
    image[250:280, 200:330] = (20, 120, 160)
    cv2.putText(image, "FREE", (228, 273), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    writing, ring = box(224, 256, 300, 276)
    foreground = product.copy()
    foreground[250:280, 200:330] = True
    plate = plate_under(to_lab(image), foreground, writing, ring, np.zeros((0, 2), np.float32))
    assert plate is not None and plate[252:278, 203:327].all() and plate.sum() < 1.5 * 30 * 130
    # The same shape within the product's outline is its label.
    label = tin[0].copy()
    label[:] = np.roll(image, -90, axis=1)
    label[250:280, 0:100] = 255
    label[110:300, 90:250][:140] = tin[0][110:250, 90:250]
    within = np.roll(foreground, -90, axis=1) | product
    writing, ring = box(134, 256, 210, 276)
    assert plate_under(to_lab(label), within, writing, ring, np.zeros((0, 2), np.float32)) is None


def test_on_an_unsure_background_a_plate_is_told_by_having_no_shading():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(60, 200, (400, 400, 3)).astype(np.uint8), (0, 0), 2)
    image[300:340, 20:200] = (240, 220, 40)
    cv2.putText(image, "NEW MODEL", (28, 330), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    saliency = np.zeros((400, 400), np.float32)
    saliency[50:390, 150:260] = 1
    saliency[300:340, 20:200] = 1
    writing, ring = box(28, 308, 184, 333)
    for seen in (saliency, np.where(np.arange(400)[:, None] < 300, np.float32(0), saliency)):
        plate = drawn_plate(to_lab(image), writing, ring, writing, seen)
        assert plate is not None and plate[302:338, 22:198].all() and plate.sum() < 1.4 * 40 * 180
    shaded = image.copy()
    shaded[300:340, 20:200] = np.clip(shaded[300:340, 20:200] * np.linspace(0.8, 1, 40)[:, None, None], 0, 255)
    assert drawn_plate(to_lab(shaded), writing, ring, writing, saliency) is None


def test_a_plate_whose_writing_a_badge_hides_is_one_like_its_neighbour(tin):
    image, product = tin
    for top in (20, 80):
        image[top : top + 40, 5:80] = (96, 40, 120)
    cv2.putText(image, "STEEL", (12, 46), cv2.FONT_HERSHEY_SIMPLEX, 0.65, (255, 255, 255), 2)
    cv2.circle(image, (55, 100), 26, (240, 180, 20), cv2.FILLED)
    cv2.putText(image, "-65", (34, 107), cv2.FONT_HERSHEY_SIMPLEX, 0.65, (40, 20, 20), 2)
    quads = [cv2.boxPoints(((x, y), (w, h), 0)) for x, y, w, h in ((42, 39, 66, 24), (54, 99, 44, 22))]
    marks = find_marks(to_lab(image), find_foreground(image), quads)
    rest = np.zeros((400, 400), bool)
    rest[82:118, 7:24] = True
    assert marks.plates[rest].all() and not (marks.plates & product).any()
    # Alone, it may be a product.
    image[20:60, 5:80] = 255
    marks = find_marks(to_lab(image), find_foreground(image), quads[1:])
    assert not marks.plates[rest].any()


def test_the_line_around_a_plate_is_its_own_and_a_pack_around_its_label_is_not(tin):
    image, _ = tin
    cv2.circle(image, (310, 60), 52, (20, 20, 60), cv2.FILLED)
    cv2.circle(image, (310, 60), 46, (20, 120, 160), cv2.FILLED)
    plate, lined = np.zeros((2, 400, 400), np.uint8)
    cv2.circle(plate, (310, 60), 47, 1, cv2.FILLED)
    cv2.circle(lined, (310, 60), 51, 1, cv2.FILLED)
    nowhere = np.zeros((400, 400), bool)
    whole = with_outline(to_lab(image), plate > 0, nowhere)
    assert whole[lined > 0].all() and whole.sum() < 1.15 * lined.sum()
    cv2.circle(image, (310, 60), 80, (20, 20, 60), 60)
    assert np.array_equal(with_outline(to_lab(image), plate > 0, nowhere), plate > 0)


def test_the_ring_and_the_line_of_a_magnified_detail_are_none_of_the_product(tin):
    image, product = tin
    rim = (30, 140, 60)
    disc = window(image, (330, 70), 60, rim)
    ring, line = np.zeros((2, 400, 400), np.uint8)
    cv2.circle(ring, (245, 200), 22, 1, 2)
    ends = (np.float32([245, 200]) + share * np.float32([85, -130]) for share in (0.3, 0.6))
    cv2.line(line, *(tuple(np.round(end).astype(int).tolist()) for end in ends), 1, 2)
    image[(ring > 0) | ((line > 0) & ~disc)] = rim
    lab, none = to_lab(image), np.zeros((400, 400), bool)
    (found,) = lenses(image, lab, product | disc, [])
    pointing = pointers(lab, [found], none)
    assert pointing[ring > 0].all() and pointing[(line > 0) & ~disc].all() and pointing.mean() < 0.02
    left = without_pointers(product | (ring > 0) | (line > 0), pointing)
    assert left[product].mean() > 0.995 and not left[:, 256:].any()
    # A ring that no line joins with the detail is the product's own.
    image[(line > 0) & ~disc & ~product] = 255
    image[(line > 0) & product] = (150, 90, 110)
    assert not pointers(to_lab(image), [found], none).any()


def test_a_ring_may_reach_under_its_magnified_detail(tin):
    image, product = tin
    ring = cv2.circle(np.zeros((400, 400), np.uint8), (240, 140), 38, 1, 3)
    image[ring > 0] = 30, 140, 60
    window(image, (310, 80), 70, (30, 140, 60))
    disc = cv2.circle(np.zeros((400, 400), np.uint8), (310, 80), 72, 1, cv2.FILLED) > 0
    hidden = (ring > 0) & disc
    assert 0.2 < hidden.sum() / ring.sum() < 0.5
    pointing = pointers(to_lab(image), [disc], np.zeros((400, 400), bool))
    assert pointing[(ring > 0) & ~disc].mean() > 0.95 and pointing.mean() < 0.02


def test_inset_photos_in_panels_of_their_own_are_no_products(tin):
    image, product = tin
    insets = np.zeros_like(product)
    for top in (20, 210):
        image[top : top + 170, 285:390] = (225, 230, 246)
        image[top + 20 : top + 150, 305:370] = image[120:250, 120:185]
        insets[top + 20 : top + 150, 305:370] = True
    lab, found = to_lab(image), find_foreground(image)
    seen = (product | insets).astype(np.float32)
    marks = find_marks(lab, found, [])
    pieces = find_candidates(lab, product | insets, marks, found.background, seen)
    assert len(pieces) == 3
    (chosen,) = choose(pieces, marks, lab)
    assert (chosen.mask & product).sum() > 0.95 * product.sum()
    # However large what they show is.
    pieces[1].score = pieces[0].score + 0.1
    (chosen,) = choose([pieces[1], pieces[0], pieces[2]], marks, lab)
    assert (chosen.mask & product).sum() > 0.95 * product.sum()
    # Nor do networks that go by looks make products of them.
    assert np.array_equal(_insets(found, product | insets, pieces, [chosen]), insets)
    # The same goes for a magnified detail that the product clips.
    detail = cv2.circle(np.zeros((400, 400), np.uint8), (345, 200), 40, 1, cv2.FILLED) > 0
    detail[:, :320] = False
    assert np.array_equal(_insets(found, product | detail, [chosen, make_part(detail, "", 0.5)], [chosen]), detail)
    # What the product casts on the ground, and plates beside it, set it into nothing.
    chosen.set_in = 0.35
    assert np.array_equal(_insets(found, product | insets, pieces, [chosen]), insets)
    # Before the same background they are a set.
    plain = find_foreground(np.where((product | insets)[..., None], image, 255).astype(np.uint8))
    pieces = find_candidates(lab, product | insets, marks, plain.background, seen)
    assert len(choose(pieces, marks, lab)) == 3


def test_an_inset_photo_is_no_product_even_if_it_is_as_large():
    image = np.full((400, 400, 3), 255, np.uint8)
    image[40:360, 215:390] = (225, 230, 246)
    product, inset = np.zeros((2, 400, 400), bool)
    product[120:280, 20:180] = inset[125:275, 230:375] = True
    image[product | inset] = (150, 90, 60)
    image[130:270:9] = np.where((product | inset)[130:270:9, :, None], (210, 120, 40), image[130:270:9])
    lab, found = to_lab(image), find_foreground(image)
    marks, seen = find_marks(lab, found, []), (product | inset).astype(np.float32)
    best, other = find_candidates(lab, product | inset, marks, found.background, seen)
    assert (best.set_in, other.set_in) == (0, 1) and other.score > 0.8 * best.score
    (chosen,) = choose([best, other], marks, lab)
    assert np.array_equal(chosen.mask, product)


def test_a_lens_that_rules_left_is_no_product_though_the_network_sees_one_if_it_sees_the_product_too(tin):
    image, product = tin
    found = find_foreground(image)
    lens = cv2.circle(np.zeros((400, 400), np.uint8), (345, 80), 45, 1, cv2.FILLED) > 0
    part = lens & (np.arange(400) > 350)  # what of it the network saw
    pieces = [make_part(product, "product", 0.5), make_part(lens, "product", 0.1)]
    assert np.array_equal(_insets(found, product | part, pieces, pieces[:1]), part)
    assert not _insets(found, part, pieces, pieces[:1]).any()


def test_a_plate_before_a_podium_in_one_colour_is_the_product():
    image = np.full((400, 400, 3), 245, np.uint8)
    plate, podium = np.zeros((400, 400), np.uint8), np.zeros((400, 400), bool)
    cv2.circle(plate, (200, 150), 80, 1, cv2.FILLED)
    podium[320:360, 60:340] = True
    shade = np.linspace(0.6, 1.3, 400, dtype=np.float32)[None, :, None] * np.float32([60, 130, 80])
    image[plate > 0] = np.broadcast_to(shade, image.shape)[plate > 0].astype(np.uint8)
    image[podium] = (205, 190, 190)
    lab, found = to_lab(image), find_foreground(image)
    marks = find_marks(lab, found, [])
    seen = np.where(plate > 0, 0.95, np.where(podium, 0.7, 0)).astype(np.float32)
    pieces = find_candidates(lab, (plate > 0) | podium, marks, found.background, seen)
    (chosen,) = choose(pieces, marks, lab)
    assert np.array_equal(chosen.mask, plate > 0)


def test_halves_of_a_collage_are_no_panels():
    foreground = np.zeros((400, 400), bool)
    foreground[10:390, 205:390] = foreground[20:140, 20:120] = True
    foreground[60:80, 40:60] = False
    foreground[250:350, 20:120] = np.tri(100, 100) > 0
    (panel,) = _panels(foreground)
    assert panel[20:140, 20:120].all() and panel.sum() == 120 * 100


def room(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """The product that is read from a busy photo of boxes xyxy that the network sees, bool (300, 400)."""
    rng = np.random.default_rng(1)
    image = cv2.GaussianBlur(rng.integers(60, 200, (300, 400, 3)).astype(np.uint8), (0, 0), 2)
    saliency = np.zeros((300, 400), np.float32)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = np.linspace(30, 90, y1 - y0)[:, None, None].astype(np.uint8)
        image[y0:y1:7, x0:x1] = (180, 40, 40)
        saliency[y0:y1, x0:x1] = 1
    return read_scene(image, find_foreground(image), [], lambda _: saliency).product


def test_other_things_in_the_room_are_no_product_and_a_second_one_is():
    product = 140, 50, 240, 270
    cut_off, small, second = (300, 60, 400, 270), (300, 200, 345, 260), (280, 50, 380, 270)
    for other in (cut_off, small):
        seen = room(product, other)
        assert seen[60:260, 150:230].mean() > 0.95 and not seen[:, 290:].any()
    both = room(product, second)
    assert both[60:260, 150:230].mean() > 0.95 and both[60:260, 290:370].mean() > 0.95


def test_a_dial_in_its_ring_is_no_shadow():
    """The network misses a pale dial, and sees the ring but for a highlight."""
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(image, (200, 200), 120, (60, 60, 90), cv2.FILLED)
    cv2.circle(image, (200, 200), 90, (235, 225, 222), cv2.FILLED)
    body = (image != 255).any(axis=2)
    dial = (image == (235, 225, 222)).all(axis=2)
    saliency = (body & ~dial).astype(np.float32)
    saliency[150:250, 285:] = 0.12
    none = np.zeros_like(body)
    assert not (unsupported(to_lab(image), find_foreground(image), body, saliency, none) & dial).any()


def test_of_what_is_pale_in_a_product_openings_have_no_tint_and_a_dial_has_one():
    product, openings, dial = np.zeros((3, 300, 300), np.uint8)
    cv2.rectangle(product, (40, 20), (260, 280), 1, cv2.FILLED)
    for number in range(8):
        cv2.rectangle(
            openings,
            (55 + 50 * (number % 4), 40 + 50 * (number // 4)),
            (90 + 50 * (number % 4), 75 + 50 * (number // 4)),
            1,
            cv2.FILLED,
        )
    cv2.circle(dial, (150, 210), 50, 1, cv2.FILLED)
    image = np.full((300, 300, 3), 255, np.uint8)
    for where, colour in ((product, (90, 60, 40)), (openings, (225, 225, 225)), (dial, (215, 236, 240))):
        image[where > 0] = colour
    cv2.line(image, (150, 210), (180, 190), (40, 40, 40), 3)
    saliency = np.where((openings | dial) > 0, 0.02, 0.98).astype(np.float32)
    taken = gaps(to_lab(image), find_foreground(image), product > 0, saliency)
    assert taken[openings > 0].all() and not taken[dial > 0].any()


def test_writing_across_a_shaft_does_not_end_it():
    """A shaft as grey as a shadow, which the network sees; a watermark parts it from its handle."""
    image = np.full((400, 400, 3), 255, np.uint8)
    image[40:160, 180:220] = np.linspace((90, 10, 30), (230, 60, 80), 40).astype(np.uint8)
    image[160:360, 194:206] = np.linspace((120, 120, 120), (200, 200, 200), 12).astype(np.uint8)
    found = find_foreground(image)
    found.mask[160:] = False
    handle, marks = np.zeros((2, 400, 400), bool)
    handle[40:160, 180:220], marks[170:210, 60:340] = True, True
    saliency = np.zeros((400, 400), np.float32)
    saliency[40:360, 194:206] = 0.95
    shaft = pale_parts(found, handle, saliency, marks)
    assert shaft[215:355, 196:204].mean() > 0.95


def test_between_the_two_outlines_of_a_pale_tube_is_no_opening():
    """A tube nearly as white as the background, which the network half sees, with a grey outline on both sides."""
    outlines = np.zeros((400, 400), np.uint8)
    cv2.circle(outlines, (200, 200), 120, 1, 3)
    cv2.circle(outlines, (200, 200), 90, 1, 3)
    ring = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 105, 1, 24) > 0
    image = np.full((400, 400, 3), 255, np.uint8)
    image[ring] = (242, 242, 246)
    image[outlines > 0] = (120, 120, 125)
    found = find_foreground(image)
    middle = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 105, 1, 20) > 0
    for how_sure, filled in ((0.4, True), (0.1, False)):
        inside = pale_insides(found, outlines > 0, np.where(ring, how_sure, 0).astype(np.float32))
        assert inside[middle].all() == filled and inside[middle].any() == filled
        # What is seen through the ring is the background's very own colour.
        assert not inside[150:250, 150:250].any()

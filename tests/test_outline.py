"""The outline network as shipped: it settles what rules and the first network contradict each other about."""

import cv2
import numpy as np

from packshot.background import to_lab
from packshot.foreground import find_foreground
from packshot.fusion import rest_of_close_up
from packshot.lost_parts import bold_rest, dials_with_hands, lost_dials, pale_tubes
from packshot.marks import find_marks
from packshot.outline import LAYERS, as_fed, shared_outline
from packshot.saliency import shared_saliency
from packshot.scene import Scene, _additions, _least_likely, _rest_of_range, read_scene


def headband() -> tuple[np.ndarray, np.ndarray]:
    """Headphones on white, the shadow on the ground joining their cups, and their mask, bool (420, 420)."""
    mask = np.zeros((420, 420), np.uint8)
    cv2.ellipse(mask, (210, 190), (120, 130), 0, 180, 360, 1, 14)
    for x in (90, 330):
        cv2.line(mask, (x, 190), (x, 250), 1, 14)
        cv2.ellipse(mask, (x, 280), (30, 50), 0, 0, 360, 1, cv2.FILLED)
    shadow = np.zeros((420, 420), np.float32)
    cv2.ellipse(shadow, (210, 322), (150, 24), 0, 0, 360, 1, cv2.FILLED)
    image = np.full((420, 420, 3), 255, np.float32) * (1 - 0.85 * cv2.GaussianBlur(shadow, (0, 0), 10))[..., None]
    shade = np.linspace(0.6, 1.3, 420, dtype=np.float32)[None, :, None]
    image = np.where(mask[..., None] > 0, np.float32([120, 60, 70]) * shade, image)
    return np.clip(image, 0, 255).astype(np.uint8), mask > 0


def read(image: np.ndarray) -> Scene:
    return read_scene(image, find_foreground(image), [], shared_saliency(), shared_outline())


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_maps_have_the_pictures_size_and_repeat():
    seen = np.random.default_rng(0).integers(0, 256, (75, 130, LAYERS), np.uint8)
    found = shared_outline()(seen)
    assert found.shape == (75, 130) and 0 <= found.min() and found.max() <= 1
    assert np.array_equal(found, shared_outline()(seen))


def test_each_square_of_pixels_is_fed_as_channels():
    seen = np.arange(6 * 4 * LAYERS, dtype=np.int64).reshape(6, 4, LAYERS) % 251
    fed = as_fed(seen.astype(np.uint8))
    assert fed.shape == (4 * LAYERS, 16, 16)
    for channel, (row, column, layer) in enumerate(np.ndindex(2, 2, LAYERS)):
        assert np.allclose(255 * fed[channel, 1, 1], seen[2 + row, 2 + column, layer], atol=1e-3)
    assert (fed[:, 3:] == fed[:, 3:4]).all()  # lengthened by its own border


def test_an_opening_closed_by_a_shadow_is_open():
    image, mask = headband()
    scene = read(image)
    assert iou(scene.product, mask) > 0.9
    assert not scene.product[200:240, 150:270].any()
    # What rules had chosen was another thing, and the confidence hears of it.
    assert scene.agreement is not None and scene.agreement.rules < 0.9


def test_pieces_are_those_of_the_settled_product():
    image, _ = headband()
    scene = read(image)
    union = np.any([part.mask for part in scene.products], axis=0)
    assert np.array_equal(union, scene.product)
    assert not (scene.product & scene.overlay).any()


def shaded(image: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> None:
    """Draw a thing with light on its left into `image` uint8 (h, w, 3)."""
    image[y0:y1, x0:x1] = np.linspace((50, 30, 90), (120, 90, 180), x1 - x0).astype(np.uint8)


def not_white(picture: np.ndarray) -> np.ndarray:
    """float32 (h, w), 0 or 1."""
    return (picture < 250).any(axis=2).astype(np.float32)


def pale_only(picture: np.ndarray) -> np.ndarray:
    """float32 (h, w): of what is not white, what is not dark either: as the network is blind to overlays."""
    return not_white(picture) * (picture > 60).any(axis=2)


def settled_by(image: np.ndarray, quads: list[np.ndarray], likely: np.ndarray) -> Scene:
    """The scene where the first network sees all that is not white, and the second settles `likely`, float32 (h, w)."""
    return read_scene(image, find_foreground(image), quads, not_white, lambda _: likely)


def test_a_range_keeps_what_rules_chose_and_a_pair_does_not():
    for things in (6, 2):
        image = np.full((300, 420, 3), 255, np.uint8)
        for number in range(things):
            x, y = 30 + 130 * (number % 3), 40 + 130 * (number // 3)
            shaded(image, x, y, x + 80, y + 90)
        likely = not_white(image)
        likely[40:130, 160:240] = 0  # the second one
        scene = settled_by(image, [], likely)
        assert scene.product[60:110, 50:90].all()
        assert scene.product[60:110, 180:220].all() == (things == 6)


def test_what_is_much_larger_than_a_ranges_things_is_none_of_them():
    product = np.zeros((120, 400), bool)
    for x in range(4, 120, 24):
        product[20:40, x : x + 16] = True
    lost, ground = np.zeros_like(product), np.zeros_like(product)
    lost[20:40, 130:146] = True
    ground[10:110, 200:390] = True
    assert np.array_equal(_rest_of_range(product, product | lost | ground), lost)


def test_a_ranges_largest_things_may_be_lost_too():
    product, lost = np.zeros((160, 160), bool), np.zeros((160, 160), bool)
    for x in range(4, 120, 24):
        product[10:20, x : x + 12] = True  # small things, and one of two large ones
    product[60:100, 10:60] = True
    lost[60:105, 80:130] = True
    assert np.array_equal(_rest_of_range(product, product | lost), lost)


def test_a_ranges_thing_of_which_a_part_is_lost_is_whole_again_and_openings_stay_open():
    chosen = np.zeros((100, 260), bool)
    for x in range(10, 250, 50):
        chosen[20:80, x : x + 36] = True
    product = chosen.copy()
    product[30:70, 10:40] = False  # half of the first
    product[40:60, 70:90] = False  # a handle's opening
    added = _rest_of_range(product, chosen)
    assert added[20:80, 10:46].all() and not added[:, 50:].any()


def test_what_neither_rules_nor_the_first_network_take_for_product_must_be_more_than_likely():
    image = np.full((400, 400, 3), 255, np.uint8)
    shaded(image, 60, 60, 180, 340)
    thing = not_white(image)
    shaded(image, 180, 300, 240, 340)  # a shadow, say
    found, chosen = find_foreground(image), thing > 0
    lab = to_lab(image)
    marks, nowhere = find_marks(lab, found, []), np.zeros_like(chosen)
    least = _least_likely(lab, found, marks, chosen, nowhere, thing)
    usual = np.where(found.background.distance > 40, np.float32(0.2), np.float32(0.5))
    assert (least[chosen] == usual[chosen]).all() and (least[~chosen] > 0.5).all()
    # What is only faint rules may have chosen in vain.
    found.background.distance[100:120] = 12
    least = _least_likely(lab, found, marks, chosen, nowhere, np.where(np.arange(400)[:, None] < 200, 0, thing))
    assert (least[100:120] > 0.5).all() and (least[chosen][-200:] == usual[chosen][-200:]).all()
    # A pale shape drawn on the background may look like a thing to the first network too.
    found.background.distance[180:300, 240:340] = 12
    drawn = ~chosen & (found.background.distance == 12)
    least = _least_likely(lab, found, marks, chosen, drawn, np.ones_like(thing))
    assert (least[drawn] > 0.5).all() and (least[~drawn] <= 0.5).all()
    # Of what is of strong colours, the first network half sees, and rules had chosen, the second need not be as sure.
    found.background.distance[chosen] = 60
    least = _least_likely(lab, found, marks, chosen, nowhere, np.full_like(thing, 0.5))
    assert (least[chosen] == np.float32(0.2)).all() and (least[~chosen] == 0.5).all()
    # Where nobody knows the background, plates are none, but for their soft rims; labels lie in light and shade.
    found.background.explained = 0.3
    plate, label = np.zeros((2, 400, 400), bool)
    plate[200:240, 190:380], label[200:280, 70:170] = True, True
    image[plate] = (40, 120, 220)
    for mask in (plate, label):
        marks.add_plate(mask)
    least = _least_likely(to_lab(image), found, marks, chosen, nowhere, thing)
    assert (least[205:235, 195:375] == 1).all() and least[200, 300] < 1
    assert ((least[label] > 0.5) & (least[label] < 1)).all() and (least[chosen & ~label] == 0.5).all()


def test_a_plate_known_by_its_writing_is_product_only_where_that_is_nearly_sure():
    image = np.full((400, 400, 3), 255, np.uint8)
    shaded(image, 60, 60, 180, 340)
    thing = not_white(image)
    cv2.rectangle(image, (230, 150), (370, 220), (40, 120, 220), cv2.FILLED)
    cv2.putText(image, "200 g", (250, 197), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 3)
    quad = np.float32([[246, 168], [354, 168], [354, 204], [246, 204]])
    for how_sure, taken in ((0.8, False), (0.97, True)):
        scene = settled_by(image, [quad], np.maximum(thing, how_sure * not_white(image)))
        assert scene.product[100:300, 80:160].all()
        assert scene.product[155:165, 240:360].all() == taken
        assert scene.product[155:165, 240:360].any() == taken


def test_a_hole_in_what_rules_chose_is_a_dial_unless_the_background_is_seen_in_it():
    for face, kept in (((20, 40, 90), True), ((255, 255, 255), False)):
        image = np.full((400, 400, 3), 255, np.uint8)
        shaded(image, 100, 100, 300, 300)
        cv2.circle(image, (200, 200), 60, face, cv2.FILLED)
        likely = not_white(image)
        cv2.circle(likely, (200, 200), 60, 0.0, cv2.FILLED)
        scene = settled_by(image, [], likely)
        assert scene.product[120:280, 110:130].all()
        assert scene.product[180:220, 180:220].all() == kept
        assert scene.product[180:220, 180:220].any() == kept


def test_a_dial_in_a_ring_that_is_all_but_closed_is_no_opening_and_a_gap_between_legs_is_one():
    whole, ring = np.zeros((200, 200), np.uint8), np.zeros((200, 200), np.uint8)
    cv2.circle(whole, (100, 100), 70, 1, cv2.FILLED)
    cv2.circle(ring, (100, 100), 60, 1, 20)
    ring[105:125, 120:] = 0
    chosen, product = whole > 0, (ring & whole) > 0
    none = np.zeros((200, 200), bool)
    image = np.full((200, 200, 3), 255, np.uint8)
    image[product], image[chosen & ~product] = (60, 60, 160), (230, 235, 240)
    lab, found = to_lab(image), find_foreground(image)
    assert (product | lost_dials(lab, found, product, chosen, none))[60:140, 60:140].all()
    assert not lost_dials(lab, found, product, product, none).any()
    # Nor is it one if a highlight takes a fifth of the ring.
    product[70:105, 120:] = False
    assert (product | lost_dials(lab, found, product, chosen, none))[60:140, 60:130].all()
    stool, shaded = np.zeros((200, 200), bool), np.zeros((200, 200), bool)
    stool[40:60, 40:160] = stool[60:160, 40:55] = stool[60:160, 145:160] = True
    shaded[40:160, 40:160] = True
    plain = np.full((200, 200, 3), 255, np.uint8)
    plain[stool] = 60, 60, 160
    assert not lost_dials(to_lab(plain), find_foreground(plain), stool, shaded, none).any()
    # What is shut in on three sides in a colour of its own is no gap: a screen in its frame.
    plain[60:160, 55:145] = np.linspace((210, 160, 170), (230, 190, 200), 90).astype(np.uint8)
    screen = shaded & ~stool
    assert np.array_equal(lost_dials(to_lab(plain), find_foreground(plain), stool, shaded, none), screen)


def test_a_face_with_hands_in_its_case_is_a_dial_whatever_is_known_of_the_background():
    product, marks = np.zeros((2, 400, 400), bool)
    ring = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 80, 1, 14) > 0
    product |= ring
    product[20:130, 170:230] = product[270:380, 170:230] = True
    face = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 72, 1, cv2.FILLED) > 0
    for colour, hands, badge, kept in (
        ((235, 225, 195), True, False, True),
        ((235, 225, 195), True, True, True),  # hides a part of the case
        ((235, 225, 195), False, False, False),  # a hoop before a cushion
        ((250, 250, 252), True, False, False),  # what is behind it
    ):
        image = np.full((400, 400, 3), 255, np.uint8)
        image[product] = 120, 120, 128
        image[face & ~product] = colour
        if hands:
            cv2.line(image, (200, 200), (235, 160), (40, 40, 40), 6)
            cv2.line(image, (200, 200), (170, 190), (40, 40, 40), 6)
        marks[:] = False
        if badge:
            marks |= cv2.circle(np.zeros((400, 400), np.uint8), (280, 270), 50, 1, cv2.FILLED) > 0
            image[marks] = 30, 160, 120
        shown = product & ~marks
        dial = dials_with_hands(to_lab(image), shown, shown, marks)
        opening = face & ~product & ~marks
        assert dial[opening].mean() > 0.95 if kept else not dial.any()


def test_what_the_networks_half_see_of_a_close_up_is_product():
    product, marks = np.zeros((2, 200, 200), bool)
    product[:, 40:150] = True
    marks[150:170, 150:200] = True
    seen = np.zeros((200, 200), np.float32)
    seen[100:, 150:] = 0.4
    rest = (seen > 0) & ~marks
    assert np.array_equal(rest_of_close_up(product, seen, marks), rest)
    # A thing that stands free, or is small, shows its outline.
    standing, narrow = product.copy(), product.copy()
    standing[190:] = False
    narrow[:, 90:] = False
    for one in (standing, narrow):
        assert not rest_of_close_up(one, seen, marks).any()


def test_an_opening_in_which_the_background_lies_in_shade_is_no_dial():
    """A grey dial is as dark, but even; a coloured one is no background."""
    product, chosen, none = np.zeros((3, 300, 300), bool)
    chosen[60:240, 60:240] = product[60:240, 60:240] = True
    product[100:140, 80:220] = False
    hole = chosen & ~product
    fading = np.linspace(-18, 18, 140, dtype=np.float32)[None, :, None]
    white, blue = (255, 255, 255), (40, 75, 190)
    for background, colour, shading, kept in (
        (white, (200, 200, 200), 1, False),
        (white, (200, 200, 200), 0, True),
        (white, (220, 190, 150), 1, True),
        # Shade on a strong colour is of another a and b, and greyer.
        (blue, (40, 68, 162), 0.4, False),
        (blue, (70, 60, 160), 0.4, True),
    ):
        image = np.full((300, 300, 3), background, np.uint8)
        image[product] = 110, 80, 50
        image[100:140, 80:220] = np.float32(colour) + shading * fading
        dials = lost_dials(to_lab(image), find_foreground(image), product, chosen, none)
        assert np.array_equal(dials, hole if kept else np.zeros_like(hole))


def test_the_wall_is_seen_through_a_back_though_only_the_floor_is_known():
    image = np.full((300, 300, 3), 205, np.uint8)
    image[:170] = 236, 230, 220
    chair, chosen, none = np.zeros((3, 300, 300), bool)
    chosen[60:260, 100:200] = True
    chair[60:260, 100:200] = True
    chair[80:150, 120:180] = False
    image[chair] = 90, 60, 40
    lab, found = to_lab(image), find_foreground(image)
    found.background.mask[:170] = found.background.alike[:170] = False
    assert not lost_dials(lab, found, chair, chosen, none).any()
    # A dial is of a colour that is nowhere beside it.
    image[80:150, 120:180] = 200, 180, 230
    assert lost_dials(to_lab(image), found, chair, chosen, none)[80:150, 120:180].all()


def test_a_large_shaded_part_that_the_networks_lost_is_product_and_a_flat_one_is_not():
    image = np.full((400, 400, 3), 255, np.uint8)
    shaded(image, 40, 40, 120, 360)
    product = not_white(image) > 0
    shaded(image, 120, 100, 200, 300)
    chosen = not_white(image) > 0
    for flat, kept in ((False, True), (True, False)):
        if flat:
            image[chosen & ~product] = (40, 120, 220)
        found, lab = find_foreground(image), to_lab(image)
        marks = find_marks(lab, found, [])
        rest = bold_rest(lab, found, marks, product, chosen)
        assert np.array_equal(rest, chosen & ~product if kept else np.zeros_like(chosen))
    # Small ones may be what hangs on the product: rules know less of these.
    assert not bold_rest(lab, found, marks, chosen & ~(np.arange(400) > 185), chosen).any()


def test_a_thing_at_a_ranges_end_that_touches_its_neighbour_may_be_lost_too():
    image = np.full((300, 640, 3), 255, np.uint8)
    for x in (20, 160, 300, 440):
        shaded(image, x, 60, x + 90, 200)
    product = not_white(image) > 0
    shaded(image, 525, 90, 590, 200)  # touches the last one
    chosen = not_white(image) > 0
    found, lab = find_foreground(image), to_lab(image)
    rest = bold_rest(lab, found, find_marks(lab, found, []), product, chosen)
    assert rest[95:195, 535:585].all() and not rest[:, :520].any()


def test_what_lies_between_the_outlines_of_a_pale_tube_is_product_and_between_slats_is_none():
    outlines, tube = np.zeros((2, 400, 400), np.uint8)
    for radius in (100, 120):
        cv2.ellipse(outlines, (200, 200), (radius, radius), 0, 180, 360, 1, 3)
    cv2.ellipse(tube, (200, 200), (110, 110), 0, 180, 360, 1, 17)
    cups = np.zeros((400, 400), bool)
    cups[200:290, 70:110] = cups[200:290, 290:330] = True
    image = np.full((400, 400, 3), 255, np.uint8)
    image[tube > 0] = (242, 242, 246)
    image[(outlines > 0) | cups] = (120, 120, 125)
    found, nothing = find_foreground(image), np.zeros((400, 400), bool)
    product = cups | (outlines > 0)
    outer = cv2.ellipse(np.zeros((400, 400), np.uint8), (200, 200), (120, 120), 0, 270, 350, 1, 3) > 0
    for lines in (product, product & ~outer):  # what the networks lost of the outlines, rules have
        filled = pale_tubes(found, lines, product, nothing)
        assert filled[(tube > 0) & ~product].mean() > 0.95
        assert not filled[200:, 120:280].any() and (filled | lines)[outlines > 0].mean() > 0.97
    assert not pale_tubes(found, product, product, tube > 0)[tube > 0].any()  # an overlay
    # Between thick slats, and where the background's own colour is, nothing is filled.
    slats = np.zeros((400, 400), bool)
    for y in range(60, 340, 40):
        slats[y : y + 25, 60:340] = True
    slats[60:325, 60:70] = slats[60:325, 330:340] = True
    for between in ((242, 242, 246), (255, 255, 255)):
        image = np.where(slats[..., None], np.uint8([120, 120, 125]), np.uint8(255))
        image[60:325, 70:330][~slats[60:325, 70:330]] = between
        assert not pale_tubes(find_foreground(image), slats, slats, nothing).any()


def test_small_things_that_rules_had_not_chosen_are_no_product():
    product, chosen = np.zeros((200, 300), bool), np.zeros((200, 300), bool)
    product[20:120, 20:120] = chosen[20:120, 20:120] = True
    product[140:170, 220:260] = True  # a barcode, say
    assert np.array_equal(_additions(product, chosen, None), product & ~chosen)
    for how_sure, gone in ((0.8, True), (0.97, False)):
        likely = np.full(product.shape, how_sure, np.float32)
        assert _additions(product, chosen, likely).any() == gone
    # However sure, a lens is none.
    round_one = cv2.circle(chosen.astype(np.uint8), (220, 60), 22, 1, cv2.FILLED) > 0
    assert np.array_equal(_additions(round_one, chosen, likely), round_one & ~chosen)
    # As large as a pair's other half:
    product[60:190, 160:290] = True
    assert not _additions(product, chosen, None).any()
    # Rules saw another product, or a range of which they lost a thing.
    product[:], chosen[:] = False, False
    for number in range(5):
        product[20:60, 20 + 50 * number : 55 + 50 * number] = True
        chosen[20:60, 20 + 50 * number : 55 + 50 * number] = number < 4
    assert not _additions(product, chosen, None).any()
    product[20:60, 220:255] = False
    product[20:30, 222:230] = True
    assert np.array_equal(_additions(product, chosen, None), product & ~chosen)
    chosen[100:190] = True
    assert not _additions(product, chosen, None).any()


def test_a_mirror_image_that_the_network_takes_for_product_is_none():
    image = np.full((400, 400, 3), 255, np.uint8)
    shaded(image, 120, 60, 280, 220)
    cv2.rectangle(image, (150, 90), (250, 120), (230, 200, 40), cv2.FILLED)
    cv2.circle(image, (200, 180), 25, (20, 160, 60), cv2.FILLED)
    thing = image[60:220].astype(np.float32)
    image[220:380] = np.round(255 - 0.14 * (255 - thing[::-1]))
    scene = settled_by(image, [], (image < 253).any(axis=2).astype(np.float32))
    assert scene.product[70:210, 130:270].all()
    assert not scene.product[230:].any()


def test_a_dial_with_numerals_is_no_plate():
    image = np.full((400, 400, 3), 255, np.uint8)
    shaded(image, 150, 20, 250, 380)
    shade = np.linspace(60, 240, 400, dtype=np.float32)[None, :, None].repeat(400, 0).repeat(3, 2)
    discs = [cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), radius, 1, cv2.FILLED) > 0 for radius in (88, 80)]
    image[discs[0]] = ((0.9, 0.7, 0.4) * shade[discs[0]]).astype(np.uint8)
    # A highlight on the case is as white as the background.
    cv2.ellipse(image, (200, 200), (90, 90), 0, -28, 28, (255, 255, 255), cv2.FILLED)
    image[discs[1]] = (20, 22, 30)
    for word, (x, y) in {"12": (180, 155), "6": (190, 265), "QUARTZ": (155, 225)}.items():
        cv2.putText(image, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (230, 220, 200), 2)
    quads = [
        np.float32([[x, y], [x + w, y], [x + w, y + 24], [x, y + 24]])
        for x, y, w in ((176, 136, 36), (186, 246, 24), (152, 206, 96))
    ]
    scene = settled_by(image, quads, 0.7 * not_white(image))
    assert scene.product[discs[1]].mean() > 0.95
    unseen = read_scene(image, find_foreground(image), quads, pale_only, lambda _: 0.7 * not_white(image))
    assert unseen.product[discs[1]].mean() < 0.5


def test_what_a_lens_shows_is_no_product_though_both_networks_see_it():
    image = np.full((500, 500, 3), 255, np.uint8)
    shaded(image, 40, 60, 240, 440)
    disc = cv2.circle(np.zeros((500, 500), np.uint8), (360, 250), 80, 1, cv2.FILLED) > 0
    image[disc] = np.linspace((60, 30, 20), (250, 180, 120), 500).astype(np.uint8)[None].repeat(500, 0)[disc]
    cv2.circle(image, (360, 250), 80, (20, 90, 200), 5, cv2.LINE_AA)
    scene = settled_by(image, [], not_white(image))
    assert scene.product[80:420, 60:220].all()
    assert not scene.product[disc].any()

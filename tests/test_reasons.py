"""Facts measured on pictures of known make, and what the reasons say of them."""

import cv2
import numpy as np
import pytest

from packshot.artifacts import Classification, Reason, TextBox, Texts
from packshot.classifier.facts import Facts, blur_of, measure_facts
from packshot.classifier.reasons import explain_verdict
from packshot.classifier.words import foreign_share, read_wording
from packshot.config import load_profile
from packshot.engines import make_engine
from packshot.synth.lettering import FONTS, draw_text
from packshot.synth.raster import Layer

WIDTH, HEIGHT = 800, 1000
PRODUCT = (400, 300, 700, 800)


class Photo:
    """A shaded product on an even background, with writing of known size and place."""

    def __init__(self, background=(250, 250, 250), product=PRODUCT):
        self.image = np.full((HEIGHT, WIDTH, 3), background, np.uint8)
        x0, y0, x1, y1 = product
        self.image[y0:y1, x0:x1] = np.linspace((150, 60, 40), (90, 30, 60), y1 - y0)[:, None]
        self.boxes: list[TextBox] = []

    def write(self, xy, text, tall=40, readable=True, plate=None, ink=(20, 20, 20)):
        layer = Layer((HEIGHT, WIDTH))
        x0, y0, x1, y1 = draw_text(layer, xy, text, FONTS["train"]["body"][0], tall, np.array(ink) / 255)
        if plate:
            cv2.rectangle(self.image, (int(x0) - 20, int(y0) - 14), (int(x1) + 20, int(y1) + 14), plate, cv2.FILLED)
        alpha = layer.alpha[..., None]
        self.image = np.uint8(np.rint(255 * layer.rgb * alpha + self.image * (1 - alpha)))
        quad = np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        self.boxes.append(TextBox(quad, text, 0.95, readable))
        return self

    def facts(self, language="ru") -> Facts:
        segmentation = make_engine("segment", "grabcut", {}).run([self.image])[0]
        return measure_facts(self.image, Texts(self.boxes), segmentation, language)


def clauses(reasons: list[Reason]) -> list[str]:
    return [reason.clause for reason in reasons]


def test_product_and_background_are_measured():
    facts = Photo().facts()
    assert (facts.width, facts.height, facts.text_lines) == (WIDTH, HEIGHT, 0)
    assert facts.product_share == pytest.approx(300 * 500 / (WIDTH * HEIGHT), abs=0.02)
    assert facts.product_cut == []
    assert facts.background == "even" and facts.background_colours == ["white"]
    assert facts.smallest_text_px is None and facts.foreign_least is None
    cut = Photo(product=(300, 500, 700, HEIGHT)).facts()
    assert cut.product_cut == ["bottom"]
    assert Photo(background=(230, 20, 120)).facts().background_chroma > 40


def test_writing_is_measured_framed_and_told_from_the_packs_own():
    photo = Photo().write((30, 60), "Высота 40 см", 44).write((40, 300), "Натуральная кожа", 32, plate=(210, 220, 250))
    facts = photo.write((440, 500), "LUMERA", 50, ink=(255, 255, 255)).facts()
    assert (facts.text_lines, facts.pack_lines, facts.framed_lines, facts.unread_lines) == (2, 1, 1, 0)
    assert 20 < facts.smallest_text_px < 34
    assert facts.smallest_text_share == pytest.approx(facts.smallest_text_px / HEIGHT)
    true = sum(float(np.prod(box.quad[2] - box.quad[0])) for box in photo.boxes[:2]) / (WIDTH * HEIGHT)
    assert facts.text_share == pytest.approx(true, rel=0.25)
    assert facts.infographics_share > facts.text_share
    assert facts.foreign_least == facts.foreign_most == 0


def test_what_cannot_be_read_is_unknown_and_said_to_be():
    facts = Photo().write((30, 60), "CKMAKA", readable=False).write((30, 160), "Soft design").facts()
    assert facts.unread_lines == 1 and facts.price_words == [] and facts.foreign_words == ["Soft", "design"]
    assert 0 < facts.foreign_least < 1 and facts.foreign_most == pytest.approx(1)
    reasons = explain_verdict(facts, "good_infographics", 0.6)
    assert "unread_text" in clauses(reasons)
    unread = next(reason for reason in reasons if reason.clause == "unread_text")
    assert unread.text.startswith("1 of 2 lines of text could not be read") and unread.points_to is None
    alone = Photo().write((30, 60), "XNT", readable=False).facts()
    assert not {"only_claims", "article_numbers", "unnamed_dimensions"} & set(clauses(explain_verdict(alone, "x", 1)))


@pytest.mark.parametrize(
    ("lines", "clause", "says"),
    [
        (["СКИДКА 35%"], "price_or_delivery", "“СКИДКА 35%”"),
        (["-30%", "Подарок!"], "price_or_delivery", "“-30%”, “Подарок”"),
        (["ХИТ", "Новинка"], "only_claims", "“ХИТ”, “Новинка”"),
        (["Фото скоро появится"], "placeholder", "“Фото скоро появится”"),
        (["Таблица размеров", "Рост 164"], "papers", "“Таблица размеров”"),
        (["Арт. 12345"], "article_numbers", "“Арт. 12345”"),
        (["12×40"], "unnamed_dimensions", "1 number without a word"),
        (["Waterproof design", "Easy to clean"], "foreign_text", "100 % of the text is not in Russian"),
        (["Натуральная кожа"], "bare_text", "the text has no plate"),
    ],
)
def test_clauses_and_what_they_say(lines, clause, says):
    photo = Photo()
    for row, text in enumerate(lines):
        photo.write((30, 60 + 90 * row), text)
    reasons = explain_verdict(photo.facts(), "good_infographics", 0.54)
    found = {reason.clause: reason.text for reason in reasons}
    assert says in found[clause]
    assert reasons[-1].clause == "contradiction" and "good infographics (54 %)" in reasons[-1].text
    assert not any("; " in reason.text for reason in reasons)


def test_a_brands_plate_frames_no_characteristic():
    photo = Photo().write((30, 30), "ДОМОВОЙ", plate=(90, 160, 40))
    for row in range(5):
        photo.write((30, 140 + 90 * row), "Натуральная кожа")
    said = {reason.clause: reason.text for reason in explain_verdict(photo.facts(), "bad_infographics", 0.9)}
    assert said["bare_text"].startswith("5 of the 6 lines of text have no plate")


def test_the_words_of_papers_are_not_called_bare():
    photo = Photo().write((30, 60), "Таблица размеров").write((30, 150), "Рост 164")
    assert "bare_text" not in clauses(explain_verdict(photo.facts(), "other_infographics", 0.9))


def test_tiny_faint_and_too_much_text():
    tiny = Photo().write((30, 60), "Изделие выполнено из прочного материала", 11).facts()
    said = {r.clause: r.text for r in explain_verdict(tiny, "bad_infographics", 0.9)}
    assert f"{tiny.smallest_text_px:.0f} px high" in said["tiny_text"] and tiny.smallest_text_px < 13
    assert "contradiction" not in said
    faint = Photo().write((30, 60), "Натуральная кожа", ink=(205, 205, 205)).facts()
    assert faint.faintest_contrast < 2 and "faint_text" in clauses(explain_verdict(faint, "bad_infographics", 0.9))
    wall = Photo(product=(560, 760, 760, 960))
    for row in range(18):
        wall.write((20, 15 + 52 * row), "Конструкция продумана так, чтобы сборка", 40)
    facts = wall.facts()
    assert facts.text_share > 0.5
    said = {r.clause: r.text for r in explain_verdict(facts, "bad_infographics", 0.9)}
    assert said["covers_half"] == (
        f"text covers {100 * facts.infographics_share:.0f} % of the photo (at most 50 % is allowed)"
    )


def test_sound_infographics_and_clean_photos_are_summed_up():
    photo = Photo().write((40, 300), "Натуральная кожа", 32, plate=(210, 220, 250))
    reasons = explain_verdict(photo.facts(), "good_infographics", 0.8)
    assert clauses(reasons) == ["nothing_against"] and reasons[0].points_to == "good_infographics"
    assert "1 line of text, framed" in reasons[0].text
    reasons = explain_verdict(Photo().facts(), "clean_photo_good_background", 0.8)
    assert clauses(reasons) == ["calm_background"] and reasons[0].text.endswith("even: white")
    reasons = explain_verdict(Photo(background=(230, 20, 120)).facts(), "clean_photo_good_background", 0.8)
    assert clauses(reasons) == ["loud_background", "contradiction"]


def test_a_qr_code_is_found():
    photo = Photo()
    code = cv2.QRCodeEncoder.create().encode("https://shop.example/1")
    photo.image[40:270, 40:270] = cv2.resize(code, (230, 230), interpolation=cv2.INTER_NEAREST)[..., None]
    facts = photo.facts()
    assert facts.qr_codes == 1
    assert "1 QR code" in explain_verdict(facts, "other_infographics", 0.9)[0].text


def test_blur_grows_with_blurring():
    grey = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    blurs = [blur_of(grey), *(blur_of(cv2.GaussianBlur(grey, (0, 0), sigma)) for sigma in (1, 2, 4))]
    assert blurs == sorted(blurs) and blurs[0] < 0.2 and blurs[-1] > 0.5
    assert blur_of(np.full((50, 50), 7, np.uint8)) == 0


def test_the_market_decides_what_is_foreign():
    assert foreign_share("Натуральная кожа", "ru") == 0 and foreign_share("Натуральная кожа", "en") == 1
    assert foreign_share("Genuine leather", "ru") == 1 and foreign_share("高品质材料", "en") == 1
    assert foreign_share("30 см", "en") == 0
    english = load_profile("lite", {"language": "en"})
    assert [english.stages[stage].params["language"] for stage in ("ocr", "classify")] == ["en", "en"]
    assert load_profile("lite").stages["classify"].params["language"] == "ru"


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("100% хлопок", "price", []),
        ("Объём 200 мл", "codes", []),
        ("1 299 руб.", "price", ["1 299 руб"]),
        ("2 по цене 1", "price", ["2 по цене 1"]),
        ("free delivery", "price", ["free delivery"]),
        ("СКИДKA", "price", ["СКИДКА"]),  # two Latin letters
        ("Гарантия 2 года", "claims", ["Гарантия 2 года"]),
        ("18+", "claims", ["18+"]),
        ("№1", "claims", ["№1"]),
        ("RAL 7024", "codes", ["RAL 7024"]),
        ("4601234567890", "codes", ["4601234567890"]),
        ("Схема", "papers", ["Схема"]),
        ("Перед применением ознакомьтесь с инструкцией", "papers", []),
    ],
)
def test_word_lists(text, kind, found):
    assert getattr(read_wording([text], "ru"), kind) == found


def test_the_classifier_states_facts_and_reasons_whatever_the_grouping():
    photos = [Photo().write((30, 60), "СКИДКА 35%"), Photo()]
    images, texts = [p.image for p in photos], [Texts(p.boxes) for p in photos]
    segmentations = make_engine("segment", "grabcut", {}).run(images)
    engine = make_engine("classify", "three_input", {})
    together = engine.run(images, texts, segmentations)
    alone = [engine.run(images[i : i + 1], texts[i : i + 1], segmentations[i : i + 1])[0] for i in range(2)]
    assert together == alone
    assert together[0].facts["price_words"] == ["СКИДКА 35%"]
    assert together[0].figures["reasons"][0]["clause"] == "price_or_delivery"
    for result in together:
        assert Classification.decode(result.encode()) == result


def test_the_background_between_a_banner_and_a_panel_is_no_frame():
    photo = Photo(background=(255, 255, 255), product=(220, 150, 540, 700))
    photo.image[40:160, 40:760], photo.image[690:] = (255, 70, 80), (160, 155, 230)
    facts = photo.write((80, 760), "Высота 450 мм").facts()
    assert facts.infographics_share < 0.5

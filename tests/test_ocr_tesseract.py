"""Tesseract reads what RapidOCR finds and cannot read. Needs Debian's tesseract-ocr and tesseract-ocr-rus."""

import os

import cv2
import numpy as np
import pytest

from packshot.classifier.features import describe_engine
from packshot.config import check_engines, fingerprints, load_profile
from packshot.engines import make_engine
from packshot.engines.ocr_tesseract import TesseractParams, prepared_line
from packshot.errors import SettingError
from packshot.languages import to_cyrillic
from packshot.synth.lettering import FONTS, draw_text
from packshot.synth.raster import Layer


def installed() -> bool:
    try:
        return bool(TesseractParams().models)
    except SettingError:
        return False


needs_models = pytest.mark.skipif(
    not installed() and not os.environ.get("PACKSHOT_TEST_TESSERACT"),
    reason="the models of tesseract-ocr and tesseract-ocr-rus are not installed",
)


def photo(*lines: str, size_wh=(800, 600), tall=44) -> np.ndarray:
    """Lines of writing on white, RGB uint8."""
    layer = Layer(size_wh[::-1])
    for row, text in enumerate(lines):
        draw_text(layer, (40, 40 + row * 2 * tall), text, FONTS["train"]["body"][0], tall, (0.1, 0.1, 0.1))
    alpha = layer.alpha[..., None]
    return np.uint8(np.rint(255 * (layer.rgb * alpha + 1 - alpha)))


@pytest.fixture(scope="module")
def engines():
    return make_engine("ocr", "rapid", {}), make_engine("ocr", "tesseract", {})


@needs_models
def test_cyrillic_is_read_where_rapidocr_only_finds_it(engines):
    rapid, tesseract = engines
    image = photo("Натуральная кожа", "Скидка 35%", "Waterproof design")
    found, read = rapid.run([image])[0], tesseract.run([image])[0]
    assert sum(not box.readable for box in found.boxes) >= 1
    texts = [box.text.lower() for box in read.boxes if box.readable]
    assert "натуральная кожа" in texts
    assert any("скидка" in text and "35" in text for text in texts)
    assert any("waterproof" in text for text in texts)


@needs_models
def test_boxes_and_confidences_stay_those_that_the_classifier_learnt_from(engines):
    image = photo("Объём 200 мл", "Гипоаллергенный состав", "30 см")
    found, read = (engine.run([image])[0] for engine in engines)
    assert len(found.boxes) == len(read.boxes) > 0
    for before, after in zip(found.boxes, read.boxes, strict=True):
        assert np.array_equal(before.quad, after.quad)
        assert before.confidence == after.confidence
        assert after.readable or not before.readable


@needs_models
def test_what_is_unclear_stays_unread(engines):
    image = photo("Натуральная кожа")
    blurred = cv2.GaussianBlur(image, (0, 0), 11)
    for image in (blurred, np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)):
        assert not any(box.readable and "кожа" not in box.text.lower() for box in engines[1].run([image])[0].boxes)


@needs_models
def test_results_do_not_depend_on_grouping_or_threads():
    images = [photo("Водонепроницаемый", "Размер 42"), photo("Стирка при 30°", "Легко моется")]
    one, three = (make_engine("ocr", "tesseract", {"threads": n}) for n in (1, 3))
    together = [texts.encode() for texts in three.run(images)]
    assert together == [one.run([image])[0].encode() for image in images]
    assert together == [texts.encode() for texts in three.run(images[::-1])][::-1]


@needs_models
def test_the_shipped_classifier_takes_it_and_the_artifacts_are_others(engines):
    profile = load_profile("lite", {"ocr.engine": "tesseract"})
    check_engines(profile, ("ocr", "segment", "classify"))
    assert fingerprints(profile)["ocr"] != fingerprints(load_profile("lite"))["ocr"]
    assert describe_engine(engines[1]) == describe_engine(engines[0])


def test_missing_models_name_the_debian_packages(tmp_path):
    with pytest.raises(SettingError, match="apt-get install tesseract-ocr tesseract-ocr-rus tesseract-ocr-eng"):
        fingerprints(load_profile("lite", {"ocr.engine": "tesseract", "ocr.tessdata": str(tmp_path)}))
    with pytest.raises(SettingError, match="eng.traineddata"):
        make_engine("ocr", "tesseract", {"tessdata": str(tmp_path), "language": "en"})


def test_a_line_is_turned_dark_on_light_and_upright():
    dark = 255 - photo("Тест", size_wh=(400, 200), tall=60)[..., 0]
    quad = np.float32([[30, 30], [250, 30], [250, 110], [30, 110]])
    line = prepared_line(dark, quad)
    assert line.dtype == np.uint8 and line.shape[0] == 48 + 20
    assert line[0, 0] > 200 and line.min() < 60
    tall = np.float32([[30, 110], [30, 30], [250, 30], [250, 110]])[[1, 2, 3, 0]]
    assert prepared_line(np.rot90(dark).copy(), tall).shape[0] == 48 + 20


@pytest.mark.parametrize(
    ("read", "meant"), [("cm", "см"), ("ha", "на"), ("Сaмовaр", "Самовар"), ("USB", "USB"), ("Sport", "Sport")]
)
def test_letters_that_look_the_same_become_cyrillic(read, meant):
    assert to_cyrillic(read) == meant

"""Writing on photos so small that readers find hardly any of it."""

import cv2
import numpy as np
import pytest

from packshot.engines import make_engine
from packshot.quads import fill_quad
from packshot.small_writing import LONGEST, ZOOM, lines_in, shared_small_writing
from packshot.synth import make_photo
from packshot.writing_training.photos import lines_of


@pytest.fixture(scope="module")
def reader():
    return make_engine("ocr", "rapid", {"threads": 1})


def small(image: np.ndarray, long_side: int) -> np.ndarray:
    scale = long_side / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def test_a_line_is_where_the_map_is_high_and_turned_as_it_is():
    likely = np.zeros((100, 200), np.float32)
    likely[20:28, 40:120] = 0.8
    cv2.line(likely, (30, 90), (150, 50), 0.9, 7)
    likely[5:8, 5:8] = 0.9  # a speck
    (straight, score), (slanted, _) = lines_in(likely)
    assert np.allclose(straight * ZOOM, [[40, 20], [120, 20], [120, 28], [40, 28]], atol=0.6)
    assert score == pytest.approx(0.8, abs=0.01)
    corners = slanted * ZOOM
    assert abs(np.ptp(corners[:, 0]) - 125) < 8 and abs(np.ptp(corners[:, 1]) - 48) < 8


def test_on_thumbnails_most_writing_is_found_and_little_else():
    found = written = right = 0
    for number in range(12):
        photo = make_photo(4_900_000 + number, "good_infographics", (480, 480), "test")
        truth = small(lines_of(photo.overlay_text_mask).astype(np.float32), 2 * 110) > 0.5
        clear = small(lines_of(photo.packaging_text_mask).astype(np.float32), 2 * 110) == 0
        seen = (shared_small_writing()(small(photo.image, 110)) > 0.5) & (clear | truth)
        found, written, right = found + (seen & truth).sum(), written + truth.sum(), right + seen.sum()
    assert found / written > 0.6 and found / right > 0.6


def test_a_photo_without_writing_has_no_lines():
    shown = [make_photo(4_910_000 + n, "clean_photo_good_background", (480, 480), "test") for n in range(12)]
    bare = [photo for photo in shown if not photo.packaging_text_mask.any()]
    assert len(bare) >= 4
    marked = [(shared_small_writing()(small(photo.image, 110)) > 0.5).mean() for photo in bare]
    assert np.mean(marked) < 0.004


def test_the_reader_tells_of_lines_that_it_cannot_read(reader):
    image = np.full((110, 110, 3), 250, np.uint8)
    cv2.ellipse(image, (70, 70), (25, 30), 0, 0, 360, (150, 60, 50), cv2.FILLED)
    large = np.full((440, 440, 3), 250, np.uint8)
    for row in range(4):
        cv2.putText(large, "Dlja doma i dachi", (20, 40 + 24 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (60, 60, 60), 1)
    image[:30] = small(large, 110)[:30]
    (texts,) = reader.run([image])
    covered = np.any([fill_quad(box.quad, (110, 110)) for box in texts.boxes], axis=0)
    assert covered[6:26, 8:36].mean() > 0.5 and not covered[40:].any()
    assert all(0 <= box.confidence <= 1 and (box.text or not box.readable) for box in texts.boxes)


def test_larger_photos_are_left_to_the_reader(reader, monkeypatch):
    monkeypatch.setattr(reader, "_small_writing", lambda image: pytest.fail("looked at"))
    reader.run([np.full((LONGEST + 1, 40, 3), 250, np.uint8)])

"""EasyOCR with its real English weights: the engine gives what a plain `readtext` gives, and reads safely."""

import copy
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from packshot.artifacts import encode_png
from packshot.engines.ocr_easyocr import EasyOcr, EasyOcrParams, _weights_folder, faster_detector
from packshot.errors import SettingError


@pytest.fixture(scope="module")
def engine() -> EasyOcr:
    return EasyOcr(EasyOcrParams(language="en", max_side=512, detect_side=320))


def page(words: list[str], size_wh: tuple[int, int]) -> np.ndarray:
    image = np.full((size_wh[1], size_wh[0], 3), (250, 245, 235), np.uint8)
    for i, word in enumerate(words):
        cv2.putText(image, word, (16, 50 + 60 * i), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (140, 20, 30), 3, cv2.LINE_AA)
    return image


def test_boxes_and_words_are_those_of_readtext(engine: EasyOcr) -> None:
    images = [page(["COTTON", "100 g"], (260, 150)), page(["STEEL"], (200, 100)), page([], (120, 120))]
    plain = engine.plain_reader()
    for image, texts in zip(images, engine.run(images), strict=True):
        expected = plain.readtext(encode_png(image), canvas_size=320, batch_size=engine.params.lines)
        expected = [item for item in expected if item[2] >= engine.params.min_confidence]
        assert len(texts.boxes) == len(expected)
        for box, (quad, text, confidence) in zip(texts.boxes, expected, strict=True):
            assert np.abs(box.quad - np.float32(quad)).max() <= 2
            assert box.text == text.strip() and abs(box.confidence - confidence) < 0.02
    assert [b.text for b in engine.run(images[1:2])[0].boxes] == ["STEEL"]


def test_photos_of_one_size_are_read_together_and_alone_alike(engine: EasyOcr) -> None:
    images = [page([word], (200, 100)) for word in ("STEEL", "WOOD", "GLASS")]
    together = engine.run(images)
    engine._batch.size = 3
    batched = engine.run(images)
    engine._batch.size = 1
    for a, b in zip(together, batched, strict=True):
        assert [x.text for x in a.boxes] == [x.text for x in b.boxes]
        assert np.allclose([x.quad for x in a.boxes], [x.quad for x in b.boxes], atol=1)


def test_as_it_stands_it_reads_what_readtext_reads() -> None:
    engine = EasyOcr(EasyOcrParams(language="en", min_confidence=0))
    image = page(["COTTON 40%", "soft and light"], (420, 160))
    threads = torch.get_num_threads()
    (texts,) = engine.run([image])
    assert torch.get_num_threads() == threads
    expected = engine.plain_reader().readtext(encode_png(image))
    assert [(b.text, b.quad.tolist()) for b in texts.boxes] == [
        (t.strip(), np.float32(q).tolist()) for q, t, _ in expected
    ]
    assert len(texts.boxes) == 2


def test_the_faster_detector_scores_as_easyocr_s_own(engine: EasyOcr) -> None:
    own = engine.plain_reader().detector
    pixels = torch.randn(2, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = own(pixels)[0]
        assert (faster_detector(copy.deepcopy(own), torch.float32)(pixels)[0] - expected).abs().max() < 1e-5
        rounded = faster_detector(copy.deepcopy(own), torch.bfloat16)(pixels)[0]
    assert rounded.dtype is torch.float32 and 0 < (rounded - expected).abs().max() < 0.05


def test_weights_that_hold_more_than_tensors_are_refused(tmp_path: Path) -> None:
    for path in _weights_folder(EasyOcrParams()).glob("english*.pth"):
        shutil.copy(path, tmp_path)

    class Hostile:
        def __reduce__(self) -> tuple:
            return print, ("code from a pickle must not run",)

    torch.save({"a": Hostile()}, tmp_path / "craft_mlt_25k.pth")
    with pytest.raises(SettingError, match="read safely"):
        EasyOcr(EasyOcrParams(weights=str(tmp_path)))

"""BLIP, CLIP and GroundingDINO at toy size: parity with the package's own arithmetic, and what odd input leads to."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_models import toy_blip, toy_clip, toy_grounding_dino, toy_photo

from packshot.artifacts import Box, Caption, Segmentation, Texts
from packshot.engines.caption_clip import ClipCaptioner, ClipCaptionParams
from packshot.engines.detect_grounding_dino import OVERLAY_PHRASES, GroundingDino, GroundingDinoParams, prompt_of
from packshot.errors import ErrorCode, PhotoError, SettingError
from packshot.product_boxes import choose_boxes
from packshot.product_phrases import GROUPS, noun_phrases, phrases_of

PHOTOS = [toy_photo(1), toy_photo(2, (60, 100)), toy_photo(3), toy_photo(4, (120, 120))]


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> ClipCaptioner:
    folder = tmp_path_factory.mktemp("caption")
    params = {"weights": str(toy_blip(folder / "blip")), "clip_weights": str(toy_clip(folder / "clip"))}
    return ClipCaptioner(ClipCaptionParams(**params))


@pytest.fixture(scope="module")
def dino_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_grounding_dino(tmp_path_factory.mktemp("detect") / "dino")


def nothing_read(images: list[np.ndarray]) -> tuple[list[Texts], list[Segmentation]]:
    logits = np.ones((3, 256, 256), np.float32)
    return [Texts([]) for _ in images], [Segmentation.from_logits(logits, np.ones(3), i.shape[:2]) for i in images]


def test_ranking_is_a_plain_matrix_product(captioner: ClipCaptioner) -> None:
    from transformers import CLIPModel, CLIPProcessor

    folder = captioner.params.clip_weights
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    for group, (template, _) in GROUPS.items():
        sentences = [template.format(phrase) for phrase in phrases_of(group)]
        inputs = processor(text=sentences, images=PHOTOS, padding=True, return_tensors="pt")
        with torch.inference_mode():
            out = model(**inputs)
        plain = out.image_embeds.numpy() @ out.text_embeds.numpy().T
        ours = captioner.rank(np.stack(captioner.image_features(PHOTOS)), group)
        assert np.abs(ours - plain).max() < 1e-5
        assert np.array_equal(ours.argmax(axis=1), out.logits_per_image.numpy().argmax(axis=1))


def test_captions_are_blip_s_and_do_not_hang_on_the_grouping(captioner: ClipCaptioner) -> None:
    from transformers import BlipForConditionalGeneration, BlipProcessor

    folder = captioner.params.weights
    model, processor = (
        BlipForConditionalGeneration.from_pretrained(folder).eval(),
        BlipProcessor.from_pretrained(folder),
    )
    together = captioner.run(PHOTOS, *nothing_read(PHOTOS))
    for photo, caption in zip(PHOTOS, together, strict=True):
        tokens = model.generate(**processor(images=[photo], return_tensors="pt"), max_new_tokens=24, do_sample=False)
        assert caption.text.startswith(processor.decode(tokens[0], skip_special_tokens=True).strip())
        (alone,) = captioner.run([photo], *nothing_read([photo]))
        assert alone == caption
        assert caption.phrases[0] in phrases_of("kind")


def test_an_empty_caption_leaves_the_words_of_clip(captioner: ClipCaptioner) -> None:
    with torch.no_grad():
        bias = captioner._blip.text_decoder.cls.predictions.bias
        kept = bias.clone()
        bias[captioner._blip.config.text_config.sep_token_id] = 1e4  # the sentence ends before it begins
        (caption,) = captioner.run(PHOTOS[:1], *nothing_read(PHOTOS[:1]))
        bias.copy_(kept)
    assert not caption.text.startswith(",") and caption.text.count(",") == 3
    assert len(caption.phrases) == 1 and caption.phrases[0] in phrases_of("kind")


def test_noun_phrases() -> None:
    assert noun_phrases("") == []
    assert noun_phrases("a bottle of shampoo with a blue pump on a white background") == [
        "bottle",
        "shampoo",
        "blue pump",
    ]
    assert noun_phrases("two black leather shoes, sitting on the floor and a box") == ["black leather shoes", "box"]
    assert noun_phrases("the the and with of") == []


def test_phrases_hold_no_artists_and_are_each_said_once() -> None:
    for group in GROUPS:
        phrases = phrases_of(group)
        assert len(set(phrases)) == len(phrases) > 10
        assert all(phrase and "trending" not in phrase and " by " not in phrase for phrase in phrases)


def test_post_processing_is_that_of_the_package(dino_folder: Path) -> None:
    engine = GroundingDino(GroundingDinoParams(weights=str(dino_folder)))
    phrases = engine.phrases(Caption("", ["red mug", "box"]))
    for photo in PHOTOS[:2]:
        inputs = engine._processor(images=photo, text=prompt_of(phrases), return_tensors="pt")
        with torch.inference_mode():
            out = engine._model(**inputs)
        expected = engine._processor.post_process_grounded_object_detection(
            out, inputs["input_ids"], threshold=0.25, text_threshold=0.15, target_sizes=[photo.shape[:2]]
        )[0]
        (found,) = engine.boxes([photo], [phrases])
        order = expected["scores"].argsort(descending=True)
        assert len(found) == len(order) > 2
        scores = np.array([box.score for box in found])
        assert np.abs(scores - expected["scores"][order].numpy()).max() < 1e-4
        labels = expected["text_labels"]
        for box in found:  # boxes of equal score may stand in another order
            gaps = np.abs(expected["boxes"].numpy() - box.xyxy).max(axis=1)
            assert gaps.min() < 1e-2
            name = labels[int(gaps.argmin())]
            assert not box.label or any(word in name for word in box.label.split())


def test_detections_do_not_hang_on_the_grouping(dino_folder: Path) -> None:
    engine = GroundingDino(GroundingDinoParams(weights=str(dino_folder)))
    phrases = [engine.phrases(Caption("", words)) for words in (["red mug"], [], ["bag"], ["a toy of the box"])]
    together = engine.boxes(PHOTOS, phrases)
    for photo, asked, found in zip(PHOTOS, phrases, together, strict=True):
        (alone,) = engine.boxes([photo], [asked])
        assert [box.label for box in alone] == [box.label for box in found]
        assert np.allclose([b.xyxy for b in alone], [b.xyxy for b in found], atol=1e-2)


def test_nothing_detected_is_no_product(dino_folder: Path) -> None:
    engine = GroundingDino(GroundingDinoParams(weights=str(dino_folder), box_threshold=1.0))
    results = engine.run(PHOTOS, *nothing_read(PHOTOS), [Caption("")] * 4)
    assert all(isinstance(r, PhotoError) and r.code is ErrorCode.NO_PRODUCT for r in results)
    some = GroundingDino(GroundingDinoParams(weights=str(dino_folder)))
    (found,) = some.run(PHOTOS[:1], *(column[:1] for column in nothing_read(PHOTOS)), [Caption("")])
    assert found.products and found.products[0].label not in OVERLAY_PHRASES


def test_what_is_asked_for(dino_folder: Path) -> None:
    engine = GroundingDino(GroundingDinoParams(weights=str(dino_folder), phrases=2))
    asked = engine.phrases(Caption("", ["Red Mug.", "product", "", "bag", "shoe"]))
    assert asked == ["red mug", "bag", "product", "packaging", *OVERLAY_PHRASES]


def box(xyxy: tuple[float, ...], score: float, label: str = "product") -> Box:
    return Box(np.float32(xyxy), score, label)


def test_the_product_is_chosen_rather_than_the_first_box() -> None:
    plate, mug = box((5, 5, 95, 40), 0.5, "mug"), box((30, 35, 75, 95), 0.45, "mug")
    text = np.float32([8, 8, 92, 38])
    found = choose_boxes([plate, mug], OVERLAY_PHRASES, [text], (100, 100))
    assert np.array_equal(found.products[0].xyxy, mug.xyxy)
    assert [b.label for b in found.overlays] == ["text"]


def test_printing_on_the_product_is_no_overlay() -> None:
    mug, badge = box((20, 20, 80, 90), 0.6, "mug"), box((2, 2, 18, 18), 0.4, "badge")
    whole = box((0, 0, 100, 100), 0.7, "infographic")
    printed, beside = np.float32([35, 40, 60, 55]), np.float32([84, 10, 99, 20])
    found = choose_boxes([whole, mug, badge], OVERLAY_PHRASES, [printed, beside], (100, 100))
    assert [b.label for b in found.overlays] == ["text", "badge"]
    assert np.array_equal(found.overlays[0].xyxy, beside)


def test_boxes_outside_the_photo_and_doubles_are_left_out() -> None:
    boxes = [box((200, 0, 300, 50), 0.9), box((10, 10, 60, 60), 0.8), box((11, 10, 61, 60), 0.7)]
    boxes += [box((float("nan"), 0, 5, 5), 0.9), box((-30, -30, 40, 140), 0.3)]
    found = choose_boxes(boxes, OVERLAY_PHRASES, [], (100, 100))
    assert len(found.products) == 2
    assert all(b.xyxy.min() >= 0 and b.xyxy.max() <= 100 for b in found.products)
    assert choose_boxes([], OVERLAY_PHRASES, [], (100, 100)).products == []


def test_missing_or_pickled_weights_are_refused(tmp_path: Path, dino_folder: Path) -> None:
    with pytest.raises(SettingError, match="there are no weights 'nowhere/dino'"):
        GroundingDino(GroundingDinoParams(weights="nowhere/dino"))
    with pytest.raises(SettingError, match="packshot models pull grounding_dino_tiny"):
        import os

        os.environ["PACKSHOT_MODELS"] = str(tmp_path)
        try:
            GroundingDino(GroundingDinoParams())
        finally:
            del os.environ["PACKSHOT_MODELS"]
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for path in dino_folder.iterdir():
        if path.suffix == ".json":
            (pickled / path.name).write_bytes(path.read_bytes())
    torch.save({}, pickled / "pytorch_model.bin")
    with pytest.raises(SettingError, match="cannot be loaded as GroundingDinoForObjectDetection"):
        GroundingDino(GroundingDinoParams(weights=str(pickled)))

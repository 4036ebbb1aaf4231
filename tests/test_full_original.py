"""groundingdino-py beside transformers 5: `make test-original` runs this in an environment that has the package. In the
others all but the first test are skipped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_models import toy_grounding_dino, toy_photo

from packshot.artifacts import Caption, Detections, Segmentation, Texts
from packshot.engines.detect_grounding_dino import prompt_of
from packshot.engines.detect_groundingdino_original import (
    OriginalGroundingDino,
    OriginalGroundingDinoParams,
    with_transformers_5,
)
from packshot.errors import ErrorCode, PhotoError, SettingError


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path) -> None:
    try:
        import groundingdino  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("groundingdino-py is installed here")
    words = toy_grounding_dino(tmp_path / "words")
    weights = tmp_path / "toy.pth"
    torch.save({"model": {}}, weights)
    with pytest.raises(SettingError, match=r"packshot\[full,original\]"):
        OriginalGroundingDino(OriginalGroundingDinoParams(weights=str(weights), words_weights=str(words)))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> OriginalGroundingDino:
    """A network of one layer each, written as the published file is: under `model`, each name after `module.`."""
    groundingdino = pytest.importorskip("groundingdino")
    from groundingdino.models import build_model
    from groundingdino.util.slconfig import SLConfig
    from transformers import BertConfig, GroundingDinoProcessor

    folder = tmp_path_factory.mktemp("original")
    words = toy_grounding_dino(folder / "words")
    tokenizer = GroundingDinoProcessor.from_pretrained(words).tokenizer
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
    )
    settings = SLConfig.fromfile(str(Path(groundingdino.__file__).parent / "config" / "GroundingDINO_SwinT_OGC.py"))
    settings.enc_layers, settings.dec_layers, settings.num_queries = 1, 2, 30
    settings.use_checkpoint = settings.use_transformer_ckpt = False
    torch.manual_seed(0)
    with_transformers_5(config, tokenizer)
    state = {f"module.{k}": v for k, v in build_model(settings).state_dict().items()}
    torch.save({"model": state}, folder / "toy.pth")
    return OriginalGroundingDino(OriginalGroundingDinoParams(weights=str(folder / "toy.pth"), words_weights=str(words)))


def test_post_processing_is_that_of_the_package(engine: OriginalGroundingDino) -> None:
    from groundingdino.util import box_ops

    photo = toy_photo(1)
    phrases = engine.phrases(Caption("", ["red mug"]))
    pixels = engine._processor.image_processor(photo, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        out = engine._model(pixels, captions=[prompt_of(phrases)])
    scores = out["pred_logits"][0].sigmoid().max(dim=1).values
    kept = scores > engine.params.box_threshold
    height, width = photo.shape[:2]
    corners = box_ops.box_cxcywh_to_xyxy(out["pred_boxes"][0][kept]) * torch.tensor([width, height, width, height])
    order = scores[kept].argsort(descending=True)
    (found,) = engine.boxes([photo], [phrases])
    assert len(found) == int(kept.sum()) > 0
    assert np.allclose([box.score for box in found], scores[kept][order], atol=1e-5)
    assert np.allclose(sorted(box.xyxy[0] for box in found), sorted(corners[:, 0].tolist()), atol=1e-2)


def test_boxes_are_those_of_the_package_s_own_predict(engine: OriginalGroundingDino) -> None:
    from groundingdino.util.inference import predict

    photo = toy_photo(2)
    phrases = engine.phrases(Caption("", ["red mug"]))
    pixels = engine._processor.image_processor(photo, return_tensors="pt")["pixel_values"][0]
    boxes, scores, _ = predict(
        engine._model, pixels, prompt_of(phrases), engine.params.box_threshold, engine.params.text_threshold, "cpu"
    )
    (found,) = engine.boxes([photo], [phrases])
    height, width = photo.shape[:2]
    scaled = (boxes * torch.tensor([width, height, width, height])).numpy()
    corners = np.hstack([scaled[:, :2] - scaled[:, 2:] / 2, scaled[:, :2] + scaled[:, 2:] / 2])
    assert len(found) == len(boxes) > 0
    for box in found:  # boxes of equal score may stand in another order
        gaps = np.abs(corners - box.xyxy).max(axis=1)
        assert gaps.min() < 1e-2 and abs(float(scores[int(gaps.argmin())]) - box.score) < 1e-5


def test_phrases_attend_to_themselves_only(engine: OriginalGroundingDino) -> None:
    tokenizer = engine._processor.tokenizer

    def encode(prompt: str) -> torch.Tensor:
        from groundingdino.models.GroundingDINO.bertwarper import generate_masks_with_special_tokens_and_transfer_map

        tokens = tokenizer([prompt], return_tensors="pt")
        mask, positions, _ = generate_masks_with_special_tokens_and_transfer_map(
            tokens, engine._model.specical_tokens, tokenizer
        )
        with torch.inference_mode():
            return engine._model.bert(
                input_ids=tokens["input_ids"],
                attention_mask=mask,
                token_type_ids=tokens["token_type_ids"],
                position_ids=positions,
            )["last_hidden_state"][0]

    alone, beside = encode("red mug."), encode("red mug. product. icon.")
    assert torch.allclose(alone[1:3], beside[1:3], atol=1e-5)
    assert not torch.allclose(alone[1:3], encode("red box. mug.")[1:3], atol=1e-3)


def test_weights_of_another_kind_are_refused(engine: OriginalGroundingDino, tmp_path: Path) -> None:
    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "other.pth")
    with pytest.raises(SettingError, match="holds no weights of GroundingDINO"):
        OriginalGroundingDino(engine.params.model_copy(update={"weights": str(tmp_path / "other.pth")}))


def test_detections_do_not_hang_on_the_grouping(engine: OriginalGroundingDino) -> None:
    photos = [toy_photo(1), toy_photo(2), toy_photo(3)]
    phrases = [engine.phrases(Caption("", words)) for words in (["red mug"], ["a toy of the box", "bag"], ["red mug"])]
    together = engine.boxes(photos, phrases)
    for photo, asked, found in zip(photos, phrases, together, strict=True):
        (alone,) = engine.boxes([photo], [asked])
        assert [box.label for box in alone] == [box.label for box in found]
        assert np.allclose([b.xyxy for b in alone], [b.xyxy for b in found], atol=1e-2)


def test_the_engine_finds_a_product_or_says_that_there_is_none(engine: OriginalGroundingDino) -> None:
    photo = toy_photo(1)
    segmentation = Segmentation.from_logits(np.ones((3, 256, 256), np.float32), np.ones(3), photo.shape[:2])
    (found,) = engine.run([photo], [Texts([])], [segmentation], [Caption("", ["red mug"])])
    assert isinstance(found, Detections) and found.products
    blind = OriginalGroundingDino(engine.params.model_copy(update={"box_threshold": 1.0}))
    (nothing,) = blind.run([photo], [Texts([])], [segmentation], [Caption("")])
    assert isinstance(nothing, PhotoError) and nothing.code is ErrorCode.NO_PRODUCT

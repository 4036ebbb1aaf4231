"""Inpainting at toy size: parity with the pipeline called directly, sizes and masks, and black results."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from toy_models import toy_inpainting, toy_photo

from packshot.artifacts import Box, Caption, Detections, Raster
from packshot.engines.diffusion import DiffusionParams, Framed, Request, load_pipeline, model_size, seed_of
from packshot.engines.inpaint_diffusion import InpaintDiffusion, InpaintDiffusionParams
from packshot.engines.placing import Attempt, Scene
from packshot.engines.repair_diffusion import RepairDiffusion, RepairDiffusionParams
from packshot.errors import ErrorCode, PhotoError, SettingError
from packshot.fidelity import drift
from packshot.placement import stay

STEPS = {"steps": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_inpainting(tmp_path_factory.mktemp("inpaint") / "sd")


@pytest.fixture(scope="module")
def black_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_inpainting(tmp_path_factory.mktemp("black") / "sd", suspects_all=True)


def cutout_of(image: np.ndarray) -> Raster:
    height, width = image.shape[:2]
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (width // 2, height // 2), min(width, height) // 3, 255, -1)
    return Raster(np.dstack([image * (alpha > 0)[..., None], alpha]))


def place(engine: InpaintDiffusion, images: list[np.ndarray], prompt: str = "oak table") -> list:
    cutouts, count = [cutout_of(image) for image in images], len(images)
    return engine.run(images, cutouts, [Caption("")] * count, [Detections([], [])] * count, [prompt] * count)


def scene_of(image: np.ndarray, prompt: str) -> Scene:
    cutout = cutout_of(image).pixels
    return Scene(image, cutout, Caption(""), prompt, stay(np.ascontiguousarray(cutout[..., 3])))


FIRST = Attempt(0, "as asked")


@pytest.mark.parametrize("size_wh", [(64, 64), (150, 90), (90, 210)])
def test_the_call_is_the_pipeline_s_own(folder: Path, size_wh: tuple[int, int]) -> None:
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionInpaintPipeline

    image = toy_photo(1, size_wh)
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), **STEPS))
    cutout = cutout_of(image)
    ((painted,),) = engine.paint([scene_of(image, "oak table")], FIRST)

    pipeline = StableDiffusionInpaintPipeline.from_pretrained(folder, use_safetensors=True)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    outer, inner = model_size(size_wh, 64 * 64)
    frame = Framed.of(Request(image, cutout.pixels[..., 3] < 128, "", 0), 64 * 64)
    plain = pipeline(
        prompt="oak table",
        negative_prompt=engine.params.negative_prompt,
        image=frame.image,
        mask_image=frame.mask_image,
        width=outer[0],
        height=outer[1],
        strength=1.0,
        num_inference_steps=2,
        guidance_scale=9.6,
        generator=torch.Generator().manual_seed(seed_of(image, "oak table", 0)),
    ).images[0]
    assert plain.size == outer
    assert np.array_equal(painted.picture, frame.restore(np.asarray(plain)))
    expected = Image.fromarray(np.asarray(plain)[: inner[1], : inner[0]])
    assert painted.picture.shape == image.shape and expected.size == inner


def test_the_mask_is_white_where_to_repaint(folder: Path) -> None:
    image = toy_photo(2, (150, 90))
    repaint = cutout_of(image).pixels[..., 3] < 128
    frame = Framed.of(Request(image, repaint, "", 0), 64 * 64)
    mask = np.asarray(frame.mask_image)[: frame.inner_wh[1], : frame.inner_wh[0]]
    assert mask[0, 0] == 255 and mask[mask.shape[0] // 2, mask.shape[1] // 2] == 0
    assert set(np.unique(mask)) == {0, 255}
    again = cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (again == repaint).mean() > 0.95
    padding = np.asarray(frame.mask_image)[frame.inner_wh[1] :]
    assert (padding == 255).all()


@settings(max_examples=300, deadline=None)
@given(st.integers(16, 6000), st.integers(16, 6000), st.sampled_from([64**2, 512**2, 1024**2]))
def test_the_model_s_size(width: int, height: int, budget: int) -> None:
    outer, inner = model_size((width, height), budget)
    assert all(side % 8 == 0 and side >= 64 for side in outer)
    assert outer[0] * outer[1] <= budget
    assert all(0 < i <= o for i, o in zip(inner, outer, strict=True))
    if min(inner) >= 8:  # aspect ratio kept to the pixel that rounding costs
        assert abs(inner[0] - inner[1] * width / height) <= 0.5 + 0.5 * width / height + 1e-6
    if max(width, height) / min(width, height) < 3 and budget >= 512**2:
        assert inner[0] * inner[1] > 0.9 * budget, "the budget is used"


def test_the_product_comes_out_exactly_and_the_photo_at_its_own_size(folder: Path) -> None:
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), **STEPS))
    images = [toy_photo(3, (300, 180)), toy_photo(4, (70, 95))]
    for image, placed in zip(images, place(engine, images), strict=True):
        product = cutout_of(image).pixels
        opaque = product[..., 3] == 255
        assert placed.pixels.shape == image.shape
        assert np.array_equal(placed.pixels[opaque], image[opaque])
        assert not np.array_equal(placed.pixels[~opaque], image[~opaque])


def test_results_repeat_and_do_not_hang_on_the_grouping(folder: Path) -> None:
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), **STEPS))
    images = [toy_photo(5), toy_photo(6), toy_photo(7, (72, 96)), toy_photo(5)]
    together = place(engine, images)
    assert np.array_equal(together[0].pixels, together[3].pixels)
    assert not np.array_equal(together[0].pixels, together[1].pixels)
    for image, placed in zip(images[:3], together, strict=False):
        (alone,) = place(engine, [image])
        gap = np.abs(alone.pixels.astype(int) - placed.pixels)
        assert gap.max() <= 1, "rounding of a batch's sums may cost one grey level, no more"
    other = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), seed=1, **STEPS))
    assert not np.array_equal(place(other, images[:1])[0].pixels, together[0].pixels)
    assert not np.array_equal(place(engine, images[:1], "marble")[0].pixels, together[0].pixels)


def test_the_truest_of_several_candidates_is_kept(folder: Path) -> None:
    image = toy_photo(8)
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), candidates=3, **STEPS))
    (candidates,) = engine.paint([scene_of(image, "oak")], FIRST)
    assert len({candidate.seed for candidate in candidates}) == 3
    drifts = [drift(candidate.picture, cutout_of(image).pixels) for candidate in candidates]
    assert len(set(drifts)) == 3
    (placed,) = place(engine, [image], "oak")
    assert placed.figures["seed"] == candidates[int(np.argmin(drifts))].seed
    assert placed.figures["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"


def test_a_stricter_try_has_other_seeds_and_keeps_more_out(folder: Path) -> None:
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), candidates=2, **STEPS))
    scene = scene_of(toy_photo(13), "oak")
    (plain,), (strict,) = (engine.paint([scene], Attempt(1, setting)) for setting in ("as asked", "stricter"))
    (first,) = engine.paint([scene], FIRST)
    assert [p.seed for p in plain] == [p.seed for p in strict] and not {p.seed for p in first} & {p.seed for p in plain}
    assert not np.array_equal(plain[0].picture, strict[0].picture), "the negative prompt is another one"


def test_a_black_result_falls_back_or_says_so(black_folder: Path) -> None:
    images = [toy_photo(9, (120, 80))]
    with_studio = InpaintDiffusion(InpaintDiffusionParams(weights=str(black_folder), **STEPS))
    assert with_studio.paint([scene_of(images[0], "oak")], FIRST) == [[]]
    (placed,) = place(with_studio, images)
    opaque = cutout_of(images[0]).pixels[..., 3] == 255
    assert np.array_equal(placed.pixels[opaque], images[0][opaque]) and placed.pixels[~opaque].mean() > 20
    assert placed.figures["fallback"] == "studio" and placed.figures["fallback_cause"] == "blank"
    strict = InpaintDiffusion(InpaintDiffusionParams(weights=str(black_folder), fallback="none", **STEPS))
    (result,) = place(strict, images)
    assert isinstance(result, PhotoError) and result.code is ErrorCode.GATE_FAILED
    unchecked = InpaintDiffusion(
        InpaintDiffusionParams(weights=str(black_folder), safety_checker=False, fallback="none", **STEPS)
    )
    assert isinstance(place(unchecked, images)[0], Raster)
    repair = RepairDiffusion(RepairDiffusionParams(weights=str(black_folder), **STEPS))
    overlay = Detections([], [Box(np.float32([2, 2, 30, 14]), 0.9, "text")])
    (repaired,) = repair.run(images, [overlay], [cutout_of(images[0])])
    assert not np.array_equal(repaired.pixels[3:12, 4:28], images[0][3:12, 4:28])
    assert repaired.pixels[3:12, 4:28].mean() > 20 and repaired.figures["fallback"] == "opencv"


def test_a_picture_of_a_second_round_tells_its_seed(black_folder: Path) -> None:
    """The checker blackens the first round; the second is made without it."""
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=str(black_folder), candidates=2, **STEPS))
    checker, calls = engine.model.pipeline.safety_checker, []
    real = engine.model.paint

    def paint(requests: list[Request], params: DiffusionParams) -> list[np.ndarray | None]:
        calls.append([request.seed for request in requests])
        engine.model.pipeline.safety_checker = checker if len(calls) == 1 else None
        return real(requests, params)

    engine.model.paint = paint  # type: ignore[method-assign]
    try:
        (placed,) = place(engine, [toy_photo(12)])
    finally:
        engine.model.pipeline.safety_checker, engine.model.paint = checker, real
    assert len(calls) == 2 and not set(calls[0]) & set(calls[1])
    assert placed.figures["seed"] in calls[1] and placed.figures["attempts"] == 2


def test_repair_changes_overlays_only(folder: Path) -> None:
    engine = RepairDiffusion(RepairDiffusionParams(weights=str(folder), margin=0.0, **STEPS))
    image = toy_photo(10, (160, 120))
    cutout = cutout_of(image)
    inside, outside = Box(np.float32([2, 2, 40, 20]), 0.9, "text"), Box(np.float32([500, 0, 600, 20]), 0.9, "icon")
    over_product = Box(np.float32([60, 40, 100, 80]), 0.9, "badge")
    found = [Detections([], [inside, outside, over_product]), Detections([], []), Detections([], [outside])]
    repaired = engine.run([image] * 3, found, [cutout] * 3)
    changed = (repaired[0].pixels != image).any(axis=-1)
    assert changed[6:16, 8:34].mean() > 0.9
    mask = np.zeros(image.shape[:2], bool)
    mask[2:20, 2:40] = True
    mask[40:80, 60:100] = True
    assert not (changed & ~mask).any(), "nothing outside the overlays"
    assert not (changed & (cutout.pixels[..., 3] > 0)).any(), "nothing of the product"
    assert np.array_equal(repaired[1].pixels, image) and np.array_equal(repaired[2].pixels, image)


def test_schedulers_are_chosen_by_setting(folder: Path) -> None:
    names = {
        kind: type(load_pipeline(DiffusionParams(weights=str(folder), scheduler=kind)).scheduler).__name__
        for kind in ("dpm++", "checkpoint", "lcm")
    }
    assert names == {"dpm++": "DPMSolverMultistepScheduler", "checkpoint": "PNDMScheduler", "lcm": "LCMScheduler"}
    few = InpaintDiffusion(InpaintDiffusionParams(weights=str(folder), scheduler="lcm", steps=2, guidance=1.0))
    assert isinstance(place(few, [toy_photo(11)])[0], Raster)


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionInpaintPipeline"}')
    with pytest.raises(SettingError, match="cannot be loaded as a diffusers folder"):
        load_pipeline(DiffusionParams(weights=str(tmp_path)))

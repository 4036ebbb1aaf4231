"""Profile full where there is neither GPU nor model hub: full-size networks with random weights, and EasyOCR's speed.

    python -m benchmarks.full [sam] [inpaint] [easyocr]

`sam` and `inpaint` build the real classes at their published sizes with random weights, write them in the published
formats, load them through the engines, and run one photo. Each runs in a process of its own, so that its peak memory
is its own. Prints one line a figure; figures that were measured so far stand in docs/full.md.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SIZE_WH = (800, 800)


def photo(seed: int = 90_000) -> np.ndarray:
    from packshot.synth import make_photo

    return make_photo(seed, size_wh=SIZE_WH).image


def write_sam_vit_b(path: Path) -> None:
    """SAM ViT-B, 94 million parameters, random, as a .pth with the official keys."""
    import torch
    from segment_anything import sam_model_registry

    torch.save(sam_model_registry["vit_b"]().state_dict(), path)


def write_sd15_inpainting(folder: Path) -> None:
    """Stable Diffusion 1.5 inpainting at its published sizes: U-Net of 860 million parameters, VAE, CLIP ViT-L text
    encoder. Random weights; the tokenizer knows single letters only, which costs nothing at run time."""
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = [chr(c) for c in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    pipeline = StableDiffusionInpaintPipeline(
        unet=UNet2DConditionModel(sample_size=64, in_channels=9, cross_attention_dim=768, attention_head_dim=8),
        vae=AutoencoderKL(
            block_out_channels=[128, 256, 512, 512],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            layers_per_block=2,
            sample_size=512,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                bos_token_id=0,
                eos_token_id=1,
            )
        ),
        tokenizer=CLIPTokenizer(vocab={p: i for i, p in enumerate(pieces)}, merges=[], model_max_length=77),
        scheduler=PNDMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def sam(weights: str) -> dict[str, float]:
    """Load and segment one photo, then a box of it, from the same encoding."""
    from packshot.engines.sam import SamModel, SamParams

    image = photo()
    clock = time.perf_counter()
    model = SamModel(SamParams(weights=weights))
    load = time.perf_counter() - clock
    clock = time.perf_counter()
    (encoding,) = model.encode([image])
    encode = time.perf_counter() - clock
    clock = time.perf_counter()
    logits, _ = model.predict(encoding, image.shape[:2])
    boxes, _ = model.predict(encoding, image.shape[:2], np.float32([[100, 100, 700, 700]] * 4))
    decode = time.perf_counter() - clock
    if tuple(logits.shape) != (1, 3, 256, 256) or tuple(boxes.shape) != (4, 3, 256, 256):
        raise SystemExit(f"SAM gave logits of {tuple(logits.shape)} and {tuple(boxes.shape)}")
    return {"load_s": load, "encode_s": encode, "decode_s": decode}


def inpaint(weights: str) -> dict[str, float]:
    """Load and place one photo in two steps at 512×512."""
    import cv2

    from packshot.artifacts import Caption, Detections, Raster
    from packshot.engines.inpaint_diffusion import InpaintDiffusion, InpaintDiffusionParams

    image = photo()
    alpha = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(alpha, (400, 400), 250, 255, -1)
    clock = time.perf_counter()
    engine = InpaintDiffusion(InpaintDiffusionParams(weights=weights, steps=2, safety_checker=False, fallback="none"))
    load = time.perf_counter() - clock
    clock = time.perf_counter()
    columns = [Raster(np.dstack([image, alpha]))], [Caption("")], [Detections([], [])], ["oak table"]
    (placed,) = engine.run([image], *columns)
    run = time.perf_counter() - clock
    if not isinstance(placed, Raster) or not np.array_equal(placed.pixels[alpha == 255], image[alpha == 255]):
        raise SystemExit(f"inpainting gave {placed}")
    return {"load_s": load, "two_steps_s": run}


def full_size(name: str) -> dict[str, float]:
    """Write random weights and run one of the two in a process of its own: seconds, and `peak_gib`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("sam_vit_b.pth" if name == "sam" else "sd15")
        for task in ("write", "run"):
            out = subprocess.run(
                [sys.executable, "-m", "benchmarks.full", f"{task}-{name}", str(path)], capture_output=True, text=True
            )
            if out.returncode:
                raise SystemExit(f"{name} broke off: {out.stderr[-1500:]}")
    return json.loads(out.stdout.rpartition("RESULT")[2])


def easyocr() -> None:
    """The engine against a plain loop of `readtext` over files, photo by photo in turn, so that a busy machine slows
    both alike. (From bytes and arrays EasyOCR takes red for blue when it makes grey pictures; from files it does not.)

    Same boxes: each photo gives as many, and each of `readtext`'s has one with an IoU of 0.9. Readings are counted
    apart: the English weights read the photos' Cyrillic lines by guessing, and a grey level more or less tips a letter
    (OpenCV makes grey of a file otherwise than of an array).
    """
    with TemporaryDirectory() as folder:
        _easyocr(Path(folder))


def _easyocr(folder: Path) -> None:
    from packshot.artifacts import encode_png
    from packshot.engines.ocr_easyocr import EasyOcr, EasyOcrParams, cpu_has_bfloat16

    count = int(os.environ.get("PACKSHOT_BENCH_PHOTOS", "6"))
    images = [photo(91_000 + i) for i in range(count)]
    files = [folder / f"{i}.png" for i in range(count)]
    for file, image in zip(files, images, strict=True):
        file.write_bytes(encode_png(image))
    plain = EasyOcr(EasyOcrParams()).plain_reader()
    precisions = ["float32"] + ["bfloat16"] * cpu_has_bfloat16()
    engines = {p: EasyOcr(EasyOcrParams(precision=p, min_confidence=0)) for p in precisions}
    seconds = dict.fromkeys(["plain", *engines], 0.0)
    same, read_alike, total = dict.fromkeys(engines, 0), dict.fromkeys(engines, 0), 0
    for i, (file, image) in enumerate([(files[0], images[0]), *zip(files, images, strict=True)]):
        clock = time.perf_counter()
        read = plain.readtext(str(file))
        spent = {"plain": time.perf_counter() - clock}
        theirs = [(_corners(np.float32(quad)), text.strip()) for quad, text, _ in read if text.strip()]
        total += len(theirs) if i else 0
        for name, engine in engines.items():
            clock = time.perf_counter()
            (texts,) = engine.run([image])
            spent[name] = time.perf_counter() - clock
            if i:  # the first photo goes through twice, the first time to warm up
                ours = [(b.xyxy, b.text) for b in texts.boxes]
                found = [[t for b, t in ours if _iou(b, box) >= 0.9] for box, _ in theirs]
                same[name] += sum(map(bool, found)) - abs(len(ours) - len(theirs))
                read_alike[name] += sum(text in there for there, (_, text) in zip(found, theirs, strict=True))
        if i:
            seconds = {name: value + spent[name] for name, value in seconds.items()}
    slow = seconds.pop("plain")
    print(f"easyocr: {count} photos of 800×800, {total} boxes; plain loop {slow / count:.2f} s a photo")
    for name, value in seconds.items():
        print(
            f"easyocr {name}: {value / count:.2f} s a photo, {slow / value:.2f} times as fast, "
            f"{same[name]} of {total} boxes the same, {read_alike[name]} readings"
        )


def _corners(quad: np.ndarray) -> np.ndarray:
    return np.concatenate([quad.min(axis=0), quad.max(axis=0)])


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    return both / max(1e-6, float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - both)


def main() -> None:
    wanted = sys.argv[1:] or ["sam", "inpaint", "easyocr"]
    if wanted[0].startswith(("write-", "run-")):
        task, _, name = wanted[0].partition("-")
        if task == "write":
            {"sam": write_sam_vit_b, "inpaint": write_sd15_inpainting}[name](Path(wanted[1]))
        else:
            figures = {"sam": sam, "inpaint": inpaint}[name](wanted[1])
            figures["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print("RESULT" + json.dumps(figures))
        return
    for name in wanted:
        if name == "easyocr":
            easyocr()
        else:
            print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in full_size(name).items()))


if __name__ == "__main__":
    main()

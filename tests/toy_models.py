"""Toy-size models of the real classes, written to disk in the formats in which the real ones are published."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

SAM_SIDE = 256


def toy_sam(path: Path, seed: int = 0) -> Path:
    """A SAM .pth with the official keys: patches of 4 px of 256, so that logits are 256×256; one window, one global."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    torch.manual_seed(seed)
    sam = Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=16,
            img_size=SAM_SIDE,
            mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=1,
            patch_size=4,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=(1,),
            window_size=14,
            out_chans=32,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=32, image_embedding_size=(64, 64), input_image_size=(SAM_SIDE, SAM_SIDE), mask_in_chans=16
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=32, num_heads=8),
            transformer_dim=32,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
        ),
    )
    for parameter in sam.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(sam.state_dict(), path)
    return path


def toy_photo(seed: int, size_wh: tuple[int, int] = (96, 72)) -> np.ndarray:
    """A coloured disc and a plate on a gradient, RGB uint8 (H, W, 3)."""
    import cv2

    rng = np.random.default_rng(seed)
    width, height = size_wh
    ramp = np.linspace(200, 255, width, dtype=np.float32)
    image = np.repeat(np.repeat(ramp[None, :, None], height, 0), 3, 2).astype(np.uint8)
    colour = tuple(int(v) for v in rng.integers(0, 180, 3))
    cv2.circle(image, (width // 2, height // 2), min(width, height) // 3, colour, -1)
    cv2.rectangle(image, (2, 2), (width // 4, height // 6), (230, 30, 30), -1)
    return image

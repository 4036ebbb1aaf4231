"""Segment Anything (Kirillov et al. 2023, package segment-anything): one encoding for unprompted masks and for boxes.

The engines of `segment` and `mask` share the model and its encodings within a process.
"""

import hashlib
import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from packshot.device import ModelBatch, choose_device, compute_dtype, place_weights, residents
from packshot.errors import SettingError
from packshot.weights import WeightsParams, find_weights, read_state, revision_of

if TYPE_CHECKING:
    import torch
    from segment_anything.modeling import Sam

LOGITS = 256
"""Side of the low-resolution logits that packshot keeps."""
_BOXES_AT_ONCE = 16


class SamParams(WeightsParams):
    weights: str = Field("sam_vit_h", description="sam_vit_h, sam_vit_l, sam_vit_b, or the path of a SAM .pth")
    embeddings_gb: float = Field(
        1.0, ge=0, le=64, description="GB of encodings kept in memory between segment and mask; a photo takes 4 MB"
    )

    compile: bool = Field(False, description="compile the image encoder (torch.compile); needs a C++ compiler")

    operational = WeightsParams.operational | {"embeddings_gb"}


class SamModel:
    """A loaded SAM. `encoded` counts the photos that went through the image encoder."""

    def __init__(self, params: SamParams):
        self.params = params
        self.device = choose_device(params.device)
        self.encoded = 0
        path = find_weights(params.weights)
        self._sam = build_sam(read_state(path), path)
        # The encoder is nearly all of the work; prompts and masks stay in float32, where thresholds are kept exactly.
        self._sam.eval().requires_grad_(False)
        place_weights(self._sam.image_encoder, params, self.device)
        if params.compile:
            self._sam.image_encoder.compile()
        self._dtype = compute_dtype(params.precision, self.device)
        self._batch = ModelBatch(params.batch)
        self._held: OrderedDict[bytes, torch.Tensor] = OrderedDict()

    def encode(self, images: list[np.ndarray]) -> list["torch.Tensor"]:
        """Encodings (1, C, h, w) float32 on the CPU, of photos RGB uint8 (H, W, 3); those still held are not made
        again. Equal photos are encoded once."""
        keys = [_key(image) for image in images]
        found = {key: self._held[key] for key in keys if key in self._held}
        missing = list({key: i for i, key in reversed(list(enumerate(keys))) if key not in found}.items())[::-1]
        made = self._batch.map(self._encode, [images[i] for _, i in missing])
        for (key, _), encoding in zip(missing, made, strict=True):
            found[key] = encoding
            self._hold(key, encoding)
        return [found[key] for key in keys]

    def drop(self, images: list[np.ndarray]) -> None:
        """Forget the encodings of photos that no later stage asks for."""
        for image in images:
            self._held.pop(_key(image), None)

    def predict(
        self, encoding: "torch.Tensor", shape_hw: tuple[int, int], boxes: np.ndarray | None = None
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """As `SamPredictor.predict(box=…, multimask_output=True)`: low-resolution logits (n, 3, 256, 256) and foreseen
        IoUs (n, 3), float32 on the model's device. `boxes` xyxy (n, 4) pixels of the photo; None: unprompted, n = 1."""
        import torch

        sam = self._sam
        logits, scores = [], []
        with torch.inference_mode(), residents.using([sam], self.device, self.params.max_vram_gb):
            features = encoding.to(self.device)
            for part in self._prompts(boxes, shape_hw):
                sparse, dense = sam.prompt_encoder(points=None, boxes=part, masks=None)
                low, iou = sam.mask_decoder(
                    image_embeddings=features,
                    image_pe=sam.prompt_encoder.get_dense_pe(),
                    sparse_prompt_embeddings=sparse,
                    dense_prompt_embeddings=dense,
                    multimask_output=True,
                )
                logits.append(low)
                scores.append(iou)
        return torch.cat(logits), torch.cat(scores)

    def enlarge(
        self, logits: "torch.Tensor", shape_hw: tuple[int, int], out_hw: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Masks bool (n, k, H, W) from low-resolution logits (n, k, 256, 256), as SAM makes them; `out_hw` asks for
        another size of the same picture."""
        import torch

        side = self._sam.image_encoder.img_size
        with torch.inference_mode():
            large = self._sam.postprocess_masks(logits, _input_hw(shape_hw, side), out_hw or shape_hw)
            return (large > self._sam.mask_threshold).cpu().numpy()

    def _prompts(self, boxes: np.ndarray | None, shape_hw: tuple[int, int]) -> list[Any]:
        import torch
        from segment_anything.utils.transforms import ResizeLongestSide

        if boxes is None:
            return [None]
        scaled = ResizeLongestSide(self._sam.image_encoder.img_size).apply_boxes(np.asarray(boxes), shape_hw)
        tensor = torch.as_tensor(scaled, dtype=torch.float, device=self.device)
        return list(tensor.split(_BOXES_AT_ONCE))

    def _encode(self, images: list[np.ndarray]) -> list["torch.Tensor"]:
        import torch
        from segment_anything.utils.transforms import ResizeLongestSide

        sam = self._sam
        resize = ResizeLongestSide(sam.image_encoder.img_size).apply_image
        with torch.inference_mode(), residents.using([sam], self.device, self.params.max_vram_gb):
            pixels = [torch.from_numpy(resize(image)).permute(2, 0, 1).to(self.device) for image in images]
            batch = torch.stack([sam.preprocess(p) for p in pixels]).to(self._dtype)
            features = sam.image_encoder(batch).float().cpu()
        self.encoded += len(images)
        return list(features.split(1))

    def _hold(self, key: bytes, encoding: "torch.Tensor") -> None:
        self._held[key] = encoding.clone()  # a piece of a batch would hold all of it
        self._held.move_to_end(key)
        size = encoding.numel() * encoding.element_size()
        while self._held and len(self._held) * size > self.params.embeddings_gb * 1e9:
            self._held.popitem(last=False)


def sam_revision(params: SamParams) -> str:
    """Revision of the weights, for both stages' fingerprints."""
    return revision_of(params.weights)


_models: OrderedDict[tuple[str, str, str, bool], SamModel] = OrderedDict()
_models_lock = threading.Lock()


def shared_sam(params: SamParams) -> SamModel:
    """The process's model for these weights, device and precision, compiled or not: `segment` and `mask` get the same
    one. The other settings are those of whoever asks first."""
    key = (params.weights, params.device, params.precision, params.compile)
    with _models_lock:
        if key not in _models:
            while len(_models) > 1:
                _models.popitem(last=False)
            _models[key] = SamModel(params)
        return _models[key]


def build_sam(state: dict[str, "torch.Tensor"], path: Path) -> "Sam":
    """SAM of the size that the weights themselves tell: ViT-H, -L, -B, or another one of the family."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    try:
        width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
        grid = state["image_encoder.pos_embed"].shape[1]
        blocks = [k for k in state if k.startswith("image_encoder.blocks.") and k.endswith(".attn.rel_pos_h")]
        rel = [state[f"image_encoder.blocks.{i}.attn.rel_pos_h"] for i in range(len(blocks))]
        mlp = state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0]
        channels = state["image_encoder.neck.0.weight"].shape[0]
        tokens = state["mask_decoder.mask_tokens.weight"].shape[0]
        iou_width = state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0]
        iou_depth = sum(k.startswith("mask_decoder.iou_prediction_head.layers.") for k in state) // 2
        decoder_mlp = state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0]
        decoder_depth = sum(k.endswith(".mlp.lin1.weight") for k in state if k.startswith("mask_decoder.transformer."))
        mask_channels = state["prompt_encoder.mask_downscaling.3.weight"].shape[0]
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise SettingError(f"{path} holds no weights of Segment Anything: {error} is missing") from error
    whole = [i for i, table in enumerate(rel) if table.shape[0] == 2 * grid - 1]
    windows = {(table.shape[0] + 1) // 2 for i, table in enumerate(rel) if i not in whole}
    sam = Sam(
        image_encoder=ImageEncoderViT(
            img_size=grid * patch,
            patch_size=patch,
            embed_dim=width,
            depth=len(rel),
            num_heads=width // rel[0].shape[1],
            mlp_ratio=mlp / width,
            out_chans=channels,
            qkv_bias=True,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=windows.pop() if windows else 14,
            global_attn_indexes=tuple(whole),
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=channels,
            image_embedding_size=(grid, grid),
            input_image_size=(grid * patch, grid * patch),
            mask_in_chans=mask_channels,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=tokens - 1,
            transformer=TwoWayTransformer(
                depth=decoder_depth, embedding_dim=channels, mlp_dim=decoder_mlp, num_heads=8
            ),
            transformer_dim=channels,
            iou_head_depth=iou_depth,
            iou_head_hidden_dim=iou_width,
        ),
    )
    try:
        sam.load_state_dict(state)
    except RuntimeError as error:
        raise SettingError(f"{path} does not fit Segment Anything: {str(error)[:300]}") from error
    if (4 * grid, tokens) != (LOGITS, 4):
        raise SettingError(f"{path} gives {tokens - 1} masks of {4 * grid} px; packshot keeps 3 of {LOGITS}")
    return sam


def _input_hw(shape_hw: tuple[int, int], side: int) -> tuple[int, int]:
    from segment_anything.utils.transforms import ResizeLongestSide

    return ResizeLongestSide.get_preprocess_shape(*shape_hw, side)


def _key(image: np.ndarray) -> bytes:
    digest = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image))
    return digest.digest()

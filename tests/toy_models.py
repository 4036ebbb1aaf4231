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


def toy_vocabulary() -> list[str]:
    """BERT's word pieces, a few of them: the words of the tests, and every letter by itself."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = "a the red blue green white black mug bottle shoe bag toy box of with and on for product packaging "
    words += "infographic text label icon badge ceramic plastic background table all s"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "?", *words.split(), *letters]
    return list(dict.fromkeys([*pieces, *(f"##{c}" for c in letters)]))


def toy_blip(folder: Path, seed: int = 0) -> Path:
    """A BLIP folder: config, safetensors, tokenizer, image processor."""
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    tokens = toy_vocabulary()
    tokens += ["[DEC]", "[ENC]"]
    ids = {token: i for i, token in enumerate(tokens)}
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BlipConfig(
        text_config={
            **size,
            "vocab_size": len(tokens),
            "encoder_hidden_size": 16,
            "projection_dim": 8,
            "max_position_embeddings": 64,
            "bos_token_id": ids["[DEC]"],
            "eos_token_id": ids["[SEP]"],
            "sep_token_id": ids["[SEP]"],
            "pad_token_id": 0,
        },
        vision_config={**size, "image_size": 32, "patch_size": 8, "projection_dim": 8},
        projection_dim=8,
        image_text_hidden_size=8,
    )
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(config).eval()
    model.save_pretrained(folder)
    vocabulary = folder / "toy-vocab.txt"
    vocabulary.write_text("\n".join(tokens))
    tokenizer = BertTokenizer(vocab=ids, bos_token="[DEC]", additional_special_tokens=["[ENC]"])
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    vocabulary.unlink()
    return folder


def toy_clip(folder: Path, seed: int = 0) -> Path:
    """A CLIP folder: config, safetensors, byte-pair tokenizer of single letters, image processor."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    letters = [chr(c) for c in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    ids = {piece: i for i, piece in enumerate(pieces)}
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={
            **size,
            "vocab_size": len(pieces),
            "max_position_embeddings": 77,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 1,
        },
        vision_config={**size, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    torch.manual_seed(seed)
    CLIPModel(config).eval().save_pretrained(folder)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(processor, CLIPTokenizer(vocab=ids, merges=[])).save_pretrained(folder)
    return folder


def toy_grounding_dino(folder: Path, seed: int = 0) -> Path:
    """A GroundingDINO folder: Swin backbone, BERT text encoder, deformable encoder and decoder, one layer each."""
    from transformers import (
        BertTokenizer,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        SwinConfig,
    )

    tokens = toy_vocabulary()
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64,
            patch_size=4,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={
            "model_type": "bert",
            "vocab_size": len(tokens),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 256,
        },
        num_queries=30,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_feature_levels=4,
    )
    torch.manual_seed(seed)
    model = GroundingDinoForObjectDetection(config).eval()
    for name, parameter in model.named_parameters():
        if "bbox_embed" in name and parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(tokens)})
    processor = GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    GroundingDinoProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


def toy_inpainting(folder: Path, seed: int = 0, suspects_all: bool = False) -> Path:
    """A diffusers folder of a Stable Diffusion inpainting pipeline, with the published parts: U-Net of nine channels,
    VAE, CLIP text encoder and tokenizer, PNDM scheduler, safety checker (which suspects all pictures, or none)."""
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = [chr(c) for c in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=9,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    vae = AutoencoderKL(
        block_out_channels=[8, 8, 8, 8],
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=64,
    )
    text = CLIPTextModel(
        CLIPTextConfig(**size, vocab_size=len(pieces), max_position_embeddings=77, bos_token_id=0, eos_token_id=1)
    )
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(
            text_config={**size, "vocab_size": 9},
            vision_config={**size, "image_size": 32, "patch_size": 8},
            projection_dim=12,
        )
    )
    for name in ("concept_embeds_weights", "special_care_embeds_weights"):
        getattr(checker, name).data.fill_(-2.0 if suspects_all else 2.0)
    pipeline = StableDiffusionInpaintPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=CLIPTokenizer(vocab={p: i for i, p in enumerate(pieces)}, merges=[], model_max_length=77),
        unet=unet,
        scheduler=PNDMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
        ),
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )
    pipeline.save_pretrained(folder)
    return folder


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

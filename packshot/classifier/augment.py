"""Augmentation of training batches: picture, text mask and logits are turned, flipped and cropped together."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from packshot.classifier.feature_set import FeatureSet

Batch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training photo may be changed. `crop`: the most that is cut off a side's length, and the same again
    to shift; `colour`: the most that brightness, contrast and each channel's gain change; `unread`: the share of photos
    of whose text a part is taken as not found, as small or odd print is; `dull`: the share that is blurred or noisy."""

    flip: bool = True
    upside_down: bool = False
    quarter_turns: bool = False
    degrees: float = 6.0
    crop: float = 0.12
    colour: float = 0.2
    unread: float = 0.15
    dull: float = 0.2


def to_tensors(features: FeatureSet, rows: np.ndarray) -> Batch:
    """image, text_mask, sam_logits of some rows: float32 (n, 3, side, side)."""

    def scaled(values: np.ndarray, scale: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(values).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
        return tensor * torch.from_numpy(np.ascontiguousarray(scale, np.float32)).reshape(len(values), -1, 1, 1)

    return (
        scaled(features.image[rows], np.full(len(rows), 1 / 255)),
        scaled(features.text_mask[rows], features.text_scale[rows]),
        scaled(features.logits[rows], features.logits_scale[rows]),
    )


def augment(batch: Batch, settings: Augmentation, generator: torch.Generator) -> Batch:
    """The same batch, changed at random: one affine map a photo for all three inputs, edges repeated outwards; then
    the picture's colours and sharpness, and what was found of the text."""
    n = len(batch[0])
    theta = _affine_maps(n, settings, generator)
    picture, text, logits = (
        F.grid_sample(
            x, F.affine_grid(theta, list(x.shape), align_corners=False), padding_mode="border", align_corners=False
        )
        for x in batch
    )
    picture = _dulled(_jitter(picture, settings.colour, generator), settings.dull, generator)
    return picture, _partly_unread(text, settings.unread, generator), logits


def _affine_maps(n: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """float (n, 2, 3): where in the old picture each pixel of the new one is looked up, in units of half a side."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=generator)

    def coin(wanted: bool) -> Tensor:
        return torch.where(torch.rand(n, generator=generator) < 0.5 * wanted, -1.0, 1.0)

    turns = torch.randint(4, (n,), generator=generator) * settings.quarter_turns
    angle = turns * (torch.pi / 2) + torch.deg2rad(uniform(-settings.degrees, settings.degrees))
    zoom = 1 - uniform(0, settings.crop)
    mirror_x, mirror_y = coin(settings.flip), coin(settings.upside_down)
    rows = [
        torch.stack([angle.cos() * zoom * mirror_x, -angle.sin() * zoom, uniform(-1, 1) * settings.crop / 2], dim=1),
        torch.stack([angle.sin() * zoom * mirror_x, angle.cos() * zoom, uniform(-1, 1) * settings.crop / 2], dim=1),
    ]
    theta = torch.stack(rows, dim=1)
    theta[:, :, 1] *= mirror_y[:, None]
    return theta


def _jitter(picture: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and a cast of colour, kept in [0, 1]."""
    n = len(picture)

    def change(channels: int) -> Tensor:
        return strength * (2 * torch.rand((n, channels, 1, 1), generator=generator) - 1)

    mean = picture.mean(dim=(1, 2, 3), keepdim=True)
    picture = (picture - mean) * (1 + change(1)) + mean
    return (picture * (1 + change(1)) * (1 + change(3) / 3)).clamp(0, 1)


def _dulled(picture: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Some photos softened, and with noise, to different degrees."""
    n = len(picture)
    strength = torch.rand((n, 1, 1, 1), generator=generator) * (torch.rand((n, 1, 1, 1), generator=generator) < share)
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.randn(picture.shape, generator=generator)
    return (picture + (soft - picture) * strength + 0.04 * strength * noise).clamp(0, 1)


def _partly_unread(text: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Of some photos the text in about half of a coarse grid's cells is lost."""
    n, _, height, width = text.shape
    kept = (torch.rand((n, 1, 4, 4), generator=generator) < 0.5).float()
    kept = torch.maximum(kept, (torch.rand((n, 1, 1, 1), generator=generator) >= share).float())
    return text * F.interpolate(kept, (height, width), mode="nearest")

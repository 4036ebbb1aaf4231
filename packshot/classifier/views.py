"""A photo is judged by several views of it, which are averaged: whole and a little closer, and their mirror images
where the network learnt from such.

An error that the network makes on one of them, it often does not make on the others (K. Simonyan, A. Zisserman, "Very
deep convolutional networks for large-scale image recognition", ICLR 2015, section 3.2).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from packshot.classifier.augment import Batch
from packshot.classifier.model import ThreeInputNet

CLOSER = 0.94
"""The share of each side that the closer views see."""
_AIMS = ((0.0, 0.0), (-1.0, -1.0), (1.0, 1.0))
"""Where the closer views look, in units of what they leave out: the centre, and two corners."""


def views_of(batch: Batch, mirrored: bool) -> list[Batch]:
    """Four views, or eight with the mirror images; the batch itself comes first, and each view shows the same part of
    picture, text mask and logits."""
    shown = [batch, *(tuple(_closer(x, *aim) for x in batch) for aim in _AIMS)]
    if not mirrored:
        return shown
    return [view for one in shown for view in (one, tuple(x.flip(3) for x in one))]


def averaged_log_probabilities(model: ThreeInputNet, batch: Batch, mirrored: bool) -> Tensor:
    """float64 (n, classes): the mean over the views of the logarithms of their probabilities."""
    image, text_mask, sam_logits = batch
    views = views_of((image, text_mask, model.pooled(sam_logits)), mirrored)
    # One after the other: arrays of all views together are so large that making them takes longer than computing.
    return torch.stack([torch.log_softmax(model(*view).double(), dim=1) for view in views]).mean(dim=0)


def _closer(x: Tensor, right: float, down: float) -> Tensor:
    left_out = 1 - CLOSER
    theta = x.new_tensor([[CLOSER, 0, right * left_out], [0, CLOSER, down * left_out]]).expand(len(x), 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

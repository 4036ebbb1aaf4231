"""The three-input residual network, in PyTorch, with Keras' counts and conventions.

The method was published with Keras; to be the same network, every convolution here has a bias (a separable one only
after its pointwise half), strided layers pad as Keras' "same" does, batch normalisation uses Keras' eps, and
weights start as Keras starts them (Glorot uniform, zero biases).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from packshot.errors import SettingError

IMAGE_SIZE = 64
LOGITS_SIZE = 256
BLOCK_SIZES = (16, 32, 64, 128, 256, 512, 728)


class ParameterCounts(NamedTuple):
    """Counted as Keras does: the running means and variances of batch normalisation are parameters that are not
    trained."""

    total: int
    trainable: int


class ThreeInputNet(nn.Module):
    """Picture, text mask and segmentation logits to class logits.

    `pool_logits_first` averages the 256×256 logits to 64×64 before their convolutions instead of max-pooling after
    them. The parameters are the same in number and shape, and a CPU is several times as fast; but they are other
    weights: those trained with one setting are not good with the other.
    """

    def __init__(self, n_classes: int, *, pool_logits_first: bool = False, dropout: float = 0.5):
        super().__init__()
        if n_classes < 2:
            raise SettingError(f"the classifier needs at least 2 classes, not {n_classes}")
        self.n_classes = n_classes
        self.pool_logits_first = pool_logits_first
        self.image_stem = _conv_bn_relu(3, 32, 3)
        self.text_stem = _conv_bn_relu(3, 32, 3)
        self.joint_stem = _conv_bn_relu(64, 128, 3)
        self.logits_stem = _conv_bn_relu(3, 128, 3)
        self.logits_mix = _conv_bn_relu(128, 128, 1)
        sizes_in = (256, *BLOCK_SIZES[:-1])
        self.blocks = nn.Sequential(*(ResidualBlock(i, o) for i, o in zip(sizes_in, BLOCK_SIZES, strict=True)))
        self.exit = nn.Sequential(SeparableConv(BLOCK_SIZES[-1], 1024), _batch_norm(1024), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(1024, n_classes)
        self.apply(_initialise_as_keras)

    def forward(self, image: Tensor, text_mask: Tensor, sam_logits: Tensor) -> Tensor:
        """Class logits, float (n, classes); softmax of them is the prediction.

        `image` float (n, 3, 64, 64) in [0, 1]; `text_mask` float (n, 3, 64, 64) >= 0; `sam_logits` float (n, 3,
        256, 256), or already averaged to (n, 3, 64, 64) where the network pools them first. A `SettingError` states
        the shape that does not fit.
        """
        self._check(image, text_mask, sam_logits)
        joint = self.joint_stem(torch.cat([self.image_stem(image), self.text_stem(text_mask)], dim=1))
        sam_logits = self.pooled(sam_logits)
        if self.pool_logits_first:
            segments = self.logits_mix(self.logits_stem(sam_logits))
        else:
            segments = F.max_pool2d(self.logits_mix(F.max_pool2d(self.logits_stem(sam_logits), 2)), 2)
        maps = self.exit(self.blocks(torch.cat([joint, segments], dim=1)))
        return self.head(self.dropout(maps.mean(dim=(2, 3))))

    def pooled(self, sam_logits: Tensor) -> Tensor:
        """The logits as they enter the first convolution: averaged to 64×64 where the network pools them first."""
        if self.pool_logits_first and sam_logits.shape[-1] == LOGITS_SIZE:
            return F.avg_pool2d(sam_logits, LOGITS_SIZE // IMAGE_SIZE)
        return sam_logits

    def _check(self, image: Tensor, text_mask: Tensor, sam_logits: Tensor) -> None:
        small, large = (3, IMAGE_SIZE, IMAGE_SIZE), (3, LOGITS_SIZE, LOGITS_SIZE)
        allowed = {
            "image": (image, {small}),
            "text_mask": (text_mask, {small}),
            "sam_logits": (sam_logits, {small, large} if self.pool_logits_first else {large}),
        }
        for name, (tensor, shapes) in allowed.items():
            if tensor.ndim != 4 or tuple(tensor.shape[1:]) not in shapes or len(tensor) != len(image):
                wanted = " or ".join(str((len(image), *s)) for s in sorted(shapes))
                raise SettingError(f"{name} has shape {tuple(tensor.shape)}; the network takes {wanted}")

    def parameter_counts(self) -> ParameterCounts:
        trainable = sum(p.numel() for p in self.parameters())
        running = sum(b.numel() for name, b in self.named_buffers() if name.endswith(("running_mean", "running_var")))
        return ParameterCounts(trainable + running, trainable)


class ResidualBlock(nn.Module):
    """[ReLU → separable conv 3×3 → BN] twice → max-pool 3×3 stride 2, plus a 1×1 stride-2 convolution of the input
    (the middle of Xception, Chollet 2017)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),
            SeparableConv(channels_in, channels_out),
            _batch_norm(channels_out),
            nn.ReLU(),
            SeparableConv(channels_out, channels_out),
            _batch_norm(channels_out),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return _max_pool_same(self.body(x)) + self.shortcut(x)


class SeparableConv(nn.Module):
    """Depthwise 3×3 without bias, then pointwise 1×1 with bias: Keras' SeparableConv2D."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


def _max_pool_same(x: Tensor) -> Tensor:
    """3×3 max-pool of stride 2 with Keras' "same" padding: an even side is padded at its end only, an odd one at
    both."""
    pads = []
    for side in (x.shape[3], x.shape[2]):
        total = (-(-side // 2) - 1) * 2 + 3 - side
        pads += [total // 2, total - total // 2]
    return F.max_pool2d(F.pad(x, pads, value=float("-inf")), 3, stride=2)


def _conv_bn_relu(channels_in: int, channels_out: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    return nn.Sequential(conv, _batch_norm(channels_out), nn.ReLU())


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    # Keras' default of 0.99 (here 0.01) takes hundreds of steps to catch up with a network that still learns. An epoch
    # of a few thousand photos has about a hundred, so that validation would measure the averages' lag, and stop early.
    # (Keras' momentum is the share of the old value, PyTorch's the share of the new one.)
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)


def _initialise_as_keras(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            # Keras counts a depthwise kernel (3, 3, channels, 1) as `channels` inputs and one output a tap.
            bound = (6 / (9 * (module.in_channels + 1))) ** 0.5
            nn.init.uniform_(module.weight, -bound, bound)
        else:
            nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)

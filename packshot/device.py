"""Where models run: device, precision, how many photos at once, and which models stay on a GPU that is short of memory.

Importing this module loads no torch; its functions do.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field

from packshot.engines.base import EngineParams
from packshot.errors import SettingError

if TYPE_CHECKING:
    import torch

T, R = TypeVar("T"), TypeVar("R")
_log = logging.getLogger(__name__)


class DeviceParams(EngineParams):
    """What every engine with a neural network lets a profile choose. `precision` changes results, the rest does not."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: a GPU where there is one")
    precision: Literal["float32", "float16", "bfloat16"] = Field(
        "float32", description="of the network; a CPU rounds the weights to it and works in float32"
    )
    batch: int = Field(8, ge=1, le=256, description="photos that the network takes at once; halved when memory is out")
    max_vram_gb: float = Field(
        0,
        ge=0,
        description="GB for weights, not for work; models beyond it leave the GPU between stages; 0: all stay",
    )

    operational = frozenset({"device", "batch", "max_vram_gb"})


def choose_device(wanted: str = "auto") -> "torch.device":
    """The device that `wanted` means here. Raises `SettingError` where it is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, is_there in there.items() if is_there))
    if not there[wanted]:
        raise SettingError(f"device = {wanted!r}, but PyTorch finds none on this machine; choose auto or cpu")
    return torch.device(wanted)


def compute_dtype(precision: str, device: "torch.device") -> "torch.dtype":
    """The dtype to compute in: `precision` on a GPU, float32 on a CPU, where half precision is slower still."""
    import torch

    return torch.float32 if device.type == "cpu" else getattr(torch, precision)


def place_weights(module: "torch.nn.Module", params: DeviceParams, device: "torch.device") -> "torch.nn.Module":
    """Round the weights to the profile's precision, in evaluation mode; still on the CPU until `Residents` moves it."""
    import torch

    module = module.eval().requires_grad_(False)
    if params.precision != "float32":
        module = module.to(getattr(torch, params.precision)).to(compute_dtype(params.precision, device))
    return module


class ModelBatch:
    """How many photos the network takes at once: halved on out-of-memory, and remembered."""

    def __init__(self, size: int):
        self.size = size

    def map(self, function: Callable[[list[T]], Sequence[R]], items: Sequence[T]) -> list[R]:
        """Apply `function` to the items in groups. Out of memory with one item alone is raised."""
        import torch

        results: list[R] = []
        while len(results) < len(items):
            group = list(items[len(results) : len(results) + self.size])
            try:
                results += function(group)
            except (torch.OutOfMemoryError, MemoryError):
                if len(group) == 1:
                    raise
                self.size = max(1, len(group) // 2)
                _log.warning("out of memory with %d photos at once; going on with %d", len(group), self.size)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        return results


class Residents:
    """The models on one device. When their weights pass the limit, those used longest ago go back to the CPU."""

    def __init__(self, home: "torch.device | str" = "cpu"):
        self._home = home
        self._there: OrderedDict[int, tuple[Any, int]] = OrderedDict()

    @contextmanager
    def using(self, modules: Sequence[Any], device: "torch.device", max_vram_gb: float = 0) -> Iterator[None]:
        """Have `modules` on `device` for as long as the block runs; others make room first."""
        wanted = {id(module): module for module in modules}
        need = sum(weights_bytes(module) for key, module in wanted.items() if key not in self._there)
        if max_vram_gb:
            idle = [key for key in self._there if key not in wanted]
            while idle and self.bytes_held + need > max_vram_gb * 2**30:
                module, _ = self._there.pop(idle.pop(0))
                module.to(self._home)
        for key, module in wanted.items():
            if key not in self._there:
                module.to(device)
                self._there[key] = (module, weights_bytes(module))
            self._there.move_to_end(key)
        yield

    @property
    def bytes_held(self) -> int:
        return sum(size for _, size in self._there.values())


residents = Residents()
"""This process's models."""


def weights_bytes(module: Any) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))


class CpuNotice:
    """Says once, from a real photo's time, how slowly a stage runs where there is no GPU."""

    def __init__(self, stage: str, device: "torch.device"):
        self._stage = stage
        self._due = device.type == "cpu"

    @contextmanager
    def over(self, photos: int) -> Iterator[None]:
        started = time.perf_counter()
        yield
        if self._due and photos:
            self._due = False
            each = (time.perf_counter() - started) / photos
            _log.warning(
                "stage %s runs on the CPU: the first %d took %.2f s each, so 1,000 photos take about %.1f hours; "
                "a GPU is meant for profile full",
                self._stage,
                photos,
                each,
                each / 3.6,
            )

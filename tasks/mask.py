"""mask: cut the product out."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def mask(batch: BatchRef) -> dict[str, Any]:
    """Leaves the cutout: RGBA at the photo's own size."""
    return work("mask", batch)

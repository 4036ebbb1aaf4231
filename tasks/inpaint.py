"""inpaint: place the product on a background that follows the prompt."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def inpaint(batch: BatchRef) -> dict[str, Any]:
    """Leaves the placed photo; the product's pixels are the original ones."""
    return work("inpaint", batch)

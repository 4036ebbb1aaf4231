"""detect: find the product, and the overlays that are not part of it."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def detect(batch: BatchRef) -> dict[str, Any]:
    """Leaves boxes; a photo without a product ends as no_product."""
    return work("detect", batch)

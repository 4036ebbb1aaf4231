"""segment: three masks of each photo, with scores and logits."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def segment(batch: BatchRef) -> dict[str, Any]:
    """Leaves SAM-shaped masks that classify, caption, detect and mask read."""
    return work("segment", batch)

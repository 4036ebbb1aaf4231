"""repair: take the overlays out of the photo itself."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def repair(batch: BatchRef) -> dict[str, Any]:
    """Leaves the photo without its overlays."""
    return work("repair", batch)

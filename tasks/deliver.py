"""deliver: what is handed out: the product on white."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def deliver(batch: BatchRef) -> dict[str, Any]:
    """Leaves the white-background version."""
    return work("deliver", batch)

"""ocr: find and read the writing in each photo."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def ocr(batch: BatchRef) -> dict[str, Any]:
    """Leaves text boxes with confidences."""
    return work("ocr", batch)

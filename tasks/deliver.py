"""deliver: what is handed out: a file that follows a preset's rules."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def deliver(batch: BatchRef) -> dict[str, Any]:
    """Leaves the file, of white background or from what inpaint placed, as the preset has it."""
    return work("deliver", batch)

"""classify: the verdict on each photo's infographics and background."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def classify(batch: BatchRef) -> dict[str, Any]:
    """Leaves six probabilities."""
    return work("classify", batch)

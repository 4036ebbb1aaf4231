"""caption: say what each photo shows."""

from typing import Any

from packshot.records import BatchRef
from tasks._policy import batch_task, work


@batch_task
def caption(batch: BatchRef) -> dict[str, Any]:
    """Leaves a sentence, and the noun phrases that detection asks for."""
    return work("caption", batch)

"""fetch: get each photo's bytes, once, and make sure that they are a picture."""

from typing import Any

from packshot.fetch_stage import fetch_batch
from packshot.records import BatchRef
from packshot.run import open_run
from tasks._policy import batch_task, settle


@batch_task
def fetch(batch: BatchRef) -> dict[str, Any]:
    """Leaves the verified bytes under their digest, and for each URL what came of it."""
    return settle(fetch_batch(open_run(batch.store, batch.run_id), batch))

"""Fetch a shard's photos, on a worker without a GPU, so that the shard does not wait for the network there."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.names import shard_run_name
from packshot.records import Outcome
from packshot.run import open_run
from packshot.stages import FETCH
from tasks._heartbeat import heartbeat
from tasks._policy import Dag
from tasks.fetch import fetch


@flow(name="fetch-shard", flow_run_name=shard_run_name, validate_parameters=False)
def fetch_shard(
    store: str, run_id: str, shard: int, retries: int = 1, retry_delay_seconds: float = 5.0
) -> State[dict[str, Any]]:
    """Fetch what is pending of one shard. Photos that fail are left to process-shard, which tries them again."""
    run = open_run(store, run_id)
    with heartbeat(run.store):
        for batch in run.batches(shard):
            Dag(run, batch, retries, retry_delay_seconds)(fetch)
    rows = run.ledger(shard).rows(FETCH).values()
    failed = sum(row.outcome is Outcome.FAILED for row in rows)
    message = f"shard {shard}: {len(rows) - failed} photos fetched, {failed} failed"
    return Completed(message=message, data={"photos": len(rows), "failed": failed})

"""Fetch a shard's photos, on a worker without a GPU, so that the shard does not wait for the network there."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.names import shard_run_name
from flows.shard_parameters import ShardParameters
from packshot.records import Outcome
from packshot.run import open_run
from packshot.stages import FETCH
from tasks._heartbeat import heartbeat
from tasks._policy import Dag
from tasks.fetch import fetch


@flow(name="fetch-shard", flow_run_name=shard_run_name)
def fetch_shard(parameters: ShardParameters) -> State[dict[str, Any]]:
    """Fetch what is pending of one shard. Photos that fail are left to process-shard, which tries them again."""
    run, shard = open_run(parameters.store, parameters.run_id), parameters.shard
    with heartbeat(run.store):
        for batch in run.batches(shard):
            Dag(run, batch, parameters.retries, parameters.retry_delay_seconds)(fetch)
    rows = run.ledger(shard).rows(FETCH).values()
    failed = sum(row.outcome is Outcome.FAILED for row in rows)
    message = f"shard {shard}: {len(rows) - failed} photos fetched, {failed} failed"
    return Completed(message=message, data={"photos": len(rows), "failed": failed})

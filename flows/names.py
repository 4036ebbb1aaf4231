"""Names of flow runs as people see them in Prefect's UI."""

from prefect.runtime import flow_run

from flows.shard_parameters import ShardParameters
from packshot.run import open_run


def shard_run_name() -> str:
    """`process-shard · spring-sale · shard 003 · 2,048 photos`."""
    asked = ShardParameters.model_validate(flow_run.parameters["parameters"])
    run = open_run(asked.store, asked.run_id)
    photos = len(run.shard(asked.shard)[0])
    return f"{flow_run.flow_name} · {run.spec.name} · shard {asked.shard:03d} · {photos:,} photos"

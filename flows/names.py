"""Names of flow runs as people see them in Prefect's UI."""

from prefect.runtime import flow_run

from packshot.run import open_run


def shard_run_name() -> str:
    """`process-shard · spring-sale · shard 003 · 2,048 photos`."""
    parameters = flow_run.parameters
    run = open_run(parameters["store"], parameters["run_id"])
    photos = len(run.shard(parameters["shard"])[0])
    return f"{flow_run.flow_name} · {run.spec.name} · shard {parameters['shard']:03d} · {photos:,} photos"

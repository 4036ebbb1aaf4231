"""What Prefect's UI shows of a run: its name and tags while it works, and a page with what came of it."""

import re
from typing import Any

from prefect import get_client, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.runtime import flow_run

from packshot.report.summary import headline, summary_markdown
from packshot.run import Run


def show_run(run: Run, photos: int, flow: str = "process-catalogue") -> None:
    """Name the flow run after the run, `process-catalogue · spring-sale · 12,288 photos`, and tag it."""
    if not flow_run.id:
        return
    try:
        with get_client(sync_client=True) as client:
            found = client.read_flow_run(flow_run.id)
            tags = {*found.tags, run.spec.run_id, run.spec.profile.name, *run.spec.steps}
            client.update_flow_run(found.id, name=f"{flow} · {run.spec.name} · {photos:,} photos", tags=sorted(tags))
    except Exception as error:  # a name is not worth a run
        get_run_logger().warning("the flow run could not be named: %s", error)


def show_summary(run: Run, summary: dict[str, Any], wall_seconds: float) -> None:
    """The run's page, under Artifacts and in the flow run."""
    try:
        create_markdown_artifact(
            summary_markdown(run, summary, wall_seconds),
            key=_key(run.spec.run_id),
            description=headline(summary),
        )
    except Exception as error:  # a page is not worth a run; run.json and the report hold the same
        get_run_logger().warning("the summary could not be shown: %s", error)


def forget_pages(run_ids: list[str]) -> None:
    """Remove the pages of some runs, thumbnails and all. Raises where the server cannot be reached."""
    keys = {_key(run_id) for run_id in run_ids}
    with get_client(sync_client=True) as client:
        for key in keys:
            wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
            for page in client.read_artifacts(artifact_filter=wanted):
                client.delete_artifact(page.id)


def _key(run_id: str) -> str:
    return f"run-{re.sub(r'[^a-z0-9-]+', '-', run_id.lower())}"

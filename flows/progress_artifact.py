"""Progress of a run as a percentage in the Prefect UI. Losing an update loses nothing else."""

import time
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

INTERVAL_SECONDS = 10.0


class ProgressArtifact:
    """Updated at most every ten seconds and at the end: an update costs the server as much as a task run's state."""

    def __init__(self, description: str):
        self._description = description
        self._id: UUID | None = None
        self._last = float("-inf")

    def update(self, done: int, total: int) -> None:
        """`done` of `total` parts are done."""
        now = time.monotonic()
        if done < total and now - self._last < INTERVAL_SECONDS:
            return
        self._last = now
        percent = round(100 * done / max(1, total), 1)
        try:
            if self._id is None:
                self._id = create_progress_artifact(progress=percent, description=self._description)
            else:
                update_progress_artifact(self._id, progress=percent)
        except Exception as error:  # the server is away: the work goes on
            get_run_logger().debug("progress could not be shown: %s", error)

"""Trainings and evaluations as the store knows them: `trainings/<id>/job.json` and `evaluations/<id>/job.json`.

A job's id is its name and UTC time, like a run's; the same command again goes on with the latest unfinished equal job.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packshot.errors import SettingError
from packshot.run import DONE, RUNNING, new_run_id
from packshot.store import Store

TRAININGS, EVALUATIONS = "trainings", "evaluations"


@dataclass(slots=True)
class Job:
    """A training or an evaluation. `record` is what job.json holds: `status`, `created_at`, `asked` (what must be equal
    for the same command to go on with it), `run_id` (the run whose photos it takes), and what came of it."""

    store: Store
    kind: str
    id: str
    record: dict[str, Any]

    @property
    def prefix(self) -> str:
        return f"{self.kind}/{self.id}"

    @property
    def run_id(self) -> str:
        return self.record["run_id"]

    def update(self, **facts: Any) -> None:
        self.record |= facts
        data = json.dumps(self.record, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        self.store.put(f"{self.prefix}/job.json", data)


def begin_job(
    store: Store, kind: str, name: str, asked: dict[str, Any], resume: bool | None = None, run_id: str | None = None
) -> Job:
    """Go on with the latest unfinished job that was asked the same, or begin a new one over the photos of `run_id` (by
    default a run of its own, named like the job).

    `resume` True insists on a job to go on with, also a finished one, and raises `SettingError` where there is none;
    False always begins a new one.
    """
    asked = json.loads(json.dumps(asked))
    if resume is not False:
        for job_id in reversed(list_jobs(store, kind)):
            found = open_job(store, kind, job_id)
            if found.record["asked"] == asked and (resume or found.record["status"] != DONE):
                return found
        if resume:
            raise SettingError(f"there are no earlier {kind} of this source with equal settings to go on with")
    job_id = new_run_id(name)
    job = Job(store, kind, job_id, {})
    created = datetime.now(UTC).isoformat(timespec="seconds")
    job.update(status=RUNNING, created_at=created, run_id=run_id or job_id, asked=asked)
    return job


def open_job(store: Store, kind: str, job_id: str) -> Job:
    data = store.get(f"{kind}/{job_id}/job.json")
    if data is None:
        raise SettingError(f"there is no {kind}/{job_id} in the store {store.url}")
    return Job(store, kind, job_id, json.loads(data))


def list_jobs(store: Store, kind: str) -> list[str]:
    """Ids of the trainings or evaluations in a store, oldest first."""
    found = sorted(store.children(f"{kind}/"), key=lambda job_id: job_id.rsplit("-", 1)[-1])
    there = store.existing(f"{kind}/{job_id}/job.json" for job_id in found)
    return [job_id for job_id in found if f"{kind}/{job_id}/job.json" in there]


def forget_pages(store: Store, run_ids: set[str]) -> None:
    """Remove the pages and pictures of all jobs that took photos of some runs: they may show a photo that is to go."""
    for kind in (TRAININGS, EVALUATIONS):
        for job_id in list_jobs(store, kind):
            job = open_job(store, kind, job_id)
            if job.run_id in run_ids:
                store.delete_all(f"{job.prefix}/report/")

"""Trying failed photos again: which failures of a run are taken back, so that running it again works on them.

A failure that may pass is tried again anyway when its run goes on. A final one is kept in the store like an artifact;
taking it back removes what is kept and marks its ledger row as one that may pass. Attempts go on counting.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from packshot.errors import ErrorCode, SettingError
from packshot.fetch_stage import record_key
from packshot.records import LedgerRow, Outcome, Photo
from packshot.run import DONE, TO_RETRY, Run, list_runs, open_run
from packshot.shard import failure_code
from packshot.stage import failed_key
from packshot.stages import FETCH
from packshot.store import Store


@dataclass(frozen=True)
class Choice:
    """Which failures to try again. Without codes, those that may pass; with codes, these, final or not."""

    codes: tuple[str, ...] = ()
    max_attempts: int | None = None

    def __post_init__(self) -> None:
        known = {code.value for code in ErrorCode}
        for code in self.codes:
            if code not in known and not re.fullmatch(r"http_4\d\d", code):
                names = ", ".join(sorted(known))
                raise SettingError(f"there is no error code {code!r}; there is: http_404 (or any 4xx), {names}")

    def takes(self, row: LedgerRow) -> bool:
        """Whether this failure is to be tried again."""
        if row.outcome is not Outcome.FAILED or (self.max_attempts and row.attempts >= self.max_attempts):
            return False
        return bool({row.code, failure_code(row)} & set(self.codes)) if self.codes else row.retryable


@dataclass(slots=True)
class TakenBack:
    """What will be tried again: photos by `stage:code`, and the shards in which they are."""

    codes: Counter[str] = field(default_factory=Counter)
    shards: list[int] = field(default_factory=list)

    @property
    def photos(self) -> int:
        return sum(self.codes.values())


def take_back(run: Run, choice: Choice, dry_run: bool = False) -> TakenBack:
    """Make a run's chosen failures pending again. Returns what was chosen; with `dry_run` nothing is changed."""
    plan = run.read_json("plan.json")
    if plan is None:
        raise SettingError(f"run {run.spec.run_id} has not read its catalogue yet: start it again instead")
    taken = TakenBack()
    for number in range(plan["shards"]):
        run.reload()  # another process may have worked on it
        photos, ledger = run.shard(number)
        by_id = {photo.photo_id: photo for photo in photos}
        rows = [row for name in run.stages for row in ledger.rows(name).values() if choice.takes(row)]
        if not rows:
            continue
        taken.shards.append(number)
        taken.codes.update(f"{row.stage}:{failure_code(row)}" for row in rows)
        final = [row for row in rows if not ErrorCode(row.code or "").retryable]
        if dry_run:
            continue
        # The record in the store goes last: killed in between, the same call takes the rest back.
        for row in final:
            row.retryable = True
        ledger.append_shard(rows)
        ledger.compact()
        run.store.delete([f"{run.prefix}/shards/{number:05d}.json"])
        run.store.delete(key for row in final for key in _kept(run, row, by_id[row.photo_id]))
    run.reload()
    if taken.photos and not dry_run:
        record = run.read_json("run.json")
        if record["status"] == DONE:
            run.write_json("run.json", record | {"status": TO_RETRY})
    return taken


def runs_with_failures(store: Store, days: float | None, now: datetime | None = None) -> list[Run]:
    """Runs of the last `days` that came to an end with failures, oldest first."""
    since = (now or datetime.now(UTC)) - timedelta(days=days) if days is not None else None
    found = []
    for run_id in list_runs(store):
        record = json.loads(store.get(f"runs/{run_id}/run.json") or b"{}")
        if not record.get("summary", {}).get("outcomes", {}).get("failed"):
            continue
        if since is None or datetime.fromisoformat(record["spec"]["created_at"]) >= since:
            found.append(open_run(store.url, run_id))
    return found


def _kept(run: Run, row: LedgerRow, photo: Photo) -> Iterable[str]:
    """Where the store remembers a final failure."""
    if row.stage == FETCH:
        return [record_key(photo.url)]
    return [failed_key(run, run.stage(row.stage), row.digest or "", photo)]

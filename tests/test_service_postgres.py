"""The service on PostgreSQL, with its automations; skipped only where PostgreSQL is not installed."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pictures import write_pictures
from prefect.automations import Automation

from benchmarks.nothing import PROFILE
from benchmarks.service_postgres import PASSWORD, postgres, postgres_bin
from benchmarks.service_stack import Service, service

pytestmark = pytest.mark.skipif(postgres_bin() is None, reason="PostgreSQL is not installed (apt: postgresql)")
PHOTOS = 20


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("service") / "home"
    with postgres() as url:
        quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PACKSHOT_GPUS": "2"}
        with service(home, PREFECT_SERVER_DATABASE_CONNECTION_URL=url, **quick) as running:
            yield running


def test_a_catalogue_on_postgresql_with_automations(up: Service, tmp_path: Path) -> None:
    source = str(write_pictures(tmp_path / "photos", PHOTOS))
    facts = {"source": source, "profile": str(PROFILE), "shard_size": 10, "batch_size": 5, "shards_in_flight": 2}
    ended = up.run("process-catalogue/on-demand", {"parameters": facts}, 120)
    assert ended.state and ended.state.name == "Completed", ended.state
    assert ended.state.message == f"all {PHOTOS} photos are settled"
    assert not (up.folder / "prefect/prefect.db").exists(), "SQLite was used"
    for name in ("packshot: no heartbeat", "packshot: stuck in Pending"):
        assert Automation.read(name=name).enabled
    time.sleep(2)  # what the server has queued
    log = (up.folder / "log/prefect-server.log").read_text()
    for trouble in ("OperationalError", "deadlock", "DBAPIError", "TooManyConnections"):
        assert trouble not in log
    for path in (up.folder / "log").iterdir():
        assert PASSWORD not in path.read_text(), path

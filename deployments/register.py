"""Make the server know the service: work pools and queues, deployments, concurrency limits, automations, the sweeper.

`python -m deployments.register`, with PREFECT_API_URL and the password set. Safe to repeat: it updates what is there.
"""

import os
import subprocess
import sys

from prefect import get_client
from prefect.client.schemas.actions import (
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.automations import register_automations
from deployments.home import ROOT
from deployments.programs import gpus

QUEUES = {"cpu": {"runs": 2, "fetch": 3, "sweep": 1}, "gpu": {}}
"""Queues of the pools with their priorities: the sweeper never waits behind work."""
FETCHES_AT_A_TIME = 2


def register() -> None:
    """Register everything on the server that PREFECT_API_URL names."""
    with get_client(sync_client=True) as client:
        for pool, queues in QUEUES.items():
            try:
                client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
            except ObjectAlreadyExists:
                pass
            for queue, priority in queues.items():
                limit = FETCHES_AT_A_TIME if queue == "fetch" else None
                try:
                    client.read_work_queue_by_name(queue, work_pool_name=pool)
                except ObjectNotFound:
                    client.create_work_queue(
                        name=queue, work_pool_name=pool, priority=priority, concurrency_limit=limit
                    )
        # A shard a GPU; more only wait for the slot. Change it in the UI for another number of machines.
        wanted = int(os.environ.get("PACKSHOT_GPU_POOL_LIMIT", 0)) or gpus(dict(os.environ))
        client.update_work_pool("gpu", WorkPoolUpdate(concurrency_limit=wanted))
    deploy()
    register_automations(float(os.environ.get("PACKSHOT_DEAD_AFTER_SECONDS", "300")), automations_on())


def automations_on() -> bool:
    """PACKSHOT_AUTOMATIONS (on or off); by default where the server has PostgreSQL.

    Each event of a flow run makes the server write to its automations' buckets. On SQLite, which has one writer, that
    was seen to lock the database under load; the sweeper sees deaths a minute later, and costs nothing of the kind.
    """
    url = os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL", "")
    return os.environ.get("PACKSHOT_AUTOMATIONS", "on" if url.startswith("postgresql") else "off") == "on"


def deploy() -> None:
    """`prefect deploy --all`, from the repository's root, where the entrypoints are."""
    variables = {"PACKSHOT_ROOT": str(ROOT), "PACKSHOT_NIGHTLY_SOURCE": "(PACKSHOT_NIGHTLY_SOURCE is not set)"}
    variables["PACKSHOT_NIGHTLY_ACTIVE"] = str("PACKSHOT_NIGHTLY_SOURCE" in os.environ).lower()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    out = subprocess.run(
        [*command, "--prefect-file", "deployments/prefect.yaml"],
        cwd=ROOT,
        env=variables | os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if out.returncode:
        told = f"{out.stdout[:1500]}\n…\n{out.stdout[-1500:]}"
        raise SystemExit(f"prefect deploy failed with exit code {out.returncode}:\n{told}")


if __name__ == "__main__":
    register()

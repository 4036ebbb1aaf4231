"""A sign of life of a flow run, in packshot's store: the sweeper looks for it.

Prefect's own heartbeats are events, and keeping events costs its database five times what the task runs themselves do.
In the store a heartbeat is one small object a flow run, and an outage of Prefect's server does not make a healthy run
look dead.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.runtime import deployment, flow_run

from packshot.errors import PackshotError
from packshot.store import Store

PREFIX = "heartbeats/"
PERIOD_SECONDS = 30.0


@contextmanager
def heartbeat(store: Store, period: float = PERIOD_SECONDS) -> Iterator[None]:
    """Beat for as long as the block runs, from a thread of its own. Only flow runs of deployments do: nobody starts
    another one again."""
    if not deployment.id:
        yield
        return
    key, done = f"{PREFIX}{flow_run.id}.json", threading.Event()

    def beat() -> None:
        while True:
            try:
                store.put(key, json.dumps({"at": time.time()}).encode())
            except PackshotError:
                pass  # the store is away: so it is for the sweeper, which then judges nobody
            if done.wait(period):
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5)
        try:
            store.delete([key])
        except PackshotError:
            pass  # packshot gc removes it


def last_heartbeat(store: Store, flow_run_id: str) -> float | None:
    """Unix time of a flow run's last sign of life; None if there was none. Raises `StoreError` if the store is away."""
    data = store.get(f"{PREFIX}{flow_run_id}.json")
    return json.loads(data)["at"] if data else None

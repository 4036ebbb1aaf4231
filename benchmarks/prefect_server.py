"""A Prefect server of the benchmark's own, with a database that goes with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from flows.local_server import serve


@contextmanager
def prefect_server() -> Iterator[str]:
    """Yield the address of its API."""
    with (
        TemporaryDirectory() as home,
        serve({"PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}) as api,
    ):
        yield api

"""report: the run's gallery page."""

from prefect import task

from packshot.report.page import write_report
from packshot.run import open_run


@task(name="report", task_run_name="report · {run_id}")
def report(store: str, run_id: str) -> str:
    """Write report/index.html and return its key."""
    return write_report(open_run(store, run_id))

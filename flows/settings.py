"""Prefect's settings for a run on this machine. Called before Prefect is imported; what the user has set stays."""

import os


def prepare_prefect(verbose: bool = False) -> None:
    """Quiet logs (the progress display and the summary tell: a batch with a failed photo is no error of the run), no
    telemetry, and time for a first start of the local server."""
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_SERVER_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    os.environ.setdefault("DO_NOT_TRACK", "1")

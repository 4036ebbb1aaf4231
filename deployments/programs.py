"""The programs of the service and their settings, as a configuration of Supervisor (supervisord.org), which starts
them, starts them again when they die, and keeps their logs."""

import os
import sys
from pathlib import Path

from deployments.home import BUCKET, ROOT

BATCHING = {
    # Kept events are most of what a task run costs the server, and nothing here needs them: states and logs are kept
    # elsewhere, automations read the stream. Without them the UI's event feed stays empty.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
}
"""Batching cuts what a task run costs the server from about 55 ms of CPU to 19 ms."""

LOOPS = {
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "30",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT15S",
}
"""The server's own services look around less often than every 5 s: most of what an idle server uses is that."""

MARK = "PACKSHOT_SERVICE"
"""Set in every process of the service, and nowhere else: which service it belongs to."""


def environment(settings: dict[str, str], folder: Path) -> dict[str, str]:
    """What every program runs with; passed through the process environment, so that no file but `env` holds secrets."""
    heartbeat = settings.get("PACKSHOT_HEARTBEAT_SECONDS", "30")
    port, host = settings["PACKSHOT_PORT"], settings["PACKSHOT_HOST"]
    values = os.environ | {
        MARK: str(folder),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_UI_API_URL": settings["PREFECT_API_URL"],
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port},http://localhost:{port}",
        # Kept in memory, leases are gone when the server restarts, and the slots they held are taken for ever.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": heartbeat,
        "PREFECT_WORKER_QUERY_SECONDS": os.environ.get("PREFECT_WORKER_QUERY_SECONDS", "3"),
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",  # not a line for each task that ended well
        "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
        "PREFECT_CLIENT_MAX_RETRIES": "8",  # a server that is away for minutes is waited for
        "PACKSHOT_ROOT": str(ROOT),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return {**values, **BATCHING, **LOOPS, **settings}


def supervisor_config(settings: dict[str, str], folder: Path) -> str:
    """The text of supervisord.conf. Workers are started by `up` once the server knows their pools."""
    python, run = sys.executable, folder / "run"
    prefect = f"{python} -m prefect"
    programs = {
        "prefect-server": (
            f"{prefect} server start --host {settings['PACKSHOT_HOST']} --port {settings['PACKSHOT_PORT']}",
            True,
            "",
        ),
        "worker-cpu": (f"{prefect} worker start --pool cpu --type process --name cpu-{_host()}", False, ""),
    }
    for gpu in range(gpus(settings)):
        slot = f'PACKSHOT_GPU_SLOT="{gpu_slot(gpu)}",CUDA_VISIBLE_DEVICES="{gpu}"'
        # One at a time: a second shard would wait for this GPU's slot while another worker's GPU idles.
        command = f"{prefect} worker start --pool gpu --type process --limit 1 --name gpu-{_host()}-{gpu}"
        programs[f"worker-gpu-{gpu}"] = (command, False, slot)
    if own_s3(settings):
        programs["seaweedfs"] = (_weed(settings, folder / "s3"), True, "")
    text = [
        "[supervisord]",
        f"logfile={folder}/log/supervisord.log\nlogfile_maxbytes=10MB\nlogfile_backups=2",
        f"pidfile={run}/supervisord.pid\nchildlogdir={folder}/log\numask=077\nminfds=4096",
        f"[unix_http_server]\nfile={run}/supervisor.sock\nchmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        f"[supervisorctl]\nserverurl=unix://{run}/supervisor.sock",
    ]
    for name, (command, at_start, variables) in programs.items():
        text.append(
            f"[program:{name}]\ncommand={command.replace('%', '%%')}\ndirectory={ROOT}\n"
            f"autostart={str(at_start).lower()}\nautorestart=true\nstartsecs=5\nstartretries=1000000\n"
            f"stopasgroup=true\nkillasgroup=true\nstopwaitsecs=20\nredirect_stderr=true\n"
            f"stdout_logfile={folder}/log/{name}.log\nstdout_logfile_maxbytes=10MB\nstdout_logfile_backups=2"
            + (f"\nenvironment={variables}" if variables else "")
        )
    return "\n".join(text) + "\n"


def own_s3(settings: dict[str, str]) -> bool:
    """Whether the service brings its own S3 server: it does unless PACKSHOT_STORE names another store."""
    return settings["PACKSHOT_STORE"] == f"s3://{BUCKET}" and settings.get("AWS_ENDPOINT_URL", "").startswith(
        "http://127.0.0.1:"
    )


def gpus(settings: dict[str, str]) -> int:
    """Workers for the pool `gpu`: one a GPU (PACKSHOT_GPUS), and one on a machine without any."""
    return max(1, int(settings.get("PACKSHOT_GPUS", "1")))


def gpu_slot(gpu: int) -> str:
    """The concurrency limit of a GPU of this machine."""
    return f"packshot-{_host()}-gpu-{gpu}"


def _host() -> str:
    import re
    import socket

    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")


def _weed(settings: dict[str, str], data: Path) -> str:
    port = int(settings["PACKSHOT_S3_PORT"])
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    # SeaweedFS takes each port plus 10,000 for gRPC.
    ports = " ".join(f"-{name}.port={port + i}" for i, name in enumerate(("master", "filer", "volume", "admin"), 1))
    return (
        f"{Path(sys.executable).parent}/weed mini -dir={data} -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.port={port} "
        f"-bucket={BUCKET} -admin.ui=false -webdav=false -s3.port.iceberg=0 -s3.port.lance=0 "
        f"-master.telemetry=false {ports}"
    )

"""A PostgreSQL server of one's own on loopback, with a database that goes with it; for tests and measurements."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "only-for-this-cluster"


def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's programs (Debian keeps them off the PATH); None where they are not installed."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the connection URL that Prefect takes. Raises `FileNotFoundError` without PostgreSQL's programs."""
    programs = postgres_bin()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
    # PostgreSQL refuses to run as root.
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="packshot-postgres-"))
    data, key, log = folder / "data", folder / "password", folder / "log"
    try:
        key.write_text(PASSWORD)
        if user:
            for path in (folder, key):
                shutil.chown(path, user["user"], user["group"])
        _call(
            [programs / "initdb", "-D", data, "-U", "prefect", "-A", "scram-sha-256", f"--pwfile={key}"], user, folder
        )
        told = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        _call([programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", told, "start"], user, folder)
        try:
            yield f"postgresql+asyncpg://prefect:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _call([programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], user, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: list, user: dict, folder: Path) -> None:
    with open(folder / "said", "w") as said:  # a pipe would be kept open by the server
        out = subprocess.run([str(part) for part in command], cwd=folder, stdout=said, stderr=said, **user)
    if out.returncode:
        raise RuntimeError(f"{command[0]} failed with exit code {out.returncode}: {(folder / 'said').read_text()}")

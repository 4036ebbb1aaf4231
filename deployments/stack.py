"""The local service in one command: `python -m deployments.stack up|down|status` (`make up`, `make down`)."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deployments.home import BUCKET, home, settings
from deployments.programs import MARK, environment, gpus, own_s3, supervisor_config
from packshot.errors import PackshotError, SettingError
from packshot.preflight import check_room


def up() -> None:
    """Start what is not running, register pools, deployments and automations, then start the workers."""
    values, folder = settings(), home()
    variables = environment(values, folder)
    for name in ("run", "log", "prefect"):
        (folder / name).mkdir(exist_ok=True, mode=0o700)
    config = folder / "supervisord.conf"
    if not _running(folder):
        check_room(folder, "the service's folder", "PACKSHOT_HOME")
        _check_ports(values)
        config.write_text(supervisor_config(values, folder))
        # No secret is in the file: programs inherit them.
        _call([sys.executable, "-m", "supervisor.supervisord", "-c", str(config)], variables)
    print("Waiting for Prefect's server (the first time it takes half a minute) …", flush=True)
    _wait_for(f"{values['PREFECT_API_URL']}/health", 180, folder / "log/prefect-server.log")
    if own_s3(values):
        _wait_for_bucket(values, folder)
    print("Registering work pools, deployments and automations …", flush=True)
    _call([sys.executable, "-m", "deployments.register"], variables)
    workers = ["worker-cpu", *(f"worker-gpu-{gpu}" for gpu in range(gpus(values)))]
    _call([*_control(config), "start", *workers], variables, quiet=True)
    address = values["PREFECT_API_URL"].removesuffix("/api")
    print(f"\nPrefect UI   {address}")
    if "PREFECT_API_AUTH_STRING" in values:
        print(f"password     PREFECT_API_AUTH_STRING in {folder}/env")
    print(f"store        {values['PACKSHOT_STORE']}")
    print(f"commands     set -a; . {folder}/env; set +a    (then `packshot …` works with this service)")
    print("stop         make down")


def down() -> None:
    """Stop everything, flow runs too; data stays."""
    folder = home()
    if not _running(folder):
        print("The service is not running.")
        return
    pid = int((folder / "run/supervisord.pid").read_text())
    _call([*_control(folder / "supervisord.conf"), "shutdown"], dict(os.environ), quiet=True)
    until = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.2)
    for left in _left_behind(folder):  # flow runs whose worker was killed: the supervisor does not know them
        with suppress(OSError):
            os.kill(left, signal.SIGKILL)
    print("The service is down; its data stays in", folder)


def status() -> None:
    """What runs."""
    folder = home()
    if not _running(folder):
        print("The service is not running.")
        return
    subprocess.run([*_control(folder / "supervisord.conf"), "status"], check=False)


def _control(config: Path) -> list[str]:
    return [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(config)]


def _running(folder: Path) -> bool:
    file = folder / "run/supervisord.pid"
    return file.exists() and _alive(int(file.read_text() or 0)) and (folder / "run/supervisor.sock").exists()


def _alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        if Path("/proc/self").exists():
            return False
        try:  # no /proc on this system
            os.kill(pid, 0)
            return True
        except OSError:
            return False


def _left_behind(folder: Path) -> Iterator[int]:
    """Processes that carry this service's mark in their environment (Linux)."""
    mark = f"{MARK}={folder}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                yield int(environ.parent.name)


def _check_ports(values: dict[str, str]) -> None:
    for name in ("PACKSHOT_PORT", "PACKSHOT_S3_PORT"):
        if name == "PACKSHOT_S3_PORT" and not own_s3(values):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((values["PACKSHOT_HOST"] if name == "PACKSHOT_PORT" else "127.0.0.1", int(values[name])))
            except OSError as error:
                raise SettingError(
                    f"port {values[name]} cannot be taken ({error.strerror}): stop what uses it, or set {name}"
                ) from None


def _wait_for(url: str, seconds: float, log: Path) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                return
        except OSError:
            pass
        time.sleep(0.5)
    last = (log.read_text(errors="replace").strip().splitlines() or ["(nothing)"])[-1] if log.exists() else "(nothing)"
    raise PackshotError(f"{url} did not answer within {seconds:.0f} s; {log} ends with: {last.strip()[:300]}")


def _wait_for_bucket(values: dict[str, str], folder: Path) -> None:
    from packshot.errors import StoreError
    from packshot.store import S3Store

    os.environ.update({name: value for name, value in values.items() if name.startswith("AWS_")})
    until = time.monotonic() + 90
    while True:
        try:
            S3Store(BUCKET).put("ready", b"")
            return
        except StoreError as error:
            if time.monotonic() > until:
                raise PackshotError(
                    f"the S3 server did not come up ({error}); see {folder}/log/seaweedfs.log"
                ) from None
            time.sleep(0.5)


def _call(command: list[str], variables: dict[str, str], quiet: bool = False) -> None:
    out = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if out.returncode and not (quiet and "already started" in out.stdout):
        raise PackshotError(f"{' '.join(command[1:4])} failed with exit code {out.returncode}:\n{out.stdout[-3000:]}")


def main() -> None:
    try:
        {"up": up, "down": down, "status": status}[sys.argv[1] if len(sys.argv) > 1 else "status"]()
    except PackshotError as error:
        raise SystemExit(f"packshot: {error}") from None


if __name__ == "__main__":
    main()

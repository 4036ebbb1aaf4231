"""Where the service keeps its settings and data: outside the repository, readable by its user only.

`$PACKSHOT_HOME` (default `~/.config/packshot`) holds `env` (secrets and addresses, as shell assignments), the database
of Prefect's server, the store's data, logs, and the supervisor's files.
"""

import os
import secrets
import shlex
from pathlib import Path

from packshot.errors import SettingError

ROOT = Path(__file__).resolve().parents[1]
BUCKET = "packshot"


def home() -> Path:
    """The service's folder, made on first use with mode 0700."""
    found = Path(os.environ.get("PACKSHOT_HOME") or "~/.config/packshot").expanduser().resolve()
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    found.chmod(0o700)
    return found


def settings() -> dict[str, str]:
    """The service's environment: what `env` keeps, generated once, and over it what the user has set.

    Ports, addresses and PACKSHOT_STORE may be set; `PACKSHOT_AUTH=off` leaves out the password of Prefect's API.
    """
    folder = home()
    kept = read_env(folder / "env")
    made = {
        "PACKSHOT_PORT": "4200",
        "PACKSHOT_S3_PORT": "8333",
        "PACKSHOT_HOST": "127.0.0.1",
        "PREFECT_SERVER_ENCRYPTION_KEY": _fernet_key(),
        "AWS_ACCESS_KEY_ID": f"packshot-{secrets.token_hex(4)}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_DEFAULT_REGION": "us-east-1",
        "PACKSHOT_AUTH": "on",
    }
    password = {"PREFECT_SERVER_API_AUTH_STRING": f"packshot:{secrets.token_urlsafe(24)}"}
    own_store = "PACKSHOT_STORE" not in os.environ
    asked = {name: os.environ[name] for name in (*made, *_KEPT) if name in os.environ}
    values = made | password | kept | asked
    if own_store:
        # Our own S3 server: its keys are ours, whatever AWS keys the shell has for other things.
        values |= {name: kept.get(name, made[name]) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        values["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{values['PACKSHOT_S3_PORT']}"
        values["PACKSHOT_STORE"] = f"s3://{BUCKET}"
    if values["PACKSHOT_AUTH"] not in ("on", "off"):
        raise SettingError(f"PACKSHOT_AUTH is {values['PACKSHOT_AUTH']!r}: choose on or off")
    host = values["PACKSHOT_HOST"]
    address = "127.0.0.1" if host == "0.0.0.0" else host
    values["PREFECT_API_URL"] = f"http://{address}:{values['PACKSHOT_PORT']}/api"
    if values["PACKSHOT_AUTH"] == "off":
        if host not in ("127.0.0.1", "localhost"):
            raise SettingError(
                f"PACKSHOT_AUTH=off with PACKSHOT_HOST={host}: anyone could read every secret; turn it on"
            )
        values.pop("PREFECT_SERVER_API_AUTH_STRING", None)
        values.pop("PREFECT_API_AUTH_STRING", None)
    else:
        values["PREFECT_API_AUTH_STRING"] = values["PREFECT_SERVER_API_AUTH_STRING"]
    write_env(folder / "env", values)
    return values


_KEPT = (
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_UI_API_URL",
    "AWS_ENDPOINT_URL",
    "PACKSHOT_STORE",
    "PACKSHOT_AUTOMATIONS",
    "PACKSHOT_DEAD_AFTER_SECONDS",
    "PACKSHOT_HEARTBEAT_SECONDS",
    "PACKSHOT_GPUS",
    "PACKSHOT_NIGHTLY_SOURCE",
    "PACKSHOT_REPORT_URL",
    "PACKSHOT_SIGNED_LINKS",
)
"""Settings that are kept in `env` when they are set, besides those that are generated."""


def read_env(path: Path) -> dict[str, str]:
    """Assignments of a shell file."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.removeprefix("export ").strip(): "".join(shlex.split(value)) for name, _, value in pairs}


def write_env(path: Path, values: dict[str, str]) -> None:
    """Keep assignments; the file is never readable by others, not for a moment."""
    lines = ["# Made by `make up`. Holds secrets. `set -a; . THIS_FILE; set +a` lets commands use the service."]
    lines += [f"{name}={shlex.quote(value)}" for name, value in sorted(values.items())]
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    temporary.replace(path)


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()

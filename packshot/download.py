"""Streaming a large file to disk. A download that broke off is gone on with, if the source is still the same."""

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from packshot.errors import SourceError

_TIMEOUT = 60.0
_BLOCK = 1 << 20


def download(url: str, path: Path) -> None:
    """Bring `url` to `path`. Until it is whole, it lies beside it as `.part`, with the source's mark (ETag or date) in
    `.mark`. Raises `SourceError` when the source cannot be read, or ends too early."""
    part, mark = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.mark")
    here = part.stat().st_size if part.exists() and mark.exists() else 0
    request = urllib.request.Request(url)
    if here:
        request.add_header("Range", f"bytes={here}-")
        request.add_header("If-Range", mark.read_text("utf-8"))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
            goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {here}-")
            here = here if goes_on else 0
            length = response.headers.get("Content-Length")
            whole = here + int(length) if length else None
            said = response.headers.get("ETag") or response.headers.get("Last-Modified")
            if said and not said.startswith("W/"):
                mark.write_text(said, "utf-8")
            else:
                mark.unlink(missing_ok=True)
            with part.open("ab" if goes_on else "wb") as file:
                while block := response.read(_BLOCK):
                    file.write(block)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the source has become shorter than what is here
            part.unlink(missing_ok=True)
        raise SourceError(f"{url} cannot be downloaded: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{url} cannot be downloaded: {error}; pull again to go on") from error
    if whole is not None and part.stat().st_size != whole:
        raise SourceError(f"{url} broke off after {part.stat().st_size:,} of {whole:,} bytes; pull again to go on")
    part.replace(path)
    mark.unlink(missing_ok=True)

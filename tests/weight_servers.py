"""Web servers on loopback that give weights as release servers and model hubs do."""

import hashlib
import json
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class ServeInPieces:
    """A web server for one file that breaks off the first answers after `break_after` bytes, and goes on where a client
    asks it to (Range with If-Range), as release and object servers do. `asked` holds the Range headers."""

    def __init__(self, body: bytes, break_after: int, breaks: int = 1):
        self.body, self.asked, left = body, [], [breaks]
        outer = self

        class Pieces(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                mark = f'"{hashlib.sha256(outer.body).hexdigest()[:8]}"'
                outer.asked.append(self.headers["Range"])
                start = 0
                if self.headers["Range"] and self.headers["If-Range"] == mark:
                    start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
                part = outer.body[start:]
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(outer.body) - 1}/{len(outer.body)}")
                self.send_header("Content-Length", str(len(part)))
                self.send_header("ETag", mark)
                self.end_headers()
                if left[0]:
                    left[0] -= 1
                    part = part[:break_after]
                    self.close_connection = True
                self.wfile.write(part)

            def log_message(self, *arguments: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pieces)

    def __enter__(self) -> "ServeInPieces":
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/toy.pth"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class ServeHub:
    """What the hub's client asks a model hub for, from a folder."""

    def __init__(self, folder: Path, repo: str, revision: str):
        names = [p.name for p in folder.iterdir()]

        class Hub(SimpleHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(False)

            def do_GET(self) -> None:
                self.answer(True)

            def answer(self, whole: bool) -> None:
                path = self.path.split("?")[0]
                if path.startswith(f"/api/models/{repo}"):
                    facts = {
                        "id": repo,
                        "modelId": repo,
                        "sha": revision,
                        "siblings": [{"rfilename": n} for n in names],
                    }
                    body = json.dumps(facts | {"private": False, "tags": [], "downloads": 0, "likes": 0}).encode()
                    if "/tree/" in path:
                        tree = [
                            {"type": "file", "path": n, "size": (folder / n).stat().st_size, "oid": "0" * 40}
                            for n in names
                        ]
                        body = json.dumps(tree).encode()
                    headers = {"Content-Type": "application/json"}
                elif path.startswith(f"/{repo}/resolve/{revision}/"):
                    body = (folder / path.rpartition("/")[2]).read_bytes()
                    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": revision}
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                for key, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(key, value)
                self.end_headers()
                if whole:
                    self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)

    def __enter__(self) -> str:
        Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

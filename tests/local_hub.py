"""A model hub on this machine: serves one repository over HTTP as the hub client asks for it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub(ThreadingHTTPServer):
    """Serves `folder` as the model `name` and remembers what was asked for."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name, self.folder = name, folder
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LocalHub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub = self.server
        path = self.path.partition("?")[0]
        hub.asked.append(path)
        files = sorted(file.name for file in hub.folder.iterdir())
        headers, status, body = {"Content-Type": "application/json"}, 200, b""
        if path.startswith(f"/api/models/{hub.name}/tree/"):
            entries = [
                {
                    "type": "file",
                    "path": name,
                    "size": (hub.folder / name).stat().st_size,
                    "oid": hashlib.sha1((hub.folder / name).read_bytes()).hexdigest(),
                }
                for name in files
            ]
            body = json.dumps(entries).encode()
        elif path.startswith(f"/api/models/{hub.name}"):
            info = {"id": hub.name, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
            body = json.dumps(info).encode()
        elif path.startswith(f"/{hub.name}/resolve/") and path.rpartition("/")[2] in files:
            body = (hub.folder / path.rpartition("/")[2]).read_bytes()
            headers = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": COMMIT}
        else:
            status, headers = 404, {"X-Error-Code": "RepoNotFound"}
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(name: str, folder: Path) -> Iterator[LocalHub]:
    """A hub that runs while the block does."""
    hub = LocalHub(name, folder)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()

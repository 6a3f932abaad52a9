"""A team's web server with packages on it: https with its own certificate, slow, cut or leading astray on demand."""

from __future__ import annotations

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

PIECE = 64 << 10


class WebServer:
    """Serves `files` by path and answers those in `redirects` with 302; a context manager.

    `asked` are the paths that were asked for. `bytes_per_second` slows it down (0: not at all); `cut_after` ends a
    file's connection after so many bytes; `chunked` leaves the length unsaid. With a `signature`, a request without it
    in its query is refused with 403.
    """

    def __init__(self, ca_file: Path, *names: str) -> None:
        """Vouched for by the authority written to `ca_file`, under `names` and as localhost."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(ca_file)
        self.ca_file = ca_file
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.bytes_per_second = 0
        self.cut_after: int | None = None
        self.chunked = False
        self.signature = ""
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1", *names).configure_cert(self._tls)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = self._tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address by name."""
        return f"https://localhost:{self.port}"

    def behave(self) -> None:
        """Fast and whole again, with nothing on it."""
        self.files, self.redirects, self.asked = {}, {}, []
        self.bytes_per_second, self.cut_after, self.chunked, self.signature = 0, None, False, ""


def _handler(web: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            web.asked.append(path)
            if web.signature not in query:
                self._begin(403, {"Content-Length": "0"})
            elif path in web.redirects:
                self._begin(302, {"Location": web.redirects[path], "Content-Length": "0"})
            elif path in web.files:
                self._send(web.files[path])
            else:
                self._begin(404, {"Content-Length": "0"})

        def _begin(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, content: bytes) -> None:
            self._begin(200, {"Transfer-Encoding": "chunked"} if web.chunked else {"Content-Length": str(len(content))})
            end = len(content) if web.cut_after is None else min(web.cut_after, len(content))
            try:
                for start in range(0, end, PIECE):
                    piece = content[start : min(start + PIECE, end)]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if web.chunked else piece)
                    if web.bytes_per_second:
                        time.sleep(len(piece) / web.bytes_per_second)
                if web.chunked and end == len(content):
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True  # the client left
            if end < len(content):
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler

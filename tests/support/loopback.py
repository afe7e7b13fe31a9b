"""A server on this machine in place of GitHub, at GitHub's own addresses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

CERTIFICATE = Path(__file__).with_name("loopback.pem")


@dataclass
class Loopback:
    """A running server.

    Attributes:
        environment: variables with which a program meets this server wherever it uses https, and trusts it.
        asked: the addresses asked for, in order, with the status of the answer.
    """

    environment: dict[str, str]
    asked: list[tuple[str, int]] = field(default_factory=list)


@contextmanager
def in_place_of_github(repository: str, folder: Path) -> Iterator[Loopback]:
    """Answer for ``https://github.com/REPOSITORY/raw/main/…`` with the files of a folder; refuse all else.

    It is a proxy that ends the encryption itself, so that programs use the addresses that they always do.
    Like GitHub it gives files only: a folder has no listing, and an asterisk means an asterisk.

    Args:
        repository: "owner/name".
        folder: the files of its branch main.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    root = f"/{repository}/raw/main/"

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.path != "github.com:443":
                loopback.asked.append((f"https://{self.path}", 403))
                self.send_error(403)
                return
            self.send_response(200)
            self.end_headers()
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except ssl.SSLError as error:
                loopback.asked.append((f"{error.reason} from a program that does not trust this server", 495))
                return
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb")
            self.handle_one_request()
            self.wfile.flush()

        def do_GET(self) -> None:
            path = folder / unquote(self.path).removeprefix(root)
            found = self.path.startswith(root) and path.is_file()
            loopback.asked.append((f"https://github.com{self.path}", 200 if found else 404))
            if not found:
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """The test has its own list."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = f"http://127.0.0.1:{server.server_port}"
        trusted = dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), str(CERTIFICATE))
        nowhere = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
        loopback = Loopback({"https_proxy": proxy, "HTTPS_PROXY": proxy} | nowhere | trusted)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield loopback
        finally:
            server.shutdown()
            thread.join()

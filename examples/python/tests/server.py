"""A server with the replies that a test defines, and a client that records its waits instead of waiting."""

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from spots_api import SpotsApi
from spots_example.client import RetryTransport, connect


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


# The connection is closed before a response.
CUT = Reply(status=0)


@dataclass
class Server:
    replies: list[Reply]
    seen: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    url: str = ""

    def client(self, **settings: Any) -> SpotsApi:
        return connect(self.url, "secret", RetryTransport(sleep=self.waits.append, **settings))

    def __enter__(self) -> "Server":
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                # The replies in order; the last one is repeated.
                reply = server.replies[min(len(server.seen), len(server.replies) - 1)]
                server.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if reply is CUT:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/graphql"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

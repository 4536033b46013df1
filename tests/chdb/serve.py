"""Serves the current ClickHouse engine (chdb) over HTTP as a cluster of one shard, for tests of the warehouse.

    python3 tests/chdb/serve.py PORT FOLDER

The engine runs in this process and has no clusters, so a distributed table is a synonym of its table on the shard.
"""

import os
import re
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

from chdb import session

port, folder = int(sys.argv[1]), sys.argv[2]
engine = session.Session(os.path.join(folder, "data"))
DISTRIBUTED = "|".join([
    "agents", "personality_profiles", "user_actions_import", "user_actions", "ai2ai_connections",
    "epoch_people", "epoch_visits", "epoch_ties", "agent_rollup",
])


def on_the_shard(statement):
    return re.sub(rf"(\w+)\.({DISTRIBUTED})\b(?!_)", r"\1.\2_local", statement)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        rows = None
        if "query" in query:
            statement, rows = query["query"][0], body
        else:
            statement = body.decode()
        try:
            self.answer(200, self.run(statement, rows))
        except Exception as error:  # the client reads the code and the message
            self.answer(500, str(error).encode())

    def run(self, statement, rows):
        if "system.clusters" in statement:
            return b"[1]\t[1]\n"
        if "ENGINE = Distributed" in statement:
            return b""
        statement = on_the_shard(statement)
        if rows is not None:
            file = os.path.join(folder, "rows")
            with open(file, "wb") as out:
                out.write(rows)
            statement = statement.replace("FORMAT RowBinary", f"FROM INFILE '{file}' FORMAT RowBinary")
        result = engine.query(statement, "TabSeparated")
        return result.bytes() if result else b""

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", port), Handler).serve_forever()

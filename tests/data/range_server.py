"""Serves a folder on a free port of 127.0.0.1, which it prints. Paths:
  /ok/NAME     the file, with ranges
  /plain/NAME  the file, ranges are ignored
  /cut/NAME    half of what was asked for, then the connection breaks
  /bad/NAME    the file with its last byte changed
Every request goes to stdout as "PATH RANGE"."""

import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mode, _, name = self.path.lstrip("/").partition("/")
        asked = self.headers.get("Range", "-")
        print(self.path, asked, flush=True)
        path = os.path.join(sys.argv[1], os.path.basename(name))
        if mode not in ("ok", "plain", "cut", "bad") or not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            body = file.read()
        if mode == "bad":
            body = body[:-1] + bytes([body[-1] ^ 255])
        start = 0
        if asked.startswith("bytes=") and mode != "plain":
            start = int(asked[len("bytes="):].split("-")[0])
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        body = body[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if mode == "cut" else body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

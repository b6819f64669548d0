"""A gate before a server: it asks for a token and lets the rest through, streams too. What the console
does with a token can be seen here whatever the server itself does with it."""
import http.client
import http.server
import json
import threading

OPEN = ("/console/", "/licences.txt")


class Gate:
    """`tokens` are those that are taken, `me` what GET /v1/me says, `forbidden` paths are 403; `seen` has what came with each request: (path, authorization)."""

    def __init__(self, port, tokens, me=None, forbidden=()):
        self.tokens, self.seen, self.me, self.forbidden = set(tokens), [], me, forbidden
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                gate.pass_on(self, port)

            do_POST = do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.listener.shutdown()
        self.listener.server_close()

    def is_let_in(self, handler):
        path = handler.path.split("?")[0]
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append((handler.path, token))
        return path == "/" or path.startswith(OPEN) or token in self.tokens

    def say(self, handler, status, kind, body):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        handler.wfile.write(json.dumps(body).encode())

    def pass_on(self, handler, port):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        handler.close_connection = True
        if not self.is_let_in(handler):
            self.say(handler, 401, "application/problem+json", {"title": "Unauthorized", "status": 401, "detail": "a token is wanted"})
            return
        if handler.path == "/v1/me" and self.me:
            self.say(handler, 200, "application/json", self.me)
            return
        if handler.path.split("?")[0] in self.forbidden:
            self.say(handler, 403, "application/problem+json", {"title": "Forbidden", "status": 403, "detail": "no role of yours has this"})
            return
        behind = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        behind.request(handler.command, handler.path, body or None, {name: value for name, value in handler.headers.items()
                                                                     if name.lower() in ("accept", "content-type", "last-event-id")})
        answer = behind.getresponse()
        try:
            handler.send_response(answer.status)
            for name in ("Content-Type", "Content-Security-Policy"):
                if answer.headers[name]:
                    handler.send_header(name, answer.headers[name])
            handler.send_header("Connection", "close")
            handler.end_headers()
            while part := answer.read1(65536):
                if handler.path == "/console/settings.json":
                    part = part.replace(b'"auth":false', b'"auth":true')
                handler.wfile.write(part)
                handler.wfile.flush()
                if answer.headers["Content-Type"].startswith("text/event-stream") and not self.is_still_in(handler):
                    break
        except (OSError, http.client.HTTPException):
            pass
        finally:
            behind.close()

    def is_still_in(self, handler):
        return handler.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens

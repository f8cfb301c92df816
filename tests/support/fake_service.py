# SPDX-License-Identifier: Apache-2.0
"""A service of HTTP for the tests of one plugin: it keeps what is created, and fails on demand.

A subclass has its routes, (METHOD, PATTERN, FUNCTION) each; the function gets the request and the
groups of the pattern, and returns (STATUS, VALUE) or (STATUS, VALUE, HEADERS). See tests/plugins.

    with Service() as service:
        service.fail("POST /things", lose())
        ... calls of service.url ...
        assert service.count("POST /things") == 2
"""

import hashlib
import http.server
import json
import re
import sys
import threading
import urllib.parse


class Request:
    """What a route sees of a call."""

    def __init__(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        self.method = handler.command
        self.raw_path = parts.path
        self.path = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        size = int(self.headers.get("content-length", "0"))
        self.body = handler.rfile.read(size) if size else b""

    def json(self):
        return json.loads(self.body) if self.body else None

    def __str__(self):
        return f"{self.method} {self.path}"


# ---- what goes wrong ----

def answer(status, value=None, headers=None, text=None, content_type="application/json"):
    """An answer in the place of the work."""
    body = text.encode() if text is not None else json.dumps(value).encode()
    return lambda handler, work: handler.send(status, body, {"Content-Type": content_type, **(headers or {})})


def page(status=200):
    return answer(status, text="<!DOCTYPE html><html><body>Welcome</body></html>", content_type="text/html")


def lose():
    """The work is done, and the answer never comes."""
    def end(handler, work):
        work()
        handler.close()
    return end


def cut(is_told=True):
    """The work is done, half of the answer comes; it is told by a length that is not kept."""
    def end(handler, work):
        _, body, headers = work()
        length = {"Content-Length": str(len(body))} if is_told else {"Connection": "close"}
        handler.send(200, body[:len(body) // 2], {**headers, **length})
        handler.close()
    return end


def hold(event, seconds=60):
    """Nothing is done until the event, a threading.Event, is set."""
    def wait(handler, work):
        event.wait(seconds)
        handler.send(*work())
    return wait


def huge(size):
    """An answer of so many bytes, which is good JSON."""
    return answer(200, {"number": 1, "body": "x" * size})


# ---- the service ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and headers.get("Connection") != "close" and status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def close(self):
        self.close_connection = True

    def do_any(self):
        service = self.server.service
        request = Request(self)
        with service.lock:
            service.calls.append(request)
            fault = service.take_fault(request)

        def work():
            with service.lock:
                return service.work(request)
        if fault is None:
            self.send(*work())
        else:
            fault(self, work)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # who asked may not wait for the end
            super().handle_error(request, client_address)


class FakeService:
    """Calls are worked on one at a time."""

    routes = []
    has_etags = False

    def __init__(self):
        self.lock = threading.RLock()
        self.calls = []
        self.faults = []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.service = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def fail(self, what, *faults):
        """
        The next calls whose "METHOD /path" is `what` (a pattern) fail so, one after the other; None: one
        that does not.
        """
        self.faults.append((re.compile(what), list(faults)))

    def count(self, what):
        return len([c for c in self.calls if re.fullmatch(what, str(c))])

    def last(self, what):
        return [c for c in self.calls if re.fullmatch(what, str(c))][-1]

    def take_fault(self, request):
        for pattern, faults in self.faults:
            if faults and pattern.fullmatch(str(request)):
                return faults.pop(0)
        return None

    def refuse(self, request):
        """What stands before all routes: an answer, or None."""

    def work(self, request):
        """(STATUS, BODY, HEADERS), as they are sent."""
        result = self.refuse(request) or self.route(request)
        status, value, headers = (*result, {})[:3]
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        if self.has_etags and request.method == "GET" and status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                return 304, b"", headers
        return status, body, headers

    def route(self, request):
        for method, pattern, function in self.routes:
            match = re.fullmatch(pattern, request.path) if method == request.method else None
            if match:
                return function(self, request, *match.groups())
        return 404, {"message": "Not Found"}

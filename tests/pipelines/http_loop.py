# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 for services of tests, as fast as Python can: one thread, connections that are kept.

A service has `answer(request)`, which gives (STATUS, VALUE) or (STATUS, VALUE, HEADERS); a VALUE that
is bytes is sent as it is, any other as JSON. Each answer takes `latency_ms`, and `fail_percent` of
the calls fail, each in one of the ways of FAULTS.
"""

import asyncio
import collections
import json
import random
import time
import urllib.parse

REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}

# What goes wrong: whether the work is done, the status (None: no answer) and how often of 20.
FAULTS = {
    "refused": (False, 503, 5),
    "broken": (False, 500, 4),
    "closed": (False, None, 3),
    "lost": (True, None, 4),   # the work is done, and nobody hears of it
    "cut": (True, 200, 3),     # the same, with half of the answer
    "limited": (False, 429, 1),
}


class Request:
    """A call: method, path without query, query, headers in lower case, body."""

    __slots__ = ("method", "path", "query", "headers", "body")

    def __init__(self, method, target, headers, body):
        path, _, query = target.partition("?")
        self.method = method
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True)) if query else {}
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body) if self.body else None


class Service:
    """What all services have: how they behave, and what they count."""

    name = "service"
    protocol = None  # of a connection; None: HTTP

    def __init__(self, seed=1):
        self.latency_ms = 0
        self.fail_percent = 0
        self.random = random.Random(f"{self.name} {seed}")
        self.port = 0
        self.connections = 0
        self.calls = 0
        self.called_at = []
        self.at_once = 0
        self.most_at_once = 0
        self.faults = collections.Counter()

    def answer(self, request):
        raise NotImplementedError

    def next_fault(self):
        """A key of FAULTS; None: this call goes well."""
        if self.random.uniform(0, 100) >= self.fail_percent:
            return None
        kinds = list(FAULTS)
        kind = self.random.choices(kinds, [FAULTS[k][2] for k in kinds])[0]
        self.faults[kind] += 1
        return kind

    def counts(self):
        return {"connections": self.connections, "calls": self.calls, "faults": dict(self.faults),
                "most_at_once": self.most_at_once}


class Connection(asyncio.Protocol):
    """Calls of one client, one after the other."""

    def __init__(self, service):
        self.service = service
        self.transport = None
        self.buffer = b""
        self.is_busy = False

    def connection_made(self, transport):
        self.transport = transport
        self.service.connections += 1

    def data_received(self, data):
        self.buffer += data
        if not self.is_busy:
            self.read()

    def read(self):
        """Takes the next call when all of it is there."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        size = int(headers.get("content-length", "0"))
        if len(self.buffer) < end + 4 + size:
            if headers.get("expect") == "100-continue" and len(self.buffer) == end + 4:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        body = self.buffer[end + 4:end + 4 + size]
        self.buffer = self.buffer[end + 4 + size:]
        method, target, _ = lines[0].split(" ", 2)
        self.is_busy = True
        service = self.service
        service.calls += 1
        service.called_at.append((time.monotonic(), target))
        service.at_once += 1
        service.most_at_once = max(service.most_at_once, service.at_once)
        request = Request(method, target, headers, body)
        asyncio.get_running_loop().call_later(service.latency_ms / 1000, self.work, request, service.next_fault())

    def work(self, request, fault):
        self.service.at_once -= 1
        does_work, fault_status, _ = FAULTS.get(fault, (True, 200, 0))
        status, value, headers = (*self.service.answer(request), {})[:3] if does_work else (fault_status, {}, {})
        if fault_status is None:
            self.transport.abort()
            return
        if fault == "limited":
            headers = {"Retry-After": "1"}
        if not does_work:
            value = {"message": f"{fault}, on purpose"}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        head = [f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {text}" for name, text in {"Content-Type": "application/json", **headers}.items()]
        data = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        if fault == "cut":
            self.transport.write(data[:len(data) - len(body) // 2 - 1])
            self.transport.close()
            return
        self.transport.write(data)
        self.is_busy = False
        if self.buffer:
            self.read()


async def listen(service):
    """Serves on a port of its own, which is in `service.port` then."""
    server = await asyncio.get_running_loop().create_server(
        lambda: (service.protocol or Connection)(service), "127.0.0.1", 0, backlog=1024)
    service.port = server.sockets[0].getsockname()[1]
    return server

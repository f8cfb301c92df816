#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All services that the issue triage calls, in one program: GitHub, Shortcut, Slack, a language model,
Notion, a webhook and a mail server. They keep what is created and find it again.

usage: services.py [--issues N] [--latency MS] [--fail PERCENT] [--seed N]

The first line of its output is JSON, {NAME: PORT}. Under `control`:

    GET  /counts     calls, connections and faults of each service
    GET  /made       what was created: stories, comments, messages, mails, pages, hooks, labels
    GET  /times      when each service was called, in seconds
    GET  /asked      the latest questions to the model
    POST /set        {"latency_ms": N, "fail_percent": N, "only": NAME, "issues": N}

It ends when its standard input does.
"""

import argparse
import asyncio
import collections
import json
import re
import sys
import threading
import urllib.parse

from http_loop import Service, listen
from smtp_loop import Session

KINDS = ["bug", "feature", "documentation", "security"]
SEVERITIES = ["low", "medium", "high", "critical"]
TRACE = """Traceback (most recent call last):
  File "/srv/app/main.py", line 12, in run
    load(path)
  File "/srv/app/reader.py", line {line}, in load
    return json.loads(text)
ValueError: Expecting value: line 1 column 1 (char 0)
"""


# ---- GitHub ----

def make_issue(number, port):
    """Kinds in turn; what the model is to say of it stands in its text, as kind=bug."""
    kind = KINDS[number % 4]
    severity = SEVERITIES[number // 4 % 4]
    body = f"It does not do what it should. kind={kind} severity={severity} sentiment=negative\n"
    if kind == "bug":
        body += "\n```\n" + TRACE.format(line=number % 50 + 1) + "```\n"
    return {"number": number, "id": 100000 + number, "node_id": f"I_{number}", "state": "open", "state_reason": None,
            "title": f"{kind.capitalize()} in part {number % 50}, seen as number {number}", "body": body,
            "html_url": f"http://127.0.0.1:{port}/octocat/hello/issues/{number}",
            "user": {"login": f"user{number % 7}", "id": number % 7, "type": "User"}, "author_association": "NONE",
            "labels": [{"name": "security", "color": "ededed"}] if number % 16 == 3 else [], "assignees": [],
            "milestone": None, "comments": 0, "locked": False,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": f"2026-01-01T00:00:{number % 60:02}Z",
            "closed_at": None, "reactions": {"total_count": number % 5}}


class GitHub(Service):
    name = "github"
    repo = "octocat/hello"

    def __init__(self, seed, n_issues):
        super().__init__(seed)
        self.n_issues = n_issues
        self.comments = {}
        self.labels = {}
        self.token = "Bearer ghp_good_token_0123456789"

    def answer(self, request):
        if request.headers.get("authorization") != self.token:
            return 401, {"message": "Bad credentials"}
        if request.path == "/search/issues":
            return self.search(request)
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", request.path)
        if not match or match[1] not in (self.repo, "octocat/readonly"):
            return 404, {"message": "Not Found"}
        rest = match[2] or ""
        if rest == "":
            return 200, {"full_name": match[1], "private": False, "archived": False, "has_issues": True,
                         "permissions": {"pull": True, "triage": match[1] == self.repo, "push": match[1] == self.repo}}
        if rest == "/issues":
            return self.list(request)
        if rest.startswith("/contents/"):
            return 200, {"type": "file", "path": rest[10:], "sha": "a" * 40, "size": 12, "encoding": "base64",
                         "content": "IyBIZWxsbwoKV2hhdA==", "html_url": f"http://127.0.0.1:{self.port}{request.path}"}
        match = re.fullmatch(r"/issues/(\d+)(/comments|/labels)?", rest)
        if not match or not 0 < int(match[1]) <= self.n_issues:
            return 404, {"message": "Not Found"}
        number = int(match[1])
        if match[2] is None:
            return 200, self.issue(number)
        if match[2] == "/labels":
            labels = self.labels.setdefault(number, [])
            labels += [label for label in request.json()["labels"] if label not in labels]
            return 200, [{"name": label, "color": "ededed"} for label in labels]
        comments = self.comments.setdefault(number, [])
        if request.method == "GET":
            return 200, comments
        comments.append({"id": number * 1000 + len(comments), "node_id": "C", "user": {"login": "bot"},
                         "body": request.json()["body"], "created_at": "2026-01-02T00:00:00Z",
                         "updated_at": "2026-01-02T00:00:00Z",
                         "html_url": f"http://127.0.0.1:{self.port}/{self.repo}/issues/{number}#c{len(comments)}"})
        return 201, comments[-1]

    def issue(self, number):
        issue = make_issue(number, self.port)
        issue["labels"] += [{"name": label, "color": "ededed"} for label in self.labels.get(number, [])]
        return issue

    def list(self, request):
        size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
        first = self.n_issues - (page - 1) * size
        issues = [self.issue(n) for n in range(first, max(first - size, 0), -1)]
        headers = {}
        if page * size < self.n_issues:
            query = urllib.parse.urlencode({**request.query, "page": page + 1})
            headers["Link"] = f'<http://127.0.0.1:{self.port}{request.path}?{query}>; rel="next"'
        return 200, issues, headers

    def search(self, request):
        words = [w for w in request.query["q"].split() if ":" not in w]
        part = next((int(w) for w in words if w.isdigit()), 0)
        numbers = [n for n in range(part or 50, self.n_issues + 1, 50)][:int(request.query.get("per_page", "30"))]
        return 200, {"total_count": len(numbers), "incomplete_results": False,
                     "items": [make_issue(n, self.port) for n in numbers]}


# ---- the language model ----

class Llm(Service):
    """Speaks the API of OpenAI. What has a choice is what stands in the text, as severity=high."""

    name = "llm"

    def __init__(self, seed):
        super().__init__(seed)
        self.tokens = 0
        self.asked = collections.deque(maxlen=2000)

    def counts(self):
        return {**super().counts(), "tokens": self.tokens}

    def make_up(self, schema, text):
        if "enum" in schema:
            return next((e for e in schema["enum"] if f"={e}" in text), schema["enum"][0])
        kind = schema.get("type", "object")
        if kind == "object":
            return {key: self.make_up(part, text) for key, part in schema.get("properties", {}).items()}
        if kind == "array":
            return [self.make_up(schema.get("items", {"type": "string"}), text)]
        return {"string": "as the text says", "number": 0.9, "integer": schema.get("minimum", 1) + 1,
                "boolean": "Traceback" in text, "null": None}[kind]

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer good-key":
            return 401, {"error": {"message": "Incorrect API key", "type": "authentication_error",
                                   "code": "invalid_api_key"}}
        if not request.path.startswith("/v1/"):
            return 404, {"error": {"message": "no such path", "type": "invalid_request_error", "code": None}}
        if request.method == "GET":
            return 200, {"data": []}
        asked = request.json()
        text = "\n".join(m["content"] for m in asked["messages"] if isinstance(m["content"], str))
        schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        said = json.dumps(self.make_up(schema, text)) if schema else "It can be done in two steps.\n"
        self.tokens += len(text) // 4 + len(said) // 4
        self.asked.append({"model": asked["model"], "text": text})
        return 200, {"id": "x", "object": "chat.completion", "model": asked["model"],
                     "choices": [{"index": 0, "finish_reason": "stop",
                                  "message": {"role": "assistant", "content": said}}],
                     "usage": {"prompt_tokens": len(text) // 4, "completion_tokens": len(said) // 4}}


# ---- where it goes ----

class Shortcut(Service):
    name = "shortcut"
    states = [{"id": 501, "name": "Backlog", "type": "backlog"}, {"id": 502, "name": "Ready", "type": "unstarted"}]

    def __init__(self, seed):
        super().__init__(seed)
        self.stories = []

    def answer(self, request):
        if request.headers.get("shortcut-token") != "sct_good_token_0123456789":
            return 401, {"message": "Unauthorized", "tag": "unauthorized"}
        place = f"{request.method} {request.path.removeprefix('/api/v3')}"
        if place == "GET /workflows":
            return 200, [{"id": 500, "name": "Engineering", "default_state_id": 501, "states": self.states}]
        if place == "GET /member":
            return 200, {"id": "m", "workspace2": {"url_slug": "acme"}}
        if place == "GET /search/stories":
            last = request.query["query"].split()[-1]
            found = [s for s in self.stories if s["name"].endswith(last)][:5]
            return 200, {"total": len(found), "data": found, "next": None}
        if place == "POST /stories/search":
            wanted = request.json()["external_id"]
            return 201, [s for s in self.stories if s["external_id"] == wanted]
        if place == "POST /stories":
            told = request.json()
            if told["workflow_state_id"] not in [s["id"] for s in self.states]:
                return 400, {"message": "The request included invalid or missing parameters."}
            number = len(self.stories) + 1
            self.stories.append({
                "id": number, "app_url": f"http://127.0.0.1:{self.port}/story/{number}", "entity_type": "story",
                "workflow_id": 500, "owner_ids": [], "created_at": "2026-01-02T00:00:00Z",
                "updated_at": "2026-01-02T00:00:00Z", **told,
                "labels": [{"id": 1, "name": label["name"], "color": None} for label in told.get("labels", [])]})
            return 201, self.stories[-1]
        return 404, {"message": "Resource not found."}


class Slack(Service):
    name = "slack"
    channels = {"#issues": "C0ISSUES", "#alarm": "C0ALARM"}

    def __init__(self, seed):
        super().__init__(seed)
        self.messages = []

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer xoxb-good":
            return 200, {"ok": False, "error": "invalid_auth"}
        method = request.path.lstrip("/")
        if method == "auth.test":
            return 200, {"ok": True, "team": "T", "user": "opstream"}
        if method == "conversations.list":
            return 200, {"ok": True, "channels": [{"id": i, "name": n[1:]} for n, i in self.channels.items()],
                         "response_metadata": {"next_cursor": ""}}
        if method == "conversations.history":
            at = int(request.query.get("cursor") or 0)
            found = [m for m in reversed(self.messages) if m["channel"] == request.query["channel"]]
            following = str(at + 200) if at + 200 < len(found) else ""
            return 200, {"ok": True, "messages": found[at:at + 200], "response_metadata": {"next_cursor": following}}
        if method != "chat.postMessage":
            return 200, {"ok": False, "error": "unknown_method"}
        told = request.json()
        if told["channel"] not in self.channels:
            return 200, {"ok": False, "error": "channel_not_found"}
        self.messages.append({**told, "type": "message", "channel": self.channels[told["channel"]],
                              "ts": f"1700000000.{len(self.messages) + 1:06}"})
        return 200, {"ok": True, "channel": self.messages[-1]["channel"], "ts": self.messages[-1]["ts"],
                     "message": self.messages[-1]}


class Notion(Service):
    name = "notion"

    def __init__(self, seed):
        super().__init__(seed)
        self.pages = []

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer notion-key":
            return 401, {"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."}
        if request.path == "/v1/users/me":
            return 200, {"object": "user", "id": "bot", "type": "bot"}
        if request.method != "POST" or request.path != "/v1/pages":
            return 404, {"object": "error", "status": 404, "code": "object_not_found", "message": "no such path"}
        if not request.headers.get("notion-version"):
            return 400, {"object": "error", "status": 400, "code": "missing_version", "message": "no Notion-Version"}
        self.pages.append(request.json())
        return 200, {"object": "page", "id": f"p{len(self.pages)}", "url": f"http://127.0.0.1:{self.port}/p{len(self.pages)}"}


class Mail(Service):
    """What has the Message-ID of one that is there is the same message again."""

    name = "mail"
    protocol = Session

    def __init__(self, seed):
        super().__init__(seed)
        self.mails = {}

    def deliver(self, to, text):
        name = re.search(r"(?im)^message-id:\s*(\S+)", text)
        self.mails[name[1]] = {"to": to, "text": text[:4000]}


class Webhook(Service):
    """Knows the key of a call: what comes again is taken once."""

    name = "webhook"

    def __init__(self, seed):
        super().__init__(seed)
        self.taken = {}
        self.hooks = []

    def answer(self, request):
        key = request.headers.get("idempotency-key")
        if key is None or key not in self.taken:
            self.taken[key] = True
            self.hooks.append(request.json())
        return 200, {"ok": True}


# ---- the program ----

class Control(Service):
    name = "control"

    def __init__(self, services):
        super().__init__()
        self.services = services

    def answer(self, request):
        if request.path == "/counts":
            return 200, {s.name: s.counts() for s in self.services}
        if request.path == "/made":
            return 200, made(self.services)
        if request.path == "/asked":
            return 200, list(next(s for s in self.services if s.name == "llm").asked)
        if request.path == "/times":
            return 200, times(self.services)
        told = request.json()
        for service in self.services:
            if service.name == "github":
                service.n_issues = told.get("issues", service.n_issues)
            if told.get("only") in (None, service.name):
                service.latency_ms = told.get("latency_ms", service.latency_ms)
                service.fail_percent = told.get("fail_percent", service.fail_percent)
        return 200, {}


def made(services):
    by_name = {s.name: s for s in services}
    github, shortcut = by_name["github"], by_name["shortcut"]
    return {"comments": github.comments, "labels": github.labels, "stories": shortcut.stories,
            "messages": by_name["slack"].messages, "mails": list(by_name["mail"].mails.values()),
            "pages": by_name["notion"].pages, "hooks": by_name["webhook"].hooks}


def times(services):
    """When each was called; searches of GitHub have a rate of their own."""
    at = {s.name: [when for when, _ in s.called_at] for s in services}
    by_name = {s.name: s for s in services}
    at["search"] = [when for when, target in by_name["github"].called_at if target.startswith("/search/")]
    return at


async def serve(options):
    services = [GitHub(options.seed, options.issues), Llm(options.seed), Shortcut(options.seed),
                Slack(options.seed), Notion(options.seed), Webhook(options.seed), Mail(options.seed)]
    for service in services:
        service.latency_ms = options.latency
        service.fail_percent = options.fail
    control = Control(services)
    for service in [*services, control]:
        await listen(service)
    print(json.dumps({s.name: s.port for s in [*services, control]}), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--issues", type=int, default=8)
    parser.add_argument("--latency", type=float, default=0)
    parser.add_argument("--fail", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(serve(parser.parse_args()))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The api plugin in the built program, against a small tracker of tickets.

usage: test_api.py BUILD [CASE...]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from fake_service import FakeService, answer, lose
from plugin_case import QUICK, Program, cases_of, check, equal, examples_of, has, run_cases

PROGRAM = Program(sys.argv[1])
PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "plugins", "api")
GOOD = "jira-token-2718281828"


class Tracker(FakeService):
    """Tickets by pages of 2 at most, by place, by number and by links."""

    def __init__(self):
        super().__init__()
        self.tickets = [{"key": f"OPS-{n}", "fields": {"summary": f"ticket {n}"}} for n in range(1, 6)]
        self.comments = []

    def search(self, request):
        begin, size = int(request.query.get("startAt", 0)), min(2, int(request.query.get("maxResults", 2)))
        return 200, {"issues": self.tickets[begin:begin + size], "total": len(self.tickets)}

    def paged(self, request):
        page = int(request.query["page"])
        return 200, self.tickets[2 * page - 2:2 * page]

    def linked(self, request):
        page = int(request.query.get("at", 1))
        here = self.tickets[2 * page - 2:2 * page]
        link = f"{self.url}/linked?at={page + 1}"
        return 200, {"data": {"list": here}, "links": {"next": link if 2 * page < len(self.tickets) else None}}

    def comment(self, request, key):
        self.comments.append((key, request.json()))
        return 201, {"id": len(self.comments), "of": {"key": key}}

    def empty(self, _request, _key):
        return 204, None

    def file(self, _request, path):
        return 200, {"path": path}

    routes = [("GET", r"/rest/api/2/search", search), ("GET", r"/paged", paged), ("GET", r"/linked", linked),
              ("POST", r"/rest/api/2/issue/([^/]+)/comment", comment), ("DELETE", r"/issue/([^/]+)", empty),
              ("GET", r"/files/(.*)", file)]


OPERATIONS = {
    "paged": {"path": "/paged", "items": "", "pages": {"query": "page"}, "output": {"key": "key"}},
    "linked": {"path": "/linked", "items": "data.list", "next": "links.next"},
    "comment": {"path": "/rest/api/2/issue/{ticket}/comment", "body": {"body": "text", "visible": "shown"}, "required": ["text"],
                "output": {"id": "id", "key": "of.key", "none": "no.where"}},
    "again": {"path": "/rest/api/2/issue/{ticket}/comment", "body": {"body": "text"}, "repeatable": True},
    "drop": {"method": "DELETE", "path": "/issue/{ticket}"},
    "file": {"path": "/files/{+path}", "query": {"ref": "ref", "mode": "mode", "tags": "tags"}, "defaults": {"mode": "a b"}},
}


def settings(**service):
    return {"services": {"tracker": {"base_url": "${API_URL}", "token": "{{ secrets.jira_token }}", "operations": OPERATIONS, **service}}}


def run(service, definition):
    return PROGRAM.run(definition, API_URL=service.url, JIRA_URL=service.url, OPSTREAM_SECRET_JIRA_TOKEN=GOOD)


def call(tracker, operation, parameters=None, kind="api.call", retry="off", with_settings=None, **more):
    config = {"service": "tracker", "operation": operation, **({} if parameters is None else {"parameters": parameters})}
    nodes = [{"id": "n", "type": kind, "retry": retry, "config": {**config, **more}}]
    if kind == "api.list":
        nodes.append({"id": "each", "for_each": "n.stream", "as": "item", "type": "set", "config": {"it": "{{ item }}"}})
    return run(tracker, {"id": "t", "integrations": {"api": with_settings or settings()}, "nodes": nodes})


# ---- calls ----

def an_operation_is_called_by_its_name(tracker):
    made = call(tracker, "comment", {"ticket": "A 1?", "text": "hm"}).output()
    equal(made, {"id": 1, "key": "A 1?", "none": None})
    equal(tracker.comments, [("A 1?", {"body": "hm"})])
    sent = tracker.last("POST .*")
    equal((sent.raw_path, sent.headers["authorization"]), ("/rest/api/2/issue/A%201%3F/comment", "Bearer " + GOOD))


def the_whole_answer_is_the_body(tracker):
    made = call(tracker, "file", {"path": "a b/c", "ref": "x&y", "tags": ["p", "q"]}).output()
    equal(made, {"body": {"path": "a b/c"}})
    equal(tracker.last("GET .*").query, {"ref": "x&y", "mode": "a b", "tags": "p,q"})
    equal(call(tracker, "drop", {"ticket": "X"}).output(), {"body": None})


def null_leaves_a_parameter_out(tracker):
    call(tracker, "file", {"path": "a", "ref": None, "mode": None}).output()
    equal(tracker.last("GET .*").query, {"mode": "a b"})
    call(tracker, "comment", {"ticket": "A", "text": "t", "shown": False}).output()
    equal(tracker.comments, [("A", {"body": "t", "visible": False})])


def headers_and_tokens_are_as_the_service_wants(tracker):
    own = settings(auth_header="X-Key", auth_prefix="", headers={"X-Version": "3"})
    call(tracker, "drop", {"ticket": "X"}, with_settings=own).output()
    headers = tracker.last("DELETE .*").headers
    equal((headers["x-key"], headers["x-version"], headers.get("authorization")), (GOOD, "3", None))


# ---- lists ----

def items_come_page_after_page(tracker):
    for operation in ("paged", "linked"):
        ran = call(tracker, operation, kind="api.list")
        equal([item["it"]["key"] for item in ran.output("each")], [f"OPS-{n}" for n in range(1, 6)])
        equal(ran.output()["count"], 5)
    equal(tracker.count("GET /paged"), 4)  # the last is empty
    equal(tracker.count("GET /linked"), 3)


def a_limit_bounds_them(tracker):
    ran = call(tracker, "paged", kind="api.list", limit=3)
    equal([item["it"]["key"] for item in ran.output("each")], ["OPS-1", "OPS-2", "OPS-3"])
    equal(tracker.count("GET /paged"), 2)


# ---- what goes wrong ----

def names_that_are_not_there_are_told(tracker):
    def told(ran, path, *words):
        error = ran.error()
        equal((error["code"], error["path"]), ("CONFIG", path))
        has(error["message"] + " " + error.get("hint", ""), *words)
    told(call(tracker, "{{ 'coment' }}"), "/operation", "no operation 'coment'", "comment, again, drop")
    told(call(tracker, "comment", {"ticket": "A", "txt": "t"}), "/parameters", "no parameter 'txt'", "ticket, text, shown")
    told(call(tracker, "comment", {"ticket": "A"}), "/parameters", "needs the parameter 'text'")
    told(call(tracker, "comment", {"text": "A"}), "/parameters", "needs the parameter 'ticket'")
    told(call(tracker, "drop", {"ticket": ".."}), "/parameters/ticket", "must not have the parts")
    told(call(tracker, "comment", {"ticket": "A", "text": "t"}, kind="api.list"), "/operation", "gives no list")
    ran = run(tracker, {"id": "t", "integrations": {"api": settings()},
                        "nodes": [{"id": "n", "type": "api.call", "config": {"service": "{{ 'trakcer' }}", "operation": "drop"}}]})
    told(ran, "/service", "no service 'trakcer'", "it has tracker")
    equal(tracker.calls, [])


def names_in_a_file_are_checked_before_it_runs(tracker):
    has(call(tracker, "coment").refusal(), "p.yaml:1:", "no operation 'coment'; it has paged, linked, comment", "did you mean 'comment'?")
    has(call(tracker, "drop", service="trakcer").refusal(), "no service 'trakcer'; it has tracker", "did you mean 'tracker'?")
    equal(tracker.calls, [])


def settings_that_lead_nowhere_are_refused(tracker):
    def operation(**one):
        return settings(operations={"x": {"path": "/x/{a}", **one}})
    for one, words in ((operation(required=["b"]), "requires 'b'"), (operation(defaults={"b": 1}), "default for 'b'")):
        error = call(tracker, "x", {"a": 1}, with_settings=one).error()
        equal(error["code"], "CONFIG")
        has(error["message"], "tracker.x", words)
    for one, words in ((operation(path="/x?y=1"), "path"), (operation(path="/{a"), "path"), (operation(pathh="/x"), "pathh"),
                       (operation(next="a"), "items"), (settings(tokn="t"), "tokn")):
        ran = call(tracker, "x", {"a": 1}, with_settings=one)
        has(ran.refusal(), words)
    equal(tracker.calls, [])


def refusals_are_told_in_the_words_of_the_service(tracker):
    tracker.fail("POST .*", answer(422, {"message": "text is too short"}))
    error = call(tracker, "comment", {"ticket": "A", "text": "t"}).error()
    has(error["message"], "tracker", "422", "text is too short")
    tracker.fail("DELETE .*", answer(404, {"message": "gone"}))
    error = call(tracker, "drop", {"ticket": "A"}).error()
    equal(error["code"], "NOT_FOUND")
    has(error["message"], "'drop'")
    tracker.fail("DELETE .*", answer(401, {"message": "who?"}))
    error = call(tracker, "drop", {"ticket": "A"}).error()
    equal(error["code"], "AUTH")
    has(error["message"] + error["hint"], "integrations.api.services.tracker.token")
    check("integrations.api.token" not in str(error), error)


def only_what_can_be_repeated_is_tried_again(tracker):
    tracker.fail("POST .*", lose())
    error = call(tracker, "comment", {"ticket": "A", "text": "t"}).error()
    equal((error["effect"], error.get("repeatable"), len(tracker.comments)), ("maybe", None, 1))
    tracker.fail("POST .*", lose())
    call(tracker, "again", {"ticket": "A", "text": "t"}, retry=QUICK).output()
    equal(len(tracker.comments), 3)


# ---- the service is its address ----

def each_service_has_a_breaker_of_its_own(tracker):
    both = {"services": {name: {"base_url": "${API_URL}" if name == "good" else "http://127.0.0.1:1", "operations": OPERATIONS}
                         for name in ("good", "bad")}, "circuit_breaker": {"failure_threshold": 1}}
    nodes = [{"id": f"n{i}", "type": "api.call", "retry": "off", "on_open": "fail", "on_error": "continue",
              "depends_on": [f"n{i - 1}"] if i else [],
              "config": {"service": "{{ input.names[%d] }}" % i, "operation": "drop", "parameters": {"ticket": "X"}}} for i in range(3)]
    ran = run(tracker, {"id": "t", "integrations": {"api": both}, "nodes": nodes,
                        "input": {"type": "object", "properties": {"names": {"type": "array", "default": ["bad", "bad", "good"]}}}})
    check(ran.result, ran.text)
    has(str(ran.steps["n0"]), "127.0.0.1:1")
    has(str(ran.steps["n1"]), "CIRCUIT_OPEN")
    equal(ran.steps["n2"]["output"], {"body": None})


# ---- the examples ----

def the_examples_of_the_readme_run(tracker):
    for block in examples_of(PLUGIN, "api"):
        ran = run(tracker, block)
        check(ran.code == 0, f"{block}\n{ran.text}")
    equal(sorted(key for key, _ in tracker.comments), [f"OPS-{n}" for n in range(1, 6)])
    equal(dict(tracker.comments)["OPS-1"], {"body": "Still open: ticket 1"})
    results = ran.result["output"]["results"]
    equal(len(results), 4)
    has(str(results), "OPS-1", "[1, 2]", "12", "as it is")


if __name__ == "__main__":
    sys.exit(run_cases(Tracker, cases_of(sys.modules[__name__], "tracker"), sys.argv[2:]))

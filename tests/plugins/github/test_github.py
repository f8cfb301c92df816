#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The github plugin in the built program, against a small GitHub that fails on demand.

usage: test_github.py BUILD [CASE]
"""

import base64
import contextlib
import glob
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading

from github import GOOD, WEAK, App, GitHub
from fake_service import answer, cut, hold, huge, lose, page
from plugin_case import QUICK, Program, cases_of, check, equal, examples_of, has, run_cases

PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "plugins", "github")
PROGRAM = Program(sys.argv[1])


def run_file(service, definition, token=GOOD, folder=None, **variables):
    variables = {"BASE": service.url, "GITHUB_API_URL": service.url, **variables}
    if token:
        variables["OPSTREAM_SECRET_GITHUB_TOKEN"] = token
    return PROGRAM.run_in(folder, definition, **variables) if folder else PROGRAM.run(definition, **variables)


def pipeline(nodes, token=GOOD, **policies):
    settings = {"base_url": "${BASE}", **({"token": "{{ secrets.github_token }}"} if token else {}), **policies}
    return {"id": "t", "integrations": {"github": settings}, "nodes": nodes}


def call(service, operation, config, token=GOOD, retry="off", **node):
    """One node of the type, in a run of its own."""
    nodes = [{"id": "n", "type": f"github.{operation}", "retry": retry,
              "config": {"repo": "a/b", **config} if operation != "search_issues" else config, **node}]
    return run_file(service, pipeline(nodes, token, circuit_breaker="off"), token)


def stream(service, config, token=GOOD, **more):
    nodes = [{"id": "n", "type": "github.fetch_issues", "retry": "off", "config": {"repo": "a/b", **config}, **more},
             {"id": "each", "for_each": "n.stream", "as": "issue", "type": "set",
              "config": {"number": "{{ issue.number }}"}}]
    return run_file(service, pipeline(nodes, token), token)


def numbers(ran):
    return [item["number"] for item in ran.output("each")]


# ---- operations ----

def issues_are_streamed_page_by_page(github):
    for i in range(250):
        github.repo.add(f"issue {i}")
    ran = stream(github, {"state": "all"})
    equal(numbers(ran), list(range(250, 0, -1)))
    equal(ran.output(), {"count": 250, "pages": 3, "unchanged": 0, "latest": "2026-01-01T00:59:00Z"})
    pages = [c for c in github.calls if c.path == "/repos/a/b/issues"]
    equal([c.query.get("page") for c in pages], [None, "2", "3"])
    check(all(c.query["per_page"] == "100" and c.query["state"] == "all" for c in pages), "queries")


def issues_are_chosen(github):
    for i in range(30):
        github.repo.add(f"issue {i}", state="closed" if i % 2 else "open",
                        labels=[{"name": "bug"}, {"name": "a b"}] if i % 3 == 0 else [])
    equal(numbers(stream(github, {"labels": ["bug", "a b"]})), [25, 19, 13, 7, 1])
    equal(github.last("GET /repos/a/b/issues").query, {"labels": "bug,a b", "per_page": "100"})
    equal(numbers(stream(github, {"state": "all", "limit": 3, "per_page": 2})), [30, 29, 28])
    equal(numbers(stream(github, {"state": "all", "since": "2026-01-01T00:28:00Z"})), [30, 29, 28])


def pull_requests_are_left_out(github):
    github.repo.add("one")
    github.repo.add("two", pull_request={"html_url": "https://github.test/a/b/pull/2", "merged_at": None})
    equal(numbers(stream(github, {})), [1])
    equal(numbers(stream(github, {"pull_requests": True})), [2, 1])


def what_moves_to_the_next_page_comes_once(github):
    for i in range(6):
        github.repo.add(f"issue {i}")

    def meanwhile(handler, work):
        handler.send(*work())
        github.repo.add("new")
    github.fail("GET /repos/a/b/issues", meanwhile)
    equal(numbers(stream(github, {"per_page": 3})), [6, 5, 4, 3, 2, 1])


def unchanged_pages_cost_nothing_in_a_run(github):
    for i in range(5):
        github.repo.add(f"issue {i}")
    config = {"repo": "a/b", "per_page": 3}
    nodes = [{"id": "n", "type": "github.fetch_issues", "config": config},
             {"id": "each", "for_each": "n.stream", "as": "issue", "type": "set", "config": {"number": "{{ issue.number }}"}},
             {"id": "again", "type": "github.fetch_issues", "config": config, "depends_on": ["each"]},
             {"id": "each_again", "for_each": "again.stream", "as": "issue", "type": "set",
              "config": {"number": "{{ issue.number }}"}},
             {"id": "one", "type": "github.get_issue", "config": {"repo": "a/b", "number": 2}},
             {"id": "two", "type": "github.get_issue", "config": {"repo": "a/b", "number": 2}, "depends_on": ["one"]}]
    ran = run_file(github, pipeline(nodes))
    equal(ran.output("again")["unchanged"], 2)
    equal(ran.output("each"), ran.output("each_again"))
    equal(ran.output("one"), ran.output("two"))
    equal(ran.output("two")["title"], "issue 1")
    equal(len([c for c in github.calls if "if-none-match" in c.headers]), 3)


def conditions(service):
    """The If-None-Match of all calls since the last time."""
    sent = [c.headers.get("if-none-match") for c in service.calls]
    service.calls.clear()
    return sent


def read_all(github, folder, token=GOOD, settings=None, **variables):
    """The issues page by page, and issue 2, in an engine of its own: what came, and how much was as before."""
    nodes = [{"id": "n", "type": "github.fetch_issues", "config": {"repo": "a/b", "per_page": 3}},
             {"id": "each", "for_each": "n.stream", "as": "issue", "type": "set", "config": {"issue": "{{ issue }}"}},
             {"id": "one", "type": "github.get_issue", "config": {"repo": "a/b", "number": 2}, "depends_on": ["each"]}]
    definition = pipeline(nodes, token) if settings is None else {
        "id": "t", "integrations": {"github": {"base_url": "${BASE}", **settings}}, "nodes": nodes}
    ran = run_file(github, definition, token, folder, **variables)
    return (ran.output("each"), ran.output("one")), ran.output("n")["unchanged"]


def unchanged_answers_cost_nothing_in_later_runs(github):
    for i in range(5):
        github.repo.add(f"issue {i}", body="x" * 2000)
    with tempfile.TemporaryDirectory() as folder:
        first, unchanged = read_all(github, folder)
        equal((unchanged, conditions(github)), (0, [None] * 3))
        again, unchanged = read_all(github, folder)
        equal((again, unchanged), (first, 2))
        etags = conditions(github)
        check(len(set(etags)) == 3 and all(etags), etags)
        github.repo.issues[4]["title"] = "changed"
        changed, unchanged = read_all(github, folder)
        equal((changed[0][0]["issue"]["title"], changed[0][1:], unchanged), ("changed", first[0][1:], 1))
        equal(conditions(github), etags)
        equal(read_all(github, folder), (changed, 2))
        github.calls.clear()
        # Others do not see it: they have a token of their own, none, or are elsewhere.
        equal(read_all(github, folder, token=WEAK)[1], 0)
        equal(read_all(github, folder, token=None)[1], 0)
        with GitHub() as other:
            other.repo.add("elsewhere")
            other.repo.add("there")
            equal(read_all(other, folder)[1], 0)
            equal(conditions(other), [None] * 2)
        equal(conditions(github), [None] * 6)
        equal(read_all(github, folder, token=WEAK), (changed, 2))
        for path in glob.glob(os.path.join(folder, "state", "state.db*")):
            with open(path, "rb") as state:
                check(GOOD.encode() not in state.read(), "the token is in the state")


def what_an_app_read_costs_nothing_in_later_runs(github):
    for i in range(5):
        github.repo.add(f"issue {i}")
    github.app = App()

    def read(folder, **more):
        settings = {"app": {"id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678, **more}}
        return read_all(github, folder, None, settings, OPSTREAM_SECRET_APP_KEY=github.app.key)
    with tempfile.TemporaryDirectory() as folder:
        first, _ = read(folder)
        equal(read(folder), (first, 2))
        github.app.installation = 9
        equal(read(folder, installation_id=9), (first, 0))


def what_is_kept_badly_is_asked_for_anew(github):
    for i in range(5):
        github.repo.add(f"issue {i}")
    for change in ("value = CAST(substr(value, 1, length(value) - 1) AS BLOB)", "value = x''", "value = CAST('etag 1' AS BLOB)",
                   "until = 1"):
        with tempfile.TemporaryDirectory() as folder:
            first, _ = read_all(github, folder)
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "state", "state.db"))) as state:
                equal(state.execute(f"UPDATE kv SET {change} WHERE key LIKE 'etag/%'").rowcount, 3)
                state.commit()
            github.calls.clear()
            equal(read_all(github, folder), (first, 0))
            equal(conditions(github), [None] * 3)
            equal(read_all(github, folder), (first, 2))


def what_is_large_or_far_behind_is_not_kept(github):
    for i in range(35):
        github.repo.add(f"issue {i}", body="x" * (300000 if i == 33 else 10))
    nodes = [{"id": "n", "type": "github.fetch_issues", "config": {"repo": "a/b", "per_page": 1}},
             {"id": "each", "for_each": "n.stream", "as": "issue", "type": "set", "config": {"n": "{{ issue.number }}"}}]
    with tempfile.TemporaryDirectory() as folder:
        for unchanged in (0, 31):
            ran = run_file(github, pipeline(nodes), folder=folder)
            equal((ran.output("n")["count"], ran.output("n")["unchanged"]), (35, unchanged))
            equal([item["n"] for item in ran.output("each")], list(range(35, 0, -1)))


def one_issue(github):
    github.repo.add("first", body="text", labels=[{"name": "bug", "color": "f00", "description": "d", "id": 1}])
    found = call(github, "get_issue", {"number": 1}).output()
    equal(found["author"], "octo")
    equal(found["labels"], [{"name": "bug", "color": "f00", "description": "d"}])
    check("user" not in found and "reactions" not in found, "what is not asked for")
    headers = github.last("GET .*").headers
    equal(headers["accept"].split(",")[0], "application/vnd.github+json")
    equal(headers["x-github-api-version"], "2022-11-28")
    equal(headers["authorization"], f"Bearer {GOOD}")


def issues_are_created_and_changed(github):
    made = call(github, "create_issue", {"title": "it's \"broken\"", "body": "a\nb", "labels": ["bug"],
                                         "assignees": ["ada"]}).output()
    equal((made["number"], made["created"], made["url"]), (1, True, "https://github.test/a/b/issues/1"))
    issue = github.repo.issues[0]
    check(re.fullmatch(r"a\nb\n\n<!-- opstream:\S+ -->", issue["body"]), issue["body"])
    changed = call(github, "update_issue", {"number": 1, "state": "closed", "state_reason": "completed",
                                            "labels": [], "milestone": None}).output()
    equal((changed["state"], issue["labels"]), ("closed", []))
    equal(github.last("PATCH .*").json(), {"state": "closed", "state_reason": "completed", "labels": [],
                                           "milestone": None})
    equal(call(github, "add_labels", {"number": 1, "labels": ["x", "y"]}).output()["labels"][1]["name"], "y")
    equal(call(github, "add_comment", {"number": 1, "body": "thanks"}).output()["id"], 1)
    has(github.repo.comments["1"][0]["body"], "thanks\n\n<!-- opstream:")


def pull_requests_and_reviewers(github):
    made = call(github, "create_pr", {"title": "mend", "head": "fix", "base": "main", "draft": True}).output()
    equal((made["number"], made["head"], made["base"], made["draft"]), (1, "fix", "main", True))
    asked = call(github, "assign_reviewer", {"number": 1, "reviewers": ["ada"], "teams": ["core"]}).output()
    equal((asked["reviewers"], asked["teams"]), ([{"login": "ada", "type": "User"}], [{"slug": "core", "name": "core"}]))
    again = call(github, "create_pr", {"title": "mend", "head": "fix", "base": "main"}).error()
    equal(again["code"], "INPUT")
    has(again["message"], "GitHub answered 422: Validation Failed; PullRequest: A pull request already exists for a:fix.")


def issues_are_searched(github):
    for title in ("crash at start", "a wish", "crash at end"):
        github.repo.add(title)
    found = call(github, "search_issues", {"query": "crash is:issue repo:a/b", "limit": 1}).output()
    equal((found["total"], [i["title"] for i in found["items"]]), (2, ["crash at start"]))
    has(call(github, "search_issues", {"query": "crash"}).error()["message"], "Query must include 'is:issue'")


def files_are_read_and_written(github):
    github.repo.files = {"docs/a b#.md": "grüße\n".encode(), "bin": b"\xff\x00", "large": b"x" * 1200000, "dir/a": b""}
    read = call(github, "get_file", {"path": "docs/a b#.md"}).output()
    equal((read["content"], read["is_text"], read["size"]), ("grüße\n", True, 8))
    equal(github.last("GET .*").raw_path, "/repos/a/b/contents/docs/a%20b%23.md")
    read = call(github, "get_file", {"path": "bin", "ref": "v1"}).output()
    equal((read["content"], read["is_text"]), ("/wA=", False))
    equal(len(call(github, "get_file", {"path": "large"}).output()["content"]), 1200000)
    has(call(github, "get_file", {"path": "dir"}).error()["message"], "'path' names no file, but a folder")
    new = {"path": "docs/new.md", "content": "é", "message": "add", "branch": "main"}
    equal(call(github, "create_or_update_file", new).output()["changed"], True)
    equal(call(github, "create_or_update_file", new).output()["changed"], False)
    equal(call(github, "create_or_update_file", {**new, "content": "two"}).output()["changed"], True)
    equal((github.repo.files["docs/new.md"], len(github.repo.commits)), (b"two", 2))
    equal(call(github, "create_or_update_file", {**new, "sha": "a" * 40}).error()["code"], "CONFLICT")


def checks_and_releases(github):
    run = {"name": "build", "head_sha": "a" * 40, "conclusion": "success", "output": {"title": "t", "summary": "s"}}
    made = call(github, "create_check", run).output()
    equal((made["id"], made["conclusion"], made["created"]), (1, "success", True))
    check(github.repo.checks[0]["external_id"], "it has the step's key")
    equal(call(github, "create_check", {**run, "external_id": "mine"}).output()["external_id"], "mine")
    made = call(github, "create_release", {"tag_name": "v1.0", "body": "notes", "prerelease": True}).output()
    equal((made["id"], made["tag_name"], made["prerelease"]), (1, "v1.0", True))
    again = call(github, "create_release", {"tag_name": "v1.0"}).error()
    has(again["message"], "Release.tag_name: already_exists")


# ---- once, although ----

CREATORS = [
    ("create_issue", {"title": "t"}, "POST /repos/a/b/issues", lambda repo: len(repo.issues) - 1),
    ("add_comment", {"number": 1, "body": "t"}, "POST /repos/a/b/issues/1/comments", lambda repo: len(repo.comments["1"])),
    ("create_pr", {"title": "t", "head": "h", "base": "b"}, "POST /repos/a/b/pulls", lambda repo: len(repo.pulls)),
    ("create_check", {"name": "c", "head_sha": "a" * 40}, "POST /repos/a/b/check-runs", lambda repo: len(repo.checks)),
    ("create_release", {"tag_name": "v"}, "POST /repos/a/b/releases", lambda repo: len(repo.releases)),
]


def what_was_created_is_found_again(github):
    for operation, config, post, count in CREATORS:
        for fault in (lose(), cut(), cut(is_told=False)):
            github.repo.__init__()
            github.repo.add("first")
            github.fail(post, fault)
            made = call(github, operation, config, retry=QUICK).output()
            equal((operation, count(github.repo), made["created"]), (operation, 1, False))


def what_was_not_created_is_created(github):
    for operation, config, post, count in CREATORS:
        github.repo.__init__()
        github.repo.add("first")
        github.fail(post, answer(502, {"message": "Server Error"}))
        made = call(github, operation, config, retry=QUICK).output()
        equal((operation, count(github.repo), made["created"]), (operation, 1, True))


def the_mark_is_found_on_a_later_page(github):
    github.repo.add("first")
    github.repo.comments["1"] = [{"id": i, "body": f"comment {i}", "html_url": "u"} for i in range(250)]
    github.fail("POST .*comments", lose())
    equal(call(github, "add_comment", {"number": 1, "body": "t"}, retry=QUICK).output()["id"], 251)
    equal((len(github.repo.comments["1"]), github.count("GET .*comments")), (251, 3))


def what_a_killed_engine_created_is_found_again(github):
    definition = pipeline([{"id": "n", "type": "github.create_issue", "config": {"repo": "a/b", "title": "t"}}])
    PROGRAM.run_killed(github, "POST .*", definition, BASE=github.url, OPSTREAM_SECRET_GITHUB_TOKEN=GOOD)
    equal((len(github.repo.issues), github.count("POST .*"), github.count("GET .*/issues")), (1, 1, 1))


def a_hundred_are_commented_on_once_though_a_tenth_fails(github):
    chance = random.Random(7)
    faults = [lose(), cut(), answer(502, {}), answer(500, {}), page(503)]
    github.fail(".*", *[chance.choice(faults) if chance.random() < 0.1 else None for _ in range(1000)])
    for i in range(100):
        github.repo.add(f"issue {i}")
    retry = {**QUICK, "max_attempts": 12, "max_interval": "5ms", "budget": "off"}
    nodes = [{"id": "n", "type": "github.fetch_issues", "config": {"repo": "a/b", "per_page": 10}},
             {"id": "each", "for_each": "n.stream", "as": "issue", "type": "github.add_comment", "collect": "count",
              "max_parallel": 10, "config": {"repo": "a/b", "number": "{{ issue.number }}", "body": "seen"}}]
    ran = run_file(github, pipeline(nodes, retry=retry, circuit_breaker="off"))
    equal(ran.output("each"), 100)
    equal([len(github.repo.comments.get(str(i + 1), [])) for i in range(100)], [1] * 100)
    check(len(github.calls) > 120, "too few calls failed")


def a_file_is_written_once(github):
    github.fail("PUT .*", lose(), answer(502, {}))
    config = {"path": "a", "content": "x", "message": "m"}
    made = call(github, "create_or_update_file", config, retry=QUICK).output()
    equal((made["changed"], github.repo.commits, github.count("PUT .*")), (False, ["m"], 1))


def what_can_be_repeated_is(github):
    github.repo.add("first")
    github.fail("(PATCH|POST) .*", lose(), lose())
    equal(call(github, "update_issue", {"number": 1, "title": "u"}, retry=QUICK).output()["title"], "u")
    github.fail("(PATCH|POST) .*", cut())
    equal(len(call(github, "add_labels", {"number": 1, "labels": ["x"]}, retry=QUICK).output()["labels"]), 1)


def what_the_http_node_tries_again_is_tried_again(github):
    """Each status once, on what is idempotent and on what has the step's key."""
    again, not_again = (408, 425, 500, 502, 503, 504, 529), (400, 405, 409, 422, 501, 505)
    url, nodes = "${BASE}/repos/a/b/issues/", []
    for i, status in enumerate(again + not_again, 1):
        github.repo.add(f"issue {i}")
        github.repo.add(f"its twin {i}")
        ours, theirs = 2 * i - 1, 2 * i
        nodes += [
            {"id": f"get_{ours}", "type": "github.get_issue", "config": {"repo": "a/b", "number": ours}},
            {"id": f"get_{theirs}", "type": "http", "config": {"url": f"{url}{theirs}"}},
            {"id": f"post_{ours}", "type": "github.add_comment", "config": {"repo": "a/b", "number": ours, "body": "b"}},
            {"id": f"post_{theirs}", "type": "http", "config": {
                "url": f"{url}{theirs}/comments", "method": "POST", "idempotency_key": True, "json": {"body": "b"},
                "headers": {"Authorization": "Bearer {{ secrets.github_token }}"}}}]
        for number in (ours, theirs):
            github.fail(f"GET .*/issues/{number}", answer(status, {"message": "no"}))
            github.fail(f"POST .*/issues/{number}/comments", answer(status, {"message": "no"}))
    nodes = [{"on_error": "continue", "retry": {**QUICK, "max_attempts": 2, "budget": "off"}, "circuit_breaker": "off", **n}
             for n in nodes]
    ran = run_file(github, pipeline(nodes))
    for i, status in enumerate(again + not_again, 1):
        for number in (2 * i - 1, 2 * i):
            for name, call_of in ((f"get_{number}", f"GET .*/issues/{number}"),
                                  (f"post_{number}", f"POST .*/issues/{number}/comments")):
                calls = 2 if status in again else 1
                ended = "completed" if status in again else "failed"
                equal((status, name, ran.steps[name]["status"], github.count(call_of)), (status, name, ended, calls))


# ---- limits ----

def wait_of(ran):
    error = ran.error()
    equal(error["code"], "RATE_LIMITED")
    return error["retry_after_ms"]


def limits_say_how_long(github):
    github.repo.add("first")
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}
    said = {"message": "API rate limit exceeded for user ID 1."}
    secondary = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    for status, value, headers, wanted in (
            (429, said, {"Retry-After": "7"}, 7000), (403, secondary, {"Retry-After": "9"}, 9000),
            (403, said, spent, 3600000), (429, said, spent, 3600000), (403, secondary, {}, 60000),
            (429, said, {}, 60000), (403, {"message": "You have triggered an abuse detection mechanism."}, {}, 60000)):
        github.fail("GET .*", answer(status, value, headers))
        ran = call(github, "get_issue", {"number": 1})
        equal((status, value["message"], wait_of(ran)), (status, value["message"], wanted))
        has(ran.error()["message"], f"GitHub answered {status}: {value['message']}")


def a_limit_is_waited_for(github):
    github.repo.add("first")
    github.fail("GET .*", answer(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "1"}))
    equal(call(github, "get_issue", {"number": 1}, retry=QUICK).output()["number"], 1)
    equal(len(github.calls), 2)


# ---- what is wrong ----

def tokens_that_are_no_good(github):
    ran = call(github, "get_issue", {"number": 1}, token="ghp_wrong_token_9876543210")
    error = ran.error()
    equal((error["code"], error["message"]), ("AUTH", "GitHub answered 401: Bad credentials"))
    has(error["hint"], "integrations.github.token is refused: set a valid one.",
        "it comes from the secret 'github_token' (set OPSTREAM_SECRET_GITHUB_TOKEN, or use 'opstream secrets set github_token')")
    check("9876543210" not in ran.text, "the token is shown")
    error = call(github, "create_issue", {"title": "t"}, token=None).error()
    has(error["hint"], "integrations.github.token is not set: write \"{{ secrets.github_token }}\" there.")
    error = call(github, "create_issue", {"title": "t"}, token=WEAK).error()
    equal(error["code"], "PERMISSION")
    has(error["message"], "GitHub answered 403: Resource not accessible", "it takes a token with issues=write")
    error = call(github, "get_issue", {"number": 1}, token="ghp_one\ntwo_three").error()
    has(error["message"], "the value of header 'Authorization' holds a line break", "at its end")


def what_is_not_there(github):
    error = call(github, "get_issue", {"number": 7}).error()
    equal((error["code"], error["message"]),
          ("NOT_FOUND", "GitHub: issue 7 of a/b is not there, or the token may not see it (404: Not Found)"))
    error = call(github, "fetch_issues", {"repo": "no/such"}).error()
    has(error["message"], "GitHub: the repository no/such is not there, or the token may not see it")
    has(call(github, "get_file", {"path": "x/y"}).error()["message"], "the file x/y of a/b is not there")
    github.repo.add("first", locked=True)
    error = call(github, "add_comment", {"number": 1, "body": "t"}).error()
    equal((error["code"], error["message"]),
          ("NOT_FOUND", "GitHub: issue 1 of a/b is not there any more (410: Issue is locked)"))


def answers_that_are_no_use(github):
    github.repo.add("first")
    for fault, code, words in (
            (page(), "UPSTREAM", "GitHub answered with a page instead of JSON"),
            (page(404), "UPSTREAM", "GitHub answered 404 with a page instead of JSON"),
            (page(502), "UNAVAILABLE", "GitHub answered 502 with a page instead of JSON"),
            (answer(200, text='{"number": 1, "ti'), "UPSTREAM", "GitHub answered JSON that is broken, or cut off: "),
            (answer(200, text="\x1b[31m\nno"), "UPSTREAM", "broken, or cut off"),
            (answer(200, []), "UPSTREAM", "something else than is expected"),
            (answer(200, {"ok": True}), "UPSTREAM", "something else than is expected"),
            (answer(200, {"number": None}), "UPSTREAM", "something else than is expected"),
            (answer(200, text=""), "UPSTREAM", "something else than is expected"),
            (answer(404, text="plain\r\n\x1b[2Jwords"), "NOT_FOUND", "(404: plain   [2Jwords)"),
            (answer(422, {"message": "x" * 5000}), "INPUT", "x" * 390 + "xxxxxxxxxx..."),
            (cut(), "UNAVAILABLE", ""),
            (lose(), "UNAVAILABLE", "")):
        github.fail("GET .*", fault)
        error = call(github, "get_issue", {"number": 1}).error()
        equal((words, error["code"]), (words, code))
        has(error["message"], words)
        check(not re.search(r"[\x00-\x1f]", error["message"]), error["message"])
    github.fail("GET .*", answer(200, {"message": "no list"}))
    has(call(github, "fetch_issues", {}).error()["message"], "something else than a list")


def comments_of_ten_megabytes(github):
    github.repo.add("first")
    ran = call(github, "add_comment", {"number": 1, "body": "x" * 3000000})
    equal((ran.code, github.calls), (3, []))
    has(ran.text, "'body' must be at most 65000 characters long")
    check(len(ran.text) < 20000, "the text is repeated")
    github.fail("GET .*", huge(11 * 1024 * 1024))
    error = call(github, "get_issue", {"number": 1}).error()
    equal(error["code"], "RESOURCE")
    check(len(error["message"]) < 500, error["message"])
    github.fail("GET .*", huge(10 * 1000 * 1000))
    equal(len(call(github, "get_issue", {"number": 1}).output()["body"]), 10 * 1000 * 1000)


def what_stands_in_paths_stays_there(github):
    for repo in ("a/b/c", "a", "a/..", "../b", "a/b?x=1", "a/ b", ""):
        ran = call(github, "get_issue", {"repo": repo, "number": 1})
        check(ran.code in (1, 3), f"{repo}: {ran.text}")
    for path in ("../../x", "a//b", "/a", "a/./b", "."):
        error = call(github, "get_file", {"path": path}).error()
        equal((path, error["code"]), (path, "CONFIG"))
    equal(github.calls, [])


def addresses_that_are_none(github):
    for url in ("ftp://h", "h", "http://u:p@h/", "http://h/?x", "http://h/#x", "http://h h/"):
        definition = pipeline([{"id": "n", "type": "github.get_issue", "retry": "off", "config": {"repo": "a/b", "number": 1}}])
        definition["integrations"]["github"]["base_url"] = url
        ran = run_file(github, definition)
        check(ran.code in (1, 3), f"{url}: {ran.text}")
        has(ran.text, "base_url")


def a_base_url_may_have_a_path(github):
    github.repo.add("first")
    definition = pipeline([{"id": "n", "type": "github.get_issue", "retry": "off", "config": {"repo": "a/b", "number": 1}}])
    definition["integrations"]["github"]["base_url"] = "${BASE}/api/v3/"
    has(run_file(github, definition).error()["message"], "issue 1 of a/b is not there")
    equal(github.calls[0].path, "/api/v3/repos/a/b/issues/1")


def pages_without_end(github):
    github.repo.add("first")
    again = {"Link": '<https://x.test/y?page=2>; rel="next"'}
    github.fail("GET .*/issues", *[answer(200, [], again)] * 5)
    ran = call(github, "fetch_issues", {})
    has(ran.error()["message"], "GitHub names as the next page the one that it gave")
    equal((ran.error()["code"], len(github.calls)), ("UPSTREAM", 2))
    github.fail("GET .*/issues", answer(200, [], {"Link": f'<https://x.test/y?page={"2" * 3000}>; rel="next"'}))
    github.faults.reverse()
    has(call(github, "fetch_issues", {}).error()["message"], "names a next page by a link that is too long")


# ---- what others see of it ----

def a_breaker_is_that_of_the_service(github):
    nodes = [{"id": "n", "type": "github.get_issue", "retry": "off", "on_error": "continue", "on_open": "fail",
              "config": {"repo": "a/b", "number": 1}},
             {"id": "m", "type": "github.get_issue", "retry": "off", "on_open": "fail", "depends_on": ["n"],
              "config": {"repo": "a/b", "number": 1}}]
    github.fail("GET .*", answer(503, {"message": "down"}))
    ran = run_file(github, pipeline(nodes, circuit_breaker={"failure_threshold": 1}))
    equal((ran.error("m")["code"], len(github.calls)), ("CIRCUIT_OPEN", 1))
    has(ran.error("m")["message"], github.url.replace("http", "github http") + " github_token")


def a_check_looks_whether_it_is_there(github):
    github.repo.add("first")
    asked = threading.Event()

    def refuse(handler, _work):
        handler.send(503, b"{}", {})
        asked.set()
    github.fail("GET /rate_limit", *[refuse] * 100)
    github.fail("GET .*/issues/1", hold(asked))
    definition = pipeline([{"id": "n", "type": "github.get_issue", "config": {"repo": "a/b", "number": 1}},
                           {"id": "rest", "type": "wait", "config": {"seconds": 0.2}, "depends_on": ["n"]}])
    definition["monitoring"] = {"health_check_interval": "1s"}
    ran = run_file(github, definition)
    equal(ran.output()["number"], 1)
    has(ran.text, f"warn service down plugin=github origin={github.url} why=", "GitHub answered the check with 503")


# ---- signing in as an App ----

def app_run(github, nodes, key=None, **app):
    settings = {"base_url": "${BASE}", "circuit_breaker": "off",
                "app": {"id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678, **app}}
    return run_file(github, {"id": "t", "integrations": {"github": settings}, "nodes": nodes}, None,
                    OPSTREAM_SECRET_APP_KEY=key or github.app.key)


def issue_nodes(*names):
    return [{"id": name, "type": "github.get_issue", "retry": "off", "config": {"repo": "a/b", "number": 1},
             **({"depends_on": [names[i - 1]]} if i else {})} for i, name in enumerate(names)]


def asked_for_tokens(github):
    return github.count("POST /app/installations/.*")


def an_app_signs_in(github):
    github.repo.add("first")
    github.app = App()
    nodes = issue_nodes("n", "again", "third") + [
        {"id": "new", "type": "github.create_issue", "config": {"repo": "a/b", "title": "t"}, "depends_on": ["third"]}]
    ran = app_run(github, nodes)
    equal((ran.output("third")["number"], ran.output("new")["created"]), (1, True))
    equal(asked_for_tokens(github), 1)  # for all types
    check(all("BEGIN" not in str(c.headers) and b"BEGIN" not in c.body for c in github.calls), "the key was sent")
    key = github.app.key.split("\n")[3]
    check(key not in ran.text, "the key is shown")
    equal(github.last("GET /repos/a/b/issues/1").headers["authorization"].startswith("Bearer ghs_"), True)
    equal(app_run(github, issue_nodes("n"), id="1234").output()["number"], 1)


def forms_of(secret):
    """What of it must be nowhere: as it is, in base64, in hex, and with some characters escaped."""
    data = secret.encode()
    return [secret, base64.b64encode(data).decode().rstrip("=")[:-1], data.hex(), data.hex().upper(),
            "".join(f"%{c:02X}" if i % 3 else chr(c) for i, c in enumerate(data)),
            "".join(f"\\u{c:04x}" if i % 2 else chr(c) for i, c in enumerate(data))]


def what_an_app_s_key_makes_is_as_secret(github):
    """A GitHub that shows all it was sent, in each form, in what is stored and in what is an error."""
    github.app = App()
    sent = []

    def show(handler, work):
        sent.append(github.calls[-1].headers["authorization"].removeprefix("Bearer "))
        given = github.app.given[-1] if github.app.given else sent[-1]
        shown = " ".join(form for secret in (sent[-1], given) for form in forms_of(secret))
        if handler.command == "POST":
            handler.send(*work())
        elif github.calls[-1].path.endswith("/1"):
            answer(200, {"number": 1, "title": shown, "body": sent[0]})(handler, work)
        else:
            answer(422, {"message": shown})(handler, work)
    github.fail(".*", *[show] * 10)
    nodes = [{"id": "n", "type": "github.get_issue", "config": {"repo": "a/b", "number": 1}},
             {"id": "passed_on", "type": "set", "config": {"v": "{{ n.body }}"}, "depends_on": ["n"]},
             {"id": "no", "type": "github.get_issue", "config": {"repo": "a/b", "number": 2}, "depends_on": ["passed_on"],
              "retry": "off"}]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"base_url": "${BASE}", "app": {
            "id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678}}
        ran = run_file(github, {"id": "t", "integrations": {"github": settings}, "nodes": nodes}, None, folder,
                       OPSTREAM_SECRET_APP_KEY=github.app.key)
        has(ran.error("no")["message"], "***")
        has(ran.steps["n"]["output"]["title"], "***")
        equal(ran.steps["passed_on"]["output"]["v"], "***")
        equal((len(sent), len(set(sent)), asked_for_tokens(github)), (3, 2, 1))
        kept = ran.text.encode()
        for path in glob.glob(os.path.join(folder, "state", "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    kept += file.read()
        for form in (f for secret in set(sent) for f in forms_of(secret)):
            check(form.encode() not in kept, f"{form} is shown")


def what_an_app_s_key_makes_goes_where_the_key_goes(github):
    github.repo.add("first")
    github.app = App()
    with tempfile.TemporaryDirectory() as folder:
        def bind(host):
            done = subprocess.run([PROGRAM.path, "secrets", "set", "app_key", "--host", host], input=github.app.key,
                                  env=PROGRAM.env(folder, {}), capture_output=True, text=True, check=False)
            equal(done.returncode, 0)
        settings = {"base_url": "${BASE}", "app": {
            "id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678}}
        definition = {"id": "t", "integrations": {"github": settings}, "nodes": issue_nodes("n")}
        bind("api.github.com")
        error = run_file(github, definition, None, folder).error()
        equal((error["code"], error["symbol"]), ("PERMISSION", "secret.host"))
        has(error["message"], "the secret 'app_key' must not go to '127.0.0.1:")
        equal(len(github.calls), 0)
        bind("127.0.0.1:" + github.url.rpartition(":")[2])
        equal(run_file(github, definition, None, folder).output()["number"], 1)


def an_app_s_token_is_made_anew(github):
    github.repo.add("first")
    github.app = App()
    github.app.lives_seconds = 200  # so short that it is good for one call
    app_run(github, issue_nodes("n", "again")).output("again")
    equal(asked_for_tokens(github), 2)
    github.app.lives_seconds = 3600
    github.fail("GET .*/issues/1", answer(401, {"message": "Bad credentials"}))
    app_run(github, issue_nodes("n")).output()
    equal(asked_for_tokens(github), 4)
    github.fail("GET .*/issues/1", *[answer(401, {"message": "Bad credentials"})] * 2)
    error = app_run(github, issue_nodes("n")).error()
    equal((error["code"], error["message"]), ("AUTH", "GitHub answered 401: Bad credentials"))
    has(error["hint"], "integrations.github.app is refused", "permissions of the App")
    equal(asked_for_tokens(github), 6)


def apps_that_are_no_good(github):
    github.repo.add("first")
    github.app = App()
    other = App.make_key(github.app.file + ".other")
    for settings, key, code, words, hint in (
            ({}, other, "AUTH", "does not take what 'private_key' of the App signs (401: A JSON web token could not",
             "'private_key' one of its keys"),
            ({"id": 99}, None, "AUTH", "(401: Integration not found)", "'id' must be the App's ID"),
            ({"installation_id": 7}, None, "NOT_FOUND", "the App has no installation 7 (404: Not Found)",
             "installation_id is the number"),
            ({}, "no key at all", "AUTH", "integrations.github.app.private_key: the key is no private key in PEM",
             "it comes from the secret 'app_key' (set OPSTREAM_SECRET_APP_KEY"),
            ({}, github.app.key[:900], "AUTH", "the key is no private key in PEM", "the whole file")):
        error = app_run(github, issue_nodes("n"), key, **settings).error()
        equal(error["code"], code)
        has(error["message"], words)
        has(error["hint"], hint)
        check("BEGIN RSA" not in error["message"] and "MII" not in error["message"], error["message"])
    github.fail("POST /app/.*", answer(503, {"message": "later"}))
    error = app_run(github, issue_nodes("n")).error()
    equal((error["code"], error["message"]), ("UNAVAILABLE", "GitHub answered 503: later"))
    github.fail("POST /app/.*", answer(201, {"no": "token"}))
    equal(app_run(github, issue_nodes("n")).error()["code"], "UPSTREAM")
    nodes = {"id": "t", "integrations": {"github": {"token": "{{ secrets.github_token }}", "app": {
        "id": 1, "private_key": "{{ secrets.github_token }}", "installation_id": 1}}}, "nodes": issue_nodes("n")}
    has(run_file(github, nodes).text, "give either 'token' or 'app'")


def an_app_stays_with_its_enterprise(github):
    github.repo.add("first")
    github.app = App()
    settings = {"base_url": "${BASE}/api/v3/", "app": {
        "id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678}}
    error = run_file(github, {"id": "t", "integrations": {"github": settings}, "nodes": issue_nodes("n")}, None,
                     OPSTREAM_SECRET_APP_KEY=github.app.key).error()
    check(error["code"] in ("AUTH", "NOT_FOUND"), error)  # this GitHub has nothing there
    equal({c.path for c in github.calls}, {"/api/v3/app/installations/5678/access_tokens"})


def a_check_of_an_app_asks_who_it_is(github):
    github.repo.add("first")
    github.app = App()
    asked = threading.Event()

    def note(handler, work):
        handler.send(*work())
        asked.set()
    github.fail("GET /app", note)
    github.fail("GET .*/issues/1", hold(asked))
    settings = {"base_url": "${BASE}", "app": {
        "id": 1234, "private_key": "{{ secrets.app_key }}", "installation_id": 5678}}
    ran = run_file(github, {"id": "t", "integrations": {"github": settings}, "nodes": issue_nodes("n"),
                            "monitoring": {"health_check_interval": "1s"}}, None,
                   OPSTREAM_SECRET_APP_KEY=github.app.key)
    equal(ran.output()["number"], 1)
    check("service down" not in ran.text, ran.text)


# ---- the examples ----

def prepare(repo):
    for title in ("crash at start", "a wish"):
        repo.add(title)
    repo.pulls[2] = {"number": 2, "html_url": "u", "head": {"ref": "x"}, "requested_reviewers": [], "requested_teams": []}
    repo.files["docs/guide.md"] = b"# Guide\n"


def the_examples_of_the_readme_run(github):
    for block in examples_of(PLUGIN, "github"):
        github.repo.__init__()
        prepare(github.repo)
        github.app = App()
        ran = run_file(github, block, OPSTREAM_SECRET_GITHUB_APP_KEY=github.app.key)
        check(ran.code == 0, f"{block}\n{ran.text}")


if __name__ == "__main__":
    sys.exit(run_cases(GitHub, cases_of(sys.modules[__name__], "github"), sys.argv[2:]))

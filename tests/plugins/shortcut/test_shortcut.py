#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shortcut plugin in the built program, against a small Shortcut that fails on demand.

usage: test_shortcut.py BUILD [CASE...]
"""

import json
import os
import random
import re
import sys
import tempfile
import threading
import time

from shortcut import GOOD, WEAK, Shortcut, uuid
from fake_service import answer, cut, hold, lose, page
from plugin_case import QUICK, Program, cases_of, check, equal, examples_of, has, run_cases

PROGRAM = Program(sys.argv[1])
PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "plugins", "shortcut")


def run(service, definition, token=GOOD):
    variables = {"SHORTCUT_API_URL": service.url, **({"OPSTREAM_SECRET_SHORTCUT_TOKEN": token} if token else {})}
    return PROGRAM.run(definition, **variables)


def pipeline(nodes, token=GOOD, **policies):
    settings = {"base_url": "${SHORTCUT_API_URL}", **({"token": "{{ secrets.shortcut_token }}"} if token else {}), **policies}
    return {"id": "t", "integrations": {"shortcut": settings}, "nodes": nodes}


def call(service, operation, config, token=GOOD, retry="off", **node):
    """One node of the type, in a run of its own."""
    nodes = [{"id": "n", "type": f"shortcut.{operation}", "retry": retry, "config": config, **node}]
    return run(service, pipeline(nodes, token, circuit_breaker="off"), token)


def search(service, config):
    nodes = [{"id": "n", "type": "shortcut.search_stories", "retry": "off", "config": config},
             {"id": "each", "for_each": "n.stream", "as": "story", "type": "set", "config": {"id": "{{ story.id }}"}}]
    return run(service, pipeline(nodes))


def ids(ran):
    return [item["id"] for item in ran.output("each")]


# ---- operations ----

def stories_are_created(shortcut):
    made = call(shortcut, "create_story", {
        "name": "it's \"broken\"", "description": "a\nb", "story_type": "bug", "state": "In Progress", "labels": ["x", "a b"],
        "estimate": 3, "deadline": "2026-03-01T00:00:00Z", "external_links": ["https://a.test/1"]}).output()
    story = shortcut.space.stories[made["id"]]
    equal((made["created"], made["url"], made["story_type"]), (True, story["app_url"], "bug"))
    equal([label["name"] for label in made["labels"]], ["x", "a b"])
    check(story["external_id"].startswith("ops1_"), story["external_id"])
    sent = shortcut.last("POST /api/v3/stories").json()
    del sent["external_id"]
    equal(sent, {"name": "it's \"broken\"", "description": "a\nb", "story_type": "bug", "estimate": 3,
                 "deadline": "2026-03-01T00:00:00Z", "external_links": ["https://a.test/1"], "workflow_state_id": 503,
                 "labels": [{"name": "x"}, {"name": "a b"}]})
    equal(shortcut.last("POST .*").headers["shortcut-token"], GOOD)


def a_story_is_given(shortcut):
    story = shortcut.space.add("first", description="text", external_id="mine",
                               tasks=[{"id": 1, "description": "do", "complete": True, "owner_ids": [], "position": 1}],
                               comments=[{"id": 2, "text": "hm", "author_id": uuid(11), "reactions": []}])
    found = call(shortcut, "get_story", {"story": story["id"]}).output()
    equal((found["name"], found["description"], found["external_id"]), ("first", "text", "mine"))
    equal(found["tasks"], [{"id": 1, "description": "do", "complete": True, "owner_ids": [], "completed_at": None, "external_id": None}])
    equal((found["comments"][0]["text"], "reactions" in found["comments"][0]), ("hm", False))
    check("entity_type" not in found, "what is not asked for")


def stories_are_searched_page_by_page(shortcut):
    for i in range(60):
        shortcut.space.add(f"crash {i}", story_type="bug" if i % 2 else "feature")
    ran = search(shortcut, {"query": "crash"})
    equal(ids(ran), list(range(160, 100, -1)))
    equal(ran.output(), {"count": 60, "pages": 3, "latest": "2026-01-01T00:59:00Z"})
    pages = [c.query for c in shortcut.calls]
    equal([(q["query"], q["page_size"], q["detail"], q.get("next")) for q in pages],
          [("crash", "25", "full", None), ("crash", "25", "full", "25"), ("crash", "25", "full", "50")])
    equal(len(ids(search(shortcut, {"query": "type:bug crash", "page_size": 250, "detail": "slim"}))), 30)
    equal(len(ids(search(shortcut, {"query": "crash", "limit": 26}))), 26)


def stories_are_changed(shortcut):
    story = shortcut.space.add("first", workflow_state_id=601, epic_id=7, labels=[{"name": "old"}])
    changed = call(shortcut, "update_story", {
        "story": story["id"], "name": "second", "state": "done", "labels": ["new"], "epic": None, "estimate": None,
        "owners": ["ada"], "archived": True, "deadline": None}).output()
    equal((changed["name"], changed["workflow_state_id"], changed["epic_id"], changed["archived"]), ("second", 603, None, True))
    equal(shortcut.last("PUT .*").json(), {
        "name": "second", "workflow_state_id": 603, "labels": [{"name": "new"}], "epic_id": None, "estimate": None,
        "owner_ids": [uuid(11)], "archived": True, "deadline": None})


def tasks_and_comments_are_added(shortcut):
    story = shortcut.space.add("first")
    task = call(shortcut, "add_task", {"story": story["id"], "description": "do it", "owners": ["@ada"]}).output()
    equal((task["description"], task["complete"], task["owner_ids"], task["created"]), ("do it", False, [uuid(11)], True))
    comment = call(shortcut, "add_comment", {"story": story["id"], "text": "thanks"}).output()
    equal((comment["url"], comment["created"]), (story["comments"][0]["app_url"], True))
    answered = call(shortcut, "add_comment", {"story": story["id"], "text": "and", "parent": comment["id"]}).output()
    equal((answered["parent_id"], len(story["comments"])), (comment["id"], 2))


def links_are_added_once(shortcut):
    story = shortcut.space.add("first", external_links=["https://a.test/1"])
    config = {"story": story["id"], "url": "https://a.test/2"}
    equal(call(shortcut, "link_external", config).output(), {
        "id": story["id"], "name": "first", "url": story["app_url"], "changed": True,
        "external_links": ["https://a.test/1", "https://a.test/2"]})
    equal(call(shortcut, "link_external", config).output()["changed"], False)
    equal((story["external_links"], shortcut.count("PUT .*")), (["https://a.test/1", "https://a.test/2"], 1))


def epics_are_created(shortcut):
    made = call(shortcut, "create_epic", {
        "name": "Big", "description": "text", "state": "in progress", "teams": ["Platform", "help"], "owners": ["bob"],
        "requester": "ada", "labels": ["x"], "planned_start_date": "2026-03-01T00:00:00Z"}).output()
    equal((made["name"], made["epic_state_id"], made["group_ids"], made["created"]), ("Big", 701, [uuid(1), uuid(2)], True))
    equal(made["url"], f"https://app.shortcut.test/acme/epic/{made['id']}")
    has(call(shortcut, "create_epic", {"name": "t", "state": "Later"}).error()["message"],
        "there is no epic state 'Later'; there are: To Do, In Progress, Done")


def stories_move(shortcut):
    story = shortcut.space.add("first")
    moved = call(shortcut, "move_workflow_state", {"story": story["id"], "state": "in progress"}).output()
    equal((moved["workflow_state_id"], story["workflow_state_id"]), (503, 503))
    equal(shortcut.last("PUT .*").json(), {"workflow_state_id": 503})
    call(shortcut, "move_workflow_state", {"story": story["id"], "state": 601}).output()
    equal(story["workflow_state_id"], 601)
    call(shortcut, "move_workflow_state", {"story": story["id"], "state": "done"}).output()
    equal(story["workflow_state_id"], 603)  # that of its own workflow
    call(shortcut, "move_workflow_state", {"story": story["id"], "state": "Done", "workflow": "Engineering"}).output()
    equal(story["workflow_state_id"], 504)


def workflows_are_listed(shortcut):
    found = call(shortcut, "list_workflows", {}).output()["workflows"]
    equal([(w["name"], w["default_state_id"], [s["name"] for s in w["states"]]) for w in found],
          [("Engineering", 502, ["Backlog", "To Do", "In Progress", "Done"]), ("Support", 602, ["New", "Waiting", "Done"])])
    equal(found[0]["states"][3], {"id": 504, "name": "Done", "type": "done"})


# ---- names ----

def names_become_ids(shortcut):
    epic = {"id": 51, "name": "Big", "archived": False}
    shortcut.space.epics[51] = epic
    made = call(shortcut, "create_story", {
        "name": "t", "state": "to do", "epic": "big", "iteration": "Sprint 2", "team": "@platform",
        "owners": ["@ada", "bob@example.test", "Ada Lovelace", uuid(14)], "requester": "bob", "followers": []}).output()
    equal((made["workflow_state_id"], made["epic_id"], made["iteration_id"], made["group_id"], made["requested_by_id"]),
          (502, 51, 32, uuid(1), uuid(12)))
    equal(made["owner_ids"], [uuid(11), uuid(12), uuid(11), uuid(14)])
    made = call(shortcut, "create_story", {"name": "t", "project": "Website", "team": "Help Desk", "epic": 51}).output()
    equal((made["project_id"], made["workflow_state_id"], made["group_id"]), (21, 502, uuid(2)))
    made = call(shortcut, "create_story", {"name": "t", "state": "504", "epic": "51"}).output()
    equal((made["workflow_state_id"], made["epic_id"]), (504, 51))


def who_names_no_state_gets_where_work_begins(shortcut):
    for config, state in (({}, 502), ({"team": "platform"}, 502), ({"team": "help"}, 602), ({"team": uuid(2)}, 602),
                          ({"workflow": "Support"}, 602), ({"workflow": 600}, 602), ({"project": 21}, 502)):
        made = call(shortcut, "create_story", {"name": "t", **config}).output()
        equal((config, made["workflow_state_id"]), (config, state))


def ids_are_not_looked_up(shortcut):
    call(shortcut, "create_story", {"name": "t", "state": 503, "project": 21}).text  # refused before a call
    equal(shortcut.calls, [])
    call(shortcut, "create_story", {"name": "t", "state": 503, "team": uuid(1), "owners": [uuid(11)]}).output()
    equal([str(c) for c in shortcut.calls], ["POST /api/v3/stories"])


def custom_fields_are_called_by_name(shortcut):
    fields = {"Priority": "High", "severity": uuid(45)}
    call(shortcut, "create_story", {"name": "t", "state": 501, "custom_fields": fields}).output()
    sent = [{"field_id": uuid(41), "value_id": uuid(42)}, {"field_id": uuid(44), "value_id": uuid(45)}]
    equal(shortcut.last("POST .*").json()["custom_fields"], sent)
    for wrong, words in (({"Prio": "High"}, "no custom field 'Prio'; there are: Priority, Severity"),
                         ({"Severity": "Old"}, "no value 'Old'; there are: High (Severity)")):
        error = call(shortcut, "create_story", {"name": "t", "state": 501, "custom_fields": wrong}).error()
        has(error["message"], words)
        equal(error["path"], "/custom_fields")


def names_that_are_none_list_those_that_are(shortcut):
    for config, words in (
            ({"state": "Dun"}, "there is no workflow state 'Dun'; there are: "
             "Backlog, To Do, In Progress, Done (Engineering); New, Waiting, Done (Support)"),
            ({"state": "New", "workflow": "engineering"}, "no workflow state 'New'; there are: "
             "Backlog, To Do, In Progress, Done (Engineering)"),
            ({"workflow": "Sales"}, "no workflow 'Sales'; there are: Engineering, Support"),
            ({"state": 502, "team": "Old"}, "no team 'Old'; there are: Platform, Help Desk"),
            ({"state": 502, "epic": "Big"}, "no epic 'Big'; there are: none"),
            ({"state": 502, "iteration": "Sprint 3"}, "no iteration 'Sprint 3'; there are: Sprint 1, Sprint 2"),
            ({"project": "Attic"}, "no project 'Attic'; there are: Website"),
            ({"state": 502, "owners": ["ada", "eve"]}, "no member 'eve'; there are: ada, bob, bobby"),
            ({"state": 502, "requester": "x\x1b[2J"}, "no member 'x [2J'; there are: ada")):
        error = call(shortcut, "create_story", {"name": "t", **config}).error()
        equal((words, error["code"], error["symbol"]), (words, "NOT_FOUND", "shortcut.unknown_name"))
        has(error["message"], "Shortcut: there is no ", words)
        has(str(config), error["path"][1:])
    equal(shortcut.count("POST .*"), 0)


def names_that_are_two_say_so(shortcut):
    error = call(shortcut, "create_story", {"name": "t", "state": "Done"}).error()
    equal((error["code"], error["message"]),
          ("INPUT", "Shortcut: 2 workflow states are called 'Done': 504 in Engineering, 603 in Support"))
    has(error["hint"], "say which workflow with 'workflow'")
    error = call(shortcut, "create_story", {"name": "t", "owners": ["Bob Ross"]}).error()
    equal(error["message"], "Shortcut: 2 members are called 'Bob Ross': bob, bobby")


def long_lists_are_cut(shortcut):
    shortcut.space.iterations = [{"id": i, "name": f"Sprint {i}"} for i in range(500)]
    message = call(shortcut, "create_story", {"name": "t", "iteration": "x" * 500}).error()["message"]
    check(re.search(r"Sprint 60, .* and \d{3} more$", message) and len(message) < 1200, message)


def a_hundred_names_are_looked_up_once(shortcut):
    nodes = [{"id": "n", "for_each": "{{ input.names }}", "as": "name", "max_parallel": 1,
              "type": "shortcut.create_story", "collect": "count",
              "config": {"name": "{{ name }}", "state": "Backlog", "owners": ["ada"]}}]
    definition = pipeline(nodes, rate_limit="off")
    definition["input"] = {"type": "object", "properties": {"names": {"default": [f"s{i}" for i in range(100)]}}}
    equal(run(shortcut, definition).output(), 100)
    equal((shortcut.count("POST .*"), shortcut.count("GET .*")), (100, 2))


def a_name_that_is_new_is_found(shortcut):
    def meanwhile(handler, work):
        handler.send(*work())
        shortcut.space.workflows[0]["states"].append({"id": 505, "name": "Review", "type": "started"})
    shortcut.fail("POST /api/v3/stories", meanwhile)
    nodes = [{"id": "n", "type": "shortcut.create_story", "config": {"name": "a", "state": "Backlog"}},
             {"id": "m", "type": "shortcut.create_story", "config": {"name": "b", "state": "Review"}, "depends_on": ["n"]}]
    equal(run(shortcut, pipeline(nodes)).output("m")["workflow_state_id"], 505)
    equal(shortcut.count("GET .*/workflows"), 2)


# ---- once, although ----

CREATORS = [
    ("create_story", {"name": "t"}, "POST /api/v3/stories", lambda space: len(space.stories) - 1),
    ("create_epic", {"name": "t"}, "POST /api/v3/epics", lambda space: len(space.epics)),
    ("add_task", {"story": 101, "description": "t"}, "POST .*/tasks", lambda space: len(space.stories[101]["tasks"])),
    ("add_comment", {"story": 101, "text": "t"}, "POST .*/comments", lambda space: len(space.stories[101]["comments"]))]


def what_was_created_is_found_again(shortcut):
    for operation, config, post, count in CREATORS:
        for fault in (lose(), cut(), cut(is_told=False)):
            shortcut.space.__init__()
            shortcut.space.add("first")
            shortcut.fail(post, fault)
            made = call(shortcut, operation, config, retry=QUICK).output()
            equal((operation, count(shortcut.space), made["created"]), (operation, 1, False))


def what_was_not_created_is_created(shortcut):
    for operation, config, post, count in CREATORS:
        shortcut.space.__init__()
        shortcut.space.add("first")
        shortcut.fail(post, answer(502, {"message": "Server Error"}))
        made = call(shortcut, operation, config, retry=QUICK).output()
        equal((operation, count(shortcut.space), made["created"]), (operation, 1, True))
    equal(list(shortcut.last("POST .*search").json()), ["external_id"])


def an_external_id_of_ones_own(shortcut):
    for operation, config, post, count in CREATORS:
        shortcut.space.__init__()
        shortcut.space.add("first")
        first = call(shortcut, operation, {**config, "external_id": "gh-1"}).output()
        equal((first["external_id"], first["created"]), ("gh-1", True))
        again = call(shortcut, operation, {**config, "external_id": "gh-1", "reuse": True}).output()
        equal((operation, again["id"], again["created"], count(shortcut.space)), (operation, first["id"], False, 1))
        other = call(shortcut, operation, {**config, "external_id": "gh-2", "reuse": True}).output()
        equal((other["created"], count(shortcut.space), shortcut.count(post)), (True, 2, 2))
        shortcut.calls.clear()
        ran = call(shortcut, operation, {**config, "reuse": True})
        has(ran.text, "external_id")
        equal((ran.code, len(shortcut.calls)), (3, 0))


def an_epic_is_searched_before_all_are_listed(shortcut):
    config = {"name": "Big \"one\" & all", "external_id": "gh-1", "reuse": True}

    def looks(ran, created):
        equal(ran.output()["created"], created)
        asked = [(c.path.removeprefix("/api/v3/"), c.query.get("query")) for c in shortcut.calls if c.method == "GET"]
        shortcut.calls.clear()
        return asked
    search, listed = ("search/epics", config["name"]), ("epics", None)
    equal(looks(call(shortcut, "create_epic", config), True), [search, listed])
    equal(looks(call(shortcut, "create_epic", config), False), [search, listed])  # not in the index yet
    shortcut.space.not_indexed.clear()
    equal(looks(call(shortcut, "create_epic", config), False), [search])
    for fault in (answer(500, {}), answer(400, {"message": "no such operator"}), page(), cut()):
        shortcut.fail("GET .*/search/epics", fault)
        equal(looks(call(shortcut, "create_epic", config), False), [search, listed])
    shortcut.fail("POST .*/epics", lose())
    made = call(shortcut, "create_epic", {"name": "other"}, retry=QUICK)
    equal(looks(made, False), [listed])  # what was just made no search knows


def what_a_killed_engine_created_is_found_again(shortcut):
    definition = pipeline([{"id": "n", "type": "shortcut.create_story", "config": {"name": "t", "state": 501}}])
    PROGRAM.run_killed(shortcut, "POST .*/stories", definition, SHORTCUT_API_URL=shortcut.url,
                       OPSTREAM_SECRET_SHORTCUT_TOKEN=GOOD)
    equal((len(shortcut.space.stories), [str(c) for c in shortcut.calls]),
          (1, ["POST /api/v3/stories", "POST /api/v3/stories/search"]))


def a_hundred_are_created_once_though_a_tenth_fails(shortcut):
    chance = random.Random(7)
    faults = [lose(), cut(), answer(502, {}), answer(500, {}), page(503)]
    shortcut.fail(".*", *[chance.choice(faults) if chance.random() < 0.1 else None for _ in range(2000)])
    retry = {**QUICK, "max_attempts": 12, "max_interval": "5ms", "budget": "off"}
    nodes = [{"id": "n", "for_each": "{{ input.names }}", "as": "name", "max_parallel": 10, "type": "shortcut.create_story",
              "collect": "count", "config": {"name": "{{ name }}", "state": "Backlog"}}]
    definition = pipeline(nodes, retry=retry, circuit_breaker="off", rate_limit="off")
    definition["input"] = {"type": "object", "properties": {"names": {"default": [f"s{i}" for i in range(100)]}}}
    equal(run(shortcut, definition).output(), 100)
    equal(sorted(s["name"] for s in shortcut.space.stories.values()), sorted(f"s{i}" for i in range(100)))
    check(len(shortcut.calls) > 110, "too few calls failed")


def what_can_be_repeated_is(shortcut):
    story = shortcut.space.add("first")
    shortcut.fail("PUT .*", lose(), cut())
    call(shortcut, "move_workflow_state", {"story": story["id"], "state": "Backlog"}, retry=QUICK).output()
    equal(story["workflow_state_id"], 501)
    shortcut.fail("PUT .*", lose())
    linked = call(shortcut, "link_external", {"story": story["id"], "url": "https://a.test/"}, retry=QUICK).output()
    equal((linked["external_links"], linked["changed"]), (["https://a.test/"], False))


# ---- limits ----

def limits_say_how_long(shortcut):
    story = shortcut.space.add("first")
    for headers, wanted in (({"Retry-After": "7"}, 7000), ({}, 60000)):
        shortcut.fail("GET .*", answer(429, {"message": "Too many requests"}, headers))
        error = call(shortcut, "get_story", {"story": story["id"]}).error()
        equal((error["code"], error["retry_after_ms"]), ("RATE_LIMITED", wanted))
        has(error["message"], "Shortcut answered 429: Too many requests")


def a_minute_sees_two_hundred_calls(shortcut):
    times = []

    def note(handler, work):
        times.append(time.monotonic())
        handler.send(*work())
    shortcut.fail("POST .*", *[note] * 3)
    nodes = [{"id": "n", "for_each": "{{ input.names }}", "as": "name", "type": "shortcut.create_story", "collect": "count",
              "config": {"name": "{{ name }}", "state": 501}}]
    definition = pipeline(nodes, rate_limit={"burst": 1})
    definition["input"] = {"type": "object", "properties": {"names": {"default": ["a", "b", "c"]}}}
    equal(run(shortcut, definition).output(), 3)
    gaps = [round(b - a, 1) for a, b in zip(times, times[1:])]
    check(all(0.2 <= gap for gap in gaps), f"{gaps}: not 300 ms between the calls")
    del definition["integrations"]["shortcut"]["rate_limit"]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "p.json"), "w", encoding="utf-8") as out:
            json.dump(definition, out)
        plan = PROGRAM.opstream(folder, ["plan", "p.json"], {"SHORTCUT_API_URL": shortcut.url})
    has(plan.stdout, "at most 200 calls in 1 min")


# ---- what is wrong ----

def tokens_that_are_no_good(shortcut):
    story = shortcut.space.add("first")
    ran = call(shortcut, "get_story", {"story": story["id"]}, token="sct_wrong_token_9876543210")
    error = ran.error()
    equal((error["code"], error["message"]), ("AUTH", "Shortcut answered 401: Unauthorized"))
    has(error["hint"], "integrations.shortcut.token is refused: set a valid one.",
        "it comes from the secret 'shortcut_token' (set OPSTREAM_SECRET_SHORTCUT_TOKEN, or use "
        "'opstream secrets set shortcut_token')", "Settings, Your Account, API Tokens")
    check("9876543210" not in ran.text, "the token is shown")
    error = call(shortcut, "create_story", {"name": "t", "state": 501}, token=None).error()
    has(error["hint"], "integrations.shortcut.token is not set: write \"{{ secrets.shortcut_token }}\" there.")
    error = call(shortcut, "create_story", {"name": "t"}, token=WEAK).error()
    equal((error["code"], error["message"]), ("PERMISSION", "Shortcut answered 403: The token may only read."))
    has(error["hint"], "the token in integrations.shortcut.token may not do this", "OPSTREAM_SECRET_SHORTCUT_TOKEN")


def what_is_not_there(shortcut):
    for operation, config in (("get_story", {}), ("move_workflow_state", {"state": 501}), ("update_story", {"name": "t"}),
                              ("add_task", {"description": "t"}), ("add_comment", {"text": "t"}),
                              ("link_external", {"url": "https://a.test/"})):
        error = call(shortcut, operation, {"story": 7, **config}).error()
        equal((error["code"], error["message"]),
              ("NOT_FOUND", "Shortcut: story 7 is not there, or the token may not see it (404: Resource not found.)"))
    shortcut.fail("GET .*/workflows", answer(404, {"message": "no"}))
    error = call(shortcut, "move_workflow_state", {"story": 7, "state": "Done"}).error()
    has(error["message"], "Shortcut: the list of workflows is not there, or the token may not see it (404: no)")


def what_is_refused_says_why(shortcut):
    story = shortcut.space.add("first")
    error = call(shortcut, "create_story", {"name": "t", "state": 999, "epic": 7}).error()
    equal(error["code"], "INPUT")
    has(error["message"], "Shortcut answered 400: The request included invalid or missing parameters.",
        "workflow_state_id: unknown 999", "; epic_id: unknown 7")
    for status, value, code, words in (
            (400, {"message": "no", "errors": "all of it"}, "INPUT", "400: no; all of it"),
            (400, {"message": "no", "errors": {"a": {"b": ["c"]}}}, "INPUT", '400: no; a: {"b":["c"]}'),
            (409, {"message": "changed meanwhile"}, "CONFLICT", "409: changed meanwhile"),
            (422, {"message": "cannot be", "tag": "t"}, "INPUT", "422: cannot be"),
            (413, {}, "INPUT", "413: {}"), (500, {"message": "x"}, "UPSTREAM", "500: x")):
        shortcut.fail("PUT .*", answer(status, value))
        error = call(shortcut, "move_workflow_state", {"story": story["id"], "state": 501}).error()
        equal((words, error["code"]), (words, code))
        has(error["message"], "Shortcut answered " + words)


def answers_that_are_no_use(shortcut):
    story = shortcut.space.add("first")
    for fault, code, words in (
            (page(), "UPSTREAM", "Shortcut answered with a page instead of JSON"),
            (page(404), "UPSTREAM", "Shortcut answered 404 with a page instead of JSON"),
            (page(502), "UNAVAILABLE", "Shortcut answered 502 with a page instead of JSON"),
            (answer(200, text='{"id": 1, "na'), "UPSTREAM", "Shortcut answered JSON that is broken, or cut off: "),
            (answer(200, []), "UPSTREAM", "something else than is expected"),
            (answer(200, {"id": None}), "UPSTREAM", "something else than is expected"),
            (answer(200, text=""), "UPSTREAM", "something else than is expected"),
            (answer(422, {"message": "x" * 5000}), "INPUT", "x" * 390 + "xxxxxxxxxx..."),
            (cut(), "UNAVAILABLE", ""),
            (lose(), "UNAVAILABLE", "")):
        shortcut.fail("GET .*", fault)
        error = call(shortcut, "get_story", {"story": story["id"]}).error()
        equal((words, error["code"]), (words, code))
        has(error["message"], words)
        check(not re.search(r"[\x00-\x1f]", error["message"]), error["message"])
    for path, config in (("/workflows", {"state": "Done"}), ("/member", {}), ("/groups", {"team": "x", "state": 501})):
        for value in ({"ok": True} if path != "/member" else [], None):
            shortcut.fail("GET .*" + path, answer(200, value))
            error = call(shortcut, "create_story", {"name": "t", **config}).error()
            has(error["message"], "something else than is expected")
    shortcut.fail("GET .*", answer(200, {"data": {}}))
    has(call(shortcut, "search_stories", {"query": "x"}).error()["message"], "something else than a list")


def configs_that_cannot_be(shortcut):
    for operation, config, words in (
            ("create_story", {}, "name"), ("create_story", {"name": ""}, "name"),
            ("create_story", {"name": "t", "project": 21, "state": 501}, "state"),
            ("create_story", {"name": "t", "project": 21, "workflow": 500}, "workflow"),
            ("create_story", {"name": "t", "sate": 1}, "did you mean 'state'"),
            ("create_story", {"name": "t", "description": "x" * 100001}, "at most 100000 characters"),
            ("update_story", {"story": 1}, "story"), ("update_story", {"story": 1, "workflow": 500}, "state"),
            ("link_external", {"story": 1, "url": "ftp://a"}, "url"),
            ("add_comment", {"story": 1, "text": "x" * 100001}, "at most 100000 characters"),
            ("get_story", {"story": 0}, "story"), ("search_stories", {"query": "x", "page_size": 251}, "page_size")):
        ran = call(shortcut, operation, config)
        check(ran.code == 3, ran.text)
        has(ran.text, words)
    equal(shortcut.calls, [])


# ---- what others see of it ----

def a_check_looks_whether_it_is_there(shortcut):
    story = shortcut.space.add("first")
    asked = threading.Event()

    def refuse(handler, _work):
        handler.send(503, b"{}", {})
        asked.set()
    shortcut.fail("GET .*/member", *[refuse] * 100)
    shortcut.fail("GET .*/stories/.*", hold(asked))
    definition = pipeline([{"id": "n", "type": "shortcut.get_story", "config": {"story": story["id"]}},
                           {"id": "rest", "type": "wait", "config": {"seconds": 0.2}, "depends_on": ["n"]}])
    definition["monitoring"] = {"health_check_interval": "1s"}
    ran = run(shortcut, definition)
    equal(ran.output()["id"], story["id"])
    has(ran.text, f"warn service down plugin=shortcut origin={shortcut.url} why=", "Shortcut answered the check with 503")
    equal(shortcut.last("GET .*/member").headers["shortcut-token"], GOOD)


# ---- the examples ----

def the_examples_of_the_readme_run(shortcut):
    for block in examples_of(PLUGIN, "shortcut"):
        shortcut.space.__init__()
        for name in ("crash at start", "crash at end"):
            shortcut.space.add(name, story_type="bug")
        ran = run(shortcut, block)
        check(ran.code == 0, f"{block}\n{ran.text}")


if __name__ == "__main__":
    sys.exit(run_cases(Shortcut, cases_of(sys.modules[__name__], "shortcut"), sys.argv[2:]))

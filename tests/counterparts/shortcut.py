# SPDX-License-Identifier: Apache-2.0
"""shortcut: a server made of the official client's types, which checks the body of each request."""

import json
import urllib.request

import part

PACKAGES = ["@shortcut/client@3.4.1", "ts-json-schema-generator@2.4.0", "ajv@8.20.0", "ajv-formats@3.0.1"]
TOKEN = "00000000-0000-4000-8000-000000000001"
PERSON = "00000000-0000-4000-8000-000000000002"
WHEN = "2026-01-01T00:00:00Z"

# Each operation with all that it can send, and the calls that it makes. A story is first made to look at.
STORY = {"name": "n", "description": "d", "story_type": "bug", "epic": 1, "iteration": 1, "team": PERSON,
         "owners": [PERSON], "requester": PERSON, "followers": [PERSON], "labels": ["a", "b"], "estimate": 2,
         "deadline": WHEN, "external_links": ["https://a.test/1"]}
CALLS = [
    ("create_story", {**STORY, "state": 5, "external_id": "e", "reuse": True},
     ["POST /api/v3/stories/search", "POST /api/v3/stories"]),
    ("create_story", {"name": "n", "project": 3}, ["POST /api/v3/stories"]),
    ("update_story", {**STORY, "story": 0, "state": 5, "archived": True}, ["PUT /api/v3/stories/ID"]),
    ("update_story", {"story": 0, "project": None, "epic": None, "iteration": None, "team": None, "estimate": None,
                      "deadline": None}, ["PUT /api/v3/stories/ID"]),
    ("get_story", {"story": 0}, ["GET /api/v3/stories/ID"]),
    ("search_stories", {"query": "x", "detail": "slim", "page_size": 5, "limit": 5}, ["GET /api/v3/search/stories"]),
    ("add_task", {"story": 0, "description": "d", "complete": True, "owners": [PERSON]}, ["POST /api/v3/stories/ID/tasks"]),
    ("add_comment", {"story": 0, "text": "t", "parent": 1}, ["POST /api/v3/stories/ID/comments"]),
    ("link_external", {"story": 0, "url": "https://a.test/2"}, ["GET /api/v3/stories/ID", "PUT /api/v3/stories/ID"]),
    ("move_workflow_state", {"story": 0, "state": 6}, ["PUT /api/v3/stories/ID"]),
    ("list_workflows", {}, ["GET /api/v3/workflows"]),
    ("create_epic", {"name": "n", "description": "d", "state": 7, "teams": [PERSON], "owners": [PERSON],
                     "requester": PERSON, "followers": [PERSON], "labels": ["a"], "planned_start_date": WHEN,
                     "deadline": WHEN, "external_id": "e", "reuse": True},
     ["GET /api/v3/search/epics", "GET /api/v3/epics", "POST /api/v3/epics"]),
]
# The lists that names are looked up in; the server answers each, with little in it.
NAMES = [
    ("create_story", {"state": "x"}, ["GET /api/v3/workflows"], "there is no workflow state 'x'; there are: "),
    ("create_story", {"state": 5, "team": "x"}, ["GET /api/v3/groups"], "there is no team 'x'; there are: "),
    ("create_story", {"state": 5, "owners": ["x"]}, ["GET /api/v3/members"], "there is no member 'x'; there are: "),
    ("create_story", {"project": "x"}, ["GET /api/v3/projects"], "there is no project 'x'; there are: "),
    ("create_story", {"state": 5, "epic": "x"}, ["GET /api/v3/epics"], "there is no epic 'x'; there are: "),
    ("create_story", {"state": 5, "iteration": "x"}, ["GET /api/v3/iterations"], "there is no iteration 'x'; there are: "),
    ("create_story", {"state": 5, "custom_fields": {"x": "y"}}, ["GET /api/v3/custom-fields"],
     "there is no custom field 'x'; there are: "),
    ("create_epic", {"state": "x"}, ["GET /api/v3/epic-workflow"], "there is no epic state 'x'; there are: "),
    ("create_story", {}, ["GET /api/v3/member", "GET /api/v3/workflows"], "the workflow is not there"),
]


def run(place, server, operation, config):
    settings = {"base_url": server.url, "token": "{{ secrets.shortcut_token }}", "retry": "off", "circuit_breaker": "off"}
    definition = {"id": "t", "integrations": {"shortcut": settings}, "error_policy": "continue",
                  "nodes": [{"id": "n", "type": f"shortcut.{operation}", "config": config}]}
    return part.run(place, definition, {"OPSTREAM_SECRET_SHORTCUT_TOKEN": TOKEN})["n"]


def journal(server):
    with urllib.request.urlopen(server.url + "/__log", timeout=part.LIMIT_SECONDS) as answer:
        return json.load(answer)


def calls_since(server, count, story):
    """The calls, checked: with the token, and right by the types."""
    calls = journal(server)[count:]
    part.equal([c.get("errors") for c in calls], [None] * len(calls))
    part.equal({c.get("token") for c in calls}, {TOKEN})
    return [f"{c['method']} {c['path']}".replace(str(story), "ID") for c in calls]


def check_call(place, server, story, operation, config, wanted):
    count = len(journal(server))
    config = {**config, **({"story": story} if "story" in config else {})}
    output = part.good(run(place, server, operation, config))
    part.equal(calls_since(server, count, story), wanted)
    if operation not in ("search_stories", "list_workflows") and not output["id"]:
        raise AssertionError(f"no id in {output}")


def check_names(place, server, operation, config, wanted, words):
    count = len(journal(server))
    error = run(place, server, operation, {"name": "n", **config})["error"] or {}
    part.equal(calls_since(server, count, "ID"), wanted)
    if words not in error.get("message", ""):
        raise AssertionError(f"{error} has no {words!r}")


def reason(function):
    try:
        function()
    except AssertionError as why:
        return str(why) or "an assertion"
    return None


def types(place):
    place.need(*PACKAGES)
    port = part.free_port()
    command = ["node", place.script("shortcut-mock.mjs"), str(port)]
    with part.Process(command, f"http://127.0.0.1:{port}", {"KIT": str(place.kit)}) as server:
        story = part.good(run(place, server, "create_story", {"name": "n", "state": 5}))["id"]
        for operation, config, wanted in CALLS:
            yield operation, reason(lambda: check_call(place, server, story, operation, config, wanted))
        for operation, config, wanted, words in NAMES:
            what = "names of " + wanted[0].rpartition("/")[2]
            yield what, reason(lambda: check_names(place, server, operation, config, wanted, words))


PARTS = [("the official client's types", types)]

# SPDX-License-Identifier: Apache-2.0
"""A small Shortcut: it keeps what is created, finds it again, and knows a few people and places."""

import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

from fake_service import FakeService  # noqa: E402  pylint: disable=wrong-import-position

GOOD = "sct_good_token_0123456789"
WEAK = "sct_weak_token_0123456789"
API = "/api/v3"
STORY = API + r"/stories/(\d+)"
NOT_FOUND = 404, {"message": "Resource not found."}
WHEN = "2026-01-01T00:00:00Z"

STORY_KEYS = {"name", "description", "story_type", "workflow_state_id", "project_id", "epic_id", "iteration_id",
              "group_id", "owner_ids", "requested_by_id", "follower_ids", "labels", "estimate", "deadline",
              "external_links", "custom_fields"}


def uuid(n):
    return f"00000000-0000-4000-8000-{n:012}"


def refused(**errors):
    return 400, {"message": "The request included invalid or missing parameters.", "errors": errors}


class Workspace:
    """All that is there."""

    def __init__(self):
        self.stories, self.epics, self.not_indexed = {}, {}, set()
        self.next_id = 100
        self.workflows = [
            self.workflow(500, "Engineering", ["Backlog", "To Do", "In Progress", "Done"]),
            self.workflow(600, "Support", ["New", "Waiting", "Done"])]
        self.default_workflow_id = 500
        self.epic_states = [{"id": 700 + i, "name": n, "type": t, "position": i} for i, (n, t) in enumerate(
            [("To Do", "unstarted"), ("In Progress", "started"), ("Done", "done")])]
        self.groups = [
            {"id": uuid(1), "name": "Platform", "mention_name": "platform", "archived": False, "default_workflow_id": None},
            {"id": uuid(2), "name": "Help Desk", "mention_name": "help", "archived": False, "default_workflow_id": 600},
            {"id": uuid(3), "name": "Old", "mention_name": "old", "archived": True, "default_workflow_id": None}]
        self.members = [self.member(11, "Ada Lovelace", "ada"), self.member(12, "Bob Ross", "bob"),
                        self.member(13, "Bob Ross", "bobby"), self.member(14, "Eve", "eve", disabled=True)]
        self.projects = [{"id": 21, "name": "Website", "archived": False, "workflow_id": 500},
                         {"id": 22, "name": "Attic", "archived": True, "workflow_id": 500}]
        self.iterations = [{"id": 31, "name": "Sprint 1"}, {"id": 32, "name": "Sprint 2"}]
        self.custom_fields = [
            {"id": uuid(41), "name": "Priority", "enabled": True, "values": [
                {"id": uuid(42), "value": "High", "enabled": True}, {"id": uuid(43), "value": "Low", "enabled": True}]},
            {"id": uuid(44), "name": "Severity", "enabled": True, "values": [
                {"id": uuid(45), "value": "High", "enabled": True}, {"id": uuid(46), "value": "Old", "enabled": False}]},
            {"id": uuid(47), "name": "Unused", "enabled": False, "values": []}]

    @staticmethod
    def workflow(first, name, states):
        return {"id": first, "name": name, "default_state_id": first + 2, "description": "", "states": [
            {"id": first + 1 + i, "name": s, "position": i,
             "type": "done" if s == "Done" else "unstarted" if i < 2 else "started"} for i, s in enumerate(states)]}

    @staticmethod
    def member(n, name, mention, disabled=False):
        return {"id": uuid(n), "disabled": disabled, "role": "member",
                "profile": {"name": name, "mention_name": mention, "email_address": f"{mention}@example.test"}}

    def state(self, number):
        """(WORKFLOW, STATE)"""
        return next(((w, s) for w in self.workflows for s in w["states"] if s["id"] == number), (None, None))

    def take_id(self):
        self.next_id += 1
        return self.next_id

    def add(self, name, **more):
        """A story that is there already."""
        number = self.take_id()
        workflow, state = self.state(more.get("workflow_state_id", 502))
        self.stories[number] = {
            "id": number, "name": name, "description": "", "story_type": "feature", "entity_type": "story",
            "app_url": f"https://app.shortcut.test/acme/story/{number}", "workflow_state_id": state["id"],
            "workflow_id": workflow["id"], "project_id": None, "epic_id": None, "iteration_id": None, "group_id": None,
            "owner_ids": [], "requested_by_id": uuid(11), "follower_ids": [], "labels": [], "estimate": None,
            "deadline": None, "external_id": None, "external_links": [], "custom_fields": [], "tasks": [], "comments": [],
            "started": False, "completed": state["type"] == "done", "blocked": False, "archived": False,
            "created_at": WHEN, "updated_at": f"2026-01-01T00:{number % 60:02}:00Z", "completed_at": None, **more}
        return self.stories[number]

    def find(self, **has):
        """The stories that have all these."""
        return [s for s in self.stories.values() if all(s[k] == v for k, v in has.items())]


class Shortcut(FakeService):
    def __init__(self):
        super().__init__()
        self.space = Workspace()

    # ---- what all have ----

    def refuse(self, request):
        token = request.headers.get("shortcut-token", "")
        if token not in (GOOD, WEAK):
            return 401, {"message": "Unauthorized", "tag": "unauthorized"}
        if token == WEAK and request.method != "GET":
            return 403, {"message": "The token may only read.", "tag": "permission_denied"}
        if request.body and not request.headers.get("content-type", "").startswith("application/json"):
            return 400, {"message": "content-type must be application/json"}
        return None

    def fault_of(self, body, keys):
        """What is wrong with a body: {FIELD: WHY}."""
        faults = {k: "disallowed-key" for k in body if k not in keys}
        if "name" in body and not 1 <= len(body["name"]) <= 512:
            faults["name"] = "(not (<= 1 length 512))"
        if len(body.get("description") or "") > 100000:
            faults["description"] = "too long"
        space = self.space
        known = {"workflow_state_id": [s["id"] for w in space.workflows for s in w["states"]],
                 "project_id": [p["id"] for p in space.projects], "epic_id": list(space.epics),
                 "iteration_id": [i["id"] for i in space.iterations], "group_id": [g["id"] for g in space.groups],
                 "requested_by_id": [m["id"] for m in space.members],
                 "epic_state_id": [s["id"] for s in space.epic_states]}
        faults.update({k: f"unknown {v}" for k, v in body.items() if v is not None and v not in known.get(k, [v])})
        for key, wanted in (("owner_ids", "requested_by_id"), ("follower_ids", "requested_by_id"), ("group_ids", "group_id")):
            faults.update({key: f"unknown {v}" for v in body.get(key, []) if v not in known[wanted]})
        if any(not isinstance(l, dict) or not l.get("name") for l in body.get("labels", [])):
            faults["labels"] = "must be maps with a name"
        return faults

    def applied(self, story, body):
        if "workflow_state_id" in body:
            workflow, state = self.space.state(body["workflow_state_id"])
            story.update(workflow_id=workflow["id"], completed=state["type"] == "done")
        if "labels" in body:
            body["labels"] = [{"id": 900 + len(l["name"]), "color": "#ff0000", **l} for l in body["labels"]]
        story.update(body)
        return story

    def find_story(self, number):
        return self.space.stories.get(int(number))

    # ---- stories ----

    def create_story(self, request):
        body = request.json()
        faults = self.fault_of(body, STORY_KEYS | {"external_id"})
        if "name" not in body:
            faults["name"] = "missing-required-key"
        if ("workflow_state_id" in body) == (body.get("project_id") is not None):
            return 400, {"message": "Either workflow_state_id or project_id is needed, not both."}
        if faults:
            return refused(**faults)
        if "project_id" in body:
            project = next(p for p in self.space.projects if p["id"] == body["project_id"])
            body["workflow_state_id"] = next(
                w["default_state_id"] for w in self.space.workflows if w["id"] == project["workflow_id"])
        return 201, self.applied(self.space.add(body["name"]), body)

    def get_story(self, _request, number):
        story = self.find_story(number)
        return (200, story) if story else NOT_FOUND

    def update_story(self, request, number):
        story = self.find_story(number)
        if story is None:
            return NOT_FOUND
        body = request.json()
        faults = self.fault_of(body, STORY_KEYS | {"archived"})
        return refused(**faults) if faults else (200, self.applied(story, body))

    def find_stories(self, request):
        body = request.json()
        if set(body) - {"external_id", "archived"}:
            return refused(**{k: "disallowed-key" for k in body})
        return 201, [{k: v for k, v in s.items() if k not in ("description", "tasks", "comments")}
                     for s in self.space.find(**body)]

    def search_stories(self, request):
        query = request.query
        size, at = int(query.get("page_size", "25")), int(query.get("next", "0"))
        if not query.get("query") or not 1 <= size <= 250 or query.get("detail", "full") not in ("full", "slim"):
            return refused(query="invalid")
        words = [w for w in query["query"].lower().split() if ":" not in w]
        types = re.findall(r"\btype:(\w+)", query["query"])
        found = [s for s in self.space.stories.values() if all(w in s["name"].lower() for w in words)
                 and (not types or s["story_type"] in types)][::-1]
        rest = urllib.parse.urlencode({**query, "next": at + size})
        return 200, {"total": len(found), "data": found[at:at + size],
                     "next": f"{API}/search/stories?{rest}" if at + size < len(found) else None}

    def add_task(self, request, number):
        story = self.find_story(number)
        body = request.json()
        faults = self.fault_of(body, {"description", "complete", "owner_ids", "external_id"})
        if story is None or faults:
            return refused(**faults) if story else NOT_FOUND
        story["tasks"].append({"id": self.space.take_id(), "complete": False, "owner_ids": [], "external_id": None,
                               "story_id": story["id"], "completed_at": None, "created_at": WHEN, **body})
        return 201, story["tasks"][-1]

    def list_comments(self, _request, number):
        story = self.find_story(number)
        return (200, story["comments"]) if story else NOT_FOUND

    def add_comment(self, request, number):
        story = self.find_story(number)
        body = request.json()
        faults = self.fault_of(body, {"text", "parent_id", "external_id"})
        if story is None or faults:
            return refused(**faults) if story else NOT_FOUND
        number = self.space.take_id()
        story["comments"].append({"id": number, "author_id": uuid(11), "parent_id": None, "external_id": None,
                                  "created_at": WHEN, "updated_at": WHEN, "story_id": story["id"],
                                  "app_url": f"{story['app_url']}#activity-{number}", **body})
        return 201, story["comments"][-1]

    # ---- epics ----

    def list_epics(self, _request):
        return 200, list(self.space.epics.values())

    def search_epics(self, request):
        """As the real one it takes a while to know what is new."""
        words = request.query["query"].lower().split()
        found = [e for e in self.space.epics.values() if e["id"] not in self.space.not_indexed
                 and all(w in e["name"].lower() for w in words)]
        return 200, {"total": len(found), "data": found[:int(request.query["page_size"])], "next": None}

    def create_epic(self, request):
        body = request.json()
        faults = self.fault_of(body, {"name", "description", "epic_state_id", "group_ids", "owner_ids", "requested_by_id",
                                      "follower_ids", "labels", "deadline", "planned_start_date", "external_id"})
        if faults:
            return refused(**faults)
        number = self.space.take_id()
        self.space.epics[number] = {
            "id": number, "app_url": f"https://app.shortcut.test/acme/epic/{number}", "description": "", "state": "to do",
            "epic_state_id": 700, "group_ids": [], "owner_ids": [], "labels": [], "deadline": None, "external_id": None,
            "planned_start_date": None, "archived": False, "started": False, "completed": False, "created_at": WHEN,
            "updated_at": WHEN, **body}
        self.space.not_indexed.add(number)
        return 201, self.space.epics[number]

    def route_list(name):  # pylint: disable=no-self-argument
        return lambda self, request: (200, getattr(self.space, name))

    routes = [
        ("GET", API + "/member", lambda self, request: (200, {
            "id": uuid(11), "mention_name": "ada", "workspace2": {"default_workflow_id": self.space.default_workflow_id}})),
        ("GET", API + "/workflows", route_list("workflows")),
        ("GET", API + "/groups", route_list("groups")),
        ("GET", API + "/members", route_list("members")),
        ("GET", API + "/projects", route_list("projects")),
        ("GET", API + "/iterations", route_list("iterations")),
        ("GET", API + "/custom-fields", route_list("custom_fields")),
        ("GET", API + "/epic-workflow", lambda self, request: (200, {"id": 7, "epic_states": self.space.epic_states})),
        ("GET", API + "/epics", list_epics),
        ("POST", API + "/epics", create_epic),
        ("GET", API + "/search/stories", search_stories),
        ("GET", API + "/search/epics", search_epics),
        ("POST", API + "/stories", create_story),
        ("POST", API + "/stories/search", find_stories),
        ("GET", STORY, get_story),
        ("PUT", STORY, update_story),
        ("POST", STORY + "/tasks", add_task),
        ("GET", STORY + "/comments", list_comments),
        ("POST", STORY + "/comments", add_comment),
    ]

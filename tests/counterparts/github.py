# SPDX-License-Identifier: Apache-2.0
"""github: a server that checks each request against GitHub's own OpenAPI, and recorded traffic."""

import http.server
import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request

import part

# @octokit/openapi is large: it is installed by hand.
OPENAPI = ["@stoplight/prism-cli@5.14.2", "@octokit/openapi@23.0.2"]
RECORDED = ["@octokit/fixtures@23.1.2", "@octokit/fixtures-server@8.1.7"]
PACKAGES = [OPENAPI[0], *RECORDED]

TOKEN = "0000000000000000000000000000000000000001"
REPO = "octocat/hello"
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
WHEN = "2026-01-01T00:00:00Z"

# Each option of each operation, and the member of the output that the document's example gives; None:
# the example is no use, a reference instead of an issue and a file that is no base64, and is refused.
CALLS = {
    "fetch_issues": ({"state": "all", "labels": ["bug", "a b"], "since": WHEN, "assignee": "*", "creator": "octocat",
                      "mentioned": "octocat", "milestone": "*", "sort": "updated", "direction": "asc", "per_page": 50,
                      "pull_requests": True, "limit": 1}, "count"),
    "get_issue": ({"number": 42}, None),
    "create_issue": ({"title": "t", "body": "b", "labels": ["x"], "assignees": ["octocat"], "milestone": 1}, "number"),
    "update_issue": ({"number": 42, "title": "t", "body": "b", "state": "closed", "state_reason": "completed",
                      "labels": ["x"], "assignees": [], "milestone": None}, "number"),
    "add_comment": ({"number": 42, "body": "b"}, "id"),
    "add_labels": ({"number": 42, "labels": ["x"]}, "labels"),
    "create_pr": ({"title": "t", "head": "h", "base": "main", "body": "b", "draft": True,
                   "maintainer_can_modify": True}, "number"),
    "assign_reviewer": ({"number": 42, "reviewers": ["octocat"], "teams": ["core"]}, "number"),
    "search_issues": ({"query": "is:issue crash", "sort": "updated", "order": "asc", "limit": 5}, "total"),
    "get_file": ({"path": "a b.md", "ref": "main"}, None),
    "create_or_update_file": ({"path": "a.md", "content": "x", "message": "m", "branch": "main",
                               "committer": {"name": "a", "email": "a@b.c"}, "author": {"name": "a", "email": "a@b.c"}},
                              "sha"),
    "create_check": ({"name": "c", "head_sha": SHA, "status": "completed", "conclusion": "success",
                      "details_url": "https://a.test/", "external_id": "e", "started_at": WHEN, "completed_at": WHEN,
                      "output": {"title": "t", "summary": "s", "text": "x"}}, "id"),
    "create_release": ({"tag_name": "v1", "target_commitish": "main", "name": "n", "body": "b", "draft": True,
                        "prerelease": True, "make_latest": "true", "generate_release_notes": True}, "id"),
}


def pipeline(nodes):
    settings = {"base_url": "${BASE}", "token": "{{ secrets.github_token }}", "retry": "off", "circuit_breaker": "off"}
    return {"id": "t", "integrations": {"github": settings}, "error_policy": "continue", "nodes": nodes}


def run(place, url, nodes):
    return part.run(place, pipeline(nodes), {"BASE": url, "OPSTREAM_SECRET_GITHUB_TOKEN": TOKEN})


def reason(function):
    try:
        function()
    except AssertionError as why:
        return str(why) or "an assertion"
    return None


# ---- GitHub's OpenAPI ----

def check_call(place, server, operation, config, member):
    before = len(server.log())
    config = config if operation == "search_issues" else {"repo": REPO, **config}
    step = run(place, server.url, [{"id": "n", "type": f"github.{operation}", "config": config}])["n"]
    violations = re.findall(r"Violation: (request\S* .*)", server.log()[before:])
    part.equal(violations, [])
    if member is None:
        part.equal((step["error"] or {}).get("symbol"), "github.bad_body")
    elif part.good(step)[member] in (None, ""):
        raise AssertionError(f"no {member} in {step['output']}")


def openapi(place):
    place.need(*OPENAPI)
    port = part.free_port()
    command = ["sh", place.script("start-prism-github.sh")]
    env = {"KIT": str(place.kit), "PORT": str(port), "SPEC": str(place.kit / "github-subset.json")}
    with part.Process(command, f"http://127.0.0.1:{port}", env) as server:
        for operation, (config, member) in CALLS.items():
            shown = operation if member else f"{operation}, its request"
            yield shown, reason(lambda: check_call(place, server, operation, config, member))


# ---- recorded traffic ----

class Front(http.server.ThreadingHTTPServer):
    """Before the recordings, which know one spelling of each request only: theirs is made of ours."""

    daemon_threads = True

    def __init__(self, target, recording):
        super().__init__(("127.0.0.1", 0), FrontHandler)
        self.target, self.recording, self.strange = target, list(recording), []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class FrontHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() in ("link", "etag", "content-type", "location") or name.lower().startswith("x-"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def compare(self, wanted, body):
        """What we sent, against what was recorded: the mark of the step's key is ours alone."""
        sent = json.loads(body) if body else ""
        if isinstance(sent, dict) and re.fullmatch(r"\s*<!-- opstream:\S+ -->", sent.get("body", "")):
            del sent["body"]
        same_path = urllib.parse.unquote(self.path.partition("?")[2]) == urllib.parse.unquote(wanted["path"].partition("?")[2])
        checks = {"method": self.command == wanted["method"].upper(), "query": same_path, "body": sent == wanted["body"],
                  "token": self.headers.get("Authorization") == f"Bearer {TOKEN}"}
        self.server.strange += [f"{self.command} {self.path}: {name}" for name, is_so in checks.items() if not is_so]

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        wanted = self.server.recording[0] if self.server.recording else None
        if wanted is None or self.command != wanted["method"].upper():
            self.answer(404, [], b'{"message": "Not Found"}')  # what is looked up first was not recorded
            return
        self.compare(wanted, body)
        self.server.recording.pop(0)
        sent = json.dumps(wanted["body"], separators=(",", ":")).encode() if wanted["body"] else None
        headers = {k: str(v) for k, v in wanted["reqheaders"].items() if k not in ("host", "content-length")}
        request = urllib.request.Request(self.server.target + wanted["path"], sent, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=part.LIMIT_SECONDS) as got:
                self.answer(got.status, got.headers.items(), got.read())
        except urllib.error.HTTPError as got:
            self.answer(got.code, got.headers.items(), got.read())

    do_GET = do_POST = do_PUT = do_PATCH = do_any


def play(place, server, scenario, nodes):
    """The steps of a run against one recording."""
    request = urllib.request.Request(f"{server.url}/fixtures", json.dumps({"scenario": scenario}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=part.LIMIT_SECONDS) as answer:
        target = json.load(answer)["url"]
    folder = place.module("@octokit/fixtures") / "scenarios" / "api.github.com" / scenario
    recording = json.loads((folder / "normalized-fixture.json").read_text(encoding="utf-8"))
    with Front(target, recording) as front:
        steps = run(place, front.url, nodes)
        part.equal((front.strange, [f"{r['method']} {r['path']}" for r in front.recording]), ([], []))
        return steps


def play_pages(place, server):
    steps = play(place, server, "paginate-issues", [
        {"id": "n", "type": "github.fetch_issues", "config": {"repo": "octokit-fixture-org/paginate-issues", "per_page": 3}},
        {"id": "each", "for_each": "n.stream", "as": "issue", "type": "set", "config": {"number": "{{ issue.number }}"}}])
    part.equal(part.good(steps["n"])["pages"], 5)
    part.equal([i["number"] for i in part.good(steps["each"])], list(range(13, 0, -1)))


def play_search(place, server):
    steps = play(place, server, "search-issues", [
        {"id": "n", "type": "github.search_issues", "config": {"query": "sesame repo:octokit-fixture-org/search-issues"}}])
    found = part.good(steps["n"])
    part.equal((found["total"], len(found["items"])), (2, 2))


def play_labels(place, server):
    repo = "octokit-fixture-org/add-labels-to-issue"
    steps = play(place, server, "add-labels-to-issue", [
        {"id": "n", "type": "github.create_issue", "config": {"repo": repo, "title": "Issue without a label"}},
        {"id": "m", "type": "github.add_labels", "depends_on": ["n"],
         "config": {"repo": repo, "number": "{{ n.number }}", "labels": ["Foo", "bAr", "baZ"]}}])
    part.equal(part.good(steps["n"])["number"], 1)
    part.equal(sorted(label["name"] for label in part.good(steps["m"])["labels"]), ["Foo", "bAr", "baZ"])


def play_file(place, server):
    steps = play(place, server, "create-file", [
        {"id": "n", "type": "github.create_or_update_file",
         "config": {"repo": "octokit-fixture-org/create-file", "path": "test.txt", "content": "Test content",
                    "message": "create test.txt"}}])
    part.equal((part.good(steps["n"])["path"], part.good(steps["n"])["changed"]), ("test.txt", True))


def recorded(place):
    place.need(*RECORDED)
    port = part.free_port()
    command = ["node", place.kit / "node_modules" / ".bin" / "octokit-fixtures-server", "--port", str(port),
               "--fixtures", "node_modules/@octokit/fixtures/scenarios/**/normalized-fixture.json"]
    with part.Process(command, f"http://127.0.0.1:{port}", cwd=place.kit) as server:
        for operation, function in (("fetch_issues", play_pages), ("search_issues", play_search),
                                    ("create_issue, add_labels", play_labels), ("create_or_update_file", play_file)):
            yield operation, reason(lambda: function(place, server))


PARTS = [("GitHub's OpenAPI (prism)", openapi), ("recorded traffic (octokit)", recorded)]

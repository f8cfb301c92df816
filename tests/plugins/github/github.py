# SPDX-License-Identifier: Apache-2.0
"""A small GitHub: it keeps what is created, lists it in pages, and knows a few tokens."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

from fake_service import FakeService  # noqa: E402  pylint: disable=wrong-import-position

GOOD = "ghp_good_token_0123456789"
WEAK = "ghp_weak_token_0123456789"
REPO = r"/repos/([^/]+/[^/]+)"
NOT_FOUND = 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}


def refused(*errors):
    return 422, {"message": "Validation Failed", "errors": list(errors)}


class Repo:
    def __init__(self):
        self.issues, self.comments, self.checks, self.releases = [], {}, [], []
        self.files, self.commits = {}, []
        self.pulls = {}

    def add(self, title, **more):
        number = len(self.issues) + 1
        issue = {"number": number, "id": 1000 + number, "node_id": f"I_{number}", "title": title, "state": "open",
                 "state_reason": None, "html_url": f"https://github.test/a/b/issues/{number}",
                 "user": {"login": "octo", "id": 1}, "author_association": "OWNER", "labels": [],
                 "assignees": [], "milestone": None, "comments": 0, "locked": False, "body": None,
                 "created_at": "2026-01-01T00:00:00Z", "updated_at": f"2026-01-01T00:{number % 60:02}:00Z",
                 "closed_at": None, "reactions": {"total_count": 0}, **more}
        self.issues.append(issue)
        return issue


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class App:
    """An App that is installed once: it knows the public key, and gives tokens for what that has signed."""

    def __init__(self, ident=1234, installation=5678):
        self.folder = tempfile.TemporaryDirectory()
        self.ident, self.installation, self.lives_seconds, self.given = ident, installation, 3600, []
        self.file = os.path.join(self.folder.name, "key")
        self.key = self.make_key(self.file)
        subprocess.run(["openssl", "pkey", "-in", self.file, "-pubout", "-out", self.file + ".pub"], check=True)

    @staticmethod
    def make_key(path):
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, stderr=subprocess.DEVNULL)
        with open(path, encoding="ascii") as key:
            return key.read()

    def is_signed(self, signed, signature):
        with open(self.file + ".sig", "wb") as out:
            out.write(signature)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.file + ".pub", "-signature",
                               self.file + ".sig"], input=signed, capture_output=True, check=False)
        return done.returncode == 0

    def fault_of(self, authorization):
        """What is wrong with the JWT; None: nothing."""
        head, claims, signature = authorization.removeprefix("Bearer ").split(".")
        if json.loads(unbase64url(head)) != {"alg": "RS256", "typ": "JWT"}:
            return "A JSON web token could not be decoded"
        if not self.is_signed(f"{head}.{claims}".encode(), unbase64url(signature)):
            return "A JSON web token could not be decoded"
        claims, now = json.loads(unbase64url(claims)), time.time()
        if claims["iss"] not in (self.ident, str(self.ident)):
            return "Integration not found"
        if claims["exp"] > now + 600 or claims["exp"] <= now:
            return "'Expiration time' claim ('exp') is too far in the future"
        return None if now - 90 < claims["iat"] < now - 30 else "'Issued at' claim ('iat') must be in the past"

    def give(self, request, installation):
        fault = self.fault_of(request.headers["authorization"])
        if fault:
            return 401, {"message": fault}
        if int(installation) != self.installation:
            return NOT_FOUND
        self.given.append(f"ghs_installation_{len(self.given)}_0123456789")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lives_seconds))
        return 201, {"token": self.given[-1], "expires_at": ends, "permissions": {"issues": "write"}}


class GitHub(FakeService):
    has_etags = True

    def __init__(self):
        super().__init__()
        self.app = None
        self.revoked = set()
        self.repo = Repo()
        self.repos = {"a/b": self.repo, "octocat/hello": self.repo}

    # ---- what all have ----

    def refuse(self, request):
        token = request.headers.get("authorization", "")
        if not request.headers.get("user-agent"):
            return 403, {"message": "Request forbidden by administrative rules."}
        if self.app and request.path.startswith("/app"):
            return None
        given = {f"Bearer {t}" for t in (self.app.given if self.app else [])} - self.revoked
        if token not in ("", f"Bearer {GOOD}", f"Bearer {WEAK}", *given):
            return 401, {"message": "Bad credentials", "status": "401"}
        if request.method != "GET" and token == "":
            return 401, {"message": "Requires authentication", "status": "401"}
        if request.method != "GET" and token == f"Bearer {WEAK}":
            return (403, {"message": "Resource not accessible by personal access token"},
                    {"X-Accepted-GitHub-Permissions": "issues=write"})
        if request.path.startswith("/repos/") and "/".join(request.path.split("/")[2:4]) not in self.repos:
            return NOT_FOUND
        return None

    def listed(self, request, items, wrap=None):
        size = int(request.query.get("per_page", "30"))
        number = int(request.query.get("page", "1"))
        found = items[(number - 1) * size:number * size]
        headers = {}
        if number * size < len(items):
            rest = "&".join(f"{k}={v}" for k, v in request.query.items() if k != "page")
            place = f"https://elsewhere.test/repositories/1/things?{rest}&page="
            headers["Link"] = f'<{place}{number + 1}>; rel="next", <{place}{(len(items) - 1) // size + 1}>; rel="last"'
        return 200, wrap(found) if wrap else found, headers

    def find(self, name, number):
        issues = self.repos[name].issues
        return issues[int(number) - 1] if 0 < int(number) <= len(issues) else None

    # ---- issues ----

    def list_issues(self, request, name):
        query = request.query
        found = [i for i in self.repos[name].issues
                 if query.get("state", "open") in ("all", i["state"]) and i["updated_at"] >= query.get("since", "")
                 and all(w in [l["name"] for l in i["labels"]] for w in query.get("labels", "").split(",") if w)]
        return self.listed(request, found[::-1])

    def get_issue(self, _request, name, number):
        issue = self.find(name, number)
        return (200, issue) if issue else NOT_FOUND

    def create_issue(self, request, name):
        body = request.json()
        if len(body.get("body") or "") > 65536:
            return refused({"resource": "Issue", "code": "custom", "field": "body",
                            "message": "body is too long (maximum is 65536 characters)"})
        labels = [{"name": l, "color": "ededed", "description": None} for l in body.pop("labels", [])]
        people = [{"login": p, "type": "User"} for p in body.pop("assignees", [])]
        return 201, self.repos[name].add(**body, labels=labels, assignees=people)

    def update_issue(self, request, name, number):
        issue = self.find(name, number)
        if issue is None:
            return NOT_FOUND
        body = request.json()
        if "labels" in body:
            body["labels"] = [{"name": l, "color": "ededed"} for l in body["labels"]]
        issue.update(body)
        return 200, issue

    def add_labels(self, request, name, number):
        issue = self.find(name, number)
        if issue is None:
            return NOT_FOUND
        has = [l["name"] for l in issue["labels"]]
        issue["labels"] += [{"name": l, "color": "ededed"} for l in request.json()["labels"] if l not in has]
        return 200, issue["labels"]

    def list_comments(self, request, name, number):
        return self.listed(request, self.repos[name].comments.get(number, []))

    def add_comment(self, request, name, number):
        issue = self.find(name, number)
        if issue is None:
            return NOT_FOUND
        if issue["locked"]:
            return 410, {"message": "Issue is locked"}
        comments = self.repos[name].comments.setdefault(number, [])
        comments.append({"id": len(comments) + 1, "node_id": "C_1", "user": {"login": "octo"},
                         "html_url": f"https://github.test/a/b/issues/{number}#c{len(comments) + 1}",
                         "body": request.json()["body"], "created_at": "2026-01-01T00:00:00Z",
                         "updated_at": "2026-01-01T00:00:00Z"})
        return 201, comments[-1]

    def search(self, request):
        query = request.query["q"]
        if "is:issue" not in query and "is:pull-request" not in query:
            return refused({"resource": "Search", "field": "q", "code": "invalid",
                            "message": "Query must include 'is:issue' or 'is:pull-request'"})
        words = [w for w in query.split() if ":" not in w]
        found = [i for i in self.repo.issues if all(w in i["title"] for w in words)]
        return 200, {"total_count": len(found), "incomplete_results": False,
                     "items": found[:int(request.query.get("per_page", "30"))]}

    # ---- pull requests, checks, releases ----

    def list_pulls(self, request, name):
        return self.listed(request, list(self.repos[name].pulls.values())[::-1])

    def create_pull(self, request, name):
        body = request.json()
        repo = self.repos[name]
        if any(p["head"]["ref"] == body["head"] for p in repo.pulls.values()):
            return refused({"resource": "PullRequest", "code": "custom",
                            "message": f"A pull request already exists for a:{body['head']}."})
        issue = repo.add(body["title"], pull_request={"html_url": "https://github.test/a/b/pull/1", "merged_at": None})
        repo.pulls[issue["number"]] = {**issue, "draft": body.get("draft", False), "body": body.get("body"),
                                       "head": {"ref": body["head"], "sha": "f" * 40}, "base": {"ref": body["base"]},
                                       "requested_reviewers": [], "requested_teams": []}
        return 201, repo.pulls[issue["number"]]

    def ask_reviewers(self, request, name, number):
        pull = self.repos[name].pulls.get(int(number))
        if pull is None:
            return NOT_FOUND
        body = request.json()
        pull["requested_reviewers"] += [{"login": r, "type": "User"} for r in body.get("reviewers", [])]
        pull["requested_teams"] += [{"slug": t, "name": t} for t in body.get("team_reviewers", [])]
        return 201, pull

    def list_checks(self, request, name, sha):
        found = [c for c in self.repos[name].checks
                 if c["head_sha"] == sha and c["name"] == request.query.get("check_name", c["name"])]
        return self.listed(request, found, lambda items: {"total_count": len(found), "check_runs": items})

    def create_check(self, request, name):
        checks = self.repos[name].checks
        checks.append({"id": len(checks) + 1, "status": "queued", "conclusion": None,
                       "html_url": "https://github.test/a/b/runs/1", "started_at": None, "completed_at": None,
                       **request.json()})
        return 201, checks[-1]

    def list_releases(self, request, name):
        return self.listed(request, self.repos[name].releases[::-1])

    def create_release(self, request, name):
        releases = self.repos[name].releases
        body = request.json()
        if any(r["tag_name"] == body["tag_name"] for r in releases):
            return refused({"resource": "Release", "code": "already_exists", "field": "tag_name"})
        releases.append({"id": len(releases) + 1, "name": None, "draft": False, "prerelease": False,
                         "html_url": "https://github.test/a/b/releases/1", "upload_url": "https://up.test/{?name}",
                         "created_at": "2026-01-01T00:00:00Z", "published_at": "2026-01-01T00:00:00Z", **body})
        return 201, releases[-1]

    # ---- files ----

    def get_file(self, request, name, path):
        files = self.repos[name].files
        if any(f.startswith(path + "/") for f in files):
            return 200, [{"type": "file", "path": f} for f in files if f.startswith(path + "/")]
        if path not in files:
            return NOT_FOUND
        content = files[path]
        if request.headers.get("accept", "").endswith("raw+json"):
            return 200, content, {"Content-Type": "application/octet-stream"}
        is_large = len(content) > 1024 * 1024
        return 200, {"type": "file", "path": path, "size": len(content), "sha": hashlib.sha1(content).hexdigest(),
                     "encoding": "none" if is_large else "base64",
                     "content": "" if is_large else base64.encodebytes(content).decode(),
                     "html_url": f"https://github.test/a/b/blob/main/{path}"}

    def put_file(self, request, name, path):
        repo = self.repos[name]
        body = request.json()
        now = repo.files.get(path)
        sha = hashlib.sha1(now).hexdigest() if now is not None else None
        if body.get("sha") != sha:
            return 409, {"message": f"{path} does not match {body.get('sha')}"}
        repo.files[path] = base64.b64decode(body["content"], validate=True)
        repo.commits.append(body["message"])
        return 200 if sha else 201, {"content": {"path": path, "sha": hashlib.sha1(repo.files[path]).hexdigest(),
                                                 "html_url": f"https://github.test/a/b/blob/main/{path}"},
                                     "commit": {"sha": "c" * 40, "html_url": "https://github.test/c"}}

    def give_token(self, request, installation):
        return self.app.give(request, installation)

    def show_app(self, request):
        fault = self.app.fault_of(request.headers["authorization"])
        return (401, {"message": fault}) if fault else (200, {"id": self.app.ident})

    routes = [
        ("POST", r"/app/installations/(\d+)/access_tokens", give_token),
        ("GET", "/app", show_app),
        ("GET", "/rate_limit", lambda self, request: (200, {"resources": {}})),
        ("GET", REPO + "/issues", list_issues),
        ("POST", REPO + "/issues", create_issue),
        ("GET", REPO + r"/issues/(\d+)", get_issue),
        ("PATCH", REPO + r"/issues/(\d+)", update_issue),
        ("POST", REPO + r"/issues/(\d+)/labels", add_labels),
        ("GET", REPO + r"/issues/(\d+)/comments", list_comments),
        ("POST", REPO + r"/issues/(\d+)/comments", add_comment),
        ("GET", "/search/issues", search),
        ("GET", REPO + "/pulls", list_pulls),
        ("POST", REPO + "/pulls", create_pull),
        ("POST", REPO + r"/pulls/(\d+)/requested_reviewers", ask_reviewers),
        ("GET", REPO + "/commits/([0-9a-f]+)/check-runs", list_checks),
        ("POST", REPO + "/check-runs", create_check),
        ("GET", REPO + "/releases", list_releases),
        ("POST", REPO + "/releases", create_release),
        ("GET", REPO + "/contents/(.+)", get_file),
        ("PUT", REPO + "/contents/(.+)", put_file),
    ]

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/pipelines/issue_triage against services that keep what it makes, and fail on demand.

usage: test_issue_triage.py BUILD [CASE]
"""

import sys
import traceback
from pathlib import Path

from triage import SOURCE, Triage, check

BUILD = sys.argv[1]
ISSUES = 16


def equal(found, wanted, what=""):
    check(found == wanted, f"{what} {found!r} is not {wanted!r}")


def has(text, *words):
    for word in words:
        check(word in text, f"{text!r} has no {word!r}")


def url(triage, number):
    return f"{triage.urls['github']}/octocat/hello/issues/{number}"


def it_is_right_and_strict():
    with Triage(BUILD) as triage:
        done = triage.command("validate", "--strict", *sorted(SOURCE.glob("*.yaml")))
        equal(done.returncode, 0, done.stdout + done.stderr)
        check("warning" not in done.stdout + done.stderr, done.stdout + done.stderr)
        for form in ("text", "mermaid", "svg"):
            has(triage.command("graph", triage.pipeline, "--format", form).stdout, "sentiment_analysis", "bug_flow")


def each_issue_goes_its_way():
    with Triage(BUILD, ISSUES) as triage:
        output = triage.run()
        equal([output["triaged"], output["failed"], output["done_before"], output["left_out"]], [ISSUES, 0, 0, []])
        equal(output["kinds"], {"bug": 4, "feature": 4, "documentation": 4, "security": 4})
        equal(sum(output["severities"].values()), ISSUES)
        made = triage.made()
        equal(sorted(map(int, made["comments"])), list(range(1, ISSUES + 1)))
        check(all(len(c) == 1 for c in made["comments"].values()), "an issue has two comments")
        check(all(labels == ["triaged"] for labels in made["labels"].values()), str(made["labels"]))
        equal(len(made["pages"]), 4)
        alarms = [m for m in made["messages"] if m["channel"] == "C0ALARM"]
        urgent = output["severities"]["high"] + output["severities"]["critical"]
        equal(len(alarms), 4 + output["severities"]["critical"])
        equal(len(made["messages"]), 4 + urgent + 1, "one for each that is urgent, for security, and for the report:")
        equal(len(made["mails"]), len(made["messages"]))
        check(all("team@mail.test" in mail["to"][0] for mail in made["mails"]), str(made["mails"])[:500])
        stories = {s["external_id"]: s for s in made["stories"]}
        equal([len(stories), len(made["stories"])], [ISSUES, ISSUES])
        check(all(s["workflow_state_id"] == 502 and s["external_links"] == [name] for name, s in stories.items()), "")
        check(all(f"/story/{stories[url(triage, n)]['id']}" in c[0]["body"] for n, c in made["comments"].items()),
              "a comment has another story's link")
        escalated = [h for h in made["hooks"] if h.get("security")]
        equal(sorted(int(h["issue"].rsplit("/", 1)[1]) for h in escalated), [3, 7, 11, 15])
        equal(len(made["hooks"]) - len(escalated), output["severities"]["high"] + output["severities"]["critical"])
        secret = [c[0]["body"] for n, c in made["comments"].items() if int(n) in (3, 7, 11, 15)]
        check(all("two steps" not in body for body in secret), "a vulnerability is told in public")
        text = Path(output["report"]).read_text(encoding="utf-8")
        has(text, "# Issues of octocat/hello", f"{ISSUES} triaged", "| bug | 4 |", "## What to do first", "- #15 ")
        check("Not set up" not in text, text)


def what_was_done_is_not_done_again():
    with Triage(BUILD, ISSUES) as triage:
        triage.run()
        calls = triage.counts()["llm"]["calls"]
        output = triage.run()
        equal([output["triaged"], output["done_before"]], [0, ISSUES])
        equal(len(triage.made()["stories"]), ISSUES)
        equal(triage.counts()["llm"]["calls"] - calls, 4, "the report alone asks:")
        check(all(len(c) == 1 for c in triage.made()["comments"].values()), "an issue has two comments")


def what_comes_again_finds_its_solution():
    with Triage(BUILD, ISSUES) as triage:
        first = triage.run()
        calls = triage.counts()["llm"]["calls"]
        again = triage.run(TRIAGE_LABEL="second")
        equal([first["recurring"], again["recurring"]], [0, 4])
        equal(triage.counts()["llm"]["calls"], 2 * calls - 4, "a mend that is known is not asked for:")
        has(Path(again["report"]).read_text(encoding="utf-8"), "4 met before")
        equal(len(triage.made()["stories"]), ISSUES, "stories of two runs:")


def a_repository_is_enough():
    with Triage(BUILD, 4, with_all=False) as triage:
        done = triage.command("validate", "--strict", triage.pipeline)
        equal([done.returncode, done.stderr], [0, ""])
        output = triage.run()
        equal([output["triaged"], output["failed"]], [4, 0])
        equal(output["left_out"], ["Shortcut: set SHORTCUT_STATE and the secret shortcut_token",
                                   "Slack: set SLACK_CHANNEL and the secret slack_token",
                                   "e-mail: set TRIAGE_EMAIL and SMTP_URL",
                                   "Notion: set NOTION_PAGE and the secret notion_token", "webhook: set TRIAGE_WEBHOOK"])
        has(Path(output["report"]).read_text(encoding="utf-8"), "## Not set up", "- webhook: set TRIAGE_WEBHOOK")


def what_is_wrong_is_said_before_anything_is_done():
    with Triage(BUILD, 4) as triage:
        repo = ("-i", "repo=octocat/hello")
        has(triage.refuse(), "input: must have the key 'repo'")
        has(triage.refuse("-i", "repo=octocat"), "input /repo: must match the pattern")
        has(triage.refuse(*repo, "-i", "state=new"), "input /state: must be one of 'open', 'closed' or 'all'")
        has(triage.refuse(*repo, OPSTREAM_SECRET_GITHUB_TOKEN="ghp_wrong"), "AUTH", "opstream secrets set github_token")
        has(triage.refuse(*repo, OPSTREAM_SECRET_SHORTCUT_TOKEN="sct_wrong"), "AUTH", "secrets set shortcut_token")
        has(triage.refuse(*repo, SHORTCUT_STATE="Soon"), "Shortcut has no state 'Soon'", "one of Backlog, Ready")
        has(triage.refuse("-i", "repo=octocat/hallo"), "NOT_FOUND", "there is no repository 'octocat/hallo'")
        has(triage.refuse("-i", "repo=octocat/readonly"), "PERMISSION", "'octocat/readonly'", "issues: write")
        del triage.env["OPSTREAM_SECRET_LLM_KEY"]
        has(triage.refuse(*repo), "the secret 'llm_key' is not set", "opstream secrets set llm_key")
        equal(triage.counts()["llm"]["calls"], 0)
        equal(triage.made()["comments"], {})


def while_github_is_away_the_cache_answers():
    with Triage(BUILD, 4) as triage:
        triage.run()
        triage.set(only="github", fail_percent=100)
        output = triage.run(TRIAGE_LABEL="second")
        equal([output["triaged"], output["failed"]], [4, 0])
        waiting = triage.command("queue", "list", "--json")
        has(waiting.stdout, "update_github")
        triage.set(only="github", fail_percent=0)


def while_shortcut_is_away_stories_wait():
    with Triage(BUILD, 8) as triage:
        triage.run("-i", "limit=1")
        triage.set(only="shortcut", fail_percent=100)
        output = triage.run()
        equal([output["triaged"], output["failed"], output["queued"]], [7, 0, 7])
        equal(len(triage.made()["stories"]), 1)
        processor = triage.pipeline.parent / "queue_processor.yaml"
        left = triage.command("run", processor, "-q", "-i", "wait=100ms")
        has(left.stdout, "left: 7", "7 stories wait on: ")
        triage.set(only="shortcut", fail_percent=0)
        triage.command("breakers", "reset", "127.0.0.1")
        left = triage.command("run", processor, "-q")
        has(left.stdout, "left: 0", "No story waits")
        made = triage.made()
        equal(sorted(s["external_id"] for s in made["stories"]), sorted(url(triage, n) for n in range(1, 9)))
        linked = [n for n, c in made["comments"].items() if any("Story: " in one["body"] for one in c)]
        equal(sorted(linked), sorted(map(str, range(1, 9))))


CASES = [it_is_right_and_strict, each_issue_goes_its_way, what_was_done_is_not_done_again,
         what_comes_again_finds_its_solution, a_repository_is_enough,
         what_is_wrong_is_said_before_anything_is_done, while_github_is_away_the_cache_answers,
         while_shortcut_is_away_stories_wait]


def main():
    failed = 0
    for case in CASES:
        if len(sys.argv) > 2 and case.__name__ not in sys.argv[2:]:
            continue
        try:
            case()
            print("passed ", case.__name__, flush=True)
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            print("FAILED ", case.__name__, flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

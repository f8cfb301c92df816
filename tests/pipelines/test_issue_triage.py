#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/pipelines/issue_triage against services that keep what it makes, and fail on demand.

usage: test_issue_triage.py BUILD [CASE]
"""

import json
import sys
import traceback
from pathlib import Path

from triage import SECRETS, SOURCE, Triage, check

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
        equal(len(made["messages"]), 4 + urgent + 3, "one for each that is urgent, for security, and for the run:")
        told = [json.dumps(m) for m in made["messages"]]
        for words in ("begins.", f"process_issues is done ({ISSUES} issues, 0 failed)",
                      f"{ISSUES} triaged"):
            equal(sum(words in message for message in told), 1, words)
        equal(len(made["mails"]), 4 + urgent + 1, "no progress comes by mail:")
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
        before = triage.made()
        output = triage.run()
        equal([output["triaged"], output["done_before"], output["report"]], [0, ISSUES, ""])
        after = triage.made()
        equal(len(after["mails"]), len(before["mails"]), "nothing is new, and no mail says so:")
        equal(len(after["messages"]) - len(before["messages"]), 1, "that it begins, and no more:")
        equal(len(triage.made()["stories"]), ISSUES)
        equal(triage.counts()["llm"]["calls"] - calls, 1, "the check of the model asks:")
        check(all(len(c) == 1 for c in triage.made()["comments"].values()), "an issue has two comments")


def tokens(result):
    return result["usage"]["input_tokens"] + result["usage"]["output_tokens"]


def what_was_asked_before_is_not_paid_for_again():
    with Triage(BUILD, ISSUES) as triage:
        first = triage.result()
        taken = triage.counts()["llm"]["tokens"]
        equal(tokens(first), taken, "a run says what the model says:")
        again = triage.result(TRIAGE_LABEL="second")
        equal([again["output"]["triaged"], again["output"]["kinds"]], [ISSUES, first["output"]["kinds"]])
        equal(tokens(again), triage.counts()["llm"]["tokens"] - taken)
        print(f"tokens of {ISSUES} issues: {tokens(first)}, and once more {tokens(again)}")
        check(tokens(again) * 4 < tokens(first), f"{tokens(first)} tokens, and then {tokens(again)}")
        equal(len(triage.made()["stories"]), ISSUES, "stories of two runs:")


def what_comes_again_finds_its_solution():
    with Triage(BUILD, 4) as triage:
        first = triage.run()
        equal([first["triaged"], first["recurring"]], [4, 0])
        known = len(triage.asked())
        triage.set(issues=104)  # as 4 it is a bug in part 4
        again = triage.run("-i", "limit=1")
        equal([again["triaged"], again["kinds"]["bug"], again["recurring"]], [1, 1, 1])
        asked = [one["text"] for one in triage.asked()[known:]]
        check(not any("How would you mend this?" in text for text in asked), "a mend that is known was asked for")
        story = triage.made()["stories"][-1]
        equal(story["external_id"], url(triage, 104))
        has(story["description"], f"as in {url(triage, 4)}", "two steps")
        has(Path(again["report"]).read_text(encoding="utf-8"), "1 met before")


def a_run_knows_those_before_it():
    with Triage(BUILD, 8) as triage:
        triage.run("-i", "limit=3")
        known = len(triage.asked())
        report = Path(triage.run()["report"]).read_text(encoding="utf-8")
        has(report, "5 triaged, 3 done before", ": 3 triaged, 0 failed.", "## Since the last time")
        asked = [one["text"] for one in triage.asked()[known:]]
        since = [text for text in asked if "What has changed against the earlier runs?" in text]
        has(since[0], 'Earlier runs: [{"triaged":3,')
        short = [text for text in asked if "you have not told it before" in text]
        has(short[0], '"triaged":3', "two steps", '"triaged":5')  # what it was asked and said, and the question now


def a_budget_is_kept():
    with Triage(BUILD, 8) as triage:
        triage.change("issue_triage.yaml", "cost: 25", "cost: 0.012")
        equal(triage.run(LLM_MODEL="gpt-4o")["triaged"], 8)
        models = [one["model"] for one in triage.asked()]
        check(set(models) == {"gpt-4o", "gpt-4.1-nano"}, str(set(models)))
        equal(models[0], "gpt-4o")


def a_model_of_ones_own_has_the_price_that_is_said():
    with Triage(BUILD, 4, with_all=False) as triage:
        repo = ("-i", "repo=octocat/hello")
        has(triage.refuse(*repo, LLM_MODEL="mine"), "BUDGET: ", "the model 'mine'", "set LLM_PRICE")
        has(triage.refuse(*repo, LLM_BASE_URL=triage.urls["llm"] + "/v2"), "NOT_FOUND", "see LLM_BASE_URL")
        equal(triage.made()["comments"], {})
        result = triage.result(LLM_MODEL="mine", LLM_PRICE="0")
        equal([result["output"]["triaged"], result["usage"]["cost"]], [4, 0])


def a_repository_is_enough():
    with Triage(BUILD, 4, with_all=False) as triage:
        done = triage.command("validate", "--strict", triage.pipeline)
        equal([done.returncode, done.stderr], [0, ""])
        output = triage.run()
        equal([output["triaged"], output["failed"]], [4, 0])
        equal(output["left_out"], ["Shortcut: set the secret shortcut_token",
                                   "Slack: set SLACK_CHANNEL and the secret slack_token",
                                   "e-mail: set TRIAGE_EMAIL and SMTP_URL",
                                   "Notion: set NOTION_PAGE and the secret notion_token", "webhook: set TRIAGE_WEBHOOK"])
        has(Path(output["report"]).read_text(encoding="utf-8"), "## Not set up", "- webhook: set TRIAGE_WEBHOOK")


def a_mail_without_a_server_is_left_out():
    with Triage(BUILD, 4) as triage:
        result = triage.result(SMTP_URL="", timeout=60)
        equal([result["output"]["triaged"], result["failure_count"], result["inner_failures"]], [4, 0, []])
        equal(result["output"]["left_out"], ["e-mail: set SMTP_URL"])
        equal(triage.made()["mails"], [])


def with_shortcut_alone_there_are_stories():
    with Triage(BUILD, 4, with_all=False) as triage:
        triage.env["OPSTREAM_SECRET_SHORTCUT_TOKEN"] = SECRETS["SHORTCUT_TOKEN"]
        result = triage.result()
        output = result["output"]
        equal([output["triaged"], output["failed"], result["failure_count"]], [4, 0, 0])
        equal([left.partition(":")[0] for left in output["left_out"]], ["Slack", "e-mail", "Notion", "webhook"])
        made = triage.made()
        equal([s["workflow_state_id"] for s in made["stories"]], [501] * 4, "where the first workflow begins:")
        check(all("/story/" in c[0]["body"] for c in made["comments"].values()), str(made["comments"]))
        equal([made["messages"], made["mails"], made["pages"], made["hooks"]], [[], [], [], []])
        failed = [f["path"] for f in result["inner_failures"]]
        equal(failed, [], "nothing tries what is not set up:")


def who_sets_nothing_hears_of_all_at_once():
    with Triage(BUILD, 1, with_all=False) as triage:
        for name in ("OPSTREAM_SECRET_GITHUB_TOKEN", "OPSTREAM_SECRET_LLM_KEY"):
            del triage.env[name]
        told = triage.refuse()
        for words in ("the secret 'github_token' is not set", "the secret 'llm_key' is not set", "must have the key 'repo'"):
            equal(told.count(words), 1, words)
        equal(told.count("error:"), 2, told)


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
        equal(triage.counts()["llm"]["calls"], 0)
        has(triage.refuse(*repo, OPSTREAM_SECRET_SLACK_TOKEN="xoxb-wrong"), "AUTH", "(invalid_auth)", "secrets set slack_token")
        has(triage.refuse(*repo, OPSTREAM_SECRET_NOTION_TOKEN="wrong"), "AUTH", "opstream secrets set notion_token")
        equal(triage.counts()["llm"]["calls"], 0)
        has(triage.refuse(*repo, OPSTREAM_SECRET_LLM_KEY="wrong-key"), "AUTH", "secrets set llm_key")
        told = triage.made()
        check(any("has failed" in json.dumps(m) and m["channel"] == "C0ALARM" for m in told["messages"]), "Slack")
        check(any("has failed" in mail["text"] for mail in told["mails"]), "e-mail")
        del triage.env["OPSTREAM_SECRET_LLM_KEY"]
        has(triage.refuse(*repo), "the secret 'llm_key' is not set", "opstream secrets set llm_key")
        equal(triage.made()["comments"], {})


def a_channel_that_is_not_there_is_named_and_stops_nothing():
    with Triage(BUILD, 12) as triage:
        output = triage.run(SLACK_ALARM="#nochan")
        equal([output["triaged"], output["failed"], len(output["problems"])], [12, 0, 1])
        has(output["problems"][0], "Slack: ", "channel_not_found", "#nochan")
        has(Path(output["report"]).read_text(encoding="utf-8"), "## Not told", "channel #nochan")
        equal(sum(bool(hook.get("security")) for hook in triage.made()["hooks"]), 3)


def what_was_told_is_not_told_again():
    with Triage(BUILD, 12) as triage:
        triage.run()
        before = triage.made()
        triage.run(TRIAGE_LABEL="second")
        after = triage.made()
        new = {key: len(after[key]) - len(before[key]) for key in ("pages", "hooks", "stories", "mails", "messages")}
        equal(new, {"pages": 0, "hooks": 0, "stories": 0, "mails": 1, "messages": 3}, "the report and how far it is:")


def a_vulnerability_that_nobody_hears_of_fails():
    with Triage(BUILD, 7) as triage:
        triage.change("issue_triage.yaml", "max_failures: 20%", "max_failures: 50%")
        output = triage.run(SLACK_ALARM="#nochan", TRIAGE_EMAIL="", TRIAGE_WEBHOOK="")
        equal([output["triaged"], output["failed"]], [5, 2])
        has(output["problems"][0], "nobody could be told of it: Slack: ", "#nochan")
        check("triaged" not in triage.made()["labels"].get("3", []), "it is done")


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
        has(left.stdout, "left: 7", "7 stories wait: ")
        triage.set(only="shortcut", fail_percent=0)
        triage.command("breakers", "reset", "127.0.0.1")
        left = triage.command("run", processor, "-q")
        has(left.stdout, "linked: 7", "left: 0", "All that waited are linked")
        has(triage.command("run", processor, "-q").stdout, "linked: 0", "No story waits")
        made = triage.made()
        equal(sorted(s["external_id"] for s in made["stories"]), sorted(url(triage, n) for n in range(1, 9)))
        linked = [n for n, c in made["comments"].items() if any("Story: " in one["body"] for one in c)]
        equal(sorted(linked), sorted(map(str, range(1, 9))))


CASES = [it_is_right_and_strict, each_issue_goes_its_way, what_was_done_is_not_done_again,
         what_was_asked_before_is_not_paid_for_again, what_comes_again_finds_its_solution,
         a_run_knows_those_before_it, a_budget_is_kept, a_model_of_ones_own_has_the_price_that_is_said,
         a_repository_is_enough, a_mail_without_a_server_is_left_out, with_shortcut_alone_there_are_stories,
         who_sets_nothing_hears_of_all_at_once, what_is_wrong_is_said_before_anything_is_done,
         a_channel_that_is_not_there_is_named_and_stops_nothing, what_was_told_is_not_told_again,
         a_vulnerability_that_nobody_hears_of_fails,
         while_github_is_away_the_cache_answers, while_shortcut_is_away_stories_wait]


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

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The issue triage while every service fails one call in ten and the engine is killed twice: each issue has its
story, its comment and its label once, and what is urgent came to Slack, by mail and to the webhook once.

usage: test_faults.py BUILD [--long]
"""

import collections
import email
import email.policy
import json
import os
import random
import re
import sys

from triage import LIMIT_SECONDS, Triage, check, wait_until

SEED = int(os.environ.get("FAULT_SEED", "1"))
FAIL_PERCENT = 10
LONG_SECONDS = 1500


def issue_of(text):
    """The number of the issue that a message is about; None: it is about the run."""
    found = re.search(r"/issues/(\d+)", text)
    return int(found[1]) if found else None


def link_of(mail):
    """The last one; those before it may be of similar issues."""
    message = email.message_from_string(mail["text"], policy=email.policy.default)
    return message.get_body(("plain",)).get_content().rstrip().rpartition("\n")[2]


def check_told(made, issues):
    """services.py says which are urgent, and which about security; these have a message more."""
    wanted = collections.Counter({n: (n // 4 % 4 >= 2) + (n % 4 == 3) for n in range(1, issues + 1)})
    told = {"messages": map(json.dumps, made["messages"]), "mails": map(link_of, made["mails"]),
            "hooks": map(json.dumps, made["hooks"])}
    of_run = {"messages": 3, "mails": 1, "hooks": 0}  # begin, milestone and report; the report
    for what, texts in told.items():
        found = collections.Counter(map(issue_of, texts))
        others = found.pop(None, 0)
        wrong = {n: (found[n], wanted[n]) for n in wanted if found[n] != wanted[n]}
        check(not wrong, f"{what} of issues, found and wanted: {wrong}")
        check(others == of_run[what], f"{what} of the run: {others}, not {of_run[what]}")
        print(f"{what:9} {sum(found.values()):6} of issues, each once", flush=True)


def check_once(triage, issues):
    """What is there of each issue, once; and what was asked for twice shows that it was tried."""
    made = triage.made()
    wanted = sorted(range(1, issues + 1))
    ids = [story["external_id"].rsplit("/", 1)[1] for story in made["stories"]]
    check(sorted(map(int, ids)) == wanted, f"{len(ids)} stories, of {len(set(ids))} issues, not of {issues}")
    for what in ("comments", "labels"):
        found = {int(n): len(one) for n, one in made[what].items() if one}
        check(sorted(found) == wanted, f"{what} on {len(found)} issues, not on {issues}")
    links = [n for n, c in made["comments"].items() if sum("Story: " in one["body"] for one in c) != 1]
    check(not links, f"issues without a link to their story, or with two: {links[:10]}")
    check_told(made, issues)


def main():
    build, is_long = sys.argv[1], "--long" in sys.argv
    issues = 1000 if is_long else 60
    seconds = LONG_SECONDS if is_long else LIMIT_SECONDS
    rng = random.Random(SEED)
    with Triage(build, issues, latency=5, seed=SEED) as triage:
        triage.set(fail_percent=FAIL_PERCENT)
        if not is_long:  # a few are read ahead, so that the list is open when the engine is killed
            triage.change("settings.yaml", "batch_size: 50, parallel_workers: 10", "batch_size: 3, parallel_workers: 2")
        engine = triage.serve()
        run = triage.start()
        for kill in (1, 2):
            part = issues * kill / 3 * rng.uniform(0.8, 1.2)
            wait_until(f"{part:.0f} stories", lambda part=part: len(triage.made()["stories"]) >= part, seconds)
            triage.kill(engine)
            print(f"killed with {len(triage.made()['stories'])} stories", flush=True)
            engine = triage.serve()
        wait_until("the run ends", lambda: triage.status(run)["completed_at"], seconds)
        status = triage.status(run)
        check(status["status"] == "completed", str(status)[:2000])
        triage.set(fail_percent=0)
        triage.command("breakers", "reset", "127.0.0.1")
        left = triage.command("run", triage.pipeline.parent / "queue_processor.yaml", "--json")
        check(left.returncode == 0, left.stdout + left.stderr)
        check_once(triage, issues)
        counts = triage.counts()
        for name, count in counts.items():
            faults = sum(count["faults"].values())
            print(f"{name:9} {count['calls']:6} calls, {faults:5} failed, {count['connections']:4} connections")
        check(sum(sum(c["faults"].values()) for c in counts.values()) > issues / 2, f"hardly a call failed: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notifications by a channel that a plugin of somebody else brings: sdk/examples/pager.

usage: test_channel.py BUILD [CASE...]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from fake_service import FakeService, answer  # pylint: disable=wrong-import-position
from plugin_case import QUICK, Program, cases_of, check, equal, has, run_cases  # pylint: disable=wrong-import-position

PROGRAM = Program(sys.argv[1])
EXAMPLES = os.path.join(os.path.abspath(sys.argv[1]), "sdk", "examples")
KEY = "pager-key-1618033988"


class Pager(FakeService):
    def __init__(self):
        super().__init__()
        self.pages = []

    def page(self, request):
        self.pages.append(request.json())
        return 202, {}

    routes = [("POST", "/page", page)]


def run(pager, notifications, nodes, **settings):
    return PROGRAM.run({"id": "nightly", "integrations": {"pager": {"url": pager.url + "/page", "key": "{{ secrets.pager_key }}", **settings}},
                        "notifications": {"type": "pager.page", **notifications}, "nodes": nodes},
                       OPSTREAM_PLUGIN_PATH=EXAMPLES, OPSTREAM_SECRET_PAGER_KEY=KEY)


GOOD = [{"id": "copy", "type": "set", "milestone": True, "config": {"files": 3}}]
BAD = [{"id": "copy", "type": "fail", "config": {"message": "the disk is full"}}]


def each_point_is_told(pager):
    ran = run(pager, {}, GOOD)
    equal((ran.code, len(pager.pages)), (0, 3))
    by_title = {page["title"]: page for page in pager.pages}
    check(all(page["text"] and page["severity"] == "info" for page in pager.pages), pager.pages)
    equal(len(by_title), 3)
    sent = pager.last("POST /page").headers
    equal(sent["authorization"], "Key " + KEY)
    equal(len({call.headers["idempotency-key"] for call in pager.calls}), 3)


def a_failure_is_told_as_one(pager):
    ran = run(pager, {"on": ["errors"]}, BAD)
    equal((ran.code, len(pager.pages)), (1, 1))
    equal(pager.pages[0]["severity"], "error")
    has(pager.pages[0]["title"] + pager.pages[0]["text"], "nightly", "copy", "the disk is full")


def words_of_ones_own_win(pager):
    run(pager, {"on": ["errors"], "severity": "critical", "title": "{{ run.workflow }} needs you"}, BAD)
    equal((pager.pages[0]["severity"], pager.pages[0]["title"]), ("critical", "nightly needs you"))


def a_pager_that_refuses_is_shown_and_tried_again(pager):
    pager.fail("POST /page", answer(503, {}))
    ran = run(pager, {"on": ["completion"]}, GOOD, retry={**QUICK, "on": ["UPSTREAM"]})
    equal((ran.code, len(pager.pages), len(pager.calls)), (0, 1, 2))
    equal(len({call.headers["idempotency-key"] for call in pager.calls}), 1)
    pager.fail("POST /page", answer(400, {}))
    ran = run(pager, {"on": ["completion"]}, GOOD, retry="off")
    equal(ran.code, 0)
    has(ran.text, "the pager refuses")


def wrong_keys_are_found_beforehand(pager):
    has(run(pager, {"channel": "x"}, GOOD).refusal(), "channel", "pager.page")
    equal(pager.calls, [])


if __name__ == "__main__":
    sys.exit(run_cases(Pager, cases_of(sys.modules[__name__], "pager"), sys.argv[2:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The slack plugin in the built program, against a small Slack that fails on demand.

usage: test_slack.py BUILD [CASE]
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

from slack import GOOD, REVOKED, WEAK, Slack, refuse
from fake_service import answer, cut, lose, page
from plugin_case import LIMIT_SECONDS, QUICK, Ran, cases_of, check, equal, has, run_cases

FOLDER = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(FOLDER, "..", "..", "..", "plugins", "slack", "README.md")
BUILD = os.path.abspath(sys.argv[1])
POST = "POST /chat.postMessage"
OPS = {"channel": "#ops"}


class Home:
    """A folder with a state that several runs share."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def env(self, service, token=GOOD, **variables):
        env = {"HOME": self.folder.name, "PATH": os.environ["PATH"], "BASE": service.url,
               "OPSTREAM_STATE": os.path.join(self.folder.name, "state"), **variables}
        if token:
            env["OPSTREAM_SECRET_SLACK_TOKEN"] = token
        return env

    def write(self, name, text):
        with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as out:
            out.write(text if isinstance(text, str) else json.dumps(text))

    def run(self, service, definition, token=GOOD, **variables):
        self.write("p.json", definition)
        return Ran(subprocess.run([os.path.join(BUILD, "bin", "opstream"), "run", "p.json", "--json"],
                                  cwd=self.folder.name, env=self.env(service, token, **variables), capture_output=True,
                                  text=True, timeout=LIMIT_SECONDS, check=False))


def run(service, definition, token=GOOD, **variables):
    with Home() as home:
        return home.run(service, definition, token, **variables)


def pipeline(nodes, token=GOOD, **settings):
    settings = {"base_url": "${BASE}", **({"bot": {"token": "{{ secrets.slack_token }}"}} if token else {}), **settings}
    return {"id": "t", "integrations": {"slack": settings}, "nodes": nodes}


def node(operation, config, name="n", **more):
    return {"id": name, "type": f"slack.{operation}", "config": config, "retry": "off", **more}


def call(service, operation, config, token=GOOD, retry="off", home=None, **settings):
    """One node of the type, in a run of its own."""
    definition = pipeline([node(operation, config, retry=retry)], token, circuit_breaker="off", **settings)
    return (home.run if home else run)(service, definition, token)


def post(service, config, **more):
    return call(service, "post_message", {**OPS, **config}, **more)


# ---- operations ----

def texts_are_posted(slack):
    made = post(slack, {"text": "it's *done* <https://a.test|here>"}).output()
    equal(made, {"sent": True, "channel": "C0OPS", "ts": "1700000000.000001", "thread_ts": None, "reason": None, "until": None,
                 "kept": False, "found": False, "shortened": False})
    message = slack.messages()[0]
    equal(message["text"], "it's *done* <https://a.test|here>")
    check("blocks" not in message, "blocks")
    equal(message["metadata"]["event_type"], "opstream_message")
    headers = slack.last(POST).headers
    equal((headers["authorization"], headers["content-type"]), (f"Bearer {GOOD}", "application/json"))


def markdown_becomes_blocks(slack):
    made = post(slack, {"markdown": "# Done\n\nAll **good** <!channel>\n\n- one\n- two\n\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |"})
    equal(made.output()["shortened"], False)
    message = slack.messages()[0]
    equal([b["type"] for b in message["blocks"]], ["header", "section", "divider", "section"])
    equal(message["blocks"][1]["text"]["text"], "All *good* &lt;!channel&gt;\n\n• one\n• two")
    has(message["text"], "Done", "All good &lt;!channel&gt;")
    post(slack, {"markdown": "x", "text": "short"}).output()
    equal(slack.messages()[1]["text"], "short")
    made = post(slack, {"markdown": "# t\n" * 60}).output()
    equal((made["shortened"], len(slack.messages()[2]["blocks"])), (True, 50))


def blocks_are_posted(slack):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}, {"type": "divider"}]
    post(slack, {"blocks": blocks, "unfurl_links": False, "username": "bot", "icon_emoji": ":robot_face:"}).output()
    message = slack.messages()[0]
    equal((message["blocks"], message["text"], message["unfurl_links"], message["username"]), (blocks, "hello", False, "bot"))


def charts_and_buttons_stand_behind(slack):
    config = {"text": "*Load*", "chart": {"title": "in percent", "unit": "%", "values": {"web": 100, "db": 12.5, "a <b>": 0}},
              "buttons": [{"text": "Open", "url": "https://a.test/?x=1&y=\"2\"", "style": "primary"},
                          {"text": "Docs", "url": "https://b.test"}]}
    post(slack, config).output()
    blocks = slack.messages()[0]["blocks"]
    equal([b["type"] for b in blocks], ["section", "actions"])
    equal(blocks[0]["text"]["text"], "*Load*\n\n```\nin percent\nweb    " + "█" * 24 + " 100%\ndb     ███ 12.5%\na &lt;b&gt;  0%\n```")
    equal(blocks[1]["elements"][0], {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "action_id": "opstream_0",
                                     "url": "https://a.test/?x=1&y=\"2\"", "style": "primary"})
    post(slack, {"markdown": "# t", "buttons": config["buttons"]}).output()
    equal([b["type"] for b in slack.messages()[1]["blocks"]], ["header", "actions"])
    error = post(slack, {"blocks": [{"type": "divider"}] * 48, "buttons": config["buttons"]}).error()
    equal(error["message"], "'blocks' leave no room for the chart and the buttons")


SETTINGS = """\
# config/slack.yaml
bot:
  token: "${SLACK_BOT_TOKEN}"
  signing_secret: "${SLACK_SIGNING_SECRET}"

channels:
  default: "#ops-alerts"
  critical: "#incidents"

notifications:
  quiet_hours: "22:00-08:00"
  timezone: "UTC"
  max_frequency: "1/hour"  # Rate limiting
"""


def settings_files():
    """The one that comes with the program, and one that has just its sections."""
    with open(os.path.join(FOLDER, "..", "..", "..", "config", "slack.yaml"), encoding="utf-8") as shipped:
        return [shipped.read(), SETTINGS]


def settings_may_stand_in_a_file(slack):
    slack.add_channel("ops-alerts")
    env = {"SLACK_BOT_TOKEN": GOOD, "SLACK_SIGNING_SECRET": "s3cret"}
    for text in settings_files():
        text = text.replace("22:00-08:00", hours_around_now(240, 360)["notifications"]["quiet_hours"])
        with Home() as home:
            home.write("slack.yaml", text)
            home.write("house.yaml", "id: house\nintegrations: {slack: slack.yaml}\n")
            definition = {"id": "t", "extends": "house", "integrations": {"slack": {"base_url": "${BASE}"}},
                          "nodes": [node("post_message", {"text": "x"}),
                                    node("post_message", {"text": "y", "severity": "critical"}, "m", depends_on=["n"])]}
            ran = home.run(slack, definition, token=None, **env)
            equal((ran.output()["channel"], ran.output("m")["channel"]), ("C0OPS-ALERTS", "C0INCIDENTS"))
            has(ran.text, "'bot.signing_secret' of integration 'slack' has no effect in this version")
            equal(home.run(slack, definition, token=None, **env).output()["reason"], "max_frequency")
            ran = home.run(slack, definition, token=None)
            equal(ran.code, 3)
            has(ran.text, "'SLACK_BOT_TOKEN' is not set", "'SLACK_SIGNING_SECRET' is not set")
            ran = home.run(slack, definition, token=None, **{**env, "SLACK_SIGNING_SECRET": ""})
            equal(ran.code, 3)
            has(ran.text, "'bot.signing_secret' must be at least 1 character long")
            home.write("slack.yaml", text.replace("max_frequency", "max_frequencies"))
            ran = home.run(slack, definition, token=None, **env)
            equal(ran.code, 3)
            check(re.search(r"slack.yaml:\d+:\d+: error: .*max_frequencies", ran.text), ran.text)


def a_file_alone_says_all(slack):
    """What it says with nothing beside it, but where the service is."""
    for text in settings_files():
        with Home() as home:
            hours = hours_around_now(-120, 120)["notifications"]["quiet_hours"]
            home.write("slack.yaml", text.replace("22:00-08:00", hours) + "base_url: ${BASE}\n")
            definition = {"id": "t", "integrations": {"slack": "slack.yaml"}, "nodes": [
                node("post_message", {"text": "x"}), node("post_message", {"text": "y", "severity": "critical"}, "m")]}
            ran = home.run(slack, definition, token=None, SLACK_BOT_TOKEN=GOOD, SLACK_SIGNING_SECRET="s3cret")
            equal((ran.output()["reason"], ran.output("m")["sent"]), ("quiet_hours", True))


def a_list_of_points_is_told_there(slack):
    """Of pipelines that only say when: the settings say where."""
    slack.add_channel("ops-alerts")
    with Home() as home:
        home.write("slack.yaml", 'bot: {token: "${SLACK_BOT_TOKEN}"}\nchannels: {default: "#ops-alerts"}\nbase_url: ${BASE}\n')
        definition = {"id": "t", "integrations": {"slack": "slack.yaml"}, "notifications": ["start", "errors"],
                      "nodes": [{"id": "n", "type": "fail", "config": {"message": "disk full"}}]}
        equal(home.run(slack, definition, token=None, SLACK_BOT_TOKEN=GOOD).code, 1)
        texts = [m["text"] for m in slack.messages("ops-alerts")]
        equal(len(texts), 2)
        has("\n".join(texts), "started", "disk full")


def messages_are_changed_and_marked(slack):
    made = post(slack, {"text": "one"}).output()
    at = {"channel": made["channel"], "ts": made["ts"]}
    equal(call(slack, "update_message", {**at, "markdown": "**two**"}).output(), at)
    equal(slack.messages()[0]["blocks"][0]["text"]["text"], "*two*")
    equal(call(slack, "add_reaction", {**at, "emoji": "eyes"}).output(), {"added": True})
    equal(call(slack, "add_reaction", {**at, "emoji": "eyes"}).output(), {"added": False})
    equal(slack.messages()[0]["reactions"], ["eyes"])
    has(call(slack, "add_reaction", {**at, "emoji": "no_such_emoji"}).error()["message"], "Slack refuses: invalid_name")
    error = call(slack, "update_message", {**at, "ts": "1.2", "text": "x"}).error()
    equal(error["code"], "NOT_FOUND")


def people_are_found(slack):
    found = call(slack, "lookup_user", {"email": "ada@example.com"}).output()
    equal((found["id"], found["real_name"], found["timezone"]), ("U0ADA", "Ada L", "Europe/London"))
    equal(slack.last("GET .*").query, {"email": "ada@example.com"})
    error = call(slack, "lookup_user", {"email": "who@example.com"}).error()
    equal((error["code"], error["message"]),
          ("NOT_FOUND", "Slack refuses: users_not_found; e-mail who@example.com"))


def views_are_opened(slack):
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": []}
    equal(call(slack, "open_view", {"trigger_id": "T1", "view": view}).output()["id"], "V1")
    error = call(slack, "open_view", {"trigger_id": "T1", "view": view}).error()
    equal(error["code"], "INPUT")
    has(error["hint"], "three seconds")


def files_are_shared(slack):
    config = {"channel": "C0OPS", "filename": "a b.txt", "content": "grüße\n"}
    made = call(slack, "upload_file", {**config, "title": "All", "initial_comment": "look", "alt_text": "x"}).output()
    equal(made, {"id": "F1", "title": "All", "channel": "C0OPS", "size": 8, "found": False})
    file = slack.files["F1"]
    equal((file["content"], file["name"], file["alt_txt"], file["shares"]), ("grüße\n".encode(), "a b.txt", "x", ["C0OPS"]))
    check("authorization" not in slack.last("POST /upload/.*").headers, "the token goes to Slack's API only")
    made = call(slack, "upload_file", {**config, "content": "/wA=", "encoding": "base64"}).output()
    equal((made["title"], slack.files["F2"]["content"]), ("a b.txt", b"\xff\x00"))
    has(call(slack, "upload_file", {**config, "content": "&", "encoding": "base64"}).error()["message"], "'content' is no base64")
    has(call(slack, "upload_file", {**config, "content": ""}).error()["message"], "'content' is empty")
    error = call(slack, "upload_file", {**config, "channel": "C0NOWHERE"}).error()
    equal((error["code"], error["message"]), ("NOT_FOUND", "Slack refuses: channel_not_found; channel C0NOWHERE"))


def files_are_shared_once(slack):
    config = {"channel": "C0OPS", "filename": "a", "content": "x"}
    step = "(GET|POST) /{}.*"
    for what, faults in (("files.getUploadURLExternal", [lose()]), ("upload", [answer(502, {})]),
                         ("files.completeUploadExternal", [lose()]), ("files.completeUploadExternal", [answer(502, {})]),
                         ("files.completeUploadExternal", [refuse("ratelimited")])):
        before = len(slack.messages())
        slack.fail(step.format(what), *faults)
        made = call(slack, "upload_file", config, retry=QUICK).output()
        equal((what, len(slack.messages()) - before), (what, 1))
        equal(slack.files[made["id"]]["shares"], ["C0OPS"])
    slack.forbidden = {"files.info"}
    slack.fail(step.format("files.completeUploadExternal"), lose())
    error = call(slack, "upload_file", config, retry=QUICK).error()
    equal(error["symbol"], "slack.unknown")
    has(error["message"], "whether an earlier attempt has shared this file in C0OPS is not known", "needed: files:read")


def blocks_are_checked_before_they_go_out(slack):
    plain = lambda text: {"type": "plain_text", "text": text}
    button = lambda **more: {"type": "button", "text": plain("ok"), **more}
    actions = lambda *elements, **more: {"type": "actions", "elements": list(elements), **more}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    for blocks, words in (
            ([section] * 51, "there are 51 blocks, and Slack takes 50 at most"),
            ([section, {"type": "section", "text": plain("x" * 3412)}],
             "blocks[1] (section): 'text' has 3412 characters, and Slack takes 3000 at most"),
            ([{"type": "section"}], "blocks[0] (section): 'text' is missing"),
            ([{"type": "section", "fields": [plain("x")] * 11}], "'fields' has 11 items, and Slack takes 10 at most"),
            ([{"type": "section", "fields": [plain("x" * 2001)]}], "'fields' has an item of 2001 characters"),
            ([{"type": "header", "text": plain("x" * 151)}], "blocks[0] (header): 'text' has 151 characters"),
            ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "'text' is no text object of type plain_text"),
            ([{"type": "image", "image_url": "https://a.test/i.png"}], "blocks[0] (image): 'alt_text' is missing"),
            ([actions()], "blocks[0] (actions): 'elements' is empty"),
            ([actions(*[button()] * 26)], "'elements' has 26 items, and Slack takes 25 at most"),
            ([actions(button(text=plain("x" * 76)))], "blocks[0].elements[0] (button): 'text' has 76 characters"),
            ([actions(button(action_id="a" * 256))], "'action_id' has 256 characters, and Slack takes 255 at most"),
            ([actions(button(action_id="a"), button(action_id="a"))], "blocks[0].elements[1] (button): 'action_id' is that of another"),
            ([{**section, "block_id": "b"}, {**section, "block_id": "b"}], "blocks[1] (section): 'block_id' is that of another"),
            ([{**section, "accessory": {"type": "overflow", "options": [{"text": plain("x"), "value": "v"}] * 6}}],
             "blocks[0].accessory (overflow): 'options' has 6 items, and Slack takes 5 at most"),
            ([{**section, "accessory": {"type": "static_select", "options": [{"text": plain("x" * 76), "value": "v"}]}}],
             "blocks[0].accessory.options[0] (options): 'text' has 76 characters"),
            ([actions(button(confirm={"title": plain("x" * 101)}))], "blocks[0].elements[0].confirm (confirm): 'title' has 101"),
            ([{"text": "x"}], "blocks[0]: 'type' is missing")):
        error = post(slack, {"blocks": blocks}).error()
        equal((words, error["code"]), (words, "CONFIG"))
        has(error["message"], "'blocks' would be refused: ", words)
    view = {"type": "modal", "title": plain("x" * 25), "blocks": [section]}
    has(call(slack, "open_view", {"trigger_id": "T1", "view": view}).error()["message"],
        "'view' would be refused: view (modal): 'title' has 25 characters, and Slack takes 24 at most")
    equal(slack.count("POST .*"), 0)
    good = [actions(button(action_id="a"), button(action_id="b")), {**section, "fields": [plain("x")] * 10}, {"type": "new_kind"}]
    equal(post(slack, {"blocks": good}).output()["sent"], True)


# ---- channels and threads ----

CHANNELS = {"channels": {"default": "#ops", "critical": "#incidents"}}


def severity_chooses_the_channel(slack):
    for severity, wanted in (("info", "C0OPS"), ("critical", "C0INCIDENTS")):
        made = call(slack, "post_message", {"text": "x", "severity": severity}, **CHANNELS).output()
        equal(made["channel"], wanted)
    made = call(slack, "post_message", {"text": "x", "severity": "critical", "channel": "#reports"}, **CHANNELS).output()
    equal(made["channel"], "C0REPORTS")
    equal(call(slack, "post_message", {"text": "x"}, **CHANNELS).output()["channel"], "C0OPS")
    error = call(slack, "post_message", {"text": "x"}, channels={"critical": "#incidents"}).error()
    equal(error["message"], "'channel' is missing, and integrations.slack.channels has no 'default'")


def a_thread_of_a_run_goes_on(slack):
    def nodes(*names):
        before = []
        for name in names:
            more = {"depends_on": before} if before else {}
            before = [name]
            yield node("post_message", {"channel": "#ops", "text": name, "thread": "deploy"}, name, **more)
    ran = run(slack, pipeline(list(nodes("one", "two", "three"))))
    equal([ran.output(n)["thread_ts"] for n in ("one", "two", "three")], [None] + ["1700000000.000001"] * 2)
    equal([m.get("thread_ts") for m in slack.messages()], [None] + ["1700000000.000001"] * 2)
    equal(run(slack, pipeline(list(nodes("one")))).output("one")["thread_ts"], None)
    made = post(slack, {"text": "x", "thread_ts": "1700000000.000001", "reply_broadcast": True}).output()
    equal(made["thread_ts"], "1700000000.000001")
    equal(slack.messages()[-1]["reply_broadcast"], True)
    equal(post(slack, {"text": "x", "thread_ts": "1.5"}).error()["code"], "NOT_FOUND")


# ---- what is held back ----

def hours_around_now(minutes_from, minutes_until):
    now = time.time()
    clock = [time.strftime("%H:%M", time.gmtime(now + 60 * m)) for m in (minutes_from, minutes_until)]
    return {"notifications": {"quiet_hours": "-".join(clock), "timezone": "UTC"}}


def quiet_hours_hold_back(slack):
    quiet, loud = hours_around_now(-120, 120), hours_around_now(240, 360)
    with Home() as home:
        held = post(slack, {"markdown": "**disk** <full>", "severity": "error"}, home=home, **quiet).output()
        equal((held["sent"], held["reason"], held["kept"], held["ts"], held["channel"]), (False, "quiet_hours", True, None, "#ops"))
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", held["until"]), held["until"])
        post(slack, {"text": "load is high"}, home=home, **quiet).output()
        equal(post(slack, {"channel": "#reports", "text": "x"}, home=home, **quiet).output()["sent"], False)
        equal(slack.count(POST), 0)
        equal(post(slack, {"text": "down", "severity": "critical"}, home=home, **quiet).output()["sent"], True)
        equal("blocks" in slack.messages()[0], False)
        equal(post(slack, {"text": "good *morning*"}, home=home, **loud).output()["sent"], True)
        blocks = slack.messages()[1]["blocks"]
        equal([b["type"] for b in blocks], ["section", "divider", "context", "section"])
        equal(blocks[0]["text"]["text"], "good *morning*")
        check(re.fullmatch(r"• \d{4}-\d\d-\d\d \d\d:\d\d error: disk &lt;full&gt;\n• \S+ \S+ info: load is high",
                           blocks[3]["text"]["text"]), blocks[3]["text"]["text"])
        post(slack, {"text": "again"}, home=home, **loud).output()
        equal("blocks" in slack.messages()[2], False)


def too_many_are_held_back(slack):
    rule = lambda rate: {"notifications": {"max_frequency": rate}}
    with Home() as home:
        sent = [post(slack, {"text": f"m{i}"}, home=home, **rule("2/hour")).output() for i in range(4)]
        equal([s["reason"] for s in sent], [None, None, "max_frequency", "max_frequency"])
        equal(post(slack, {"channel": "#reports", "text": "x"}, home=home, **rule("2/hour")).output()["sent"], True)
        made = call(slack, "send_digest", {"channel": "#ops"}, home=home, **rule("2/hour")).output()
        equal((made["sent"], made["reason"]), (False, "max_frequency"))
        made = call(slack, "send_digest", {"channel": "#ops"}, home=home, **rule("3/hour")).output()
        equal((made["sent"], made["ts"]), (True, slack.messages()[-1]["ts"]))
        has(slack.messages()[-1]["blocks"][-1]["text"]["text"], "info: m2", "info: m3")
        made = call(slack, "send_digest", {"channel": "#ops"}, home=home, **rule("3/hour")).output()
        equal((made["sent"], made["reason"]), (False, "nothing_held_back"))
        post(slack, {"text": "m5"}, home=home, **rule("2/hour")).output()
        equal(call(slack, "send_digest", {"channel": "#ops", "now": True}, home=home, **rule("2/hour")).output()["sent"], True)


def without_a_digest_it_is_dropped(slack):
    quiet = hours_around_now(-120, 120)
    quiet["notifications"]["digest"] = False
    with Home() as home:
        made = post(slack, {"text": "x"}, home=home, **quiet).output()
        equal((made["sent"], made["kept"]), (False, False))
        equal(call(slack, "send_digest", {"channel": "#ops"}, home=home, **quiet).output()["reason"], "nothing_held_back")


def what_failed_frees_its_place(slack):
    rule = {"notifications": {"max_frequency": "1/hour"}}
    with Home() as home:
        slack.fail(POST, answer(502, {}))
        equal(post(slack, {"text": "x"}, retry=QUICK, home=home, **rule).output()["sent"], True)
        equal(post(slack, {"text": "y"}, home=home, **rule).output()["reason"], "max_frequency")
        slack.fail(POST, lose())
        equal(call(slack, "send_digest", {"channel": "#ops", "now": True}, retry=QUICK, home=home, **rule).output()["found"], True)
        equal(len(slack.messages()), 2)


def the_same_is_sent_once(slack):
    with Home() as home:
        config = {"text": "disk full", "dedupe": {"key": "disk", "window": "30m"}}
        slack.fail(POST, lose())
        equal(post(slack, config, home=home, retry=QUICK).output()["sent"], True)
        made = post(slack, config, home=home).output()
        equal((made["sent"], made["reason"], made["kept"]), (False, "repeated", False))
        equal(post(slack, {**config, "severity": "critical"}, home=home).output()["reason"], "repeated")
        equal(post(slack, {**config, "dedupe": {"key": "load"}}, home=home).output()["sent"], True)
        for key, is_sent in (("\U0001f525" * 199 + "a", True), ("\U0001f525" * 199 + "b", True), ("\U0001f525" * 199 + "a", False)):
            equal(post(slack, {**config, "dedupe": {"key": key}}, home=home).output()["sent"], is_sent)
        equal(post(slack, {**config, "channel": "#reports"}, home=home).output()["sent"], True)
        equal((len(slack.messages()), len(slack.messages("reports"))), (4, 1))
        quiet = hours_around_now(-120, 120)
        config["dedupe"]["key"] = "night"
        equal(post(slack, config, home=home, **quiet).output()["reason"], "quiet_hours")
        equal(post(slack, config, home=home, **quiet).output()["reason"], "repeated")


def rules_that_are_no_good(slack):
    for rules, words in (({"quiet_hours": "22-8"}, "quiet_hours"), ({"max_frequency": "often"}, "max_frequency"),
                         ({"quiet_hours": "08:00-08:00"}, "'quiet_hours' begin when they end"),
                         ({"timezone": "Europe/Nowhere"}, "'timezone' is none that this machine knows"),
                         ({"quiet": "x"}, "unknown")):
        ran = run(slack, pipeline([node("post_message", {"channel": "#ops", "text": "x"})], notifications=rules))
        check(ran.code in (1, 3), ran.text)
        has(ran.text, words)
    equal(slack.count(POST), 0)


# ---- once, although ----

def a_message_whose_answer_was_lost_is_found(slack):
    for config in ({}, {"channel": "C0OPS"}, {"thread_ts": "1700000000.000001"}, {"thread": "t"}):
        slack.channels["C0OPS"]["messages"] = []
        slack.next_ts = 0
        post(slack, {"text": "first"}).output()
        for faults in ([lose()], [cut()], [cut(is_told=False)], [answer(502, {}), lose()]):
            before = len(slack.messages())
            slack.fail(POST, *faults)
            made = post(slack, {"text": "x", **config}, retry=QUICK).output()
            equal((len(slack.messages()) - before, made["found"], made["ts"]),
                  (1, True, slack.messages()[-1]["ts"]))


def what_was_refused_needs_no_look(slack):
    slack.forbidden = {"conversations.list", "conversations.history"}
    slack.fail(POST, refuse("ratelimited"), refuse("team_added_to_org"))
    made = post(slack, {"text": "x"}, retry=QUICK).output()
    equal((made["found"], len(slack.messages()), slack.count("GET .*")), (False, 1, 0))


def what_cannot_be_looked_for_is_said(slack):
    slack.forbidden = {"conversations.history"}
    slack.fail(POST, lose())
    error = post(slack, {"text": "x"}, retry=QUICK).error()
    equal((error["code"], error["symbol"], len(slack.messages())), ("UPSTREAM", "slack.unknown", 1))
    has(error["message"], "whether an earlier attempt has posted this message to #ops is not known",
        "missing_scope", "needed: channels:history")
    has(error["hint"], "channels:history")


def what_an_engine_posted_that_was_killed_is_found(slack):
    posted, over = threading.Event(), threading.Event()

    def keep_the_answer(handler, work):
        work()
        posted.set()
        over.wait(LIMIT_SECONDS)
        handler.close()
    slack.fail(POST, keep_the_answer)
    with Home() as home:
        home.write("p.json", pipeline([node("post_message", {"channel": "#ops", "text": "x"})]))
        home.write("other.json", {"id": "other", "nodes": [{"id": "w", "type": "wait", "config": {"seconds": 0.2}}]})
        program, where = os.path.join(BUILD, "bin", "opstream"), {"cwd": home.folder.name, "env": home.env(slack)}
        with subprocess.Popen([program, "run", "p.json", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              **where) as engine:
            check(posted.wait(LIMIT_SECONDS), "the message was not posted")
            engine.kill()
        over.set()
        listed = ""
        end = time.monotonic() + LIMIT_SECONDS
        while not re.search(r"completed +t\b", listed) and time.monotonic() < end:
            for command in (["run", "other.json", "-q"], ["list"]):
                listed = subprocess.run([program, *command], capture_output=True, text=True, timeout=LIMIT_SECONDS,
                                        check=False, **where).stdout
        has(listed, "completed")
    equal((len(slack.messages()), slack.count(POST)), (1, 1))


# ---- what is wrong ----

def tokens_that_are_no_good(slack):
    error = post(slack, {"text": "x"}, token="xoxb-wrong-9876543210").error()
    equal((error["code"], error["message"]), ("AUTH", "Slack refuses: invalid_auth"))
    has(error["hint"], "integrations.slack.bot.token is refused: set a valid one.", "OPSTREAM_SECRET_SLACK_TOKEN")
    equal(post(slack, {"text": "x"}, token=REVOKED).error()["message"], "Slack refuses: token_revoked")
    error = post(slack, {"text": "x"}, token=None).error()
    equal((error["code"], error["message"]), ("AUTH", "Slack refuses: not_authed"))
    has(error["hint"], "integrations.slack.bot.token is not set: write \"{{ secrets.slack_token }}\" there.")
    error = post(slack, {"text": "x"}, token=WEAK).error()
    equal((error["code"], error["message"]), ("PERMISSION", "Slack refuses: missing_scope; needed: chat:write; "
                                              "the token has: identify; channel #ops"))
    has(error["hint"], "OAuth & Permissions")


def channels_that_are_no_good(slack):
    slack.add_channel("secret", is_member=False)
    slack.add_channel("old", is_archived=True)
    for channel, code, message, hint in (
            ("#nowhere", "NOT_FOUND", "Slack refuses: channel_not_found; channel #nowhere", "check the name"),
            ("#secret", "PERMISSION", "Slack refuses: not_in_channel; channel #secret", "/invite"),
            ("#old", "INPUT", "Slack refuses: is_archived; channel #old", "unarchive")):
        error = post(slack, {"channel": channel, "text": "x"}).error()
        equal((error["code"], error["message"]), (code, message))
        has(error["hint"], hint)


def answers_that_are_no_use(slack):
    said = {"response_metadata": {"messages": ["[ERROR] must be a string [json-pointer:/blocks/2/text]"]}}
    for fault, code, words in (
            (page(), "UPSTREAM", "Slack answered with a page instead of JSON"),
            (page(404), "UPSTREAM", "Slack answered 404 with a page instead of JSON"),
            (page(502), "UNAVAILABLE", "Slack answered 502 with a page instead of JSON"),
            (answer(200, text='{"ok": true, "ts'), "UPSTREAM", "Slack answered JSON that is broken, or cut off: "),
            (answer(200, {}), "UPSTREAM", "something else than is expected"),
            (answer(200, {"ok": True}), "UPSTREAM", "something else than is expected"),
            (refuse("invalid_blocks", **said), "INPUT", "invalid_blocks; [ERROR] must be a string [json-pointer:/blocks/2/text]"),
            (refuse("msg_too_long"), "INPUT", "Slack refuses: msg_too_long"),
            (refuse("something_new"), "UPSTREAM", "Slack refuses: something_new"),
            (refuse("fatal_error"), "UNAVAILABLE", "Slack refuses: fatal_error"),
            (answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "7"}), "RATE_LIMITED", "ratelimited"),
            (cut(), "UNAVAILABLE", ""), (lose(), "UNAVAILABLE", "")):
        slack.fail(POST, fault)
        error = post(slack, {"text": "x"}).error()
        equal((words, error["code"]), (words, code))
        has(error["message"], words)
        equal(error.get("retry_after_ms") == 7000, code == "RATE_LIMITED")


def configs_that_are_no_good(slack):
    for config, words in (({}, "must have one of the keys 'text', 'markdown' or 'blocks'"),
                          ({"markdown": "x", "blocks": [{"type": "divider"}]}, "the key 'blocks' is not allowed"),
                          ({"text": "x", "thread": "a", "thread_ts": "1.2"}, "the key 'thread_ts' is not allowed")):
        has(post(slack, config).refusal(), words)
    for config, words in (({"text": "{{ '' }}"}, "'text' is missing: give 'text', 'markdown' or 'blocks'"),
                          ({"markdown": "<!-- nothing -->"}, "'markdown' has no text in it"),
                          ({"text": "x" * 40001}, "'text' has 40001 characters, and Slack takes 40000 at most")):
        error = post(slack, config).error()
        equal((error["code"], error["message"]), ("CONFIG", words))
    equal(slack.count(".*"), 0)


# ---- all of them ----

def readme_examples_run(slack):
    with open(README, encoding="utf-8") as text:
        examples = re.findall(r"```yaml\n(id: .*?)```", text.read(), re.S)
    check(len(examples) >= 2, "examples")
    ran = []
    for example in examples:
        with Home() as home:
            home.write("p.yaml", example)
            env = {**home.env(slack), "SLACK_API_URL": slack.url}
            done = subprocess.run([os.path.join(BUILD, "bin", "opstream"), "run", "p.yaml", "--json", "-i",
                                   "trigger_id=T1"] if "trigger_id" in example else
                                  [os.path.join(BUILD, "bin", "opstream"), "run", "p.yaml", "--json"],
                                  cwd=home.folder.name, env=env, capture_output=True, text=True, timeout=LIMIT_SECONDS,
                                  check=False)
            equal((done.returncode, done.stderr if done.returncode else ""), (0, ""))
            ran += re.findall(r"type: (slack\.\w+)", example)
    with open(os.path.join(os.path.dirname(README), "manifest.json"), encoding="utf-8") as text:
        equal(sorted(set(ran)), sorted(n["type"] for n in json.load(text)["nodes"]))


sys.exit(run_cases(Slack, cases_of(sys.modules[__name__], "slack"), sys.argv[2:]))

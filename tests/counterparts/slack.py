# SPDX-License-Identifier: Apache-2.0
"""slack: a Web API that Slack's own clients accept, and Block Kit by Slack's own types."""

import json
import os
import subprocess
import urllib.request

import part

FAKE = ["ws@8.23.0"]
TYPES = ["@slack/types@3.2.0", "ts-json-schema-generator@2.4.0", "ajv@8.20.0"]
PACKAGES = [*FAKE, *TYPES]

TOKEN = "xoxb-0000000000-counterpart"
AT = {"channel": "C012AB3CD", "ts": "1700000000.000100"}
VIEW = {"type": "modal", "title": {"type": "plain_text", "text": "t"}, "blocks": [{"type": "divider"}]}

# Each operation, the method of its first call, what of the body is sent, and whether the answer is of
# use: but for messages it says "ok" and nothing else.
CALLS = [
    ("post_message", {"channel": "#ops", "text": "t", "unfurl_links": False, "username": "u", "icon_emoji": ":e:"},
     "chat.postMessage", {"channel": "#ops", "text": "t", "unfurl_links": False, "username": "u", "icon_emoji": ":e:"}, True),
    ("post_message", {"channel": "#ops", "markdown": "# a\n\nb", "thread_ts": AT["ts"], "reply_broadcast": True},
     "chat.postMessage", {"thread_ts": AT["ts"], "reply_broadcast": True}, True),
    ("update_message", {**AT, "text": "t"}, "chat.update", {**AT, "text": "t"}, False),
    ("add_reaction", {**AT, "emoji": "eyes"}, "reactions.add",
     {"channel": AT["channel"], "timestamp": AT["ts"], "name": "eyes"}, True),
    ("upload_file", {"channel": AT["channel"], "filename": "a", "content": "x"}, "files.getUploadURLExternal", {}, False),
    ("lookup_user", {"email": "a@example.com"}, "users.lookupByEmail", {}, False),
    ("open_view", {"trigger_id": "1.2.3", "view": VIEW}, "views.open", {"trigger_id": "1.2.3", "view": VIEW}, False),
]

# Images are left out: among the types there is not one that is an image's, but two.
MARKDOWN = [
    "# Title & more\n\nText with **bold**, *italic*, ~~gone~~, `code` and [a link](https://example.com/?a=1&b=2).",
    "- one\n- two\n    - deep\n\n1. first\n\n- [x] done\n- [ ] open\n\n> said\n\n---\n\n```c\nif (a < b) { x(); }\n```",
    "| name | count |\n|---|--:|\n| a | 1 |\n| b | 22 |",
    "<!channel> <@U123> <script>alert(1)</script> &amp; \\*x\\*",
    "# " + "long " * 100 + "\n\n" + "word " * 3000,
    "```\n" + "a line of code & more\n" * 1000 + "```",
    "# t\n\ntext\n\n" * 60,
]


def pipeline(nodes, **settings):
    return {"id": "t", "integrations": {"slack": {"base_url": "${BASE}", "bot": {"token": "{{ secrets.slack_token }}"},
                                                  "retry": "off", "circuit_breaker": "off", **settings}},
            "error_policy": "continue", "nodes": nodes}


def run(place, server, nodes, **settings):
    return part.run(place, pipeline(nodes, **settings), {"BASE": f"{server.url}/api", "OPSTREAM_SECRET_SLACK_TOKEN": TOKEN})


def ask(server, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=part.LIMIT_SECONDS) as answer:
        return json.load(answer)


def reason(function):
    try:
        function()
    except AssertionError as why:
        return str(why) or "an assertion"
    return None


def check_call(place, server, call):
    operation, config, method, sent, has_answer = call
    before = len(ask(server, "/__log"))
    step = run(place, server, [{"id": "n", "type": f"slack.{operation}", "config": config}])["n"]
    found = ask(server, "/__log")[before:]
    part.equal([(c["method"], c["token"]) for c in found], [(method, TOKEN)])
    part.equal({k: found[0]["args"].get(k) for k in sent}, sent)
    if has_answer:
        part.good(step)
    else:
        part.equal((step["error"] or {}).get("symbol"), "slack.bad_body")


def check_refusal(place, server, mode, code):
    ask(server, "/__fault", {"method": "chat.postMessage", "mode": mode, "times": 1})
    step = run(place, server, [{"id": "n", "type": "slack.post_message", "config": {"channel": "#ops", "text": "t"}}])["n"]
    part.equal((step["error"] or {}).get("code"), code)


def check_wait(place, server):
    ask(server, "/__fault", {"method": "chat.postMessage", "mode": "429", "times": 1})
    retry = {"initial_interval": "1ms", "max_attempts": 2}
    part.good(run(place, server, [{"id": "n", "type": "slack.post_message", "retry": retry,
                                   "config": {"channel": "#ops", "text": "t"}}])["n"])


def check_digest(place, server):
    nodes = [{"id": name, "type": f"slack.{operation}", "config": {"channel": "#ops", **config},
              **({"depends_on": [before]} if before else {})}
             for name, operation, config, before in (("a", "post_message", {"text": "first"}, None),
                                                     ("b", "post_message", {"text": "second"}, "a"),
                                                     ("n", "send_digest", {"now": True}, "b"))]
    before = len(ask(server, "/__log"))
    steps = run(place, server, nodes, notifications={"max_frequency": "1/hour"})
    part.equal([part.good(steps[n])["sent"] for n in ("a", "b", "n")], [True, False, True])
    part.equal([c["args"]["text"] for c in ask(server, "/__log")[before:]], ["first", "What was held back"])


def web_api(place):
    place.need(*FAKE)
    port = part.free_port()
    command = ["node", place.script("slack-fake.mjs"), str(port)]
    with part.Process(command, f"http://127.0.0.1:{port}/__log", {"KIT": str(place.kit)}) as process:
        process.url = f"http://127.0.0.1:{port}"
        for call in CALLS:
            shown = call[0] if call[4] else f"{call[0]}, its request"
            yield shown, reason(lambda: check_call(place, process, call))
        yield "send_digest", reason(lambda: check_digest(place, process))
        for mode, code in (("429", "RATE_LIMITED"), ("500", "UPSTREAM"), ("drop", "UNAVAILABLE"),
                           ("error:channel_not_found", "NOT_FOUND"), ("error:invalid_auth", "AUTH")):
            yield f"post_message, {mode}", reason(lambda: check_refusal(place, process, mode, code))
        yield "post_message, after Retry-After", reason(lambda: check_wait(place, process))


def check_blocks(place, blocks):
    done = subprocess.run(["node", place.script("slack-blocks-check.mjs")], input=json.dumps(blocks), text=True, check=False,
                          capture_output=True, timeout=part.LIMIT_SECONDS, env={**os.environ, "KIT": str(place.kit)})
    part.equal((done.returncode, (done.stdout + done.stderr).strip()), (0, f"ok, {len(blocks)} blocks"))


def block_kit(place):
    place.need(*FAKE, *TYPES)
    port = part.free_port()
    command = ["node", place.script("slack-fake.mjs"), str(port)]
    with part.Process(command, f"http://127.0.0.1:{port}/__log", {"KIT": str(place.kit)}) as process:
        process.url = f"http://127.0.0.1:{port}"
        for i, markdown in enumerate(MARKDOWN):
            step = run(place, process, [{"id": "n", "type": "slack.post_message",
                                         "config": {"channel": "#ops", "markdown": markdown}}])["n"]
            part.good(step)
            blocks = ask(process, "/__log")[-1]["args"]["blocks"]
            yield f"post_message, Markdown {i + 1}", reason(lambda: check_blocks(place, blocks))


PARTS = [("a Web API (slack-fake)", web_api), ("Slack's types of blocks", block_kit)]

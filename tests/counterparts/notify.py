# SPDX-License-Identifier: Apache-2.0
"""notify: an SMTP server that others wrote, and a Web API that Slack's own clients accept; both keep what they get."""

import email
import email.policy
import json
import socket

import part
import slack

SMTP = ["smtp-server@3.21.6"]
PACKAGES = [*SMTP, *slack.PACKAGES]
TEXT = "# Why\n.\n..dots\n" + "\u00e4" * 2000 + "\nFrom here\n"
FILE = {"name": "\u00e4 b.txt", "content_type": "text/plain", "content": "h\u00e9llo"}


class Sink(part.Process):
    """The server; it speaks no HTTP."""

    def __init__(self, place, *options):
        self.port = part.free_port()
        super().__init__(["node", place.script("smtp-sink.mjs"), str(self.port), *options], f"smtp://127.0.0.1:{self.port}",
                         {"KIT": str(place.kit)})

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def mails(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]


def send(place, sink, **settings):
    """The step of one mail."""
    target = {"email": {"to": ["J\u00f6 <jo@example.org>"], "cc": ["b@example.org"], "bcc": ["hidden@example.org"]}}
    defaults = {"server": sink.url, "from": "Ops <ops@example.com>", "tls": "none", **settings}
    definition = {"id": "t", "integrations": {"notify": {"email": defaults, "targets": {"ops": target}}},
                  "nodes": [{"id": "n", "type": "notify.send", "retry": "off",
                             "config": {"to": "ops", "title": "Gr\u00fc\u00dfe " + "x" * 80, "text": TEXT, "attachments": [FILE]}}]}
    return part.run(place, definition, {})["n"]


def message(place):
    with Sink(place) as sink:
        part.equal(part.good(send(place, sink))["sent"], 1)
        mail = sink.mails()[0]
        part.equal((mail["from"], mail["to"]), ("ops@example.com", ["jo@example.org", "b@example.org", "hidden@example.org"]))
        read = email.message_from_string(mail["data"], policy=email.policy.default)
        part.equal((read["Subject"], read["To"], read["Cc"], read["Bcc"]),
                   ("Gr\u00fc\u00dfe " + "x" * 80, "J\u00f6 <jo@example.org>", "b@example.org", None))
        part.equal(read.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n"), TEXT.rstrip("\n"))
        part.equal([(a.get_filename(), a.get_content()) for a in read.iter_attachments()], [("\u00e4 b.txt", "h\u00e9llo")])


def login(place):
    with Sink(place, "--auth", "me:pa ss") as sink:
        part.equal(part.good(send(place, sink, username="me", password="pa ss"))["sent"], 1)
        part.equal(send(place, sink, username="me", password="no")["error"]["symbol"], "mail.auth")
        part.equal(send(place, sink)["error"]["symbol"], "mail.auth")


def refusals(place):
    for how, symbol, effect in (("550", "mail.message", "none"), ("451", "mail.try_later", "none"), ("drop", "mail.reset", "maybe")):
        with Sink(place, "--fail", how) as sink:
            error = send(place, sink)["error"]
            part.equal((how, error["symbol"], error["effect"]), (how, symbol, effect))


def certificate(place):
    with Sink(place) as sink:
        error = send(place, sink, tls="on")["error"]
        part.equal((error["symbol"], sink.mails()), ("mail.tls", []))


def smtp(place):
    place.need(*SMTP)
    for title, function in (("e-mail", message), ("e-mail, login", login), ("e-mail, refused", refusals),
                            ("e-mail, unknown certificate", certificate)):
        try:
            function(place)
            yield title, None
        except AssertionError as why:
            yield title, str(why) or "an assertion"


FULL = {"title": "Build failed & more", "text": slack.MARKDOWN[0], "severity": "error", "fields": {"Errors": 3, "Where": "main"},
        "table": {"columns": ["host", "state"], "rows": [["web1", "old"], ["web2", 2]]},
        "links": [{"text": "Log", "url": "https://ci.example.com/1"}]}


def to_slack(place, server, nodes, **settings):
    """Steps that write to the channel #ops, one after the other."""
    target = {"slack": {"token": slack.TOKEN, "channel": "#ops", "base_url": server.url + "/api"}}
    made = [{"id": name, "type": f"notify.{operation}", "retry": "off", "config": {"to": "ops", **config},
             **({"depends_on": [before]} if before else {})} for name, operation, config, before in nodes]
    settings = {"targets": {"ops": target}, "circuit_breaker": "off", **settings}
    return part.run(place, {"id": "t", "integrations": {"notify": settings}, "error_policy": "continue", "nodes": made}, {})


def blocks(place, server):
    part.equal(part.good(to_slack(place, server, [("n", "send", FULL, None)])["n"])["sent"], 1)
    call = slack.ask(server, "/__log")[-1]
    part.equal((call["method"], call["token"], call["args"]["text"]), ("chat.postMessage", slack.TOKEN, "Build failed &amp; more"))
    slack.check_blocks(place, call["args"]["blocks"])


def digest(place, server):
    nodes = [("a", "send", {"title": "first"}, None), ("b", "send", {"title": "second <!channel>"}, "a"),
             ("n", "send_digest", {"now": True}, "b")]
    steps = to_slack(place, server, nodes, notifications={"max_frequency": "1/hour"})
    part.equal([part.good(steps[n])["sent"] for n in ("a", "b", "n")], [1, 0, 1])
    call = slack.ask(server, "/__log")[-1]
    part.equal(call["args"]["text"], "What was held back")
    slack.check_blocks(place, call["args"]["blocks"])


def refusal(place, server):
    for mode, code in (("error:channel_not_found", "NOT_FOUND"), ("error:invalid_auth", "AUTH"), ("429", "RATE_LIMITED")):
        slack.ask(server, "/__fault", {"method": "chat.postMessage", "mode": mode, "times": 1})
        part.equal((mode, to_slack(place, server, [("n", "send", {"title": "t"}, None)])["n"]["error"]["code"]), (mode, code))


def web_api(place):
    place.need(*slack.FAKE, *slack.TYPES)
    port = part.free_port()
    command = ["node", place.script("slack-fake.mjs"), str(port)]
    with part.Process(command, f"http://127.0.0.1:{port}/__log", {"KIT": str(place.kit)}) as process:
        process.url = f"http://127.0.0.1:{port}"
        for title, function in (("send, blocks by Slack's types", blocks), ("send_digest", digest), ("send, refused", refusal)):
            yield title, slack.reason(lambda function=function: function(place, process))


PARTS = [("smtp-server", smtp), ("a Web API (slack-fake)", web_api)]

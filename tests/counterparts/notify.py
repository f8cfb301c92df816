# SPDX-License-Identifier: Apache-2.0
"""notify: an SMTP server that others wrote, which keeps what it gets."""

import email
import email.policy
import json
import socket

import part

SMTP = ["smtp-server@3.21.6"]
PACKAGES = SMTP
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


PARTS = [("smtp-server", smtp)]

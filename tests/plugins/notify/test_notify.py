#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The notify plugin in the built program, against sinks that fail on demand.

usage: test_notify.py BUILD [CASE]
"""

import base64
import email.message
import email.policy
import hashlib
import hmac
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1] / "support"), str(FOLDER.parent / "slack")]

from fake_service import answer, hold, lose  # noqa: E402  pylint: disable=wrong-import-position
from plugin_case import (LIMIT_SECONDS, QUICK, Program, Ran, cases_of, check, equal, has,
                         run_cases)  # noqa: E402  pylint: disable=wrong-import-position
from sinks import SmtpSink, WebhookSink  # noqa: E402  pylint: disable=wrong-import-position
from slack import GOOD, WEAK, Slack, refuse  # noqa: E402  pylint: disable=wrong-import-position

README = FOLDER.parents[2] / "plugins" / "notify" / "README.md"
BUILD = os.path.abspath(sys.argv[1])


def run_text(text, name, env, state=None):
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder) / name
        place.write_text(text, encoding="utf-8")
        env = {"HOME": folder, "PATH": os.environ["PATH"], "OPSTREAM_STATE": state or os.path.join(folder, "state"), **env}
        return Ran(subprocess.run([os.path.join(BUILD, "bin", "opstream"), "run", name, "--json"], cwd=folder, env=env,
                                  capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False))


def send(targets, config, state=None, env=None, retry="off", **settings):
    """One notify.send in a run of its own."""
    definition = {"id": "t", "integrations": {"notify": {"targets": targets, "circuit_breaker": "off", **settings}},
                  "nodes": [{"id": "n", "type": "notify.send", "retry": retry, "config": {"title": "Hello", **config}}]}
    return run_text(json.dumps(definition), "p.json", env or {}, state)


def discord(sink, name="ops", **more):
    return {"discord": {"webhook_url": f"{sink.url}/discord/{name}", **more}}


def teams(sink, name="ops"):
    return {"teams": {"webhook_url": f"{sink.url}/teams/{name}"}}


FULL = {"title": "Build failed", "text": "# Why\n**bold** text", "severity": "error",
        "fields": {"Errors": 3, "Where": "main", "None": None, "Yes": True},
        "table": {"columns": ["host", "state"], "rows": [["web1", "old"], ["w\u00fcb2", 2]]},
        "links": [{"text": "Log", "url": "https://ci.test/1"}, {"text": "Diff", "url": "https://ci.test/2"}]}


# ---- forms ----

def discord_gets_an_embed(sink):
    ran = send({"ops": discord(sink, username="Bot", avatar_url="https://a.test/b.png", thread_id="12")},
               {"to": "ops", **FULL})
    equal(ran.output(), {"sent": 1, "failed": 0, "held": 0, "deduplicated": False,
                         "targets": [{"name": "ops", "channel": "discord", "status": "sent", "id": "1001"}]})
    request = sink.last("POST /discord/ops")
    equal(request.query, {"wait": "true", "thread_id": "12"})
    body = request.json()
    equal((body["username"], body["avatar_url"], body["allowed_mentions"]), ("Bot", "https://a.test/b.png", {"parse": []}))
    embed = body["embeds"][0]
    equal((embed["title"], embed["color"], embed["footer"]), ("Build failed", 0xE74C3C, {"text": "error"}))
    equal([(f["name"], f["value"]) for f in embed["fields"]],
          [("Errors", "3"), ("Where", "main"), ("None", "-"), ("Yes", "true")])
    equal(embed["description"], "# Why\n**bold** text\n```\nhost  state\nweb1  old\nw\u00fcb2  2\n```"
                                "\n\n[Log](https://ci.test/1) \u00b7 [Diff](https://ci.test/2)")


def discord_gets_no_more_than_it_takes(sink):
    rows = [[f"host{i}", "x" * 300] for i in range(100)]
    config = {"to": discord(sink), "title": "t" * 250, "text": "\u00e4" * 100000, "fields": {f"f{i}": "y" * 3000 for i in range(25)},
              "table": {"columns": ["a", "b"], "rows": rows}}
    equal(send({}, config).output()["sent"], 1)
    embed = sink.bodies("/discord/ops")[0]["embeds"][0]
    sizes = [len(embed["title"]), len(embed["description"]), len(embed["footer"]["text"])]
    sizes += [len(f["name"]) + len(f["value"]) for f in embed["fields"]]
    check(sum(sizes) <= 6000, sizes)
    check(all(len(f["value"]) <= 1024 for f in embed["fields"]), "a field")
    config["fields"] = {"a": "b"}
    equal(send({}, config).output()["sent"], 1)
    text = sink.bodies("/discord/ops")[1]["embeds"][0]["description"]
    check(3000 < len(text) <= 4096, len(text))
    has(text, "\u00e4\u2026\n```\n", "more rows\n```")


def parts_of(request):
    """Of a form: (name, file, type, bytes) each, as another program reads them."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    equal((message.get_content_type(), list(message.defects)), ("multipart/form-data", []))
    return [(part.get_param("name", header="content-disposition"), part.get_filename(), part["content-type"].replace(chr(34), ""),
             part.get_payload(decode=True)) for part in message.iter_parts()]


def discord_gets_files(sink):
    raw = bytes(range(256)) + b"\r\n--opstream-part-1--\r\n"
    files = [{"name": "step.log", "content_type": "text/plain", "content": "h\u00e9llo\r\n"},
             {"name": "a \"b\".bin", "content_base64": base64.b64encode(raw).decode()}, {"name": "empty", "content": ""}]
    made = send({"ops": discord(sink, thread_id="12")}, {"to": "ops", **FULL, "attachments": files}).output()
    equal(made["targets"], [{"name": "ops", "channel": "discord", "status": "sent", "id": "1001"}])
    request = sink.last("POST /discord/ops")
    equal(request.query, {"wait": "true", "thread_id": "12"})
    message, *others = parts_of(request)
    equal((message[0], message[1], message[2]), ("payload_json", None, "application/json"))
    equal(json.loads(message[3])["embeds"][0]["title"], "Build failed")
    equal(others, [("files[0]", "step.log", "text/plain; charset=utf-8", "h\u00e9llo\r\n".encode()),
                   ("files[1]", "a %22b%22.bin", "application/octet-stream", raw),
                   ("files[2]", "empty", "application/octet-stream", b"")])


def what_takes_no_files_is_told_before(sink):
    files = [{"name": "a", "content": "x"}]
    targets = {"d": discord(sink), "t": teams(sink), "s": slack_hook(sink)}
    for config, words in (({"to": ["d", "t"], "attachments": files}, "the target 't' is of Teams, where a webhook takes no files"),
                          ({"to": ["d", "s"], "attachments": files}, "the target 's' is "),
                          ({"to": "d", "attachments": files * 11}, "takes 10 files a message"),
                          ({"to": "d", "attachments": [*files, {"name": "b", "content_base64": "?"}]}, "attachment 2: 'content_base64' is no base64"),
                          ({"to": "d", "attachments": [{"name": "a\r\nX: y", "content": ""}]}, "attachment 1: a line break")):
        error = send(targets, config, retry=QUICK).error()
        equal((error["code"], error["symbol"], error["path"], error["effect"]), ("CONFIG", "notify.attachments", "/attachments", "none"))
        has(error["message"], words)
    equal(len(sink.calls), 0)


def teams_gets_a_card(sink):
    ran = send({"ops": teams(sink)}, {"to": "ops", **FULL})
    equal(ran.output()["targets"], [{"name": "ops", "channel": "teams", "status": "sent"}])
    body = sink.bodies("/teams/ops")[0]
    equal((body["type"], body["attachments"][0]["contentType"]),
          ("message", "application/vnd.microsoft.card.adaptive"))
    card = body["attachments"][0]["content"]
    equal((card["type"], card["version"]), ("AdaptiveCard", "1.5"))
    title, text, facts, table = card["body"]
    equal((title["text"], title["color"]), ("Error: Build failed", "Attention"))
    equal(text["text"], "**Why**\n**bold** text")
    equal(facts["facts"][0], {"title": "Errors", "value": "3"})
    equal([[c["items"][0]["text"] for c in row["cells"]] for row in table["rows"]],
          [["host", "state"], ["web1", "old"], ["w\u00fcb2", "2"]])
    equal(card["actions"], [{"type": "Action.OpenUrl", "title": "Log", "url": "https://ci.test/1"},
                            {"type": "Action.OpenUrl", "title": "Diff", "url": "https://ci.test/2"}])


def teams_gets_no_more_than_it_takes(sink):
    rows = [["z" * 300] * 10 for _ in range(100)]
    config = {"to": teams(sink), "text": "\u00e4\n" * 40000, "table": {"columns": ["c"] * 10, "rows": rows}}
    equal(send({}, config).output()["sent"], 1)
    request = sink.last("POST /teams/ops")
    check(10000 < len(request.body) <= 28000, len(request.body))
    has(request.body.decode(), "more rows", "\u2026")


def slack_gets_blocks(sink):
    ran = send({"ops": {"slack": {"webhook_url": f"{sink.url}/slack/hook/x"}}},
               {"to": "ops", **FULL})
    equal(ran.output()["targets"], [{"name": "ops", "channel": "slack", "status": "sent"}])
    body = sink.bodies("/slack/hook/x")[0]
    equal((sorted(body), body["text"]), (["blocks", "text"], "Build failed"))
    kinds = [b["type"] for b in body["blocks"]]
    equal(kinds, ["header", "header", "section", "section", "section", "actions", "context"])
    equal(body["blocks"][0]["text"]["text"], "\u274c Build failed")
    equal(body["blocks"][2]["text"]["text"], "*bold* text")
    equal([f["text"] for f in body["blocks"][3]["fields"]], ["*Errors*\n3", "*Where*\nmain", "*None*\n-", "*Yes*\ntrue"])
    has(body["blocks"][4]["text"]["text"], "```\nhost  state\nweb1  old")
    equal([(e["text"]["text"], e["url"]) for e in body["blocks"][5]["elements"]],
          [("Log", "https://ci.test/1"), ("Diff", "https://ci.test/2")])
    equal(body["blocks"][6]["elements"][0]["text"], "error")


def slack_mentions_nobody(sink):
    evil = "<!channel> <@U1> &"
    equal(send({"ops": {"slack": {"webhook_url": f"{sink.url}/slack/hook/x"}}},
               {"to": "ops", "title": evil, "text": evil, "fields": {evil: evil}}).output()["sent"], 1)
    body = sink.bodies("/slack/hook/x")[0]
    shown = [body["text"]] + [b["text"]["text"] for b in body["blocks"] if b["type"] == "section" and "text" in b]
    shown += [f["text"] for b in body["blocks"] for f in b.get("fields", [])]
    equal(len(shown), 3)
    check(all("<!channel>" not in t and "<@U1>" not in t for t in shown), shown)


def slack_says_why_not(sink):
    def call(token="{{ secrets.token }}", channel="#ops"):
        return send({"ops": {"slack": {"token": token, "channel": channel, "base_url": sink.url + "/slack/api/"}}},
                    {"to": "ops"}, env={"OPSTREAM_SECRET_TOKEN": WebhookSink.slack_token})
    ran = call()
    check(ran.output()["targets"][0]["id"].startswith("1700000000."), ran.text)
    check(WebhookSink.slack_token not in ran.text, ran.text)
    error = call(channel="#nowhere").error()
    equal((error["code"], error["symbol"]), ("NOT_FOUND", "notify.channel_not_found"))
    has(error["message"] + error["hint"], "Slack refuses: channel_not_found", "channel #nowhere", "apps that were invited")
    error = call(token="xoxb-bad").error()
    equal(error["code"], "AUTH")
    has(error["message"] + error["hint"], "invalid_auth", "set a valid 'token'")
    sink.fail("POST .*", answer(429, headers={"Retry-After": "3"}))
    equal((call().error()["code"], call().output()["sent"]), ("RATE_LIMITED", 1))
    sink.fail("POST .*", answer(200, text="<html>", content_type="text/html"))
    has(call().error()["message"], "Slack answered with a page instead of JSON")
    sink.fail("POST .*", answer(200, text="<html>", content_type="text/html"))
    has(send({"a": slack_hook(sink)}, {"to": "a"}).error()["message"], "Slack answered: a page for people")
    sink.fail("POST .*", answer(200, text="fine"))
    has(send({"a": slack_hook(sink)}, {"to": "a"}).error()["message"], "Slack answered: something else than 'ok'")
    sink.fail("POST .*", answer(404, text="no_service"))
    has(send({"a": slack_hook(sink)}, {"to": "a"}).error()["message"], "Slack answered 404: no_service")


def a_page_is_no_answer(sink):
    for name, target in (("Discord", discord(sink)), ("Teams", teams(sink))):
        sink.fail("POST .*", answer(200, text="<!DOCTYPE html><p>Sign in", content_type="text/html"))
        error = send({"ops": target}, {"to": "ops"}).error()
        equal((error["code"], error["message"]),
              ("UPSTREAM", f"'ops': {name} answered: a page for people, which its API never sends"))
        has(error["hint"], "look at the URL of the target")
        sink.fail("POST .*", answer(200, text="<html>", content_type="text/html"))
        equal(send({"ops": target}, {"to": "ops"}, retry={**QUICK, "on": ["UPSTREAM"]}).output()["sent"], 1)


def a_webhook_is_signed(sink):
    target = {"webhook": {"url": f"{sink.url}/hook/x?a=b", "secret": "{{ secrets.key }}",
                          "headers": {"X-Team": "ops", "Authorization": "Bearer {{ secrets.key }}"}}}
    files = [{"name": "a.txt", "content": "x"}]
    ran = send({"ops": target}, {"to": "ops", **FULL, "attachments": files}, env={"OPSTREAM_SECRET_KEY": "s3cret-k3y"})
    equal(ran.output()["targets"], [{"name": "ops", "channel": "webhook", "status": "sent"}])
    request = sink.last("POST /hook/x")
    stamp, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", request.headers["x-opstream-signature"]).groups()
    equal(signature, hmac.new(b"s3cret-k3y", stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest())
    equal((request.headers["x-team"], request.headers["authorization"]), ("ops", "Bearer s3cret-k3y"))
    body = request.json()
    equal({k: body[k] for k in FULL}, FULL)
    equal((body["attachments"], body["workflow"], body["node"], body["id"] + ".ops"),
          (files, "t", "n", request.headers["idempotency-key"]))
    check("s3cret-k3y" not in ran.text, ran.text)
    equal(send({}, {"to": {"webhook": {"url": f"{sink.url}/hook/y"}}}).output()["sent"], 1)
    check("x-opstream-signature" not in sink.last("POST /hook/y").headers, "a signature without a key")


# ---- e-mail ----

PLAIN = {"tls": "none", "from": "Ops Bot <ops@example.com>"}


def mail(smtp, config=None, to="jo@example.org", env=None, retry="off", **settings):
    """One e-mail; the settings are those of all targets."""
    defaults = {"server": smtp.url, "from": "ops@example.com", **({} if smtp.tls else PLAIN), **settings}
    return send({"ops": {"email": {"to": to}}}, {"to": "ops", **(config or {})}, env=env, retry=retry, email=defaults)


def body_of(smtp, kind):
    return smtp.mails[0]["message"].get_body((kind,)).get_content().replace("\r\n", "\n")


def an_email_has_all_of_it(_sink):
    with SmtpSink() as smtp:
        target = {"email": {"to": ["J\u00f6 <jo@example.org>", "b@example.org"], "cc": ["c@example.org"],
                            "bcc": ["hidden@example.org"], "reply_to": "answers@example.org"}}
        files = [{"name": "a b.txt", "content_type": "text/plain", "content": "h\u00e9llo"},
                 {"name": "\u00e4.bin", "content_base64": "AAECAwQ="}]
        ran = send({"ops": target}, {"to": "ops", **FULL, "title": "Gr\u00fc\u00dfe " + "x" * 90, "attachments": files},
                   email={"server": smtp.url, **PLAIN})
        equal(ran.output()["targets"][0]["status"], "sent")
        got = smtp.mails[0]
        equal((got["sender"], got["recipients"]),
              ("ops@example.com", ["jo@example.org", "b@example.org", "c@example.org", "hidden@example.org"]))
        message = got["message"]
        equal(message["Subject"], "[error] Gr\u00fc\u00dfe " + "x" * 90)
        equal((message["From"], message["To"], message["Cc"], message["Reply-To"]),
              ("Ops Bot <ops@example.com>", "J\u00f6 <jo@example.org>, b@example.org", "c@example.org",
               "answers@example.org"))
        equal(message["Message-ID"], ran.output()["targets"][0]["id"])
        check(b"hidden" not in got["raw"], got["raw"])
        text = body_of(smtp, "plain")
        has(text, "# Why\n**bold** text\n", "\nErrors: 3\n", "web1  old", "Log: https://ci.test/1")
        html = body_of(smtp, "html")
        has(html, "<h1>Why</h1>", "<strong>bold</strong>", ">Errors</b>", ">web1</td>", '<a href="https://ci.test/1">Log</a>')
        found = [(a.get_filename(), a.get_content_type(), a.get_payload(decode=True)) for a in message.iter_attachments()]
        equal(found, [("a b.txt", "text/plain", "h\u00e9llo".encode()),
                      ("\u00e4.bin", "application/octet-stream", b"\0\1\2\3\4")])
        equal(list(message.defects), [])


def html_of_others_stays_text(_sink):
    with SmtpSink() as smtp:
        evil = '<script>alert(1)</script>"&'
        config = {"title": evil, "text": f"{evil} [x](javascript:alert(1)) ![p](https://track.test/p.png)",
                  "fields": {evil: evil}, "table": {"columns": [evil], "rows": [[evil]]}}
        equal(mail(smtp, config).output()["sent"], 1)
        html = body_of(smtp, "html")
        for bad in ("<script", 'href="javascript', "<img"):
            check(bad not in html, html)
        has(html, "&lt;script&gt;", "&quot;&amp;")


def a_long_email_arrives_whole(_sink):
    with SmtpSink() as smtp:
        text = ".\n..\n" + "\u00fc" * 3000 + "\nFrom here\n." + " x" * 5000
        equal(mail(smtp, {"text": text}).output()["sent"], 1)
        check(body_of(smtp, "plain").rstrip("\n") == text, "the text is another")
        check(max(map(len, smtp.mails[0]["raw"].split(b"\r\n"))) <= 76, "lines")


def tls_is_checked(_sink):
    for kind in ("implicit", "starttls"):
        with SmtpSink(tls=kind, login=("me", "pa:ss w\u00f6rd")) as smtp:
            login = {"username": "me", "password": "{{ secrets.pw }}"}
            env = {"OPSTREAM_SECRET_PW": "pa:ss w\u00f6rd"}
            error = mail(smtp, env=env, **login).error()
            equal((error["code"], error["symbol"]), ("UNAVAILABLE", "mail.tls"))
            has(error["message"], "self-signed")
            ran = mail(smtp, env={**env, "SSL_CERT_FILE": smtp.ca_file}, **login)
            equal(ran.output()["sent"], 1)
            equal((smtp.mails[0]["tls"], smtp.mails[0]["login"]), (True, "me"))
            check("pa:ss" not in ran.text, ran.text)
            error = mail(smtp, env={**env, "SSL_CERT_FILE": smtp.ca_file}, **{**login, "password": "no"}).error()
            equal((error["code"], error["symbol"]), ("AUTH", "mail.auth"))
            has(error["message"], "refuses the login: 535")


def without_tls_little_goes(_sink):
    with SmtpSink(login=("me", "pw")) as smtp:
        login = {"username": "me", "password": "pw"}
        equal(mail(smtp, **login).output()["sent"], 1)  # this machine
        has(mail(smtp, server="smtp://192.0.2.1:25", **login).error()["message"], "without TLS")
        equal(mail(smtp).error()["symbol"], "mail.auth")
        has(mail(smtp, tls="on").error()["message"], "offers no STARTTLS")
        has(mail(smtp, server="smtps://127.0.0.1:1").error()["message"], "'tls: none' is for smtp://")


def refusals_have_their_kind(_sink):
    rows = (("GREETING", "554 no", "PERMISSION", "mail.refused", "refuses the call"),
            ("GREETING", "421 busy", "UNAVAILABLE", "mail.try_later", "421 busy"),
            ("MAIL", "553 not yours", "PERMISSION", "mail.sender", "the sender 'ops@example.com'"),
            ("RCPT", "550 5.1.1 no such user", "INPUT", "mail.recipient", "the recipient 'jo@example.org': 550 5.1.1 no such"),
            ("RCPT", "450 greylisted", "UNAVAILABLE", "mail.try_later", "450 greylisted"),
            ("DATA", "452 full", "UNAVAILABLE", "mail.try_later", "452 full"),
            ("END", "552 5.3.4 too large", "RESOURCE", "mail.too_large", "552"),
            ("END", "554 spam", "INPUT", "mail.message", "refuses the message"))
    with SmtpSink() as smtp:
        for word, reply, code, symbol, words in rows:
            smtp.replies = {word: [reply]}
            error = mail(smtp).error()
            equal((error["code"], error["symbol"], error["effect"]), (code, symbol, "none"))
            has(error["message"], words)
        equal(smtp.mails, [])
        smtp.replies = {"END": [""]}
        equal((mail(smtp).error()["symbol"], mail(smtp).output()["sent"]), ("mail.reset", 1))


def a_repeated_email_is_recognised(_sink):
    with SmtpSink() as smtp:
        smtp.replies = {"GREETING": ["421 busy"], "END": [""]}  # the third attempt gets through
        equal(mail(smtp, retry=QUICK).output()["sent"], 1)
        equal(len(smtp.mails), 2)
        equal(len({m["message"]["Message-ID"] for m in smtp.mails}), 1)


def one_that_is_refused_for_good_is_not_repeated(_sink):
    with SmtpSink() as smtp:
        smtp.replies = {"RCPT": ["550 no"], "END": ["552 large"]}
        equal(mail(smtp, retry=QUICK).error()["code"], "INPUT")
        smtp.replies["RCPT"] = []
        equal(mail(smtp, retry=QUICK).error()["code"], "RESOURCE")
        equal(len([c for c in smtp.commands if c.startswith("MAIL")]), 2)


def nothing_breaks_out_of_an_email(_sink):
    with SmtpSink() as smtp:
        for config, words in (({"title": "x\r\nBcc: evil@example.net"}, "'subject'"),
                              ({"title": "x", "attachments": [{"name": "a\nb", "content": ""}]}, "attachment 1"),
                              ({"title": "x", "attachments": [{"name": "a", "content_base64": "?"}]}, "no base64")):
            error = mail(smtp, config).error()
            equal(error["code"], "CONFIG")
            has(error["message"], words)
        for to in ("jo-doe", "jo@example.org\r\nRCPT TO:<evil@example.net>", "J\r\nBcc: e@e.net <jo@example.org>"):
            equal(mail(smtp, to=to).error()["code"], "CONFIG")
        has(send({}, {"to": {"email": {"to": "a@b.test"}}}).error()["message"], "no 'server'")
        has(send({}, {"to": {"email": {"to": "a@b.test", "server": smtp.url}}}).error()["message"], "no 'from'")
        equal((smtp.mails, smtp.commands), ([], []))


def a_password_goes_where_it_is_bound(_sink):
    with SmtpSink(login=("me", "hunter2hunter2")) as smtp:
        definition = {"id": "t", "config": {"server": "smtp://mail.example.com:587"},
                      "integrations": {"notify": {"email": {**PLAIN, "server": "${SMTP_URL}", "username": "me",
                                                            "password": "{{ secrets.pw }}"}}},
                      "nodes": [{"id": "n", "type": "notify.send", "retry": "off",
                                 "config": {"to": {"email": {"to": "a@b.test"}}, "title": "x"}}]}
        env = {"OPSTREAM_SECRET_PW": "hunter2hunter2", "SMTP_URL": smtp.url}
        equal(run_text(json.dumps(definition), "p.json", env).output()["sent"], 1)  # a variable is the user's own
        definition["integrations"]["notify"]["email"]["server"] = "{{ config.server }}"
        definition["nodes"][0]["config"]["to"]["email"]["server"] = "{{ input.server }}"
        definition["nodes"][0]["config"]["to"]["email"]["password"] = "{{ secrets.pw }}"
        definition["input"] = {"type": "object", "properties": {"server": {"type": "string", "default": smtp.url}}}
        error = run_text(json.dumps(definition), "p.json", env).error()
        has(error["message"], "the secret 'pw' must not go to '127.0.0.1")
        equal((error["code"], len(smtp.mails)), ("PERMISSION", 1))


# ---- several targets ----

def named_and_inline_targets_are_sent_to(sink):
    ran = send({"ops": discord(sink), "b": teams(sink, "b")},
               {"to": ["ops", "b", "ops", discord(sink, "x"), discord(sink, "y")]})
    equal([(t["name"], t["channel"], t["status"]) for t in ran.output()["targets"]],
          [("ops", "discord", "sent"), ("b", "teams", "sent"), ("discord", "discord", "sent"),
           ("discord 2", "discord", "sent")])
    equal(sink.count("POST .*"), 4)


def a_name_that_is_not_there_is_told(sink):
    error = send({"ops": discord(sink), "b": teams(sink)}, {"to": ["ops", "opps"]}).error()
    equal((error["code"], error["path"]), ("CONFIG", "/to"))
    has(error["message"], "no target 'opps'", "there are: ops, b")
    equal(len(sink.calls), 0)


def a_repeated_attempt_sends_to_the_others_only(sink):
    sink.fail("POST /teams/b", answer(503), answer(429))
    ran = send({"a": discord(sink), "b": teams(sink, "b")}, {"to": ["a", "b"]}, retry=QUICK)
    equal([(t["name"], t["status"]) for t in ran.output()["targets"]], [("a", "sent_before"), ("b", "sent")])
    equal((ran.output()["targets"][0]["id"], ran.output()["sent"]), ("1001", 2))
    equal((sink.count("POST /discord/ops"), sink.count("POST /teams/b"), sink.unique("/teams/b")), (1, 3, 1))


def all_must_have_got_it(sink):
    sink.fail("POST /teams/b", answer(404, {"error": "gone"}))
    error = send({"a": discord(sink), "b": teams(sink, "b")}, {"to": ["a", "b"]}).error()
    equal((error["code"], error["symbol"]), ("NOT_FOUND", "notify.not_found"))
    has(error["message"], "1 of 2 targets have got the message", "'b': Teams answered 404", "gone")
    has(error["hint"], "workflow")


def any_may_be_enough(sink):
    sink.fail("POST /teams/b", answer(400, {"error": "bad card"}))
    ran = send({"a": discord(sink), "b": teams(sink, "b")}, {"to": ["a", "b"], "require": "any"})
    out = ran.output()
    equal((out["sent"], out["failed"], out["targets"][1]["status"]), (1, 1, "failed"))
    has(out["targets"][1]["error"], "Teams answered 400", "bad card")
    sink.fail("POST .*", *[answer(400)] * 2)
    has(send({"a": discord(sink), "b": teams(sink, "b")}, {"to": ["a", "b"], "require": "any"}).error()["message"],
        "0 of 2", "'a': Discord", "'b': Teams")


def what_time_may_cure_decides(sink):
    sink.fail("POST /discord/ops", answer(400, {"message": "no"}))
    sink.fail("POST /teams/b", answer(429, headers={"Retry-After": "7"}))
    error = send({"a": discord(sink), "b": teams(sink, "b")}, {"to": ["a", "b"]}).error()
    equal((error["code"], error["retry_after_ms"]), ("RATE_LIMITED", 7000))


# ---- answers that were lost ----

def hook(sink, name="ops"):
    return {"webhook": {"url": f"{sink.url}/hook/{name}"}}


def slack_hook(sink, name="ops"):
    return {"slack": {"webhook_url": f"{sink.url}/slack/hook/{name}"}}


BLIND = ((discord, "/discord/ops"), (teams, "/teams/ops"), (slack_hook, "/slack/hook/ops"))


def what_may_be_there_is_not_sent_twice(sink):
    for target, path in BLIND:
        for fault in (lose(), answer(502), answer(500)):
            sink.fail("POST " + path, fault)
            error = send({"a": target(sink)}, {"to": "a"}, retry=QUICK).error()
            equal((error["code"], error["symbol"], error["effect"]), ("UPSTREAM", "notify.unknown", "maybe"))
            has(error["message"] + error["hint"], "is not known", "when_unknown: repeat")
        equal(sink.count("POST " + path), 3)


def others_are_tried_again_all_the_same(sink):
    sink.fail("POST /discord/ops", lose())
    sink.fail("POST /teams/ops", answer(503))
    error = send({"a": discord(sink), "b": teams(sink)}, {"to": ["a", "b"]}, retry=QUICK).error()
    equal((error["symbol"], sink.count("POST /discord/ops"), sink.count("POST /teams/ops")), ("notify.unknown", 1, 2))
    has(error["message"], "1 of 2 targets", "'a': whether Discord", "an earlier attempt got no answer")


def it_is_repeated_where_that_is_wanted(sink):
    for target, path in BLIND:
        sink.fail("POST " + path, lose())
        equal(send({"a": target(sink)}, {"to": "a", "when_unknown": "repeat"}, retry=QUICK).output()["sent"], 1)
        equal((sink.count("POST " + path), sink.unique(path)), (2, 1))


def who_knows_what_came_twice_gets_it_again(sink):
    sink.fail("POST /hook/ops", lose())
    equal(send({"a": hook(sink)}, {"to": "a"}, retry=QUICK).output()["sent"], 1)
    equal((sink.count("POST /hook/ops"), sink.unique("/hook/ops")), (2, 1))


def what_was_not_reached_is_tried_again(sink):
    sink.fail("POST /discord/ops", answer(503), answer(429))
    equal(send({"a": discord(sink)}, {"to": "a"}, retry=QUICK).output()["sent"], 1)
    equal(sink.count("POST /discord/ops"), 3)


def an_engine_that_was_killed_does_not_send_twice(sink):
    for more, calls in (({}, 1), ({"when_unknown": "repeat"}, 2)):
        with WebhookSink() as own:
            definition = {"id": "t", "integrations": {"notify": {"targets": {"a": discord(own)}, "circuit_breaker": "off"}},
                          "nodes": [{"id": "n", "type": "notify.send", "on_error": "continue", "retry": QUICK,
                                     "config": {"to": "a", "title": "x", **more}}]}
            Program(BUILD).run_killed(own, "POST /discord/ops", definition)
            equal(own.count("POST /discord/ops"), calls)


# ---- Slack by the Web API: it can be asked ----

POST = "POST /chat.postMessage"


def app(config, slack, retry=QUICK, token=GOOD, channel="#ops", **more):
    target = {"slack": {"token": token, "channel": channel, "base_url": slack.url}}
    return send({"a": target}, {"to": "a", **config}, retry=retry, **more)


def a_lost_message_is_looked_for(_sink):
    for channel in ("#ops", "C0OPS"):
        with Slack() as slack:
            slack.fail(POST, lose())
            target = app({}, slack, channel=channel).output()["targets"][0]
            equal((target["status"], target["id"]), ("sent", slack.messages()[0]["ts"]))
            equal((len(slack.messages()), slack.count(POST)), (1, 1))
            slack.fail(POST, answer(502, {}))
            equal(app({}, slack, channel=channel).output()["sent"], 1)
            equal((len(slack.messages()), slack.count(POST)), (2, 3))
            slack.fail(POST, refuse("internal_error"), answer(429, {}, {"Retry-After": "0"}))
            equal(app({}, slack, channel=channel).output()["sent"], 1)
            equal((len(slack.messages()), slack.count(POST)), (3, 6))


def what_cannot_be_looked_for_is_said(_sink):
    with Slack() as slack:
        slack.forbidden = {"conversations.history"}
        slack.fail(POST, lose())
        error = app({}, slack).error()
        equal((error["code"], error["symbol"], error["effect"]), ("UPSTREAM", "notify.unknown", "maybe"))
        has(error["message"] + error["hint"], "whether Slack has got the message is not known", "channels:history")
        equal(len(slack.messages()), 1)
        slack.fail(POST, lose())
        equal(app({"when_unknown": "repeat"}, slack).output()["sent"], 1)
        equal(len(slack.messages()), 3)
        equal(app({}, slack, token=WEAK).error()["code"], "PERMISSION")


def what_a_killed_engine_posted_is_found(_sink):
    with Slack() as slack:
        target = {"slack": {"token": GOOD, "channel": "#ops", "base_url": slack.url}}
        files = [{"name": "a.txt", "content": "x"}]
        definition = {"id": "t", "integrations": {"notify": {"targets": {"a": target}, "circuit_breaker": "off"}},
                      "nodes": [{"id": "n", "type": "notify.send", "retry": QUICK,
                                 "config": {"to": "a", "title": "x", "attachments": files}}]}
        Program(BUILD).run_killed(slack, POST, definition)
        equal((len(slack.messages()), slack.count(POST)), (2, 1))
        equal(slack.messages()[1]["thread_ts"], slack.messages()[0]["ts"])


FILES = [{"name": "log.txt", "content_type": "text/plain", "content": "gr\u00fc\u00dfe\n"}, {"name": "b.bin", "content_base64": "/wA="}]


def files_stand_in_the_thread(_sink):
    with Slack() as slack:
        ran = app({**FULL, "attachments": FILES}, slack, retry="off")
        equal(ran.output()["targets"], [{"name": "a", "channel": "slack", "status": "sent", "id": "1700000000.000001"}])
        message, *shown = slack.messages()
        equal((message["text"], message["blocks"][0]["text"]["text"]), ("Build failed", "\u274c Build failed"))
        equal([(m["thread_ts"], m["files"]) for m in shown], [(message["ts"], ["F1"]), (message["ts"], ["F2"])])
        equal([(f["name"], f["title"], f["content"]) for f in slack.files.values()],
              [("log.txt", "log.txt", "gr\u00fc\u00dfe\n".encode()), ("b.bin", "b.bin", b"\xff\0")])
        check("authorization" not in slack.last("POST /upload/.*").headers, "the token goes to Slack's API only")
        has(app({"attachments": [{"name": "a", "content": ""}]}, slack).error()["message"], "is of Slack, which takes no empty files")
        equal(slack.count(POST), 1)


def files_are_shown_once(_sink):
    with Slack() as slack:
        step = "(GET|POST) /{}.*"
        for what, fault in (("files.getUploadURLExternal", lose()), ("upload", answer(502, {})), ("chat.postMessage", lose()),
                            ("files.completeUploadExternal", lose()), ("files.completeUploadExternal", answer(502, {})),
                            ("files.completeUploadExternal", refuse("ratelimited"))):
            before = len(slack.messages())
            slack.fail(step.format(what), fault)
            equal(app({"attachments": FILES}, slack).output()["sent"], 1)
            equal((what, [m.get("files") is not None for m in slack.messages()[before:]]), (what, [False, True, True]))
        slack.forbidden = {"files.info"}
        slack.fail(step.format("files.completeUploadExternal"), lose())
        error = app({"attachments": FILES}, slack).error()
        equal(error["symbol"], "notify.unknown")
        has(error["message"] + error["hint"], "needed: files:read")
        before = len(slack.messages())
        slack.forbidden = {"files.getUploadURLExternal"}
        error = app({"attachments": FILES}, slack).error()
        equal((error["code"], error["symbol"], len(slack.messages())), ("PERMISSION", "notify.missing_scope", before))
        has(error["message"], "needed: files:write")


# ---- sent once ----

def one_of_a_key_is_sent(sink):
    with tempfile.TemporaryDirectory() as state:
        config = {"to": "a", "dedupe": {"key": "disk full", "window": "1h"}}
        equal(send({"a": discord(sink)}, config, state).output()["sent"], 1)
        equal(send({"a": discord(sink)}, {**config, "severity": "critical"}, state).output(),
              {"sent": 0, "failed": 0, "held": 0, "deduplicated": True,
               "targets": [{"name": "a", "channel": "discord", "status": "repeated"}]})
        equal(send({"a": discord(sink)}, {"to": "a", "dedupe": {"key": "other"}}, state).output()["sent"], 1)
        made = send({"a": discord(sink), "b": teams(sink)}, {**config, "to": ["a", "b"]}, state).output()
        equal(([t["status"] for t in made["targets"]], made["deduplicated"]), (["repeated", "sent"], False))
        equal(sink.count("POST .*"), 3)
        long = {"to": "a", "dedupe": {"key": "\U0001f4a5" * 120}}
        equal([send({"a": discord(sink)}, long, state).output()["sent"] for _ in range(2)], [1, 0])


def a_window_ends(sink):
    with tempfile.TemporaryDirectory() as state:
        config = {"to": "a", "dedupe": {"key": "k", "window": "1ms"}}
        equal([send({"a": discord(sink)}, config, state).output()["sent"] for _ in range(2)], [1, 1])


def what_nobody_got_may_be_sent_by_the_next(sink):
    with tempfile.TemporaryDirectory() as state:
        config = {"to": "a", "dedupe": {"key": "k"}}
        sink.fail("POST .*", answer(400))
        equal(send({"a": discord(sink)}, config, state).error()["code"], "INPUT")
        equal(send({"a": discord(sink)}, config, state).output()["sent"], 1)
        config["dedupe"]["key"] = "lost"  # but not what may have come
        sink.fail("POST .*", lose())
        equal(send({"a": discord(sink)}, config, state).error()["symbol"], "notify.unknown")
        equal(send({"a": discord(sink)}, config, state).output()["deduplicated"], True)


def an_attempt_that_is_repeated_is_no_duplicate_of_itself(sink):
    sink.fail("POST .*", answer(503))
    ran = send({"a": discord(sink), "b": teams(sink)}, {"to": ["a", "b"], "dedupe": {"key": "k"}}, retry=QUICK)
    equal((ran.output()["sent"], ran.output()["deduplicated"], sink.count("POST .*")), (2, False, 3))


# ---- held back ----

def hours_around_now(minutes_from, minutes_until):
    clock = [time.strftime("%H:%M", time.gmtime(time.time() + 60 * m)) for m in (minutes_from, minutes_until)]
    return {"notifications": {"quiet_hours": "-".join(clock)}}


QUIET, LOUD = hours_around_now(-120, 120), hours_around_now(240, 360)


def digest(targets, config, state, **settings):
    definition = {"id": "t", "integrations": {"notify": {"targets": targets, **settings}},
                  "nodes": [{"id": "n", "type": "notify.send_digest", "retry": "off", "config": config}]}
    return run_text(json.dumps(definition), "p.json", {}, state)


def lines_of(sink, smtp):
    """The lines of the digest in the last message of each kind."""
    card = sink.bodies("/teams/ops")[-1]["attachments"][0]["content"]["body"]
    embed = sink.bodies("/discord/ops")[-1]["embeds"][-1]
    blocks = sink.bodies("/slack/hook/ops")[-1]["blocks"]
    text, html = (smtp.mails[-1]["message"].get_body((k,)).get_content().replace("\r\n", "\n") for k in ("plain", "html"))
    has(text, "What was held back:\n")
    has(html, "<h3>What was held back</h3>")
    equal((embed["title"], card[-3]["text"], blocks[-2]["elements"][0]["text"]),
          ("What was held back", "**What was held back**", "What was held back:"))
    return {"webhook": sink.bodies("/hook/ops")[-1]["held_back"], "discord": embed["description"].split("\n"),
            "teams": [b["text"] for b in card[-2:]], "slack": blocks[-1]["text"]["text"].split("\n"),
            "email": text.rstrip("\n").split("\n")[-2:],
            "html": [re.sub("<[^>]*>", "", line) for line in html.split("\n") if line.startswith("<p>\u2022")]}


def quiet_hours_hold_back(sink):
    with tempfile.TemporaryDirectory() as state, SmtpSink() as smtp:
        targets = {"d": discord(sink), "t": teams(sink), "s": slack_hook(sink), "w": hook(sink),
                   "m": {"email": {"to": "jo@example.org", "server": smtp.url, **PLAIN}}}
        everyone = {"to": list(targets)}
        made = send(targets, {**everyone, "title": "Disk", "text": "# Full\n**sda** <1%>", "severity": "error"}, state, **QUIET).output()
        equal((made["sent"], made["held"], made["deduplicated"]), (0, 5, False))
        for target in made["targets"]:
            equal((target["status"], target["reason"], target["kept"]), ("held", "quiet_hours", True))
            check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", target["until"]), target)
        send(targets, {**everyone, "title": "Load is high"}, state, **QUIET).output()
        equal((len(sink.calls), smtp.mails), (0, []))
        equal(send(targets, {**everyone, "severity": "critical"}, state, **QUIET).output()["sent"], 5)
        check("held_back" not in sink.bodies("/hook/ops")[-1], "a digest")
        equal(send(targets, {**everyone, **FULL}, state, **LOUD).output()["sent"], 5)
        for kind, lines in lines_of(sink, smtp).items():
            equal((kind, len(lines)), (kind, 2))
            check(re.fullmatch(r"\u2022 \d{4}-\d\d-\d\d \d\d:\d\d error: Disk: # Full sda .*1%.*", lines[0]), (kind, lines))
            check(re.fullmatch(r"\u2022 \S+ \S+ info: Load is high", lines[1]), (kind, lines))
        send(targets, everyone, state, **LOUD).output()
        check("held_back" not in sink.bodies("/hook/ops")[-1], "once more")


def too_many_are_held_back(sink):
    rule = lambda rate: {"notifications": {"max_frequency": rate}}
    targets = {"a": discord(sink), "b": discord(sink, "other")}
    with tempfile.TemporaryDirectory() as state:
        made = [send(targets, {"to": "a", "title": f"m{i}"}, state, **rule("2/hour")).output() for i in range(4)]
        equal([m["sent"] for m in made], [1, 1, 0, 0])
        equal(made[3]["targets"][0]["reason"], "max_frequency")
        equal(send(targets, {"to": ["a", "b"], "title": "m4"}, state, **rule("2/hour")).output()["sent"], 1)
        equal(digest(targets, {"to": ["a", "b"]}, state, **rule("2/hour")).output()["held"], 1)
        made = digest(targets, {"to": ["a", "b"]}, state, **rule("3/hour")).output()
        equal([t["status"] for t in made["targets"]], ["sent", "nothing_held_back"])
        embeds = sink.bodies("/discord/ops")[-1]["embeds"]
        equal([re.sub(r".*: ", "", line) for line in embeds[0]["description"].split("\n")], ["m2", "m3", "m4"])
        equal(len(embeds), 1)
        send(targets, {"to": "a", "title": "m5"}, state, **rule("2/hour")).output()
        equal(digest(targets, {"to": "a", "now": True}, state, **rule("2/hour")).output()["sent"], 1)


def digests_have_the_form_of_their_target(sink):
    with tempfile.TemporaryDirectory() as state, SmtpSink() as smtp:
        targets = {"d": discord(sink), "t": teams(sink), "s": slack_hook(sink), "w": hook(sink),
                   "m": {"email": {"to": "jo@example.org", "server": smtp.url, **PLAIN}}}
        for title in ("one", "two"):
            send(targets, {"to": list(targets), "title": title}, state, **QUIET).output()
        equal(digest(targets, {"to": list(targets)}, state).output()["sent"], 5)
        for kind, lines in lines_of(sink, smtp).items():
            equal((kind, [re.sub(r".*: ", "", line) for line in lines]), (kind, ["one", "two"]))
        equal(smtp.mails[0]["message"]["Subject"], "What was held back")


def a_target_may_have_rules_of_its_own(sink):
    targets = {"a": discord(sink), "b": {**hook(sink), "notifications": {}},
               "c": {**teams(sink), "notifications": {"max_frequency": "1/day", "digest": False}}}
    with tempfile.TemporaryDirectory() as state:
        made = [send(targets, {"to": ["a", "b", "c"]}, state, **QUIET).output() for _ in range(2)]
        equal([[t["status"] for t in m["targets"]] for m in made], [["held", "sent", "sent"], ["held", "sent", "held"]])
        equal(made[1]["targets"][2]["kept"], False)
        inline = {"to": {**discord(sink, "x"), "notifications": {"quiet_hours": "00:00-12:00"}}}
        other = {"to": {**discord(sink, "x"), "notifications": {"quiet_hours": "12:00-00:00"}}}
        equal(sorted(send({}, config, state).output()["sent"] for config in (inline, other)), [0, 1])


def a_digest_goes_where_its_messages_were_for(sink):
    """Whatever a target is called, and nowhere else."""
    with tempfile.TemporaryDirectory() as state:
        send({"ops": discord(sink, "one")}, {"to": "ops", "title": "of one"}, state, **QUIET).output()
        send({"ops": discord(sink, "two")}, {"to": "ops", "title": "of two"}, state, **QUIET).output()
        send({}, {"to": discord(sink, "two"), "title": "of two as well"}, state, **QUIET).output()
        send({"team": discord(sink, "two")}, {"to": "team"}, state).output()
        equal(len(sink.bodies("/discord/two")[0]["embeds"]), 1)  # without rules nothing is looked for
        send({"team": discord(sink, "two")}, {"to": "team"}, state, **LOUD).output()
        text = sink.bodies("/discord/two")[1]["embeds"][1]["description"]
        has(text, "of two", "of two as well")
        check("of one" not in text, text)


def a_long_digest_is_cut(sink):
    nodes = [{"id": "n", "for_each": list(range(60)), "type": "notify.send", "config": {"to": ["d", "t"], "title": "x" * 250}}]
    targets = {"d": discord(sink), "t": teams(sink)}
    with tempfile.TemporaryDirectory() as state:
        definition = {"id": "t", "integrations": {"notify": {"targets": targets, **QUIET}}, "nodes": nodes}
        equal(run_text(json.dumps(definition), "p.json", {}, state).code, 0)
        config = {"to": ["d", "t"], **FULL, "text": "y" * 9000, "fields": {f"f{i}": "z" * 200 for i in range(20)}}
        equal(send(targets, config, state, **LOUD).output()["sent"], 2)
        body = sink.bodies("/discord/ops")[0]
        texts = [e["title"] + e["description"] + e.get("footer", {}).get("text", "") for e in body["embeds"]]
        texts += [f["name"] + f["value"] for f in body["embeds"][0]["fields"]]
        check(sum(map(len, texts)) <= 6000, sum(map(len, texts)))
        check(re.search(r"\n\.\.\. 5\d more$", body["embeds"][1]["description"]), body["embeds"][1])
        check(len(sink.last("POST /teams/ops").body) <= 28000, "a card")
        has(sink.last("POST /teams/ops").body.decode(), "... 5")


def what_failed_frees_its_place(sink):
    rule = {"notifications": {"max_frequency": "1/hour"}}
    with tempfile.TemporaryDirectory() as state:
        sink.fail("POST /discord/ops", answer(400))
        equal(send({"a": discord(sink)}, {"to": "a"}, state, **rule).error()["code"], "INPUT")
        sink.fail("POST /discord/ops", answer(503))
        equal(send({"a": discord(sink)}, {"to": "a"}, state, retry=QUICK, **rule).output()["sent"], 1)
        equal(send({"a": discord(sink)}, {"to": "a"}, state, **rule).output()["held"], 1)


def rules_that_are_no_good_are_told(sink):
    for rules, words in (({"quiet_hours": "22-8"}, "quiet_hours"), ({"max_frequency": "often"}, "max_frequency"),
                         ({"quiet_hours": "08:00-08:00"}, "'quiet_hours' begin when they end"),
                         ({"timezone": "Europe/Nowhere"}, "'timezone' is none that this machine knows"), ({"quiet": "x"}, "unknown")):
        for ran in (send({"a": discord(sink)}, {"to": "a"}, notifications=rules),
                    send({"a": {**discord(sink), "notifications": rules}}, {"to": "a"}),
                    send({}, {"to": {**discord(sink), "notifications": rules}})):
            check(ran.code in (1, 3), ran.text)
            has(ran.text, words)
    equal(len(sink.calls), 0)


# ---- secrets ----

def a_webhook_url_stays_secret(sink):
    hook = f"{sink.url}/discord/vErYsEcReT"
    definition = {"id": "t", "integrations": {"notify": {"targets": {"a": {"discord": {"webhook_url": "{{ secrets.hook }}"}}}}},
                  "nodes": [{"id": "n", "type": "notify.send", "retry": "off", "config": {"to": "a", "title": "x"}}]}
    ran = run_text(json.dumps(definition), "p.json", {"OPSTREAM_SECRET_HOOK": hook})
    has(ran.error()["message"], "the secret 'hook' must not go to '127.0.0.1")
    equal(len(sink.calls), 0)
    check("vErYsEcReT" not in ran.text, ran.text)
    definition["integrations"]["notify"]["targets"]["a"]["discord"]["webhook_url"] = sink.url + "/discord/{{ secrets.hook }}"
    sink.fail("POST .*", answer(401, {"message": "no such vErYsEcReT"}))
    ran = run_text(json.dumps(definition), "p.json", {"OPSTREAM_SECRET_HOOK": "vErYsEcReT"})
    equal((ran.error()["code"], sink.count("POST /discord/vErYsEcReT")), ("AUTH", 1))
    check("vErYsEcReT" not in ran.text, ran.text)


# ---- checks ----

def slack_token(sink, token=WebhookSink.slack_token):
    return {"slack": {"token": token, "channel": "#ops", "base_url": sink.url + "/slack/api"}}


def checked(sink, targets):
    """A run whose targets are checked while it goes on, until `asked` is set."""
    asked = threading.Event()
    sink.fail("POST /hook/until", hold(asked))
    definition = {"id": "t", "integrations": {"notify": {"targets": {**targets, "until": hook(sink, "until")}}},
                  "monitoring": {"health_check_interval": "1s"},
                  "nodes": [{"id": "n", "type": "notify.send", "config": {"to": "until", "title": "x"}},
                            {"id": "rest", "type": "wait", "config": {"seconds": 0.5}, "depends_on": ["n"]}]}
    return definition, asked


def a_check_asks_whom_it_can(sink):
    for more, why in (({}, None), ({"gone": discord(sink, "gone")}, "NOT_FOUND: target 'gone': Discord answered the check with 404"),
                      ({"bad": slack_token(sink, "xoxb-bad")}, "AUTH: target 'bad': Slack answered the check: invalid_auth")):
        definition, asked = checked(sink, {"d": discord(sink), "s": slack_token(sink), "t": teams(sink), "w": hook(sink), **more})

        def tell(handler, work):
            handler.send(*work())
            asked.set()
        sink.fail("GET /slack/api/auth.test", *([None] if "bad" in more else []), tell)
        ran = run_text(json.dumps(definition), "p.json", {})
        check(ran.code == 0, ran.text)
        if why:
            has(ran.text, "warn service down plugin=notify", why)
        else:
            check("service down" not in ran.text, ran.text)
    check(sink.count("GET /discord/ops") >= 3, "Discord was not asked")
    equal(sorted({str(c) for c in sink.calls}),
          ["GET /discord/gone", "GET /discord/ops", "GET /slack/api/auth.test", "POST /hook/until"])


def where_nobody_can_be_asked_nothing_is_known(sink):
    definition, asked = checked(sink, {"t": teams(sink), "s": slack_hook(sink)})
    asked.set()
    ran = run_text(json.dumps(definition), "p.json", {})
    check(ran.code == 0 and "service" not in ran.text, ran.text)
    equal(sink.count("GET .*"), 0)


# ---- the config ----

def bad_configs_are_refused(sink):
    for config, words in (({"to": {"discord": {"webhook_url": "x"}}}, "webhook_url"), ({"to": []}, "to"),
                          ({"to": "a", "severity": "bad"}, "severity"), ({"to": "a", "title": ""}, "title"),
                          ({"to": "a", "links": [{"text": "x", "url": "javascript:1"}]}, "url"),
                          ({"to": {"discord": {}, "teams": {}}}, "to")):
        ran = send({"a": discord(sink)}, config)
        check(ran.code == 3, f"{config} was taken: {ran.text}")
        has(ran.text, words)


# ---- the examples ----

def the_examples_of_the_readme_run(sink):
    blocks = re.findall(r"^```yaml\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    check(len(blocks) >= 3, "examples")
    with SmtpSink() as smtp:
        for block in blocks:
            env = {"NOTIFY_URL": sink.url, "OPSTREAM_SECRET_DISCORD_HOOK": f"{sink.url}/discord/readme",
                   "SMTP_URL": smtp.url, "SMTP_TLS": "none", "SLACK_API_URL": sink.url + "/slack/api",
                   "OPSTREAM_SECRET_SLACK_TOKEN": WebhookSink.slack_token, "OPSTREAM_SECRET_SIGNING_KEY": "key-of-hooks"}
            block = block.replace("nodes:\n", f"config: {{allowed: \"{sink.url}/\"}}\nnodes:\n", 1)
            ran = run_text(block, "p.yaml", env)
            check(ran.code == 0 and '"failed": 0' in ran.text, f"{block}\n{ran.text}")
        equal(len(smtp.mails), 2)


if __name__ == "__main__":
    sys.exit(run_cases(WebhookSink, cases_of(sys.modules[__name__], "sink", "_sink"), sys.argv[2:]))

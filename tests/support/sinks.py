# SPDX-License-Identifier: Apache-2.0
"""Where messages end in tests: webhooks and an SMTP server that keep what they get, and fail on demand.

    with WebhookSink() as sink, SmtpSink() as mail:
        ... POST to sink.url + "/discord/ops", send to mail.url ...
        assert sink.bodies("/discord/ops")[0]["embeds"]
        assert mail.mails[0]["message"]["Subject"] == "Hello"
"""

import base64
import email
import email.policy
import re
import socketserver
import ssl
import subprocess
import tempfile
import threading

from fake_service import FakeService


class WebhookSink(FakeService):
    """
    /discord/NAME answers as Discord does, /teams/NAME as a workflow, /hook/NAME with 204, /slack/hook/NAME
    and /slack/api/chat.postMessage as Slack does. A repeated
    Idempotency-Key is kept as what it is: `unique` counts messages.
    """

    def discord(self, request, _name):
        self.serial = getattr(self, "serial", 0) + 1
        return (200, {"id": str(1000 + self.serial), "type": 0}) if request.query.get("wait") == "true" else (204, b"")

    def discord_info(self, _request, name):
        return (200, {"id": "7", "type": 1, "name": name}) if name != "gone" else (404, {"message": "Unknown Webhook", "code": 10015})

    def slack_test(self, request):
        good = request.headers.get("authorization") == "Bearer " + self.slack_token
        return 200, {"ok": True, "team": "T"} if good else {"ok": False, "error": "invalid_auth"}

    def accept(self, _request, _name):
        return 202, b""

    def take(self, _request, _name):
        return 204, b""

    def slack_hook(self, _request, _name):
        return 200, b"ok", {"Content-Type": "text/plain"}

    def slack_api(self, request):
        if request.headers.get("authorization") != "Bearer " + self.slack_token:
            return 200, {"ok": False, "error": "invalid_auth"}
        channel = request.json()["channel"]
        if channel not in self.slack_channels:
            return 200, {"ok": False, "error": "channel_not_found"}
        return 200, {"ok": True, "channel": "C1", "ts": f"1700000000.{len(self.calls):06}"}

    slack_token = "xoxb-good-token"
    slack_channels = ("#ops",)
    routes = [("POST", r"/discord/([^/]+)", discord), ("GET", r"/discord/([^/]+)", discord_info),
              ("GET", r"/slack/api/auth.test", slack_test), ("POST", r"/teams/([^/]+)", accept),
              ("POST", r"/slack/hook/([^/]+)", slack_hook), ("POST", r"/slack/api/chat.postMessage", slack_api),
              ("POST", r"/hook/([^/]+)", take)]

    def requests(self, path):
        with self.lock:
            return [c for c in self.calls if c.path == path]

    def bodies(self, path):
        return [c.json() for c in self.requests(path)]

    def unique(self, path):
        return len({c.headers.get("idempotency-key") for c in self.requests(path)})


class SmtpSink:
    """
    An SMTP server that keeps what it takes, as `mails`: sender, recipients, message (parsed), raw, login,
    tls. `replies` says what it answers to a command instead of good news, by its first word, one after
    the other: sink.replies["RCPT"] = ["550 5.1.1 no such user"]; "GREETING" and "END" (the message was
    read) are such words, too; "" hangs up. With `tls`, "implicit" or "starttls", it makes its own
    certificate, whose file is `ca_file` (needs openssl). With `login`, (USER, PASSWORD), it wants that.
    """

    def __init__(self, tls=None, login=None):
        self.lock = threading.RLock()
        self.mails, self.replies, self.commands = [], {}, []
        self.tls, self.login = tls, login
        self.folder = tempfile.TemporaryDirectory() if tls else None
        self.context = self.make_context() if tls else None
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self):
                try:
                    SmtpTalk(sink, self.request).run()
                except (OSError, ssl.SSLError):
                    pass  # who asked may not wait for the end

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        host = "localhost" if tls else "127.0.0.1"
        self.url = f"{'smtps' if tls == 'implicit' else 'smtp'}://{host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def make_context(self):
        self.ca_file, key = self.folder.name + "/cert.pem", self.folder.name + "/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", self.ca_file, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        return context

    def reply(self, word):
        with self.lock:
            left = self.replies.get(word)
            return left.pop(0) if left else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        if self.folder:
            self.folder.cleanup()


class SmtpTalk:
    """One connection of an SmtpSink."""

    def __init__(self, sink, connection):
        self.sink, self.tls, self.user = sink, False, None
        self.sender, self.recipients = None, []
        self.connection = connection
        if sink.tls == "implicit":
            self.wrap()
        self.file = self.connection.makefile("rb")

    def wrap(self):
        self.connection = self.sink.context.wrap_socket(self.connection, server_side=True)
        self.tls = True

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def line(self):
        return self.file.readline().decode("latin-1").rstrip("\r\n")

    def run(self):
        word, good = "GREETING", "220 sink ESMTP"
        while True:
            reply = self.sink.reply(word)
            if reply == "" or (word == "QUIT" and good is None):
                return
            refused = reply is not None and reply[0] in "45"
            self.say(reply if reply is not None else good)
            if word == "QUIT" or (word == "GREETING" and refused):
                return
            word, good = self.next(word if not refused else "")

    def next(self, word):
        """What comes after `word` was answered well: (WORD, GOOD REPLY)."""
        if word == "STARTTLS":
            self.wrap()
            self.file = self.connection.makefile("rb")
        if word == "DATA":
            return self.message()
        text = self.line()
        if not text:
            return "QUIT", None
        with self.sink.lock:
            self.sink.commands.append(text)
        word, _, rest = text.partition(" ")
        word = word.upper()
        return word, self.answer(word, rest)

    def answer(self, word, rest):
        if word in ("EHLO", "HELO"):
            more = ["8BITMIME"]
            more += ["STARTTLS"] if self.sink.tls == "starttls" and not self.tls else []
            more += ["AUTH PLAIN LOGIN"] if self.sink.login else []
            return "\r\n".join(["250-sink", *(f"250-{m}" for m in more[:-1]), f"250 {more[-1]}"])
        if word == "AUTH":
            return self.check_login(rest)
        if word == "MAIL":
            if self.sink.login and self.user is None:
                return "530 5.7.0 Authentication required"
            self.sender, self.recipients = re.search(r"<([^>]*)>", rest).group(1), []
        if word == "RCPT" and self.sink.replies.get("RCPT", [None])[:1] == [None]:
            self.recipients.append(re.search(r"<([^>]*)>", rest).group(1))
        return {"STARTTLS": "220 go on", "DATA": "354 go on", "QUIT": "221 bye", "MAIL": "250 ok", "RCPT": "250 ok",
                "RSET": "250 ok", "NOOP": "250 ok"}.get(word, "502 what?")

    def check_login(self, rest):
        kind, _, first = rest.partition(" ")
        if kind == "PLAIN":
            if not first:
                self.say("334 ")
                first = self.line()
            _, user, password = base64.b64decode(first).decode().split("\0")
        else:
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        if (user, password) != self.sink.login:
            return "535 5.7.8 bad credentials"
        self.user = user
        return "235 welcome"

    def message(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return "QUIT", None
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        raw = b"".join(lines)
        mail = {"sender": self.sender, "recipients": self.recipients, "raw": raw, "login": self.user, "tls": self.tls,
                "message": email.message_from_bytes(raw, policy=email.policy.default)}
        end = self.sink.replies.get("END", [])
        if not end or end[0] == "" or end[0][0] not in "45":
            with self.sink.lock:
                self.sink.mails.append(mail)
        return "END", f"250 queued as {len(self.sink.mails)}"

# SPDX-License-Identifier: Apache-2.0
"""A mail server for services of tests, beside http_loop: no TLS, no login; a message counts as a call."""

import asyncio


class Session(asyncio.Protocol):
    """One client. What fails is told by 451, or by nothing; of FAULTS the way counts, not the status."""

    def __init__(self, service):
        self.service = service
        self.transport = None
        self.buffer = b""
        self.mail = None  # recipients, once there is a sender
        self.is_data = False

    def connection_made(self, transport):
        self.transport = transport
        self.service.connections += 1
        self.say("220 mail.test ESMTP")

    def say(self, text):
        self.transport.write(text.encode() + b"\r\n")

    def data_received(self, data):
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n.\r\n" if self.is_data else b"\r\n")
            if end < 0:
                return
            taken, self.buffer = self.buffer[:end], self.buffer[end + (5 if self.is_data else 2):]
            if self.is_data:
                self.is_data = False
                self.take(taken)
            else:
                self.obey(taken.decode("latin-1"))

    def obey(self, line):
        word = line[:4].upper()
        if word == "EHLO":
            self.say("250-mail.test\r\n250-SIZE 26214400\r\n250 8BITMIME")
        elif word == "MAIL":
            self.mail = []
            self.say("250 ok")
        elif word == "RCPT" and self.mail is not None:
            self.mail.append(line.partition(":")[2].strip())
            self.say("250 ok")
        elif word == "DATA" and self.mail:
            self.is_data = True
            self.say("354 go on")
        elif word in ("RSET", "NOOP", "HELO"):
            self.say("250 ok")
        elif word == "QUIT":
            self.say("221 bye")
            self.transport.close()
        else:
            self.say("503 not now")

    def take(self, text):
        service = self.service
        service.calls += 1
        fault = service.next_fault()
        asyncio.get_running_loop().call_later(service.latency_ms / 1000, self.end, text, self.mail, fault)

    def end(self, text, to, fault):
        if fault in ("refused", "broken", "limited"):
            self.say("451 not now, on purpose")
            return
        if fault != "closed":
            self.service.deliver(to, text.decode("utf-8", "replace"))
        if fault is None:
            self.say("250 taken")
        else:
            self.transport.abort()


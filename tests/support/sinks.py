# SPDX-License-Identifier: Apache-2.0
"""Where messages end in tests: webhooks that keep what they get, and fail on demand.

    with WebhookSink() as sink:
        ... POST to sink.url + "/discord/ops" ...
        assert sink.bodies("/discord/ops")[0]["embeds"]
"""

from fake_service import FakeService


class WebhookSink(FakeService):
    """
    /discord/NAME answers as Discord does, /teams/NAME as a workflow, /hook/NAME with 204. A repeated
    Idempotency-Key is kept as what it is: `unique` counts messages.
    """

    def discord(self, request, _name):
        self.serial = getattr(self, "serial", 0) + 1
        return (200, {"id": str(1000 + self.serial), "type": 0}) if request.query.get("wait") == "true" else (204, b"")

    def accept(self, _request, _name):
        return 202, b""

    def take(self, _request, _name):
        return 204, b""

    routes = [("POST", r"/discord/([^/]+)", discord), ("POST", r"/teams/([^/]+)", accept),
              ("POST", r"/hook/([^/]+)", take)]

    def requests(self, path):
        with self.lock:
            return [c for c in self.calls if c.path == path]

    def bodies(self, path):
        return [c.json() for c in self.requests(path)]

    def unique(self, path):
        return len({c.headers.get("idempotency-key") for c in self.requests(path)})

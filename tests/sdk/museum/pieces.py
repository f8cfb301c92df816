# SPDX-License-Identifier: Apache-2.0
"""What the pieces of the museum are asked to do. Runs are added, not changed: told.json has what came of them."""

CONFIG = {"list": [1, 2, "c"], "text": "a text", "schema": {"type": "array"}}


def one(kind, config, **more):
    return {"id": "museum", "nodes": [{"id": "n", "type": kind, "retry": "off", "config": config, **more.pop("node", {})}],
            **more}


def tour(url, port):
    secret = {**CONFIG, "key": "{{ secrets.key }}"}
    http = {"url": url + "/post", "key": "{{ secrets.key }}"}
    return {
        "value": one("tour.value", CONFIG),
        "exec": one("tour.exec", CONFIG),
        "port": one("tour.port", CONFIG),
        "fail": one("tour.fail", CONFIG),
        "time": one("tour.time", CONFIG),
        "process": one("tour.process", CONFIG),
        "kv": one("tour.kv", CONFIG),
        "secret": one("tour.secret", secret),
        "budget": one("tour.budget", {"tokens": 100}, budget={"tokens": 1000}),
        "budget, refused": one("tour.budget", {"tokens": 2000}, budget={"tokens": 1000}),
        "mail": one("tour.mail", {"port": port}),
        "http": one("tour.http", http),
        "settings": one("tour.settings", {}, integrations={"tour": {"greeting": "of the settings"}}),
        "settings, refused": one("tour.settings", {}, integrations={"tour": {"refuse": True}}),
    }


def page(url, secret):
    config = {"title": "A title", "text": "What happened", "severity": "error"}
    settings = {"url": url + "/page", "key": "{{ secrets.%s }}" % secret}
    return one("pager.page", config, integrations={"pager": settings})


def asker(url, secret):
    return one("asker", {}, integrations={"asker": {"url": url + "/up", "key": "{{ secrets.%s }}" % secret}})


def checks(plugin, url):
    """The checks of a plugin, by name: the node type, the settings, and whether it knows what to ask. Only the check is made:
    the run is held up before its node."""
    held = {"id": "hold", "type": "http", "config": {"url": url + "/hold"}}

    def of(kind, settings):
        return {"id": "museum", "monitoring": {"health_check_interval": "1h"}, "integrations": {plugin: settings},
                "nodes": [held, {"id": "n", "type": kind, "depends_on": ["hold"], "config": {}}]}

    return {
        "tour": {"has nothing to ask": (of("tour.settings", {}), False)},
        "asker": {"is there": (of("asker", {"url": url + "/up", "key": "{{ secrets.key }}"}), True),
                  "is down": (of("asker", {"url": url + "/up", "key": "{{ secrets.other_key }}"}), True)},
    }.get(plugin, {})


def pipelines(plugin, url, port):
    """The runs of a plugin, by name."""
    if plugin == "tour":
        return tour(url, port)
    return {
        "hello": {"greets": one("hello", {"name": "you"}), "greets all": one("hello", {})},
        "fetch": {"fetches": one("fetch", {"url": url + "/2"})},
        "count": {"counts": {"id": "museum", "nodes": [
            {"id": "n", "type": "count", "config": {"to": 5}},
            {"id": "each", "for_each": "n.stream", "as": "i", "type": "set", "config": {"i": "{{ i }}"}}]}},
        "follow": {"follows": one("follow", {"url": url + "/1"})},
        "asker": {"asks": asker(url, "key"), "is refused": asker(url, "other_key")},
        "pager": {"pages": page(url, "key"), "has the wrong key": page(url, "other_key")},
    }[plugin]


def without_texts(error):
    """Codes are for ever; what is said to people is not."""
    return {key: value for key, value in error.items() if key in ("code", "symbol", "retry", "effect", "details", "path",
                                                                  "upstream_status", "retry_after_ms")}

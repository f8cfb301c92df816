# SPDX-License-Identifier: Apache-2.0
"""A small Slack for tests: channels, threads, reactions, people, files and views.

It refuses as Slack does: {"ok": false, "error": "..."} with status 200, and 429 with Retry-After. See
tests/support/fake_service.py for what goes wrong on demand; a refusal is fail("POST /chat.postMessage",
refuse("internal_error")).
"""

import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

from fake_service import FakeService, answer  # noqa: E402  pylint: disable=wrong-import-position

GOOD, REVOKED, WEAK = "xoxb-good", "xoxb-revoked", "xoxb-weak"
SCOPES = {"chat.postMessage": "chat:write", "chat.update": "chat:write", "reactions.add": "reactions:write",
          "users.lookupByEmail": "users:read.email", "conversations.list": "channels:read",
          "conversations.history": "channels:history", "conversations.replies": "channels:history",
          "files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write",
          "files.info": "files:read"}
JSON_REFUSED = ("files.getUploadURLExternal", "users.lookupByEmail", "conversations.list", "conversations.history",
                "conversations.replies", "files.info")


def refuse(error, **more):
    """Slack's no."""
    return answer(200, {"ok": False, "error": error, **more})


def no(error, **more):
    return 200, {"ok": False, "error": error, **more}


def yes(**more):
    return 200, {"ok": True, **more}


class Slack(FakeService):
    """Its channels are found by id and by "#name"; messages have a ts that counts up."""

    def __init__(self):
        super().__init__()
        self.forbidden = set()  # methods that the token has no scope for
        self.users = {"ada@example.com": {"id": "U0ADA", "name": "ada", "tz": "Europe/London", "is_bot": False,
                                          "deleted": False,
                                          "profile": {"real_name": "Ada L", "display_name": "ada", "title": "Countess",
                                                      "email": "ada@example.com"}}}
        self.channels = {}
        self.files = {}
        self.views = []
        self.triggers = {"T1"}
        self.next_ts = 0
        for name in ("ops", "incidents", "reports"):
            self.add_channel(name)

    def add_channel(self, name, **more):
        channel = {"id": f"C0{name.upper()}", "name": name, "messages": [], "is_member": True, "is_archived": False, **more}
        self.channels[channel["id"]] = channel
        return channel

    def channel(self, which):
        if which in self.channels:
            return self.channels[which]
        return next((c for c in self.channels.values() if "#" + c["name"] == which or c["name"] == which), None)

    def messages(self, name="ops"):
        return self.channel("#" + name)["messages"]

    # ---- in ----

    def args(self, request):
        if request.headers.get("content-type", "").startswith("application/json"):
            return request.json() or {}
        return {**request.query, **dict(urllib.parse.parse_qsl(request.body.decode()))}

    def refuse(self, request):
        method = request.path.lstrip("/")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if method.startswith("upload/"):
            return None if "authorization" not in request.headers else (403, b"no token belongs here")
        if not token:
            return no("not_authed")
        if token not in (GOOD, WEAK):
            return no("token_revoked" if token == REVOKED else "invalid_auth")
        if method in SCOPES and (token == WEAK or method in self.forbidden):
            return no("missing_scope", needed=SCOPES[method], provided="identify")
        if method in JSON_REFUSED and request.body and "json" in request.headers.get("content-type", ""):
            return no("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: channel"]})
        return None

    def route(self, request):
        function = getattr(self, "on_" + request.path.lstrip("/").replace(".", "_").partition("/")[0], None)
        return function(request, self.args(request) if function != self.on_upload else {}) if function else no("unknown_method")

    # ---- messages ----

    def stamp(self):
        self.next_ts += 1
        return f"1700000000.{self.next_ts:06d}"

    def writable(self, which):
        channel = self.channel(which)
        if channel is None:
            return None, no("channel_not_found")
        if not channel["is_member"]:
            return None, no("not_in_channel")
        if channel["is_archived"]:
            return None, no("is_archived")
        return channel, None

    def find(self, channel, ts):
        return next((m for m in channel["messages"] if m["ts"] == ts), None)

    @staticmethod
    def fault_of(args):
        blocks = args.get("blocks")
        if not args.get("text") and not blocks:
            return no("no_text")
        if len(args.get("text") or "") > 40000:
            return no("msg_too_long")
        for i, block in enumerate(blocks or []):
            if "type" not in block or len(block.get("text", {}).get("text", "")) > (150 if block["type"] == "header" else 3000):
                return no("invalid_blocks", response_metadata={"messages": [
                    f"[ERROR] must be less than 3001 characters [json-pointer:/blocks/{i}/text/text]"]})
        return no("invalid_blocks") if blocks is not None and len(blocks) > 50 else None

    def on_auth_test(self, request, args):
        return yes(url="https://t.slack.test/", team="T", user="opstream", team_id="T1", user_id="U0BOT", bot_id="B1")

    def on_chat_postMessage(self, request, args):
        channel, fault = self.writable(args.get("channel"))
        fault = fault or self.fault_of(args)
        if fault:
            return fault
        if args.get("thread_ts") and not self.find(channel, args["thread_ts"]):
            return no("thread_not_found")
        message = {"type": "message", "user": "U0BOT", **{k: v for k, v in args.items() if k != "channel"}, "ts": self.stamp()}
        channel["messages"].append(message)
        return yes(channel=channel["id"], ts=message["ts"], message=message)

    def on_chat_update(self, request, args):
        channel, fault = self.writable(args.get("channel"))
        message = self.find(channel, args.get("ts")) if channel else None
        if fault or not message:
            return fault or no("message_not_found")
        if message["user"] != "U0BOT":
            return no("cant_update_message")
        fault = self.fault_of(args)
        message.update({k: v for k, v in args.items() if k not in ("channel", "ts")} if not fault else {})
        return fault or yes(channel=channel["id"], ts=message["ts"], text=message.get("text"))

    def on_reactions_add(self, request, args):
        channel, fault = self.writable(args.get("channel"))
        message = self.find(channel, args.get("timestamp")) if channel else None
        if fault or not message:
            return fault or no("message_not_found")
        if args["name"] == "no_such_emoji":
            return no("invalid_name")
        reactions = message.setdefault("reactions", [])
        if args["name"] in reactions:
            return no("already_reacted")
        reactions.append(args["name"])
        return yes()

    # ---- looking ----

    def page(self, items, args):
        start, limit = int(args.get("cursor") or 0), int(args.get("limit", 100))
        more = str(start + limit) if start + limit < len(items) else ""
        return items[start:start + limit], {"next_cursor": more}

    def shown(self, messages, args):
        items, metadata = self.page(messages, args)
        with_metadata = args.get("include_all_metadata") == "true"
        items = [{k: v for k, v in m.items() if with_metadata or k != "metadata"} for m in items]
        return yes(messages=items, response_metadata=metadata)

    def on_conversations_list(self, request, args):
        channels, metadata = self.page([{k: c[k] for k in ("id", "name")} for c in self.channels.values()], args)
        return yes(channels=channels, response_metadata=metadata)

    def on_conversations_history(self, request, args):
        channel = self.channels.get(args["channel"])
        if channel is None or not channel["is_member"]:
            return no("channel_not_found" if channel is None else "not_in_channel")
        return self.shown([m for m in reversed(channel["messages"]) if not m.get("thread_ts")], args)

    def on_conversations_replies(self, request, args):
        channel = self.channels.get(args["channel"])
        if channel is None or not self.find(channel, args["ts"]):
            return no("thread_not_found")
        return self.shown([m for m in channel["messages"] if args["ts"] in (m["ts"], m.get("thread_ts"))], args)

    # ---- people, views ----

    def on_users_lookupByEmail(self, request, args):
        user = self.users.get(args.get("email"))
        return yes(user=user) if user else no("users_not_found")

    def on_views_open(self, request, args):
        if args.get("trigger_id") not in self.triggers:
            return no("expired_trigger_id")
        self.triggers.remove(args["trigger_id"])
        view = {**args["view"], "id": f"V{len(self.views) + 1}", "hash": "1.a"}
        self.views.append(view)
        return yes(view=view)

    # ---- files ----

    def on_files_getUploadURLExternal(self, request, args):
        if not args.get("filename") or int(args.get("length") or 0) <= 0:
            return no("invalid_arguments")
        file = f"F{len(self.files) + 1}"
        self.files[file] = {"id": file, "name": args["filename"], "length": int(args["length"]), "content": None,
                            "shares": [], "alt_txt": args.get("alt_txt"), "snippet_type": args.get("snippet_type")}
        return yes(upload_url=f"{self.url}/upload/{file}", file_id=file)

    def on_upload(self, request, args):
        file = self.files[request.path.split("/")[2]]
        if len(request.body) != file["length"]:
            return 400, b"wrong length"
        file["content"] = request.body
        return 200, f"OK - {file['length']}".encode()

    def on_files_completeUploadExternal(self, request, args):
        listed = args["files"] if isinstance(args["files"], list) else json.loads(args["files"])
        files = [self.files.get(f["id"]) for f in listed]
        if any(f is None or f["content"] is None for f in files):
            return no("file_not_found")
        channel = self.channels.get(args.get("channel_id"))
        if args.get("channel_id") and (channel is None or not channel["is_member"]):
            return no("channel_not_found" if channel is None else "not_in_channel")
        for file, said in zip(files, listed):
            file["title"] = said.get("title")
            if channel:
                message = {"type": "message", "user": "U0BOT", "text": args.get("initial_comment", ""), "files": [file["id"]],
                           "ts": self.stamp(), **({"thread_ts": args["thread_ts"]} if args.get("thread_ts") else {})}
                channel["messages"].append(message)
                file["shares"].append(channel["id"])
        return yes(files=[{"id": f["id"], "title": f["title"]} for f in files])

    def on_files_info(self, request, args):
        file = self.files.get(args.get("file"))
        if file is None or file["content"] is None:
            return no("file_not_found")
        return yes(file={"id": file["id"], "title": file.get("title"), "channels": file["shares"],
                         "permalink": f"https://t.slack.test/files/{file['id']}"})

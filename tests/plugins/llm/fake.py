#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service for language models that needs none: it speaks the APIs of OpenAI, Anthropic and Ollama.

The model's name says how it behaves:
  echo          says the last message again
  label         answers a schema: the first label of an enum, 0.9, texts and numbers of no meaning
  label-unsure  the same with a confidence of 0.2
  repaired      the first answer does not fit the schema, the second does
  stubborn      no answer fits
  tools         calls the first tool that it is offered; then says what the tool gave
  cut           breaks the connection in the middle of a stream
  quiet         ends a stream without saying so
  short         is cut off by max_tokens
  limited-N     answers 429 N times, then as echo
  counts-N      as echo, and says that the question had N tokens
  no-model-N, long-N, moved, parts: what other services say, see SAYS
  html, empty, filtered, refused, overloaded, gone (404), long (context window), quota
What is wrong in a request by the API's own rules gets 400 with the reason. The key is 'good-key'.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What services with an API made like OpenAI's say, each in a way of its own: status and answer, by model.
SAYS = {
    "no-model-1": (400, {"error": {"message": "a/b is not a valid model ID", "code": 400}}),
    "no-model-2": (400, {"object": "error", "message": "Invalid model: b", "type": "invalid_model", "code": "1500"}),
    "no-model-3": (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}),
    "no-model-4": (404, [{"error": {"code": 404, "message": "models/b is not found", "status": "NOT_FOUND"}}]),
    "long-1": (400, {"error": {"type": "invalid_request_error", "message":
               "input length and `max_tokens` exceed context limit: 198000 + 5000 > 200000"}}),
    "long-2": (400, [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
               "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}]),
    "long-3": (400, {"message": "Input is too long for requested model."}),
    "moved": (301, {}),
    "parts": (200, {"model": "parts", "choices": [{"finish_reason": "stop", "message": {
              "role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                                               {"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}}]}),
}
PAGE = b"<!DOCTYPE html><html><title>Bad gateway</title></html>"


class Refused(Exception):
    """What the service says no to: status, type, code, message."""


def want(condition, message):
    if not condition:
        raise Refused(400, "invalid_request_error", None, message)


def made_up(schema):
    """The least value that fits."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        return {key: made_up(part) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [made_up(schema.get("items", {"type": "string"}))]
    return {"string": "some text", "number": 0.9, "integer": 7, "boolean": True, "null": None}[kind]


class Asked:
    """What was asked, whatever the API."""

    def __init__(self, model, messages, schema, tools, stream):
        self.model, self.messages, self.schema = model, messages, schema
        self.tools, self.stream = tools, stream

    def last(self):
        return self.messages[-1][1]


class Service:
    def __init__(self):
        self.calls = {}
        self.seen = []
        self.lock = threading.Lock()

    def answer(self, asked):
        """text, tool calls, reason of the end; or Refused."""
        with self.lock:
            count = self.calls[asked.model] = self.calls.get(asked.model, 0) + 1
        name = asked.model
        refusals = {
            "overloaded": (529, "overloaded_error", None, "Overloaded"),
            "gone": (404, "not_found_error", "model_not_found", "The model `gone` does not exist"),
            "long": (400, "invalid_request_error", "context_length_exceeded",
                     "This model's maximum context length is 10 tokens."),
            "quota": (429, "insufficient_quota", "insufficient_quota",
                      "You exceeded your current quota"),
            "filtered": (400, "invalid_request_error", "content_filter", "Filtered"),
        }
        if name in refusals:
            raise Refused(*refusals[name])
        if name.startswith("limited-") and count <= int(name[8:]):
            raise Refused(429, "rate_limit_error", "rate_limit_exceeded", "Slow down")
        if name == "tools" and asked.messages[-1][0] != "tool":
            return "", [(asked.tools[0]["name"], made_up(asked.tools[0].get("parameters", {})))], \
                "tool_calls"
        if name == "tools":
            return "it is " + asked.last(), [], "stop"
        if name == "empty":
            return "", [], "stop"
        if name == "refused":
            return "", [], "refused"
        if name == "short":
            return '{"cut": "of', [], "length"
        if asked.schema is not None:
            value = made_up(asked.schema)
            if name == "label-unsure":
                value["confidence"] = 0.2
            if name == "stubborn" or (name == "repaired" and "cannot be used" not in asked.last()):
                value = {"wrong": 1}
            return json.dumps(value), [], "stop"
        return asked.last(), [], "stop"


def counted(model):
    return int(model[7:]) if model.startswith("counts-") else 11


def pieces(text):
    return [text[i:i + 5] for i in range(0, len(text), 5)]


def text_of(content, kinds):
    """The text of a message whose content is a text or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        want(part.get("type") in kinds, f"no part of a message: {part}")
    return " ".join([part.get("text", "") or f"[{part['type']}]" for part in content])


class OpenAI:
    def read(self, body):
        messages = []
        want(set(body) <= {"model", "messages", "max_tokens", "max_completion_tokens", "stop",
                           "temperature", "tools", "response_format", "stream", "stream_options"},
             f"unknown keys in {sorted(body)}")
        for message in body["messages"]:
            want(message["role"] in ("system", "user", "assistant", "tool"), "role")
            want(message["role"] != "tool" or message["tool_call_id"], "tool_call_id")
            for call in message.get("tool_calls", []):
                json.loads(call["function"]["arguments"])
            messages.append((message["role"],
                             text_of(message["content"], ("text", "image_url"))))
        form = body.get("response_format")
        schema = form["json_schema"]["schema"] if form and form["type"] == "json_schema" else None
        if form is not None and form["type"] == "json_object":
            schema = json.loads(messages[0][1].split("JSON Schema: ")[1])
        tools = [tool["function"] for tool in body.get("tools", [])]
        return Asked(body["model"], messages, schema, tools, body.get("stream", False))

    def write(self, asked, text, calls, reason):
        tools = [{"id": f"call_{i}", "type": "function",
                  "function": {"name": name, "arguments": json.dumps(arguments)}}
                 for i, (name, arguments) in enumerate(calls)]
        refusal = "I'd rather not" if reason == "refused" else None
        message = {"role": "assistant", "content": text or None, "refusal": refusal}
        if tools:
            message["tool_calls"] = tools
        return {"id": "x", "object": "chat.completion", "model": asked.model + "-2025-01-01",
                "choices": [{"index": 0, "message": message,
                             "finish_reason": "stop" if refusal else reason}],
                "usage": {"prompt_tokens": counted(asked.model), "completion_tokens": 7, "total_tokens": 18,
                          "prompt_tokens_details": {"cached_tokens": 4}}}

    def stream(self, asked, text, calls, reason):
        def chunk(delta, finish=None):
            return {"id": "x", "object": "chat.completion.chunk", "model": asked.model,
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        yield ": keep-alive\r\n\r\n"
        yield "data: " + json.dumps(chunk({"role": "assistant", "content": ""})) + "\r\n\r\n"
        for piece in pieces(text):
            yield "data: " + json.dumps(chunk({"content": piece})) + "\n\n"
        for i, (name, arguments) in enumerate(calls):
            begin = {"index": i, "id": f"call_{i}", "function": {"name": name, "arguments": ""}}
            yield "data: " + json.dumps(chunk({"tool_calls": [begin]})) + "\n\n"
            for piece in pieces(json.dumps(arguments)):
                part = {"index": i, "function": {"arguments": piece}}
                yield "data: " + json.dumps(chunk({"tool_calls": [part]})) + "\n\n"
        if asked.model == "quiet":
            return
        if reason == "refused":
            yield "data: " + json.dumps(chunk({"refusal": "I'd rather not"})) + "\n\n"
            reason = "stop"
        yield "data: " + json.dumps(chunk({}, reason)) + "\n\n"
        usage = {"id": "x", "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}
        yield "data: " + json.dumps(usage) + "\n\n"
        yield "data: [DONE]\n\n"

    def refuse(self, kind, code, message):
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Anthropic:
    def read(self, body):
        messages = []
        want(set(body) <= {"model", "messages", "max_tokens", "system", "stop_sequences",
                           "temperature", "tools", "tool_choice", "stream"},
             f"unknown keys in {sorted(body)}")
        want("max_tokens" in body, "max_tokens: Field required")
        for i, message in enumerate(body["messages"]):
            want(message["role"] == ("user", "assistant")[i % 2], "roles must take turns")
            role = message["role"]
            for part in message["content"]:
                role = "tool" if part["type"] == "tool_result" else role
                text = part["content"] if role == "tool" else part.get("text", "")
                want(part["type"] != "text" or part["text"], "text content blocks must be non-empty")
            messages.append((role, text))
        tools = [{"name": tool["name"], "parameters": tool["input_schema"]}
                 for tool in body.get("tools", [])]
        schema = None
        if body.get("tool_choice", {}).get("type") in ("tool", "any"):
            schema = tools[-1]["parameters"]
            tools = tools[:-1]
        return Asked(body["model"], messages, schema, tools, body.get("stream", False))

    def blocks(self, asked, text, calls):
        if asked.schema is not None and text.startswith("{") and text.endswith("}"):
            yield {"type": "text", "text": "Here it is."}
            yield {"type": "tool_use", "id": "t", "name": "give_answer", "input": json.loads(text)}
        elif text:
            yield {"type": "text", "text": text}
        for i, (name, arguments) in enumerate(calls):
            yield {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": arguments}

    def reason(self, asked, text, reason):
        if asked.schema is not None and reason == "stop":
            return "tool_use"
        return {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use",
                "refused": "refusal"}[reason]

    def write(self, asked, text, calls, reason):
        return {"id": "x", "type": "message", "role": "assistant", "model": asked.model,
                "content": list(self.blocks(asked, text, calls)),
                "stop_reason": self.reason(asked, text, reason), "stop_sequence": None,
                "usage": {"input_tokens": 7, "cache_read_input_tokens": 4, "output_tokens": 7}}

    def events(self, asked, text, calls, reason):
        yield {"type": "message_start",
               "message": {"id": "x", "model": asked.model, "content": [],
                           "usage": {"input_tokens": 7, "cache_read_input_tokens": 4,
                                     "output_tokens": 1}}}
        yield {"type": "ping"}
        for i, block in enumerate(self.blocks(asked, text, calls)):
            if block["type"] == "text":
                yield {"type": "content_block_start", "index": i,
                       "content_block": {"type": "text", "text": ""}}
                for piece in pieces(block["text"]):
                    yield {"type": "content_block_delta", "index": i,
                           "delta": {"type": "text_delta", "text": piece}}
            else:
                yield {"type": "content_block_start", "index": i,
                       "content_block": {**block, "input": {}}}
                for piece in pieces(json.dumps(block["input"])):
                    yield {"type": "content_block_delta", "index": i,
                           "delta": {"type": "input_json_delta", "partial_json": piece}}
            yield {"type": "content_block_stop", "index": i}
        if asked.model == "quiet":
            return
        yield {"type": "message_delta", "delta": {"stop_reason": self.reason(asked, text, reason)},
               "usage": {"output_tokens": 7}}
        yield {"type": "message_stop"}

    def stream(self, *args):
        for event in self.events(*args):
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"

    def refuse(self, kind, code, message):
        return {"type": "error", "error": {"type": kind, "message": message}}


class Ollama:
    def read(self, body):
        messages = []
        want(set(body) <= {"model", "messages", "tools", "format", "options", "stream"},
             f"unknown keys in {sorted(body)}")
        for message in body["messages"]:
            want(isinstance(message["content"], str), "content must be a text")
            for image in message.get("images", []):
                want("://" not in image, "images are base64")
            messages.append((message["role"], message["content"]))
        schema = body.get("format")
        tools = [tool["function"] for tool in body.get("tools", [])]
        return Asked(body["model"], messages, schema if isinstance(schema, dict) else None, tools,
                     body["stream"])

    def write(self, asked, text, calls, reason):
        message = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [{"function": {"name": name, "arguments": arguments}}
                                     for name, arguments in calls]
        return {"model": asked.model, "message": message, "done": True,
                "done_reason": "length" if reason == "length" else "stop",
                "prompt_eval_count": 11, "eval_count": 7}

    def stream(self, asked, text, calls, reason):
        for piece in pieces(text):
            yield json.dumps({"model": asked.model, "done": False,
                              "message": {"role": "assistant", "content": piece}}) + "\n"
        if asked.model == "quiet":
            return
        last = self.write(asked, "", calls, reason)
        yield json.dumps(last) + "\n"

    def refuse(self, kind, code, message):
        return {"error": message}


APIS = {"/v1/chat/completions": (OpenAI(), "authorization", "Bearer good-key"),
        "/v1/messages": (Anthropic(), "x-api-key", "good-key"),
        "/api/chat": (Ollama(), None, None)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_stream(self, asked, parts):
        parts = list(parts)
        if asked.model == "cut":
            parts = parts[:len(parts) // 2]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            data = part.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        if asked.model == "cut":
            self.close_connection = True  # without the last chunk
        else:
            self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        self.service.seen.append((self.path, dict(self.headers)))
        self.send(200, {"data": []})

    def embed(self, body):
        texts = body["input"]
        vectors = [[len(text), 0.5, i] for i, text in enumerate(texts)]
        if self.path == "/api/embed":
            self.send(200, {"model": body["model"], "embeddings": vectors, "prompt_eval_count": 3})
            return
        data = [{"object": "embedding", "index": i, "embedding": vector}
                for i, vector in enumerate(vectors)]
        self.send(200, {"object": "list", "data": data[::-1], "model": body["model"],
                        "usage": {"prompt_tokens": 3, "total_tokens": 3}})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        with self.service.lock:
            self.service.seen.append((self.path, body))
        if self.path in ("/v1/embeddings", "/api/embed"):
            self.embed(body)
            return
        if self.path not in APIS:  # a service beside the models
            self.send(200, {"got": body})
            return
        api, header, key = APIS[self.path]
        if body["model"] in SAYS:
            self.send(*SAYS[body["model"]])
            return
        if body["model"] == "html":
            self.send(200, PAGE, "text/html")
            return
        try:
            if header is not None and self.headers.get(header) != key:
                raise Refused(401, "authentication_error", "invalid_api_key", "Incorrect API key")
            asked = api.read(body)
            text, calls, reason = self.service.answer(asked)
            if asked.stream:
                self.send_stream(asked, api.stream(asked, text, calls, reason))
            else:
                self.send(200, api.write(asked, text, calls, reason))
        except Refused as refused:
            status, kind, code, message = refused.args
            headers = [("Retry-After", "1")] if status == 429 else []
            self.send(status, api.refuse(kind, code, message), headers=headers)


def start():
    """A server on a port of its own, its URL, and the service behind it."""
    service = Service()
    handler = type("Bound", (Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}", service

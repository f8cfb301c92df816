# SPDX-License-Identifier: Apache-2.0
"""llm: a server that speaks the APIs of OpenAI, Anthropic and Ollama, and breaks them on demand."""

import part

PACKAGES = ["@copilotkit/aimock@1.43.0"]
BASES = {"openai": "/v1", "anthropic": "", "ollama": ""}
TOOLS = [{"name": "get_weather", "description": "The weather of a city",
          "parameters": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}]
SCHEMA = {"type": "object", "additionalProperties": False, "required": ["label", "confidence"],
          "properties": {"label": {"enum": ["bug", "feature"]}, "confidence": {"type": "number"}}}
ASKED = [{"role": "user", "content": "weather"},
         {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "name": "get_weather",
                                                              "arguments": {"city": "Berlin"}}]},
         {"role": "tool", "tool_call_id": "c1", "name": "get_weather", "content": {"sun": True}}]

# The text that the server's rules know, and what must come of it: an output's member, or an error.
CALLS = {
    "chat": ({"prompt": "hello"}, "text", "Hi there! How can I help you today?"),
    "tool call": ({"prompt": "weather", "tools": TOOLS}, "finish_reason", "tool_calls"),
    "tool result": ({"messages": ASKED, "tools": TOOLS}, "text", "It is sunny in Berlin."),
    "schema": ({"prompt": "classify", "response_schema": SCHEMA}, "json", {"label": "bug", "confidence": 0.93}),
    "429": ({"prompt": "ratelimit"}, None, "llm.rate_limited"),
}
# What it breaks by a header; a piece of a line is no line: it is taken for cut off.
CHAOS = {"malformed": ("llm.not_json", "llm.stream_cut"), "disconnect": ("http.reset",), "drop": ("llm.server_error",),
         "ratelimit": ("llm.rate_limited",)}


def steps(place, url, provider, nodes, headers=None):
    settings = {"provider": provider, "base_url": "${BASE}", "api_key": "{{ secrets.llm_key }}", "model": "gpt-4",
                "retry": "off", **({"headers": headers} if headers else {})}
    definition = {"id": "t", "integrations": {"llm": settings}, "error_policy": "continue", "nodes": nodes}
    return part.run(place, definition, {"BASE": url + BASES[provider], "OPSTREAM_SECRET_LLM_KEY": "sk-counterpart"})


def why_not(function, *arguments):
    try:
        function(*arguments)
    except AssertionError as why:
        return str(why)
    return None


def judge(step, member, wanted):
    if member is None:
        part.equal((step["error"] or {}).get("symbol"), wanted)
    else:
        part.equal(part.good(step)[member], wanted)


def check_calls(place, url, provider):
    names = [(name, stream) for name in CALLS for stream in (False, True)]
    nodes = [{"id": f"n{i}", "type": "llm", "config": {**CALLS[name][0], "stream": stream}}
             for i, (name, stream) in enumerate(names)]
    ran = steps(place, url, provider, nodes)
    for i, (name, stream) in enumerate(names):
        how = "streamed" if stream else "whole"
        yield f"{provider}: {name}, {how}", why_not(judge, ran[f"n{i}"], *CALLS[name][1:])


def judge_chaos(step, symbols):
    symbol = (step["error"] or {}).get("symbol")
    if symbol not in symbols:
        raise AssertionError(f"{step['status']}: {symbol!r} is none of {symbols}")


def check_chaos(place, url, provider):
    for kind, symbols in CHAOS.items():
        nodes = [{"id": f"n{i}", "type": "llm", "config": {"prompt": "hello", "stream": bool(i)}} for i in (0, 1)]
        ran = steps(place, url, provider, nodes, {f"x-aimock-chaos-{kind}": "1"})
        for i, how in enumerate(("whole", "streamed")):
            yield f"{provider}: {kind}, {how}", why_not(judge_chaos, ran[f"n{i}"], symbols)


def judge_embed(step):
    out = part.good(step)
    part.equal((len(out["embeddings"]), len(out["embeddings"][0])), (2, out["dimensions"]))


def check_others(place, url):
    """llm.classify is not among them: none of its rules gives the answer that it asks for."""
    nodes = [{"id": "embed", "type": "llm.embed", "config": {"input": ["a", "b"]}},
             {"id": "extract", "type": "llm.extract", "config": {"text": "classify", "schema": SCHEMA}}]
    ran = steps(place, url, "openai", nodes)
    yield "llm.embed", why_not(judge_embed, ran["embed"])
    yield "llm.extract", why_not(judge, ran["extract"], "data", {"label": "bug", "confidence": 0.93})


def aimock(place):
    place.need(*PACKAGES)
    port = part.free_port()
    command = [place.kit / "node_modules" / ".bin" / "aimock", "-c", place.script("aimock.json"), "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with part.Process(command, url, cwd=place.scripts):
        for provider in BASES:
            yield from check_calls(place, url, provider)
            yield from check_chaos(place, url, provider)
        yield from check_others(place, url)


PARTS = [("aimock", aimock)]

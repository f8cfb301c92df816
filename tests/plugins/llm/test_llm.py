#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_llm.py BUILD SOURCE: the llm plugin through the program, against fake.py."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

import fake

BUILD, SOURCE = (os.path.abspath(path) for path in sys.argv[1:3])
OWN = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
PROVIDERS = ("openai", "anthropic", "ollama")
SCHEMA = {"type": "object", "required": ["category", "text"], "additionalProperties": False,
          "properties": {"category": {"enum": ["technical", "billing"]}, "text": {"type": "string"}}}


class Case(unittest.TestCase):
    def setUp(self):
        self.server, self.url, self.service = fake.start()
        self.folder = tempfile.TemporaryDirectory(prefix="llm-")
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def settings(self, provider, **more):
        key = {} if provider == "ollama" else {"api_key": "{{ secrets.llm_key }}"}
        url = self.url + ("/v1" if provider == "openai" else "")
        return {"llm": {"provider": provider, "base_url": url, "retry": "off", **key, **more}}

    def opstream(self, *words, key="good-key", env=()):
        full = {"PATH": BUILD + "/bin:/usr/bin:/bin", "HOME": self.folder.name,
                "OPSTREAM_STATE": self.folder.name + "/state", "LANG": "C.UTF-8",
                "OPSTREAM_SECRET_LLM_KEY": key, **dict(env)}
        return subprocess.run(["opstream", *words], cwd=self.folder.name, env=full, timeout=120,
                              check=False, capture_output=True, text=True)

    def write(self, definition):
        with open(self.folder.name + "/p.json", "w", encoding="utf-8") as out:
            json.dump(definition, out)

    def run_pipeline(self, nodes, settings, *options, **how):
        self.write({"id": "p", "integrations": settings, "nodes": nodes})
        done = self.opstream("run", "p.json", "--json", *options, **how)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.result = json.loads(done.stdout)
        return self.result["step_results"]

    def ask(self, provider, kind="llm", settings=None, **config):
        step = self.run_pipeline([{"id": "a", "type": kind, "config": config}],
                                 self.settings(provider, **(settings or {})))[0]
        return step["output"] if step["status"] == "completed" else step["error"]

    def each(self, streams=(False, True)):
        for provider in PROVIDERS:
            for stream in streams:
                with self.subTest(provider=provider, stream=stream):
                    yield provider, stream


PRICES = {"echo": {"input": 100, "output": 1000, "cached": 10}}


class Usage(Case):
    """The fake counts 11 tokens and 7 for each call, some of the 11 from a cache."""

    def test_each_call_counts(self):
        for provider, stream in self.each():
            self.ask(provider, model="echo", prompt="x", stream=stream, settings={"prices": PRICES})
            usage = self.result["usage"]
            self.assertEqual((usage["calls"], usage["input_tokens"], usage["output_tokens"]), (1, 11, 7))
            cached = usage["cached_tokens"]
            self.assertAlmostEqual(usage["cost"], ((11 - cached) * 100 + cached * 10 + 7 * 1000) / 1e6)

    def test_repaired_and_failed_answers_count(self):
        self.ask("openai", model="repaired", prompt="x", response_schema=SCHEMA)
        self.assertEqual(self.result["usage"]["calls"], 2)
        self.assertEqual(self.result["usage"]["input_tokens"], 22)
        self.assertEqual(self.result["usage"]["unpriced_calls"], 2)
        self.ask("openai", model="stubborn", prompt="x", response_schema=SCHEMA)
        self.assertEqual(self.result["usage"]["output_tokens"], 14)
        self.ask("openai", model="gone", prompt="x")
        self.assertEqual(self.result["usage"]["input_tokens"], 0)
        self.ask("openai", model="html", prompt="x")
        self.assertEqual(self.result["usage"]["uncounted_calls"], 1)

    def test_vectors_count(self):
        self.ask("openai", "llm.embed", model="echo", input=["a", "b"])
        self.assertEqual(self.result["usage"]["calls"], 1)
        self.assertGreater(self.result["usage"]["input_tokens"], 0)

    def test_a_run_has_what_its_children_took(self):
        ask = {"id": "a", "type": "llm", "config": {"model": "echo", "prompt": "x {{ default(item, 0) }}"}}
        settings = self.settings("openai", prices=PRICES)
        each = {"id": "each", "for_each": "[1, 2, 3]", "nodes": [dict(ask)]}
        alone = {"id": "a", "type": "llm", "config": {"model": "echo", "prompt": "x"}}
        call = {"id": "call", "type": "workflow", "config": {"workflow": "inner"}}
        with open(self.folder.name + "/w.json", "w", encoding="utf-8") as out:
            json.dump({"workflows": {"p": {"integrations": settings, "nodes": [alone, call]},
                                     "inner": {"integrations": settings, "nodes": [each]}}}, out)
        done = self.opstream("run", "w.json#p", "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["usage"], {"calls": 4, "input_tokens": 44, "output_tokens": 28,
                                           "cached_tokens": 16, "cost": 0.03096})
        shown = self.opstream("status", result["execution_id"]).stdout
        self.assertIn("spent      4 calls, 44 + 28 tokens (16 from a cache), $0.03096", shown)
        jobs = json.loads(self.opstream("list", "--json").stdout)["jobs"]
        self.assertEqual(jobs[0]["usage"], result["usage"])
        history = self.opstream("history", result["execution_id"], "--children").stdout
        self.assertRegex(history, r"spent +call/each\[2\]\.a  1 call, 11 \+ 7 tokens")
        self.assertIn("all agrees", self.opstream("db", "check").stdout)

    def test_a_second_run_takes_less_where_answers_are_kept(self):
        nodes = [{"id": "a", "type": "llm", "cache": {"ttl": "1h"},
                  "config": {"model": "echo", "prompt": "x"}},
                 {"id": "b", "type": "llm", "config": {"model": "echo", "prompt": "y"}}]
        tokens = []
        for _ in range(2):
            self.run_pipeline(nodes, self.settings("openai"))
            tokens.append(self.result["usage"]["input_tokens"])
        self.assertEqual(tokens, [22, 11])


class Budget(Case):
    """A question of one letter has some 150 bytes with all around it: 75 tokens at most."""

    def run_bounded(self, budget, nodes, **settings):
        with open(self.folder.name + "/b.json", "w", encoding="utf-8") as out:
            json.dump({"id": "b", "budget": budget, "nodes": nodes,
                       "integrations": self.settings("openai", prices=PRICES, **settings)}, out)
        done = self.opstream("run", "b.json", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def test_calls_at_once_never_take_more_than_there_is(self):
        each = {"id": "each", "for_each": "{{ range(30) }}", "batch_size": 1, "parallel_workers": 10,
                "max_failures": "100%", "type": "llm",
                "config": {"model": "echo", "prompt": "x", "max_tokens": 100}}
        result = self.run_bounded({"tokens": 400}, [each])
        used = result["usage"]["input_tokens"] + result["usage"]["output_tokens"]
        self.assertLessEqual(used, 400)
        self.assertGreater(result["usage"]["calls"], 10)
        self.assertEqual(result["usage"]["calls"], len(self.service.seen))
        errors = {e["error"]["code"] for e in result["step_results"][0]["errors"]}
        self.assertEqual(errors, {"BUDGET"})

    def test_a_cheaper_model_is_asked_while_it_fits(self):
        ask = {"type": "llm", "config": {"model": "echo", "prompt": "x", "max_tokens": 100}}
        prices = {"echo": {"input": 100, "output": 1000}, "label": {"input": 1, "output": 10}}
        steps = [dict(ask, id="one"), dict(ask, id="two", depends_on=["one"])]
        result = self.run_bounded({"cost": 0.11, "on_exceeded": {"model": "label"}}, steps)
        self.assertEqual(result["error"]["code"], "BUDGET", result)
        self.assertIn("what the call costs is not known", result["error"]["message"])
        with open(self.folder.name + "/b.json", encoding="utf-8") as read:
            pipeline = json.load(read)
        pipeline["integrations"]["llm"]["prices"] = prices
        with open(self.folder.name + "/b.json", "w", encoding="utf-8") as out:
            json.dump(pipeline, out)
        result = json.loads(self.opstream("run", "b.json", "--json").stdout)
        self.assertEqual([step["output"]["model"] for step in result["step_results"]],
                         ["echo-2025-01-01", "label-2025-01-01"])

    def test_what_the_service_counts_is_spent_also_beyond_the_budget(self):
        ask = {"type": "llm", "config": {"model": "counts-900", "prompt": "x", "max_tokens": 100}}
        steps = [dict(ask, id="one"), dict(ask, id="two", depends_on=["one"])]
        result = self.run_bounded({"tokens": 1000}, steps)
        self.assertIn("has 93 of its 1000 tokens left", result["error"]["message"])
        result = self.run_bounded({"tokens": 200}, steps)
        self.assertIn("has 0 of its 200 tokens left", result["error"]["message"])
        self.assertEqual(result["usage"]["input_tokens"], 900)
        self.assertEqual(len(self.service.seen), 2)

    def test_a_refused_call_takes_an_edge_of_its_own(self):
        with open(self.folder.name + "/e.json", "w", encoding="utf-8") as out:
            json.dump({"id": "e", "integrations": self.settings("openai"), "nodes": [
                {"id": "a", "type": "llm", "budget": {"tokens": 50},
                 "config": {"model": "echo", "prompt": "x"}},
                {"id": "b", "type": "set", "config": {"symbol": "{{ a.error.symbol }}"}}],
                "edges": [{"source": "a", "target": "b", "outcome": "budget"}]}, out)
        result = json.loads(self.opstream("run", "e.json", "--json").stdout)
        self.assertEqual(result["output"], {"b": {"symbol": "llm.budget"}})
        self.assertEqual(self.service.seen, [])
        self.assertIsNone(result["usage"])

    def test_a_repair_is_a_call_of_its_own(self):
        nodes = [{"id": "a", "type": "llm", "config": {"model": "stubborn", "prompt": "x",
                                                       "response_schema": SCHEMA}}]
        self.assertEqual(self.run_bounded({"calls": 1}, nodes)["error"]["code"], "BUDGET")
        self.assertEqual(len(self.service.seen), 1)
        self.assertEqual(self.run_bounded({"calls": 2}, nodes)["error"]["symbol"], "llm.bad_output")

    def test_what_no_service_has_seen_is_given_back(self):
        nodes = [{"id": "a", "type": "llm", "retry": {"max_attempts": 3, "initial_interval": "1ms"},
                  "config": {"model": "echo", "prompt": "x"}}]
        result = self.run_bounded({"calls": 1}, nodes, base_url="http://127.0.0.1:1/v1",
                                  retry={"max_attempts": 3, "initial_interval": "1ms"})
        self.assertEqual(result["error"]["code"], "UNAVAILABLE")
        self.assertEqual(result["usage"]["calls"], 0)

    def test_vectors_are_bounded_too(self):
        nodes = [{"id": "a", "type": "llm.embed", "config": {"model": "echo", "input": "x" * 400}}]
        result = self.run_bounded({"tokens": 100, "on_exceeded": {"model": "other"}}, nodes)
        self.assertEqual(result["error"]["code"], "BUDGET")
        self.assertEqual(self.service.seen, [])


class Session(Case):
    def say(self, prompt, session, *options, provider="openai", **config):
        nodes = [{"id": "a", "type": "llm", "config": {"model": "echo", "prompt": prompt, "session": session, **config}}]
        return self.run_pipeline(nodes, self.settings(provider), *options)[0]

    def seen(self, i=-1):
        body = self.service.seen[i][1]
        return [(m["role"], m["content"]) for m in body["messages"] if m["role"] != "system"]

    def kept(self, name):
        nodes = [{"id": "s", "type": "llm.session", "config": {"session": name}}]
        return self.run_pipeline(nodes, {})[0]["output"]

    def test_a_later_run_knows_what_was_said(self):
        for provider, stream in self.each():
            name = f"{provider}-{stream}"
            for text in ("one", "two"):
                step = self.say(text, name, provider=provider, stream=stream, system="Be kind.")
                self.assertEqual(step["output"]["text"], text)
            told = json.dumps(self.seen())
            self.assertLess(told.index("one"), told.index("two"))
            self.assertEqual(len(self.seen()), 3)
            self.assertEqual(self.kept(name), {"turns": 2, "messages": [
                {"role": "user", "content": "one"}, {"role": "assistant", "content": "one"},
                {"role": "user", "content": "two"}, {"role": "assistant", "content": "two"}]})
        self.assertEqual(self.kept("nobody"), {"turns": 0, "messages": []})

    def test_the_oldest_goes_when_there_are_too_many_tokens(self):
        for i in range(6):
            self.say(f"{i}" * 100, {"name": "short", "max_tokens": 500})
        kept = self.kept("short")
        self.assertIn(kept["turns"], (2, 3))
        self.assertEqual(kept["messages"][-1]["content"], "5" * 100)
        self.say("x" * 5000, {"name": "short", "max_tokens": 500})
        self.assertEqual(self.kept("short")["turns"], 1)

    def test_those_who_speak_at_once_lose_nothing(self):
        nodes = [{"id": "each", "for_each": "{{ range(12) }}", "max_parallel": 12, "type": "llm",
                  "config": {"model": "echo", "prompt": "say {{ item }}", "session": "all"}}]
        self.assertEqual(self.run_pipeline(nodes, self.settings("openai"))[0]["status"], "completed")
        kept = self.kept("all")
        self.assertEqual(kept["turns"], 12)
        self.assertEqual({m["content"] for m in kept["messages"]}, {f"say {i}" for i in range(12)})

    def test_tools_are_part_of_it(self):
        tools = [{"name": "weather", "parameters": {"type": "object"}}]
        out = self.say("rain?", "t", model="tools", tools=tools)["output"]
        messages = [{"role": "tool", "tool_call_id": out["tool_calls"][0]["id"], "name": "weather", "content": "wet"}]
        nodes = [{"id": "a", "type": "llm", "config": {"model": "tools", "tools": tools, "session": "t",
                                                       "messages": messages}}]
        self.assertEqual(self.run_pipeline(nodes, self.settings("openai"))[0]["output"]["text"], "it is wet")
        self.assertEqual([m["role"] for m in self.kept("t")["messages"]],
                         ["user", "assistant", "tool", "assistant"])

    def test_a_failed_call_leaves_nothing(self):
        self.say("x", "f", model="gone")
        self.assertEqual(self.kept("f")["turns"], 0)

    def test_what_cannot_be(self):
        for session, messages in (({"name": "x", "ttl": "0s"}, None),
                                  ("x", [{"role": "system", "content": "y"}, {"role": "user", "content": "z"}])):
            config = {"model": "echo", "session": session, **({"messages": messages} if messages else {"prompt": "x"})}
            step = self.run_pipeline([{"id": "a", "type": "llm", "config": config}], self.settings("openai"))[0]
            self.assertEqual(step["error"]["code"], "CONFIG")
        self.assertEqual(self.service.seen, [])


class Chat(Case):
    def test_answers(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="echo", system="Be kind.", prompt='W\u00f6rld "x"\n\\',
                           stop=["END"], stream=stream)
            self.assertEqual(out["text"], 'W\u00f6rld "x"\n\\')
            self.assertEqual(out["finish_reason"], "stop")
            self.assertEqual((out["json"], out["tool_calls"], out["calls"]), (None, [], 1))
            self.assertEqual(out["usage"]["input_tokens"], 11)
            self.assertEqual(out["usage"]["output_tokens"], 7)
            self.assertIsNone(out["cost"])

    def test_defaults(self):
        for provider, _ in self.each((False,)):
            self.ask(provider, model="echo", prompt="x")
            body = self.service.seen[-1][1]
            sent = body["options"] if provider == "ollama" else body
            self.assertEqual(sent["temperature"], 0.7)
            self.assertEqual(sent["num_predict" if provider == "ollama" else "max_tokens"], 1000)
            self.ask(provider, model="echo", prompt="x", temperature=None)
            body = self.service.seen[-1][1]
            self.assertNotIn("temperature", body["options"] if provider == "ollama" else body)

    def test_models_that_think(self):
        self.ask("openai", model="gpt-5-mini", prompt="x", max_tokens=50)
        body = self.service.seen[-1][1]
        self.assertEqual(body["max_completion_tokens"], 50)
        self.assertFalse({"max_tokens", "temperature"} & set(body))
        self.ask("openai", model="o3", prompt="x", temperature=1)
        self.assertEqual(self.service.seen[-1][1]["temperature"], 1)

    def test_conversation(self):
        messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "a"},
                    {"role": "assistant", "content": "b"}, {"role": "user", "content": {"c": 1}}]
        for provider, stream in self.each():
            out = self.ask(provider, model="echo", messages=messages, stream=stream)
            self.assertEqual(out["text"], '{"c":1}')
            self.assertEqual((out["json"], out["c"]), ({"c": 1}, 1))

    def test_images(self):
        data = "data:image/png;base64,AAAA"
        for provider, _ in self.each((False,)):
            self.assertEqual(self.ask(provider, model="echo", prompt="what?", images=[data])
                             ["finish_reason"], "stop")
            self.assertIn("AAAA", json.dumps(self.service.seen[-1][1]))
        error = self.ask("ollama", model="echo", prompt="x", images=["https://a.example/b.png"])
        self.assertEqual((error["code"], error["symbol"]), ("CONFIG", "llm.config"))
        self.ask("anthropic", model="echo", prompt="x", images=["https://a.example/b.png"])
        self.assertEqual(self.service.seen[-1][1]["messages"][0]["content"][0]["source"],
                         {"type": "url", "url": "https://a.example/b.png"})

    def test_prices(self):
        prices = {"echo": {"input": 100, "output": 1000, "cached": 10}}
        out = self.ask("anthropic", settings={"prices": prices}, model="echo", prompt="x")
        self.assertAlmostEqual(out["cost"], (7 * 100 + 4 * 10 + 7 * 1000) / 1e6)
        out = self.ask("anthropic", model="claude-sonnet-4-5-20250929", prompt="x")
        self.assertAlmostEqual(out["cost"], (7 * 3 + 4 * 0.3 + 7 * 15) / 1e6)

    def test_the_same_question_again_costs_nothing(self):
        nodes = [{"id": "a", "type": "llm", "cache": {"ttl": "1h"},
                  "config": {"model": "echo", "prompt": "x"}}]
        for _ in range(2):
            out = self.run_pipeline(nodes, self.settings("openai"))[0]["output"]
        self.assertTrue(out["from_cache"])
        self.assertEqual(len(self.service.seen), 1)

    def test_headers_and_default_model(self):
        out = self.ask("openai", settings={"model": "echo", "headers": {"X-Team": "t1"}}, prompt="x")
        self.assertEqual(out["model"], "echo-2025-01-01")
        error = self.ask("openai", prompt="x")
        self.assertEqual((error["code"], error["path"]), ("CONFIG", "/model"))

    def test_a_question_is_a_prompt_or_messages(self):
        for config in ({}, {"prompt": "x", "messages": [{"role": "user", "content": "y"}]}):
            self.write({"id": "p", "nodes": [{"id": "a", "type": "llm", "config": config}]})
            done = self.opstream("validate", "p.json")
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn("'prompt'" if config == {} else "exactly one of 2 forms", done.stderr)

    def test_config(self):
        for config in ({"prompt": "x", "response_schema": {"type": "thing"}},
                       {"prompt": "x", "tools": [{"name": "t", "parameters": {"minimum": "a"}}]}):
            error = self.ask("openai", model="echo", **config)
            self.assertEqual(error["code"], "CONFIG", error)
        self.assertEqual(self.service.seen, [])


    def test_where_it_is_may_stand_in_the_environment(self):
        with open(self.folder.name + "/p.json", "w", encoding="utf-8") as out:
            json.dump({"id": "p", "integrations": {"llm": {"provider": "ollama",
                                                           "base_url": "${LLM_URL}/"}},
                       "nodes": [{"id": "a", "type": "llm",
                                  "config": {"model": "echo", "prompt": "x"}}]}, out)
        done = self.opstream("run", "p.json", "--json", env={"LLM_URL": self.url})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_other_providers_must_say_where(self):
        with open(self.folder.name + "/p.json", "w", encoding="utf-8") as out:
            json.dump({"id": "p", "integrations": {"llm": {"provider": "anthropic"}},
                       "nodes": [{"id": "a", "type": "llm", "config": {"prompt": "x"}}]}, out)
        done = self.opstream("validate", "p.json")
        self.assertEqual(done.returncode, 3)
        self.assertIn("base_url", done.stderr)


class Structured(Case):
    def test_fits(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="label", prompt="x", response_schema=SCHEMA,
                           stream=stream)
            self.assertEqual(out["json"], {"category": "technical", "text": "some text"})
            self.assertEqual(out["category"], "technical")  # a member of the output
            self.assertEqual(json.loads(out["text"]), out["json"])  # its own name wins
            self.assertEqual((out["finish_reason"], out["calls"]), ("stop", 1))

    def test_an_empty_object_is_an_answer(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="label", prompt="x", stream=stream,
                           response_schema={"type": "object", "properties": {}})
            self.assertEqual((out["json"], out["text"]), ({}, "{}"))

    def test_repaired(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="repaired", prompt="x", response_schema=SCHEMA,
                           stream=stream)
            self.assertEqual((out["category"], out["calls"]), ("technical", 2))
            self.assertEqual(out["usage"]["output_tokens"], 14)
            complaint = json.dumps(self.service.seen[-1][1]["messages"][-1])
            self.assertIn("must have the key 'category'", complaint)

    def test_not_repaired_twice(self):
        for provider, stream in self.each():
            self.service.seen.clear()
            error = self.ask(provider, model="stubborn", prompt="x", response_schema=SCHEMA,
                             stream=stream)
            self.assertEqual((error["code"], error["symbol"]), ("UPSTREAM", "llm.bad_output"))
            self.assertIn("'category'", error["message"])
            self.assertEqual(error["details"]["usage"]["output_tokens"], 14)
            self.assertEqual(len(self.service.seen), 2)

    def test_cut(self):
        for provider, stream in self.each():
            error = self.ask(provider, model="short", prompt="x", response_schema=SCHEMA,
                             stream=stream)
            self.assertEqual((error["code"], error["symbol"]), ("RESOURCE", "llm.max_tokens"))

    def test_strict_only_where_it_can_be(self):
        self.ask("openai", model="label", prompt="x", response_schema=SCHEMA)
        self.assertTrue(self.service.seen[-1][1]["response_format"]["json_schema"]["strict"])
        loose = {**SCHEMA, "required": ["text"]}
        self.ask("openai", model="label", prompt="x", response_schema=loose)
        self.assertFalse(self.service.seen[-1][1]["response_format"]["json_schema"]["strict"])

    def test_services_without_schemas(self):
        out = self.ask("openai", settings={"structured_output": "json"}, model="label", prompt="x",
                       response_schema=SCHEMA)
        self.assertEqual(out["category"], "technical")
        self.ask("openai", settings={"structured_output": "prompt"}, model="echo", prompt="x",
                 response_schema=SCHEMA)
        body = self.service.seen[-1][1]
        self.assertNotIn("response_format", body)
        self.assertIn('"category"', body["messages"][0]["content"])


class Tools(Case):
    tools = [{"name": "weather", "description": "Weather", "parameters":
              {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}]

    def test_there_and_back(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="tools", prompt="rain?", tools=self.tools, stream=stream)
            call = out["tool_calls"][0]
            self.assertEqual((call["name"], call["arguments"]), ("weather", {"city": "some text"}))
            self.assertEqual(out["finish_reason"], "tool_calls")
            messages = [{"role": "user", "content": "rain?"},
                        {"role": "assistant", "content": out["text"],
                         "tool_calls": out["tool_calls"]},
                        {"role": "tool", "tool_call_id": call["id"], "name": "weather",
                         "content": {"rain": True}}]
            out = self.ask(provider, model="tools", messages=messages, tools=self.tools,
                           stream=stream)
            self.assertEqual(out["text"], 'it is {"rain":true}')

    def test_arguments_are_checked(self):
        tools = [{**self.tools[0], "parameters": {**self.tools[0]["parameters"],
                                                  "properties": {"city": {"enum": ["Vienna"]},
                                                                 "n": {"not": {}}}}}]
        for provider, stream in self.each():
            fake_schema = fake.made_up(tools[0]["parameters"])
            self.assertIn("n", fake_schema)
            error = self.ask(provider, model="tools", prompt="x", tools=tools, stream=stream)
            self.assertEqual(error["symbol"], "llm.bad_output")
            self.assertIn("weather", error["message"])


class Failures(Case):
    def test_kinds(self):
        table = {
            "gone": ("NOT_FOUND", "llm.model_not_found"), "long": ("INPUT", "llm.context_window"),
            "limited-9": ("RATE_LIMITED", "llm.rate_limited"),
            "overloaded": ("UNAVAILABLE", "llm.overloaded"), "html": ("UPSTREAM", "llm.html"),
            "empty": ("UPSTREAM", "llm.empty_answer"), "quota": ("RESOURCE", "llm.quota"),
        }
        for provider, stream in self.each():
            for model, (code, symbol) in table.items():
                error = self.ask(provider, model=model, prompt="x", stream=stream)
                self.assertEqual((error["code"], error["symbol"]), (code, symbol), error)
                self.assertNotIn("good-key", json.dumps(error))

    def test_each_service_has_words_of_its_own(self):
        table = {"no-model": ("NOT_FOUND", "llm.model_not_found"), "long": ("INPUT", "llm.context_window")}
        for model in sorted(fake.SAYS):
            kind = model.rpartition("-")[0]
            if kind in table:
                with self.subTest(model=model):
                    error = self.ask("openai", model=model, prompt="x")
                    self.assertEqual((error["code"], error["symbol"]), table[kind], error)
                    self.assertNotIn("{", error["message"])

    def test_a_redirect_says_what_to_change(self):
        error = self.ask("openai", model="moved", prompt="x")
        self.assertEqual(error["symbol"], "llm.redirect")
        self.assertIn("base_url", error["hint"])

    def test_an_answer_may_come_in_parts(self):
        self.assertEqual(self.ask("openai", model="parts", prompt="x")["text"], "in parts")

    def test_what_only_some_have(self):
        for stream in (False, True):
            for provider in ("openai", "anthropic"):
                error = self.ask(provider, model="refused", prompt="x", stream=stream)
                self.assertEqual((error["code"], error["symbol"]), ("INPUT", "llm.refused"))
            error = self.ask("openai", model="filtered", prompt="x", stream=stream)
            self.assertEqual((error["code"], error["symbol"]), ("INPUT", "llm.content_filter"))

    def test_streams_that_end_early(self):
        for provider, _ in self.each((True,)):
            for model in ("cut", "quiet"):
                error = self.ask(provider, model=model, prompt="x" * 200, stream=True)
                self.assertEqual((error["code"], error["symbol"]),
                                 ("UNAVAILABLE", "llm.stream_cut"))

    def test_cut_text_is_told(self):
        for provider, stream in self.each():
            out = self.ask(provider, model="short", prompt="x", stream=stream)
            self.assertEqual(out["finish_reason"], "length")

    def test_retries_wait_as_told(self):
        settings = self.settings("openai", retry={"max_attempts": 3, "initial_interval": "10ms"})
        begin = time.monotonic()
        step = self.run_pipeline([{"id": "a", "type": "llm",
                                   "config": {"model": "limited-1", "prompt": "x"}}], settings)[0]
        self.assertEqual((step["status"], step["attempt"]), ("completed", 2))
        self.assertGreaterEqual(time.monotonic() - begin, 1)

    def test_keys(self):
        for provider in ("openai", "anthropic"):
            step = self.run_pipeline([{"id": "a", "type": "llm",
                                       "config": {"model": "echo", "prompt": "x"}}],
                                     self.settings(provider), key="wrong-key")[0]
            self.assertEqual(step["error"]["symbol"], "llm.unauthorized")
            self.assertIn("OPSTREAM_SECRET_", step["error"]["hint"])
            self.assertNotIn("wrong-key", json.dumps(step))
            step = self.run_pipeline([{"id": "a", "type": "llm",
                                       "config": {"model": "echo", "prompt": "x"}}],
                                     {"llm": {"provider": provider, "base_url": OWN[provider]}})[0]
            self.assertEqual((step["error"]["code"], step["error"]["symbol"]),
                             ("AUTH", "llm.no_key"))


class Others(Case):
    labels = {"bug": "broken", "feature": None}

    def test_a_service_of_ones_own_may_want_a_key(self):
        for provider in ("openai", "anthropic"):
            settings = self.settings(provider)
            del settings["llm"]["api_key"]
            step = self.run_pipeline([{"id": "a", "type": "llm",
                                       "config": {"model": "echo", "prompt": "x"}}], settings)[0]
            self.assertEqual(step["error"]["symbol"], "llm.no_key")
            self.assertIn("write api_key", step["error"]["hint"])

    def test_classify(self):
        for provider, _ in self.each((False,)):
            out = self.ask(provider, kind="llm.classify", model="label", text="it crashes",
                           labels=self.labels)
            self.assertEqual((out["label"], out["confidence"], out["decided_by"]),
                             ("bug", 0.9, "model"))
            out = self.ask(provider, kind="llm.classify", model="label-unsure", text="it crashes",
                           labels=["feature", {"name": "bug", "description": "broken"}],
                           min_confidence=0.5, otherwise="unsure")
            self.assertEqual((out["label"], out["suggested"], out["decided_by"]),
                             ("unsure", "feature", "otherwise"))
            error = self.ask(provider, kind="llm.classify", model="stubborn", text="x",
                             labels=self.labels)
            self.assertEqual(error["symbol"], "llm.bad_output")

    def test_rules(self):
        rules = [{"when": "input.n > 5", "label": "feature"}, {"when": "true", "label": "bug"}]
        node = {"id": "a", "type": "llm.classify",
                "config": {"model": "label", "text": "x", "labels": self.labels, "rules": rules}}
        for n, label in ((7, "feature"), (1, "bug")):
            out = self.run_pipeline([node], self.settings("openai"), "-i", f"n={n}")[0]["output"]
            self.assertEqual((out["label"], out["decided_by"], out["cost"]), (label, "rule", 0))
        self.assertEqual(self.service.seen, [])
        error = self.ask("openai", kind="llm.classify", model="label", text="x", labels=self.labels,
                         rules=[{"when": "1 + 1", "label": "bug"}])
        self.assertEqual(error["code"], "CONFIG")
        error = self.ask("openai", kind="llm.classify", model="label", text="x", labels=self.labels,
                         rules=[{"when": "true", "label": "bugs"}])
        self.assertEqual((error["code"], error["path"]), ("CONFIG", "/rules"))

    def test_extract(self):
        for provider, _ in self.each((False,)):
            out = self.ask(provider, kind="llm.extract", model="repaired", text="x", schema=SCHEMA)
            self.assertEqual(out["data"], {"category": "technical", "text": "some text"})
            self.assertEqual(out["calls"], 2)

    def test_embed(self):
        for provider in ("openai", "ollama"):
            out = self.ask(provider, kind="llm.embed", model="e", input="abc")
            self.assertEqual((out["embedding"], out["dimensions"]), ([3, 0.5, 0], 3))
            out = self.ask(provider, kind="llm.embed", model="e", input=["a", "bb"])
            self.assertEqual(out["embeddings"], [[1, 0.5, 0], [2, 0.5, 1]])
            self.assertEqual(out["usage"]["input_tokens"], 3)
        error = self.ask("anthropic", kind="llm.embed", model="e", input="abc")
        self.assertEqual((error["code"], error["symbol"]), ("CONFIG", "llm.config"))
        self.assertIn("no embeddings", error["message"])


class Readme(Case):
    """Each example runs, against the fake, with nothing but its URLs and models changed."""

    def test_examples(self):
        with open(SOURCE + "/plugins/llm/README.md", encoding="utf-8") as readme:
            examples = re.findall(r"```yaml\n# (\S+)\n(.*?)```", readme.read(), re.DOTALL)
        self.assertEqual(len(examples), 9)
        models = {"ask.yaml": "echo", "tools.yaml": "tools", "embed.yaml": "e"}
        for name, text in examples:
            with self.subTest(name=name):
                text = re.sub(r"https?://[a-z.]+(:\d+)?", self.url, text)
                text = re.sub(r"model: [\w.-]+", "model: " + models.get(name, "label"), text)
                with open(f"{self.folder.name}/{name}", "w", encoding="utf-8") as out:
                    out.write(text)
                given = {"more": "", "title": "it crashes", "labels": [], "letter": "two apples", "who": "ann",
                         "says": "hello", "question": "Why?"}
                with open(self.folder.name + "/input.json", "w", encoding="utf-8") as out:
                    json.dump(given, out)
                self.assertEqual(self.opstream("validate", name, "--strict").returncode, 0)
                done = self.opstream("run", name, "--input", "input.json")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])

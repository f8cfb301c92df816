/* SPDX-License-Identifier: Apache-2.0 */
/* Likely mistakes of people who write pipelines, and all that they are told. */
#include "tests/unit/model/fault_cases.h"

#include "core/model/load.h"

const struct fault_case fault_cases[] = {
    {"yaml syntax", "t.yaml", 0,
     "name: t\n"
     "nodes: [\n",
     "t.yaml:3:1: error: the text ends, and the '[' at 2:8 is still open\n"},
    {"no map", "t.yaml", 0, "- a\n", "t.yaml:1:1: error: a pipeline must be a map, not a list\n"},
    {"no name", "t.yaml", 0,
     "nodes:\n"
     "  - {id: a, type: start}\n",
     "t.yaml:1:1: error: a pipeline needs a 'name' or an 'id'\n"},
    {"name that gives no id", "t.yaml", 0,
     "name: 日本語\n"
     "nodes: [{id: a, type: start}]\n",
     "t.yaml:1:7: error: no id can be made of this name: give an 'id'\n"
     "  of a name, letters a to z, digits and '_' become the id\n"},
    {"empty name", "t.yaml", 0,
     "name: ''\n"
     "nodes: [{id: a, type: start}]\n",
     "t.yaml:1:1: error: a pipeline needs a 'name' or an 'id'\n"},
    {"durations that are too large or nothing", "t.yaml", 0,
     "name: t\n"
     "timeout: 99999999999999999999d\n"
     "nodes:\n"
     "  - {id: a, type: set, timeout: 9223372036854775807}\n"
     "  - {id: b, type: set, timeout: 0}\n",
     "t.yaml:2:10: error: 'timeout' of the pipeline must be a duration like 250ms, 30s, 5m, 2h or "
     "7d, not '99999999999999999999d'\n"
     "  it is too large for a duration\n"
     "t.yaml:4:33: error: 'timeout' of node 'a' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '9223372036854775807'\n"
     "  it is too large for a duration\n"
     "t.yaml:5:33: error: 'timeout' of node 'b' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '0'\n"
     "  it must be more than 0\n"},
    {"patterns to hide", "t.yaml", 0,
     "name: t\n"
     "sanitize: [emial, passport, {patern: x}, {}, 7, [a], {pattern: '('}]\n"
     "nodes: [{id: a, type: start}]\n",
     "t.yaml:2:12: error: 'sanitize' knows no 'emial'\n"
     "  did you mean 'email'?\n"
     "t.yaml:2:19: error: 'sanitize' knows no 'passport'\n"
     "  it knows email, card, phone and ip; write {pattern: \"...\"} for an expression of your "
     "own\n"
     "t.yaml:2:30: error: a map in 'sanitize' has the unknown key 'patern'\n"
     "  did you mean 'pattern'?\n"
     "t.yaml:2:42: error: a map in 'sanitize' needs 'pattern'\n"
     "t.yaml:2:46: error: 'sanitize' is a list of names and of maps with 'pattern', not of a whole "
     "number\n"
     "t.yaml:2:49: error: 'sanitize' is a list of names and of maps with 'pattern', not of a list\n"
     "t.yaml:2:64: error: 'sanitize': the regular expression '(' is not valid: missing ): (\n"},
    {"a pattern that hides everything", "t.yaml", 0,
     "name: t\n"
     "sanitize: [card, {pattern: 'x*'}]\n"
     "nodes: [{id: a, type: start}]\n",
     "t.yaml:2:28: error: 'sanitize': the regular expression matches the empty text: it has to "
     "need a character\n"},
    {"a pattern alone", "t.yaml", 0,
     "name: t\n"
     "sanitize: {pattern: x}\n"
     "nodes: [{id: a, type: start}]\n",
     "t.yaml:2:11: error: 'sanitize' of the pipeline must be a list, not a map\n"
     "  begin each entry with '- '\n"},
    {"settings of a plugin", "t.yaml", 0,
     "bot: {token: x}\n"
     "rooms: {default: a}\n"
     "notifications: {timezone: UTC}\n",
     "t.yaml:1:1: error: this is not a pipeline: it has 'bot', but no 'name' or 'id' and nothing "
     "to run\n"
     "  settings of a plugin go under 'integrations' of a pipeline, or are named there: "
     "integrations: {PLUGIN: t.yaml}\n"},
    {"misspelled body without a name", "t.yaml", 0,
     "nods: [{id: a, type: start}]\n"
     "bot: x\n",
     "t.yaml:1:1: error: the pipeline has the unknown key 'nods'\n"
     "  did you mean 'nodes'?\n"
     "t.yaml:1:1: error: a pipeline needs a 'name' or an 'id'\n"
     "t.yaml:2:1: error: the pipeline has the unknown key 'bot'\n"},
    {"diagram", "t.mermaid", 0,
     "%% what happens\n"
     "\n"
     "graph TB\n"
     "    A([Start]) -->|Open| B[Fallback: cache]\n",
     "t.mermaid:1:1: error: this is a diagram, not a pipeline\n"
     "  `opstream graph` draws a pipeline; nothing makes one of a drawing\n"},
    {"unknown key", "t.yaml", 0,
     "name: t\n"
     "tiemout: 5s\n"
     "nodes:\n"
     "  - {id: a, type: start}\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'tiemout'\n"
     "  did you mean 'timeout'?\n"},
    {"unknown node key", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start, depend_on: [b]}\n",
     "t.yaml:3:26: error: node 'a' has the unknown key 'depend_on'\n"
     "  did you mean 'depends_on'?\n"},
    {"unknown edge key", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start}\n"
     "  - {id: b, type: passthrough}\n"
     "edges:\n"
     "  - {source: a, traget: b}\n",
     "t.yaml:6:17: error: an edge has the unknown key 'traget'\n"
     "  did you mean 'target'?\n"},
    {"doubled key", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: start\n"
     "    type: set\n",
     "t.yaml:5:5: error: the key 'type' is there twice; the first is at 4:5\n"},
    {"texts that are none", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start}\n"
     "  - {id: b, type: set, depends_on: [a, null]}\n",
     "t.yaml:4:40: error: 'depends_on' of node 'b' must be a list of texts, and its item 2 is "
     "nothing\n"},
    {"doubled key and more", "t.yaml", 0,
     "name: t\n"
     "tiemout: 5s\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    type: nope\n"
     "    id: b\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'tiemout'\n"
     "  did you mean 'timeout'?\n"
     "t.yaml:6:5: error: the key 'type' is there twice; the first is at 5:5\n"
     "t.yaml:7:5: error: the key 'id' is there twice; the first is at 4:5\n"},
    {"key not built", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: start\n"
     "    approval: {by: me}\n",
     "t.yaml:5:5: error: 'approval' is not built yet\n"
     "  leave it out: a key without effect is never accepted\n"},
    {"type not built", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: approval}\n",
     "t.yaml:3:19: error: the node type 'approval' is not built yet\n"},
    {"warns once", "t.yaml", 0,
     "name: t\n"
     "schedule: '* * * * *'\n"
     "nodes:\n"
     "  - {id: a, type: start}\n",
     "t.yaml:2:1: warning: 'schedule' has no effect in this version: it waits for the daemon\n"},
    {"nodes no list", "t.yaml", 0,
     "name: t\n"
     "nodes: {a: {type: start}}\n",
     "t.yaml:2:8: error: 'nodes' of the pipeline must be a list, not a map\n"
     "  begin each entry with '- '\n"},
    {"nodes empty", "t.yaml", 0,
     "name: t\n"
     "nodes: []\n",
     "t.yaml:2:8: error: 'nodes' is empty: a pipeline has at least one node\n"},
    {"node no map", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - a\n",
     "t.yaml:3:5: error: a node must be a map, not text\n"},
    {"node no id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {type: start}\n",
     "t.yaml:3:5: error: a node needs an 'id'\n"},
    {"node no type", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a}\n",
     "t.yaml:3:10: error: node 'a' needs a 'type', or a 'service' and an 'action'\n"},
    {"duration wrong", "t.yaml", 0,
     "name: t\n"
     "timeout: 30\n"
     "nodes:\n"
     "  - {id: a, type: start, timeout: soon}\n",
     "t.yaml:2:10: error: 'timeout' of the pipeline must be a duration like 250ms, 30s, 5m, 2h or "
     "7d, not '30'\n"
     "  write '30s' for seconds\n"
     "t.yaml:4:35: error: 'timeout' of node 'a' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not 'soon'\n"},
    {"no time at all", "t.yaml", 0,
     "name: t\n"
     "timeout: 0s\n"
     "resilience: {timeout: 0ms}\n"
     "integrations: {file: {timeout: 0m0s}}\n"
     "nodes:\n"
     "  - {id: a, type: start, timeout: 0h}\n"
     "  - {id: b, type: wait, config: {event: e, timeout: 0s}}\n"
     "  - {id: c, type: start, timeout: 1ns}\n",
     "t.yaml:2:10: error: 'timeout' of the pipeline must be more than 0, not '0s'\n"
     "t.yaml:3:23: error: 'timeout' of 'resilience' must be more than 0, not '0ms'\n"
     "t.yaml:4:16: warning: the plugin 'file' is not installed, and no node uses it\n"
     "t.yaml:4:32: error: 'timeout' of integration 'file' must be more than 0, not '0m0s'\n"
     "t.yaml:6:35: error: 'timeout' of node 'a' must be more than 0, not '0h'\n"
     "t.yaml:7:53: error: 'timeout' of node 'b' must be more than 0, not '0s'\n"},
    {"count wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, max_concurrency: 0, config: {url: x}}\n",
     "t.yaml:3:42: error: 'max_concurrency' of node 'a' must be a whole number from 1 on, not "
     "'0'\n"},
    {"choice wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start, join: al}\n",
     "t.yaml:3:32: error: 'join' of node 'a' must be one of 'default', 'any', 'all', not 'al'\n"
     "  did you mean 'all'?\n"},
    {"list wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start}\n"
     "  - {id: b, type: passthrough, depends_on: a}\n",
     "t.yaml:4:44: error: 'depends_on' of node 'b' must be a list of texts, not 'a'\n"
     "  write [a]\n"},
    {"size wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: code, limits: {memory: lots}, config: {language: bash, code: x}}\n",
     "t.yaml:3:42: error: 'memory' of 'limits' of node 'a' must be a size in bytes, or like 64KiB "
     "or 10MB, not 'lots'\n"},
    {"size in small letters", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: code, limits: {memory: 1gb, output: 2 gib, file_size: 5m},"
     " config: {language: bash, code: x}}\n",
     "t.yaml:3:42: error: 'memory' of 'limits' of node 'a' must be a size in bytes, or like 64KiB "
     "or 10MB, not '1gb'\n"
     "  write '1GB'\n"
     "t.yaml:3:55: error: 'output' of 'limits' of node 'a' must be a size in bytes, or like 64KiB "
     "or 10MB, not '2 gib'\n"
     "  write '2GiB'\n"
     "t.yaml:3:73: error: 'file_size' of 'limits' of node 'a' must be a size in bytes, or like "
     "64KiB or 10MB, not '5m'\n"
     "  write '5MB'\n"},
    {"size too large", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: code, limits: {memory: 99999999999999GiB},"
     " config: {language: bash, code: x}}\n",
     "t.yaml:3:42: error: 'memory' of 'limits' of node 'a' must be a size in bytes, or like 64KiB "
     "or 10MB, not '99999999999999GiB'\n"
     "  it is too large for a size\n"},
    {"limits elsewhere", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, limits: {memory: 1MB}}\n",
     "t.yaml:3:32: error: 'limits' of node 'a' have no effect: nodes of type 'set' start no "
     "processes\n"},
    {"at_most_once where nothing is changed", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, at_most_once: true}\n"
     "  - {id: b, type: http, at_most_once: 1, config: {url: x}}\n"
     "  - {id: c, type: workflow, at_most_once: true, config: {workflow: t}}\n"
     "  - {id: d, for_each: [1], at_most_once: true, nodes: [{id: e, type: set}]}\n"
     "  - {id: f, for_each: [1], at_most_once: false, type: wait, config: {seconds: 1}}\n",
     "t.yaml:3:24: error: 'at_most_once' of node 'a' has no effect: nodes of type 'set' change "
     "nothing outside\n"
     "t.yaml:4:39: error: 'at_most_once' of node 'b' must be true or false, not '1'\n"
     "  write true\n"
     "t.yaml:5:29: error: 'at_most_once' of node 'c' has no effect: nodes of type 'workflow' "
     "change nothing outside\n"
     "  it goes to nodes of the pipeline that is run\n"
     "t.yaml:6:28: error: the loop 'd' has 'nodes', so 'at_most_once' goes to one of these\n"
     "t.yaml:7:28: error: 'at_most_once' of node 'f' has no effect: nodes of type 'wait' change "
     "nothing outside\n"},
    {"at_most_once of states and tools", "t.yaml", 0,
     "workflows:\n"
     "  s:\n"
     "    initial_state: a\n"
     "    states:\n"
     "      a: {at_most_once: true, transitions: {go: b}}\n"
     "      b: {type: passthrough, at_most_once: true}\n"
     "  t: {tools: [{name: passthrough, at_most_once: true}]}\n",
     "t.yaml:5:11: error: 'at_most_once' of state 'a' has no effect: the state has no action\n"
     "t.yaml:6:30: error: 'at_most_once' of node 'b' has no effect: nodes of type 'passthrough' "
     "change nothing outside\n"
     "t.yaml:7:35: error: 'at_most_once' of node 'passthrough' has no effect: nodes of type "
     "'passthrough' change nothing outside\n"},
    {"labels and retention", "t.yaml", 0,
     "name: t\n"
     "labels: {team: [a], stage: , owner: {x: 1}, n: 1}\n"
     "retention: {keep: 30, keep_faild: 90d, max_runs: 0}\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:16: error: the label 'team' must be text, not a list\n"
     "t.yaml:2:28: error: the label 'stage' must be text, not nothing\n"
     "t.yaml:2:37: error: the label 'owner' must be text, not a map\n"
     "t.yaml:3:19: error: 'keep' of 'retention' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '30'\n"
     "  write '30s' for seconds\n"
     "t.yaml:3:23: error: 'retention' has the unknown key 'keep_faild'\n"
     "  did you mean 'keep_failed'?\n"
     "t.yaml:3:50: error: 'max_runs' of 'retention' must be a whole number from 1 on, not '0'\n"},
    {"retention that is no map", "t.yaml", 0,
     "name: t\n"
     "retention: 30d\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:12: error: 'retention' of the pipeline must be a map, not '30d'\n"},
    {"unknown type", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: htpp}\n",
     "t.yaml:3:19: error: unknown node type 'htpp'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"},
    {"unknown type far", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: kubernetes.apply}\n",
     "t.yaml:3:19: error: unknown node type 'kubernetes.apply'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"},
    {"broken plugin", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: broken.node}\n",
     "t.yaml:3:19: error: node type 'broken.node': the plugin 'broken' needs interface 2 of "
     "/p/broken.so\n"},
    {"type empty", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: ''}\n",
     "t.yaml:3:19: error: 'type' of node 'a' is empty\n"},
    {"constants without an end", "t.yaml", 0,
     "name: t\n"
     "config: {a: '{{'}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ config.a }}'}}\n",
     "t.yaml:2:14: error: 'config': '{{' has no closing '}}': {{ '{{' }} writes '{{'\n"},
    {"type and service", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, service: x, action: y}\n",
     "t.yaml:3:19: error: node 'a' has both 'type' and 'service' or 'action'\n"},
    {"config enum", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: http\n"
     "    config:\n"
     "      url: https://x\n"
     "      method: PSOT\n",
     "t.yaml:7:15: error: config of node 'a': 'method' must be one of 'GET', 'POST' or 'DELETE', "
     "found 'PSOT'\n"
     "  did you mean 'POST'?\n"},
    {"config required unknown", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: http\n"
     "    config: {ulr: https://x, tries: 0}\n",
     "t.yaml:5:14: error: config of node 'a': unknown key 'ulr'; allowed: 'url', 'method', "
     "'headers', 'tries', 'body'\n"
     "  did you mean 'url'?\n"
     "t.yaml:5:37: error: config of node 'a': 'tries' must be at least 1, found 0\n"},
    {"config no map", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: [1]}\n",
     "t.yaml:3:33: error: 'config' of node 'a' must be a map, not a list\n"
     "  write NAME: VALUE in place of a list\n"},
    {"duplicate id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start}\n"
     "  - {id: a, type: set}\n",
     "t.yaml:4:10: error: two nodes have the id 'a'; the first is at 3:10\n"},
    {"reserved id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: input, type: start}\n"
     "  - {id: for, type: set}\n",
     "t.yaml:3:10: error: 'input' is a reserved name and cannot be the id of a node\n"
     "  take another name, 'input_1' for example\n"
     "t.yaml:4:10: error: 'for' is a reserved name and cannot be the id of a node\n"
     "  take another name, 'for_1' for example\n"},
    {"bad id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: ' a', type: start}\n",
     "t.yaml:3:10: error: ' a' cannot be the id of a node\n"
     "  an id has at most 128 bytes, no control characters, and no blanks around it; letters, "
     "digits and '_' are best\n"},
    {"cycle", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, depends_on: [c]}\n"
     "  - {id: b, type: set, depends_on: [a]}\n"
     "  - {id: c, type: set, depends_on: [b]}\n",
     "t.yaml:4:37: error: nodes wait for each other: a → b → c → a\n"},
    {"cycle self", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, depends_on: [a]}\n",
     "t.yaml:3:37: error: nodes wait for each other: a → a\n"},
    {"two cycles", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, depends_on: [b]}\n"
     "  - {id: b, type: set, depends_on: [a]}\n"
     "  - {id: c, type: set, depends_on: [b, d]}\n"
     "  - {id: d, type: set, depends_on: [c]}\n",
     "t.yaml:4:37: error: nodes wait for each other: a → b → a\n"},
    {"edge nowhere", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: fetch, type: start}\n"
     "edges:\n"
     "  - {source: fetch, target: fecth}\n"
     "  - {source: fetch}\n",
     "t.yaml:5:29: error: 'target' of an edge names the unknown node 'fecth'\n"
     "  did you mean 'fetch'?\n"
     "t.yaml:6:5: error: an edge needs 'target'\n"},
    {"depends nowhere", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: fetch, type: start}\n"
     "  - {id: b, type: set, depends_on: [fetsh]}\n",
     "t.yaml:4:37: error: 'depends_on' of node 'b' names the unknown node 'fetsh'\n"
     "  did you mean 'fetch'?\n"},
    {"outcome unknown", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: r\n"
     "    type: router\n"
     "    config: {routes: [{name: bug, when: 'true'}], default: other}\n"
     "  - {id: b, type: set}\n"
     "edges:\n"
     "  - {source: r, target: b, outcome: bugs}\n",
     "t.yaml:8:37: error: node 'r' has no outcome 'bugs'; it has 'bug', 'other', 'success' and "
     "'error'\n"
     "  did you mean 'bug'?\n"},
    {"outcome port", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: s, type: split, config: {parts: [{name: mid}]}}\n"
     "  - {id: b, type: set}\n"
     "edges:\n"
     "  - {source: s, target: b, on: middle}\n",
     "t.yaml:6:32: error: node 's' has no outcome 'middle'; it has 'left', 'right', 'mid', "
     "'success' and 'error'\n"},
    {"outcome later", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: s, type: start}\n"
     "  - {id: b, type: set}\n"
     "edges:\n"
     "  - {source: s, target: b, on: queued}\n",
     "t.yaml:6:32: error: node 's' has no outcome 'queued': its calls go to no queue\n"
     "  give it on_open: queue\n"},
    {"goto nowhere", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: s, type: http, config: {url: x}, on_error: {goto: clean}}\n"
     "  - {id: cleanup, type: set}\n",
     "t.yaml:3:60: error: 'on_error' of node 's' names the unknown node 'clean'\n"},
    {"on error wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: s, type: http, config: {url: x}, on_error: ignore}\n",
     "t.yaml:3:53: error: 'on_error' of node 's' must be 'fail', 'continue' or {goto: NODE}\n"},
    {"named end close", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: c, type: conditional, config: {condition: input.x, true_edge: publsh}}\n"
     "  - {id: publish, type: set}\n",
     "t.yaml:3:72: error: 'true_edge' names the unknown node 'publsh'\n"
     "  did you mean 'publish'?\n"},
    {"named end", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: c, type: conditional, config: {condition: input.x, true_edge: done}}\n",
     "t.yaml:3:72: warning: 'true_edge' names no node: the branch ends there, as 'done'\n"},
    {"named end strict", "t.yaml", LOAD_STRICT,
     "name: t\n"
     "nodes:\n"
     "  - {id: c, type: conditional, config: {condition: input.x, true_edge: done}}\n",
     "t.yaml:3:72: error: 'true_edge' names no node: 'done'\n"},
    {"never runs", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: c, type: conditional, config: {condition: input.x}}\n"
     "  - {id: both, type: set, join: all}\n"
     "  - {id: after, type: set, depends_on: [both]}\n"
     "edges:\n"
     "  - {source: c, target: both, outcome: true}\n"
     "  - {source: c, target: both, outcome: false}\n",
     "t.yaml:4:10: error: node 'both' can never run\n"
     "  'join: all' waits for outcomes that never come together\n"
     "t.yaml:5:10: error: node 'after' can never run\n"
     "  what it depends on can never run\n"},
    {"expression syntax", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: input.x >\n",
     "t.yaml:5:20: error: 'when' of node 'a': the expression ends where a value is expected\n"},
    {"expression syntax quoted", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: \"input.x == 'a' and 1\"\n",
     "t.yaml:5:27: error: 'when' of node 'a': unexpected 'and' where an operator or the end is "
     "expected: use '&&'\n"},
    {"expression syntax block", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: |\n"
     "      input.x > 3 &&\n"
     "      input.y >> 2\n",
     "t.yaml:7:16: error: 'when' of node 'a': unexpected '>' where a value is expected\n"},
    {"expression unquoted", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: {{ input.x }}\n",
     "t.yaml:5:12: error: a key must be text\n"
     "  quote the expression: '?', ',' and '{{' mean something else in YAML\n"},
    {"expression unquoted flow", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: size(input.a, 2) > 1}\n",
     "t.yaml:3:42: error: 'when' of node 'a': the expression ends where ',' or ')' is expected\n"
     "t.yaml:3:44: error: node 'a' has the unknown key '2) > 1'\n"
     "  quote the expression: '?', ',' and '{{' mean something else in YAML\n"},
    {"unknown name", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: fetch, type: start}\n"
     "  - {id: b, type: set, depends_on: [fetch], when: fecth.output.x == 1}\n",
     "t.yaml:4:51: error: 'when' of node 'b': nothing is called 'fecth' here: did you mean "
     "'fetch'?\n"},
    {"unknown node by key", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: deploy-prod, type: start}\n"
     "  - {id: b, type: set, depends_on: [deploy-prod], config: {x: \"{{ "
     "nodes['deploy-pord'].status }}\"}}\n",
     "t.yaml:4:67: error: node 'b': there is no node 'deploy-pord'\n"
     "  did you mean 'deploy-prod'?\n"},
    {"cannot have run", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ b.output }}'}}\n"
     "  - {id: b, type: set, depends_on: [a]}\n"
     "  - {id: c, type: set, when: a.output.x == 1}\n",
     "t.yaml:3:40: error: node 'a': 'b' cannot have run before it\n"
     "  'b' depends on it\n"
     "t.yaml:5:30: error: node 'c': 'a' cannot have run before it\n"
     "  add 'a' to 'depends_on'\n"},
    {"reads itself", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ a.status }}'}}\n",
     "t.yaml:3:40: error: node 'a' cannot read itself\n"},
    {"reads its own round before", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    config: {n: '{{ default(a.n, 0) + 1 }}', m: '{{ a.n }}', s: '{{ a.status }}'}\n"
     "    repeat: {until: a.n == 3}\n",
     "t.yaml:5:53: warning: node 'a': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"may be absent", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: r, type: conditional, config: {condition: input.x, true_edge: a}}\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, depends_on: [r, a], config: {x: '{{ a.output }}', y: '{{ "
     "has(a.output) }}'}}\n",
     "t.yaml:5:60: warning: node 'b': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"reads the start from afar", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: input.x}\n"
     "  - {id: b, type: start, depends_on: [a]}\n"
     "  - {id: c, type: set, depends_on: [b], config: {x: '{{ a.output }}'}}\n",
     "t.yaml:5:57: warning: node 'c': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"reads the start behind its failure", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, on_error: {goto: e}}\n"
     "  - {id: b, type: start, depends_on: [a]}\n"
     "  - {id: c, type: set, depends_on: [b], config: {x: '{{ a.output }}'}}\n"
     "  - {id: e, type: set}\n"
     "  - {id: f, type: set, depends_on: [e], config: {x: '{{ a.output }}'}}\n",
     "t.yaml:7:57: warning: node 'f': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"asked for before it is read", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: r, type: conditional, config: {condition: input.x, true_edge: a}}\n"
     "  - {id: a, type: set, config: {x: 1, y: 2}}\n"
     "  - {id: c, type: set, config: {x: '{{ has(r.output) ? a.x : 0 }}'}, depends_on: [r, a]}\n"
     "  - {id: d, type: set, config: {x: '{{ has(a.output) ? a.x + a.output.y : 0 }}'}, "
     "depends_on: [r, a]}\n"
     "  - {id: e, type: set, config: {x: \"{{ has(nodes.a.output) ? nodes.a.x : 0 }}\"}, "
     "depends_on: [r, a]}\n",
     "t.yaml:5:56: warning: node 'c': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"output of a set node", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {count: 1, all: \"{{ [1] }}\", deep: {x: 1}, status: up}}\n"
     "  - id: b\n"
     "    type: set\n"
     "    depends_on: [a]\n"
     "    config:\n"
     "      x: '{{ a.cuont }} {{ a.output.deep.y }} {{ nodes.a.output.none }}'\n"
     "      y: '{{ a.status }}'\n"
     "      right: '{{ a.count }} {{ a.all[0].x }} {{ a.deep.x }} {{ a.output.?none.orValue(0) "
     "}} {{ has(a.none) }} {{ a.output.status }}'\n",
     "t.yaml:8:14: error: node 'b': the output of 'a' has no 'cuont'\n"
     "  did you mean 'count'?\n"
     "t.yaml:8:28: error: node 'b': the output of 'a' has no 'y'\n"
     "t.yaml:8:50: error: node 'b': the output of 'a' has no 'none'\n"
     "t.yaml:9:14: error: node 'b': 'a.status' can mean the node's own or its output's\n"
     "  write 'a.output.status', or nodes['a'].status\n"},
    {"input defaults that break their schemas", "t.yaml", 0,
     "name: t\n"
     "input:\n"
     "  type: object\n"
     "  $defs: {port: {type: integer, maximum: 65535}}\n"
     "  properties:\n"
     "    n: {type: integer, minimum: 2, default: 1}\n"
     "    s: {type: string, default: 2.0}\n"
     "    p: {$ref: '#/$defs/port', default: 70000}\n"
     "    in: {type: object, required: [a], default: {}, properties: {a: {enum: [x], default: "
     "z}}}\n"
     "    list: {type: array, default: [1, b], items: {type: integer}}\n"
     "    right: {type: object, required: [a], default: {}, properties: {a: {default: z}}}\n"
     "    null: {type: [string, 'null'], default: null}\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:6:45: error: the default of 'input.n' must be at least 2, found 1\n"
     "t.yaml:7:32: error: the default of 'input.s' must be text, found 2.0\n"
     "t.yaml:8:40: error: the default of 'input.p' must be at most 65535, found 70000\n"
     "t.yaml:9:89: error: the default of 'input.in.a' must be 'x', found 'z'\n"
     "t.yaml:10:38: error: the default of 'input.list': '1' must be a whole number, found text "
     "'b'\n"},
    {"types of what every run has", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, depends_on: [a], when: a.status}\n"
     "  - {id: c, type: set, depends_on: [a], when: a.attempts > 1, config: {x: '{{ a.attempts + "
     "run.id "
     "}}', y: '{{ event.type + 1 }}', z: '{{ a.started_at - run.started_at + duration(\"1s\") "
     "}}'}}\n"
     "  - id: l\n"
     "    for_each: [1]\n"
     "    nodes: [{id: q, type: set, when: iter.index, config: {n: '{{ iter.first ? iter.count : 0 "
     "}}'}}]\n",
     "t.yaml:4:47: error: node 'b': 'a.status' must be true or false, and this is always text\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:5:79: error: node 'c': '+' does not take (int, string) in 'a.attempts + run.id': "
     "convert with string(x), int(x) or double(x)\n"
     "t.yaml:5:111: error: node 'c': '+' does not take (string, int) in 'event.type + 1': convert "
     "with string(x), int(x) or double(x)\n"
     "t.yaml:8:38: error: node 'q': 'iter.index' must be true or false, and this is always a "
     "number\n"
     "  compare it with something: nothing is truthy\n"},
    {"what an input may lack", "t.yaml", 0,
     "name: t\n"
     "input:\n"
     "  $defs: {d: {type: integer, default: 443}}\n"
     "  additionalProperties: false\n"
     "  properties: {q: {$ref: '#/$defs/d'}, t: {type: string}, l: {type: array}, m: {default: {}, "
     "additionalProperties: false, properties: {x: {default: {}, additionalProperties: false}}}}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {v: '{{ input.q }}', w: '{{ input.t }}'}}\n"
     "  - {id: b, type: set, when: has(input.t) && input.q > 1, config: {v: '{{ input.t }}'}}\n"
     "  - {id: c, for_each: input.l, when: has(input.l), type: set, config: {v: '{{ item }}'}}\n"
     "  - {id: d, type: set, when: has(input.l), config: {v: '{{ input.t }}'}}\n"
     "  - {id: e, type: set, config: {v: '{{ input.m.x.y }} {{ has(input.m.z) }} {{ input.o "
     "}}'}}\n",
     "t.yaml:7:60: warning: node 'a': 'input.t' may be absent: it has no default and is not "
     "required\n"
     "  guard it: default(input.?t, ...)\n"
     "t.yaml:10:60: warning: node 'd': 'input.t' may be absent: it has no default and is not "
     "required\n"
     "  guard it: default(input.?t, ...)\n"
     "t.yaml:11:40: error: node 'e': 'input.m.x' has no 'y'\n"
     "t.yaml:11:62: warning: node 'e': 'input.m' has no 'z'\n"
     "t.yaml:11:79: error: node 'e': 'input' has no 'o'\n"},
    {"a machine that ends well in one state", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: ok, error: bad}}\n"
     "  ok: {type: set, config: {t: 1}}\n"
     "  bad: {result: failed}\n"
     "output: '{{ ok.t }} {{ bad.output }}'\n",
     "t.yaml:7:24: warning: 'output': 'bad' may have no output here\n"
     "  guard it: has(bad.output), or coalesce(bad.?output, ...)\n"},
    {"an error that is asked for", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: b, type: set, on_error: continue, config: {x: 1}}\n"
     "  - {id: c, type: set, depends_on: [b], config: {w: \"{{ has(b.error) ? 0 : b.x "
     "}}\"}}\n"
     "  - {id: d, type: set, depends_on: [b], when: '!has(b.error)', config: {w: '{{ b.x }}'}}\n"
     "  - {id: e, type: set, depends_on: [b], when: \"b.status != 'failed'\", config: {w: '{{ b.x "
     "}}'}}\n"
     "  - {id: f, type: set, depends_on: [b], when: '!has(b.output)', config: {w: '{{ b.x }}'}}\n",
     "t.yaml:7:81: warning: node 'f': 'b' may have no output here\n"
     "  guard it: has(b.output), or coalesce(b.?output, ...)\n"},
    {"output field unknown", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {x: '{{ a.output.stauts }}', y: '{{ a.boody "
     "}}'}}\n",
     "t.yaml:4:57: error: node 'b': the output of 'a' has no 'stauts'\n"
     "  did you mean 'status'?\n"
     "t.yaml:4:85: error: node 'b': the output of 'a' has no 'boody'\n"
     "  did you mean 'body'?\n"},
    {"short form ambiguous", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n"
     "  - {id: b, type: set, depends_on: [a], when: a.status == 200}\n",
     "t.yaml:4:47: error: node 'b': 'a.status' can mean the node's own or its output's\n"
     "  write 'a.output.status', or nodes['a'].status\n"},
    {"config name unset", "t.yaml", 0,
     "name: t\n"
     "config: {channel: x}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ config.chanel }}'}}\n",
     "t.yaml:4:40: warning: node 'a': nothing sets 'config.chanel'\n"
     "  did you mean 'channel'?\n"},
    {"config name unset start", "t.yaml", LOAD_START,
     "name: t\n"
     "config: {channel: x}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ config.chanel }}'}}\n",
     "t.yaml:4:40: error: node 'a': nothing sets 'config.chanel'\n"
     "  did you mean 'channel'?\n"},
    {"env unset", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '${NOT_SET_HERE}'}}\n",
     "t.yaml:3:36: warning: config of node 'a': the environment variable 'NOT_SET_HERE' is not "
     "set\n"
     "  set it, or give a default: ${NOT_SET_HERE:-...}\n"},
    {"env unset where rules are", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, method: '${NOT_SET_HERE}', tries: '${NOT_SET}'}}\n",
     "t.yaml:3:50: warning: config of node 'a': the environment variable 'NOT_SET_HERE' is not "
     "set\n"
     "  set it, or give a default: ${NOT_SET_HERE:-...}\n"
     "t.yaml:3:76: warning: config of node 'a': the environment variable 'NOT_SET' is not set\n"
     "  set it, or give a default: ${NOT_SET:-...}\n"
     "t.yaml:3:76: error: config of node 'a': 'tries' must be a whole number, found text ''\n"},
    {"env unset start", "t.yaml", LOAD_START,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '${NOT_SET_HERE}'}}\n",
     "t.yaml:3:36: error: config of node 'a': the environment variable 'NOT_SET_HERE' is not set\n"
     "  set it, or give a default: ${NOT_SET_HERE:-...}\n"},
    {"secret not set", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: 'Bearer {{ secrets.api_key }}', B: "
     "\"{{ secrets['api_key'] }}\"}}}\n",
     "t.yaml:3:66: warning: config of node 'a': the secret 'api_key' is not set\n"
     "  set OPSTREAM_SECRET_API_KEY\n"},
    {"secrets not set at start", "t.yaml", LOAD_START,
     "name: t\n"
     "integrations:\n"
     "  http: {token: 'https://{{ secrets.host }}/'}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: \"{{ 'k ' + base64(secrets['my.user'] "
     "+ ':' + secrets.password) }}\"}}}\n"
     "  - {id: b, type: code, config: {language: bash, code: '{{ secrets.raw }}', input_mapping: "
     "{a: {b: ['{{ secrets.deep }}']}}}}\n",
     "t.yaml:3:29: error: integration 'http': the secret 'host' is not set\n"
     "  set OPSTREAM_SECRET_HOST\n"
     "t.yaml:5:73: error: config of node 'a': the secret 'my.user' is not set\n"
     "  set OPSTREAM_SECRET_MY_USER\n"
     "t.yaml:5:100: error: config of node 'a': the secret 'password' is not set\n"
     "  set OPSTREAM_SECRET_PASSWORD\n"
     "t.yaml:6:105: error: config of node 'b': the secret 'deep' is not set\n"
     "  set OPSTREAM_SECRET_DEEP\n"},
    {"secrets not set of nodes that the constants switch off", "t.yaml", LOAD_START,
     "name: t\n"
     "config: {page: '', team: web}\n"
     "integrations:\n"
     "  http: {token: 'https://{{ secrets.host }}/'}\n"
     "nodes:\n"
     "  - {id: a, type: http, when: \"config.page != '' && input.loud\", config: {url: x, headers: "
     "{A: "
     "'{{ secrets.off }}'}}}\n"
     "  - id: b\n"
     "    for_each: [1]\n"
     "    when: config.page != ''\n"
     "    nodes: [{id: c, type: http, config: {url: x, headers: {A: '{{ secrets.inside }}'}}}]\n"
     "  - {id: d, type: code, when: \"config.team == 'web' && input.loud\", config: {language: "
     "bash, "
     "code: x, input_mapping: {a: '{{ secrets.on }}'}}}\n"
     "  - {id: e, type: code, config: {language: bash, code: x, input_mapping: {a: '{{ secrets.off "
     "}}'}}}\n",
     "t.yaml:11:126: error: config of node 'd': the secret 'on' is not set\n"
     "  set OPSTREAM_SECRET_ON\n"
     "t.yaml:12:82: error: config of node 'e': the secret 'off' is not set\n"
     "  set OPSTREAM_SECRET_OFF\n"},
    {"secrets not set that the pipeline can do without", "t.yaml", LOAD_START,
     "name: t\n"
     "integrations:\n"
     "  http: {token: 'https://{{ secrets.host }}/'}\n"
     "nodes:\n"
     "  - {id: a, type: http, when: has(secrets.host) && input.loud, config: {url: x, headers: {A: "
     "\"{{ default(secrets.one, '') }}\", B: \"{{ secrets.?two.orValue('') }}\", C: \"{{ "
     "has(secrets.three) ? 'k ' + secrets.three : '' }}\"}}}\n"
     "  - {id: b, type: set, config: {x: '{{ has(secrets.four) }}'}}\n"
     "  - {id: c, type: code, config: {language: bash, code: x, input_mapping: {a: "
     "'{{ secrets.four }}', b: '{{ secrets.one }}'}}}\n",
     "t.yaml:7:107: error: config of node 'c': the secret 'one' is not set\n"
     "  set OPSTREAM_SECRET_ONE\n"},
    {"what has() asks of secrets", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: has(secrets.a.b), config: {x: '{{ has(secrets[input.x].y) "
     "}}'}}\n"
     "  - {id: b, type: set, config: {x: '{{ [has(secrets.a), default(secrets.b, 0)] }}'}}\n"
     "  - {id: c, type: code, config: {language: bash, code: x, input_mapping: {a: "
     "\"{{ secrets.?c }}\", b: \"{{ secrets.c == '' ? 1 : 2 }}\"}}}\n",
     "t.yaml:3:34: error: 'when' of node 'a': 'secrets.a' is text: it has no 'b'\n"
     "t.yaml:3:68: error: config of node 'a': 'secrets' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"
     "t.yaml:4:65: error: config of node 'b': 'secrets.b' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"
     "t.yaml:5:82: error: config of node 'c': 'secrets.c' can only be put into text, joined with "
     "'+' or given to base64()\n"
     "t.yaml:5:105: error: config of node 'c': 'secrets.c' can only be put into text, joined with "
     "'+' or given to base64()\n"},
    {"secret in a field that takes none", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: 'http://x/?key={{ secrets.key }}'}}\n"
     "  - {id: b, type: set, config: {x: '{{ secrets.key }}'}}\n",
     "t.yaml:3:57: error: config of node 'a': 'secrets.key' may not stand here\n"
     "  secrets may stand in 'integrations' and, in this config, in 'headers'\n"
     "t.yaml:4:40: error: config of node 'b': 'secrets.key' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"},
    {"secret in a setting that takes none", "t.yaml", 0,
     "name: t\n"
     "integrations: {http: {base_url: 'http://x/{{ secrets.key }}'}}\n"
     "nodes: [{id: a, type: http, config: {url: 'http://x/'}}]\n",
     "t.yaml:2:46: error: integration 'http': 'secrets.key' may not stand here\n"
     "  of these settings, secrets may stand in 'token'\n"},
    {"secret in a condition", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: secrets.key == 'x'}\n"
     "  - {id: b, type: set}\n"
     "edges:\n"
     "  - {source: a, target: b, when: 'secrets.key != \"\"'}\n"
     "output: {k: '{{ secrets.key }}'}\n",
     "t.yaml:3:30: error: 'when' of node 'a': 'secrets.key' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"
     "t.yaml:6:35: error: 'when' of the edge from 'a' to 'b': 'secrets.key' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"
     "t.yaml:7:17: error: 'output': 'secrets.key' may not stand here\n"
     "  secrets may stand in 'integrations' and in fields such as 'headers' of http\n"},
    {"secret without a constant name", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: '{{ secrets[input.name] }}', B: '{{ "
     "secrets }}'}}}\n",
     "t.yaml:3:59: error: config of node 'a': a secret is read by its name, and the name must be "
     "constant\n"
     "  write secrets.NAME or secrets['NAME']\n"
     "t.yaml:3:91: error: config of node 'a': a secret is read by its name, and the name must be "
     "constant\n"
     "  write secrets.NAME or secrets['NAME']\n"},
    {"secret with a field", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: '{{ secrets.github.token }}'}}}\n",
     "t.yaml:3:59: error: config of node 'a': 'secrets.github' is text: it has no 'token'\n"},
    {"secret with a name that none has", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: \"{{ secrets['api key'] }}\"}}}\n",
     "t.yaml:3:59: error: config of node 'a': no secret can have the name 'api key'\n"
     "  names have 1 to 128 letters, digits, '_', '-' and '.'; in secrets['NAME'] all of them\n"},
    {"secret that is computed with", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x, headers: {A: '{{ size(secrets.key) }}', B: '{{ "
     "secrets.key == \"x\" }}'}}}\n",
     "t.yaml:3:64: error: config of node 'a': 'secrets.key' can only be put into text, joined with "
     "'+' or given to base64()\n"
     "t.yaml:3:89: error: config of node 'a': 'secrets.key' can only be put into text, joined with "
     "'+' or given to base64()\n"},
    {"secret's variable", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: '${OPSTREAM_SECRET_API_KEY}'}}\n",
     "t.yaml:3:39: error: config of node 'a': 'OPSTREAM_SECRET_API_KEY' is a secret's variable\n"
     "  write {{ secrets.api_key }}\n"},
    {"iter", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ iter.index }}'}}\n",
     "t.yaml:3:40: error: config of node 'a': nothing is called 'iter' here: it is there only "
     "inside a loop: in the nodes of 'for_each'\n"},
    {"run field", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ run.idd }}'}}\n",
     "t.yaml:3:40: error: node 'a': 'run' has no 'idd'\n"
     "  did you mean 'id'?\n"},
    {"input closed", "t.yaml", 0,
     "name: t\n"
     "input: {type: object, additionalProperties: false, properties: {repo: {type: string}}}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ input.rpo }}', y: '{{ input.repo }}'}}\n",
     "t.yaml:4:40: error: node 'a': 'input' has no 'rpo'\n"
     "  did you mean 'repo'?\n"
     "t.yaml:4:62: warning: node 'a': 'input.repo' may be absent: it has no default and is not "
     "required\n"
     "  guard it: default(input.?repo, ...)\n"},
    {"input no schema", "t.yaml", 0,
     "name: t\n"
     "input:\n"
     "  type: object\n"
     "  properties:\n"
     "    n: {type: integr}\n"
     "nodes:\n"
     "  - {id: a, type: set}\n",
     "t.yaml:5:15: error: 'input' is no valid schema: /properties/n/type: 'integr' is no type: did "
     "you mean 'integer'?\n"},
    {"condition no bool", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: \"'yes'\"}\n"
     "  - {id: c, type: conditional, config: {condition: 1 + 1}}\n",
     "t.yaml:3:31: error: 'when' of node 'a' must be true or false, and this is always text\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:4:52: error: 'condition' of node 'c' must be true or false, and this is always a "
     "number\n"
     "  compare it with something: nothing is truthy\n"},
    {"wait wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: wait}\n"
     "  - {id: b, type: wait, config: {event: x}}\n"
     "  - {id: c, type: wait, config: {seconds: -1}}\n"
     "  - {id: d, type: wait, config: {until: tomorrow}}\n",
     "t.yaml:3:10: error: node 'a' needs one of 'seconds', 'until' and 'event' in its "
     "config\n"
     "t.yaml:5:43: error: config of node 'c': 'seconds' must be at least 0, found -1\n"
     "t.yaml:6:41: error: config of node 'd': 'until' must be a date and time as in "
     "'2024-02-29T12:30:00Z', found 'tomorrow'\n"},
    {"queue.process wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: queue.process, config: {max_items: 0, wait: soon}}\n"
     "  - {id: b, type: queue.process, config: {plugin: http}, retry: off, at_most_once: true}\n"
     "  - {id: c, type: queue.proces}\n"
     "  - {id: d, type: set, config: {x: '{{ a.stream }}'}, depends_on: [a]}\n",
     "t.yaml:3:54: error: config of node 'a': 'max_items' must be at least 1, found 0\n"
     "t.yaml:3:63: error: config of node 'a': 'wait' must be a duration above 0 as in '250ms', "
     "'30s' or '1h30m', found 'soon'\n"
     "t.yaml:4:43: error: config of node 'b': unknown key 'plugin'; allowed: 'workflow', 'node', "
     "'max_items', 'wait'\n"
     "t.yaml:4:58: error: 'retry' of node 'b' has no effect: nodes of type 'queue.process' run "
     "once\n"
     "  it goes to the nodes whose calls are queued\n"
     "t.yaml:4:70: error: 'at_most_once' of node 'b' has no effect: nodes of type 'queue.process' "
     "change nothing outside\n"
     "  it goes to the nodes whose calls are queued\n"
     "t.yaml:5:19: error: unknown node type 'queue.proces'\n"
     "  did you mean 'queue.process'? the folders searched: /p, /q\n"
     "t.yaml:6:40: error: node 'd': 'a.stream' is only for 'for_each'\n"
     "  write for_each: a.stream, and nothing else in it\n"},
    {"router wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: r, type: router, config: {routes: [{name: error, when: 'true'}, {name: b, when: "
     "'true'}, {name: b, when: 'false'}, {nam: c}]}}\n",
     "t.yaml:3:52: error: 'error' cannot be the name of a route: it is an outcome of every node\n"
     "t.yaml:3:106: error: two routes have the name 'b'; the first is at 3:81\n"
     "t.yaml:3:125: error: config of node 'r': 'routes.3' must have the key 'when'\n"
     "t.yaml:3:126: error: config of node 'r': 'routes.3': unknown key 'nam'; allowed: "
     "'name', 'when'\n"
     "  did you mean 'name'?\n"},
    {"conditional wrong", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: r, type: conditional, config: {conditon: 'true'}}\n",
     "t.yaml:3:41: error: config of node 'r': unknown key 'conditon'; allowed: 'condition', "
     "'true_edge', 'false_edge'\n"
     "  did you mean 'condition'?\n"},
    {"settings wrong", "t.yaml", 0,
     "name: t\n"
     "integrations:\n"
     "  http: {baseurl: x}\n"
     "  code: {x: 1}\n"
     "  other: {x: 1}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n",
     "t.yaml:3:10: error: integration 'http': unknown key 'baseurl'; allowed: 'base_url', 'token'\n"
     "  did you mean 'base_url'?\n"
     "t.yaml:4:10: error: the plugin 'code' has no setting 'x'\n"
     "  it has none of its own, only timeout, max_concurrency and policies\n"
     "t.yaml:5:3: warning: the plugin 'other' is not installed, and no node uses it\n"},
    {"settings of nodes", "t.yaml", 0,
     "name: t\n"
     "integrations:\n"
     "  code: {on_open: queue}\n"
     "resilience: {cache: {ttl: 1m}, fallback: {value: 1}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n",
     "t.yaml:3:10: error: the plugin 'code' has no setting 'on_open'\n"
     "  nodes differ in it: put it at a node\n"
     "t.yaml:4:14: error: 'resilience' has the unknown key 'cache'\n"
     "  nodes differ in it: put it at a node\n"
     "t.yaml:4:32: error: 'resilience' has the unknown key 'fallback'\n"
     "  nodes differ in it: put it at a node\n"},
    {"settings misspelt", "t.yaml", 0,
     "name: t\n"
     "integrations:\n"
     "  code: {max_concurency: 1}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n",
     "t.yaml:3:10: error: the plugin 'code' has no setting 'max_concurency'\n"
     "  did you mean 'max_concurrency'?\n"},
    {"settings missing plugin", "t.yaml", 0,
     "name: t\n"
     "integrations:\n"
     "  github: {token: x}\n"
     "nodes:\n"
     "  - {id: a, type: github.fetch}\n",
     "t.yaml:3:3: error: the plugin 'github' is not installed\n"
     "  the folders searched: /p, /q\n"
     "t.yaml:5:19: error: unknown node type 'github.fetch'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"},
    {"expression field", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: filter\n"
     "    config:\n"
     "      keep: \"input.x >> 1\"\n",
     "t.yaml:6:23: error: config of node 'a': unexpected '>' where a value is expected\n"},
    {"template syntax", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    config:\n"
     "      text: \"Hello {{ input.x + }}!\"\n"
     "      more: 'a {{ b'\n",
     "t.yaml:6:33: error: config of node 'a': the expression ends where a value is expected\n"
     "t.yaml:7:16: error: config of node 'a': '{{' has no closing '}}': {{ '{{' }} writes '{{'\n"},
    {"two whens", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start}\n"
     "  - {id: b, type: set}\n"
     "edges:\n"
     "  - {source: a, target: b, when: input.x}\n"
     "  - {source: a, target: b, when: input.y}\n",
     "t.yaml:7:5: error: two edges from 'a' to 'b' have a 'when'; the first is at 6:5\n"
     "  edges between one pair count as one: join the conditions\n"},
    {"json place", "t.json", 0,
     "{\"name\": \"t\",\n"
     " \"nodes\": [{\"id\": \"a\", \"type\": \"sett\"}]}",
     "t.json:2:32: error: unknown node type 'sett'\n"
     "  did you mean 'set'? the folders searched: /p, /q\n"},
    {"json expression field", "t.json", 0,
     "{\"name\": \"t\",\n"
     " \"nodes\": [{\"id\": \"a\", \"type\": \"filter\", \"config\": {\"keep\": \"input.x >> "
     "1\"}}]}",
     "t.json:2:71: error: config of node 'a': unexpected '>' where a value is expected\n"},
    {"json syntax", "t.json", 0,
     "{\"name\": \"t\",\n"
     " \"nodes\": [}",
     "t.json:2:12: error: a value is missing before this '}'\n"},
    {"several errors sorted", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: b, type: nope, depends_on: [x]}\n"
     "  - {id: a, type: set, when: \"1\"}\n"
     "output: '{{ c.output }}'\n",
     "t.yaml:3:19: error: unknown node type 'nope'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"
     "t.yaml:3:38: error: 'depends_on' of node 'b' names the unknown node 'x'\n"
     "t.yaml:4:31: error: 'when' of node 'a' must be true or false, and this is always a number\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:5:13: error: 'output': nothing is called 'c' here\n"},
    {"condition of arithmetic", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: 1 + 1}\n"
     "  - {id: b, type: set, when: input.x - 1}\n"
     "  - {id: c, type: set, when: '[1][0]'}\n",
     "t.yaml:3:30: error: 'when' of node 'a' must be true or false, and this is always a number\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:4:30: error: 'when' of node 'b' must be true or false, and this is always the result"
     " of arithmetic\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:5:31: error: 'when' of node 'c' must be true or false, and this is always a number\n"
     "  compare it with something: nothing is truthy\n"},
    {"template in a template", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: '{{ {{ input.x }} }}'}}\n",
     "t.yaml:3:40: error: config of node 'a': '{{' inside of braces: leave the inner ones out\n"},
    {"constants that fail", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: 1 / 0 > 1, config: {x: '{{ 1 < \"a\" }}', y: '{{ 6 / 2 }}'}}\n",
     "t.yaml:3:30: error: 'when' of node 'a' always fails: division by zero in '1 / 0'\n"
     "t.yaml:3:57: error: config of node 'a': '<' does not take (int, string) in '1 < \"a\"': "
     "convert with string(x), int(x) or double(x)\n"},
    {"words of other tools", "t.yaml", 0,
     "name: t\n"
     "jobs:\n"
     "  - {id: a, uses: set}\n"
     "env: {A: b}\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'jobs'\n"
     "  did you mean 'nodes'?\n"
     "t.yaml:4:1: error: the pipeline has the unknown key 'env'\n"
     "  did you mean 'environment'?\n"},
    {"words of other tools for nodes", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, uses: set, needs: [b], if: 'true', with: {x: 1}}\n"
     "  - {id: b, kind: set}\n"
     "edges:\n"
     "  - {from: b, to: a}\n",
     "t.yaml:3:13: error: node 'a' has the unknown key 'uses'\n"
     "  did you mean 'type'?\n"
     "t.yaml:3:24: error: node 'a' has the unknown key 'needs'\n"
     "  did you mean 'depends_on'?\n"
     "t.yaml:3:36: error: node 'a' has the unknown key 'if'\n"
     "  did you mean 'when'?\n"
     "t.yaml:3:48: error: node 'a' has the unknown key 'with'\n"
     "  did you mean 'config'?\n"
     "t.yaml:4:13: error: node 'b' has the unknown key 'kind'\n"
     "  did you mean 'type'?\n"
     "t.yaml:6:6: error: an edge has the unknown key 'from'\n"
     "  did you mean 'source'?\n"
     "t.yaml:6:15: error: an edge has the unknown key 'to'\n"
     "  did you mean 'target'?\n"},
    {"upper case", "t.yaml", 0,
     "Name: t\n"
     "Nodes: [{id: a, type: set}]\n",
     "t.yaml:1:1: error: the pipeline has the unknown key 'Name'\n"
     "  did you mean 'name'?\n"
     "t.yaml:2:1: error: the pipeline has the unknown key 'Nodes'\n"
     "  did you mean 'nodes'?\n"},
    {"node without an id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {ID: a, type: set, cofnig: {}}\n"
     "  - {id: [a], type: set}\n"
     "  - {id: '', type: set}\n",
     "t.yaml:3:6: error: a node has the unknown key 'ID'\n"
     "  did you mean 'id'?\n"
     "t.yaml:3:24: error: a node has the unknown key 'cofnig'\n"
     "  did you mean 'config'?\n"
     "t.yaml:4:10: error: 'id' of a node must be text, not a list\n"
     "t.yaml:5:10: error: the id of a node is empty\n"},
    {"not indented", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    config:\n"
     "    x: 1\n",
     "t.yaml:6:5: error: node 'a' has the unknown key 'x'\n"
     "  indent it deeper to put it below 'config'\n"},
    {"type with a method", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http.get, config: {url: x}}\n",
     "t.yaml:3:19: error: unknown node type 'http.get'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"},
    {"units", "t.yaml", 0,
     "name: t\n"
     "timeout: 5 minutes\n"
     "nodes:\n"
     "  - {id: a, type: set, timeout: 30sec, milestone: yes}\n"
     "  - {id: b, type: set, timeout: 100 millis, milestone: off}\n"
     "  - {id: c, type: set, timeout: 1w}\n",
     "t.yaml:2:10: error: 'timeout' of the pipeline must be a duration like 250ms, 30s, 5m, 2h or "
     "7d, not '5 minutes'\n"
     "  write '5m'\n"
     "t.yaml:4:33: error: 'timeout' of node 'a' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '30sec'\n"
     "  write '30s'\n"
     "t.yaml:4:51: error: 'milestone' of node 'a' must be true or false, not 'yes'\n"
     "  write true\n"
     "t.yaml:5:33: error: 'timeout' of node 'b' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '100 millis'\n"
     "  write '100ms'\n"
     "t.yaml:5:56: error: 'milestone' of node 'b' must be true or false, not 'off'\n"
     "  write false\n"
     "t.yaml:6:33: error: 'timeout' of node 'c' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not '1w'\n"},
    {"names of other languages", "t.yaml", 0,
     "name: t\n"
     "input: {type: object, required: [url], properties: {url: {type: string}}}\n"
     "config: {channel: ops}\n"
     "nodes:\n"
     "  - {id: my-node, type: set, when: input.url == None, config: {x: '{{ url }}', y: '{{ "
     "channel }}'}}\n"
     "  - {id: b, type: set, depends_on: [my-node], when: yes, config: {x: '{{ my-node.x }}', y: "
     "'{{ env.HOME }}', z: '${{ input.url }}'}}\n",
     "t.yaml:5:49: error: 'when' of node 'my-node': nothing is called 'None' here: write null\n"
     "t.yaml:5:71: error: config of node 'my-node': nothing is called 'url' here: did you mean "
     "'input.url'?\n"
     "t.yaml:5:87: error: config of node 'my-node': nothing is called 'channel' here: did you mean "
     "'config.channel'?\n"
     "t.yaml:6:53: error: 'when' of node 'b': nothing is called 'yes' here: write true\n"
     "t.yaml:6:74: error: config of node 'b': nothing is called 'my' here: write nodes['my-node']\n"
     "t.yaml:6:96: error: config of node 'b': nothing is called 'env' here: environment variables "
     "are written ${NAME}\n"
     "t.yaml:6:114: error: config of node 'b': '${{' is of other tools: leave the '$' out\n"},
    {"wait for nothing", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: wait, config: {duration: 5s}}\n",
     "t.yaml:3:34: error: config of node 'a': unknown key 'duration'; allowed: 'seconds', 'until', "
     "'event', 'match', 'timeout'\n"},
    {"input without a schema", "t.yaml", 0,
     "name: t\n"
     "input: {repo: string, kind: string}\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:9: error: 'input' is a JSON Schema, and 'repo' is no keyword of it\n"
     "  write {type: object, properties: {repo: {type: string}}}\n"},
    {"input with remarks", "t.yaml", 0,
     "name: t\n"
     "input: {type: object, requried: [a], x-note: 1, properties: {a: {typ: string}, type: {items: "
     "{minimun: 1}}}}\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:23: warning: 'requried' is no keyword of JSON Schema: it checks nothing\n"
     "  did you mean 'required'?\n"
     "t.yaml:2:66: warning: 'typ' is no keyword of JSON Schema: it checks nothing\n"
     "  did you mean 'type'?\n"
     "t.yaml:2:95: warning: 'minimun' is no keyword of JSON Schema: it checks nothing\n"
     "  did you mean 'minimum'?\n"},
    {"input as a list", "t.yaml", 0,
     "name: t\n"
     "input: [repo]\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:8: error: 'input' of the pipeline must be a map, not a list\n"
     "  write {type: object, properties: {NAME: {type: string}}}\n"},
    {"a key of another name in a config", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: c, type: conditional, config: {if: 'true'}}\n"
     "  - {id: h, type: http, config: {address: x, mode: y}}\n",
     "t.yaml:3:41: error: config of node 'c': unknown key 'if'; allowed: 'condition', 'true_edge', "
     "'false_edge'\n"
     "  did you mean 'condition'?\n"
     "t.yaml:4:33: error: config of node 'h' must have the key 'url'\n"
     "t.yaml:4:34: error: config of node 'h': unknown key 'address'; allowed: 'url', 'method', "
     "'headers', 'tries', 'body'\n"
     "t.yaml:4:46: error: config of node 'h': unknown key 'mode'; allowed: 'url', 'method', "
     "'headers', 'tries', 'body'\n"},
    {"a key that a config must have, and its node has, too", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, name: A, type: ticket, config: {}}\n"
     "  - {id: h, url: x, type: http, config: {}}\n",
     "t.yaml:3:44: error: config of node 'a' must have the key 'name'\n"
     "t.yaml:4:13: error: node 'h' has the unknown key 'url'\n"
     "  what a type takes goes into 'config'\n"},
    {"a key that a config must have, and a pipeline of one node has, too", "t.yaml", 0,
     "name: t\n"
     "type: ticket\n"
     "config: {}\n",
     "t.yaml:3:9: error: config of node 't' must have the key 'name'\n"},
    {"a block of a config that is not indented", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: http\n"
     "    config:\n"
     "      url: x\n"
     "      headers:\n"
     "      Accept: text/plain\n",
     "t.yaml:8:7: error: config of node 'a': unknown key 'Accept'; allowed: 'url', 'method', "
     "'headers', 'tries', 'body'\n"
     "  indent it deeper to put it below 'headers'\n"},
    {"secrets as constants", "t.yaml", 0,
     "name: t\n"
     "config: {token: '{{ secrets.token }}'}\n"
     "nodes: [{id: a, type: set, config: {x: '{{ config.token }}'}}]\n",
     "t.yaml:2:17: error: 'config' holds constants: an expression is not allowed here\n"
     "  a secret is named where it is needed: in 'integrations', or in fields such as 'headers' of "
     "http\n"},
    {"edges as text", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, on_error: b}\n"
     "  - {id: b, type: router, config: {routes: [{name: bug, when: input.x == 1}]}}\n"
     "  - {id: c, type: set}\n"
     "  - {id: d, type: set, action: fetch}\n"
     "  - {id: e, service: github}\n"
     "edges:\n"
     "  - a -> b\n"
     "  - {source: b, target: c, when: bug}\n",
     "t.yaml:3:34: error: 'on_error' of node 'a' must be 'fail', 'continue' or {goto: NODE}\n"
     "  write {goto: b}\n"
     "t.yaml:6:19: error: node 'd' has both 'type' and 'service' or 'action'\n"
     "t.yaml:7:13: error: node 'e' has 'service', but no 'action'\n"
     "  or write type: github\n"
     "t.yaml:9:5: error: an edge must be a map, not text\n"
     "  write {source: NODE, target: NODE}\n"
     "t.yaml:10:34: error: 'when' of the edge from 'b' to 'c': nothing is called 'bug' here: write "
     "outcome: bug in place of 'when'\n"},
    {"config keys beside the config", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, url: x}\n"
     "  - {id: b, type: http, url: x, config: {}}\n",
     "t.yaml:3:25: error: node 'a' has the unknown key 'url'\n"
     "  what a type takes goes into 'config'\n"
     "t.yaml:4:25: error: node 'b' has the unknown key 'url'\n"
     "  what a type takes goes into 'config'\n"},
    {"types of other tools", "t.yaml", 0,
     "workflows:\n"
     "  one:\n"
     "    nodes:\n"
     "      - {id: a, type: bash, config: {code: x}}\n"
     "      - {id: b, type: request, config: {url: x}}\n"
     "      - {id: c, type: two}\n"
     "      - {id: d, type: sleep}\n"
     "  two: {type: set}\n",
     "t.yaml:4:23: error: unknown node type 'bash'\n"
     "  did you mean 'code'? the folders searched: /p, /q\n"
     "t.yaml:5:23: error: unknown node type 'request'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"
     "t.yaml:6:23: error: unknown node type 'two'\n"
     "  it is a workflow: type: workflow, config: {workflow: two}\n"
     "t.yaml:7:23: error: unknown node type 'sleep'\n"
     "  did you mean 'wait'? the folders searched: /p, /q\n"},
    {"outcomes of other tools", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, timeout: ''}\n"
     "edges:\n"
     "  - {source: a, target: b, outcome: failed}\n"
     "on_error: [{id: c, type: set}]\n",
     "t.yaml:4:33: error: 'timeout' of node 'b' must be a duration like 250ms, 30s, 5m, 2h or 7d, "
     "not ''\n"
     "t.yaml:6:37: error: node 'a' has no outcome 'failed'; it has 'success' and 'error'\n"
     "  did you mean 'error'?\n"
     "t.yaml:7:1: error: the pipeline has the unknown key 'on_error'\n"
     "  did you mean 'on_failure'?\n"},
    {"types of other languages in the input", "t.yaml", 0,
     "name: t\n"
     "input: {type: object, properties: {n: {type: int}}}\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:46: error: 'input' is no valid schema: /properties/n/type: 'int' is no type: did "
     "you mean 'integer'?\n"},
    {"routes without expressions", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: r, type: router, config: {routes: [{name: a, when: []}, {name: b, when: {c: 1}}, "
     "{name: [], when: 'true'}]}}\n",
     "t.yaml:3:61: error: 'when' of route 'a' of node 'r' must be an expression, not a list\n"
     "t.yaml:3:82: error: 'when' of route 'b' of node 'r' must be an expression, not a map\n"
     "t.yaml:3:98: error: config of node 'r': 'routes.2.name' must be text, found an empty list\n"},
    {"workflow wrapper", "t.yaml", 0,
     "workflow:\n"
     "  name: t\n"
     "  nodes: [{id: a, type: start}]\n"
     "other: 1\n",
     "t.yaml:4:1: error: the file has the unknown key 'other'\n"},
    {"workflows empty", "t.yaml", 0, "workflows: {}\n",
     "t.yaml:1:12: error: 'workflows' is empty\n"},
    {"templates that break the schema", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: wait, config: {seconds: \"{{ input.n }}s\"}}\n"
     "  - {id: b, type: wait, config: {seconds: \" {{ 'abc' }} \"}}\n"
     "  - {id: c, type: wait, config: {until: \"{{ 5 }}\"}}\n"
     "  - {id: d, type: wait, config: {until: \"{{ input.day }}T00:00:00Z\"}}\n"
     "  - {id: e, type: http, config: {url: \"{{ [1] }}\", method: \"{{ 'FETCH' }}\", tries: \"{{ "
     "input.a }}{{ input.b }}\"}}\n"
     "  - {id: f, type: http, config: {url: \"{{ 'x' }}\", method: \"{{ 'GET' }}\", tries: \"{{ 1 "
     "+ 1 }}\", headers: {a: \"1{{ input.a }}\", b: \"{{ null }}\"}}}\n"
     "  - {id: g, type: http, config: {url: \"{{ '}}' }}\", tries: \"{{ '}}' }}\", body: \"{{ "
     "optional.none() }}\", method: \"{{ 1 / 0 }}\"}}\n"
     "  - {id: h, type: workflow, config: {workflow: \"{{ 'x' }}y\", input: \"a {{ input }}\", "
     "wait: \"${input.a} \"}}\n"
     "  - {id: i, type: split, config: {parts: \"[{{ input.a }}]\"}}\n",
     "t.yaml:3:43: error: config of node 'a': 'seconds' must be a number, found text '{{ input.n "
     "}}s'\n"
     "  text around an expression makes text of it: leave it out\n"
     "t.yaml:4:43: error: config of node 'b': 'seconds' must be a number, found text 'abc'\n"
     "t.yaml:5:41: error: config of node 'c': 'until' must be text, found 5\n"
     "t.yaml:7:39: error: config of node 'e': 'url' must be text, found a list\n"
     "t.yaml:7:60: error: config of node 'e': 'method' must be one of 'GET', 'POST' or 'DELETE', "
     "found 'FETCH'\n"
     "t.yaml:7:84: error: config of node 'e': 'tries' must be a whole number, found text '{{ "
     "input.a }}{{ input.b }}'\n"
     "t.yaml:8:131: error: config of node 'f': 'headers.b' must be text, found a value that is "
     "not shown\n"
     "t.yaml:9:60: error: config of node 'g': 'tries' must be a whole number, found text '}}'\n"
     "t.yaml:9:117: error: config of node 'g' always fails: division by zero in '1 / 0'\n"
     "t.yaml:10:69: error: config of node 'h': 'input' must be a map, found text 'a {{ input }}'\n"
     "  text around an expression makes text of it: leave it out\n"
     "t.yaml:11:42: error: config of node 'i': 'parts' must be a list, found text '[{{ input.a "
     "}}]'\n"
     "  text around an expression makes text of it: leave it out\n"},
    {"guards", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: input.go, config: {x: 1}}\n"
     "  - {id: b-1, type: set, when: input.go, config: {x: 1}}\n"
     "  - {id: c, type: set, depends_on: [a], when: has(a.output), config: {y: \"{{ a.x }}\"}}\n"
     "  - {id: d, type: set, depends_on: [a], when: \"input.n > 1 && ({{ a.status }} == "
     "'completed')\", config: {y: \"{{ a.x }}\"}}\n"
     "  - {id: e, type: set, depends_on: [a], when: \"(a.status == 'completed' && {{ has( a.x ) "
     "}})\", config: {y: \"{{ a.output.x }}\"}}\n"
     "  - {id: f, type: set, depends_on: [b-1], when: \"\\\"skipped\\\" != nodes['b-1'].status\", "
     "config: {y: \"{{ nodes['b-1'].output.x }}\"}}\n"
     "  - {id: g, depends_on: [a], when: has(a.output), for_each: \"[1]\", nodes: [{id: h, type: "
     "set, config: {y: \"{{ a.x }}\"}}]}\n"
     "  - {id: i, type: set, depends_on: [a, b-1], config: {x: \"{{ a.status == 'completed' ? a.x "
     ": 0 }}\", y: \"{{ nodes['b-1'].status in ['skipped'] ? 0 : nodes['b-1'].output.x }}\"}}\n"
     "  - {id: k, type: set, depends_on: [a], when: \"has(a.output) || input.n > 1\", config: {y: "
     "\"{{ a.x }}\"}}\n"
     "  - {id: l, type: set, depends_on: [a], when: \"!has(a.output) && a.status == 'skipped'\", "
     "config: {y: \"{{ a.x }}\"}}\n"
     "  - {id: m, type: set, depends_on: [a], when: \"input.n > 1 ? has(a.output) && true : "
     "false\", config: {y: \"{{ a.x }}\"}}\n"
     "  - {id: n, type: set, depends_on: [a], when: \"[a.status == 'completed' && true, "
     "false].size() > 1 && has(a.error)\", config: {y: \"{{ {'s': a.status, 'x': a.x} }}\"}}\n"
     "  - {id: o, type: set, depends_on: [a, b-1], when: \"has(nodes['b-1'].output)\", config: "
     "{y: \"{{ a.x }}\"}}\n"
     "edges: [{source: c, target: i, when: a.output.x > 1}]\n",
     "t.yaml:11:95: warning: node 'k': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:12:106: warning: node 'l': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:13:110: warning: node 'm': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:14:155: warning: node 'n': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:15:96: warning: node 'o': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:16:38: warning: an edge from 'c': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"names that lead nowhere, strictly", "t.yaml", LOAD_STRICT,
     "name: t\n"
     "config: {channel: a}\n"
     "input: {properties: {channel: {default: 1}}}\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: \"{{ config.zz }} {{ config.chanel }} {{ input.chanel "
     "}}\"}}\n",
     "t.yaml:5:40: error: node 'a': nothing sets 'config.zz'\n"
     "t.yaml:5:56: error: node 'a': nothing sets 'config.chanel'\n"
     "  did you mean 'channel'?\n"
     "t.yaml:5:76: error: node 'a': nothing says that 'input' has 'chanel'\n"
     "  did you mean 'channel'?\n"},
    {"input schemas with many faults", "t.yaml", 0,
     "workflows:\n"
     "  a:\n"
     "    input: {required: true, properties: {a: {type: integr}, c: {items: {type: strin, enum: "
     "3}}, d/e: {type: [object, lst]}, f: 3, g: {$ref: \"#/x\"}, h: {anyOf: [{type: 5}, 3]}}}\n"
     "    nodes: [{id: a, type: set, config: {x: \"{{ input.a }}\"}}]\n"
     "  b:\n"
     "    input: {type: array, items: {type: string}}\n"
     "    nodes: [{id: a, type: set}]\n"
     "  c:\n"
     "    input: {type: [string, object]}\n"
     "    nodes: [{id: a, type: set}]\n",
     "t.yaml:3:23: error: 'input' is no valid schema: /required: must be a list of property "
     "names\n"
     "t.yaml:3:52: error: 'input' is no valid schema: /properties/a/type: 'integr' is no type: "
     "did you mean 'integer'?\n"
     "t.yaml:3:79: error: 'input' is no valid schema: /properties/c/items/type: 'strin' is no "
     "type: did you mean 'string'?\n"
     "t.yaml:3:92: error: 'input' is no valid schema: /properties/c/items/enum: must be a list of "
     "values\n"
     "t.yaml:3:109: error: 'input' is no valid schema: /properties/d~1e/type: must be 'null', "
     "'boolean', 'integer', 'number', 'string', 'array' or 'object', or a list of different ones\n"
     "t.yaml:3:128: error: 'input' is no valid schema: /properties/f: must be a schema: a map, "
     "true or false\n"
     "t.yaml:3:141: error: 'input' is no valid schema: /properties/g/$ref: '#/x' names nothing in "
     "this document\n"
     "t.yaml:3:168: error: 'input' is no valid schema: /properties/h/anyOf/0/type: must be "
     "'null', 'boolean', 'integer', 'number', 'string', 'array' or 'object', or a list of "
     "different ones\n"
     "t.yaml:3:172: error: 'input' is no valid schema: /properties/h/anyOf/1: must be a schema: a "
     "map, true or false\n"
     "t.yaml:6:19: error: 'input' must be of type 'object': what a run is given is always a map\n"
     "  write {type: object, properties: {NAME: {...}}}\n"},
    {"constants with expressions", "t.yaml", 0,
     "name: cfg\n"
     "config: {c: \"{{ input.x }}\", d: \"{{ 1 + 1 }}\", e: \"{{ config.d }}\", f: \"{{ now }}\", "
     "g: [\"x {{ a.x }}\"], h: {i: \"{{ 1 + 'x' }}\", j: \"{{ 1 / 0 }}\"}, k: \"${NOPE_X}\", l: "
     "\"{{ 1 \", m: \"${input.x}\", n: \"$${x}\", o: \"${secret\"}\n"
     "nodes: [{id: a, type: set, config: {x: \"{{ config.c }} {{ config.d }}\"}}]\n",
     "t.yaml:2:13: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:33: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:51: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:72: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:89: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:112: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:132: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:151: warning: 'config': the environment variable 'NOPE_X' is not set\n"
     "  set it, or give a default: ${NOPE_X:-...}\n"
     "t.yaml:2:167: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:179: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"
     "t.yaml:2:208: error: 'config' holds constants: an expression is not allowed here\n"
     "  write it where the value is read, or into a node of type 'set'\n"},
    {"errors that are not there", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: 1}}\n"
     "  - {id: b, type: set, on_error: continue, config: {x: 1}}\n"
     "  - {id: c, type: set, when: input.go, config: {x: 1}}\n"
     "  - {id: f, type: fail, on_error: continue, config: {message: m}}\n"
     "  - {id: g, type: http, config: {url: x}}\n"
     "  - {id: u, type: set, depends_on: [a], config: {v1: \"{{ a.error.code }}\", v2: \"x {{ "
     "input.z ? a.error.code : '' }}\", v3: \"{{ a.?error.?code }}\"}}\n"
     "  - {id: v, type: set, depends_on: [b, f], config: {v1: \"{{ b.error.code }}\", v2: \"{{ "
     "b.status == 'failed' ? b.error.code : '' }}\", v3: \"{{ f.error.message }}\", v4: \"{{ "
     "b.error.mesage }}\", v5: \"{{ b.started_at }}\"}}\n"
     "  - {id: w, type: set, depends_on: [b], when: has(b.error), config: {v1: \"{{ b.error.code "
     "}}\", v2: \"{{ b.error.cause }}\"}}\n"
     "  - {id: x, type: set, depends_on: [c], config: {v1: \"{{ c.started_at }}\", v2: \"{{ "
     "c.attempts }}\", v3: \"{{ has(c.output) ? c.finished_at : now }}\", v4: \"{{ run.error "
     "}}\", v5: \"s {{ input.z ? run.error.code : '' }}\"}}\n"
     "  - {id: y, type: set, config: {v1: \"{{ g.error.code }}\"}}\n"
     "  - {id: z, type: set, depends_on: [y], config: {v1: \"{{ g.error.code }}\"}}\n"
     "  - {id: z2, type: set, depends_on: [g], config: {v1: \"{{ g.error.code }}\"}}\n"
     "edges: [{source: g, target: y, outcome: error}]\n"
     "output: {u: \"{{ u.error.code }}\", v: \"{{ b.error.code }}\", w: \"{{ run.error.code }}\", "
     "x: \"{{ default(run.?error.?code, '') }}\"}\n"
     "on_failure:\n"
     "  - {id: t, type: set, config: {x: \"{{ run.error.kode }}\", y: \"{{ a.error.code }}\", z: "
     "\"{{ run.error.code }}\"}}\n"
     "on_success:\n"
     "  - {id: s, type: set, config: {x: \"{{ run.error.code }}\", y: \"{{ a.error.code }}\"}}\n"
     "finally:\n"
     "  - {id: r, type: set, config: {x: \"{{ run.error.code }}\", y: \"{{ run.status == 'failed' "
     "? run.error.code : '' }}\"}}\n"
     "  - {id: q, type: set, when: has(run.error), config: {x: \"{{ run.error.code }}\"}}\n",
     "t.yaml:8:58: error: node 'u': 'a' has no error here: when it fails, this is not reached\n"
     "  an edge with outcome: error leads on from a failure, or 'a' has on_error: continue\n"
     "t.yaml:8:96: warning: node 'u': 'a' has no error here: when it fails, this is not reached\n"
     "  an edge with outcome: error leads on from a failure, or 'a' has on_error: continue\n"
     "t.yaml:9:61: warning: node 'v': 'b' may have no error here\n"
     "  guard it: default(b.?error.?code, ...)\n"
     "t.yaml:9:170: warning: node 'v': nothing says that the error of 'b' has 'mesage'\n"
     "  did you mean 'message'?\n"
     "t.yaml:9:170: warning: node 'v': 'b' may have no error here\n"
     "  guard it: default(b.?error.?code, ...)\n"
     "t.yaml:10:104: warning: node 'w': nothing says that the error of 'b' has 'cause'\n"
     "t.yaml:11:58: warning: node 'x': 'c' may have no 'started_at' here: it may not have run\n"
     "  guard it: default(c.?started_at, ...)\n"
     "t.yaml:11:157: error: node 'x': 'run' has no error here: it has not failed\n"
     "  it is there in 'on_failure', 'on_cancel' and 'finally'\n"
     "t.yaml:11:192: warning: node 'x': 'run' has no error here: it has not failed\n"
     "  it is there in 'on_failure', 'on_cancel' and 'finally'\n"
     "t.yaml:14:59: warning: node 'z2': 'g' may have no error here\n"
     "  guard it: default(g.?error.?code, ...)\n"
     "t.yaml:16:17: error: 'output': 'u' has no error here: when it fails, this is not reached\n"
     "  an edge with outcome: error leads on from a failure, or 'u' has on_error: continue\n"
     "t.yaml:16:42: warning: 'output': 'b' may have no error here\n"
     "  guard it: default(b.?error.?code, ...)\n"
     "t.yaml:16:67: error: 'output': 'run' has no error here: it has not failed\n"
     "  it is there in 'on_failure', 'on_cancel' and 'finally'\n"
     "t.yaml:18:40: warning: node 't': nothing says that 'run.error' has 'kode'\n"
     "  did you mean 'code'?\n"
     "t.yaml:18:67: warning: node 't': 'a' may have no error here\n"
     "  guard it: default(a.?error.?code, ...)\n"
     "t.yaml:20:40: error: node 's': 'run' has no error here: it has not failed\n"
     "  it is there in 'on_failure', 'on_cancel' and 'finally'\n"
     "t.yaml:20:67: error: node 's': 'a' has no error here: when it fails, this is not reached\n"
     "  an edge with outcome: error leads on from a failure, or 'a' has on_error: continue\n"
     "t.yaml:22:40: warning: node 'r': 'run' may have no error here\n"
     "  guard it: default(run.?error.?code, ...)\n"},
    {NULL, NULL, 0, NULL, NULL},
};

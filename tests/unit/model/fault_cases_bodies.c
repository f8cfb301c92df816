/* SPDX-License-Identifier: Apache-2.0 */
/* Likely mistakes with bodies: loops, steps, states, tools, endings; and all that people are told.
 */
#include "tests/unit/model/fault_cases.h"

#include <stddef.h>

const struct fault_case fault_cases_bodies[] = {
    {"queue.process with nodes", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: queue.process, retry: off, output: 1, collect: list, on_limit: stop,\n"
     "     max_iterations: 3, max_parallel: x, config: {wait: 1}, nodes: [{id: a1, type: set}]}\n"
     "  - {id: b, type: queue.process, nodes: []}\n"
     "  - {id: c, type: queue.process, nodes: 5}\n"
     "  - {id: d, type: queue.process, as: x}\n"
     "  - {id: e, type: queue.process, for_each: [1], nodes: [{id: e1, type: set}]}\n"
     "  - {id: f, type: set, compensate: {type: queue.process, nodes: [{id: f1, type: set}]}}\n",
     "t.yaml:3:34: error: 'retry' of node 'a' has no effect: nodes of type 'queue.process' run "
     "once\n"
     "  it goes to the nodes whose calls are queued\n"
     "t.yaml:3:46: error: 'output' of node 'a' has no effect: its output is what became of the "
     "calls\n"
     "t.yaml:3:57: error: 'collect' of node 'a' has no effect: its output is what became of the "
     "calls\n"
     "t.yaml:3:72: error: 'on_limit' of node 'a' has no effect: 'max_items' of its config says how "
     "many calls there are\n"
     "t.yaml:4:6: error: 'max_iterations' of node 'a' has no effect: 'max_items' of its config "
     "says how many calls there are\n"
     "t.yaml:4:39: error: 'max_parallel' of node 'a' must be a whole number from 1 on, not 'x'\n"
     "t.yaml:4:57: error: config of node 'a': 'wait' must be a duration above 0 as in '250ms', "
     "'30s' or '1h30m', found '1'\n"
     "t.yaml:5:41: error: 'nodes' is empty: give it a node\n"
     "t.yaml:6:41: error: 'nodes' of node 'c' must be a list, not '5'\n"
     "  write [5]\n"
     "t.yaml:7:34: error: 'as' of node 'd' is of loops: it needs 'for_each'\n"
     "t.yaml:8:19: error: node 'e' has 'nodes', so its type is 'loop', not 'queue.process'\n"
     "t.yaml:9:24: warning: 'compensate' has an effect only with 'rollback: true', here or in a "
     "pipeline that runs this one\n"
     "t.yaml:9:58: error: 'nodes' is not for 'compensate': it is one node that runs once\n"},
    {"names in queue.process", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: queue.process, as: call, nodes: [{id: b, type: set, config: {x: '{{ "
     "item.run }}'}},\n"
     "     {id: a, type: set}, {id: nodes, type: set}]}\n"
     "  - {id: c, type: set, depends_on: [a], config: {x: '{{ b.output }}'}}\n",
     "t.yaml:3:87: error: config of node 'b': nothing is called 'item' here: the items are called "
     "'call' here\n"
     "t.yaml:4:11: error: the id 'a' is taken by a node that can be seen from here, at 3:10\n"
     "  take another name: 'a' means that node\n"
     "t.yaml:4:31: error: 'nodes' is a reserved name and cannot be the id of a node\n"
     "  take another name, 'nodes_1' for example\n"
     "t.yaml:5:57: error: config of node 'c': nothing is called 'b' here: it is inside the loop "
     "'a': use 'a.output'\n"},
    {"steps depends", "t.yaml", 0,
     "name: t\n"
     "steps:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, depends_on: [a]}\n"
     "edges:\n"
     "  - {source: a, target: b}\n",
     "t.yaml:4:24: error: 'depends_on' of node 'b': steps run in the order in which they are "
     "written\n"
     "  for another order write 'nodes' in place of 'steps'\n"
     "t.yaml:5:1: error: 'edges' without 'nodes'\n"
     "  steps run in the order in which they are written\n"},
    {"two bodies", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "steps:\n"
     "  - {id: b, type: set}\n",
     "t.yaml:4:1: error: a pipeline has one body: 'steps' stands beside 'nodes' at 2:1\n"},
    {"nodes without for each", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    nodes:\n"
     "      - {id: b, type: set}\n",
     "t.yaml:3:9: error: node 'a' has 'nodes' and needs 'for_each'\n"
     "  say what the loop goes over: for_each: input.items\n"},
    {"loop without", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: loop}\n"
     "  - {id: b, type: set, batch_size: 5, until: true, output: 1}\n",
     "t.yaml:3:19: error: the loop 'a' needs 'for_each' and 'nodes'\n"
     "t.yaml:4:24: error: 'batch_size' of node 'b' is of loops: it needs 'for_each'\n"
     "t.yaml:4:39: error: 'until' of node 'b' is of loops: it needs 'for_each'\n"
     "  to run one node again: repeat: {until: ...}\n"
     "t.yaml:4:52: error: 'output' of node 'b' is of loops: it needs 'for_each'\n"},
    {"loop with work", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: http\n"
     "    for_each: [1]\n"
     "    config: {url: x}\n"
     "    nodes:\n"
     "      - {id: b, type: set}\n",
     "t.yaml:4:11: error: node 'a' has 'nodes', so its type is 'loop', not 'http'\n"
     "t.yaml:6:5: error: the loop 'a' has 'nodes', so 'config' goes to one of these\n"},
    {"seen from outside", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: each\n"
     "    for_each: [1, 2]\n"
     "    nodes:\n"
     "      - {id: classify, type: set}\n"
     "  - {id: z, type: set, depends_on: [classify], config: {x: \"{{ classify.output.y }}\"}}\n",
     "t.yaml:7:37: error: 'depends_on' of node 'z' names 'classify', which is inside the loop "
     "'each'\n"
     "  from outside only the loop is there: 'each'\n"
     "t.yaml:7:64: error: config of node 'z': nothing is called 'classify' here: it is inside the "
     "loop 'each': use 'each.output'\n"},
    {"item outside", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: each\n"
     "    for_each: [1, 2]\n"
     "    as: issue\n"
     "    when: issue > 1\n"
     "    nodes:\n"
     "      - {id: b, type: set, depends_on: [z], config: {x: \"{{ issue }}{{ iter.index }}{{ "
     "each.output }}{{ iter.idx }}\"}}\n"
     "  - {id: z, type: set, config: {x: \"{{ issue }} {{ iter.index }}\"}}\n",
     "t.yaml:6:11: error: 'when' of node 'each': nothing is called 'issue' here: the items are "
     "there only inside the loop, in its 'nodes'\n"
     "t.yaml:8:41: error: 'depends_on' of node 'b' names 'z', which is outside of this body\n"
     "  what is before the loop has ended when its body runs\n"
     "t.yaml:8:88: error: node 'b': the loop 'each' has not ended inside of it\n"
     "t.yaml:8:105: error: node 'b': 'iter' has no 'idx'\n"
     "t.yaml:9:40: error: config of node 'z': nothing is called 'issue' here: it is there only "
     "inside the loop 'each', as its item\n"
     "t.yaml:9:52: error: config of node 'z': nothing is called 'iter' here: it is there only "
     "inside a loop: in the nodes of 'for_each'\n"},
    {"enclosing id", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - id: each\n"
     "    for_each: [1]\n"
     "    nodes:\n"
     "      - {id: a, type: set}\n",
     "t.yaml:7:14: error: the id 'a' is taken by a node that can be seen from here, at 3:10\n"
     "  take another name: 'a' means that node\n"},
    {"not before loop", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: late, type: set}\n"
     "  - id: each\n"
     "    for_each: [1]\n"
     "    nodes:\n"
     "      - {id: b, type: set, config: {x: \"{{ late.output.y }}\"}}\n",
     "t.yaml:7:44: error: node 'b': 'late' cannot have run before it\n"
     "  add 'late' to 'depends_on' of 'each'\n"},
    {"as", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, for_each: [1], as: a}\n"
     "  - {id: c, type: set, for_each: [1], as: in}\n"
     "  - {id: d, type: set, for_each: [1], as: a-b}\n"
     "  - {id: e, type: set, for_each: [1], as: x, as_batch: y, max_parallel: 2}\n",
     "t.yaml:4:43: error: 'a' cannot be the name of an item: it is a node, at 3:10\n"
     "t.yaml:5:43: error: 'in' cannot be the name of an item: it is reserved\n"
     "t.yaml:6:43: error: 'a-b' cannot be the name of an item: it is no name of letters, digits "
     "and _\n"
     "t.yaml:7:46: error: node 'e' has both 'as' and 'as_batch'\n"
     "t.yaml:7:59: error: 'max_parallel' of node 'e' has no effect: with 'as_batch' the body runs "
     "once for a batch\n"},
    {"items", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: 5}\n"
     "  - {id: b, type: set, for_each: \"'text'\"}\n"
     "  - {id: c, type: set, for_each: {x: 3, y: [1]}}\n"
     "  - {id: d, type: set, for_each: inptu.list}\n",
     "t.yaml:3:34: error: 'for_each' of node 'a' must be a list, a map of lists or an expression, "
     "not a whole number\n"
     "  to count: range(5)\n"
     "t.yaml:4:34: error: 'for_each' of node 'b' must be a list, a map of lists or NODE.stream\n"
     "t.yaml:5:38: error: 'x' of 'for_each' of node 'c' must be a list, or an expression that "
     "gives one, not a whole number\n"
     "t.yaml:6:34: error: 'for_each' of node 'd': nothing is called 'inptu' here: did you mean "
     "'input'?\n"},
    {"stream", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, for_each: a.stream}\n"
     "  - {id: c, type: set, config: {x: \"{{ a.stream }}\"}}\n",
     "t.yaml:4:34: error: 'a' has no stream: nodes of type 'set' emit no items\n"
     "  go over its output: for_each: a.output...\n"
     "t.yaml:5:40: error: node 'c': 'a.stream' is only for 'for_each'\n"
     "  write for_each: a.stream, and nothing else in it\n"},
    {"stream depends", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit}\n"
     "  - {id: b, type: set, for_each: a.stream, depends_on: [a]}\n"
     "  - id: c\n"
     "    for_each: [1]\n"
     "    nodes:\n"
     "      - {id: d, type: set, for_each: a.stream}\n",
     "t.yaml:4:57: error: 'b' reads the stream of 'a' and cannot depend on it, too\n"
     "  leave the dependency out: the first item starts it\n"
     "t.yaml:8:38: error: 'a.stream' cannot be read in another body than that of 'a'\n"
     "  a stream is read by loops beside its node\n"},
    {"stream behind its end", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit}\n"
     "  - {id: b, type: set, depends_on: [a]}\n"
     "  - {id: c, type: set, for_each: a.stream, depends_on: [b]}\n"
     "  - {id: d, type: set, for_each: a.stream}\n"
     "  - {id: e, type: set, for_each: a.stream, depends_on: [d]}\n"
     "  - {id: f, type: set, depends_on: [d]}\n",
     "t.yaml:5:57: error: 'c' waits for 'b', which ends only after 'c' has read the stream of 'a'\n"
     "  leave that dependency out, or go over an output in place of a stream\n"
     "t.yaml:7:57: error: 'e' waits for 'd', which ends only after 'e' has read the stream of 'a'\n"
     "  leave that dependency out, or go over an output in place of a stream\n"},
    {"streams crossed", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit}\n"
     "  - {id: b, type: emit}\n"
     "  - {id: c, type: set, for_each: a.stream, depends_on: [b]}\n"
     "  - {id: d, type: set, for_each: b.stream, depends_on: [a]}\n",
     "t.yaml:5:57: error: 'c' waits for 'b', which ends only after 'c' has read the stream of 'a'\n"
     "  leave that dependency out, or go over an output in place of a stream\n"
     "t.yaml:6:57: error: 'd' waits for 'a', which ends only after 'd' has read the stream of 'b'\n"
     "  leave that dependency out, or go over an output in place of a stream\n"},
    {"stream of a step before the last", "t.yaml", 0,
     "name: t\n"
     "steps:\n"
     "  - {id: a, type: emit}\n"
     "  - {id: b, type: set}\n"
     "  - {id: c, type: set, for_each: a.stream}\n",
     "t.yaml:5:10: error: 'c' waits for 'b', which ends only after 'c' has read the stream of 'a'\n"
     "  leave that dependency out, or go over an output in place of a stream\n"},
    {"stream cycle", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit, depends_on: [b]}\n"
     "  - {id: b, type: set, for_each: a.stream}\n",
     "t.yaml:4:10: error: nodes wait for each other: a → b → a\n"},
    {"numbers", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: [1], max_failures: 10 percent, on_limit: halt, collect: "
     "all}\n"
     "  - {id: b, type: set, for_each: [1], collect: {init: 1}}\n"
     "  - {id: c, type: set, for_each: [1], max_failures: 110%, batch_size: 0}\n",
     "t.yaml:3:53: error: 'max_failures' of node 'a' must be a whole number, or a share like 10%\n"
     "t.yaml:3:75: error: 'on_limit' of node 'a' must be one of 'fail', 'stop', not 'halt'\n"
     "t.yaml:3:90: error: 'collect' of node 'a' must be 'list', 'none', 'count' or {reduce, init}\n"
     "t.yaml:4:48: error: 'collect' of node 'b' needs 'reduce'\n"
     "t.yaml:5:53: error: 'max_failures' of node 'c' must be a whole number, or a share like 10%\n"
     "  at most 100% of the items can fail\n"
     "t.yaml:5:71: error: 'batch_size' of node 'c' must be a whole number from 1 on, not '0'\n"},
    {"repeat", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: [1], repeat: {until: true}}\n"
     "  - {id: b, type: set, repeat: {max_iterations: 3}}\n"
     "  - {id: c, type: set, repeat: {until: c.attempts > 1, delay: 5, times: 3}}\n",
     "t.yaml:3:39: error: node 'a' has both 'for_each' and 'repeat'\n"
     "  give the loop 'nodes', and one of these the 'repeat'\n"
     "t.yaml:4:32: error: 'repeat' of node 'b' needs 'until'\n"
     "  for a list of things to do: for_each\n"
     "t.yaml:5:63: error: 'delay' of 'repeat' of node 'c' must be a duration like 250ms, 30s, 5m, "
     "2h or 7d, not '5'\n"
     "  write '5s' for seconds\n"
     "t.yaml:5:66: error: 'repeat' of node 'c' has the unknown key 'times'\n"
     "  did you mean 'max_iterations'?\n"},
    {"router in loop", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: router, for_each: [1], config: {routes: [{name: x, when: item == 1}]}}\n",
     "t.yaml:3:19: error: node 'a' is a loop, so nothing follows its router\n"
     "  give the loop 'nodes': the router and what follows it\n"},
    {"compensate", "t.yaml", 0,
     "name: t\n"
     "rollback: yes\n"
     "nodes:\n"
     "  - {id: a, type: set, compensate: {type: set, depends_on: [b], for_each: [1], config: {x: "
     "\"{{ a.output }}\"}}}\n"
     "  - {id: b, type: set, config: {x: \"{{ a.output }}\"}, compensate: {config: {}}}\n",
     "t.yaml:2:11: error: 'rollback' of the pipeline must be true or false, not 'yes'\n"
     "  write true\n"
     "t.yaml:4:48: error: 'depends_on' of 'compensate' of node 'a': it runs when the node is "
     "undone\n"
     "t.yaml:4:65: error: 'for_each' is not for 'compensate': it is one node that runs once\n"
     "t.yaml:5:40: error: node 'b': 'a' cannot have run before it\n"
     "  add 'a' to 'depends_on'\n"
     "t.yaml:5:67: error: node 'b' needs a 'type', or a 'service' and an 'action'\n"},
    {"a cycle beside other mistakes", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, depends_on: [b]}\n"
     "  - {id: b, type: set, depends_on: [a], config: {x: \"{{ c.output }}\"}}\n"
     "  - {id: c, type: set, config: {x: \"{{ d.output }}\"}}\n"
     "  - {id: d, type: set, depends_on: [c, e]}\n"
     "  - {id: e, type: set, depends_on: [b], config: {x: \"{{ d.output }}\"}}\n",
     "t.yaml:4:37: error: nodes wait for each other: a → b → a\n"
     "t.yaml:5:40: error: node 'c': 'd' cannot have run before it\n"},
    {"types of the input", "t.yaml", 0,
     "name: t\n"
     "input:\n"
     "  type: object\n"
     "  required: [n, s, list]\n"
     "  properties:\n"
     "    n: {type: integer}\n"
     "    s: {type: string}\n"
     "    b: {type: [boolean, 'null']}\n"
     "    list: {type: array, items: {type: object, properties: {x: {$ref: '#/$defs/word'}}}}\n"
     "    open: {anyOf: [{type: string}, {type: integer}]}\n"
     "  $defs: {word: {type: string}}\n"
     "nodes:\n"
     "  - {id: a, type: set, when: input.n}\n"
     "  - {id: b, type: set, when: \"default(input.?b, false) && input.open == 1\"}\n"
     "  - {id: c, type: set, config: {x: \"{{ input.s + 1 }}\", y: \"{{ input.n + 1.5 }}\"}}\n"
     "  - {id: d, type: set, config: {x: \"{{ input.list.map(i, i.x * 2) }}\"}}\n"
     "  - {id: e, type: set, config: {x: \"{{ input.open + 1 }}\", y: \"{{ input.other.z }}\"}}\n"
     "  - {id: f, type: set, config: {x: \"{{ now + 1 }}\", y: \"{{ input.lists }}\"}}\n",
     "t.yaml:13:30: error: node 'a': 'input.n' must be true or false, and this is always a number\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:14:59: warning: node 'b': 'input.open' may be absent: it has no default and is not "
     "required\n"
     "  guard it: default(input.?open, ...)\n"
     "t.yaml:15:40: error: node 'c': '+' does not take (string, int) in 'input.s + 1': convert "
     "with "
     "string(x), int(x) or double(x)\n"
     "t.yaml:16:58: error: node 'd': '*' does not take (string, int) in 'i.x * 2': convert with "
     "string(x), int(x) or double(x)\n"
     "t.yaml:17:40: warning: node 'e': 'input.open' may be absent: it has no default and is not "
     "required\n"
     "  guard it: default(input.?open, ...)\n"
     "t.yaml:18:40: error: node 'f': '+' does not take (timestamp, int) in 'now + 1'\n"
     "t.yaml:18:60: warning: node 'f': nothing says that 'input' has 'lists'\n"
     "  did you mean 'list'?\n"},
    {"outcome of a state misspelled", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, transitions: {succes: b, eror: b, pushed: b, timeout: b}}\n"
     "  b: {type: set}\n",
     "t.yaml:4:32: warning: 'succes' is no outcome, but an event\n"
     "  did you mean 'success'?\n"
     "t.yaml:4:43: warning: 'eror' is no outcome, but an event\n"
     "  did you mean 'error'?\n"
     "t.yaml:4:63: warning: only an event that is called 'timeout' takes this transition of state "
     "'a': the state takes no time\n"},
    {"rollback without anything to undo", "t.yaml", 0,
     "name: t\n"
     "rollback: true\n"
     "nodes: [{id: a, type: set}]\n",
     "t.yaml:2:1: warning: 'rollback' has nothing to undo: no node has a 'compensate'\n"},
    {"something to undo without rollback", "t.yaml", 0,
     "name: t\n"
     "nodes: [{id: a, type: set, compensate: {type: set}}]\n",
     "t.yaml:2:28: warning: 'compensate' has an effect only with 'rollback: true', here or in a "
     "pipeline that runs this one\n"},
    {"compensation of an ending", "t.yaml", 0,
     "name: t\n"
     "rollback: true\n"
     "nodes: [{id: a, type: set, compensate: {type: set}}]\n"
     "finally: [{id: b, type: set, compensate: {type: set}}]\n",
     "t.yaml:4:30: error: 'compensate' is not for nodes of 'finally': nothing undoes them\n"},
    {"endings", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: 1}}\n"
     "on_failure: {id: f, type: set}\n"
     "finally:\n"
     "  - {id: a, type: set}\n"
     "  - {id: g, type: set, config: {x: \"{{ a.output.x }} {{ run.stauts }}\"}}\n"
     "on_cancel: []\n",
     "t.yaml:4:13: error: 'on_failure' of the pipeline must be a list, not a map\n"
     "  begin each entry with '- '\n"
     "t.yaml:6:10: error: the id 'a' is taken by a node that can be seen from here, at 3:10\n"
     "  take another name: 'a' means that node\n"
     "t.yaml:7:40: warning: node 'g': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:7:57: error: node 'g': 'run' has no 'stauts'\n"
     "  did you mean 'status'?\n"
     "t.yaml:8:12: error: 'on_cancel' is empty: give it a node\n"},
    {"notifications", "t.yaml", 0,
     "name: t\n"
     "notifications:\n"
     "  type: set\n"
     "  on: [start, error, milestones, completion]\n"
     "  errors: [x]\n"
     "  start: {x: \"{{ a.output.x }} {{ run.error.code }}\"}\n"
     "  milestones: {x: \"{{ node.foo }} {{ node.output }}\"}\n"
     "  completion: {x: \"{{ node.id }}\"}\n"
     "nodes: [{id: a, type: set, config: {x: 1}}]\n",
     "t.yaml:4:15: error: 'notifications' are sent at 'start', 'milestones', 'completion' and "
     "'errors', not 'error'\n"
     "  did you mean 'errors'?\n"
     "t.yaml:5:11: error: 'errors' of 'notifications' must be a map of what its message says, not "
     "a list\n"
     "t.yaml:6:18: warning: node 'notifications.start': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:6:35: error: node 'notifications.start': 'run' has no error here: it has not failed\n"
     "  it is there in 'on_failure', 'on_cancel' and 'finally'\n"
     "t.yaml:7:23: error: node 'notifications.milestones': 'node' has no 'foo'\n"
     "t.yaml:8:23: error: config of node 'notifications.completion': nothing is called 'node' "
     "here: did you mean 'nodes'?\n"},
    {"notifications to nobody", "t.yaml", 0,
     "name: t\n"
     "notifications: [start, errors]\n"
     "nodes: [{id: a, type: set, config: {x: 1}}]\n",
     "t.yaml:2:16: warning: nobody is told: 'notifications' does not say whom\n"
     "  write notifications: {to: NAME, on: [errors]}, with the target NAME under integrations: "
     "{notify: {targets: ...}}\n"},
    {"a message that is not sent", "t.yaml", 0,
     "name: t\n"
     "notifications: {type: set, on: errors, start: {x: 1}}\n"
     "nodes: [{id: a, type: set, config: {x: 1}}]\n",
     "t.yaml:2:40: warning: the message 'start' is never sent: it is not in 'on'\n"},
    {"states no initial", "t.yaml", 0,
     "name: t\n"
     "states:\n"
     "  one: {type: set, transitions: {success: two}}\n"
     "  two: {type: set}\n",
     "t.yaml:3:3: error: no initial state defined\n"
     "  add 'initial_state', 'one' for example\n"},
    {"states targets", "t.yaml", 0,
     "name: t\n"
     "initial_state: won\n"
     "states:\n"
     "  - {name: one, type: set, transitions: {success: twoo, error: [two]}}\n"
     "  - {name: two, type: set, transitions: {success: {to: one}}}\n"
     "  - {name: two, type: set}\n",
     "t.yaml:2:16: error: 'initial_state' names the unknown state 'won'\n"
     "t.yaml:4:51: error: invalid state transition: 'success' of state 'one' names the unknown "
     "state 'twoo'\n"
     "  did you mean 'two'?\n"
     "t.yaml:4:65: error: transition 'error' of state 'one' must be a map, not text\n"
     "t.yaml:5:51: error: the transition 'success' of state 'two' must be a state, or a list of "
     "{when, to}, not a map\n"
     "t.yaml:6:12: error: two nodes have the id 'two'; the first is at 5:12\n"},
    {"states unreachable", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  - {name: one, type: set, transitions: {success: two}}\n"
     "  - {name: two, type: set, result: fialed}\n"
     "  - {name: three, type: set, result: failed, transitions: {success: one}}\n",
     "t.yaml:5:36: error: 'result' of state 'two' must be one of 'success', 'failed', not "
     "'fialed'\n"
     "  did you mean 'failed'?\n"
     "t.yaml:6:12: error: state 'three' cannot be reached from 'one'\n"
     "  no transition that can be taken leads to it\n"
     "t.yaml:6:30: error: 'result' of state 'three' has no effect: its transitions go on\n"},
    {"states keys", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  - {name: one, depends_on: [two], params: {a: 1}, transitions: {go: [{when: \"1 + 1\", to: "
     "two}, {when: true}]}}\n"
     "  - {name: two, action: {service: http, metod: get}}\n",
     "t.yaml:4:17: error: state 'one' has the unknown key 'depends_on'\n"
     "  did you mean 'transitions'?\n"
     "t.yaml:4:36: error: 'params' of state 'one' has no effect: the state has no action\n"
     "t.yaml:4:79: error: 'when' of transition 'go' of state 'one' must be true or false, and this "
     "is always a number\n"
     "  compare it with something: nothing is truthy\n"
     "t.yaml:4:97: error: transition 'go' of state 'one' needs 'to'\n"
     "t.yaml:5:41: error: 'action' of state 'two' has the unknown key 'metod'\n"
     "  did you mean 'method'?\n"},
    {"states with two actions", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  one: {action: {type: set, config: {a: 1}}, type: set, config: {b: 1}, transitions: "
     "{success: two}}\n"
     "  two: {action: {service: http, action: get, method: post}, service: http, params: {}}\n",
     "t.yaml:4:46: error: state 'one' has 'type' beside its 'action'\n"
     "  put it into the map of 'action', or leave it out\n"
     "t.yaml:4:57: error: state 'one' has 'config' beside its 'action'\n"
     "  put it into the map of 'action', or leave it out\n"
     "t.yaml:5:27: error: unknown node type 'http.get'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"
     "t.yaml:5:46: error: 'action' of state 'two' has both 'action' and 'method', which mean the "
     "same\n"
     "t.yaml:5:61: error: state 'two' has 'service' beside its 'action'\n"
     "  put it into the map of 'action', or leave it out\n"
     "t.yaml:5:76: error: state 'two' has 'params' beside its 'action'\n"
     "  put it into the map of 'action', or leave it out\n"},
    {"states references", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  - {name: one, type: set, config: {a: 1}, transitions: {success: two, error: three}}\n"
     "  - {name: two, type: set, config: {x: \"{{ one.output.a }} {{ three.output }}\"}, "
     "transitions: {success: three}}\n"
     "  - {name: three, type: set, config: {x: \"{{ one.output.a }} {{ two.output.x }}\"}}\n"
     "output: \"{{ one.output }} {{ three.output }}\"\n",
     "t.yaml:5:63: error: node 'two': 'three' cannot have run before it\n"
     "  no transitions lead from 'three' to 'two'\n"
     "t.yaml:6:46: warning: node 'three': 'one' may have no output here\n"
     "  guard it: has(one.output), or coalesce(one.?output, ...)\n"
     "t.yaml:6:65: warning: node 'three': 'two' may have no output here\n"
     "  guard it: has(two.output), or coalesce(two.?output, ...)\n"
     "t.yaml:7:13: warning: 'output': 'one' may have no output here\n"
     "  guard it: has(one.output), or coalesce(one.?output, ...)\n"},
    {"tools", "t.yaml", 0,
     "name: t\n"
     "interval: 5s\n"
     "sequence: true\n"
     "tools:\n"
     "  - htpp\n"
     "  - {nmae: http}\n"
     "  - {name: http, config: {url: x}, depends_on: [a]}\n"
     "  - http\n"
     "  - [http]\n",
     "t.yaml:2:1: error: 'interval' without 'duration'\n"
     "t.yaml:5:5: error: unknown node type 'htpp'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"
     "t.yaml:6:5: error: a tool must be its name or {name, config}, not a map\n"
     "t.yaml:7:36: error: tool 'http' has the unknown key 'depends_on'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:8:5: error: two nodes have the id 'http'; the first is at 7:12\n"
     "t.yaml:9:5: error: a tool must be its name or {name, config}, not a list\n"},
    {"wait", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: wait, config: {event: go, seconds: 3}}\n"
     "  - {id: b, type: wait, config: {seconds: 3, match: \"true\", timeout: 3s}}\n"
     "  - {id: c, type: wait, config: {event: go, match: signal.nam == 1, timeout: 5}}\n"
     "  - {id: d, type: set, config: {x: \"{{ signal.name }}\"}}\n",
     "t.yaml:3:33: error: node 'a' has more than one of 'seconds', 'until' and 'event' in its "
     "config\n"
     "t.yaml:4:46: error: 'match' of node 'b' goes with 'event'\n"
     "t.yaml:4:61: error: 'timeout' of node 'b' goes with 'event'\n"
     "t.yaml:5:52: error: node 'c': 'signal' has no 'nam'\n"
     "  did you mean 'name'?\n"
     "t.yaml:5:78: error: 'timeout' of node 'c' must be a duration like 250ms, 30s, 5m, 2h or 7d\n"
     "t.yaml:6:40: error: config of node 'd': nothing is called 'signal' here\n"},
    {"alone", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "duration: 2h\n"
     "nodes:\n"
     "  - {id: a, type: set}\n",
     "t.yaml:2:1: error: 'initial_state' without 'states'\n"
     "t.yaml:3:1: error: 'duration' without 'tools'\n"},
    {"states idle reference", "t.yaml", 0,
     "name: t\n"
     "initial_state: wait\n"
     "states:\n"
     "  wait: {timeout: 1s, transitions: {go: [{when: wait.output.x == 1, to: work}, {to: wait}], "
     "timeout: [{when: wait.output.x == 1, to: work}]}}\n"
     "  work: {type: set, config: {x: \"{{ later.output }}\"}, transitions: {success: later, "
     "timeout: wait}}\n"
     "  later: {action: {service: http}}\n",
     "t.yaml:4:110: warning: an edge from 'wait': 'wait' may have no output here\n"
     "  guard it: has(wait.output), or coalesce(wait.?output, ...)\n"
     "t.yaml:5:37: error: node 'work': 'later' cannot have run before it\n"
     "  no transitions lead from 'later' to 'work'\n"
     "t.yaml:5:86: warning: only an event that is called 'timeout' takes this transition of state "
     "'work': the state takes no time\n"
     "t.yaml:6:3: error: 'action' of state 'later' needs a 'service' and a 'method'\n"},
    {"deep", "t.yaml", 0,
     "name: t\n"
     "nodes: [{id: a1, for_each: [1], nodes: [{id: a2, for_each: [1], nodes: [{id: a3, for_each: "
     "[1], nodes: [{id: a4, for_each: [1], nodes: [{id: a5, for_each: [1], nodes: [{id: a6, "
     "for_each: [1], nodes: [{id: a7, for_each: [1], nodes: [{id: a8, for_each: [1], nodes: [{id: "
     "a9, for_each: [1], nodes: [{id: a10, for_each: [1], nodes: [{id: a11, for_each: [1], nodes: "
     "[{id: a12, for_each: [1], nodes: [{id: a13, for_each: [1], nodes: [{id: a14, for_each: [1], "
     "nodes: [{id: a15, for_each: [1], nodes: [{id: a16, for_each: [1], nodes: [{id: a17, "
     "for_each: [1], nodes: [{id: a18, type: set}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]\n",
     "t.yaml:2:560: error: bodies are nested too deep: the limit is 16\n"
     "  make a pipeline of its own of the inner part\n"},
    {"loop output fields", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: l, type: set, for_each: [1], depends_on: [a], nodez: []}\n"
     "  - {id: z, type: set, depends_on: [l], config: {x: \"{{ l.errors }}{{ l.counts }}{{ "
     "a.errors }}{{ l.output }}\"}}\n",
     "t.yaml:4:56: error: node 'l' has the unknown key 'nodez'\n"
     "  did you mean 'nodes'?\n"
     "t.yaml:5:85: error: node 'z': only a loop has 'errors'\n"
     "  write 'a.output.errors' for a field of the output\n"},
    {"reduce names", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: [1], collect: {reduce: \"acc + itm\", init: \"{{ acc "
     "}}\"}}\n"
     "  - {id: b, type: set, config: {x: \"{{ acc }}\"}}\n",
     "t.yaml:3:64: error: 'reduce' of node 'a': nothing is called 'itm' here: there are 'acc', "
     "what was collected so far, and 'item'\n"
     "t.yaml:3:80: error: 'init' of node 'a': nothing is called 'acc' here\n"
     "t.yaml:4:40: error: config of node 'b': nothing is called 'acc' here\n"},
    {"loop of absent", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit, when: input.x == 1}\n"
     "  - id: each\n"
     "    for_each: a.stream\n"
     "    nodes:\n"
     "      - {id: b, type: set, config: {x: \"{{ a.output.y }} {{ a.status }}\"}}\n",
     "t.yaml:7:44: warning: node 'b': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"},
    {"on error compensate", "t.yaml", 0,
     "name: t\n"
     "rollback: true\n"
     "nodes:\n"
     "  - {id: a, type: set}\n"
     "  - {id: b, type: set, compensate: {type: set, config: {x: \"{{ b.output }} {{ a.output "
     "}}\"}}}\n",
     "t.yaml:5:79: error: node 'b': 'a' cannot have run before it\n"
     "  add 'a' to 'depends_on' of 'b'\n"},
    {"settings of tools and states", "t.yaml", 0,
     "workflows:\n"
     "  tools:\n"
     "    integrations: {github: {token: x}, metrics: {a: 1}, log: {a: 1}}\n"
     "    tools: [github/fetch, {id: m, name: metrics.read}]\n"
     "  machine:\n"
     "    integrations: {github: {token: x}, gith: {a: 1}}\n"
     "    initial_state: s\n"
     "    states: {s: {action: {service: github, method: fetch}}}\n",
     "t.yaml:3:20: error: the plugin 'github' is not installed\n"
     "  the folders searched: /p, /q\n"
     "t.yaml:3:40: error: the plugin 'metrics' is not installed\n"
     "  the folders searched: /p, /q\n"
     "t.yaml:3:57: warning: the plugin 'log' is not installed, and no node uses it\n"
     "t.yaml:4:13: error: unknown node type 'github.fetch'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"
     "t.yaml:4:32: error: unknown node type 'metrics.read'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"
     "t.yaml:6:20: error: the plugin 'github' is not installed\n"
     "  the folders searched: /p, /q\n"
     "t.yaml:6:40: warning: the plugin 'gith' is not installed, and no node uses it\n"
     "t.yaml:8:36: error: unknown node type 'github.fetch'\n"
     "  `opstream nodes` lists all; the folders searched: /p, /q\n"},
    {"workflow of itself", "t.yaml", 0,
     "workflows:\n"
     "  one: {type: workflow, config: {workflow: two}}\n"
     "  two: {workflows: [one]}\n"
     "  some: {type: workflow, when: 'input.n > 1', config: {workflow: some}}\n"
     "  self: {type: workflow, config: {workflow: self}}\n"
     "  goes_on: {type: workflow, on_error: continue, config: {workflow: goes_on}}\n",
     "t.yaml:2:8: warning: the workflow 'one' runs itself without end: one → two → one\n"
     "  give the node a 'when', so that it ends some time\n"
     "t.yaml:5:9: warning: the workflow 'self' runs itself without end: self → self\n"
     "  give the node a 'when', so that it ends some time\n"},
    {"body of a loop by other names", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, for_each: [1], do: [{id: x, type: set}]}\n"
     "  - {id: b, foreach: [1], nodes: [{id: y, type: set, config: {x: 1}}]}\n"
     "  - {id: c, for_each: [1], as: issue, nodes: [{id: z, type: set, config: {x: '{{ item "
     "}}'}}]}\n"
     "  - {id: d, type: set, config: {x: '{{ item }}'}}\n",
     "t.yaml:3:28: error: node 'a' has the unknown key 'do'\n"
     "  did you mean 'nodes'?\n"
     "t.yaml:4:13: error: node 'b' has the unknown key 'foreach'\n"
     "  did you mean 'for_each'?\n"
     "t.yaml:5:82: error: config of node 'z': nothing is called 'item' here: the items are called "
     "'issue' here\n"
     "t.yaml:6:40: error: config of node 'd': nothing is called 'item' here: it is there only "
     "inside a loop: in the nodes of 'for_each'\n"},
    {"text in place of numbers", "t.yaml", 0,
     "name: t\n"
     "rollback: 'true'\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: [1], batch_size: '100', max_parallel: two, limits: {memory: "
     "64 MB}}\n",
     "t.yaml:2:11: error: 'rollback' of the pipeline must be true or false, not 'true'\n"
     "  leave the quotes out: they make text of it\n"
     "t.yaml:4:51: error: 'batch_size' of node 'a' must be a whole number from 1 on, not '100'\n"
     "  leave the quotes out: they make text of it\n"
     "t.yaml:4:72: error: 'max_parallel' of node 'a' must be a whole number from 1 on, not 'two'\n"
     "t.yaml:4:85: error: 'limits' of node 'a' have no effect: nodes of type 'set' start no "
     "processes\n"
     "t.yaml:4:94: error: 'memory' of 'limits' of node 'a' must be a size in bytes, or like 64KiB "
     "or 10MB, not '64 MB'\n"
     "  write '64MB'\n"},
    {"states by other names", "t.yaml", 0,
     "name: t\n"
     "start: one\n"
     "states:\n"
     "  one: {type: set, on: {success: two}}\n"
     "  two: {type: set, transitions: [{on: success, to: three}]}\n"
     "  three: {action: http, result: fail}\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'start'\n"
     "  did you mean 'initial_state'?\n"
     "t.yaml:4:20: error: state 'one' has the unknown key 'on'\n"
     "  did you mean 'transitions'?\n"
     "t.yaml:5:33: error: 'transitions' of state 'two' must be a map, not a list\n"
     "  write {success: STATE, error: STATE}\n"
     "t.yaml:6:11: error: node 'three' has 'action', but no 'service'\n"
     "  or write type: http\n"
     "t.yaml:6:33: error: 'result' of state 'three' must be one of 'success', 'failed', not "
     "'fail'\n"
     "  did you mean 'failed'?\n"},
    {"states of a list without names", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  - one: {type: set, transitions: {success: two}}\n"
     "  - two: {result: failed}\n",
     "t.yaml:4:5: error: a state needs a 'name'\n"
     "  write {name: one, ...}, or a map of states without '- '\n"
     "t.yaml:5:5: error: a state needs a 'name'\n"
     "  write {name: two, ...}, or a map of states without '- '\n"},
    {"states with edges", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  one: {type: set}\n"
     "  two: {type: set, depends_on: [one]}\n"
     "edges: [{source: one, target: two}]\n",
     "t.yaml:5:20: error: state 'two' has the unknown key 'depends_on'\n"
     "  did you mean 'transitions'?\n"
     "t.yaml:6:1: error: 'edges' without 'nodes'\n"
     "  states go on by their 'transitions'\n"},
    {"a target that is none reaches nothing", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  one: {type: set, transitions: {success: tow}}\n"
     "  two: {type: set}\n",
     "t.yaml:4:43: error: invalid state transition: 'success' of state 'one' names the unknown "
     "state 'tow'\n"
     "  did you mean 'two'?\n"},
    {"names of a node that could not be read", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {ID: fetch, type: set}\n"
     "  - {id: b, type: set, depends_on: [fetch], when: fetch.output.x > 1, config: {x: '{{ "
     "fetch.output.y }}'}}\n"
     "edges: [{source: fetch, target: b}]\n"
     "output: '{{ fetch.output }}'\n",
     "t.yaml:3:6: error: a node has the unknown key 'ID'\n"
     "  did you mean 'id'?\n"},
    {"ids that are none, and their names", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: for, type: set}\n"
     "  - {id: b, type: set, depends_on: [for], config: {x: '{{ nodes[\"for\"].output.x }}'}}\n"
     "edges: [{source: for, target: b}]\n"
     "output: '{{ fetch.output }}'\n",
     "t.yaml:3:10: error: 'for' is a reserved name and cannot be the id of a node\n"
     "  take another name, 'for_1' for example\n"
     "t.yaml:4:59: error: node 'b': there is no node 'for'\n"},
    {"nodes by another name", "t.yaml", 0,
     "name: t\n"
     "node:\n"
     "  - {id: a, type: set}\n"
     "edges: [{source: a, target: b}]\n"
     "output: '{{ a.output }}'\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'node'\n"
     "  did you mean 'nodes'?\n"},
    {"states that lead to each other", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  one: {type: set}\n"
     "  two: {type: set, transitions: {success: three}}\n"
     "  three: {type: set, transitions: {success: four, error: three}}\n"
     "  four: {type: set, transitions: {success: three}}\n"
     "  five: {type: set, transitions: {success: six}}\n"
     "  six: {type: set, transitions: {success: five}}\n",
     "t.yaml:5:3: error: state 'two' cannot be reached from 'one'\n"
     "  no transition that can be taken leads to it\n"
     "t.yaml:8:3: error: state 'five' cannot be reached from 'one'\n"
     "  no transition that can be taken leads to it\n"},
    {"a state that is none", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states:\n"
     "  one: {type: set, transitions: {success: two}}\n"
     "  two: set\n",
     "t.yaml:5:8: error: a state must be a map, not text\n"},
    {"states that are none", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "states: 1.5\n",
     "t.yaml:3:9: error: 'states' of the pipeline must be a map or a list, not a number\n"},
    {"states with nothing in them", "t.yaml", 0,
     "name: t\n"
     "states:\n",
     "t.yaml:2:8: error: 'states' of the pipeline must be a map or a list, not nothing\n"},
    {"keys of nodes at tools", "t.yaml", 0,
     "name: t\n"
     "tools:\n"
     "  - {name: http, config: {url: x}, join: all, milestone: true, compensate: {type: set}, "
     "when: \"true\", depends_on: [x], descrption: d}\n",
     "t.yaml:3:36: error: tool 'http' has the unknown key 'join'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:3:47: error: tool 'http' has the unknown key 'milestone'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:3:64: error: tool 'http' has the unknown key 'compensate'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:3:89: error: tool 'http' has the unknown key 'when'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:3:103: error: tool 'http' has the unknown key 'depends_on'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"
     "t.yaml:3:120: error: tool 'http' has the unknown key 'descrption'\n"
     "  what a type takes goes into 'config'\n"},
    {"keys of nodes at one node", "t.yaml", 0,
     "name: t\n"
     "type: set\n"
     "depends_on: [a]\n"
     "compensate: {type: set}\n"
     "on_failure: [{id: z, type: set, compensate: {type: set}, depends_on: [y]}]\n",
     "t.yaml:3:1: error: the pipeline has the unknown key 'depends_on'\n"
     "  a pipeline of one node has none: write 'nodes' for several\n"
     "t.yaml:4:1: warning: 'compensate' has an effect only with 'rollback: true', here or in a "
     "pipeline that runs this one\n"
     "t.yaml:5:33: error: 'compensate' is not for nodes of 'on_failure': nothing undoes them\n"
     "t.yaml:5:58: error: 'depends_on' of node 'z': steps run in the order in which they are "
     "written\n"},
    {"compensation of a tool", "t.yaml", 0,
     "name: t\n"
     "rollback: true\n"
     "tools: [{name: http, config: {url: x}, compensate: {type: set}}]\n",
     "t.yaml:3:40: error: tool 'http' has the unknown key 'compensate'\n"
     "  tools have none, but nodes do: write 'nodes' in place of 'tools'\n"},
    {"outcomes that states cannot have", "t.yaml", 0,
     "name: t\n"
     "initial_state: one\n"
     "timeout: 3s\n"
     "states:\n"
     "  one: {transitions: {success: two, error: two, timeout: two, go: two, cancel: two}}\n"
     "  two: {timeout: 1s, transitions: {success: three, error: three, timeout: three}}\n"
     "  three: {type: set, timeout: 1s, transitions: {success: four, error: four, timeout: "
     "four}}\n"
     "  four: {type: http, config: {url: x}, transitions: {success: one, timeout: one}}\n",
     "t.yaml:5:23: warning: only an event that is called 'success' takes this transition of state "
     "'one': the state has no action\n"
     "  give the state an 'action', or the transition the name of the event\n"
     "t.yaml:5:37: warning: only an event that is called 'error' takes this transition of state "
     "'one': the state has no action\n"
     "  give the state an 'action', or the transition the name of the event\n"
     "t.yaml:5:49: warning: only an event that is called 'timeout' takes this transition of state "
     "'one': the state has no 'timeout'\n"
     "  add timeout: 30s, for example\n"
     "t.yaml:6:36: warning: only an event that is called 'success' takes this transition of state "
     "'two': the state has no action\n"
     "  give the state an 'action', or the transition the name of the event\n"
     "t.yaml:7:77: warning: only an event that is called 'timeout' takes this transition of state "
     "'three': the state takes no time\n"},
    {"workflows of themselves behind others", "t.yaml", 0,
     "workflows:\n"
     "  a: {workflows: [b, a]}\n"
     "  b: {nodes: [{id: x, type: set}]}\n"
     "  c: {workflows: [b, d, b]}\n"
     "  d: {workflows: [b, b, c]}\n"
     "  e: {steps: [{id: x, type: http, config: {url: x}}, {id: y, type: workflow, config: "
     "{workflow: e}}]}\n"
     "  f: {workflows: [g]}\n"
     "  g: {workflows: [b, h]}\n"
     "  h: {workflows: [b, h]}\n",
     "t.yaml:2:22: warning: the workflow 'a' runs itself without end: a → a\n"
     "  leave it out, or make it a node that has a 'when'\n"
     "t.yaml:4:22: warning: the workflow 'c' runs itself without end: c → d → c\n"
     "  leave it out, or make it a node that has a 'when'\n"
     "t.yaml:9:22: warning: the workflow 'h' runs itself without end: h → h\n"
     "  leave it out, or make it a node that has a 'when'\n"},
    {"names of loops and routes", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: outer\n"
     "    for_each: [[1]]\n"
     "    as: row\n"
     "    max_failures: 150%\n"
     "    nodes: [{id: inner, for_each: row, as_batch: cells, nodes: [{id: p, type: set, config: "
     "{v: \"{{ row }}\"}}]}]\n"
     "  - {id: u, type: set, depends_on: [outer], config: {y: \"{{ inner.output }}\", z: \"{{ row "
     "}}\", w: \"{{ cells }}\"}}\n"
     "  - {id: h, type: router, config: {routes: [{name: success, when: \"input.a == 1\"}, {name: "
     "x, when: \"true\"}, {name: x, when: \"true\"}], default: error}}\n"
     "  - {id: e, for_each: [1], max_failures: 100.5%, type: set}\n"
     "edges: [{source: h, target: u, outcome: succes}]\n",
     "t.yaml:6:19: error: 'max_failures' of node 'outer' must be a whole number, or a share like "
     "10%\n"
     "  at most 100% of the items can fail\n"
     "t.yaml:8:61: error: config of node 'u': nothing is called 'inner' here: it is inside the "
     "loop 'outer': use 'outer.output'\n"
     "t.yaml:8:86: error: config of node 'u': nothing is called 'row' here: it is there only "
     "inside the loop 'outer', as its item\n"
     "t.yaml:8:102: error: config of node 'u': nothing is called 'cells' here: it is there only "
     "inside the loop 'inner', as its item\n"
     "t.yaml:9:52: error: 'success' cannot be the name of a route: it is an outcome of every "
     "node\n"
     "t.yaml:9:116: error: two routes have the name 'x'; the first is at 9:91\n"
     "t.yaml:9:144: error: 'error' cannot be the name of a route: it is an outcome of every node\n"
     "t.yaml:10:42: error: 'max_failures' of node 'e' must be a whole number, or a share like "
     "10%\n"
     "  at most 100% of the items can fail\n"
     "t.yaml:11:41: error: node 'h' has no outcome 'succes'; it has 'x', 'success' and 'error'\n"
     "  did you mean 'success'?\n"},
    {NULL, NULL, 0, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Likely mistakes in expressions and templates, and all that people are told. */
#include "tests/unit/model/fault_cases.h"

#include <stddef.h>

const struct fault_case fault_cases_expressions[] = {
    {"constants that fail at their place", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: \"{{ 1 / 0 }}\", y: \"a {{ [1][3] }}\", z: \"{{   (2 + 5 "
     "% 0) }}\"}}\n"
     "  - id: b\n"
     "    type: set\n"
     "    config:\n"
     "      x: |\n"
     "        text\n"
     "          {{ input.n + [1, 2][7] }}\n",
     "t.yaml:3:40: error: config of node 'a' always fails: division by zero in '1 / 0'\n"
     "t.yaml:3:60: error: config of node 'a' always fails: no item 3 in '[1][3]': the list has 1\n"
     "t.yaml:3:86: error: config of node 'a' always fails: modulus by zero in '5 % 0'\n"
     "t.yaml:9:24: error: config of node 'b' always fails: no item 7 in '[1, 2][7]': the list has "
     "2\n"},
    {"constant parts that fail", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: \"now > timestamp('2025-01-01')\"}\n"
     "  - {id: b, type: set, config: {x: \"{{ now - duration('1d') }}\", y: \"{{ input.a + 5 / 0 "
     "}}\"}}\n"
     "  - {id: c, type: set, config: {x: \"{{ timestamp(input.d).getHours('Nowhere') }}\"}}\n"
     "  - {id: d, type: set, when: \"input.a == 1 && 1 / 0 == 1\", config: {x: \"{{ "
     "default(input.?a, 1 / 0) }}\"}}\n"
     "  - {id: e, type: router, config: {routes: [{name: r, when: \"input.a > 1 / 0\"}]}}\n"
     "  - {id: f, for_each: \"input.list + [1 % 0]\", type: set}\n",
     "t.yaml:3:37: error: 'when' of node 'a' always fails: timestamp() takes RFC 3339 text: write "
     "'2025-01-01T00:00:00Z', not '2025-01-01'\n"
     "t.yaml:4:46: error: config of node 'b' always fails: duration() takes text such as '1h30m', "
     "'2.5s' or '250ms', not '1d': a day is written '24h'\n"
     "t.yaml:4:83: error: config of node 'b' always fails: division by zero in '5 / 0'\n"
     "t.yaml:5:68: error: config of node 'c' always fails: unknown time zone 'Nowhere': write "
     "'UTC', '+02:00' or a name such as 'Europe/Berlin'\n"
     "t.yaml:7:72: error: route 'r' of node 'e' always fails: division by zero in '1 / 0'\n"
     "t.yaml:8:38: error: 'for_each' of node 'f' always fails: modulus by zero in '1 % 0'\n"},
    {"results that no config can hold", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {a: \"{{ bytes('x') }}\", b: \"{{ type(input) }}\", c: \"{{ "
     "1.0 / 0.0 }}\"}}\n"
     "  - {id: b, type: set, config: {a: \"{{ math.sqrt(-1.0) }}\", b: \"x {{ optional.none() "
     "}}\"}}\n"
     "  - {id: c, type: set, config: {a: \"{{ {1: 'a', '1': 'b'} }}\", b: \"{{ optional.none() "
     "}}\"}}\n"
     "  - {id: d, type: set, config: {a: \"x {{ null }}\", b: \"{{ bytes(input.x) }}\", c: \"{{ "
     "null }}\"}}\n"
     "  - {id: e, type: set, when: \"type(input.x) == int && bytes(input.x) != b'x'\"}\n",
     "t.yaml:3:40: error: config of node 'a' always fails: a result of type bytes cannot be "
     "written as JSON: use base64(x) or string(x)\n"
     "t.yaml:3:63: error: config of node 'a' always fails: a result of type type cannot be written "
     "as JSON: use string(x)\n"
     "t.yaml:3:87: error: config of node 'a' always fails: the result is not a finite number, "
     "which JSON cannot hold\n"
     "t.yaml:4:40: error: config of node 'b' always fails: the result is not a finite number, "
     "which JSON cannot hold\n"
     "t.yaml:4:70: error: config of node 'b' always fails: 'optional.none()' is without a value "
     "and cannot be part of a text: use default(optional.none(), '')\n"
     "t.yaml:5:40: error: config of node 'c' always fails: the key '1' is there twice\n"
     "t.yaml:6:42: error: config of node 'd' always fails: 'null' is null and cannot be part of a "
     "text: use default(null, '')\n"
     "t.yaml:6:59: error: config of node 'd' always fails: a result of type bytes cannot be "
     "written as JSON: use base64(x) or string(x)\n"},
    {"a node as a value", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {v: 1}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {x: \"{{ a }}\", y: \"a {{ a }}\", z: \"{{ a "
     "== 1 }}\"}}\n"
     "  - {id: c, type: set, depends_on: [a], config: {x: \"{{ size(a) }}\", y: \"{{ a + 1 }}\"}, "
     "when: \"a\"}\n",
     "t.yaml:4:57: error: config of node 'b' always fails: 'a' is a node and no value\n"
     "  write a.output\n"
     "t.yaml:4:73: error: config of node 'b' always fails: 'a' is a node and no value\n"
     "  write a.output\n"
     "t.yaml:5:57: error: node 'c': 'size' does not take (node) in 'size(a)'\n"
     "t.yaml:5:77: error: node 'c': '+' does not take (node, int) in 'a + 1'\n"
     "t.yaml:5:96: error: node 'c': 'a' must be true or false, and this is always a node\n"
     "  compare it with something: nothing is truthy\n"},
    {"a comment in an expression", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: input.a == 'x' && input.b == 'a # b'\n"
     "    config:\n"
     "      x: text {{ 'a #b' }}\n"
     "  - id: b\n"
     "    type: set\n"
     "    when: input.a == 'x'   # it's right\n"
     "  - id: c\n"
     "    type: set\n"
     "    when: input.a == 'x # it has no end\n",
     "t.yaml:5:40: error: 'when' of node 'a': the string has no closing quote\n"
     "  quote the whole expression: in YAML ' #' begins a comment\n"
     "t.yaml:7:15: error: config of node 'a': '{{' has no closing '}}': {{ '{{' }} writes '{{'\n"
     "  quote the whole expression: in YAML ' #' begins a comment\n"
     "t.yaml:13:22: error: 'when' of node 'c': the string has no closing quote\n"
     "  quote the whole expression: in YAML ' #' begins a comment\n"},
    {"an expression that begins with a quote", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - id: a\n"
     "    type: set\n"
     "    when: \"{{ input.a }}\" == \"x\"\n",
     "t.yaml:5:27: error: the quoted text ended before this\n"
     "  put the whole expression in quotes, and '...' around texts in it\n"},
    {"an expression that begins with a single quote", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: 'a' in input.list}\n",
     "t.yaml:3:34: error: the quoted text ended before this\n"
     "  put the whole expression in quotes of the other kind\n"},
    {"dollars and braces in expressions", "t.yaml", 0,
     "name: t\n"
     "input: {properties: {rows: {type: array, default: []}, n: {type: integer, default: 1}}}\n"
     "nodes:\n"
     "  - {id: a, type: set, when: \"${input.n} == 1 && size(${ rows }) > ${n}\"}\n"
     "  - {id: b, type: conditional, config: {condition: \"${input.n} > 3 && {'a': ${n}} == {'a': "
     "1}\"}}\n"
     "  - {id: c, type: set, when: \"${TOKEN} == 'a'\", for_each: \"${input.rows}\"}\n"
     "  - {id: d, type: conditional, config: {condition: \"${TOKEN:-x} == ${n}\"}}\n"
     "  - {id: e, type: set, when: \"'${input.n}' == '1'\"}\n"
     "  - {id: f, type: conditional, config: {condition: \"${{ input.n }} == 1\"}}\n"
     "  - {id: g, type: set, config: {x: \"{{ ${input.n} + 1 }}\"}}\n"
     "  - {id: h, type: conditional, config: {condition: \"${m} == 1 && {{ input.n }} == 1\"}}\n",
     "t.yaml:6:31: error: 'when' of node 'c': environment variables cannot stand in expressions: "
     "put '${TOKEN}' under 'config' and write config.NAME\n"
     "t.yaml:7:53: error: 'condition' of node 'd': environment variables cannot stand in "
     "expressions: put '${TOKEN}' under 'config' and write config.NAME\n"
     "t.yaml:8:32: error: 'when' of node 'e': '${' inside a string: join the parts with '+', as in "
     "'a' + ${x}\n"
     "t.yaml:9:53: error: 'condition' of node 'f': '${{' is of other tools: leave the '$' out\n"
     "t.yaml:10:40: error: config of node 'g': '${' inside of an expression: leave it and its '}' "
     "out\n"},
    {"syntax of other languages", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, config: {x: \"{{ input.x ?? 1 }}\", y: \"{{ input.l[0:2] }}\"}}\n"
     "  - {id: b, type: set, when: \"input.x in (1, 2)\"}\n"
     "edges:\n"
     "  - {from: a, to: b}\n",
     "t.yaml:3:49: error: config of node 'a': unexpected '?' where a value is expected: 'a.b ?? c' "
     "is written default(a.?b, c)\n"
     "t.yaml:3:74: error: config of node 'a': unexpected ':' where ']' is expected: 'x[a:b]' is "
     "written x.slice(a, b), of a text x.substring(a, b)\n"
     "t.yaml:4:44: error: 'when' of node 'b': unexpected ',' where ')' is expected: a list is "
     "written [a, b]\n"
     "t.yaml:6:6: error: an edge has the unknown key 'from'\n"
     "  did you mean 'source'?\n"
     "t.yaml:6:15: error: an edge has the unknown key 'to'\n"
     "  did you mean 'target'?\n"},
    {"times of other languages", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, when: \"now > '2020-01-01T00:00:00Z'\"}\n"
     "  - {id: b, type: set, config: {x: \"{{ timestamp(1706742000000) }}\", y: \"{{ now - '1h' "
     "}}\"}}\n"
     "  - {id: c, type: set, config: {x: \"{{ default(5) }}\", y: \"{{ math.greatest() }}\"}}\n",
     "t.yaml:3:31: error: node 'a': '>' does not take (timestamp, string) in 'now > "
     "'2020-01-01T00:00:00Z'': make a time of the text with timestamp('2025-01-31T14:22:33Z')\n"
     "t.yaml:4:40: error: config of node 'b' always fails: timestamp() takes seconds since 1970 of "
     "the years 1 to 9999, not 1706742000000: these look like milliseconds: divide by 1000\n"
     "t.yaml:4:77: error: config of node 'b': '-' does not take (something, string) in 'now - "
     "'1h'': convert with string(x), int(x) or double(x)\n"
     "t.yaml:5:40: error: config of node 'c': 'default' takes 2 arguments, not 1, as in "
     "default(input.?x, 1)\n"
     "t.yaml:5:63: error: config of node 'c': 'math.greatest' takes 1 argument or more, not 0\n"},
    {NULL, NULL, 0, NULL, NULL},
};

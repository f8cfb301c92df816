/* SPDX-License-Identifier: Apache-2.0 */
/* Likely mistakes with policies. */
#include "tests/unit/model/fault_cases.h"

#include <stddef.h>

/* A node with this `retry`, at line 6. */
#define RETRY(map)                                                                                 \
    "name: t\n"                                                                                    \
    "nodes:\n"                                                                                     \
    "  - id: a\n"                                                                                  \
    "    type: http\n"                                                                             \
    "    config: {url: x}\n"                                                                       \
    "    retry: " map "\n"

/* The same with this `circuit_breaker`. */
#define BREAKER(map)                                                                               \
    "name: t\n"                                                                                    \
    "nodes:\n"                                                                                     \
    "  - id: a\n"                                                                                  \
    "    type: http\n"                                                                             \
    "    config: {url: x}\n"                                                                       \
    "    circuit_breaker: " map "\n"

/* The same with this `rate_limit`. */
#define RATE(limit)                                                                                \
    "name: t\n"                                                                                    \
    "nodes:\n"                                                                                     \
    "  - id: a\n"                                                                                  \
    "    type: http\n"                                                                             \
    "    config: {url: x}\n"                                                                       \
    "    rate_limit: " limit "\n"

/* A pipeline with this `monitoring`, at line 2. */
#define MONITORING(map)                                                                            \
    "name: t\n"                                                                                    \
    "monitoring: " map "\n"                                                                        \
    "nodes: [{id: a, type: http, config: {url: x}}]\n"

const struct fault_case fault_cases_policies[] = {
    {"an alert that never comes", "t.yaml", 0, MONITORING("{alert_thresholds: {error_rate: 100%}}"),
     "t.yaml:2:45: error: 'error_rate' of 'alert_thresholds' must be less than 100%, not '100%'\n"
     "  an alert comes when more than that share of the runs fail\n"},
    {"health checks too often", "t.yaml", 0, MONITORING("{health_check_interval: 999ms}"),
     "t.yaml:2:37: error: 'health_check_interval' must be from 1s to 24h, not '999ms'\n"},
    {"health checks too seldom", "t.yaml", 0, MONITORING("{health_check_interval: 25h}"),
     "t.yaml:2:37: error: 'health_check_interval' must be from 1s to 24h, not '25h'\n"},
    {"health checks without a pause", "t.yaml", 0, MONITORING("{health_check_interval: 0s}"),
     "t.yaml:2:37: error: 'health_check_interval' of 'monitoring' must be more than 0, not '0s'\n"},
    {"health checks without a unit", "t.yaml", 0, MONITORING("{health_check_interval: 30}"),
     "t.yaml:2:37: error: 'health_check_interval' of 'monitoring' must be a duration like 250ms, "
     "30s, 5m, 2h or 7d, not '30'\n"
     "  write '30s' for seconds\n"},
    {"health checks of limits", "t.yaml", 0, MONITORING("{health_check_interval: 1s}"), ""},
    {"health checks of the other limit", "t.yaml", 0, MONITORING("{health_check_interval: 24h}"),
     ""},
    {"retry that is no map", "t.yaml", 0, RETRY("3"),
     "t.yaml:6:12: error: 'retry' of node 'a' must be a map, or 'off', not '3'\n"
     "  write {max_attempts: 3}\n"},
    {"retry that is nothing", "t.yaml", 0, RETRY(""),
     "t.yaml:6:11: error: 'retry' of node 'a' must be a map, or 'off', not nothing\n"
     "  write {} for the defaults, or 'off'\n"},
    {"retry that is false", "t.yaml", 0, RETRY("false"),
     "t.yaml:6:12: error: 'retry' of node 'a' must be a map, or 'off', not 'false'\n"
     "  write 'off'\n"},
    {"retry that is true", "t.yaml", 0, RETRY("true"),
     "t.yaml:6:12: error: 'retry' of node 'a' must be a map, or 'off', not 'true'\n"
     "  write {} for the defaults\n"},
    {"retry that is a list", "t.yaml", 0, RETRY("[{max_attempts: 3}]"),
     "t.yaml:6:12: error: 'retry' of node 'a' must be a map, or 'off', not a list\n"
     "  write NAME: VALUE in place of a list\n"},
    {"retry with keys of others", "t.yaml", 0,
     RETRY("{max_atempts: 3, attempts: 3, backoff: 2, delay: 1s, retries: 2, jiter: none}"),
     "t.yaml:6:13: error: 'retry' of node 'a' has the unknown key 'max_atempts'\n"
     "  did you mean 'max_attempts'?\n"
     "t.yaml:6:29: error: 'retry' of node 'a' has the unknown key 'attempts'\n"
     "  did you mean 'max_attempts'?\n"
     "t.yaml:6:42: error: 'retry' of node 'a' has the unknown key 'backoff'\n"
     "  did you mean 'backoff_multiplier'?\n"
     "t.yaml:6:54: error: 'retry' of node 'a' has the unknown key 'delay'\n"
     "  did you mean 'initial_interval'?\n"
     "t.yaml:6:65: error: 'retry' of node 'a' has the unknown key 'retries'\n"
     "  did you mean 'max_attempts'?\n"
     "t.yaml:6:77: error: 'retry' of node 'a' has the unknown key 'jiter'\n"
     "  did you mean 'jitter'?\n"},
    {"attempts that are none", "t.yaml", 0, RETRY("{max_attempts: -1}"),
     "t.yaml:6:27: error: 'max_attempts' of 'retry' of node 'a' must be a whole number from 0 on, "
     "not '-1'\n"},
    {"attempts in quotes", "t.yaml", 0, RETRY("{max_attempts: '3'}"),
     "t.yaml:6:27: error: 'max_attempts' of 'retry' of node 'a' must be a whole number from 0 on, "
     "not '3'\n"
     "  leave the quotes out: they make text of it\n"},
    {"attempts in parts", "t.yaml", 0, RETRY("{max_attempts: 2.5}"),
     "t.yaml:6:27: error: 'max_attempts' of 'retry' of node 'a' must be a whole number from 0 on, "
     "not '2.5'\n"},
    {"attempts without an end", "t.yaml", 0, RETRY("{max_attempts: 0}"),
     "t.yaml:6:13: error: 'retry' of node 'a' has no limit of attempts, and no 'deadline'\n"
     "  add a deadline: 24h, for example, or give a number of attempts\n"},
    {"attempts without an end, but a time", "t.yaml", 0, RETRY("{max_attempts: 0, deadline: 1h}"),
     ""},
    {"intervals that are none", "t.yaml", 0,
     RETRY("{initial_interval: 1, max_interval: 0s, deadline: soon}"),
     "t.yaml:6:31: error: 'initial_interval' of 'retry' of node 'a' must be a duration like 250ms, "
     "30s, 5m, 2h or 7d, not '1'\n"
     "  write '1s' for seconds\n"
     "t.yaml:6:48: error: 'max_interval' of 'retry' of node 'a' must be more than 0, not '0s'\n"
     "t.yaml:6:62: error: 'deadline' of 'retry' of node 'a' must be a duration like 250ms, 30s, "
     "5m, 2h or 7d, not 'soon'\n"},
    {"intervals that contradict", "t.yaml", 0, RETRY("{initial_interval: 20s, max_interval: 10s}"),
     "t.yaml:6:36: error: 'max_interval' of 'retry' of node 'a' is shorter than "
     "'initial_interval', at 6:13\n"
     "  waits begin with 'initial_interval' and grow up to 'max_interval'\n"},
    {"a first interval alone", "t.yaml", 0, RETRY("{initial_interval: 10m}"), ""},
    {"multipliers that are none", "t.yaml", 0, RETRY("{backoff_multiplier: 0.5}"),
     "t.yaml:6:33: error: 'backoff_multiplier' of 'retry' of node 'a' must be a number from 1 to "
     "1000, not '0.5'\n"},
    {"multipliers without bound", "t.yaml", 0, RETRY("{backoff_multiplier: 1001}"),
     "t.yaml:6:33: error: 'backoff_multiplier' of 'retry' of node 'a' must be a number from 1 to "
     "1000, not '1001'\n"},
    {"multiplier in quotes", "t.yaml", 0, RETRY("{backoff_multiplier: '2.0'}"),
     "t.yaml:6:33: error: 'backoff_multiplier' of 'retry' of node 'a' must be a number from 1 to "
     "1000, not '2.0'\n"
     "  leave the quotes out: they make text of it\n"},
    {"multiplier that is no number", "t.yaml", 0, RETRY("{backoff_multiplier: .nan}"),
     "t.yaml:6:33: error: 'backoff_multiplier' of 'retry' of node 'a' must be a number from 1 to "
     "1000, not '.nan'\n"},
    {"jitter that is none", "t.yaml", 0, RETRY("{jitter: ful}"),
     "t.yaml:6:21: error: 'jitter' of 'retry' of node 'a' must be one of 'full', 'equal', 'none', "
     "not 'ful'\n"
     "  did you mean 'full'?\n"},
    {"jitter as a number", "t.yaml", 0, RETRY("{jitter: 0.5}"),
     "t.yaml:6:21: error: 'jitter' of 'retry' of node 'a' must be one of 'full', 'equal', 'none', "
     "not '0.5'\n"},
    {"codes with mistakes", "t.yaml", 0,
     RETRY("{on: [TIMEOUT, timeout, RATE_LIMIT, 503, 5xx, 5030, 99, NO_ROUTE]}"),
     "t.yaml:6:27: error: 'on' of 'retry' of node 'a' names 'timeout', which is no error code or "
     "status\n"
     "  did you mean 'TIMEOUT'?\n"
     "t.yaml:6:36: error: 'on' of 'retry' of node 'a' names 'RATE_LIMIT', which is no error code "
     "or status\n"
     "  did you mean 'RATE_LIMITED'?\n"
     "t.yaml:6:53: error: 'on' of 'retry' of node 'a' names '5xx', which is no error code or "
     "status\n"
     "  statuses are written one by one, from 100 to 599: [502, 503]\n"
     "t.yaml:6:58: error: 'on' of 'retry' of node 'a' names '5030', which is no error code or "
     "status\n"
     "  statuses are written one by one, from 100 to 599: [502, 503]\n"
     "t.yaml:6:64: error: 'on' of 'retry' of node 'a' names '99', which is no error code or "
     "status\n"
     "  statuses are written one by one, from 100 to 599: [502, 503]\n"
     "t.yaml:6:68: error: 'on' of 'retry' of node 'a' names 'NO_ROUTE', which is no error code or "
     "status\n"
     "  codes are those that failed attempts show, as TIMEOUT, UNAVAILABLE or RATE_LIMITED\n"},
    {"no codes", "t.yaml", 0, RETRY("{on: []}"),
     "t.yaml:6:17: error: 'on' of 'retry' of node 'a' is empty: nothing is ever retried\n"
     "  write retry: off, or leave 'on' out\n"},
    {"one code", "t.yaml", 0, RETRY("{on: TIMEOUT}"),
     "t.yaml:6:17: error: 'on' of 'retry' of node 'a' must be a list of texts, not 'TIMEOUT'\n"
     "  write [TIMEOUT]\n"},
    {"code that is a map", "t.yaml", 0, RETRY("{on: [TIMEOUT, {status: 503}]}"),
     "t.yaml:6:27: error: 'on' of 'retry' of node 'a' must be a list of texts, and its item 2 is a "
     "map\n"},
    {"shares that are none", "t.yaml", 0, RETRY("{budget: 0%}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'0%'\n"
     "  write 'off' for none\n"},
    {"share above all", "t.yaml", 0, RETRY("{budget: 120%}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'120%'\n"
     "  at most 100%\n"},
    {"share as a number", "t.yaml", 0, RETRY("{budget: 0.2}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'0.2'\n"
     "  write '20%'\n"},
    {"share as a whole number", "t.yaml", 0, RETRY("{budget: 20}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'20'\n"
     "  write '20%'\n"},
    {"share that is false", "t.yaml", 0, RETRY("{budget: false}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'false'\n"
     "  write 'off'\n"},
    {"share that is a word", "t.yaml", 0, RETRY("{budget: much}"),
     "t.yaml:6:21: error: 'budget' of 'retry' of node 'a' must be a share like 20%, or 'off', not "
     "'much'\n"},
    {"all places contradict", "t.yaml", 0,
     "name: t\n"
     "resilience: {retry: {max_interval: 10s, max_attempts: 0}}\n"
     "integrations:\n"
     "  http: {retry: {initial_interval: 20s}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}}\n"
     "  - {id: b, type: http, config: {url: x}, retry: {jitter: none}}\n"
     "  - {id: c, type: http, config: {url: x}, retry: {initial_interval: 30s}}\n",
     "t.yaml:2:41: error: 'retry' of 'resilience' has no limit of attempts, and no 'deadline'\n"
     "  add a deadline: 24h, for example, or give a number of attempts\n"
     "t.yaml:4:18: error: 'initial_interval' of 'retry' of integration 'http' is longer than "
     "'max_interval', at 2:22\n"
     "  waits begin with 'initial_interval' and grow up to 'max_interval'\n"
     "t.yaml:8:51: error: 'initial_interval' of 'retry' of node 'c' is longer than 'max_interval', "
     "at 2:22\n"
     "  waits begin with 'initial_interval' and grow up to 'max_interval'\n"},
    {"wrong in each place", "t.yaml", 0,
     "name: t\n"
     "resilience: {retry: {tries: 3}}\n"
     "integrations:\n"
     "  http: {retry: maybe}\n"
     "states:\n"
     "  s: {type: http, config: {url: x}, retry: {budget: 1}}\n"
     "initial_state: s\n",
     "t.yaml:2:22: error: 'retry' of 'resilience' has the unknown key 'tries'\n"
     "  did you mean 'max_attempts'?\n"
     "t.yaml:4:17: error: 'retry' of integration 'http' must be a map, or 'off', not 'maybe'\n"
     "t.yaml:6:53: error: 'budget' of 'retry' of node 's' must be a share like 20%, or 'off', not "
     "'1'\n"
     "  write '1%'\n"},
    {"wrong in tools and loops", "t.yaml", 0,
     "workflows:\n"
     "  a: {tools: [{name: http, config: {url: x}, retry: {on: []}}]}\n"
     "  b: {type: http, config: {url: x}, for_each: [1], retry: {jitter: x}}\n"
     "  c:\n"
     "    steps: [{id: s, type: http, config: {url: x}, retry: 3}]\n"
     "    finally: [{id: f, type: http, config: {url: x}, retry: 4}]\n"
     "  d:\n"
     "    rollback: true\n"
     "    nodes:\n"
     "      - id: n\n"
     "        type: http\n"
     "        config: {url: x}\n"
     "        compensate: {type: http, config: {url: x}, retry: {max_attempts: 0}}\n",
     "t.yaml:2:58: error: 'on' of 'retry' of node 'http' is empty: nothing is ever retried\n"
     "  write retry: off, or leave 'on' out\n"
     "t.yaml:3:68: error: 'jitter' of 'retry' of node 'b' must be one of 'full', 'equal', 'none', "
     "not 'x'\n"
     "t.yaml:5:58: error: 'retry' of node 's' must be a map, or 'off', not '3'\n"
     "  write {max_attempts: 3}\n"
     "t.yaml:6:60: error: 'retry' of node 'f' must be a map, or 'off', not '4'\n"
     "  write {max_attempts: 4}\n"
     "t.yaml:13:60: error: 'retry' of node 'n' has no limit of attempts, and no 'deadline'\n"
     "  add a deadline: 24h, for example, or give a number of attempts\n"},
    {"off and on again without an end", "t.yaml", 0,
     "name: t\n"
     "resilience: {retry: {max_attempts: 0, deadline: 1h}}\n"
     "integrations: {http: {retry: off}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, retry: {max_attempts: 0}}\n"
     "  - {id: b, type: code, config: {language: bash, code: x}, retry: {max_attempts: 0}}\n",
     "t.yaml:5:51: error: 'retry' of node 'a' has no limit of attempts, and no 'deadline'\n"
     "  add a deadline: 24h, for example, or give a number of attempts\n"},
    {"retry where nothing is tried again", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start, retry: {}}\n"
     "  - {id: b, type: passthrough, retry: {}}\n"
     "  - {id: c, type: set, retry: off}\n"
     "  - {id: d, type: conditional, config: {condition: true}, retry: {}}\n"
     "  - {id: e, type: router, config: {routes: [{name: x, when: true}]}, retry: {}}\n"
     "  - {id: f, type: wait, config: {seconds: 1}, retry: {}}\n"
     "  - {id: g, type: fail, config: {message: x}, retry: {}, on_error: continue}\n"
     "  - {id: h, type: workflow, config: {workflow: '{{ input.x }}'}, retry: {}}\n"
     "  - {id: i, for_each: [1], nodes: [{id: j, type: set}], retry: {}}\n"
     "  - {id: k, for_each: [1], type: set, retry: {}}\n",
     "t.yaml:3:26: error: 'retry' of node 'a' has no effect: nodes of type 'start' run once\n"
     "t.yaml:4:32: error: 'retry' of node 'b' has no effect: nodes of type 'passthrough' run once\n"
     "t.yaml:5:24: error: 'retry' of node 'c' has no effect: nodes of type 'set' run once\n"
     "t.yaml:6:59: error: 'retry' of node 'd' has no effect: nodes of type 'conditional' run once\n"
     "t.yaml:7:70: error: 'retry' of node 'e' has no effect: nodes of type 'router' run once\n"
     "t.yaml:8:47: error: 'retry' of node 'f' has no effect: nodes of type 'wait' run once\n"
     "t.yaml:9:47: error: 'retry' of node 'g' has no effect: nodes of type 'fail' run once\n"
     "t.yaml:10:66: error: 'retry' of node 'h' has no effect: nodes of type 'workflow' run once\n"
     "  it goes to nodes of the pipeline that is run\n"
     "t.yaml:11:57: error: the loop 'i' has 'nodes', so 'retry' goes to one of these\n"
     "t.yaml:12:39: error: 'retry' of node 'k' has no effect: nodes of type 'set' run once\n"},
    {"retry of a state without an action", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {retry: {max_attempts: 2}, transitions: {go: b}}\n"
     "  b: {}\n",
     "t.yaml:4:7: error: 'retry' of state 'a' has no effect: the state has no action\n"},
    {"retry in a profile", "t.yaml", 0,
     "name: t\n"
     "resilience: {retry: {max_attempts: 0, jitter: some}}\n",
     "t.yaml:2:47: error: 'jitter' of 'retry' of 'resilience' must be one of 'full', 'equal', "
     "'none', not 'some'\n"},
    {"retry of an unknown type", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: htp, retry: {max_attempt: 2}}\n",
     "t.yaml:3:19: error: unknown node type 'htp'\n"
     "  did you mean 'http'? the folders searched: /p, /q\n"
     "t.yaml:3:32: error: 'retry' of node 'a' has the unknown key 'max_attempt'\n"
     "  did you mean 'max_attempts'?\n"},
    {"breaker that is no map", "t.yaml", 0, BREAKER("5"),
     "t.yaml:6:22: error: 'circuit_breaker' of node 'a' must be a map, or 'off', not '5'\n"
     "  write {failure_threshold: 5}\n"},
    {"breaker that is none", "t.yaml", 0, BREAKER("none"),
     "t.yaml:6:22: error: 'circuit_breaker' of node 'a' must be a map, or 'off', not 'none'\n"
     "  write 'off'\n"},
    {"breaker that is on", "t.yaml", 0, BREAKER("on"),
     "t.yaml:6:22: error: 'circuit_breaker' of node 'a' must be a map, or 'off', not 'on'\n"
     "  write {} for the defaults\n"},
    {"breaker with keys of others", "t.yaml", 0,
     BREAKER("{threshold: 5, timeout: 60s, half_open: 1, error_rate: 50%}"),
     "t.yaml:6:23: error: 'circuit_breaker' of node 'a' has the unknown key 'threshold'\n"
     "  did you mean 'failure_threshold'?\n"
     "t.yaml:6:37: error: 'circuit_breaker' of node 'a' has the unknown key 'timeout'\n"
     "  did you mean 'reset_timeout'?\n"
     "t.yaml:6:51: error: 'circuit_breaker' of node 'a' has the unknown key 'half_open'\n"
     "  did you mean 'half_open_calls'?\n"
     "t.yaml:6:65: error: 'circuit_breaker' of node 'a' has the unknown key 'error_rate'\n"
     "  did you mean 'failure_rate'?\n"},
    {"thresholds that are none", "t.yaml", 0,
     BREAKER("{failure_threshold: 0, half_open_calls: 0, minimum_calls: 0, failure_rate: 1%}"),
     "t.yaml:6:42: error: 'failure_threshold' of 'circuit_breaker' of node 'a' must be a whole "
     "number from 1 on, not '0'\n"
     "t.yaml:6:62: error: 'half_open_calls' of 'circuit_breaker' of node 'a' must be a whole "
     "number from 1 on, not '0'\n"
     "t.yaml:6:80: error: 'minimum_calls' of 'circuit_breaker' of node 'a' must be a whole number "
     "from 1 on, not '0'\n"},
    {"rates that are none", "t.yaml", 0,
     BREAKER("{failure_rate: 0%, slow_call_rate: 200%, window: 5s}"),
     "t.yaml:6:37: error: 'failure_rate' of 'circuit_breaker' of node 'a' must be a share like "
     "20%, or 'off', not '0%'\n"
     "  write 'off' for none\n"
     "t.yaml:6:57: error: 'slow_call_rate' of 'circuit_breaker' of node 'a' must be a share like "
     "20%, or 'off', not '200%'\n"
     "  at most 100%\n"},
    {"window that is too short", "t.yaml", 0, BREAKER("{failure_rate: 50%, window: 999ms}"),
     "t.yaml:6:50: error: 'window' of 'circuit_breaker' of node 'a' must be from 1s to 10m, not "
     "'999ms'\n"},
    {"window that is too long", "t.yaml", 0, BREAKER("{failure_rate: 50%, window: 11m}"),
     "t.yaml:6:50: error: 'window' of 'circuit_breaker' of node 'a' must be from 1s to 10m, not "
     "'11m'\n"},
    {"windows at their bounds", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {failure_rate: 50%, window: 1s}}\n"
     "integrations: {http: {circuit_breaker: {window: 10m}}}\n"
     "nodes: [{id: a, type: http, config: {url: x}}]\n",
     ""},
    {"window of nothing", "t.yaml", 0, BREAKER("{window: 0s, failure_rate: 50%}"),
     "t.yaml:6:31: error: 'window' of 'circuit_breaker' of node 'a' must be more than 0, not "
     "'0s'\n"},
    {"window without a rate", "t.yaml", 0, BREAKER("{window: 30s, minimum_calls: 5}"),
     "t.yaml:6:23: error: 'window' of 'circuit_breaker' of node 'a' has no effect without a "
     "'failure_rate' or 'slow_call_rate'\n"
     "  add failure_rate: 50%, for example\n"
     "t.yaml:6:36: error: 'minimum_calls' of 'circuit_breaker' of node 'a' has no effect without a "
     "'failure_rate' or 'slow_call_rate'\n"
     "  add failure_rate: 50%, for example\n"},
    {"window with a rate that is off", "t.yaml", 0, BREAKER("{window: 30s, failure_rate: off}"),
     "t.yaml:6:23: error: 'window' of 'circuit_breaker' of node 'a' has no effect without a "
     "'failure_rate' or 'slow_call_rate'\n"
     "  add failure_rate: 50%, for example\n"},
    {"window with a rate of slow calls", "t.yaml", 0,
     BREAKER("{window: 30s, slow_call: 2s, slow_call_rate: 50%}"), ""},
    {"rate of slow calls alone", "t.yaml", 0, BREAKER("{slow_call_rate: 50%}"),
     "t.yaml:6:23: error: 'slow_call_rate' of 'circuit_breaker' of node 'a' has no effect without "
     "a 'slow_call'\n"
     "  say which calls are slow: slow_call: 5s, for example\n"},
    {"rate of slow calls that are off", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {slow_call: 5s}}\n"
     "integrations: {http: {circuit_breaker: {slow_call_rate: 50%}}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, circuit_breaker: {slow_call: off}}\n"
     "  - id: b\n"
     "    type: http\n"
     "    config: {url: x}\n"
     "    circuit_breaker: {slow_call: off, slow_call_rate: 9%}\n"
     "  - {id: c, type: filter, circuit_breaker: {slow_call_rate: 9%}}\n",
     "t.yaml:9:39: error: 'slow_call_rate' of 'circuit_breaker' of node 'b' has no effect without "
     "a 'slow_call'\n"
     "  say which calls are slow: slow_call: 5s, for example\n"},
    {"slow calls that are none", "t.yaml", 0, BREAKER("{slow_call: 0s, slow_call_rate: 5%}"),
     "t.yaml:6:34: error: 'slow_call' of 'circuit_breaker' of node 'a' must be more than 0, or "
     "'off', not '0s'\n"},
    {"slow calls as a number", "t.yaml", 0, BREAKER("{slow_call: 5}"),
     "t.yaml:6:34: error: 'slow_call' of 'circuit_breaker' of node 'a' must be a duration like "
     "250ms, 30s, 5m, 2h or 7d, or 'off', not '5'\n"
     "  write '5s' for seconds\n"},
    {"slow calls that are false", "t.yaml", 0, BREAKER("{slow_call: false}"),
     "t.yaml:6:34: error: 'slow_call' of 'circuit_breaker' of node 'a' must be a duration like "
     "250ms, 30s, 5m, 2h or 7d, or 'off', not 'false'\n"
     "  write 'off'\n"},
    {"both names of the reset", "t.yaml", 0,
     BREAKER("{reset_timeout_seconds: 20, reset_timeout: 20s}"),
     "t.yaml:6:23: error: 'circuit_breaker' of node 'a' has both 'reset_timeout' and "
     "'reset_timeout_seconds', which mean the same\n"},
    {"resets that are none", "t.yaml", 0, BREAKER("{reset_timeout: 20, half_open_timeout: 0s}"),
     "t.yaml:6:38: error: 'reset_timeout' of 'circuit_breaker' of node 'a' must be a duration like "
     "250ms, 30s, 5m, 2h or 7d, not '20'\n"
     "  write '20s' for seconds\n"
     "t.yaml:6:61: error: 'half_open_timeout' of 'circuit_breaker' of node 'a' must be more than "
     "0, not '0s'\n"},
    {"seconds that are none", "t.yaml", 0, BREAKER("{reset_timeout_seconds: 0}"),
     "t.yaml:6:46: error: 'reset_timeout_seconds' of 'circuit_breaker' of node 'a' must be a "
     "number of seconds, more than 0, not '0'\n"},
    {"seconds with a unit", "t.yaml", 0, BREAKER("{reset_timeout_seconds: 20s}"),
     "t.yaml:6:46: error: 'reset_timeout_seconds' of 'circuit_breaker' of node 'a' must be a "
     "number of seconds, more than 0, not '20s'\n"
     "  a duration like 20s goes with the key 'reset_timeout'\n"},
    {"seconds in quotes", "t.yaml", 0, BREAKER("{reset_timeout_seconds: '20'}"),
     "t.yaml:6:46: error: 'reset_timeout_seconds' of 'circuit_breaker' of node 'a' must be a "
     "number of seconds, more than 0, not '20'\n"
     "  leave the quotes out: they make text of it\n"},
    {"breakers where nothing is called", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start, circuit_breaker: {}}\n"
     "  - {id: c, type: set, circuit_breaker: off, retry: off}\n"
     "  - {id: h, type: workflow, config: {workflow: '{{ input.x }}'}, circuit_breaker: {}}\n"
     "  - {id: i, for_each: [1], nodes: [{id: j, type: set}], circuit_breaker: {}}\n"
     "  - {id: k, for_each: [1], type: set, circuit_breaker: {}}\n",
     "t.yaml:3:26: error: 'circuit_breaker' of node 'a' has no effect: nodes of type 'start' call "
     "no service\n"
     "t.yaml:4:24: error: 'circuit_breaker' of node 'c' has no effect: nodes of type 'set' call no "
     "service\n"
     "t.yaml:4:46: error: 'retry' of node 'c' has no effect: nodes of type 'set' run once\n"
     "t.yaml:5:66: error: 'circuit_breaker' of node 'h' has no effect: nodes of type 'workflow' "
     "call no service\n"
     "  it goes to nodes of the pipeline that is run\n"
     "t.yaml:6:57: error: the loop 'i' has 'nodes', so 'circuit_breaker' goes to one of these\n"
     "t.yaml:7:39: error: 'circuit_breaker' of node 'k' has no effect: nodes of type 'set' call no "
     "service\n"},
    {"breaker of a state without an action", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {circuit_breaker: {}, transitions: {go: b}}\n"
     "  b: {}\n",
     "t.yaml:4:7: error: 'circuit_breaker' of state 'a' has no effect: the state has no action\n"},
    {"breaker in each place", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {failure_treshold: 3}}\n"
     "integrations: {http: {circuit_breaker: maybe}}\n"
     "tools: [{name: http, config: {url: x}, circuit_breaker: 4}]\n",
     "t.yaml:2:32: error: 'circuit_breaker' of 'resilience' has the unknown key "
     "'failure_treshold'\n"
     "  did you mean 'failure_threshold'?\n"
     "t.yaml:3:40: error: 'circuit_breaker' of integration 'http' must be a map, or 'off', not "
     "'maybe'\n"
     "t.yaml:4:57: error: 'circuit_breaker' of tool 'http' must be a map, or 'off', not '4'\n"
     "  write {failure_threshold: 4}\n"},
    {"breaker in a profile", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {window: 30s, reset_timeout: soon}}\n",
     "t.yaml:2:60: error: 'reset_timeout' of 'circuit_breaker' of 'resilience' must be a duration "
     "like 250ms, 30s, 5m, 2h or 7d, not 'soon'\n"},
    {"on_open that is nothing known", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, circuit_breaker: {}, on_open: skip}\n"
     "  - {id: b, type: filter, circuit_breaker: {}, on_open: {queue: 1}}\n",
     "t.yaml:3:57: error: 'on_open' of node 'a' must be one of 'wait', 'fail', 'fallback', "
     "'queue', not "
     "'skip'\n"
     "t.yaml:4:65: error: 'queue' of 'on_open' of node 'b' must be a map, not '1'\n"},
    {"priority that is nothing known", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {}}\n"
     "nodes:\n"
     "  - {id: a, type: filter, on_open: {queue: {priority: hihg}}}\n"
     "  - {id: b, type: filter, on_open: {queue: {priority: 1}}}\n"
     "  - {id: c, type: filter, on_open: {queue: {prio: high}}}\n"
     "  - {id: d, type: filter, on_open: {quue: {priority: high}}}\n"
     "  - {id: e, type: filter, on_open: {}}\n",
     "t.yaml:4:55: error: 'priority' of 'queue' of 'on_open' of node 'a' must be one of 'high', "
     "'normal', 'low', not 'hihg'\n"
     "  did you mean 'high'?\n"
     "t.yaml:5:55: error: 'priority' of 'queue' of 'on_open' of node 'b' must be one of 'high', "
     "'normal', 'low', not '1'\n"
     "t.yaml:6:45: error: 'queue' of 'on_open' of node 'c' has the unknown key 'prio'\n"
     "t.yaml:7:37: error: 'on_open' of node 'd' has the unknown key 'quue'\n"
     "  did you mean 'queue'?\n"
     "t.yaml:8:36: error: 'on_open' of node 'e' needs a 'queue'\n"
     "  write {queue: {priority: high}}, or one of the words alone\n"},
    {"on_open without a breaker", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, on_open: fail}\n"
     "  - {id: b, type: filter, on_open: wait, circuit_breaker: off}\n"
     "  - {id: c, type: filter, on_open: fail, circuit_breaker: {}}\n",
     "t.yaml:3:27: error: 'on_open' of node 'a' has no effect: type 'filter' calls no address, so "
     "it has a breaker only where one is asked for\n"
     "  add circuit_breaker: {}\n"
     "t.yaml:4:27: error: 'on_open' of node 'b' has no effect: its circuit_breaker is off\n"
     "  leave 'on_open' out, or give the node a breaker: circuit_breaker: {}\n"},
    {"on_open where nobody is called", "t.yaml", 0,
     "name: t\n"
     "resilience: {on_open: fail}\n"
     "integrations: {http: {on_open: fail}}\n"
     "nodes:\n"
     "  - {id: a, type: set, on_open: fail}\n"
     "  - {id: b, for_each: [1], on_open: fail, nodes: [{id: c, type: set}]}\n",
     "t.yaml:2:14: error: 'resilience' has the unknown key 'on_open'\n"
     "  nodes differ in it: put it at a node\n"
     "t.yaml:3:23: error: integration 'http': unknown key 'on_open'; allowed: 'base_url', 'token'\n"
     "t.yaml:5:24: error: 'on_open' of node 'a' has no effect: nodes of type 'set' call no "
     "service\n"
     "t.yaml:6:28: error: the loop 'b' has 'nodes', so 'on_open' goes to one of these\n"},
    {"on_open of a state without an action", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states: {a: {on_open: fail, transitions: {go: b}}, b: {}}\n",
     "t.yaml:3:14: error: 'on_open' of state 'a' has no effect: the state has no action\n"},
    {"rate of nothing", "t.yaml", 0, RATE("0/hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '0/hour'\n"
     "  write 'off' for no limit\n"},
    {"rate of nothing as a number", "t.yaml", 0, RATE("0"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '0'\n"
     "  write 'off' for no limit\n"},
    {"rate that is false", "t.yaml", 0, RATE("false"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not 'false'\n"
     "  write 'off' for no limit\n"},
    {"rate without a time", "t.yaml", 0, RATE("100"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '100'\n"
     "  write 100/second, 100/minute, 100/hour or 100/day\n"},
    {"rate in quotes without a time", "t.yaml", 0, RATE("'100'"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '100'\n"
     "  write 100/second, 100/minute, 100/hour or 100/day\n"},
    {"rate with a short time", "t.yaml", 0, RATE("100/min"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '100/min'\n"
     "  write '100/minute'\n"},
    {"rate of several", "t.yaml", 0, RATE("100/minutes"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '100/minutes'\n"
     "  write '100/minute'\n"},
    {"rate with a letter", "t.yaml", 0, RATE("5/s"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/s'\n"
     "  write '5/second'\n"},
    {"rate misspelt", "t.yaml", 0, RATE("5/secnd"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/secnd'\n"
     "  write '5/second'\n"},
    {"rate by hours", "t.yaml", 0, RATE("5/hrs"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/hrs'\n"
     "  write '5/hour'\n"},
    {"rate with blanks", "t.yaml", 0, RATE("100 / hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '100 / hour'\n"
     "  write '100/hour'\n"},
    {"rate in words", "t.yaml", 0, RATE("5,000 per hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5,000 per hour'\n"
     "  write '5000/hour'\n"},
    {"rate by the week", "t.yaml", 0, RATE("5/week"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/week'\n"
     "  write 5/second, 5/minute, 5/hour or 5/day\n"},
    {"rate of several minutes", "t.yaml", 0, RATE("5/10m"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/10m'\n"
     "  write 5/second, 5/minute, 5/hour or 5/day\n"},
    {"rate in parts", "t.yaml", 0, RATE("0.5/second"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '0.5/second'\n"
     "  the number is whole: use a longer time, as in 30/minute\n"},
    {"rate below nothing", "t.yaml", 0, RATE("-5/hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '-5/hour'\n"},
    {"rate in capitals", "t.yaml", 0, RATE("5/Hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '5/Hour'\n"
     "  write '5/hour'\n"},
    {"rate of too many", "t.yaml", 0, RATE("99999999999/hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '99999999999/hour'\n"
     "  at most 2147483647\n"},
    {"rate of far too many", "t.yaml", 0, RATE("99999999999999999999/hour"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '99999999999999999999/hour'\n"
     "  at most 2147483647\n"},
    {"rate just above the most", "t.yaml", 0, RATE("2147483648/second"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not '2147483648/second'\n"
     "  at most 2147483647\n"},
    {"rate that is a word", "t.yaml", 0, RATE("often"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not 'often'\n"},
    {"rate as a list", "t.yaml", 0, RATE("[5/second]"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not a list\n"},
    {"rate that is nothing", "t.yaml", 0, RATE(""),
     "t.yaml:6:16: error: 'rate_limit' of node 'a' must be a rate like 5000/hour, a map, or 'off', "
     "not nothing\n"},
    {"map without a rate", "t.yaml", 0, RATE("{burst: 5}"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' needs a 'rate'\n"
     "  write {rate: 5000/hour, burst: 100}, for example\n"},
    {"empty map", "t.yaml", 0, RATE("{}"),
     "t.yaml:6:17: error: 'rate_limit' of node 'a' needs a 'rate'\n"
     "  write {rate: 5000/hour, burst: 100}, for example\n"},
    {"rate of the map of nothing", "t.yaml", 0, RATE("{rate: 0/day, burst: 0}"),
     "t.yaml:6:24: error: 'rate' of 'rate_limit' of node 'a' must be a rate like 5000/hour, not "
     "'0/day'\n"
     "  for no limit: rate_limit: off\n"
     "t.yaml:6:38: error: 'burst' of 'rate_limit' of node 'a' must be a whole number from 1 on, "
     "not '0'\n"},
    {"rate of the map that is off", "t.yaml", 0, RATE("{rate: off}"),
     "t.yaml:6:24: error: 'rate' of 'rate_limit' of node 'a' must be a rate like 5000/hour, not "
     "'off'\n"
     "  for no limit: rate_limit: off\n"},
    {"burst above the rate", "t.yaml", 0, RATE("{rate: 5/second, burst: 6}"),
     "t.yaml:6:34: error: 'burst' of 'rate_limit' of node 'a' is 6, more than its rate of 5\n"
     "  a burst is a part of the calls that the rate allows\n"},
    {"unknown keys of a limit", "t.yaml", 0, RATE("{limit: 5/second, bursts: 5, per: hour}"),
     "t.yaml:6:18: error: 'rate_limit' of node 'a' has the unknown key 'limit'\n"
     "  did you mean 'rate'?\n"
     "t.yaml:6:35: error: 'rate_limit' of node 'a' has the unknown key 'bursts'\n"
     "  did you mean 'burst'?\n"
     "t.yaml:6:46: error: 'rate_limit' of node 'a' has the unknown key 'per'\n"},
    {"burst of all", "t.yaml", 0, RATE("{rate: 5/second, burst: 5}"), ""},
    {"burst of a place further out", "t.yaml", 0,
     "name: t\n"
     "integrations: {http: {rate_limit: {rate: 5000/hour, burst: 500}}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, rate_limit: {rate: 100/hour}}\n"
     "  - {id: b, type: http, config: {url: x}, rate_limit: 100/hour}\n"
     "  - {id: c, type: http, config: {url: x}, rate_limit: {burst: 5001}}\n"
     "  - {id: d, type: http, config: {url: x}, rate_limit: off}\n",
     "t.yaml:4:56: error: 'rate' of 'rate_limit' of node 'a' is smaller than its 'burst', at 2:53\n"
     "  a burst is a part of the calls that the rate allows\n"
     "t.yaml:6:56: error: 'burst' of 'rate_limit' of node 'c' is 5001, more than its rate of 5000\n"
     "  a burst is a part of the calls that the rate allows\n"},
    {"limits off and on again", "t.yaml", 0,
     "name: t\n"
     "integrations: {http: {rate_limit: off}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, rate_limit: {burst: 3}}\n",
     "t.yaml:4:55: error: 'rate_limit' of node 'a' needs a 'rate'\n"
     "  write {rate: 5000/hour, burst: 100}, for example\n"},
    {"limit for all services", "t.yaml", 0,
     "name: t\n"
     "resilience: {rate_limit: 5/second, max_concurrency: 3, fallback: 1}\n"
     "nodes: [{id: a, type: http, config: {url: x}}]\n",
     "t.yaml:2:14: error: 'resilience' has the unknown key 'rate_limit'\n"
     "  services differ in it: put it into integrations.PLUGIN, or at a node\n"
     "t.yaml:2:36: error: 'resilience' has the unknown key 'max_concurrency'\n"
     "  services differ in it: put it into integrations.PLUGIN, or at a node\n"
     "t.yaml:2:56: error: 'resilience' has the unknown key 'fallback'\n"
     "  nodes differ in it: put it at a node\n"},
    {"limits where nothing is called", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: start, rate_limit: 5/second}\n"
     "  - {id: h, type: workflow, config: {workflow: '{{ input.x }}'}, rate_limit: 5/second}\n"
     "  - {id: i, for_each: [1], nodes: [{id: j, type: set}], rate_limit: 5/second}\n"
     "  - {id: k, for_each: [1], type: set, rate_limit: off}\n",
     "t.yaml:3:26: error: 'rate_limit' of node 'a' has no effect: nodes of type 'start' call no "
     "service\n"
     "t.yaml:4:66: error: 'rate_limit' of node 'h' has no effect: nodes of type 'workflow' call no "
     "service\n"
     "  it goes to nodes of the pipeline that is run\n"
     "t.yaml:5:57: error: the loop 'i' has 'nodes', so 'rate_limit' goes to one of these\n"
     "t.yaml:6:39: error: 'rate_limit' of node 'k' has no effect: nodes of type 'set' call no "
     "service\n"},
    {"limit of a state without an action", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {rate_limit: 5/second, transitions: {go: b}}\n"
     "  b: {rate_limit: 5/seconds, type: http, config: {url: x}}\n",
     "t.yaml:4:7: error: 'rate_limit' of state 'a' has no effect: the state has no action\n"
     "t.yaml:5:19: error: 'rate_limit' of state 'b' must be a rate like 5000/hour, a map, or "
     "'off', not '5/seconds'\n"
     "  write '5/second'\n"},
    {"limits of integrations and tools", "t.yaml", 0,
     "name: t\n"
     "integrations: {http: {rate_limit: 5/seconds}}\n"
     "tools: [{name: http, config: {url: x}, rate_limit: {rate: 5}}]\n",
     "t.yaml:2:35: error: 'rate_limit' of integration 'http' must be a rate like 5000/hour, a map, "
     "or 'off', not '5/seconds'\n"
     "  write '5/second'\n"
     "t.yaml:3:59: error: 'rate' of 'rate_limit' of node 'http' must be a rate like 5000/hour, not "
     "'5'\n"
     "  write 5/second, 5/minute, 5/hour or 5/day\n"},
    {"policies of no place", "t.yaml", 0,
     "name: t\n"
     "retry: {max_attempts: 2}\n"
     "circuit_breaker: off\n"
     "rate_limit: 5/second\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {action: {type: http, config: {url: x}, retry: off}, retry_policy: {}}\n",
     "t.yaml:2:1: error: the pipeline has the unknown key 'retry'\n"
     "  for all nodes: put it into 'resilience'\n"
     "t.yaml:3:1: error: the pipeline has the unknown key 'circuit_breaker'\n"
     "  for all nodes: put it into 'resilience'\n"
     "t.yaml:4:1: error: the pipeline has the unknown key 'rate_limit'\n"
     "  services differ in it: put it into integrations.PLUGIN, or at a node\n"
     "t.yaml:7:46: error: 'action' of state 'a' has the unknown key 'retry'\n"
     "  put it beside 'action'\n"
     "t.yaml:7:59: error: state 'a' has the unknown key 'retry_policy'\n"
     "  did you mean 'retry'?\n"},
    {"a rate that a profile has, without its burst", "t.yaml", 0,
     "workflows:\n"
     "  p: {integrations: {http: {rate_limit: 5/hours}}}\n"
     "  q: {integrations: {http: {rate_limit: off}}}\n"
     "  a: {extends: p, integrations: {http: {rate_limit: {burst: 2}}},\n"
     "      nodes: [{id: n, type: http, config: {url: x}}]}\n"
     "  b: {extends: q, integrations: {http: {rate_limit: {burst: 2}}},\n"
     "      nodes: [{id: n, type: http, config: {url: x}}]}\n",
     "t.yaml:2:41: error: 'rate' of 'rate_limit' of integration 'http' must be a rate like "
     "5000/hour, not '5/hours'\n"
     "  write '5/hour'\n"
     "t.yaml:6:53: error: 'rate_limit' of integration 'http' needs a 'rate'\n"
     "  write {rate: 5000/hour, burst: 100}, for example\n"},
    {"fallback that is no map", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: 5}\n"
     "  - {id: b, type: filter, fallback: {}}\n"
     "  - {id: c, type: filter, fallback: {output: 1}}\n",
     "t.yaml:3:37: error: 'fallback' of node 'a' must be a map, not '5'\n"
     "t.yaml:4:37: error: 'fallback' of node 'b' is empty\n"
     "  write {value: ...}, {node: ID} or {cache: 24h}\n"
     "t.yaml:5:38: error: 'fallback' of node 'c' has the unknown key 'output'\n"},
    {"fallback of two kinds", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {value: 1, node: b}}\n"
     "  - {id: b, type: filter}\n"
     "  - {id: c, type: filter, fallback: {cache: soon}}\n"
     "  - {id: d, type: filter, fallback: {cache: 0s}}\n",
     "t.yaml:3:48: error: 'fallback' of node 'a' has both 'value' and 'node': it is one of them\n"
     "t.yaml:5:45: error: 'cache' of 'fallback' of node 'c' must be a duration like 250ms, 30s, "
     "5m, 2h or 7d, not 'soon'\n"
     "t.yaml:6:45: error: 'cache' of 'fallback' of node 'd' must be more than 0, not '0s'\n"},
    {"fallback to a node that is not there", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: fetch, type: filter, fallback: {node: fetsch}}\n"
     "  - {id: b, type: filter, fallback: {node: b}}\n"
     "  - {id: c, type: filter, fallback: {node: [x]}}\n"
     "  - {id: d, for_each: [1], type: filter, fallback: {node: fetch}}\n",
     "t.yaml:3:48: error: 'fallback' of node 'fetch' names the unknown node 'fetsch'\n"
     "  did you mean 'fetch'?\n"
     "t.yaml:4:44: error: node 'b' cannot be its own fallback\n"
     "t.yaml:5:44: error: 'node' of 'fallback' of node 'c' must be text, not a list\n"
     "t.yaml:6:59: error: 'fallback' of node 'd' names 'fetch', which is outside of this body\n"
     "  what is before the loop has ended when its body runs\n"},
    {"fallback with edges", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {node: b}}\n"
     "  - {id: b, type: filter}\n"
     "  - {id: c, type: filter, depends_on: [b]}\n"
     "  - {id: d, type: filter, fallback: {node: e}}\n"
     "  - {id: e, type: filter, on_error: {goto: c}}\n",
     "t.yaml:3:44: error: 'b' is a fallback, which has no edges, and there is one from 'b' to 'c'\n"
     "  what follows goes behind the node that it stands in for\n"
     "t.yaml:6:44: error: 'e' is a fallback, which has no edges, and there is one from 'e' to 'c'\n"
     "  what follows goes behind the node that it stands in for\n"},
    {"fallback among steps", "t.yaml", 0,
     "name: t\n"
     "steps:\n"
     "  - {id: a, type: filter, fallback: {node: b}}\n"
     "  - {id: b, type: filter}\n",
     "t.yaml:3:44: error: 'b' is a fallback, which has no edges, and there is one from 'a' to 'b'\n"
     "  steps follow each other: write 'nodes' in their place\n"},
    {"fallbacks in a circle", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {node: b}}\n"
     "  - {id: b, type: filter, fallback: {node: a}}\n",
     "t.yaml:3:44: error: nodes wait for each other: a → b → a\n"},
    {"fallback of two", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {node: c}}\n"
     "  - {id: b, type: filter, fallback: {node: c}}\n"
     "  - {id: c, type: filter}\n"
     "  - {id: d, type: filter, fallback: {node: e}}\n"
     "  - {id: e, type: filter, on_error: continue}\n",
     "t.yaml:4:44: error: 'c' is the fallback of another node already\n"
     "  it runs once at most: give each node its own\n"
     "t.yaml:7:27: error: 'on_error' of node 'e' has no effect: when a fallback fails, the node "
     "that it stands in for does\n"},
    {"fallback without items", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit, fallback: {value: {count: 0}}}\n"
     "  - {id: of_a, for_each: a.stream, type: set}\n"
     "  - {id: b, type: emit, fallback: {value: {stream: none, count: 0}}}\n"
     "  - {id: of_b, for_each: b.stream, type: set}\n"
     "  - {id: c, type: emit, fallback: {value: null}}\n"
     "  - {id: of_c, for_each: c.stream, type: set}\n"
     "  - {id: d, type: emit, fallback: {value: '{{ input }}'}, cache: {ttl: 1h}}\n"
     "  - {id: of_d, for_each: d.stream, type: set}\n"
     "  - {id: e, type: emit, fallback: {value: {stream: '${input.list}'}}}\n"
     "  - {id: of_e, for_each: e.stream, type: set}\n"
     "  - {id: f, type: emit, fallback: {value: []}}\n"
     "  - {id: of_f, for_each: f.stream, type: set}\n"
     "  - {id: g, type: emit, fallback: {cache: 1h}}\n"
     "  - {id: of_g, for_each: g.stream, type: set}\n",
     "t.yaml:3:43: error: 'fallback' of node 'a' has no items for the loops that read its stream\n"
     "  write {value: {stream: [...]}}: [] lets them go over none\n"
     "t.yaml:5:52: error: 'fallback' of node 'b' has no items for the loops that read its stream\n"
     "  write {value: {stream: [...]}}: [] lets them go over none\n"
     "t.yaml:7:43: error: 'fallback' of node 'c' has no items for the loops that read its stream\n"
     "  write {value: {stream: [...]}}: [] lets them go over none\n"},
    {"fallback whose stream is read", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: emit, fallback: {node: b}}\n"
     "  - {id: of_a, for_each: a.stream, type: set}\n"
     "  - {id: b, type: emit}\n"
     "  - {id: of_b, for_each: b.stream, type: set}\n"
     "  - {id: c, type: emit, fallback: {node: d}}\n"
     "  - {id: of_c, for_each: c.stream, type: set}\n"
     "  - {id: d, type: emit, fallback: {node: e}}\n"
     "  - {id: e, type: emit, fallback: {value: 1}}\n",
     "t.yaml:3:42: error: 'b' is a fallback, and a loop reads its stream\n"
     "  what it emits goes to the loops over the node that it stands in for\n"
     "t.yaml:10:43: error: 'fallback' of node 'e' has no items for the loops over the node that it "
     "stands in for\n"
     "  write {value: {stream: [...]}}: [] lets them go over none\n"},
    {"fallback of a state", "t.yaml", 0,
     "name: t\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {type: filter, fallback: {node: b}, transitions: {success: b}}\n"
     "  b: {type: filter}\n",
     "t.yaml:4:38: error: state 'a' cannot have another as its fallback\n"
     "  write transitions: {error: STATE}\n"},
    {"fallback of rounds", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {node: b}, repeat: {until: 'true'}}\n"
     "  - {id: b, type: filter}\n",
     "t.yaml:3:44: error: node 'a' has 'repeat', so no node can be its fallback: that runs once\n"},
    {"fallback that reads what is not there", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, fallback: {value: '{{ a.output }} {{ b.output }} {{ a.eror.code "
     "}}'}}\n"
     "  - {id: b, type: filter}\n"
     "  - {id: c, type: filter, depends_on: [a], config: {x: '{{ g.output }}'}}\n"
     "  - {id: d, type: filter, fallback: {node: g}}\n"
     "  - {id: g, type: filter, config: {x: '{{ d.error.code }}'}}\n",
     "t.yaml:3:49: warning: node 'a': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:3:64: error: node 'a': 'b' cannot have run before it\n"
     "  add 'b' to 'depends_on' of 'a'\n"
     "t.yaml:3:79: warning: node 'a': 'a' may have no output here\n"
     "  guard it: has(a.output), or coalesce(a.?output, ...)\n"
     "t.yaml:5:60: error: node 'c': 'g' cannot have run before it\n"
     "  add 'g' to 'depends_on'\n"},
    {"stand-ins where nobody is called", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: set, fallback: {value: 1}, cache: {ttl: 5m}}\n"
     "  - {id: b, for_each: [1], nodes: [{id: c, type: set}], cache: {ttl: 5m}, fallback: {value: "
     "1}}\n"
     "  - {id: d, type: workflow, config: {workflow: '{{ input.x }}'}, fallback: {value: 1}}\n",
     "t.yaml:3:24: error: 'fallback' of node 'a' has no effect: nodes of type 'set' call no "
     "service\n"
     "t.yaml:3:46: error: 'cache' of node 'a' has no effect: nodes of type 'set' call no service\n"
     "t.yaml:4:57: error: the loop 'b' has 'nodes', so 'cache' goes to one of these\n"
     "t.yaml:4:75: error: the loop 'b' has 'nodes', so 'fallback' goes to one of these\n"
     "t.yaml:5:66: error: 'fallback' of node 'd' has no effect: nodes of type 'workflow' call no "
     "service\n"
     "  it goes to nodes of the pipeline that is run\n"},
    {"a cache without a time", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, cache: 5m}\n"
     "  - {id: b, type: filter, cache: {}}\n"
     "  - {id: c, type: filter, cache: {ttl: 0s}}\n"
     "  - {id: d, type: filter, cache: {ttl: 5m, key: '1 +'}}\n"
     "  - {id: e, type: filter, cache: {ttl: 5m, keys: x}}\n"
     "  - {id: f, type: filter, cache: {ttl: 5m, key: e.output}}\n",
     "t.yaml:3:34: error: 'cache' of node 'a' must be a map, not '5m'\n"
     "t.yaml:4:34: error: 'cache' of node 'b' needs 'ttl'\n"
     "  say how long an answer is good: {ttl: 5m}\n"
     "t.yaml:5:40: error: 'ttl' of 'cache' of node 'c' must be more than 0, not '0s'\n"
     "t.yaml:6:53: error: 'key' of 'cache' of node 'd': the expression ends where a value is "
     "expected\n"
     "t.yaml:7:44: error: 'cache' of node 'e' has the unknown key 'keys'\n"
     "  did you mean 'key'?\n"
     "t.yaml:8:49: error: node 'f': 'e' cannot have run before it\n"
     "  add 'e' to 'depends_on'\n"},
    {"results of what must be done", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, cache: {ttl: 5m}, at_most_once: true}\n"
     "  - {id: b, type: filter, fallback: {cache: 5m}, at_most_once: true}\n"
     "  - {id: c, type: filter, fallback: {value: 5}, at_most_once: true}\n",
     "t.yaml:3:34: error: 'cache' of node 'a' contradicts 'at_most_once: true': an answer that was "
     "kept does nothing\n"
     "  leave one of them out\n"
     "t.yaml:4:38: error: 'fallback' of node 'b' contradicts 'at_most_once: true': an answer that "
     "was kept does nothing\n"
     "  leave one of them out\n"},
    {"on_open without a fallback", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: filter, on_open: fallback, circuit_breaker: {}}\n",
     "t.yaml:3:36: error: 'on_open: fallback' of node 'a' needs a 'fallback'\n"
     "  add fallback: {value: ...}, for example\n"},
    {"on_open: queue where it cannot be", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {}}\n"
     "integrations: {http: {base_url: \"http://x/{{ input.who }}\"}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, on_open: queue}\n"
     "  - {id: b, type: emit, on_open: queue}\n"
     "  - {id: c, for_each: b.stream, type: set}\n"
     "  - {id: d, type: code, on_open: queue, config: {language: bash, code: x}}\n",
     "t.yaml:5:43: error: calls of node 'a' cannot be queued: the settings of its plugin read what "
     "only this run knows\n"
     "  settings may read secrets and constants; or write on_open: wait\n"
     "t.yaml:6:25: error: calls of node 'b' cannot be queued: a loop goes over its items as they "
     "come\n"
     "  write on_open: wait\n"},
    {"reading what a queued call has not", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, circuit_breaker: {}, on_open: queue}\n"
     "  - {id: b, type: set, depends_on: [a], config: {x: \"{{ a.body }}\"}}\n"
     "  - {id: c, type: set, depends_on: [a], config: {x: \"{{ a.output.?body.orValue(1) }}\"}}\n"
     "  - {id: d, type: set, depends_on: [a], when: \"!has(a.output.queue_id)\", config: {x: \"{{ "
     "a.body }}\"}}\n"
     "  - {id: e, type: set, depends_on: [a], config: {x: \"{{ a.output.status }} {{ a.queue_id "
     "}}\"}}\n",
     "t.yaml:4:57: error: node 'b': the output of 'a' has no 'body' when its call is queued\n"
     "  ask has(a.output.queue_id) first, guard it with .? or default(), or lead an edge with "
     "outcome: queued elsewhere\n"},
    {"reading what a queued call has not behind its edges", "t.yaml", 0,
     "name: t\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: x}, circuit_breaker: {}, on_open: queue}\n"
     "  - {id: b, type: set, config: {x: \"{{ a.body }}\"}}\n"
     "  - {id: c, type: set, config: {x: \"{{ a.body }}\"}}\n"
     "  - {id: d, type: set, depends_on: [c], config: {x: \"{{ a.output.body }}\"}}\n"
     "edges: [{source: a, target: b}, {source: a, target: c, on: queued}]\n"
     "output: {x: \"{{ a.body }}\"}\n",
     "t.yaml:5:40: error: node 'c': the output of 'a' has no 'body' when its call is queued\n"
     "  ask has(a.output.queue_id) first, guard it with .? or default(), or lead an edge with "
     "outcome: queued elsewhere\n"
     "t.yaml:6:57: error: node 'd': the output of 'a' has no 'body' when its call is queued\n"
     "  ask has(a.output.queue_id) first, guard it with .? or default(), or lead an edge with "
     "outcome: queued elsewhere\n"
     "t.yaml:8:17: error: 'output': the output of 'a' has no 'body' when its call is queued\n"
     "  ask has(a.output.queue_id) first, guard it with .? or default(), or lead an edge with "
     "outcome: queued elsewhere\n"},
    {"on_open: queue with secrets that cannot be apart", "t.yaml", 0,
     "name: t\n"
     "resilience: {circuit_breaker: {}}\n"
     "nodes:\n"
     "  - {id: a, type: http, on_open: queue, config: {url: x, headers: {a: \"{{ secrets.a + "
     "input.b }}\"}}}\n"
     "  - {id: b, type: http, on_open: queue, config: {url: x, headers: {a: \"{{ secrets.a }}\", "
     "b: "
     "\"{{ input.b }}\"}}}\n",
     "t.yaml:4:25: error: calls of node 'a' cannot be queued: a text of its config joins a secret "
     "with what only this run knows\n"
     "  give the secret a field of its own, in which nothing else is read but constants; or write "
     "on_open: wait\n"
     "t.yaml:4:75: warning: config of node 'a': the secret 'a' is not set\n"
     "  set OPSTREAM_SECRET_A\n"},
    {"budgets", "t.yaml", 0,
     "name: t\n"
     "budget: {cost: -1, on_exceeded: {modle: x}}\n"
     "nodes:\n"
     "  - {id: a, type: http, config: {url: \"http://x\"}, budget: {calls: 1}}\n"
     "  - {id: b, for_each: [1], type: set, budget: {calls: 1, time: 0s}}\n"
     "  - {id: c, for_each: [1], budget: {}, nodes: [{id: d, type: set}]}\n"
     "  - {id: e, type: set, budget: {tokens: 1}}\n"
     "edges: [{source: a, target: e, outcome: budget}]\n",
     "t.yaml:2:1: warning: 'budget' has no effect: no node in it makes calls that are paid for\n"
     "t.yaml:2:16: error: 'cost' of 'budget' must be a number of US dollars, more than 0, not "
     "'-1'\n"
     "t.yaml:2:34: error: 'on_exceeded' of 'budget' has the unknown key 'modle'\n"
     "  did you mean 'model'?\n"
     "t.yaml:4:52: error: 'budget' of node 'a' has no effect: nodes of type 'http' make no calls "
     "that are paid for\n"
     "t.yaml:5:39: warning: 'budget' of node 'b' has no effect: no node in it makes calls that are "
     "paid for\n"
     "t.yaml:5:64: error: 'time' of 'budget' of node 'b' must be more than 0, not '0s'\n"
     "t.yaml:6:28: warning: 'budget' of node 'c' has no effect: no node in it makes calls that are "
     "paid for\n"
     "t.yaml:6:36: error: 'budget' of node 'c' needs one of 'tokens', 'cost', 'calls' and 'time'\n"
     "t.yaml:7:24: error: 'budget' of node 'e' has no effect: nodes of type 'set' make no calls "
     "that are paid for\n"
     "t.yaml:8:41: error: node 'a' has no outcome 'budget': nodes of type 'http' make no calls "
     "that "
     "are paid for\n"},
    {NULL, NULL, 0, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* All in YAML's flow style, so that what is nested needs no indentation. */
#include "tests/support/random_workflows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/str.h"
#include "tests/support/random.h"
#include "tests/support/random_pipeline.h"

enum { MOST_CHILDREN = 3, MOST_NODES = 6, MOST_STATES = 6, MOST_DEPTH = 3 };

#define NO_NODE UINT32_MAX

struct writer {
    struct random *random;
    struct strbuf *out;
    uint32_t next_id;     /* of nodes: no id is there twice in a file */
    uint32_t first_child; /* the pipelines that may be called */
    uint32_t child_count;
    bool has_rollback;
    bool is_in_loop;
    bool is_calm;
};

static bool percent(struct writer *w, uint32_t chance)
{
    return random_percent(w->random, chance);
}

static uint32_t below(struct writer *w, uint32_t bound)
{
    return random_below(w->random, bound);
}

static void text(struct writer *w, const char *text)
{
    strbuf_append_text(w->out, text);
}

/* ---- work ---- */

enum work {
    WORK_TOY,
    WORK_OTHER,
    WORK_PROC,
    WORK_SET,
    WORK_WAIT,
    WORK_EVENT,
    WORK_QUEUE,
    WORK_CHILD,
    WORK_FAIL,
};

static enum work choose_work(struct writer *w)
{
    static const enum work works[] = {WORK_TOY,   WORK_TOY,   WORK_TOY,  WORK_OTHER,
                                      WORK_PROC,  WORK_SET,   WORK_WAIT, WORK_SET,
                                      WORK_EVENT, WORK_QUEUE, WORK_CHILD};
    enum work work = percent(w, 2) ? WORK_FAIL : works[below(w, sizeof(works) / sizeof(works[0]))];
    return work == WORK_CHILD && w->child_count == 0 ? WORK_TOY : work;
}

static void write_child(struct writer *w)
{
    strbuf_append_format(w->out,
                         "workflow, config: {workflow: child%u, input: {n: '{{ input.n }}', "
                         "zero: 0, l: [[1], []]}%s}",
                         w->first_child + below(w, w->child_count),
                         percent(w, 15) ? ", wait: false" : "");
}

static void write_work(struct writer *w, enum work work)
{
    static const char *const types[] = {"toy.task", "other.task", "proc.task"};
    text(w, "type: ");
    switch (work) {
    case WORK_TOY:
    case WORK_OTHER:
    case WORK_PROC:
        text(w, types[work]);
        text(w, percent(w, 4) ? ", config: {x: '{{ 1 / input.zero }}'}"
                              : ", config: {x: '{{ input.n + 1 }}'}");
        text(w, !w->is_calm && percent(w, 15) ? ", at_most_once: true" : "");
        return;
    case WORK_SET:
        text(w, w->is_calm ? "set, config: {n: '{{ input.n }}'}"
                           : "set, config: {n: '{{ input.n }}', at: '{{ now }}'}");
        return;
    case WORK_WAIT:
        strbuf_append_format(w->out, "wait, config: {seconds: %u}", below(w, 4));
        return;
    case WORK_EVENT:
        strbuf_append_format(w->out, "wait, config: {event: %s, timeout: %us%s}",
                             percent(w, 50) ? "go" : "stop", 1 + below(w, 5),
                             percent(w, 30) ? ", match: 'signal.data > 1'" : "");
        return;
    case WORK_QUEUE:
        text(w, "queue.process");
        if (percent(w, 50)) {
            strbuf_append_format(w->out, ", config: {wait: %us}", 1 + below(w, 3));
        }
        return;
    case WORK_CHILD:
        write_child(w);
        return;
    case WORK_FAIL:
        text(w, "fail, config: {message: told to}");
        return;
    }
}

static void write_compensation(struct writer *w)
{
    if (w->has_rollback && percent(w, 30)) {
        text(w, ", compensate: {");
        write_work(w, percent(w, 60) ? WORK_TOY : percent(w, 50) ? WORK_SET : WORK_WAIT);
        text(w, !w->is_calm && percent(w, 50) ? ", timeout: 3s}" : "}");
    }
}

static void write_timeout(struct writer *w, uint32_t chance)
{
    if (!w->is_calm && percent(w, chance)) {
        strbuf_append_format(w->out, ", timeout: %us", 1 + below(w, 5));
    }
}

/* ---- loops ---- */

/* `producer` is a node beside it that emits items, or NO_NODE. Returns whether it reads that. */
static bool write_items(struct writer *w, uint32_t producer)
{
    static const char *const items[] = {
        "input.l",
        "[1, 2, 3, 4]",
        "{a: [1, 2], b: [x, y]}",
        "input.l",
        "[]",
        "[null, 1, [2]]",
        "input.l",
        "{a: [], b: [1]}",
        "input.no",
        "[1, 2, 3, 4, 5, 6, 7]",
        "input.l",
        "input.zero",
    };
    uint32_t i = below(w, sizeof(items) / sizeof(items[0]));
    bool is_broken = i == 8 || i == 11;
    if (producer != NO_NODE && percent(w, 70)) {
        strbuf_append_format(w->out, "for_each: n%u.stream", producer);
        return true;
    }
    strbuf_append_format(w->out, "for_each: %s", items[is_broken && percent(w, 80) ? 0 : i]);
    return false;
}

static void write_collect(struct writer *w)
{
    static const char *const kinds[] = {"list",
                                        "none",
                                        "count",
                                        "{reduce: 'acc + 1', init: 0}",
                                        "{reduce: 'acc == null ? 1 : acc + 1'}",
                                        "{reduce: 'acc / 0', init: 1}"};
    if (percent(w, 60)) {
        uint32_t i = below(w, percent(w, 20) ? 6 : 5);
        strbuf_append_format(w->out, ", collect: %s", kinds[i]);
    }
}

static void write_loop_keys(struct writer *w)
{
    static const char *const failures[] = {"0", "1", "2", "50%", "100%"};
    strbuf_append_format(w->out, ", batch_size: %u, parallel_workers: %u", 1 + below(w, 3),
                         1 + below(w, 3));
    if (!w->is_calm && percent(w, 20)) {
        text(w, ", as_batch: rows");
    } else {
        strbuf_append_format(w->out, ", max_parallel: %u", 1 + below(w, 2));
    }
    strbuf_append_format(w->out, ", max_failures: %s", failures[below(w, 5)]);
    if (!w->is_calm && percent(w, 20)) {
        strbuf_append_format(w->out, ", until: 'iter.index >= %u'", below(w, 3));
    }
    if (percent(w, 10)) {
        text(w, ", max_iterations: 2");
        text(w, percent(w, 70) ? ", on_limit: stop" : "");
    }
    write_collect(w);
}

static void write_graph(struct writer *w, unsigned depth);

/* What is known of a node that was written. */
struct written {
    uint32_t id;
    uint32_t producer;           /* of items, beside it and before; or NO_NODE */
    const char *const *outcomes; /* of a branching node; else NULL */
    bool has_body;
    bool is_producer;
    bool is_reader;
};

/* What makes a loop of one node, or a node with a body. */
static void write_loop(struct writer *w, unsigned depth, struct written *out)
{
    bool was_in_loop = w->is_in_loop;
    out->is_reader = write_items(w, out->producer);
    write_loop_keys(w);
    w->is_in_loop = true;
    out->has_body = percent(w, 60);
    text(w, ", ");
    if (out->has_body) {
        write_graph(w, depth + 1);
        if (percent(w, 40)) {
            text(w, percent(w, 90) ? ", output: '{{ iter.index }}'"
                                   : ", output: '{{ iter.index / input.zero }}'");
        }
    } else {
        write_work(w, choose_work(w));
    }
    w->is_in_loop = was_in_loop;
}

static void write_repeat(struct writer *w, uint32_t id)
{
    char until[32];
    (void)snprintf(until, sizeof(until), w->is_calm ? "input.n" : "n%u.attempts", id);
    strbuf_append_format(w->out, ", repeat: {until: '%s >= %u', max_iterations: %u", until,
                         1 + below(w, 4), 2 + below(w, 3));
    if (percent(w, 60)) {
        strbuf_append_format(w->out, ", delay: %ums", below(w, 2500));
    }
    text(w, "}");
}

/* ---- graphs ---- */

/* Returns its two outcomes. */
static const char *const *write_branch(struct writer *w, uint32_t id)
{
    static const char *const results[] = {"'true'", "'false'"};
    static const char *const routes[] = {"low", "high"};
    bool is_conditional = percent(w, 50);
    if (is_conditional) {
        strbuf_append_format(w->out, "{id: n%u, type: conditional, config: {condition: '%s > %u'}",
                             id, w->is_in_loop ? "iter.index" : "input.n", below(w, 6));
    } else {
        strbuf_append_format(w->out,
                             "{id: n%u, type: router, config: {routes: [{name: low, when: "
                             "'input.n < %u'}, {name: high, when: 'input.n > 7'}]%s}",
                             id, below(w, 8), percent(w, 80) ? ", default: low" : "");
    }
    return is_conditional ? results : routes;
}

/* What is done with each call that was delivered. */
static void write_delivered(struct writer *w)
{
    strbuf_append_format(w->out, ", max_parallel: %u, nodes: [{id: n%u, type: toy.task, config: ",
                         1 + below(w, 2), w->next_id++);
    text(w, percent(w, 90) ? "{x: '{{ item.id }}'}}]" : "{x: '{{ item.id / input.zero }}'}}]");
}

/*
 * Tasks emit 0, 1, 2 and so on: the shorter lists do not always fit those that were emitted. With
 * dice of its own, so that all else of a seed stays what it is.
 */
static void write_stand_ins(const struct writer *writer)
{
    struct random dice = *writer->random;
    struct writer own = *writer;
    struct writer *w = &own;
    own.random = &dice;
    static const char *const values[] = {"{stream: []}", "[0, 1]", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
                                         "['x']", "'{{ input.l }}'"};
    text(w, percent(w, 60) ? ", retry: off" : "");
    if (percent(w, 50)) {
        strbuf_append_format(w->out, ", fallback: {value: %s}", values[below(w, 5)]);
    } else if (percent(w, 50)) {
        text(w, ", fallback: {cache: 20s}");
    }
    if (percent(w, 50)) {
        text(w, ", cache: {ttl: 20s, key: '1'}");
    }
}

static void write_task(struct writer *w, unsigned depth, struct written *out)
{
    strbuf_append_format(w->out, "{id: n%u, ", out->id);
    if (depth < MOST_DEPTH && percent(w, 30)) {
        write_loop(w, depth, out);
    } else if (percent(w, 12)) {
        out->is_producer = true;
        text(w, "type: flow.task");
        if (!w->is_calm) {
            write_stand_ins(w);
        }
    } else {
        enum work work = choose_work(w);
        write_work(w, work);
        if (work == WORK_QUEUE && percent(w, 50)) {
            write_delivered(w);
        }
        if (percent(w, 15)) {
            write_repeat(w, out->id);
        }
    }
    write_timeout(w, 25);
    write_compensation(w);
}

static void write_node(struct writer *w, unsigned depth, struct written *out)
{
    static const char *const joins[] = {"default", "any", "all"};
    if (percent(w, 15)) {
        out->outcomes = write_branch(w, out->id);
    } else {
        write_task(w, depth, out);
    }
    if (percent(w, 25)) {
        strbuf_append_format(w->out, ", join: %s", joins[below(w, 3)]);
    }
    if (percent(w, 8)) {
        strbuf_append_format(w->out, ", when: 'input.n >= %u'", below(w, 12));
    }
    text(w, percent(w, 50) ? ", on_error: continue" : "");
    text(w, percent(w, 10) ? ", milestone: true" : "");
    text(w, !out->has_body && percent(w, 6) ? ", max_concurrency: 1}" : "}");
}

static void write_edge(struct writer *w, const struct written *source, uint32_t target)
{
    strbuf_append_format(w->out, "{source: n%u, target: n%u", source->id, target);
    if (percent(w, 15)) {
        text(w, ", outcome: error");
    } else if (source->outcomes != NULL && percent(w, 85)) {
        strbuf_append_format(w->out, ", outcome: %s", source->outcomes[below(w, 2)]);
    }
    text(w, percent(w, 8) ? ", when: 'input.n > 5'}" : "}");
}

/* `nodes` and `edges` of a body. */
static void write_graph(struct writer *w, unsigned depth)
{
    struct written nodes[MOST_NODES];
    uint32_t producer = NO_NODE;
    uint32_t count = 1 + below(w, depth == 0 ? MOST_NODES : 3);
    size_t before = 0;
    text(w, "nodes: [");
    for (uint32_t i = 0; i < count; i++) {
        nodes[i] = (struct written){.id = w->next_id++, .producer = producer};
        text(w, i > 0 ? ",\n  " : "");
        write_node(w, depth, &nodes[i]);
        producer = nodes[i].is_producer ? nodes[i].id : producer;
    }
    text(w, "]");
    before = w->out->n;
    text(w, ", edges: [");
    size_t empty = w->out->n;
    for (uint32_t target = 1; target < count; target++) {
        for (uint32_t source = 0; source < target; source++) {
            /* A reader may not wait for its producer's end. */
            bool may_follow = !nodes[target].is_reader || nodes[source].id < nodes[target].producer;
            if (may_follow && percent(w, 35)) {
                text(w, w->out->n > empty ? ", " : "");
                write_edge(w, &nodes[source], nodes[target].id);
            }
        }
    }
    text(w, "]");
    if (w->out->n == empty + 1) {
        w->out->n = before;
    }
}

/* ---- state machines ---- */

/* One leads to the next state, so that each can be reached. */
static void write_transitions(struct writer *w, uint32_t state, uint32_t states, bool is_idle)
{
    static const char *const outcomes[] = {"stop", "timeout", "cancel", "error", "left"};
    strbuf_append_format(w->out, "transitions: {%s: s%u", is_idle ? "go" : "success", state + 1);
    for (uint32_t i = 0; i < (is_idle ? 3u : 5u); i++) {
        if (!percent(w, 40)) {
            continue;
        }
        text(w, ", ");
        if (percent(w, 25)) {
            strbuf_append_format(w->out,
                                 "%s: [{when: 'input.n > %u', to: s%u}, {when: '1 / %s > 0', "
                                 "to: s%u}]",
                                 outcomes[i], below(w, 10), below(w, states),
                                 percent(w, 90) ? "1" : "input.zero", below(w, states));
        } else {
            strbuf_append_format(w->out, "%s: s%u", outcomes[i], below(w, states));
        }
    }
    text(w, "}");
}

static void write_state(struct writer *w, uint32_t i, uint32_t states)
{
    bool is_idle = percent(w, 25);
    strbuf_append_format(w->out, "s%u: {", i);
    if (i + 1 == states) {
        text(w, percent(w, 30) ? "result: failed}" : "}");
        return;
    }
    if (is_idle) {
        strbuf_append_format(w->out, "timeout: %us, ", 1 + below(w, 6));
    } else {
        enum work work = choose_work(w);
        write_work(w, work != WORK_FAIL ? work : WORK_TOY);
        write_timeout(w, 30);
        write_compensation(w);
        text(w, ", ");
    }
    write_transitions(w, i, states, is_idle);
    text(w, "}");
}

static void write_states(struct writer *w)
{
    uint32_t states = 2 + below(w, MOST_STATES - 1);
    strbuf_append_format(w->out, "initial_state: s0, max_transitions: %u, states: {",
                         3 + below(w, 12));
    for (uint32_t i = 0; i < states; i++) {
        text(w, i > 0 ? ",\n  " : "");
        write_state(w, i, states);
    }
    text(w, "}");
}

/* ---- pipelines ---- */

static void write_tools(struct writer *w)
{
    text(w, "tools: [toy/task, {id: b, name: other/task, timeout: 2s}]");
    text(w, percent(w, 30) ? ", sequence: true" : "");
    if (percent(w, 80)) {
        strbuf_append_format(w->out, ", duration: %us, interval: %ums", 1 + below(w, 8),
                             500 + below(w, 4000));
    }
}

static void write_endings(struct writer *w)
{
    static const char *const endings[] = {"on_failure", "on_cancel", "on_success", "finally"};
    for (size_t i = 0; i < 4; i++) {
        if (!percent(w, 15)) {
            continue;
        }
        strbuf_append_format(w->out, ", %s: [", endings[i]);
        uint32_t count = 1 + below(w, 2);
        for (uint32_t n = 0; n < count; n++) {
            strbuf_append_format(w->out, "%s{id: n%u, ", n > 0 ? ", " : "", w->next_id++);
            write_work(w, choose_work(w));
            write_timeout(w, 50);
            text(w, "}");
        }
        text(w, "]");
    }
}

static void write_notifications(struct writer *w)
{
    static const char *const points[] = {"start", "milestones", "completion", "errors"};
    if (!percent(w, 25)) {
        return;
    }
    text(w, ", notifications: {type: other.task, x: '{{ run.status }}'");
    for (size_t i = 0; i < 4; i++) {
        if (percent(w, 60)) {
            strbuf_append_format(w->out, ", %s: {", points[i]);
            text(w, percent(w, 10) ? "x: '{{ 1 / input.zero }}'}" : "}");
        }
    }
    text(w, "}");
}

static void write_body(struct writer *w)
{
    uint32_t dice = below(w, 100);
    if (dice < 62) {
        write_graph(w, 0);
    } else if (dice < 92 || w->is_calm) {
        write_states(w);
    } else {
        write_tools(w);
    }
}

static void write_pipeline(struct writer *w)
{
    strbuf_append_format(w->out,
                         "{integrations: {toy: {max_concurrency: %d}, other: {max_concurrency: "
                         "%d}},\n  ",
                         RANDOM_PIPELINE_TOY_LIMIT, RANDOM_PIPELINE_OTHER_LIMIT);
    w->has_rollback = percent(w, 35);
    text(w, w->has_rollback ? "rollback: true, " : "");
    text(w, percent(w, 15) ? "error_policy: continue, " : "");
    if (!w->is_calm && percent(w, 20)) {
        strbuf_append_format(w->out, "timeout: %us, ", 2 + below(w, 12));
    }
    if (percent(w, 25)) {
        strbuf_append_format(w->out, "scaling: {max_parallel_nodes: %u}, ", 1 + below(w, 4));
    }
    text(w, percent(w, 6) ? "output: '{{ input.n / input.zero }}', " : "");
    write_body(w);
    write_endings(w);
    write_notifications(w);
    text(w, "}");
}

static void write_file(struct random *random, bool is_calm, struct strbuf *out)
{
    struct writer w = {.random = random, .out = out, .is_calm = is_calm};
    uint32_t children = below(&w, MOST_CHILDREN + 1);
    text(&w, "workflows:\n main: ");
    for (uint32_t i = 0; i <= children; i++) {
        w.first_child = i;
        w.child_count = children - i;
        if (i > 0) {
            strbuf_append_format(out, "\n child%u: ", i - 1);
        }
        write_pipeline(&w);
    }
    text(&w, "\n");
}

void random_workflows_write(struct random *random, struct strbuf *out)
{
    write_file(random, false, out);
}

void random_workflows_write_calm(struct random *random, struct strbuf *out)
{
    write_file(random, true, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/random_pipeline.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "tests/support/random.h"

enum { MOST_NODES = 24, MOST_SOURCES = 3 };

enum kind {
    KIND_TOY,
    KIND_OTHER,
    KIND_PROC,
    KIND_PASSTHROUGH,
    KIND_SET,
    KIND_CONDITIONAL,
    KIND_ROUTER,
    KIND_WAIT,
    KIND_FAIL,
};

/* Work of plugins is most of it. */
static enum kind choose_kind(struct random *random)
{
    static const enum kind kinds[] = {KIND_TOY,   KIND_TOY,         KIND_TOY,    KIND_TOY,
                                      KIND_OTHER, KIND_OTHER,       KIND_PROC,   KIND_PASSTHROUGH,
                                      KIND_SET,   KIND_CONDITIONAL, KIND_ROUTER, KIND_WAIT,
                                      KIND_WAIT,  KIND_PASSTHROUGH, KIND_OTHER};
    return random_percent(random, 2)
               ? KIND_FAIL
               : kinds[random_below(random, sizeof(kinds) / sizeof(kinds[0]))];
}

static void write_task_config(struct random *random, struct strbuf *out)
{
    if (random_percent(random, 5)) {
        strbuf_append_text(out, ", config: {x: \"{{ 1 / input.zero }}\"}");
    } else {
        strbuf_append_format(out, ", config: {x: \"{{ input.n + %u }}\"}", random_below(random, 9));
    }
}

static void write_type(struct random *random, enum kind kind, struct strbuf *out)
{
    switch (kind) {
    case KIND_TOY:
    case KIND_OTHER:
    case KIND_PROC:
        strbuf_append_text(out, kind == KIND_TOY     ? "toy.task"
                                : kind == KIND_OTHER ? "other.task"
                                                     : "proc.task");
        write_task_config(random, out);
        return;
    case KIND_PASSTHROUGH:
        strbuf_append_text(out, "passthrough");
        return;
    case KIND_SET:
        strbuf_append_text(out, "set, config: {made: \"{{ now }}\", n: \"{{ input.n }}\"}");
        return;
    case KIND_CONDITIONAL:
        strbuf_append_format(out, "conditional, config: {condition: \"input.n > %u\"}",
                             random_below(random, 10));
        return;
    case KIND_ROUTER:
        strbuf_append_format(out,
                             "router, config: {routes: [{name: low, when: \"input.n < %u\"}, "
                             "{name: high, when: \"input.n > 7\"}]%s}",
                             random_below(random, 8),
                             random_percent(random, 70) ? ", default: low" : "");
        return;
    case KIND_WAIT:
        strbuf_append_format(out, "wait, config: {seconds: %u}", random_below(random, 4));
        return;
    case KIND_FAIL:
        strbuf_append_text(out, "fail, config: {message: told to}");
        return;
    }
}

static void write_retry(struct random *random, struct strbuf *out)
{
    static const char *const jitters[] = {"full", "equal", "none"};
    uint32_t dice = random_below(random, 100);
    if (dice < 10) {
        strbuf_append_text(out, ", retry: off");
    } else if (dice < 50) {
        strbuf_append_format(out, ", retry: {max_attempts: %u, initial_interval: %ums, jitter: %s",
                             1 + random_below(random, 4), 1 + random_below(random, 3000),
                             jitters[random_below(random, 3)]);
        if (random_percent(random, 30)) {
            strbuf_append_format(out, ", deadline: %ums", 1 + random_below(random, 5000));
        }
        strbuf_append_text(out, "}");
    }
}

/* One of two, so that nodes of other runs share it. */
static void write_breaker(struct random *random, struct strbuf *out)
{
    uint32_t dice = random_below(random, 100);
    if (dice < 15) {
        strbuf_append_format(out, ", circuit_breaker: {failure_threshold: %u, reset_timeout: 2s}",
                             1 + dice % 2);
        if (random_percent(random, 30)) {
            strbuf_append_text(out, ", on_open: fail");
        }
    }
}

/* What answers in place of a call; `next_id`: of a node that does. */
static void write_stand_ins(struct random *random, uint32_t i, uint32_t *next_id,
                            struct strbuf *out)
{
    uint32_t dice = random_below(random, 100);
    if (dice < 6) {
        strbuf_append_text(out, ", fallback: {value: {x: 2}}");
    } else if (dice < 9) {
        strbuf_append_format(out, ", fallback: {value: \"{{ n%u.error.hint }}\"}", i);
    } else if (dice < 20) {
        strbuf_append_text(out, ", fallback: {cache: 20s}");
    } else if (dice < 27) {
        strbuf_append_format(out, ", fallback: {node: n%u}", (*next_id)++);
    }
    if (random_percent(random, 15)) {
        strbuf_append_text(out, ", cache: {ttl: 20s, key: \"1\"}");
    }
}

/* Nodes that run only when others fail come behind them: so many, the first has this number. */
static void write_fallback_nodes(struct random *random, uint32_t first, uint32_t count,
                                 struct strbuf *out)
{
    for (uint32_t i = first; i < first + count; i++) {
        strbuf_append_format(out, "  - {id: n%u, type: toy.task", i);
        strbuf_append_text(out, random_percent(random, 20) ? ", when: \"input.n > 4\"" : "");
        write_retry(random, out);
        strbuf_append_text(out, "}\n");
    }
}

static void write_node(struct random *random, uint32_t i, enum kind kind, uint32_t *next_id,
                       struct strbuf *out)
{
    static const char *const joins[] = {"default", "any", "all"};
    strbuf_append_format(out, "  - {id: n%u, type: ", i);
    write_type(random, kind, out);
    if (random_percent(random, 30)) {
        strbuf_append_format(out, ", join: %s", joins[random_below(random, 3)]);
    }
    if (random_percent(random, 12)) {
        strbuf_append_format(out, ", when: \"input.n >= %u\"", random_below(random, 12));
    }
    if (random_percent(random, 25)) {
        strbuf_append_text(out, ", on_error: continue");
    }
    if (random_percent(random, 25) && kind <= KIND_PROC) {
        strbuf_append_format(out, ", timeout: %us", 1 + random_below(random, 5));
    }
    if (random_percent(random, 15) && kind <= KIND_PROC) {
        strbuf_append_text(out, ", max_concurrency: 1");
    }
    if (kind <= KIND_PROC) {
        write_retry(random, out);
        write_breaker(random, out);
        write_stand_ins(random, i, next_id, out);
    }
    strbuf_append_text(out, "}\n");
}

static void write_outcome(struct random *random, enum kind source, struct strbuf *out)
{
    bool is_first = random_percent(random, 50);
    if (random_percent(random, 20)) {
        strbuf_append_text(out, ", outcome: error");
    } else if (source == KIND_CONDITIONAL) {
        strbuf_append_text(out, is_first ? ", outcome: 'true'" : ", outcome: 'false'");
    } else if (source == KIND_ROUTER) {
        strbuf_append_text(out, is_first ? ", outcome: low" : ", outcome: high");
    } else if (source <= KIND_OTHER && random_percent(random, 20)) {
        strbuf_append_text(out, is_first ? ", outcome: left" : ", outcome: right");
    }
}

static void write_edge(struct random *random, uint32_t source, enum kind kind, uint32_t target,
                       struct strbuf *out)
{
    strbuf_append_format(out, "  - {source: n%u, target: n%u", source, target);
    write_outcome(random, kind, out);
    if (random_percent(random, 12)) {
        strbuf_append_format(out, ", when: \"n%u.status == 'completed' && input.n > %u\"", source,
                             random_below(random, 8));
    } else if (random_percent(random, 2)) {
        strbuf_append_format(out, ", when: \"n%u.output.%s > 0\"", source,
                             kind == KIND_SET ? "n" : "x");
    }
    strbuf_append_text(out, "}\n");
}

/* Up to three sources before `target`, each once. */
static void write_edges_to(struct random *random, uint32_t target, const enum kind *kinds,
                           struct strbuf *out)
{
    uint32_t sources[MOST_SOURCES];
    uint32_t count = 0;
    uint32_t wanted = random_below(random, MOST_SOURCES + 1);
    for (uint32_t i = 0; i < wanted && target > 0; i++) {
        uint32_t source = random_below(random, target);
        bool is_new = true;
        for (uint32_t k = 0; k < count; k++) {
            is_new = is_new && sources[k] != source;
        }
        if (is_new) {
            sources[count++] = source;
            write_edge(random, source, kinds[source], target, out);
        }
    }
}

void random_pipeline_write(struct random *random, struct strbuf *out)
{
    enum kind kinds[MOST_NODES];
    uint32_t count = 1 + random_below(random, MOST_NODES);
    uint32_t next_id = count;
    strbuf_append_text(out, "id: random\n");
    strbuf_append_format(out,
                         "integrations: {toy: {max_concurrency: %d}, "
                         "other: {max_concurrency: %d}}\n",
                         RANDOM_PIPELINE_TOY_LIMIT, RANDOM_PIPELINE_OTHER_LIMIT);
    if (random_percent(random, 20)) {
        strbuf_append_text(out, "error_policy: continue\n");
    }
    if (random_percent(random, 30)) {
        strbuf_append_format(out, "timeout: %us\n", 2 + random_below(random, 20));
    }
    if (random_percent(random, 30)) {
        strbuf_append_format(out, "scaling: {max_parallel_nodes: %u}\n",
                             1 + random_below(random, 4));
    }
    if (random_percent(random, 10)) {
        strbuf_append_text(out, "output: \"{{ input.n / input.zero }}\"\n");
    }
    strbuf_append_text(out, "nodes:\n");
    for (uint32_t i = 0; i < count; i++) {
        kinds[i] = choose_kind(random);
        write_node(random, i, kinds[i], &next_id, out);
    }
    write_fallback_nodes(random, count, next_id - count, out);
    strbuf_append_text(out, "edges:\n");
    size_t before = out->n;
    for (uint32_t i = 0; i < count; i++) {
        write_edges_to(random, i, kinds, out);
    }
    if (out->n == before) {
        out->n -= strlen("edges:\n");
    }
}

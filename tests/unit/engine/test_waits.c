/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/waits.h"

#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/engine/run.h"

#define DOWN "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"

#define MANY                                                                                       \
    "id: p\n"                                                                                      \
    "nodes: [{id: e, type: toy.task, for_each: 'input.l', batch_size: 40, max_parallel: 40}]\n"

/* 40 of them. */
#define TEN   "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
#define ITEMS "{\"l\": [" TEN ", " TEN ", " TEN ", " TEN "]}"

/* One line for each wait. */
static void tell(void *user, const struct engine_wait *wait)
{
    struct strbuf *text = user;
    strbuf_append_str(text, run_id(wait->run));
    strbuf_append_char(text, ' ');
    run_append_path(wait->run, wait->frame, wait->node, text);
    strbuf_append_format(text, " %s %.*s", engine_wait_name(wait->kind), STR_ARG(wait->scope));
    if (wait->kind == ENGINE_WAIT_BREAKER) {
        strbuf_append_format(text, " %s", breaker_state_name(wait->state));
        strbuf_append_text(text, wait->until != BREAKER_NEVER ? " until" : "");
    } else {
        strbuf_append_format(text, " %u/%u", wait->in_use, wait->limit);
    }
    strbuf_append_char(text, '\n');
}

static void assert_waits(const struct run *root, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    assert_int_equal(engine_each_wait(world.engine, root, 100, tell, &text), 0);
    strbuf_append_char(&text, '\0');
    assert_string_equal(text.p, expected);
    strbuf_finish(&text);
}

static struct toy_run *call(const char *url)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, retry: off, config: {url: '%s'}}\n",
                   url);
    return toy_world_run(&world, yaml, NULL);
}

static void service_fails(void)
{
    for (int i = 0; i < 5; i++) {
        struct toy_run *run = call("https://a.example/x");
        toy_run_failed_with(run, "a", DOWN);
    }
}

static void assert_line(const struct run *root, const char *rest)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "%.*s %s", STR_ARG(run_id(root)), rest);
    assert_waits(root, line);
}

static void test_waits__a_node_that_is_kept_away_says_by_whom(void **state)
{
    (void)state;
    service_fails();
    struct toy_run *first = call("https://a.example/y");
    struct toy_run *second = call("https://a.example/z");
    assert_line(first->run, "a breaker call https://a.example:443 open until\n");
    toy_world_pass(&world, 60000);
    assert_waits(first->run, ""); /* it is the trial */
    assert_line(second->run, "a breaker call https://a.example:443 half_open\n");
    toy_run_done(first, "a", "{}");
    assert_waits(second->run, "");
}

static void test_waits__permits_have_a_name_and_a_number(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "scaling: {max_parallel_nodes: 2}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task, config: {}}\n"
                                        "  - {id: b, type: toy.task, config: {}}\n"
                                        "  - {id: c, type: toy.task, config: {}}\n",
                                        NULL);
    assert_line(run->run, "c permit run 2/2\n");
    toy_run_done(run, "a", "{}");
    assert_waits(run->run, "");
}

static void test_waits__of_many_the_first_are_told_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    struct toy_run *run = toy_world_run(&world, MANY, ITEMS);
    assert_int_equal(engine_each_wait(world.engine, run->run, 4, tell, &text),
                     11); /* 25 are at work */
    strbuf_append_char(&text, '\0');
    assert_non_null(strstr(text.p, "permit plugin toy 25/25\n"));
    strbuf_finish(&text);
}

static void test_waits__a_run_asks_what_its_nodes_ask(void **state)
{
    (void)state;
    struct toy_run *run = call("https://a.example/y");
    assert_true(engine_run_asks(run->run, STR("call https://a.example:443")));
    assert_false(engine_run_asks(run->run, STR("call https://b.example:443")));
    toy_run_failed_with(run, "a", DOWN);
    assert_true(engine_run_asks(run->run, STR("call https://a.example:443"))); /* it did */
}

static void test_waits__limits_are_counted(void **state)
{
    (void)state;
    const void *cursor = NULL;
    struct engine_limit limit;
    assert_false(engine_next_limit(world.engine, &cursor, &limit));
    (void)toy_world_run(&world, MANY, ITEMS);
    cursor = NULL;
    assert_true(engine_next_limit(world.engine, &cursor, &limit));
    assert_true(str_equal_text(limit.scope, "plugin toy"));
    assert_int_equal(limit.limit, 25);
    assert_int_equal(limit.in_use, 25);
    assert_int_equal(limit.waiting, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_waits__a_node_that_is_kept_away_says_by_whom),
        WITH_WORLD(test_waits__permits_have_a_name_and_a_number),
        WITH_WORLD(test_waits__of_many_the_first_are_told_and_the_rest_is_counted),
        WITH_WORLD(test_waits__a_run_asks_what_its_nodes_ask),
        WITH_WORLD(test_waits__limits_are_counted),
    };
    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}

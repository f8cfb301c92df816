/* SPDX-License-Identifier: Apache-2.0 */
/* A run from what was kept of it: what cannot follow is refused, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/record_json.h"
#include "core/engine/restore.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/support/run_compare.h"
#include "tests/support/run_history.h"
#include "tests/support/run_rows.h"
#include "tests/support/toy_world.h"

enum { AT_S = 1700000000, HISTORIES = 60, MUTATIONS = 60 };

/* ---- by hand ---- */

static const char yaml[] =
    "id: p\nrollback: true\nnodes:\n"
    "  - {id: a, type: toy.task, compensate: {type: toy.task}}\n"
    "  - {id: e, type: toy.task, for_each: input.l, batch_size: 1}\n"
    "  - {id: w, type: wait, config: {event: go}}\n"
    "  - {id: s, type: flow.task}\n"
    "  - {id: r, type: toy.task, for_each: s.stream, batch_size: 1}\n"
    "  - {id: c, type: toy.task, depends_on: [a], repeat: {until: 'c.attempts > 2', delay: 9s}}\n"
    "finally: [{id: f, type: toy.task}]\n";

/* Nodes by their index: the bodies are flat, the root's first. */
enum { A, E, W, S, R, C };

static struct pipeline *pipeline;

static struct run *fresh(void)
{
    struct run_options options = {
        .pipeline = pipeline, .id = STR("r"), .triggered_by = STR("manual"), .number = 1};
    struct error err = {0};
    struct run *run = NULL;
    assert_int_equal(run_create(&options, &run, &err), 0);
    return run;
}

static int add(struct run *run, const char *type, uint32_t attempt, const char *body,
               struct error *err)
{
    struct restore_row row = {.seq = run_last_seq(run) + 1,
                              .type = str_from(type),
                              .path = STR("somewhere"),
                              .attempt = attempt,
                              .at_unix_ms = (int64_t)AT_S * 1000,
                              .body = str_from(body)};
    return restore_row(run, &row, NULL, NULL, err);
}

static void must_add(struct run *run, const char *type, uint32_t attempt, const char *body)
{
    struct error err = {0};
    if (add(run, type, attempt, body, &err) != 0) {
        fail_msg("%s: %s", body, err.message);
    }
}

static void assert_refused(struct run *run, const char *type, const char *body, const char *why)
{
    struct error err = {0};
    uint64_t before = run_last_seq(run);
    assert_int_equal(add(run, type, 1, body, &err), E_CORRUPT);
    if (strstr(err.message, why) == NULL || strstr(err.message, type) == NULL) {
        fail_msg("%s %s: '%s' does not say '%s'", type, body, err.message, why);
    }
    assert_int_equal(run_last_seq(run), before);
}

static struct run *started(void)
{
    struct run *run = fresh();
    must_add(run, "run_started", 0, "{\"output\":{\"l\":[1,2]}}");
    return run;
}

struct wrong {
    const char *type;
    const char *body;
};

static void all_refused(struct run *run, const struct wrong *wrong, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_refused(run, wrong[i].type, wrong[i].body, "cannot follow");
    }
    run_destroy(run);
}

#define ALL_REFUSED(run, wrong) all_refused((run), (wrong), sizeof(wrong) / sizeof((wrong)[0]))

static void test_restore__nothing_comes_before_the_start(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"node_ended", "{\"node\":0,\"state\":\"completed\"}"},
        {"run_ended", "{\"state\":\"completed\"}"},
        {"run_ending", "{\"state\":\"completed\"}"},
        {"run_undoing", "{}"},
        {"run_undone", "{}"},
        {"run_resumed", "{}"},
        {"node_started", "{\"node\":0}"},
        {"frame_started", "{\"node\":1,\"kind\":\"item\",\"child\":1,\"body\":1}"},
    };
    ALL_REFUSED(fresh(), wrong);
}

static void test_restore__a_run_starts_once(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {{"run_started", "{\"output\":{}}"}};
    ALL_REFUSED(started(), wrong);
}

static void test_restore__records_of_nodes_that_cannot_follow(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"node_started", "{\"node\":5}"}, /* it is not ready */
        {"node_started", "{\"node\":1,\"output\":7}"},
        {"node_started", "{\"node\":1}"},
        {"node_started", "{\"node\":2,\"output\":[1]}"},
        {"node_stopping", "{\"node\":0,\"reason\":\"requested\"}"},
        {"node_ended", "{\"node\":5,\"state\":\"completed\"}"},
        {"node_ended", "{\"node\":0,\"state\":\"running\"}"},
        {"node_ended", "{\"node\":0,\"state\":\"failed\"}"}, /* with no error */
        {"node_ended", "{\"node\":0,\"state\":\"completed\",\"index\":99}"},
        {"node_again", "{\"node\":0}"}, /* it has no repeat */
        {"node_again", "{\"node\":5}"},
        {"node_due", "{\"node\":5}"},
        {"node_lost", "{\"node\":0}"},
        {"node_unknown", "{\"node\":0}"},
        {"loop_reduced", "{\"node\":1}"},
        {"item", "{\"node\":0,\"output\":1}"},
        {"item", "{\"node\":3,\"output\":1}"}, /* not started */
        {"credit", "{\"node\":3,\"index\":1}"},
        {"child_undoing", "{\"node\":0}"},
        {"child_undone", "{\"node\":0}"},
    };
    ALL_REFUSED(started(), wrong);
}

static void test_restore__records_of_frames_that_cannot_follow(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"frame_started", "{\"node\":1,\"kind\":\"item\",\"child\":1,\"body\":1}"},
        {"frame_started", "{\"node\":1,\"kind\":\"group\",\"child\":1,\"body\":1}"},
        {"frame_started", "{\"node\":0,\"kind\":\"undo\",\"child\":1,\"body\":1}"},
        {"frame_started", "{\"kind\":\"ending\",\"child\":1,\"body\":1}"},
        {"frame_started", "{\"kind\":\"item\",\"child\":1,\"body\":1}"},
        {"frame_ended", "{\"state\":\"completed\"}"},
        {"frame_stopping", "{\"state\":\"failing\"}"}, /* the root stops with the run */
        {"run_stopping", "{\"state\":\"completed\"}"},
        {"run_ended", "{\"state\":\"completed\"}"},
        {"run_ending", "{\"state\":\"completed\"}"},
        {"run_undone", "{}"},
        {"run_undoing", "{}"},
        {"run_resumed", "{}"},
        {"signal", "{}"},
        {"signal", "{\"output\":{\"name\":1}}"},
        {"signal_taken", "{}"},
    };
    ALL_REFUSED(started(), wrong);
}

static void test_restore__iterations_come_in_their_order(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"node_started", "{\"node\":1,\"output\":[1,2]}"}, /* again */
        {"node_ended", "{\"node\":1,\"state\":\"completed\"}"},
        {"frame_started", "{\"node\":1,\"kind\":\"item\",\"child\":9,\"body\":1,\"index\":1}"},
        {"frame_started", "{\"node\":1,\"kind\":\"item\",\"child\":2,\"body\":1,\"index\":7}"},
        {"frame_started", "{\"node\":1,\"kind\":\"group\",\"child\":2,\"body\":1,\"index\":1}"},
        {"frame_ended", "{\"frame\":1,\"node\":1,\"kind\":\"item\",\"state\":\"completed\"}"},
        {"loop_reduced", "{\"node\":1,\"output\":1}"},
    };
    struct run *run = started();
    char body[120];
    must_add(run, "node_started", 1, "{\"node\":1,\"output\":[1,2]}");
    (void)snprintf(body, sizeof(body), "{\"node\":1,\"kind\":\"item\",\"child\":1,\"body\":%u}",
                   pipeline->nodes[E].own_body);
    must_add(run, "frame_started", 1, body);
    ALL_REFUSED(run, wrong);
}

static void test_restore__what_is_not_there_cannot_be_named(void **state)
{
    (void)state;
    struct run *run = started();
    assert_refused(run, "node_ended", "{\"frame\":4,\"node\":0,\"state\":\"completed\"}",
                   "names what is not there");
    assert_refused(run, "node_ended", "{\"node\":400,\"state\":\"completed\"}",
                   "names what is not there");
    assert_refused(run, "node_ended", "{\"node\":0,\"state\":\"completed\",\"taken\":[7]}",
                   "cannot follow");
    assert_refused(run, "node_ended", "{\"node\":2,\"state\":\"completed\",\"taken\":[0]}",
                   "cannot follow"); /* it has no edges */
    run_destroy(run);
}

static void test_restore__a_body_that_says_nothing_right(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *why;
    } wrong[] = {
        {"", "broken off"},
        {"{\"node\":0,\"state\":\"completed\"", "broken off"},
        {"{\"node\":\"0\"}", "its 'node'"},
        {"{\"node\":-1}", "its 'node'"},
        {"{\"node\":99999999999999999999}", "its 'node'"},
        {"{\"frame\":1.5}", "its 'frame'"},
        {"{\"state\":\"odd\"}", "its 'state'"},
        {"{\"state\":7}", "its 'state'"},
        {"{\"kind\":\"odd\"}", "its 'kind'"},
        {"{\"reason\":\"odd\"}", "its 'reason'"},
        {"{\"last\":false}", "its 'last'"},
        {"{\"novel\":1}", "its 'novel'"},
        {"{\"output\":{}", "broken off"},
        {"{\"output\":{\"a\"}}", "its 'output'"},
        {"{\"output\":1,\"output\":2}", "its 'output'"},
    };
    struct run *run = started();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_refused(run, "node_ended", wrong[i].body, wrong[i].why);
    }
    run_destroy(run);
}

static void test_restore__types_that_are_not_kept(void **state)
{
    (void)state;
    struct run *run = started();
    assert_refused(run, "node_queued", "{\"node\":0}", "no known type");
    assert_refused(run, "node_flown", "{\"node\":0}", "no known type");
    run_destroy(run);
}

static void test_restore__each_comes_after_the_one_before(void **state)
{
    (void)state;
    struct run *run = started();
    static const uint64_t wrong[] = {0, 1, 3, UINT64_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error err = {0};
        struct restore_row row = {
            .seq = wrong[i], .type = STR("run_paused"), .body = STR("{}"), .at_unix_ms = 1};
        assert_int_equal(restore_row(run, &row, NULL, NULL, &err), E_CORRUPT);
        assert_non_null(strstr(err.message, "is not the next one"));
    }
    run_destroy(run);
}

static void test_restore__a_time_that_cannot_be(void **state)
{
    (void)state;
    struct run *run = started();
    static const int64_t wrong[] = {-1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error err = {0};
        struct restore_row row = {.seq = run_last_seq(run) + 1,
                                  .type = STR("run_paused"),
                                  .body = STR("{}"),
                                  .at_unix_ms = wrong[i]};
        assert_int_equal(restore_row(run, &row, NULL, NULL, &err), E_CORRUPT);
        assert_non_null(strstr(err.message, "time"));
    }
    assert_refused(run, "node_started", "{\"node\":2,\"due\":9223372036854775807}", "its 'due'");
    run_destroy(run);
}

static void test_restore__pauses_alternate(void **state)
{
    (void)state;
    struct run *run = started();
    must_add(run, "run_paused", 0, "{}");
    assert_true(run_is_paused(run));
    assert_refused(run, "run_paused", "{}", "cannot follow");
    must_add(run, "run_resumed", 0, "{}");
    assert_refused(run, "run_resumed", "{}", "cannot follow");
    run_destroy(run);
}

static void test_restore__a_lost_task_starts_again(void **state)
{
    (void)state;
    struct run *run = started();
    must_add(run, "node_started", 1, "{\"node\":0}");
    must_add(run, "node_unknown", 1, "{\"node\":0}");
    assert_int_equal(run_unknown_count(run), 1);
    assert_refused(run, "node_unknown", "{\"node\":0}", "cannot follow");
    must_add(run, "node_lost", 1, "{\"node\":0}");
    assert_int_equal(run_unknown_count(run), 0);
    assert_refused(run, "node_lost", "{\"node\":0}", "cannot follow");
    must_add(run, "node_started", 2, "{\"node\":0}");
    run_destroy(run);
}

struct heard {
    int count;
    char path[32];
};

static void hear(void *user, const struct record *record)
{
    struct heard *heard = user;
    heard->count++;
    (void)snprintf(heard->path, sizeof(heard->path), "%s", record->path);
}

static void test_restore__whoever_listens_hears_what_was_applied(void **state)
{
    (void)state;
    struct run *run = started();
    struct heard heard = {0};
    struct error err = {0};
    struct restore_row row = {.seq = 2,
                              .type = STR("node_started"),
                              .path = STR("a"),
                              .attempt = 1,
                              .at_unix_ms = 5,
                              .body = STR("{\"node\":0}")};
    assert_int_equal(restore_row(run, &row, hear, &heard, &err), 0);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.path, "a");
    row.seq = 3;
    assert_int_equal(restore_row(run, &row, hear, &heard, &err), E_CORRUPT);
    assert_int_equal(heard.count, 1);
    run_destroy(run);
}

/* ---- histories ---- */

static void test_restore__each_beginning_of_a_history_gives_a_run(void **state)
{
    (void)state;
    size_t lines = 0;
    for (uint32_t i = 0; i < HISTORIES; i++) {
        struct strbuf text = STRBUF_INIT;
        run_history_make(i, i, &text);
        for (size_t n = 0; n <= text.n; n++) {
            bool is_line_end = n == 0 || text.p[n - 1] == '\n';
            /* One that ends in the middle of a write may wait for a child run that is not there. */
            int status =
                is_line_end ? run_history_try(run_history_pipeline(i), (struct str){text.p, n}) : 0;
            assert_true(status == 0 || (i % RUN_HISTORY_PIPELINES == 3 && status == E_CORRUPT));
            lines += is_line_end ? 1 : 0;
        }
        strbuf_finish(&text);
    }
    assert_true(lines > HISTORIES * 5);
}

static void drop_line(struct strbuf *text, size_t at)
{
    char *begin = text->p + at;
    while (begin > text->p && begin[-1] != '\n') {
        begin--;
    }
    char *end = memchr(begin, '\n', (size_t)(text->p + text->n - begin));
    end = end != NULL ? end + 1 : text->p + text->n;
    memmove(begin, end, (size_t)(text->p + text->n - end));
    text->n -= (size_t)(end - begin);
}

static void double_line(struct strbuf *text, size_t at)
{
    struct strbuf copy = STRBUF_INIT;
    const char *end = memchr(text->p + at, '\n', text->n - at);
    size_t last = end != NULL ? (size_t)(end - text->p) + 1 : text->n;
    size_t first = at;
    while (first > 0 && text->p[first - 1] != '\n') {
        first--;
    }
    strbuf_append(&copy, text->p, last);
    strbuf_append(&copy, text->p + first, text->n - first);
    strbuf_finish(text);
    *text = copy;
}

/* Another digit where one is, another letter where one is. */
static void damage(struct strbuf *text, size_t at, struct random *random)
{
    char *c = text->p + at;
    if (*c >= '0' && *c <= '9') {
        *c = (char)('0' + random_below(random, 10));
    } else if (*c != '\n') {
        *c = "{}[]\",:0a"[random_below(random, 9)];
    }
}

static void mutate(struct strbuf *text, struct random *random)
{
    for (uint32_t n = 1 + random_below(random, 3); n > 0 && text->n > 1; n--) {
        size_t at = random_below(random, (uint32_t)text->n);
        uint32_t dice = random_below(random, 4);
        if (dice == 0) {
            drop_line(text, at);
        } else if (dice == 1) {
            double_line(text, at);
        } else {
            while (dice == 2 && at + 1 < text->n && (text->p[at] < '0' || text->p[at] > '9')) {
                at++;
            }
            damage(text, at, random);
        }
    }
}

static void test_restore__a_damaged_history_is_refused_or_goes_on(void **state)
{
    (void)state;
    struct random random = {7};
    uint32_t refused = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < HISTORIES; i++) {
        struct strbuf text = STRBUF_INIT;
        run_history_make(i, 1000 + i, &text);
        for (uint32_t n = 0; n < MUTATIONS; n++) {
            struct strbuf copy = STRBUF_INIT;
            strbuf_append(&copy, text.p, text.n);
            mutate(&copy, &random);
            int status = run_history_try(run_history_pipeline(i), strbuf_str(&copy));
            assert_true(status == 0 || status == E_CORRUPT);
            refused += status != 0 ? 1 : 0;
            taken += status == 0 ? 1 : 0;
            strbuf_finish(&copy);
        }
        strbuf_finish(&text);
    }
    assert_true(refused > 500);
    assert_true(taken > 50);
}

/* ---- short of memory ---- */

static void test_restore__survives_each_failed_allocation(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < RUN_HISTORY_PIPELINES; i++) {
        struct strbuf text = STRBUF_INIT;
        bool is_reached = true;
        int first = 0;
        run_history_make(i, 11, &text);
        first = run_history_try(run_history_pipeline(i), strbuf_str(&text));
        for (long n = 0; is_reached; n++) {
            failing_alloc_arm(n);
            int status = run_history_try(run_history_pipeline(i), strbuf_str(&text));
            is_reached = failing_alloc_disarm();
            bool is_right = is_reached ? status == E_NOMEM || status == first : status == first;
            if (!is_right) {
                fail_msg("pipeline %u, allocation %ld: status %d", i, n, status);
            }
        }
        strbuf_finish(&text);
    }
}

static int make_pipeline(void **state)
{
    (void)state;
    pipeline = pipeline_fixture_load(yaml);
    return 0;
}

static int drop_pipeline(void **state)
{
    (void)state;
    pipeline_unref(pipeline);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restore__nothing_comes_before_the_start),
        cmocka_unit_test(test_restore__a_run_starts_once),
        cmocka_unit_test(test_restore__records_of_nodes_that_cannot_follow),
        cmocka_unit_test(test_restore__records_of_frames_that_cannot_follow),
        cmocka_unit_test(test_restore__iterations_come_in_their_order),
        cmocka_unit_test(test_restore__what_is_not_there_cannot_be_named),
        cmocka_unit_test(test_restore__a_body_that_says_nothing_right),
        cmocka_unit_test(test_restore__types_that_are_not_kept),
        cmocka_unit_test(test_restore__each_comes_after_the_one_before),
        cmocka_unit_test(test_restore__a_time_that_cannot_be),
        cmocka_unit_test(test_restore__pauses_alternate),
        cmocka_unit_test(test_restore__a_lost_task_starts_again),
        cmocka_unit_test(test_restore__whoever_listens_hears_what_was_applied),
        cmocka_unit_test(test_restore__each_beginning_of_a_history_gives_a_run),
        cmocka_unit_test(test_restore__a_damaged_history_is_refused_or_goes_on),
        cmocka_unit_test(test_restore__survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_pipeline, drop_pipeline);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/record_json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"

enum { TYPES = RECORD_RUN_RESUMED + 1, ROUNDS = 200 };

/* ---- random records ---- */

/* As deep as values may be: 64 lists. */
#define OPEN_16  "[[[[[[[[[[[[[[[["
#define CLOSE_16 "]]]]]]]]]]]]]]]]"
#define DEEP     OPEN_16 OPEN_16 OPEN_16 OPEN_16 CLOSE_16 CLOSE_16 CLOSE_16 CLOSE_16

static const char *const documents[] = {
    "null",
    "\"\"",
    "7",
    "-1.5e300",
    "[]",
    "{}",
    "{\"status\":200,\"body\":\"all is well\"}",
    "\"}{][,:\\\"\\\\ \\u0001 \\u00e9\"",
    "{\"output\":{\"error\":[{\"taken\":[1,2]}]},\"state\":\"}\"}",
    DEEP,
};

static const struct document *random_document(struct random *random)
{
    const size_t count = sizeof(documents) / sizeof(documents[0]);
    return random_percent(random, 40)
               ? pipeline_fixture_json(documents[random_below(random, (uint32_t)count)])
               : NULL;
}

/* Small ones, none, and the largest. */
static uint64_t random_number(struct random *random, uint64_t most)
{
    switch (random_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return most;
    case 2:
        return random_below(random, 100);
    default:
        return random_next(random) % most;
    }
}

static void random_taken(struct random *random, struct edge_set *set)
{
    uint32_t count = random_below(random, 3) == 0 ? random_below(random, 200) : 0;
    assert_int_equal(edge_set_init(set, count), 0);
    for (uint32_t i = 0; i < count; i++) {
        edge_set_put(set, i, random_percent(random, 30));
    }
}

static bool has_run_state(enum record_type type)
{
    return type == RECORD_FRAME_STOPPING || type == RECORD_FRAME_ENDED ||
           type == RECORD_RUN_STOPPING || type == RECORD_RUN_ENDING || type == RECORD_RUN_ENDED;
}

/* With all that its type can have. */
static struct record random_record(struct random *random, enum record_type type)
{
    bool has_kind = type == RECORD_FRAME_STARTED || type == RECORD_FRAME_ENDED;
    struct record record = {
        .type = type,
        .frame = random_number(random, INT64_MAX),
        .node = random_percent(random, 20) ? RECORD_NO_NODE
                                           : (uint32_t)random_number(random, UINT32_MAX - 1),
        .child = random_number(random, INT64_MAX),
        .body = (uint32_t)random_number(random, UINT32_MAX),
        .index = random_number(random, INT64_MAX),
        .due_unix_ms = (int64_t)random_number(random, RECORD_LAST_MS),
        .outcome = (uint32_t)random_number(random, UINT32_MAX),
        .reason = (enum stop_reason)random_below(random, STOP_FAILURE + 1),
        .is_due_timeout = random_percent(random, 50),
        .is_last = random_percent(random, 50),
        .has_undo = random_percent(random, 50),
        .is_done = random_percent(random, 50),
        .is_handled = random_percent(random, 50),
        .has_priority = random_percent(random, 50),
        .output = type == RECORD_FRAME_STARTED ? NULL : random_document(random),
        .error = random_document(random),
        .detail = random_document(random),
        .done = random_document(random),
    };
    if (record.has_priority) {
        record.priority = (enum queue_priority)((int)random_below(random, 3) - 1);
    }
    if (type == RECORD_NODE_ENDED) {
        record.node_state = (enum node_state)random_below(random, NODE_CANCELLED + 1);
    }
    if (has_run_state(type)) {
        record.run_state = (enum run_state)random_below(random, RUN_CANCELLED + 1);
    }
    if (has_kind) {
        record.kind = (enum frame_kind)random_below(random, FRAME_NOTICE + 1);
    }
    random_taken(random, &record.taken);
    return record;
}

/* ---- there and back ---- */

static void expect_same_document(const struct document *a, const struct document *b)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a != NULL) {
        assert_true(value_equal(document_root(a), document_root(b)));
    }
}

static void expect_same_taken(const struct edge_set *taken, struct str text)
{
    struct edge_set again = EDGE_SET_INIT;
    assert_int_equal(text.n > 0, taken->count > 0);
    assert_int_equal(edge_set_init(&again, taken->count), 0);
    if (text.n > 0) {
        assert_int_equal(record_read_taken(text, &again), 0);
    }
    for (uint32_t i = 0; i < taken->count; i++) {
        assert_int_equal(edge_set_has(&again, i), edge_set_has(taken, i));
    }
    edge_set_finish(&again);
}

static void expect_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->frame, b->frame);
    assert_int_equal(a->node, b->node);
    assert_int_equal(a->child, b->child);
    assert_int_equal(a->body, b->body);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->due_unix_ms, b->due_unix_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->is_due_timeout, b->is_due_timeout);
    assert_int_equal(a->is_last, b->is_last);
    assert_int_equal(a->has_undo, b->has_undo);
    assert_int_equal(a->is_done, b->is_done);
    assert_int_equal(a->is_handled, b->is_handled);
    assert_int_equal(a->has_priority, b->has_priority);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->node_state, b->node_state);
    assert_int_equal(a->run_state, b->run_state);
    assert_int_equal(a->kind, b->kind);
    expect_same_document(a->output, b->output);
    expect_same_document(a->error, b->error);
    expect_same_document(a->detail, b->detail);
    expect_same_document(a->done, b->done);
}

static void test_record_json__every_type_comes_back_as_it_was(void **state)
{
    (void)state;
    struct random random = {4};
    for (int i = 0; i < ROUNDS * TYPES; i++) {
        struct record record = random_record(&random, (enum record_type)(i % TYPES));
        struct record again = {.type = record.type};
        struct strbuf body = STRBUF_INIT;
        struct str taken = {0};
        struct error err = {0};
        record_write_body(&record, &body);
        assert_int_equal(strbuf_status(&body), 0);
        assert_int_equal(record_read_body(strbuf_str(&body), &again, &taken, &err), 0);
        expect_same(&record, &again);
        expect_same_taken(&record.taken, taken);
        strbuf_finish(&body);
        record_finish(&record);
        record_finish(&again);
    }
}

static void test_record_json__is_json_that_people_can_read(void **state)
{
    (void)state;
    struct strbuf body = STRBUF_INIT;
    struct record record = {.type = RECORD_NODE_ENDED,
                            .frame = 3,
                            .node = 2,
                            .node_state = NODE_COMPLETED,
                            .output = pipeline_fixture_json("{\"status\":200}")};
    assert_int_equal(edge_set_init(&record.taken, 2), 0);
    edge_set_put(&record.taken, 0, true);
    record_write_body(&record, &body);
    assert_string_equal(body.p, "{\"frame\":3,\"node\":2,\"state\":\"completed\",\"taken\":[0],"
                                "\"output\":{\"status\":200}}");
    record_finish(&record);
    strbuf_finish(&body);
}

static void test_record_json__what_a_replay_finds_is_not_written(void **state)
{
    (void)state;
    const char *name = NULL;
    struct strbuf body = STRBUF_INIT;
    struct record record = {.type = RECORD_FRAME_STARTED,
                            .node = RECORD_NO_NODE,
                            .kind = FRAME_ITEM,
                            .output = pipeline_fixture_json("[1]")};
    assert_null(record_document(&record, 0, &name));
    record_write_body(&record, &body);
    assert_string_equal(body.p, "{\"kind\":\"item\"}");
    record_finish(&record);
    strbuf_finish(&body);
}

static void test_record_json__types_have_names_of_their_own(void **state)
{
    (void)state;
    enum record_type type = RECORD_RUN_STARTED;
    for (int i = 0; i < TYPES; i++) {
        const char *name = record_type_name((enum record_type)i);
        assert_non_null(name);
        assert_int_equal(record_type_parse(str_from(name), &type), 0);
        assert_int_equal(type, i);
        struct record record = {.type = type};
        assert_int_equal(record_is_lazy(&record), i == RECORD_NODE_QUEUED);
    }
    assert_int_equal(record_type_parse(STR("node_begun"), &type), E_INVALID);
    assert_int_equal(record_type_parse(STR(""), &type), E_INVALID);
}

/* ---- bad bodies ---- */

static int read_text(enum record_type type, struct str text, struct error *err)
{
    struct record record = {.type = type};
    struct str taken = {0};
    int status = record_read_body(text, &record, &taken, err);
    if (status != 0) {
        assert_null(record.output);
        assert_null(record.error);
        assert_null(record.detail);
        assert_null(record.done);
    }
    record_finish(&record);
    return status;
}

static void test_record_json__bad_members_are_named(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        const char *body;
        const char *part; /* of the message */
    } cases[] = {
        {RECORD_NODE_STARTED, "{\"frame\":-1}", "'frame'"},
        {RECORD_NODE_STARTED, "{\"frame\":1.5}", "'frame'"},
        {RECORD_NODE_STARTED, "{\"frame\":9223372036854775808}", "'frame'"},
        {RECORD_NODE_STARTED, "{\"frame\":99999999999999999999999}", "'frame'"},
        {RECORD_NODE_STARTED, "{\"frame\":\"1\"}", "'frame'"},
        {RECORD_NODE_STARTED, "{\"node\":4294967295}", "'node'"},
        {RECORD_NODE_STARTED, "{\"node\":null}", "'node'"},
        {RECORD_NODE_STARTED, "{\"output\":1,\"due\":true}", "'due'"},
        {RECORD_NODE_ENDED, "{\"state\":\"failing\"}", "'state'"}, /* a run's */
        {RECORD_RUN_ENDED, "{\"state\":\"skipped\"}", "'state'"},  /* a node's */
        {RECORD_NODE_ENDED, "{\"state\":3}", "'state'"},
        {RECORD_FRAME_STARTED, "{\"kind\":\"loop\"}", "'kind'"},
        {RECORD_NODE_STOPPING, "{\"reason\":\"none\"}", "'reason'"},
        {RECORD_NODE_STOPPING, "{\"reason\":\"whim\"}", "'reason'"},
        {RECORD_FRAME_ENDED, "{\"last\":1}", "'last'"},
        {RECORD_NODE_ENDED, "{\"is_handled\":false}", "'is_handled'"},
        {RECORD_NODE_ENDED, "{\"colour\":1}", "'colour'"},
        {RECORD_NODE_ENDED, "{\"output\":1,\"output\":2}", "'output'"},
        {RECORD_NODE_ENDED, "{\"output\":{\"a\":1,\"a\":2}}", "'output'"},
        {RECORD_NODE_ENDED, "{\"output\":nul}", "'output'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {0};
        assert_int_equal(read_text(cases[i].type, str_from(cases[i].body), &err), E_INVALID);
        if (strstr(err.message, cases[i].part) == NULL) {
            fail_msg("'%s' says: %s", cases[i].body, err.message);
        }
    }
}

static void test_record_json__edges_that_a_node_does_not_have_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[2]", "[0,2]", "[-1]", "[\"0\"]", "[null]", "[0", "7"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct edge_set set = EDGE_SET_INIT;
        assert_int_equal(edge_set_init(&set, 2), 0);
        if (record_read_taken(str_from(bad[i]), &set) == 0) {
            fail_msg("'%s' was taken", bad[i]);
        }
        edge_set_finish(&set);
    }
}

static struct strbuf rich_body(void)
{
    struct strbuf body = STRBUF_INIT;
    struct record record = {.type = RECORD_NODE_ENDED,
                            .frame = 12,
                            .node = 5,
                            .node_state = NODE_FAILED,
                            .index = 77,
                            .is_done = true,
                            .output = pipeline_fixture_json("{\"a\":[1,\"x}\"]}"),
                            .error = pipeline_fixture_json("{\"type\":\"timeout\"}")};
    assert_int_equal(edge_set_init(&record.taken, 3), 0);
    edge_set_put(&record.taken, 1, true);
    record_write_body(&record, &body);
    record_finish(&record);
    return body;
}

static void test_record_json__a_body_that_is_broken_off_is_refused(void **state)
{
    (void)state;
    struct strbuf body = rich_body();
    for (size_t n = 0; n < body.n; n++) {
        char *part = malloc(n + 1); /* so that a read behind the end is seen */
        assert_non_null(part);
        memcpy(part, body.p, n);
        assert_int_equal(read_text(RECORD_NODE_ENDED, str_make(part, n), NULL), E_INVALID);
        free(part);
    }
    strbuf_finish(&body);
}

static void test_record_json__changed_bytes_are_read_or_refused(void **state)
{
    (void)state;
    struct random random = {9};
    struct strbuf body = rich_body();
    size_t refused = 0;
    for (int i = 0; i < 20000; i++) {
        size_t at = random_below(&random, (uint32_t)body.n);
        char before = body.p[at];
        body.p[at] = random_percent(&random, 50) ? "{}[]\",:\\0"[random_below(&random, 9)]
                                                 : (char)random_below(&random, 256);
        int status = read_text(RECORD_NODE_ENDED, strbuf_str(&body), NULL);
        assert_true(status == 0 || status == E_INVALID);
        refused += status != 0 ? 1 : 0;
        body.p[at] = before;
    }
    assert_true(refused > 10000);
    strbuf_finish(&body);
}

/* ---- memory ---- */

static void test_record_json__lack_of_memory_is_told(void **state)
{
    (void)state;
    struct strbuf body = rich_body();
    for (long n = 0;; n++) {
        struct error err = {0};
        failing_alloc_arm(n);
        int status = read_text(RECORD_NODE_ENDED, strbuf_str(&body), &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(n >= 2);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
    strbuf_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_json__every_type_comes_back_as_it_was),
        cmocka_unit_test(test_record_json__is_json_that_people_can_read),
        cmocka_unit_test(test_record_json__what_a_replay_finds_is_not_written),
        cmocka_unit_test(test_record_json__types_have_names_of_their_own),
        cmocka_unit_test(test_record_json__bad_members_are_named),
        cmocka_unit_test(test_record_json__edges_that_a_node_does_not_have_are_refused),
        cmocka_unit_test(test_record_json__a_body_that_is_broken_off_is_refused),
        cmocka_unit_test(test_record_json__changed_bytes_are_read_or_refused),
        cmocka_unit_test(test_record_json__lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/api/api_module.h"
#include "core/api/event_stream.h"
#include "core/api/job_streams.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/run_replica.h"
#include "core/cli/run_stream.h"
#include "core/engine/record_json.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/scratch_folder.h"

/* Loops, child runs in them, an event, states, and compensations of a child run. */
static const char yaml[] =
    "workflows:\n"
    "  main:\n"
    "    rollback: true\n"
    "    finally: [{id: tidy, type: set, config: {t: 1}}]\n"
    "    nodes:\n"
    "      - {id: gate, type: wait, config: {event: go}}\n"
    "      - {id: each, for_each: [1, 2, 3], depends_on: [gate], nodes: [\n"
    "          {id: call, type: workflow, config: {workflow: child}}]}\n"
    "      - {id: once, type: workflow, depends_on: [each], config: {workflow: undone}}\n"
    "      - {id: bad, type: fail, depends_on: [once], config: {message: no}}\n"
    "  child:\n"
    "    initial_state: a\n"
    "    states:\n"
    "      a: {type: set, config: {n: 1}, transitions: {success: b}}\n"
    "      b: {type: set, config: {n: 2}}\n"
    "  undone:\n"
    "    nodes: [{id: x, type: set, config: {n: 1}, compensate: {type: set, config: {y: 1}}}]\n";

static struct scratch_folder folder;
static struct pipeline *pipeline;
static struct loop *loop;
static struct strbuf seen;
static uint64_t seen_id; /* of the last row */

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&folder);
    pipeline = pipeline_fixture_load(yaml);
    seen = STRBUF_INIT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    strbuf_finish(&seen);
    loop_close(loop);
    loop = NULL;
    pipeline_unref(pipeline);
    scratch_folder_remove(&folder);
    return 0;
}

/* ---- an observer that writes down ---- */

static void see_child(void *user, const struct run *child, const struct run_place *place)
{
    struct strbuf *out = user;
    strbuf_append_format(out, "child %.*s of %.*s %llu.%u\n", STR_ARG(run_id(child)),
                         STR_ARG(run_id(place->run)), (unsigned long long)place->frame,
                         place->node);
}

static void see_record(void *user, const struct record *record)
{
    struct strbuf *out = user;
    if (record->seq == 0) {
        return; /* nobody keeps it */
    }
    strbuf_append_format(out, "%.*s %llu %s %s ", STR_ARG(run_id(record->run)),
                         (unsigned long long)record->seq, record_type_name(record->type),
                         record->path != NULL ? record->path : "-");
    record_write_body(record, out);
    strbuf_append_char(out, '\n');
}

static void see_log(void *user, const struct run_place *place, int level, struct str line)
{
    struct strbuf *out = user;
    strbuf_append_format(out, "log %d ", level);
    run_append_path(place->run, place->frame, place->node, out);
    strbuf_append_format(out, " %.*s\n", STR_ARG(line));
}

static void see_end(void *user)
{
    strbuf_append_text(user, "ended\n");
    if (loop != NULL) {
        loop_stop(loop);
    }
}

static struct run_observer observer_of(struct strbuf *out)
{
    return (struct run_observer){.user = out,
                                 .on_child = see_child,
                                 .on_record = see_record,
                                 .on_log = see_log,
                                 .on_ended = see_end};
}

/* ---- the run, and its replica ---- */

static void run_here(struct strbuf *out)
{
    struct error err = {0};
    struct loop_run *run = NULL;
    const struct loop_event go = {.name = STR("go")};
    const struct loop_run_options options = {
        .pipeline = pipeline,
        .definition = {STR("d1"), STR("{}"), STR("opstream")},
        .input = document_empty_map(),
        .id = STR("0193-run"),
        .triggered_by = STR("manual"),
        .events = &go,
        .event_count = 1,
        .observer = observer_of(out),
    };
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop, &err), 0);
    assert_int_equal(loop_keep_state(loop, folder.path, pipeline_fixture_options(), &err), 0);
    assert_int_equal(loop_run_start(loop, &options, &run, &err), 0);
    assert_int_equal(loop_run(loop, &err), 0);
    loop_run_release(run);
}

static int find_pipeline(void *user, struct str digest, struct str workflow,
                         const struct pipeline **out_pipeline, struct error *err)
{
    (void)user;
    assert_true(str_equal_text(digest, "d1"));
    *out_pipeline = str_equal(workflow, pipeline->id) ? pipeline
                                                      : pipeline_find_other(pipeline, workflow);
    return *out_pipeline != NULL ? 0 : error_set(err, E_NOT_FOUND, "there is no such pipeline");
}

static struct run_replica *create_replica(struct strbuf *out)
{
    struct run_replica *replica = NULL;
    const struct run_replica_options options = {.observer = observer_of(out),
                                                .find_pipeline = find_pipeline};
    assert_int_equal(run_replica_create(&options, &replica, NULL), 0);
    return replica;
}

/* The first line that is another one. */
static void expect_same(const struct strbuf *again)
{
    const char *a = seen.p;
    const char *b = again->p;
    while (*a != '\0' && *b != '\0') {
        struct str one = str_make(a, strcspn(a, "\n"));
        struct str other = str_make(b, strcspn(b, "\n"));
        if (!str_equal(one, other)) {
            fail_msg("not '%.*s' but '%.*s'", STR_ARG(one), STR_ARG(other));
        }
        a += one.n + 1;
        b += other.n + 1;
    }
    assert_string_equal(a, b);
}

static void test_run_replica__tells_what_the_run_itself_told(void **state)
{
    (void)state;
    struct error err = {0};
    struct strbuf again = STRBUF_INIT;
    struct run_replica *replica = create_replica(&again);
    run_here(&seen);
    if (run_replica_read(replica, loop_reader(loop), 1, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_non_null(strstr(strbuf_str(&seen).p, "child 0193-run/each[1].call of 0193-run 2.5\n"));
    assert_non_null(strstr(seen.p, "run_undone"));
    assert_int_equal(strbuf_status(&again), 0);
    expect_same(&again);
    /* once more: nothing is told twice */
    strbuf_clear(&again);
    assert_int_equal(run_replica_read(replica, loop_reader(loop), 1, &err), 0);
    assert_int_equal(again.n, 0);
    run_replica_destroy(replica);
    strbuf_finish(&again);
}

/* ---- row by row ---- */

struct feed {
    struct run_replica *replica;
    struct error err;
};

static int feed_run(void *user, const struct journal_run *run)
{
    struct feed *feed = user;
    return run_replica_add_run(feed->replica, run, &feed->err);
}

static int feed_row(void *user, const struct journal_row *row)
{
    struct feed *feed = user;
    seen_id = row->id;
    return run_replica_add_row(feed->replica, row, &feed->err);
}

static int feed_some(struct feed *feed, uint64_t after, uint32_t count)
{
    struct journal_reader *reader = loop_reader(loop);
    int status = journal_reader_tree(reader, 1, feed_run, feed, NULL);
    return status != 0 ? status
                       : journal_reader_tree_rows(reader, 1, after, count, feed_row, feed, NULL);
}

static void test_run_replica__ignores_rows_that_were_there(void **state)
{
    (void)state;
    struct strbuf again = STRBUF_INIT;
    run_here(&seen);
    struct feed feed = {.replica = create_replica(&again)};
    assert_int_equal(feed_some(&feed, 0, 20), 0);
    assert_int_equal(run_replica_last_id(feed.replica), seen_id);
    assert_int_equal(feed_some(&feed, 0, 0), 0);
    run_replica_end(feed.replica);
    run_replica_end(feed.replica);
    expect_same(&again);
    run_replica_destroy(feed.replica);
    strbuf_finish(&again);
}

static void test_run_replica__has_the_place_of_a_line(void **state)
{
    (void)state;
    struct strbuf again = STRBUF_INIT;
    run_here(&seen);
    struct feed feed = {.replica = create_replica(&again)};
    run_replica_add_log(feed.replica, 1, STR("gate"), 1, STR("too early"));
    assert_int_equal(feed_some(&feed, 0, 2), 0);
    strbuf_clear(&again);
    run_replica_add_log(feed.replica, 1, STR("gate"), 1, STR("hello"));
    run_replica_add_log(feed.replica, 1, STR("nothing"), 1, STR("hello"));
    run_replica_add_log(feed.replica, 99, STR("gate"), 1, STR("hello"));
    assert_string_equal(strbuf_str(&again).p, "log 1 gate hello\n");
    run_replica_destroy(feed.replica);
    strbuf_finish(&again);
}

static void test_run_replica__refuses_what_cannot_be(void **state)
{
    (void)state;
    struct error err = {0};
    struct run_replica *replica = create_replica(&seen);
    struct journal_run run = {
        .number = 2, .id = STR("b"), .definition = STR("d1"), .workflow = STR("main")};
    struct journal_row row = {.id = 1, .run = 2, .seq = 2, .type = STR("run_started")};
    assert_int_equal(run_replica_add_row(replica, &row, &err), E_CORRUPT);
    assert_string_equal(err.message, "record 1 is of a run that is not known");
    run.parent = 1;
    assert_int_equal(run_replica_add_run(replica, &run, &err), E_CORRUPT);
    run.parent = 0;
    run.options = STR("{");
    assert_int_equal(run_replica_add_run(replica, &run, &err), E_CORRUPT);
    run.options = STR("[]");
    run.workflow = STR("none");
    assert_int_equal(run_replica_add_run(replica, &run, &err), E_NOT_FOUND);
    run.workflow = STR("main");
    assert_int_equal(run_replica_add_run(replica, &run, &err), 0);
    assert_int_equal(run_replica_add_run(replica, &run, &err), 0);
    assert_int_equal(run_replica_add_row(replica, &row, &err), E_CORRUPT); /* not the next one */
    run.number = 3;
    assert_int_equal(run_replica_add_run(replica, &run, &err), E_CORRUPT); /* a second root */
    assert_int_equal(run_replica_last_id(replica), 0);
    assert_int_equal(seen.n, 0);
    run_replica_destroy(replica);
    run_replica_destroy(NULL);
}

/* ---- from a stream ---- */

/* The other side of a stream's exchange. */
struct client {
    struct api_exchange exchange;
    struct strbuf text;
};

static void on_begin(struct api_exchange *exchange, const struct api_answer *answer)
{
    (void)exchange;
    assert_int_equal(answer->status, 200);
}

static void on_write(struct api_exchange *exchange, struct str bytes)
{
    strbuf_append_str(&((struct client *)exchange)->text, bytes);
}

static size_t on_unsent(const struct api_exchange *exchange)
{
    (void)exchange;
    return 0;
}

static void on_end(struct api_exchange *exchange)
{
    (void)exchange;
}

static const struct api_exchange_calls calls = {.stream_begin = on_begin,
                                                .stream_write = on_write,
                                                .stream_unsent = on_unsent,
                                                .stream_end = on_end};

static void on_closed(void *user)
{
    *(bool *)user = true;
}

/* What the stream of the run has behind the row `after`. */
static void read_stream(struct client *client, uint64_t after)
{
    struct job_streams *streams = NULL;
    bool is_closed = false;
    *client = (struct client){.exchange.calls = &calls};
    assert_int_equal(job_streams_create(loop_uv(loop), loop_reader(loop), &streams, NULL), 0);
    job_streams_add(streams, &client->exchange, 1, after);
    job_streams_close(streams, on_closed, &is_closed);
    loop_wait(loop, &is_closed);
}

struct taking {
    struct run_replica *replica;
    struct error err;
    int status;
};

static void on_event(void *user, const struct event *event)
{
    struct taking *taking = user;
    if (taking->status == 0) {
        taking->status = run_stream_take(taking->replica, event, &taking->err);
    }
}

static int take_text(struct taking *taking, struct str text)
{
    struct event_stream stream;
    event_stream_init(&stream);
    assert_int_equal(event_stream_feed(&stream, text, on_event, taking), 0);
    event_stream_finish(&stream);
    return taking->status;
}

static void test_run_stream__plays_what_the_engine_tells(void **state)
{
    (void)state;
    struct strbuf again = STRBUF_INIT;
    struct client client;
    run_here(&seen);
    struct taking taking = {.replica = create_replica(&again)};
    read_stream(&client, 0);
    if (take_text(&taking, strbuf_str(&client.text)) < 0) {
        fail_msg("%s", taking.err.message);
    }
    assert_int_equal(taking.status, RUN_STREAM_END);
    expect_same(&again);
    run_replica_destroy(taking.replica);
    strbuf_finish(&client.text);
    strbuf_finish(&again);
}

static void test_run_stream__goes_on_where_it_was_cut(void **state)
{
    (void)state;
    struct strbuf again = STRBUF_INIT;
    struct client client;
    run_here(&seen);
    struct taking taking = {.replica = create_replica(&again)};
    read_stream(&client, 0);
    assert_int_equal(take_text(&taking, str_make(client.text.p, client.text.n / 2)), 0);
    strbuf_finish(&client.text);
    read_stream(&client, run_replica_last_id(taking.replica));
    assert_int_equal(take_text(&taking, strbuf_str(&client.text)), RUN_STREAM_END);
    expect_same(&again);
    run_replica_destroy(taking.replica);
    strbuf_finish(&client.text);
    strbuf_finish(&again);
}

static int take_one(const char *text)
{
    struct taking taking = {.replica = create_replica(&seen)};
    int status = take_text(&taking, str_from(text));
    run_replica_destroy(taking.replica);
    return status;
}

static void test_run_stream__refuses_what_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(take_one("event: news\ndata: {}\n\n"), RUN_STREAM_MORE);
    assert_int_equal(take_one("event: batch\ndata: {}\n\n"), RUN_STREAM_MORE);
    assert_int_equal(take_one("event: log\ndata: {\"run\":1,\"line\":\"x\"}\n\n"), RUN_STREAM_MORE);
    assert_int_equal(take_one("event: error\ndata: {\"message\":\"no disk\"}\n\n"), E_IO);
    assert_int_equal(take_one("event: record\ndata: {\"run\":1\n\n"), E_CORRUPT);
    assert_int_equal(take_one("event: record\ndata: {\"run\":x}\n\n"), E_CORRUPT);
    assert_int_equal(take_one("id: 1\nevent: record\ndata: {\"run\":1,\"seq\":1}\n\n"), E_CORRUPT);
    assert_int_equal(take_one("event: run\ndata: {\"number\":1,\"id\":\"a\",\"definition\":\"d1\","
                              "\"workflow\":\"main\",\"blocked\":\"no plugin\"}\n\n"),
                     RUN_STREAM_BLOCKED);
    assert_int_equal(take_one("event: run\ndata: {}\n\n"), E_CORRUPT);
    assert_int_equal(take_one("event: run\ndata: {\"number\":-1}\n\n"), E_CORRUPT);
    assert_int_equal(seen.n, 0);
}

static void test_run_replica__survives_each_failed_allocation(void **state)
{
    (void)state;
    run_here(&seen);
    for (long n = 0;; n++) {
        struct run_replica *replica = NULL;
        struct run_replica_options options = {.find_pipeline = find_pipeline};
        struct error err = {0};
        failing_alloc_arm(n);
        int status = run_replica_create(&options, &replica, &err);
        status = status == 0 ? run_replica_read(replica, loop_reader(loop), 1, &err) : status;
        bool is_reached = failing_alloc_disarm();
        run_replica_destroy(replica);
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
        assert_true(status == E_NOMEM || status == 0); /* what is only for people may be cut */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run_replica__tells_what_the_run_itself_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_replica__ignores_rows_that_were_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_replica__has_the_place_of_a_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_replica__refuses_what_cannot_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_replica__survives_each_failed_allocation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_stream__plays_what_the_engine_tells, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_stream__goes_on_where_it_was_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_stream__refuses_what_cannot_be, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

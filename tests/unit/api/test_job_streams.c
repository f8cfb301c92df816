/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "core/api/api_module.h"
#include "core/api/exchange.h"
#include "core/api/job_streams.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/journal/store_fixture.h"

/* ---- a client ---- */

struct client {
    struct api_exchange exchange;
    struct strbuf text; /* what came */
    size_t unsent;      /* what it leaves unread of each write */
    size_t largest;     /* write */
    int status;
    bool has_ended;
};

static void on_respond(struct api_exchange *exchange, const struct api_answer *answer)
{
    struct client *client = (struct client *)exchange;
    client->status = answer->status;
    strbuf_append_str(&client->text, answer->body);
    client->has_ended = true;
}

static void on_begin(struct api_exchange *exchange, const struct api_answer *answer)
{
    assert_string_equal(answer->content_type, "text/event-stream");
    ((struct client *)exchange)->status = answer->status;
}

static void on_write(struct api_exchange *exchange, struct str bytes)
{
    struct client *client = (struct client *)exchange;
    assert_false(client->has_ended);
    client->largest = bytes.n > client->largest ? bytes.n : client->largest;
    strbuf_append_str(&client->text, bytes);
}

static size_t on_unsent(const struct api_exchange *exchange)
{
    return ((const struct client *)exchange)->unsent;
}

static void on_end(struct api_exchange *exchange)
{
    ((struct client *)exchange)->has_ended = true;
}

static const struct api_exchange_calls calls = {.respond = on_respond,
                                                .stream_begin = on_begin,
                                                .stream_write = on_write,
                                                .stream_unsent = on_unsent,
                                                .stream_end = on_end};

static void expect_text(struct client *client, const char *expected)
{
    strbuf_append_text(&client->text, "");
    assert_int_equal(strbuf_status(&client->text), 0);
    assert_string_equal(client->text.p, expected);
    strbuf_clear(&client->text);
    strbuf_append_text(&client->text, "");
}

static size_t count_of(const struct client *client, const char *what)
{
    size_t count = 0;
    for (const char *at = client->text.p; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

/* ---- the state ---- */

static struct store_fixture fixture;
static struct journal_reader *reader;
static uv_loop_t loop;
static struct job_streams *streams;
static struct client client;
static int64_t record_time; /* unix ms */

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(job_streams_create(&loop, reader, &streams, NULL), 0);
    client = (struct client){.exchange.calls = &calls};
    record_time = 5000;
    return 0;
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void close_streams(void)
{
    bool is_closed = false;
    job_streams_close(streams, on_closed, &is_closed);
    streams = NULL;
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_true(is_closed);
}

static int tear_down(void **state)
{
    (void)state;
    if (streams != NULL) {
        close_streams();
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    journal_reader_close(reader);
    store_fixture_finish(&fixture);
    strbuf_finish(&client.text);
    return 0;
}

static void start(uint64_t number, const char *id)
{
    struct journal_new_run run = store_fixture_run(number, id);
    store_fixture_start(&fixture, &run);
}

static void add(struct batch *batch, uint64_t run, uint64_t seq, enum record_type type,
                const char *path)
{
    struct record record = {.run_number = run,
                            .type = type,
                            .seq = seq,
                            .node = path != NULL ? 0 : RECORD_NO_NODE,
                            .attempt = 1,
                            .at_unix_ms = record_time,
                            .node_state = NODE_COMPLETED,
                            .run_state = RUN_COMPLETED};
    store_fixture_record(&fixture, batch, &record, path);
}

/* What the loop does: durable first, then the streams hear of it. */
static void write_and_poke(struct batch *batch)
{
    store_fixture_append(&fixture, &(struct journal_write){.batch = batch});
    store_fixture_wait(&fixture);
    job_streams_poke(streams, batch);
    batch_finish(batch);
}

static void happen(uint64_t run, uint64_t seq, enum record_type type, const char *path)
{
    struct batch batch = BATCH_INIT;
    add(&batch, run, seq, type, path);
    write_and_poke(&batch);
}

#define RUN_1                                                                                      \
    "event: run\ndata: {\"number\":1,\"id\":\"aaaa\",\"workflow\":\"nightly\",\"parent\":0,"       \
    "\"call\":null,\"options\":{},\"definition\":\"d1\",\"triggered_by\":\"cli\","                 \
    "\"status\":\"%s\",\"blocked\":null}\n\n"

static void expect_run(const char *status, const char *rest)
{
    char expected[2048];
    (void)snprintf(expected, sizeof(expected), RUN_1 "%s", status, rest);
    expect_text(&client, expected);
}

/* ---- tests ---- */

static void test_job_streams__tells_all_of_a_run_that_has_ended(void **state)
{
    (void)state;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    happen(1, 2, RECORD_NODE_STARTED, "a");
    happen(1, 3, RECORD_RUN_ENDED, NULL);
    job_streams_add(streams, &client.exchange, 1, 0);
    assert_int_equal(client.status, 200);
    assert_true(client.has_ended);
    expect_run("completed",
               "id: 1\nevent: record\ndata: {\"run\":1,\"seq\":1,\"type\":\"run_started\","
               "\"path\":null,\"attempt\":1,\"at\":5000,\"body\":{}}\n\n"
               "id: 2\nevent: record\ndata: {\"run\":1,\"seq\":2,\"type\":\"node_started\","
               "\"path\":\"a\",\"attempt\":1,\"at\":5000,\"body\":{\"node\":0}}\n\n"
               "id: 3\nevent: record\ndata: {\"run\":1,\"seq\":3,\"type\":\"run_ended\","
               "\"path\":null,\"attempt\":1,\"at\":5000,\"body\":{\"state\":\"completed\"}}\n\n"
               "event: batch\ndata: {}\n\n"
               "event: end\ndata: {\"status\":\"completed\"}\n\n");
}

static void test_job_streams__goes_on_behind_the_last_id(void **state)
{
    (void)state;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    happen(1, 2, RECORD_NODE_STARTED, "a");
    happen(1, 3, RECORD_RUN_ENDED, NULL);
    job_streams_add(streams, &client.exchange, 1, 2);
    assert_int_equal(count_of(&client, "event: record"), 1);
    assert_int_equal(count_of(&client, "id: 3\n"), 1);
    assert_int_equal(count_of(&client, "event: end"), 1);
    /* nothing is left but its end */
    strbuf_clear(&client.text);
    client.has_ended = false;
    job_streams_add(streams, &client.exchange, 1, 3);
    assert_true(client.has_ended);
    expect_run("completed", "event: end\ndata: {\"status\":\"completed\"}\n\n");
}

static void test_job_streams__tells_what_becomes_durable(void **state)
{
    (void)state;
    start(1, "aaaa");
    start(2, "bbbb");
    job_streams_add(streams, &client.exchange, 1, 0);
    expect_run("pending", "");
    happen(2, 1, RECORD_RUN_STARTED, NULL);
    expect_text(&client, "");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    assert_int_equal(count_of(&client, "event: record"), 1);
    assert_int_equal(count_of(&client, "event: run\n"), 0);
    assert_int_equal(count_of(&client, "event: batch\n"), 1);
    assert_false(client.has_ended);
    happen(1, 2, RECORD_RUN_ENDED, NULL);
    assert_int_equal(count_of(&client, "event: end"), 1);
    assert_true(client.has_ended);
    strbuf_clear(&client.text);
    happen(1, 3, RECORD_SIGNALS_SEEN, NULL); /* it is not touched any more */
    expect_text(&client, "");
}

/* ---- what no record says ---- */

static const char *engine_waits;

static void append_waits(void *user, uint64_t run, struct strbuf *out)
{
    assert_ptr_equal(user, &engine_waits);
    assert_int_equal(run, 1);
    strbuf_append_text(out, engine_waits);
}

static bool asks(void *user, uint64_t run, struct str scope)
{
    assert_ptr_equal(user, &engine_waits);
    return run == 1 && str_equal_text(scope, "http http://a:80");
}

#define WAITS "{\"waits\":[{\"path\":\"a\"}],\"left_out\":0}"

static void test_job_streams__tells_what_nodes_wait_for_when_it_changes(void **state)
{
    (void)state;
    const struct job_streams_engine engine = {append_waits, asks, &engine_waits};
    start(1, "aaaa");
    engine_waits = "{\"waits\":[],\"left_out\":0}";
    job_streams_set_engine(streams, &engine);
    job_streams_add(streams, &client.exchange, 1, 0);
    expect_run("pending", ""); /* nobody waits: that goes without saying */
    engine_waits = WAITS;
    job_streams_waits(streams);
    expect_text(&client, "event: waits\ndata: " WAITS "\n\n");
    job_streams_waits(streams);
    expect_text(&client, "");
    engine_waits = "{\"waits\":[],\"left_out\":0}";
    job_streams_waits(streams);
    expect_text(&client, "event: waits\ndata: {\"waits\":[],\"left_out\":0}\n\n");
}

/* `state` is JSON of breaker_save(). */
static void add_change(struct batch *batch, const char *scope, const char *text)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    batch_add_scope(batch, &(struct scope_change){.kind = "breaker",
                                                  .key = str_from(scope),
                                                  .at_unix_ms = 5000,
                                                  .state = document});
    document_unref(document);
}

static void test_job_streams__tells_of_breakers_that_its_nodes_ask(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    const struct job_streams_engine engine = {append_waits, asks, &engine_waits};
    start(1, "aaaa");
    engine_waits = "{\"waits\":[],\"left_out\":0}";
    job_streams_set_engine(streams, &engine);
    job_streams_add(streams, &client.exchange, 1, 0);
    expect_run("pending", "");
    add_change(&batch, "http http://b:80", "{\"state\":\"open\",\"due_at\":1800000000000}");
    job_streams_poke(streams, &batch);
    expect_text(&client, "");
    add_change(&batch, "http http://a:80", "{\"state\":\"open\",\"due_at\":1800000000000}");
    job_streams_poke(streams, &batch);
    expect_text(&client, "event: breaker\ndata: {\"at\":5000,\"scope\":\"http http://a:80\","
                         "\"state\":\"open\",\"due_at\":\"2027-01-15T08:00:00.000Z\"}\n\n");
    batch_finish(&batch);
    add_change(&batch, "http http://a:80", "{\"state\":\"closed\"}");
    job_streams_poke(streams, &batch);
    expect_text(&client, "event: breaker\ndata: {\"at\":5000,\"scope\":\"http http://a:80\","
                         "\"state\":\"closed\",\"due_at\":null}\n\n");
    batch_finish(&batch);
}

static void test_job_streams__ends_when_the_runs_below_have_ended(void **state)
{
    (void)state;
    struct journal_new_run child = store_fixture_run(2, "bbbb");
    struct batch batch = BATCH_INIT;
    start(1, "aaaa");
    child.root = 1;
    child.parent = 1;
    child.call = STR("{\"frame\":0}");
    job_streams_add(streams, &client.exchange, 1, 0);
    store_fixture_start(&fixture, &child);
    add(&batch, 1, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 2, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 1, 2, RECORD_RUN_ENDED, NULL);
    write_and_poke(&batch);
    assert_int_equal(count_of(&client, "event: run\n"), 2);
    assert_int_equal(count_of(&client, "\"parent\":1,\"call\":{\"frame\":0}"), 1);
    assert_false(client.has_ended);
    happen(2, 2, RECORD_RUN_ENDED, NULL);
    assert_true(client.has_ended);
    assert_int_equal(count_of(&client, "event: end"), 1);
}

static void test_job_streams__waits_for_a_client_that_reads_slowly(void **state)
{
    (void)state;
    enum { ROWS = 3 * JOB_STREAMS_PAGE_ROWS };
    struct batch batch = BATCH_INIT;
    start(1, "aaaa");
    for (uint64_t seq = 1; seq <= ROWS; seq++) {
        add(&batch, 1, seq, seq < ROWS ? RECORD_SIGNALS_SEEN : RECORD_RUN_ENDED, NULL);
    }
    write_and_poke(&batch);
    client.unsent = 1;
    job_streams_add(streams, &client.exchange, 1, 0);
    assert_int_equal(count_of(&client, "event: record"), 0);
    for (size_t i = 1; i <= 3; i++) {
        assert_false(client.has_ended);
        job_streams_drained(streams, &client.exchange);
        assert_int_equal(count_of(&client, "event: record"), i * JOB_STREAMS_PAGE_ROWS);
    }
    job_streams_drained(streams, &client.exchange);
    assert_int_equal(count_of(&client, "event: end"), 1);
    assert_true(client.has_ended);
}

static void test_job_streams__sends_a_large_record_in_pieces(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct document *large = store_fixture_text((size_t)JOB_STREAMS_PAGE_BYTES * 2, 'x');
    struct record record = {.run_number = 1,
                            .seq = 1,
                            .type = RECORD_RUN_STARTED,
                            .node = RECORD_NO_NODE,
                            .output = large};
    start(1, "aaaa");
    store_fixture_record(&fixture, &batch, &record, NULL);
    write_and_poke(&batch);
    job_streams_add(streams, &client.exchange, 1, 0);
    assert_int_equal(client.largest, JOB_STREAMS_PAGE_BYTES);
    assert_true(client.text.n > (size_t)JOB_STREAMS_PAGE_BYTES * 2);
    assert_int_equal(count_of(&client, "}\n\n"), 3); /* the run, the record, the batch */
    document_unref(large);
}

static void test_job_streams__has_lines_behind_the_records(void **state)
{
    (void)state;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    client.unsent = 1;
    job_streams_add(streams, &client.exchange, 1, 0);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_WARN, STR("one\xff"));
    job_streams_log(streams, 2, STR("b"), LOG_LEVEL_WARN, STR("of another run"));
    client.unsent = 0;
    job_streams_drained(streams, &client.exchange);
    assert_int_equal(count_of(&client, "event: log"), 1);
    assert_true(strstr(client.text.p, "event: log") > strstr(client.text.p, "event: record"));
    assert_non_null(strstr(client.text.p, ",\"level\":\"warn\",\"path\":\"a\","
                                          "\"line\":\"one\xEF\xBF\xBD\"}\n\n"));
}

/* Who starts a run and then watches it does not miss what was logged in between. */
static void test_job_streams__has_lines_of_just_before(void **state)
{
    (void)state;
    struct client late = {.exchange.calls = &calls};
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_WARN, STR("early"));
    job_streams_log(streams, 2, STR("b"), LOG_LEVEL_WARN, STR("of another run"));
    job_streams_add(streams, &client.exchange, 1, 0);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_WARN, STR("late"));
    assert_int_equal(count_of(&client, "event: log\n"), 2);
    assert_non_null(strstr(client.text.p, "\"early\""));
    assert_true(strstr(client.text.p, "\"early\"") < strstr(client.text.p, "\"late\""));

    job_streams_add(streams, &late.exchange, 1, 1); /* it comes back */
    assert_int_equal(count_of(&late, "event: log\n"), 0);
    job_streams_gone(streams, &late.exchange);
    strbuf_finish(&late.text);
}

/* A line of before has its place between the records by its time. */
static void test_job_streams__has_early_lines_where_their_time_is(void **state)
{
    (void)state;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_WARN, STR("early"));
    record_time = clock_unix_ms() + 60000;
    happen(1, 2, RECORD_NODE_STARTED, "a");
    job_streams_add(streams, &client.exchange, 1, 0);
    const char *line = strstr(client.text.p, "event: log");
    assert_non_null(line);
    assert_true(line > strstr(client.text.p, "\"run_started\""));
    assert_true(line < strstr(client.text.p, "\"node_started\""));
}

static void test_job_streams__says_when_lines_are_durable(void **state)
{
    (void)state;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    job_streams_add(streams, &client.exchange, 1, 0);
    job_streams_logged(streams, 0); /* what was logged before the stream began */
    job_streams_log(streams, 2, STR("b"), LOG_LEVEL_WARN, STR("of another run"));
    job_streams_logged(streams, 0);
    assert_int_equal(count_of(&client, "event: logged\n"), 1);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_WARN, STR("one"));
    job_streams_logged(streams, 1); /* of the write before: it may be in the next one */
    job_streams_logged(streams, 0);
    job_streams_logged(streams, 0);
    assert_int_equal(count_of(&client, "event: logged\n"), 3);
}

static void test_job_streams__says_how_many_lines_had_no_room(void **state)
{
    (void)state;
    struct strbuf line = STRBUF_INIT;
    for (size_t i = 0; i < JOB_STREAMS_PAGE_BYTES / 4; i++) {
        strbuf_append_char(&line, 'x');
    }
    start(1, "aaaa");
    client.unsent = 1;
    job_streams_add(streams, &client.exchange, 1, 0);
    for (size_t i = 0; i < 10; i++) {
        job_streams_log(streams, 1, STR("a"), LOG_LEVEL_INFO, strbuf_str(&line));
    }
    client.unsent = 0;
    job_streams_drained(streams, &client.exchange);
    assert_int_equal(count_of(&client, "\"path\":\"a\""), 4);
    assert_int_equal(count_of(&client, "\"line\":\"6 log lines are left out"), 1);
    strbuf_clear(&client.text);
    job_streams_log(streams, 1, STR("a"), LOG_LEVEL_INFO, STR("more"));
    assert_int_equal(count_of(&client, "event: log"), 1);
    assert_int_equal(count_of(&client, "left out"), 0);
    strbuf_finish(&line);
}

static void test_job_streams__forgets_who_is_gone(void **state)
{
    (void)state;
    struct client other = {.exchange.calls = &calls};
    start(1, "aaaa");
    job_streams_add(streams, &client.exchange, 1, 0);
    job_streams_add(streams, &other.exchange, 1, 0);
    job_streams_gone(streams, &client.exchange);
    job_streams_drained(streams, &client.exchange);
    strbuf_clear(&client.text);
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    expect_text(&client, "");
    assert_int_equal(count_of(&other, "event: record"), 1);
    close_streams();
    assert_true(other.has_ended);
    assert_false(client.has_ended);
    strbuf_finish(&other.text);
}

static void test_job_streams__refuses_what_is_not_there(void **state)
{
    (void)state;
    job_streams_add(streams, &client.exchange, 7, 0);
    assert_int_equal(client.status, 404);
    assert_true(client.has_ended);
    job_streams_gone(streams, &client.exchange);
}

static void test_job_streams__says_when_memory_runs_out(void **state)
{
    (void)state;
    struct job_streams *made = NULL;
    start(1, "aaaa");
    happen(1, 1, RECORD_RUN_STARTED, NULL);
    happen(1, 2, RECORD_RUN_ENDED, NULL);
    failing_alloc_arm(0);
    assert_int_equal(job_streams_create(&loop, reader, &made, NULL), E_NOMEM);
    assert_true(failing_alloc_disarm());
    assert_null(made);
    for (long n = 0;; n++) {
        struct client each = {.exchange.calls = &calls};
        strbuf_append_text(&each.text, "");
        (void)strbuf_reserve(&each.text, 4096);
        failing_alloc_arm(n);
        job_streams_add(streams, &each.exchange, 1, 0);
        bool has_failed = failing_alloc_disarm();
        assert_true(each.has_ended);
        assert_true(each.status == 500 || each.status == 404 || each.status == 200);
        bool is_whole = count_of(&each, "event: end") == 1;
        strbuf_finish(&each.text);
        if (!has_failed) {
            assert_true(is_whole);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_job_streams__tells_all_of_a_run_that_has_ended, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__goes_on_behind_the_last_id, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__tells_what_becomes_durable, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__tells_what_nodes_wait_for_when_it_changes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__tells_of_breakers_that_its_nodes_ask,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__ends_when_the_runs_below_have_ended,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__waits_for_a_client_that_reads_slowly,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__sends_a_large_record_in_pieces, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__has_lines_behind_the_records, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__has_lines_of_just_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__has_early_lines_where_their_time_is,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__says_when_lines_are_durable, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__says_how_many_lines_had_no_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__forgets_who_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__refuses_what_is_not_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_job_streams__says_when_memory_runs_out, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

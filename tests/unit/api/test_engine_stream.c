/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <uv.h>

#include "core/api/api_module.h"
#include "core/api/engine_stream.h"
#include "core/api/exchange.h"
#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

struct client {
    struct api_exchange exchange;
    struct strbuf text; /* what came */
    int status;
    bool has_ended;
};

static void on_respond(struct api_exchange *exchange, const struct api_answer *answer)
{
    struct client *client = (struct client *)exchange;
    client->status = answer->status;
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
    strbuf_append_str(&client->text, bytes);
}

static size_t on_unsent(const struct api_exchange *exchange)
{
    (void)exchange;
    return 0;
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

static uv_loop_t loop;
static struct engine_stream *stream;
static struct client first;
static struct client second;

static int set_up(void **state)
{
    (void)state;
    first = (struct client){.exchange.calls = &calls};
    second = (struct client){.exchange.calls = &calls};
    assert_int_equal(uv_loop_init(&loop), 0);
    return engine_stream_create(&loop, &stream, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    engine_stream_close(stream);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    strbuf_finish(&first.text);
    strbuf_finish(&second.text);
    return 0;
}

static void expect_text(struct client *client, const char *expected)
{
    strbuf_append_text(&client->text, "");
    assert_string_equal(strbuf_str(&client->text).p, expected);
    strbuf_clear(&client->text);
    strbuf_append_text(&client->text, "");
}

static void poke(const char *kind, const char *scope, const char *text)
{
    struct batch batch = BATCH_INIT;
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    batch_add_scope(
        &batch, &(struct scope_change){
                    .kind = kind, .key = str_from(scope), .at_unix_ms = 5000, .state = document});
    document_unref(document);
    engine_stream_poke(stream, &batch);
    batch_finish(&batch);
}

static void test_engine_stream__tells_everybody_from_when_they_came(void **state)
{
    (void)state;
    poke("breaker", "a", "{\"state\":\"open\"}"); /* nobody listens */
    engine_stream_add(stream, &first.exchange);
    assert_int_equal(first.status, 200);
    expect_text(&first, ":\n\n");
    engine_stream_alert(stream, STR("{\"state\":\"crossed\"}"));
    expect_text(&first, "event: alert\ndata: {\"state\":\"crossed\"}\n\n");
    engine_stream_add(stream, &second.exchange);
    expect_text(&second, ":\n\n");
    poke("breaker", "http http://a:80", "{\"state\":\"open\",\"due_at\":1800000000000}");
    static const char *const told = "event: breaker\ndata: {\"at\":5000,"
                                    "\"scope\":\"http http://a:80\",\"state\":\"open\","
                                    "\"due_at\":\"2027-01-15T08:00:00.000Z\"}\n\n";
    expect_text(&first, told);
    expect_text(&second, told);
    poke("limit", "a", "{}"); /* no breaker */
    expect_text(&first, "");
}

static void test_engine_stream__who_is_gone_hears_nothing(void **state)
{
    (void)state;
    engine_stream_add(stream, &first.exchange);
    engine_stream_add(stream, &second.exchange);
    engine_stream_gone(stream, &first.exchange);
    engine_stream_gone(stream, &first.exchange); /* of no stream any more */
    expect_text(&first, ":\n\n");
    engine_stream_alert(stream, STR("{}"));
    expect_text(&first, "");
    expect_text(&second, ":\n\nevent: alert\ndata: {}\n\n");
    assert_false(first.has_ended);
}

static void test_engine_stream__ends_for_all_when_it_closes(void **state)
{
    (void)state;
    engine_stream_add(stream, &first.exchange);
    engine_stream_add(stream, &second.exchange);
    engine_stream_close(stream);
    stream = NULL;
    assert_true(first.has_ended && second.has_ended);
}

static void test_engine_stream__survives_each_failed_allocation(void **state)
{
    (void)state;
    struct engine_stream *other = NULL;
    failing_alloc_arm(0);
    int status = engine_stream_create(&loop, &other, NULL);
    assert_true(failing_alloc_disarm());
    assert_int_equal(status, E_NOMEM);
    failing_alloc_arm(0);
    engine_stream_add(stream, &first.exchange);
    assert_true(failing_alloc_disarm());
    assert_int_equal(first.status, 500);
    assert_true(first.has_ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_engine_stream__tells_everybody_from_when_they_came,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_engine_stream__who_is_gone_hears_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_engine_stream__ends_for_all_when_it_closes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_engine_stream__survives_each_failed_allocation, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("engine_stream", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/api/event_stream.h"
#include "core/base/error.h"
#include "tests/support/failing_alloc.h"

/* Events as "id|name|data;". */
static void on_event(void *user, const struct event *event)
{
    struct strbuf *out = user;
    strbuf_append_str(out, event->id);
    strbuf_append_char(out, '|');
    strbuf_append_str(out, event->name);
    strbuf_append_char(out, '|');
    strbuf_append_str(out, event->data);
    strbuf_append_char(out, ';');
}

/* In pieces of each size from 1 byte to the whole. */
static void assert_reads(struct str text, const char *expected)
{
    for (size_t piece = 1; piece <= text.n; piece++) {
        struct event_stream stream;
        struct strbuf out = STRBUF_INIT;
        strbuf_append_text(&out, "");
        event_stream_init(&stream);
        for (size_t at = 0; at < text.n; at += piece) {
            size_t n = text.n - at < piece ? text.n - at : piece;
            assert_int_equal(event_stream_feed(&stream, str_make(text.p + at, n), on_event, &out),
                             0);
        }
        assert_string_equal(out.n > 0 ? out.p : "", expected);
        strbuf_finish(&out);
        event_stream_finish(&stream);
    }
}

static void test_event_stream__events_are_read_in_any_pieces(void **state)
{
    (void)state;
    assert_reads(STR("id: 1\nevent: node\ndata: {\"a\":1}\n\ndata: two\n\n"),
                 "1|node|{\"a\":1};1|message|two;");
    assert_reads(STR("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"), "|message|a\nb;|message|c;");
    assert_reads(STR("data: a\rdata: b\r\rdata:c\r\r"), "|message|a\nb;|message|c;");
    assert_reads(STR("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r\n"),
                 "|message|a;|message|b;|message|c;");
}

static void test_event_stream__fields_are_read_as_the_standard_says(void **state)
{
    (void)state;
    assert_reads(STR("data:no space\n\n"), "|message|no space;");
    assert_reads(STR("data:  two spaces\n\n"), "|message| two spaces;");
    assert_reads(STR("data\n\n"), "|message|;");
    assert_reads(STR("data: a:b: c\n\n"), "|message|a:b: c;");
    assert_reads(STR(": comment\nother: x\nDATA: x\ndata: y\n\n"), "|message|y;");
    assert_reads(STR("event: lone\n\ndata: x\n\n"), "|message|x;");
    assert_reads(STR("id: 5\n\ndata: x\n\nid\ndata: y\n\n"), "5|message|x;|message|y;");
    assert_reads(STR("id: a\0b\ndata: x\n\n"), "|message|x;");
    assert_reads(STR("\xEF\xBB\xBF"
                     "data: x\n\n"),
                 "|message|x;");
    assert_reads(STR("data: x\n\n\xEF\xBB\xBF"
                     "data: y\n\n"),
                 "|message|x;");
}

static void test_event_stream__what_is_not_whole_is_no_event(void **state)
{
    (void)state;
    assert_reads(STR("data: x"), "");
    assert_reads(STR("data: x\n"), "");
    assert_reads(STR("\n\n\n"), "");
}

static void test_event_stream__restart_keeps_the_id_only(void **state)
{
    (void)state;
    struct event_stream stream;
    struct strbuf out = STRBUF_INIT;
    event_stream_init(&stream);
    assert_int_equal(
        event_stream_feed(&stream, STR("id: 7\ndata: a\n\nevent: b\ndata: half"), on_event, &out),
        0);
    event_stream_restart(&stream);
    assert_int_equal(event_stream_feed(&stream, STR("data: c\n\n"), on_event, &out), 0);
    assert_string_equal(out.p, "7|message|a;7|message|c;");
    strbuf_finish(&out);
    event_stream_finish(&stream);
}

static void test_event_stream__retry_is_digits(void **state)
{
    (void)state;
    const struct {
        struct str text;
        uint64_t retry_ms;
    } cases[] = {
        {STR("retry: 250\n"), 250},
        {STR("retry: 250\nretry: 2x\nretry:\nretry: 12345678901\n"), 250},
        {STR("retry: -1\n"), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_stream stream;
        event_stream_init(&stream);
        assert_int_equal(event_stream_feed(&stream, cases[i].text, on_event, NULL), 0);
        assert_int_equal(stream.retry_ms, cases[i].retry_ms);
        event_stream_finish(&stream);
    }
}

static void test_event_stream__large_events_are_refused(void **state)
{
    (void)state;
    static char piece[64 * 1024];
    memset(piece, 'x', sizeof piece);
    struct event_stream stream;
    event_stream_init(&stream);
    int status = 0;
    size_t fed = 0;
    while (status == 0 && fed < 3 * (size_t)EVENT_MAX_BYTES) {
        status = event_stream_feed(&stream, str_make(piece, sizeof piece), on_event, NULL);
        fed += sizeof piece;
    }
    assert_int_equal(status, E_LIMIT);
    assert_in_range(fed, EVENT_MAX_BYTES, EVENT_MAX_BYTES + 2 * sizeof piece);
    event_stream_finish(&stream);
}

static void test_event_stream__what_is_written_reads_back(void **state)
{
    (void)state;
    const struct event events[] = {
        {STR("1"), STR("node"), STR("{}")},
        {STR(""), STR(""), STR("a\nb\n")},
        {STR("2"), STR(""), STR("")},
        {STR("3\nid: 9"), STR("x\rdata: no"), STR("a\r\nb\rc: d")},
    };
    struct strbuf text = STRBUF_INIT;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        event_stream_append(&text, &events[i]);
    }
    assert_reads(strbuf_str(&text), "1|node|{};1|message|a\nb\n;2|message|;3|x|a\nb\nc: d;");
    strbuf_finish(&text);
}

static void test_event_stream__failing_allocations_are_told(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct event_stream stream;
        struct strbuf out = STRBUF_INIT;
        strbuf_append_text(&out, "0123456789012345678901234567890123456789");
        event_stream_init(&stream);
        failing_alloc_arm(n);
        int status =
            event_stream_feed(&stream, STR("id: 1\nevent: e\ndata: d\n\n"), on_event, &out);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        strbuf_finish(&out);
        event_stream_finish(&stream);
        if (!is_reached) {
            assert_true(n > 2);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_stream__events_are_read_in_any_pieces),
        cmocka_unit_test(test_event_stream__fields_are_read_as_the_standard_says),
        cmocka_unit_test(test_event_stream__what_is_not_whole_is_no_event),
        cmocka_unit_test(test_event_stream__restart_keeps_the_id_only),
        cmocka_unit_test(test_event_stream__retry_is_digits),
        cmocka_unit_test(test_event_stream__large_events_are_refused),
        cmocka_unit_test(test_event_stream__what_is_written_reads_back),
        cmocka_unit_test(test_event_stream__failing_allocations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as server-sent events. The first byte says in what pieces they come: the same events must
 * come of them as in one piece, and events that are written again must read back the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/event_stream.h"
#include "tests/fuzz/fuzz.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void on_event(void *user, const struct event *event)
{
    expect(event->name.n > 0, "an event has a name");
    expect(event->id.n == 0 || memchr(event->id.p, '\0', event->id.n) == NULL, "no id has a NUL");
    expect(event->data.n == 0 || (memchr(event->data.p, '\r', event->data.n) == NULL),
           "breaks of lines are LF");
    /* A name with a NUL is cut when it is written: it would not come back. */
    struct event written = *event;
    if (memchr(written.name.p, '\0', written.name.n) != NULL) {
        written.name = STR("message");
    }
    if (written.id.n == 0) {
        strbuf_append_text(user, "id\n"); /* the writer leaves out what is empty */
    }
    event_stream_append(user, &written);
}

static void read_all(struct str text, size_t piece, struct strbuf *out)
{
    struct event_stream stream;
    event_stream_init(&stream);
    while (text.n > 0) {
        size_t n = text.n < piece ? text.n : piece;
        if (event_stream_feed(&stream, str_make(text.p, n), on_event, out) != 0) {
            break;
        }
        text = str_make(text.p + n, text.n - n);
    }
    event_stream_finish(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    struct str text = str_make((const char *)data + 1, size - 1);
    struct strbuf whole = STRBUF_INIT;
    struct strbuf pieces = STRBUF_INIT;
    struct strbuf again = STRBUF_INIT;
    read_all(text, size, &whole);
    read_all(text, (size_t)data[0] % 16 + 1, &pieces);
    read_all(strbuf_str(&whole), size, &again);
    expect(str_equal(strbuf_str(&whole), strbuf_str(&pieces)), "pieces make no difference");
    expect(str_equal(strbuf_str(&whole), strbuf_str(&again)), "what is written reads back");
    strbuf_finish(&whole);
    strbuf_finish(&pieces);
    strbuf_finish(&again);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/event_stream.h"

#include "core/base/error.h"

/* --- writing --- */

/* Up to the first line break or NUL. */
static struct str one_line(struct str text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != '\n' && text.p[n] != '\r' && text.p[n] != '\0') {
        n++;
    }
    return str_make(text.p, n);
}

static void append_field(struct strbuf *out, const char *name, struct str value)
{
    strbuf_append_text(out, name);
    strbuf_append_text(out, ": ");
    strbuf_append_str(out, value);
    strbuf_append_char(out, '\n');
}

static void append_data(struct strbuf *out, struct str data)
{
    size_t start = 0;
    for (size_t i = 0; i <= data.n; i++) {
        bool is_end = i == data.n || data.p[i] == '\n' || data.p[i] == '\r';
        if (!is_end) {
            continue;
        }
        append_field(out, "data", str_make(data.p + start, i - start));
        bool is_crlf = i + 1 < data.n && data.p[i] == '\r' && data.p[i + 1] == '\n';
        i += is_crlf ? 1 : 0;
        start = i + 1;
    }
}

void event_stream_append(struct strbuf *out, const struct event *event)
{
    struct str id = one_line(event->id);
    struct str name = one_line(event->name);
    if (id.n > 0) {
        append_field(out, "id", id);
    }
    if (name.n > 0) {
        append_field(out, "event", name);
    }
    append_data(out, event->data.p != NULL ? event->data : STR(""));
    strbuf_append_char(out, '\n');
}

/* --- reading --- */

void event_stream_init(struct event_stream *stream)
{
    *stream = (struct event_stream){0};
}

void event_stream_finish(struct event_stream *stream)
{
    strbuf_finish(&stream->line);
    strbuf_finish(&stream->id);
    strbuf_finish(&stream->name);
    strbuf_finish(&stream->data);
}

void event_stream_restart(struct event_stream *stream)
{
    strbuf_clear(&stream->line);
    strbuf_clear(&stream->name);
    strbuf_clear(&stream->data);
    stream->has_cr = false;
    stream->has_begun = false;
}

static void set_text(struct strbuf *to, struct str text)
{
    strbuf_clear(to);
    strbuf_append_str(to, text);
}

static void set_retry(struct event_stream *stream, struct str value)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || i == 9) {
            return;
        }
        ms = ms * 10 + (uint64_t)(value.p[i] - '0');
    }
    stream->retry_ms = value.n > 0 ? ms : stream->retry_ms;
}

static void take_field(struct event_stream *stream, struct str name, struct str value)
{
    if (str_equal_text(name, "data")) {
        strbuf_append_str(&stream->data, value);
        strbuf_append_char(&stream->data, '\n');
    } else if (str_equal_text(name, "event")) {
        set_text(&stream->name, value);
    } else if (str_equal_text(name, "id")) {
        if (value.n == 0 || memchr(value.p, '\0', value.n) == NULL) {
            set_text(&stream->id, value);
        }
    } else if (str_equal_text(name, "retry")) {
        set_retry(stream, value);
    }
}

static int tell(struct event_stream *stream,
                void (*on_event)(void *user, const struct event *event), void *user)
{
    if (strbuf_status(&stream->data) != 0 || strbuf_status(&stream->id) != 0 ||
        strbuf_status(&stream->name) != 0) {
        return E_NOMEM;
    }
    if (stream->data.n > 0) {
        const struct event event = {
            .id = strbuf_str(&stream->id),
            .name = stream->name.n > 0 ? strbuf_str(&stream->name) : STR("message"),
            .data = str_make(stream->data.p, stream->data.n - 1),
        };
        on_event(user, &event);
    }
    strbuf_clear(&stream->data);
    strbuf_clear(&stream->name);
    return 0;
}

static void take_line(struct event_stream *stream, struct str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == line.p) {
        return; /* a comment */
    }

    size_t n = colon != NULL ? (size_t)(colon - line.p) : line.n;
    struct str value = colon != NULL ? str_make(colon + 1, line.n - n - 1) : STR("");
    if (value.n > 0 && value.p[0] == ' ') {
        value = str_make(value.p + 1, value.n - 1);
    }
    take_field(stream, str_make(line.p, n), value);
}

/* A line is whole in `stream->line`. */
static int end_line(struct event_stream *stream,
                    void (*on_event)(void *user, const struct event *event), void *user)
{
    if (strbuf_status(&stream->line) != 0) {
        return E_NOMEM;
    }

    struct str line = strbuf_str(&stream->line);
    if (!stream->has_begun && str_starts_with(line, STR("\xEF\xBB\xBF"))) {
        line = str_make(line.p + 3, line.n - 3);
    }
    stream->has_begun = true;
    int status = 0;
    if (line.n == 0) {
        status = tell(stream, on_event, user);
    } else {
        take_line(stream, line);
    }
    strbuf_clear(&stream->line);
    return status;
}

static size_t line_length(struct str bytes)
{
    size_t n = 0;
    while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r') {
        n++;
    }
    return n;
}

int event_stream_feed(struct event_stream *stream, struct str bytes,
                      void (*on_event)(void *user, const struct event *event), void *user)
{
    while (bytes.n > 0) {
        if (stream->has_cr && bytes.p[0] == '\n') {
            bytes = str_make(bytes.p + 1, bytes.n - 1);
        }
        stream->has_cr = false;
        size_t n = line_length(bytes);
        if (stream->line.n + stream->data.n + n > EVENT_MAX_BYTES) {
            return E_LIMIT;
        }

        strbuf_append(&stream->line, bytes.p, n);
        if (n == bytes.n) {
            break;
        }
        stream->has_cr = bytes.p[n] == '\r';
        bytes = str_make(bytes.p + n + 1, bytes.n - n - 1);
        int status = end_line(stream, on_event, user);
        if (status != 0) {
            return status;
        }
    }
    return strbuf_status(&stream->line);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_EVENT_STREAM_H
#define CORE_API_EVENT_STREAM_H

/*
 * Event stream: server-sent events (text/event-stream), written and read.
 *
 *     id: 17
 *     event: node
 *     data: {"node":"fetch"}
 *     <empty line>
 *
 * The reader takes bytes in whatever pieces they come, and lines that end with LF, CRLF or CR. An
 * event is told at its empty line; what is not whole at the end of a stream is no event.
 *
 * Used by:  the routes (writer), control_client.c (reader).
 * Uses:     base.
 * Threads:  [any]; pure.
 */

#include "core/base/str.h"

enum {
    EVENT_MAX_BYTES = 64 * 1024 * 1024, /* of one event */
};

/* All borrowed for the call. */
struct event {
    struct str id;   /* of this event or, if it had none, of the last one that had; may be empty */
    struct str name; /* "message" when the event names none */
    struct str data; /* its lines, with LF between them */
};

/*
 * Appends one event. `id` and `name` may be empty; neither has a line break in it (nor `id` a
 * NUL): they are cut there. Breaks of lines in `data` come out as LF.
 */
void event_stream_append(struct strbuf *out, const struct event *event);

struct event_stream {
    struct strbuf line; /* not whole yet */
    struct strbuf id;
    struct strbuf name;
    struct strbuf data; /* each line with LF behind it */
    uint64_t retry_ms;  /* what the server asked for; 0: nothing */
    bool has_cr;        /* the last line ended with CR: a LF right behind belongs to it */
    bool has_begun;     /* a byte order mark is looked for at the beginning only */
};

/* On success: event_stream_finish(). */
void event_stream_init(struct event_stream *stream);
void event_stream_finish(struct event_stream *stream);

/* A new connection: what was not whole is forgotten, the last id is kept. */
void event_stream_restart(struct event_stream *stream);

/*
 * Reads on. `on_event` is called for each event. Returns 0, E_LIMIT (an event over
 * EVENT_MAX_BYTES) or E_NOMEM; the stream is of no more use then.
 */
int event_stream_feed(struct event_stream *stream, struct str bytes,
                      void (*on_event)(void *user, const struct event *event), void *user);

#endif

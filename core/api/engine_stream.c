/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/engine_stream.h"

#include <stdlib.h>
#include <uv.h>

#include "core/api/breaker_event.h"
#include "core/api/event_stream.h"
#include "core/api/exchange.h"
#include "core/base/error.h"
#include "core/engine/record.h"

enum { HEARTBEAT_MS = 25 * 1000 };

struct listener {
    struct api_exchange *exchange;
    struct listener *next;
};

struct engine_stream {
    uv_timer_t heartbeat; /* runs while somebody listens */
    struct listener *first;
};

int engine_stream_create(struct uv_loop_s *loop, struct engine_stream **out_stream,
                         struct error *err)
{
    struct engine_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return error_nomem(err);
    }
    (void)uv_timer_init(loop, &stream->heartbeat); /* cannot fail */
    stream->heartbeat.data = stream;
    uv_unref((uv_handle_t *)&stream->heartbeat);
    *out_stream = stream;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void engine_stream_close(struct engine_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    while (stream->first != NULL) {
        struct listener *listener = stream->first;
        stream->first = listener->next;
        api_stream_end(listener->exchange);
        free(listener);
    }
    uv_close((uv_handle_t *)&stream->heartbeat, on_closed);
}

static void tell(const struct engine_stream *stream, struct str bytes)
{
    for (const struct listener *at = stream->first; at != NULL; at = at->next) {
        api_stream_write(at->exchange, bytes);
    }
}

/* So that a dead client is found. */
static void on_heartbeat(uv_timer_t *timer)
{
    tell(timer->data, STR(":\n\n"));
}

void engine_stream_add(struct engine_stream *stream, struct api_exchange *exchange)
{
    static const struct api_header headers[] = {{"Cache-Control", {"no-cache", 8}}};
    static const struct api_answer answer = {
        .status = 200, .content_type = "text/event-stream", .headers = headers, .header_count = 1};
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        api_respond_error(exchange, 500, "out of memory");
        return;
    }
    *listener = (struct listener){.exchange = exchange, .next = stream->first};
    if (stream->first == NULL) {
        (void)uv_timer_start(&stream->heartbeat, on_heartbeat, HEARTBEAT_MS,
                             HEARTBEAT_MS); /* cannot fail */
    }
    stream->first = listener;
    api_stream_begin(exchange, &answer);
    api_stream_write(exchange, STR(":\n\n")); /* it has begun: what happens from here on is told */
}

void engine_stream_gone(struct engine_stream *stream, struct api_exchange *exchange)
{
    struct listener **at = &stream->first;
    while (*at != NULL && (*at)->exchange != exchange) {
        at = &(*at)->next;
    }
    struct listener *found = *at;
    if (found == NULL) {
        return;
    }
    *at = found->next;
    free(found);
    if (stream->first == NULL) {
        (void)uv_timer_stop(&stream->heartbeat); /* cannot fail */
    }
}

void engine_stream_poke(struct engine_stream *stream, const struct batch *batch)
{
    struct strbuf text = STRBUF_INIT;
    for (size_t i = 0; stream->first != NULL && i < batch->scope_count; i++) {
        if (breaker_event_is(&batch->scopes[i])) {
            breaker_event_append(&batch->scopes[i], &text);
        }
    }
    if (text.n > 0 && strbuf_status(&text) == 0) {
        tell(stream, strbuf_str(&text));
    }
    strbuf_finish(&text);
}

static void tell_event(struct engine_stream *stream, const struct event *event)
{
    struct strbuf text = STRBUF_INIT;
    event_stream_append(&text, event);
    if (strbuf_status(&text) == 0) {
        tell(stream, strbuf_str(&text));
    }
    strbuf_finish(&text);
}

void engine_stream_alert(struct engine_stream *stream, struct str alert)
{
    tell_event(stream, &(struct event){.name = STR("alert"), .data = alert});
}

void engine_stream_service(struct engine_stream *stream, struct str service)
{
    tell_event(stream, &(struct event){.name = STR("service"), .data = service});
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_streams.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/api/breaker_event.h"
#include "core/api/event_stream.h"
#include "core/api/exchange.h"
#include "core/api/job_write.h"
#include "core/api/json_text.h"
#include "core/api/recent_lines.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/value/json.h"

/* ---- types ---- */

/* One run of a tree. */
struct member {
    uint64_t number;
    uint64_t last_seq; /* that was read */
    bool is_told;
};

struct job_stream {
    struct job_streams *owner;
    struct job_stream *next;
    struct api_exchange *exchange;
    uint64_t root;
    uint64_t after;         /* the id of the last row that was read */
    struct member *members; /* by number */
    size_t member_count;
    size_t member_cap;
    struct strbuf out;         /* whole events */
    size_t sent;               /* of `out` */
    struct recent_lines early; /* logged before the stream began, not sent yet */
    size_t early_sent;
    struct strbuf logs;  /* and changes of breakers */
    struct strbuf waits; /* as they were told last */
    uint64_t logs_left_out;
    bool has_lines;  /* were logged, and may not be durable yet */
    bool is_logged;  /* some became durable: it is to be told */
    bool has_waits;  /* what nodes wait for may be another thing */
    bool is_choked;  /* on_drained is due */
    bool is_current; /* there was nothing more to read */
    bool has_ended;  /* the root's last record was read */
    bool is_over;    /* `out` has the last event */
};

struct job_streams {
    uv_timer_t heartbeat; /* runs while there is a stream */
    struct journal_reader *reader;
    struct job_streams_engine engine;
    struct job_stream *first;
    struct recent_lines recent;
    void (*done)(void *user);
    void *user;
};

enum { PAGE_FULL = 1 };

/* What a client takes for granted until it is told something else. */
#define NO_WAITS "{\"waits\":[],\"left_out\":0}"

/* ---- the runs of a tree ---- */

/* Where the run `number` is, or would be: numbers grow, so the latest is the likeliest. */
static size_t place_of(const struct job_stream *stream, uint64_t number)
{
    size_t low = 0;
    size_t high = stream->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream->members[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct member *find_member(const struct job_stream *stream, uint64_t number)
{
    size_t at = place_of(stream, number);
    bool is_there = at < stream->member_count && stream->members[at].number == number;
    return is_there ? &stream->members[at] : NULL;
}

/* NULL: out of memory. */
static struct member *need_member(struct job_stream *stream, uint64_t number)
{
    struct member *known = find_member(stream, number);
    if (known != NULL) {
        return known;
    }
    struct member *members = array_reserve(stream->members, &stream->member_cap,
                                           stream->member_count + 1, sizeof(*members));
    if (members == NULL) {
        return NULL;
    }
    stream->members = members;
    size_t at = place_of(stream, number);
    memmove(&members[at + 1], &members[at], (stream->member_count - at) * sizeof(*members));
    stream->member_count++;
    members[at] = (struct member){.number = number};
    return &members[at];
}

static int add_member(void *user, const struct journal_run *run)
{
    struct job_stream *stream = user;
    if (run->number == stream->root) {
        stream->has_ended = job_is_over(run);
    }
    return need_member(stream, run->number) != NULL ? 0 : E_NOMEM;
}

/* ---- events ---- */

static void append_text(struct strbuf *out, const char *key, struct str text)
{
    strbuf_append_format(out, ",\"%s\":", key);
    if (text.n > 0) {
        json_write_string(text, out);
    } else {
        strbuf_append_text(out, "null");
    }
}

/* What is JSON already. */
static void append_json(struct strbuf *out, const char *key, struct str json)
{
    strbuf_append_format(out, ",\"%s\":", key);
    strbuf_append_str(out, json.n > 0 ? json : STR("null"));
}

/* `data` is taken. False: out of memory, and nothing of it is there. */
static bool append_event(struct strbuf *out, struct str id, const char *name, struct strbuf *data)
{
    const struct event event = {.id = id, .name = str_from(name), .data = strbuf_str(data)};
    bool is_whole = strbuf_status(data) == 0;
    if (is_whole) {
        event_stream_append(out, &event);
    }
    strbuf_finish(data);
    return is_whole;
}

static int append_run(void *user, const struct journal_run *run)
{
    struct job_stream *stream = user;
    struct strbuf data = STRBUF_INIT;
    strbuf_append_format(&data, "{\"number\":%llu", (unsigned long long)run->number);
    append_text(&data, "id", run->id);
    append_text(&data, "workflow", run->workflow);
    strbuf_append_format(&data, ",\"parent\":%llu", (unsigned long long)run->parent);
    append_json(&data, "call", run->call);
    append_json(&data, "options", run->options);
    append_text(&data, "definition", run->definition);
    append_text(&data, "triggered_by", run->triggered_by);
    append_text(&data, "status", job_status(run));
    append_text(&data, "blocked", run->blocked);
    strbuf_append_char(&data, '}');
    return append_event(&stream->out, STR(""), "run", &data) ? 0 : E_NOMEM;
}

static int append_record(struct job_stream *stream, const struct journal_row *row)
{
    struct strbuf data = STRBUF_INIT;
    char id[32];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id);
    strbuf_append_format(&data, "{\"run\":%llu,\"seq\":%llu", (unsigned long long)row->run,
                         (unsigned long long)row->seq);
    append_text(&data, "type", row->type);
    append_text(&data, "path", row->path);
    strbuf_append_format(&data, ",\"attempt\":%u,\"at\":%lld", row->attempt, (long long)row->at);
    append_json(&data, "body", row->body);
    strbuf_append_char(&data, '}');
    return append_event(&stream->out, str_from(id), "record", &data) ? 0 : E_NOMEM;
}

/* False: out of memory, and nothing of it is there. */
static bool write_log(struct strbuf *out, const struct recent_line *line, struct str path,
                      int level, struct str text)
{
    struct strbuf data = STRBUF_INIT;
    struct strbuf mended = STRBUF_INIT; /* the line may be any bytes */
    json_text_mend(text, &mended);
    strbuf_append_format(&data, "{\"run\":%llu,\"at\":%lld", (unsigned long long)line->run,
                         (long long)line->at);
    append_text(&data, "level", str_from(log_level_name((enum log_level)level)));
    append_text(&data, "path", path);
    strbuf_append_text(&data, ",\"line\":");
    json_write_string(strbuf_str(&mended), &data);
    strbuf_append_char(&data, '}');
    strbuf_finish(&mended);
    return append_event(out, STR(""), "log", &data);
}

static void append_log(struct job_stream *stream, struct str event)
{
    if (stream->logs_left_out > 0 || stream->logs.n >= JOB_STREAMS_PAGE_BYTES) {
        stream->logs_left_out++;
    } else {
        strbuf_append_str(&stream->logs, event);
    }
}

/* Lines of before the stream, each where its time is: up to `row`, NULL: all. */
static void take_early(struct job_stream *stream, const struct journal_row *row)
{
    const struct recent_line *line = NULL;
    while ((line = recent_lines_at(&stream->early, stream->early_sent)) != NULL) {
        bool is_later = row != NULL &&
                        (line->at > row->at ||
                         (line->at == row->at && str_equal_text(row->type, "node_started")));
        const struct member *member = find_member(stream, line->run);
        if (is_later || member == NULL || (row != NULL && !member->is_told)) {
            return;
        }
        strbuf_append_str(&stream->out, strbuf_str(&line->event));
        stream->early_sent++;
    }
    recent_lines_finish(&stream->early);
    stream->early_sent = 0;
}

/* Only what is not known yet. */
static void take_waits(struct job_stream *stream)
{
    const struct job_streams_engine *engine = &stream->owner->engine;
    struct strbuf data = STRBUF_INIT;
    stream->has_waits = false;
    engine->append_waits(engine->user, stream->root, &data);
    if (strbuf_status(&data) != 0 || str_equal(strbuf_str(&data), strbuf_str(&stream->waits))) {
        strbuf_finish(&data);
        return;
    }
    strbuf_clear(&stream->waits);
    strbuf_append_str(&stream->waits, strbuf_str(&data));
    (void)append_event(&stream->out, STR(""), "waits", &data); /* it was looked at above */
}

/* Behind what was read: a line comes after the start of its node. */
static void take_logs(struct job_stream *stream)
{
    take_early(stream, NULL);
    if (stream->logs_left_out > 0) {
        const struct recent_line line = {.run = stream->root, .at = clock_unix_ms()};
        char text[96];
        (void)snprintf(text, sizeof(text), "%llu log lines are left out: they came too fast",
                       (unsigned long long)stream->logs_left_out);
        stream->logs_left_out = 0;
        if (!write_log(&stream->logs, &line, STR(""), LOG_LEVEL_WARN, str_from(text))) {
            stream->logs_left_out++; /* at least one */
        }
    }
    strbuf_append_str(&stream->out, strbuf_str(&stream->logs));
    strbuf_clear(&stream->logs);
    if (stream->is_logged) {
        const struct event logged = {.name = STR("logged"), .data = STR("{}")};
        event_stream_append(&stream->out, &logged);
        stream->is_logged = false;
    }
}

/* The client comes back, if it likes, and reads on behind what it has. */
static void append_failure(struct job_stream *stream, int status, const struct error *err)
{
    struct strbuf data = STRBUF_INIT;
    const char *text = err->message[0] != '\0' ? err->message : error_code_text(status);
    strbuf_append_text(&data, "{\"message\":");
    json_write_string(str_from(text), &data);
    strbuf_append_char(&data, '}');
    (void)append_event(&stream->out, STR(""), "error", &data); /* then it ends without a word */
    stream->is_over = true;
}

/* ---- the end ---- */

struct outcome {
    bool lives;
    char status[32]; /* of the root */
    uint64_t root;
};

static int look_at_run(void *user, const struct journal_run *run)
{
    struct outcome *outcome = user;
    outcome->lives = outcome->lives || !job_is_over(run);
    if (run->number == outcome->root) {
        (void)snprintf(outcome->status, sizeof(outcome->status), "%.*s", STR_ARG(run->state));
    }
    return 0;
}

/* Runs that nobody waited for belong to the one that somebody started. */
static void look_for_end(struct job_stream *stream)
{
    struct outcome outcome = {.root = stream->root};
    struct strbuf data = STRBUF_INIT;
    struct error err = {0};
    int status =
        journal_reader_tree(stream->owner->reader, stream->root, look_at_run, &outcome, &err);
    if (status != 0) {
        append_failure(stream, status, &err);
        return;
    }
    if (outcome.lives) {
        return;
    }
    take_logs(stream);
    strbuf_append_format(&data, "{\"status\":\"%s\"}", outcome.status);
    (void)append_event(&stream->out, STR(""), "end", &data); /* without it the client asks again */
    stream->is_over = true;
}

/* ---- reading ---- */

/* A run is told of before its first record. */
static int tell_run(struct job_stream *stream, struct member *member)
{
    struct error err = {0};
    member->is_told = true;
    return journal_reader_run_by_number(stream->owner->reader, member->number, append_run, stream,
                                        &err);
}

struct page {
    struct job_stream *stream;
    size_t rows;
};

static int take_row(void *user, const struct journal_row *row)
{
    struct page *page = user;
    struct job_stream *stream = page->stream;
    if (stream->out.n >= JOB_STREAMS_PAGE_BYTES) {
        return PAGE_FULL;
    }
    struct member *member = need_member(stream, row->run);
    int status = member == NULL ? E_NOMEM : !member->is_told ? tell_run(stream, member) : 0;
    if (status != 0) {
        return status;
    }
    take_early(stream, row);
    status = append_record(stream, row);
    if (status != 0) {
        return status;
    }
    member->last_seq = row->seq;
    stream->after = row->id;
    stream->has_ended = stream->has_ended ||
                        (row->run == stream->root && str_equal_text(row->type, "run_ended"));
    page->rows++;
    return 0;
}

static void read_page(struct job_stream *stream)
{
    struct page page = {.stream = stream};
    struct error err = {0};
    int status = journal_reader_tree_rows(stream->owner->reader, stream->root, stream->after,
                                          JOB_STREAMS_PAGE_ROWS, take_row, &page, &err);
    if (status < 0) {
        append_failure(stream, status, &err);
        return;
    }
    stream->is_current = status == 0 && page.rows < JOB_STREAMS_PAGE_ROWS;
    if (stream->is_current && page.rows > 0) {
        const struct event batch = {.name = STR("batch"), .data = STR("{}")};
        event_stream_append(&stream->out, &batch);
    }
    if (stream->is_current && stream->has_ended) {
        look_for_end(stream);
    }
}

/* ---- sending ---- */

/* Whether all is on its way; else the stream goes on when the client has taken some. */
static bool send_out(struct job_stream *stream)
{
    while (stream->sent < stream->out.n && !stream->is_choked) {
        size_t n = stream->out.n - stream->sent;
        n = n < JOB_STREAMS_PAGE_BYTES ? n : JOB_STREAMS_PAGE_BYTES;
        api_stream_write(stream->exchange, str_make(stream->out.p + stream->sent, n));
        stream->sent += n;
        stream->is_choked = api_stream_unsent(stream->exchange) > 0;
    }
    if (stream->sent < stream->out.n) {
        return false;
    }
    strbuf_clear(&stream->out);
    stream->sent = 0;
    return !stream->is_choked;
}

static void destroy(struct job_stream *stream)
{
    struct job_stream **at = &stream->owner->first;
    while (*at != stream) {
        at = &(*at)->next;
    }
    *at = stream->next;
    if (stream->owner->first == NULL) {
        (void)uv_timer_stop(&stream->owner->heartbeat);
    }
    strbuf_finish(&stream->out);
    strbuf_finish(&stream->logs);
    recent_lines_finish(&stream->early);
    strbuf_finish(&stream->waits);
    free(stream->members);
    free(stream);
}

/* Sends and reads until there is nothing more or the client has enough; may end the stream. */
static void pump(struct job_stream *stream)
{
    while (send_out(stream)) {
        bool has_logs = stream->early.count > 0 || stream->logs.n > 0 ||
                        stream->logs_left_out > 0 || stream->is_logged;
        if (stream->is_over) {
            break;
        }
        if (!stream->is_current) {
            read_page(stream);
        } else if (has_logs) {
            take_logs(stream);
        } else if (stream->has_waits) {
            take_waits(stream);
        } else {
            return;
        }
        if (strbuf_status(&stream->out) != 0) { /* half an event would be worse than none */
            strbuf_finish(&stream->out);
            stream->is_over = true;
        }
    }
    if (stream->is_over && stream->sent >= stream->out.n) {
        api_stream_end(stream->exchange);
        destroy(stream);
    }
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct job_streams *streams = timer->data;
    for (struct job_stream *stream = streams->first; stream != NULL; stream = stream->next) {
        if (stream->sent == 0 && !stream->is_choked) {
            api_stream_write(stream->exchange, STR(":\n\n"));
            stream->is_choked = api_stream_unsent(stream->exchange) > 0;
        }
    }
}

/* ---- lifecycle ---- */

int job_streams_create(struct uv_loop_s *loop, struct journal_reader *reader,
                       struct job_streams **out_streams, struct error *err)
{
    struct job_streams *streams = calloc(1, sizeof(*streams));
    if (streams == NULL) {
        return error_nomem(err);
    }
    streams->reader = reader;
    (void)uv_timer_init(loop, &streams->heartbeat); /* cannot fail */
    streams->heartbeat.data = streams;
    uv_unref((uv_handle_t *)&streams->heartbeat);
    *out_streams = streams;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct job_streams *streams = handle->data;
    void (*done)(void *user) = streams->done;
    void *user = streams->user;
    free(streams);
    done(user);
}

void job_streams_close(struct job_streams *streams, void (*done)(void *user), void *user)
{
    if (streams == NULL) {
        done(user);
        return;
    }
    while (streams->first != NULL) {
        api_stream_end(streams->first->exchange);
        destroy(streams->first);
    }
    recent_lines_finish(&streams->recent);
    streams->done = done;
    streams->user = user;
    uv_close((uv_handle_t *)&streams->heartbeat, on_closed);
}

void job_streams_set_engine(struct job_streams *streams, const struct job_streams_engine *engine)
{
    streams->engine = *engine;
}

static struct job_stream *create(struct job_streams *streams, struct api_exchange *exchange)
{
    struct job_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    *stream = (struct job_stream){.owner = streams,
                                  .next = streams->first,
                                  .exchange = exchange,
                                  .has_lines = true}; /* from before, on their way to the disk */
    if (streams->first == NULL) {
        (void)uv_timer_start(&streams->heartbeat, on_heartbeat, JOB_STREAMS_HEARTBEAT_MS,
                             JOB_STREAMS_HEARTBEAT_MS); /* cannot fail */
    }
    streams->first = stream;
    return stream;
}

/* Of one that comes back its client had them, or it has the later ones alone. */
static void give_recent(struct job_stream *stream)
{
    const struct recent_lines *recent = &stream->owner->recent;
    const struct recent_line *line = NULL;
    for (size_t i = 0; stream->after == 0 && (line = recent_lines_at(recent, i)) != NULL; i++) {
        if (find_member(stream, line->run) != NULL) {
            recent_lines_add(&stream->early, line->run, line->at, strbuf_str(&line->event));
        }
    }
}

void job_streams_add(struct job_streams *streams, struct api_exchange *exchange, uint64_t root,
                     uint64_t after)
{
    static const struct api_header headers[] = {{"Cache-Control", {"no-cache", 8}}};
    static const struct api_answer answer = {
        .status = 200, .content_type = "text/event-stream", .headers = headers, .header_count = 1};
    struct job_stream *stream = create(streams, exchange);
    struct error err = {0};
    if (stream == NULL) {
        api_respond_error(exchange, 500, "out of memory");
        return;
    }
    stream->root = root;
    stream->after = after;
    int status = journal_reader_tree(streams->reader, root, add_member, stream, &err);
    struct member *member = status == 0 ? find_member(stream, root) : NULL;
    if (status == 0) {
        status = member != NULL ? tell_run(stream, member) : E_NOT_FOUND;
    }
    if (status != 0) {
        api_respond_error(exchange, status == E_NOT_FOUND ? 404 : 500, "%s",
                          err.message[0] != '\0' ? err.message : error_code_text(status));
        destroy(stream);
        return;
    }
    give_recent(stream);
    api_stream_begin(exchange, &answer);
    strbuf_append_text(&stream->waits, NO_WAITS);
    stream->has_waits = streams->engine.append_waits != NULL;
    pump(stream);
}

static struct job_stream *find_stream(const struct job_streams *streams,
                                      const struct api_exchange *exchange)
{
    struct job_stream *stream = streams->first;
    while (stream != NULL && stream->exchange != exchange) {
        stream = stream->next;
    }
    return stream;
}

uint64_t job_streams_root(const struct job_streams *streams, const struct api_exchange *exchange)
{
    const struct job_stream *stream = find_stream(streams, exchange);
    return stream != NULL ? stream->root : 0;
}

void job_streams_drained(struct job_streams *streams, struct api_exchange *exchange)
{
    struct job_stream *stream = find_stream(streams, exchange);
    if (stream != NULL) {
        stream->is_choked = false;
        pump(stream);
    }
}

void job_streams_gone(struct job_streams *streams, struct api_exchange *exchange)
{
    struct job_stream *stream = find_stream(streams, exchange);
    if (stream != NULL) {
        destroy(stream);
    }
}

/* ---- what happens ---- */

/* A run that the stream has not read of yet: its caller, which is in memory, tells whose it is. */
static bool is_below(const struct job_stream *stream, const struct run *run)
{
    struct engine_call call = {0};
    while (run != NULL && engine_find_call(run, &call)) {
        if (find_member(stream, run_number(call.run)) != NULL) {
            return true;
        }
        run = call.run;
    }
    return false;
}

static bool concerns(const struct job_stream *stream, const struct record *record)
{
    const struct member *member = find_member(stream, record->run_number);
    if (member != NULL) {
        return record->seq > member->last_seq;
    }
    return record->type == RECORD_RUN_STARTED && is_below(stream, record->run);
}

static bool has_news(const struct job_stream *stream, const struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        if (record->seq != 0 && concerns(stream, record)) {
            return true;
        }
    }
    return false;
}

static void tell_breakers(struct job_streams *streams, const struct batch *batch)
{
    const struct job_streams_engine *engine = &streams->engine;
    for (size_t i = 0; engine->asks != NULL && i < batch->scope_count; i++) {
        const struct scope_change *change = &batch->scopes[i];
        bool is_breaker = breaker_event_is(change);
        for (struct job_stream *at = streams->first; is_breaker && at != NULL; at = at->next) {
            if (engine->asks(engine->user, at->root, change->key)) {
                breaker_event_append(change, &at->logs);
            }
        }
    }
}

void job_streams_poke(struct job_streams *streams, const struct batch *batch)
{
    tell_breakers(streams, batch);
    struct job_stream *next = NULL;
    for (struct job_stream *stream = streams->first; stream != NULL; stream = next) {
        next = stream->next;
        bool has_records = stream->is_current && has_news(stream, batch);
        stream->is_current = stream->is_current && !has_records;
        if (has_records || (batch->scope_count > 0 && stream->logs.n > 0)) {
            pump(stream);
        }
    }
}

void job_streams_waits(struct job_streams *streams)
{
    struct job_stream *next = NULL;
    for (struct job_stream *stream = streams->first; stream != NULL; stream = next) {
        next = stream->next;
        stream->has_waits = true;
        pump(stream);
    }
}

void job_streams_log(struct job_streams *streams, uint64_t run, struct str path, int level,
                     struct str line)
{
    const struct recent_line logged = {.run = run, .at = clock_unix_ms()};
    struct strbuf event = STRBUF_INIT;
    struct job_stream *next = NULL;
    bool is_whole = write_log(&event, &logged, path, level, line);
    if (is_whole) {
        recent_lines_add(&streams->recent, run, logged.at, strbuf_str(&event));
    }
    for (struct job_stream *stream = streams->first; stream != NULL; stream = next) {
        next = stream->next;
        if (find_member(stream, run) == NULL) {
            continue;
        }
        stream->has_lines = true;
        if (is_whole) {
            append_log(stream, strbuf_str(&event));
        } else {
            stream->logs_left_out++;
        }
        pump(stream);
    }
    strbuf_finish(&event);
}

void job_streams_logged(struct job_streams *streams, uint32_t left)
{
    struct job_stream *next = NULL;
    for (struct job_stream *stream = streams->first; stream != NULL; stream = next) {
        next = stream->next;
        if (stream->has_lines) {
            stream->has_lines = left > 0;
            stream->is_logged = true;
            pump(stream);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_stream.h"

#include <stdint.h>

#include "core/api/event_stream.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/cli/run_replica.h"
#include "core/journal/journal_reader.h"
#include "core/value/json.h"
#include "core/value/json_split.h"
#include "core/value/value.h"

enum { MEMBERS_MOST = 16 };

/*
 * The members of an event's data. Each is read for itself: a body has the depth that a value may
 * have, which is too deep inside of anything.
 */
struct members {
    struct member {
        struct str key;
        struct str text;
        struct document *document; /* owned; NULL: not read */
    } items[MEMBERS_MOST];
    size_t count;
    int status; /* of the first that failed */
};

static int members_split(struct members *members, struct str data, struct error *err)
{
    struct json_split split = json_split_begin(data);
    struct member *item = members->items;
    int more = 0;
    while (members->count < MEMBERS_MOST &&
           (more = json_split_next(&split, &item->key, &item->text)) > 0) {
        members->count++;
        item++;
    }
    return more >= 0 ? 0 : error_set(err, E_CORRUPT, "the stream has an event that is no JSON");
}

static void members_finish(struct members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        document_unref(members->items[i].document);
    }
}

static struct member *find_member(struct members *members, const char *key)
{
    for (size_t i = 0; i < members->count; i++) {
        if (str_equal_text(members->items[i].key, key)) {
            return &members->items[i];
        }
    }
    return NULL;
}

/* NULL: it is not there. */
static const struct value *read_member(struct members *members, const char *key)
{
    struct member *member = find_member(members, key);
    if (member == NULL) {
        return NULL;
    }
    if (member->document == NULL) {
        int status = json_read(member->text, NULL, &member->document, NULL);
        members->status = members->status == 0 ? status : members->status;
    }
    return member->document != NULL ? document_root(member->document) : NULL;
}

static struct str text_of(struct members *members, const char *key)
{
    const struct value *value = read_member(members, key);
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

static int64_t int_of(struct members *members, const char *key)
{
    const struct value *value = read_member(members, key);
    return value_is(value, VALUE_INT) ? value_int(value) : 0;
}

/* A number of a run, a count: never negative. */
static uint64_t number_of(struct members *members, const char *key)
{
    int64_t number = int_of(members, key);
    return number > 0 ? (uint64_t)number : 0;
}

/* As it stands there; null is empty. */
static struct str raw_of(struct members *members, const char *key)
{
    const struct member *member = find_member(members, key);
    bool is_there = member != NULL && !str_equal_text(member->text, "null");
    return is_there ? member->text : STR("");
}

static int check(const struct members *members, struct error *err)
{
    if (members->status == E_NOMEM) {
        return error_nomem(err);
    }
    return members->status == 0
               ? 0
               : error_set(err, E_CORRUPT, "the stream has an event that cannot be read");
}

/* ---- events ---- */

static int take_run(struct run_replica *replica, struct members *members, struct error *err)
{
    const struct journal_run run = {
        .number = number_of(members, "number"),
        .id = text_of(members, "id"),
        .definition = text_of(members, "definition"),
        .workflow = text_of(members, "workflow"),
        .parent = number_of(members, "parent"),
        .call = raw_of(members, "call"),
        .options = raw_of(members, "options"),
        .triggered_by = text_of(members, "triggered_by"),
    };
    struct str blocked = text_of(members, "blocked");
    int status = check(members, err);
    if (status == 0) {
        status = run_replica_add_run(replica, &run, err);
    }
    if (status == 0 && blocked.n > 0 && run.parent == 0) {
        (void)error_set(err, E_INVALID, "%.*s", STR_ARG(blocked));
        return RUN_STREAM_BLOCKED;
    }
    return status;
}

static int take_record(struct run_replica *replica, struct members *members, struct str id,
                       struct error *err)
{
    uint64_t number = 0;
    for (size_t i = 0; i < id.n && id.p[i] >= '0' && id.p[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(id.p[i] - '0');
    }
    const struct journal_row row = {
        .id = number,
        .run = number_of(members, "run"),
        .seq = number_of(members, "seq"),
        .type = text_of(members, "type"),
        .path = text_of(members, "path"),
        .attempt = (uint32_t)number_of(members, "attempt"),
        .at = int_of(members, "at"),
        .body = raw_of(members, "body"),
    };
    int status = check(members, err);
    return status == 0 ? run_replica_add_row(replica, &row, err) : status;
}

static int take_log(struct run_replica *replica, struct members *members, struct error *err)
{
    enum log_level level = LOG_LEVEL_INFO;
    (void)log_level_parse(text_of(members, "level"), &level); /* else it stays what it is */
    int status = check(members, err);
    if (status == 0) {
        run_replica_add_log(replica, number_of(members, "run"), text_of(members, "path"),
                            (int)level, text_of(members, "line"));
    }
    return status;
}

static int take_error(struct members *members, struct error *err)
{
    struct str message = text_of(members, "message");
    return error_set(err, E_IO, "the engine cannot show more of the run: %.*s", STR_ARG(message));
}

static int take(struct run_replica *replica, const struct event *event, struct members *members,
                struct error *err)
{
    if (str_equal_text(event->name, "run")) {
        return take_run(replica, members, err);
    }
    if (str_equal_text(event->name, "record")) {
        return take_record(replica, members, event->id, err);
    }
    if (str_equal_text(event->name, "log")) {
        return take_log(replica, members, err);
    }
    if (str_equal_text(event->name, "waits")) {
        run_replica_take_waits(replica, event->data);
        return RUN_STREAM_MORE;
    }
    if (str_equal_text(event->name, "error")) {
        return take_error(members, err);
    }
    if (str_equal_text(event->name, "batch")) {
        run_replica_end_batch(replica);
        return RUN_STREAM_MORE;
    }
    if (str_equal_text(event->name, "end")) {
        run_replica_end(replica);
        return RUN_STREAM_END;
    }
    return RUN_STREAM_MORE;
}

int run_stream_take(struct run_replica *replica, const struct event *event, struct error *err)
{
    struct members members = {0};
    int status = members_split(&members, event->data, err);
    if (status == 0) {
        status = take(replica, event, &members, err);
    }
    members_finish(&members);
    return status;
}

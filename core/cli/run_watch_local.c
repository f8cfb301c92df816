/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_watch_local.h"

#include <stdio.h>
#include <unistd.h>

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/run_replica.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/value/json.h"
#include "core/value/value.h"

static void fail(const struct run_watch_local *local, int code, const char *message)
{
    local->options.on_failed(local->options.user, code, message);
}

/* ---- what becomes durable ---- */

static void read_on(void *user)
{
    struct run_watch_local *local = user;
    struct error err = {0};
    struct journal_reader *reader = loop_reader(local->options.loop);
    if (run_replica_read(local->options.replica, reader, local->number, &err) != 0) {
        fail(local, EXIT_STATE, err.message);
    }
}

static void on_log(void *user, const struct run_place *place, int level, struct str line)
{
    const struct run_watch_local *local = user;
    struct strbuf path = STRBUF_INIT;
    run_append_path(place->run, place->frame, place->node, &path);
    run_replica_add_log(local->options.replica, run_number(place->run), strbuf_str(&path), level,
                        line);
    strbuf_finish(&path);
}

static void on_ended(void *user)
{
    struct run_watch_local *local = user;
    local->is_ended = true;
    read_on(local);
}

/* ---- the beginning ---- */

static int note_number(void *user, const struct journal_run *run)
{
    *(uint64_t *)user = run->number;
    return 0;
}

static void on_waits(void *user, struct str waits)
{
    const struct run_watch_local *local = user;
    run_replica_take_waits(local->options.replica, waits);
}

static int attach(struct run_watch_local *local, struct error *err)
{
    const struct run_observer observer = {.user = local,
                                          .on_batch = read_on,
                                          .on_log = on_log,
                                          .on_waits = on_waits,
                                          .on_ended = on_ended};
    return loop_run_attach(local->options.loop, local->number, &observer, &local->run, err);
}

/* What there is of it is shown, also of one that cannot go on. */
static void go_on(struct run_watch_local *local, struct str id)
{
    struct error err = {0};
    struct journal_reader *reader = loop_reader(local->options.loop);
    struct run_replica *replica = local->options.replica;
    int status = journal_reader_run(reader, id, note_number, &local->number, &err);
    if (status == 0) {
        local->options.on_id(local->options.user, id);
        status = run_replica_read(replica, reader, local->number, &err);
    }
    if (status == 0 && !run_replica_is_over(replica)) {
        status = attach(local, &err);
    }
    if (status == LOOP_BLOCKED) {
        char text[sizeof(err.message) + 192];
        (void)snprintf(text, sizeof(text),
                       "run %.*s is blocked: %s; bring what is missing, then "
                       "'opstream resume %.*s'",
                       STR_ARG(id), err.message, STR_ARG(id));
        fail(local, EXIT_STUCK, text);
    } else if (status != 0) {
        fail(local, EXIT_STATE, err.message);
    } else if (local->run != NULL) {
        local->options.on_id(local->options.user, id);
        read_on(local);
    }
}

static void refuse(const struct run_watch_local *local, int status, const struct value *answer)
{
    const struct value *message = value_get(value_get(answer, STR("error")), STR("message"));
    fail(local, exit_code_of_refused_start(status),
         value_is(message, VALUE_STRING) ? value_str(message).p : "the run was refused");
}

static void on_reply(void *user, const struct answer *answer)
{
    struct run_watch_local *local = user;
    cleanup_document struct document *document = NULL;
    local->is_answered = true;
    if (answer == NULL ||
        json_read(str_trim(strbuf_str(&answer->body)), NULL, &document, NULL) != 0) {
        fail(local, EXIT_STATE, "out of memory");
        return;
    }
    const struct value *id = value_get(document_root(document), STR("id"));
    if (answer->status >= ANSWER_BAD_REQUEST || !value_is(id, VALUE_STRING)) {
        refuse(local, answer->status, document_root(document));
    } else {
        go_on(local, value_str(id));
    }
}

void run_watch_local_begin(struct run_watch_local *local,
                           const struct run_watch_local_options *options)
{
    *local = (struct run_watch_local){.options = *options};
    (void)snprintf(local->who, sizeof(local->who), "uid %u", (unsigned)getuid());
    const struct control_question question = {.method = STR("POST"),
                                              .path = STR("/api/v1/jobs"),
                                              .body = options->body,
                                              .who = str_from(local->who)};
    control_handle(options->control, &question, on_reply, local);
}

void run_watch_local_finish(struct run_watch_local *local)
{
    if (local->options.loop != NULL) {
        loop_wait(local->options.loop, &local->is_answered);
    }
    if (local->run != NULL && local->is_ended) {
        loop_run_release(local->run);
    } else if (local->run != NULL) {
        loop_run_detach(local->run);
    }
    local->run = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/logs_follow.h"

#include <string.h>
#include <time.h>

#include "core/api/control_client.h"
#include "core/api/event_stream.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/job_text.h"
#include "core/cli/run_watch.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { LOOK_EVERY_MS = 500 };

struct following {
    struct record_pages *pages;
    record_pages_cb each;
    void *user;
    struct strbuf target;      /* of the stream */
    struct control_feed *feed; /* while it is followed */
    int code;                  /* of what was printed last */
    bool is_over;
    bool has_waited; /* for an engine; that was said */
};

static void print(struct following *following)
{
    following->code = record_pages_print(following->pages, following->each, following->user);
}

/* A stream is of the run that somebody started. */
static void set_target(struct following *following, struct str id)
{
    const char *slash = id.n > 0 ? memchr(id.p, '/', id.n) : NULL;
    strbuf_clear(&following->target);
    strbuf_append_text(&following->target, "/api/v1/jobs/");
    strbuf_append(&following->target, id.p, slash != NULL ? (size_t)(slash - id.p) : id.n);
    strbuf_append_text(&following->target, "/stream");
}

/* Whether more may come: ended runs log nothing any more. */
static int look(struct following *following)
{
    cleanup_document struct document *job = NULL;
    struct record_pages *pages = following->pages;
    int code = engine_command_get_job(pages->session, pages->id, "", STR("steps=false"), &job);
    if (code != EXIT_DONE) {
        return code;
    }
    const struct value *root = document_root(job);
    set_target(following, job_text_get(root, "id"));
    following->is_over = job_text_get(root, "completed_at").n > 0;
    if (!following->is_over && str_equal_text(job_text_get(root, "status"), "blocked")) {
        struct strbuf text = STRBUF_INIT;
        job_text_append_rest(root, &text);
        terminal_write_stderr(strbuf_str(&text));
        strbuf_finish(&text);
        return EXIT_STUCK;
    }
    return EXIT_DONE;
}

static void pause_for_engine(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    (void)nanosleep(&pause, NULL); /* a signal may cut it short */
}

/* ---- with an engine ---- */

static void on_begin(void *user, struct control_feed *feed)
{
    struct following *following = user;
    following->feed = feed;
}

/* From the first event on no line is missed: what was logged before is in the first page. */
static void on_event(void *user, const struct event *event)
{
    struct following *following = user;
    bool is_news = str_equal_text(event->name, "run") || str_equal_text(event->name, "logged") ||
                   str_equal_text(event->name, "end");
    if (is_news && following->code == EXIT_DONE) {
        print(following);
    }
    if (following->code != EXIT_DONE) {
        control_feed_stop(following->feed);
    }
}

/* Until the run has ended or the engine is gone: the next look tells which. */
static int listen(struct following *following, const char *socket_path)
{
    struct error err = {0};
    const struct control_feed_options options = {
        .target = strbuf_str(&following->target), .on_event = on_event, .user = following};
    int status = strbuf_status(&following->target) != 0
                     ? error_nomem(&err)
                     : control_follow(socket_path, &options, on_begin, &err);
    if (following->code == EXIT_DONE && status == E_NOT_FOUND) {
        pause_for_engine(); /* one that is ending may still answer */
    } else if (following->code == EXIT_DONE && status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    return following->code;
}

/* ---- without ---- */

static void wait_for_engine(struct following *following)
{
    if (!following->has_waited) {
        terminal_write_stderr(STR(RUN_WATCH_WAITS));
    }
    following->has_waited = true;
    pause_for_engine();
}

/* The look comes before the lines, so that the last ones are not missed. */
static int go_on(struct following *following)
{
    int looked = look(following);
    if (looked == EXIT_DONE || looked == EXIT_STUCK) {
        print(following);
    }
    if (looked != EXIT_DONE || following->code != EXIT_DONE || following->is_over) {
        return following->code != EXIT_DONE ? following->code : looked;
    }
    const char *socket_path = engine_session_socket(following->pages->session);
    if (socket_path == NULL) {
        wait_for_engine(following);
        return EXIT_DONE;
    }
    following->has_waited = false;
    return listen(following, socket_path);
}

int logs_follow(struct record_pages *pages, record_pages_cb each, void *user)
{
    struct following following = {.pages = pages, .each = each, .user = user};
    int code = EXIT_DONE;
    while (code == EXIT_DONE && !following.is_over) {
        code = go_on(&following);
    }
    strbuf_finish(&following.target);
    return code;
}

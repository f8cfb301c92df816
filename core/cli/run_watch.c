/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/api/control_client.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/engine_full.h"
#include "core/cli/interrupts.h"
#include "core/cli/run_pipelines.h"
#include "core/cli/run_replica.h"
#include "core/cli/run_show.h"
#include "core/cli/run_stream.h"
#include "core/cli/run_watch_local.h"
#include "core/cli/state_owner.h"
#include "core/cli/workspace.h"
#include "core/journal/journal_reader.h"
#include "core/loop/state_folder.h"
#include "core/value/value.h"

/* Between two looks for who is the engine now: it may be about to listen. */
enum { LOOK_AGAIN_MS = 100, WAIT_MS = 250, LAUNCH_MS = 1000 };

/* For the next engine of another user, which can be nobody here: a service may be upgraded. */
enum { FOREIGN_WAIT_MS = 10 * 60 * 1000 };

struct watch {
    const struct run_watch_options *options;
    struct loop *loop;
    struct control_client *client;
    struct control_feed *feed; /* NULL: not following */
    struct state_wait *wait;   /* for the lock; NULL: not waiting */
    struct run_replica *replica;
    struct run_watch_local local;
    struct interrupts interrupts;
    bool wants_cancel; /* as soon as there is a run */
    bool is_leaving;   /* what is left is handed over */
    bool waits_for_room;
    struct engine_full full;
    bool has_waited;    /* it has been said that no engine is at work */
    uint32_t waited_ms; /* since then */
    bool is_over;
    int code; /* why it cannot go on, or EXIT_DONE */
};

/* ---- the end ---- */

static void on_over(void *user)
{
    struct watch *watch = user;
    watch->is_over = true;
    loop_stop(watch->loop);
}

static void fail(struct watch *watch, int code, const char *message)
{
    if (watch->code == EXIT_DONE && !watch->is_over) {
        run_show_clear(watch->options->show);
        watch->code = command_error(code, "%s", message);
    }
    loop_stop(watch->loop);
}

static void set_id(struct watch *watch, struct str id)
{
    char *own = watch->options->show->id;
    (void)snprintf(own, ID_TEXT_SIZE, "%.*s", STR_ARG(id));
}

static const char *id_of(const struct watch *watch)
{
    return watch->options->show->id;
}

static bool is_looking(const struct watch *watch)
{
    return watch->options->body.n == 0;
}

static void fail_blocked(struct watch *watch, const char *why)
{
    char text[sizeof(((struct error *)NULL)->message) + 192];
    (void)snprintf(text, sizeof(text),
                   "run %s is blocked: %s; bring what is missing, then 'opstream resume %s'",
                   id_of(watch), why, id_of(watch));
    fail(watch, EXIT_STUCK, text);
}

/* ---- another engine ---- */

static bool is_foreign(const struct watch *watch)
{
    return state_folder_is_foreign(watch->options->hold->folder);
}

/* Whether the next engine is ours to start. */
static bool launches(const struct watch *watch)
{
    return watch->options->launch != NULL && !is_foreign(watch);
}

static void look_for_engine(struct watch *watch);
static void hand_over(struct watch *watch);
static void follow(struct watch *watch);

static void on_event(void *user, const struct event *event)
{
    struct watch *watch = user;
    struct error err = {0};
    int status = run_stream_take(watch->replica, event, &err);
    watch->has_waited = false;
    watch->waited_ms = 0;
    if (status < 0) {
        fail(watch, EXIT_STATE, err.message);
    } else if (status == RUN_STREAM_BLOCKED) {
        fail_blocked(watch, err.message);
    }
    if (watch->code != EXIT_DONE) {
        control_feed_stop(watch->feed);
    }
}

/* Who has started the run starts an engine, too, unless another one is there meanwhile. */
static void on_wait_over(void *user)
{
    struct watch *watch = user;
    const struct run_watch_options *options = watch->options;
    struct error err = {0};
    loop_tick(watch->loop, 0, NULL, NULL);
    run_show_draw_live(options->show, watch->loop);
    if (watch->is_over || watch->code != EXIT_DONE) {
        return;
    }
    if (!is_looking(watch)) {
        hand_over(watch); /* its key says which run it is */
        return;
    }
    int status = launches(watch) ? options->launch(options->user, &err) : 0;
    if (status == 0 || status == E_CONFLICT || status == E_TIMEOUT) {
        follow(watch);
    } else {
        fail(watch, EXIT_STUCK, err.message);
    }
}

/* A service that is started anew comes back by itself; one that fails at once is no endless loop.
 */
static void wait_for_engine(struct watch *watch)
{
    bool is_ours = launches(watch);
    if (is_foreign(watch) && watch->waited_ms >= FOREIGN_WAIT_MS) {
        char text[160];
        (void)snprintf(text, sizeof(text),
                       "no engine has come for 10 min: run %s is kept, 'opstream status %s "
                       "--follow' waits again",
                       id_of(watch), id_of(watch));
        fail(watch, EXIT_STUCK, text);
        return;
    }
    if (!watch->has_waited) {
        run_show_say(watch->options->show, is_ours ? RUN_WATCH_LAUNCHES : RUN_WATCH_WAITS);
        run_show_draw(watch->options->show);
        watch->has_waited = true;
    }
    watch->waited_ms += is_ours ? LAUNCH_MS : WAIT_MS;
    loop_tick(watch->loop, is_ours ? LAUNCH_MS : WAIT_MS, on_wait_over, watch);
}

struct rest {
    uint64_t number;
    char blocked[sizeof(((struct error *)NULL)->message)];
};

static int note_rest(void *user, const struct journal_run *run)
{
    struct rest *rest = user;
    rest->number = run->number;
    (void)snprintf(rest->blocked, sizeof(rest->blocked), "%.*s", STR_ARG(run->blocked));
    return 0;
}

/* Who looks reads on where the engine has left off: often it ended because the run did. */
static void read_rest(struct watch *watch)
{
    struct error err = {0};
    struct rest rest = {0};
    struct journal_reader *reader = NULL;
    int status =
        journal_reader_open(state_folder_path(watch->options->hold->folder), &reader, &err);
    if (status != 0 && is_foreign(watch)) {
        wait_for_engine(watch); /* which may read it */
        return;
    }
    if (status == 0) {
        status = journal_reader_run(reader, str_from(id_of(watch)), note_rest, &rest, &err);
    }
    if (status == 0) {
        status = run_replica_read(watch->replica, reader, rest.number, &err);
    }
    journal_reader_close(reader);
    if (status != 0) {
        fail(watch, EXIT_STATE, err.message);
    } else if (!watch->is_over && rest.blocked[0] != '\0') {
        fail_blocked(watch, rest.blocked);
    } else if (!watch->is_over) {
        wait_for_engine(watch);
    }
}

static void on_feed_end(void *user, const struct error *error)
{
    struct watch *watch = user;
    watch->feed = NULL;
    if (watch->is_over || watch->code != EXIT_DONE) {
        loop_stop(watch->loop);
    } else if (is_looking(watch) && (error == NULL || error->code == E_NOT_FOUND)) {
        read_rest(watch);
    } else if (is_looking(watch)) {
        fail(watch, EXIT_STATE, error->message);
    } else {
        look_for_engine(watch);
    }
}

static void send_cancel(struct watch *watch);

static void follow(struct watch *watch)
{
    struct error err = {0};
    char target[128];
    char last[32];
    (void)snprintf(target, sizeof(target), "/api/v1/jobs/%s/stream", id_of(watch));
    (void)snprintf(last, sizeof(last), "%llu",
                   (unsigned long long)run_replica_last_id(watch->replica));
    const struct control_feed_options options = {.target = str_from(target),
                                                 .last_event_id = str_from(last),
                                                 .on_event = on_event,
                                                 .on_end = on_feed_end,
                                                 .user = watch};
    if (control_client_follow(watch->client, &options, &watch->feed, &err) != 0) {
        fail(watch, EXIT_STATE, err.message);
    } else if (watch->wants_cancel) {
        watch->wants_cancel = false;
        send_cancel(watch);
    }
}

static void on_room_again(void *user)
{
    struct watch *watch = user;
    loop_tick(watch->loop, 0, NULL, NULL);
    run_show_draw_live(watch->options->show, watch->loop);
    watch->waits_for_room = false;
    if (!watch->is_over && watch->code == EXIT_DONE) {
        hand_over(watch);
    }
}

/* The engine has no room for the run yet. */
static void wait_for_room(struct watch *watch, const struct document *answer)
{
    bool is_first = watch->full.waited_ms == 0;
    uint64_t wait_ms = engine_full_wait_ms(&watch->full, answer);
    if (wait_ms == 0) {
        struct strbuf text = STRBUF_INIT;
        engine_full_append(answer, &text);
        fail(watch, EXIT_STUCK, strbuf_status(&text) == 0 ? text.p : "out of memory");
        strbuf_finish(&text);
        return;
    }
    if (is_first) {
        run_show_say(watch->options->show, ENGINE_FULL_WAITS);
        run_show_draw(watch->options->show);
    }
    watch->waits_for_room = true;
    loop_tick(watch->loop, (uint32_t)wait_ms, on_room_again, watch);
}

static void on_handed_over(void *user, const struct control_answer *answer)
{
    struct watch *watch = user;
    const struct value *id =
        answer->document != NULL ? value_get(document_root(answer->document), STR("id")) : NULL;
    if (watch->is_over || watch->code != EXIT_DONE) {
        return;
    }
    if (answer->status == 0 || answer->status == 503) { /* it is gone, or about to go */
        look_for_engine(watch);
    } else if (engine_full_is(answer->status, answer->document)) {
        wait_for_room(watch, answer->document);
    } else if (answer->error != NULL) {
        fail(watch, exit_code_of_refused_start(answer->status), answer->error->message);
    } else if (!value_is(id, VALUE_STRING)) {
        fail(watch, EXIT_STATE, "the engine did not answer with the id of a run");
    } else {
        set_id(watch, value_str(id));
        follow(watch);
    }
}

/* Again after a change of engines: the key makes it the same run. */
static void hand_over(struct watch *watch)
{
    struct error err = {0};
    const struct control_request request = {
        .method = STR("POST"), .target = STR("/api/v1/jobs"), .body = watch->options->body};
    if (control_client_send(watch->client, &request, on_handed_over, watch, &err) != 0) {
        fail(watch, EXIT_STATE, err.message);
    }
}

/* ---- who is the engine ---- */

static void on_lock(void *user, int status, struct state_lock *lock, const struct error *err)
{
    struct watch *watch = user;
    struct state_hold *hold = watch->options->hold;
    watch->wait = NULL;
    if (status == 0) {
        hold->lock = lock;
        hold->role = STATE_ROLE_ENGINE;
        loop_stop(watch->loop); /* run_watch() goes on with it */
    } else if (status == E_TIMEOUT) {
        hand_over(watch);
    } else {
        fail(watch, EXIT_STATE, err->message);
    }
}

/* It may be this process; or another one that is about to listen. */
static void look_for_engine(struct watch *watch)
{
    struct error err = {0};
    if (is_foreign(watch) && id_of(watch)[0] != '\0') {
        wait_for_engine(watch);
        return;
    }
    const struct state_wait_options options = {.loop = loop_uv(watch->loop),
                                               .folder = watch->options->hold->folder,
                                               .kind = STATE_OWNER_CLI,
                                               .timeout_ms = LOOK_AGAIN_MS,
                                               .cb = on_lock,
                                               .user = watch};
    if (state_wait_start(&options, &watch->wait, &err) != 0) {
        fail(watch, EXIT_STATE, err.message);
    }
}

/* ---- signals ---- */

static void on_cancel_answer(void *user, const struct control_answer *answer)
{
    struct watch *watch = user;
    bool is_gone = answer->status == 0 || answer->status == 503;
    if (watch->is_over || watch->code != EXIT_DONE || answer->error == NULL) {
        return;
    }
    if (is_gone) {
        watch->wants_cancel = true;     /* of whoever is the engine next */
    } else if (answer->status != 409) { /* else it has just ended */
        char text[sizeof(answer->error->message) + 64];
        (void)snprintf(text, sizeof(text), "the run could not be cancelled: %s\n",
                       answer->error->message);
        run_show_say(watch->options->show, text);
    }
}

static void send_cancel(struct watch *watch)
{
    struct error err = {0};
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/v1/jobs/%s/cancel", id_of(watch));
    const struct control_request request = {.method = STR("POST"), .target = str_from(target)};
    if (control_client_send(watch->client, &request, on_cancel_answer, watch, &err) != 0) {
        fail(watch, EXIT_STATE, err.message);
    }
}

/* The run is its engine's: it goes on without us. */
static void leave(struct watch *watch, int signal_number)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "run %s goes on without this terminal: 'opstream status %s'",
                   id_of(watch), id_of(watch));
    fail(watch, EXIT_LEFT + signal_number, id_of(watch)[0] != '\0' ? text : "nothing was started");
}

/* This engine can keep nothing that the signal asks for. */
static void leave_at_once(struct watch *watch, const char *trouble)
{
    char text[256];
    (void)snprintf(text, sizeof(text), STATE_LEFT_TEXT, trouble);
    fail(watch, EXIT_STATE, text);
    loop_abandon(watch->loop);
}

static void on_drained(void *user)
{
    struct watch *watch = user;
    watch->code = watch->code == EXIT_DONE ? EXIT_LEFT + SIGHUP : watch->code;
    loop_stop(watch->loop);
}

/* The terminal is gone. Any signal more, and running nodes are not waited for. */
static void hang_up(struct watch *watch)
{
    if (watch->local.run == NULL) {
        leave(watch, SIGHUP);
    } else if (watch->is_leaving) {
        on_drained(watch);
    } else {
        watch->is_leaving = true;
        run_show_say(watch->options->show, STATE_HANGUP_TEXT);
        loop_drain(watch->loop, STATE_HAND_OVER_MS, on_drained, watch);
    }
}

static void cancel(struct watch *watch)
{
    if (watch->local.run != NULL) {
        run_show_say(watch->options->show, "cancelling; once more kills what runs\n");
        loop_run_cancel(watch->local.run, str_from(watch->local.who));
        return;
    }
    run_show_say(watch->options->show, "cancelling; once more leaves it to its engine\n");
    if (watch->feed != NULL) {
        send_cancel(watch);
    } else {
        watch->wants_cancel = true;
    }
}

static void on_signal(void *user, int signal_number)
{
    struct watch *watch = user;
    unsigned count = interrupts_take(&watch->interrupts, signal_number);
    if (count == 0 || watch->is_over || watch->code != EXIT_DONE) {
        return;
    }
    if (loop_numbers(watch->loop).trouble != NULL) {
        leave_at_once(watch, loop_numbers(watch->loop).trouble);
    } else if (is_looking(watch)) {
        watch->code = EXIT_LEFT + signal_number;
        loop_stop(watch->loop);
    } else if (watch->waits_for_room) {
        fail(watch, EXIT_LEFT + signal_number, "nothing was started");
    } else if (signal_number == SIGHUP || watch->is_leaving) {
        hang_up(watch);
    } else if (count == 1) {
        cancel(watch);
    } else if (watch->local.run != NULL) {
        run_show_say(watch->options->show, "killing\n");
        loop_run_kill(watch->local.run, str_from(watch->local.who));
    } else {
        leave(watch, signal_number);
    }
}

/* ---- this engine ---- */

static void on_local_id(void *user, struct str id)
{
    struct watch *watch = user;
    set_id(watch, id);
    if (watch->wants_cancel && watch->local.run != NULL) {
        watch->wants_cancel = false;
        loop_run_cancel(watch->local.run, str_from(watch->local.who));
    }
}

static void on_local_failed(void *user, int code, const char *message)
{
    fail(user, code, message);
}

static int become_engine(struct watch *watch)
{
    struct state_hold *hold = watch->options->hold;
    if (hold->control == NULL) { /* another one was, until now */
        run_show_say(watch->options->show, "the engine has gone away: going on here\n");
        int code = state_hold_begin(hold, watch->options->workspace, STATE_BEGIN_ENGINE);
        if (code != EXIT_DONE) {
            return code;
        }
    }
    const struct run_watch_local_options options = {.loop = watch->loop,
                                                    .control = hold->control,
                                                    .replica = watch->replica,
                                                    .body = watch->options->body,
                                                    .on_id = on_local_id,
                                                    .on_failed = on_local_failed,
                                                    .user = watch};
    run_watch_local_begin(&watch->local, &options);
    return EXIT_DONE;
}

/* ---- the whole ---- */

static int begin(struct watch *watch)
{
    const struct run_watch_options *options = watch->options;
    struct error err = {0};
    struct run_replica_options replica = {.observer = run_show_observer(options->show),
                                          .find_pipeline = run_pipelines_find,
                                          .user = options->pipelines};
    interrupts_init(&watch->interrupts);
    options->show->on_ended = on_over;
    options->show->user = watch;
    int status = run_replica_create(&replica, &watch->replica, &err);
    const char *path = status == 0 ? state_folder_socket(options->hold->folder, &err) : NULL;
    if (status == 0) {
        status = path != NULL
                     ? control_client_create(loop_uv(watch->loop), path, &watch->client, &err)
                     : err.code;
    }
    if (status == 0) {
        status = loop_watch_signals(watch->loop, on_signal, watch, &err);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int ask_engine(struct watch *watch)
{
    if (!is_looking(watch)) {
        hand_over(watch);
    } else {
        set_id(watch, watch->options->id);
        follow(watch);
    }
    return watch->code;
}

/* Until the run has ended; the engine may change. */
static int work(struct watch *watch)
{
    struct error err = {0};
    run_show_draw_live(watch->options->show, watch->loop);
    while (watch->code == EXIT_DONE && !watch->is_over) {
        bool is_here = watch->options->hold->role == STATE_ROLE_ENGINE;
        int code = is_here ? become_engine(watch) : ask_engine(watch);
        if (code != EXIT_DONE) {
            return code;
        }
        if (watch->code == EXIT_DONE && !watch->is_over && loop_run(watch->loop, &err) != 0) {
            return command_error(EXIT_STATE, "%s", err.message);
        }
    }
    return watch->code;
}

static void on_late_signal(void *user, int signal_number)
{
    (void)user;
    (void)signal_number;
}

static void on_client_closed(void *user)
{
    *(bool *)user = true;
}

int run_watch(const struct run_watch_options *options)
{
    struct watch watch = {.options = options, .loop = options->workspace->loop};
    bool is_closed = false;
    int code = begin(&watch);
    if (code == EXIT_DONE) {
        code = work(&watch);
    }
    watch.is_over = true; /* what comes from here on is too late */
    state_wait_cancel(watch.wait);
    control_client_close(watch.client, on_client_closed, &is_closed);
    loop_wait(watch.loop, &is_closed);
    run_watch_local_finish(&watch.local);
    (void)loop_watch_signals(watch.loop, on_late_signal, NULL, NULL); /* they are watched already */
    run_replica_destroy(watch.replica);
    loop_tick(watch.loop, 0, NULL, NULL);
    return code;
}

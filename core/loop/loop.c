/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the loop: handles of libuv, the parts that it binds, and closing them in order:
 * runs are told, then the host (which waits for its tasks), then net, then the handles.
 */
#include "core/loop/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/engine/waits.h"
#include "core/host/cgroup_files.h"
#include "core/host/cgroup_home.h"
#include "core/journal/journal.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/clock_watch.h"
#include "core/loop/commit.h"
#include "core/loop/definition_store.h"
#include "core/loop/deliveries.h"
#include "core/loop/http_gate.h"
#include "core/loop/kept_scopes.h"
#include "core/loop/late_signal.h"
#include "core/loop/loop_state.h"
#include "core/loop/pruning.h"
#include "core/loop/restorer.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_keys.h"
#include "core/loop/run_table.h"
#include "core/loop/run_tasks.h"
#include "core/loop/run_timers.h"
#include "core/loop/secret_adopter.h"
#include "core/loop/survivors.h"
#include "core/loop/tape.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/net/net.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

/* Log lines may wait so long for each other. */
enum { LOG_DELAY_MS = 200, LOG_LINES_MOST = 1000, LEFT_PAGE = 100 };

enum { SURVIVORS_GRACE_MS = 2000 };

/* ---- callbacks of libuv ---- */

static void on_wake(uv_async_t *async)
{
    struct loop *loop = async->data;
    trouble_look(&loop->trouble);
    journal_collect(loop->journal);
}

static void wake_loop(void *user)
{
    struct loop *loop = user;
    (void)uv_async_send(&loop->wake); /* fails only on a closed handle */
}

static void on_items(uv_check_t *check)
{
    (void)uv_check_stop(check); /* cannot fail */
    run_tasks_tell_items(check->data);
}

void loop_tell_items_soon(struct loop *loop)
{
    (void)uv_check_start(&loop->items, on_items); /* cannot fail with a callback */
}

static void on_tick(uv_timer_t *timer)
{
    const struct loop *loop = timer->data;
    loop->on_tick(loop->tick_user);
}

/* ---- log lines ---- */

static void flush_log(struct loop *loop)
{
    struct commit *lines = loop->log_lines;
    loop->log_lines = NULL;
    if (lines != NULL) {
        run_driver_submit(lines);
    }
}

static void on_log_timer(uv_timer_t *timer)
{
    flush_log(timer->data);
}

static void add_log(struct loop *loop, const struct journal_log *line)
{
    if (loop->log_lines == NULL) {
        loop->log_lines = commit_create(loop);
        (void)uv_timer_start(&loop->log_timer, on_log_timer, LOG_DELAY_MS, 0); /* cannot fail */
    }
    if (loop->log_lines != NULL) {
        commit_add_log(loop->log_lines, line);
        loop->log_bytes += line->line.n + LOG_LINE_BYTES;
    }
}

/* In the log of the run that has the next line. */
static void add_left_out(struct loop *loop, const struct journal_log *next)
{
    struct journal_log line = *next;
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "%llu log lines of runs are left out: they came faster than the disk took them",
                   (unsigned long long)loop->logs_left_out);
    line.level = LOG_LEVEL_WARN;
    line.line = str_from(text);
    loop->logs_left_out = 0;
    add_log(loop, &line);
}

void loop_keep_log(struct loop *loop, const struct journal_log *log)
{
    struct journal_log line = *log;
    line.at_unix_ms = clock_unix_ms();
    if (loop->on_log != NULL) {
        loop->on_log(loop->log_user, line.run, line.path, line.level, line.line);
    }
    if (loop->log_bytes >= LOG_BYTES_MOST) {
        loop->logs_left_out++;
        return;
    }
    if (loop->logs_left_out > 0) {
        add_left_out(loop, &line);
    }
    add_log(loop, &line);
    if (loop->log_lines != NULL && loop->log_lines->log_count >= LOG_LINES_MOST) {
        flush_log(loop);
    }
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signal_number)
{
    const struct loop *loop = handle->data;
    loop->on_signal(loop->signal_user, signal_number);
    late_signal_taken(); /* a node may be told with a call of its own */
}

/* ---- lifecycle ---- */

static int open_handles(struct loop *loop, struct error *err)
{
    admission_init(&loop->admission, &(struct admission_load){0});
    loop->wake_at = INT64_MAX;
    loop->shared_due = INT64_MAX;
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        return error_set(err, E_IO, "the event loop cannot start: %s", uv_strerror(status));
    }
    loop->has_handles = true;
    loop->uv.data = loop;
    loop->wake.data = loop;
    loop->timer.data = loop;
    loop->tick.data = loop;
    loop->items.data = loop;
    (void)uv_timer_init(&loop->uv, &loop->timer); /* these always succeed */
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_timer_init(&loop->uv, &loop->log_timer);
    (void)uv_timer_init(&loop->uv, &loop->drain_timer);
    loop->log_timer.data = loop;
    loop->drain_timer.data = loop;
    trouble_init(&loop->trouble, loop);
    run_waits_init(&loop->waits_told, loop);
    health_checks_init(&loop->health, loop);
    (void)uv_check_init(&loop->uv, &loop->items);
    (void)uv_idle_init(&loop->uv, &loop->going);
    loop->going.data = loop;
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        loop->signals[i].data = loop;
        (void)uv_signal_init(&loop->uv, &loop->signals[i]);
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
    status = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (status != 0) {
        return error_set(err, E_IO, "the event loop cannot start: %s", uv_strerror(status));
    }
    return 0;
}

static int open_host(struct loop *loop, const struct loop_options *options, struct error *err)
{
    struct host_options host_options = {
        .loop = &loop->uv,
        .folders = options->plugin_folders,
        .folder_count = options->plugin_folder_count,
        .index_path = options->plugin_index_path,
        .only_file = options->plugin_file,
        .copy_folders = {options->plugin_copy_folders[0], options->plugin_copy_folders[1]},
        .events = run_tasks_events,
        .http = &loop->http,
        .kv = &loop->kv,
        .budget = &loop->budget,
        .mail = &loop->mail,
        .secrets = &loop->adopter,
        .cancel_grace_ms = options->cancel_grace_ms,
    };
    host_options.events.user = loop;
    return host_open(&host_options, &loop->host, err);
}

static uint64_t next_run(void *user)
{
    const struct loop *loop = user;
    return journal_keeps(loop->journal) ? journal_next_run(loop->journal) : 0;
}

/* Services are not checked then: when that is done is up to the clock, which a tape has not. */
static int open_tape(struct loop *loop, const struct loop_options *options, struct error *err)
{
    if (options->tape == NULL) {
        return 0;
    }
    health_checks_stop(&loop->health);
    loop->tape = options->tape;
    return tape_wrap(loop->tape, &loop->uv, options->secrets, &loop->http_out, &loop->mail_out,
                     err);
}

static int open_parts(struct loop *loop, const struct loop_options *options, struct error *err)
{
    loop->secrets = options->secrets;
    struct engine_options engine_options = {
        .process_concurrency = options->process_concurrency != 0 ? options->process_concurrency
                                                                 : 2 * uv_available_parallelism(),
        .value_bytes = document_total_bytes,
        .next_run = next_run,
        .user = loop,
    };
    int status = open_handles(loop, err);
    if (status == 0) {
        status = journal_ephemeral_open(wake_loop, loop, &loop->journal, err);
    }
    if (status == 0) {
        status = engine_create(&engine_options, &loop->engine, err);
    }
    if (status == 0) {
        status = net_create(&loop->uv, options->network, &loop->net, err);
    }
    if (status == 0) {
        loop->bridge = (struct http_bridge){
            .net = loop->net, .secrets = options->secrets, .find_node = http_gate_find_node};
        http_gate_init(loop);
        status = open_tape(loop, options, err);
    }
    if (status == 0) {
        kv_store_init(&loop->kv, loop);
        budget_desk_init(&loop->budget, loop);
        secret_adopter_init(&loop->adopter, &loop->bridge);
        status = open_host(loop, options, err);
    }
    return status;
}

int loop_create(const struct loop_options *options, struct loop **out_loop, struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return error_nomem(err);
    }
    /* A reader that went away, a file too large: errors of the write, not the program's end. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int status = open_parts(loop, options, err);
    if (status != 0) {
        loop_close(loop);
        return status;
    }
    *out_loop = loop;
    return 0;
}

static void on_host_closed(void *user)
{
    ((struct loop *)user)->is_host_closed = true;
}

static void on_net_closed(void *user)
{
    ((struct loop *)user)->is_net_closed = true;
}

static void run_until(struct loop *loop, const bool *is_done)
{
    while (!*is_done) {
        (void)uv_run(&loop->uv, UV_RUN_ONCE); /* whether handles are left does not matter */
    }
}

static void close_handles(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->log_timer, NULL);
    uv_close((uv_handle_t *)&loop->drain_timer, NULL);
    trouble_finish(&loop->trouble);
    run_waits_finish(&loop->waits_told);
    health_checks_close(&loop->health);
    tape_close(loop->tape);
    uv_close((uv_handle_t *)&loop->items, NULL);
    uv_close((uv_handle_t *)&loop->going, NULL);
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
    if (uv_handle_get_type((uv_handle_t *)&loop->wake) == UV_ASYNC) {
        uv_close((uv_handle_t *)&loop->wake, NULL);
    }
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* only the closing handles are left */
    int status = uv_loop_close(&loop->uv);
    CHECK_NAMED(status == 0, "handles left open");
}

void loop_settle(struct loop *loop)
{
    trouble_give_up(&loop->trouble);
    pruning_stop(loop->pruning);
    flush_log(loop);
    while (loop->journal != NULL &&
           (loop->numbers.writes_waiting > 0 || pruning_is_busy(loop->pruning))) {
        (void)uv_run(&loop->uv, UV_RUN_ONCE); /* whether handles are left does not matter */
    }
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    loop->is_leaving = loop->state_folder != NULL;
    if (loop->host != NULL) {
        run_driver_stop_all(loop);
        health_checks_stop(&loop->health);
        host_close(loop->host, on_host_closed, loop);
        run_until(loop, &loop->is_host_closed);
    }
    if (loop->net != NULL) {
        net_close(loop->net, on_net_closed, loop);
        run_until(loop, &loop->is_net_closed);
    }
    loop_settle(loop);
    trouble_say_lost(&loop->trouble);
    deliveries_finish(loop);
    run_driver_free_all(loop);
    alerts_finish(&loop->alerts);
    health_checks_finish(&loop->health);
    engine_destroy(loop->engine);
    clock_watch_close(loop->clock);
    if (loop->has_handles) {
        close_handles(loop);
    }
    pruning_destroy(loop->pruning);
    journal_reader_close(loop->reader);
    journal_close(loop->journal);
    definition_store_destroy(loop->definitions);
    run_keys_finish(loop);
    run_env_finish(&loop->env);
    kv_store_finish(&loop->kept);
    timer_heap_finish(&loop->timeouts);
    timer_heap_finish(&loop->waits);
    late_signal_set_kept(false);
    free(loop->state_folder);
    free(loop);
}

/* What tells processes of this owner's nodes from those of earlier ones. */
static int mark_children(struct loop *loop, struct error *err)
{
    char mark[SURVIVORS_MARK_SIZE];
    int status = survivors_format_mark(journal_sqlite_instance(loop->journal).p,
                                       journal_sqlite_epoch(loop->journal), mark, err);
    return status == 0 ? host_set_child_mark(loop->host, mark, err) : status;
}

/* What the nodes of a dead owner left running must be gone before a node runs again. */
int loop_end_survivors(struct loop *loop, struct error *err)
{
    const struct survivors_options options = {.instance = journal_sqlite_instance(loop->journal).p,
                                              .epoch = journal_sqlite_epoch(loop->journal),
                                              .grace_ms = SURVIVORS_GRACE_MS};
    int status = survivors_end(&options, NULL, err);
    if (status != 0) { /* it is said, and no reason to do nothing at all */
        log_write(LOG_LEVEL_WARN, "processes of an earlier engine may be left",
                  LOG_FIELDS(log_text("why", err->message)));
    }
    /* Behind the grace that they had. What is in use by another engine stays. */
    (void)cgroup_home_sweep(&cgroup_files_real, "");
    return status == E_NOMEM ? status : 0;
}

int loop_keep_state(struct loop *loop, const char *folder, const struct load_options *loading,
                    struct error *err)
{
    const struct journal_sqlite_options options = {
        .folder = folder, .wake = wake_loop, .user = loop};
    struct journal *journal = NULL;
    CHECK(loop->runs == NULL && loop->state_folder == NULL);
    int status = journal_sqlite_open(&options, &journal, err);
    if (status != 0) {
        return status;
    }
    journal_close(loop->journal);
    loop->journal = journal;
    loop->loading = loading;
    loop->state_folder = strdup(folder);
    late_signal_set_kept(true);
    engine_set_instance(loop->engine, journal_sqlite_instance(journal));
    status = loop->state_folder != NULL ? journal_reader_open_later(folder, &loop->reader, err)
                                        : error_nomem(err);
    status = status == 0 ? host_set_state_folder(loop->host, folder, err) : status;
    status = status == 0 ? kept_scopes_load(loop, err) : status;
    return status == 0 ? mark_children(loop, err) : status;
}

void loop_refuse_processes(struct loop *loop, const char *why)
{
    loop->refuses_processes = why;
}

static int lacks_secret(const struct loop *loop, struct str name, struct error *err)
{
    struct secrets_variable variable = {{0}};
    struct strbuf cure = STRBUF_INIT;
    (void)secrets_variable_of(name, &variable); /* the definition was checked */
    secrets_append_cure(loop->secrets, name, &cure);
    if (loop->holds_starts || strbuf_status(&cure) != 0) {
        (void)error_set(err, E_INVALID, "the secret '%.*s' is not set: %.*s", STR_ARG(name),
                        STR_ARG(strbuf_str(&cure)));
    } else {
        (void)error_set(err, E_INVALID,
                        "the engine (process %d) does not have the secret '%.*s': use 'opstream "
                        "secrets set %.*s', which it sees at once, or start the next one with %s",
                        (int)getpid(), STR_ARG(name), STR_ARG(name), variable.text);
    }
    strbuf_finish(&cure);
    return E_INVALID;
}

static int check_secrets(const struct loop *loop, const struct pipeline *pipeline,
                         struct error *err)
{
    for (uint32_t i = 0; i < pipeline->needed_secret_count; i++) {
        struct str value = STR("");
        int status = secrets_look(loop->secrets, pipeline->needed_secrets[i], &value, err);
        if (status == E_NOT_FOUND) {
            return lacks_secret(loop, pipeline->needed_secrets[i], err);
        }
        if (status != 0) {
            return status == E_NOMEM ? error_nomem(err) : (err->code = E_INVALID);
        }
    }
    return 0;
}

void loop_when_durable(struct loop *loop, loop_ack_cb cb, void *user)
{
    struct commit *commit = commit_create(loop);
    if (commit == NULL) {
        cb(user, E_NOMEM);
        return;
    }
    commit_add_ack(commit, cb, user);
    run_driver_submit(commit); /* writes are durable in their order */
}

int loop_check_pipeline(const struct loop *loop, const struct pipeline *pipeline, struct error *err)
{
    for (uint32_t i = 0; loop->refuses_processes != NULL && i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        if ((node->type->flags & NODE_TYPE_PROCESSES) != 0) {
            return error_set(err, E_INVALID, "node '%.*s': %s", STR_ARG(node->id),
                             loop->refuses_processes);
        }
    }
    return check_secrets(loop, pipeline, err);
}

void loop_hold_starts(struct loop *loop)
{
    loop->holds_starts = true;
    engine_hold_starts(loop->engine);
    trouble_give_up(&loop->trouble);
}

void loop_wait(struct loop *loop, const bool *is_done)
{
    run_until(loop, is_done);
}

struct left {
    uint64_t last;
    bool is_left;
};

static int note_left(void *user, const struct journal_run *run)
{
    struct left *left = user;
    left->last = run->number;
    /* A dead letter waits for a person, whose command is an engine if there is none. */
    bool is_at_rest = run->blocked.n > 0 || str_equal_text(run->state, "dead");
    left->is_left = left->is_left || (run->root == run->number && !is_at_rest);
    return 0;
}

bool loop_has_left(struct loop *loop)
{
    struct error err = {0};
    struct left left = {0};
    uint64_t after = 0;
    do {
        after = left.last;
        if (journal_reader_live(loop->reader, after, LEFT_PAGE, note_left, &left, &err) != 0) {
            return true; /* whoever comes next looks again */
        }
    } while (!left.is_left && left.last != after);
    return left.is_left;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

struct journal_reader *loop_reader(struct loop *loop)
{
    return loop->reader;
}

int loop_recover(struct loop *loop, struct error *err)
{
    return restorer_load_all(loop, err);
}

void loop_bound_cache(struct loop *loop, uint64_t bytes)
{
    if (loop->state_folder != NULL) {
        journal_sqlite_bound_cache(loop->journal, (int64_t)(bytes < INT64_MAX ? bytes : INT64_MAX));
    }
}

int loop_set_retention(struct loop *loop, const struct retention *site, struct error *err)
{
    const struct pruning_options options = {
        .journal = loop->journal, .reader = loop->reader, .site = site};
    if (loop->pruning != NULL) {
        pruning_set_site(loop->pruning, site);
        return 0;
    }
    return loop->state_folder != NULL ? pruning_create(&options, &loop->pruning, err) : 0;
}

int loop_run_attach(struct loop *loop, uint64_t number, const struct run_observer *observer,
                    struct loop_run **out_run, struct error *err)
{
    struct loop_run *run = run_table_find_root(loop, number);
    int status = run == NULL ? restorer_load(loop, number, &run, err) : 0;
    if (status != 0) {
        return status;
    }
    bool is_over = run->is_ended && run->children == 0;
    if (is_over || run->is_held) {
        return error_set(err, E_CONFLICT,
                         is_over ? "the run has ended" : "somebody has the run already");
    }
    run->observer = *observer;
    loop->waits_told.is_observed = loop->waits_told.is_observed || observer->on_waits != NULL;
    run->is_held = true;
    *out_run = run;
    return 0;
}

void loop_watch_batches(struct loop *loop, loop_batch_cb cb, void *user)
{
    loop->on_batch = cb;
    loop->batch_user = user;
}

void loop_watch_alerts(struct loop *loop, loop_alert_cb cb, void *user)
{
    loop->on_alert = cb;
    loop->alert_user = user;
}

void loop_watch_roots(struct loop *loop, loop_root_cb cb, void *user)
{
    loop->on_root = cb;
    loop->root_user = user;
}

void loop_watch_logs(struct loop *loop, loop_log_cb cb, void *user)
{
    loop->on_log = cb;
    loop->log_user = user;
}

void loop_watch_logged(struct loop *loop, loop_logged_cb cb, void *user)
{
    loop->on_logged = cb;
    loop->logged_user = user;
}

void loop_watch_idle(struct loop *loop, void (*cb)(void *user), void *user)
{
    loop->on_idle = cb;
    loop->idle_user = user;
}

/* ---- the end of work ---- */

void loop_each_task(const struct loop *loop, loop_task_cb cb, void *user)
{
    for (const struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        run_tasks_each(run, cb, user);
    }
}

static void end_drain(struct loop *loop)
{
    void (*done)(void *user) = loop->on_drained;
    loop->on_drained = NULL;
    (void)uv_timer_stop(&loop->drain_timer); /* cannot fail */
    if (done != NULL) {
        done(loop->drain_user);
    }
}

static void on_drain_timer(uv_timer_t *timer)
{
    end_drain(timer->data);
}

void loop_check_drained(struct loop *loop)
{
    if (loop->is_draining && loop->on_drained != NULL && loop->numbers.tasks == 0 &&
        loop->numbers.writes_waiting == 0) {
        /* What the last ones brought is on its way: the close waits for it. */
        (void)uv_timer_start(&loop->drain_timer, on_drain_timer, 0, 0); /* cannot fail */
    }
}

void loop_drain(struct loop *loop, uint64_t limit_ms, void (*done)(void *user), void *user)
{
    loop->is_draining = true;
    loop->on_drained = done;
    loop->drain_user = user;
    engine_hold_starts(loop->engine);
    (void)uv_timer_start(&loop->drain_timer, on_drain_timer, limit_ms, 0); /* cannot fail */
    loop_check_drained(loop);
}

void loop_abandon(struct loop *loop)
{
    trouble_give_up(&loop->trouble);
    loop->is_leaving = loop->state_folder != NULL;
    for (struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        run_tasks_kill(run);
    }
    loop_stop(loop);
}

struct loop_numbers loop_numbers(const struct loop *loop)
{
    struct loop_numbers numbers = loop->numbers;
    numbers.runs = loop->run_count;
    numbers.queued = engine_waiting(loop->engine);
    numbers.parked += engine_sleeping(loop->engine);
    alerts_count_active(loop, numbers.alerts_active);
    numbers.timers = loop->timeouts.count + loop->waits.count;
    for (const struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        numbers.roots += run->root == run && !run->is_ended ? 1u : 0u;
    }
    numbers.trouble = loop_trouble(loop);
    return numbers;
}

const char *loop_trouble(const struct loop *loop)
{
    return loop->state_folder != NULL ? journal_sqlite_trouble(loop->journal).why : NULL;
}

struct host *loop_host(struct loop *loop)
{
    return loop->host;
}

const struct catalogue *loop_catalogue(struct loop *loop)
{
    return host_catalogue(loop->host);
}

int loop_run(struct loop *loop, struct error *err)
{
    if (loop->failure.code == 0) {
        pruning_look(loop->pruning); /* what was started before is being written meanwhile */
        kept_scopes_prune(loop);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* whether it was stopped is known already */
    }
    return loop->failure.code == 0 ? 0 : error_copy(err, &loop->failure);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

int loop_watch_signals(struct loop *loop, loop_signal_cb cb, void *user, struct error *err)
{
    static const int numbers[LOOP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    loop->on_signal = cb;
    loop->signal_user = user;
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        int status = uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
        if (status != 0) {
            return error_set(err, E_IO, "signals cannot be watched: %s", uv_strerror(status));
        }
    }
    late_signal_watch();
    return 0;
}

void loop_tick(struct loop *loop, uint32_t interval_ms, loop_tick_cb cb, void *user)
{
    loop->on_tick = cb;
    loop->tick_user = user;
    if (interval_ms == 0) {
        (void)uv_timer_stop(&loop->tick); /* cannot fail */
        return;
    }
    (void)uv_timer_start(&loop->tick, on_tick, interval_ms, interval_ms);
}

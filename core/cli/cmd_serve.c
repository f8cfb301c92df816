/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine without a run of its own: goes on with what the state folder has, takes what others
 * bring, and ends when it is told to, after letting running nodes end.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "core/api/control_socket.h"
#include "core/api/loopback.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/module.h"
#include "core/base/quantity.h"
#include "core/cli/commands.h"
#include "core/cli/listen_settings.h"
#include "core/cli/log_settings.h"
#include "core/cli/site_config.h"
#include "core/cli/state_owner.h"
#include "core/cli/workspace.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/loop/background.h"
#include "core/loop/engine_log.h"
#include "core/loop/loop.h"
#include "core/loop/notify.h"
#include "core/model/pipeline.h"
#include "core/model/settings.h"
#include "core/value/value.h"

static const int64_t DEFAULT_DRAIN_MS = 30000;

enum { NODES_SAID_MOST = 20 };

/* One `opstream serve`. */
struct service {
    struct workspace workspace;
    struct state_hold hold;
    struct log_settings log;
    struct loopback loopback;
    struct background background;
    struct notify notify;
    int64_t drain_ms;
    const char *config; /* as it was named, or NULL */
    bool is_until_idle;
    bool is_background; /* its log is the state folder's */
    bool is_ending;
    bool was_idle; /* it ends by itself */
    uint64_t nodes_cut_off;
};

static const struct command_option options[] = {
    STATE_OPTION,
    {"drain", 0, "TIME", "how long running nodes may take to end [30s]", false},
    {"until-idle", 0, NULL, "end when no run is left", false},
    LISTEN_OPTIONS,
    LOG_FILE_OPTION,
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static void warn(const char *what, const struct error *err)
{
    log_write(LOG_LEVEL_WARN, what, LOG_FIELDS(log_text("why", err->message)));
}

/* ---- the end ---- */

struct said_tasks {
    const char *what;
    enum log_level level;
    uint64_t count;
};

static void say_task(void *user, struct str run_id, struct str path)
{
    struct said_tasks *said = user;
    if (said->count++ < NODES_SAID_MOST) {
        log_write(said->level, said->what,
                  LOG_FIELDS(log_str("run", run_id), log_str("node", path)));
    }
}

/* The first of them by name. */
static uint64_t say_tasks(const struct service *service, enum log_level level, const char *what)
{
    struct said_tasks said = {.what = what, .level = level};
    loop_each_task(service->workspace.loop, say_task, &said);
    return said.count;
}

static void say_cut_off(struct service *service)
{
    service->nodes_cut_off =
        say_tasks(service, LOG_LEVEL_WARN, "a node was cut off: the next engine goes on with it");
}

static void on_drained(void *user)
{
    struct service *service = user;
    say_cut_off(service);
    loop_stop(service->workspace.loop);
}

static void end(struct service *service, const char *why)
{
    struct error err = {0};
    if (service->is_ending) { /* told again */
        say_cut_off(service);
        loop_abandon(service->workspace.loop);
        return;
    }
    service->is_ending = true;
    log_write(
        LOG_LEVEL_INFO, "ending",
        LOG_FIELDS(log_text("why", why),
                   log_int("nodes_at_work", (int64_t)loop_numbers(service->workspace.loop).tasks),
                   log_int("wait_ms", service->drain_ms)));
    if (service->drain_ms > 0) {
        (void)say_tasks(service, LOG_LEVEL_INFO, "a node is waited for");
    }
    if (notify_stopping(&service->notify, why, &err) != 0) {
        warn("the service manager cannot be told", &err);
    }
    loop_drain(service->workspace.loop, (uint64_t)service->drain_ms, on_drained, service);
}

static void on_idle(void *user)
{
    struct service *service = user;
    if (service->is_until_idle && !service->is_ending && !loop_has_left(service->workspace.loop)) {
        service->was_idle = true;
        end(service, "no run is left");
    }
}

/* An engine that goes on with what `run` began does as `run` does. */
static void guard_code(const struct service *service, enum settings_sandbox sandbox)
{
    bool is_guarded = !service->is_until_idle && sandbox != SANDBOX_NONE;
    loop_refuse_processes(service->workspace.loop,
                          is_guarded
                              ? "user code has no sandbox yet: 'sandbox: none' in "
                                "opstream.yaml, and SIGHUP for 'serve', let it run as it is; "
                                "'opstream run' of a user with a state folder of their "
                                "own needs no such word"
                              : NULL);
}

/* ---- while it works ---- */

static void on_root(void *user, const struct record *record)
{
    const struct service *service = user;
    struct error err = {0};
    bool has_ended = record->type == RECORD_RUN_ENDED;
    struct str id = run_id(record->run);
    struct str workflow = run_pipeline(record->run)->id;
    if (!has_ended) {
        log_write(LOG_LEVEL_INFO, "run started",
                  LOG_FIELDS(log_str("run", id), log_str("workflow", workflow)));
        return;
    }
    log_write(LOG_LEVEL_INFO, "run ended",
              LOG_FIELDS(log_str("run", id), log_str("workflow", workflow),
                         log_text("state", run_state_name(record->run_state))));
    if (service->is_background && engine_log_bound(service->hold.folder, &err) != 0) {
        warn("the log cannot be put aside", &err);
    }
}

static void on_watchdog(void *user)
{
    const struct service *service = user;
    struct error err = {0};
    if (notify_watchdog(&service->notify, &err) != 0) {
        warn("the service manager cannot be told", &err);
    }
}

/* Without somebody who watches no timer wakes it. */
static void watch(struct service *service)
{
    uint64_t interval_ms = service->notify.watchdog_ms;
    loop_watch_roots(service->workspace.loop, on_root, service);
    loop_watch_idle(service->workspace.loop, on_idle, service);
    if (interval_ms > 0) {
        loop_tick(service->workspace.loop,
                  interval_ms < UINT32_MAX ? (uint32_t)interval_ms : UINT32_MAX, on_watchdog,
                  service);
    }
}

/* ---- signals ---- */

static void append_name(const char *name, struct strbuf *out)
{
    strbuf_append_text(out, out->n > 0 ? ", " : "");
    strbuf_append_text(out, name);
}

static const struct value *config_of(const struct settings *settings)
{
    return settings->config != NULL ? document_root(settings->config) : NULL;
}

/* What it says for runs that are at work stays as it was. `anew` gets what was taken. */
static void apply(struct service *service, const struct settings *settings, struct strbuf *anew)
{
    struct error err = {0};
    const struct value *old = config_of(&service->workspace.settings);
    const struct value *now = config_of(settings);
    guard_code(service, settings->sandbox);
    if (loop_set_retention(service->workspace.loop, &settings->retention, &err) != 0) {
        warn("the retention stays as it was", &err);
    } else {
        append_name("retention", anew);
    }
    site_config_bound(settings, service->workspace.loop);
    loop_bound_cache(service->workspace.loop, settings->cache_bytes);
    append_name("cache", anew);
    append_name("sandbox", anew);
    append_name("backpressure", anew);
    if (site_config_secrets(settings, service->workspace.secret_sources, &err) != 0) {
        warn("the settings of secrets stay as they were", &err);
    } else {
        append_name("secrets", anew);
    }
    if ((old == NULL) != (now == NULL) || (old != NULL && !value_equal(old, now))) {
        log_write(LOG_LEVEL_WARN,
                  "settings have changed that are read at the start alone: 'config'", NULL, 0);
    }
}

/* False: nothing of them was taken. */
static bool read_settings(struct service *service, struct strbuf *anew)
{
    struct settings settings = {0};
    bool is_good = site_config_read(service->config, &settings) == EXIT_DONE;
    if (is_good) {
        apply(service, &settings, anew);
    } else {
        log_write(LOG_LEVEL_WARN, "the settings are wrong, and stay as they were", NULL, 0);
    }
    settings_finish(&settings);
    return is_good;
}

static void reload(struct service *service)
{
    struct error err = {0};
    struct strbuf anew = STRBUF_INIT;
    (void)notify_reloading(&service->notify, &err); /* it is said below that it is ready again */
    if (log_settings_reopen(&service->log, &err) != 0) {
        warn("the log file cannot be opened anew", &err);
    } else {
        append_name("log file", &anew);
    }
    bool is_whole = read_settings(service, &anew);
    if (notify_ready(&service->notify, "serving", &err) != 0) {
        warn("the service manager cannot be told", &err);
    }
    log_write(is_whole ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
              is_whole ? "reloaded" : "reloaded without the settings, which are wrong",
              LOG_FIELDS(log_str("anew", anew.n > 0 ? strbuf_str(&anew) : STR("nothing"))));
    strbuf_finish(&anew);
}

static void on_signal(void *user, int signal_number)
{
    struct service *service = user;
    if (signal_number == SIGHUP) {
        reload(service);
        return;
    }
    end(service, signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* ---- the beginning ---- */

static int fail(struct service *service, int code, const struct error *err)
{
    background_tell_failure(&service->background, err);
    return command_error(code, "%s", err->message);
}

static int read_options(struct service *service, const struct command_args *args)
{
    struct error err = {0};
    const char *drain = command_value(args, "drain");
    service->is_until_idle = command_has(args, "until-idle");
    service->is_background = background_is_awaited(&service->background);
    service->config = command_value(args, "config");
    service->drain_ms = DEFAULT_DRAIN_MS;
    if (drain != NULL && quantity_parse_duration(str_from(drain), &service->drain_ms, &err) != 0) {
        return command_error(EXIT_USAGE, "--drain: %s", err.message);
    }
    if (log_settings_open(&service->log, command_value(args, "log-file"), &err) != 0) {
        return fail(service, EXIT_USAGE, &err);
    }
    if (notify_init(&service->notify, &err) != 0) {
        warn("the service manager cannot be told", &err);
    }
    return EXIT_DONE;
}

/* Before the folder: who cannot have its address begins nothing. */
static int take_address(struct service *service, const struct command_args *args)
{
    struct error err = {0};
    struct listen_settings settings = {0};
    if (service->is_until_idle) { /* of a terminal, whose variables it has */
        bool is_asked = command_value(args, "port") != NULL || command_value(args, "host") != NULL;
        return is_asked ? command_error(EXIT_USAGE, "--port and --host are not for --until-idle")
                        : EXIT_DONE;
    }
    if (listen_settings_read(&settings, args, &err) != 0) {
        return command_error(EXIT_USAGE, "%s", err.message);
    }
    if (!settings.is_wanted) {
        return EXIT_DONE;
    }
    int status = loopback_listen(settings.host, settings.port, &service->loopback, &err);
    if (status == E_INVALID) {
        return command_error(EXIT_USAGE, "%s: %s", settings.host_name, err.message);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int serve_address(struct service *service, struct error *err)
{
    struct loopback given = service->loopback;
    if (given.fd < 0) {
        return 0;
    }
    service->loopback.fd = -1;
    int status = control_socket_serve(service->hold.socket, &given, err);
    if (status == 0) {
        log_write(LOG_LEVEL_INFO, "listening", LOG_FIELDS(log_text("at", given.address)));
    }
    return status;
}

static int take_folder(struct service *service, const struct command_args *args)
{
    enum state_owner_kind kind = service->is_until_idle ? STATE_OWNER_CLI : STATE_OWNER_SERVE;
    int code = state_hold_open(&service->hold, args, kind);
    if (code != EXIT_DONE || service->hold.role == STATE_ROLE_ENGINE) {
        return code;
    }
    struct error err = {0};
    struct strbuf owner = STRBUF_INIT;
    state_owner_append(&service->hold.owner, &owner);
    (void)error_set(&err, E_CONFLICT, "%.*s is the engine of this state folder already",
                    STR_ARG(strbuf_str(&owner)));
    strbuf_finish(&owner);
    return fail(service, EXIT_STATE, &err);
}

static int begin(struct service *service, const struct command_args *args)
{
    struct error err = {0};
    module_keep(); /* a package that is upgraded restarts this service at its end, or later */
    int code = read_options(service, args);
    if (code == EXIT_DONE) {
        code = workspace_open(&service->workspace, args);
    }
    if (code == EXIT_DONE) {
        guard_code(service, service->workspace.settings.sandbox);
        code = take_address(service, args);
    }
    if (code == EXIT_DONE) {
        code = take_folder(service, args);
    }
    if (code == EXIT_DONE) {
        code = state_hold_begin(&service->hold, &service->workspace, STATE_BEGIN_ENGINE);
    }
    if (code != EXIT_DONE) {
        return code; /* the last line of its log says why */
    }
    if (serve_address(service, &err) != 0 ||
        loop_watch_signals(service->workspace.loop, on_signal, service, &err) != 0) {
        return fail(service, EXIT_STATE, &err);
    }
    return EXIT_DONE;
}

static int work(struct service *service)
{
    struct error err = {0};
    struct loop *loop = service->workspace.loop;
    background_tell_ready(&service->background);
    if (notify_ready(&service->notify, "serving", &err) != 0) {
        warn("the service manager cannot be told", &err);
    }
    log_write(LOG_LEVEL_INFO, "serving",
              LOG_FIELDS(log_int("runs", (int64_t)loop_numbers(loop).roots)));
    watch(service);
    on_idle(service);
    return loop_run(loop, &err) == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int run(const struct command_args *args)
{
    struct service service = {.loopback = {.fd = -1}};
    bool is_left = false;
    background_init(&service.background);
    struct loop_numbers left = {0};
    int code = begin(&service, args);
    bool is_begun = code == EXIT_DONE;
    if (is_begun) {
        code = work(&service);
        left = loop_numbers(service.workspace.loop);
    }
    state_hold_end(&service.hold, &service.workspace, &is_left);
    workspace_finish(&service.workspace);
    if (is_begun) {
        log_write(LOG_LEVEL_INFO, "ended",
                  LOG_FIELDS(log_int("runs_left", (int64_t)(left.roots + left.parked)),
                             log_int("nodes_cut_off", (int64_t)service.nodes_cut_off)));
    }
    if (is_left && service.was_idle) { /* somebody has started a run at the last moment */
        code = state_hold_hand_over(&service.hold, args);
    }
    state_hold_finish(&service.hold);
    cleanup_close_fd(&service.loopback.fd);
    log_settings_finish(&service.log);
    return code;
}

const struct command cmd_serve = {
    .name = "serve",
    .group = "Run pipelines",
    .summary = "be the engine: run what others start",
    .usage = "[--state DIR] [--port N] [--drain TIME] [--log-file FILE]",
    .details = "Goes on with the runs that were left in the state folder, and listens at its\n"
               "control socket. SIGTERM and SIGINT end it: no node starts any more, those that\n"
               "run may end for the time of --drain, are then told to, and killed after 10 s;\n"
               "what is left goes on with the next engine. A second one ends it at once,\n"
               "also when the code of a plugin does not return and holds everything up.\n\n"
               "SIGHUP opens the log file anew and reads 'retention', 'cache', 'sandbox',\n"
               "'backpressure', 'secrets' and 'secrets_folder' of opstream.yaml again, for what\n"
               "begins from then on; 'config', the address, plugins and the environment are\n"
               "those of its start.\n\n"
               "With --port (or PORT) the HTTP of the socket is spoken at an address of this\n"
               "machine, too: for the state folder's user and root; /health, /ping and\n"
               "/metrics are for all its users.\n\n"
               "LOG_LEVEL (error, warn, info, debug; DEBUG=1 is the last) and LOG_FORMAT (text,\n"
               "json) say what is logged and how.\n\n"
               "User code has no sandbox yet: pipelines with 'code' nodes are refused unless\n"
               "opstream.yaml says 'sandbox: none', or --until-idle is given, as 'start' does.\n"
               "A run that has one is blocked meanwhile: 'opstream resume ID' goes on with it\n"
               "then.",
    .options = options,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};

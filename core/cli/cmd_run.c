/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one pipeline here and now and shows it: live rows on a terminal, lines elsewhere, one JSON
 * document with --json. The first Ctrl-C cancels the run, the second kills what is left of it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/id.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/cli/commands.h"
#include "core/cli/run_events.h"
#include "core/cli/run_input.h"
#include "core/cli/run_lines.h"
#include "core/cli/run_result.h"
#include "core/cli/run_screen.h"
#include "core/cli/run_summary.h"
#include "core/cli/run_text.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/engine/run.h"
#include "core/loop/loop.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { DRAW_INTERVAL_MS = 100, NOTE_MOST = 127 };
/* Nobody presses a key twice so fast. */
static const int64_t ECHO_NS = 200 * 1000000LL;

enum show {
    SHOW_LIVE,
    SHOW_LINES,
    SHOW_JSON,
    SHOW_QUIET,
    SHOW_NOTHING, /* the output is gone: it has been said, and the run goes on */
};

/* One `opstream run`. */
struct session {
    struct workspace workspace;
    struct workspace_file file;
    struct loop_run *run;
    struct run_view view;
    struct run_screen screen;
    struct run_lines lines;
    struct run_events events;
    struct run_text_style style;
    enum show show;
    unsigned interrupts;
    int last_signal;
    int64_t last_signal_ns;
    char id[ID_TEXT_SIZE];
};

static const struct command_option options[] = {
    {"set", 'i', "KEY=VALUE", "set one key of the input (may be repeated)", true},
    {"input", 0, "FILE", "read the input from FILE, a JSON object ('-': stdin)", false},
    {"send", 0, "EVENT[=JSON]", "send the run an event as it starts (may be repeated)", true},
    {"json", 0, NULL, "print one JSON document at the end", false},
    {"quiet", 'q', NULL, "print output and outcome only; warnings go to stderr", false},
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* ---- showing ---- */

/* Where lines that stay go: to the screen's store, or straight out at flush(). */
static struct strbuf *lines_of(struct session *session)
{
    return run_screen_lines(&session->screen);
}

static void flush_lines(struct session *session)
{
    struct strbuf *lines = lines_of(session);
    if (session->show != SHOW_LINES || lines->n == 0) {
        return;
    }
    if (terminal_write_stdout(strbuf_str(lines)) != EXIT_DONE) {
        session->show = SHOW_NOTHING;
    }
    strbuf_clear(lines);
}

static bool shows_events(const struct session *session)
{
    return session->show == SHOW_LIVE || session->show == SHOW_LINES;
}

/* A child's id is its root's and the path of the call. */
static void add_child(struct session *session, const struct run *child, struct step call)
{
    struct str id = run_id(child);
    size_t n = strlen(session->id) + 1;
    size_t skipped = n < id.n ? n : id.n;
    run_view_add_child(&session->view,
                       &(struct child_options){.run = child,
                                               .pipeline = run_pipeline(child),
                                               .id = id,
                                               .path = str_make(id.p + skipped, id.n - skipped),
                                               .call = call});
}

static void on_child(void *user, const struct run *child, const struct run_place *place)
{
    struct session *session = user;
    add_child(session, child, run_view_step(&session->view, place->run, place->frame, place->node));
}

static void on_record(void *user, const struct record *record)
{
    struct session *session = user;
    if (record->type == RECORD_RUN_UNDOING) {
        add_child(session, record->run, (struct step){0});
    }
    run_view_apply(&session->view, record);
    if (shows_events(session)) {
        run_lines_add(&session->lines, record);
    }
}

/* Nothing else is shown until the end, and somebody may wonder why that does not come. */
static void say_waits(struct session *session)
{
    struct strbuf text = STRBUF_INIT;
    struct run_lines lines = {.view = &session->view, .style = session->style, .out = &text};
    run_lines_add_waits(&lines);
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

static void on_batch(void *user)
{
    struct session *session = user;
    if (session->show == SHOW_LINES) {
        run_lines_add_waits(&session->lines);
        flush_lines(session);
    } else if (session->show == SHOW_JSON) {
        say_waits(session);
    }
}

/* The latest message of a node, for its live row. */
static void keep_note(struct node_view *node, struct str note)
{
    size_t n = note.n < NOTE_MOST ? note.n : NOTE_MOST;
    n = n < note.n ? utf8_whole_prefix(note.p, n) : n;
    free(node->note);
    node->note = n > 0 ? str_dup(str_make(note.p, n)) : NULL; /* without memory it has none */
}

static void on_progress(void *user, const struct run_place *place, double fraction, struct str note)
{
    struct session *session = user;
    struct step step = run_view_step(&session->view, place->run, place->frame, place->node);
    if (step.frame == NULL) {
        return; /* memory ran out before */
    }
    struct node_view *node = run_tree_state(step);
    node->fraction = fraction;
    keep_note(node, note);
    if (session->show == SHOW_LINES && node->note != NULL && !step.frame->is_quiet) {
        run_text_log(step, str_from(node->note), session->style, lines_of(session));
        flush_lines(session);
    }
}

static void write_log(struct step step, int level, struct str line)
{
    struct strbuf path = STRBUF_INIT;
    run_tree_append_path(step, &path);
    log_write((enum log_level)level, "node says",
              LOG_FIELDS(log_str("node", strbuf_str(&path)), log_str("line", line)));
    strbuf_finish(&path);
}

static void on_log(void *user, const struct run_place *place, int level, struct str line)
{
    struct session *session = user;
    struct step step = run_view_step(&session->view, place->run, place->frame, place->node);
    bool is_hidden = session->show == SHOW_QUIET && level > LOG_LEVEL_WARN;
    if (is_hidden || step.frame == NULL) {
        return;
    }
    if (!shows_events(session)) {
        write_log(step, level, line);
        return;
    }
    run_text_log(step, line, session->style, lines_of(session));
    flush_lines(session);
}

static void on_ended(void *user)
{
    struct session *session = user;
    loop_stop(session->workspace.loop);
}

static void on_tick(void *user)
{
    struct session *session = user;
    run_screen_draw(&session->screen, clock_unix_ms());
}

static void say_interrupt(struct session *session, const char *text)
{
    if (session->show == SHOW_LIVE) {
        strbuf_append_text(lines_of(session), text);
        return;
    }
    terminal_write_stderr(str_from(text));
}

/*
 * timeout(1) and other programs hand the terminal's Ctrl-C on to their child, which the terminal
 * has told itself: the same signal twice in no time is one.
 */
static bool is_echo(struct session *session, int signal_number)
{
    int64_t now_ns = clock_monotonic_ns();
    if (session->interrupts > 0 && session->last_signal == signal_number &&
        now_ns - session->last_signal_ns < ECHO_NS) {
        return true;
    }
    session->last_signal = signal_number;
    session->last_signal_ns = now_ns;
    return false;
}

/* SIGINT, SIGTERM and SIGHUP ask for the same. */
static void on_signal(void *user, int signal_number)
{
    struct session *session = user;
    if (session->run == NULL || is_echo(session, signal_number)) {
        return; /* it has ended, and the loop is closing */
    }
    session->interrupts++;
    if (session->interrupts == 1) {
        say_interrupt(session, "cancelling; once more kills what runs\n");
        loop_run_cancel(session->run);
        return;
    }
    say_interrupt(session, "killing\n");
    loop_run_kill(session->run);
}

/* ---- the run ---- */

static enum show choose_show(const struct command_args *args)
{
    if (command_has(args, "json")) {
        return SHOW_JSON;
    }
    if (command_has(args, "quiet")) {
        return SHOW_QUIET;
    }
    return terminal_is_live(STDOUT_FILENO) ? SHOW_LIVE : SHOW_LINES;
}

static int exit_code_of(enum run_state state)
{
    return state == RUN_COMPLETED ? EXIT_DONE
           : state == RUN_FAILED  ? EXIT_RUN_FAILED
                                  : EXIT_CANCELLED;
}

static int print_json(struct session *session)
{
    struct error err = {0};
    cleanup_document struct document *result = NULL;
    if (run_result_build(&session->view, str_from(session->id), &result, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(result), JSON_PRETTY, &text);
    strbuf_append_char(&text, '\n');
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/* The run had ended when it was their turn. */
static void add_late_events(struct session *session)
{
    for (size_t i = session->view.event_total; i < session->events.count; i++) {
        run_view_add_late_event(&session->view, session->events.items[i].name);
    }
}

static int print_end(struct session *session)
{
    add_late_events(session);
    if (session->show == SHOW_LIVE) {
        run_screen_clear(&session->screen);
    }
    if (session->show == SHOW_JSON) {
        return print_json(session);
    }
    if (session->show == SHOW_NOTHING) {
        return EXIT_STATE;
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, session->show == SHOW_QUIET ? "" : "\n");
    run_summary_append(&session->view, session->style, &text);
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

static int init_view(struct session *session, const struct pipeline *pipeline)
{
    if (run_view_init(&session->view, pipeline) != 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    bool is_json = session->show == SHOW_JSON;
    bool has_color = !is_json && terminal_has_color(STDOUT_FILENO);
    unsigned columns = session->show == SHOW_LIVE ? terminal_size(STDOUT_FILENO).columns : 0;
    session->view.keeps_steps = is_json;
    session->style = run_text_style_of(&session->view, has_color, columns);
    run_screen_init(&session->screen, &session->view, session->style);
    session->lines = (struct run_lines){.view = &session->view,
                                        .style = session->style,
                                        .out = lines_of(session),
                                        .is_live = session->show == SHOW_LIVE};
    return EXIT_DONE;
}

static int start(struct session *session, const struct pipeline *pipeline,
                 const struct document *input)
{
    struct error err = {0};
    struct loop *loop = session->workspace.loop;
    struct loop_run_options run_options = {
        .pipeline = pipeline,
        .input = input,
        .id = str_from(session->id),
        .triggered_by = STR("manual"),
        .events = session->events.items,
        .event_count = session->events.count,
        .observer = {.user = session,
                     .on_child = on_child,
                     .on_record = on_record,
                     .on_batch = on_batch,
                     .on_progress = on_progress,
                     .on_log = on_log,
                     .on_ended = on_ended},
    };
    int code = init_view(session, pipeline);
    if (code != EXIT_DONE) {
        return code;
    }
    int status = loop_run_start(loop, &run_options, &session->run, &err);
    if (status == 0) {
        status = loop_watch_signals(loop, on_signal, session, &err);
    }
    if (status == 0 && session->show == SHOW_LIVE) {
        loop_tick(loop, DRAW_INTERVAL_MS, on_tick, session);
    }
    if (status == 0) {
        status = loop_run(loop, &err);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int run_session(struct session *session, const struct command_args *args)
{
    const struct pipeline *pipeline = NULL;
    cleanup_document struct document *input = NULL;
    struct error err = {0};
    int code = workspace_open(&session->workspace, args);
    if (code == EXIT_DONE) {
        code = workspace_load(&session->workspace, args->operands[0], LOAD_START, &session->file);
    }
    if (code == EXIT_DONE) {
        code = workspace_pick(&session->file, &pipeline);
    }
    if (code == EXIT_DONE) {
        code = run_input_read(args, pipeline, &input);
    }
    if (code == EXIT_DONE) {
        code = run_events_read(args, &session->events);
    }
    if (code == EXIT_DONE) {
        code = workspace_load_plugins(&session->workspace, &session->file, pipeline);
    }
    if (code == EXIT_DONE && id_create(clock_unix_ms(), session->id, &err) != 0) {
        code = command_error(EXIT_STATE, "%s", err.message);
    }
    if (code == EXIT_DONE) {
        code = start(session, pipeline, input);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    code = print_end(session);
    return code != EXIT_DONE ? code : exit_code_of(session->view.state);
}

static int run(const struct command_args *args)
{
    struct session session = {.show = choose_show(args)};
    int code = run_session(&session, args);
    run_screen_finish(&session.screen);
    if (session.run != NULL && session.view.ended_at != 0) {
        loop_run_release(session.run);
        session.run = NULL; /* a signal may still come while the loop closes */
    }
    workspace_finish(&session.workspace);
    if (session.view.nodes != NULL) {
        run_view_finish(&session.view);
    }
    workspace_file_finish(&session.file);
    run_events_finish(&session.events);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .group = "Run pipelines",
    .summary = "run a pipeline here and now and show it",
    .usage = "FILE[#ID] [-i KEY=VALUE]... [--input FILE|-] [--json]",
    .details = "Checks FILE, checks the input, runs the pipeline and ends with its outcome. On a\n"
               "terminal each node that runs has a live row; elsewhere starts and ends are\n"
               "lines. What runs inside loops has its path, each[17].fix; of loops with many\n"
               "items only failures and sums are shown.\n"
               "Ctrl-C cancels: a state machine takes its 'cancel' transition, else nodes are\n"
               "told and processes end, then endings run; a second Ctrl-C kills all of it.\n\n"
               "A value of -i is read as the type that the input's schema gives its key.\n\n"
               "Events of --send go to the run itself, not to pipelines that it calls, in the\n"
               "order given; each is kept until a 'wait' or a state takes it.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};

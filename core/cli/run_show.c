/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/cli/command.h"
#include "core/cli/run_result.h"
#include "core/cli/run_summary.h"
#include "core/cli/terminal.h"
#include "core/engine/run.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum {
    DRAW_INTERVAL_MS = 100,
    NOTE_MOST = 127,
    LINES_MOST = 64 * 1024, /* that wait for the end of a batch */
};

/* ---- showing ---- */

/* Where lines that stay go: to the screen's store, or straight out at flush(). */
static struct strbuf *lines_of(struct run_show *show)
{
    return run_screen_lines(&show->screen);
}

static void flush_lines(struct run_show *show)
{
    struct strbuf *lines = lines_of(show);
    if (show->kind != RUN_SHOW_LINES || lines->n == 0) {
        return;
    }
    if (terminal_write_stdout(strbuf_str(lines)) != EXIT_DONE) {
        show->kind = RUN_SHOW_NOTHING;
    }
    strbuf_clear(lines);
}

static bool shows_events(const struct run_show *show)
{
    return show->kind == RUN_SHOW_LIVE || show->kind == RUN_SHOW_LINES;
}

/* A child's id is its root's and the path of the call. */
static void add_child(struct run_show *show, const struct run *child, struct step call)
{
    struct str id = run_id(child);
    size_t n = strlen(show->id) + 1;
    size_t skipped = n < id.n ? n : id.n;
    run_view_add_child(&show->view,
                       &(struct child_options){.run = child,
                                               .pipeline = run_pipeline(child),
                                               .id = id,
                                               .path = str_make(id.p + skipped, id.n - skipped),
                                               .call = call});
}

static void on_child(void *user, const struct run *child, const struct run_place *place)
{
    struct run_show *show = user;
    add_child(show, child, run_view_step(&show->view, place->run, place->frame, place->node));
}

/* The colours are those of the standard output, which may be a terminal when stderr is none. */
static struct run_text_style style_of_stderr(const struct run_show *show)
{
    struct run_text_style style = show->style;
    style.is_colored = false;
    return style;
}

/* Whether one more is shown; a node may warn of each of a million items. */
static bool take_warning(struct run_show *show)
{
    char text[ID_TEXT_SIZE + 128];
    if (show->kind != RUN_SHOW_QUIET) {
        return true;
    }
    if (show->warnings < RUN_SHOW_WARNINGS_MOST) {
        show->warnings++;
        return true;
    }
    if (show->warnings == RUN_SHOW_WARNINGS_MOST) {
        show->warnings++;
        (void)snprintf(text, sizeof(text),
                       "more warnings of nodes are left out; those of a run that is kept: "
                       "'opstream logs %s'\n",
                       show->id);
        terminal_write_stderr(str_from(text));
    }
    return false;
}

/* The next attempt of a node is far away, and nothing else is said until then. */
static void say_retry(struct run_show *show, const struct record *record)
{
    struct strbuf text = STRBUF_INIT;
    struct step step = run_view_step(&show->view, record->run, record->frame, record->node);
    bool is_long = record->due_unix_ms - record->at_unix_ms > RUN_SHOW_LONG_WAIT_MS;
    if (step.frame == NULL || !is_long || !take_warning(show)) {
        return;
    }
    run_text_retry(step, style_of_stderr(show), &text);
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

static void on_record(void *user, const struct record *record)
{
    struct run_show *show = user;
    if (record->type == RECORD_RUN_UNDOING) {
        add_child(show, record->run, (struct step){0});
    }
    run_view_apply(&show->view, record);
    if (record->run == show->view.run &&
        (record->type == RECORD_RUN_PAUSED || record->type == RECORD_RUN_RESUMED)) {
        show->is_paused = record->type == RECORD_RUN_PAUSED;
    }
    if (shows_events(show)) {
        run_lines_add(&show->lines, record);
    } else if (show->kind == RUN_SHOW_QUIET && record->type == RECORD_NODE_RETRY) {
        say_retry(show, record);
    }
    if (lines_of(show)->n >= LINES_MOST) {
        flush_lines(show);
    }
}

/* Nothing else is shown until the end, and somebody may wonder why that does not come. */
static void say_waits(struct run_show *show)
{
    struct strbuf text = STRBUF_INIT;
    struct run_lines lines = {.view = &show->view,
                              .style = style_of_stderr(show),
                              .out = &text,
                              .waits = show->lines.waits,
                              .least_wait_ms = show->waits.least_ms};
    run_lines_add_waits(&lines);
    show->lines.waits = lines.waits;
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

/* Somebody did it elsewhere, and nothing comes until somebody ends it. */
static void say_paused(struct run_show *show)
{
    char text[2 * ID_TEXT_SIZE + 64];
    show->is_pause_told = show->is_paused;
    if (show->is_paused) {
        (void)snprintf(text, sizeof(text),
                       "run %s is paused: 'opstream resume %s' goes on with it\n", show->id,
                       show->id);
        run_show_say(show, text);
    }
}

static void on_batch(void *user)
{
    struct run_show *show = user;
    if (show->is_paused != show->is_pause_told && show->view.ended_at == 0) {
        say_paused(show);
    }
    if (show->kind == RUN_SHOW_LINES) {
        run_lines_add_waits(&show->lines);
        flush_lines(show);
    } else if (show->kind == RUN_SHOW_JSON || show->kind == RUN_SHOW_QUIET) {
        say_waits(show);
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
    struct run_show *show = user;
    struct step step = run_view_step(&show->view, place->run, place->frame, place->node);
    if (step.frame == NULL) {
        return; /* memory ran out before */
    }
    struct node_view *node = run_tree_state(step);
    node->fraction = fraction;
    keep_note(node, note);
    if (show->kind == RUN_SHOW_LINES && node->note != NULL && !step.frame->is_quiet) {
        run_text_log(step, str_from(node->note), show->style, lines_of(show));
        flush_lines(show);
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
    struct run_show *show = user;
    struct step step = run_view_step(&show->view, place->run, place->frame, place->node);
    bool is_hidden = show->kind == RUN_SHOW_QUIET && level > LOG_LEVEL_WARN;
    if (is_hidden || step.frame == NULL) {
        return;
    }
    if (!shows_events(show)) {
        if (take_warning(show)) {
            write_log(step, level, line);
        }
        return;
    }
    run_text_log(step, line, show->style, lines_of(show));
    flush_lines(show);
}

/* Live rows are drawn anew by themselves. */
static void on_waits(void *user, struct str json)
{
    struct run_show *show = user;
    struct strbuf text = STRBUF_INIT;
    live_waits_take(&show->waits, json);
    if (show->kind == RUN_SHOW_LINES) {
        live_waits_append_lines(&show->waits, show->style, lines_of(show));
        flush_lines(show);
    } else if (show->kind == RUN_SHOW_JSON || show->kind == RUN_SHOW_QUIET) {
        live_waits_append_lines(&show->waits, style_of_stderr(show), &text);
        terminal_write_stderr(strbuf_str(&text));
    }
    strbuf_finish(&text);
}

static void on_ended(void *user)
{
    const struct run_show *show = user;
    show->on_ended(show->user);
}

static void on_tick(void *user)
{
    run_show_draw(user);
}

/* ---- the end ---- */

static int print_json(struct run_show *show)
{
    struct error err = {0};
    cleanup_document struct document *result = NULL;
    if (run_result_build(&show->view, str_from(show->id), &result, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(result), JSON_PRETTY, &text);
    strbuf_append_char(&text, '\n');
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/* ---- lifecycle ---- */

enum run_show_kind run_show_choose(const struct command_args *args)
{
    if (command_has(args, "json")) {
        return RUN_SHOW_JSON;
    }
    if (command_has(args, "quiet")) {
        return RUN_SHOW_QUIET;
    }
    return terminal_is_live(STDOUT_FILENO) ? RUN_SHOW_LIVE : RUN_SHOW_LINES;
}

int run_show_init(struct run_show *show, const struct run_show_options *options)
{
    *show = (struct run_show){
        .kind = options->kind, .on_ended = options->on_ended, .user = options->user};
    if (run_view_init(&show->view, options->pipeline) != 0) {
        return E_NOMEM;
    }
    bool is_json = show->kind == RUN_SHOW_JSON;
    show->waits.least_ms = show->kind == RUN_SHOW_QUIET ? RUN_SHOW_LONG_WAIT_MS : 0;
    bool has_color = !is_json && terminal_has_color(STDOUT_FILENO);
    unsigned columns = show->kind == RUN_SHOW_LIVE ? terminal_size(STDOUT_FILENO).columns : 0;
    show->view.kept.keeps_steps = is_json;
    show->style = run_text_style_of(&show->view, has_color, columns);
    run_screen_init(&show->screen, &show->view, show->style);
    show->screen.waits = &show->waits;
    show->lines = (struct run_lines){.view = &show->view,
                                     .style = show->style,
                                     .out = lines_of(show),
                                     .is_live = show->kind == RUN_SHOW_LIVE};
    return 0;
}

void run_show_finish(struct run_show *show)
{
    run_screen_finish(&show->screen);
    live_waits_finish(&show->waits);
    if (show->view.nodes != NULL) {
        run_view_finish(&show->view);
    }
}

struct run_observer run_show_observer(struct run_show *show)
{
    return (struct run_observer){.user = show,
                                 .on_child = on_child,
                                 .on_record = on_record,
                                 .on_batch = on_batch,
                                 .on_progress = on_progress,
                                 .on_log = on_log,
                                 .on_waits = on_waits,
                                 .on_ended = on_ended};
}

void run_show_draw_live(struct run_show *show, struct loop *loop)
{
    if (show->kind == RUN_SHOW_LIVE) {
        loop_tick(loop, DRAW_INTERVAL_MS, on_tick, show);
    }
}

void run_show_draw(struct run_show *show)
{
    if (show->kind == RUN_SHOW_LIVE) {
        run_screen_draw(&show->screen, clock_unix_ms());
    }
}

void run_show_clear(struct run_show *show)
{
    if (show->kind == RUN_SHOW_LIVE) {
        run_screen_clear(&show->screen);
    }
}

void run_show_say(struct run_show *show, const char *text)
{
    if (show->kind == RUN_SHOW_LIVE) {
        strbuf_append_text(lines_of(show), text);
        return;
    }
    terminal_write_stderr(str_from(text));
}

int run_show_print_end(struct run_show *show, const struct loop_event *events, size_t event_count)
{
    /* The run had ended when it was their turn. */
    for (size_t i = show->view.kept.event_total; i < event_count; i++) {
        run_view_add_late_event(&show->view, events[i].name);
    }
    run_show_clear(show);
    if (show->kind == RUN_SHOW_JSON) {
        int code = print_json(show);
        return code != EXIT_DONE ? code : exit_code_of_run(show->view.state);
    }
    if (show->kind == RUN_SHOW_NOTHING) {
        return EXIT_STATE;
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, show->kind == RUN_SHOW_QUIET ? "" : "\n");
    run_summary_append(&show->view, show->style, &text);
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code != EXIT_DONE ? code : exit_code_of_run(show->view.state);
}

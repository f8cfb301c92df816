/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_SHOW_H
#define CORE_CLI_RUN_SHOW_H

/*
 * Run show: a run as people see it while it is under way, and its end: live rows on a terminal,
 * lines elsewhere, one JSON document, or output and outcome only. It hears of the run as an
 * observer, whoever is its engine.
 *
 * Used by:  cmd_run, run_watch.
 * Uses:     run_view, run_lines, run_screen, run_summary, run_result, loop (struct run_observer).
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/id.h"
#include "core/cli/live_waits.h"
#include "core/cli/run_lines.h"
#include "core/cli/run_screen.h"
#include "core/cli/run_text.h"
#include "core/cli/run_view.h"
#include "core/loop/loop.h"

struct command_args;
struct pipeline;

enum run_show_kind {
    RUN_SHOW_LIVE,
    RUN_SHOW_LINES,
    RUN_SHOW_JSON,
    RUN_SHOW_QUIET,
    RUN_SHOW_NOTHING, /* the output is gone: it has been said, and the run goes on */
};

/* Warnings of nodes, and attempts that are far away, that RUN_SHOW_QUIET has lines for. */
enum { RUN_SHOW_WARNINGS_MOST = 100 };

/* Waits for a service that are known to last longer have a line with RUN_SHOW_QUIET, too. */
enum { RUN_SHOW_LONG_WAIT_MS = 10000 };

struct run_show {
    enum run_show_kind kind;
    struct run_view view;
    struct run_screen screen;
    struct run_lines lines;
    struct live_waits waits;
    struct run_text_style style;
    char id[ID_TEXT_SIZE]; /* of the root run, from the first record on */
    unsigned warnings;     /* of nodes, when it is quiet */
    bool is_paused;
    bool is_pause_told;
    void (*on_ended)(void *user);
    void *user;
};

/* By --json, --quiet, and whether stdout is a terminal. */
enum run_show_kind run_show_choose(const struct command_args *args);

/*
 * `pipeline` must outlive the show; `on_ended` (with `user`, both kept) is called when the run has
 * ended. Fails with E_NOMEM. Ends with run_show_finish(), in every case.
 */
struct run_show_options {
    enum run_show_kind kind;
    const struct pipeline *pipeline;
    void (*on_ended)(void *user);
    void *user;
};
int run_show_init(struct run_show *show, const struct run_show_options *options);
/* One that is all zero is fine. */
void run_show_finish(struct run_show *show);

/* For whoever is the engine, or plays it again. */
struct run_observer run_show_observer(struct run_show *show);

/* Draws live rows every so often from here on; nothing for the other kinds. */
void run_show_draw_live(struct run_show *show, struct loop *loop);

/* Draws live rows now. */
void run_show_draw(struct run_show *show);

/* Takes live rows away, for a message. */
void run_show_clear(struct run_show *show);

/* A line about what this command does, "cancelling; ...". */
void run_show_say(struct run_show *show, const char *text);

/*
 * Prints how it ended; of the `event_count` events that were sent those that came too late are
 * named. Returns an enum exit_code: that of the run's outcome, or EXIT_STATE.
 */
int run_show_print_end(struct run_show *show, const struct loop_event *events, size_t event_count);

#endif

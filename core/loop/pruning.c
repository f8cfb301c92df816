/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/pruning.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/run_rows.h"
#include "core/model/settings.h"

struct pruning {
    struct journal *journal;
    struct journal_reader *reader;
    struct retention site;
    int64_t (*now)(void);
    int64_t last_pass;     /* unix ms */
    char *workflow;        /* that the pass is at; NULL: there is none */
    struct retention kept; /* of its runs */
    uint64_t removed;      /* by the last portion */
    uint64_t total;        /* by this pass */
    bool has_begun;        /* the first pass */
    bool is_busy;
    bool is_stopped;
};

int pruning_create(const struct pruning_options *options, struct pruning **out_pruning,
                   struct error *err)
{
    struct pruning *pruning = calloc(1, sizeof(*pruning));
    if (pruning == NULL) {
        return error_nomem(err);
    }
    *pruning = (struct pruning){.journal = options->journal,
                                .reader = options->reader,
                                .site = *options->site,
                                .now = options->now != NULL ? options->now : clock_unix_ms};
    *out_pruning = pruning;
    return 0;
}

void pruning_destroy(struct pruning *pruning)
{
    if (pruning != NULL) {
        free(pruning->workflow);
        free(pruning);
    }
}

void pruning_set_site(struct pruning *pruning, const struct retention *site)
{
    pruning->site = *site;
    pruning->has_begun = false;
}

void pruning_stop(struct pruning *pruning)
{
    if (pruning != NULL) {
        pruning->is_stopped = true;
    }
}

bool pruning_is_busy(const struct pruning *pruning)
{
    return pruning != NULL && pruning->is_busy;
}

/* ---- one pipeline after the other ---- */

struct newest {
    char *workflow; /* NULL: there are no more */
    struct retention own;
};

static int note_newest(void *user, const struct journal_run *run)
{
    struct newest *newest = user;
    newest->workflow = str_dup(run->workflow);
    newest->own = run_rows_read_retention(run->options);
    return newest->workflow != NULL ? 0 : E_NOMEM;
}

static void end_pass(struct pruning *pruning, const struct error *err)
{
    free(pruning->workflow);
    pruning->workflow = NULL;
    if (err != NULL) { /* the next pass tries again */
        log_write(LOG_LEVEL_WARN, "old runs cannot be removed",
                  LOG_FIELDS(log_text("why", err->message)));
    } else if (pruning->total > 0) {
        log_write(LOG_LEVEL_DEBUG, "old runs removed",
                  LOG_FIELDS(log_int("runs", (int64_t)pruning->total)));
    }
}

static int64_t before(int64_t now, int64_t keep_ms)
{
    return keep_ms > 0 && keep_ms < now ? now - keep_ms : 0;
}

static void on_removed(void *user, int status);

/* Whether a portion is on its way. */
static bool begin_portion(struct pruning *pruning, struct error *err)
{
    int64_t now = pruning->now();
    const struct retention kept = pruning->kept;
    const struct journal_retention bounds = {
        .ended_before_unix_ms = before(now, kept.keep_ms),
        .failed_before_unix_ms = before(now, kept.keep_failed_ms),
        .max_runs = kept.max_runs,
        .limit = PRUNING_PORTION,
        .workflow = str_from(pruning->workflow),
        .out_removed = &pruning->removed,
    };
    pruning->removed = 0;
    pruning->is_busy = true;
    if (journal_sqlite_prune(pruning->journal, &bounds, on_removed, pruning, err) != 0) {
        pruning->is_busy = false;
    }
    return pruning->is_busy;
}

static bool is_bounded(const struct retention *kept)
{
    return kept->keep_ms > 0 || kept->keep_failed_ms > 0 || kept->max_runs > 0;
}

/* Goes on to the next pipeline of which runs may go. */
static void go_on(struct pruning *pruning)
{
    struct error err = {0};
    for (;;) {
        struct newest newest = {0};
        struct str after = pruning->workflow != NULL ? str_from(pruning->workflow) : STR("");
        int status = journal_reader_newest(pruning->reader, after, note_newest, &newest, &err);
        if (status != 0 || newest.workflow == NULL) {
            free(newest.workflow);
            end_pass(pruning, status != 0 ? &err : NULL);
            return;
        }
        free(pruning->workflow);
        pruning->workflow = newest.workflow;
        pruning->kept = settings_merge_retention(newest.own, pruning->site);
        if (is_bounded(&pruning->kept)) {
            break;
        }
    }
    if (!begin_portion(pruning, &err)) {
        end_pass(pruning, &err);
    }
}

static void on_removed(void *user, int status)
{
    struct pruning *pruning = user;
    struct error err = {0};
    pruning->is_busy = false;
    if (status != 0) {
        (void)error_set(&err, status, "%s", error_code_text(status));
        end_pass(pruning, &err);
        return;
    }
    pruning->total += pruning->removed;
    if (pruning->is_stopped && pruning->removed > 0) {
        return; /* the next engine goes on; one that removed nothing would begin here again */
    }
    if (pruning->removed < PRUNING_PORTION) {
        go_on(pruning);
    } else if (!begin_portion(pruning, &err)) {
        end_pass(pruning, &err);
    }
}

void pruning_look(struct pruning *pruning)
{
    if (pruning == NULL || pruning->is_stopped || pruning->is_busy) {
        return;
    }
    int64_t now = pruning->now();
    int64_t since = now - pruning->last_pass;
    bool is_due = !pruning->has_begun || since >= PRUNING_INTERVAL_MS || since < 0;
    if (is_due) {
        pruning->has_begun = true;
        pruning->last_pass = now;
        pruning->total = 0;
        go_on(pruning);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table for all bodies of a pipeline: what is inside a node stands below it, moved in, and its
 * steps are numbered within the node's. The last column is wrapped.
 */
#include "core/cli/plan_text.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/cli/body_text.h"
#include "core/cli/plan_budget.h"
#include "core/cli/plan_children.h"
#include "core/cli/plan_notes.h"
#include "core/cli/plan_rows.h"
#include "core/cli/plan_sure.h"
#include "core/cli/terminal.h"
#include "core/model/pipeline.h"

enum {
    GAP = 2,
    INDENT = 2, /* of what is inside a node */
    MOST_ID = 36,
    MOST_TYPE = 32,
    MOST_STEP = 12,
    LEAST_NOTES = 36, /* narrower, and notes have lines of their own */
    OWN_NOTES_AT = 6,
};

enum column { COLUMN_STEP, COLUMN_ID, COLUMN_TYPE, COLUMN_RISK, COLUMNS };

static const char *const titles[COLUMNS] = {"STEP", "NODE", "TYPE", "RISK"};

struct plan {
    const struct pipeline *pipeline;
    struct plan_style style;
    struct plan_rows rows;
    bool *is_sure;
    size_t widths[COLUMNS];
    size_t notes_at;
    struct strbuf cell; /* of the row that is written */
    struct strbuf *out;
};

/* ---- lines ---- */

static void append_spaces(struct strbuf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_append_char(out, ' ');
    }
}

static size_t word_bytes(struct str text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ') {
        n++;
    }
    return n;
}

/* As far as the next "; ", which ends a clause. */
static size_t clause_bytes(struct str text)
{
    size_t n = 0;
    while (n < text.n && !(text.p[n] == ' ' && n > 0 && text.p[n - 1] == ';')) {
        n++;
    }
    return n;
}

/*
 * `text` in lines from `left` to `columns`; the first one is there as far as `left`. A clause that
 * fits into one line is not broken.
 */
static void append_wrapped(struct str text, size_t left, size_t columns, struct strbuf *out)
{
    size_t column = left;
    bool is_clause = true;
    for (size_t at = 0; at < text.n;) {
        struct str rest = str_make(text.p + at, text.n - at);
        struct str word = str_make(rest.p, word_bytes(rest));
        size_t width = terminal_width(word);
        size_t clause = is_clause ? terminal_width(str_make(rest.p, clause_bytes(rest))) : 0;
        size_t needed = left + clause <= columns && clause > width ? clause : width;
        if (at > 0 && column + 1 + needed > columns) {
            strbuf_append_char(out, '\n');
            append_spaces(out, left);
            column = left;
        } else if (at > 0) {
            strbuf_append_char(out, ' ');
            column++;
        }
        strbuf_append_str(out, word);
        column += width;
        is_clause = str_ends_with(word, STR(";"));
        at += word.n + 1;
    }
    strbuf_append_char(out, '\n');
}

static void append_bold(const struct plan *plan, struct str text)
{
    terminal_append_color(plan->out, plan->style.is_colored, COLOR_BOLD, text);
}

/* ---- the table ---- */

static void make_cell(struct plan *plan, size_t row, enum column column)
{
    const struct plan_row *at = &plan->rows.rows[row];
    const struct node *node = &plan->pipeline->nodes[at->node];
    strbuf_clear(&plan->cell);
    switch (column) {
    case COLUMN_STEP:
        plan_rows_append_step(&plan->rows, row, &plan->cell);
        break;
    case COLUMN_ID:
        append_spaces(&plan->cell, (size_t)at->depth * INDENT);
        terminal_append_safe(&plan->cell, node->id);
        break;
    case COLUMN_TYPE:
        body_text_append_type(node, &plan->cell);
        break;
    case COLUMN_RISK:
        strbuf_append_str(&plan->cell, body_text_risk(node));
        break;
    case COLUMNS:
        break;
    }
}

static void measure(struct plan *plan)
{
    static const size_t most[COLUMNS] = {MOST_STEP, MOST_ID, MOST_TYPE, SIZE_MAX};
    plan->notes_at = 0;
    for (enum column column = 0; column < COLUMNS; column++) {
        size_t *widest = &plan->widths[column];
        *widest = terminal_width(str_from(titles[column]));
        for (size_t i = 0; i < plan->rows.count; i++) {
            if (plan->rows.rows[i].node == PIPELINE_NO_NODE) {
                continue;
            }
            make_cell(plan, i, column);
            size_t width = terminal_width(strbuf_str(&plan->cell));
            *widest = width > *widest && width <= most[column] ? width : *widest;
        }
        plan->notes_at += *widest + GAP;
    }
}

static enum terminal_color risk_color(enum node_risk risk)
{
    switch (risk) {
    case RISK_LOW:
    case RISK_MEDIUM:
        return COLOR_NONE;
    case RISK_HIGH:
        return COLOR_YELLOW;
    case RISK_CRITICAL:
        return COLOR_RED;
    }
    return COLOR_NONE;
}

/* Pads before the next cell, so that nothing is left at the end of a line. */
static void append_cells(struct plan *plan, size_t row, size_t *out_column)
{
    const struct node *node = &plan->pipeline->nodes[plan->rows.rows[row].node];
    size_t column = 0;
    size_t at = 0;
    for (enum column i = 0; i < COLUMNS; i++) {
        make_cell(plan, row, i);
        if (column > 0 && column + GAP > at) {
            strbuf_append_char(plan->out, '\n');
            column = 0;
        }
        if (plan->cell.n > 0) {
            append_spaces(plan->out, at - column);
            terminal_append_color(plan->out, plan->style.is_colored && i == COLUMN_RISK,
                                  risk_color(node->risk), strbuf_str(&plan->cell));
            column = at + terminal_width(strbuf_str(&plan->cell));
        }
        at += plan->widths[i] + GAP;
    }
    *out_column = column;
}

static void append_notes(struct plan *plan, size_t row, size_t column)
{
    uint32_t node = plan->rows.rows[row].node;
    strbuf_clear(&plan->cell);
    plan_notes_append(plan->pipeline, node, plan->is_sure[node], &plan->cell);
    plan_policies_append(&plan->pipeline->nodes[node], plan->style.detail, &plan->cell, 0);
    plan_budget_append(plan->pipeline->nodes[node].budget, &plan->cell, 0);
    if (plan->cell.n == 0) {
        strbuf_append_char(plan->out, '\n');
        return;
    }
    size_t left = plan->notes_at;
    if (left + LEAST_NOTES > plan->style.columns) {
        left = OWN_NOTES_AT;
        column = 0;
        strbuf_append_char(plan->out, '\n');
    }
    append_spaces(plan->out, left - column);
    append_wrapped(strbuf_str(&plan->cell), left, plan->style.columns, plan->out);
}

static void append_titles(struct plan *plan)
{
    strbuf_clear(&plan->cell);
    for (enum column i = 0; i < COLUMNS; i++) {
        strbuf_append_text(&plan->cell, titles[i]);
        append_spaces(&plan->cell, plan->widths[i] + GAP - strlen(titles[i]));
    }
    strbuf_append_text(&plan->cell, "NOTES");
    append_bold(plan, strbuf_str(&plan->cell));
    strbuf_append_char(plan->out, '\n');
}

static void append_table(struct plan *plan)
{
    measure(plan);
    strbuf_append_char(plan->out, '\n');
    append_titles(plan);
    for (size_t i = 0; i < plan->rows.count; i++) {
        const struct plan_row *row = &plan->rows.rows[i];
        size_t column = 0;
        if (row->node == PIPELINE_NO_NODE) {
            strbuf_append_char(plan->out, '\n');
            append_bold(plan, body_text_ending(plan->pipeline, row->body));
            strbuf_append_char(plan->out, '\n');
            continue;
        }
        append_cells(plan, i, &column);
        append_notes(plan, i, column);
    }
}

/* ---- above the table ---- */

/* Of the nodes that are not in the root. */
struct sizes {
    uint32_t inside;
    uint32_t at_end;
    uint32_t messages;
};

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* "5 nodes in 3 steps, those of a step in parallel; 4 more inside them; 1 at the end" */
static void append_size(const struct pipeline *pipeline, struct sizes sizes, struct strbuf *out)
{
    const struct body *root = &pipeline->bodies[0];
    if (root->kind == BODY_STATES) {
        strbuf_append_format(out, "%u state%s, one at a time, at most %u transitions",
                             root->node_count, plural(root->node_count), root->max_transitions);
    } else {
        uint32_t steps = plan_rows_count_steps(pipeline, 0);
        strbuf_append_format(out, "%u node%s in %u step%s", root->node_count,
                             plural(root->node_count), steps, plural(steps));
        strbuf_append_text(out, steps < root->node_count ? ", those of a step in parallel" : "");
    }
    if (sizes.inside > 0) {
        strbuf_append_format(out, "; %u more inside them", sizes.inside);
    }
    if (sizes.at_end > 0) {
        strbuf_append_format(out, "; %u at the end", sizes.at_end);
    }
    if (sizes.messages > 0) {
        strbuf_append_format(out, "; %u message%s", sizes.messages, plural(sizes.messages));
    }
}

static struct sizes count_sizes(const struct pipeline *pipeline, const struct plan_rows *rows)
{
    struct sizes sizes = {0};
    bool is_end = false;
    for (size_t i = 0; i < rows->count; i++) {
        const struct plan_row *row = &rows->rows[i];
        is_end = is_end || row->node == PIPELINE_NO_NODE;
        sizes.inside += !is_end && row->depth > 0;
        bool is_notice = pipeline_is_notice(pipeline, row->body);
        sizes.at_end += is_end && row->node != PIPELINE_NO_NODE && !is_notice;
        sizes.messages += row->node != PIPELINE_NO_NODE && is_notice;
    }
    return sizes;
}

static void append_clause(struct plan *plan, const char *text)
{
    strbuf_append_text(&plan->cell, plan->cell.n > 0 ? "; " : "");
    strbuf_append_text(&plan->cell, text);
}

static void append_risks(struct plan *plan)
{
    size_t counts[RISK_CRITICAL + 1] = {0};
    struct strbuf *out = &plan->cell;
    bool is_first = true;
    for (size_t i = 0; i < plan->rows.count; i++) {
        uint32_t node = plan->rows.rows[i].node;
        if (node != PIPELINE_NO_NODE) {
            counts[plan->pipeline->nodes[node].risk]++;
        }
    }
    append_clause(plan, "risk: ");
    for (int risk = RISK_CRITICAL; risk >= RISK_LOW; risk--) {
        struct node like = {.risk = (enum node_risk)risk};
        if (counts[risk] > 0) {
            strbuf_append_format(out, "%s%zu ", is_first ? "" : ", ", counts[risk]);
            strbuf_append_str(out, body_text_risk(&like));
            is_first = false;
        }
    }
}

static void append_secrets(struct plan *plan)
{
    const struct pipeline *pipeline = plan->pipeline;
    for (uint32_t i = 0; i < pipeline->secret_count; i++) {
        if (i == 0) {
            append_clause(plan, "reads the secret");
            strbuf_append_text(&plan->cell, pipeline->secret_count == 1 ? " " : "s ");
        } else {
            strbuf_append_text(&plan->cell, ", ");
        }
        terminal_append_safe(&plan->cell, pipeline->secrets[i]);
    }
}

static void append_facts(struct plan *plan)
{
    const struct pipeline *pipeline = plan->pipeline;
    char text[QUANTITY_TEXT_SIZE];
    strbuf_clear(&plan->cell);
    append_size(pipeline, count_sizes(pipeline, &plan->rows), &plan->cell);
    if (pipeline->max_parallel_nodes > 0) {
        strbuf_append_format(&plan->cell, "; at most %u nodes at once",
                             pipeline->max_parallel_nodes);
    }
    if (pipeline->timeout_ms > 0) {
        quantity_format_duration(pipeline->timeout_ms, text);
        append_clause(plan, "at most ");
        strbuf_append_format(&plan->cell, "%s in all", text);
    }
    plan_budget_append(pipeline->budget, &plan->cell, 0);
    if (pipeline->is_continue_on_error) {
        append_clause(plan, "goes on after failures");
    }
    if (pipeline->has_rollback) {
        append_clause(plan, "undone when it fails or is cancelled");
    }
    append_risks(plan);
    append_secrets(plan);
    append_wrapped(strbuf_str(&plan->cell), 0, plan->style.columns, plan->out);
}

static void append_title(struct plan *plan)
{
    const struct pipeline *pipeline = plan->pipeline;
    strbuf_clear(&plan->cell);
    terminal_append_safe(&plan->cell, pipeline->name);
    append_bold(plan, strbuf_str(&plan->cell));
    if (pipeline->version.n > 0) {
        strbuf_append_char(plan->out, ' ');
        terminal_append_safe(plan->out, pipeline->version);
    }
    if (!str_equal(pipeline->name, pipeline->id)) {
        strbuf_append_text(plan->out, " (");
        terminal_append_safe(plan->out, pipeline->id);
        strbuf_append_char(plan->out, ')');
    }
    strbuf_append_char(plan->out, '\n');
}

static void append_pipeline(const struct pipeline *pipeline, struct plan_style style,
                            struct strbuf *out)
{
    struct plan plan = {.pipeline = pipeline, .style = style, .cell = STRBUF_INIT, .out = out};
    int status = plan_rows_init(&plan.rows, pipeline);
    status = status == 0 ? plan_sure_find(pipeline, &plan.is_sure) : status;
    if (status == 0) {
        append_title(&plan);
        append_facts(&plan);
        append_table(&plan);
    }
    out->failed = out->failed || status != 0 || strbuf_status(&plan.cell) != 0;
    strbuf_finish(&plan.cell);
    free(plan.is_sure);
    plan_rows_finish(&plan.rows);
}

void plan_text_append(const struct pipeline *pipeline, struct plan_style style, struct strbuf *out)
{
    struct plan_children children;
    if (plan_children_init(&children, pipeline) != 0) {
        out->failed = true;
    }
    for (size_t i = 0; i < children.count; i++) {
        strbuf_append_text(out, i > 0 ? "\nworkflow " : "");
        append_pipeline(children.pipelines[i], style, out);
    }
    plan_children_finish(&children);
}

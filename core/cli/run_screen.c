/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_screen.h"

#include <stdio.h>
#include <unistd.h>

#include "core/cli/live_waits.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/model/pipeline.h"

enum { INNER_ROWS_MOST = 4, WAIT_ROWS_MOST = 4 };

#define INNER_INDENT "           " /* below the names */

void run_screen_init(struct run_screen *screen, const struct run_view *view,
                     struct run_text_style style)
{
    *screen = (struct run_screen){.view = view, .style = style};
}

void run_screen_finish(struct run_screen *screen)
{
    strbuf_finish(&screen->kept);
}

struct strbuf *run_screen_lines(struct run_screen *screen)
{
    return &screen->kept;
}

/*
 * Up to the first row of the live part, and everything below it away. Not from the first column:
 * in the first row that would be the whole screen, which tmux then keeps among what scrolled away.
 */
static void append_rewind(const struct run_screen *screen, struct strbuf *out)
{
    if (screen->drawn > 0) {
        strbuf_append_format(out, "\033[%uA", screen->drawn);
    }
    strbuf_append_text(out, "\r \033[J\r");
}

/* One row, cut to the terminal: a row that wraps would break the count of rows. */
static void append_row(const struct strbuf *row, unsigned columns, struct strbuf *out)
{
    struct str text = strbuf_str(row);
    size_t width = 0;
    size_t i = 0;
    while (i < text.n && width < columns) {
        if (text.p[i] == '\033') {
            const char *end = memchr(text.p + i, 'm', text.n - i);
            i = end != NULL ? (size_t)(end - text.p) + 1 : text.n;
            continue;
        }
        const char *escape = memchr(text.p + i, '\033', text.n - i);
        size_t part = escape != NULL ? (size_t)(escape - text.p) - i : text.n - i;
        size_t fits = terminal_fit(str_make(text.p + i, part), columns - width);
        width += terminal_width(str_make(text.p + i, fits));
        i += fits;
        if (fits < part) {
            break;
        }
    }
    strbuf_append(out, text.p, i);
    if (i < text.n) {
        strbuf_append_text(out, "\033[0m");
    }
    strbuf_append_char(out, '\n');
}

/* The live part while it is made. */
struct live {
    const struct run_screen *screen;
    struct terminal_size size;
    int64_t now;
    unsigned most; /* rows */
    unsigned shown;
    struct strbuf row;
    struct strbuf *out;
};

static void end_row(struct live *live)
{
    append_row(&live->row, live->size.columns - 1, live->out);
    strbuf_clear(&live->row);
    live->shown++;
}

static void append_inner_of(struct live *live, struct frame_view *frame, unsigned *left,
                            uint64_t *hidden)
{
    const struct body *body = frame->body;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        struct step step = {.frame = frame, .node = i};
        if (!run_tree_is_under_way(step)) {
            continue;
        }
        if (*left == 0 || live->shown == live->most) {
            ++*hidden;
            continue;
        }
        run_text_live_inner(step, live->now, live->screen->style, &live->row);
        end_row(live);
        --*left;
    }
}

static void append_hidden(struct live *live, uint64_t hidden, const char *what)
{
    if (hidden > 0 && live->shown < live->most) {
        char text[48];
        (void)snprintf(text, sizeof(text), "... and %llu %s", (unsigned long long)hidden, what);
        strbuf_append_text(&live->row, INNER_INDENT);
        terminal_append_color(&live->row, live->screen->style.is_colored, COLOR_DIM,
                              str_from(text));
        end_row(live);
    }
}

/* What is under way below a node: the first few, and how many more there are. */
static void append_inner(struct live *live, uint32_t top)
{
    unsigned left = INNER_ROWS_MOST;
    uint64_t hidden = 0;
    const struct run_tree *tree = &live->screen->view->tree;
    for (struct frame_view *frame = tree->first; frame != NULL; frame = frame->next) {
        if (frame->top == top && frame != live->screen->view->root) {
            append_inner_of(live, frame, &left, &hidden);
        }
    }
    append_hidden(live, hidden, "more");
}

/* What may not start yet. */
static void append_waits(struct live *live)
{
    const struct live_waits *waits = live->screen->waits;
    size_t shown = waits != NULL ? live_waits_shown(waits) : 0;
    size_t i = 0;
    for (; i < shown && i < WAIT_ROWS_MOST && live->shown < live->most; i++) {
        live_waits_append_row(waits, i, live->screen->style, &live->row);
        end_row(live);
    }
    append_hidden(live, shown > 0 ? live_waits_count(waits) - i : 0, "more wait");
}

/* Nodes of the root body first: what is inside them has the rows that are left. */
static void append_nodes(struct live *live, unsigned *out_nodes)
{
    const struct run_view *view = live->screen->view;
    unsigned most = live->most;
    unsigned under_way = 0;
    for (uint32_t i = 0; i < view->node_count; i++) {
        under_way += run_tree_is_under_way((struct step){.frame = view->root, .node = i}) ? 1 : 0;
    }
    *out_nodes = 0;
    for (uint32_t i = 0; i < view->node_count && live->shown < most; i++) {
        struct step step = {.frame = view->root, .node = i};
        if (!run_tree_is_under_way(step)) {
            continue;
        }
        run_text_live(step, live->now, live->screen->style, &live->row);
        end_row(live);
        under_way--;
        ++*out_nodes;
        live->most = most > under_way ? most - under_way : 0;
        append_inner(live, i);
        live->most = most;
    }
}

static void append_live(struct run_screen *screen, int64_t now, struct strbuf *out)
{
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    struct live live = {.screen = screen,
                        .size = size,
                        .now = now,
                        .most = size.rows > 4 ? size.rows - 3 : 1,
                        .row = STRBUF_INIT,
                        .out = out};
    unsigned nodes = 0;
    append_nodes(&live, &nodes);
    append_inner(&live, RECORD_NO_NODE); /* endings and compensations */
    append_waits(&live);
    run_text_progress(screen->view, now, screen->style, &live.row);
    if (screen->view->running > nodes) {
        strbuf_append_format(&live.row, " (%u not shown)", screen->view->running - nodes);
    }
    end_row(&live);
    strbuf_finish(&live.row);
    screen->drawn = live.shown;
}

static void screen_write(struct run_screen *screen, struct strbuf *out)
{
    /* A terminal that went away is noticed by the signal it sends. */
    (void)terminal_write_stdout(strbuf_str(out));
    strbuf_finish(out);
    strbuf_clear(&screen->kept);
}

void run_screen_draw(struct run_screen *screen, int64_t now)
{
    struct strbuf out = STRBUF_INIT;
    append_rewind(screen, &out);
    strbuf_append_str(&out, strbuf_str(&screen->kept));
    append_live(screen, now, &out);
    screen_write(screen, &out);
}

void run_screen_clear(struct run_screen *screen)
{
    struct strbuf out = STRBUF_INIT;
    append_rewind(screen, &out);
    strbuf_append_str(&out, strbuf_str(&screen->kept));
    screen->drawn = 0;
    screen_write(screen, &out);
}

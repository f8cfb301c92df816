/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_screen.h"

#include <unistd.h>

#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/model/pipeline.h"

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

/* Up to the first row of the live part, and everything below it away. */
static void append_rewind(const struct run_screen *screen, struct strbuf *out)
{
    if (screen->drawn > 0) {
        strbuf_append_format(out, "\033[%uA", screen->drawn);
    }
    strbuf_append_text(out, "\r\033[J");
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

static bool is_shown(const struct node_view *node)
{
    return node->state == NODE_RUNNING || node->state == NODE_STOPPING;
}

static void append_live(struct run_screen *screen, int64_t now, struct strbuf *out)
{
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    unsigned most = size.rows > 4 ? size.rows - 3 : 1;
    unsigned shown = 0;
    struct strbuf row = STRBUF_INIT;
    for (uint32_t i = 0; i < screen->view->node_count && shown < most; i++) {
        if (is_shown(&screen->view->nodes[i])) {
            strbuf_clear(&row);
            run_text_live(screen->view, i, now, screen->style, &row);
            append_row(&row, size.columns - 1, out);
            shown++;
        }
    }
    strbuf_clear(&row);
    run_text_progress(screen->view, now, screen->style, &row);
    if (screen->view->running > shown) {
        strbuf_append_format(&row, " (%u not shown)", screen->view->running - shown);
    }
    append_row(&row, size.columns - 1, out);
    strbuf_finish(&row);
    screen->drawn = shown + 1;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/record_pages.h"

#include "core/api/query.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_text.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { PAGE_ROWS = 500 };

static int get_page(const struct record_pages *pages, uint64_t limit, struct document **out_page)
{
    struct strbuf query = STRBUF_INIT;
    strbuf_append_format(&query, "limit=%llu&after=%lld", (unsigned long long)limit,
                         (long long)pages->after);
    if (pages->query.n > 0) {
        strbuf_append_char(&query, '&');
        strbuf_append_str(&query, pages->query);
    }
    int code = strbuf_status(&query) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_get_job(pages->session, pages->id, pages->below,
                                            strbuf_str(&query), out_page);
    strbuf_finish(&query);
    return code;
}

/* What one page brings; NULL: there are no more. */
typedef void (*page_cb)(void *user, const struct value *page, const struct value *rows,
                        struct strbuf *out);

static int each_page(struct record_pages *pages, page_cb each, void *user)
{
    uint64_t left = pages->most > 0 ? pages->most : UINT64_MAX;
    bool has_more = true;
    while (has_more && left > 0) {
        cleanup_document struct document *page = NULL;
        struct strbuf text = STRBUF_INIT;
        int code = get_page(pages, left < PAGE_ROWS ? left : PAGE_ROWS, &page);
        if (code != EXIT_DONE) {
            return code;
        }
        const struct value *rows = job_text_list(document_root(page), pages->rows);
        each(user, document_root(page), rows != NULL ? rows : document_root(document_empty_list()),
             &text);
        code = engine_command_print(&text);
        if (code != EXIT_DONE) {
            return code;
        }
        left -= rows != NULL && value_count(rows) < left ? value_count(rows) : left;
        has_more = value_is(value_get(document_root(page), STR("next_after")), VALUE_INT);
        int64_t last = job_text_int(document_root(page), "last");
        has_more = has_more && last > pages->after;
        pages->after = last > pages->after ? last : pages->after;
    }
    return EXIT_DONE;
}

/* ---- as text ---- */

struct text_rows {
    record_pages_cb each;
    void *user;
};

static void append_text(void *user, const struct value *page, const struct value *rows,
                        struct strbuf *out)
{
    const struct text_rows *text = user;
    (void)page;
    for (size_t i = 0; i < value_count(rows); i++) {
        text->each(text->user, value_at(rows, i), out);
    }
}

int record_pages_print(struct record_pages *pages, record_pages_cb each, void *user)
{
    struct text_rows text = {.each = each, .user = user};
    return each_page(pages, append_text, &text);
}

/* ---- as JSON ---- */

struct json_rows {
    const char *name;
    bool has_begun;
    bool has_rows;
};

static void append_json(void *user, const struct value *page, const struct value *rows,
                        struct strbuf *out)
{
    struct json_rows *json = user;
    if (!json->has_begun) {
        strbuf_append_text(out, "{\"id\": ");
        json_write_string(job_text_get(page, "id"), out);
        strbuf_append_format(out, ", \"%s\": [", json->name);
        json->has_begun = true;
    }
    for (size_t i = 0; i < value_count(rows); i++) {
        strbuf_append_text(out, json->has_rows ? ",\n  " : "\n  ");
        json_write(value_at(rows, i), JSON_COMPACT, out);
        json->has_rows = true;
    }
}

int record_pages_print_json(struct record_pages *pages)
{
    struct json_rows json = {.name = pages->rows};
    int code = each_page(pages, append_json, &json);
    if (code != EXIT_DONE) {
        return code;
    }
    struct strbuf end = STRBUF_INIT;
    strbuf_append_text(&end, json.has_rows ? "\n]" : "]");
    if (pages->audit != NULL) {
        strbuf_append_text(&end, ", \"audit\": ");
        json_write(pages->audit, JSON_COMPACT, &end);
    }
    strbuf_append_text(&end, "}\n");
    return engine_command_print(&end);
}

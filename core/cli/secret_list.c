/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/cli/job_text.h"
#include "core/cli/terminal.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"
#include "core/value/builder.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum { FROM_COLUMNS = 13, SET_COLUMNS = 21, NAME_MOST = 40 };

/* One place that has a secret. */
struct row {
    char *name;
    struct secrets_variable variable; /* what it goes by */
    const char *from;
    char *place;
    int64_t version;
    int64_t set_at;
    size_t number; /* in the order in which places are asked */
};

struct rows {
    struct row *items;
    size_t count;
    size_t cap;
};

static void finish_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->items[i].name);
        free(rows->items[i].place);
    }
    free(rows->items);
}

static struct row *add_row(struct rows *rows, struct str name, const char *from, struct str place)
{
    struct row *items = array_reserve(rows->items, &rows->cap, rows->count + 1, sizeof(*items));
    if (items == NULL) {
        return NULL;
    }
    rows->items = items;
    struct row *row = &items[rows->count];
    *row = (struct row){
        .name = str_dup(name), .from = from, .place = str_dup(place), .number = rows->count};
    rows->count++;
    (void)secrets_variable_of(name, &row->variable); /* all that is found can be a secret's */
    return row->name != NULL && row->place != NULL ? row : NULL;
}

/* ---- the places ---- */

static int add_variables(struct rows *rows, const struct secrets *secrets)
{
    size_t prefix = sizeof(SECRETS_VARIABLE_PREFIX) - 1;
    for (size_t i = 0; i < secrets_count(secrets); i++) {
        struct str variable = secrets_variable_at(secrets, i);
        char name[SECRETS_MAX_NAME_BYTES];
        size_t n = variable.n - prefix;
        struct secrets_variable known;
        if (n > sizeof(name) || !secrets_variable_of(str_make(variable.p + prefix, n), &known)) {
            continue; /* no pipeline can name it */
        }
        for (size_t k = 0; k < n; k++) {
            char c = variable.p[prefix + k];
            name[k] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        if (add_row(rows, str_make(name, n), "environment", variable) == NULL) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int add_file(void *user, struct str name, const char *from, const char *path)
{
    bool is_credential = strcmp(from, "the credentials") == 0;
    return add_row(user, name, is_credential ? "credentials" : "folder", str_from(path)) != NULL
               ? 0
               : E_NOMEM;
}

static int add_entries(struct rows *rows, struct secret_sources *sources, struct error *err)
{
    struct secret_store *store = secret_sources_store(sources);
    struct secret_entry entry;
    int status = store != NULL ? secret_store_load(store, err) : 0;
    for (size_t i = 0; status == 0 && store != NULL && secret_store_at(store, i, &entry); i++) {
        struct row *row = add_row(rows, entry.name, entry.has_value ? "store" : "nowhere",
                                  str_from(secret_store_path(store)));
        if (row == NULL) {
            return error_nomem(err);
        }
        row->version = entry.version;
        row->set_at = entry.set_at_unix_ms;
    }
    return status;
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
    const struct row *one = a;
    const struct row *other = b;
    int order = strcmp(one->variable.text, other->variable.text);
    return order != 0 ? order : one->number < other->number ? -1 : 1;
}

static bool is_same(const struct row *a, const struct row *b)
{
    return strcmp(a->variable.text, b->variable.text) == 0;
}

static void build_hosts(struct builder *b, const struct secrets_binding *binding)
{
    struct str host = STR("");
    builder_key(b, STR("hosts"));
    if (!binding->is_bound) {
        builder_null(b);
        return;
    }
    builder_list_begin(b);
    for (size_t i = 0; (host = secret_hosts_at(strbuf_str(&binding->hosts), i)).n > 0; i++) {
        builder_string(b, host);
    }
    builder_list_end(b);
}

static int build_row(struct builder *b, const struct row *row, bool counts,
                     struct secret_sources *sources)
{
    struct secrets_binding binding = {0};
    char set_at[CLOCK_TEXT_SIZE];
    secret_sources_append_said(sources, str_from(row->name), &binding);
    int status = strbuf_status(&binding.hosts);
    builder_map_begin(b);
    builder_member_string(b, STR("name"), str_from(row->name));
    builder_member_string(b, STR("from"), str_from(row->from));
    builder_member_string(b, STR("place"), str_from(row->place));
    builder_member_bool(b, STR("counts"), counts);
    if (row->version > 0) {
        clock_format_rfc3339(row->set_at, set_at);
        builder_member_int(b, STR("version"), row->version);
        builder_member_string(b, STR("set_at"), str_from(set_at));
    }
    build_hosts(b, &binding);
    builder_member_bool(b, STR("processes"), !binding.is_bound || binding.allows_processes);
    builder_map_end(b);
    secrets_binding_finish(&binding);
    return status;
}

/* Where only hosts are said of a secret that is elsewhere, that place has them already. */
static bool is_left_out(const struct rows *rows, size_t i)
{
    return i > 0 && is_same(&rows->items[i], &rows->items[i - 1]) &&
           strcmp(rows->items[i].from, "nowhere") == 0;
}

static int build(const struct rows *rows, struct secret_sources *sources,
                 struct document **out_list, struct error *err)
{
    struct builder *b = builder_create();
    int status = 0;
    builder_list_begin(b);
    for (size_t i = 0; i < rows->count && status == 0; i++) {
        bool counts = (i == 0 || !is_same(&rows->items[i], &rows->items[i - 1])) &&
                      strcmp(rows->items[i].from, "nowhere") != 0;
        status = is_left_out(rows, i) ? 0 : build_row(b, &rows->items[i], counts, sources);
    }
    builder_list_end(b);
    if (status != 0) {
        builder_destroy(b);
        return error_nomem(err);
    }
    return builder_finish(b, out_list, err);
}

int secret_list_make(struct secret_sources *sources, const struct secrets *secrets,
                     struct document **out_list, struct error *err)
{
    struct rows rows = {0};
    int status = add_variables(&rows, secrets);
    if (status == 0) {
        status = secret_sources_each_file(sources, add_file, &rows);
    }
    status = status == 0 ? add_entries(&rows, sources, err) : error_nomem(err);
    if (status == 0 && rows.count > 0) {
        qsort(rows.items, rows.count, sizeof(rows.items[0]), compare);
    }
    status = status == 0 ? build(&rows, sources, out_list, err) : status;
    finish_rows(&rows);
    return status;
}

/* ---- the table ---- */

static void append_hosts(const struct value *row, struct strbuf *out)
{
    const struct value *hosts = job_text_list(row, "hosts");
    if (hosts == NULL) {
        strbuf_append_text(out, "those written in pipelines");
        return;
    }
    strbuf_append_text(out, value_count(hosts) == 0 ? "none" : "");
    for (size_t i = 0; i < value_count(hosts); i++) {
        strbuf_append_text(out, i > 0 ? ", " : "");
        terminal_append_safe(out, value_str(value_at(hosts, i)));
    }
    strbuf_append_text(out, job_text_is(row, "processes") ? ", processes" : "");
}

static void append_from(const struct value *row, struct strbuf *out)
{
    bool is_hidden = !job_text_is(row, "counts") &&
                     !str_equal(job_text_get(row, "from"), STR("nowhere"));
    strbuf_append_text(out, is_hidden ? "(" : "");
    strbuf_append_str(out, job_text_get(row, "from"));
    strbuf_append_text(out, is_hidden ? ")" : "");
}

static size_t name_columns(const struct value *list)
{
    size_t most = sizeof("NAME") - 1;
    for (size_t i = 0; i < value_count(list); i++) {
        size_t n = job_text_get(value_at(list, i), "name").n;
        most = n > most && n <= NAME_MOST ? n : most;
    }
    return most + 2;
}

void secret_list_append(const struct value *list, bool is_colored, struct strbuf *out)
{
    size_t columns = name_columns(list);
    struct strbuf title = STRBUF_INIT;
    strbuf_append_text(&title, "NAME");
    job_text_append_gap(&title, sizeof("NAME") - 1, columns);
    strbuf_append_text(&title, "FROM         SET                  HOSTS");
    terminal_append_color(out, is_colored, COLOR_BOLD, strbuf_str(&title));
    strbuf_append_char(out, '\n');
    strbuf_finish(&title);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *row = value_at(list, i);
        struct strbuf cell = STRBUF_INIT;
        strbuf_append_str(out, job_text_get(row, "name"));
        job_text_append_gap(out, job_text_get(row, "name").n, columns);
        append_from(row, &cell);
        strbuf_append_str(out, strbuf_str(&cell));
        job_text_append_gap(out, cell.n, FROM_COLUMNS);
        strbuf_clear(&cell);
        job_text_append_time(row, "set_at", &cell);
        strbuf_append_str(out, strbuf_str(&cell));
        job_text_append_gap(out, cell.n, SET_COLUMNS);
        append_hosts(row, out);
        strbuf_append_char(out, '\n');
        strbuf_finish(&cell);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <stdio.h>

#include "service/url.h"

enum { KNOWN_BYTES = 700, NAME_BYTES = 100 };

int lookup_is_same(ops_str a, ops_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}

/* ---- Finding ---- */

static int is_equal(ops_str found, ops_str name, int is_loose)
{
    char text[1024];
    if (!is_loose || found.n != name.n || name.n >= sizeof text) {
        return name.n > 0 && lookup_is_same(found, name);
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)name.n, name.p);
    return text_equal_nocase(found, text);
}

static int is_called(ops_val entry, ops_str name, int is_loose)
{
    ops_str mention = name;
    if (mention.n > 1 && mention.p[0] == '@') {
        mention = ops_slice(name.p + 1, name.n - 1);
    }
    return lookup_is_same(url_scalar(ops_get(entry, "id")), name) ||
           is_equal(ops_get_str(entry, "name", NULL), name, is_loose) ||
           is_equal(ops_get_str(entry, "mention", NULL), mention, is_loose) ||
           is_equal(ops_get_str(entry, "mail", NULL), name, is_loose);
}

static int is_within(const struct lookup *lookup, const struct directory_walk *walk)
{
    return lookup->within == 0 ||
           lookup_is_same(url_scalar(ops_get(walk->around, "id")), url_scalar(lookup->within));
}

/* What has the name is told apart by what is unique. */
static void note_found(const struct directory_walk *walk, struct lookup_found *found)
{
    ops_str mention = ops_get_str(walk->entry, "mention", NULL);
    text_append_literal(&found->all, found->n > 0 ? ", " : "");
    text_append_line(&found->all, mention.n > 0 ? mention : url_scalar(ops_get(walk->entry, "id")),
                     NAME_BYTES);
    if (walk->around != 0) {
        text_append_literal(&found->all, " in ");
        text_append_line(&found->all, ops_get_str(walk->around, "name", ""), NAME_BYTES);
    }
    found->entry = found->n == 0 ? walk->entry : found->entry;
    found->n++;
}

void lookup_find(const struct lookup *lookup, struct lookup_found *found)
{
    for (int is_loose = 0; is_loose <= 1 && found->n == 0; is_loose++) {
        struct directory_walk walk = {0, 0, 0, 0};
        while (directory_next(lookup->list, lookup->is_inside, &walk)) {
            if (is_within(lookup, &walk) && is_called(walk.entry, lookup->name, is_loose)) {
                note_found(&walk, found);
            }
        }
    }
}

/* ---- Failing ---- */

static void append_around(struct text *out, ops_val around)
{
    if (around != 0) {
        text_append_literal(out, " (");
        text_append_line(out, ops_get_str(around, "name", ""), NAME_BYTES);
        text_append_literal(out, ")");
    }
}

/* "Backlog, Done (Engineering); New, Done (Support)", "ada, bob and 12 more", "none" */
static void append_known(struct text *out, const struct lookup *lookup)
{
    struct directory_walk walk = {0, 0, 0, 0};
    size_t start = out->n;
    ops_val around = 0;
    unsigned left = 0;
    char more[32] = "";
    while (directory_next(lookup->list, lookup->is_inside, &walk)) {
        int is_shown = is_within(lookup, &walk) && out->n - start <= KNOWN_BYTES;
        int is_other = around != 0 && walk.around != around;
        left += is_within(lookup, &walk) && !is_shown;
        if (!is_shown) {
            continue;
        }
        if (is_other) {
            append_around(out, around);
        }
        text_append_literal(out, out->n == start ? "" : is_other ? "; " : ", ");
        ops_str name = ops_get_str(walk.entry, lookup->is_person ? "mention" : "name", "");
        text_append_line(out, name, NAME_BYTES);
        around = walk.around;
    }
    append_around(out, around);
    (void)snprintf(more, sizeof more, " and %u more", left);
    text_append_literal(out, out->n == start ? "none" : left > 0 ? more : "");
}

static ops_status fail(struct service_call *call, const struct lookup *lookup, ops_error *e,
                       struct text *message)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s", lookup->field);
    e->message = message->failed ? ops_text("a name could not be found") : text_str(message);
    e->path = ops_text(path);
    (void)ops.exec->fail(ops.h, call->task, e); /* STALE: it has ended already */
    text_finish(message);
    return e->code;
}

ops_status lookup_fail_unknown(struct service_call *call, const struct lookup *lookup)
{
    struct text message = {NULL, 0, 0, 0};
    ops_error e = ops_error_make(OPS_E_NOT_FOUND, NULL);
    e.symbol = ops_text("shortcut.unknown_name");
    text_append_literal(&message, "Shortcut: there is no ");
    text_append_literal(&message, lookup->noun);
    text_append_literal(&message, " '");
    text_append_line(&message, lookup->name, NAME_BYTES);
    text_append_literal(&message, "'; there are: ");
    append_known(&message, lookup);
    return fail(call, lookup, &e, &message);
}

ops_status lookup_fail_ambiguous(struct service_call *call, const struct lookup *lookup,
                                 const struct lookup_found *found)
{
    struct text message = {NULL, 0, 0, 0};
    char count[96];
    ops_error e = ops_error_make(OPS_E_INPUT, NULL);
    e.symbol = ops_text("shortcut.ambiguous_name");
    e.hint = ops_text(lookup->hint);
    (void)snprintf(count, sizeof count, "Shortcut: %u %ss are called '", found->n, lookup->noun);
    text_append_literal(&message, count);
    text_append_line(&message, lookup->name, NAME_BYTES);
    text_append_literal(&message, "': ");
    text_append_line(&message, text_str(&found->all), KNOWN_BYTES);
    return fail(call, lookup, &e, &message);
}

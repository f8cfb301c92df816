/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_faults.h"

#include "core/base/error.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { MOST_FAULTS = 50 }; /* each costs a compilation */

/* A value that is copied without one of the members below it. */
struct omission {
    const struct document *document;
    const struct value *left_out;
    bool is_done;
};

/* What the fault is about: its message begins with a JSON pointer, "/properties/a/type: ...". */
static struct str pointer_of(const struct error *err)
{
    struct str message = str_from(err->message);
    size_t end = 0;
    while (end < message.n && message.p[end] != ':' && message.p[end] != ' ') {
        end++;
    }
    return str_make(message.p, message.n > 0 && message.p[0] == '/' ? end : 0);
}

static void copy_without(struct omission *omission, const struct value *value, struct str pointer,
                         struct builder *b);

/* One of the values in a map or (`key` NULL) a list. */
static void copy_below(struct omission *omission, const struct value *value,
                       const struct value *key, struct str rest, struct builder *b)
{
    bool is_left_out = value == omission->left_out;
    omission->is_done = omission->is_done || is_left_out;
    if (key != NULL && !is_left_out) {
        builder_key(b, value_str(key));
    }
    if (key == NULL && is_left_out) {
        builder_bool(b, true); /* a list of schemas must not become empty */
    } else if (!is_left_out) {
        copy_without(omission, value, rest, b);
    }
}

/* `pointer` leads from `value` to what is left out. The depth is that of a document. */
static void copy_without(struct omission *omission, const struct value *value, struct str pointer,
                         struct builder *b)
{
    const char *slash = pointer.n > 1 ? memchr(pointer.p + 1, '/', pointer.n - 1) : NULL;
    size_t end = slash != NULL ? (size_t)(slash - pointer.p) : pointer.n;
    struct str rest = str_make(pointer.p + end, pointer.n - end);
    const struct value *next = value_pointer(value, str_make(pointer.p, end));
    bool is_map = value_is(value, VALUE_MAP);
    if (pointer.n == 0 || next == NULL) {
        builder_embed(b, omission->document, value);
        return;
    }
    is_map ? builder_map_begin(b) : builder_list_begin(b);
    for (size_t i = 0; i < value_count(value); i++) {
        const struct value_member *member = is_map ? value_member_at(value, i) : NULL;
        const struct value *below = is_map ? &member->value : value_at(value, i);
        copy_below(omission, below, is_map ? &member->key : NULL, below == next ? rest : STR(""),
                   b);
    }
    is_map ? builder_map_end(b) : builder_list_end(b);
}

/* `*document` without what `pointer` names, if that is there. */
static int leave_out(struct document **document, struct str pointer, bool *out_is_done)
{
    const struct value *root = document_root(*document);
    struct omission omission = {.document = *document, .left_out = value_pointer(root, pointer)};
    struct document *rest = NULL;
    struct builder *b = builder_create();
    copy_without(&omission, root, pointer, b);
    int status = builder_finish(b, &rest, NULL);
    *out_is_done = status == 0 && omission.is_done;
    if (status == 0) {
        document_unref(*document);
        *document = rest;
    }
    return status == E_NOMEM ? status : 0;
}

int schema_faults_report(const struct report *report, const struct tree *tree,
                         struct document *document, struct schema **out_schema)
{
    cleanup_document struct document *rest = document_ref(document);
    bool goes_on = true;
    for (int count = 0; goes_on && count < MOST_FAULTS; count++) {
        struct error err = {0};
        struct schema *schema = NULL;
        int status = schema_compile(rest, &schema, &err);
        if (status == 0 && count == 0) {
            *out_schema = schema;
            return 0;
        }
        schema_destroy(schema);
        if (status == E_NOMEM || status == 0) {
            return status;
        }
        struct str pointer = pointer_of(&err);
        report_error(report, tree_pointer(tree, pointer, NULL)->place,
                     "'input' is no valid schema: %s", err.message);
        if (leave_out(&rest, pointer, &goes_on) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/hidden_texts.h"

#include "core/base/error.h"
#include "core/expr/pieces.h"
#include "core/model/draft.h"
#include "core/model/schema_marks.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static const struct str secret_mark = {"x-ops-secret", 12};
static const struct str public_mark = {"x-ops-public", 12};

struct search {
    const struct hidden_site *site;
    struct strbuf pointer; /* of the current value */
};

/* Where a value stands, as its schema says. */
struct mark {
    const struct value *schema; /* NULL: none */
    bool is_below;              /* it, or something above it, is marked */
    bool is_free;               /* the member's name is anybody's choice */
    struct str key;             /* of the member; of items, of their list */
};

/* ---- what is kept ---- */

static bool has(const struct pipeline *pipeline, struct str value)
{
    for (uint32_t i = 0; i < pipeline->hidden_count; i++) {
        if (str_equal(pipeline->hidden[i].value, value)) {
            return true;
        }
    }
    return false;
}

static int add(const struct search *search, struct str name, struct str value)
{
    struct draft *draft = search->site->draft;
    struct pipeline *pipeline = &draft->storage->pipeline;
    if (secrets_fault_of(value) != NULL || has(pipeline, value)) {
        return 0;
    }
    if (pipeline->hidden_count == HIDDEN_TEXTS_MAX) {
        return E_LIMIT;
    }
    struct hidden_text *list = (struct hidden_text *)(uintptr_t)pipeline->hidden;
    if (list == NULL) {
        list = arena_calloc(&draft->storage->arena, HIDDEN_TEXTS_MAX, sizeof(*list));
        pipeline->hidden = list;
    }
    struct hidden_text *text = list != NULL ? &list[pipeline->hidden_count] : NULL;
    if (text == NULL || draft_keep_text(draft, name, &text->name) != 0 ||
        draft_keep_text(draft, value, &text->value) != 0) {
        return E_NOMEM;
    }
    pipeline->hidden_count++;
    return 0;
}

/* "${NAME}", or where it stands: "integration 'slack': /bot/token". */
static int add_whole(const struct search *search, struct str value)
{
    struct label name =
        label_make("%s: %.*s", search->site->what, STR_ARG(strbuf_str(&search->pointer)));
    return add(search, str_from(name.text), value);
}

/* ---- texts ---- */

static struct str value_of(const struct search *search, const struct piece *piece)
{
    if (piece->kind == PIECE_TEXT) {
        return piece->text;
    }
    const char *set = search->site->env(search->site->user, piece->text);
    bool is_fallback = set == NULL || (*set == '\0' && piece->has_fallback);
    return is_fallback ? piece->fallback : str_from(set);
}

/* Expressions say themselves what they read. */
static int note_pieces(const struct search *search, const struct piece *pieces, size_t count,
                       bool is_whole)
{
    struct strbuf text = STRBUF_INIT;
    bool is_known = is_whole;
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (pieces[i].kind == PIECE_EXPR) {
            is_known = false;
            continue;
        }
        struct str value = value_of(search, &pieces[i]);
        strbuf_append_str(&text, value);
        status = pieces[i].kind == PIECE_VARIABLE ? add(search, pieces[i].whole, value) : 0;
    }
    status = status == 0 ? strbuf_status(&text) : status;
    status = status == 0 && is_known ? add_whole(search, strbuf_str(&text)) : status;
    strbuf_finish(&text);
    return status;
}

static int note_text(const struct search *search, struct str text, bool is_whole)
{
    struct arena arena = ARENA_INIT;
    struct piece *pieces = NULL;
    struct expr_fault fault = {0};
    size_t count = 0;
    if (!pieces_are_worth_it(text)) {
        return is_whole ? add_whole(search, text) : 0;
    }
    int status = pieces_cut(text, &arena, &pieces, &count, &fault, NULL);
    if (status == 0) {
        status = note_pieces(search, pieces, count, is_whole);
    }
    arena_finish(&arena);
    return status == E_INVALID ? 0 : status; /* reported as a fault of the template */
}

/* ---- places ---- */

static bool is_credential(struct str name)
{
    static const char *const words[] = {"auth",   "token",  "key",        "secret",
                                        "passwd", "cookie", "credential", "password"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_has_caseless(name, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

static int note_string(const struct search *search, struct str text, const struct mark *mark)
{
    const struct value *root = search->site->schema;
    if (!mark->is_below || schema_marks_flag(root, mark->schema, public_mark)) {
        return 0;
    }
    if (mark->is_free) {
        return is_credential(mark->key) ? note_text(search, text, false) : 0;
    }
    bool is_own = schema_marks_flag(root, mark->schema, secret_mark) &&
                  schema_marks_wants_text(root, mark->schema);
    return is_own ? note_text(search, text, true) : 0;
}

static struct mark mark_below(const struct search *search, const struct mark *above,
                              const struct str *key)
{
    const struct value *root = search->site->schema;
    const struct value *schema =
        above->schema != NULL ? schema_marks_child(root, above->schema, key) : NULL;
    /* What an object says of every name is no property. */
    bool is_free = key != NULL &&
                   (schema == NULL || schema == schema_marks_child(root, above->schema, &STR("")));
    return (struct mark){
        .schema = schema,
        .is_below = above->is_below ||
                    (schema != NULL && schema_marks_flag(root, schema, secret_mark)),
        .is_free = key != NULL ? is_free : above->is_free,
        .key = key != NULL ? *key : above->key,
    };
}

static int walk(struct search *search, const struct value *value, const struct mark *mark);

static int walk_child(struct search *search, const struct value *value, struct str token,
                      const struct mark *mark)
{
    size_t length = search->pointer.n;
    value_pointer_append(&search->pointer, token);
    int status = strbuf_status(&search->pointer);
    status = status == 0 ? walk(search, value, mark) : status;
    if (search->pointer.p != NULL) {
        search->pointer.n = length;
        search->pointer.p[length] = '\0';
    }
    return status;
}

/* Documents have a depth of VALUE_MAX_DEPTH at most, and so has this recursion. */
static int walk(struct search *search, const struct value *value, const struct mark *mark)
{
    int status = 0;
    if (mark->schema == NULL && !mark->is_below) {
        return 0; /* nothing below it is marked */
    }
    if (value_type(value) == VALUE_STRING) {
        return note_string(search, value_str(value), mark);
    }
    for (size_t i = 0; value_type(value) == VALUE_LIST && i < value_count(value) && status == 0;
         i++) {
        struct label index = label_make("%zu", i);
        const struct mark below = mark_below(search, mark, NULL);
        status = walk_child(search, value_at(value, i), str_from(index.text), &below);
    }
    for (size_t i = 0; value_type(value) == VALUE_MAP && i < value_count(value) && status == 0;
         i++) {
        const struct value_member *member = value_member_at(value, i);
        struct str key = value_str(&member->key);
        const struct mark below = mark_below(search, mark, &key);
        status = walk_child(search, &member->value, key, &below);
    }
    return status;
}

int hidden_texts_find(const struct hidden_site *site)
{
    struct search search = {.site = site};
    const struct mark root = {
        .schema = site->schema,
        .is_below = site->schema != NULL &&
                    schema_marks_flag(site->schema, site->schema, secret_mark),
    };
    int status = walk(&search, site->value, &root);
    strbuf_finish(&search.pointer);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where no secret is in the config, an item's is its input as it stands: "{{ input }}". Else the
 * maps on the way to the texts that name secrets are written out: those texts stay, and whatever
 * stands beside them comes from the input.
 */
#include <stdlib.h>

#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/pipeline.h"
#include "core/model/queue_item.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct writing {
    const struct template *config;
    struct strbuf pointer; /* of the value at hand */
    struct strbuf access;  /* the same in the input, as an expression */
    struct builder *b;
    const char *why; /* it cannot be; NULL: it can */
};

static bool is_constant_slot(int slot)
{
    return slot == SLOT_SECRETS || slot == SLOT_CONFIG;
}

static bool names_secret(const struct expr *expr)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        const struct expr_reference *reference = expr_reference_at(expr, i);
        if (reference->slot == SLOT_SECRETS && !reference->is_test) {
            return true;
        }
    }
    return false;
}

static bool names_constants_only(const struct expr *expr)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        if (!is_constant_slot(expr_reference_at(expr, i)->slot)) {
            return false;
        }
    }
    return true;
}

bool queue_item_is_free(const struct template *settings)
{
    for (size_t i = 0; settings != NULL && i < template_expr_count(settings); i++) {
        struct str pointer;
        size_t offset = 0;
        if (!names_constants_only(template_expr_at(settings, i, &pointer, &offset))) {
            return false;
        }
    }
    return true;
}

/* At `pointer` or below. */
static bool has_secret(const struct template *config, struct str pointer)
{
    for (size_t i = 0; i < template_expr_count(config); i++) {
        struct str at;
        size_t offset = 0;
        const struct expr *expr = template_expr_at(config, i, &at, &offset);
        bool is_below = str_starts_with(at, pointer) &&
                        (at.n == pointer.n || at.p[pointer.n] == '/');
        if (is_below && names_secret(expr)) {
            return true;
        }
    }
    return false;
}

static bool is_mixed(const struct template *config, struct str pointer)
{
    for (size_t i = 0; i < template_expr_count(config); i++) {
        struct str at;
        size_t offset = 0;
        const struct expr *expr = template_expr_at(config, i, &at, &offset);
        if (str_equal(at, pointer) && !names_constants_only(expr)) {
            return true;
        }
    }
    return false;
}

/* What the input has there; a member that it was left out of stays out. */
static void write_access(struct writing *w)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{{ ");
    strbuf_append_str(&text, strbuf_str(&w->access));
    strbuf_append_text(&text, " }}");
    if (strbuf_status(&text) == 0) {
        builder_string(w->b, strbuf_str(&text));
    } else {
        builder_fail_nomem(w->b);
    }
    strbuf_finish(&text);
}

static void cut(struct strbuf *buf, size_t n)
{
    if (buf->p != NULL) {
        buf->n = n;
        buf->p[n] = '\0';
    }
}

static void write_value(struct writing *w, const struct value *value);

static void write_map(struct writing *w, const struct value *map)
{
    builder_map_begin(w->b);
    for (size_t i = 0; i < value_count(map) && w->why == NULL; i++) {
        const struct value_member *member = value_member_at(map, i);
        struct str key = value_str(&member->key);
        size_t pointer_n = w->pointer.n;
        size_t access_n = w->access.n;
        value_pointer_append(&w->pointer, key);
        strbuf_append_text(&w->access, "[?");
        json_write_string(key, &w->access);
        strbuf_append_char(&w->access, ']');
        builder_key(w->b, key);
        write_value(w, &member->value);
        cut(&w->pointer, pointer_n);
        cut(&w->access, access_n);
    }
    builder_map_end(w->b);
}

/* As deep as a value may be. */
static void write_value(struct writing *w, const struct value *value)
{
    struct str pointer = strbuf_str(&w->pointer);
    if (!has_secret(w->config, pointer)) {
        write_access(w);
    } else if (value_is(value, VALUE_MAP)) {
        write_map(w, value);
    } else if (!value_is(value, VALUE_STRING)) {
        w->why = "a list of its config has a secret in it";
        builder_null(w->b);
    } else if (is_mixed(w->config, pointer)) {
        w->why = "a text of its config joins a secret with what only this run knows";
        builder_null(w->b);
    } else {
        builder_string(w->b, value_str(value));
    }
}

static int resolve_name(void *user, struct str name, struct str *out_hint)
{
    (void)user;
    (void)out_hint;
    return str_equal(name, STR("input"))     ? SLOT_INPUT
           : str_equal(name, STR("config"))  ? SLOT_CONFIG
           : str_equal(name, STR("secrets")) ? SLOT_SECRETS
                                             : -1;
}

static int compile(const struct document *source, struct template **out, const char **out_why)
{
    const struct template_options options = {.names = {.resolve = resolve_name}};
    struct error err = {0};
    int status = template_compile(source, document_root(source), &options, out, &err);
    if (status != 0 && status != E_NOMEM) {
        *out_why = "a text of its config with a secret cannot be read a second time";
        return 0;
    }
    return status;
}

int queue_item_config(const struct template *config, struct template **out, const char **out_why)
{
    struct writing w = {.config = config, .b = builder_create()};
    struct document *source = NULL;
    strbuf_append_text(&w.access, "input");
    write_value(&w, template_source(config));
    int status = strbuf_status(&w.pointer) != 0 || strbuf_status(&w.access) != 0 ? E_NOMEM : 0;
    strbuf_finish(&w.pointer);
    strbuf_finish(&w.access);
    if (status != 0 || w.why != NULL) {
        builder_destroy(w.b);
        *out_why = w.why;
        return status;
    }
    status = builder_finish(w.b, &source, NULL);
    if (status == 0) {
        status = compile(source, out, out_why);
        document_unref(source);
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/secret_wants.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/expr/expr.h"
#include "core/model/catalogue.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

int secret_wants_add(struct draft *draft, const struct secret_want *want)
{
    struct secret_want *wants =
        array_reserve(draft->wants, &draft->want_cap, draft->want_count + 1, sizeof(*wants));
    if (wants == NULL) {
        return E_NOMEM;
    }
    draft->wants = wants;
    struct secret_want *own = &wants[draft->want_count];
    *own = *want;
    own->name = arena_dup_str(&draft->loader->arena, want->name);
    own->what = arena_dup_str(&draft->loader->arena, str_from(want->what)).p;
    if (own->name.p == NULL || own->what == NULL) {
        return E_NOMEM;
    }
    draft->want_count++;
    return 0;
}

/* ---- what is switched off ---- */

/* Only constants are known. */
static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct pipeline *pipeline = user;
    if (slot != SLOT_CONFIG || pipeline->config == NULL) {
        return error_set(err, E_INVALID, "it is not known before a run");
    }
    cel_set_value(out, pipeline->config, document_root(pipeline->config));
    return 0;
}

static bool is_always_false(const struct draft *draft, const struct expr *when)
{
    const struct expr_scope scope = {.fetch = fetch, .user = &draft->storage->pipeline};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel value;
    struct error err = {0};
    int status = expr_evaluate(when, &scope, &arena, &budget, &value, &err);
    bool is_false = status == 0 && value.type == CEL_BOOL && !value.as.boolean;
    arena_finish(&arena);
    return is_false; /* what cannot be told yet may be true */
}

/* Whether it, or what it is inside of, is passed over in every run. */
static bool is_off(const struct draft *draft, uint32_t index)
{
    while (index != DRAFT_NO_NODE) {
        const struct node *node = &draft->nodes[index];
        if (node->when != NULL && is_always_false(draft, node->when)) {
            return true;
        }
        index = draft->bodies[node->body].owner;
    }
    return false;
}

static bool has_user(const struct draft *draft, const struct integration *integration)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        const struct node_type *type = draft->nodes[i].type;
        if (type != NULL && str_equal(type->plugin, integration->plugin) && !is_off(draft, i)) {
            return true;
        }
    }
    return false;
}

static bool is_asked_for(const struct draft *draft, struct str name)
{
    for (size_t i = 0; i < draft->want_count; i++) {
        if (draft->wants[i].asks && str_equal(draft->wants[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_needed(const struct draft *draft, const struct secret_want *want)
{
    if (want->may_be_missing || want->asks || is_asked_for(draft, want->name)) {
        return false;
    }
    if (want->integration != NULL) {
        return has_user(draft, want->integration);
    }
    return want->node == DRAFT_NO_NODE || !is_off(draft, want->node);
}

/* ---- what is not set ---- */

static void report_value(const struct draft *draft, const struct secret_want *want,
                         const char *fault, const char *cure)
{
    const struct report *report = &draft->loader->report;
    if ((draft->loader->options->flags & LOAD_START) != 0) {
        report_error(report, want->place, "%s: %s", want->what, fault);
    } else {
        report_warning(report, want->place, "%s: %s", want->what, fault);
    }
    if (cure[0] != '\0') {
        report_hint(report, "%s", cure);
    }
}

/* Another pipeline needs it, too, and that was told. What is reported elsewhere may be dropped. */
static int note_missing(const struct draft *draft, struct str name, bool *out_is_known)
{
    struct loading *loading = draft->loader->loading;
    void *told_to = strmap_get(&loading->missing_secrets, name);
    *out_is_known = told_to == loading->diagnostics;
    return told_to == NULL ? strmap_add(&loading->missing_secrets, name, loading->diagnostics) : 0;
}

/* The variable of `name`, as `options->env` has it. */
static int check_variable(const struct load_options *options, struct str name, struct strbuf *cure,
                          struct error *err)
{
    struct secrets_variable variable = {{0}};
    (void)secrets_variable_of(name, &variable); /* secret_uses has looked */
    const char *value = options->env != NULL ? options->env(options->user, str_from(variable.text))
                                             : NULL;
    const char *fault = value == NULL ? "is not set" : secrets_fault_of(str_from(value));
    strbuf_append_format(cure, "set %s", variable.text);
    return fault == NULL
               ? 0
               : error_set(err, E_NOT_FOUND, "the secret '%.*s' %s", STR_ARG(name), fault);
}

static int check_value(const struct draft *draft, const struct secret_want *want)
{
    const struct load_options *options = draft->loader->options;
    const struct load_secrets *secrets = options->secrets;
    struct strbuf cure = STRBUF_INIT;
    struct error err = {0};
    int status = secrets != NULL ? secrets->check(secrets->user, want->name, &cure, &err)
                                 : check_variable(options, want->name, &cure, &err);
    bool is_out = status == E_NOMEM || strbuf_status(&cure) != 0;
    bool is_known = false;
    if (status != 0 && !is_out) {
        is_out = note_missing(draft, want->name, &is_known) != 0;
    }
    if (status != 0 && !is_out && !is_known) {
        report_value(draft, want, err.message, cure.n > 0 ? cure.p : "");
    }
    strbuf_finish(&cure);
    return is_out ? E_NOMEM : 0;
}

/* A place before this one needs it, too, and was told. */
static bool is_told(const struct draft *draft, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        const struct secret_want *want = &draft->wants[before];
        if (want->is_checked && str_equal(want->name, draft->wants[i].name)) {
            return true;
        }
    }
    return false;
}

int secret_wants_check(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    struct str *needed = NULL;
    int status = 0;
    if (draft->want_count > 0) {
        needed = arena_calloc(&draft->storage->arena, draft->want_count, sizeof(*needed));
        status = needed != NULL ? 0 : E_NOMEM;
    }
    for (size_t i = 0; i < draft->want_count && status == 0; i++) {
        struct secret_want *want = &draft->wants[i];
        if (!is_told(draft, i) && is_needed(draft, want)) {
            want->is_checked = true;
            status = draft_keep_text(draft, want->name, &needed[pipeline->needed_secret_count++]);
            status = status == 0 ? check_value(draft, want) : status;
        }
    }
    pipeline->needed_secrets = needed;
    return status;
}

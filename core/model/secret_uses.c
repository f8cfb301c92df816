/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/secret_uses.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/model/draft.h"
#include "core/model/schema_marks.h"
#include "core/model/secret_wants.h"
#include "core/model/tree.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

/* How far into a schema marks are looked for, to name fields in a hint. */
enum { MAX_MARK_DEPTH = 8, MAX_MARK_STEPS = 10000 };

static const struct str secret_mark = {"x-ops-secret", 12};

/* One use of one secret. */
struct check {
    struct draft *draft;
    const struct use *use;
    const struct secret_site *site;
    const struct expr_reference *reference;
};

static const struct report *report_of(const struct check *check)
{
    return &check->draft->loader->report;
}

static struct place place_of(const struct check *check)
{
    const struct tree *scalar = check->use->scalar;
    return tree_place_at(scalar, report_of_place(report_of(check), scalar->place)->source,
                         check->use->offset + check->reference->offset);
}

/* "secrets.token", or "secrets". */
static struct label name_of(const struct check *check)
{
    const struct expr_reference *reference = check->reference;
    return reference->path_count > 0 ? label_make("secrets.%.*s", STR_ARG(reference->path[0]))
                                     : label_make("secrets");
}

/* ---- the place ---- */

/* Whether the schema marks the place of `pointer` or one above it. */
static bool is_marked(const struct value *schema, struct str pointer)
{
    for (size_t end = 0; end <= pointer.n; end++) {
        bool is_step = end == pointer.n || pointer.p[end] == '/';
        if (is_step && schema_marks_flag(schema, schema_marks_at(schema, str_make(pointer.p, end)),
                                         secret_mark)) {
            return true;
        }
    }
    return false;
}

/* `steps` are left: schemas may refer to themselves, and many times. */
static bool has_mark_below(const struct value *root, const struct value *schema, int depth,
                           int *steps)
{
    if (schema == NULL || depth > MAX_MARK_DEPTH || --*steps < 0) {
        return false;
    }
    if (schema_marks_flag(root, schema, secret_mark) ||
        has_mark_below(root, schema_marks_child(root, schema, &STR("*")), depth + 1, steps)) {
        return true;
    }
    const struct value *properties = schema_marks_properties(root, schema);
    for (size_t i = 0; properties != NULL && i < value_count(properties); i++) {
        if (has_mark_below(root, &value_member_at(properties, i)->value, depth + 1, steps)) {
            return true;
        }
    }
    return false;
}

/* Of settings without a schema nobody knows: their plugin is not installed. */
static bool is_place(const struct secret_site *site)
{
    return site->schema != NULL ? is_marked(site->schema, site->pointer) : site->is_settings;
}

/* "'headers', 'auth'": the fields of a config that take secrets. */
static void append_fields(const struct value *schema, struct strbuf *out)
{
    const struct value *properties = schema != NULL ? schema_marks_properties(schema, schema)
                                                    : NULL;
    int steps = MAX_MARK_STEPS;
    for (size_t i = 0; properties != NULL && i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        if (has_mark_below(schema, &member->value, 0, &steps)) {
            strbuf_append_format(out, "%s'%.*s'", out->n > 0 ? ", " : "",
                                 STR_ARG(value_str(&member->key)));
        }
    }
}

static int refuse_place(const struct check *check)
{
    struct strbuf fields = STRBUF_INIT;
    append_fields(check->site->schema, &fields);
    report_error(report_of(check), place_of(check), "%s: '%s' may not stand here",
                 check->site->what, name_of(check).text);
    if (check->site->is_settings && fields.n == 0) {
        report_hint(report_of(check),
                    "none of these settings takes a secret: the manifest of a plugin marks those "
                    "that do 'x-ops-secret'");
    } else if (check->site->is_settings) {
        report_hint(report_of(check), "of these settings, secrets may stand in %.*s",
                    STR_ARG(strbuf_str(&fields)));
    } else if (fields.n > 0) {
        report_hint(report_of(check),
                    "secrets may stand in 'integrations' and, in this config, in "
                    "%.*s",
                    STR_ARG(strbuf_str(&fields)));
    } else {
        report_hint(report_of(check),
                    "secrets may stand in 'integrations' and in fields such as 'headers' of http");
    }
    int status = strbuf_status(&fields);
    strbuf_finish(&fields);
    return status;
}

/* ---- the form ---- */

/* The reference is `secrets.NAME`, and nothing is done with it but what may be. */
static bool check_form(const struct check *check)
{
    const struct expr_reference *reference = check->reference;
    struct secrets_variable variable;
    if (reference->path_count == 0) {
        report_error(report_of(check), place_of(check),
                     "%s: a secret is read by its name, and the name must be constant",
                     check->site->what);
        report_hint(report_of(check), "write secrets.NAME or secrets['NAME']");
    } else if (!secrets_variable_of(reference->path[0], &variable)) {
        report_error(report_of(check), place_of(check), "%s: no secret can have the name '%.*s'",
                     check->site->what, STR_ARG(reference->path[0]));
        report_hint(report_of(check), "names have 1 to 128 letters, digits, '_', '-' and '.'; in "
                                      "secrets['NAME'] all of them");
    } else if (reference->path_count > 1) {
        report_error(report_of(check), place_of(check), "%s: '%s' is text: it has no '%.*s'",
                     check->site->what, name_of(check).text, STR_ARG(reference->path[1]));
    } else if (!reference->is_text_only && !reference->is_test) {
        report_error(report_of(check), place_of(check),
                     "%s: '%s' can only be put into text, joined with '+' or given to base64()",
                     check->site->what, name_of(check).text);
    } else {
        return true;
    }
    return false;
}

/* ---- the name ---- */

/* Adds the name to those of the pipeline. */
static int add_name(const struct check *check)
{
    struct pipeline *pipeline = &check->draft->storage->pipeline;
    struct str name = check->reference->path[0];
    struct str *names = (struct str *)(uintptr_t)pipeline->secrets;
    for (uint32_t i = 0; i < pipeline->secret_count; i++) {
        if (str_equal(names[i], name)) {
            return 0;
        }
    }
    if (pipeline->secret_count >= SECRET_USES_MAX) {
        report_error(report_of(check), place_of(check),
                     "a pipeline may name %d secrets, and '%.*s' is one more", SECRET_USES_MAX,
                     STR_ARG(name));
        return 0;
    }
    if (names == NULL) {
        names = arena_calloc(&check->draft->storage->arena, SECRET_USES_MAX, sizeof(*names));
        pipeline->secrets = names;
    }
    if (names == NULL || draft_keep_text(check->draft, name, &names[pipeline->secret_count]) != 0) {
        return E_NOMEM;
    }
    pipeline->secret_count++;
    return 0;
}

static int add_want(const struct check *check)
{
    struct draft *draft = check->draft;
    const struct secret_want want = {
        .name = check->reference->path[0],
        .what = check->site->what,
        .place = place_of(check),
        .node = check->use->site == USE_SETTINGS ? DRAFT_NO_NODE : check->use->node,
        .integration = draft->integration,
        .may_be_missing = check->reference->is_guarded,
        .asks = check->reference->is_test,
    };
    return secret_wants_add(draft, &want);
}

static bool has_name(struct str names, struct str name)
{
    for (size_t i = 0; i + name.n <= names.n; i++) {
        bool is_whole = (i == 0 || names.p[i - 1] == ',') &&
                        (i + name.n == names.n || names.p[i + name.n] == ',');
        if (is_whole && memcmp(names.p + i, name.p, name.n) == 0) {
            return true;
        }
    }
    return false;
}

static int add_to_names(struct draft *draft, struct str *names, struct str name)
{
    if (has_name(*names, name)) {
        return 0;
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_append_str(&text, *names);
    strbuf_append_text(&text, names->n > 0 ? "," : "");
    strbuf_append_str(&text, name);
    int status = strbuf_status(&text);
    if (status == 0) {
        status = draft_keep_text(draft, strbuf_str(&text), names);
    }
    strbuf_finish(&text);
    return status;
}

/* Calls with one credential say nothing of another's. Nodes take over what settings name. */
static int add_to_owner(const struct check *check)
{
    struct draft *draft = check->draft;
    struct str name = check->reference->path[0];
    if (check->use->site == USE_NODE) {
        return add_to_names(draft, &draft->nodes[check->use->node].secrets, name);
    }
    return draft->integration != NULL ? add_to_names(draft, &draft->integration->secrets, name) : 0;
}

/* It gets the secret itself. */
static int check_read(const struct check *check)
{
    if (!is_place(check->site)) {
        return refuse_place(check);
    }
    if (!check_form(check)) {
        return 0;
    }
    int status = add_name(check);
    status = status == 0 ? add_to_owner(check) : status;
    return status == 0 ? add_want(check) : status;
}

/* It gets to know whether there is one, which is nothing to hide. */
static int check_test(const struct check *check)
{
    return check_form(check) ? add_want(check) : 0;
}

int secret_uses_check(struct draft *draft, const struct use *use, const struct secret_site *site)
{
    int status = 0;
    for (size_t i = 0; i < expr_reference_count(use->expr) && status == 0; i++) {
        struct check check = {
            .draft = draft,
            .use = use,
            .site = site,
            .reference = expr_reference_at(use->expr, i),
        };
        if (check.reference->slot == SLOT_SECRETS) {
            status = check.reference->is_test ? check_test(&check) : check_read(&check);
        }
    }
    return status;
}

struct str secret_uses_of_variable(struct str variable, char *out, size_t size)
{
    struct str prefix = STR(SECRETS_VARIABLE_PREFIX);
    if (!str_starts_with(variable, prefix) || variable.n == prefix.n) {
        return STR("");
    }
    int n = snprintf(out, size, "{{ secrets.%.*s }}", (int)(variable.n - prefix.n),
                     variable.p + prefix.n);
    size_t length = n > 0 && (size_t)n < size ? (size_t)n : 0;
    size_t name = sizeof("{{ secrets.") - 1;
    for (size_t i = name; i < length; i++) {
        out[i] = out[i] >= 'A' && out[i] <= 'Z' ? (char)(out[i] | 0x20) : out[i];
    }
    return str_make(out, length);
}

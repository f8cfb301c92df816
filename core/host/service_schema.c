/* SPDX-License-Identifier: Apache-2.0 */

/* ops.schema. The contract is in opstream/schema.h. */

#include "core/base/error.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/task_failure.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { NAMED_VIOLATIONS = 10 };

/* One call; what is held ends with checking_end(). */
struct checking {
    struct plugin *plugin;
    struct scope *scope;
    ops_error *err;
    struct scope *schema_scope;
    struct scope *value_scope; /* NULL: only the schema is looked at */
    struct scope_value schema;
    struct scope_value value;
};

static const ops_str no_text = {NULL, 0};

static void checking_end(const struct checking *c)
{
    if (c->value_scope != NULL) {
        scope_release(c->plugin, c->value_scope);
    }
    if (c->schema_scope != NULL) {
        scope_release(c->plugin, c->schema_scope);
    }
    if (c->scope != NULL) {
        scope_release(c->plugin, c->scope);
    }
}

static ops_status explain(const struct checking *c, ops_status status, struct str words)
{
    struct str copy = scope_dup(c->scope, words);
    task_failure_fill(c->err, status, ops_from_str(copy), no_text);
    return status;
}

static bool is_limit(int status)
{
    return status == E_NOMEM || status == E_LIMIT;
}

/* "/label must be one of 'a', 'b'; /reason is missing" */
static void append_violations(struct strbuf *out, const struct schema_report *report)
{
    size_t n = schema_report_count(report);
    for (size_t i = 0; i < n && i < NAMED_VIOLATIONS; i++) {
        const struct schema_violation *violation = schema_report_at(report, i);
        strbuf_append_text(out, i > 0 ? "; " : "");
        if (violation->pointer.n > 0) {
            strbuf_append_format(out, "%.*s ", STR_ARG(violation->pointer));
        }
        strbuf_append_str(out, violation->message);
    }
    if (n > NAMED_VIOLATIONS) {
        strbuf_append_format(out, "; and %zu more", n - NAMED_VIOLATIONS);
    }
}

static ops_status check_value(const struct checking *c, const struct schema *schema)
{
    struct schema_report *report = NULL;
    struct error error = {0};
    struct strbuf words = STRBUF_INIT;
    ops_status status = OPS_OK;
    int checked = schema_validate(schema, c->value.value, &report, &error);
    if (checked != 0 && report == NULL) {
        status = explain(c, OPS_E_RESOURCE, str_from(error.message));
    } else if (checked != 0) {
        append_violations(&words, report);
        status = explain(c, OPS_E_INPUT, strbuf_str(&words));
    }
    strbuf_finish(&words);
    schema_report_destroy(report);
    return status;
}

static ops_status checking_begin(struct checking *c, void *h, ops_scope scope, ops_val schema,
                                 ops_val value)
{
    c->plugin = plugin_from(h);
    if (c->plugin == NULL) {
        return OPS_E_INTERNAL;
    }
    c->scope = scope_acquire(c->plugin, scope);
    if (c->scope == NULL || !value_acquire(c->plugin, schema, &c->schema, &c->schema_scope) ||
        (value != 0 && !value_acquire(c->plugin, value, &c->value, &c->value_scope))) {
        return OPS_E_STALE;
    }
    if (c->value_scope != NULL && c->value.value == NULL) {
        return explain(c, OPS_E_INPUT, STR("must not be bytes"));
    }
    return OPS_OK;
}

static ops_status check_by_schema(const struct checking *c)
{
    /* bytes are no schema, and have no document; scalars may have none, and only some are schemas
     */
    struct schema *compiled = NULL;
    struct error error = {0};
    if (c->schema.document == NULL) {
        return explain(c, OPS_E_CONFIG, STR("a schema must be a map"));
    }
    int status = schema_compile_value(c->schema.document, c->schema.value, &compiled, &error);
    if (status != 0) {
        return explain(c, is_limit(status) ? OPS_E_RESOURCE : OPS_E_CONFIG,
                       str_from(error.message));
    }

    ops_status checked = c->value_scope != NULL ? check_value(c, compiled) : OPS_OK;
    schema_destroy(compiled);
    return checked;
}

static ops_status service_check(void *h, ops_scope scope, ops_val schema, ops_val value,
                                ops_error *err)
{
    struct checking c = {.err = err};
    ops_status status = checking_begin(&c, h, scope, schema, value);
    if (status == OPS_OK) {
        status = check_by_schema(&c);
    }
    checking_end(&c);
    return status;
}

const ops_if_schema service_schema = {
    .size = sizeof(ops_if_schema),
    .version = 1,
    .check = service_check,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as {"schema": ..., "value": ...}. A schema that is refused has a message. A report has a
 * violation for each broken rule, at a place that is there; a value that is refused while some of
 * it is not known is refused as a whole; filling in defaults twice is filling them in once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "tests/fuzz/fuzz.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void check_report(const struct value *value, struct schema_report *report)
{
    expect(schema_report_count(report) > 0, "a value that is not valid has a violation");
    for (size_t i = 0; i < schema_report_count(report); i++) {
        const struct schema_violation *violation = schema_report_at(report, i);
        expect(value_pointer(value, violation->pointer) != NULL, "a violation has a place");
        expect(violation->rule.n > 0 && violation->message.n > 0, "a violation has a message");
    }
    schema_report_destroy(report);
}

static enum schema_knowledge look(const struct value **value, void *user)
{
    (void)user;
    return value_is(*value, VALUE_STRING) ? SCHEMA_UNKNOWN : SCHEMA_KNOWN;
}

/* What is refused because it is text is refused with this text. */
static enum schema_knowledge look_at_type(const struct value **value, void *user)
{
    (void)user;
    return value_is(*value, VALUE_STRING) ? SCHEMA_SOME_TEXT : SCHEMA_KNOWN;
}

static void check_value(const struct schema *schema, const struct value *value)
{
    struct schema_report *report = NULL;
    struct error err = {0};
    int whole = schema_validate(schema, value, &report, &err);
    expect(whole == 0 || whole == E_INVALID || whole == E_LIMIT, "three answers");
    expect((whole == E_INVALID) == (report != NULL), "what is not valid has a report");
    expect((whole != 0) == (err.message[0] != '\0'), "a failure has a message");
    if (report != NULL) {
        check_report(value, report);
    }
    int partial = schema_validate_partial(schema, value, look, NULL, NULL, NULL);
    expect(partial != E_INVALID || whole != 0, "known in part is refused only if all of it is");
    int typed = schema_validate_partial(schema, value, look_at_type, NULL, NULL, NULL);
    expect(typed != E_INVALID || whole != 0, "some text is refused only if this one is");
}

static void check_defaults(const struct schema *schema, const struct document *document)
{
    struct document *once = NULL;
    struct document *twice = NULL;
    if (schema_fill_defaults(schema, document, &once, NULL) != 0) {
        return;
    }
    int status = schema_fill_defaults(schema, once, &twice, NULL);
    expect(status == 0 || status == E_LIMIT, "what was filled in can be filled in again");
    document_unref(once);
    document_unref(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct json_limits limits = {
        .max_bytes = 100000, .max_depth = VALUE_MAX_DEPTH, .max_values = 1000};
    struct document *document = NULL;
    if (json_read(str_make((const char *)data, size), &limits, &document, NULL) != 0) {
        return 0;
    }
    const struct value *source = value_get(document_root(document), STR("schema"));
    const struct value *value = value_get(document_root(document), STR("value"));
    struct schema *schema = NULL;
    struct error err = {0};
    if (source != NULL && schema_compile_value(document, source, &schema, &err) != 0) {
        expect(err.message[0] != '\0', "a refused schema has a message");
    }
    if (schema != NULL) {
        check_value(schema, value != NULL ? value : source);
        check_defaults(schema, document);
        schema_destroy(schema);
    }
    document_unref(document);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a document, or as one string, to the templates. Faults lie in the string that their
 * pointer names, what is constant resolves to its source, and data that looks like a template
 * comes out as it went in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/fuzz/fuzz.h"

static const char evil[] = "{{ x }} ${HOME} ${x}";

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static int resolve(void *user, struct str name, struct str *out_hint)
{
    (void)user;
    (void)out_hint;
    return str_equal_text(name, "x") || str_equal_text(name, "input") ? 0 : -1;
}

static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)user;
    (void)slot;
    (void)err;
    *out = (struct cel){.type = CEL_STRING, .from_data = 1, .as.text = str_from(evil)};
    return 0;
}

static const char *get_env(void *user, struct str name)
{
    (void)user;
    return name.n % 2 == 0 ? evil : NULL;
}

static void on_fault(void *user, struct str pointer, struct expr_fault fault,
                     const struct error *err)
{
    const struct value *string = value_pointer(document_root(user), pointer);
    expect(value_is(string, VALUE_STRING), "a fault is in a string");
    expect(fault.offset <= value_count(string) &&
               fault.length <= value_count(string) - fault.offset,
           "a fault lies in its string");
    expect(err->message[0] != '\0', "a fault has a message");
}

static struct document *document_of(struct str text)
{
    static const struct json_limits limits = {
        .max_bytes = 100000, .max_depth = VALUE_MAX_DEPTH, .max_values = 1000};
    struct document *document = NULL;
    if (json_read(text, &limits, &document, NULL) == 0) {
        return document;
    }
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_string(b, text);
    builder_list_end(b);
    return builder_finish(b, &document, NULL) == 0 ? document : NULL; /* not UTF-8 */
}

static void check_template(const struct template *template)
{
    struct expr_scope scope = {.fetch = fetch, .user = NULL};
    struct expr_budget budget = {5000, 65536};
    struct error err = {0};
    struct document *result = NULL;
    int status = template_resolve(template, &scope, &budget, &result, &err);
    if (status != 0) {
        expect(!template_is_constant(template), "a constant template cannot fail");
        expect(err.code == status && err.message[0] != '\0', "a failure has a message");
        return;
    }
    if (template_is_constant(template)) {
        expect(value_equal(template_source(template), document_root(result)),
               "a constant template is its source");
    }
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(result), JSON_COMPACT, &text);
    expect(strbuf_status(&text) == 0, "a result can be written");
    strbuf_finish(&text);
    document_unref(result);
}

static void check_data_stays_data(void)
{
    struct document *document = document_of(STR("\"{{ x }}\""));
    struct template_options options = {.names.resolve = resolve};
    struct expr_scope scope = {.fetch = fetch, .user = NULL};
    struct expr_budget budget = {5000, 65536};
    struct template *template = NULL;
    struct document *result = NULL;
    expect(template_compile(document, document_root(document), &options, &template, NULL) == 0 &&
               template_resolve(template, &scope, &budget, &result, NULL) == 0 &&
               str_equal(value_str(document_root(result)), str_from(evil)),
           "data stays data");
    document_unref(result);
    template_destroy(template);
    document_unref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct document *document = document_of(str_make((const char *)bytes, size));
    if (document == NULL) {
        return 0;
    }
    struct template_options options = {
        .names.resolve = resolve, .env = get_env, .on_fault = on_fault, .user = document};
    struct error err = {0};
    struct template *template = NULL;
    int status = template_compile(document, document_root(document), &options, &template, &err);
    if (status == 0) {
        check_template(template);
        template_destroy(template);
    } else {
        expect(status == E_INVALID && err.message[0] != '\0', "a refusal has a message");
    }
    check_data_stays_data();
    document_unref(document);
    return 0;
}

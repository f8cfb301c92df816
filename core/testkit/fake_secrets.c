/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fake_secrets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/testkit/testkit.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct test_secret {
    struct test_secret *next;
    char *name; /* NULL: adopted */
    char *value;
};

/* ---- Who is one ---- */

static void secret_destroy(struct test_secret *secret)
{
    free(secret->name);
    free(secret->value);
    free(secret);
}

static struct test_secret *secret_find(const struct fake_secrets *secrets, struct str name)
{
    for (struct test_secret *at = secrets->first; at != NULL; at = at->next) {
        if (at->name != NULL && str_equal_text(name, at->name)) {
            return at;
        }
    }
    return NULL;
}

/* `name` may be empty. False: out of memory. */
static bool secret_add(struct fake_secrets *secrets, struct str name, struct str value)
{
    struct test_secret *secret = calloc(1, sizeof *secret);
    if (secret == NULL) {
        return false;
    }
    secret->name = name.n > 0 ? str_dup(name) : NULL;
    secret->value = str_dup(value);
    if (secret->value == NULL || (name.n > 0 && secret->name == NULL)) {
        secret_destroy(secret);
        return false;
    }
    secret->next = secrets->first;
    secrets->first = secret;
    return true;
}

/* ---- The host's table ---- */

static int table_adopt(void *self, const struct host_secret_adoption *adoption)
{
    struct fake_secrets *secrets = self;
    bool is_known = false;
    for (const struct test_secret *at = secrets->first; at != NULL && !is_known; at = at->next) {
        size_t n = strlen(at->value);
        is_known = n > 0 && adoption->of.n > 0 &&
                   memmem(adoption->of.p, adoption->of.n, at->value, n) != NULL;
    }
    if (!is_known) {
        return E_NOT_FOUND;
    }
    return secret_add(secrets, str_make(NULL, 0), adoption->text) ? 0 : E_NOMEM;
}

void fake_secrets_init(struct fake_secrets *secrets)
{
    *secrets = (struct fake_secrets){.table = {secrets, table_adopt}};
}

void fake_secrets_finish(struct fake_secrets *secrets)
{
    while (secrets->first != NULL) {
        struct test_secret *secret = secrets->first;
        secrets->first = secret->next;
        secret_destroy(secret);
    }
}

/* ---- Configs ---- */

/* The next {{ secrets.NAME }} in `text`; false: there is none. */
static bool find_mark(struct str text, struct str *out_mark, struct str *out_name)
{
    static const struct str prefix = {"secrets.", 8};
    for (size_t at = 0; at + 1 < text.n; at++) {
        const char *begin = text.p + at;
        struct str rest = str_make(begin, text.n - at);
        const char *end = str_starts_with(rest, STR("{{")) ? memmem(begin, rest.n, "}}", 2) : NULL;
        if (end == NULL) {
            continue;
        }
        struct str inside = str_trim(str_make(begin + 2, (size_t)(end - begin) - 2));
        if (str_starts_with(inside, prefix)) {
            *out_mark = str_make(begin, (size_t)(end - begin) + 2);
            *out_name = str_make(inside.p + prefix.n, inside.n - prefix.n);
            return true;
        }
    }
    return false;
}

struct filling {
    const struct fake_secrets *secrets;
    struct builder *builder;
    const struct document *document;
    struct error *err;
    int status;
};

static void fill_string(struct filling *filling, struct str text)
{
    struct strbuf whole = STRBUF_INIT;
    struct str mark;
    struct str name;
    bool is_secret = false;
    while (filling->status == 0 && find_mark(text, &mark, &name)) {
        const struct test_secret *secret = secret_find(filling->secrets, name);
        if (secret == NULL) {
            filling->status = error_set(filling->err, E_NOT_FOUND,
                                        "there is no secret '%.*s': ops_test_secret() makes one",
                                        STR_ARG(name));
            break;
        }
        strbuf_append(&whole, text.p, (size_t)(mark.p - text.p));
        strbuf_append_text(&whole, secret->value);
        text = str_make(mark.p + mark.n, (size_t)(text.p + text.n - mark.p) - mark.n);
        is_secret = true;
    }
    strbuf_append_str(&whole, text);
    if (strbuf_status(&whole) != 0) {
        builder_fail_nomem(filling->builder);
    }
    builder_string(filling->builder, strbuf_str(&whole));
    if (is_secret) {
        builder_hide(filling->builder);
    }
    strbuf_finish(&whole);
}

/* Goes at most VALUE_MAX_DEPTH deep, as all values do. */
static void fill(struct filling *filling, const struct value *value)
{
    struct builder *b = filling->builder;
    switch (value_type(value)) {
    case VALUE_STRING:
        fill_string(filling, value_str(value));
        return;
    case VALUE_LIST:
        builder_list_begin(b);
        for (size_t i = 0; i < value_count(value); i++) {
            fill(filling, value_at(value, i));
        }
        builder_list_end(b);
        return;
    case VALUE_MAP:
        builder_map_begin(b);
        for (size_t i = 0; i < value_count(value); i++) {
            const struct value_member *member = value_member_at(value, i);
            builder_key(b, value_str(&member->key));
            fill(filling, &member->value);
        }
        builder_map_end(b);
        return;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        builder_embed(b, filling->document, value);
        return;
    }
}

int fake_secrets_read(const struct fake_secrets *secrets, const char *text,
                      struct document **out_document, struct error *err)
{
    cleanup_document struct document *plain = NULL;
    struct document *filled = NULL;
    int status = json_read(str_from(text), NULL, &plain, err);
    if (status != 0) {
        return status;
    }

    struct filling filling = {
        .secrets = secrets, .builder = builder_create(), .document = plain, .err = err};
    fill(&filling, document_root(plain));
    status = builder_finish(filling.builder, &filled, filling.status == 0 ? err : NULL);
    if (status == 0 && filling.status != 0) {
        document_unref(filled);
    }
    if (filling.status != 0 || status != 0) {
        return filling.status != 0 ? filling.status : status;
    }
    *out_document = filled;
    return 0;
}

/* ---- For tests: the contract is in opstream/test.h ---- */

ops_status ops_test_secret(ops_test_host *host, const char *name, const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    struct fake_secrets *secrets = &host->secrets;
    if (name == NULL || value == NULL || name[0] == '\0' || name[strspn(name, letters)] != '\0') {
        return OPS_E_INPUT;
    }
    struct test_secret *known = secret_find(secrets, str_from(name));
    if (known == NULL) {
        return secret_add(secrets, str_from(name), str_from(value)) ? OPS_OK : OPS_E_RESOURCE;
    }
    char *copy = str_dup(str_from(value));
    if (copy == NULL) {
        return OPS_E_RESOURCE;
    }
    free(known->value);
    known->value = copy;
    return OPS_OK;
}

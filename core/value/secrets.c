/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/secrets.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/base/utf8.h"
#include "core/value/mask.h"

struct secret {
    char *entry; /* VARIABLE, NUL, VALUE, NUL */
    size_t size;
    struct str variable;
    struct str value;
};

struct secrets {
    struct secret *items;
    size_t count;
    struct strmap by_variable;
    struct mask *mask;
};

/* The letter or digit of a variable for one of a name; '\0' for what names do not have. */
static char variable_char(char c)
{
    if (c >= 'a' && c <= 'z') {
        return (char)(c - 'a' + 'A');
    }
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return c;
    }
    return c == '_' || c == '-' || c == '.' ? '_' : '\0';
}

bool secrets_variable_of(struct str name, struct secrets_variable *out_variable)
{
    struct secrets_variable variable = {SECRETS_VARIABLE_PREFIX};
    size_t length = sizeof(SECRETS_VARIABLE_PREFIX) - 1;
    if (name.n == 0 || name.n > SECRETS_MAX_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = variable_char(name.p[i]);
        if (c == '\0') {
            return false;
        }
        variable.text[length++] = c;
    }
    *out_variable = variable;
    return true;
}

const char *secrets_fault_of(struct str value)
{
    if (value.n < SECRETS_MIN_BYTES) {
        return "is shorter than 4 bytes";
    }
    if (value.n > SECRETS_MAX_BYTES) {
        return "is longer than 64 KiB";
    }
    return utf8_valid_prefix(value.p, value.n) < value.n ? "is not UTF-8" : NULL;
}

/* The part behind '=' of an entry that is a secret's; NULL for others. */
static const char *value_of_entry(const char *entry)
{
    if (!str_starts_with(str_from(entry), STR(SECRETS_VARIABLE_PREFIX))) {
        return NULL;
    }
    const char *equals = strchr(entry, '=');
    return equals != NULL ? equals + 1 : NULL;
}

static int add_entry(struct secrets *secrets, const char *entry, const char *value)
{
    size_t name_bytes = (size_t)(value - 1 - entry);
    struct secret *secret = &secrets->items[secrets->count];
    secret->size = strlen(entry) + 1;
    secret->entry = malloc(secret->size);
    if (secret->entry == NULL) {
        return E_NOMEM;
    }
    memcpy(secret->entry, entry, secret->size);
    secret->entry[name_bytes] = '\0';
    secret->variable = str_make(secret->entry, name_bytes);
    secret->value = str_make(secret->entry + name_bytes + 1, secret->size - name_bytes - 2);
    secrets->count++;
    int status = strmap_add(&secrets->by_variable, secret->variable, secret);
    return status == E_EXISTS ? 0 : status;
}

static int add_entries(struct secrets *secrets, const char *const *entries)
{
    int status = 0;
    for (size_t i = 0; entries[i] != NULL && status == 0; i++) {
        const char *value = value_of_entry(entries[i]);
        status = value != NULL ? add_entry(secrets, entries[i], value) : 0;
    }
    return status;
}

static int make_mask(struct secrets *secrets, struct error *err)
{
    struct str *values = calloc(secrets->count, sizeof(*values));
    size_t count = 0;
    if (values == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < secrets->count; i++) {
        if (secrets_fault_of(secrets->items[i].value) == NULL) {
            values[count++] = secrets->items[i].value;
        }
    }
    int status = count > 0 ? mask_create(values, count, &secrets->mask, err) : 0;
    free(values);
    return status;
}

static size_t count_entries(const char *const *entries)
{
    size_t count = 0;
    for (size_t i = 0; entries[i] != NULL; i++) {
        count += value_of_entry(entries[i]) != NULL ? 1 : 0;
    }
    return count;
}

int secrets_create(const char *const *entries, struct secrets **out_secrets, struct error *err)
{
    size_t count = count_entries(entries);
    if (count == 0) {
        *out_secrets = NULL;
        return 0;
    }
    struct secrets *secrets = calloc(1, sizeof(*secrets));
    if (secrets == NULL) {
        return error_nomem(err);
    }
    secrets->items = calloc(count, sizeof(*secrets->items));
    int status = secrets->items != NULL ? add_entries(secrets, entries) : E_NOMEM;
    status = status == 0 ? make_mask(secrets, err) : error_nomem(err);
    if (status != 0) {
        secrets_destroy(secrets);
        return status;
    }
    *out_secrets = secrets;
    return 0;
}

void secrets_destroy(struct secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        explicit_bzero(secrets->items[i].entry, secrets->items[i].size);
        free(secrets->items[i].entry);
    }
    strmap_finish(&secrets->by_variable);
    mask_destroy(secrets->mask);
    free(secrets->items);
    free(secrets);
}

static const struct secret *find(const struct secrets *secrets, struct str variable)
{
    return secrets != NULL ? strmap_get(&secrets->by_variable, variable) : NULL;
}

struct str secrets_find(const struct secrets *secrets, struct str name)
{
    struct secrets_variable variable;
    if (!secrets_variable_of(name, &variable)) {
        return (struct str){0};
    }
    const struct secret *secret = find(secrets, str_from(variable.text));
    bool is_there = secret != NULL && secrets_fault_of(secret->value) == NULL;
    return is_there ? secret->value : (struct str){0};
}

const char *secrets_find_variable(const struct secrets *secrets, struct str variable)
{
    const struct secret *secret = find(secrets, variable);
    return secret != NULL ? secret->value.p : NULL;
}

size_t secrets_count(const struct secrets *secrets)
{
    return secrets != NULL ? secrets->count : 0;
}

char *secrets_copy_entry(const struct secrets *secrets, size_t index)
{
    const struct secret *secret = &secrets->items[index];
    CHECK(index < secrets->count);
    char *entry = malloc(secret->size);
    if (entry != NULL) {
        memcpy(entry, secret->entry, secret->size);
        entry[secret->variable.n] = '=';
    }
    return entry;
}

void secrets_free_entry(char *entry)
{
    if (entry != NULL) {
        explicit_bzero(entry, strlen(entry));
        free(entry);
    }
}

const struct mask *secrets_mask(const struct secrets *secrets)
{
    return secrets != NULL ? secrets->mask : NULL;
}

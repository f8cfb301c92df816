/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/secrets.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/guarded.h"
#include "core/base/strmap.h"
#include "core/base/utf8.h"
#include "core/value/mask.h"

/* One of the environment. */
struct secret {
    char *entry; /* guarded: VARIABLE, NUL, VALUE, NUL */
    size_t size;
    struct str variable;
    struct str value;
    struct mask *mask; /* of it alone; NULL: nobody has asked yet */
};

/* One of the source: its values, the newest first. */
struct kept_secret {
    char *name;
    struct secrets_reading values[SECRETS_KEPT_VALUES];
    size_t count;
    struct mask *mask; /* of these alone */
};

/* A text that was made of a secret. */
struct adopted {
    struct adopted *next;
    char *name; /* of that secret */
    struct secrets_reading value;
    int64_t until_ms;
    struct mask *mask; /* of it alone */
};

/* One of a definition. */
struct hidden_value {
    struct secrets_reading value;
    struct mask *mask; /* of it alone; NULL: nobody has asked yet */
};

struct secrets {
    struct secret *items;
    size_t count;
    struct strmap by_variable;
    struct kept_secret **kept;
    size_t kept_count;
    size_t kept_cap;
    struct strmap by_name; /* of the kept ones */
    struct adopted *adopted;
    size_t adopted_count;
    struct hidden_value *hidden; /* what was hidden last stands last */
    size_t hidden_count;
    size_t hidden_cap;
    struct secrets_source source;
    struct mask *mask; /* of everything; NULL: there is nothing */
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
    if (memchr(value.p, '\0', value.n) != NULL) {
        return "has a NUL byte";
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
    secret->entry = guarded_alloc(secret->size);
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

static struct str value_of(const struct secrets_reading *reading)
{
    return str_make(reading->p, reading->n);
}

static size_t list_values(const struct secrets *secrets, struct str *values)
{
    size_t count = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        if (secrets_fault_of(secrets->items[i].value) == NULL) {
            values[count++] = secrets->items[i].value;
        }
    }
    for (size_t i = 0; i < secrets->kept_count; i++) {
        for (size_t k = 0; k < secrets->kept[i]->count; k++) {
            values[count++] = value_of(&secrets->kept[i]->values[k]);
        }
    }
    for (const struct adopted *a = secrets->adopted; a != NULL; a = a->next) {
        values[count++] = value_of(&a->value);
    }
    for (size_t i = 0; i < secrets->hidden_count; i++) {
        values[count++] = value_of(&secrets->hidden[i].value);
    }
    return count;
}

/* The mask of everything takes the place of the one before. */
static int make_mask(struct secrets *secrets, struct error *err)
{
    size_t most = secrets->count + secrets->kept_count * SECRETS_KEPT_VALUES +
                  secrets->adopted_count + secrets->hidden_count;
    struct str *values = calloc(most + 1, sizeof(*values));
    struct mask *mask = NULL;
    if (values == NULL) {
        return error_nomem(err);
    }
    size_t count = list_values(secrets, values);
    int status = count > 0 ? mask_create(values, count, &mask, err) : 0;
    free(values);
    if (status == 0) {
        mask_destroy(secrets->mask);
        secrets->mask = mask;
    }
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
    struct secrets *secrets = calloc(1, sizeof(*secrets));
    if (secrets == NULL) {
        return error_nomem(err);
    }
    secrets->items = calloc(count + 1, sizeof(*secrets->items));
    int status = secrets->items != NULL ? add_entries(secrets, entries) : E_NOMEM;
    status = status == 0 ? make_mask(secrets, err) : error_nomem(err);
    if (status != 0) {
        secrets_destroy(secrets);
        return status;
    }
    *out_secrets = secrets;
    return 0;
}

static void drop_reading(struct secrets_reading *reading)
{
    guarded_free(reading->p, reading->n + 1);
    *reading = (struct secrets_reading){0};
}

static void drop_hidden(struct hidden_value *hidden)
{
    drop_reading(&hidden->value);
    mask_destroy(hidden->mask);
    hidden->mask = NULL;
}

static void destroy_kept(struct kept_secret *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        drop_reading(&kept->values[i]);
    }
    mask_destroy(kept->mask);
    free(kept->name);
    free(kept);
}

static void destroy_adopted(struct adopted *adopted)
{
    if (adopted != NULL) {
        drop_reading(&adopted->value);
        mask_destroy(adopted->mask);
        free(adopted->name);
        free(adopted);
    }
}

/* Takes it out of the list. */
static struct adopted *unlink_adopted(struct secrets *secrets, struct adopted **at)
{
    struct adopted *adopted = *at;
    *at = adopted->next;
    adopted->next = NULL;
    secrets->adopted_count--;
    return adopted;
}

void secrets_destroy(struct secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    while (secrets->adopted != NULL) {
        destroy_adopted(unlink_adopted(secrets, &secrets->adopted));
    }
    for (size_t i = 0; i < secrets->count; i++) {
        guarded_free(secrets->items[i].entry, secrets->items[i].size);
        mask_destroy(secrets->items[i].mask);
    }
    for (size_t i = 0; i < secrets->kept_count; i++) {
        destroy_kept(secrets->kept[i]);
    }
    for (size_t i = 0; i < secrets->hidden_count; i++) {
        drop_hidden(&secrets->hidden[i]);
    }
    free(secrets->hidden);
    strmap_finish(&secrets->by_variable);
    strmap_finish(&secrets->by_name);
    mask_destroy(secrets->mask);
    free(secrets->kept);
    free(secrets->items);
    free(secrets);
}

void secrets_set_source(struct secrets *secrets, const struct secrets_source *source)
{
    secrets->source = *source;
}

/* ---- the environment ---- */

static struct secret *find(const struct secrets *secrets, struct str name)
{
    struct secrets_variable variable;
    if (secrets == NULL || !secrets_variable_of(name, &variable)) {
        return NULL;
    }
    return strmap_get(&secrets->by_variable, str_from(variable.text));
}

size_t secrets_count(const struct secrets *secrets)
{
    return secrets != NULL ? secrets->count : 0;
}

bool secrets_has_variable(const struct secrets *secrets, struct str name)
{
    return find(secrets, name) != NULL;
}

struct str secrets_variable_at(const struct secrets *secrets, size_t index)
{
    return index < secrets_count(secrets) ? secrets->items[index].variable : STR("");
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

/* ---- the source ---- */

static int add_kept(struct secrets *secrets, struct str name, struct kept_secret **out_kept)
{
    struct kept_secret **list =
        array_reserve(secrets->kept, &secrets->kept_cap, secrets->kept_count + 1, sizeof(*list));
    if (list == NULL) {
        return E_NOMEM;
    }
    secrets->kept = list;
    struct kept_secret *kept = calloc(1, sizeof(*kept));
    if (kept != NULL) {
        kept->name = str_dup(name);
    }
    if (kept == NULL || kept->name == NULL ||
        strmap_add(&secrets->by_name, str_from(kept->name), kept) != 0) {
        free(kept != NULL ? kept->name : NULL);
        free(kept);
        return E_NOMEM;
    }
    list[secrets->kept_count++] = kept;
    *out_kept = kept;
    return 0;
}

static void push(struct kept_secret *kept, struct secrets_reading reading)
{
    if (kept->count == SECRETS_KEPT_VALUES) {
        drop_reading(&kept->values[--kept->count]);
    }
    memmove(&kept->values[1], &kept->values[0], kept->count * sizeof(kept->values[0]));
    kept->values[0] = reading;
    kept->count++;
}

static void pop(struct kept_secret *kept)
{
    drop_reading(&kept->values[0]);
    memmove(&kept->values[0], &kept->values[1], --kept->count * sizeof(kept->values[0]));
}

/* A value is given out only once it is hidden. Takes `reading`. */
static int keep(struct secrets *secrets, struct str name, struct secrets_reading reading,
                struct error *err)
{
    struct kept_secret *kept = strmap_get(&secrets->by_name, name);
    struct str value = str_make(reading.p, reading.n);
    if (kept != NULL && kept->count > 0 && str_equal(value, value_of(&kept->values[0]))) {
        kept->values[0].stamp = reading.stamp;
        drop_reading(&reading);
        return 0;
    }
    if (kept == NULL && add_kept(secrets, name, &kept) != 0) {
        drop_reading(&reading);
        return error_nomem(err);
    }
    push(kept, reading);
    int status = make_mask(secrets, err);
    if (status != 0) {
        pop(kept);
        return status;
    }
    mask_destroy(kept->mask);
    kept->mask = NULL;
    return 0;
}

static int take_reading(struct secrets *secrets, struct str name, struct secrets_reading reading,
                        struct error *err)
{
    const char *fault = secrets_fault_of(value_of(&reading));
    if (fault == NULL) {
        return keep(secrets, name, reading, err);
    }
    drop_reading(&reading);
    return error_set(err, E_INVALID, "the secret '%.*s' %s", STR_ARG(name), fault);
}

static int read_source(struct secrets *secrets, struct str name, struct str *out_value,
                       struct error *err)
{
    struct secrets_reading reading = {0};
    int status = SECRETS_ABSENT;
    if (secrets != NULL && secrets->source.read != NULL) {
        const struct kept_secret *kept = strmap_get(&secrets->by_name, name);
        uint64_t known = kept != NULL && kept->count > 0 ? kept->values[0].stamp : 0;
        status = secrets->source.read(secrets->source.user, name, known, &reading, err);
    }
    if (status == SECRETS_ABSENT) {
        return error_set(err, E_NOT_FOUND, "the secret '%.*s' is not set", STR_ARG(name));
    }
    if (status < 0) {
        error_prefix(err, "the secret '%.*s': ", STR_ARG(name));
        return status == E_NOT_FOUND ? E_IO : status; /* it is set; something else is missing */
    }
    status = status == 0 ? take_reading(secrets, name, reading, err) : 0;
    if (status == 0) {
        const struct kept_secret *kept = strmap_get(&secrets->by_name, name);
        *out_value = value_of(&kept->values[0]);
    }
    return status;
}

/* ---- what is made of secrets ---- */

/* Two names of one variable are names of one secret. */
static bool is_same_name(struct str a, struct str b)
{
    struct secrets_variable first;
    struct secrets_variable second;
    return str_equal(a, b) || (secrets_variable_of(a, &first) && secrets_variable_of(b, &second) &&
                               strcmp(first.text, second.text) == 0);
}

static int adopted_create(const struct secrets_adoption *adoption, struct adopted **out_adopted,
                          struct error *err)
{
    struct adopted *adopted = calloc(1, sizeof(*adopted));
    if (adopted == NULL) {
        return error_nomem(err);
    }
    adopted->until_ms = adoption->until_ms;
    adopted->name = str_dup(adoption->name);
    adopted->value.p = guarded_alloc(adoption->text.n + 1);
    if (adopted->name == NULL || adopted->value.p == NULL) {
        destroy_adopted(adopted);
        return error_nomem(err);
    }
    adopted->value.n = adoption->text.n;
    memcpy(adopted->value.p, adoption->text.p, adoption->text.n);
    adopted->value.p[adoption->text.n] = '\0';
    int status = mask_create(&adoption->text, 1, &adopted->mask, err);
    if (status != 0) {
        destroy_adopted(adopted);
        return status;
    }
    *out_adopted = adopted;
    return 0;
}

static struct adopted *find_adopted(const struct secrets *secrets,
                                    const struct secrets_adoption *adoption)
{
    struct adopted *a = secrets->adopted;
    while (a != NULL && (!is_same_name(str_from(a->name), adoption->name) ||
                         !str_equal(value_of(&a->value), adoption->text))) {
        a = a->next;
    }
    return a;
}

/* What is over, and as much as is too much. The mask of everything has it until it is made anew. */
static void forget(struct secrets *secrets, int64_t now_ms)
{
    struct adopted **at = &secrets->adopted;
    while (*at != NULL) {
        if ((*at)->until_ms <= now_ms) {
            destroy_adopted(unlink_adopted(secrets, at));
        } else {
            at = &(*at)->next;
        }
    }
    if (secrets->adopted_count < SECRETS_ADOPTED_MOST) {
        return;
    }
    struct adopted **first = &secrets->adopted;
    for (at = &secrets->adopted; *at != NULL; at = &(*at)->next) {
        first = (*at)->until_ms < (*first)->until_ms ? at : first;
    }
    destroy_adopted(unlink_adopted(secrets, first));
}

int secrets_adopt(struct secrets *secrets, const struct secrets_adoption *adoption, int64_t now_ms,
                  struct error *err)
{
    const char *fault = secrets_fault_of(adoption->text);
    struct adopted *adopted = find_adopted(secrets, adoption);
    if (fault != NULL) {
        return error_set(err, E_INVALID, "what was made of the secret '%.*s' %s",
                         STR_ARG(adoption->name), fault);
    }
    if (adopted != NULL) {
        adopted->until_ms = adoption->until_ms;
        return 0;
    }
    int status = adopted_create(adoption, &adopted, err);
    if (status != 0) {
        return status;
    }
    forget(secrets, now_ms);
    adopted->next = secrets->adopted;
    secrets->adopted = adopted;
    secrets->adopted_count++;
    status = make_mask(secrets, err);
    if (status != 0) {
        destroy_adopted(unlink_adopted(secrets, &secrets->adopted));
    }
    return status;
}

static bool is_found(const struct mask *mask, struct str text)
{
    struct strbuf shown = STRBUF_INIT;
    bool is_in = mask_text(mask, text, &shown) != MASK_CLEAN;
    strbuf_finish(&shown);
    return is_in;
}

static bool is_adopted_in(const struct secrets *secrets, struct str name, struct str text)
{
    const struct adopted *a = secrets->adopted;
    while (a != NULL && (!is_same_name(str_from(a->name), name) || !is_found(a->mask, text))) {
        a = a->next;
    }
    return a != NULL;
}

/* ---- use ---- */

int secrets_look(struct secrets *secrets, struct str name, struct str *out_value, struct error *err)
{
    struct secrets_variable variable;
    if (!secrets_variable_of(name, &variable)) {
        return error_set(err, E_INVALID, "no secret can have the name '%.*s'", STR_ARG(name));
    }
    const struct secret *secret = find(secrets, name);
    if (secret == NULL) {
        return read_source(secrets, name, out_value, err);
    }
    const char *fault = secrets_fault_of(secret->value);
    if (fault != NULL) {
        return error_set(err, E_INVALID, "the secret '%.*s' %s", STR_ARG(name), fault);
    }
    *out_value = secret->value;
    return 0;
}

void secrets_append_cure(const struct secrets *secrets, struct str name, struct strbuf *out)
{
    struct secrets_variable variable = {{0}};
    (void)secrets_variable_of(name, &variable); /* an impossible name has no cure: it says so */
    strbuf_append_format(out, "set %s", variable.text);
    if (secrets == NULL || secrets->source.append_places == NULL) {
        return;
    }
    strbuf_append_format(out, ", or use 'opstream secrets set %.*s'", STR_ARG(name));
    if (!secrets_has_variable(secrets, name)) {
        strbuf_append_text(out, "; looked in the environment");
        secrets->source.append_places(secrets->source.user, name, out);
    }
}

int secrets_bind(const struct secrets *secrets, struct str name, struct secrets_binding *binding,
                 struct error *err)
{
    int status = secrets != NULL && secrets->source.bind != NULL
                     ? secrets->source.bind(secrets->source.user, name, binding, err)
                     : 0;
    if (status == 0 && strbuf_status(&binding->hosts) != 0) {
        status = error_nomem(err);
    }
    return status;
}

void secrets_binding_finish(struct secrets_binding *binding)
{
    strbuf_finish(&binding->hosts);
    *binding = (struct secrets_binding){0};
}

/* The mask of one secret alone, made when it is asked for the first time. */
static int find_mask(struct secrets *secrets, struct str name, const struct mask **out_mask)
{
    struct str values[SECRETS_KEPT_VALUES];
    struct secret *secret = find(secrets, name);
    struct kept_secret *kept = secret == NULL ? strmap_get(&secrets->by_name, name) : NULL;
    struct mask **mask = secret != NULL ? &secret->mask : kept != NULL ? &kept->mask : NULL;
    size_t count = secret != NULL ? 1 : kept != NULL ? kept->count : 0;
    int status = 0;
    if (count == 0) {
        *out_mask = NULL;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = secret != NULL ? secret->value : value_of(&kept->values[i]);
    }
    if (*mask == NULL) {
        status = mask_create(values, count, mask, NULL);
    }
    *out_mask = *mask;
    return status;
}

bool secrets_is_in(struct secrets *secrets, struct str name, struct str text)
{
    const struct mask *mask = NULL;
    if (secrets == NULL) {
        return false;
    }
    if (find_mask(secrets, name, &mask) != 0) {
        return true;
    }
    return (mask != NULL && is_found(mask, text)) || is_adopted_in(secrets, name, text);
}

/* ---- secrets of definitions ---- */

static struct hidden_value *find_hidden(const struct secrets *secrets, struct str value)
{
    for (size_t i = secrets->hidden_count; i > 0; i--) {
        if (str_equal(value_of(&secrets->hidden[i - 1].value), value)) {
            return &secrets->hidden[i - 1];
        }
    }
    return NULL;
}

/* What was hidden first makes room. */
static int add_hidden(struct secrets *secrets, struct str value)
{
    struct secrets_reading reading = {.p = guarded_alloc(value.n + 1), .n = value.n};
    struct hidden_value *list = array_reserve(secrets->hidden, &secrets->hidden_cap,
                                              secrets->hidden_count + 1, sizeof(*list));
    secrets->hidden = list != NULL ? list : secrets->hidden;
    if (list == NULL || reading.p == NULL) {
        guarded_free(reading.p, value.n + 1);
        return E_NOMEM;
    }
    memcpy(reading.p, value.p, value.n);
    if (secrets->hidden_count == SECRETS_HIDDEN_MOST) {
        drop_hidden(&list[0]);
        memmove(&list[0], &list[1], --secrets->hidden_count * sizeof(*list));
    }
    list[secrets->hidden_count++] = (struct hidden_value){.value = reading};
    return 0;
}

int secrets_hide(struct secrets *secrets, struct str value, struct error *err)
{
    struct hidden_value *known = secrets != NULL ? find_hidden(secrets, value) : NULL;
    if (known != NULL) {
        struct hidden_value moved = *known;
        size_t behind = (size_t)(secrets->hidden + secrets->hidden_count - (known + 1));
        memmove(known, known + 1, behind * sizeof(*known));
        secrets->hidden[secrets->hidden_count - 1] = moved;
        return 0;
    }
    if (secrets == NULL) {
        return 0;
    }
    if (add_hidden(secrets, value) != 0) {
        return error_nomem(err);
    }
    int status = make_mask(secrets, err);
    if (status != 0) {
        drop_hidden(&secrets->hidden[--secrets->hidden_count]);
    }
    return status;
}

bool secrets_is_hidden_in(struct secrets *secrets, struct str value, struct str text)
{
    struct hidden_value *hidden = secrets != NULL ? find_hidden(secrets, value) : NULL;
    struct strbuf shown = STRBUF_INIT;
    if (hidden == NULL) {
        return false;
    }
    if (hidden->mask == NULL && mask_create(&value, 1, &hidden->mask, NULL) != 0) {
        return true;
    }
    bool is_in = mask_text(hidden->mask, text, &shown) != MASK_CLEAN;
    strbuf_finish(&shown);
    return is_in;
}

const struct mask *secrets_mask(const struct secrets *secrets)
{
    return secrets != NULL ? secrets->mask : NULL;
}

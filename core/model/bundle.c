/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/bundle.h"

#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/model/load.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum { BUNDLE_MAX_VALUES = 4 * 1000 * 1000 };

struct bundle {
    struct document *document;
    const struct value *files;       /* a list: the main file first */
    const struct value *finds;       /* a map, or NULL: there was no library */
    const struct value *ids;         /* a list, if there are finds */
    const struct value *named;       /* a map, or NULL: likewise of files by name */
    const struct value *config;      /* a map, or NULL */
    const struct value *environment; /* a map */
    struct strmap by_name;           /* the files */
};

/* ---- reading ---- */

static int damaged(struct error *err, const char *what)
{
    return error_set(err, E_CORRUPT, "the stored definition is damaged: %s", what);
}

/* The member of that type; NULL when it is another, or is not there. */
static const struct value *get(const struct value *map, const char *key, enum value_type type)
{
    const struct value *found = value_get(map, str_from(key));
    return value_is(found, type) ? found : NULL;
}

static int index_files(struct bundle *bundle, struct error *err)
{
    for (size_t i = 0; i < value_count(bundle->files); i++) {
        const struct value *file = value_at(bundle->files, i);
        const struct value *name = get(file, "name", VALUE_STRING);
        if (name == NULL || get(file, "text", VALUE_STRING) == NULL) {
            return damaged(err, "a file has no name or no text");
        }
        int status = strmap_add(&bundle->by_name, value_str(name), (void *)(uintptr_t)file);
        if (status != 0) {
            return status == E_EXISTS ? damaged(err, "two files have the same name")
                                      : error_nomem(err);
        }
    }
    return 0;
}

/* `finds` is a map from what was looked for to the file that has it, or NULL. */
static int check_finds(const struct bundle *bundle, const struct value *finds, struct error *err)
{
    for (size_t i = 0; finds != NULL && i < value_count(finds); i++) {
        const struct value *name = &value_member_at(finds, i)->value;
        if (!value_is(name, VALUE_NULL) &&
            (!value_is(name, VALUE_STRING) ||
             strmap_get(&bundle->by_name, value_str(name)) == NULL)) {
            return damaged(err, "a file of the library is missing");
        }
    }
    return 0;
}

static int check_library(const struct bundle *bundle, struct error *err)
{
    int status = check_finds(bundle, bundle->finds, err);
    if (status == 0) {
        status = check_finds(bundle, bundle->named, err);
    }
    for (size_t i = 0; status == 0 && i < value_count(bundle->ids); i++) {
        if (!value_is(value_at(bundle->ids, i), VALUE_STRING)) {
            return damaged(err, "an id of the library is no text");
        }
    }
    return status;
}

static int check_environment(const struct bundle *bundle, struct error *err)
{
    for (size_t i = 0; i < value_count(bundle->environment); i++) {
        if (!value_is(&value_member_at(bundle->environment, i)->value, VALUE_BOOL)) {
            return damaged(err, "it does not say whether a variable was set");
        }
    }
    return 0;
}

static int check_format(const struct value *root, struct error *err)
{
    const struct value *format = get(root, "bundle", VALUE_INT);
    if (format == NULL || value_int(format) < BUNDLE_FORMAT) {
        return damaged(err, "it is not a bundle");
    }
    return value_int(format) == BUNDLE_FORMAT
               ? 0
               : error_set(err, E_VERSION,
                           "the stored definition is of format %lld, and this program knows %d: "
                           "a newer opstream wrote it",
                           (long long)value_int(format), BUNDLE_FORMAT);
}

/* What may be null and else is a map; false: neither. */
static bool get_map(const struct value *root, const char *key, const struct value **out_map)
{
    *out_map = get(root, key, VALUE_MAP);
    return *out_map != NULL || get(root, key, VALUE_NULL) != NULL;
}

static int find_parts(struct bundle *bundle, const struct value *root, struct error *err)
{
    const struct value *library = NULL;
    bundle->files = get(root, "files", VALUE_LIST);
    bundle->environment = get(root, "environment", VALUE_MAP);
    if (get(root, "id", VALUE_STRING) == NULL || bundle->environment == NULL ||
        bundle->files == NULL || value_count(bundle->files) == 0 ||
        !get_map(root, "config", &bundle->config) || !get_map(root, "library", &library)) {
        return damaged(err, "a part of it is missing");
    }
    if (library != NULL) {
        bundle->finds = get(library, "finds", VALUE_MAP);
        bundle->ids = get(library, "ids", VALUE_LIST);
        bundle->named = get(library, "named", VALUE_MAP);
    }
    return library == NULL || (bundle->finds != NULL && bundle->ids != NULL)
               ? 0
               : damaged(err, "a part of its library is missing");
}

static int read_parts(struct bundle *bundle, struct error *err)
{
    const struct value *root = document_root(bundle->document);
    int status = check_format(root, err);
    if (status == 0) {
        status = find_parts(bundle, root, err);
    }
    if (status == 0) {
        status = index_files(bundle, err);
    }
    if (status == 0 && bundle->finds != NULL) {
        status = check_library(bundle, err);
    }
    return status == 0 ? check_environment(bundle, err) : status;
}

static int read_json(struct str text, struct document **out_document, struct error *err)
{
    struct json_limits limits = json_default_limits;
    struct error why = {0};
    limits.max_bytes = BUNDLE_MAX_BYTES;
    limits.max_values = BUNDLE_MAX_VALUES;
    if (text.n > BUNDLE_MAX_BYTES) {
        return error_set(err, E_LIMIT, "the stored definition has more than %d MiB",
                         BUNDLE_MAX_BYTES / (1024 * 1024));
    }
    int status = json_read(text, &limits, out_document, &why);
    if (status == 0 || status == E_NOMEM) {
        return status == 0 ? 0 : error_nomem(err);
    }
    return damaged(err, why.message);
}

int bundle_read(struct str text, struct bundle **out_bundle, struct error *err)
{
    struct bundle *bundle = calloc(1, sizeof(*bundle));
    if (bundle == NULL) {
        return error_nomem(err);
    }
    int status = read_json(text, &bundle->document, err);
    if (status == 0) {
        status = read_parts(bundle, err);
    }
    if (status != 0) {
        bundle_destroy(bundle);
        return status;
    }
    *out_bundle = bundle;
    return 0;
}

void bundle_destroy(struct bundle *bundle)
{
    if (bundle != NULL) {
        strmap_finish(&bundle->by_name);
        document_unref(bundle->document);
        free(bundle);
    }
}

static struct str text_of(const struct value *map, const char *key)
{
    return value_str(value_get(map, str_from(key)));
}

struct str bundle_file(const struct bundle *bundle)
{
    return text_of(value_at(bundle->files, 0), "name");
}

struct str bundle_id(const struct bundle *bundle)
{
    return text_of(document_root(bundle->document), "id");
}

struct str bundle_env_at(const struct bundle *bundle, size_t i)
{
    for (size_t k = 0; k < value_count(bundle->environment); k++) {
        const struct value_member *member = value_member_at(bundle->environment, k);
        if (value_bool(&member->value) && i-- == 0) {
            return value_str(&member->key);
        }
    }
    return STR("");
}

/* ---- loading again ---- */

/* What `finds` has for `key`. */
static int find_in(const struct bundle *bundle, const struct value *finds, struct str key,
                   struct load_library_text *out_text, struct error *err)
{
    const struct value *name = finds != NULL ? value_get(finds, key) : NULL;
    if (!value_is(name, VALUE_STRING)) {
        return error_set(err, E_NOT_FOUND, "it is not in the definition that the run began with");
    }
    const struct value *file = strmap_get(&bundle->by_name, value_str(name));
    *out_text = (struct load_library_text){.file = value_str(name), .text = text_of(file, "text")};
    return 0;
}

static int find(void *user, struct str id, struct load_library_text *out_text, struct error *err)
{
    const struct bundle *bundle = user;
    return find_in(bundle, bundle->finds, id, out_text, err);
}

static int find_file(void *user, struct str from, struct str name,
                     struct load_library_text *out_text, struct error *err)
{
    const struct bundle *bundle = user;
    struct strbuf key = STRBUF_INIT;
    bundle_append_named(from, name, &key);
    int status = strbuf_status(&key) == 0
                     ? find_in(bundle, bundle->named, strbuf_str(&key), out_text, err)
                     : error_nomem(err);
    strbuf_finish(&key);
    return status;
}

static struct str id_at(void *user, size_t i)
{
    const struct bundle *bundle = user;
    return i < value_count(bundle->ids) ? value_str(value_at(bundle->ids, i)) : STR("");
}

/* Whose environment it is, and which of it is to be seen. */
struct pinned_env {
    const struct bundle *bundle;
    const struct load_options *options;
};

static const char *env(void *user, struct str name)
{
    const struct pinned_env *pinned = user;
    const struct load_options *options = pinned->options;
    const struct value *was_set = value_get(pinned->bundle->environment, name);
    if (options->env == NULL || (was_set != NULL && !value_bool(was_set))) {
        return NULL;
    }
    return options->env(options->user, name);
}

static int check_env(const struct bundle *bundle, const struct load_options *options,
                     struct error *err)
{
    struct str name = {0};
    for (size_t i = 0; (name = bundle_env_at(bundle, i)).n > 0; i++) {
        /* Older bundles list them; today they may come from somewhere else. */
        if (options->secrets != NULL && str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX))) {
            continue;
        }
        if (options->env == NULL || options->env(options->user, name) == NULL) {
            return error_set(err, E_NOT_FOUND, "the environment variable '%.*s' is not set",
                             STR_ARG(name));
        }
    }
    return 0;
}

/* A document of its own: pipelines keep it, and shall not keep the whole bundle. */
static int copy_config(const struct bundle *bundle, struct document **out_config, struct error *err)
{
    if (bundle->config == NULL) {
        return 0;
    }
    struct builder *b = builder_create();
    builder_copy(b, bundle->config);
    return builder_finish(b, out_config, err);
}

/* The first error, instead of how many there are. */
static void tell_first(const struct diagnostics *diagnostics, struct error *err)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        if (item->severity == DIAGNOSTIC_ERROR) {
            (void)error_set(err, E_INVALID, "%s", item->message);
            error_set_place(err, item->place.file, item->place.line, item->place.column);
            return;
        }
    }
}

int bundle_load(const struct bundle *bundle, const struct load_options *options,
                struct definitions **out_definitions, struct error *err)
{
    cleanup_document struct document *config = NULL;
    int status = check_env(bundle, options, err);
    if (status == 0) {
        status = copy_config(bundle, &config, err);
    }
    if (status != 0) {
        return status;
    }
    struct pinned_env pinned = {.bundle = bundle, .options = options};
    struct load_library library = {
        .user = (void *)(uintptr_t)bundle, .find = find, .id_at = id_at, .find_file = find_file};
    struct load_options again = *options;
    again.file = bundle_file(bundle);
    again.id = bundle_id(bundle);
    again.env = env;
    again.user = &pinned;
    again.library = bundle->finds != NULL ? &library : NULL;
    again.config = config;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    status = load_text(text_of(value_at(bundle->files, 0), "text"), &again, &diagnostics,
                       out_definitions, err);
    if (status == E_INVALID) {
        tell_first(&diagnostics, err);
    } else if (status == E_NOT_FOUND) { /* its id, which was there once */
        status = damaged(err, "the pipeline that was wanted is not in it");
    }
    diagnostics_finish(&diagnostics);
    return status;
}

void bundle_append_named(struct str from, struct str name, struct strbuf *out)
{
    strbuf_append_format(out, "%.*s: %.*s", STR_ARG(from), STR_ARG(name));
}

void bundle_digest(struct str text, char out_hex[DIGEST_HEX_SIZE])
{
    unsigned char digest[DIGEST_BYTES];
    digest_sha256(text, digest);
    digest_format_hex(digest, sizeof(digest), out_hex);
}

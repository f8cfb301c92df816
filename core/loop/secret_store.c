/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_file.h"
#include "core/loop/secret_seal.h"
#include "core/loop/secret_store_state.h"
#include "core/value/json.h"
#include "core/value/secret_hosts.h"
#include "core/value/value.h"

/* A change between two reads of a pair of files is met by reading the pair again. */
enum { MAX_TRIES = 3 };

static char *join(const char *folder, const char *name)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_append_format(&path, "%s/%s", folder, name);
    return strbuf_take(&path);
}

int secret_store_create(const char *folder, const char *credentials,
                        struct secret_store **out_store, struct error *err)
{
    struct secret_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return error_nomem(err);
    }
    store->folder = str_dup(str_from(folder));
    store->path = join(folder, "secrets.json");
    store->key_path = join(folder, "secrets.key");
    store->lock_path = join(folder, "secrets.lock");
    if (credentials != NULL) {
        store->credential_folder = str_dup(str_from(credentials));
        store->credential = join(credentials, SECRET_KEYS_CREDENTIAL);
    }
    if (store->folder == NULL || store->path == NULL || store->key_path == NULL ||
        store->lock_path == NULL ||
        (credentials != NULL && (store->credential_folder == NULL || store->credential == NULL))) {
        secret_store_destroy(store);
        return error_nomem(err);
    }
    *out_store = store;
    return 0;
}

void secret_store_destroy(struct secret_store *store)
{
    if (store == NULL) {
        return;
    }
    document_unref(store->document);
    strbuf_finish(&store->hosts);
    free(store->folder);
    free(store->path);
    free(store->key_path);
    free(store->lock_path);
    free(store->credential_folder);
    free(store->credential);
    free(store);
}

const char *secret_store_path(const struct secret_store *store)
{
    return store->path;
}

bool secret_store_same_name(struct str a, struct str b)
{
    struct secrets_variable one;
    struct secrets_variable other;
    return secrets_variable_of(a, &one) && secrets_variable_of(b, &other) &&
           strcmp(one.text, other.text) == 0;
}

/* ---- the document ---- */

static const struct value *member(const struct value *map, struct str key, enum value_type type)
{
    const struct value *found = value_get(map, key);
    return value_is(found, type) ? found : NULL;
}

static const struct value *entries_of(const struct document *document)
{
    return document != NULL ? member(document_root(document), STR("secrets"), VALUE_LIST) : NULL;
}

struct str secret_store_key_id(const struct document *document)
{
    const struct value *id =
        document != NULL ? member(document_root(document), STR("key"), VALUE_STRING) : NULL;
    return id != NULL ? value_str(id) : STR("");
}

static bool read_entry(const struct value *map, struct stored_secret *out)
{
    const struct value *name = member(map, STR("name"), VALUE_STRING);
    const struct value *version = member(map, STR("version"), VALUE_INT);
    const struct value *set_at = member(map, STR("set_at"), VALUE_INT);
    const struct value *hosts = member(map, STR("hosts"), VALUE_LIST);
    const struct value *processes = member(map, STR("processes"), VALUE_BOOL);
    const struct value *nonce = member(map, STR("nonce"), VALUE_STRING);
    const struct value *sealed = member(map, STR("sealed"), VALUE_STRING);
    struct secrets_variable variable;
    if (name == NULL || version == NULL || set_at == NULL || hosts == NULL || processes == NULL ||
        nonce == NULL || sealed == NULL || !secrets_variable_of(value_str(name), &variable)) {
        return false;
    }
    for (size_t i = 0; i < value_count(hosts); i++) {
        const struct value *host = value_at(hosts, i);
        if (!value_is(host, VALUE_STRING) || secret_hosts_fault_of(value_str(host)) != NULL) {
            return false;
        }
    }
    *out = (struct stored_secret){.name = value_str(name),
                                  .version = value_int(version),
                                  .set_at = value_int(set_at),
                                  .hosts = hosts,
                                  .allows_processes = value_bool(processes),
                                  .nonce = value_str(nonce),
                                  .sealed = value_str(sealed)};
    return true;
}

bool secret_store_entry(const struct document *document, size_t i, struct stored_secret *out)
{
    const struct value *entries = entries_of(document);
    return entries != NULL && i < value_count(entries) && read_entry(value_at(entries, i), out);
}

static int damaged(const struct secret_store *store, const char *why, struct error *err)
{
    return error_set(err, E_CORRUPT,
                     "'%s' is damaged: %s; bring it back from a copy, or remove it and set the "
                     "secrets anew",
                     store->path, why);
}

static int check_entries(const struct secret_store *store, const struct document *document,
                         struct error *err)
{
    const struct value *entries = entries_of(document);
    struct stored_secret entry;
    if (entries == NULL || secret_store_key_id(document).n != SECRET_KEY_ID_SIZE - 1) {
        return damaged(store, "it is no store of secrets", err);
    }
    if (value_count(entries) > SECRET_STORE_MAX_ENTRIES) {
        return error_set(err, E_LIMIT, "'%s' has more than %d secrets", store->path,
                         SECRET_STORE_MAX_ENTRIES);
    }
    for (size_t i = 0; i < value_count(entries); i++) {
        if (!read_entry(value_at(entries, i), &entry)) {
            return damaged(store, "an entry is not whole", err);
        }
    }
    return 0;
}

static int check_document(const struct secret_store *store, const struct document *document,
                          struct error *err)
{
    const struct value *root = document_root(document);
    const struct value *format =
        value_is(root, VALUE_MAP) ? member(root, STR("opstream_secrets"), VALUE_INT) : NULL;
    if (format == NULL) {
        return damaged(store, "it is no store of secrets", err);
    }
    if (value_int(format) > SECRET_STORE_FORMAT) {
        return error_set(err, E_VERSION,
                         "'%s' was written by a newer opstream (format %" PRId64
                         ", and this one knows %d): install that one",
                         store->path, value_int(format), SECRET_STORE_FORMAT);
    }
    return check_entries(store, document, err);
}

static int parse(struct secret_store *store, const struct secret_file *file, struct error *err)
{
    struct document *document = NULL;
    struct error fault = {0};
    int status = json_read(str_make(file->p, file->n), NULL, &document, &fault);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    if (status != 0) {
        return damaged(store, fault.message, err);
    }
    status = check_document(store, document, err);
    if (status != 0) {
        document_unref(document);
        return status;
    }
    document_unref(store->document);
    store->document = document;
    store->stamp = file->stamp;
    return 0;
}

static void forget(struct secret_store *store)
{
    document_unref(store->document);
    store->document = NULL;
    store->stamp = 0;
}

int secret_store_load(struct secret_store *store, struct error *err)
{
    struct secret_file file = {0};
    cleanup_fd int folder = open(store->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) {
        forget(store);
        return 0;
    }
    if (folder < 0) {
        return error_set_errno(err, E_IO, errno, "cannot open '%s'", store->folder);
    }
    const struct secret_file_wish wish = {.folder = folder,
                                          .path = store->path,
                                          .limit_bytes = SECRET_STORE_MAX_BYTES,
                                          .known = store->stamp};
    int status = secret_file_read(&wish, &file, err);
    if (status == E_NOT_FOUND) {
        forget(store);
        return 0;
    }
    status = status == 0 ? parse(store, &file, err) : status;
    secret_file_finish(&file);
    return status == SECRET_FILE_UNCHANGED ? 0 : status;
}

/* ---- keys and seals ---- */

static int read_keys(struct secret_keys *keys, const char *folder, const char *path,
                     struct error *err)
{
    cleanup_fd int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno, "cannot open '%s'",
                               folder);
    }
    return secret_keys_read(keys, fd, path, err);
}

int secret_store_keys(const struct secret_store *store, struct secret_keys **out_keys,
                      struct error *err)
{
    struct secret_keys *keys = secret_keys_create();
    int status = keys != NULL ? E_NOT_FOUND : error_nomem(err);
    if (keys != NULL && store->credential != NULL) {
        status = read_keys(keys, store->credential_folder, store->credential, err);
    }
    if (status == 0 || status == E_NOT_FOUND) {
        status = read_keys(keys, store->folder, store->key_path, err);
    }
    if (status == E_NOT_FOUND && keys->count > 0) {
        status = 0;
    }
    if (status == E_NOT_FOUND) {
        status = error_set(err, E_CONFLICT,
                           "the key of '%s' is not there: bring '%s' back, or remove the store and "
                           "set the secrets anew",
                           store->path, store->key_path);
    }
    if (status != 0) {
        secret_keys_destroy(keys);
        return status;
    }
    *out_keys = keys;
    return 0;
}

int secret_store_wrong_key(const struct secret_store *store, const struct secret_keys *keys,
                           struct error *err)
{
    struct str id = secret_store_key_id(store->document);
    return error_set(err, E_CONFLICT,
                     "'%s' is sealed with the key %.*s, and '%s' has another one (%s): bring the "
                     "right key back, or remove the store and set the secrets anew",
                     store->path, STR_ARG(id), store->key_path, keys->keys[0].id);
}

void secret_store_append_hosts(const struct stored_secret *entry, struct strbuf *out)
{
    for (size_t i = 0; i < value_count(entry->hosts); i++) {
        secret_hosts_add(out, value_str(value_at(entry->hosts, i)));
    }
}

/* There is one tenant. */
void secret_store_append_aad(const struct stored_secret *entry, struct str hosts,
                             struct strbuf *out)
{
    struct str host = STR("");
    strbuf_append_text(out, "[\"opstream secret\",1,\"default\",");
    json_write_string(entry->name, out);
    strbuf_append_format(out, ",%" PRId64 ",%" PRId64 ",%s", entry->version, entry->set_at,
                         entry->allows_processes ? "true" : "false");
    for (size_t i = 0; (host = secret_hosts_at(hosts, i)).n > 0; i++) {
        strbuf_append_char(out, ',');
        json_write_string(host, out);
    }
    strbuf_append_char(out, ']');
}

static int open_with(const struct secret_module *module, const struct stored_secret *entry,
                     const unsigned char *key, struct secrets_reading *reading)
{
    unsigned char nonce[SECRET_NONCE_BYTES];
    size_t n = entry->sealed.n / 2;
    struct strbuf aad = STRBUF_INIT;
    struct strbuf hosts = STRBUF_INIT;
    unsigned char *sealed = malloc(n);
    secret_store_append_hosts(entry, &hosts);
    secret_store_append_aad(entry, strbuf_str(&hosts), &aad);
    int status = sealed == NULL || strbuf_status(&hosts) != 0 ? E_NOMEM : strbuf_status(&aad);
    if (status == 0) {
        bool is_text = secret_seal_read_hex(entry->nonce, nonce, sizeof(nonce)) &&
                       secret_seal_read_hex(entry->sealed, sealed, n);
        bool is_open = is_text &&
                       module->open(key, nonce, (struct secret_bytes){aad.p, aad.n},
                                    (struct secret_bytes){sealed, n}, (uint8_t *)reading->p) == 0;
        status = is_open ? 0 : E_CORRUPT;
    }
    free(sealed);
    strbuf_finish(&aad);
    strbuf_finish(&hosts);
    return status;
}

int secret_store_open(const struct secret_store *store, const struct stored_secret *entry,
                      const unsigned char *key, struct secrets_reading *out_reading,
                      struct error *err)
{
    const struct secret_module *module = NULL;
    struct secrets_reading reading = {0};
    int status = secret_seal_module(&module, err);
    if (status != 0) {
        return status;
    }
    status = entry->sealed.n < 2 * SECRET_TAG_BYTES ? E_CORRUPT : 0;
    if (status == 0) {
        reading.n = entry->sealed.n / 2 - SECRET_TAG_BYTES;
        reading.p = guarded_alloc(reading.n + 1);
        status = reading.p != NULL ? open_with(module, entry, key, &reading) : E_NOMEM;
    }
    if (status == 0) {
        *out_reading = reading;
        return 0;
    }
    guarded_free(reading.p, reading.n + 1);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    return error_set(err, status,
                     "the entry '%.*s' of '%s' is damaged or was changed: use 'opstream secrets "
                     "set %.*s'",
                     STR_ARG(entry->name), store->path, STR_ARG(entry->name));
}

/* ---- reading ---- */

static bool find(const struct secret_store *store, struct str name, struct stored_secret *out)
{
    for (size_t i = 0; secret_store_entry(store->document, i, out); i++) {
        if (secret_store_same_name(out->name, name)) {
            return true;
        }
    }
    return false;
}

/*
 * The entry of `name`, opened. A rotation may take the key away between the reads of the two
 * files: then the store names another key already.
 */
static int open_entry(struct secret_store *store, struct str name, struct stored_secret *out_entry,
                      struct secrets_reading *out_reading, struct error *err)
{
    int status = 0;
    for (int i = 0; i < MAX_TRIES; i++) {
        struct secret_keys *keys = NULL;
        status = secret_store_load(store, err);
        if (status == 0 && !find(store, name, out_entry)) {
            return SECRETS_ABSENT;
        }
        status = status == 0 ? secret_store_keys(store, &keys, err) : status;
        if (status != 0) {
            return status;
        }
        const unsigned char *key = secret_keys_find(keys, secret_store_key_id(store->document));
        status = key != NULL ? secret_store_open(store, out_entry, key, out_reading, err)
                             : secret_store_wrong_key(store, keys, err);
        secret_keys_destroy(keys);
        if (key != NULL) {
            return status;
        }
    }
    return status;
}

int secret_store_read(struct secret_store *store, struct str name, uint64_t known,
                      struct secrets_reading *out_reading, struct error *err)
{
    struct stored_secret entry;
    struct secrets_reading reading = {0};
    int status = secret_store_load(store, err);
    if (status != 0) {
        return status;
    }
    if (store->stamp != 0 && store->stamp == known) {
        return find(store, name, &entry) ? SECRETS_UNCHANGED : SECRETS_ABSENT;
    }
    status = open_entry(store, name, &entry, &reading, err);
    if (status != 0) {
        return status;
    }
    if (reading.n == 0) {
        guarded_free(reading.p, 1);
        return SECRETS_ABSENT;
    }
    reading.stamp = store->stamp;
    *out_reading = reading;
    return 0;
}

/* Opened as well: only the seal says that the hosts are what somebody has set. */
int secret_store_bind(struct secret_store *store, struct str name, struct secrets_binding *binding,
                      struct error *err)
{
    struct stored_secret entry;
    struct secrets_reading reading = {0};
    int status = open_entry(store, name, &entry, &reading, err);
    if (status != 0) {
        return status == SECRETS_ABSENT ? 0 : status;
    }
    guarded_free(reading.p, reading.n + 1);
    secret_store_append_hosts(&entry, &binding->hosts);
    binding->is_bound = binding->is_bound || value_count(entry.hosts) > 0;
    binding->allows_processes = binding->allows_processes || entry.allows_processes;
    return 0;
}

bool secret_store_at(const struct secret_store *store, size_t i, struct secret_entry *out_entry)
{
    struct stored_secret entry;
    struct strbuf *hosts = (struct strbuf *)(uintptr_t)&store->hosts; /* for who looks at it next */
    if (!secret_store_entry(store->document, i, &entry)) {
        return false;
    }
    strbuf_clear(hosts);
    secret_store_append_hosts(&entry, hosts);
    *out_entry = (struct secret_entry){.name = entry.name,
                                       .hosts = strbuf_str(hosts),
                                       .version = entry.version,
                                       .set_at_unix_ms = entry.set_at,
                                       .has_value = entry.sealed.n > 2 * SECRET_TAG_BYTES,
                                       .allows_processes = entry.allows_processes};
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the store of secrets: under its lock, sealed anew, written beside and put in place. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>

#include "core/base/cleanup.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_file.h"
#include "core/loop/secret_seal.h"
#include "core/loop/secret_store_state.h"
#include "core/value/json.h"
#include "core/value/secret_hosts.h"
#include "core/value/value.h"

/* One change, from the lock on. */
struct work {
    struct secret_store *store;
    const struct secret_module *module;
    struct secret_keys *keys;
    int folder;
    int lock;
    struct strbuf out; /* the new text of the store */
    size_t count;      /* of entries in it */
};

/* ---- begin and end ---- */

static int take_lock(struct work *work, struct error *err)
{
    const struct secret_store *store = work->store;
    work->folder = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->folder < 0) {
        return error_set_errno(err, E_IO, errno, "cannot open '%s'", store->folder);
    }
    work->lock = openat(work->folder, "secrets.lock",
                        O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (work->lock < 0) {
        return error_set_errno(err, E_IO, errno, "cannot open '%s'", store->lock_path);
    }
    int locked = 0;
    do {
        locked = flock(work->lock, LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    return locked == 0 ? 0
                       : error_set_errno(err, E_IO, errno, "cannot lock '%s'", store->lock_path);
}

/* The lock is held from here to end(), which is due in every case. */
static int begin(struct work *work, struct secret_store *store, struct error *err)
{
    *work = (struct work){.store = store, .folder = -1, .lock = -1};
    int status = secret_seal_module(&work->module, err);
    if (status == 0) {
        status = take_lock(work, err);
    }
    return status == 0 ? secret_store_load(store, err) : status;
}

static void end(struct work *work)
{
    secret_keys_destroy(work->keys);
    cleanup_close_fd(&work->lock);
    cleanup_close_fd(&work->folder);
    strbuf_finish(&work->out);
}

static struct str stored_id(const struct work *work)
{
    return secret_store_key_id(work->store->document);
}

/* The first store gets the first key of the credential, else a key of its own. */
static int make_first_key(struct work *work, struct error *err)
{
    int status = secret_store_keys(work->store, &work->keys, err);
    if (status != E_CONFLICT) {
        return status;
    }
    work->keys = secret_keys_create();
    if (work->keys == NULL) {
        return error_nomem(err);
    }
    status = secret_keys_add_new(work->keys, err);
    return status == 0 ? secret_keys_write(work->keys, work->folder, work->store->key_path, err)
                       : status;
}

static int find_key(struct work *work, const unsigned char **out_key, struct str *out_id,
                    struct error *err)
{
    struct str id = stored_id(work);
    int status = id.n > 0 ? secret_store_keys(work->store, &work->keys, err)
                          : make_first_key(work, err);
    if (status != 0) {
        return status;
    }
    id = id.n > 0 ? id : str_from(work->keys->keys[0].id);
    *out_key = secret_keys_find(work->keys, id);
    *out_id = id;
    return *out_key != NULL ? 0 : secret_store_wrong_key(work->store, work->keys, err);
}

/* ---- the text ---- */

static void begin_text(struct work *work, struct str key_id)
{
    strbuf_append_format(&work->out, "{\"opstream_secrets\":%d,\"key\":\"%.*s\",\"secrets\":[",
                         SECRET_STORE_FORMAT, STR_ARG(key_id));
}

static void append_separator(struct work *work)
{
    strbuf_append_text(&work->out, work->count++ > 0 ? ",\n" : "\n");
}

static int append_entry(struct work *work, const struct stored_secret *entry, struct str hosts,
                        struct error *err)
{
    struct strbuf *out = &work->out;
    struct str host = STR("");
    if (work->count == SECRET_STORE_MAX_ENTRIES) {
        return error_set(err, E_LIMIT, "'%s' would have more than %d secrets", work->store->path,
                         SECRET_STORE_MAX_ENTRIES);
    }
    append_separator(work);
    strbuf_append_text(out, "{\"name\":");
    json_write_string(entry->name, out);
    strbuf_append_format(out, ",\"version\":%" PRId64 ",\"set_at\":%" PRId64 ",\"hosts\":[",
                         entry->version, entry->set_at);
    for (size_t i = 0; (host = secret_hosts_at(hosts, i)).n > 0; i++) {
        strbuf_append_text(out, i > 0 ? "," : "");
        json_write_string(host, out);
    }
    strbuf_append_format(out, "],\"processes\":%s,\"nonce\":\"%.*s\",\"sealed\":\"",
                         entry->allows_processes ? "true" : "false", STR_ARG(entry->nonce));
    strbuf_append_str(out, entry->sealed); /* longer than "%.*s" may be */
    strbuf_append_text(out, "\"}");
    return 0;
}

static int append_as_it_is(struct work *work, const struct stored_secret *entry, struct error *err)
{
    struct strbuf hosts = STRBUF_INIT;
    secret_store_append_hosts(entry, &hosts);
    int status = strbuf_status(&hosts) == 0 ? append_entry(work, entry, strbuf_str(&hosts), err)
                                            : error_nomem(err);
    strbuf_finish(&hosts);
    return status;
}

/* `entry` with `value` under `key`. */
static int append_sealed(struct work *work, struct stored_secret entry, struct str hosts,
                         struct str value, const unsigned char *key, struct error *err)
{
    unsigned char nonce[SECRET_NONCE_BYTES];
    char nonce_text[2 * SECRET_NONCE_BYTES + 1];
    size_t n = value.n + SECRET_TAG_BYTES;
    struct strbuf aad = STRBUF_INIT;
    unsigned char *sealed = malloc(n);
    char *text = malloc(2 * n + 1);
    int status = sealed == NULL || text == NULL ? error_nomem(err) : 0;
    if (status == 0 && work->module->random(nonce, sizeof(nonce)) != 0) {
        status = error_set(err, E_IO, "the system gives no random bytes");
    }
    secret_store_append_aad(&entry, hosts, &aad);
    if (status == 0 && strbuf_status(&aad) != 0) {
        status = error_nomem(err);
    }
    if (status == 0) {
        work->module->seal(key, nonce, (struct secret_bytes){aad.p, aad.n},
                           (struct secret_bytes){value.p, value.n}, sealed);
        digest_format_hex(nonce, sizeof(nonce), nonce_text);
        digest_format_hex(sealed, n, text);
        entry.nonce = str_from(nonce_text);
        entry.sealed = str_make(text, 2 * n);
        status = append_entry(work, &entry, hosts, err);
    }
    strbuf_finish(&aad);
    free(sealed);
    free(text);
    return status;
}

/* What was left of a rotation that did not come to its end goes as well. */
static int drop_old_keys(struct work *work, struct str id, struct error *err)
{
    struct secret_keys *keys = secret_keys_create();
    if (keys == NULL) {
        return error_nomem(err);
    }
    int status = secret_keys_read(keys, work->folder, work->store->key_path, err);
    if (status == 0 && keys->count > 1 && secret_keys_find(keys, id) != NULL) {
        secret_keys_keep(keys, id);
        status = secret_keys_write(keys, work->folder, work->store->key_path, err);
    }
    secret_keys_destroy(keys);
    return status == E_NOT_FOUND ? 0 : status;
}

static int finish_text(struct work *work, struct error *err)
{
    strbuf_append_text(&work->out, "\n]}\n");
    if (strbuf_status(&work->out) != 0) {
        return error_nomem(err);
    }
    if (work->out.n > SECRET_STORE_MAX_BYTES) {
        return error_set(err, E_LIMIT, "'%s' would be too large", work->store->path);
    }
    return secret_file_write(work->folder, work->store->path, strbuf_str(&work->out), err);
}

/* ---- set ---- */

/* The entry that is there, and its value if that is to stay. */
struct earlier {
    bool is_there;
    struct stored_secret entry;
    struct strbuf hosts;
    struct secrets_reading value;
};

static int find_earlier(struct work *work, struct str name, const unsigned char *key,
                        struct earlier *earlier, struct error *err)
{
    const struct document *document = work->store->document;
    for (size_t i = 0; secret_store_entry(document, i, &earlier->entry); i++) {
        if (secret_store_same_name(earlier->entry.name, name)) {
            earlier->is_there = true;
            secret_store_append_hosts(&earlier->entry, &earlier->hosts);
            return strbuf_status(&earlier->hosts) != 0
                       ? error_nomem(err)
                       : secret_store_open(work->store, &earlier->entry, key, &earlier->value, err);
        }
    }
    return 0;
}

static int append_changed(struct work *work, const struct secret_change *change,
                          const unsigned char *key, struct earlier *earlier, struct error *err)
{
    struct stored_secret entry = {.name = change->name,
                                  .version = 1,
                                  .set_at = change->now_unix_ms,
                                  .allows_processes = change->allows_processes};
    struct str hosts = change->hosts != NULL ? str_from(change->hosts) : STR("");
    if (earlier->is_there) {
        entry.version = earlier->entry.version + 1;
        entry.allows_processes = change->hosts != NULL ? change->allows_processes
                                                       : earlier->entry.allows_processes;
        hosts = change->hosts != NULL ? hosts : strbuf_str(&earlier->hosts);
    }
    struct str value = change->value.p != NULL ? change->value
                                               : str_make(earlier->value.p, earlier->value.n);
    return append_sealed(work, entry, hosts, value, key, err);
}

/* All other entries, and the changed one behind them; `change` NULL: without it. */
static int append_all(struct work *work, struct str name, const struct secret_change *change,
                      const unsigned char *key, struct earlier *earlier, struct error *err)
{
    struct stored_secret entry;
    int status = 0;
    for (size_t i = 0; status == 0 && secret_store_entry(work->store->document, i, &entry); i++) {
        status = secret_store_same_name(entry.name, name) ? 0 : append_as_it_is(work, &entry, err);
    }
    return status == 0 && change != NULL ? append_changed(work, change, key, earlier, err) : status;
}

/* A value that cannot be read is no hindrance to a new one that has its own hosts. */
static int find_what_stays(struct work *work, const struct secret_change *change,
                           const unsigned char *key, struct earlier *earlier, struct error *err)
{
    int status = find_earlier(work, change->name, key, earlier, err);
    return status == E_CORRUPT && change->value.p != NULL && change->hosts != NULL ? 0 : status;
}

int secret_store_set(struct secret_store *store, const struct secret_change *change,
                     int64_t *out_version, struct error *err)
{
    struct work work;
    struct earlier earlier = {0};
    const unsigned char *key = NULL;
    struct str id = STR("");
    int status = begin(&work, store, err);
    if (status == 0) {
        status = find_key(&work, &key, &id, err);
    }
    if (status == 0) {
        status = find_what_stays(&work, change, key, &earlier, err);
    }
    if (status == 0) {
        begin_text(&work, id);
        status = append_all(&work, change->name, change, key, &earlier, err);
    }
    if (status == 0) {
        status = finish_text(&work, err);
    }
    if (status == 0) {
        status = drop_old_keys(&work, id, err);
    }
    if (status == 0 && out_version != NULL) {
        *out_version = earlier.is_there ? earlier.entry.version + 1 : 1;
    }
    guarded_free(earlier.value.p, earlier.value.n + 1);
    strbuf_finish(&earlier.hosts);
    end(&work);
    return status;
}

/* ---- remove ---- */

int secret_store_remove(struct secret_store *store, struct str name, struct error *err)
{
    struct work work;
    struct stored_secret entry;
    bool is_there = false;
    int status = begin(&work, store, err);
    for (size_t i = 0; status == 0 && secret_store_entry(store->document, i, &entry); i++) {
        is_there = is_there || secret_store_same_name(entry.name, name);
    }
    if (status == 0 && !is_there) {
        status = error_set(err, E_NOT_FOUND, "there is no secret '%.*s' in '%s'", STR_ARG(name),
                           store->path);
    }
    if (status == 0) {
        begin_text(&work, stored_id(&work));
        status = append_all(&work, name, NULL, NULL, NULL, err);
    }
    status = status == 0 ? finish_text(&work, err) : status;
    end(&work);
    return status;
}

/* ---- rotate ---- */

/* The key that comes next is in `work->keys` and, if it is ours, in the file, beside the old one.
 */
static int make_next_key(struct work *work, struct str *out_id, struct error *err)
{
    const struct secret_store *store = work->store;
    int status = secret_store_keys(store, &work->keys, err);
    if (status == 0 && secret_keys_find(work->keys, stored_id(work)) == NULL) {
        return secret_store_wrong_key(store, work->keys, err);
    }
    if (status != 0) {
        return status;
    }
    if (store->credential != NULL && faccessat(AT_FDCWD, store->credential, F_OK, 0) == 0) {
        *out_id = str_from(work->keys->keys[0].id);
        return !str_equal(*out_id, stored_id(work))
                   ? 0
                   : error_set(err, E_CONFLICT,
                               "the key is the credential '%s', which this program cannot change: "
                               "put a line with a new key (openssl rand -hex 32) before that in "
                               "it, rotate, and then take the old line out",
                               SECRET_KEYS_CREDENTIAL);
    }
    secret_keys_keep(work->keys, stored_id(work));
    status = secret_keys_add_new(work->keys, err);
    *out_id = str_from(work->keys->keys[0].id);
    return status == 0 ? secret_keys_write(work->keys, work->folder, store->key_path, err) : status;
}

static int seal_anew(struct work *work, const struct stored_secret *entry, struct str next,
                     struct error *err)
{
    struct secrets_reading value = {0};
    struct strbuf hosts = STRBUF_INIT;
    int status = secret_store_open(work->store, entry,
                                   secret_keys_find(work->keys, stored_id(work)), &value, err);
    secret_store_append_hosts(entry, &hosts);
    if (status == 0 && strbuf_status(&hosts) != 0) {
        status = error_nomem(err);
    }
    if (status == 0) {
        status = append_sealed(work, *entry, strbuf_str(&hosts), str_make(value.p, value.n),
                               secret_keys_find(work->keys, next), err);
    }
    guarded_free(value.p, value.n + 1);
    strbuf_finish(&hosts);
    return status;
}

int secret_store_rotate(struct secret_store *store, size_t *out_count, struct error *err)
{
    struct work work;
    struct stored_secret entry;
    struct str next = STR("");
    int status = begin(&work, store, err);
    if (status == 0 && store->document == NULL) {
        status = error_set(err, E_NOT_FOUND, "there are no secrets in '%s'", store->folder);
    }
    status = status == 0 ? make_next_key(&work, &next, err) : status;
    if (status == 0) {
        begin_text(&work, next);
    }
    for (size_t i = 0; status == 0 && secret_store_entry(store->document, i, &entry); i++) {
        status = seal_anew(&work, &entry, next, err);
    }
    status = status == 0 ? finish_text(&work, err) : status;
    status = status == 0 ? drop_old_keys(&work, next, err) : status;
    if (status == 0) {
        *out_count = work.count;
    }
    end(&work);
    return status;
}

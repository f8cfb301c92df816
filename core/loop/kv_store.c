/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/kv_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/journal/journal_reader.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"

/* A key whose value has not reached the disk, or never will since nothing is kept. */
struct kv_item {
    struct kv_item *next; /* of its bucket */
    struct str plugin;    /* this and the others: in `texts` */
    struct str key;
    struct str value;
    uint64_t version; /* 0: it is removed */
    int64_t until;
    uint32_t writes; /* on their way */
    char *texts;     /* owned */
};

struct kv_plugin {
    struct kv_plugin *next;
    uint64_t bytes;
    int64_t counted_at; /* unix ms */
    char id[];
};

/* An answer that waits for the disk. */
struct kv_wait {
    struct loop *loop;
    struct kv_item *item;
    host_kv_done_cb done;
    void *user;
    struct host_kv_entry entry;
};

/* What stands under a key now. */
struct kv_found {
    bool is_there;
    struct host_kv_entry entry;
    struct strbuf text; /* of an entry that was read */
};

/* After it the bytes of a plugin are counted anew before it is told that they are too many. */
enum { COUNT_AGAIN_MS = 1000 };

/* ---- items ---- */

static struct kv_item **bucket_of(struct kv_store *store, struct str plugin, struct str key)
{
    uint64_t hash = str_hash(plugin) * 31 + str_hash(key);
    return &store->buckets[(hash ^ (hash >> 32)) % KV_BUCKETS];
}

static struct kv_item *find_item(struct kv_store *store, struct str plugin, struct str key)
{
    struct kv_item *item = *bucket_of(store, plugin, key);
    while (item != NULL && (!str_equal(item->plugin, plugin) || !str_equal(item->key, key))) {
        item = item->next;
    }
    return item;
}

static void drop_item(struct kv_store *store, struct kv_item *item)
{
    struct kv_item **at = bucket_of(store, item->plugin, item->key);
    while (*at != item) {
        at = &(*at)->next;
    }
    *at = item->next;
    free(item->texts);
    free(item);
}

static struct str add_text(char **at, struct str text)
{
    struct str copy = str_make(*at, text.n);
    if (text.n > 0) {
        memcpy(*at, text.p, text.n);
    }
    *at += text.n;
    return copy;
}

/* The item of that key, with this value; NULL: out of memory, and the one before stays. */
static struct kv_item *set_item(struct kv_store *store, const struct host_kv_request *request,
                                struct str value, uint64_t version, int64_t until)
{
    struct kv_item *item = find_item(store, request->plugin, request->key);
    char *texts = malloc(request->plugin.n + request->key.n + value.n + 1);
    struct kv_item *made = item == NULL && texts != NULL ? calloc(1, sizeof(*made)) : NULL;
    if (texts == NULL || (item == NULL && made == NULL)) {
        free(texts);
        return NULL;
    }
    if (item == NULL) {
        struct kv_item **bucket = bucket_of(store, request->plugin, request->key);
        made->next = *bucket;
        *bucket = made;
        item = made;
    }
    char *at = texts;
    item->plugin = add_text(&at, request->plugin);
    item->key = add_text(&at, request->key);
    item->value = add_text(&at, value);
    item->version = version;
    item->until = until;
    free(item->texts);
    item->texts = texts;
    return item;
}

static bool is_over(int64_t until, int64_t now)
{
    return until > 0 && until <= now;
}

/* ---- what stands there ---- */

static int take_row(void *user, const struct journal_kv_row *row)
{
    struct kv_found *found = user;
    strbuf_append_str(&found->text, row->value);
    found->is_there = true;
    found->entry = (struct host_kv_entry){
        .value = strbuf_str(&found->text), .version = row->version, .expires_unix_ms = row->until};
    return strbuf_status(&found->text);
}

static bool keeps(const struct loop *loop)
{
    return loop->state_folder != NULL;
}

static int say_unreadable(const struct error *err)
{
    log_write(LOG_LEVEL_WARN, "what a plugin keeps cannot be read",
              LOG_FIELDS(log_text("reason", err->message)));
    return err->code;
}

/* Where nothing else removes what is over: one item, which then is NULL. */
static void drop_if_over(struct loop *loop, struct kv_item **item, int64_t now)
{
    if (*item == NULL || keeps(loop) || !is_over((*item)->until, now)) {
        return;
    }
    struct kv_plugin *plugin = loop->kept.plugins;
    while (!str_equal_text((*item)->plugin, plugin->id)) {
        plugin = plugin->next;
    }
    plugin->bytes -= (*item)->key.n + (*item)->value.n;
    drop_item(&loop->kept, *item);
    *item = NULL;
}

/* `out_found` is to be ended: strbuf_finish(&text). Fails as journal_reader_kv() does. */
static int find(struct loop *loop, const struct host_kv_request *request, int64_t now,
                struct kv_found *out_found)
{
    struct kv_item *item = find_item(&loop->kept, request->plugin, request->key);
    struct error err = {0};
    drop_if_over(loop, &item, now);
    *out_found = (struct kv_found){.text = STRBUF_INIT};
    if (item != NULL) {
        out_found->is_there = item->version > 0;
        out_found->entry = (struct host_kv_entry){
            .value = item->value, .version = item->version, .expires_unix_ms = item->until};
    } else if (loop->reader != NULL &&
               journal_reader_kv(loop->reader, request->plugin, request->key, take_row, out_found,
                                 &err) != 0) {
        return say_unreadable(&err);
    }
    out_found->is_there = out_found->is_there && !is_over(out_found->entry.expires_unix_ms, now);
    return 0;
}

/* ---- how much there is ---- */

static struct kv_plugin *plugin_of(struct kv_store *store, struct str id)
{
    struct kv_plugin *plugin = store->plugins;
    while (plugin != NULL && !str_equal_text(id, plugin->id)) {
        plugin = plugin->next;
    }
    if (plugin != NULL) {
        return plugin;
    }
    plugin = calloc(1, sizeof(*plugin) + id.n + 1);
    if (plugin != NULL) {
        memcpy(plugin->id, id.p, id.n);
        plugin->next = store->plugins;
        store->plugins = plugin;
    }
    return plugin;
}

/* Those whose time is over go, where nothing else removes them. */
static void sweep(struct loop *loop, struct kv_plugin *plugin, int64_t now)
{
    for (size_t i = 0; i < KV_BUCKETS; i++) {
        struct kv_item *next = NULL;
        for (struct kv_item *item = loop->kept.buckets[i]; item != NULL; item = next) {
            next = item->next;
            if (str_equal_text(item->plugin, plugin->id) && is_over(item->until, now)) {
                plugin->bytes -= item->key.n + item->value.n;
                drop_item(&loop->kept, item);
            }
        }
    }
}

/* Fails as journal_reader_kv_bytes() does. */
static int count(struct loop *loop, struct kv_plugin *plugin, int64_t now)
{
    struct error err = {0};
    struct str id = str_from(plugin->id);
    plugin->counted_at = now;
    if (!keeps(loop)) {
        sweep(loop, plugin, now);
        return 0;
    }
    if (loop->reader != NULL &&
        journal_reader_kv_bytes(loop->reader, id, now, &plugin->bytes, &err) != 0) {
        return say_unreadable(&err);
    }
    for (size_t i = 0; i < KV_BUCKETS; i++) { /* too much by what they write over: for a moment */
        for (const struct kv_item *item = loop->kept.buckets[i]; item != NULL; item = item->next) {
            plugin->bytes +=
                str_equal(item->plugin, id) && item->version > 0 ? item->key.n + item->value.n : 0;
        }
    }
    return 0;
}

static uint64_t size_of(const struct host_kv_request *request, const struct kv_found *found)
{
    return found->is_there ? request->key.n + found->entry.value.n : 0;
}

/* Takes the room for the new value; HOST_KV_FULL when there is none. */
static enum host_kv_status take_room(struct loop *loop, const struct host_kv_request *request,
                                     const struct kv_found *found, int64_t now)
{
    struct kv_plugin *plugin = plugin_of(&loop->kept, request->plugin);
    uint64_t old = size_of(request, found);
    uint64_t wanted = request->key.n + request->value.n;
    if (plugin == NULL) {
        return HOST_KV_FAILED;
    }
    bool is_new = plugin->counted_at == 0;
    bool is_old = now - plugin->counted_at >= COUNT_AGAIN_MS || now < plugin->counted_at;
    bool is_full = plugin->bytes + wanted > HOST_KV_ALL_BYTES + old;
    if ((is_new || (is_full && is_old)) && count(loop, plugin, now) != 0) {
        return HOST_KV_FAILED;
    }
    if (plugin->bytes + wanted > HOST_KV_ALL_BYTES + old) {
        return HOST_KV_FULL;
    }
    plugin->bytes += wanted;
    plugin->bytes -= plugin->bytes > old ? old : plugin->bytes;
    return HOST_KV_OK;
}

/* ---- versions ---- */

/* Above all that were ever given, also where the clock was set back: 0 is none. */
static uint64_t next_version(struct loop *loop, int64_t now)
{
    struct kv_store *store = &loop->kept;
    uint64_t highest = 0;
    struct error err = {0};
    if (!store->has_version && loop->reader != NULL &&
        journal_reader_kv_version(loop->reader, &highest, &err) != 0) {
        (void)say_unreadable(&err);
        return 0;
    }
    store->has_version = true;
    store->version = highest > store->version ? highest : store->version;
    uint64_t by_clock = now > 0 ? (uint64_t)now * 1000 : 0;
    store->version = by_clock > store->version ? by_clock : store->version + 1;
    return store->version;
}

/* ---- changes ---- */

static void on_saved(void *user, int status)
{
    struct kv_wait *wait = user;
    struct kv_item *item = wait->item;
    if (--item->writes == 0) {
        drop_item(&wait->loop->kept, item);
    }
    wait->done(wait->user, status == 0 ? HOST_KV_OK : HOST_KV_FAILED,
               status == 0 && wait->entry.version > 0 ? &wait->entry : NULL);
    free(wait);
}

/* Hands the change to the disk, or says at once that it is made where there is none. */
static void write_item(struct loop *loop, struct kv_item *item, int64_t now, host_kv_done_cb done,
                       void *user)
{
    const struct host_kv_entry entry = {.version = item->version, .expires_unix_ms = item->until};
    if (!keeps(loop)) {
        if (item->version == 0) {
            drop_item(&loop->kept, item);
        }
        done(user, HOST_KV_OK, entry.version > 0 ? &entry : NULL);
        return;
    }
    struct kv_wait *wait = calloc(1, sizeof(*wait));
    struct commit *commit = wait != NULL ? commit_create(loop) : NULL;
    if (commit == NULL) {
        free(wait);
        if (item->writes == 0) {
            drop_item(&loop->kept, item);
        }
        done(user, HOST_KV_FAILED, NULL);
        return;
    }
    *wait =
        (struct kv_wait){.loop = loop, .item = item, .done = done, .user = user, .entry = entry};
    item->writes++;
    commit_add_kv(commit, &(struct journal_kv){.plugin = item->plugin,
                                               .key = item->key,
                                               .value = item->value,
                                               .version = item->version,
                                               .until = item->until,
                                               .at_unix_ms = now});
    commit_add_ack(commit, on_saved, wait);
    run_driver_submit(commit);
}

/* HOST_KV_OK: the change may be made. */
static enum host_kv_status judge(const struct host_kv_request *request,
                                 const struct kv_found *found)
{
    switch (request->condition) {
    case HOST_KV_ALWAYS:
        return HOST_KV_OK;
    case HOST_KV_IF_ABSENT:
        return found->is_there ? HOST_KV_CONFLICT : HOST_KV_OK;
    case HOST_KV_IF_VERSION:
        if (!found->is_there) {
            return HOST_KV_NOT_FOUND;
        }
        return found->entry.version == request->version ? HOST_KV_OK : HOST_KV_CONFLICT;
    }
    return HOST_KV_FAILED;
}

static int64_t end_of(uint64_t ttl_ms, int64_t now)
{
    if (ttl_ms == 0) {
        return 0;
    }
    return ttl_ms < (uint64_t)(INT64_MAX - now) ? now + (int64_t)ttl_ms : INT64_MAX;
}

static void kv_get(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                   void *user)
{
    struct kv_found found;
    int status = find(self, request, clock_unix_ms(), &found);
    if (status != 0) {
        done(user, HOST_KV_FAILED, NULL);
    } else {
        done(user, found.is_there ? HOST_KV_OK : HOST_KV_NOT_FOUND,
             found.is_there ? &found.entry : NULL);
    }
    strbuf_finish(&found.text);
}

/* A new value: the room, the version, and the item. */
static enum host_kv_status make_item(struct loop *loop, const struct host_kv_request *request,
                                     const struct kv_found *found, int64_t now,
                                     struct kv_item **out_item)
{
    uint64_t version = next_version(loop, now);
    enum host_kv_status status = version > 0 ? take_room(loop, request, found, now)
                                             : HOST_KV_FAILED;
    if (status != HOST_KV_OK) {
        return status;
    }
    *out_item =
        set_item(&loop->kept, request, request->value, version, end_of(request->ttl_ms, now));
    return *out_item != NULL ? HOST_KV_OK : HOST_KV_FAILED;
}

static void kv_put(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                   void *user)
{
    struct loop *loop = self;
    struct kv_item *item = NULL;
    struct kv_found found;
    int64_t now = clock_unix_ms();
    enum host_kv_status status = find(loop, request, now, &found) == 0 ? judge(request, &found)
                                                                       : HOST_KV_FAILED;
    bool is_conflict = status == HOST_KV_CONFLICT;
    if (status == HOST_KV_OK) {
        status = make_item(loop, request, &found, now, &item);
    }
    if (status == HOST_KV_OK) {
        write_item(loop, item, now, done, user);
    } else {
        done(user, status, is_conflict ? &found.entry : NULL);
    }
    strbuf_finish(&found.text);
}

static void kv_remove(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    struct loop *loop = self;
    struct kv_item *item = NULL;
    struct kv_found found;
    int64_t now = clock_unix_ms();
    enum host_kv_status status = find(loop, request, now, &found) == 0 ? judge(request, &found)
                                                                       : HOST_KV_FAILED;
    bool is_conflict = status == HOST_KV_CONFLICT;
    if (status == HOST_KV_OK && !found.is_there) {
        status = HOST_KV_NOT_FOUND;
    }
    if (status == HOST_KV_OK) {
        struct kv_plugin *plugin = plugin_of(&loop->kept, request->plugin);
        uint64_t old = size_of(request, &found);
        item = set_item(&loop->kept, request, STR(""), 0, 0);
        status = item != NULL && plugin != NULL ? HOST_KV_OK : HOST_KV_FAILED;
        if (status == HOST_KV_OK) {
            plugin->bytes -= plugin->bytes > old ? old : plugin->bytes;
        }
    }
    if (status == HOST_KV_OK) {
        write_item(loop, item, now, done, user);
    } else {
        done(user, status, is_conflict ? &found.entry : NULL);
    }
    strbuf_finish(&found.text);
}

/* ---- lifecycle ---- */

void kv_store_init(struct host_kv *kv, struct loop *loop)
{
    *kv = (struct host_kv){.self = loop, .get = kv_get, .put = kv_put, .remove = kv_remove};
}

void kv_store_finish(struct kv_store *store)
{
    for (size_t i = 0; i < KV_BUCKETS; i++) {
        while (store->buckets[i] != NULL) {
            drop_item(store, store->buckets[i]);
        }
    }
    while (store->plugins != NULL) {
        struct kv_plugin *plugin = store->plugins;
        store->plugins = plugin->next;
        free(plugin);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fake_kv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/testkit/testkit.h"

struct kv_entry {
    struct kv_entry *next;
    char *key;
    struct str value; /* owned */
    uint64_t version;
    int64_t expires_unix_ms; /* 0: never */
};

/* An answer on its way. */
struct kv_answer {
    struct host_alarm alarm; /* first */
    host_kv_done_cb done;
    void *user;
    enum host_kv_status status;
    bool has_entry;
    struct host_kv_entry entry;
    char value[]; /* of the entry */
};

/* ---- What is kept ---- */

static int64_t now_unix_ms(const struct fake_kv *kv)
{
    const struct host_clock *clock = &kv->owner->clock.table;
    return clock->unix_ms(clock->self);
}

static void entry_destroy(struct kv_entry *entry)
{
    free(entry->key);
    free((void *)(uintptr_t)entry->value.p);
    free(entry);
}

/* Where the entry is, or the end of the list. What is over is taken away. */
static struct kv_entry **entry_find(struct fake_kv *kv, struct str key)
{
    struct kv_entry **at = &kv->first;
    while (*at != NULL && !str_equal_text(key, (*at)->key)) {
        at = &(*at)->next;
    }
    struct kv_entry *found = *at;
    if (found != NULL && found->expires_unix_ms != 0 && found->expires_unix_ms <= now_unix_ms(kv)) {
        *at = found->next;
        entry_destroy(found);
        return entry_find(kv, key);
    }
    return at;
}

/* A new entry; NULL: out of memory. */
static struct kv_entry *entry_create(struct str key, struct str value)
{
    struct kv_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->key = str_dup(key);
    entry->value = str_make(str_dup(value), value.n);
    if (entry->key == NULL || entry->value.p == NULL) {
        entry_destroy(entry);
        return NULL;
    }
    return entry;
}

static void entry_remove(struct kv_entry **at)
{
    struct kv_entry *entry = *at;
    if (entry != NULL) {
        *at = entry->next;
        entry_destroy(entry);
    }
}

/* The entry after it was put; NULL: out of memory. */
static struct kv_entry *put(struct fake_kv *kv, struct str key, struct str value, uint64_t ttl_ms)
{
    struct kv_entry *entry = entry_create(key, value);
    if (entry == NULL) {
        return NULL;
    }
    entry_remove(entry_find(kv, key));
    entry->version = ++kv->version;
    entry->expires_unix_ms = ttl_ms > 0 ? now_unix_ms(kv) + (int64_t)ttl_ms : 0;
    entry->next = kv->first;
    kv->first = entry;
    return entry;
}

/* ---- Answers ---- */

static void on_answer(struct host_alarm *alarm)
{
    struct kv_answer *answer = (struct kv_answer *)alarm;
    answer->done(answer->user, answer->status, answer->has_entry ? &answer->entry : NULL);
    free(answer);
}

struct kv_call {
    struct fake_kv *kv;
    enum fault_point point;
    host_kv_done_cb done;
    void *user;
};

/* `entry` may be NULL; its value is told only with `has_value`. */
static void respond(const struct kv_call *call, enum host_kv_status status,
                    const struct kv_entry *entry, bool has_value)
{
    struct ops_test_host *host = call->kv->owner;
    struct str value = entry != NULL && has_value ? entry->value : str_make(NULL, 0);
    struct kv_answer *answer = calloc(1, sizeof *answer + value.n);
    if (answer == NULL) {
        call->done(call->user, HOST_KV_FAILED, NULL);
        return;
    }
    if (value.n > 0) {
        memcpy(answer->value, value.p, value.n);
    }
    answer->done = call->done;
    answer->user = call->user;
    answer->status = status;
    answer->has_entry = entry != NULL;
    if (entry != NULL) {
        answer->entry = (struct host_kv_entry){str_make(answer->value, value.n), entry->version,
                                               entry->expires_unix_ms};
    }
    answer->alarm.fire = on_answer;
    test_clock_start(&host->clock, &answer->alarm, testkit_late_ms(host, call->point));
}

/* True when the condition does not hold, and then it is answered. */
static bool refuse(const struct kv_call *call, const struct host_kv_request *request,
                   const struct kv_entry *entry)
{
    if (request->condition == HOST_KV_IF_ABSENT && entry != NULL) {
        respond(call, HOST_KV_CONFLICT, entry, true);
        return true;
    }
    if (request->condition == HOST_KV_IF_VERSION && entry == NULL) {
        respond(call, HOST_KV_NOT_FOUND, NULL, false);
        return true;
    }
    if (request->condition == HOST_KV_IF_VERSION && entry->version != request->version) {
        respond(call, HOST_KV_CONFLICT, entry, true);
        return true;
    }
    return false;
}

/* ---- The host's table ---- */

static void table_get(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    const struct kv_call call = {self, FAULT_KV_GET, done, user};
    const struct kv_entry *entry = *entry_find(self, request->key);
    respond(&call, entry != NULL ? HOST_KV_OK : HOST_KV_NOT_FOUND, entry, true);
}

static bool is_full(const struct fake_kv *kv, const struct host_kv_request *request)
{
    uint64_t all = request->key.n + request->value.n;
    for (const struct kv_entry *entry = kv->first; entry != NULL; entry = entry->next) {
        all += str_equal_text(request->key, entry->key) ? 0 : strlen(entry->key) + entry->value.n;
    }
    return all > HOST_KV_ALL_BYTES;
}

static void table_put(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    const struct kv_call call = {self, FAULT_KV_PUT, done, user};
    if (refuse(&call, request, *entry_find(self, request->key))) {
        return;
    }
    if (is_full(self, request)) {
        respond(&call, HOST_KV_FULL, NULL, false);
        return;
    }
    const struct kv_entry *entry = put(self, request->key, request->value, request->ttl_ms);
    respond(&call, entry != NULL ? HOST_KV_OK : HOST_KV_FAILED, entry, false);
}

static void table_remove(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                         void *user)
{
    const struct kv_call call = {self, FAULT_KV_REMOVE, done, user};
    struct kv_entry **at = entry_find(self, request->key);
    if (refuse(&call, request, *at)) {
        return;
    }
    enum host_kv_status status = *at != NULL ? HOST_KV_OK : HOST_KV_NOT_FOUND;
    entry_remove(at);
    respond(&call, status, NULL, false);
}

void fake_kv_init(struct fake_kv *kv, struct ops_test_host *owner)
{
    *kv = (struct fake_kv){.table = {kv, table_get, table_put, table_remove}, .owner = owner};
}

void fake_kv_finish(struct fake_kv *kv)
{
    while (kv->first != NULL) {
        entry_remove(&kv->first);
    }
}

/* ---- For tests: the contract is in opstream/test.h ---- */

ops_status ops_test_kv_get(ops_test_host *host, const char *key, ops_str *out)
{
    const struct kv_entry *entry = *entry_find(&host->kv, str_from(key));
    if (entry == NULL) {
        return OPS_E_NOT_FOUND;
    }
    *out = (ops_str){entry->value.p, entry->value.n};
    return OPS_OK;
}

ops_status ops_test_kv_put(ops_test_host *host, const char *key, ops_str value)
{
    bool is_bad = key == NULL || key[0] == '\0' || strlen(key) > OPS_KV_KEY_BYTES ||
                  value.n > OPS_KV_VALUE_BYTES;
    if (is_bad) {
        return OPS_E_INPUT;
    }
    struct str bytes = str_make(value.p, (size_t)value.n);
    return put(&host->kv, str_from(key), bytes, 0) != NULL ? OPS_OK : OPS_E_RESOURCE;
}

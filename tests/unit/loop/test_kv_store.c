/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins keep, over a real file, with writes that become durable when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/loop/commit.h"
#include "core/loop/kv_store.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "tests/unit/journal/store_fixture.h"

enum { WRITES_MOST = 128 };

#define SECOND INT64_C(1000)

static struct store_fixture fixture;
static struct loop loop;
static struct host_kv kv;
static int64_t now;

int64_t __wrap_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return now;
}

/* ---- the disk ---- */

static struct commit *writes[WRITES_MOST];
static size_t write_count;

void run_driver_fail(struct loop *failed, const struct error *err)
{
    (void)failed;
    fail_msg("%s", err->message);
}

void run_driver_submit(struct commit *commit)
{
    assert_true(write_count < WRITES_MOST);
    writes[write_count++] = commit;
}

/* All that was written so far is durable, or will never be. */
static void disk_says(int status)
{
    size_t count = write_count;
    write_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct journal_write write = {.kvs = writes[i]->kvs, .kv_count = writes[i]->kv_count};
        if (status == 0) {
            store_fixture_append(&fixture, &write);
            store_fixture_wait(&fixture);
        }
        commit_tell(writes[i], status);
        commit_destroy(writes[i]);
    }
}

/* ---- callers ---- */

struct answer {
    int count;
    enum host_kv_status status;
    char value[64];
    size_t bytes;
    uint64_t version; /* 0: no entry */
    int64_t expires;
};

static void on_done(void *user, enum host_kv_status status, const struct host_kv_entry *entry)
{
    struct answer *answer = user;
    *answer = (struct answer){.count = answer->count + 1, .status = status};
    if (entry != NULL) {
        (void)snprintf(answer->value, sizeof(answer->value), "%.*s", STR_ARG(entry->value));
        answer->bytes = entry->value.n;
        answer->version = entry->version;
        answer->expires = entry->expires_unix_ms;
    }
}

static struct host_kv_request request_of(const char *key, const char *value)
{
    return (struct host_kv_request){
        .plugin = STR("p"), .key = str_from(key), .value = str_from(value)};
}

static struct answer get_of(const char *plugin, const char *key)
{
    struct answer answer = {0};
    struct host_kv_request request = request_of(key, "");
    request.plugin = str_from(plugin);
    kv.get(kv.self, &request, on_done, &answer);
    assert_int_equal(answer.count, 1);
    return answer;
}

static struct answer get(const char *key)
{
    return get_of("p", key);
}

/* Written, and on the disk. */
static struct answer put_with(const struct host_kv_request *request)
{
    struct answer answer = {0};
    kv.put(kv.self, request, on_done, &answer);
    disk_says(0);
    assert_int_equal(answer.count, 1);
    return answer;
}

static struct answer put(const char *key, const char *value)
{
    struct host_kv_request request = request_of(key, value);
    return put_with(&request);
}

static struct answer remove_with(const struct host_kv_request *request)
{
    struct answer answer = {0};
    kv.remove(kv.self, request, on_done, &answer);
    disk_says(0);
    assert_int_equal(answer.count, 1);
    return answer;
}

#define assert_found(answer, expected)                                                             \
    do {                                                                                           \
        assert_int_equal((answer).status, HOST_KV_OK);                                             \
        assert_string_equal((answer).value, expected);                                             \
    } while (0)
#define assert_missing(answer) assert_int_equal((answer).status, HOST_KV_NOT_FOUND)

/* Another process: nothing is there but the file. */
static void restart(void)
{
    kv_store_finish(&loop.kept);
    loop.kept = (struct kv_store){0};
}

static int set_up(void **state)
{
    (void)state;
    now = 1000 * SECOND;
    store_fixture_init(&fixture);
    loop = (struct loop){.state_folder = fixture.folder};
    assert_int_equal(journal_reader_open(fixture.folder, &loop.reader, NULL), 0);
    kv_store_init(&kv, &loop);
    return 0;
}

/* `opstream run --ephemeral` */
static int set_up_without_a_state(void **state)
{
    (void)state;
    now = 1000 * SECOND;
    store_fixture_init(&fixture);
    loop = (struct loop){0};
    kv_store_init(&kv, &loop);
    return 0;
}

/* Nothing stays in memory once it is on the disk. */
static int tear_down(void **state)
{
    (void)state;
    disk_says(0);
    for (size_t i = 0; loop.state_folder != NULL && i < KV_BUCKETS; i++) {
        assert_null(loop.kept.buckets[i]);
    }
    kv_store_finish(&loop.kept);
    commit_free_spares(&loop);
    journal_reader_close(loop.reader);
    store_fixture_finish(&fixture);
    return 0;
}

/* ---- tests ---- */

static void test_kv_store__what_was_put_is_found(void **state)
{
    (void)state;
    assert_missing(get("a"));
    struct answer made = put("a", "one");
    assert_true(made.version > 0 && made.bytes == 0);
    assert_found(get("a"), "one");
    struct answer changed = put("a", "two");
    assert_true(changed.version > made.version);
    assert_found(get("a"), "two");
    assert_int_equal(get("a").version, changed.version);
    assert_missing(get("b"));
    assert_missing(get_of("q", "a")); /* each plugin has its own */
}

static void test_kv_store__it_outlives_the_process(void **state)
{
    (void)state;
    uint64_t version = put("a", "one").version;
    restart();
    if (loop.state_folder == NULL) {
        assert_missing(get("a"));
        return;
    }
    assert_found(get("a"), "one");
    assert_int_equal(get("a").version, version);
}

static void test_kv_store__bytes_are_kept_as_they_are(void **state)
{
    (void)state;
    struct host_kv_request request = request_of("a", "");
    request.value = str_make("\0\xff\0z", 4);
    (void)put_with(&request);
    assert_int_equal(get("a").bytes, 4);
    assert_memory_equal(get("a").value, "", 1);
    (void)put("empty", "");
    assert_found(get("empty"), "");
    request.key = str_make("a\0b", 3);
    (void)put_with(&request);
    assert_missing(get("ab"));
}

static void test_kv_store__the_answer_waits_for_the_disk(void **state)
{
    (void)state;
    struct answer first = {0};
    struct answer second = {0};
    struct host_kv_request request = request_of("a", "one");
    kv.put(kv.self, &request, on_done, &first);
    request.value = STR("two");
    kv.put(kv.self, &request, on_done, &second);
    assert_int_equal(first.count + second.count, 0);
    assert_found(get("a"), "two"); /* what is written with it comes behind it */
    disk_says(0);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 1);
    assert_true(second.version > first.version);
    assert_found(get("a"), "two");
}

static void test_kv_store__what_never_reached_the_disk_is_not_there(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct host_kv_request request = request_of("a", "two");
    (void)put("a", "one");
    kv.put(kv.self, &request, on_done, &answer);
    disk_says(E_IO);
    assert_int_equal(answer.status, HOST_KV_FAILED);
    assert_found(get("a"), "one");
}

static void test_kv_store__a_condition_decides(void **state)
{
    (void)state;
    struct host_kv_request absent = request_of("a", "mine");
    absent.condition = HOST_KV_IF_ABSENT;
    struct answer first = put_with(&absent);
    assert_int_equal(first.status, HOST_KV_OK);
    absent.value = STR("yours");
    struct answer late = put_with(&absent);
    assert_int_equal(late.status, HOST_KV_CONFLICT);
    assert_string_equal(late.value, "mine");
    assert_int_equal(late.version, first.version);

    struct host_kv_request over = request_of("a", "next");
    over.condition = HOST_KV_IF_VERSION;
    over.version = first.version;
    assert_int_equal(put_with(&over).status, HOST_KV_OK);
    assert_int_equal(put_with(&over).status, HOST_KV_CONFLICT);
    assert_int_equal(remove_with(&over).status, HOST_KV_CONFLICT);
    assert_found(get("a"), "next");
    over.key = STR("none");
    assert_missing(put_with(&over));
    assert_missing(remove_with(&over));
}

/* Also before the disk has answered the first one. */
static void test_kv_store__one_of_many_at_once_is_the_first(void **state)
{
    (void)state;
    struct answer answers[20] = {{0}};
    int won = 0;
    for (size_t i = 0; i < 20; i++) {
        char value[8];
        (void)snprintf(value, sizeof(value), "%zu", i);
        struct host_kv_request request = request_of("lock", value);
        request.condition = HOST_KV_IF_ABSENT;
        kv.put(kv.self, &request, on_done, &answers[i]);
    }
    disk_says(0);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(answers[i].count, 1);
        won += answers[i].status == HOST_KV_OK;
    }
    assert_int_equal(won, 1);
    assert_found(get("lock"), "0");
}

static void test_kv_store__what_was_removed_is_gone(void **state)
{
    (void)state;
    struct host_kv_request request = request_of("a", "");
    struct answer answer = {0};
    assert_missing(remove_with(&request));
    uint64_t version = put("a", "one").version;
    kv.remove(kv.self, &request, on_done, &answer);
    assert_missing(get("a")); /* before the disk knows */
    disk_says(0);
    assert_int_equal(answer.status, HOST_KV_OK);
    assert_int_equal(answer.version, 0);
    assert_missing(get("a"));
    assert_true(put("a", "two").version > version);
}

static void test_kv_store__what_has_a_time_ends_with_it(void **state)
{
    (void)state;
    struct host_kv_request request = request_of("a", "short");
    request.ttl_ms = 5000;
    assert_int_equal(put_with(&request).expires, now + 5000);
    now += 4999;
    assert_found(get("a"), "short");
    now += 1;
    assert_missing(get("a"));
    assert_missing(remove_with(&request));
    request.condition = HOST_KV_IF_ABSENT;
    request.ttl_ms = UINT64_MAX;
    assert_int_equal(put_with(&request).status, HOST_KV_OK);
    assert_int_equal(get("a").expires, INT64_MAX);
}

/* A clock that was set back gives no version twice. */
static void test_kv_store__versions_only_grow(void **state)
{
    (void)state;
    struct host_kv_request request = request_of("a", "");
    uint64_t first = put("a", "one").version;
    now -= 500 * SECOND;
    if (loop.state_folder != NULL) {
        restart();
    }
    uint64_t second = put("b", "two").version;
    assert_true(second > first);
    (void)remove_with(&request);
    assert_true(put("a", "three").version > second);
}

/* `n` values of 1 MiB under keys that begin with `name`; the status of the last. */
static enum host_kv_status fill(const char *name, int n, uint64_t ttl_ms)
{
    static char large[1024 * 1024];
    enum host_kv_status status = HOST_KV_OK;
    memset(large, 'x', sizeof(large));
    for (int i = 0; i < n; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%s%d", name, i);
        struct host_kv_request request = request_of(key, "");
        request.value = str_make(large, sizeof(large));
        request.ttl_ms = ttl_ms;
        status = put_with(&request).status;
    }
    return status;
}

static void test_kv_store__a_plugin_keeps_only_so_much(void **state)
{
    (void)state;
    struct host_kv_request request = request_of("k0", "");
    assert_int_equal(fill("k", 63, 0), HOST_KV_OK);
    assert_int_equal(fill("over", 1, 0), HOST_KV_FULL);
    assert_missing(get("over0"));
    assert_int_equal(fill("k", 3, 0), HOST_KV_OK); /* over what is there */
    struct host_kv_request other = request_of("k", "mine");
    other.plugin = STR("q");
    assert_int_equal(put_with(&other).status, HOST_KV_OK);
    assert_int_equal(remove_with(&request).status, HOST_KV_OK);
    assert_int_equal(fill("over", 1, 0), HOST_KV_OK);
    assert_int_equal(fill("more", 1, 0), HOST_KV_FULL);
    if (loop.state_folder != NULL) {
        restart();
        assert_int_equal(fill("more", 1, 0), HOST_KV_FULL);
    }
}

static void test_kv_store__what_is_over_makes_room(void **state)
{
    (void)state;
    assert_int_equal(fill("k", 63, 60000), HOST_KV_OK);
    assert_int_equal(fill("over", 1, 0), HOST_KV_FULL);
    now += 60 * SECOND;
    assert_int_equal(fill("over", 1, 0), HOST_KV_OK);
    for (int i = 0; i < 4; i++) { /* a few go with each write */
        (void)put("a", "one");
    }
    store_fixture_expect(&fixture, "SELECT count(*) FROM kv",
                         loop.state_folder != NULL ? "2" : "0");
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITHOUT_STATE(test)                                                                        \
    {                                                                                              \
#test "_without_a_state", test, set_up_without_a_state, tear_down, NULL                    \
    }
#define IN_BOTH(test) WITH_STATE(test), WITHOUT_STATE(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(test_kv_store__what_was_put_is_found),
        IN_BOTH(test_kv_store__it_outlives_the_process),
        IN_BOTH(test_kv_store__bytes_are_kept_as_they_are),
        WITH_STATE(test_kv_store__the_answer_waits_for_the_disk),
        WITH_STATE(test_kv_store__what_never_reached_the_disk_is_not_there),
        IN_BOTH(test_kv_store__a_condition_decides),
        IN_BOTH(test_kv_store__one_of_many_at_once_is_the_first),
        IN_BOTH(test_kv_store__what_was_removed_is_gone),
        IN_BOTH(test_kv_store__what_has_a_time_ends_with_it),
        IN_BOTH(test_kv_store__versions_only_grow),
        IN_BOTH(test_kv_store__a_plugin_keeps_only_so_much),
        IN_BOTH(test_kv_store__what_is_over_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

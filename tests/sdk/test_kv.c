/* SPDX-License-Identifier: Apache-2.0 */

/* ops.kv, as a plugin meets it, over a store that the test turns by hand. The plugin: plugins/kv.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/kv.h"
#include "opstream/abi.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

/* ---- the store ---- */

static struct {
    char text[512]; /* of the last request */
    host_kv_done_cb done;
    void *user;
    bool holds; /* the answer comes when the test says so */
    enum host_kv_status status;
    struct host_kv_entry entry; /* version 0: none */
} store;

static void answer(void)
{
    host_kv_done_cb done = store.done;
    store.done = NULL;
    done(store.user, store.status, store.entry.version > 0 ? &store.entry : NULL);
}

static void take(const char *deed, const struct host_kv_request *request, host_kv_done_cb done,
                 void *user)
{
    static const char *const conditions[] = {"", " absent", " version"};
    (void)snprintf(store.text, sizeof store.text, "%s %.*s/%.*s=%.*s%s %llu %llu", deed,
                   STR_ARG(request->plugin), STR_ARG(request->key), STR_ARG(request->value),
                   conditions[request->condition], (unsigned long long)request->version,
                   (unsigned long long)request->ttl_ms);
    store.done = done;
    store.user = user;
    if (!store.holds) {
        answer();
    }
}

static void store_get(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    (void)self;
    take("get", request, done, user);
}

static void store_put(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    (void)self;
    take("put", request, done, user);
}

static void store_remove(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                         void *user)
{
    (void)self;
    take("remove", request, done, user);
}

static const struct host_kv kv = {.get = store_get, .put = store_put, .remove = store_remove};

static const char *run(const char *type, const char *config)
{
    return rig_run(&rig, ++last_token, type, config);
}

/* ---- tests ---- */

static void test_kv__what_is_asked_reaches_the_store(void **state)
{
    (void)state;
    store.entry = (struct host_kv_entry){.version = 7, .expires_unix_ms = 1};
    assert_string_equal(
        run("kv.put", "{\"key\":\"a\",\"value\":\"x y\",\"version\":5,\"ttl_ms\":60}"),
        "done {\"status\":0,\"bytes\":0,\"value\":\"\",\"version\":7,\"expires\":true}");
    assert_string_equal(store.text, "put kv/a=x y version 5 60");
    (void)run("kv.put", "{\"key\":\"a\",\"value\":\"\",\"if_absent\":true}");
    assert_string_equal(store.text, "put kv/a= absent 0 0");
    (void)run("kv.remove", "{\"key\":\"b\",\"version\":3}");
    assert_string_equal(store.text, "remove kv/b= version 3 0");
    (void)run("kv.get", "{\"key\":\"c\"}");
    assert_string_equal(store.text, "get kv/c= 0 0");
}

static void test_kv__each_answer_has_its_status(void **state)
{
    (void)state;
    static const struct {
        enum host_kv_status status;
        const char *end;
    } rows[] = {
        {HOST_KV_OK, "done {\"status\":0}"},       {HOST_KV_NOT_FOUND, "done {\"status\":5}"},
        {HOST_KV_CONFLICT, "done {\"status\":6}"}, {HOST_KV_FULL, "done {\"status\":12}"},
        {HOST_KV_FAILED, "done {\"status\":9}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        store.status = rows[i].status;
        assert_string_equal(run("kv.get", "{\"key\":\"a\"}"), rows[i].end);
    }
}

static void test_kv__an_answer_may_come_later(void **state)
{
    (void)state;
    struct error err;
    char value[] = "held";
    store.holds = true;
    assert_int_equal(rig_start(&rig, ++last_token, "kv.get", "{\"key\":\"a\"}", &err), 0);
    while (store.done == NULL) {
        rig_turn(&rig, 1);
    }
    store.entry = (struct host_kv_entry){.value = str_from(value), .version = 9};
    answer();
    memset(value, '?', sizeof value - 1); /* it was borrowed */
    assert_string_equal(
        rig_wait(&rig, last_token),
        "done {\"status\":0,\"bytes\":4,\"value\":\"held\",\"version\":9,\"expires\":false}");
}

/* The store does not know that, and answers all the same. */
static void test_kv__an_answer_to_a_task_that_was_killed_is_dropped(void **state)
{
    (void)state;
    struct error err;
    store.holds = true;
    assert_int_equal(rig_start(&rig, ++last_token, "kv.put", "{\"key\":\"a\"}", &err), 0);
    while (store.done == NULL) {
        rig_turn(&rig, 1);
    }
    host_task_kill(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, last_token), "failed"));
    answer();
    rig_turn(&rig, 5);
    assert_int_equal(rig.tasks[last_token].ends, 1);
}

static void test_kv__bad_calls_are_refused(void **state)
{
    (void)state;
    static const struct rig_status rows[] = {
        {"no_request", OPS_E_INTERNAL}, {"size", OPS_E_INTERNAL},
        {"no_done", OPS_E_INTERNAL},    {"flag", OPS_E_UNSUPPORTED},
        {"both_flags", OPS_E_INTERNAL}, {"stale", OPS_E_STALE},
        {"no_key", OPS_E_INPUT},        {"no_text", OPS_E_INPUT},
        {"long_key", OPS_E_INPUT},      {"large", OPS_E_INPUT},
        {"get_no_key", OPS_E_INPUT},    {"get_no_done", OPS_E_INTERNAL},
        {"abort_stale", OPS_E_STALE},   {"remove_absent", OPS_E_UNSUPPORTED},
    };
    rig_expect_statuses(run("kv.refused", "{}"), rows, sizeof rows / sizeof rows[0]);
    assert_string_equal(store.text, "");
}

static int set_up(void **state)
{
    static const char *const folder = KV_DIR;
    (void)state;
    memset(&store, 0, sizeof store);
    rig_open(&rig, &(struct rig_options){.folders = &folder, .folder_count = 1, .kv = &kv});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    last_token = 0;
    return 0;
}

/* A host that keeps nothing says so when the plugin is loaded. */
static void test_kv__where_nothing_is_kept_the_plugin_is_refused(void **state)
{
    (void)state;
    rig_expect_lacking(KV_DIR, "kv.get", "{\"key\":\"a\"}", "ops.kv");
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_kv__what_is_asked_reaches_the_store),
        WITH_RIG(test_kv__each_answer_has_its_status),
        WITH_RIG(test_kv__an_answer_may_come_later),
        WITH_RIG(test_kv__an_answer_to_a_task_that_was_killed_is_dropped),
        WITH_RIG(test_kv__bad_calls_are_refused),
        cmocka_unit_test(test_kv__where_nothing_is_kept_the_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

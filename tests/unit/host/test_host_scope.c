/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

/* As much of a host as scopes need, with two plugins. */
struct ground {
    struct host host;
    struct plugin plugin;
    struct plugin other;
    struct scope *scope;
};

static void open_ground(struct ground *ground)
{
    *ground = (struct ground){.host.magic = HOST_MAGIC};
    assert_int_equal(handle_table_init(&ground->host.scopes, HANDLE_SCOPE, scope_destroy), 0);
    assert_int_equal(value_table_init(&ground->host.values), 0);
    ground->plugin = (struct plugin){.magic = PLUGIN_MAGIC, .number = 1, .host = &ground->host};
    ground->other = (struct plugin){.magic = PLUGIN_MAGIC, .number = 2, .host = &ground->host};
    ground->scope = scope_create(&ground->plugin);
    assert_non_null(ground->scope);
}

static void close_ground(struct ground *ground)
{
    if (ground->scope != NULL) {
        handle_retire(&ground->host.scopes, ground->scope->handle);
    }
    assert_int_equal(handle_table_live(&ground->host.scopes), 0);
    handle_table_finish(&ground->host.scopes);
    value_table_finish(&ground->host.values);
}

static uint64_t add_json(struct ground *ground, const char *text)
{
    cleanup_document struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    return scope_add(ground->scope, document, document_root(document));
}

static void test_scope__values_are_found_while_it_lives(void **state)
{
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    (void)state;
    open_ground(&ground);
    uint64_t list = add_json(&ground, "[1,2,3]");
    uint64_t bytes = scope_add_bytes(ground.scope, STR("\x00\xff"));
    uint64_t scalar =
        scope_add_scalar(ground.scope, &(struct value){.type = VALUE_INT, .as.integer = 5});
    assert_true(value_acquire(&ground.plugin, list, &value, &scope));
    assert_ptr_equal(scope, ground.scope);
    assert_int_equal(value_count(value.value), 3);
    scope_release(&ground.plugin, scope);
    assert_true(value_acquire(&ground.plugin, bytes, &value, &scope));
    assert_null(value.value);
    assert_memory_equal(value.bytes.p, "\x00\xff", 2);
    scope_release(&ground.plugin, scope);
    assert_true(value_acquire(&ground.plugin, scalar, &value, &scope));
    assert_int_equal(value_int(value.value), 5);
    scope_release(&ground.plugin, scope);
    close_ground(&ground);
}

static void test_scope__values_end_with_it(void **state)
{
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    (void)state;
    open_ground(&ground);
    uint64_t old = add_json(&ground, "\"old\"");
    handle_retire(&ground.host.scopes, ground.scope->handle);
    assert_false(value_acquire(&ground.plugin, old, &value, &scope));
    ground.scope = scope_create(&ground.plugin);
    uint64_t new = add_json(&ground, "\"new\"");
    assert_int_equal((uint32_t)old, (uint32_t) new); /* the same slot */
    assert_false(value_acquire(&ground.plugin, old, &value, &scope));
    assert_true(value_acquire(&ground.plugin, new, &value, &scope));
    scope_release(&ground.plugin, scope);
    close_ground(&ground);
}

static void test_scope__a_value_that_is_read_keeps_it(void **state)
{
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    (void)state;
    open_ground(&ground);
    uint64_t handle = add_json(&ground, "[\"a long text that lives in a document of its own\"]");
    assert_true(value_acquire(&ground.plugin, handle, &value, &scope));
    handle_retire(&ground.host.scopes, ground.scope->handle);
    ground.scope = NULL;
    assert_true(str_starts_with(value_str(value_at(value.value, 0)), STR("a long")));
    scope_release(&ground.plugin, scope);
    assert_false(value_acquire(&ground.plugin, handle, &value, &scope));
    close_ground(&ground);
}

static void test_scope__others_do_not_find_its_values(void **state)
{
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    (void)state;
    open_ground(&ground);
    uint64_t handle = add_json(&ground, "true");
    assert_false(value_acquire(&ground.other, handle, &value, &scope));
    assert_null(scope_acquire(&ground.other, ground.scope->handle));
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_false(value_acquire(&ground.plugin, handle ^ (uint64_t)1 << bit, &value, &scope));
    }
    close_ground(&ground);
}

static void test_scope__holds_many_values_and_memory(void **state)
{
    enum { COUNT = 3 * VALUE_BLOCK_SLOTS * VALUE_CHUNK_BLOCKS + 1 };
    static uint64_t handles[COUNT];
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    (void)state;
    open_ground(&ground);
    for (int64_t i = 0; i < COUNT; i++) {
        handles[i] =
            scope_add_scalar(ground.scope, &(struct value){.type = VALUE_INT, .as.integer = i});
        assert_true(handles[i] != 0);
    }
    for (int64_t i = 0; i < COUNT; i++) {
        assert_true(value_acquire(&ground.plugin, handles[i], &value, &scope));
        assert_int_equal(value_int(value.value), i);
        scope_release(&ground.plugin, scope);
    }
    char *memory = scope_alloc(ground.scope, 1000);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
    assert_int_equal(memory[999], 0);
    assert_string_equal(scope_dup(ground.scope, STR("text")).p, "text");
    assert_null(scope_alloc(ground.scope, SIZE_MAX));
    close_ground(&ground);
}

/* Reads all items of `[1,"two"]` so many times; how many values that makes. */
static size_t read_often(struct scope *scope, int times)
{
    cleanup_document struct document *document = NULL;
    uint64_t last[2] = {0};
    size_t made = 0;
    assert_int_equal(json_read(STR("[1,\"two\"]"), NULL, &document, NULL), 0);
    for (int i = 0; i < 2 * times; i++) {
        const struct value *item = value_at(document_root(document), (size_t)i % 2);
        uint64_t handle = scope_add_part(scope, document, item);
        assert_true(handle != 0);
        made += handle != last[i % 2] ? 1 : 0;
        last[i % 2] = handle;
    }
    return made;
}

static void test_scope__settings_that_are_read_for_ever_take_no_more(void **state)
{
    struct ground ground;
    struct scope_value value;
    struct scope *scope = NULL;
    struct scope of_task;
    (void)state;
    open_ground(&ground);
    for (int i = 0; i < 2 * VALUE_BLOCK_SLOTS; i++) {
        assert_true(add_json(&ground, "null") != 0);
    }
    assert_int_equal(read_often(ground.scope, 1000), 2);
    assert_int_equal(read_often(ground.scope, 10), 2); /* of another document */
    cleanup_document struct document *document = NULL;
    assert_int_equal(json_read(STR("{\"a\":7}"), NULL, &document, NULL), 0);
    uint64_t handle =
        scope_add_part(ground.scope, document, value_get(document_root(document), STR("a")));
    assert_true(value_acquire(&ground.plugin, handle, &value, &scope));
    assert_int_equal(value_int(value.value), 7);
    scope_release(&ground.plugin, scope);
    ground.scope->task = 1; /* as one that a task has opened: it will end */
    assert_int_equal(read_often(ground.scope, 10), 20);
    ground.scope->task = 0;
    scope_init(&of_task, &ground.host.values, 1, (uint64_t)HANDLE_TASK << 61 | 1);
    assert_int_equal(read_often(&of_task, 10), 20);
    scope_finish(&of_task);
    close_ground(&ground);
}

static void test_scope__reports_lack_of_memory(void **state)
{
    struct ground ground;
    (void)state;
    open_ground(&ground);
    failing_alloc_arm(0);
    assert_int_equal(scope_add_bytes(ground.scope, STR("x")), 0);
    assert_true(failing_alloc_disarm());
    failing_alloc_arm(1);
    assert_int_equal(scope_add_bytes(ground.scope, STR("x")), 0); /* no block for it */
    assert_true(failing_alloc_disarm());
    failing_alloc_arm(0);
    assert_null(scope_dup(ground.scope, STR("x")).p);
    assert_true(failing_alloc_disarm());
    for (long n = 0; n < 2; n++) {
        failing_alloc_arm(n);
        struct scope *scope = scope_create(&ground.other);
        if (failing_alloc_disarm()) {
            assert_null(scope);
        } else {
            assert_non_null(scope);
            handle_retire(&ground.host.scopes, scope->handle);
        }
    }
    close_ground(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope__values_are_found_while_it_lives),
        cmocka_unit_test(test_scope__values_end_with_it),
        cmocka_unit_test(test_scope__a_value_that_is_read_keeps_it),
        cmocka_unit_test(test_scope__others_do_not_find_its_values),
        cmocka_unit_test(test_scope__holds_many_values_and_memory),
        cmocka_unit_test(test_scope__settings_that_are_read_for_ever_take_no_more),
        cmocka_unit_test(test_scope__reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

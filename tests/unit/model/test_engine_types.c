/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

static void test_engine_types__come_in_order_of_name(void **state)
{
    struct engine_types *types = NULL;
    const struct node_type *type = NULL;
    struct str before = STR("");
    size_t count = 0;
    (void)state;
    assert_int_equal(engine_types_create(&types, NULL), 0);
    while ((type = engine_types_at(types, count)) != NULL) {
        assert_true(str_compare(before, type->name) < 0);
        assert_true(type->summary.n > 0);
        assert_int_equal(type->plugin.n, 0);
        before = type->name;
        count++;
    }
    assert_int_equal(count, 10);
    engine_types_destroy(types);
}

static void test_engine_types__are_found_with_their_kind(void **state)
{
    struct engine_types *types = NULL;
    enum node_kind kind = NODE_PLUGIN;
    (void)state;
    assert_int_equal(engine_types_create(&types, NULL), 0);
    assert_non_null(engine_types_find(types, STR("wait"), &kind));
    assert_int_equal(kind, NODE_WAIT);
    assert_non_null(engine_types_find(types, STR("set"), NULL));
    kind = NODE_FAIL;
    assert_null(engine_types_find(types, STR("http"), &kind));
    assert_int_equal(kind, NODE_FAIL);
    engine_types_destroy(types);
}

static int check_config(const struct engine_types *types, struct str type, const char *json)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(json), NULL, &document, NULL), 0);
    const struct schema *schema = engine_types_find(types, type, NULL)->config_schema;
    int status = schema_validate(schema, document_root(document), NULL, NULL);
    document_unref(document);
    return status;
}

static void test_engine_types__check_their_configs(void **state)
{
    struct engine_types *types = NULL;
    (void)state;
    assert_int_equal(engine_types_create(&types, NULL), 0);
    assert_int_equal(check_config(types, STR("start"), "{}"), 0);
    assert_int_equal(check_config(types, STR("start"), "{\"a\": 1}"), E_INVALID);
    assert_int_equal(check_config(types, STR("set"), "{\"a\": [1]}"), 0);
    assert_int_equal(check_config(types, STR("fail"), "{\"message\": \"m\", \"code\": \"C\"}"), 0);
    assert_int_equal(check_config(types, STR("fail"), "{\"code\": \"C\"}"), E_INVALID);
    assert_int_equal(check_config(types, STR("wait"), "{\"seconds\": 0.5}"), 0);
    assert_int_equal(check_config(types, STR("wait"), "{\"seconds\": \"1\"}"), E_INVALID);
    assert_int_equal(check_config(types, STR("router"), "{\"routes\": []}"), E_INVALID);
    assert_int_equal(
        check_config(types, STR("router"), "{\"routes\": [{\"name\": \"a\", \"when\": true}]}"), 0);
    assert_int_equal(check_config(types, STR("conditional"), "{}"), E_INVALID);
    engine_types_destroy(types);
}

static void test_engine_types__survive_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct engine_types *types = NULL;
        failing_alloc_arm(n);
        int status = engine_types_create(&types, NULL);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        engine_types_destroy(types);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_types__come_in_order_of_name),
        cmocka_unit_test(test_engine_types__are_found_with_their_kind),
        cmocka_unit_test(test_engine_types__check_their_configs),
        cmocka_unit_test(test_engine_types__survive_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

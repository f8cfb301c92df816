/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/facets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/checker/chance.h"
#include "core/value/json.h"
#include "core/value/value.h"

static struct document *read_json(const char *text)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    return document;
}

static void collect(struct facets *facets, const struct document *document, uint64_t seed)
{
    struct chance chance = {seed};
    facets_collect(facets, document_root(document), document_root(document), &chance);
}

static void test_facets__follow_references_and_all_of(void **state)
{
    struct facets facets;
    struct document *document =
        read_json("{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"maxLength\":9,"
                  "\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\",\"minLength\":1},"
                  "\"b\":{\"minLength\":3,\"maxLength\":5,\"pattern\":\"x\"}}}");
    (void)state;
    collect(&facets, document, 1);
    assert_int_equal(facets_size(&facets, "maxLength", 0), 9);
    assert_int_equal(facets_size(&facets, "minLength", 0), 3);
    assert_true(str_equal_text(value_str(facets_find(&facets, "pattern")), "x"));
    assert_null(facets_find(&facets, "format"));
    assert_int_equal(facets_size(&facets, "pattern", 7), 7);
    document_unref(document);
}

static void test_facets__take_one_branch_by_chance(void **state)
{
    struct document *document = read_json("{\"oneOf\":[{\"minLength\":1},{\"minLength\":2}],"
                                          "\"if\":{\"format\":\"uri\"},\"then\":{\"maxLength\":1},"
                                          "\"else\":{\"maxLength\":2}}");
    size_t seen[3] = {0};
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct facets facets;
        collect(&facets, document, seed);
        size_t least = facets_size(&facets, "minLength", 0);
        size_t most = facets_size(&facets, "maxLength", 0);
        assert_in_range(least, 1, 2);
        assert_in_range(most, 1, 2);
        assert_int_equal(facets_find(&facets, "format") != NULL, most == 1);
        seen[least]++;
    }
    assert_true(seen[1] > 0 && seen[2] > 0);
    document_unref(document);
}

static void test_facets__end_where_references_do_not(void **state)
{
    struct facets facets;
    struct document *document = read_json("{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#/no\"}],"
                                          "\"$ref\":\"#\"}");
    (void)state;
    collect(&facets, document, 1);
    assert_int_equal(facets.count, FACETS_MOST);
    document_unref(document);
    struct chance chance = {1};
    facets_collect(&facets, NULL, NULL, &chance);
    assert_int_equal(facets.count, 0);
}

static void test_facets__fixed_member_wins(void **state)
{
    struct facets facets;
    struct document *document =
        read_json("{\"properties\":{\"kind\":{\"type\":\"string\"},\"n\":{\"minimum\":1}},"
                  "\"allOf\":[{\"properties\":{\"kind\":{\"const\":\"a\"},\"n\":{}}}],"
                  "\"additionalProperties\":{\"type\":\"null\"}}");
    (void)state;
    collect(&facets, document, 1);
    assert_non_null(value_get(facets_property(&facets, STR("kind")), STR("const")));
    assert_non_null(value_get(facets_property(&facets, STR("n")), STR("minimum")));
    const struct value *other = facets_property(&facets, STR("other"));
    assert_true(str_equal_text(value_str(value_get(other, STR("type"))), "null"));
    document_unref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facets__follow_references_and_all_of),
        cmocka_unit_test(test_facets__take_one_branch_by_chance),
        cmocka_unit_test(test_facets__end_where_references_do_not),
        cmocka_unit_test(test_facets__fixed_member_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

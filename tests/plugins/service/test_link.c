/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/service/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void assert_str(ops_str found, const char *wanted)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%.*s", (int)found.n, found.n > 0 ? found.p : "");
    assert_string_equal(text, wanted);
}

static void test_link__finds_the_relation(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<https://h/a?page=2>; rel=\"next\", <https://h/a?page=9>; rel=\"last\"",
         "https://h/a?page=2"},
        {"<x>; rel=\"last\", <y?a,b;c>; title=\"a, <z>; rel=next\"; rel=\"prev next\"", "y?a,b;c"},
        {"<x>;rel=next", "x"},
        {"<x> ; REL = \"NEXT\" ; a=b", "x"},
        {"<x>; rel=\"nextone\", <y>; rel=\"last\"", ""},
        {"<x>; rel=\"last\"; rel=\"next\"", ""},
        {"<x; rel=\"next\"", ""},
        {"x; rel=\"next\"", ""},
        {"<x>; rel=\"next", ""},
        {"<>; rel=\"next\"", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_str(link_find(str(cases[i][0]), "next"), cases[i][1]);
    }
}

static void test_link__gives_the_query_of_a_url(void **state)
{
    (void)state;
    assert_str(link_query(str("https://h/a?page=2&q=a%20b#part")), "page=2&q=a%20b");
    assert_str(link_query(str("https://h/a?")), "");
    assert_str(link_query(str("https://h/a")), "");
    assert_str(link_query(str("")), "");
    assert_str(link_query(str("?page=2")), "page=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link__finds_the_relation),
        cmocka_unit_test(test_link__gives_the_query_of_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

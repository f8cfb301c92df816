/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/service/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void put(struct kept *kept, const char *key, const char *stamp, const char *body)
{
    kept_put(kept, str(key), str(stamp), str(body));
}

/* "STAMP BODY", or "none". */
static const char *find(struct kept *kept, const char *key)
{
    static char text[256];
    struct kept_text found = {{0}, {0}};
    if (!kept_find(kept, str(key), &found)) {
        return "none";
    }
    (void)snprintf(text, sizeof text, "%.*s %.*s", (int)found.stamp.n, found.stamp.p,
                   (int)found.body.n, found.body.p);
    kept_text_finish(&found);
    return text;
}

static void test_kept__gives_what_was_put_last(void **state)
{
    (void)state;
    struct kept *kept = kept_create();
    assert_non_null(kept);
    assert_string_equal(find(kept, "/a"), "none");
    put(kept, "/a", "1", "one");
    put(kept, "/ab", "2", "two");
    assert_string_equal(find(kept, "/a"), "1 one");
    put(kept, "/a", "3", "three");
    assert_string_equal(find(kept, "/a"), "3 three");
    assert_string_equal(find(kept, "/ab"), "2 two");
    assert_string_equal(find(kept, "/"), "none");
    kept_destroy(kept);
    kept_destroy(NULL);
}

static void test_kept__what_is_used_least_goes_first(void **state)
{
    (void)state;
    struct kept *kept = kept_create();
    size_t size = KEPT_BYTES / 5;
    char *body = malloc(size + 1);
    assert_non_null(kept);
    assert_non_null(body);
    memset(body, 'x', size);
    body[size] = '\0';
    for (char name[2] = "a"; name[0] <= 'd'; name[0]++) {
        put(kept, name, name, body);
    }
    assert_string_not_equal(find(kept, "a"), "none"); /* and so it was used last */
    put(kept, "e", "e", body);
    assert_string_equal(find(kept, "b"), "none");
    for (const char *name = "acde"; *name != '\0'; name++) {
        const char one[2] = {*name, '\0'};
        assert_string_not_equal(find(kept, one), "none");
    }
    kept_destroy(kept);
    free(body);
}

static void test_kept__keeps_nothing_that_is_too_large(void **state)
{
    (void)state;
    struct kept *kept = kept_create();
    size_t size = KEPT_BYTES / 4 + 1;
    char *body = malloc(size + 1);
    assert_non_null(kept);
    assert_non_null(body);
    memset(body, 'x', size);
    body[size] = '\0';
    put(kept, "/a", "1", "one");
    put(kept, "/a", "2", body);
    assert_string_equal(find(kept, "/a"), "none"); /* what was kept is over, too */
    kept_destroy(kept);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept__gives_what_was_put_last),
        cmocka_unit_test(test_kept__what_is_used_least_goes_first),
        cmocka_unit_test(test_kept__keeps_nothing_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

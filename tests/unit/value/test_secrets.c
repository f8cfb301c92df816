/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/mask.h"
#include "core/value/secrets.h"
#include "tests/support/failing_alloc.h"

static const char *const environment[] = {
    "HOME=/root",
    "OPSTREAM_SECRET_API_KEY=key=with=signs",
    "OPSTREAM_SECRET_API_KEY=second",
    "OPSTREAM_SECRET_PIN=123",
    "OPSTREAM_SECRET_BAD=\xFF\xFF\xFF\xFF",
    "OPSTREAM_SECRET_EMPTY=",
    "OPSTREAM_SECRET_NO_SIGN",
    "OPSTREAM_SECRETS=other",
    NULL,
};

static struct secrets *make(const char *const *entries)
{
    struct secrets *secrets = NULL;
    struct error err = {0};
    if (secrets_create(entries, &secrets, &err) != 0) {
        fail_msg("secrets_create: %s", err.message);
    }
    return secrets;
}

static void test_secrets__come_from_their_variables(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_true(str_equal(secrets_find(secrets, STR("api_key")), STR("key=with=signs")));
    assert_true(str_equal(secrets_find(secrets, STR("API-KEY")), STR("key=with=signs")));
    assert_true(str_equal(secrets_find(secrets, STR("Api.Key")), STR("key=with=signs")));
    assert_null(secrets_find(secrets, STR("api")).p);
    assert_null(secrets_find(secrets, STR("no_sign")).p);
    assert_null(secrets_find(secrets, STR("")).p);
    assert_null(secrets_find(secrets, STR("api key")).p);
    secrets_destroy(secrets);
}

static void test_secrets__values_with_faults_are_not_given_out(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_null(secrets_find(secrets, STR("pin")).p);
    assert_null(secrets_find(secrets, STR("bad")).p);
    assert_null(secrets_find(secrets, STR("empty")).p);
    assert_string_equal(secrets_find_variable(secrets, STR("OPSTREAM_SECRET_PIN")), "123");
    assert_null(secrets_find_variable(secrets, STR("OPSTREAM_SECRET_OTHER")));
    struct strbuf out = STRBUF_INIT;
    assert_int_equal(mask_text(secrets_mask(secrets), STR("123 key=with=signs"), &out), MASK_FOUND);
    assert_string_equal(strbuf_str(&out).p, "123 ***");
    strbuf_finish(&out);
    secrets_destroy(secrets);
}

static void test_secrets__none_is_null(void **state)
{
    static const char *const entries[] = {"HOME=/root", NULL};
    (void)state;
    assert_null(make(entries));
    assert_null(secrets_find(NULL, STR("a")).p);
    assert_null(secrets_find_variable(NULL, STR("OPSTREAM_SECRET_A")));
    assert_null(secrets_mask(NULL));
    secrets_destroy(NULL);
}

static void test_secrets__names_have_bounds(void **state)
{
    static const char *const bad[] = {"", "a b", "a/b", "\xC3\xA9", "a=b", "a\n"};
    struct secrets_variable variable;
    char name[SECRETS_MAX_NAME_BYTES + 1];
    (void)state;
    memset(name, 'x', sizeof(name));
    assert_true(secrets_variable_of(str_make(name, SECRETS_MAX_NAME_BYTES), &variable));
    assert_int_equal(strlen(variable.text),
                     strlen(SECRETS_VARIABLE_PREFIX) + SECRETS_MAX_NAME_BYTES);
    assert_false(secrets_variable_of(str_make(name, sizeof(name)), &variable));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(secrets_variable_of(str_from(bad[i]), &variable));
    }
    assert_true(secrets_variable_of(STR("aZ09_-."), &variable));
    assert_string_equal(variable.text, "OPSTREAM_SECRET_AZ09___");
}

static void test_secrets__values_have_bounds(void **state)
{
    (void)state;
    char *longest = calloc(SECRETS_MAX_BYTES + 1, 1);
    assert_non_null(longest);
    memset(longest, 'x', SECRETS_MAX_BYTES + 1);
    assert_null(secrets_fault_of(STR("abcd")));
    assert_null(secrets_fault_of(str_make(longest, SECRETS_MAX_BYTES)));
    assert_string_equal(secrets_fault_of(STR("abc")), "is shorter than 4 bytes");
    assert_string_equal(secrets_fault_of(str_make(longest, SECRETS_MAX_BYTES + 1)),
                        "is longer than 64 KiB");
    assert_string_equal(secrets_fault_of(STR("abc\xC3")), "is not UTF-8");
    free(longest);
}

/* What another process of the program makes of the copies is the same. */
static void test_secrets__are_handed_on_as_they_came(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    const char *copies[8] = {NULL};
    assert_int_equal(secrets_count(NULL), 0);
    assert_int_equal(secrets_count(secrets), 5);
    for (size_t i = 0; i < secrets_count(secrets); i++) {
        copies[i] = secrets_copy_entry(secrets, i);
        assert_non_null(copies[i]);
        assert_string_equal(copies[i], environment[i + 1]);
    }
    struct secrets *again = make(copies);
    assert_int_equal(secrets_count(again), 5);
    assert_true(str_equal(secrets_find(again, STR("api_key")), STR("key=with=signs")));
    failing_alloc_arm(0);
    assert_null(secrets_copy_entry(secrets, 0));
    (void)failing_alloc_disarm();
    for (size_t i = 0; copies[i] != NULL; i++) {
        secrets_free_entry((char *)(uintptr_t)copies[i]);
    }
    secrets_free_entry(NULL);
    secrets_destroy(again);
    secrets_destroy(secrets);
}

static void test_secrets__survive_a_failing_allocation(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct secrets *secrets = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = secrets_create(environment, &secrets, &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        secrets_destroy(secrets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets__come_from_their_variables),
        cmocka_unit_test(test_secrets__values_with_faults_are_not_given_out),
        cmocka_unit_test(test_secrets__none_is_null),
        cmocka_unit_test(test_secrets__names_have_bounds),
        cmocka_unit_test(test_secrets__values_have_bounds),
        cmocka_unit_test(test_secrets__are_handed_on_as_they_came),
        cmocka_unit_test(test_secrets__survive_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/guarded.h"
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

static struct str look(struct secrets *secrets, const char *name)
{
    struct str value = {0};
    struct error err = {0};
    int status = secrets_look(secrets, str_from(name), &value, &err);
    assert_int_equal(status, err.code);
    return value;
}

static void assert_look_fails(struct secrets *secrets, const char *name, int code,
                              const char *message)
{
    struct str value = {0};
    struct error err = {0};
    assert_int_equal(secrets_look(secrets, str_from(name), &value, &err), code);
    assert_string_equal(err.message, message);
    assert_null(value.p);
}

static void test_secrets__come_from_their_variables(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_true(str_equal(look(secrets, "api_key"), STR("key=with=signs")));
    assert_true(str_equal(look(secrets, "API-KEY"), STR("key=with=signs")));
    assert_true(str_equal(look(secrets, "Api.Key"), STR("key=with=signs")));
    assert_look_fails(secrets, "api", E_NOT_FOUND, "the secret 'api' is not set");
    assert_look_fails(secrets, "no_sign", E_NOT_FOUND, "the secret 'no_sign' is not set");
    assert_look_fails(secrets, "", E_INVALID, "no secret can have the name ''");
    assert_look_fails(secrets, "api key", E_INVALID, "no secret can have the name 'api key'");
    assert_true(secrets_has_variable(secrets, STR("Api.Key")));
    assert_false(secrets_has_variable(secrets, STR("api")));
    secrets_destroy(secrets);
}

static void test_secrets__values_with_faults_are_not_given_out(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_look_fails(secrets, "pin", E_INVALID, "the secret 'pin' is shorter than 4 bytes");
    assert_look_fails(secrets, "bad", E_INVALID, "the secret 'bad' is not UTF-8");
    assert_look_fails(secrets, "empty", E_INVALID, "the secret 'empty' is shorter than 4 bytes");
    assert_true(secrets_has_variable(secrets, STR("pin")));
    struct strbuf out = STRBUF_INIT;
    assert_int_equal(mask_text(secrets_mask(secrets), STR("123 key=with=signs"), &out), MASK_FOUND);
    assert_string_equal(strbuf_str(&out).p, "123 ***");
    strbuf_finish(&out);
    secrets_destroy(secrets);
}

static void test_secrets__none_hide_nothing(void **state)
{
    static const char *const entries[] = {"HOME=/root", NULL};
    (void)state;
    struct secrets *secrets = make(entries);
    assert_null(secrets_mask(secrets));
    assert_int_equal(secrets_count(secrets), 0);
    assert_look_fails(secrets, "a", E_NOT_FOUND, "the secret 'a' is not set");
    secrets_destroy(secrets);
    assert_look_fails(NULL, "a", E_NOT_FOUND, "the secret 'a' is not set");
    assert_null(secrets_mask(NULL));
    assert_false(secrets_is_in(NULL, STR("a"), STR("a")));
    secrets_destroy(NULL);
}

/* ---- a source ---- */

struct place {
    const char *value; /* NULL: absent */
    uint64_t stamp;
    int status; /* of read() and bind(), when it is not 0 */
    int reads;
    const char *hosts;
};

static int read_place(void *user, struct str name, uint64_t known,
                      struct secrets_reading *out_reading, struct error *err)
{
    struct place *place = user;
    if (place->status != 0) {
        return error_set(err, place->status, "the file of '%.*s' is broken", STR_ARG(name));
    }
    if (place->value == NULL) {
        return SECRETS_ABSENT;
    }
    if (known != 0 && known == place->stamp) {
        return SECRETS_UNCHANGED;
    }
    place->reads++;
    size_t n = strlen(place->value);
    char *p = guarded_alloc(n + 1);
    assert_non_null(p);
    memcpy(p, place->value, n);
    *out_reading = (struct secrets_reading){.p = p, .n = n, .stamp = place->stamp};
    return 0;
}

static int bind_place(void *user, struct str name, struct secrets_binding *binding,
                      struct error *err)
{
    struct place *place = user;
    if (place->status != 0) {
        return error_set(err, place->status, "the file of '%.*s' is broken", STR_ARG(name));
    }
    strbuf_append_text(&binding->hosts, place->hosts != NULL ? place->hosts : "");
    binding->is_bound = place->hosts != NULL;
    return 0;
}

static void append_place(void *user, struct str name, struct strbuf *out)
{
    (void)user;
    strbuf_append_format(out, " and in 'x/%.*s'", STR_ARG(name));
}

static struct secrets *make_with(struct place *place)
{
    const struct secrets_source source = {
        .user = place, .read = read_place, .bind = bind_place, .append_places = append_place};
    struct secrets *secrets = make(environment);
    secrets_set_source(secrets, &source);
    return secrets;
}

static void assert_masked(const struct secrets *secrets, const char *text, const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    int status = mask_text(secrets_mask(secrets), str_from(text), &out);
    assert_string_equal(status == MASK_FOUND ? strbuf_str(&out).p : text, expected);
    strbuf_finish(&out);
}

static void test_secrets__a_source_is_asked_each_time(void **state)
{
    (void)state;
    struct place place = {.value = "first-value", .stamp = 7};
    struct secrets *secrets = make_with(&place);
    assert_masked(secrets, "a first-value", "a first-value"); /* nobody was given it */
    assert_true(str_equal(look(secrets, "token"), STR("first-value")));
    assert_true(str_equal(look(secrets, "token"), STR("first-value")));
    assert_int_equal(place.reads, 1);
    place = (struct place){.value = "second-value", .stamp = 8};
    struct str second = look(secrets, "token");
    assert_true(str_equal(second, STR("second-value")));
    assert_masked(secrets, "first-value second-value key=with=signs", "*** *** ***");
    place.stamp = 0; /* read each time, and still the same */
    assert_ptr_equal(look(secrets, "token").p, second.p);
    assert_ptr_equal(look(secrets, "token").p, second.p);
    assert_int_equal(place.reads, 3);
    place.value = NULL;
    assert_look_fails(secrets, "token", E_NOT_FOUND, "the secret 'token' is not set");
    place.value = "abc";
    assert_look_fails(secrets, "token", E_INVALID, "the secret 'token' is shorter than 4 bytes");
    place.status = E_CORRUPT;
    assert_look_fails(secrets, "token", E_CORRUPT,
                      "the secret 'token': the file of 'token' is broken");
    assert_true(str_equal(look(secrets, "api_key"), STR("key=with=signs"))); /* not asked */
    secrets_destroy(secrets);
}

static void test_secrets__the_latest_values_stay_hidden(void **state)
{
    (void)state;
    char value[32] = "";
    struct place place = {.value = value};
    struct secrets *secrets = make_with(&place);
    for (int i = 0; i <= SECRETS_KEPT_VALUES; i++) {
        (void)snprintf(value, sizeof(value), "value-number-%d.", i);
        assert_true(str_equal(look(secrets, "token"), str_from(value)));
    }
    assert_masked(secrets, "value-number-0. value-number-1. value-number-16.",
                  "value-number-0. *** ***");
    assert_true(secrets_is_in(secrets, STR("token"), STR("x value-number-1.")));
    assert_false(secrets_is_in(secrets, STR("token"), STR("x value-number-0.")));
    secrets_destroy(secrets);
}

static void test_secrets__are_told_apart_in_a_text(void **state)
{
    (void)state;
    struct place place = {.value = "first-value", .stamp = 7};
    struct secrets *secrets = make_with(&place);
    assert_false(secrets_is_in(secrets, STR("token"), STR("first-value"))); /* not looked at */
    (void)look(secrets, "token");
    assert_true(secrets_is_in(secrets, STR("token"), STR("Bearer first-value")));
    assert_true(secrets_is_in(secrets, STR("token"), STR("Zmlyc3QtdmFsdWU="))); /* base64 */
    assert_false(secrets_is_in(secrets, STR("token"), STR("key=with=signs")));
    assert_true(secrets_is_in(secrets, STR("api-key"), STR("key=with=signs")));
    assert_false(secrets_is_in(secrets, STR("api-key"), STR("first-value")));
    assert_false(secrets_is_in(secrets, STR("other"), STR("first-value")));
    secrets_destroy(secrets);
}

static void test_secrets__a_source_says_where_they_may_go(void **state)
{
    (void)state;
    struct place place = {.hosts = "a.example\n"};
    struct secrets *secrets = make_with(&place);
    struct secrets_binding binding = {0};
    struct error err = {0};
    assert_int_equal(secrets_bind(secrets, STR("token"), &binding, &err), 0);
    assert_true(binding.is_bound);
    assert_string_equal(binding.hosts.p, "a.example\n");
    secrets_binding_finish(&binding);
    place.status = E_IO;
    assert_int_equal(secrets_bind(secrets, STR("token"), &binding, &err), E_IO);
    secrets_binding_finish(&binding);
    assert_int_equal(secrets_bind(NULL, STR("token"), &binding, &err), 0);
    assert_false(binding.is_bound);
    secrets_binding_finish(&binding);
    secrets_destroy(secrets);
}

static void test_secrets__tell_how_one_is_set(void **state)
{
    (void)state;
    struct place place = {0};
    struct secrets *plain = make(environment);
    struct secrets *secrets = make_with(&place);
    struct strbuf cure = STRBUF_INIT;
    secrets_append_cure(plain, STR("my.key"), &cure);
    assert_string_equal(cure.p, "set OPSTREAM_SECRET_MY_KEY");
    strbuf_clear(&cure);
    secrets_append_cure(secrets, STR("my.key"), &cure);
    assert_string_equal(cure.p, "set OPSTREAM_SECRET_MY_KEY, or use 'opstream secrets set my.key'; "
                                "looked in the environment and in 'x/my.key'");
    strbuf_clear(&cure);
    secrets_append_cure(secrets, STR("pin"), &cure); /* it is there, with a fault */
    assert_string_equal(cure.p, "set OPSTREAM_SECRET_PIN, or use 'opstream secrets set pin'");
    strbuf_finish(&cure);
    secrets_destroy(plain);
    secrets_destroy(secrets);
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
    assert_string_equal(secrets_fault_of(str_make("abc\0d", 5)), "has a NUL byte");
    free(longest);
}

/* What another process of the program makes of the copies is the same. */
static void test_secrets__are_handed_on_as_they_came(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    const char *copies[8] = {NULL};
    assert_true(str_equal(secrets_variable_at(secrets, 0), STR("OPSTREAM_SECRET_API_KEY")));
    assert_int_equal(secrets_variable_at(secrets, 5).n, 0);
    assert_int_equal(secrets_count(NULL), 0);
    assert_int_equal(secrets_count(secrets), 5);
    for (size_t i = 0; i < secrets_count(secrets); i++) {
        copies[i] = secrets_copy_entry(secrets, i);
        assert_non_null(copies[i]);
        assert_string_equal(copies[i], environment[i + 1]);
    }
    struct secrets *again = make(copies);
    assert_int_equal(secrets_count(again), 5);
    assert_true(str_equal(look(again, "api_key"), STR("key=with=signs")));
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

static void test_secrets__a_new_value_survives_a_failing_allocation(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct place place = {.value = "first-value"};
        struct secrets *secrets = make_with(&place);
        struct str value = {0};
        struct error err = {0};
        failing_alloc_arm(n);
        int status = secrets_look(secrets, STR("token"), &value, &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_true(str_equal(look(secrets, "token"), STR("first-value")));
        assert_masked(secrets, "first-value", "***");
        secrets_destroy(secrets);
    }
}

/* ---- what is made of secrets ---- */

static int adopt(struct secrets *secrets, const char *name, const char *text, int64_t until_ms,
                 int64_t now_ms)
{
    const struct secrets_adoption adoption = {str_from(name), str_from(text), until_ms};
    return secrets_adopt(secrets, &adoption, now_ms, NULL);
}

static bool is_hidden(const struct secrets *secrets, const char *text)
{
    struct strbuf shown = STRBUF_INIT;
    const struct mask *mask = secrets_mask(secrets);
    bool is_found = mask != NULL && mask_text(mask, str_from(text), &shown) == MASK_FOUND;
    strbuf_finish(&shown);
    return is_found;
}

static void test_secrets__what_is_made_of_one_is_one(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_false(is_hidden(secrets, "ghs_token"));
    assert_int_equal(adopt(secrets, "Api.Key", "ghs_token", 100, 0), 0);
    assert_true(is_hidden(secrets, "a ghs_token b"));
    assert_true(is_hidden(secrets, "Z2hzX3Rva2Vu")); /* base64 */
    assert_true(is_hidden(secrets, "6768735f746f6b656e"));
    assert_true(secrets_is_in(secrets, STR("api_key"), STR("Bearer ghs_token")));
    assert_false(secrets_is_in(secrets, STR("pin"), STR("Bearer ghs_token")));
    assert_true(secrets_is_in(secrets, STR("api_key"), STR("key=with=signs")));
    secrets_destroy(secrets);
}

static void test_secrets__what_is_made_of_one_is_forgotten_in_time(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_int_equal(adopt(secrets, "api_key", "first token", 100, 0), 0);
    assert_int_equal(adopt(secrets, "api_key", "later token", 200, 99), 0);
    assert_true(is_hidden(secrets, "first token"));
    assert_int_equal(adopt(secrets, "api_key", "third token", 300, 100), 0);
    assert_false(is_hidden(secrets, "first token"));
    assert_false(secrets_is_in(secrets, STR("api_key"), STR("first token")));
    assert_true(is_hidden(secrets, "later token"));
    /* Once more: its time is another. */
    assert_int_equal(adopt(secrets, "api_key", "later token", 500, 150), 0);
    assert_int_equal(adopt(secrets, "api_key", "fourth token", 600, 400), 0);
    assert_true(is_hidden(secrets, "later token"));
    assert_false(is_hidden(secrets, "third token"));
    secrets_destroy(secrets);
}

static void test_secrets__the_shortest_lived_goes_when_there_are_too_many(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_int_equal(adopt(secrets, "api_key", "long lived", 1000000, 0), 0);
    for (int i = 0; i < SECRETS_ADOPTED_MOST; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "token %d.", 1000 + i);
        assert_int_equal(adopt(secrets, "api_key", text, 1000 + i, 0), 0);
    }
    assert_true(is_hidden(secrets, "long lived"));
    assert_false(is_hidden(secrets, "token 1000."));
    assert_true(is_hidden(secrets, "token 1001."));
    secrets_destroy(secrets);
}

static void test_secrets__what_cannot_be_hidden_is_not_adopted(void **state)
{
    (void)state;
    struct secrets *secrets = make(environment);
    assert_int_equal(adopt(secrets, "api_key", "abc", 100, 0), E_INVALID);
    assert_int_equal(adopt(secrets, "api_key", "\xFF\xFF\xFF\xFF", 100, 0), E_INVALID);
    assert_false(is_hidden(secrets, "abc"));
    secrets_destroy(secrets);
}

static void test_secrets__adopting_survives_a_failing_allocation(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        struct secrets *secrets = make(environment);
        assert_int_equal(adopt(secrets, "api_key", "first token", 100, 0), 0);
        failing_alloc_arm(n);
        int status = adopt(secrets, "api_key", "later token", 100, 0);
        bool has_failed = failing_alloc_disarm();
        assert_true(is_hidden(secrets, "first token"));
        assert_int_equal(is_hidden(secrets, "later token"), status == 0);
        secrets_destroy(secrets);
        if (!has_failed) {
            assert_int_equal(status, 0);
            return;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

/* ---- secrets of definitions ---- */

static void test_secrets__those_of_definitions_are_hidden(void **state)
{
    static const char *const entries[] = {NULL};
    (void)state;
    struct secrets *secrets = make(entries);
    struct error err = {0};
    assert_int_equal(secrets_hide(NULL, STR("a-token"), &err), 0);
    assert_false(secrets_is_hidden_in(NULL, STR("a-token"), STR("a-token")));
    assert_int_equal(secrets_hide(secrets, STR("a-token"), &err), 0);
    assert_int_equal(secrets_hide(secrets, STR("b-token"), &err), 0);
    assert_int_equal(secrets_hide(secrets, STR("a-token"), &err), 0);
    assert_masked(secrets, "a-token b-token", "*** ***");
    assert_true(secrets_is_hidden_in(secrets, STR("a-token"), STR("Bearer a-token")));
    assert_false(secrets_is_hidden_in(secrets, STR("a-token"), STR("Bearer b-token")));
    assert_false(secrets_is_hidden_in(secrets, STR("c-token"), STR("Bearer c-token")));
    assert_int_equal(secrets_count(secrets), 0);
    secrets_destroy(secrets);
}

static void test_secrets__what_was_hidden_first_makes_room(void **state)
{
    static const char *const entries[] = {NULL};
    (void)state;
    struct secrets *secrets = make(entries);
    struct error err = {0};
    for (int i = 0; i < SECRETS_HIDDEN_MOST; i++) {
        char value[16];
        (void)snprintf(value, sizeof(value), "value-%04d", i);
        assert_int_equal(secrets_hide(secrets, str_from(value), &err), 0);
    }
    assert_int_equal(secrets_hide(secrets, STR("value-0000"), &err), 0);
    assert_int_equal(secrets_hide(secrets, STR("value-last"), &err), 0);
    assert_masked(secrets, "value-0000 value-0001 value-0002 value-last", "*** value-0001 *** ***");
    secrets_destroy(secrets);
}

static void test_secrets__hiding_survives_a_failing_allocation(void **state)
{
    static const char *const entries[] = {NULL};
    bool is_reached = true;
    (void)state;
    for (int n = 1; is_reached; n++) {
        struct secrets *secrets = make(entries);
        struct error err = {0};
        failing_alloc_arm(n);
        int status = secrets_hide(secrets, STR("a-token"), &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_int_equal(secrets_hide(secrets, STR("a-token"), &err), 0);
        assert_masked(secrets, "a-token", "***");
        secrets_destroy(secrets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets__come_from_their_variables),
        cmocka_unit_test(test_secrets__values_with_faults_are_not_given_out),
        cmocka_unit_test(test_secrets__none_hide_nothing),
        cmocka_unit_test(test_secrets__a_source_is_asked_each_time),
        cmocka_unit_test(test_secrets__the_latest_values_stay_hidden),
        cmocka_unit_test(test_secrets__are_told_apart_in_a_text),
        cmocka_unit_test(test_secrets__a_source_says_where_they_may_go),
        cmocka_unit_test(test_secrets__tell_how_one_is_set),
        cmocka_unit_test(test_secrets__names_have_bounds),
        cmocka_unit_test(test_secrets__values_have_bounds),
        cmocka_unit_test(test_secrets__are_handed_on_as_they_came),
        cmocka_unit_test(test_secrets__survive_a_failing_allocation),
        cmocka_unit_test(test_secrets__a_new_value_survives_a_failing_allocation),
        cmocka_unit_test(test_secrets__what_is_made_of_one_is_one),
        cmocka_unit_test(test_secrets__what_is_made_of_one_is_forgotten_in_time),
        cmocka_unit_test(test_secrets__the_shortest_lived_goes_when_there_are_too_many),
        cmocka_unit_test(test_secrets__what_cannot_be_hidden_is_not_adopted),
        cmocka_unit_test(test_secrets__adopting_survives_a_failing_allocation),
        cmocka_unit_test(test_secrets__those_of_definitions_are_hidden),
        cmocka_unit_test(test_secrets__what_was_hidden_first_makes_room),
        cmocka_unit_test(test_secrets__hiding_survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

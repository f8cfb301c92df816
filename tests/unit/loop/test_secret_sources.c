/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"
#include "core/value/json.h"
#include "core/value/secrets.h"
#include "core/value/value.h"
#include "tests/support/scratch_folder.h"

/* Files that were changed just now are read each time: these here are old. */
int64_t __wrap_clock_unix_ms(void);
int64_t __real_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return __real_clock_unix_ms() + 10000;
}

static struct scratch_folder scratch;
static char *credentials;
static char *folder;
static char *state;
static struct secret_sources *sources;
static struct secrets *secrets;

static int set_up(void **test_state)
{
    static const char *const environment[] = {"OPSTREAM_SECRET_A=from-environment", NULL};
    struct error err = {0};
    (void)test_state;
    scratch_folder_make(&scratch);
    credentials = scratch_folder_path(&scratch, "credentials");
    folder = scratch_folder_path(&scratch, "folder");
    state = scratch_folder_path(&scratch, "state");
    assert_int_equal(mkdir(credentials, 0700) + mkdir(folder, 0700) + mkdir(state, 0700), 0);
    const struct secret_sources_options options = {.credentials = credentials, .state = state};
    assert_int_equal(secret_sources_create(&options, &sources, &err), 0);
    assert_int_equal(secret_sources_configure(sources, folder, NULL, &err), 0);
    assert_int_equal(secrets_create(environment, &secrets, &err), 0);
    const struct secrets_source table = secret_sources_table(sources);
    secrets_set_source(secrets, &table);
    return 0;
}

static int tear_down(void **test_state)
{
    (void)test_state;
    secrets_destroy(secrets);
    secret_sources_destroy(sources);
    free(credentials);
    free(folder);
    free(state);
    scratch_folder_remove(&scratch);
    return 0;
}

static void put(const char *where, const char *name, const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", where, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void set(const char *name, const char *value, const char *hosts)
{
    const struct secret_change change = {
        .name = str_from(name), .value = str_from(value), .hosts = hosts};
    struct error err = {0};
    assert_int_equal(secret_store_set(secret_sources_store(sources), &change, NULL, &err), 0);
}

static void assert_is(const char *name, const char *expected)
{
    struct str value = {0};
    struct error err = {0};
    if (secrets_look(secrets, str_from(name), &value, &err) != 0) {
        assert_string_equal(err.message, expected);
        return;
    }
    assert_true(str_equal(value, str_from(expected)));
}

static void test_secret_sources__the_first_that_has_it_counts(void **test_state)
{
    (void)test_state;
    assert_is("b", "the secret 'b' is not set");
    set("b", "from-store", NULL);
    assert_is("b", "from-store");
    put(folder, "b", "from-folder\n");
    assert_is("b", "from-folder");
    put(credentials, "b", "from-credentials\n");
    assert_is("b", "from-credentials");
    set("a", "from-store", NULL);
    put(credentials, "a", "from-credentials");
    assert_is("a", "from-environment");
    put(credentials, "b", "new-credentials\n");
    assert_is("b", "new-credentials");
    char *path = scratch_folder_path(&scratch, "credentials/b");
    assert_int_equal(unlink(path), 0);
    assert_is("b", "from-folder");
    free(path);
}

/* What stands first and cannot be read is not passed over. */
static void test_secret_sources__a_fault_is_not_passed_over(void **test_state)
{
    char expected[2048];
    (void)test_state;
    set("b", "from-store", NULL);
    put(folder, "b", "from-folder\n");
    char *path = scratch_folder_path(&scratch, "folder/b");
    assert_int_equal(chmod(path, 0644), 0);
    (void)snprintf(expected, sizeof(expected),
                   "the secret 'b': '%s' has mode 0644, so that others can read or change it: use "
                   "chmod o=,g-w '%s'",
                   path, path);
    assert_is("b", expected);
    free(path);
}

static void test_secret_sources__name_the_places(void **test_state)
{
    char expected[2048];
    struct error err = {0};
    struct strbuf cure = STRBUF_INIT;
    (void)test_state;
    secrets_append_cure(secrets, STR("b"), &cure);
    (void)snprintf(expected, sizeof(expected),
                   "set OPSTREAM_SECRET_B, or use 'opstream secrets set b'; looked in the "
                   "environment, the credentials '%s', the folder '%s' and the store "
                   "'%s/secrets.json'",
                   credentials, folder, state);
    assert_string_equal(cure.p, expected);
    assert_int_equal(secret_sources_configure(sources, "", NULL, &err), 0); /* no folder */
    strbuf_clear(&cure);
    secrets_append_cure(secrets, STR("b"), &cure);
    assert_null(strstr(cure.p, "the folder"));
    strbuf_finish(&cure);
}

static void test_secret_sources__settings_and_store_bind(void **test_state)
{
    struct document *bindings = NULL;
    struct error err = {0};
    struct secrets_binding binding = {0};
    (void)test_state;
    assert_int_equal(json_read(STR("{\"My-Key\":{\"hosts\":[\"a.example\"],\"processes\":true},"
                                   "\"none\":{\"hosts\":[]}}"),
                               NULL, &bindings, &err),
                     0);
    assert_int_equal(secret_sources_configure(sources, folder, bindings, &err), 0);
    document_unref(bindings);
    set("my_key", "from-store", "b.example\n");
    assert_int_equal(secrets_bind(secrets, STR("my_key"), &binding, &err), 0);
    assert_string_equal(binding.hosts.p, "a.example\nb.example\n");
    assert_true(binding.is_bound && binding.allows_processes);
    secrets_binding_finish(&binding);
    assert_int_equal(secrets_bind(secrets, STR("none"), &binding, &err), 0);
    assert_true(binding.is_bound && !binding.allows_processes && binding.hosts.n == 0);
    secrets_binding_finish(&binding);
    assert_int_equal(secrets_bind(secrets, STR("other"), &binding, &err), 0);
    assert_false(binding.is_bound);
    secrets_binding_finish(&binding);
}

static int note(void *user, struct str name, const char *from, const char *path)
{
    (void)path;
    strbuf_append_format(user, "%.*s: %s\n", STR_ARG(name), from);
    return 0;
}

static void test_secret_sources__tell_their_files(void **test_state)
{
    struct strbuf found = STRBUF_INIT;
    (void)test_state;
    put(credentials, "a", "value-1");
    put(credentials, "opstream-secrets-key", "no secret of a pipeline");
    put(folder, "b", "value-1");
    put(folder, ".hidden", "value-1");
    assert_int_equal(secret_sources_each_file(sources, note, &found), 0);
    assert_string_equal(found.p, "a: the credentials\nb: the folder\n");
    strbuf_finish(&found);
}

static void test_secret_sources__need_no_place_at_all(void **test_state)
{
    const struct secret_sources_options options = {0};
    struct secret_sources *bare = NULL;
    struct secrets_reading reading = {0};
    struct error err = {0};
    (void)test_state;
    assert_int_equal(secret_sources_create(&options, &bare, &err), 0);
    assert_int_equal(secret_sources_configure(bare, "", NULL, &err), 0);
    const struct secrets_source table = secret_sources_table(bare);
    assert_int_equal(table.read(table.user, STR("a"), 0, &reading, &err), SECRETS_ABSENT);
    assert_null(secret_sources_store(bare));
    secret_sources_destroy(bare);
    secret_sources_destroy(NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_secret_sources__the_first_that_has_it_counts),
        IN_FOLDER(test_secret_sources__a_fault_is_not_passed_over),
        IN_FOLDER(test_secret_sources__name_the_places),
        IN_FOLDER(test_secret_sources__settings_and_store_bind),
        IN_FOLDER(test_secret_sources__tell_their_files),
        IN_FOLDER(test_secret_sources__need_no_place_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

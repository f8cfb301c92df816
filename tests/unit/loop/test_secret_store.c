/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_store.h"
#include "tests/support/scratch_folder.h"

/* Files that were changed just now are read each time: tests make them older. */
static int64_t later_ms;
int64_t __wrap_clock_unix_ms(void);
int64_t __real_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return __real_clock_unix_ms() + later_ms;
}

static struct scratch_folder scratch;
static struct secret_store *store;

static struct secret_store *open_store(const char *credentials)
{
    struct secret_store *made = NULL;
    struct error err = {0};
    assert_int_equal(secret_store_create(scratch.path, credentials, &made, &err), 0);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    later_ms = 10000;
    scratch_folder_make(&scratch);
    store = open_store(NULL);
    return chmod(scratch.path, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    secret_store_destroy(store);
    scratch_folder_remove(&scratch);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
    return path;
}

/* The whole of a file, owned: free(). */
static char *text_of(const char *name)
{
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), 0600), 0);
}

static int64_t set(const char *name, const char *value, const char *hosts)
{
    const struct secret_change change = {
        .name = str_from(name), .value = str_from(value), .hosts = hosts, .now_unix_ms = 1234};
    struct error err = {0};
    int64_t version = 0;
    if (secret_store_set(store, &change, &version, &err) != 0) {
        fail_msg("%s: %s", name, err.message);
    }
    return version;
}

/* What read() gives; "" when it is absent. */
static void assert_value(const char *name, const char *expected)
{
    struct secrets_reading reading = {0};
    struct error err = {0};
    int status = secret_store_read(store, str_from(name), 0, &reading, &err);
    if (status < 0) {
        fail_msg("%s: %s", name, err.message);
    }
    assert_int_equal(status, expected[0] == '\0' ? SECRETS_ABSENT : 0);
    assert_string_equal(status == 0 ? reading.p : "", expected);
    guarded_free(reading.p, reading.n + 1);
}

static void assert_fails(int code, const char *message)
{
    struct secrets_reading reading = {0};
    struct error err = {0};
    int status = secret_store_read(store, STR("token"), 0, &reading, &err);
    if (status != code || strstr(err.message, message) == NULL) {
        fail_msg("%d %s instead of: %s", status, err.message, message);
    }
}

static void test_secret_store__gives_what_was_set(void **state)
{
    (void)state;
    assert_value("token", "");
    assert_int_equal(set("token", "value-1", NULL), 1);
    assert_int_equal(set("other", "value-2", NULL), 1);
    assert_value("token", "value-1");
    assert_value("TOKEN", "value-1");
    assert_value("other", "value-2");
    assert_value("third", "");
    assert_int_equal(set("Token", "value-3", NULL), 2);
    assert_value("token", "value-3");
    assert_value("other", "value-2");
}

static void test_secret_store__keeps_values_sealed(void **state)
{
    struct stat st;
    (void)state;
    (void)set("token", "value-that-is-long", NULL);
    (void)set("other", "value-that-is-long", NULL);
    char *text = text_of("secrets.json");
    char *key = text_of("secrets.key");
    key[strcspn(key, "\n")] = '\0';
    assert_null(strstr(text, "value"));
    assert_null(strstr(text, "76616c7565")); /* its hex */
    assert_null(strstr(text, key));
    assert_int_equal(strlen(key), 64);
    /* Equal values do not look equal. */
    const char *one = strstr(text, "sealed\":\"") + strlen("sealed\":\"");
    const char *other = strstr(one, "sealed\":\"") + strlen("sealed\":\"");
    assert_true(strncmp(one, other, 2 * strlen("value-that-is-long")) != 0);
    free(text);
    free(key);
    static const char *const files[] = {"secrets.json", "secrets.key", "secrets.lock"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_int_equal(stat(path_of(files[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void test_secret_store__a_change_is_seen_by_who_reads(void **state)
{
    struct secrets_reading reading = {0};
    struct secrets_reading again = {0};
    struct error err = {0};
    struct secret_store *reader = open_store(NULL);
    (void)state;
    assert_int_equal(secret_store_read(reader, STR("token"), 0, &reading, &err), SECRETS_ABSENT);
    (void)set("token", "value-1", NULL);
    assert_int_equal(secret_store_read(reader, STR("token"), 0, &reading, &err), 0);
    assert_string_equal(reading.p, "value-1");
    assert_true(reading.stamp != 0);
    assert_int_equal(secret_store_read(reader, STR("token"), reading.stamp, &again, &err),
                     SECRETS_UNCHANGED);
    (void)set("token", "value-2", NULL);
    assert_int_equal(secret_store_read(reader, STR("token"), reading.stamp, &again, &err), 0);
    assert_string_equal(again.p, "value-2");
    assert_int_equal(secret_store_remove(store, STR("token"), &err), 0);
    guarded_free(reading.p, reading.n + 1);
    assert_int_equal(secret_store_read(reader, STR("token"), again.stamp, &reading, &err),
                     SECRETS_ABSENT);
    guarded_free(again.p, again.n + 1);
    secret_store_destroy(reader);
}

static void test_secret_store__tells_what_there_is(void **state)
{
    struct secret_entry entry;
    struct error err = {0};
    (void)state;
    assert_int_equal(secret_store_load(store, &err), 0);
    assert_false(secret_store_at(store, 0, &entry));
    (void)set("token", "value-1", "a.example\nb.example:80\n");
    assert_int_equal(unlink(path_of("secrets.key")), 0); /* no key is needed */
    assert_int_equal(secret_store_load(store, &err), 0);
    assert_true(secret_store_at(store, 0, &entry));
    assert_true(str_equal(entry.name, STR("token")));
    assert_true(str_equal(entry.hosts, STR("a.example\nb.example:80\n")));
    assert_int_equal(entry.version, 1);
    assert_int_equal(entry.set_at_unix_ms, 1234);
    assert_true(entry.has_value);
    assert_false(entry.allows_processes);
    assert_false(secret_store_at(store, 1, &entry));
}

static void assert_bound(const char *name, const char *hosts, bool allows_processes)
{
    struct secrets_binding binding = {0};
    struct error err = {0};
    assert_int_equal(secret_store_bind(store, str_from(name), &binding, &err), 0);
    assert_true(str_equal(strbuf_str(&binding.hosts), str_from(hosts)));
    assert_int_equal(binding.is_bound, hosts[0] != '\0');
    assert_int_equal(binding.allows_processes, allows_processes);
    secrets_binding_finish(&binding);
}

static void test_secret_store__binds_to_hosts(void **state)
{
    struct secret_change change = {.name = STR("env"), .hosts = "c.example\n"};
    struct error err = {0};
    (void)state;
    assert_bound("token", "", false);
    (void)set("token", "value-1", "a.example\n");
    assert_bound("token", "a.example\n", false);
    (void)set("token", "value-2", NULL); /* a new value goes where the old one went */
    assert_bound("token", "a.example\n", false);
    assert_value("token", "value-2");
    change.allows_processes = true;
    assert_int_equal(secret_store_set(store, &change, NULL, &err), 0); /* hosts alone */
    assert_bound("env", "c.example\n", true);
    assert_value("env", "");
    change = (struct secret_change){.name = STR("token"), .hosts = "d.example\n"};
    assert_int_equal(secret_store_set(store, &change, NULL, &err), 0);
    assert_bound("token", "d.example\n", false);
    assert_value("token", "value-2");
}

static void test_secret_store__removes(void **state)
{
    struct error err = {0};
    (void)state;
    (void)set("token", "value-1", NULL);
    (void)set("other", "value-2", NULL);
    assert_int_equal(secret_store_remove(store, STR("token"), &err), 0);
    assert_value("token", "");
    assert_value("other", "value-2");
    assert_int_equal(secret_store_remove(store, STR("token"), &err), E_NOT_FOUND);
    assert_non_null(strstr(err.message, "there is no secret 'token' in '"));
}

/* Nothing of an entry can be changed, and no entry put in another's place. */
static void test_secret_store__finds_what_was_changed(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } changes[] = {{"\"token\"", "\"t0ken\""},
                   {"a.example", "b.example"},
                   {"\"version\":1", "\"version\":2"},
                   {"1234", "1235"},
                   {"\"processes\":false", "\"processes\":true "}};
    (void)state;
    (void)set("token", "value-1", "a.example\n");
    char *whole = text_of("secrets.json");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *text = text_of("secrets.json");
        char *at = strstr(text, changes[i].from);
        assert_non_null(at);
        memcpy(at, changes[i].to, strlen(changes[i].to));
        put("secrets.json", text);
        struct secrets_reading reading = {0};
        struct secrets_binding binding = {0};
        struct error err = {0};
        struct str name = i == 0 ? STR("t0ken") : STR("token");
        assert_int_equal(secret_store_read(store, name, 0, &reading, &err), E_CORRUPT);
        assert_non_null(
            strstr(err.message, "is damaged or was changed: use 'opstream secrets set"));
        assert_int_equal(secret_store_bind(store, name, &binding, &err), E_CORRUPT);
        secrets_binding_finish(&binding);
        put("secrets.json", whole);
        free(text);
    }
    char *sealed = strstr(whole, "sealed\":\"") + strlen("sealed\":\"");
    *sealed = *sealed == '0' ? '1' : '0';
    put("secrets.json", whole);
    assert_fails(E_CORRUPT, "the entry 'token' of '");
    assert_int_equal(set("token", "value-2", "a.example\n"), 2); /* the way out */
    assert_value("token", "value-2");
    free(whole);
}

static void test_secret_store__each_trouble_has_its_words(void **state)
{
    (void)state;
    put("secrets.json", "{\"opstream_secrets\":1,");
    assert_fails(E_CORRUPT, "is damaged: ");
    put("secrets.json", "[]");
    assert_fails(E_CORRUPT, "is damaged: it is no store of secrets");
    put("secrets.json", "{\"opstream_secrets\":1,\"key\":\"x\",\"secrets\":[]}");
    assert_fails(E_CORRUPT, "is damaged: it is no store of secrets");
    put("secrets.json", "{\"opstream_secrets\":1,\"key\":\"0123456789abcdef\",\"secrets\":[{}]}");
    assert_fails(E_CORRUPT, "is damaged: an entry is not whole");
    put("secrets.json", "{\"opstream_secrets\":2,\"new\":true}");
    assert_fails(E_VERSION, "was written by a newer opstream (format 2, and this one knows 1)");
    assert_int_equal(unlink(path_of("secrets.json")), 0);
    (void)set("token", "value-1", NULL);
    char *key = text_of("secrets.key");
    assert_int_equal(unlink(path_of("secrets.key")), 0);
    assert_fails(E_CONFLICT, "the key of '");
    put("secrets.key", "not a key\n");
    assert_fails(E_CORRUPT, "secrets.key' is damaged: a key is a line of 64 hex digits");
    put("secrets.key", "\n");
    assert_fails(E_CORRUPT, "secrets.key' is damaged: there is no key in it");
    put("secrets.key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
    assert_fails(E_CONFLICT, "is sealed with the key ");
    const struct secret_change change = {.name = STR("other"), .value = STR("value-2")};
    struct error err = {0};
    assert_int_equal(secret_store_set(store, &change, NULL, &err), E_CONFLICT);
    put("secrets.key", key);
    assert_value("token", "value-1");
    free(key);
}

static void test_secret_store__refuses_files_that_others_see(void **state)
{
    (void)state;
    (void)set("token", "value-1", NULL);
    assert_int_equal(chmod(path_of("secrets.json"), 0640), 0);
    assert_fails(E_INVALID, "has mode 0640, so that others can read or change it: use chmod 600 '");
    assert_int_equal(chmod(path_of("secrets.json"), 0600), 0);
    assert_int_equal(chmod(path_of("secrets.key"), 0604), 0);
    assert_fails(E_INVALID, "secrets.key' has mode 0604");
    assert_int_equal(unlink(path_of("secrets.key")), 0);
    assert_int_equal(symlink("/dev/null", path_of("secrets.key")), 0);
    assert_fails(E_INVALID, "secrets.key' is a link");
}

static void test_secret_store__rotates(void **state)
{
    size_t count = 0;
    struct error err = {0};
    (void)state;
    assert_int_equal(secret_store_rotate(store, &count, &err), E_NOT_FOUND);
    (void)set("token", "value-1", "a.example\n");
    (void)set("other", "value-2", NULL);
    char *key = text_of("secrets.key");
    char *text = text_of("secrets.json");
    assert_int_equal(secret_store_rotate(store, &count, &err), 0);
    assert_int_equal(count, 2);
    char *new_key = text_of("secrets.key");
    char *new_text = text_of("secrets.json");
    assert_int_equal(strlen(new_key), strlen(key));
    assert_string_not_equal(new_key, key);
    assert_string_not_equal(new_text, text);
    assert_value("token", "value-1");
    assert_value("other", "value-2");
    assert_bound("token", "a.example\n", false);
    put("secrets.key", key); /* the old one opens nothing any more */
    assert_fails(E_CONFLICT, "is sealed with the key ");
    free(key);
    free(text);
    free(new_key);
    free(new_text);
}

/* Between any two of its three writes, everything can be read, and changed. */
static void test_secret_store__a_rotation_may_be_cut_off(void **state)
{
    char both[256];
    size_t count = 0;
    struct error err = {0};
    (void)state;
    (void)set("token", "value-1", NULL);
    char *key = text_of("secrets.key");
    char *text = text_of("secrets.json");
    assert_int_equal(secret_store_rotate(store, &count, &err), 0);
    char *new_key = text_of("secrets.key");
    char *new_text = text_of("secrets.json");
    (void)snprintf(both, sizeof(both), "%s%s", new_key, key);
    for (int step = 0; step < 4; step++) {
        bool is_rotated_on = step % 2 == 1;
        put("secrets.key", both);
        put("secrets.json", step < 2 ? text : new_text);
        assert_value("token", "value-1");
        if (is_rotated_on) {
            assert_int_equal(secret_store_rotate(store, &count, &err), 0);
        } else {
            (void)set("other", "value-2", NULL);
        }
        assert_value("token", "value-1");
        char *left = text_of("secrets.key"); /* what is not needed any more has gone */
        assert_int_equal(strlen(left), strlen(key));
        free(left);
    }
    free(key);
    free(text);
    free(new_key);
    free(new_text);
}

static void test_secret_store__the_key_may_be_a_credential(void **state)
{
    static const char first[] =
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    static const char next[] = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    char both[256];
    char folder[1024];
    size_t count = 0;
    struct error err = {0};
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/credentials", scratch.path);
    assert_int_equal(mkdir(folder, 0700), 0);
    put("credentials/opstream-secrets-key", first);
    secret_store_destroy(store);
    store = open_store(folder);
    (void)set("token", "value-1", NULL);
    assert_value("token", "value-1");
    assert_int_equal(access(path_of("secrets.key"), F_OK), -1);
    assert_int_equal(secret_store_rotate(store, &count, &err), E_CONFLICT);
    assert_non_null(strstr(err.message, "put a line with a new key"));
    (void)snprintf(both, sizeof(both), "%s%s", next, first);
    put("credentials/opstream-secrets-key", both);
    assert_value("token", "value-1");
    assert_int_equal(secret_store_rotate(store, &count, &err), 0);
    put("credentials/opstream-secrets-key", next);
    assert_value("token", "value-1");
}

/* Several processes at once: none loses what another has set. */
static void test_secret_store__changes_wait_for_each_other(void **state)
{
    enum { PROCESSES = 4, EACH = 5 };
    pid_t children[PROCESSES];
    char name[32];
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        for (int k = 0; children[i] == 0 && k < EACH; k++) {
            const struct secret_change change = {.name = str_from(name), .value = STR("value-1")};
            (void)snprintf(name, sizeof(name), "s%d-%d", i, k);
            struct secret_change named = change;
            named.name = str_from(name);
            if (secret_store_set(store, &named, NULL, NULL) != 0) {
                _exit(1);
            }
        }
        if (children[i] == 0) {
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < PROCESSES * EACH; i++) {
        (void)snprintf(name, sizeof(name), "s%d-%d", i / EACH, i % EACH);
        assert_value(name, "value-1");
    }
}

static void test_secret_store__a_write_that_fails_changes_nothing(void **state)
{
    const struct secret_change change = {.name = STR("token"), .value = STR("value-2")};
    struct error err = {0};
    (void)state;
    (void)set("token", "value-1", NULL);
    assert_int_equal(mkdir(path_of("secrets.json.new"), 0700), 0); /* in its way */
    assert_int_equal(secret_store_set(store, &change, NULL, &err), E_IO);
    assert_non_null(strstr(err.message, "cannot make '"));
    assert_value("token", "value-1");
    assert_int_equal(rmdir(path_of("secrets.json.new")), 0);
    put("secrets.json.new", "half of i"); /* of somebody who was cut off */
    assert_int_equal(secret_store_set(store, &change, NULL, &err), 0);
    assert_value("token", "value-2");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_secret_store__gives_what_was_set),
        IN_FOLDER(test_secret_store__keeps_values_sealed),
        IN_FOLDER(test_secret_store__a_change_is_seen_by_who_reads),
        IN_FOLDER(test_secret_store__tells_what_there_is),
        IN_FOLDER(test_secret_store__binds_to_hosts),
        IN_FOLDER(test_secret_store__removes),
        IN_FOLDER(test_secret_store__finds_what_was_changed),
        IN_FOLDER(test_secret_store__each_trouble_has_its_words),
        IN_FOLDER(test_secret_store__refuses_files_that_others_see),
        IN_FOLDER(test_secret_store__rotates),
        IN_FOLDER(test_secret_store__a_rotation_may_be_cut_off),
        IN_FOLDER(test_secret_store__the_key_may_be_a_credential),
        IN_FOLDER(test_secret_store__changes_wait_for_each_other),
        IN_FOLDER(test_secret_store__a_write_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

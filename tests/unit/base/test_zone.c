/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/zone.h"
#include "tests/support/failing_alloc.h"

enum { THREADS = 4 };

static char folder[] = "/tmp/opstream-zone-XXXXXX";

static void write_zone(const char *name, const char *data, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file with a table of two changes and `rule` behind it; returns its size. */
static size_t make_zone(char *out, const char *rule)
{
    static const char empty_v1[44] = "TZif2";
    static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\0\0\0\0" /* indicators */
                                 "\0\0\0\0"
                                 "\0\0\0\0"                       /* leap seconds */
                                 "\0\0\0\2"                       /* times */
                                 "\0\0\0\3"                       /* types */
                                 "\0\0\0\4";                      /* bytes of names */
    static const char body[] = "\xff\xff\xff\xff\xff\xff\xff\x9c" /* -100 */
                               "\0\0\0\0\0\0\3\xe8"               /* 1000 */
                               "\1\2"
                               "\0\0\0\x0a\0\0"       /* +10 s */
                               "\0\0\x0e\x10\0\0"     /* +1 h */
                               "\xff\xff\xe3\xe0\0\0" /* -2 h */
                               "AAA";
    size_t at = 0;
    memcpy(out, empty_v1, sizeof(empty_v1));
    at += sizeof(empty_v1);
    memcpy(out + at, header, 44);
    at += 44;
    memcpy(out + at, body, sizeof(body));
    at += sizeof(body);
    at += (size_t)snprintf(out + at, 64, "\n%s\n", rule);
    return at;
}

static int set_up(void **state)
{
    (void)state;
    char data[512];
    char path[256];
    if (mkdtemp(folder) == NULL || setenv("TZDIR", folder, 1) != 0) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/Area", folder);
    if (mkdir(path, 0700) != 0) {
        return 1;
    }
    write_zone("Area/Town", data, make_zone(data, ""));
    write_zone("Area/Ruled", data, make_zone(data, "JST-9"));
    write_zone("Memory", data, make_zone(data, ""));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static int32_t offset_at(const char *name, int64_t at)
{
    int32_t offset = 0;
    struct error err = {0};
    if (zone_offset(str_from(name), at, &offset, &err) != 0) {
        fail_msg("%s: %s", name, err.message);
    }
    return offset;
}

static void test_zone__looks_into_the_table(void **state)
{
    (void)state;
    assert_int_equal(offset_at("Area/Town", -101), 10);
    assert_int_equal(offset_at("Area/Town", -100), 3600);
    assert_int_equal(offset_at("Area/Town", 999), 3600);
    assert_int_equal(offset_at("Area/Town", 1000), -7200);
    assert_int_equal(offset_at("Area/Town", INT64_C(253402300799)), -7200);
    assert_int_equal(offset_at("Area/Town", INT64_C(-62135596800)), 10);
}

static void test_zone__follows_the_rule_behind_the_table(void **state)
{
    (void)state;
    assert_int_equal(offset_at("Area/Ruled", 999), 3600);
    assert_int_equal(offset_at("Area/Ruled", 1000), 32400);
}

static void expect_failure(const char *name, int code, const char *text)
{
    int32_t offset = 7;
    struct error err = {0};
    assert_int_equal(zone_offset(str_from(name), 0, &offset, &err), code);
    assert_int_equal(offset, 7);
    if (strstr(err.message, text) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, text);
    }
}

static void test_zone__refuses_names_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Area/Nowhere",
        "../etc/passwd",
        "Area/../Area/Town",
        "/etc/passwd",
        "Area",
        "Area/",
        "Area//Town",
        "./Memory",
        "Area/Town\n",
        "a b",
        "area/town",
        "Area/Town/x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_failure(bad[i], E_NOT_FOUND, "unknown time zone '");
    }
    expect_failure("Mars/Base", E_NOT_FOUND,
                   "unknown time zone 'Mars/Base': write 'UTC', '+02:00' or a name such as "
                   "'Europe/Berlin'");
}

static void test_zone__says_that_there_is_no_database(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZDIR", "/nowhere/at/all", 1), 0);
    expect_failure("Area/Town", E_NOT_FOUND,
                   "time zone 'Area/Town': there is no zone database in /nowhere/at/all: install "
                   "the package tzdata, or set TZDIR");
    assert_int_equal(setenv("TZDIR", folder, 1), 0);
}

/* Every file that is cut short or holds nonsense is refused, and none is read beyond its end. */
static void test_zone__refuses_broken_files(void **state)
{
    (void)state;
    char data[512];
    size_t size = make_zone(data, "CET-1CEST,M3.5.0,M10.5.0/3");
    char name[32];
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(name, sizeof(name), "Cut%zu", i);
        write_zone(name, data, i);
        expect_failure(name, E_CORRUPT, "is no time zone's file");
    }
    static const struct {
        size_t at;
        char byte;
    } faults[] = {
        {44, 'X'},        /* the second magic */
        {44 + 32 + 3, 9}, /* more times than there are */
        {44 + 31, 1},     /* leap seconds */
        {44 + 36 + 3, 0}, /* no types */
        {88 + 16, 3},     /* a type that is not there */
        {88 + 8, -1},     /* times that go back */
        {88 + 24, 0x7f},  /* an offset of years */
        {142, 'X'},       /* a rule that is none */
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        size = make_zone(data, "CET-1CEST,M3.5.0,M10.5.0/3");
        data[faults[i].at] = faults[i].byte;
        (void)snprintf(name, sizeof(name), "Fault%zu", i);
        write_zone(name, data, size);
        expect_failure(name, E_CORRUPT, "is no time zone's file");
    }
}

static void test_zone__survives_each_failing_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        int32_t offset = 0;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = zone_offset(STR("Memory"), 0, &offset, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_int_equal(offset, 3600);
            assert_true(n > 2);
            return;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

/* Against the C library, which reads the same database. */
static void test_zone__agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",     "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
        "America/New_York",  "US/Central",       "Europe/Dublin",       "Pacific/Apia",
        "Africa/Casablanca", "EST5EDT",          "Antarctica/Troll",    "America/Sao_Paulo",
    };
    assert_int_equal(unsetenv("TZDIR"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        /* 1900 to 2200 in steps of some 11 days. */
        for (time_t at = -2208988800; at < 7258118400; at += 987654) {
            struct tm local;
            assert_non_null(localtime_r(&at, &local));
            int32_t offset = offset_at(names[i], at);
            if (offset != local.tm_gmtoff) {
                fail_msg("%s at %lld: %d instead of %ld", names[i], (long long)at, (int)offset,
                         local.tm_gmtoff);
            }
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
    assert_int_equal(setenv("TZDIR", folder, 1), 0);
}

static void *ask_often(void *user)
{
    static const char *const names[] = {"Europe/Paris", "Asia/Tokyo", "America/Lima", "Nowhere"};
    bool *is_good = user;
    for (int i = 0; i < 400; i++) {
        int32_t offset = 0;
        int status = zone_offset(str_from(names[i % 4]), 1000000000 + i, &offset, NULL);
        *is_good = *is_good && status == (i % 4 == 3 ? E_NOT_FOUND : 0);
    }
    return NULL;
}

static void test_zone__serves_many_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool is_good[THREADS];
    assert_int_equal(unsetenv("TZDIR"), 0);
    for (size_t i = 0; i < THREADS; i++) {
        is_good[i] = true;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &is_good[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(is_good[i]);
    }
    assert_int_equal(setenv("TZDIR", folder, 1), 0);
}

static void *ask_slow(void *user)
{
    int32_t offset = 0;
    *(int *)user = zone_offset(STR("Slow"), 0, &offset, NULL);
    return NULL;
}

/* A disk that does not answer: a pipe that nobody has written to yet. */
static void test_zone__that_is_being_read_holds_nobody_up(void **state)
{
    (void)state;
    char path[256];
    pthread_t thread;
    int status = 0;
    int fd = -1;
    (void)snprintf(path, sizeof(path), "%s/Slow", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(offset_at("Area/Town", 999), 3600);
    assert_int_equal(pthread_create(&thread, NULL, ask_slow, &status), 0);
    while (fd < 0) { /* until the thread has come to open it */
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0 || errno == ENXIO);
        (void)sched_yield();
    }
    assert_int_equal(offset_at("Area/Town", 999), 3600);
    assert_int_equal(close(fd), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(status, E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone__looks_into_the_table),
        cmocka_unit_test(test_zone__follows_the_rule_behind_the_table),
        cmocka_unit_test(test_zone__refuses_names_that_are_none),
        cmocka_unit_test(test_zone__says_that_there_is_no_database),
        cmocka_unit_test(test_zone__refuses_broken_files),
        cmocka_unit_test(test_zone__survives_each_failing_allocation),
        cmocka_unit_test(test_zone__agrees_with_the_c_library),
        cmocka_unit_test(test_zone__serves_many_threads),
        cmocka_unit_test(test_zone__that_is_being_read_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

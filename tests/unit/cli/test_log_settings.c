/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/cli/command.h"
#include "core/cli/log_settings.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/capture.h"

const struct command *const command_table[] = {NULL};

/* A folder of its own, in which the test works. */
struct work_place {
    char folder[64];
    char before[4096];
};

static int set_up(void **state)
{
    static struct work_place place;
    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/log-settings-XXXXXX");
    assert_non_null(getcwd(place.before, sizeof(place.before)));
    assert_non_null(mkdtemp(place.folder));
    assert_int_equal(chdir(place.folder), 0);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"a.log", "a.log.1", "pipe", "sub"};
    struct work_place *place = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)remove(names[i]); /* no test makes them all */
    }
    assert_int_equal(chdir(place->before), 0);
    assert_int_equal(rmdir(place->folder), 0);
    assert_int_equal(unsetenv("LOG_LEVEL"), 0);
    assert_int_equal(unsetenv("LOG_FORMAT"), 0);
    log_set_level(LOG_LEVEL_INFO);
    log_set_format(LOG_FORMAT_TEXT);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* The whole file, cut to what fits. */
static const char *text_of(const char *name)
{
    static char text[4096];
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void test_log_settings__the_environment_says_what_and_how(void **state)
{
    static const struct {
        const char *level;
        const char *format;
        enum log_level least;
        const char *end;
    } cases[] = {
        {NULL, NULL, LOG_LEVEL_INFO, " error it broke\n"},
        {"", "", LOG_LEVEL_INFO, " error it broke\n"},
        {"INFO", "TEXT", LOG_LEVEL_INFO, " error it broke\n"},
        {"error", "text", LOG_LEVEL_ERROR, " error it broke\n"},
        {"warning", "json", LOG_LEVEL_WARN, "\"level\":\"error\",\"message\":\"it broke\"}\n"},
        {"WARN", "JSON", LOG_LEVEL_WARN, "\"level\":\"error\",\"message\":\"it broke\"}\n"},
        {"Debug", "json", LOG_LEVEL_DEBUG, "\"level\":\"error\",\"message\":\"it broke\"}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct log_settings settings;
        struct capture capture;
        set("LOG_LEVEL", cases[i].level);
        set("LOG_FORMAT", cases[i].format);
        assert_int_equal(log_settings_open(&settings, NULL, NULL), 0);
        assert_true(log_is_enabled(cases[i].least));
        assert_false(log_is_enabled((enum log_level)(cases[i].least + 1)));
        capture_begin(&capture, STDERR_FILENO);
        log_write(LOG_LEVEL_ERROR, "it broke", NULL, 0);
        char *text = capture_end(&capture);
        assert_true(str_ends_with(str_from(text), str_from(cases[i].end)));
        free(text);
        assert_int_equal(log_settings_reopen(&settings, NULL), 0);
        log_settings_finish(&settings);
    }
}

static void test_log_settings__debug_is_a_level_where_no_other_is_said(void **state)
{
    static const struct {
        const char *debug;
        const char *level;
        bool is_debug;
    } cases[] = {
        {"1", NULL, true},  {"TRUE", "", true},     {"yes", NULL, true},
        {"on", NULL, true}, {"1", "info", false},   {"0", NULL, false},
        {"", NULL, false},  {"false", NULL, false}, {"express:*", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct log_settings settings;
        set("DEBUG", cases[i].debug);
        set("LOG_LEVEL", cases[i].level);
        assert_int_equal(log_settings_open(&settings, NULL, NULL), 0);
        assert_int_equal(log_is_enabled(LOG_LEVEL_DEBUG), cases[i].is_debug);
        log_settings_finish(&settings);
    }
    set("DEBUG", NULL);
}

static void test_log_settings__refuses_words_that_mean_nothing(void **state)
{
    static const struct {
        const char *level;
        const char *format;
        const char *why;
    } cases[] = {
        {"loud", NULL, "LOG_LEVEL must be error, warn, info or debug, not 'loud'"},
        {"2", NULL, "LOG_LEVEL must be error, warn, info or debug, not '2'"},
        {NULL, "jsonl", "LOG_FORMAT must be text or json, not 'jsonl'"},
        {"debug", " json", "LOG_FORMAT must be text or json, not ' json'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct log_settings settings;
        struct error err = {0};
        set("LOG_LEVEL", cases[i].level);
        set("LOG_FORMAT", cases[i].format);
        assert_int_equal(log_settings_open(&settings, "a.log", &err), E_INVALID);
        assert_string_equal(err.message, cases[i].why);
        assert_true(log_is_enabled(LOG_LEVEL_INFO));
        assert_false(log_is_enabled(LOG_LEVEL_DEBUG));
        assert_int_equal(access("a.log", F_OK), -1);
        log_settings_finish(&settings);
    }
}

static void test_log_settings__writes_to_the_end_of_the_file(void **state)
{
    struct log_settings settings;
    struct stat info = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(log_settings_open(&settings, "a.log", NULL), 0);
        log_write(LOG_LEVEL_INFO, i == 0 ? "first" : "second", NULL, 0);
        assert_true((fcntl(settings.fd, F_GETFD) & FD_CLOEXEC) != 0);
        log_settings_finish(&settings);
    }
    assert_non_null(strstr(text_of("a.log"), " info first\n"));
    assert_non_null(strstr(text_of("a.log"), " info second\n"));
    assert_int_equal(stat("a.log", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_log_settings__opens_the_file_anew(void **state)
{
    struct log_settings settings;
    (void)state;
    assert_int_equal(log_settings_open(&settings, "a.log", NULL), 0);
    size_t before = count_descriptors();
    log_write(LOG_LEVEL_INFO, "before", NULL, 0);
    assert_int_equal(rename("a.log", "a.log.1"), 0);
    log_write(LOG_LEVEL_INFO, "still there", NULL, 0);
    assert_int_equal(log_settings_reopen(&settings, NULL), 0);
    assert_int_equal(count_descriptors(), before);
    assert_true((fcntl(settings.fd, F_GETFD) & FD_CLOEXEC) != 0);
    log_write(LOG_LEVEL_INFO, "after", NULL, 0);
    assert_non_null(strstr(text_of("a.log.1"), "still there\n"));
    assert_null(strstr(text_of("a.log.1"), "after\n"));
    assert_non_null(strstr(text_of("a.log"), "after\n"));
    log_settings_finish(&settings);
    assert_int_equal(count_descriptors(), before - 1);
}

static void test_log_settings__keeps_the_old_file_when_there_is_no_new_one(void **state)
{
    struct log_settings settings;
    struct error err = {0};
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(log_settings_open(&settings, "sub/a.log", NULL), 0);
    assert_int_equal(rename("sub/a.log", "a.log"), 0);
    assert_int_equal(rmdir("sub"), 0);
    assert_int_equal(log_settings_reopen(&settings, &err), E_IO);
    assert_string_equal(err.message,
                        "the log file 'sub/a.log' cannot be opened: No such file or directory");
    log_write(LOG_LEVEL_INFO, "goes on", NULL, 0);
    assert_non_null(strstr(text_of("a.log"), "goes on\n"));
    log_settings_finish(&settings);
}

static void test_log_settings__refuses_what_cannot_be_written(void **state)
{
    struct log_settings settings;
    struct error err = {0};
    (void)state;
    assert_int_equal(log_settings_open(&settings, "no/such/a.log", &err), E_IO);
    log_settings_finish(&settings);
    assert_int_equal(log_settings_open(&settings, ".", &err), E_IO);
    assert_string_equal(err.message, "the log file '.' cannot be opened: Is a directory");
    log_settings_finish(&settings);
    assert_int_equal(log_settings_open(&settings, "", &err), E_IO);
    log_settings_finish(&settings);
    assert_int_equal(mkfifo("pipe", 0600), 0); /* that nobody reads */
    assert_int_equal(log_settings_open(&settings, "pipe", &err), E_IO);
    log_settings_finish(&settings);
}

static void test_log_settings__survives_a_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct log_settings settings;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = log_settings_open(&settings, "a.log", &err);
        bool is_reached = failing_alloc_disarm();
        log_settings_finish(&settings);
        if (!is_reached) {
            assert_int_equal(status, 0);
            assert_true(n > 0);
            return;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_log_settings__the_environment_says_what_and_how),
        IN_A_FOLDER(test_log_settings__debug_is_a_level_where_no_other_is_said),
        IN_A_FOLDER(test_log_settings__refuses_words_that_mean_nothing),
        IN_A_FOLDER(test_log_settings__writes_to_the_end_of_the_file),
        IN_A_FOLDER(test_log_settings__opens_the_file_anew),
        IN_A_FOLDER(test_log_settings__keeps_the_old_file_when_there_is_no_new_one),
        IN_A_FOLDER(test_log_settings__refuses_what_cannot_be_written),
        IN_A_FOLDER(test_log_settings__survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

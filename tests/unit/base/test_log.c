/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "tests/support/failing_alloc.h"

enum { TIME_CHARS = 25, THREADS = 4, LINES_EACH = 200 }; /* "2025-01-31T14:22:33.123Z " */

static char written[256 * 1024];

static int start_capture(void **state)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    *state = (void *)(intptr_t)fd;
    log_set_fd(fd);
    log_set_level(LOG_LEVEL_INFO);
    log_set_format(LOG_FORMAT_TEXT);
    return fd < 0 ? -1 : 0;
}

static int end_capture(void **state)
{
    log_set_fd(STDERR_FILENO);
    return close((int)(intptr_t)*state);
}

/* All that was written since the last call. */
static const char *captured(void **state)
{
    int fd = (int)(intptr_t)*state;
    ssize_t n = pread(fd, written, sizeof(written) - 1, 0);
    assert_true(n >= 0);
    written[n] = '\0';
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return written;
}

static void test_log__text_line_has_time_level_message_and_fields(void **state)
{
    log_write(LOG_LEVEL_WARN, "node completed twice",
              LOG_FIELDS(log_text("plugin", "acme.issues"), log_int("task", -7),
                         log_str("note", STR("two words")), log_text("none", NULL)));
    const char *line = captured(state);
    struct clock_time at;
    assert_int_equal(clock_parse_rfc3339(str_make(line, TIME_CHARS - 1), &at), 0);
    assert_string_equal(line + TIME_CHARS, "warn node completed twice plugin=acme.issues task=-7 "
                                           "note=\"two words\" none=\"\"\n");
}

static void test_log__json_line_is_one_object(void **state)
{
    log_set_format(LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_ERROR, "a \"b\"", LOG_FIELDS(log_text("k", "v\n"), log_int("n", 3)));
    const char *line = captured(state);
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(
        strstr(line, ",\"level\""),
        ",\"level\":\"error\",\"message\":\"a \\\"b\\\"\",\"k\":\"v\\n\",\"n\":3}\n");
    log_write(LOG_LEVEL_INFO, "bare", NULL, 0);
    assert_string_equal(strstr(captured(state), ",\"level\""),
                        ",\"level\":\"info\",\"message\":\"bare\"}\n");
}

static void test_log__nothing_from_outside_forges_a_line(void **state)
{
    log_write(LOG_LEVEL_INFO, "x\n2025-01-01T00:00:00.000Z error forged",
              LOG_FIELDS(log_text("a", "\033[2J\r\n"), log_text("b\n", "\xE2\x80\xAE"),
                         log_str("c", STR("\xFF\0"))));
    const char *line = captured(state);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_null(strchr(line, '\033'));
    assert_string_equal(line + TIME_CHARS,
                        "info x\\n2025-01-01T00:00:00.000Z error forged a=\\x1b[2J\\r\\n "
                        "b\\n=\\u202e c=\\xff\\x00\n");
}

static void test_log__fields_are_cut_at_their_limit(void **state)
{
    static char text[LOG_FIELD_BYTES + 2];
    memset(text, 'a', sizeof(text) - 1);
    text[0] = 'x';
    log_write(LOG_LEVEL_INFO, "m", LOG_FIELDS(log_str("k", str_make(text, LOG_FIELD_BYTES))));
    assert_int_equal(strlen(captured(state)), TIME_CHARS + strlen("info m k=\n") + LOG_FIELD_BYTES);
    memcpy(text + LOG_FIELD_BYTES - 1, "\xC3\xA4", 2);
    log_write(LOG_LEVEL_INFO, "m", LOG_FIELDS(log_str("k", str_make(text, LOG_FIELD_BYTES + 1))));
    const char *line = captured(state);
    assert_string_equal(line + strlen(line) - 6, "aa...\n");
    log_set_format(LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_INFO, "m", LOG_FIELDS(log_str("k", str_make(text, LOG_FIELD_BYTES + 1))));
    line = captured(state);
    assert_string_equal(line + strlen(line) - 8, "aa...\"}\n");
}

static void test_log__level_decides_what_is_written(void **state)
{
    log_set_level(LOG_LEVEL_WARN);
    log_write(LOG_LEVEL_INFO, "dropped", NULL, 0);
    log_write(LOG_LEVEL_WARN, "kept", NULL, 0);
    assert_string_equal(captured(state) + TIME_CHARS, "warn kept\n");
    assert_true(log_is_enabled(LOG_LEVEL_ERROR));
    assert_false(log_is_enabled(LOG_LEVEL_DEBUG));
}

static void test_log__level_names_go_both_ways(void **state)
{
    (void)state;
    for (int level = LOG_LEVEL_ERROR; level <= (int)LOG_LEVEL_DEBUG; level++) {
        const char *name = log_level_name((enum log_level)level);
        enum log_level back = LOG_LEVEL_ERROR;
        assert_int_equal(log_level_parse(str_from(name), &back), 0);
        assert_int_equal(back, level);
    }
    enum log_level level = LOG_LEVEL_INFO;
    assert_int_equal(log_level_parse(STR("INFO"), &level), E_INVALID);
    assert_int_equal(log_level_parse(STR(""), &level), E_INVALID);
    assert_int_equal(level, LOG_LEVEL_INFO);
}

static void test_log__out_of_memory_is_said(void **state)
{
    failing_alloc_arm(0);
    log_write(LOG_LEVEL_INFO, "m", NULL, 0);
    assert_true(failing_alloc_disarm());
    assert_string_equal(captured(state), "a log line was lost: out of memory\n");
}

static void *write_lines(void *user)
{
    for (int i = 0; i < LINES_EACH; i++) {
        log_write(LOG_LEVEL_INFO, "line", LOG_FIELDS(log_text("by", user)));
    }
    return NULL;
}

static void test_log__lines_of_threads_stay_whole(void **state)
{
    static char names[THREADS][8] = {"one", "two", "three", "four"};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    const char *line = captured(state);
    size_t lines = 0;
    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_memory_equal(line + TIME_CHARS, "info line by=", 13);
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
}

static void test_log__a_closed_sink_is_no_fault(void **state)
{
    log_set_fd(-1);
    log_write(LOG_LEVEL_ERROR, "lost", NULL, 0);
    log_set_fd((int)(intptr_t)*state);
    log_write(LOG_LEVEL_ERROR, "kept", NULL, 0);
    assert_string_equal(captured(state) + TIME_CHARS, "error kept\n");
}

#define captured_test(function)                                                                    \
    cmocka_unit_test_setup_teardown(function, start_capture, end_capture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        captured_test(test_log__text_line_has_time_level_message_and_fields),
        captured_test(test_log__json_line_is_one_object),
        captured_test(test_log__nothing_from_outside_forges_a_line),
        captured_test(test_log__fields_are_cut_at_their_limit),
        captured_test(test_log__level_decides_what_is_written),
        captured_test(test_log__level_names_go_both_ways),
        captured_test(test_log__out_of_memory_is_said),
        captured_test(test_log__lines_of_threads_stay_whole),
        captured_test(test_log__a_closed_sink_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

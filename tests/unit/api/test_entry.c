/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/api/entry.h"

enum { OWNER = 1000, ROOT = 0, OTHER = 1001 };

static struct api_request request_of(const char *method, const char *path, uint32_t uid)
{
    return (struct api_request){.method = str_from(method),
                                .path = str_from(path),
                                .host = STR("127.0.0.1:8001"),
                                .peer_uid = uid};
}

static void expect(const struct api_request *request, const char *why)
{
    const char *got = entry_refuse(request, OWNER);
    if (why == NULL) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_non_null(strstr(got, why));
}

static void test_entry__the_owner_and_root_may_all(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST", "HEAD", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct api_request owner = request_of(methods[i], "/api/v1/jobs", OWNER);
        struct api_request root = request_of(methods[i], "/api/v1/jobs", ROOT);
        expect(&owner, NULL);
        expect(&root, NULL);
    }
}

static void test_entry__others_may_ask_how_it_does(void **state)
{
    (void)state;
    static const char *const open[] = {"/ping", "/health", "/metrics"};
    static const char *const closed[] = {"/", "/metrics/", "/api/v1/jobs", "/api/v1/jobs/1/stream"};
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        struct api_request get = request_of("GET", open[i], OTHER);
        struct api_request head = request_of("HEAD", open[i], OTHER);
        struct api_request post = request_of("POST", open[i], OTHER);
        expect(&get, NULL);
        expect(&head, NULL);
        expect(&post, "only the owner");
    }
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        struct api_request get = request_of("GET", closed[i], OTHER);
        expect(&get, "only the owner");
    }
}

static void test_entry__web_pages_may_nothing(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://evil.example", "null", "http://127.0.0.1:8001",
                                          ""};
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct api_request request = request_of("GET", "/ping", OWNER);
        request.origin = str_from(origins[i]);
        expect(&request, "web pages");
    }
}

static void test_entry__the_name_must_be_this_machine_s(void **state)
{
    (void)state;
    static const char *const right[] = {"127.0.0.1", "127.0.0.1:8001", "127.1.2.3:1", "localhost:1",
                                        "LOCALHOST", "[::1]",          "[::1]:8001"};
    static const char *const wrong[] = {"",
                                        "evil.example",
                                        "127.0.0.1.evil.example",
                                        "localhost.evil.example:8001",
                                        "127.0.0.1:",
                                        "127.0.0.1:8001:1",
                                        "127.0.0.1:x",
                                        "10.0.0.1:8001",
                                        "0.0.0.0",
                                        "::1",
                                        "[::1",
                                        "[::1]x",
                                        "[::2]:8001",
                                        "[::ffff:10.0.0.1]",
                                        "user@127.0.0.1",
                                        "127.1",
                                        "2130706433"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct api_request request = request_of("POST", "/api/v1/jobs", OWNER);
        request.host = str_from(right[i]);
        expect(&request, NULL);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct api_request request = request_of("GET", "/ping", ROOT);
        request.host = str_from(wrong[i]);
        expect(&request, "Host header");
    }
}

static void test_entry__a_name_may_hide_nothing_behind_a_null(void **state)
{
    (void)state;
    struct api_request request = request_of("GET", "/ping", OWNER);
    request.host = STR("127.0.0.1\0.evil.example");
    expect(&request, "Host header");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry__the_owner_and_root_may_all),
        cmocka_unit_test(test_entry__others_may_ask_how_it_does),
        cmocka_unit_test(test_entry__web_pages_may_nothing),
        cmocka_unit_test(test_entry__the_name_must_be_this_machine_s),
        cmocka_unit_test(test_entry__a_name_may_hide_nothing_behind_a_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

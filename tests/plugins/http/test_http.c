/* SPDX-License-Identifier: Apache-2.0 */

/* The http plugin through the real host: with a service that is faked, and with the real net. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop/http_bridge.h"
#include "core/net/net.h"
#include "tests/sdk/rig.h"
#include "tests/support/http_server.h"

static struct rig rig;
static uint64_t last_token;

static int open_fake(void **state)
{
    (void)state;
    last_token = 0;
    rig_open_folder(&rig, PLUGIN_DIR);
    return 0;
}

static int close_fake(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

/* Starts a task and gives what it asked the faked service for. */
static struct rig_call *call_of(const char *config)
{
    struct error err = {0};
    if (rig_start(&rig, ++last_token, "http", config, &err) != 0) {
        fail_msg("%s: %s", config, err.message);
    }
    return rig_wait_call(&rig, rig.call_count + 1);
}

struct answer {
    int32_t status;
    const char *body;
    struct host_http_header headers[4];
    int64_t tls_not_after_unix;
};

/* Answers the call, and gives the task's end. */
static const char *answer(struct rig_call *call, const struct answer *from)
{
    size_t n = 0;
    while (n < 4 && from->headers[n].name.n > 0) {
        n++;
    }
    const struct host_http_response response = {
        .status = from->status,
        .body = str_from(from->body),
        .headers = from->headers,
        .header_count = n,
        .effective_url = STR("http://a/"),
        .duration_ms = 12.5,
        .connect_ms = 2.5,
        .first_byte_ms = 10.25,
        .body_bytes = strlen(from->body),
        .tls_not_after_unix = from->tls_not_after_unix,
        .tls_subject = STR("CN=a,O=\xC3\x84"),
        .tls_issuer = STR("CN=b"),
    };
    call->is_open = false;
    call->done(call->user, &response, NULL);
    return rig_wait(&rig, last_token);
}

static const char *end_of(const char *config, int32_t status, const char *body)
{
    return answer(call_of(config), &(struct answer){.status = status, .body = body});
}

static void test_http__sends_what_the_config_says(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"url\":\"http://a/b\"}", "GET http://a/b "},
        {"{\"url\":\"http://a/b\",\"method\":\"put\"}", "PUT http://a/b "},
        {"{\"url\":\"http://a/b?x=1#part\",\"query\":{\"q\":\"a "
         "b&c\",\"n\":[1,2.5,true],\"z\":null}}",
         "GET http://a/b?x=1&q=a%20b%26c&n=1&n=2.5&n=true "},
        {"{\"url\":\"http://a/?\",\"query\":{\"q\":\"\xC3\xA9\"}}", "GET http://a/?q=%C3%A9 "},
        {"{\"url\":\"http://a\",\"json\":{\"k\":[1,null]}}",
         "POST http://a Content-Type=application/json {\"k\":[1,null]}"},
        {"{\"url\":\"http://a\",\"json\":\"text\"}",
         "POST http://a Content-Type=application/json \"text\""},
        {"{\"url\":\"http://a\",\"json\":null}",
         "POST http://a Content-Type=application/json null"},
        {"{\"url\":\"http://a\",\"body\":\"text\"}",
         "POST http://a Content-Type=text/plain; charset=utf-8 text"},
        {"{\"url\":\"http://a\",\"body\":{\"data\":1}}",
         "POST http://a Content-Type=application/json {\"data\":1}"},
        {"{\"url\":\"http://a\",\"body\":\"<x/>\",\"headers\":{\"content-type\":\"text/xml\"}}",
         "POST http://a content-type=text/xml <x/>"},
        {"{\"url\":\"http://a\",\"form\":{\"a\":\"1 2\",\"b\":[\"x\",\"&\"]}}",
         "POST http://a Content-Type=application/x-www-form-urlencoded a=1+2&b=x&b=%26"},
        {"{\"url\":\"http://a\",\"headers\":{\"X-Num\":7,\"X-No\":null,\"X\":\"y\"}}",
         "GET http://a X-Num=7 X=y "},
        {"{\"url\":\"http://a\",\"auth\":{\"basic\":{\"username\":\"u\",\"password\":\"p:w\"}}}",
         "GET http://a Authorization=Basic dTpwOnc= "},
        {"{\"url\":\"http://a\",\"auth\":{\"bearer\":\"tok\"}}",
         "GET http://a Authorization=Bearer tok "},
        {"{\"url\":\"http://a\",\"response\":\"json\"}", "GET http://a Accept=application/json "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig_call *call = call_of(cases[i][0]);
        assert_string_equal(call->text.p, cases[i][1]);
        (void)answer(call, &(struct answer){.status = 200, .body = ""});
    }
}

static void test_http__output_has_all_parts(void **state)
{
    (void)state;
    struct rig_call *call = call_of("{\"url\":\"https://a/\"}");
    const char *end =
        answer(call, &(struct answer){.status = 200,
                                      .body = "{\"ok\":true}",
                                      .headers = {{STR("content-type"), STR("application/json")},
                                                  {STR("x-two"), STR("a")},
                                                  {STR("x-two"), STR("b")},
                                                  {STR("set-cookie"), STR("c=1, d")}},
                                      .tls_not_after_unix = 4102444800});
    assert_has(end, "done {\"status\":200,");
    assert_has(end, "\"headers\":{\"content-type\":\"application/json\",\"x-two\":\"a, b\","
                    "\"set-cookie\":[\"c=1, d\"]}");
    assert_has(end, "\"body\":{\"ok\":true},\"bytes\":11,\"timing\":{\"connect_ms\":2.5,"
                    "\"first_byte_ms\":10.25,\"total_ms\":12.5},");
    assert_has(end, "\"certificate\":{\"subject\":\"CN=a,O=\xC3\x84\",\"issuer\":\"CN=b\","
                    "\"not_after\":\"2100-01-01T00:00:00Z\",\"days_left\":");
    assert_has(end_of("{\"url\":\"http://a/\"}", 200, "x"), "\"certificate\":null}");
}

static void test_http__body_is_read_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        const char *type;
        const char *body;
        const char *end;
    } cases[] = {
        {"auto", "application/json", "[1]", "\"body\":[1],"},
        {"auto", "Application/JSON; charset=utf-8", "[1]", "\"body\":[1],"},
        {"auto", "application/problem+json", "[1]", "\"body\":[1],"},
        {"auto", "text/plain", "[1]", "\"body\":\"[1]\","},
        {"auto", "application/jsonlines", "[1]", "\"body\":\"[1]\","},
        {"auto", "application/json", "", "\"body\":null,"},
        {"text", "application/json", "[1]", "\"body\":\"[1]\","},
        {"text", "text/plain", "", "\"body\":\"\","},
        {"text", "image/png", "\x89P", "\"body\":\"iVA=\","},
        {"json", "text/plain", "{\"a\":1}", "\"body\":{\"a\":1},"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char config[128];
        (void)snprintf(config, sizeof config, "{\"url\":\"http://a\",\"response\":\"%s\"}",
                       cases[i].mode);
        struct answer from = {.status = 200, .body = cases[i].body};
        from.headers[0] = (struct host_http_header){STR("content-type"), str_from(cases[i].type)};
        assert_has(answer(call_of(config), &from), cases[i].end);
    }
}

static void test_http__broken_json_is_an_error_with_its_place(void **state)
{
    (void)state;
    const char *end =
        end_of("{\"url\":\"http://a/x?key=secret\",\"response\":\"json\"}", 200, "{\"a\": oops}");
    assert_has(end, "failed {\"code\":\"UPSTREAM\"");
    assert_has(end, "GET http://a/x answered what is no JSON: ");
    assert_has(end, "response: text");
    assert_null(strstr(end, "secret"));
}

static void test_http__unexpected_status_is_an_error(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        const char *code;
    } cases[] = {
        {301, "UPSTREAM"},     {400, "INPUT"},    {401, "AUTH"},        {403, "PERMISSION"},
        {404, "NOT_FOUND"},    {409, "CONFLICT"}, {408, "TIMEOUT"},     {425, "UNAVAILABLE"},
        {429, "RATE_LIMITED"}, {500, "UPSTREAM"}, {502, "UNAVAILABLE"}, {503, "UNAVAILABLE"},
        {504, "UNAVAILABLE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[64];
        char number[64];
        const char *end =
            end_of("{\"url\":\"http://a/p?token=secret\"}", cases[i].status, "line one\nline two");
        (void)snprintf(code, sizeof code, "failed {\"code\":\"%s\"", cases[i].code);
        (void)snprintf(number, sizeof number, "GET http://a/p answered %d: line one line two",
                       cases[i].status);
        assert_has(end, code);
        assert_has(end, number);
        (void)snprintf(number, sizeof number, "\"upstream_status\":%d", cases[i].status);
        assert_has(end, number);
        assert_null(strstr(end, "secret"));
    }
}

static void test_http__error_quotes_300_bytes_of_the_body(void **state)
{
    (void)state;
    char body[1024];
    char quoted[400];
    memset(body, 'b', sizeof body);
    body[sizeof body - 1] = '\0';
    (void)snprintf(quoted, sizeof quoted, ": %.300s...\"", body);
    assert_has(end_of("{\"url\":\"http://a/\"}", 500, body), quoted);
}

static void test_http__expect_says_what_is_no_error(void **state)
{
    (void)state;
    assert_has(end_of("{\"url\":\"http://a\",\"expect\":404}", 404, ""), "done {\"status\":404");
    assert_has(end_of("{\"url\":\"http://a\",\"expect\":[201,\"4xx\"]}", 404, ""), "done ");
    assert_has(end_of("{\"url\":\"http://a\",\"expect\":[201,\"4xx\"]}", 201, ""), "done ");
    assert_has(end_of("{\"url\":\"http://a\",\"expect\":[201,\"4xx\"]}", 200, ""), "failed ");
    assert_has(end_of("{\"url\":\"http://a\",\"expect\":\"5xx\"}", 503, ""), "done ");
}

static void test_http__wait_comes_from_the_answer(void **state)
{
    (void)state;
    struct answer from = {.status = 429, .body = ""};
    from.headers[0] = (struct host_http_header){STR("Retry-After"), STR("7")};
    assert_has(answer(call_of("{\"url\":\"http://a\"}"), &from), "\"retry_after_ms\":7000");
    from.status = 403; /* how GitHub says it */
    const char *end = answer(call_of("{\"url\":\"http://a\"}"), &from);
    assert_has(end, "RATE_LIMITED");
    assert_has(end, "\"upstream_status\":403");
    from.headers[0].value = STR("-7");
    from.status = 503;
    assert_null(strstr(answer(call_of("{\"url\":\"http://a\"}"), &from), "retry_after_ms"));
}

static void test_http__effect_depends_on_the_method(void **state)
{
    (void)state;
    assert_has(end_of("{\"url\":\"http://a\",\"json\":1}", 500, ""), "\"effect\":\"maybe\"");
    assert_has(end_of("{\"url\":\"http://a\"}", 500, ""), "\"effect\":\"none\"");

    const struct host_http_failure failure = {
        .code = "TIMEOUT", .symbol = "http.timeout", .is_maybe_done = true, .message = STR("late")};
    struct rig_call *call = call_of("{\"url\":\"http://a\",\"json\":1}");
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    assert_has(rig_wait(&rig, last_token), "\"effect\":\"maybe\"");
    call = call_of("{\"url\":\"http://a\",\"method\":\"delete\"}");
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    assert_has(rig_wait(&rig, last_token), "\"effect\":\"maybe\"");
    assert_has(rig_wait(&rig, last_token), "\"repeatable\":true");
    call = call_of("{\"url\":\"http://a\",\"method\":\"head\"}");
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    assert_has(rig_wait(&rig, last_token), "\"effect\":\"none\"");
    assert_has(rig_wait(&rig, last_token), "failed {\"code\":\"TIMEOUT\"");
}

static void test_http__a_key_makes_a_call_repeatable(void **state)
{
    (void)state;
    const char *end = end_of("{\"url\":\"http://a\",\"json\":1}", 500, "");
    assert_null(strstr(end, "repeatable"));
    end = end_of("{\"url\":\"http://a\",\"json\":1,\"idempotency_key\":true}", 500, "");
    assert_has(end, "\"repeatable\":true");
    end = end_of("{\"url\":\"http://a\",\"json\":1,\"headers\":{\"idempotency-KEY\":\"7\"}}", 500,
                 "");
    assert_has(end, "\"repeatable\":true");
    assert_has(end, "\"effect\":\"maybe\"");
    end =
        end_of("{\"url\":\"http://a\",\"json\":1,\"headers\":{\"Idempotency-Key\":null}}", 500, "");
    assert_null(strstr(end, "repeatable"));
}

static void test_http__config_is_checked(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{}", "url"},
        {"{\"url\":7}", "/url"},
        {"{\"url\":\"http://a\",\"ulr\":1}", "ulr"},
        {"{\"url\":\"http://a\",\"json\":1,\"body\":2}", ""},
        {"{\"url\":\"http://a\",\"form\":{},\"body\":2}", ""},
        {"{\"url\":\"http://a\",\"auth\":{}}", "/auth"},
        {"{\"url\":\"http://a\",\"auth\":{\"basic\":{\"username\":\"u\"}}}", "password"},
        {"{\"url\":\"http://a\",\"expect\":\"2yy\"}", "/expect"},
        {"{\"url\":\"http://a\",\"expect\":[]}", "/expect"},
        {"{\"url\":\"http://a\",\"response\":\"xml\"}", "/response"},
        {"{\"url\":\"http://a\",\"query\":{\"a\":{}}}", "/query"},
        {"{\"url\":\"http://a\",\"timeout\":\"soon\"}", "must be a duration above 0"},
        {"{\"url\":\"http://a\",\"timeout\":\"0s\"}", "/timeout"},
        {"{\"url\":\"http://a\",\"connect_timeout\":\"5\"}", "/connect_timeout"},
        {"{\"url\":\"http://a\",\"max_response_bytes\":0}", "/max_response_bytes"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct error err = {0};
        if (rig_start(&rig, 1, "http", refused[i][0], &err) != E_INVALID) {
            fail_msg("%s was taken", refused[i][0]);
        }
        assert_has(err.message, refused[i][1]);
    }
    const char *end =
        rig_run(&rig, ++last_token, "http", "{\"url\":\"http://a\",\"timeout\":\"12345678901s\"}");
    assert_has(end, "failed {\"code\":\"CONFIG\"");
    assert_has(end, "\"path\":\"/timeout\"");
    end = rig_run(&rig, ++last_token, "http",
                  "{\"url\":\"http://a\",\"auth\":{\"bearer\":\"t\"},"
                  "\"headers\":{\"authorization\":\"x\"}}");
    assert_has(end, "\"path\":\"/auth\"");
}

static void test_http__cancel_ends_the_call(void **state)
{
    (void)state;
    struct rig_call *call = call_of("{\"url\":\"http://a\"}");
    host_task_cancel(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, last_token), "CANCELLED");
    assert_true(call->is_aborted);
    assert_int_equal(rig.tasks[last_token].ends, 1);
}

/* ---- With the real net ---- */

static struct http_server *server;
static struct http_bridge bridge;
static bool is_net_closed;

static int open_real(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN);
    server = http_server_start(NULL);
    assert_non_null(server);
    (void)open_fake(state);
    assert_int_equal(net_create(&rig.loop, NULL, &bridge.net, NULL), 0);
    http_bridge_init(&rig.http, &bridge);
    return 0;
}

static void on_net_closed(void *user)
{
    *(bool *)user = true;
}

static int close_real(void **state)
{
    is_net_closed = false;
    net_close(bridge.net, on_net_closed, &is_net_closed);
    (void)close_fake(state);
    assert_true(is_net_closed);
    http_server_stop(server);
    return 0;
}

/* `rest` is more of the config: ",\"expect\":404". */
static const char *run_real(const char *path, const char *rest)
{
    char config[512];
    (void)snprintf(config, sizeof config, "{\"url\":\"%s%s\"%s}", http_server_url(server), path,
                   rest);
    return rig_run(&rig, ++last_token, "http", config);
}

/* Starts a check and gives what it asked the faked service for. */
static struct rig_call *check_call(const char *origin)
{
    struct error err = {0};
    if (rig_start_check(&rig, ++last_token, "http", origin, &err) != 0) {
        fail_msg("%s: %s", origin, err.message);
    }
    return rig_wait_call(&rig, rig.call_count + 1);
}

static void test_http__check_is_one_head_without_credentials(void **state)
{
    static const struct {
        int32_t status;
        const char *end;
    } rows[] = {
        {200, "done {\"status\":200}"},       {302, "done {\"status\":302}"},
        {401, "done {\"status\":401}"},       {404, "done {\"status\":404}"},
        {405, "done {\"status\":405}"},       {429, "done {\"status\":429}"},
        {499, "done {\"status\":499}"},       {501, "done {\"status\":501}"},
        {500, "it answered HEAD / with 500"}, {503, "it answered HEAD / with 503"},
        {599, "it answered HEAD / with 599"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_call *call = check_call("https://a.example:8443");
        assert_string_equal(call->text.p, "HEAD https://a.example:8443/ ");
        assert_has(answer(call, &(struct answer){.status = rows[i].status, .body = ""}),
                   rows[i].end);
    }
}

static void test_http__check_of_what_cannot_be_called_fails(void **state)
{
    struct error err = {0};
    const struct host_http_failure failure = {
        .code = "UNAVAILABLE", .symbol = "http.refused", .message = STR("nobody listens")};
    (void)state;
    struct rig_call *call = check_call("http://a:80");
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    assert_has(rig_wait(&rig, last_token), "\"message\":\"nobody listens\"");
    assert_int_equal(rig_start_check(&rig, ++last_token, "http", "ftp://a", &err), 0);
    assert_has(rig_wait(&rig, last_token), "failed {");
    call = check_call("http://a:80");
    host_task_cancel(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_TIMEOUT);
    assert_has(rig_wait(&rig, last_token), "failed {\"code\":\"CANCELLED\"");
    assert_true(call->is_aborted);
}

static void test_http__calls_a_real_server(void **state)
{
    (void)state;
    const char *end = run_real("/echo", ",\"json\":{\"a\":1},\"query\":{\"q\":\"x y\"}");
    assert_has(end, "done {\"status\":200");
    assert_has(end, "\"body\":\"{\\\"a\\\":1}\"");
    assert_has(end, "\"query\":\"q=x%20y\"");
    assert_has(end, "\"user-agent\":\"OpStream\"");
    assert_has(run_real("/cookies", ""), "\"set-cookie\":[\"a=1\",\"b=2\"],\"x-many\":\"1, 2\"");
    assert_has(run_real("/redirect/1", ""), "\"path\":\"/echo\"");
    assert_has(run_real("/redirect/1", ",\"follow_redirects\":false"), "answered 302");
    assert_has(run_real("/status/204", ""), "done {\"status\":204");
}

static void test_http__real_failures_reach_the_error(void **state)
{
    (void)state;
    assert_has(run_real("/status/429?retry-after=9", ""), "\"retry_after_ms\":9000");
    assert_has(run_real("/delay/5000", ",\"timeout\":\"50ms\""), "TIMEOUT");
    assert_has(run_real("/bytes/1001", ",\"max_response_bytes\":1000"), "RESOURCE");
    assert_has(run_real("/bad-json", ""), "line 1");
    assert_has(run_real("/reset", ",\"json\":1"), "\"effect\":\"maybe\"");
    const char *end =
        rig_run(&rig, ++last_token, "http", "{\"url\":\"http://169.254.169.254/latest\"}");
    assert_has(end, "PERMISSION");
    assert_has(end, "metadata");
}

#define FAKE(name) cmocka_unit_test_setup_teardown(name, open_fake, close_fake)
#define REAL(name) cmocka_unit_test_setup_teardown(name, open_real, close_real)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE(test_http__sends_what_the_config_says),
        FAKE(test_http__output_has_all_parts),
        FAKE(test_http__body_is_read_as_asked),
        FAKE(test_http__broken_json_is_an_error_with_its_place),
        FAKE(test_http__unexpected_status_is_an_error),
        FAKE(test_http__error_quotes_300_bytes_of_the_body),
        FAKE(test_http__expect_says_what_is_no_error),
        FAKE(test_http__wait_comes_from_the_answer),
        FAKE(test_http__effect_depends_on_the_method),
        FAKE(test_http__a_key_makes_a_call_repeatable),
        FAKE(test_http__config_is_checked),
        FAKE(test_http__cancel_ends_the_call),
        FAKE(test_http__check_is_one_head_without_credentials),
        FAKE(test_http__check_of_what_cannot_be_called_fails),
        REAL(test_http__calls_a_real_server),
        REAL(test_http__real_failures_reach_the_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

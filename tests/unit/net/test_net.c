/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/net/net_rig.h"

static void test_net__get_gives_status_headers_and_body(void **state)
{
    (void)state;
    get("/json");
    assert_body(200, "\"ok\":true");
    assert_non_null(strstr(x.headers.p, "content-type: application/json; charset=utf-8\n"));
    assert_int_equal(x.body_bytes, x.body.n);
    assert_int_equal(x.tls_not_after_unix, 0);
    assert_true(x.timings.total_ms > 0);
    assert_true(strncmp(x.remote_address.p, "127.0.0.1:", 10) == 0);
    get("/json");
    assert_true(x.is_reused);
}

static void test_net__request_arrives_as_it_was_given(void **state)
{
    (void)state;
    char url[512];
    const struct net_header headers[] = {
        {STR("X-Test"), STR("one"), false},
        {STR("X-Empty"), STR(""), false},
        {STR("Content-Type"), STR("text/x-test"), false},
    };
    struct net_request request = make_request("/echo?q=1", url);
    request.method = STR("PATCH");
    request.headers = headers;
    request.header_count = 3;
    request.body = STR("the body");
    run(&request);
    assert_body(200, "\"method\":\"PATCH\"");
    assert_body(200, "\"body\":\"the body\"");
    assert_body(200, "\"query\":\"q=1\"");
    assert_body(200, "\"x-test\":\"one\"");
    assert_body(200, "\"x-empty\":\"\"");
    assert_body(200, "\"content-type\":\"text/x-test\"");
    assert_null(strstr(x.body.p, "expect"));
}

static void test_net__each_method_is_sent(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char url[512];
        char wanted[64];
        struct net_request request = make_request("/echo", url);
        request.method = str_from(methods[i]);
        run(&request);
        (void)snprintf(wanted, sizeof wanted, "\"method\":\"%s\"", methods[i]);
        assert_body(200, wanted);
        assert_null(strstr(x.body.p, "x-www-form-urlencoded"));
        request.body = STR("with a body");
        run(&request);
        assert_body(200, wanted);
        assert_body(200, "with a body");
    }
}

static void test_net__head_has_no_body(void **state)
{
    (void)state;
    char url[512];
    struct net_request request = make_request("/bytes/20000000", url);
    request.method = STR("HEAD");
    run(&request);
    assert_true(x.has_response);
    assert_int_equal(x.body.n, 0);
    assert_non_null(strstr(x.headers.p, "content-length: 20000000"));
    request.body = STR("b");
    run(&request);
    assert_failed(NET_FAILED_REQUEST, "HEAD");
}

static void test_net__bad_requests_are_refused_before_sending(void **state)
{
    (void)state;
    const struct {
        struct net_header header;
        const char *words;
    } cases[] = {
        {{STR("A B"), STR("1"), false}, "no name of a header"},
        {{STR(""), STR("1"), false}, "no name of a header"},
        {{STR("X:Y"), STR("1"), false}, "no name of a header"},
        {{STR("X"), STR("1\r\nY: 2"), false}, "line break"},
        {{STR("X"), STR("1\0002"), false}, "control character"},
        {{STR("Content-Length"), STR("7"), false}, "belongs to the connection"},
        {{STR("transfer-encoding"), STR("chunked"), false}, "belongs to the connection"},
    };
    uint64_t before = http_server_request_count(server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[512];
        struct net_request request = make_request("/echo", url);
        request.headers = &cases[i].header;
        request.header_count = 1;
        run(&request);
        assert_failed(NET_FAILED_REQUEST, cases[i].words);
        assert_int_equal(x.effect, NET_EFFECT_NONE);
    }

    static const char *const methods[] = {"GE T", "GET\r\n", "CONNECT", "TRACE", "G\x80T"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char url[512];
        struct net_request request = make_request("/echo", url);
        request.method = str_from(methods[i]);
        run(&request);
        assert_failed(NET_FAILED_REQUEST, "");
    }
    assert_int_equal(http_server_request_count(server), before);
}

static void test_net__bad_urls_are_refused(void **state)
{
    (void)state;
    get("example.com/x");
    assert_failed(NET_FAILED_URL, "https://");
    get("ftp://127.0.0.1/x");
    assert_failed(NET_FAILED_URL, "only http:// and https://");
    get("http://user:secret@127.0.0.1/");
    assert_failed(NET_FAILED_URL, "user name");
    assert_null(strstr(x.message.p, "secret"));
}

static void test_net__localhost_needs_no_name_server(void **state)
{
    (void)state;
    char url[512];
    (void)snprintf(url, sizeof url, "http://localhost:%u/json", http_server_port(server));
    get(url);
    assert_body(200, "opstream");
    (void)snprintf(url, sizeof url, "http://deep.LocalHost.:%u/json", http_server_port(server));
    get(url);
    assert_body(200, "opstream");
}

static void test_net__unresolvable_name_is_a_dns_failure(void **state)
{
    (void)state;
    get("http://no-such-host.invalid/");
    assert_false(x.has_response);
    if (x.failure_class != NET_FAILED_CONNECT_TIMEOUT) {
        assert_failed(NET_FAILED_DNS, "cannot resolve 'no-such-host.invalid'");
    }
    assert_int_equal(x.effect, NET_EFFECT_NONE);
}

static void test_net__closed_port_is_refused(void **state)
{
    (void)state;
    get("http://127.0.0.1:1/");
    assert_failed(NET_FAILED_REFUSED, "Connection refused");
    assert_int_equal(x.effect, NET_EFFECT_NONE);
}

/* On a busy machine the time may be over before the call is where it is to be: then it has more. */
static void run_out_of_time(const char *path, const char *wanted)
{
    char url[512];
    struct net_request request = make_request(path, url);
    for (request.timeout_ms = 50; request.timeout_ms < 20000; request.timeout_ms *= 4) {
        run(&request);
        if (strstr(x.message.p, wanted) != NULL) {
            break;
        }
    }
    assert_failed(NET_FAILED_TIMEOUT, wanted);
    assert_int_equal(x.effect, NET_EFFECT_MAYBE);
}

static void test_net__time_ends_the_call_and_says_where_it_was(void **state)
{
    (void)state;
    run_out_of_time("/silent", "no answer within ");
    run_out_of_time("/slow-headers/100000?10", "not whole");
    run_out_of_time("/chunked/100000?10", "not whole");
}

static void test_net__broken_answers_have_their_class(void **state)
{
    (void)state;
    get("/reset");
    assert_failed(NET_FAILED_RESET, "");
    assert_int_equal(x.effect, NET_EFFECT_MAYBE);
    get("/close");
    assert_failed(NET_FAILED_RESET, "empty reply");
    get("/early-close");
    assert_failed(NET_FAILED_RESET, "");
    get("/bad-length");
    assert_failed(NET_FAILED_PROTOCOL, "");
    get("/garbage");
    assert_failed(NET_FAILED_PROTOCOL, "HTTP/0.9");
    get("/no-length");
    assert_body(200, "until the end");
}

static void test_net__body_limit_counts_what_was_decompressed(void **state)
{
    (void)state;
    char url[512];
    struct net_request request = make_request("/gzip/1000", url);
    request.max_body_bytes = 1000;
    run(&request);
    assert_true(x.has_response);
    assert_int_equal(x.body.n, 1000);
    assert_true(x.received_bytes < 100);
    request = make_request("/gzip/1001", url);
    request.max_body_bytes = 1000;
    run(&request);
    assert_failed(NET_FAILED_TOO_LARGE, "more than 1000 bytes");
    request = make_request("/bytes/1001", url);
    request.max_body_bytes = 1000;
    run(&request);
    assert_failed(NET_FAILED_TOO_LARGE, "more than 1000 bytes");
    get("/endless");
    assert_failed(NET_FAILED_TOO_LARGE, "more than 10485760 bytes");
}

static void test_net__bombs_are_refused_by_their_ratio(void **state)
{
    (void)state;
    get("/gzip/1000000");
    assert_true(x.has_response); /* below 1 MiB nobody minds */
    get("/gzip/8000000");
    assert_failed(NET_FAILED_TOO_LARGE, "hundredth");
    get("/gzip/100?twice");
    assert_failed(NET_FAILED_PROTOCOL, "more than once");
}

static void test_net__headers_are_limited(void **state)
{
    (void)state;
    get("/big-headers/50");
    assert_body(200, "ok");
    get("/big-headers/70");
    assert_failed(NET_FAILED_TOO_LARGE, "bytes of headers");
}

static void test_net__chunked_bodies_come_whole(void **state)
{
    (void)state;
    get("/chunked/3");
    assert_body(200, "chunk  3chunk  2chunk  1");
}

static void test_net__pieces_come_as_they_arrive(void **state)
{
    (void)state;
    char url[512];
    struct net_request request = make_request("/chunked/4?5", url);
    request.on_chunk = exchange_on_chunk;
    run(&request);
    assert_true(x.has_response);
    assert_int_equal(x.body.n, 0);
    assert_int_equal(x.chunks.n, 32);
    assert_int_equal(x.body_bytes, 32);
    assert_true(x.chunk_count >= 2);

    request = make_request("/status/500", url); /* an error is no stream */
    request.on_chunk = exchange_on_chunk;
    run(&request);
    assert_body(500, "500");
    assert_int_equal(x.chunk_count, 0);
}

static void on_chunk_abort(void *user, struct str bytes)
{
    (void)bytes;
    net_abort(*(struct net_call **)user);
}

static void on_done_count(void *user, const struct net_response *response,
                          const struct net_failure *failure)
{
    (void)user;
    exchange_on_done(&x, response, failure);
}

static void test_net__abort_from_a_piece_ends_the_call(void **state)
{
    (void)state;
    char url[512];
    struct net_call *call = NULL;
    struct net_request request = make_request("/endless", url);
    request.on_chunk = on_chunk_abort;
    request.done = on_done_count;
    request.user = &call;
    assert_int_equal(net_send(net, &request, &call, NULL), 0);
    exchange_wait(&loop, &x);
    assert_failed(NET_FAILED_CANCELED, "canceled");
    assert_int_equal(x.code, E_CANCELED);
}

static void test_net__abort_ends_a_call_once_at_each_stage(void **state)
{
    (void)state;
    for (int steps = 0; steps < 6; steps++) {
        char url[512];
        struct net_call *call = NULL;
        struct net_request request = make_request("/delay/2000", url);
        exchange_finish(&x);
        assert_int_equal(net_send(net, &request, &call, NULL), 0);
        for (int i = 0; i < steps; i++) {
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        net_abort(call);
        net_abort(call);
        assert_int_equal(x.done_count, 0);
        exchange_wait(&loop, &x);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(x.done_count, 1);
        assert_failed(NET_FAILED_CANCELED, "canceled");
    }
}

static void test_net__redirects_are_followed(void **state)
{
    (void)state;
    get("/redirect/3");
    assert_body(200, "\"path\":\"/echo\"");
    assert_int_equal(x.redirects, 4);
    assert_non_null(strstr(x.effective_url.p, "/echo"));
    get("/redirect/4");
    assert_int_equal(x.redirects, 5);
    get("/redirect/5");
    assert_failed(NET_FAILED_REDIRECT, "more than 5 redirects");
    assert_int_equal(x.effect, NET_EFFECT_MAYBE);
    char url[512];
    struct net_request request = make_request("/redirect/1", url);
    request.flags = NET_NO_REDIRECT;
    run(&request);
    assert_body(302, "elsewhere");
}

static void redirect_to(int status, const char *method, const char *to)
{
    char path[1024];
    char url[512];
    const struct net_header headers[] = {
        {STR("Authorization"), STR("Bearer abc"), false},
        {STR("Cookie"), STR("a=b"), false},
        {STR("X-Api-Key"), STR("key"), true},
        {STR("X-Plain"), STR("plain"), false},
        {STR("Content-Type"), STR("text/plain"), false},
    };
    (void)snprintf(path, sizeof path, "/redirect-to/%d?%s", status, to);
    struct net_request request = make_request(path, url);
    request.method = str_from(method);
    request.headers = headers;
    request.header_count = 5;
    request.body = strcmp(method, "GET") != 0 ? STR("payload") : STR("");
    run(&request);
}

static void test_net__redirects_rewrite_methods(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *method;
        const char *then;
    } cases[] = {
        {301, "POST", "GET"}, {302, "POST", "GET"},      {303, "POST", "GET"},
        {303, "PUT", "GET"},  {307, "POST", "POST"},     {308, "POST", "POST"},
        {301, "PUT", "PUT"},  {302, "DELETE", "DELETE"}, {303, "GET", "GET"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wanted[64];
        redirect_to(cases[i].status, cases[i].method, "/echo");
        (void)snprintf(wanted, sizeof wanted, "\"method\":\"%s\"", cases[i].then);
        assert_body(200, wanted);
        bool has_kept = strcmp(cases[i].then, "GET") != 0;
        assert_body(200, has_kept ? "\"body\":\"payload\"" : "\"body\":\"\"");
        if (strcmp(cases[i].method, cases[i].then) != 0) {
            assert_null(strstr(x.body.p, "content-type"));
        }
        assert_body(200, "Bearer abc"); /* the same origin */
    }
}

static void test_net__credentials_stay_at_their_origin(void **state)
{
    (void)state;
    char to[256];
    (void)snprintf(to, sizeof to, "%s/echo", http_server_url(other));
    redirect_to(307, "POST", to);
    assert_body(200, "\"x-plain\":\"plain\"");
    assert_body(200, "\"body\":\"payload\"");
    assert_null(strstr(x.body.p, "Bearer"));
    assert_null(strstr(x.body.p, "cookie"));
    assert_null(strstr(x.body.p, "x-api-key"));
}

/* What check_hop() was told, and what it says. */
static struct strbuf hops;
static bool refuses_others;

static int check_hop(void *user, const struct net_hop *hop, struct error *err)
{
    bool is_other = strstr(http_server_url(other), ":") != NULL &&
                    str_starts_with(hop->url, str_from(http_server_url(other)));
    assert_ptr_equal(user, &x);
    strbuf_append_format(&hops, "%s %.*s %zu %.*s\n", is_other ? "other" : "first",
                         STR_ARG(hop->host), hop->header_count, STR_ARG(hop->body));
    assert_true(hop->port > 0);
    return is_other && refuses_others ? error_set(err, E_INVALID, "not there") : 0;
}

static void test_net__the_caller_checks_each_hop(void **state)
{
    char path[1024];
    char url[512];
    const struct net_header headers[] = {
        {STR("X-Api-Key"), STR("key"), true},
        {STR("X-Plain"), STR("plain"), false},
    };
    (void)state;
    (void)snprintf(path, sizeof path, "/redirect-to/307?%s/echo", http_server_url(other));
    struct net_request request = make_request(path, url);
    request.method = STR("POST");
    request.headers = headers;
    request.header_count = 2;
    request.body = STR("payload");
    request.check_hop = check_hop;
    for (int i = 0; i < 2; i++) {
        refuses_others = i == 1;
        strbuf_clear(&hops);
        uint64_t before = http_server_request_count(other);
        run(&request);
        assert_string_equal(hops.p, "first 127.0.0.1 2 payload\nother 127.0.0.1 1 payload\n");
        if (refuses_others) {
            assert_failed(NET_FAILED_BARRED, "not there");
        } else {
            assert_body(200, "\"body\":\"payload\"");
        }
        assert_int_equal(http_server_request_count(other) - before, refuses_others ? 0 : 1);
    }
    strbuf_finish(&hops);
}

static void test_net__each_hop_is_checked(void **state)
{
    (void)state;
    redirect_to(302, "GET", "http://169.254.169.254/latest/meta-data/");
    assert_failed(NET_FAILED_FORBIDDEN, "metadata");
    redirect_to(302, "GET", "http://[::ffff:a9fe:a9fe]/");
    assert_failed(NET_FAILED_FORBIDDEN, "metadata");
    redirect_to(302, "GET", "file:///etc/passwd");
    assert_failed(NET_FAILED_REDIRECT, "bad place");
    redirect_to(302, "GET", "http://user@127.0.0.1/");
    assert_failed(NET_FAILED_REDIRECT, "bad place");
}

static void test_net__metadata_service_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://169.254.169.254/",     "http://0xA9FEA9FE/",      "http://2852039166/",
        "http://0251.0376.0251.0376/", "http://[fd00:ec2::254]/", "http://[64:ff9b::a9fe:a9fe]/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        get(urls[i]);
        assert_failed(NET_FAILED_FORBIDDEN, "metadata");
        assert_int_equal(x.code, E_INVALID);
    }
}

static void test_net__private_addresses_can_be_denied(void **state)
{
    (void)state;
    struct net *own = net;
    const char *allow[] = {"allowed.localhost"};
    const struct net_settings settings = {
        .private_addresses = NET_PRIVATE_DENY, .allow = allow, .allow_count = 1};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    get("/json");
    assert_failed(NET_FAILED_FORBIDDEN, "private address");
    char url[512];
    (void)snprintf(url, sizeof url, "http://localhost:%u/json", http_server_port(server));
    get(url); /* only its addresses tell */
    assert_failed(NET_FAILED_FORBIDDEN, "private address");
    (void)snprintf(url, sizeof url, "http://allowed.localhost:%u/json", http_server_port(server));
    get(url);
    assert_body(200, "opstream");
    exchange_close_net(&loop, net);
    net = own;
}

static void test_net__bad_rules_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "",         "1.2.3", "*.",
                                      "a..b",        "http://x", "::/129"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net *none = NULL;
        struct error err = {0};
        const struct net_settings settings = {.deny = &bad[i], .deny_count = 1};
        assert_int_equal(net_create(&loop, &settings, &none, &err), E_INVALID);
        assert_non_null(strstr(err.message, "network rule"));
        assert_null(none);
    }
}

static void test_net__create_survives_failing_allocations(void **state)
{
    (void)state;
    const char *rules[] = {"10.0.0.0/8", "*.example.com"};
    const struct net_settings settings = {
        .allow = rules, .allow_count = 2, .deny = rules, .deny_count = 2, .ca_file = "/x"};
    for (long n = 0;; n++) {
        struct net *made = NULL;
        failing_alloc_arm(n);
        int status = net_create(&loop, &settings, &made, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            exchange_close_net(&loop, made);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_net__get_gives_status_headers_and_body, clear),
        cmocka_unit_test_setup(test_net__request_arrives_as_it_was_given, clear),
        cmocka_unit_test_setup(test_net__each_method_is_sent, clear),
        cmocka_unit_test_setup(test_net__head_has_no_body, clear),
        cmocka_unit_test_setup(test_net__bad_requests_are_refused_before_sending, clear),
        cmocka_unit_test_setup(test_net__bad_urls_are_refused, clear),
        cmocka_unit_test_setup(test_net__localhost_needs_no_name_server, clear),
        cmocka_unit_test_setup(test_net__unresolvable_name_is_a_dns_failure, clear),
        cmocka_unit_test_setup(test_net__closed_port_is_refused, clear),
        cmocka_unit_test_setup(test_net__time_ends_the_call_and_says_where_it_was, clear),
        cmocka_unit_test_setup(test_net__broken_answers_have_their_class, clear),
        cmocka_unit_test_setup(test_net__body_limit_counts_what_was_decompressed, clear),
        cmocka_unit_test_setup(test_net__bombs_are_refused_by_their_ratio, clear),
        cmocka_unit_test_setup(test_net__headers_are_limited, clear),
        cmocka_unit_test_setup(test_net__chunked_bodies_come_whole, clear),
        cmocka_unit_test_setup(test_net__pieces_come_as_they_arrive, clear),
        cmocka_unit_test_setup(test_net__abort_from_a_piece_ends_the_call, clear),
        cmocka_unit_test_setup(test_net__abort_ends_a_call_once_at_each_stage, clear),
        cmocka_unit_test_setup(test_net__redirects_are_followed, clear),
        cmocka_unit_test_setup(test_net__redirects_rewrite_methods, clear),
        cmocka_unit_test_setup(test_net__credentials_stay_at_their_origin, clear),
        cmocka_unit_test_setup(test_net__the_caller_checks_each_hop, clear),
        cmocka_unit_test_setup(test_net__each_hop_is_checked, clear),
        cmocka_unit_test_setup(test_net__metadata_service_is_refused, clear),
        cmocka_unit_test_setup(test_net__private_addresses_can_be_denied, clear),
        cmocka_unit_test_setup(test_net__bad_rules_are_refused, clear),
        cmocka_unit_test_setup(test_net__create_survives_failing_allocations, clear),
    };
    int failed = cmocka_run_group_tests(tests, open_all, close_all);
    exchange_finish(&x);
    return failed;
}

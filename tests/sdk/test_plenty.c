/* SPDX-License-Identifier: Apache-2.0 */

/* Too much of everything, and great numbers: plugins/plenty.c. */

#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/log.h"
#include "core/model/catalogue.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/sdk/rig.h"

enum { MANY = 10000, TURNS_MOST = 1000000, GRACE_MS = 100 };

static void open_plenty(struct rig *rig)
{
    static const char *const folders[] = {PLENTY_DIR};
    rig_open(rig, &(struct rig_options){
                      .folders = folders, .folder_count = 1, .cancel_grace_ms = GRACE_MS});
}

/* ---- Too much ---- */

static void test_plenty__json_of_any_depth_is_refused(void **state)
{
    struct rig rig;
    (void)state;
    open_plenty(&rig);
    assert_string_equal(rig_run(&rig, 1, "plenty", "{\"do\":\"deep\"}"),
                        "done {\"lists\":12,\"has_message\":true,\"open\":12,\"maps\":12}");
    rig_close(&rig);
}

static void test_plenty__texts_of_100_mb_are_taken_cut_or_refused(void **state)
{
    struct rig rig;
    (void)state;
    open_plenty(&rig);
    assert_string_equal(rig_run(&rig, 1, "plenty", "{\"do\":\"huge\"}"),
                        "done {\"new_str\":0,\"count\":100000000,\"to_json\":0,\"new_bytes\":0,"
                        "\"from_json\":12,\"find\":14,\"progress\":0,\"port\":2,"
                        "\"emit_port\":15,\"zone\":5,\"send\":16}");
    assert_in_range(rig.tasks[1].logs.n, 1000, 9000); /* one line, cut */
    assert_in_range(strlen(rig_run(&rig, 2, "plenty", "{\"do\":\"huge_failure\"}")), 1000, 300000);
    rig_close(&rig);
}

/* 64 items are on their way at most, however often it tries. */
static void test_plenty__items_wait_for_who_takes_them(void **state)
{
    struct rig rig;
    (void)state;
    open_plenty(&rig);
    rig.credit = 0;
    assert_string_equal(rig_run(&rig, 1, "plenty", "{\"do\":\"emit\"}"),
                        "done {\"taken\":64,\"others\":0}");
    assert_int_equal(rig.tasks[1].item_count, 64);
    rig_close(&rig);
}

static void test_plenty__a_million_words_of_progress_are_a_few(void **state)
{
    struct rig rig;
    (void)state;
    open_plenty(&rig);
    assert_string_equal(rig_run(&rig, 1, "plenty", "{\"do\":\"progress\"}"), "done {\"told\":1}");
    assert_in_range(rig.tasks[1].progress_count, 1, 10);
    rig_close(&rig);
}

static void test_plenty__calls_are_sent_and_aborted_inside_answers(void **state)
{
    struct rig rig;
    (void)state;
    open_plenty(&rig);
    assert_string_equal(rig_run(&rig, 1, "plenty", "{\"do\":\"nested\"}"), "done {\"code\":11}");
    rig_close(&rig);
}

static void test_plenty__an_init_may_log_ten_thousand_lines(void **state)
{
    struct rig rig;
    int count = 0;
    (void)state;
    open_plenty(&rig); /* the library is loaded once: what it logged went to the first rig's log */
    assert_string_equal(rig_run(&rig, 1, "plenty.made", "{}"), "done {\"n\":0}");
    for (const char *at = rig_log(&rig); (at = strstr(at, "it begins plugin=plenty")) != NULL;
         at++) {
        count++;
    }
    assert_int_equal(count, 10000);
    rig_close(&rig);
}

/* ---- In great numbers: a host of its own, since the rig keeps what each task told ---- */

struct crowd {
    uv_loop_t loop;
    struct host *host;
    struct host_http http;
    struct {
        host_http_done_cb done;
        void *user;
    } calls[MANY];
    int call_count;
    int ends;
    bool is_closed;
    bool may_give_up; /* what is killed is not waited for */
    int log_fd;
};

static struct crowd crowd;

static void crowd_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    (void)user;
    (void)token;
    (void)port;
    (void)output;
    crowd.ends++;
}

static void crowd_failed(void *user, uint64_t token, const struct document *error)
{
    (void)user;
    (void)token;
    (void)error;
    crowd.ends++;
}

static void crowd_progress(void *user, uint64_t token, double fraction, struct str note)
{
    (void)user;
    (void)token;
    (void)fraction;
    (void)note;
}

static void crowd_item(void *user, uint64_t token, const struct document *item)
{
    (void)user;
    (void)token;
    (void)item;
}

static void crowd_log(void *user, uint64_t token, int level, struct str line)
{
    (void)user;
    (void)token;
    (void)level;
    (void)line;
}

static void crowd_given_up(void *user, uint64_t token)
{
    (void)user;
    if (!crowd.may_give_up) {
        fail_msg("task %d was given up", (int)token);
    }
}

static int crowd_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                      void *user, void **out_call, struct error *err)
{
    (void)self;
    (void)request;
    (void)err;
    assert_in_range(crowd.call_count, 0, MANY - 1);
    crowd.calls[crowd.call_count].done = done;
    crowd.calls[crowd.call_count].user = user;
    *out_call = &crowd.calls[crowd.call_count++];
    return 0;
}

static void crowd_answer(int i)
{
    const struct host_http_response response = {
        .status = 200, .body = STR("{}"), .effective_url = STR("http://a/")};
    host_http_done_cb done = crowd.calls[i].done;
    crowd.calls[i].done = NULL;
    if (done != NULL) {
        done(crowd.calls[i].user, &response, NULL);
    }
}

static void crowd_abort(void *self, void *call)
{
    const struct host_http_failure failure = {
        .code = "CANCELLED", .symbol = "http.aborted", .message = STR("aborted")};
    (void)self;
    for (int i = 0; i < crowd.call_count; i++) {
        if (call == &crowd.calls[i] && crowd.calls[i].done != NULL) {
            host_http_done_cb done = crowd.calls[i].done;
            crowd.calls[i].done = NULL;
            done(crowd.calls[i].user, NULL, &failure);
        }
    }
}

static void crowd_open(void)
{
    static const char *const folders[] = {PLENTY_DIR};
    struct error err = {0};
    memset(&crowd, 0, sizeof crowd);
    crowd.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(crowd.log_fd >= 0);
    log_set_fd(crowd.log_fd);
    assert_int_equal(uv_loop_init(&crowd.loop), 0);
    crowd.http = (struct host_http){&crowd, crowd_send, crowd_abort};
    const struct host_options options = {.loop = &crowd.loop,
                                         .folders = folders,
                                         .folder_count = 1,
                                         .events = {.user = &crowd,
                                                    .on_done = crowd_done,
                                                    .on_failed = crowd_failed,
                                                    .on_progress = crowd_progress,
                                                    .on_item = crowd_item,
                                                    .on_log = crowd_log,
                                                    .on_given_up = crowd_given_up},
                                         .http = &crowd.http,
                                         .job_threads = 2,
                                         .cancel_grace_ms = 60000};
    assert_int_equal(host_open(&options, &crowd.host, &err), 0);
}

static void crowd_closed(void *user)
{
    (void)user;
    crowd.is_closed = true;
}

static void crowd_close(void)
{
    host_close(crowd.host, crowd_closed, NULL);
    while (!crowd.is_closed) {
        (void)uv_run(&crowd.loop, UV_RUN_ONCE);
    }
    (void)uv_run(&crowd.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&crowd.loop), 0);
    log_set_fd(STDERR_FILENO);
    assert_int_equal(close(crowd.log_fd), 0);
}

static host_task crowd_start(const char *type, struct document *settings)
{
    const struct catalogue *catalogue = host_catalogue(crowd.host);
    struct error err = {0};
    host_task task = 0;
    const struct host_task_spec spec = {
        .type = catalogue->find_type(catalogue->user, str_from(type), &err),
        .settings = settings != NULL ? settings : document_empty_map(),
        .config = document_empty_map(),
        .run_id = STR("run-1"),
        .workflow = STR("flow"),
        .path = STR("node"),
        .idempotency_key = STR("key-1"),
        .attempt = 1,
    };
    assert_non_null(spec.type);
    if (host_task_start(crowd.host, &spec, &task, &err) != 0) {
        fail_msg("it does not start: %s", err.message);
    }
    return task;
}

static void crowd_turn_until(const int *count, int wanted)
{
    for (int i = 0; i < TURNS_MOST && *count < wanted; i++) {
        (void)uv_run(&crowd.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(*count, wanted);
}

/* All memory of the process; 0 where a sanitizer keeps it. */
static size_t used_bytes(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void test_crowd__a_task_that_waits_takes_less_than_2_kib(void **state)
{
    struct host_counts counts;
    (void)state;
    crowd_open();
    (void)crowd_start("plenty.waits", NULL); /* what is made once */
    crowd_turn_until(&crowd.call_count, 1);
    crowd_answer(0);
    crowd_turn_until(&crowd.ends, 1);
    crowd.call_count = 0;
    crowd.ends = 0;
    size_t before = used_bytes();
    for (int i = 0; i < MANY; i++) {
        (void)crowd_start("plenty.waits", NULL);
    }
    crowd_turn_until(&crowd.call_count, MANY);
    host_count(crowd.host, &counts);
    assert_int_equal(counts.tasks, MANY);
    assert_int_equal(counts.operations, MANY);
    size_t each = (used_bytes() - before) / MANY;
    print_message("%zu bytes for each of %d tasks that wait\n", each, MANY);
    assert_true(each < 2048);
    for (int i = 0; i < MANY; i++) {
        crowd_answer(i);
    }
    crowd_turn_until(&crowd.ends, MANY);
    host_count(crowd.host, &counts);
    assert_int_equal(counts.tasks + counts.operations + counts.task_values + counts.task_bytes, 0);
    crowd_close();
}

/* What runs when the host ends: each of ten thousand has its end, told once. */
static void test_crowd__closing_ends_all_that_wait(void **state)
{
    (void)state;
    crowd_open();
    for (int i = 0; i < MANY; i++) {
        (void)crowd_start("plenty.waits", NULL);
    }
    crowd_turn_until(&crowd.call_count, MANY);
    crowd_close();
    assert_int_equal(crowd.ends, MANY);
}

/* Settings that come and go: 10,000 nodes are made and destroyed, and nothing stays. */
static void test_crowd__nodes_come_and_go_without_growth(void **state)
{
    struct host_counts counts;
    size_t before = 0;
    (void)state;
    crowd_open();
    for (int i = 0; i < MANY + 1000; i++) {
        char text[32];
        cleanup_document struct document *settings = NULL;
        (void)snprintf(text, sizeof text, "{\"n\":%d}", i);
        assert_int_equal(json_read(str_from(text), NULL, &settings, NULL), 0);
        (void)crowd_start("plenty.made", settings);
        crowd_turn_until(&crowd.ends, i + 1);
        if (i == 999) { /* as many as are kept are there */
            before = used_bytes();
        }
    }
    size_t now = used_bytes();
    host_count(crowd.host, &counts);
    assert_in_range(counts.instances, 1, 1000);
    assert_int_equal(counts.tasks + counts.task_values + counts.task_bytes, 0);
    assert_true(now < before + 64 * 1024);
    crowd_close();
}

/* ---- Cancel, whenever it comes ---- */

enum { UNTIL_OVER = -1 };

/* Turns the loop `turns` times, then ends the task; true: it had ended before. */
static bool cancel_after(int turns, enum host_cancel_reason reason, int times, bool is_kill)
{
    int ends = crowd.ends;
    host_task task = crowd_start("plenty.steps", NULL);
    int most = turns == UNTIL_OVER ? TURNS_MOST : turns;
    for (int i = 0; i < most && (turns != UNTIL_OVER || crowd.ends == ends); i++) {
        (void)uv_run(&crowd.loop, UV_RUN_NOWAIT);
        crowd_answer(crowd.call_count > 0 ? crowd.call_count - 1 : 0);
    }
    bool is_over = crowd.ends > ends;
    crowd.may_give_up = is_kill;
    for (int i = 0; i < times; i++) {
        (is_kill ? host_task_kill : host_task_cancel)(crowd.host, task, reason);
    }
    crowd_turn_until(&crowd.ends, ends + 1);
    for (int i = 0; i < 5; i++) {
        (void)uv_run(&crowd.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(crowd.ends, ends + 1); /* exactly once */
    crowd.call_count = 0;
    return is_over;
}

/*
 * Before, during and after each of: a timer, a post, a wait for a consumer, a job, a call. The
 * plugin ends it in cancel(), or the operation that is aborted does, or both.
 */
static void test_crowd__a_cancel_may_come_at_any_turn(void **state)
{
    static const enum host_cancel_reason reasons[] = {HOST_CANCEL_REQUESTED, HOST_CANCEL_TIMEOUT,
                                                      HOST_CANCEL_SHUTDOWN};
    struct host_counts counts;
    int over = 0;
    int during = 0;
    (void)state;
    crowd_open();
    for (int round = 0; round < 20; round++) {
        for (int turns = UNTIL_OVER; turns < 40; turns++) {
            bool was_over = cancel_after(turns, reasons[(1 + turns + round) % 3], 1 + round % 2,
                                         round % 5 == 4);
            over += was_over;
            during += !was_over;
        }
    }
    assert_true(over > 0 && during > 0);
    for (int i = 0; i < TURNS_MOST; i++) { /* a job that was cancelled may still be on its thread */
        (void)uv_run(&crowd.loop, UV_RUN_NOWAIT);
        host_count(crowd.host, &counts);
        if (counts.tasks + counts.operations + counts.jobs + counts.task_bytes == 0) {
            break;
        }
    }
    assert_int_equal(counts.tasks + counts.operations + counts.jobs + counts.task_bytes, 0);
    crowd_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plenty__an_init_may_log_ten_thousand_lines), /* first: it loads it */
        cmocka_unit_test(test_plenty__json_of_any_depth_is_refused),
        cmocka_unit_test(test_plenty__texts_of_100_mb_are_taken_cut_or_refused),
        cmocka_unit_test(test_plenty__items_wait_for_who_takes_them),
        cmocka_unit_test(test_plenty__a_million_words_of_progress_are_a_few),
        cmocka_unit_test(test_plenty__calls_are_sent_and_aborted_inside_answers),
        cmocka_unit_test(test_crowd__a_task_that_waits_takes_less_than_2_kib),
        cmocka_unit_test(test_crowd__closing_ends_all_that_wait),
        cmocka_unit_test(test_crowd__nodes_come_and_go_without_growth),
        cmocka_unit_test(test_crowd__a_cancel_may_come_at_any_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

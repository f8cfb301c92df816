/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that one loop leaves in a state folder and another one finds there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/model/bundle.h"
#include "core/model/bundle_recorder.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;
static struct load_options loading;
static struct loop *loop;

/* The run whose end, or start of a node, stops the loop. */
static struct {
    uint64_t run;
    enum record_type type;
    unsigned seen;
} wanted;

static void on_batch(void *user, const struct batch *batch)
{
    (void)user;
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        if (record->run_number == wanted.run && record->type == wanted.type) {
            wanted.seen++;
            loop_stop(loop);
        }
    }
}

static void begin(void)
{
    struct loop_options options = {0};
    struct error err = {0};
    if (loop_create(&options, &loop, &err) != 0 ||
        loop_keep_state(loop, scratch.path, &loading, &err) != 0) {
        fail_msg("%s", err.message);
    }
    loop_watch_batches(loop, on_batch, NULL);
}

static void run_until(uint64_t run, enum record_type type)
{
    struct error err = {0};
    wanted.run = run;
    wanted.type = type;
    wanted.seen = 0;
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(wanted.seen, 1);
}

static void on_drained(void *user)
{
    (void)user;
    loop_stop(loop);
}

/* Everything stays as it is, for another loop. */
static void leave(void)
{
    struct error err = {0};
    loop_drain(loop, 0, on_drained, NULL);
    assert_int_equal(loop_run(loop, &err), 0);
    loop_close(loop);
    loop = NULL;
}

static void start(const char *yaml)
{
    struct bundle_recorder recorder;
    struct load_options options = loading;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    struct strbuf bundle = STRBUF_INIT;
    struct strbuf compiled_by = STRBUF_INIT;
    char digest[DIGEST_HEX_SIZE];
    options.catalogue = loop_catalogue(loop);
    options = bundle_recorder_init(&recorder, &options);
    int status = load_text(str_from(yaml), &options, &diagnostics, &definitions, &err);
    if (status != 0 || bundle_recorder_write(&recorder, str_from(yaml), &bundle, &err) != 0) {
        fail_msg("%s", err.message);
    }
    bundle_digest(strbuf_str(&bundle), digest);
    layout_write(definitions->pipelines[0], "test", &compiled_by);
    struct loop_run_options run = {
        .pipeline = definitions->pipelines[0],
        .definition = {.digest = str_from(digest),
                       .source = strbuf_str(&bundle),
                       .compiled_by = strbuf_str(&compiled_by)},
        .input = document_empty_map(),
        .id = STR("first"),
        .triggered_by = STR("manual"),
    };
    struct loop_run *started = NULL;
    assert_int_equal(loop_run_start(loop, &run, &started, &err), 0);
    loop_run_detach(started);
    diagnostics_finish(&diagnostics);
    strbuf_finish(&bundle);
    strbuf_finish(&compiled_by);
    definitions_destroy(definitions);
    bundle_recorder_finish(&recorder);
}

static void on_done(void *user, int status, const struct error *err)
{
    (void)user;
    if (status != 0) {
        fail_msg("%s", err->message);
    }
}

static void order(uint64_t run, enum loop_action action, const char *name)
{
    struct loop_command command = {.action = action, .run = run, .name = str_from(name)};
    loop_command(loop, &command, on_done, NULL);
}

static void send(uint64_t run, const char *name)
{
    order(run, LOOP_SEND, name);
}

/* ---- what is found again ---- */

static void test_restorer__a_run_that_waits_goes_on(void **state)
{
    (void)state;
    struct error err = {0};
    begin();
    start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}]\n");
    run_until(1, RECORD_NODE_STARTED);
    leave();
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    send(1, "go");
    run_until(1, RECORD_RUN_ENDED);
    leave();
}

static const char *word; /* the value of each environment variable */

static const char *env_of(void *user, struct str name)
{
    (void)user;
    (void)name;
    return word;
}

static int note_blocked(void *user, const struct journal_run *run)
{
    *(bool *)user = run->blocked.n > 0;
    return 0;
}

static void on_refused(void *user, int status, const struct error *err)
{
    bool *is_refused = user;
    bool is_blocked = false;
    assert_int_equal(status, E_INVALID);
    assert_int_equal(err->code, E_INVALID);
    assert_non_null(strstr(err->message, "the run is blocked: the environment variable 'WORD'"));
    assert_int_equal(
        journal_reader_run_by_number(loop_reader(loop), 1, note_blocked, &is_blocked, NULL), 0);
    assert_true(is_blocked);
    *is_refused = true;
}

/* Whoever hears it and looks sees it. */
static void test_restorer__a_run_is_blocked_before_anybody_hears_of_it(void **state)
{
    (void)state;
    struct loop_command command = {.action = LOOP_SEND, .run = 1, .name = STR("go")};
    bool is_refused = false;
    loading.env = env_of;
    word = "there";
    begin();
    start("id: p\nconfig: {c: \"${WORD}\"}\nnodes: [{id: w, type: wait, config: {event: go}}]\n");
    run_until(1, RECORD_NODE_STARTED);
    leave();
    word = NULL;
    begin();
    loop_command(loop, &command, on_refused, &is_refused);
    loop_wait(loop, &is_refused);
    leave();
}

static void start_outlived(const char *wait)
{
    char yaml[400];
    (void)snprintf(yaml, sizeof(yaml),
                   "workflows:\n"
                   "  main: {nodes: [{id: call, type: workflow, config: {workflow: child, "
                   "wait: false}}]}\n"
                   "  child: {nodes: [{id: w, type: wait, config: {%s}}]}\n",
                   wait);
    begin();
    start(yaml);
    run_until(1, RECORD_RUN_ENDED);
    leave();
}

static void test_restorer__a_run_that_outlives_its_caller_goes_on(void **state)
{
    (void)state;
    struct error err = {0};
    start_outlived("seconds: 1");
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    assert_int_equal(loop_numbers(loop).runs, 2);
    run_until(2, RECORD_RUN_ENDED);
    leave();
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    assert_int_equal(loop_numbers(loop).runs, 0);
    leave();
}

static void test_restorer__one_that_is_parked_is_loaded_for_an_event(void **state)
{
    (void)state;
    struct error err = {0};
    start_outlived("event: go");
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    send(2, "go");
    run_until(2, RECORD_RUN_ENDED);
    leave();
}

static void test_restorer__what_is_left_of_a_tree_obeys(void **state)
{
    (void)state;
    struct error err = {0};
    start_outlived("event: go");
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    order(2, LOOP_PAUSE, "");
    order(2, LOOP_RESUME, "");
    order(2, LOOP_CANCEL, "");
    run_until(2, RECORD_RUN_ENDED);
    leave();
}

#define TWO_BELOW                                                                                  \
    "workflows:\n"                                                                                 \
    "  main: {nodes: [{id: a, type: workflow, config: {workflow: middle}}, "                       \
    "{id: w, type: wait, depends_on: [a], config: {event: stop}}]}\n"                              \
    "  middle: {nodes: [{id: b, type: workflow, config: {workflow: low, wait: false}}]}\n"         \
    "  low: {nodes: [{id: w, type: wait, config: {event: go}}]}\n"

static void test_restorer__a_run_is_found_below_one_that_has_ended(void **state)
{
    (void)state;
    struct error err = {0};
    begin();
    start(TWO_BELOW);
    run_until(2, RECORD_RUN_ENDED);
    leave();
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    send(3, "go");
    run_until(3, RECORD_RUN_ENDED);
    send(1, "stop");
    run_until(1, RECORD_RUN_ENDED);
    leave();
}

static void on_tick(void *user)
{
    unsigned *ticks = user;
    if (++*ticks == 3) {
        loop_stop(loop);
    }
}

/* Time enough to give up what waits. */
static void run_a_while(void)
{
    unsigned ticks = 0;
    struct error err = {0};
    loop_tick(loop, 20, on_tick, &ticks);
    assert_int_equal(loop_run(loop, &err), 0);
    loop_tick(loop, 0, NULL, NULL);
}

static void test_restorer__a_tree_is_parked_with_all_that_waits_in_it(void **state)
{
    (void)state;
    begin();
    start(TWO_BELOW);
    run_until(2, RECORD_RUN_ENDED);
    run_a_while();
    assert_int_equal(loop_numbers(loop).runs, 0);
    assert_int_equal(loop_numbers(loop).parked, 1);
    send(3, "go");
    run_until(3, RECORD_RUN_ENDED);
    assert_int_equal(loop_numbers(loop).parked, 0);
    run_a_while();
    assert_int_equal(loop_numbers(loop).parked, 1);
    send(1, "stop");
    run_until(1, RECORD_RUN_ENDED);
    assert_int_equal(loop_numbers(loop).parked, 0);
    leave();
}

static void test_restorer__counts_what_another_loop_has_parked(void **state)
{
    (void)state;
    struct error err = {0};
    begin();
    start(TWO_BELOW);
    run_until(2, RECORD_RUN_ENDED);
    run_a_while();
    leave();
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    assert_int_equal(loop_numbers(loop).parked, 1);
    order(1, LOOP_CANCEL, "");
    run_until(1, RECORD_RUN_ENDED);
    assert_int_equal(loop_numbers(loop).parked, 0);
    leave();
}

/* It was about to be parked when it was told to go on: it is not left alone. */
static void test_restorer__one_that_went_on_meanwhile_is_no_parked_one(void **state)
{
    (void)state;
    struct error err = {0};
    begin();
    start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}, "
          "{id: v, type: wait, depends_on: [w], config: {seconds: 1}}]\n");
    run_until(1, RECORD_NODE_STARTED); /* the mark that it waits is on its way */
    send(1, "go");
    run_until(1, RECORD_NODE_STARTED);
    leave();
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    assert_int_equal(loop_numbers(loop).runs, 1);
    run_until(1, RECORD_RUN_ENDED);
    leave();
}

/* ---- who looks on ---- */

struct looker {
    unsigned records;
    unsigned ends;
};

static void look_at_record(void *user, const struct record *record)
{
    (void)record;
    ((struct looker *)user)->records++;
}

static void look_at_end(void *user)
{
    ((struct looker *)user)->ends++;
}

static int attach(struct looker *looker, struct loop_run **out_run, struct error *err)
{
    const struct run_observer observer = {
        .user = looker, .on_record = look_at_record, .on_ended = look_at_end};
    return loop_run_attach(loop, 1, &observer, out_run, err);
}

static void test_restorer__who_attaches_hears_of_what_comes(void **state)
{
    (void)state;
    struct error err = {0};
    struct looker looker = {0};
    struct loop_run *run = NULL;
    begin();
    start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}]\n");
    run_until(1, RECORD_NODE_STARTED);
    run_a_while(); /* it is parked, and loaded by the attach */
    assert_int_equal(attach(&looker, &run, &err), 0);
    assert_int_equal(looker.records, 0);
    assert_int_equal(attach(&looker, &run, &err), E_CONFLICT);
    assert_string_equal(err.message, "somebody has the run already");
    send(1, "go");
    run_until(1, RECORD_RUN_ENDED);
    assert_true(looker.records > 0);
    assert_int_equal(looker.ends, 1);
    loop_run_release(run);
    assert_int_equal(attach(&looker, &run, &err), E_NOT_FOUND);
    leave();
}

static void test_restorer__who_attaches_to_a_tree_waits_for_all_of_it(void **state)
{
    (void)state;
    struct error err = {0};
    struct looker looker = {0};
    struct loop_run *run = NULL;
    start_outlived("event: go");
    begin();
    assert_int_equal(loop_recover(loop, &err), 0);
    assert_int_equal(attach(&looker, &run, &err), 0);
    send(2, "go");
    run_until(2, RECORD_RUN_ENDED);
    assert_int_equal(looker.ends, 1);
    loop_run_release(run);
    leave();
}

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    loading = (struct load_options){.engine_types = pipeline_fixture_options()->engine_types,
                                    .file = STR("p.yaml")};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_close(loop);
    loop = NULL;
    scratch_folder_remove(&scratch);
    return 0;
}

#define WITH_FOLDER(name) cmocka_unit_test_setup_teardown(test_restorer__##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_run_that_waits_goes_on),
        WITH_FOLDER(a_run_is_blocked_before_anybody_hears_of_it),
        WITH_FOLDER(a_run_that_outlives_its_caller_goes_on),
        WITH_FOLDER(one_that_is_parked_is_loaded_for_an_event),
        WITH_FOLDER(what_is_left_of_a_tree_obeys),
        WITH_FOLDER(a_run_is_found_below_one_that_has_ended),
        WITH_FOLDER(a_tree_is_parked_with_all_that_waits_in_it),
        WITH_FOLDER(counts_what_another_loop_has_parked),
        WITH_FOLDER(one_that_went_on_meanwhile_is_no_parked_one),
        WITH_FOLDER(who_attaches_hears_of_what_comes),
        WITH_FOLDER(who_attaches_to_a_tree_waits_for_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

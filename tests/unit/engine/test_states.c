/* SPDX-License-Identifier: Apache-2.0 */
/* State machines with actions at work, events and cancels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/run.h"
#include "core/value/value.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* An approval by events, with work in between. */
static const char review[] = "id: p\n"
                             "initial_state: draft\n"
                             "states:\n"
                             "  draft: {transitions: {submit: check}}\n"
                             "  check:\n"
                             "    type: toy.task\n"
                             "    timeout: 60s\n"
                             "    transitions: {success: done, error: draft, withdraw: draft, "
                             "cancel: tidy}\n"
                             "  done: {type: set, config: {by: '{{ draft.output.data.by }}'}}\n"
                             "  tidy: {type: toy.task}\n";

static void test_states__a_state_without_action_waits_for_an_event(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    assert_state(run, "draft", "running");
    toy_run_send(run, "approve", NULL); /* nobody takes it */
    assert_state(run, "draft", "running");
    toy_run_send(run, "submit", "{\"by\": \"me\"}");
    assert_true(toy_run_is_live(run, "check"));
    toy_run_done(run, "check", "{}");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"state\":\"done\",\"output\":{\"by\":\"me\"},"
                             "\"history\":[\"draft\",\"check\",\"done\"]}");
}

static void test_states__an_event_with_a_transition_cancels_the_action(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "submit", NULL);
    toy_run_send(run, "withdraw", NULL);
    assert_int_equal(toy_run_node(run, "check")->stopped, STOP_REQUESTED);
    assert_state(run, "check", "stopping");
    assert_state(run, "draft", "completed"); /* it is entered when the action has ended */
    toy_run_failed(run, "check", "GONE");
    assert_state(run, "check", "cancelled");
    assert_state(run, "draft", "running");
    toy_run_cancel(run);
    assert_ended(run, "cancelled");
}

static void test_states__the_event_counts_when_the_action_ends_well_after_it(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "submit", NULL);
    toy_run_send(run, "withdraw", NULL);
    toy_run_done(run, "check", "{\"event\": \"success\"}");
    assert_state(run, "check", "completed");
    assert_state(run, "draft", "running");
    assert_status(run, "running");
}

static void test_states__events_without_a_transition_are_kept(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "withdraw", NULL); /* kept: draft has no such transition */
    toy_run_send(run, "submit", "{\"by\": 1}");
    assert_state(run, "check", "cancelled"); /* before it started */
    assert_int_equal(toy_run_node(run, "check")->starts, 0);
    assert_state(run, "draft", "running");
    toy_run_send(run, "submit", "{\"by\": 2}");
    assert_true(toy_run_is_live(run, "check")); /* the kept event is used up */
    toy_run_done(run, "check", NULL);
    assert_ended(run, "completed");
}

static void test_states__two_events_are_taken_one_after_the_other(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "initial_state: a\n"
                                        "states:\n"
                                        "  a: {transitions: {go: b}}\n"
                                        "  b: {transitions: {go: c}}\n"
                                        "  c: {type: toy.task, transitions: {go: d}}\n"
                                        "  d: {}\n",
                                        NULL);
    toy_run_send(run, "go", NULL);
    assert_state(run, "b", "running");
    toy_run_send(run, "go", NULL);
    toy_run_send(run, "go", NULL);
    assert_state(run, "c", "stopping");
    toy_run_send(run, "go", NULL); /* kept: it is ending already */
    toy_run_failed(run, "c", "GONE");
    assert_ended(run, "completed");
    assert_json(run->output,
                "{\"state\":\"d\",\"output\":{},\"history\":[\"a\",\"b\",\"c\",\"d\"]}");
}

/* ---- guards ---- */

static const char guarded[] =
    "id: p\n"
    "initial_state: a\n"
    "states:\n"
    "  a:\n"
    "    transitions:\n"
    "      go: [{when: 'a.output.data.n > 5', to: big}, {when: 'a.output.data.n > 1', to: mid}]\n"
    "  big: {}\n"
    "  mid: {}\n";

static void test_states__guards_see_the_event_that_came(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, guarded, NULL);
    toy_run_send(run, "go", "{\"n\": 1}"); /* no guard holds: it is kept */
    assert_state(run, "a", "running");
    toy_run_send(run, "go", "{\"n\": 3}");
    assert_ended(run, "completed");
    assert_holds(run->output, "\"state\":\"mid\"");
}

static void test_states__a_guard_that_fails_fails_the_run(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, guarded, NULL);
    toy_run_send(run, "go", "{}"); /* another event: it lacks what the guards ask for */
    assert_state(run, "a", "running");
    toy_run_send(run, "go", "{\"n\": \"x\"}");
    assert_ended(run, "failed");
    assert_holds(run->error, "transition to 'big': ");
    assert_holds(run->error, "\"node\":\"a\"");
}

static const char guarded_action[] = "id: p\n"
                                     "initial_state: a\n"
                                     "states:\n"
                                     "  a:\n"
                                     "    type: toy.task\n"
                                     "    transitions:\n"
                                     "      go: [{when: '1 / input.n > 0', to: b}, {to: c}]\n"
                                     "      stop: [{when: \"a.status == 'running'\", to: b}]\n"
                                     "  b: {}\n"
                                     "  c: {}\n";

static void test_states__a_guard_that_fails_ends_the_action(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, guarded_action, "{\"n\": 0}");
    toy_run_send(run, "go", NULL);
    assert_status(run, "running");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "a", "GONE");
    assert_ended(run, "failed");
    assert_holds(run->error, "transition to 'b': ");
}

static void test_states__the_guard_is_asked_when_the_event_comes(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, guarded_action, "{\"n\": 1}");
    toy_run_send(run, "stop", NULL);
    toy_run_failed(run, "a", "GONE"); /* now its status is another */
    assert_ended(run, "completed");
    assert_holds(run->output, "\"state\":\"b\"");
}

/* ---- outcomes ---- */

static void test_states__ports_and_events_of_the_output(void **state)
{
    static const struct {
        const char *port;
        const char *output;
        const char *ends_in;
    } cases[] = {
        {"", "{}", "ok"},
        {"left", "{}", "port"},
        {"right", "{}", "ok"},                          /* it has no transition */
        {"left", "{\"event\": \"jump\"}", "far"},       /* wins */
        {"left", "{\"event\": \"elsewhere\"}", "port"}, /* a transition of another state */
        {"left", "{\"event\": \"nobody's\"}", "port"},
        {"left", "{\"event\": 5}", "port"},
        {"", "{\"event\": \"error\"}", "mend"},
        {"", "[1]", "ok"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct toy_run *run =
            toy_world_run(&world,
                          "id: p\n"
                          "initial_state: a\n"
                          "states:\n"
                          "  a: {type: toy.task, transitions: {success: ok, left: port, "
                          "jump: far, error: mend, timeout: late}}\n"
                          "  ok: {}\n"
                          "  port: {}\n"
                          "  far: {}\n"
                          "  mend: {}\n"
                          "  late: {transitions: {elsewhere: ok}}\n",
                          NULL);
        toy_run_done_port(run, "a", cases[i].port, cases[i].output);
        char expected[60];
        (void)snprintf(expected, sizeof(expected), "\"state\":\"%s\"", cases[i].ends_in);
        assert_ended(run, "completed");
        assert_holds(run->output, expected);
    }
}

static void test_states__a_time_out_is_an_outcome(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "initial_state: a\n"
                                        "states:\n"
                                        "  a: {type: toy.task, timeout: 5s, "
                                        "transitions: {success: ok, error: mend, timeout: late}}\n"
                                        "  ok: {}\n"
                                        "  mend: {}\n"
                                        "  late: {}\n",
                                        NULL);
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "a", "GONE");
    assert_ended(run, "completed");
    assert_holds(run->output, "\"state\":\"late\"");
}

static void test_states__each_visit_has_the_whole_time_out(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "initial_state: a\n"
                                        "states:\n"
                                        "  a: {type: toy.task, timeout: 5s, "
                                        "transitions: {success: a, timeout: late}}\n"
                                        "  late: {}\n",
                                        NULL);
    toy_world_pass(&world, 4000);
    toy_run_done(run, "a", "1");
    toy_world_pass(&world, 4999);
    assert_int_equal(toy_run_node(run, "a")->stopped, 0);
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "a", "GONE");
    assert_holds(run->output, "\"history\":[\"a\",\"a\",\"late\"]");
}

/* ---- cancel ---- */

static void test_states__a_cancel_request_takes_the_cancel_transition_once(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "submit", NULL);
    toy_run_cancel(run);
    assert_status(run, "running");
    assert_int_equal(toy_run_node(run, "check")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "check", "GONE");
    assert_true(toy_run_is_live(run, "tidy"));
    toy_run_done(run, "tidy", "1");
    assert_ended(run, "completed");
    assert_holds(run->output, "\"history\":[\"draft\",\"check\",\"tidy\"]");
}

static void test_states__a_second_cancel_request_ends_the_run(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "submit", NULL);
    toy_run_cancel(run);
    toy_run_cancel(run); /* while the action is still ending */
    toy_run_failed(run, "check", "GONE");
    assert_ended(run, "cancelled");
    assert_int_equal(toy_run_node(run, "tidy")->starts, 0);
}

static void test_states__a_cancel_while_an_event_ends_the_action_wins(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_send(run, "submit", NULL);
    toy_run_send(run, "withdraw", NULL);
    toy_run_cancel(run);
    toy_run_failed(run, "check", "GONE");
    assert_true(toy_run_is_live(run, "tidy"));
    toy_run_done(run, "tidy", "1");
    assert_ended(run, "completed");
}

static void test_states__a_cancel_without_a_transition_ends_the_run(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, review, NULL);
    toy_run_cancel(run);
    assert_ended(run, "cancelled");
    assert_json(run->output, "(none)");
}

static void test_states__the_runs_time_out_ends_a_waiting_state(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "timeout: 5s\n"
                                        "initial_state: a\n"
                                        "states:\n"
                                        "  a: {transitions: {go: b, cancel: b}}\n"
                                        "  b: {}\n",
                                        NULL);
    toy_world_pass(&world, 5000);
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"TIMEOUT\"");
}

/* ---- events in graphs ---- */

static void test_states__one_event_is_taken_by_one_wait(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - id: e\n    for_each: input.l\n    batch_size: 1\n    nodes:\n"
        "      - {id: w, type: wait, config: {event: go, match: 'signal.data.to == item'}}\n"
        "    output: '{{ w.output.data.n }}'\n",
        "{\"l\": [\"a\", \"b\", \"b\"]}");
    toy_run_send(run, "go", "{\"to\": \"b\", \"n\": 1}");
    assert_int_equal(toy_run_view(run, "e[0].w").state, NODE_RUNNING);
    toy_run_send(run, "go", "{\"to\": \"b\", \"n\": 2}");
    toy_run_send(run, "go", "{\"to\": \"a\", \"n\": 3}");
    assert_ended(run, "completed");
    assert_int_equal(run->output != NULL, 1);
    assert_holds(run->output, "[3,");
}

static void test_states__an_event_before_its_wait_is_kept(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: w, type: wait, depends_on: [a], config: {event: go, timeout: 5s}}\n"
                      "output: '{{ w.output.data }}'\n",
                      NULL);
    toy_run_send(run, "other", NULL);
    toy_run_send(run, "go", "7");
    toy_run_done(run, "a", "1");
    assert_ended(run, "completed");
    assert_json(run->output, "7");
}

static void test_states__a_wait_within_a_loop_ends_in_time(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: e, type: wait, for_each: 'input.l', batch_size: 2, max_parallel: 2, "
        "max_failures: 9, config: {event: go, timeout: 5s}}\n",
        "{\"l\": [1, 2]}");
    toy_world_pass(&world, 3000);
    toy_run_send(run, "go", "7");
    toy_world_pass(&world, 2000);
    assert_ended(run, "completed");
    assert_int_equal(toy_run_timer_count(run), 0);
    assert_holds(run->output, ",null]}");
}

static void test_states__a_match_that_fails_fails_its_node(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes: [{id: w, type: wait, config: {event: go, match: 'signal.data.n > 1'}}]\n",
        NULL);
    toy_run_send(run, "go", "{}"); /* what it lacks it cannot match: it is another event */
    assert_state(run, "w", "running");
    toy_run_send(run, "go", "{\"n\": \"x\"}");
    assert_ended(run, "failed");
    assert_holds(run->error, "match: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_states__a_state_without_action_waits_for_an_event),
        WITH_WORLD(test_states__an_event_with_a_transition_cancels_the_action),
        WITH_WORLD(test_states__the_event_counts_when_the_action_ends_well_after_it),
        WITH_WORLD(test_states__events_without_a_transition_are_kept),
        WITH_WORLD(test_states__two_events_are_taken_one_after_the_other),
        WITH_WORLD(test_states__guards_see_the_event_that_came),
        WITH_WORLD(test_states__a_guard_that_fails_fails_the_run),
        WITH_WORLD(test_states__a_guard_that_fails_ends_the_action),
        WITH_WORLD(test_states__the_guard_is_asked_when_the_event_comes),
        WITH_WORLD(test_states__ports_and_events_of_the_output),
        WITH_WORLD(test_states__a_time_out_is_an_outcome),
        WITH_WORLD(test_states__each_visit_has_the_whole_time_out),
        WITH_WORLD(test_states__a_cancel_request_takes_the_cancel_transition_once),
        WITH_WORLD(test_states__a_second_cancel_request_ends_the_run),
        WITH_WORLD(test_states__a_cancel_while_an_event_ends_the_action_wins),
        WITH_WORLD(test_states__a_cancel_without_a_transition_ends_the_run),
        WITH_WORLD(test_states__the_runs_time_out_ends_a_waiting_state),
        WITH_WORLD(test_states__one_event_is_taken_by_one_wait),
        WITH_WORLD(test_states__an_event_before_its_wait_is_kept),
        WITH_WORLD(test_states__a_wait_within_a_loop_ends_in_time),
        WITH_WORLD(test_states__a_match_that_fails_fails_its_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

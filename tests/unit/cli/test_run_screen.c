/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/live_waits.h"
#include "core/cli/run_screen.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/model/pipeline.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

/* The standard output leads to a terminal of a chosen size while a test draws. */
struct drawn {
    struct pipeline_fixture fixture;
    struct run_view view;
    struct run_screen screen;
    int leader;
    int saved;
    struct strbuf text; /* what the terminal got */
};

enum { NODES = 30 };

static void open_terminal(struct drawn *drawn, unsigned short rows, unsigned short columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    struct termios mode;
    drawn->leader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(drawn->leader >= 0);
    assert_int_equal(grantpt(drawn->leader), 0);
    assert_int_equal(unlockpt(drawn->leader), 0);
    int fd = open(ptsname(drawn->leader), O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
    assert_int_equal(tcgetattr(fd, &mode), 0);
    cfmakeraw(&mode);
    assert_int_equal(tcsetattr(fd, TCSANOW, &mode), 0);
    (void)fflush(stdout);
    drawn->saved = dup(STDOUT_FILENO);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    (void)close(fd);
}

static void drawn_init(struct drawn *drawn, unsigned short rows, unsigned short columns,
                       bool is_colored)
{
    struct strbuf yaml = STRBUF_INIT;
    *drawn = (struct drawn){0};
    strbuf_append_text(&yaml, "id: t\nnodes:\n");
    for (int i = 0; i < NODES; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: http, config: {url: 'http://a/'}}\n", i);
    }
    pipeline_fixture_init(&drawn->fixture, yaml.p);
    strbuf_finish(&yaml);
    assert_int_equal(run_view_init(&drawn->view, drawn->fixture.pipeline), 0);
    run_screen_init(&drawn->screen, &drawn->view,
                    run_text_style_of(&drawn->view, is_colored, columns));
    open_terminal(drawn, rows, columns);
}

static void drawn_finish(struct drawn *drawn)
{
    (void)dup2(drawn->saved, STDOUT_FILENO);
    (void)close(drawn->saved);
    (void)close(drawn->leader);
    run_screen_finish(&drawn->screen);
    run_view_finish(&drawn->view);
    pipeline_fixture_finish(&drawn->fixture);
    strbuf_finish(&drawn->text);
}

/* What came since the last look. */
static const char *look(struct drawn *drawn)
{
    strbuf_clear(&drawn->text);
    for (;;) {
        char piece[4096];
        ssize_t n = read(drawn->leader, piece, sizeof(piece));
        if (n <= 0) {
            return strbuf_str(&drawn->text).p;
        }
        strbuf_append(&drawn->text, piece, (size_t)n);
    }
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n' ? 1 : 0;
    }
    return lines;
}

static void test_run_screen__draws_a_row_for_each_that_runs(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 24, 80, false);
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    view_node_starts(&drawn.view, 2, 1000);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\r"
                                      "running    n0          500 ms\n"
                                      "running    n2          500 ms\n"
                                      "0/30 done, 2 running, 500 ms\n");
    drawn_finish(&drawn);
}

/* `n` nodes of which the engine says that they wait for a permit, and 7 that it only counts. */
static void take_waits(struct live_waits *waits, int n)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{\"waits\":[");
    for (int i = 0; i < n; i++) {
        strbuf_append_format(&text,
                             "%s{\"path\":\"n%d\",\"for\":\"permit\",\"scope\":\"plugin http\","
                             "\"limit\":1,\"in_use\":1}",
                             i > 0 ? "," : "", i + 1);
    }
    strbuf_append_text(&text, n > 1 ? "],\"left_out\":7}" : "],\"left_out\":0}");
    live_waits_take(waits, strbuf_str(&text));
    strbuf_finish(&text);
}

static void test_run_screen__draws_what_may_not_start_yet(void **state)
{
    (void)state;
    struct drawn drawn;
    struct live_waits waits = {0};
    drawn_init(&drawn, 24, 80, false);
    drawn.screen.waits = &waits;
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    take_waits(&waits, 1);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\r"
                                      "running    n0          500 ms\n"
                                      "waiting    n1        plugin http: 1 of 1 at work\n"
                                      "0/30 done, 1 running, 500 ms\n");
    take_waits(&waits, 6);
    run_screen_draw(&drawn.screen, 1500);
    const char *text = look(&drawn);
    assert_int_equal(count_lines(text), 7); /* four of them, and the rest as a number */
    assert_non_null(strstr(text, "waiting    n4        plugin http: 1 of 1 at work\n"
                                 "           ... and 9 more wait\n"));
    take_waits(&waits, 0);
    run_screen_draw(&drawn.screen, 1500);
    assert_int_equal(count_lines(look(&drawn)), 2);
    live_waits_finish(&waits);
    drawn_finish(&drawn);
}

static void test_run_screen__redraws_over_what_it_drew(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 24, 80, false);
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    run_screen_draw(&drawn.screen, 1500);
    (void)look(&drawn);
    strbuf_append_text(run_screen_lines(&drawn.screen), "a line that stays\n");
    view_node_ends(&drawn.view, 0, NODE_COMPLETED, 1600, "{}");
    run_screen_draw(&drawn.screen, 1600);
    assert_string_equal(look(&drawn), "\033[2A\r \033[J\r"
                                      "a line that stays\n"
                                      "1/30 done, 0 running, 600 ms\n");
    run_screen_draw(&drawn.screen, 1700);
    assert_string_equal(look(&drawn), "\033[1A\r \033[J\r"
                                      "1/30 done, 0 running, 700 ms\n");
    drawn_finish(&drawn);
}

static void test_run_screen__clear_takes_the_live_part_away(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 24, 80, false);
    view_run_starts(&drawn.view, 1000);
    run_screen_draw(&drawn.screen, 1500);
    (void)look(&drawn);
    strbuf_append_text(run_screen_lines(&drawn.screen), "kept\n");
    run_screen_clear(&drawn.screen);
    assert_string_equal(look(&drawn), "\033[1A\r \033[J\rkept\n");
    run_screen_clear(&drawn.screen);
    assert_string_equal(look(&drawn), "\r \033[J\r");
    drawn_finish(&drawn);
}

static void test_run_screen__shows_as_many_as_fit(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 10, 80, false);
    view_run_starts(&drawn.view, 1000);
    for (uint32_t i = 0; i < NODES; i++) {
        view_node_starts(&drawn.view, i, 1000);
    }
    run_screen_draw(&drawn.screen, 1500);
    const char *text = look(&drawn);
    assert_int_equal(count_lines(text), 8);
    assert_non_null(strstr(text, "running    n6          500 ms\n"
                                 "0/30 done, 30 running, 500 ms (23 not shown)\n"));
    run_screen_draw(&drawn.screen, 1600);
    assert_int_equal(strncmp(look(&drawn), "\033[8A\r \033[J", 9), 0);
    drawn_finish(&drawn);
}

static void test_run_screen__a_tiny_terminal_has_a_row(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 2, 2, false);
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    view_node_starts(&drawn.view, 1, 1000);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\rr\033[0m\n0\033[0m\n");
    drawn_finish(&drawn);
}

static void set_note(struct drawn *drawn, const char *note)
{
    free(drawn->view.nodes[0].note);
    drawn->view.nodes[0].note = str_dup(str_from(note));
    assert_non_null(drawn->view.nodes[0].note);
}

static void test_run_screen__rows_are_cut_to_the_width(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 24, 41, false);
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    set_note(&drawn, "abcdefghijklmnop");
    run_screen_draw(&drawn.screen, 1500);
    assert_non_null(
        strstr(look(&drawn), "\033[J\rrunning    n0          500 ms  abcdefghi\033[0m\n"));
    set_note(&drawn, "abcdefghi");
    run_screen_draw(&drawn.screen, 1500);
    assert_non_null(strstr(look(&drawn), "\033[J\rrunning    n0          500 ms  abcdefghi\n"));
    set_note(&drawn, "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97");
    run_screen_draw(&drawn.screen, 1500);
    assert_non_null(strstr(look(&drawn), "500 ms  \xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97"
                                         "\033[0m\n"));
    drawn_finish(&drawn);
}

static void test_run_screen__colours_take_no_width(void **state)
{
    (void)state;
    struct drawn drawn;
    drawn_init(&drawn, 24, 41, true);
    view_run_starts(&drawn.view, 1000);
    view_node_starts(&drawn.view, 0, 1000);
    set_note(&drawn, "abcdefghijklmnop");
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\r\033[36mrunning\033[0m    n0          500 ms  "
                                      "abcdefghi\033[0m\n"
                                      "\033[1m0/30 done, 1 running, 500 ms\033[0m\n");
    drawn_finish(&drawn);
}

/* ---- what is inside ---- */

static const char inner_yaml[] = "id: t\nnodes:\n"
                                 "  - id: each\n"
                                 "    for_each: input.x\n"
                                 "    nodes: [{id: fix, type: http, config: {url: 'http://a/'}}]\n"
                                 "  - {id: n1, type: http, config: {url: 'http://a/'}}\n"
                                 "finally: [{id: tidy, type: http, config: {url: 'http://a/'}}]\n";

static void inner_init(struct drawn *drawn, unsigned short rows, unsigned short columns)
{
    *drawn = (struct drawn){0};
    pipeline_fixture_init(&drawn->fixture, inner_yaml);
    assert_int_equal(run_view_init(&drawn->view, drawn->fixture.pipeline), 0);
    run_screen_init(&drawn->screen, &drawn->view, run_text_style_of(&drawn->view, false, columns));
    open_terminal(drawn, rows, columns);
    view_run_starts(&drawn->view, 1000);
    view_node_starts(&drawn->view, 0, 1000);
    drawn->view.nodes[0].total = 300;
}

static void start_inner(struct drawn *drawn, uint64_t frame, uint32_t node, int64_t at)
{
    run_view_apply(&drawn->view, &(struct record){.type = RECORD_NODE_STARTED,
                                                  .frame = frame,
                                                  .node = node,
                                                  .attempt = 1,
                                                  .at_unix_ms = at});
}

static void start_item(struct drawn *drawn, uint64_t index)
{
    const struct pipeline *pipeline = drawn->fixture.pipeline;
    view_frame_starts(&drawn->view,
                      (struct view_frame){.child = index + 1, .kind = FRAME_ITEM, .index = index});
    start_inner(drawn, index + 1, pipeline->bodies[pipeline->nodes[0].own_body].first_node,
                1000 + (int64_t)index);
}

static void test_run_screen__draws_the_first_that_run_inside(void **state)
{
    (void)state;
    struct drawn drawn;
    inner_init(&drawn, 24, 80);
    for (uint64_t i = 0; i < 9; i++) {
        start_item(&drawn, i);
    }
    view_node_starts(&drawn.view, 1, 1000);
    drawn.view.nodes[0].iterations = 12;
    drawn.view.nodes[0].failed_iterations = 2;
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn),
                        "\r \033[J\r"
                        "running    each                    500 ms  12/300, 2 failed\n"
                        "           each[0].fix             500 ms\n"
                        "           each[1].fix             499 ms\n"
                        "           each[2].fix             498 ms\n"
                        "           each[3].fix             497 ms\n"
                        "           ... and 5 more\n"
                        "running    n1                      500 ms\n"
                        "0/2 done, 2 running, 500 ms\n");
    drawn_finish(&drawn);
}

static void test_run_screen__nodes_come_before_what_is_inside(void **state)
{
    (void)state;
    struct drawn drawn;
    inner_init(&drawn, 6, 80);
    for (uint64_t i = 0; i < 9; i++) {
        start_item(&drawn, i);
    }
    view_node_starts(&drawn.view, 1, 1000);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\r"
                                      "running    each                    500 ms  0/300\n"
                                      "           each[0].fix             500 ms\n"
                                      "running    n1                      500 ms\n"
                                      "0/2 done, 2 running, 500 ms\n");
    drawn_finish(&drawn);
}

static void test_run_screen__draws_endings(void **state)
{
    (void)state;
    struct drawn drawn;
    inner_init(&drawn, 24, 80);
    view_node_ends(&drawn.view, 0, NODE_COMPLETED, 1400, "[]");
    run_view_apply(&drawn.view, &(struct record){.type = RECORD_RUN_ENDING,
                                                 .node = RECORD_NO_NODE,
                                                 .run_state = RUN_FAILED});
    view_frame_starts(&drawn.view, (struct view_frame){
                                       .owner = RECORD_NO_NODE, .child = 7, .kind = FRAME_ENDING});
    const struct pipeline *pipeline = drawn.fixture.pipeline;
    start_inner(&drawn, 7, pipeline->bodies[pipeline->finally].first_node, 1450);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn), "\r \033[J\r"
                                      "           finally.tidy             50 ms\n"
                                      "1/2 done, 0 running, failed, endings, 500 ms\n");
    drawn_finish(&drawn);
}

static void test_run_screen__says_in_which_state_a_machine_is(void **state)
{
    (void)state;
    struct drawn drawn = {0};
    pipeline_fixture_init(&drawn.fixture, "id: t\ninitial_state: a\nstates:\n"
                                          "  a: {transitions: {go: b, stop: b}}\n"
                                          "  b: {transitions: {back: a}}\n");
    assert_int_equal(run_view_init(&drawn.view, drawn.fixture.pipeline), 0);
    run_screen_init(&drawn.screen, &drawn.view, run_text_style_of(&drawn.view, false, 100));
    open_terminal(&drawn, 24, 100);
    view_run_starts(&drawn.view, 1000);
    view_node_ends(&drawn.view, 0, NODE_COMPLETED, 1000, "{}");
    view_node_ends(&drawn.view, 1, NODE_COMPLETED, 1000, "{}");
    view_node_starts(&drawn.view, 0, 1000);
    run_screen_draw(&drawn.screen, 1500);
    assert_string_equal(look(&drawn),
                        "\r \033[J\r"
                        "waiting    a#2         500 ms  for one of the events 'go', 'stop' "
                        "(--send EVENT)\n"
                        "in 'a', 2 states left, 500 ms\n");
    drawn_finish(&drawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_screen__draws_a_row_for_each_that_runs),
        cmocka_unit_test(test_run_screen__draws_what_may_not_start_yet),
        cmocka_unit_test(test_run_screen__redraws_over_what_it_drew),
        cmocka_unit_test(test_run_screen__clear_takes_the_live_part_away),
        cmocka_unit_test(test_run_screen__shows_as_many_as_fit),
        cmocka_unit_test(test_run_screen__a_tiny_terminal_has_a_row),
        cmocka_unit_test(test_run_screen__rows_are_cut_to_the_width),
        cmocka_unit_test(test_run_screen__colours_take_no_width),
        cmocka_unit_test(test_run_screen__draws_the_first_that_run_inside),
        cmocka_unit_test(test_run_screen__nodes_come_before_what_is_inside),
        cmocka_unit_test(test_run_screen__draws_endings),
        cmocka_unit_test(test_run_screen__says_in_which_state_a_machine_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

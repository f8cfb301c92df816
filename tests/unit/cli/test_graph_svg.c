/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/cli/command.h"
#include "core/cli/glyph_width.h"
#include "core/cli/graph_picture.h"
#include "core/cli/graph_svg.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/bodies_fixture.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static void draw(const char *yaml, struct strbuf *out)
{
    struct pipeline_fixture fixture;
    pipeline_fixture_init(&fixture, yaml);
    graph_svg_append(fixture.pipeline, out);
    assert_int_equal(strbuf_status(out), 0);
    pipeline_fixture_finish(&fixture);
}

static void assert_has(const struct strbuf *out, const char *part)
{
    if (strstr(out->p, part) == NULL) {
        fail_msg("no '%s' in:\n%s", part, out->p);
    }
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static const char branching[] =
    "id: t\n"
    "name: Of <two> & \"three\"\n"
    "nodes:\n"
    "  - {id: begin, type: start}\n"
    "  - {id: ask, type: conditional, depends_on: [begin],\n"
    "     config: {condition: input.x == 1, true_edge: yes_path, false_edge: finished}}\n"
    "  - {id: yes_path, type: http, config: {url: 'http://a/'}, when: input.y > 1}\n"
    "  - {id: mend, type: fail, config: {message: no}}\n"
    "  - {id: last, type: wait, depends_on: [yes_path], config: {seconds: 1}}\n"
    "edges:\n"
    "  - {source: yes_path, target: mend, outcome: error}\n";

static void test_graph_svg__shapes_and_words_tell_what_nodes_do(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    draw(branching, &out);
    assert_true(str_starts_with(strbuf_str(&out), STR("<svg xmlns=")));
    assert_true(str_ends_with(strbuf_str(&out), STR("</svg>\n")));
    assert_has(&out, "<title>Of &#60;two&#62; &#38; &#34;three&#34;</title>");
    assert_has(&out, "<rect class=\"box start\"");
    assert_has(&out, "<path class=\"box choice\"");
    assert_has(&out, "<rect class=\"box plugin\"");
    assert_has(&out, "<rect class=\"box fail\"");
    assert_has(&out, "<rect class=\"box wait\"");
    assert_has(&out, "<rect class=\"box end\"");
    assert_has(&out, ">if input.y &#62; 1</text>");
    assert_has(&out, ">true</text>");
    assert_has(&out, ">false</text>");
    assert_int_equal(count_of(out.p, "class=\"edge error\""), 1);
    assert_int_equal(count_of(out.p, "class=\"edge\""), 4);
    strbuf_finish(&out);
}

static void test_graph_svg__stands_for_itself(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    draw(branching, &out);
    assert_null(strstr(out.p, "script"));
    assert_null(strstr(out.p, "href"));
    assert_null(strstr(out.p, "@import"));
    assert_int_equal(count_of(out.p, "http"), 2 + count_of(out.p, ">http"));
    assert_has(&out, "@media (prefers-color-scheme:dark)");
    strbuf_finish(&out);
}

static void test_graph_svg__hostile_ids_stay_text(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    draw("id: t\n"
         "nodes:\n"
         "  - {id: \"</text><script>\", type: set, config: {x: 1}}\n"
         "  - {id: \"'\\\" onload='x\", type: set, config: {x: 1}}\n"
         "  - {id: \"]]>&amp;\\u202E\\uFFFE\", type: set, config: {x: 1}}\n",
         &out);
    assert_null(strstr(out.p, "<script"));
    assert_has(&out, ">&#60;/text&#62;&#60;script&#62;</text>");
    assert_has(&out, ">&#39;&#34; onload=&#39;x</text>");
    assert_has(&out, ">]]&#62;&#38;amp;\\u202e\xEF\xBF\xBD</text>");
    strbuf_finish(&out);
}

static void test_graph_svg__long_names_are_cut_and_told_in_full(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    struct strbuf name = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    for (int i = 0; i < 16; i++) {
        strbuf_append_text(&name, "Wörter_");
    }
    strbuf_append_format(&yaml, "id: t\nnodes:\n  - {id: %s, type: set, config: {x: 1}}\n", name.p);
    draw(yaml.p, &out);
    assert_has(&out, "…</text>");
    strbuf_append_text(&name, "\nset</title>");
    assert_has(&out, name.p);
    assert_has(&out, " width=\"284\" height=\"98\" viewBox=\"0 0 284 98\"");
    strbuf_finish(&name);
    strbuf_finish(&yaml);
    strbuf_finish(&out);
}

/* One node, many that follow it, and one behind them. */
static char *fan_yaml(unsigned count)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: t\nnodes:\n  - {id: begin, type: start}\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_append_format(
            &yaml, "  - {id: host_%u, type: set, depends_on: [begin], config: {x: 1}}\n", i);
    }
    strbuf_append_text(&yaml, "  - {id: sum, type: set, config: {x: 1}, depends_on: [host_0");
    for (unsigned i = 1; i < count; i++) {
        strbuf_append_format(&yaml, ", host_%u", i);
    }
    strbuf_append_text(&yaml, "]}\n");
    return strbuf_take(&yaml);
}

static void test_graph_svg__many_alike_are_one_block(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct picture picture;
    char *yaml = fan_yaml(60);
    pipeline_fixture_init(&fixture, yaml);
    assert_int_equal(graph_picture_make(&arena, fixture.pipeline, &picture), 0);
    assert_int_equal(picture.frame_count, 1);
    assert_int_equal(picture.frames[0].look, LOOK_MANY);
    assert_int_equal(picture.box_count, 62);
    assert_int_equal(picture.edge_count, 2);
    assert_true(picture.width < 1500);
    for (uint32_t i = 0; i < picture.box_count; i++) {
        const struct picture_box *box = &picture.boxes[i];
        assert_true(box->x >= 0 && box->x + box->width <= picture.width);
        assert_true(box->y >= 0 && box->y + box->height <= picture.height);
    }
    arena_finish(&arena);
    pipeline_fixture_finish(&fixture);
    free(yaml);
}

static void test_graph_svg__a_few_alike_stay_apart(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct picture picture;
    char *yaml = fan_yaml(6);
    pipeline_fixture_init(&fixture, yaml);
    assert_int_equal(graph_picture_make(&arena, fixture.pipeline, &picture), 0);
    assert_int_equal(picture.frame_count, 0);
    assert_int_equal(picture.edge_count, 12);
    arena_finish(&arena);
    pipeline_fixture_finish(&fixture);
    free(yaml);
}

/* Ten nodes in each of 100 steps, each after two of the step before. */
static char *mesh_yaml(unsigned count)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: mesh\nnodes:\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_append_format(&yaml, "  - {id: n%u, type: passthrough", i);
        if (i >= 10) {
            unsigned row = i / 10 * 10 - 10;
            strbuf_append_format(&yaml, ", depends_on: [n%u, n%u]", i - 10,
                                 row + (i * 7 + 3) % 10 - (row + (i * 7 + 3) % 10 == i - 10));
        }
        strbuf_append_text(&yaml, "}\n");
    }
    return strbuf_take(&yaml);
}

static void test_graph_svg__a_thousand_nodes_are_drawn(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    char *yaml = mesh_yaml(1000);
    pipeline_fixture_init(&fixture, yaml);
    graph_svg_append(fixture.pipeline, &out);
    assert_int_equal(count_of(out.p, "class=\"name mid\""), 1000);
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
    free(yaml);
}

static const struct picture_box *find_box(const struct picture_box *boxes, uint32_t count,
                                          const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (boxes[i].line_count > 0 && str_equal_text(boxes[i].lines[0].text, name)) {
            return &boxes[i];
        }
    }
    fail_msg("no box '%s'", name);
    return NULL;
}

static void assert_within(const struct picture_box *inner, const struct picture_box *outer)
{
    assert_true(inner->x > outer->x && inner->x + inner->width < outer->x + outer->width);
    assert_true(inner->y > outer->y && inner->y + inner->height < outer->y + outer->height);
}

static void test_graph_svg__frames_stand_around_their_bodies(void **state)
{
    (void)state;
    struct bodies_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct picture picture;
    bodies_fixture_init_triage(&fixture);
    assert_int_equal(graph_picture_make(&arena, &fixture.pipeline, &picture), 0);
    assert_int_equal(picture.frame_count, 5);
    const struct picture_box *frames = picture.frames;
    const struct picture_box *issue = find_box(frames, picture.frame_count, "each_issue");
    const struct picture_box *step = find_box(frames, picture.frame_count, "each_step");
    const struct picture_box *boxes = picture.boxes;
    assert_int_equal(issue->look, LOOK_LOOP);
    assert_true(str_equal_text(issue->lines[1].text, "for each issue in fetch.stream"));
    assert_within(step, issue);
    assert_within(find_box(boxes, picture.box_count, "send"), step);
    assert_within(find_box(boxes, picture.box_count, "classify"), issue);
    assert_within(find_box(boxes, picture.box_count, "pause"),
                  find_box(frames, picture.frame_count, "tidy"));
    assert_within(find_box(boxes, picture.box_count, "clean"),
                  find_box(frames, picture.frame_count, "finally"));
    assert_within(find_box(boxes, picture.box_count, "give_up"),
                  find_box(frames, picture.frame_count, "on failure"));
    const struct picture_box *story = find_box(boxes, picture.box_count, "story");
    assert_true(str_equal_text(story->lines[2].text, "undone by http"));
    arena_finish(&arena);
    bodies_fixture_finish(&fixture);
}

static void test_graph_svg__says_how_streams_and_risks_go(void **state)
{
    (void)state;
    struct bodies_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    bodies_fixture_init_triage(&fixture);
    graph_svg_append(&fixture.pipeline, &out);
    assert_int_equal(count_of(out.p, "class=\"edge stream\""), 1);
    assert_int_equal(count_of(out.p, "class=\"edge error\""), 1);
    assert_has(&out, "high risk</text>");
    assert_has(&out, "<title>bug: classify.output.category == &#39;bug&#39;</title>");
    assert_has(&out, "batches of 100; 10 at once");
    assert_has(&out, "up to 10% may fail");
    strbuf_finish(&out);
    bodies_fixture_finish(&fixture);
}

static void test_graph_svg__states_have_a_beginning_and_ends(void **state)
{
    (void)state;
    struct bodies_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct picture picture;
    bodies_fixture_init_machine(&fixture);
    assert_int_equal(graph_picture_make(&arena, &fixture.pipeline, &picture), 0);
    assert_int_equal(picture.box_count, 6);
    assert_int_equal(picture.edge_count, 9);
    assert_int_equal(picture.boxes[0].look, LOOK_MARK);
    assert_true(find_box(picture.boxes, picture.box_count, "done")->is_last);
    assert_int_equal(find_box(picture.boxes, picture.box_count, "failed")->look, LOOK_FAIL);
    const struct picture_box *draft = find_box(picture.boxes, picture.box_count, "draft");
    const struct picture_box *review = find_box(picture.boxes, picture.box_count, "review");
    assert_true(picture.boxes[0].y < draft->y && draft->y < review->y);
    arena_finish(&arena);
    bodies_fixture_finish(&fixture);
}

static void test_graph_svg__text_is_measured_by_its_letters(void **state)
{
    (void)state;
    assert_true(glyph_width_measure(STR("iii"), 10, GLYPH_NORMAL) <
                glyph_width_measure(STR("WWW"), 10, GLYPH_NORMAL));
    assert_true(glyph_width_measure(STR("abc"), 10, GLYPH_NORMAL) <
                glyph_width_measure(STR("abc"), 10, GLYPH_BOLD));
    assert_int_equal(glyph_width_measure(STR(""), 10, GLYPH_NORMAL), 0);
    assert_int_equal(glyph_width_measure(STR("\xff"), 20, GLYPH_NORMAL), 21);
    assert_int_equal(glyph_width_fit(STR("ääää"), 10, GLYPH_NORMAL, 15), 4);
    assert_int_equal(glyph_width_fit(STR("abc"), 10, GLYPH_NORMAL, 100), 3);
}

static void test_graph_svg__each_allocation_may_fail(void **state)
{
    (void)state;
    struct bodies_fixture fixture;
    bodies_fixture_init_triage(&fixture);
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        graph_svg_append(&fixture.pipeline, &out);
        is_reached = failing_alloc_disarm();
        assert_int_equal(strbuf_status(&out) != 0, is_reached);
        strbuf_finish(&out);
    }
    bodies_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_svg__shapes_and_words_tell_what_nodes_do),
        cmocka_unit_test(test_graph_svg__stands_for_itself),
        cmocka_unit_test(test_graph_svg__hostile_ids_stay_text),
        cmocka_unit_test(test_graph_svg__long_names_are_cut_and_told_in_full),
        cmocka_unit_test(test_graph_svg__many_alike_are_one_block),
        cmocka_unit_test(test_graph_svg__a_few_alike_stay_apart),
        cmocka_unit_test(test_graph_svg__a_thousand_nodes_are_drawn),
        cmocka_unit_test(test_graph_svg__frames_stand_around_their_bodies),
        cmocka_unit_test(test_graph_svg__says_how_streams_and_risks_go),
        cmocka_unit_test(test_graph_svg__states_have_a_beginning_and_ends),
        cmocka_unit_test(test_graph_svg__text_is_measured_by_its_letters),
        cmocka_unit_test(test_graph_svg__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

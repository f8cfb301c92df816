/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/sample_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/checker/chance.h"
#include "core/checker/facets.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* The facets borrow from the document. */
static struct document *read_facets(const char *text, struct facets *facets)
{
    struct chance chance = {1};
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    facets_collect(facets, document_root(document), document_root(document), &chance);
    return document;
}

static void pick(const char *schema, uint64_t seed, struct strbuf *text)
{
    struct facets facets;
    struct chance chance = {seed};
    struct document *document = read_facets(schema, &facets);
    strbuf_clear(text);
    sample_text_pick(&facets, &chance, text);
    assert_int_equal(strbuf_status(text), 0);
    document_unref(document);
}

static void test_sample_text__is_of_the_pattern_or_format(void **state)
{
    struct strbuf text = STRBUF_INIT;
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        pick("{\"pattern\":\"^refs/heads/\"}", seed, &text);
        assert_string_equal(text.p, "refs/heads/main");
        pick("{\"format\":\"date\"}", seed, &text);
        assert_int_equal(text.n, strlen("2030-01-02"));
        pick("{\"format\":\"date\",\"pattern\":\"^[A-Z]$\"}", seed, &text);
        assert_string_equal(text.p, "C");
    }
    strbuf_finish(&text);
}

static void test_sample_text__keeps_lengths(void **state)
{
    struct strbuf text = STRBUF_INIT;
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        pick("{\"minLength\":60}", seed, &text);
        assert_int_equal(text.n, 60);
        pick("{\"maxLength\":1}", seed, &text);
        assert_int_equal(text.n, 1);
        pick("{\"minLength\":100000}", seed, &text);
        assert_int_equal(text.n, 100000);
        pick("{\"minLength\":1000000}", seed, &text);
        assert_int_equal(text.n, 250000); /* what no plugin should need is not tried */
    }
    strbuf_finish(&text);
}

static bool fill(const char *schema, const struct sample_text_form *form, struct strbuf *text)
{
    struct facets facets;
    struct chance chance = {1};
    struct document *document = read_facets(schema, &facets);
    bool is_filled = sample_text_fill(&facets, form, &chance, text);
    assert_int_equal(strbuf_status(text), 0);
    document_unref(document);
    return is_filled;
}

static void test_sample_text__fills_to_the_letter(void **state)
{
    struct strbuf text = STRBUF_INIT;
    (void)state;
    struct sample_text_form form = {.letters = 5, .start = "12"};
    assert_true(fill("{}", &form, &text));
    assert_string_equal(text.p, "12xxx");
    assert_true(fill("{\"pattern\":\"^[0-9]+$\"}", &form, &text));
    assert_string_equal(text.p, "11111");
    assert_false(fill("{\"pattern\":\"^(qq){9}$\"}", &form, &text));
    form.start = "";
    form.is_wide = true;
    assert_true(fill("{}", &form, &text));
    assert_int_equal(text.n, 20);
    assert_false(fill("{\"pattern\":\"^[0-9]+$\"}", &form, &text));
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_text__is_of_the_pattern_or_format),
        cmocka_unit_test(test_sample_text__keeps_lengths),
        cmocka_unit_test(test_sample_text__fills_to_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

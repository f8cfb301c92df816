/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/expr/bindings.h"

/* A spent budget takes some 50 ms; a hole in the accounting costs hours, and the test its end. */
enum { TEXT_BYTES = 1000000, LIST_ITEMS = 50000, WORDS = 5000 };

static struct bindings bindings;

static int set_up(void **state)
{
    (void)state;
    struct strbuf json = STRBUF_INIT;
    strbuf_append_text(&json, "{\"big\":\"");
    for (int i = 0; i < TEXT_BYTES; i++) {
        strbuf_append_char(&json, 'a');
    }
    strbuf_append_text(&json, "\",\"list\":[0");
    for (int i = 1; i < LIST_ITEMS; i++) {
        strbuf_append_format(&json, ",%d", i * 7919 % LIST_ITEMS);
    }
    strbuf_append_text(&json, "],\"words\":[\"word\"");
    for (int i = 1; i < WORDS; i++) {
        strbuf_append_format(&json, ",\"word%d\"", i * 7919 % WORDS);
    }
    strbuf_append_text(&json, "]}");
    bindings = bindings_open(json.p);
    strbuf_finish(&json);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bindings_close(&bindings);
    return 0;
}

/* The budget ends the evaluation, with a text that names the limit. */
static void expect_limit(const char *text)
{
    struct error err = {0};
    int status = 0;
    free(bindings_evaluate(&bindings, str_from(text), 0, &status, &err));
    bool is_named = strstr(err.message, "(limit 'expression ") != NULL ||
                    strstr(err.message, "needs more than 256 KiB: make it smaller") != NULL;
    if (status != E_LIMIT || !is_named) {
        fail_msg("%s: %d %s", text, status, err.message);
    }
}

static void test_budget__ends_loops_within_loops(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "list.map(a, list.map(b, 1))",
        "list.map(a, list.map(b, list.map(c, a + b + c)))",
        "list.all(a, list.all(b, true))",
        "list.all(a, list.all(b, 1 / 0 == 1))",
        "list.exists(a, list.exists(b, false))",
        "list.exists_one(a, list.exists_one(b, false))",
        "list.filter(a, list.filter(b, false) == [])",
        "list.all(a, list.transformMap(i, v, v) != {})",
        "list.distinct()",
        "list.map(x, list.sort())",
        "list.all(x, list == list)",
        "list.all(x, !(-1 in list))",
        "words.all(x, !('none' in words))",
        "sets.contains(list, list)",
        "sets.equivalent(words, words)",
        "list.all(x, list.reverse() != list)",
        "list.all(x, math.greatest(list) > 0)",
        "list.all(x, list.flatten().size() > 0)",
        "list.all(x, cel.bind(l, list, l.all(y, l.size() > 0)))",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_limit(texts[i]);
    }
}

static void test_budget__ends_doubling(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "['a', 'b']");
    for (int i = 0; i < 40; i++) {
        strbuf_append_text(&text, ".map(x, [dyn(x), x])");
    }
    expect_limit(text.p);
    strbuf_finish(&text);
    strbuf_append_text(&text, "['a', 'b']");
    for (int i = 0; i < 60; i++) {
        strbuf_append_text(&text, ".map(x, x + x)");
    }
    expect_limit(text.p);
    strbuf_finish(&text);
    for (int i = 0; i < 40; i++) {
        strbuf_append_format(&text, "[0, 1].all(x%d, ", i);
    }
    strbuf_append_text(&text, "true");
    for (int i = 0; i < 40; i++) {
        strbuf_append_char(&text, ')');
    }
    expect_limit(text.p);
    strbuf_finish(&text);
}

static void test_budget__ends_reading_of_long_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "list.all(x, !big.contains('ab'))",
        "list.all(x, !big.contains('aaaaaaab'))",
        "list.all(x, big.indexOf('aab') < 0)",
        "list.all(x, big.lastIndexOf('aaaaaaab') < 0)",
        "list.all(x, big.lastIndexOf('b') < 0)",
        "list.all(x, size(big) > 0)",
        "list.all(x, big.startsWith(big))",
        "list.all(x, big.charAt(999999) == 'a')",
        "list.all(x, big.substring(500000, 500001) == 'a')",
        "list.all(x, big.trim() == big)",
        "list.all(x, big.split('') == [])",
        "list.all(x, big.replace('a', '') == '')",
        "list.all(x, big.reverse() == big)",
        "list.all(x, strings.quote(big) != '')",
        "list.all(x, url_encode(big) == big)",
        "list.all(x, base64(big) != '')",
        "list.all(x, sha256(big) != '')",
        "list.all(x, json(list) != '')",
        "list.all(x, parse_json(json(list)) == list)",
        "list.all(x, format('%s', [list]) != '')",
        "list.all(x, format('%.100f', 1.5e300) != '')",
        "list.all(x, {}[?big].hasValue() == false)",
        "list.all(x, timestamp(x).getHours('No/Zone') == 1 || true)",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_limit(texts[i]);
    }
}

static void test_budget__ends_searches_with_patterns(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "list.all(x, !big.matches('b'))",
        "list.all(x, !big.matches('[ab]*a[ab]{200}c'))",
        "list.all(x, !big.matches('(?i)x.*y.*z'))",
        "list.all(x, !'a'.matches('a{' + string(x % 900 + 2) + '}'))",
        "list.all(x, !'a'.matches('((a{1,30}){1,30})' + string(x)))",
        "list.all(x, !'a'.matches(r'[\\pL\\pN]{200}' + string(x)))",
        "list.all(x, !'a'.matches(r'(\\pL|\\pN|[^a-z]){5}' + string(x)))",
        "list.all(x, 'a'.matches('(' + string(x)) || true)",
        "words.all(v, words.all(w, w.matches('w(1|2)*' + v) || true))",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_limit(texts[i]);
    }
}

/* What people write about lists and texts of this size is far from the limits. */
static void test_budget__is_enough_for_honest_work(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "list.filter(x, x % 2 == 0).map(x, x * 2).size()",
        "words.filter(w, w.startsWith('word1') && w.size() > 5).size()",
        "list.sort()[0] == 0",
        "big.contains('b') || big.matches('b+c')",
        "words.join(', ').split(', ').size()",
        "json(words).size()",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err = {0};
        int status = 0;
        char *json = bindings_evaluate(&bindings, str_from(texts[i]), 0, &status, &err);
        if (json == NULL) {
            fail_msg("%s: %s", texts[i], err.message);
        }
        free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget__ends_loops_within_loops),
        cmocka_unit_test(test_budget__ends_doubling),
        cmocka_unit_test(test_budget__ends_reading_of_long_texts),
        cmocka_unit_test(test_budget__ends_searches_with_patterns),
        cmocka_unit_test(test_budget__is_enough_for_honest_work),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/value/builder.h"
#include "tests/unit/value/read_json.h"

static void test_document__static_ones_need_no_count(void **state)
{
    (void)state;
    struct document *const documents[] = {document_null(), document_empty_map(),
                                          document_empty_list()};
    static const char *const texts[] = {"null", "{}", "[]"};
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(document_ref(documents[i]), documents[i]);
        for (int n = 0; n < 5; n++) {
            document_unref(documents[i]);
        }
        assert_json(document_root(documents[i]), texts[i]);
        assert_int_equal(document_size_bytes(documents[i]), 0);
    }
}

static void test_document__equal_to_read_ones(void **state)
{
    (void)state;
    cleanup_document struct document *map = read_json("{}");
    cleanup_document struct document *list = read_json("[]");
    assert_true(value_equal(document_root(map), document_root(document_empty_map())));
    assert_true(value_equal(document_root(document_empty_list()), document_root(list)));
}

static void test_document__null_is_fine(void **state)
{
    (void)state;
    assert_null(document_ref(NULL));
    document_unref(NULL);
}

static void test_document__lives_until_the_last_reference(void **state)
{
    (void)state;
    struct document *document = read_json("[\"kept\"]");
    struct document *second = document_ref(document);
    document_unref(document);
    assert_json(document_root(second), "[\"kept\"]");
    assert_true(document_size_bytes(second) >= sizeof(struct value) + 4);
    document_unref(second);
}

static void test_document__packed_it_is_the_same_in_less(void **state)
{
    (void)state;
    static const char text[] =
        "{\"code\":\"UNAVAILABLE\",\"message\":\"cannot connect\",\"a\":[1,2.5,"
        "true,null,{\"b\":\"\"}],\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8}";
    cleanup_document struct document *document = read_json(text);
    struct document *packed = document_pack(document);
    size_t before = document_total_bytes();
    assert_ptr_not_equal(packed, document);
    assert_json(document_root(packed), text);
    assert_true(document_reach_bytes(packed) < document_reach_bytes(document));
    size_t most = document_size_bytes(document) + 200; /* with what every document has */
    assert_true(document_reach_bytes(packed) < most);
    struct document *again = document_pack(packed);
    assert_ptr_equal(again, packed);
    size_t size = document_reach_bytes(packed);
    document_unref(again);
    document_unref(packed);
    assert_int_equal(document_total_bytes(), before - size);
}

static void test_document__what_cannot_be_smaller_is_packed_as_it_is(void **state)
{
    (void)state;
    assert_ptr_equal(document_pack(document_empty_map()), document_empty_map());
    char text[6000];
    memset(text, 'x', sizeof(text));
    text[0] = '"';
    text[sizeof(text) - 2] = '"';
    text[sizeof(text) - 1] = '\0';
    cleanup_document struct document *large = read_json(text);
    struct document *packed = document_pack(large);
    assert_ptr_equal(packed, large);
    document_unref(packed);
}

/* A list that holds a long string of `previous` (taken): each document holds the one before. */
static struct document *chain(struct document *previous)
{
    const struct value *value = document_root(previous);
    value = value_is(value, VALUE_LIST) ? value_at(value, 0) : value;
    struct builder *b = builder_create();
    struct document *document = NULL;
    builder_list_begin(b);
    builder_embed(b, previous, value);
    builder_list_end(b);
    if (builder_finish(b, &document, NULL) != 0) {
        fail_msg("out of memory");
    }
    document_unref(previous);
    return document;
}

static void *unref(void *user)
{
    document_unref(user);
    return NULL;
}

/* On a stack that recursion over the chain would overrun many times. */
static void unref_on_small_stack(struct document *document)
{
    enum { STACK_BYTES = 256 * 1024 };
    pthread_attr_t attr;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attr, unref, document), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attr); /* it was initialised */
}

static void test_document__a_chain_of_a_hundred_thousand_is_freed(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'x', sizeof(text));
    struct builder *b = builder_create();
    builder_string(b, str_make(text, sizeof(text)));
    struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    for (int i = 0; i < 100000; i++) {
        document = chain(document);
    }
    assert_true(
        str_equal(value_str(value_at(document_root(document), 0)), str_make(text, sizeof(text))));
    unref_on_small_stack(document);
}

static void test_document__held_ones_outlive_their_holder(void **state)
{
    (void)state;
    struct document *inner = read_json("[[1,2,3]]");
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_embed(b, inner, document_root(inner));
    builder_list_end(b);
    struct document *outer = NULL;
    assert_int_equal(builder_finish(b, &outer, NULL), 0);
    document_unref(outer);
    assert_json(document_root(inner), "[[1,2,3]]");
    document_unref(inner);
}

enum { THREADS = 4, TURNS = 20000 };

static void *take_and_give(void *user)
{
    struct document *document = user;
    size_t sum = 0;
    for (int i = 0; i < TURNS; i++) {
        struct document *mine = document_ref(document);
        sum += value_count(value_get(document_root(mine), STR("list")));
        document_unref(mine);
    }
    document_unref(document);
    return sum == (size_t)TURNS * 3 ? document : NULL;
}

static void test_document__threads_share_one(void **state)
{
    (void)state;
    struct document *document = read_json("{\"list\":[1,2,3]}");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, document_ref(document)),
                         0);
    }
    document_unref(document); /* one of the threads frees it */
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, document);
    }
}

static void test_document__size_counts_while_it_lives(void **state)
{
    (void)state;
    size_t before = document_total_bytes();
    struct builder *b = builder_create();
    char text[1000];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = 'x';
    }
    builder_string(b, str_make(text, sizeof(text)));
    assert_int_equal(document_total_bytes(), before); /* it is not whole */
    struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    size_t size = document_total_bytes() - before;
    assert_in_range(size, 1000, 3000);
    struct document *small = read_json("[1]");
    assert_in_range(document_total_bytes() - before - size, 16, 600);
    document_unref(document_ref(document));
    assert_true(document_total_bytes() > before + size);
    document_unref(document);
    document_unref(small);
    builder_destroy(builder_create());
    assert_int_equal(document_total_bytes(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document__static_ones_need_no_count),
        cmocka_unit_test(test_document__equal_to_read_ones),
        cmocka_unit_test(test_document__null_is_fine),
        cmocka_unit_test(test_document__lives_until_the_last_reference),
        cmocka_unit_test(test_document__packed_it_is_the_same_in_less),
        cmocka_unit_test(test_document__what_cannot_be_smaller_is_packed_as_it_is),
        cmocka_unit_test(test_document__a_chain_of_a_hundred_thousand_is_freed),
        cmocka_unit_test(test_document__held_ones_outlive_their_holder),
        cmocka_unit_test(test_document__threads_share_one),
        cmocka_unit_test(test_document__size_counts_while_it_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/digest.h"

static void expect_sha256(struct str bytes, const char *hex)
{
    unsigned char digest[DIGEST_BYTES];
    char text[DIGEST_HEX_SIZE];
    digest_sha256(bytes, digest);
    digest_format_hex(digest, sizeof(digest), text);
    assert_string_equal(text, hex);
}

static void test_digest__knows_the_published_vectors(void **state)
{
    (void)state;
    expect_sha256(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_digest__parts_give_the_same_as_the_whole(void **state)
{
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)i;
    }
    unsigned char whole[DIGEST_BYTES];
    digest_sha256(str_make(text, sizeof(text)), whole);
    for (size_t step = 1; step <= sizeof(text); step += 13) {
        struct digest digest;
        digest_init(&digest);
        for (size_t i = 0; i < sizeof(text); i += step) {
            size_t n = sizeof(text) - i < step ? sizeof(text) - i : step;
            digest_update(&digest, str_make(text + i, n));
            digest_update(&digest, str_from(NULL));
        }
        unsigned char parts[DIGEST_BYTES];
        digest_finish(&digest, parts);
        assert_memory_equal(parts, whole, DIGEST_BYTES);
    }
}

static void test_digest__base32_is_of_the_rfc_in_lower_case(void **state)
{
    (void)state;
    static const char *const texts[] = {"",        "my",       "mzxq",      "mzxw6",
                                        "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"};
    for (size_t n = 0; n <= 6; n++) {
        char out[16];
        digest_format_base32((const unsigned char *)"foobar", n, out);
        assert_string_equal(out, texts[n]);
    }
    unsigned char digest[DIGEST_BYTES];
    memset(digest, 0xFF, sizeof(digest));
    char out[DIGEST_BASE32_SIZE];
    digest_format_base32(digest, sizeof(digest), out);
    assert_int_equal(strlen(out), DIGEST_BASE32_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__knows_the_published_vectors),
        cmocka_unit_test(test_digest__parts_give_the_same_as_the_whole),
        cmocka_unit_test(test_digest__base32_is_of_the_rfc_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

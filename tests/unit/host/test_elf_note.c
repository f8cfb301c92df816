/* SPDX-License-Identifier: Apache-2.0 */

/* What the files in tests/fuzz/corpus/elf_note are said to be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/crc64.h"
#include "core/host/elf_note.h"
#include "tests/support/failing_alloc.h"

struct bytes {
    char data[4096];
    size_t size;
    bool is_broken;
};

static void load(struct bytes *bytes, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, CORPUS_DIR "/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    bytes->size = fread(bytes->data, 1, sizeof bytes->data, file);
    bytes->is_broken = false;
    assert_int_equal(fclose(file), 0);
}

static int read_bytes(void *user, uint64_t offset, void *buffer, size_t n)
{
    const struct bytes *bytes = user;
    if (bytes->is_broken) {
        return E_IO;
    }
    assert_true(offset + n <= bytes->size);
    memcpy(buffer, bytes->data + offset, n);
    return 0;
}

static int read_note(struct bytes *bytes, struct elf_manifest *out, struct error *err)
{
    struct elf_source source = {.user = bytes, .size = bytes->size, .read = read_bytes};
    *err = (struct error){0};
    return elf_note_read(&source, out, err);
}

static void test_crc64__gives_the_check_value(void **state)
{
    (void)state;
    assert_true(crc64_xz(STR("123456789")) == 0x995DC9BBDF1939FAu);
    assert_true(crc64_xz(STR("")) == 0);
}

#if defined(__x86_64__)
static void assert_text(const char *name)
{
    struct bytes bytes;
    struct elf_manifest manifest;
    struct error err;
    load(&bytes, name);
    assert_int_equal(read_note(&bytes, &manifest, &err), 0);
    assert_string_equal(manifest.text.p,
                        "{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[]}");
    assert_true(crc64_xz(strbuf_str(&manifest.text)) == manifest.crc);
    strbuf_finish(&manifest.text);
}

static void test_elf_note__finds_the_manifest(void **state)
{
    (void)state;
    assert_text("good");
    assert_text("second_note");
}

static void test_elf_note__says_what_is_wrong(void **state)
{
    static const struct {
        const char *name;
        int code;
        const char *message;
    } cases[] = {
        {"empty", E_INVALID, "it is empty"},
        {"text", E_INVALID, "it is no ELF file, so no plugin"},
        {"magic_only", E_INVALID, "it is no ELF file, so no plugin"},
        {"class_32", E_VERSION, "it is built for 32 bits, this host has 64"},
        {"other_machine", E_VERSION, "it is built for aarch64 (machine 183), this host is x86_64"},
        {"executable", E_INVALID, "it is no shared library, so no plugin"},
        {"odd_header_size", E_CORRUPT, "its program headers are damaged"},
        {"no_note", E_INVALID,
         "it is no opstream plugin: it has no manifest; build it with opstream_add_plugin()"},
        {"no_segments", E_INVALID,
         "it is no opstream plugin: it has no manifest; build it with opstream_add_plugin()"},
        {"bad_crc", E_CORRUPT, "its manifest is damaged: the checksum differs"},
        {"huge_desc", E_CORRUPT, "its notes are damaged"},
        {"huge_name", E_CORRUPT, "its notes are damaged"},
        {"segment_beyond_end", E_CORRUPT,
         "it is truncated: a segment is missing; copy or build it again"},
        {"offset_beyond_end", E_CORRUPT,
         "it is truncated: a segment is missing; copy or build it again"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes bytes;
        struct elf_manifest manifest;
        struct error err;
        load(&bytes, cases[i].name);
        assert_int_equal(read_note(&bytes, &manifest, &err), cases[i].code);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void test_elf_note__cut_anywhere_is_refused(void **state)
{
    struct bytes bytes;
    struct elf_manifest manifest;
    struct error err;
    (void)state;
    load(&bytes, "good");
    for (size_t n = bytes.size; n-- > 0;) {
        bytes.size = n;
        assert_int_not_equal(read_note(&bytes, &manifest, &err), 0);
        assert_true(err.message[0] != '\0');
    }
}

static void test_elf_note__reports_lack_of_memory_and_broken_reads(void **state)
{
    struct bytes bytes;
    struct elf_manifest manifest;
    struct error err;
    (void)state;
    load(&bytes, "good");
    failing_alloc_arm(0);
    assert_int_equal(read_note(&bytes, &manifest, &err), E_NOMEM);
    assert_true(failing_alloc_disarm());
    bytes.is_broken = true;
    assert_int_equal(read_note(&bytes, &manifest, &err), E_IO);
    assert_string_equal(err.message, "it cannot be read");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc64__gives_the_check_value),
#if defined(__x86_64__) /* the corpus is for it */
        cmocka_unit_test(test_elf_note__finds_the_manifest),
        cmocka_unit_test(test_elf_note__says_what_is_wrong),
        cmocka_unit_test(test_elf_note__cut_anywhere_is_refused),
        cmocka_unit_test(test_elf_note__reports_lack_of_memory_and_broken_reads),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

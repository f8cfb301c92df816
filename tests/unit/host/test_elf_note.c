/* SPDX-License-Identifier: Apache-2.0 */

/* What the files in tests/fuzz/corpus/elf_note are said to be, and some that are made here. */

#include <elf.h>
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
static const char least_manifest[] =
    "{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[]}";

static void assert_text(const char *name)
{
    struct bytes bytes;
    struct elf_manifest manifest;
    struct error err;
    load(&bytes, name);
    assert_int_equal(read_note(&bytes, &manifest, &err), 0);
    assert_string_equal(manifest.text.p, least_manifest);
    assert_true(crc64_xz(strbuf_str(&manifest.text)) == manifest.crc);
    strbuf_finish(&manifest.text);
}

static void test_elf_note__finds_the_manifest(void **state)
{
    (void)state;
    assert_text("good");
    assert_text("second_note");
    assert_text("property_note");
    assert_text("aligned_to_8");
}

/* A note with the id 0, 1, 2, ... and the manifest's behind it, in one segment of alignment
   `align`. The id is said to be a build id where its name is "GNU". */
static void make_pair(struct bytes *bytes, unsigned align, const Elf64_Nhdr *first,
                      size_t first_id_at, size_t second_at)
{
    enum { NOTES_AT = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), MANIFEST_AT = 24 };
    const size_t n = sizeof least_manifest - 1;
    const Elf64_Nhdr second = {.n_namesz = 9, .n_descsz = 8 + n, .n_type = 1};
    const uint64_t crc = crc64_xz(str_make(least_manifest, n));
    char *notes = bytes->data + NOTES_AT;
    Elf64_Ehdr header;
    load(bytes, "good");
    memcpy(&header, bytes->data, sizeof header);
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    const Elf64_Phdr segment = {.p_type = PT_NOTE,
                                .p_offset = NOTES_AT,
                                .p_filesz = second_at + MANIFEST_AT + 8 + n,
                                .p_align = align};
    memset(bytes->data, 0, sizeof bytes->data);
    memcpy(bytes->data, &header, sizeof header);
    memcpy(bytes->data + sizeof header, &segment, sizeof segment);
    memcpy(notes, first, sizeof *first);
    memcpy(notes + sizeof *first, first->n_namesz == 4 ? "GNU" : "some name", first->n_namesz);
    for (size_t i = 0; i < first->n_descsz; i++) {
        notes[first_id_at + i] = (char)i;
    }
    memcpy(notes + second_at, &second, sizeof second);
    memcpy(notes + second_at + sizeof second, "opstream", 9);
    memcpy(notes + second_at + MANIFEST_AT, &crc, sizeof crc); /* little-endian, as this machine */
    memcpy(notes + second_at + MANIFEST_AT + 8, least_manifest, n);
    bytes->size = NOTES_AT + segment.p_filesz;
}

/* As the loader has it: what is aligned is where things stand, not how long they are. */
static void test_elf_note__parts_are_aligned_by_offset(void **state)
{
    static const struct {
        unsigned align;
        uint32_t name_bytes;
        uint32_t bytes;
        size_t at;
        size_t next;
    } cases[] = {
        {4, 4, 16, 16, 32}, {4, 4, 20, 16, 36}, {4, 5, 1, 20, 24},  {4, 0, 0, 12, 12},
        {4, 9, 3, 24, 28},  {4, 8, 7, 20, 28},  {8, 4, 16, 16, 32}, {8, 4, 20, 16, 40},
        {8, 4, 1, 16, 24},  {8, 5, 1, 24, 32},  {8, 0, 0, 16, 16},  {8, 9, 3, 24, 32},
        {8, 3, 8, 16, 24},  {8, 8, 24, 24, 48}, {1, 4, 20, 16, 36}, /* as 4 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes bytes;
        struct elf_manifest manifest;
        struct error err;
        unsigned char id[ELF_BUILD_ID_MOST];
        const Elf64_Nhdr first = {cases[i].name_bytes, cases[i].bytes, NT_GNU_BUILD_ID};
        make_pair(&bytes, cases[i].align, &first, cases[i].at, cases[i].next);
        if (read_note(&bytes, &manifest, &err) != 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
        assert_string_equal(manifest.text.p, least_manifest);
        strbuf_finish(&manifest.text);

        struct elf_source source = {.user = &bytes, .size = bytes.size, .read = read_bytes};
        size_t n = elf_build_id_read(&source, id);
        assert_int_equal(n, cases[i].name_bytes == 4 ? cases[i].bytes : 0);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(id[k], k);
        }
    }
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
        cmocka_unit_test(test_elf_note__parts_are_aligned_by_offset),
        cmocka_unit_test(test_elf_note__says_what_is_wrong),
        cmocka_unit_test(test_elf_note__cut_anywhere_is_refused),
        cmocka_unit_test(test_elf_note__reports_lack_of_memory_and_broken_reads),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

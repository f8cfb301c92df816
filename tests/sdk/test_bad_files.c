/* SPDX-License-Identifier: Apache-2.0 */

/* Files that are no plugins, or plugins of another machine or library, and what is said about them:
   changed bytes of a good one. */

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/host/crc64.h"
#include "core/model/catalogue.h"
#include "tests/sdk/bad.h"
#include "tests/sdk/rig.h"

/* ---- Files made here: FOLDER/bad/bad.so from changed bytes of a good plugin ---- */

#ifdef __x86_64__
#define OLDEST_GLIBC "GLIBC_2.2.5" /* what symbols that were always there are of */
#define NEWER_GLIBC  "GLIBC_9.9.9"
#else
#define OLDEST_GLIBC "GLIBC_2.17"
#define NEWER_GLIBC  "GLIBC_9.99"
#endif

struct workshop {
    char folder[64];
    char subfolder[80];
    char file[96];
    char *bytes; /* of the good plugin */
    size_t n;
};

static void workshop_open(struct workshop *w)
{
    FILE *good = fopen(BAD_DIR "/good/bad/bad.so", "rb");
    assert_non_null(good);
    w->bytes = malloc(1 << 22);
    w->n = fread(w->bytes, 1, 1 << 22, good);
    assert_int_equal(fclose(good), 0);
    assert_in_range(w->n, 1000, (1 << 22) - 1);
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/opstream_bad_XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->subfolder, sizeof w->subfolder, "%s/bad", w->folder);
    (void)snprintf(w->file, sizeof w->file, "%s/bad.so", w->subfolder);
    assert_int_equal(mkdir(w->subfolder, 0700), 0);
}

static void workshop_write(const struct workshop *w, const void *bytes, size_t n)
{
    (void)unlink(w->file);
    int fd = open(w->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    assert_int_equal(close(fd), 0);
}

static void workshop_close(struct workshop *w)
{
    free(w->bytes);
    (void)unlink(w->file);
    assert_int_equal(rmdir(w->subfolder), 0);
    assert_int_equal(rmdir(w->folder), 0);
}

static void test_file__must_be_an_elf_file(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, "", 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is empty");
    workshop_write(&w, "hello", 5);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is no ELF file, so no plugin");
    workshop_write(&w, "#!/bin/sh\necho this is a script\n", 32);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is no ELF file, so no plugin");
    workshop_close(&w);
}

static void test_file__must_be_for_this_machine(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)w.bytes;
    Elf64_Half own = header->e_machine;
    header->e_machine = own == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_VERSION,
                   own == EM_AARCH64 ? "it is built for x86_64 (machine 62), this host is aarch64"
                                     : "it is built for aarch64 (machine 183), this host is ");
    header->e_machine = own;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_VERSION, "it is built for 32 bits, this host has 64");
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_type = ET_EXEC;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "it is no shared library, so no plugin");
    workshop_close(&w);
}

static void test_file__truncated_anywhere_is_refused_or_whole_enough(void **state)
{
    struct workshop w;
    struct rig rig;
    struct error err;
    (void)state;
    workshop_open(&w);
    for (size_t n = 1; n < w.n; n += n < 1024 ? 61 : 1021) {
        workshop_write(&w, w.bytes, n);
        rig_open_folder(&rig, w.folder);
        const char *message = rig_find(&rig, "bad", &err);
        if (message[0] != '\0') {
            assert_message(message, n < 16 ? "it is no ELF file" : "truncated");
        } else { /* only what nobody needs is missing */
            assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
        }
        rig_close(&rig);
    }
    workshop_close(&w);
}

/* Where the note's text is: behind name and CRC. */
static char *find_text(struct workshop *w, size_t *out_n)
{
    for (size_t i = 12; i + 32 < w->n; i++) {
        uint32_t head[3];
        memcpy(head, w->bytes + i - 12, sizeof head);
        if (memcmp(w->bytes + i, "opstream", 9) == 0 && head[0] == 9 && head[2] == 1) {
            *out_n = head[1] - 8;
            return w->bytes + i + 12 + 8;
        }
    }
    fail_msg("no note");
    return NULL;
}

static void test_file__damaged_manifest_is_told(void **state)
{
    struct workshop w;
    size_t n = 0;
    (void)state;
    workshop_open(&w);
    char *text = find_text(&w, &n);
    text[n - 1] = '!';
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "its manifest is damaged: the checksum differs");
    uint64_t crc = crc64_xz(str_make(text, n));
    memcpy(text - 8, &crc, sizeof crc); /* hosts of the tests are little-endian */
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "its manifest is not valid JSON: line 1, column ");
    workshop_close(&w);
}

static Elf64_Phdr *find_note_segment(struct workshop *w)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)w->bytes;
    Elf64_Phdr *segments = (Elf64_Phdr *)(void *)(w->bytes + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_NOTE) {
            return &segments[i];
        }
    }
    fail_msg("no note");
    return NULL;
}

/* Behind the end of the file, as long as the head says or not. */
static void test_file__a_manifest_of_ten_megabytes_is_refused(void **state)
{
    enum { NOTE_BYTES = 10 * 1024 * 1024, HEAD_BYTES = 24 };
    struct workshop w;
    (void)state;
    workshop_open(&w);
    Elf64_Phdr *segment = find_note_segment(&w);
    const uint32_t head[3] = {9, NOTE_BYTES + 8, 1};
    size_t at = (w.n + 7) & ~(size_t)7;
    char *bytes = realloc(w.bytes, at + HEAD_BYTES + 8 + NOTE_BYTES);
    assert_non_null(bytes);
    w.bytes = bytes;
    segment = find_note_segment(&w);
    segment->p_offset = at;
    segment->p_filesz = HEAD_BYTES + 8 + NOTE_BYTES;
    segment->p_align = 4;
    memset(bytes + w.n, 0, at - w.n);
    memcpy(bytes + at, head, sizeof head);
    memcpy(bytes + at + 12, "opstream\0\0\0\0", 12);
    memset(bytes + at + HEAD_BYTES, ' ', 8 + NOTE_BYTES);
    workshop_write(&w, bytes, at + HEAD_BYTES + 8 + NOTE_BYTES);
    assert_refused(w.folder, E_PLUGIN, "its manifest is larger than 4194304 bytes");
    workshop_write(&w, bytes, at + HEAD_BYTES + 1000);
    assert_refused(w.folder, E_PLUGIN, "truncated");
    workshop_close(&w);
}

/* The manifest that counts is the one in the file: what lies beside it is for people. */
static void test_file__a_sidecar_that_lies_is_not_believed(void **state)
{
    static const char lie[] =
        "{\"id\":\"bad\",\"version\":\"9.9.9\",\"abi\":{\"epoch\":7},\"nodes\":[]}";
    char path[128];
    struct workshop w;
    struct rig rig;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    (void)snprintf(path, sizeof path, "%s/plugin.json", w.subfolder);
    FILE *sidecar = fopen(path, "w");
    assert_non_null(sidecar);
    assert_true(fputs(lie, sidecar) >= 0);
    assert_int_equal(fclose(sidecar), 0);
    rig_open_folder(&rig, w.folder);
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    assert_true(str_equal_text(host_plugin_file_at(rig.host, 0)->version, "1.2.3"));
    rig_close(&rig);
    assert_int_equal(unlink(path), 0);
    workshop_close(&w);
}

/* ---- What the loader says ---- */

/* Every `from` in the file becomes `to`, of the same length. */
static void replace_text(struct workshop *w, const char *from, const char *to)
{
    size_t n = strlen(from);
    int count = 0;
    assert_int_equal(strlen(to), n);
    for (size_t i = 0; i + n < w->n; i++) {
        if (memcmp(w->bytes + i, from, n + 1) == 0) {
            memcpy(w->bytes + i, to, n);
            count++;
        }
    }
    assert_true(count > 0);
}

static void test_file__a_library_that_is_missing_is_named(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    replace_text(&w, "libc.so.6", "libX.so.6");
    workshop_write(&w, w.bytes, w.n);
    assert_not_loaded(w.folder, E_PLUGIN,
                      "libX.so.6: cannot open shared object file: No such file or directory");
    workshop_close(&w);
}

static void test_file__a_newer_glibc_is_named(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    replace_text(&w, OLDEST_GLIBC, NEWER_GLIBC);
    workshop_write(&w, w.bytes, w.n);
    assert_not_loaded(w.folder, E_PLUGIN, "version `" NEWER_GLIBC "' not found (required by ");
    workshop_close(&w);
}

static void test_file__must_be_a_regular_file(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    assert_int_equal(mkfifo(w.file, 0600), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' is no regular file");
    assert_int_equal(unlink(w.file), 0);
    assert_int_equal(mkdir(w.file, 0700), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' is no regular file");
    assert_int_equal(rmdir(w.file), 0);
    assert_int_equal(symlink("bad.so", w.file), 0);
    assert_refused(w.folder, E_PLUGIN, "leads round in a circle");
    workshop_close(&w);
}

static void test_file__must_not_be_writable_by_others(void **state)
{
    struct workshop w;
    struct rig rig;
    struct error err;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chmod(w.file, 0666), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' can be written to by others: use chmod go-w '");
    assert_int_equal(chmod(w.file, 0600), 0);
    assert_int_equal(chmod(w.subfolder, 0770), 0);
    assert_refused(w.folder, E_PLUGIN, "the folder '/tmp/opstream_bad_");
    assert_int_equal(chmod(w.subfolder, 0700), 0);
    assert_int_equal(chmod(w.folder, 0777), 0);
    rig_open_folder(&rig, w.folder);
    (void)rig_find(&rig, "bad", &err);
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_message(host_plugin_file_at(rig.host, 0)->problem.p,
                   "can be written to by others: use chmod go-w '");
    rig_close(&rig);
    workshop_close(&w);
}

/* It is looked at when the code is loaded, whatever was said when the manifest was read. */
static void test_file__under_a_folder_that_was_opened_is_not_loaded(void **state)
{
    struct workshop w;
    struct rig rig;
    struct error err;
    char outer[64] = "/tmp/opstream_outer_XXXXXX";
    char link[80];
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_non_null(mkdtemp(outer));
    (void)snprintf(link, sizeof link, "%s/plugins", outer);
    assert_int_equal(rename(w.folder, link), 0);
    rig_open_folder(&rig, link);
    assert_string_equal(rig_find(&rig, "bad", &err), "");
    assert_int_equal(chmod(outer, 0777), 0);
    assert_int_equal(rig_start(&rig, 1, "bad", "{}", &err), E_PLUGIN);
    assert_message(err.message, "mode 0777), who could put other files in that place: use chmod ");
    assert_int_equal(chmod(outer, 0700), 0);
    (void)rig_run(&rig, 2, "bad", "{}");
    rig_close(&rig);
    assert_int_equal(rename(link, w.folder), 0);
    assert_int_equal(rmdir(outer), 0);
    workshop_close(&w);
}

/* Root reads everything: the test becomes somebody else for it. */
static void test_file__that_cannot_be_read_says_so(void **state)
{
    struct workshop w;
    bool is_root = geteuid() == 0;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chmod(w.folder, 0755), 0);
    assert_int_equal(chmod(w.subfolder, 0755), 0);
    assert_int_equal(chmod(w.file, 0000), 0);
    assert_int_equal(is_root ? seteuid(65534) : 0, 0);
    assert_refused(w.folder, E_PLUGIN, "cannot open '");
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    workshop_close(&w);
}

static void assert_listed(const struct workshop *w, const char *problem)
{
    struct rig rig;
    rig_open_folder(&rig, w->folder);
    const struct host_plugin_file *file = NULL;
    for (size_t i = 0; file == NULL && i < host_plugin_file_count(rig.host); i++) {
        const struct host_plugin_file *at = host_plugin_file_at(rig.host, i);
        file = str_equal_text(at->path, w->subfolder) ? at : NULL;
    }
    assert_non_null(file);
    assert_message(file->problem.p, problem);
    rig_close(&rig);
}

/* Its plugin is not passed over in silence. */
static void test_folder__that_cannot_be_read_says_so(void **state)
{
    struct workshop w;
    bool is_root = geteuid() == 0;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chmod(w.folder, 0755), 0);
    assert_int_equal(chmod(w.subfolder, is_root ? 0700 : 0000), 0);
    assert_int_equal(is_root ? seteuid(65534) : 0, 0);
    assert_listed(&w, "cannot read the folder '");
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(w.subfolder, 0755), 0);
    assert_int_equal(chmod(w.folder, is_root ? 0744 : 0400), 0);
    assert_int_equal(is_root ? seteuid(65534) : 0, 0);
    assert_listed(&w, "cannot open '");
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(w.folder, 0755), 0);
    workshop_close(&w);
}

/* It is copied and tried first, and there is no place for a copy here. See test_trials.c. */
static void test_file__of_another_user_needs_a_copy(void **state)
{
    struct workshop w;
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chown(w.file, 12345, 12345), 0);
    struct rig rig;
    struct error err = {0};
    rig_open_folder(&rig, w.folder);
    assert_int_equal(rig_start(&rig, 1, "bad", "{}", &err), HOST_WAITS);
    while (rig.tried == 0) {
        rig_turn(&rig, 1);
    }
    const struct catalogue *catalogue = host_catalogue(rig.host);
    const struct node_type *type = catalogue->find_type(catalogue->user, STR("bad"), &err);
    assert_non_null(type);
    assert_int_equal(host_prepare(rig.host, type, &err), E_IO);
    assert_message(err.message, "there is no folder for the copy that it is loaded from");
    rig_close(&rig);
    workshop_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__must_be_an_elf_file),
        cmocka_unit_test(test_file__must_be_for_this_machine),
        cmocka_unit_test(test_file__truncated_anywhere_is_refused_or_whole_enough),
        cmocka_unit_test(test_file__damaged_manifest_is_told),
        cmocka_unit_test(test_file__a_manifest_of_ten_megabytes_is_refused),
        cmocka_unit_test(test_file__a_sidecar_that_lies_is_not_believed),
        cmocka_unit_test(test_file__a_library_that_is_missing_is_named),
        cmocka_unit_test(test_file__a_newer_glibc_is_named),
        cmocka_unit_test(test_file__that_cannot_be_read_says_so),
        cmocka_unit_test(test_folder__that_cannot_be_read_says_so),
        cmocka_unit_test(test_file__must_be_a_regular_file),
        cmocka_unit_test(test_file__must_not_be_writable_by_others),
        cmocka_unit_test(test_file__under_a_folder_that_was_opened_is_not_loaded),
        cmocka_unit_test(test_file__of_another_user_needs_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

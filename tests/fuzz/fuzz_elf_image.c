/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a shared library. What is found must lie inside the bytes, and end; what is refused must
 * say why.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/checker/elf_image.h"
#include "tests/fuzz/fuzz.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void expect_inside(const struct elf_image *image, struct str text)
{
    const char *end = image->bytes.p + image->bytes.n;
    expect(text.n == 0 || (text.p >= image->bytes.p && text.p < end &&
                           text.n < (size_t)(end - text.p) && text.p[text.n] == '\0'),
           "a text is inside the file, with the NUL behind it");
}

static void look_at_symbols(const struct elf_image *image)
{
    struct elf_symbol symbol;
    size_t count = 0;
    while (elf_image_symbol(image, count, &symbol)) {
        expect_inside(image, symbol.name);
        expect_inside(image, symbol.version);
        count++;
    }
    expect(count <= image->bytes.n / sizeof(Elf64_Sym), "symbols are no more than fit");
}

static void look_at_resolvers(const struct elf_image *image)
{
    uint64_t address = 0;
    size_t cursor = 0;
    while (elf_image_next_resolver(image, &cursor, &address) && cursor < 64) {
        expect_inside(image, elf_image_function_at(image, address));
    }
    expect(cursor <= 2 * (image->bytes.n / sizeof(Elf64_Rela)), "resolvers are no more than fit");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image image;
    struct error err = {0};
    Elf64_Dyn entry;
    if (elf_image_open(str_make((const char *)data, size), &image, &err) != 0) {
        expect(err.code < 0 && err.message[0] != '\0', "a refusal says why");
        return 0;
    }

    look_at_symbols(&image);
    for (size_t i = 0; elf_image_dynamic(&image, i, &entry); i++) {
        expect_inside(&image, elf_image_text(&image, entry.d_un.d_val));
    }
    for (size_t i = 0; i < image.version_count; i++) {
        expect_inside(&image, image.versions[i].name);
        expect_inside(&image, image.versions[i].library);
    }
    size_t count = elf_image_function_count(&image, DT_INIT_ARRAYSZ);
    expect(count <= ELF_FUNCTIONS_MOST, "the functions are counted to a bound");
    for (size_t i = 0; i < count && i < 16; i++) {
        expect_inside(&image, elf_image_function(&image, DT_INIT_ARRAY, i));
    }
    look_at_resolvers(&image);
    (void)elf_image_section_begins(&image, STR(".init"), 0);
    return 0;
}

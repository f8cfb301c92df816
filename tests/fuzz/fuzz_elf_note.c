/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a plugin file. What is found must be the text whose checksum stands before it, and
 * inside the file; what is refused must say why. Nothing outside of the file may be asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/host/crc64.h"
#include "core/host/elf_note.h"
#include "tests/fuzz/fuzz.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

struct bytes {
    const uint8_t *data;
    size_t size;
};

static int read_bytes(void *user, uint64_t offset, void *buffer, size_t n)
{
    const struct bytes *bytes = user;
    expect(offset <= bytes->size && n <= bytes->size - offset, "reads stay inside the file");
    if (n > 0) {
        memcpy(buffer, bytes->data + offset, n);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    struct elf_source source = {.user = &bytes, .size = size, .read = read_bytes};
    struct elf_manifest manifest;
    struct error err = {0};
    if (elf_note_read(&source, &manifest, &err) != 0) {
        expect(err.code < 0 && err.message[0] != '\0', "a refusal says why");
        return 0;
    }

    expect(crc64_xz(strbuf_str(&manifest.text)) == manifest.crc, "the checksum is the text's");
    expect(manifest.text.n > 0 && manifest.text.n < size, "the text is inside the file");
    strbuf_finish(&manifest.text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_ELF_NOTE_H
#define CORE_HOST_ELF_NOTE_H

/*
 * ELF note: takes the manifest out of a plugin file without running or mapping any of it.
 *
 * The manifest is a note of a PT_NOTE segment: name "opstream", type 1; its bytes are the CRC-64/XZ
 * of the text (8 bytes, little-endian) and the text.
 *
 * Used by:  registry_file, trial, probe_stack; checker.
 * Uses:     crc64.
 * Threads:  [any]
 */

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

/* The bytes of a file, wherever they are. */
struct elf_source {
    void *user;
    uint64_t size;
    /* Fills `buffer` with `n` bytes from `offset`, which are within `size`. 0, or E_IO. */
    int (*read)(void *user, uint64_t offset, void *buffer, size_t n);
};

struct elf_manifest {
    struct strbuf text; /* owned: strbuf_finish() */
    uint64_t crc;
};

/*
 * The head of a shared library for this machine, and no more. Any bytes are fine as input; fails as
 * elf_note_read().
 */
int elf_note_read_header(const struct elf_source *source, Elf64_Ehdr *out_header,
                         struct error *err);

/*
 * Any bytes are fine as input. Fails with E_INVALID (no plugin: the message says why), E_VERSION
 * (for another machine), E_CORRUPT (truncated or damaged), E_LIMIT, E_NOMEM, and what read() gave.
 * The message goes on after "plugin file 'x': ".
 */
int elf_note_read(const struct elf_source *source, struct elf_manifest *out_manifest,
                  struct error *err);

enum { ELF_BUILD_ID_MOST = 64 };

/* The id that the linker gave to the file: how many bytes it has; 0: none, or not readable. */
size_t elf_build_id_read(const struct elf_source *source, unsigned char out[ELF_BUILD_ID_MOST]);

#endif

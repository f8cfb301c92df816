/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_ELF_IMAGE_H
#define CORE_CHECKER_ELF_IMAGE_H

/*
 * ELF image: what the loader would read of a shared library, out of its bytes: nothing is mapped,
 * nothing runs.
 *
 * All is found as the loader finds it, by the program headers and the dynamic section; section
 * headers are looked at for the names of local functions and for where a section begins, and may be
 * missing.
 *
 * Used by:  checker.
 * Uses:     host/elf_note.h.
 * Threads:  [any]
 */

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

enum {
    ELF_LOADS_MOST = 64,
    ELF_VERSIONS_MOST = 512,
    ELF_FUNCTIONS_MOST = 4096, /* of an array of constructors */
};

/* A version that a needed library must have: "GLIBC_2.34" of "libc.so.6". */
struct elf_version {
    struct str name;
    struct str library;
    uint16_t index; /* by which symbols name it */
};

/* A symbol that the loader sees. */
struct elf_symbol {
    struct str name;
    struct str version; /* of an undefined one; empty: none */
    unsigned char type; /* STT_* */
    unsigned char bind; /* STB_* */
    bool is_defined;
    bool is_visible; /* from outside */
};

struct elf_image {
    struct str bytes; /* borrowed for as long as the image is used */
    Elf64_Phdr loads[ELF_LOADS_MOST];
    size_t load_count;
    bool has_stack_header; /* without one the loader makes the stack executable */
    uint32_t stack_flags;  /* PF_* */
    bool has_build_id;
    uint64_t dynamic_at; /* in the file; so is all that ends in _at */
    size_t dynamic_count;
    uint64_t text_at; /* the string table */
    uint64_t text_size;
    uint64_t symbols_at;
    size_t symbol_count;
    uint64_t symbol_versions_at; /* 0: none */
    struct elf_version versions[ELF_VERSIONS_MOST];
    size_t version_count;
    uint64_t sections_at;     /* their headers */
    size_t section_count;     /* 0: none that can be read */
    Elf64_Shdr section_names; /* sh_size 0: none */
    Elf64_Shdr local_symbols; /* SHT_SYMTAB; sh_size 0: stripped */
    Elf64_Shdr local_texts;
};

/*
 * Any bytes are fine as input. Fails with E_INVALID (no library), E_VERSION (for another machine),
 * E_CORRUPT (truncated or damaged). The message goes on after the file's name.
 */
int elf_image_open(struct str bytes, struct elf_image *out_image, struct error *err);

/* Entry `i` of the dynamic section; false behind its end. */
bool elf_image_dynamic(const struct elf_image *image, size_t i, Elf64_Dyn *out_entry);

/* The value of the first entry with `tag`; false: there is none. */
bool elf_image_value(const struct elf_image *image, int64_t tag, uint64_t *out_value);

/* Text `at` of the string table, borrowed from the bytes; empty when it is not inside. */
struct str elf_image_text(const struct elf_image *image, uint64_t at);

/* Symbol `i`; false behind the last. */
bool elf_image_symbol(const struct elf_image *image, size_t i, struct elf_symbol *out_symbol);

/* How many functions the array at `address_tag` (DT_INIT_ARRAY) with `size_tag` names. */
size_t elf_image_function_count(const struct elf_image *image, int64_t size_tag);

/*
 * Function `i` of such an array by its name in the symbol table of the file; empty when the file
 * is stripped or has no name for it.
 */
struct str elf_image_function(const struct elf_image *image, int64_t address_tag, size_t i);

/* The function at `address` by the same table; empty when there is no name. */
struct str elf_image_function_at(const struct elf_image *image, uint64_t address);

/* The section `name` begins at `address`; false too where the file has no section headers. */
bool elf_image_section_begins(const struct elf_image *image, struct str name, uint64_t address);

/*
 * The address of the next function that the loader calls to find out where another one is (the
 * resolver of an IFUNC). `cursor` is 0 at first; false: there are no more.
 */
bool elf_image_next_resolver(const struct elf_image *image, size_t *cursor, uint64_t *out_address);

#endif

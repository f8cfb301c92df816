/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/elf_image.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/error.h"
#include "core/host/elf_note.h"

#if defined(__x86_64__)
enum { RELATIVE = R_X86_64_RELATIVE, IRELATIVE = R_X86_64_IRELATIVE };
#elif defined(__aarch64__)
enum { RELATIVE = R_AARCH64_RELATIVE, IRELATIVE = R_AARCH64_IRELATIVE };
#elif defined(__riscv)
enum { RELATIVE = R_RISCV_RELATIVE, IRELATIVE = R_RISCV_IRELATIVE };
#elif defined(__powerpc64__)
enum { RELATIVE = R_PPC64_RELATIVE, IRELATIVE = R_PPC64_IRELATIVE };
#elif defined(__s390x__)
enum { RELATIVE = R_390_RELATIVE, IRELATIVE = R_390_IRELATIVE };
#endif

enum {
    SEGMENTS_MOST = 1024,
    SECTIONS_MOST = 65535,
    DYNAMIC_MOST = 4096,
    NEEDS_MOST = 1024, /* libraries with versions */
    RELOCATIONS_MOST = 10 * 1000 * 1000,
    VERSION_MASK = 0x7FFF,
};

/* ---- Bytes ---- */

static bool take(const struct elf_image *image, uint64_t at, void *out, size_t n)
{
    if (at > image->bytes.n || n > image->bytes.n - at) {
        return false;
    }
    memcpy(out, image->bytes.p + at, n);
    return true;
}

/* Entry `i` of a table of `n`-byte entries. */
static bool take_entry(const struct elf_image *image, uint64_t at, size_t i, void *out, size_t n)
{
    return at <= image->bytes.n && i < image->bytes.n / n && take(image, at + i * n, out, n);
}

/* Where the `n` bytes that are loaded to `address` are in the file. */
static bool find_at(const struct elf_image *image, uint64_t address, size_t n, uint64_t *out_at)
{
    for (size_t i = 0; i < image->load_count; i++) {
        const Elf64_Phdr *load = &image->loads[i];
        uint64_t inside = address - load->p_vaddr;
        if (address >= load->p_vaddr && inside < load->p_filesz && n <= load->p_filesz - inside) {
            *out_at = load->p_offset + inside;
            return true;
        }
    }
    return false;
}

/* The NUL-terminated text at `at`, which must end before `end`. */
static struct str text_before(const struct elf_image *image, uint64_t at, uint64_t end)
{
    if (end > image->bytes.n || at >= end) {
        return STR("");
    }
    const char *start = image->bytes.p + at;
    const char *stop = memchr(start, '\0', (size_t)(end - at));
    return stop != NULL ? str_make(start, (size_t)(stop - start)) : STR("");
}

/* ---- The program headers ---- */

static int damaged(struct error *err, const char *what)
{
    return error_set(err, E_CORRUPT, "its %s is damaged or missing; build or copy it again", what);
}

static int add_segment(struct elf_image *image, const Elf64_Phdr *segment, struct error *err)
{
    if (segment->p_filesz > 0 && (segment->p_offset > image->bytes.n ||
                                  segment->p_filesz > image->bytes.n - segment->p_offset)) {
        return error_set(err, E_CORRUPT,
                         "it is truncated: a segment is missing; copy or build it again");
    }
    switch (segment->p_type) {
    case PT_LOAD:
        if (image->load_count == ELF_LOADS_MOST) {
            return error_set(err, E_CORRUPT, "it has more than %d segments", ELF_LOADS_MOST);
        }
        image->loads[image->load_count++] = *segment;
        break;
    case PT_DYNAMIC:
        image->dynamic_at = segment->p_offset;
        image->dynamic_count = segment->p_filesz / sizeof(Elf64_Dyn);
        break;
    case PT_GNU_STACK:
        image->has_stack_header = true;
        image->stack_flags = segment->p_flags;
        break;
    default:
        break;
    }
    return 0;
}

static int read_segments(struct elf_image *image, const Elf64_Ehdr *header, struct error *err)
{
    for (size_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        if (!take_entry(image, header->e_phoff, i, &segment, sizeof segment)) {
            return error_set(err, E_CORRUPT, "it is truncated: its program headers are missing");
        }
        int status = add_segment(image, &segment, err);
        if (status != 0) {
            return status;
        }
    }
    if (image->load_count == 0) {
        return error_set(err, E_INVALID, "it has nothing to load, so it is no plugin");
    }
    return image->dynamic_count > 0 ? 0 : damaged(err, "dynamic section");
}

/* ---- The dynamic section ---- */

bool elf_image_dynamic(const struct elf_image *image, size_t i, Elf64_Dyn *out_entry)
{
    Elf64_Dyn entry;
    if (i >= image->dynamic_count || i >= DYNAMIC_MOST ||
        !take_entry(image, image->dynamic_at, i, &entry, sizeof entry) || entry.d_tag == DT_NULL) {
        return false;
    }
    *out_entry = entry;
    return true;
}

bool elf_image_value(const struct elf_image *image, int64_t tag, uint64_t *out_value)
{
    Elf64_Dyn entry;
    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        if (entry.d_tag == tag) {
            *out_value = entry.d_un.d_val;
            return true;
        }
    }
    return false;
}

struct str elf_image_text(const struct elf_image *image, uint64_t at)
{
    return at < image->text_size
               ? text_before(image, image->text_at + at, image->text_at + image->text_size)
               : STR("");
}

static bool find_table(const struct elf_image *image, int64_t tag, size_t n, uint64_t *out_at)
{
    uint64_t address = 0;
    return elf_image_value(image, tag, &address) && find_at(image, address, n, out_at);
}

/* ---- Symbols ---- */

/* The last symbol of the GNU hash table ends the chain that begins highest. */
static bool count_by_gnu_hash(const struct elf_image *image, uint64_t at, size_t *out_count)
{
    uint32_t head[4]; /* buckets, first hashed symbol, words of the filter, its shift */
    uint32_t last = 0;
    if (!take(image, at, head, sizeof head)) {
        return false;
    }

    uint64_t buckets_at = at + sizeof head + (uint64_t)head[2] * sizeof(uint64_t);
    uint64_t chains_at = buckets_at + (uint64_t)head[0] * sizeof(uint32_t);
    for (size_t i = 0; i < head[0]; i++) {
        uint32_t bucket;
        if (!take_entry(image, buckets_at, i, &bucket, sizeof bucket)) {
            return false;
        }
        last = bucket > last ? bucket : last;
    }
    if (last < head[1]) {
        *out_count = head[1];
        return true;
    }
    uint32_t hash = 0;
    while (take_entry(image, chains_at, last - head[1], &hash, sizeof hash)) {
        if ((hash & 1u) != 0) {
            *out_count = (size_t)last + 1;
            return true;
        }
        last++;
    }
    return false;
}

static bool count_symbols(const struct elf_image *image, size_t *out_count)
{
    uint64_t at = 0;
    uint32_t head[2]; /* buckets, symbols */
    if (find_table(image, DT_GNU_HASH, 4 * sizeof(uint32_t), &at)) {
        return count_by_gnu_hash(image, at, out_count);
    }
    if (find_table(image, DT_HASH, sizeof head, &at) && take(image, at, head, sizeof head)) {
        *out_count = head[1];
        return true;
    }
    return false;
}

static struct str find_version(const struct elf_image *image, size_t symbol)
{
    uint16_t index = 0;
    if (image->symbol_versions_at == 0 ||
        !take_entry(image, image->symbol_versions_at, symbol, &index, sizeof index)) {
        return STR("");
    }
    for (size_t i = 0; i < image->version_count; i++) {
        if (image->versions[i].index == (index & VERSION_MASK)) {
            return image->versions[i].name;
        }
    }
    return STR("");
}

bool elf_image_symbol(const struct elf_image *image, size_t i, struct elf_symbol *out_symbol)
{
    Elf64_Sym symbol;
    if (i >= image->symbol_count ||
        !take_entry(image, image->symbols_at, i, &symbol, sizeof symbol)) {
        return false;
    }
    unsigned char bind = ELF64_ST_BIND(symbol.st_info);
    unsigned char visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    bool is_defined = symbol.st_shndx != SHN_UNDEF;
    *out_symbol = (struct elf_symbol){
        .name = elf_image_text(image, symbol.st_name),
        .version = is_defined ? STR("") : find_version(image, i),
        .type = ELF64_ST_TYPE(symbol.st_info),
        .bind = bind,
        .is_defined = is_defined,
        .is_visible = bind != STB_LOCAL && visibility != STV_HIDDEN && visibility != STV_INTERNAL,
    };
    return true;
}

/* ---- Versions of needed libraries ---- */

static bool add_versions(struct elf_image *image, uint64_t at, const Elf64_Verneed *need)
{
    uint64_t next = at + need->vn_aux;
    for (size_t i = 0; i < need->vn_cnt; i++) {
        Elf64_Vernaux version;
        if (!take(image, next, &version, sizeof version) ||
            image->version_count == ELF_VERSIONS_MOST) {
            return false;
        }
        image->versions[image->version_count++] = (struct elf_version){
            .name = elf_image_text(image, version.vna_name),
            .library = elf_image_text(image, need->vn_file),
            .index = version.vna_other & VERSION_MASK,
        };
        if (version.vna_next == 0) {
            break;
        }
        next += version.vna_next;
    }
    return true;
}

static int read_versions(struct elf_image *image, struct error *err)
{
    uint64_t at = 0;
    if (!find_table(image, DT_VERNEED, sizeof(Elf64_Verneed), &at)) {
        return 0;
    }
    for (size_t i = 0; i < NEEDS_MOST; i++) {
        Elf64_Verneed need;
        if (!take(image, at, &need, sizeof need) || !add_versions(image, at, &need)) {
            return damaged(err, "table of needed versions");
        }
        if (need.vn_next == 0) {
            break;
        }
        at += need.vn_next;
    }
    return 0;
}

static int read_dynamic(struct elf_image *image, struct error *err)
{
    if (!elf_image_value(image, DT_STRSZ, &image->text_size) ||
        !find_table(image, DT_STRTAB, image->text_size, &image->text_at)) {
        image->text_size = 0;
        return damaged(err, "string table");
    }
    if (!find_table(image, DT_SYMTAB, sizeof(Elf64_Sym), &image->symbols_at) ||
        !count_symbols(image, &image->symbol_count)) {
        return damaged(err, "symbol table");
    }
    (void)find_table(image, DT_VERSYM, sizeof(uint16_t), &image->symbol_versions_at); /* optional */
    return read_versions(image, err);
}

/* ---- Local names ---- */

static bool take_section(const struct elf_image *image, size_t i, Elf64_Shdr *out_section)
{
    return i < image->section_count &&
           take_entry(image, image->sections_at, i, out_section, sizeof *out_section);
}

/* The section `i`, where it can be one of texts. */
static bool take_texts(const struct elf_image *image, size_t i, Elf64_Shdr *out_section)
{
    Elf64_Shdr section;
    if (!take_section(image, i, &section) || section.sh_size > image->bytes.n ||
        section.sh_offset > image->bytes.n) {
        return false;
    }
    *out_section = section;
    return true;
}

/* Whatever is wrong with section headers, the loader does not read them: then there are no names.
 */
static void look_at_sections(struct elf_image *image, const Elf64_Ehdr *header)
{
    Elf64_Shdr section;
    image->sections_at = header->e_shoff;
    image->section_count = header->e_shentsize == sizeof section ? header->e_shnum : 0;
    (void)take_texts(image, header->e_shstrndx, &image->section_names);
    for (size_t i = 0; take_section(image, i, &section); i++) {
        if (section.sh_type == SHT_SYMTAB &&
            take_texts(image, section.sh_link, &image->local_texts)) {
            image->local_symbols = section;
            return;
        }
    }
}

/* Text `at` of the section `texts`. */
static struct str text_of(const struct elf_image *image, const Elf64_Shdr *texts, uint64_t at)
{
    return at < texts->sh_size
               ? text_before(image, texts->sh_offset + at, texts->sh_offset + texts->sh_size)
               : STR("");
}

bool elf_image_section_begins(const struct elf_image *image, struct str name, uint64_t address)
{
    Elf64_Shdr section;
    for (size_t i = 0; take_section(image, i, &section); i++) {
        if (section.sh_addr == address && (section.sh_flags & SHF_ALLOC) != 0 &&
            str_equal(text_of(image, &image->section_names, section.sh_name), name)) {
            return true;
        }
    }
    return false;
}

struct str elf_image_function_at(const struct elf_image *image, uint64_t address)
{
    Elf64_Sym symbol;
    size_t count = image->local_symbols.sh_size / sizeof symbol;
    for (size_t i = 0; i < count; i++) {
        if (!take_entry(image, image->local_symbols.sh_offset, i, &symbol, sizeof symbol)) {
            break;
        }
        if (symbol.st_value == address && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC) {
            return text_of(image, &image->local_texts, symbol.st_name);
        }
    }
    return STR("");
}

/* What the loader writes to `address` when it moves the library, or what stands there. */
static uint64_t find_pointer(const struct elf_image *image, uint64_t address)
{
    uint64_t at = 0;
    uint64_t size = 0;
    uint64_t pointer = 0;
    Elf64_Rela entry;
    if (elf_image_value(image, DT_RELASZ, &size) && find_table(image, DT_RELA, sizeof entry, &at)) {
        size_t count = size / sizeof entry;
        for (size_t i = 0; i < count && i < RELOCATIONS_MOST; i++) {
            if (!take_entry(image, at, i, &entry, sizeof entry)) {
                break;
            }
            if (entry.r_offset == address && ELF64_R_TYPE(entry.r_info) == RELATIVE) {
                return (uint64_t)entry.r_addend;
            }
        }
    }
    return find_at(image, address, sizeof pointer, &at) && take(image, at, &pointer, sizeof pointer)
               ? pointer
               : 0;
}

size_t elf_image_function_count(const struct elf_image *image, int64_t size_tag)
{
    uint64_t size = 0;
    (void)elf_image_value(image, size_tag, &size); /* without one there are none */
    size_t count = size / sizeof(uint64_t);
    return count < ELF_FUNCTIONS_MOST ? count : ELF_FUNCTIONS_MOST;
}

struct str elf_image_function(const struct elf_image *image, int64_t address_tag, size_t i)
{
    uint64_t address = 0;
    if (!elf_image_value(image, address_tag, &address)) {
        return STR("");
    }
    return elf_image_function_at(image, find_pointer(image, address + i * sizeof(uint64_t)));
}

/* ---- Resolvers ---- */

/* Relocation `i` of the two tables, one behind the other. */
static bool take_relocation(const struct elf_image *image, size_t i, Elf64_Rela *out_entry)
{
    static const int64_t tables[][2] = {{DT_RELA, DT_RELASZ}, {DT_JMPREL, DT_PLTRELSZ}};
    for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++) {
        uint64_t at = 0;
        uint64_t size = 0;
        if (!elf_image_value(image, tables[k][1], &size) ||
            !find_table(image, tables[k][0], sizeof *out_entry, &at)) {
            continue;
        }
        if (i < size / sizeof *out_entry) {
            return take_entry(image, at, i, out_entry, sizeof *out_entry);
        }
        i -= size / sizeof *out_entry;
    }
    return false;
}

bool elf_image_next_resolver(const struct elf_image *image, size_t *cursor, uint64_t *out_address)
{
    Elf64_Rela entry;
    while (*cursor < RELOCATIONS_MOST && take_relocation(image, *cursor, &entry)) {
        ++*cursor;
        if (ELF64_R_TYPE(entry.r_info) == IRELATIVE) {
            *out_address = (uint64_t)entry.r_addend;
            return true;
        }
    }
    return false;
}

/* ---- Opening ---- */

static int read_bytes(void *user, uint64_t offset, void *buffer, size_t n)
{
    const struct elf_image *image = user;
    return take(image, offset, buffer, n) ? 0 : E_IO;
}

int elf_image_open(struct str bytes, struct elf_image *out_image, struct error *err)
{
    *out_image = (struct elf_image){.bytes = bytes};
    struct elf_source source = {out_image, bytes.n, read_bytes};
    Elf64_Ehdr header;
    unsigned char id[ELF_BUILD_ID_MOST];
    int status = elf_note_read_header(&source, &header, err);
    if (status == 0) {
        status = read_segments(out_image, &header, err);
    }
    if (status == 0) {
        status = read_dynamic(out_image, err);
    }
    if (status == 0) {
        look_at_sections(out_image, &header);
        out_image->has_build_id = elf_build_id_read(&source, id) > 0;
    }
    return status;
}

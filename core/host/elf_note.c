/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/elf_note.h"

#include <elf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/host/crc64.h"
#include "core/host/manifest.h"

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { OWN_MACHINE = EM_PPC64 };
#elif defined(__s390x__)
enum { OWN_MACHINE = EM_S390 };
#else
#error "name this machine here and in machine_names"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OWN_DATA = ELFDATA2LSB };
#else
enum { OWN_DATA = ELFDATA2MSB };
#endif

enum {
    CRC_BYTES = 8,
    SEGMENTS_MAX = 1024,
    NOTES_MAX = 4096,
};

/* What is looked for. */
struct note_kind {
    uint32_t type;
    uint32_t name_bytes;
    const char *name;
};

static const struct note_kind manifest_note = {1, sizeof "opstream", "opstream"};
static const struct note_kind build_id_note = {NT_GNU_BUILD_ID, sizeof ELF_NOTE_GNU, ELF_NOTE_GNU};

enum { NAME_MOST = sizeof "opstream" };

/*
 * A note segment, and where the walk through it is. Each note begins at a multiple of `align` from
 * the segment's beginning, and so does its descriptor: with 8, a name of 4 bytes has no padding.
 */
struct note_walk {
    const struct elf_source *source;
    const struct note_kind *kind;
    uint64_t at;
    uint64_t end;
    uint64_t align;
};

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64"},
        {EM_S390, "s390x"},    {EM_386, "i386"},        {EM_ARM, "arm"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].machine == machine) {
            return names[i].name;
        }
    }
    return "another machine";
}

static int read_at(const struct elf_source *source, uint64_t offset, void *buffer, size_t n,
                   struct error *err)
{
    if (offset > source->size || n > source->size - offset) {
        return error_set(err, E_CORRUPT,
                         "it is truncated: %zu bytes at offset %" PRIu64
                         " are missing; copy or build it again",
                         n, offset);
    }
    if (source->read(source->user, offset, buffer, n) != 0) {
        return error_set(err, E_IO, "it cannot be read");
    }
    return 0;
}

static int check_ident(const struct elf_source *source, struct error *err)
{
    unsigned char ident[EI_NIDENT];
    if (source->size == 0) {
        return error_set(err, E_INVALID, "it is empty");
    }
    if (source->size < sizeof ident) {
        return error_set(err, E_INVALID, "it is no ELF file, so no plugin");
    }

    int status = read_at(source, 0, ident, sizeof ident, err);
    if (status != 0) {
        return status;
    }
    if (memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return error_set(err, E_INVALID, "it is no ELF file, so no plugin");
    }
    if (ident[EI_CLASS] == ELFCLASS32) {
        return error_set(err, E_VERSION, "it is built for 32 bits, this host has 64");
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_VERSION] != EV_CURRENT) {
        return error_set(err, E_INVALID, "it is an ELF file of an unknown kind");
    }
    if (ident[EI_DATA] != OWN_DATA) {
        return error_set(err, E_VERSION, "it is built for the other byte order");
    }
    return 0;
}

int elf_note_read_header(const struct elf_source *source, Elf64_Ehdr *out_header, struct error *err)
{
    Elf64_Ehdr header;
    int status = check_ident(source, err);
    if (status == 0) {
        status = read_at(source, 0, &header, sizeof header, err);
    }
    if (status != 0) {
        return status;
    }
    if (header.e_machine != OWN_MACHINE) {
        return error_set(err, E_VERSION, "it is built for %s (machine %u), this host is %s",
                         machine_name(header.e_machine), (unsigned)header.e_machine,
                         machine_name(OWN_MACHINE));
    }
    if (header.e_type != ET_DYN) {
        return error_set(err, E_INVALID, "it is no shared library, so no plugin");
    }
    if (header.e_phnum > SEGMENTS_MAX ||
        (header.e_phnum > 0 && header.e_phentsize != sizeof(Elf64_Phdr))) {
        return error_set(err, E_CORRUPT, "its program headers are damaged");
    }
    *out_header = header;
    return 0;
}

static uint64_t align_up(uint64_t n, uint64_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Sets `*out_at` and `*out_bytes` to where the note's bytes are, if they are in this segment.
 */
static int walk_find(struct note_walk *walk, uint64_t *out_at, uint32_t *out_bytes,
                     struct error *err)
{
    for (int i = 0; i < NOTES_MAX && walk->end - walk->at >= sizeof(Elf64_Nhdr); i++) {
        Elf64_Nhdr note;
        char name[NAME_MOST];
        int status = read_at(walk->source, walk->at, &note, sizeof note, err);
        if (status != 0) {
            return status;
        }

        uint64_t name_at = walk->at + sizeof note;
        uint64_t desc_at = walk->at + align_up(sizeof note + note.n_namesz, walk->align);
        uint64_t next = desc_at + align_up(note.n_descsz, walk->align);
        if (desc_at > walk->end || note.n_descsz > walk->end - desc_at) {
            return error_set(err, E_CORRUPT, "its notes are damaged");
        }
        if (note.n_type == walk->kind->type && note.n_namesz == walk->kind->name_bytes) {
            status = read_at(walk->source, name_at, name, note.n_namesz, err);
            if (status != 0) {
                return status;
            }
            if (memcmp(name, walk->kind->name, note.n_namesz) == 0) {
                *out_at = desc_at;
                *out_bytes = note.n_descsz;
                return 0;
            }
        }
        walk->at = next < walk->end ? next : walk->end;
    }
    return 0;
}

/*
 * As walk_find(), for one program header. Each segment must be there whole: the loader maps what
 * the header says, and what lies behind the file's end would be a SIGBUS when it is touched.
 */
static int segment_find(struct note_walk *walk, const Elf64_Phdr *segment, uint64_t *out_at,
                        uint32_t *out_bytes, struct error *err)
{
    const struct elf_source *source = walk->source;
    if (segment->p_filesz > 0 && (segment->p_offset > source->size ||
                                  segment->p_filesz > source->size - segment->p_offset)) {
        return error_set(err, E_CORRUPT,
                         "it is truncated: a segment is missing; copy or build it again");
    }
    if (segment->p_type != PT_NOTE || *out_at > 0) {
        return 0;
    }

    walk->at = segment->p_offset;
    walk->end = segment->p_offset + segment->p_filesz;
    walk->align = segment->p_align == 8 ? 8 : 4;
    return walk_find(walk, out_at, out_bytes, err);
}

/* `*out_at` stays 0 when there is none. */
static int find_note(const struct elf_source *source, const struct note_kind *kind,
                     uint64_t *out_at, uint32_t *out_bytes, struct error *err)
{
    struct note_walk walk = {.source = source, .kind = kind};
    Elf64_Ehdr header;
    int status = elf_note_read_header(source, &header, err);
    for (unsigned i = 0; status == 0 && i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        if (header.e_phoff > source->size) {
            return error_set(err, E_CORRUPT, "it is truncated: its program headers are missing");
        }
        status =
            read_at(source, header.e_phoff + i * sizeof segment, &segment, sizeof segment, err);
        if (status == 0) {
            status = segment_find(&walk, &segment, out_at, out_bytes, err);
        }
    }
    return status;
}

/* 8 bytes, little-endian on every machine. */
static uint64_t read_crc(const unsigned char bytes[CRC_BYTES])
{
    uint64_t crc = 0;
    for (int i = CRC_BYTES - 1; i >= 0; i--) {
        crc = crc << 8 | bytes[i];
    }
    return crc;
}

static int read_text(const struct elf_source *source, uint64_t at, size_t n, struct strbuf *out,
                     struct error *err)
{
    char *to = strbuf_reserve(out, n);
    if (to == NULL) {
        return error_nomem(err);
    }

    int status = read_at(source, at, to, n, err);
    if (status == 0) {
        to[n] = '\0';
        out->n += n;
    }
    return status;
}

int elf_note_read(const struct elf_source *source, struct elf_manifest *out_manifest,
                  struct error *err)
{
    uint64_t at = 0;
    uint32_t bytes = 0;
    unsigned char crc[CRC_BYTES];
    int status = find_note(source, &manifest_note, &at, &bytes, err);
    if (status != 0) {
        return status;
    }
    if (at == 0) {
        return error_set(err, E_INVALID,
                         "it is no opstream plugin: it has no manifest; build it with "
                         "opstream_add_plugin()");
    }
    if (bytes <= CRC_BYTES) {
        return error_set(err, E_CORRUPT, "its manifest is damaged: the note is too short");
    }
    if (bytes - CRC_BYTES > MANIFEST_MAX_BYTES) {
        return error_set(err, E_LIMIT, "its manifest is larger than %d bytes", MANIFEST_MAX_BYTES);
    }

    struct elf_manifest manifest = {.text = STRBUF_INIT};
    status = read_at(source, at, crc, sizeof crc, err);
    if (status == 0) {
        status = read_text(source, at + CRC_BYTES, bytes - CRC_BYTES, &manifest.text, err);
    }
    manifest.crc = read_crc(crc);
    if (status == 0 && crc64_xz(strbuf_str(&manifest.text)) != manifest.crc) {
        status = error_set(err, E_CORRUPT, "its manifest is damaged: the checksum differs");
    }
    if (status != 0) {
        strbuf_finish(&manifest.text);
        return status;
    }
    *out_manifest = manifest;
    return 0;
}

size_t elf_build_id_read(const struct elf_source *source, unsigned char out[ELF_BUILD_ID_MOST])
{
    uint64_t at = 0;
    uint32_t bytes = 0;
    bool is_found = find_note(source, &build_id_note, &at, &bytes, NULL) == 0 && at > 0 &&
                    bytes <= ELF_BUILD_ID_MOST && read_at(source, at, out, bytes, NULL) == 0;
    return is_found ? bytes : 0;
}

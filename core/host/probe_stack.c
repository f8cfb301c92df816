/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/probe_stack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/digest.h"
#include "core/host/elf_note.h"

/* A line of maps. */
struct mapping {
    uint64_t start;
    uint64_t end;
    struct str path; /* empty: of no file */
};

void probe_stack_append_text(struct str bytes, struct strbuf *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        bool is_text = (c >= ' ' && c <= '~') || c == '\n' || c == '\t';
        strbuf_append_char(out, is_text ? c : '?');
    }
}

/* Takes a number off the front of `*text`. */
static uint64_t take_hex(struct str *text)
{
    uint64_t number = 0;
    while (text->n > 0) {
        char c = text->p[0];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit > 15) {
            break;
        }
        number = number * 16 + digit;
        *text = str_make(text->p + 1, text->n - 1);
    }
    return number;
}

/* Takes the next line of `*maps`; false at the end. */
static bool take_mapping(struct str *maps, struct mapping *out)
{
    size_t n = 0;
    while (n < maps->n && maps->p[n] != '\n') {
        n++;
    }
    struct str line = str_make(maps->p, n);
    if (maps->n == 0) {
        return false;
    }
    size_t used = n < maps->n ? n + 1 : n;
    *maps = str_make(maps->p + used, maps->n - used);

    *out = (struct mapping){.start = take_hex(&line)};
    if (line.n > 0 && line.p[0] == '-') {
        line = str_make(line.p + 1, line.n - 1);
        out->end = take_hex(&line);
    }
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '/') {
            out->path = str_make(line.p + i, line.n - i);
            break;
        }
    }
    return true;
}

/* The mapping that `address` is in, from the start of its file on; end 0: there is none. */
static struct mapping find_mapping(struct str maps, uint64_t address)
{
    struct mapping first = {0};
    struct mapping now;
    while (take_mapping(&maps, &now)) {
        if (first.end == 0 || !str_equal(first.path, now.path)) {
            first = now;
        }
        if (address >= now.start && address < now.end) {
            return now.path.n > 0 ? first : now;
        }
    }
    return (struct mapping){0};
}

static int read_from_fd(void *user, uint64_t offset, void *buffer, size_t n)
{
    const int *fd = user;
    ssize_t got = pread(*fd, buffer, n, (off_t)offset);
    return got >= 0 && (size_t)got == n ? 0 : -EIO;
}

static void append_build_id(const char *path, struct strbuf *out)
{
    unsigned char bytes[ELF_BUILD_ID_MOST];
    char hex[2 * ELF_BUILD_ID_MOST + 1];
    struct stat st;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return;
    }
    const struct elf_source source = {
        .user = &fd, .size = (uint64_t)st.st_size, .read = read_from_fd};
    size_t n = elf_build_id_read(&source, bytes);
    if (n > 0) {
        digest_format_hex(bytes, n, hex);
        strbuf_append_format(out, " (build-id %s)", hex);
    }
}

static struct str name_of(struct str path)
{
    size_t start = path.n;
    while (start > 0 && path.p[start - 1] != '/') {
        start--;
    }
    return str_make(path.p + start, path.n - start);
}

static void append_line(const struct probe_stack *stack, uint64_t address, struct strbuf *out)
{
    struct mapping mapping = find_mapping(stack->maps, address);
    bool is_plugin = str_equal_text(mapping.path, stack->file);
    if (mapping.path.n == 0) {
        strbuf_append_format(out, "0x%" PRIx64, address);
        return;
    }
    probe_stack_append_text(name_of(is_plugin ? str_from(stack->shown) : mapping.path), out);
    strbuf_append_format(out, "+0x%" PRIx64, address - mapping.start);
    if (is_plugin) {
        append_build_id(stack->file, out);
    }
}

void probe_stack_append(const struct probe_stack *stack, struct strbuf *out)
{
    for (size_t i = 0; i < stack->count && i < PROBE_STACK_LINES; i++) {
        if (i > 0) {
            strbuf_append_char(out, '\n');
        }
        append_line(stack, stack->addresses[i], out);
    }
}

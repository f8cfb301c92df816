/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a plugin's manifest into the form that the build needs: see OpstreamPlugin.cmake.
 *
 *     opstream-manifest-note MANIFEST FOLDER SIDECAR
 *
 * MANIFEST must be one JSON object (strict, depth 64 at most); it is written without white space
 * to SIDECAR. FOLDER gets note.bin (the note's descriptor: CRC and JSON), note.c (the note, which
 * takes note.bin in) and crc.h (OPS_MANIFEST_CRC). It stands alone, so that it can be built
 * wherever plugins are. So it looks at the form alone: JSON without doubled keys, each fault with
 * its place in MANIFEST. What it must say is told, also with places, by `opstream plugin inspect
 * ./manifest.json`, and by whatever looks at the plugin.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MANIFEST_MOST_BYTES = 1024 * 1024, DEPTH_MOST = 64, CRC_BYTES = 8 };

struct reader {
    const char *name;
    const char *text; /* NUL-terminated: the NUL is never part of a token */
    size_t n;
    size_t at;
    char *out; /* as large as the text */
    size_t out_n;
    unsigned depth;
    struct key *keys; /* of the objects that are open, the innermost last */
    size_t key_count;
    size_t key_cap;
};

/* As it is written, with its quotes, in `out`. */
struct key {
    size_t at;
    size_t n;
};

static bool complain(const struct reader *reader, const char *why)
{
    unsigned line = 1;
    unsigned column = 1;
    for (size_t i = 0; i < reader->at; i++) {
        column = reader->text[i] == '\n' ? 1 : column + 1;
        line += reader->text[i] == '\n' ? 1 : 0;
    }
    (void)fprintf(stderr, "%s:%u:%u: error: %s\n", reader->name, line, column, why);
    return false;
}

static void skip_space(struct reader *reader)
{
    reader->at += strspn(reader->text + reader->at, " \t\r\n");
}

static void copy(struct reader *reader, size_t n)
{
    memcpy(reader->out + reader->out_n, reader->text + reader->at, n);
    reader->out_n += n;
    reader->at += n;
}

/* Copies `c`, with the space before and behind it left out. */
static bool take(struct reader *reader, char c)
{
    skip_space(reader);
    if (reader->text[reader->at] != c) {
        return false;
    }
    copy(reader, 1);
    skip_space(reader);
    return true;
}

static bool read_escape(struct reader *reader)
{
    char c = reader->text[reader->at + 1];
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL) {
        return complain(reader, "unknown escape in a string");
    }
    size_t digits = strspn(reader->text + reader->at + 2, "0123456789abcdefABCDEF");
    if (c == 'u' && digits < 4) {
        return complain(reader, "\\u needs four hex digits");
    }
    copy(reader, c == 'u' ? 6 : 2);
    return true;
}

/* The length of the UTF-8 character at `s`, 0 for none; reads no further than the first bad byte.
 */
static size_t utf8_length(const unsigned char *s)
{
    unsigned low = 0x80;
    unsigned high = 0xBF;
    size_t n = 0;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        n = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        n = 3;
        low = s[0] == 0xE0 ? 0xA0 : low;
        high = s[0] == 0xED ? 0x9F : high; /* no surrogates */
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        n = 4;
        low = s[0] == 0xF0 ? 0x90 : low;
        high = s[0] == 0xF4 ? 0x8F : high;
    } else {
        return s[0] < 0x80 ? 1 : 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (s[i] < low || s[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return n;
}

static bool read_string(struct reader *reader)
{
    if (reader->text[reader->at] != '"') {
        return complain(reader, "a string is missing here");
    }
    copy(reader, 1);
    while (reader->text[reader->at] != '"') {
        const unsigned char *s = (const unsigned char *)reader->text + reader->at;
        if (s[0] < 0x20) {
            return complain(reader, "a string does not end, or holds a raw control character");
        }
        size_t n = utf8_length(s);
        if (n == 0) {
            return complain(reader, "not UTF-8");
        }
        if (s[0] == '\\') {
            if (!read_escape(reader)) {
                return false;
            }
            continue;
        }
        copy(reader, n);
    }
    copy(reader, 1);
    return true;
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static bool read_number(struct reader *reader)
{
    const char *start = reader->text + reader->at;
    const char *p = start + (*start == '-' ? 1 : 0);
    size_t digits = count_digits(p);
    if (digits == 0 || (digits > 1 && *p == '0')) {
        return complain(reader, "not a number");
    }
    p += digits;
    if (*p == '.') {
        digits = count_digits(p + 1);
        p += digits + 1;
    }
    if (digits > 0 && (*p == 'e' || *p == 'E')) {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        digits = count_digits(p);
        p += digits;
    }
    if (digits == 0) {
        return complain(reader, "not a number");
    }
    copy(reader, (size_t)(p - start));
    return true;
}

static bool read_value(struct reader *reader);

/* Of an object whose keys begin with number `first`: the one that was read just now, from `at` on.
 */
static bool add_key(struct reader *reader, size_t first, size_t start, size_t at)
{
    struct key key = {start, reader->out_n - start};
    for (size_t i = first; i < reader->key_count; i++) {
        const struct key *known = &reader->keys[i];
        if (known->n == key.n &&
            memcmp(reader->out + known->at, reader->out + key.at, key.n) == 0) {
            reader->at = at;
            return complain(reader, "this key is there twice");
        }
    }
    if (reader->key_count == reader->key_cap) {
        size_t cap = reader->key_cap > 0 ? 2 * reader->key_cap : 64;
        struct key *keys = realloc(reader->keys, cap * sizeof(*keys));
        if (keys == NULL) {
            return complain(reader, "out of memory");
        }
        reader->keys = keys;
        reader->key_cap = cap;
    }
    reader->keys[reader->key_count++] = key;
    return true;
}

static bool read_key(struct reader *reader, size_t first)
{
    size_t at = reader->at;
    size_t start = reader->out_n;
    return read_string(reader) && add_key(reader, first, start, at) &&
           (take(reader, ':') || complain(reader, "a ':' is missing here"));
}

/* The members of a list or an object up to its end; recursion is bounded by DEPTH_MOST. */
static bool read_members(struct reader *reader, char close)
{
    size_t first = reader->key_count;
    if (take(reader, close)) {
        return true;
    }
    do {
        if (close == '}' && !read_key(reader, first)) {
            return false;
        }
        if (!read_value(reader)) {
            return false;
        }
    } while (take(reader, ','));
    reader->key_count = first;
    return take(reader, close) ||
           complain(reader, "a ',' or the end of the list or object is missing here");
}

static bool read_word(struct reader *reader)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);
        if (strncmp(reader->text + reader->at, words[i], n) == 0) {
            copy(reader, n);
            return true;
        }
    }
    return complain(reader, "a value is missing here");
}

static bool read_value(struct reader *reader)
{
    char c = reader->text[reader->at];
    if (c == '{' || c == '[') {
        if (reader->depth == DEPTH_MOST) {
            return complain(reader, "nested deeper than 64");
        }
        reader->depth++;
        bool is_read = take(reader, c) && read_members(reader, c == '{' ? '}' : ']');
        reader->depth--;
        return is_read;
    }
    if (c == '"') {
        return read_string(reader);
    }
    return c == '-' || (c >= '0' && c <= '9') ? read_number(reader) : read_word(reader);
}

static bool read_manifest(struct reader *reader)
{
    skip_space(reader);
    if (reader->text[reader->at] != '{') {
        return complain(reader, "a manifest is one JSON object");
    }
    if (!read_value(reader)) {
        return false;
    }
    skip_space(reader);
    return reader->at == reader->n || complain(reader, "more behind the manifest's end");
}

/* CRC-64/XZ: reflected, polynomial 0x42F0E1EBA9EA3693, all ones before and after. */
static uint64_t crc64(const char *bytes, size_t n)
{
    uint64_t crc = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1u) != 0 ? UINT64_C(0xC96C5795D7870F42) : 0);
        }
    }
    return ~crc;
}

static bool write_file(const char *path, const char *first, size_t first_n, const char *rest,
                       size_t rest_n)
{
    FILE *file = fopen(path, "wb");
    bool is_written = file != NULL && fwrite(first, 1, first_n, file) == first_n &&
                      fwrite(rest, 1, rest_n, file) == rest_n;
    bool is_closed = file != NULL && fclose(file) == 0;
    if (!is_written || !is_closed) {
        (void)fprintf(stderr, "error: cannot write '%s': %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool write_named(const char *folder, const char *name, const char *first, size_t first_n,
                        const char *rest, size_t rest_n)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX) {
        (void)fprintf(stderr, "error: the path of '%s' is too long\n", folder);
        return false;
    }
    return write_file(path, first, first_n, rest, rest_n);
}

static bool write_note_source(const char *folder, uint64_t crc)
{
    char text[PATH_MAX + 1024];
    /* The CRC in the comment makes the source change whenever the manifest does. */
    int n = snprintf(text, sizeof(text),
                     "/* The manifest's ELF note; CRC %016" PRIx64 ". */\n"
                     "__asm__(\".pushsection .note.opstream.manifest, \\\"a\\\", %%note\\n\"\n"
                     "        \".balign 4\\n\"\n"
                     "        \".long 9, 2f - 1f, 1\\n\"\n"
                     "        \".asciz \\\"opstream\\\"\\n\"\n"
                     "        \".balign 4\\n\"\n"
                     "        \"1: .incbin \\\"%s/note.bin\\\"\\n\"\n"
                     "        \"2: .balign 4\\n\"\n"
                     "        \".popsection\\n\");\n",
                     crc, folder);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        (void)fprintf(stderr, "error: the path of '%s' is too long\n", folder);
        return false;
    }
    return write_named(folder, "note.c", text, (size_t)n, "", 0);
}

static bool write_all(const struct reader *reader, const char *folder, const char *sidecar)
{
    uint64_t crc = crc64(reader->out, reader->out_n);
    char bytes[CRC_BYTES];
    for (unsigned i = 0; i < CRC_BYTES; i++) {
        bytes[i] = (char)(crc >> (8 * i) & 0xFFu);
    }
    char header[64];
    int n = snprintf(header, sizeof(header), "#define OPS_MANIFEST_CRC 0x%016" PRIx64 "u\n", crc);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "error: cannot make '%s': %s\n", folder, strerror(errno));
        return false;
    }
    return write_named(folder, "note.bin", bytes, CRC_BYTES, reader->out, reader->out_n) &&
           write_named(folder, "crc.h", header, (size_t)n, "", 0) &&
           write_note_source(folder, crc) && write_file(sidecar, reader->out, reader->out_n, "", 0);
}

/* The whole of `path` as owned text with a NUL behind it, or NULL with the reason printed. */
static char *read_file(const char *path, size_t *out_n)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(MANIFEST_MOST_BYTES + 1);
    if (file == NULL || text == NULL) {
        (void)fprintf(stderr, "error: cannot read '%s': %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    } else {
        *out_n = fread(text, 1, MANIFEST_MOST_BYTES + 1, file);
        if (*out_n > MANIFEST_MOST_BYTES || ferror(file) != 0) {
            (void)fprintf(stderr, "error: '%s' is unreadable or over 1 MiB\n", path);
            free(text);
            text = NULL;
        } else {
            text[*out_n] = '\0';
        }
    }
    if (file != NULL) {
        (void)fclose(file); /* only read */
    }
    return text;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: opstream-manifest-note MANIFEST FOLDER SIDECAR\n");
        return 2;
    }
    struct reader reader = {.name = argv[1]};
    char *text = read_file(argv[1], &reader.n);
    if (text == NULL) {
        return 1;
    }
    reader.text = text;
    reader.out = malloc(reader.n + 1);
    bool is_done = reader.out != NULL && read_manifest(&reader) &&
                   write_all(&reader, argv[2], argv[3]);
    free(reader.keys);
    free(reader.out);
    free(text);
    return is_done ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "service/etag_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_BYTES = 23 }; /* "etag 1 0123456789abcdef\n" without its end */

/* FNV-1a: against damage, not against malice. */
static uint64_t checksum(ops_str bytes)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (uint64_t i = 0; i < bytes.n; i++) {
        sum = (sum ^ (unsigned char)bytes.p[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

static void write_head(ops_str rest, char out[HEAD_BYTES + 1])
{
    (void)snprintf(out, HEAD_BYTES + 1, "etag 1 %016" PRIx64, checksum(rest));
}

int etag_entry_write(const struct etag_entry *entry, struct text *out)
{
    const ops_str lines[] = {entry->id, entry->etag, entry->next};
    struct text rest = {NULL, 0, 0, 0};
    char head[HEAD_BYTES + 1];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i].n > 0 && memchr(lines[i].p, '\n', (size_t)lines[i].n) != NULL) {
            text_finish(&rest);
            return 0;
        }
        text_append_str(&rest, lines[i]);
        text_append_literal(&rest, "\n");
    }
    text_append_str(&rest, entry->body);
    write_head(text_str(&rest), head);
    text_append_literal(out, head);
    text_append_literal(out, "\n");
    text_append_str(out, text_str(&rest));
    int is_whole = !rest.failed && !out->failed;
    text_finish(&rest);
    return is_whole;
}

/* What stands before the next line break of `*rest`, which goes on behind it. */
static int take_line(ops_str *rest, ops_str *out)
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\n', (size_t)rest->n) : NULL;
    if (end == NULL) {
        return 0;
    }
    out->p = rest->p;
    out->n = (uint64_t)(end - rest->p);
    rest->p = end + 1;
    rest->n -= out->n + 1;
    return 1;
}

int etag_entry_read(ops_str bytes, struct etag_entry *out)
{
    struct etag_entry read = {.body = bytes};
    ops_str head = {NULL, 0};
    char expected[HEAD_BYTES + 1];
    if (!take_line(&read.body, &head) || head.n != HEAD_BYTES) {
        return 0;
    }
    write_head(read.body, expected);
    if (memcmp(head.p, expected, HEAD_BYTES) != 0 || !take_line(&read.body, &read.id) ||
        !take_line(&read.body, &read.etag) || !take_line(&read.body, &read.next)) {
        return 0;
    }
    *out = read;
    return 1;
}

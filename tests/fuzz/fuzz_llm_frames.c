/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the stream of a language model. The first byte says whether it is of events or lines,
 * and in what pieces it comes: the same messages must come of them as in one piece, and messages
 * that are sent again, one event or line each, must read back the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "tests/fuzz/fuzz.h"

static void expect(int is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

/* A message as it would be sent. */
struct copy {
    enum frames_kind kind;
    struct text text;
};

static void on_frame(void *user, ops_str data)
{
    struct copy *copy = user;
    expect(data.n > 0, "no message is empty");
    if (copy->kind == FRAMES_LINES) {
        expect(memchr(data.p, '\n', (size_t)data.n) == NULL, "a line is one line");
        /* the first line may begin with a mark of byte order: this is none */
        text_append_literal(&copy->text, copy->text.n == 0 ? "\n" : "");
        text_append_str(&copy->text, data);
        text_append(&copy->text, "\n", 1);
        return;
    }

    text_append_literal(&copy->text, "data: ");
    for (uint64_t i = 0; i < data.n; i++) {
        expect(data.p[i] != '\r', "breaks of lines are LF");
        text_append(&copy->text, &data.p[i], 1);
        text_append_literal(&copy->text, data.p[i] == '\n' ? "data: " : "");
    }
    text_append(&copy->text, "\n\n", 2);
}

static void read_all(const char *p, size_t n, size_t piece, struct copy *out)
{
    struct frames frames = {.kind = out->kind};
    int is_well = 1;
    while (n > 0 && is_well) {
        size_t now = n < piece ? n : piece;
        is_well = frames_feed(&frames, (ops_str){p, now}, on_frame, out);
        p += now;
        n -= now;
    }
    frames_end(&frames, on_frame, out);
    frames_finish(&frames);
}

static int is_same(const struct text *a, const struct text *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    enum frames_kind kind = data[0] & 1 ? FRAMES_LINES : FRAMES_EVENTS;
    struct copy whole = {.kind = kind};
    struct copy pieces = {.kind = kind};
    struct copy again = {.kind = kind};
    read_all((const char *)data + 1, size - 1, size, &whole);
    read_all((const char *)data + 1, size - 1, (size_t)(data[0] >> 1) % 16 + 1, &pieces);
    read_all(whole.text.p, whole.text.n, size, &again);
    expect(is_same(&whole.text, &pieces.text), "pieces make no difference");
    expect(is_same(&whole.text, &again.text), "what is sent again reads back");
    text_finish(&whole.text);
    text_finish(&pieces.text);
    text_finish(&again.text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/stream_copy.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static void drop_items(struct stream_copy *copy)
{
    strbuf_finish(&copy->items);
    copy->items = STRBUF_INIT;
    free(copy->seqs);
    copy->seqs = NULL;
    copy->seq_cap = 0;
    copy->bytes = 0;
}

void stream_copy_finish(struct stream_copy *copy)
{
    drop_items(copy);
    copy->count = 0;
}

void stream_copy_clear(struct stream_copy *copy)
{
    stream_copy_finish(copy);
    copy->bound = STREAM_COPY_WHOLE;
    memset(copy->digest, 0, sizeof(copy->digest));
}

/* `digest` goes on with one more item, of which `text` gets the JSON. */
static int digest_item(unsigned char digest[DIGEST_BYTES], const struct value *item,
                       struct strbuf *text)
{
    struct digest made;
    strbuf_clear(text);
    value_write_canonical(item, text);
    if (strbuf_status(text) != 0) {
        return E_NOMEM;
    }
    digest_init(&made);
    digest_update(&made, str_make((const char *)digest, DIGEST_BYTES));
    digest_update(&made, strbuf_str(text));
    digest_finish(&made, digest);
    return 0;
}

static int keep_text(struct stream_copy *copy, const struct document *item)
{
    json_write(document_root(item), JSON_COMPACT, &copy->items);
    strbuf_append_text(&copy->items, "\n");
    return strbuf_status(&copy->items);
}

static int keep_seq(struct stream_copy *copy, uint64_t seq)
{
    uint64_t *seqs =
        array_reserve(copy->seqs, &copy->seq_cap, (size_t)copy->count + 1, sizeof(*seqs));
    if (seqs == NULL) {
        return E_NOMEM;
    }
    copy->seqs = seqs;
    seqs[copy->count] = seq;
    return 0;
}

/* It has `bytes` as JSON, with what parts it from the next. */
static int keep_item(struct stream_copy *copy, const struct document *item, uint64_t seq,
                     size_t bytes)
{
    if ((!copy->keeps_items && !copy->keeps_seqs) || copy->bound != STREAM_COPY_WHOLE) {
        return 0;
    }
    if (copy->count >= STREAM_COPY_ITEMS || bytes > STREAM_COPY_BYTES - copy->bytes) {
        drop_items(copy);
        copy->bound = (uint8_t)(copy->count >= STREAM_COPY_ITEMS ? STREAM_COPY_TOO_MANY
                                                                 : STREAM_COPY_TOO_LARGE);
        return 0;
    }
    copy->bytes += bytes;
    int status = copy->keeps_items ? keep_text(copy, item) : 0;
    return status == 0 && copy->keeps_seqs ? keep_seq(copy, seq) : status;
}

int stream_copy_add(struct stream_copy *copy, const struct document *item, uint64_t seq)
{
    struct strbuf text = STRBUF_INIT;
    int status = digest_item(copy->digest, document_root(item), &text);
    if (status == 0) {
        status = keep_item(copy, item, seq, text.n + 1); /* and what parts it from the next */
    }
    if (status == 0) {
        copy->count++;
    }
    strbuf_finish(&text);
    return status;
}

int stream_copy_begins(const struct stream_copy *copy, const struct value *list, bool *out_begins)
{
    unsigned char digest[DIGEST_BYTES] = {0};
    struct strbuf text = STRBUF_INIT;
    int status = 0;
    bool is_long_enough = value_count(list) >= copy->count;
    for (size_t i = 0; is_long_enough && status == 0 && i < copy->count; i++) {
        status = digest_item(digest, value_at(list, i), &text);
    }
    strbuf_finish(&text);
    if (status == 0) {
        *out_begins = is_long_enough && memcmp(digest, copy->digest, DIGEST_BYTES) == 0;
    }
    return status;
}

int stream_copy_list_seqs(const struct stream_copy *copy, struct document **out_list)
{
    struct builder *b = builder_create();
    CHECK(copy->keeps_seqs && copy->bound == STREAM_COPY_WHOLE);
    builder_list_begin(b);
    for (size_t i = 0; i < copy->count; i++) {
        builder_int(b, (int64_t)copy->seqs[i]);
    }
    builder_list_end(b);
    return builder_finish(b, out_list, NULL);
}

static int read_item(struct str line, struct builder *b, struct error *err)
{
    struct document *item = NULL;
    int status = json_read(line, NULL, &item, err);
    if (status == 0) {
        builder_embed(b, item, document_root(item));
    }
    document_unref(item);
    return status;
}

int stream_copy_read(struct str lines, struct document **out_list, struct error *err)
{
    struct builder *b = builder_create();
    int status = 0;
    builder_list_begin(b);
    for (size_t at = 0; at < lines.n && status == 0;) {
        const char *line = lines.p + at;
        const char *end = memchr(line, '\n', lines.n - at);
        size_t bytes = end != NULL ? (size_t)(end - line) : lines.n - at;
        status = read_item(str_make(line, bytes), b, err);
        at += bytes + 1;
    }
    builder_list_end(b);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    return builder_finish(b, out_list, err);
}

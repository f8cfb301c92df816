/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of texts, and the trie of them. Escaped forms are not here: they are as many as there
 * are ways to escape, so a scan reads through the escapes instead.
 */
#include "core/value/mask.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/value/mask_trie.h"

enum { MAX_NODES = 1 << 26 };

static const char base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- the trie ---- */

static int add_node(struct mask *mask, struct mask_node node, uint32_t *out)
{
    if (mask->node_count >= MAX_NODES) {
        return E_LIMIT;
    }
    struct mask_node *nodes =
        array_reserve(mask->nodes, &mask->node_cap, mask->node_count + 1, sizeof(*nodes));
    if (nodes == NULL) {
        return E_NOMEM;
    }
    mask->nodes = nodes;
    *out = (uint32_t)mask->node_count;
    nodes[mask->node_count++] = node;
    return 0;
}

static int add_child(struct mask *mask, uint32_t parent, uint8_t byte, uint32_t *out)
{
    int status =
        add_node(mask, (struct mask_node){.byte = byte, .sibling = mask->nodes[parent].child}, out);
    if (status == 0) {
        mask->nodes[parent].child = *out;
        mask->root[byte] = parent == 0 ? *out : mask->root[byte];
    }
    return status;
}

/* At least half of it, and enough not to be in texts by chance. */
static bool is_most(size_t bytes, struct str form)
{
    return bytes >= MASK_MIN_PART_BYTES && bytes >= form.n - form.n / 2;
}

static int add_form(struct mask *mask, struct str form)
{
    uint32_t node = 0;
    for (size_t i = 0; i < form.n; i++) {
        uint8_t byte = (uint8_t)form.p[i];
        uint32_t next = mask_trie_child(mask, node, byte);
        int status = next == 0 ? add_child(mask, node, byte, &next) : 0;
        if (status != 0) {
            return status;
        }
        node = next;
        if (is_most(i + 1, form)) {
            mask->nodes[node].part = (uint32_t)(i + 1);
        }
    }
    mask->nodes[node].match = (uint32_t)form.n;
    mask->longest = form.n > mask->longest ? (uint32_t)form.n : mask->longest;
    return 0;
}

/* Breadth first, so that a node's suffixes, which are shorter, are linked before it. */
static int link_suffixes(struct mask *mask)
{
    uint32_t *queue = calloc(mask->node_count, sizeof(*queue));
    if (queue == NULL) {
        return E_NOMEM;
    }
    size_t end = 1; /* the root is the first */
    for (size_t i = 0; i < end; i++) {
        uint32_t parent = queue[i];
        for (uint32_t at = mask->nodes[parent].child; at != 0; at = mask->nodes[at].sibling) {
            struct mask_node *node = &mask->nodes[at];
            if (parent != 0) {
                node->fail = mask_trie_step(mask, mask->nodes[parent].fail, node->byte);
            }
            if (node->match == 0) {
                node->match = mask->nodes[node->fail].match;
            }
            if (node->part == 0) {
                node->part = mask->nodes[node->fail].part;
            }
            queue[end++] = at;
        }
    }
    free(queue);
    return 0;
}

/* ---- forms ---- */

/* The 6 bits of digit `i` in the base64 of `shift` zero bytes and then `text`. */
static unsigned base64_digit(struct str text, size_t shift, size_t i)
{
    size_t bit = i * 6;
    unsigned pair = 0;
    for (size_t byte = bit / 8; byte <= bit / 8 + 1; byte++) {
        bool is_there = byte >= shift && byte - shift < text.n;
        pair = pair << 8 | (is_there ? (uint8_t)text.p[byte - shift] : 0u);
    }
    return pair >> (10 - bit % 8) & 63u;
}

/*
 * What is the same in the base64 of everything that has `text` behind a multiple of three and
 * `shift` more bytes: the digits that take all their bits from it.
 */
static int add_base64_core(struct mask *mask, struct str text, size_t shift, const char *digits)
{
    struct strbuf form = STRBUF_INIT;
    size_t end = (text.n + shift) * 8 / 6;
    for (size_t i = (shift * 8 + 5) / 6; i < end; i++) {
        strbuf_append_char(&form, digits[base64_digit(text, shift, i)]);
    }
    int status = strbuf_status(&form);
    if (status == 0 && form.n > 0) {
        status = add_form(mask, strbuf_str(&form));
    }
    strbuf_finish(&form);
    return status;
}

/* The base64 of just `text`, without and with its padding. */
static int add_base64_whole(struct mask *mask, struct str text, const char *digits)
{
    struct strbuf form = STRBUF_INIT;
    size_t count = (text.n * 8 + 5) / 6;
    for (size_t i = 0; i < count; i++) {
        strbuf_append_char(&form, digits[base64_digit(text, 0, i)]);
    }
    int status = strbuf_status(&form);
    if (status == 0) {
        status = add_form(mask, strbuf_str(&form));
    }
    while (form.n % 4 != 0 && strbuf_status(&form) == 0) {
        strbuf_append_char(&form, '=');
    }
    if (status == 0 && (status = strbuf_status(&form)) == 0) {
        status = add_form(mask, strbuf_str(&form));
    }
    strbuf_finish(&form);
    return status;
}

static int add_base64(struct mask *mask, struct str text, const char *digits)
{
    int status = add_base64_whole(mask, text, digits);
    for (size_t shift = 0; shift < 3 && status == 0; shift++) {
        status = add_base64_core(mask, text, shift, digits);
    }
    return status;
}

static int add_hex(struct mask *mask, struct str text, const char *digits)
{
    struct strbuf form = STRBUF_INIT;
    for (size_t i = 0; i < text.n; i++) {
        strbuf_append_char(&form, digits[(uint8_t)text.p[i] >> 4]);
        strbuf_append_char(&form, digits[(uint8_t)text.p[i] & 15u]);
    }
    int status = strbuf_status(&form);
    if (status == 0) {
        status = add_form(mask, strbuf_str(&form));
    }
    strbuf_finish(&form);
    return status;
}

static bool is_number_like(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (memchr("0123456789+-.eE", text.p[i], 15) == NULL) {
            return false;
        }
    }
    return true;
}

static int add_forms(struct mask *mask, struct str text)
{
    if (text.n == 0) {
        return 0;
    }
    mask->has_space = mask->has_space || memchr(text.p, ' ', text.n) != NULL;
    mask->has_number = mask->has_number || is_number_like(text);
    int status = add_form(mask, text);
    if (status == 0) {
        status = add_hex(mask, text, "0123456789abcdef");
    }
    if (status == 0) {
        status = add_hex(mask, text, "0123456789ABCDEF");
    }
    if (status == 0) {
        status = add_base64(mask, text, base64_plain);
    }
    return status == 0 ? add_base64(mask, text, base64_url) : status;
}

/* The text, what is left when its ends are trimmed as readers do, and its longer lines. */
static int add_text(struct mask *mask, struct str text)
{
    struct str rest = str_trim(text);
    int status = add_forms(mask, text);
    if (status == 0 && rest.n >= MASK_MIN_LINE_BYTES && rest.n < text.n) {
        status = add_forms(mask, rest);
    }
    while (status == 0 && rest.n > 0 && memchr(text.p, '\n', text.n) != NULL) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t length = end != NULL ? (size_t)(end - rest.p) : rest.n;
        struct str line = str_trim(str_make(rest.p, length));
        status = line.n >= MASK_MIN_LINE_BYTES ? add_forms(mask, line) : 0;
        length += end != NULL ? 1 : 0;
        rest = str_make(rest.p + length, rest.n - length);
    }
    return status;
}

int mask_create(const struct str *texts, size_t count, struct mask **out_mask, struct error *err)
{
    struct mask *mask = calloc(1, sizeof(*mask));
    uint32_t root = 0;
    int status = mask != NULL ? add_node(mask, (struct mask_node){0}, &root) : E_NOMEM;
    for (size_t i = 0; i < count && status == 0; i++) {
        status = add_text(mask, texts[i]);
    }
    if (status == 0) {
        status = link_suffixes(mask);
    }
    if (status != 0) {
        mask_destroy(mask);
        return status == E_NOMEM ? error_nomem(err)
                                 : error_set(err, status, "the secrets are too large to be hidden");
    }
    *out_mask = mask;
    return 0;
}

void mask_destroy(struct mask *mask)
{
    if (mask == NULL) {
        return;
    }
    free(mask->nodes);
    free(mask);
}

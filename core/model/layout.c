/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/layout.h"

#include <string.h>

#include "core/base/digest.h"
#include "core/model/group.h"
#include "core/model/pipeline.h"
#include "core/model/storage.h"

/* Bytes of the digest that are told apart: enough for what nobody forges. */
enum { SHOWN_BYTES = 16 };

static const char separator[] = ", layout ";

static void add_number(struct digest *digest, uint32_t number)
{
    const unsigned char bytes[] = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                                   (unsigned char)(number >> 8), (unsigned char)number};
    digest_update(digest, str_make((const char *)bytes, sizeof(bytes)));
}

static void add_text(struct digest *digest, struct str text)
{
    add_number(digest, (uint32_t)text.n);
    digest_update(digest, text);
}

static void add_node(struct digest *digest, const struct node *node)
{
    add_text(digest, node->id);
    add_number(digest, (uint32_t)node->kind);
    add_number(digest, node->body);
    add_number(digest, node->own_body);
    add_number(digest, node->compensate);
    add_text(digest, node->child);
}

static void add_pipeline(struct digest *digest, const struct pipeline *pipeline)
{
    add_text(digest, pipeline->id);
    add_number(digest, pipeline->node_count);
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        add_node(digest, &pipeline->nodes[i]);
    }
    add_number(digest, pipeline->edge_count);
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        add_number(digest, pipeline->edges[i].source);
        add_number(digest, pipeline->edges[i].target);
        add_number(digest, pipeline->edges[i].outcome);
    }
    add_number(digest, pipeline->body_count);
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        add_number(digest, (uint32_t)pipeline->bodies[i].kind);
        add_number(digest, pipeline->bodies[i].owner);
    }
    add_number(digest, pipeline->outcome_count);
    for (uint32_t i = 0; i < pipeline->outcome_count; i++) {
        add_text(digest, pipeline->outcomes[i]);
    }
}

void layout_write(const struct pipeline *pipeline, const char *program, struct strbuf *out)
{
    const struct pipeline_group *group = storage_of(pipeline)->group;
    const struct pipeline *member = NULL;
    struct digest digest;
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_SIZE];
    digest_init(&digest);
    for (size_t i = 0; (member = group_at(group, i)) != NULL; i++) {
        add_pipeline(&digest, member);
    }
    digest_finish(&digest, bytes);
    digest_format_hex(bytes, SHOWN_BYTES, hex);
    strbuf_append_format(out, "%s%s%d.%s", program, separator, LAYOUT_VERSION, hex);
}

/* What stands behind the program's version; all of a text that has no such part. */
static struct str layout_of(struct str text)
{
    const char *at = memmem(text.p, text.n, separator, sizeof(separator) - 1);
    return at != NULL ? str_make(at, (size_t)(text.p + text.n - at)) : text;
}

bool layout_is_same(struct str compiled_by, struct str other)
{
    return str_equal(layout_of(compiled_by), layout_of(other));
}

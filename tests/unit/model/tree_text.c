/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/tree_text.h"

#include <inttypes.h>

#include "core/base/str.h"
#include "core/model/tree.h"

static void place_text(const struct tree *tree, struct strbuf *out)
{
    strbuf_append_format(out, "%u:%u ", tree->place.line, tree->place.column);
}

static void scalar_text(const struct tree *tree, struct strbuf *out)
{
    place_text(tree, out);
    if (tree->kind == TREE_NULL) {
        strbuf_append_text(out, "null");
    } else if (tree->kind == TREE_BOOL) {
        strbuf_append_text(out, tree->as.boolean ? "true" : "false");
    } else if (tree->kind == TREE_INT) {
        strbuf_append_format(out, "%" PRId64, tree->as.integer);
    } else if (tree->kind == TREE_DOUBLE) {
        strbuf_append_format(out, "%g", tree->as.number);
    } else {
        strbuf_append_format(out, "\"%.*s\"", STR_ARG(tree->text));
    }
}

/* The readers bound the depth. */
void tree_text(const struct tree *tree, struct strbuf *out)
{
    if (tree_is_scalar(tree)) {
        scalar_text(tree, out);
        return;
    }
    place_text(tree, out);
    strbuf_append_char(out, tree->kind == TREE_MAP ? '{' : '[');
    for (uint32_t i = 0; i < tree->count; i++) {
        strbuf_append_text(out, i > 0 ? ", " : "");
        if (tree->kind == TREE_LIST) {
            tree_text(&tree->as.items[i], out);
            continue;
        }
        place_text(&tree->as.members[i].key, out);
        strbuf_append_str(out, tree->as.members[i].key.text);
        strbuf_append_text(out, ": ");
        tree_text(&tree->as.members[i].value, out);
    }
    strbuf_append_char(out, tree->kind == TREE_MAP ? '}' : ']');
}

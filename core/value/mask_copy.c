/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/mask_copy.h"

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/value/builder.h"
#include "core/value/number.h"
#include "core/value/value.h"

/* One document that is looked through, and then written again. */
struct copy {
    const struct mask_finder *finder;
    const struct document *document;
    struct builder *builder;
    struct strbuf text;
};

/* The value, if it is no list and no map, masked in copy->text. As mask_finder.text(). */
static int mask_scalar(struct copy *copy, const struct value *value)
{
    const struct mask_finder *finder = copy->finder;
    char digits[NUMBER_MAX_BYTES];
    strbuf_clear(&copy->text);
    if (value_type(value) == VALUE_STRING) {
        return finder->text(finder->user, value_str(value), &copy->text);
    }
    if (finder->number == NULL ||
        (value_type(value) != VALUE_INT && value_type(value) != VALUE_DOUBLE)) {
        return MASK_CLEAN;
    }
    size_t n = value_type(value) == VALUE_INT ? number_write_int(value_int(value), digits)
                                              : number_write_double(value_double(value), digits);
    return finder->number(finder->user, str_make(digits, n), &copy->text);
}

/* Whether anything is found at or below `value`: at most VALUE_MAX_DEPTH levels. */
static int search(struct copy *copy, const struct value *value)
{
    int status = MASK_CLEAN;
    size_t count = value_count(value);
    switch (value_type(value)) {
    case VALUE_LIST:
        for (size_t i = 0; i < count && status == MASK_CLEAN; i++) {
            status = search(copy, value_at(value, i));
        }
        return status;
    case VALUE_MAP:
        for (size_t i = 0; i < count && status == MASK_CLEAN; i++) {
            const struct value_member *member = value_member_at(value, i);
            status = mask_scalar(copy, &member->key);
            if (status == MASK_CLEAN) {
                status = search(copy, &member->value);
            }
        }
        return status;
    default:
        return mask_scalar(copy, value);
    }
}

/* `masked_keys`: of the map so far. */
static int write_key(struct copy *copy, const struct value *key, unsigned *masked_keys)
{
    int status = mask_scalar(copy, key);
    if (status == MASK_FOUND && ++*masked_keys > 1) {
        strbuf_append_format(&copy->text, " #%u", *masked_keys);
        status = strbuf_status(&copy->text) != 0 ? E_NOMEM : MASK_FOUND;
    }
    if (status >= 0) {
        builder_key(copy->builder, status == MASK_FOUND ? strbuf_str(&copy->text) : value_str(key));
    }
    return status < 0 ? status : 0;
}

static int write_scalar(struct copy *copy, const struct value *value)
{
    int status = mask_scalar(copy, value);
    if (status == MASK_FOUND) {
        builder_string(copy->builder, strbuf_str(&copy->text));
    } else if (status == MASK_CLEAN) {
        builder_embed(copy->builder, copy->document, value);
    }
    return status < 0 ? status : 0;
}

/* At most VALUE_MAX_DEPTH levels, as search(). */
static int write_value(struct copy *copy, const struct value *value)
{
    int status = 0;
    size_t count = value_count(value);
    unsigned masked_keys = 0;
    switch (value_type(value)) {
    case VALUE_LIST:
        builder_list_begin(copy->builder);
        for (size_t i = 0; i < count && status == 0; i++) {
            status = write_value(copy, value_at(value, i));
        }
        if (status == 0) {
            builder_list_end(copy->builder);
        }
        return status;
    case VALUE_MAP:
        builder_map_begin(copy->builder);
        for (size_t i = 0; i < count && status == 0; i++) {
            const struct value_member *member = value_member_at(value, i);
            status = write_key(copy, &member->key, &masked_keys);
            if (status == 0) {
                status = write_value(copy, &member->value);
            }
        }
        if (status == 0) {
            builder_map_end(copy->builder);
        }
        return status;
    default:
        return write_scalar(copy, value);
    }
}

/* When the keys that are left cannot be told apart: all of it is hidden. */
static int hide_all(struct document **out_document)
{
    struct builder *b = builder_create();
    builder_string(b, STR("***"));
    return builder_finish(b, out_document, NULL);
}

static int write_copy(struct copy *copy, struct document **out_document)
{
    copy->builder = builder_create();
    int status = write_value(copy, document_root(copy->document));
    if (status != 0) {
        builder_destroy(copy->builder);
        return status;
    }
    status = builder_finish(copy->builder, out_document, NULL);
    if (status != 0 && status != E_NOMEM) {
        status = hide_all(out_document);
    }
    return status == 0 ? MASK_FOUND : E_NOMEM;
}

int mask_copy_document(const struct mask_finder *finder, const struct document *document,
                       struct document **out_document)
{
    struct copy copy = {.finder = finder, .document = document};
    int status = search(&copy, document_root(document));
    if (status == MASK_CLEAN) {
        *out_document = document_ref(document);
    } else if (status == MASK_FOUND) {
        status = write_copy(&copy, out_document);
    }
    strbuf_finish(&copy.text);
    return status;
}

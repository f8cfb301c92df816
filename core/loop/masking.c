/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/masking.h"

#include "core/model/pipeline.h"
#include "core/value/mask.h"
#include "core/value/sanitizer.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

int masking_begin(struct secrets *secrets, const struct pipeline *pipeline, struct error *err)
{
    int status = 0;
    for (uint32_t i = 0; i < pipeline->hidden_count && status == 0; i++) {
        status = secrets_hide(secrets, pipeline->hidden[i].value, err);
    }
    return status;
}

const struct mask *masking_of(struct secrets *secrets, const struct pipeline *pipeline)
{
    bool has_any = pipeline->secret_count > 0 || pipeline->hidden_count > 0;
    return has_any ? secrets_mask(secrets) : NULL;
}

int masking_document(const struct mask *mask, const struct document *document,
                     struct document **out_document)
{
    if (mask == NULL || document == NULL) {
        *out_document = document_ref(document);
        return 0;
    }
    int status = mask_document(mask, document, out_document);
    return status < 0 ? status : 0;
}

int masking_failure(const struct mask *mask, const struct document *failure,
                    struct document **out_failure)
{
    if (mask == NULL || failure == NULL) {
        *out_failure = document_ref(failure);
        return 0;
    }
    int status = mask_cut_document(mask, failure, out_failure);
    return status < 0 ? status : 0;
}

/* Without memory nothing of it may be shown. */
static struct str choose(int status, struct str text, const struct strbuf *buffer)
{
    if (status == MASK_CLEAN) {
        return text;
    }
    return status == MASK_FOUND ? strbuf_str(buffer) : STR("***");
}

struct str masking_text(const struct mask *mask, struct str text, struct strbuf *buffer)
{
    return choose(mask != NULL ? mask_cut_text(mask, text, buffer) : MASK_CLEAN, text, buffer);
}

struct str masking_by_patterns(const struct pipeline *pipeline, struct str text,
                               struct strbuf *buffer)
{
    const struct sanitizer *sanitizer = pipeline->sanitizer;
    return choose(sanitizer != NULL ? sanitizer_text(sanitizer, text, buffer) : MASK_CLEAN, text,
                  buffer);
}

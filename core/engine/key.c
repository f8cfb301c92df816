/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/digest.h"
#include "core/engine/queue.h"
#include "core/engine/run_state.h"

/* `ops1_` and 26 characters of base32. */
static void format_key(struct digest *digest, char out_key[32])
{
    unsigned char bytes[DIGEST_BYTES];
    char text[DIGEST_BASE32_SIZE];
    digest_finish(digest, bytes);
    digest_format_base32(bytes, sizeof(bytes), text);
    memcpy(out_key, "ops1_", 5);
    memcpy(out_key + 5, text, 26);
    out_key[31] = '\0';
}

/* What an item of the queue delivers is the call of the node that queued it. */
int run_idempotency_key(const struct run *run, uint64_t frame, uint32_t node, char out_key[32])
{
    struct strbuf own = STRBUF_INIT;
    struct strbuf revision = STRBUF_INIT;
    struct digest digest;
    struct str id = str_from(run->id);
    run_append_path(run, frame, node, &own);
    strbuf_append_format(&revision, "|%u", run->revision);
    int status = strbuf_status(&own) != 0 ? strbuf_status(&own) : strbuf_status(&revision);
    struct str path = strbuf_str(&own);
    if (queue_is_item(run)) {
        queue_split_id(id, &id, &path);
    }
    digest_init(&digest);
    digest_update(&digest, run->instance);
    digest_update(&digest, STR("|"));
    digest_update(&digest, id);
    digest_update(&digest, STR("|"));
    digest_update(&digest, path);
    digest_update(&digest, strbuf_str(&revision));
    strbuf_finish(&own);
    strbuf_finish(&revision);
    format_key(&digest, out_key);
    return status;
}

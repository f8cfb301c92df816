/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/digest.h"
#include "core/engine/run_state.h"

/* `ops1_` and 26 characters of base32, of a digest of the run and the path. */
int run_idempotency_key(const struct run *run, uint64_t frame, uint32_t node, char out_key[32])
{
    struct strbuf path = STRBUF_INIT;
    struct digest digest;
    run_append_path(run, frame, node, &path);
    int status = strbuf_status(&path);
    digest_init(&digest);
    digest_update(&digest, str_from(run->id));
    digest_update(&digest, STR("|"));
    digest_update(&digest, strbuf_str(&path));
    digest_update(&digest, STR("|0"));
    strbuf_finish(&path);
    unsigned char bytes[DIGEST_BYTES];
    digest_finish(&digest, bytes);
    char text[DIGEST_BASE32_SIZE];
    digest_format_base32(bytes, sizeof(bytes), text);
    memcpy(out_key, "ops1_", 5);
    memcpy(out_key + 5, text, 26);
    out_key[31] = '\0';
    return status;
}

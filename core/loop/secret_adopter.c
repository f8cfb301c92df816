/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_adopter.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/host/secret.h"
#include "core/loop/http_bridge.h"
#include "core/loop/secret_guard.h"
#include "core/model/pipeline.h"
#include "core/value/secrets.h"

/* Beyond it a time would be no time. */
#define TTL_MOST_MS (UINT64_C(366) * 24 * 3600 * 1000)

static int64_t until_of(int64_t now_ms, uint64_t ttl_ms)
{
    return now_ms + (int64_t)(ttl_ms < TTL_MOST_MS ? ttl_ms : TTL_MOST_MS);
}

/* One that the definition has itself: what is made of it is hidden as well. */
static int hide(const struct secret_guard *guard, const struct host_secret_adoption *adoption)
{
    const struct pipeline *pipeline = guard->pipeline;
    for (uint32_t i = 0; i < pipeline->hidden_count; i++) {
        if (secrets_is_hidden_in(guard->secrets, pipeline->hidden[i].value, adoption->of)) {
            return secrets_hide(guard->secrets, adoption->text, NULL);
        }
    }
    return E_NOT_FOUND;
}

/* With each secret that is in it: it may go only where all of them may go. */
static int adopt(void *self, const struct host_secret_adoption *adoption)
{
    const struct http_bridge *bridge = self;
    struct secret_guard guard = {.secrets = bridge->secrets};
    uint32_t node = 0;
    if (bridge->secrets == NULL || bridge->find_node == NULL ||
        !bridge->find_node(adoption->token, &guard.pipeline, &node)) {
        return E_NOT_FOUND;
    }
    guard.node = &guard.pipeline->nodes[node];

    int64_t now_ms = clock_unix_ms();
    struct secrets_adoption adopted = {.text = adoption->text,
                                       .until_ms = until_of(now_ms, adoption->ttl_ms)};
    struct secret_names names = secret_guard_names(&guard);
    int status = E_NOT_FOUND;
    while (secret_names_next(&names, &adopted.name)) {
        if (secrets_is_in(bridge->secrets, adopted.name, adoption->of)) {
            status = secrets_adopt(bridge->secrets, &adopted, now_ms, NULL);
            if (status != 0) {
                return status;
            }
        }
    }
    return status == E_NOT_FOUND ? hide(&guard, adoption) : status;
}

void secret_adopter_init(struct host_secrets *keeper, struct http_bridge *bridge)
{
    *keeper = (struct host_secrets){.self = bridge, .adopt = adopt};
}

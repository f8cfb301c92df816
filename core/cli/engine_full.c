/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/engine_full.h"

#include <unistd.h>

#include "core/value/value.h"

static const struct value *member(const struct document *answer, struct str name)
{
    const struct value *root = answer != NULL ? document_root(answer) : NULL;
    return value_get(value_get(root, STR("error")), name);
}

static struct str text_of(const struct document *answer, struct str name)
{
    const struct value *text = member(answer, name);
    return value_is(text, VALUE_STRING) ? value_str(text) : STR("");
}

bool engine_full_is(int http_status, const struct document *answer)
{
    struct str code = text_of(answer, STR("code"));
    return http_status == 429 || (http_status == 503 && str_equal_text(code, "unavailable"));
}

uint64_t engine_full_wait_ms(struct engine_full *full, const struct document *answer)
{
    const struct value *said = member(answer, STR("retry_after"));
    bool is_number = value_is(said, VALUE_INT) && value_int(said) >= 1 && value_int(said) <= 3600;
    uint64_t wait_ms = (is_number ? (uint64_t)value_int(said) : 1) * 1000;
    uint64_t left_ms = ENGINE_FULL_WAIT_MS - full->waited_ms;
    wait_ms = wait_ms < ENGINE_FULL_PAUSE_MS ? wait_ms : ENGINE_FULL_PAUSE_MS;
    wait_ms += (uint64_t)getpid() % 16 * wait_ms / 64;
    wait_ms = wait_ms < left_ms ? wait_ms : left_ms;
    full->waited_ms += wait_ms;
    return wait_ms;
}

void engine_full_append(const struct document *answer, struct strbuf *out)
{
    struct str message = text_of(answer, STR("message"));
    strbuf_append_text(out, "the engine has no room for more");
    if (message.n > 0) {
        strbuf_append_format(out, ": %.*s", STR_ARG(message));
    }
    strbuf_append_format(out, "; nothing was begun in %d s: try again later",
                         ENGINE_FULL_WAIT_MS / 1000);
}

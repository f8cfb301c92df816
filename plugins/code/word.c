/* SPDX-License-Identifier: Apache-2.0 */
#include "word.h"

#include <inttypes.h>
#include <stdio.h>

/* More than any wait that is obeyed. */
#define RETRY_AFTER_MAX_S 86400.0

/* Those that are not the host's own. */
static const struct {
    const char *name;
    ops_status code;
} codes[] = {
    {"CONFIG", OPS_E_CONFIG},
    {"INPUT", OPS_E_INPUT},
    {"AUTH", OPS_E_AUTH},
    {"PERMISSION", OPS_E_PERMISSION},
    {"NOT_FOUND", OPS_E_NOT_FOUND},
    {"CONFLICT", OPS_E_CONFLICT},
    {"RATE_LIMITED", OPS_E_RATE_LIMITED},
    {"TIMEOUT", OPS_E_TIMEOUT},
    {"UNAVAILABLE", OPS_E_UNAVAILABLE},
    {"UPSTREAM", OPS_E_UPSTREAM},
    {"RESOURCE", OPS_E_RESOURCE},
};

ops_val word_find(const struct run *run, ops_val answer, ops_str last)
{
    ops_val said = ops_get(answer, "failure");
    ops_val line = 0;
    ops_error why = ops_error_make(OPS_E_INPUT, NULL);
    if (said == 0 && last.n > 0 && last.p[0] == '{' &&
        ops.value->from_json(ops.h, run->task, last, &line, &why) == OPS_OK) {
        said = ops_get(line, "error");
    }
    return said != 0 && ops.value->type(ops.h, said) == OPS_TYPE_MAP ? said : 0;
}

static void read_code(struct word *word, ops_str name)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (ops_equal(name, codes[i].name)) {
            word->code = codes[i].code;
            return;
        }
    }
    word->code = OPS_E_UPSTREAM;
    word->bad_code = name;
}

/* Seconds; what is no time is ignored, as a server's would be. */
static uint64_t read_retry_after(ops_val said)
{
    double seconds = ops_get_f64(said, "retry_after", 0);
    if (!(seconds > 0)) {
        return 0; /* a NaN, too */
    }
    seconds = seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
    uint64_t ms = (uint64_t)(seconds * 1000.0);
    return ms > 0 ? ms : 1;
}

static uint32_t read_retry(ops_val said)
{
    ops_str word = ops_get_str(said, "retry", "");
    int flag = ops_get_bool(said, "retry", -1);
    return flag == 1 || ops_equal(word, "yes")  ? OPS_RETRY_YES
           : flag == 0 || ops_equal(word, "no") ? OPS_RETRY_NO
                                                : OPS_RETRY_DEFAULT;
}

/* Who says that it may be tried again says that it does no harm, unless the effect is named. */
static uint32_t effect_of(ops_str name, uint32_t retry)
{
    if (ops_equal(name, "none") || (name.n == 0 && retry == OPS_RETRY_YES)) {
        return OPS_EFFECT_NONE;
    }
    return ops_equal(name, "done") ? OPS_EFFECT_DONE : OPS_EFFECT_MAYBE;
}

static struct word word_of_code(ops_val said)
{
    struct word word = {0};
    ops_str code = ops_get_str(said, "code", "");
    if (code.n > 0) {
        read_code(&word, code);
    }
    word.retry = read_retry(said);
    word.effect = effect_of(ops_get_str(said, "effect", ""), word.retry);
    word.retry_after_ms = read_retry_after(said);
    word.message = ops_get_str(said, "message", "");
    return word;
}

struct word word_read(const struct run *run, ops_val said, int32_t exit_code)
{
    if (said != 0) {
        return word_of_code(said);
    }
    struct word word = {0};
    char name[16];
    (void)snprintf(name, sizeof(name), "%" PRId32, exit_code); /* fits */
    ops_str rule = ops_get_str(run->on_exit, name, "");
    word.retry = ops_equal(rule, "retry")  ? OPS_RETRY_YES
                 : ops_equal(rule, "fail") ? OPS_RETRY_NO
                                           : OPS_RETRY_DEFAULT;
    word.effect = effect_of(ops_text(""), word.retry);
    return word;
}

void word_add_codes(struct text *text)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        text_add_format(text, "%s%s", i > 0 ? ", " : "", codes[i].name);
    }
}

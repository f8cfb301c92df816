/* SPDX-License-Identifier: Apache-2.0 */

/* A language model that always says the same: it looks for words. */

#include "stand_in.h"

static int has_word(ops_str text, const char *word)
{
    size_t n = strlen(word);
    for (uint64_t i = 0; i + n <= text.n; i++) {
        if (memcmp(text.p + i, word, n) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *category_of(ops_str prompt)
{
    static const char *const words[][2] = {
        {"security", "security"}, {"crash", "bug"},       {"error", "technical"},
        {"wish", "feature"},      {"invoice", "billing"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (has_word(prompt, words[i][0])) {
            return words[i][1];
        }
    }
    return "general";
}

static void answer_prompt(ops_task task, ops_val config)
{
    char text[256];
    ops_str prompt = ops_get_str(config, "prompt", NULL);
    int64_t limit = ops_get_i64(config, "max_tokens", 100);
    int shown = (int)(prompt.n < 200 ? prompt.n : 200);
    int64_t words = 1;
    for (uint64_t i = 0; i < prompt.n; i++) {
        words += prompt.p[i] == ' ';
    }
    while (shown > 0 && (uint64_t)shown < prompt.n && (prompt.p[shown] & 0xC0) == 0x80) {
        shown--; /* not inside of a character */
    }
    (void)snprintf(text, sizeof text, "you said: %.*s", shown, prompt.p);
    struct ops_map out = ops_map_begin(task);
    ops_map_text(&out, "category", category_of(prompt));
    ops_map_text(&out, "text", text);
    ops_map_str(&out, "model", ops_get_str(config, "model", NULL));
    ops_map_f64(&out, "temperature", ops_get_f64(config, "temperature", 1.0));
    ops_map_i64(&out, "prompt_tokens", words);
    ops_map_i64(&out, "completion_tokens", words + 2 < limit ? words + 2 : limit);
    ops_complete_map(task, &out);
}

STAND_IN_EXECUTE(llm_execute, answer_prompt)

static const ops_node_type llm_type = OPS_NODE("llm", OPS_NODE_PARALLEL, llm_execute);

OPS_PLUGIN("llm", "1.0.0", &llm_type);

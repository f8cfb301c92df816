/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/template_text.h"

#include "core/base/error.h"

static const struct template_word *find_word(struct str name, const struct template_word *words,
                                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_text(name, words[i].name)) {
            return &words[i];
        }
    }
    return NULL;
}

/* The letters between the '@' at `at` and the next one; empty when it is only an '@'. */
static struct str name_at(struct str text, size_t at)
{
    size_t n = 0;
    while (at + 1 + n < text.n && text.p[at + 1 + n] >= 'A' && text.p[at + 1 + n] <= 'Z') {
        n++;
    }
    bool is_closed = at + 1 + n < text.n && text.p[at + 1 + n] == '@';
    return str_make(text.p + at + 1, is_closed ? n : 0);
}

int template_text_expand(struct str text, const struct template_word *words, size_t count,
                         struct strbuf *out, struct error *err)
{
    for (size_t i = 0; i < text.n; i++) {
        struct str name = text.p[i] == '@' ? name_at(text, i) : str_make(NULL, 0);
        if (name.n == 0) {
            strbuf_append_char(out, text.p[i]);
            continue;
        }
        const struct template_word *word = find_word(name, words, count);
        if (word == NULL) {
            return error_set(err, E_INVALID, "the template has '@%.*s@', which is not known",
                             STR_ARG(name));
        }
        strbuf_append_str(out, word->text);
        i += name.n + 1;
    }
    return strbuf_status(out) == 0 ? 0 : error_nomem(err);
}

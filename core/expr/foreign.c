/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/foreign.h"

#include <stdbool.h>
#include <string.h>

static bool is_capital(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *word_cure(struct str word)
{
    if (str_equal_text(word, "and")) {
        return ": use '&&'";
    }
    if (str_equal_text(word, "or")) {
        return ": use '||'";
    }
    if (str_equal_text(word, "not") || str_equal_text(word, "is")) {
        return ": use '!', '==' or '!='";
    }
    return "";
}

/* What is wrong when `word` follows `before`. */
static const char *pair_cure(struct str before, struct str word)
{
    if (str_equal_text(word, ">") && str_ends_with(before, STR("<"))) {
        return ": use '!='";
    }
    if (str_equal_text(word, "?") && str_ends_with(before, STR("?"))) {
        return ": 'a.b ?? c' is written default(a.?b, c)";
    }
    before = str_trim(before);
    bool is_not = str_equal_text(before, "not") || str_ends_with(before, STR(" not")) ||
                  str_ends_with(before, STR("(not"));
    return is_not ? ": 'not' is written '!'" : "";
}

const char *foreign_cure(struct str text, size_t offset, size_t length, const char *expected)
{
    struct str word = str_make(text.p + offset, length);
    struct str wanted = str_from(expected);
    if (str_equal_text(word, ":") && str_equal_text(wanted, "']'")) {
        return ": 'x[a:b]' is written x.slice(a, b), of a text x.substring(a, b)";
    }
    if (str_equal_text(word, ",") && str_equal_text(wanted, "')'")) {
        return ": a list is written [a, b]";
    }
    const char *cure = word_cure(word);
    return *cure != '\0' ? cure : pair_cure(str_make(text.p, offset), word);
}

struct str foreign_variable(struct str text, size_t offset)
{
    size_t from = offset + 2;
    size_t end = from;
    while (end < text.n &&
           (is_capital(text.p[end]) || (end > from && text.p[end] >= '0' && text.p[end] <= '9'))) {
        end++;
    }
    struct str rest = end < text.n ? str_make(text.p + end, text.n - end) : STR("");
    bool is_whole = str_starts_with(rest, STR("}")) || str_starts_with(rest, STR(":-"));
    return is_whole ? str_make(text.p + from, end - from) : STR("");
}

const char *foreign_dollar(struct str literal)
{
    const char *dollar = memmem(literal.p, literal.n, "${", 2);
    size_t left = dollar != NULL ? literal.n - (size_t)(dollar - literal.p) : 0;
    bool is_name = left > 2 && (is_capital(dollar[2]) || (dollar[2] >= 'a' && dollar[2] <= 'z'));
    return is_name && memchr(dollar, '}', left) != NULL ? dollar : NULL;
}

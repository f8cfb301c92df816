/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/lexer.h"

#include <stdbool.h>

#include "core/base/error.h"
#include "core/base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c);
}

/* The byte `ahead` of the current one; 0 behind the end (a real NUL starts no token either). */
static char peek(const struct lexer *lexer, size_t ahead)
{
    return ahead < lexer->text.n - lexer->at ? lexer->text.p[lexer->at + ahead] : '\0';
}

static int fail(struct lexer *lexer, size_t offset, size_t length, const char *message)
{
    lexer->fault = (struct expr_fault){offset, length};
    return error_set(lexer->err, E_INVALID, "%s", message);
}

static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->text.n) {
        char c = lexer->text.p[lexer->at];
        if (c == '/' && peek(lexer, 1) == '/') {
            while (lexer->at < lexer->text.n && lexer->text.p[lexer->at] != '\n') {
                lexer->at++;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lexer->at++;
        } else {
            return;
        }
    }
}

static void skip_digits(struct lexer *lexer)
{
    while (is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
}

/* The exponent, if there is a whole one: "1e" is the number 1 and then a name. */
static bool skip_exponent(struct lexer *lexer)
{
    if (peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E') {
        return false;
    }
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
    if (!is_digit(peek(lexer, 1 + sign))) {
        return false;
    }
    lexer->at += 1 + sign;
    skip_digits(lexer);
    return true;
}

static enum token_type scan_number(struct lexer *lexer)
{
    bool is_double = false;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X') &&
        is_hex_digit(peek(lexer, 2))) {
        lexer->at += 2;
        while (is_hex_digit(peek(lexer, 0))) {
            lexer->at++;
        }
    } else {
        skip_digits(lexer);
        if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
            lexer->at++;
            skip_digits(lexer);
            is_double = true;
        }
        is_double = skip_exponent(lexer) || is_double;
    }
    if (!is_double && (peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U')) {
        lexer->at++;
        return TOKEN_UINT;
    }
    return is_double ? TOKEN_DOUBLE : TOKEN_INT;
}

/* The length of a string's prefix (r, b and both in any order) when a quote follows, else -1. */
static int string_prefix(const struct lexer *lexer, bool *out_raw, bool *out_bytes)
{
    *out_raw = false;
    *out_bytes = false;
    for (int i = 0; i < 3; i++) {
        char c = peek(lexer, (size_t)i);
        if (c == '"' || c == '\'') {
            return i;
        }
        if ((c == 'r' || c == 'R') && !*out_raw) {
            *out_raw = true;
        } else if ((c == 'b' || c == 'B') && !*out_bytes) {
            *out_bytes = true;
        } else {
            return -1;
        }
    }
    return -1;
}

static bool is_at_quotes(const struct lexer *lexer, char quote, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (peek(lexer, i) != quote) {
            return false;
        }
    }
    return true;
}

/* From behind the prefix to behind the closing quotes; what escapes mean is literal.c's. */
static int scan_string(struct lexer *lexer, size_t start, bool is_raw)
{
    char quote = peek(lexer, 0);
    size_t quotes = is_at_quotes(lexer, quote, 3) ? 3 : 1;
    lexer->at += quotes;
    while (lexer->at < lexer->text.n) {
        if (is_at_quotes(lexer, quote, quotes)) {
            lexer->at += quotes;
            return 0;
        }
        char c = peek(lexer, 0);
        if (quotes == 1 && (c == '\n' || c == '\r')) {
            break;
        }
        bool is_escape = c == '\\' && !is_raw && lexer->at + 1 < lexer->text.n;
        lexer->at += is_escape ? 2 : 1;
    }
    return fail(lexer, start, lexer->at - start, "the string has no closing quote");
}

static bool is_quoted_part(char c)
{
    return is_name_part(c) || c == '.' || c == '-' || c == '/' || c == ' ';
}

static int scan_quoted(struct lexer *lexer)
{
    size_t start = lexer->at;
    lexer->at++;
    while (is_quoted_part(peek(lexer, 0))) {
        lexer->at++;
    }
    if (peek(lexer, 0) != '`' || lexer->at == start + 1) {
        return fail(lexer, start, lexer->at - start + (lexer->at < lexer->text.n ? 1 : 0),
                    "a name in backticks holds letters, digits, '_', '.', '-', '/' and spaces");
    }
    lexer->at++;
    return 0;
}

static enum token_type name_type(struct str name)
{
    static const struct {
        struct str text;
        enum token_type type;
    } words[] = {
        {{"true", 4}, TOKEN_TRUE},
        {{"false", 5}, TOKEN_FALSE},
        {{"null", 4}, TOKEN_NULL},
        {{"in", 2}, TOKEN_IN},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal(name, words[i].text)) {
            return words[i].type;
        }
    }
    return TOKEN_IDENT;
}

/* The operator of two characters that begins here; TOKEN_END: there is none. */
static enum token_type pair_type(char first, char second)
{
    switch (first) {
    case '<':
        return second == '=' ? TOKEN_LESS_EQUAL : TOKEN_END;
    case '>':
        return second == '=' ? TOKEN_GREATER_EQUAL : TOKEN_END;
    case '=':
        return second == '=' ? TOKEN_EQUAL : TOKEN_END;
    case '!':
        return second == '=' ? TOKEN_NOT_EQUAL : TOKEN_END;
    case '&':
        return second == '&' ? TOKEN_AND : TOKEN_END;
    case '|':
        return second == '|' ? TOKEN_OR : TOKEN_END;
    case '$':
        return second == '{' ? TOKEN_DOLLAR : TOKEN_END;
    default:
        return TOKEN_END;
    }
}

static enum token_type single_type(char c)
{
    switch (c) {
    case '(':
        return TOKEN_PAREN_OPEN;
    case ')':
        return TOKEN_PAREN_CLOSE;
    case '[':
        return TOKEN_BRACKET_OPEN;
    case ']':
        return TOKEN_BRACKET_CLOSE;
    case '{':
        return TOKEN_BRACE_OPEN;
    case '}':
        return TOKEN_BRACE_CLOSE;
    case '.':
        return TOKEN_DOT;
    case ',':
        return TOKEN_COMMA;
    case ':':
        return TOKEN_COLON;
    case '?':
        return TOKEN_QUESTION;
    case '+':
        return TOKEN_PLUS;
    case '-':
        return TOKEN_MINUS;
    case '*':
        return TOKEN_STAR;
    case '/':
        return TOKEN_SLASH;
    case '%':
        return TOKEN_PERCENT;
    case '!':
        return TOKEN_NOT;
    case '<':
        return TOKEN_LESS;
    case '>':
        return TOKEN_GREATER;
    default:
        return TOKEN_END;
    }
}

static int fail_symbol(struct lexer *lexer)
{
    struct str rest = {lexer->text.p + lexer->at, lexer->text.n - lexer->at};
    switch (rest.p[0]) {
    case '=':
        if (rest.n > 1 && rest.p[1] == '>') {
            return fail(lexer, lexer->at, 2, "'=>' is no operator: write list.map(x, x.name)");
        }
        return fail(lexer, lexer->at, 1, "'=' is no operator: equality is '=='");
    case '&':
        return fail(lexer, lexer->at, 1, "'&' is no operator: use '&&'");
    case '|':
        return fail(lexer, lexer->at, 1, "'|' is no operator: use '||', or a function");
    default:
        break;
    }
    uint32_t code = 0;
    size_t length = utf8_decode(rest.p, rest.n, &code);
    bool is_quote = code == 0x2018 || code == 0x2019 || code == 0x201c || code == 0x201d;
    return fail(lexer, lexer->at, length > 0 ? length : 1,
                is_quote ? "curly quotes are no quotes here: write ' or \""
                         : "unexpected character");
}

static int scan_symbol(struct lexer *lexer, enum token_type *out_type)
{
    *out_type = pair_type(peek(lexer, 0), peek(lexer, 1));
    if (*out_type != TOKEN_END) {
        lexer->at += 2;
        return 0;
    }
    *out_type = single_type(peek(lexer, 0));
    if (*out_type != TOKEN_END) {
        lexer->at++;
        return 0;
    }
    return fail_symbol(lexer);
}

static int scan_token(struct lexer *lexer, enum token_type *out_type)
{
    size_t start = lexer->at;
    char c = peek(lexer, 0);
    bool is_raw = false;
    bool is_bytes = false;
    int prefix = string_prefix(lexer, &is_raw, &is_bytes);
    if (prefix >= 0) {
        lexer->at += (size_t)prefix;
        *out_type = is_bytes ? TOKEN_BYTES : TOKEN_STRING;
        return scan_string(lexer, start, is_raw);
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        *out_type = scan_number(lexer);
        return 0;
    }
    if (is_name_start(c)) {
        while (is_name_part(peek(lexer, 0))) {
            lexer->at++;
        }
        *out_type = name_type(str_make(lexer->text.p + start, lexer->at - start));
        return 0;
    }
    if (c == '`') {
        *out_type = TOKEN_QUOTED;
        return scan_quoted(lexer);
    }
    return scan_symbol(lexer, out_type);
}

int lexer_next(struct lexer *lexer, struct token *out_token)
{
    skip_blanks(lexer);
    size_t start = lexer->at;
    enum token_type type = TOKEN_END;
    if (start < lexer->text.n) {
        int status = scan_token(lexer, &type);
        if (status != 0) {
            return status;
        }
    }
    *out_token = (struct token){type, start, lexer->at - start};
    return 0;
}

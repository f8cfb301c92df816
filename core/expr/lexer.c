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
        const char *text;
        enum token_type type;
    } words[] = {
        {"true", TOKEN_TRUE},
        {"false", TOKEN_FALSE},
        {"null", TOKEN_NULL},
        {"in", TOKEN_IN},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_text(name, words[i].text)) {
            return words[i].type;
        }
    }
    return TOKEN_IDENT;
}

static int scan_symbol(struct lexer *lexer, enum token_type *out_type)
{
    static const struct {
        const char *text;
        enum token_type type;
    } symbols[] = {
        {"<=", TOKEN_LESS_EQUAL},   {">=", TOKEN_GREATER_EQUAL}, {"==", TOKEN_EQUAL},
        {"!=", TOKEN_NOT_EQUAL},    {"&&", TOKEN_AND},           {"||", TOKEN_OR},
        {"(", TOKEN_PAREN_OPEN},    {")", TOKEN_PAREN_CLOSE},    {"[", TOKEN_BRACKET_OPEN},
        {"]", TOKEN_BRACKET_CLOSE}, {"{", TOKEN_BRACE_OPEN},     {"}", TOKEN_BRACE_CLOSE},
        {".", TOKEN_DOT},           {",", TOKEN_COMMA},          {":", TOKEN_COLON},
        {"?", TOKEN_QUESTION},      {"+", TOKEN_PLUS},           {"-", TOKEN_MINUS},
        {"*", TOKEN_STAR},          {"/", TOKEN_SLASH},          {"%", TOKEN_PERCENT},
        {"!", TOKEN_NOT},           {"<", TOKEN_LESS},           {">", TOKEN_GREATER},
    };
    struct str rest = {lexer->text.p + lexer->at, lexer->text.n - lexer->at};
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        struct str symbol = str_from(symbols[i].text);
        if (str_starts_with(rest, symbol)) {
            lexer->at += symbol.n;
            *out_type = symbols[i].type;
            return 0;
        }
    }
    switch (rest.p[0]) {
    case '=':
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

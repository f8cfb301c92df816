/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/sanitizer_kinds.h"

#include <arpa/inet.h>
#include <string.h>

enum { CARD_MIN_DIGITS = 13, CARD_MAX_DIGITS = 19, IP_MAX_BYTES = 45 };

/*
 * What may be a letter of any script: beyond ASCII all but signs. The classes of Unicode would be
 * more exact and make libre2 ten times slower.
 */
#define BEYOND                                                                                     \
    "\\x{80}-\\x{aa}\\x{ac}-\\x{ba}\\x{bc}-\\x{1fff}\\x{2070}-\\x{2fff}\\x{3040}-\\x{10ffff}"
#define LETTER "A-Za-z" BEYOND
#define ALNUM  LETTER "0-9"
/* In URLs '@' is %40. */
#define EMAIL                                                                                      \
    "[" ALNUM "_][" ALNUM "!#$%*+^_~.'-]*(?:@|%40)"                                                \
    "(?:[" ALNUM "](?:[" ALNUM "-]*[" ALNUM "])?\\.)+[" LETTER "](?:[" ALNUM "-]*[" ALNUM "])"
#define PHONE                                                                                      \
    "(?:\\+|\\b00)[1-9](?:[ ().\\/-]{0,3}[0-9]){6,14}\\b|"                                         \
    "(?:\\([0-9]{3}\\) ?|\\b[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}\\b"
/* Four numbers between dots; or what only has digits, colons and dots, with two colons. */
#define IP                                                                                         \
    "\\b[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\b|"                                     \
    "[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"

struct str sanitizer_kind_pattern(enum sanitizer_kind kind)
{
    return kind == SANITIZER_EMAIL   ? STR(EMAIL)
           : kind == SANITIZER_PHONE ? STR(PHONE)
           : kind == SANITIZER_IP    ? STR(IP)
                                     : STR("");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_ip(struct str text)
{
    char address[IP_MAX_BYTES + 1];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (text.n == 0 || text.n > IP_MAX_BYTES) {
        return false;
    }
    memcpy(address, text.p, text.n);
    address[text.n] = '\0';
    return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

/* Behind an address a sentence may end, or a port begin. "::" alone is no secret of anybody. */
static bool find_ip(struct str text, size_t begin, size_t *end)
{
    bool is_cut = begin > 0 && (is_word(text.p[begin - 1]) || text.p[begin - 1] == ':');
    for (size_t to = *end; to > begin + 2 && !is_cut; to--) {
        if (is_ip(str_make(text.p + begin, to - begin)) && (to == text.n || !is_word(text.p[to]))) {
            *end = to;
            return true;
        }
        if (text.p[to - 1] != '.' && text.p[to - 1] != ':') {
            return false;
        }
    }
    return false;
}

bool sanitizer_kind_holds(enum sanitizer_kind kind, struct str text, size_t begin, size_t *end)
{
    if (kind == SANITIZER_IP) {
        return find_ip(text, begin, end);
    }
    bool is_inside = kind == SANITIZER_PHONE && begin > 0 && is_word(text.p[begin - 1]);
    return !is_inside;
}

/* ---- cards ---- */

/* What the networks begin with: 3 to 6, and 2221 to 2720. */
static bool has_card_begin(const unsigned char *digits)
{
    unsigned four = digits[0] * 1000u + digits[1] * 100u + digits[2] * 10u + digits[3];
    return (digits[0] >= 3 && digits[0] <= 6) || (four >= 2221 && four <= 2720);
}

/* The last digit makes the sum of all divisible by ten, each second one doubled. */
static bool has_check_digit(const unsigned char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        digit = i % 2 == 1 ? digit * 2 : digit;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

/* The longest number of a card that begins at `begin`; 0: none does. Where it ends. */
static size_t card_end(struct str text, size_t begin)
{
    unsigned char digits[CARD_MAX_DIGITS];
    size_t count = 0;
    size_t end = 0;
    size_t at = begin;
    while (at < text.n && count < CARD_MAX_DIGITS && is_digit(text.p[at])) {
        digits[count++] = (unsigned char)(text.p[at++] - '0');
        bool is_whole = at == text.n || !is_word(text.p[at]);
        if (count >= CARD_MIN_DIGITS && is_whole && has_card_begin(digits) &&
            has_check_digit(digits, count)) {
            end = at;
        }
        bool is_gap = at + 1 < text.n && (text.p[at] == ' ' || text.p[at] == '-') &&
                      is_digit(text.p[at + 1]);
        at += is_gap ? 1 : 0;
    }
    return end;
}

bool sanitizer_find_card(struct str text, size_t from, size_t *out_begin, size_t *out_end)
{
    for (size_t at = from; at < text.n; at++) {
        bool begins = is_digit(text.p[at]) && (at == 0 || !is_word(text.p[at - 1]));
        size_t end = begins ? card_end(text, at) : 0;
        if (end != 0) {
            *out_begin = at;
            *out_end = end;
            return true;
        }
    }
    return false;
}

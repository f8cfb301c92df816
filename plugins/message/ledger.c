/* SPDX-License-Identifier: Apache-2.0 */
#include "message/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MINUTES = 24 * 60, FIELDS = 6, NUMBER_DIGITS = 18 };
#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)

/* ---- Rules ---- */

/* "22:00": minutes; below 0: it is no time. */
static int read_time(const char *p, uint64_t n)
{
    int is_form = n == 5 && p[2] == ':';
    for (uint64_t i = 0; is_form && i < n; i++) {
        is_form = i == 2 || (p[i] >= '0' && p[i] <= '9');
    }
    int hours = is_form ? (p[0] - '0') * 10 + p[1] - '0' : 0;
    int minutes = is_form ? (p[3] - '0') * 10 + p[4] - '0' : 0;
    return is_form && hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

const char *ledger_read_quiet(ops_str hours, struct ledger_rules *rules)
{
    if (hours.n == 0) {
        return NULL;
    }
    int is_form = hours.n == 11 && hours.p[5] == '-';
    int from = is_form ? read_time(hours.p, 5) : -1;
    int until = is_form ? read_time(hours.p + 6, 5) : -1;
    if (from < 0 || until < 0) {
        return "'quiet_hours' is not like \"22:00-08:00\"";
    }
    if (from == until) {
        return "'quiet_hours' begin when they end";
    }
    rules->is_quiet = 1;
    rules->quiet_from = from;
    rules->quiet_until = until;
    return NULL;
}

const char *ledger_read_frequency(ops_str frequency, struct ledger_rules *rules)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"/second", SECOND_MS},
                 {"/minute", MINUTE_MS},
                 {"/hour", 60 * MINUTE_MS},
                 {"/day", DAY_MINUTES * MINUTE_MS}};
    uint64_t n = 0;
    uint32_t most = 0;
    while (n < frequency.n && n < 4 && frequency.p[n] >= '0' && frequency.p[n] <= '9') {
        most = most * 10 + (uint32_t)(frequency.p[n++] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen(units[i].unit);
        if (frequency.n - n == length && memcmp(frequency.p + n, units[i].unit, length) == 0 &&
            most > 0 && most < LEDGER_SENT) {
            rules->most = most;
            rules->per_ms = units[i].ms;
            return NULL;
        }
    }
    return frequency.n == 0 ? NULL
                            : "'max_frequency' is not like \"1/hour\": 1 to 255 per second, "
                              "minute, hour or day";
}

/* ---- Bytes: a line per entry, its fields with tabs between ---- */

static void append_number(struct text *out, int64_t number)
{
    char digits[32];
    (void)snprintf(digits, sizeof digits, "\t%lld", (long long)number);
    text_append_literal(out, digits);
}

/* Control characters have become spaces, so it is one field. */
static void append_field(struct text *out, const char *field)
{
    text_append_literal(out, "\t");
    text_append_literal(out, field);
}

void ledger_write(const struct ledger *ledger, struct text *out)
{
    text_append_literal(out, "next");
    append_number(out, (int64_t)ledger->next);
    append_number(out, (int64_t)ledger->dropped);
    for (size_t i = 0; i < ledger->n_sent; i++) {
        const struct ledger_sent *sent = &ledger->sent[i];
        text_append_literal(out, sent->is_begun ? "\nbegun" : "\nsent");
        append_number(out, sent->at_ms);
        append_number(out, (int64_t)sent->upto);
        append_field(out, sent->key);
    }
    for (size_t i = 0; i < ledger->n_held; i++) {
        const struct ledger_held *held = &ledger->held[i];
        text_append_literal(out, "\nheld");
        append_number(out, held->at_ms);
        append_number(out, (int64_t)held->number);
        append_field(out, held->key);
        append_field(out, held->severity);
        append_field(out, held->text);
    }
}

struct line {
    ops_str fields[FIELDS];
    size_t n;
};

static struct line take_line(ops_str *bytes)
{
    struct line line = {.n = 0};
    const char *end = memchr(bytes->p, '\n', (size_t)bytes->n);
    uint64_t n = end != NULL ? (uint64_t)(end - bytes->p) : bytes->n;
    uint64_t from = 0;
    for (uint64_t i = 0; i <= n && line.n < FIELDS; i++) {
        if (i == n || bytes->p[i] == '\t') {
            line.fields[line.n++] = (ops_str){bytes->p + from, i - from};
            from = i + 1;
        }
    }
    n += end != NULL;
    *bytes = (ops_str){bytes->p + n, bytes->n - n};
    return line;
}

static int is_word(ops_str field, const char *word)
{
    return field.n == strlen(word) && memcmp(field.p, word, (size_t)field.n) == 0;
}

static int read_number(ops_str field, int64_t *out)
{
    int64_t number = 0;
    if (field.n == 0 || field.n > NUMBER_DIGITS) {
        return 0;
    }
    for (uint64_t i = 0; i < field.n; i++) {
        if (field.p[i] < '0' || field.p[i] > '9') {
            return 0;
        }
        number = number * 10 + (field.p[i] - '0');
    }
    *out = number;
    return 1;
}

static void copy(char *out, size_t size, ops_str s)
{
    size_t n = s.n < size ? (size_t)s.n : size - 1;
    if (n > 0) {
        memcpy(out, s.p, n);
    }
    out[n] = '\0';
}

static int read_line(struct line line, struct ledger *out)
{
    int64_t first = 0;
    int64_t second = 0;
    int has_numbers = line.n >= 3 && read_number(line.fields[1], &first) &&
                      read_number(line.fields[2], &second);
    if (!has_numbers) {
        return 0;
    }
    if (is_word(line.fields[0], "next")) {
        out->next = (uint64_t)first;
        out->dropped = (uint64_t)second;
        return 1;
    }
    int is_begun = is_word(line.fields[0], "begun");
    if ((is_begun || is_word(line.fields[0], "sent")) && line.n == 4 && out->n_sent < LEDGER_SENT) {
        struct ledger_sent *sent = &out->sent[out->n_sent++];
        *sent =
            (struct ledger_sent){.at_ms = first, .upto = (uint64_t)second, .is_begun = is_begun};
        copy(sent->key, sizeof sent->key, line.fields[3]);
        return 1;
    }
    if (is_word(line.fields[0], "held") && line.n == FIELDS && out->n_held < LEDGER_HELD) {
        struct ledger_held *held = &out->held[out->n_held++];
        *held = (struct ledger_held){.at_ms = first, .number = (uint64_t)second};
        copy(held->key, sizeof held->key, line.fields[3]);
        copy(held->severity, sizeof held->severity, line.fields[4]);
        copy(held->text, sizeof held->text, line.fields[5]);
        return 1;
    }
    return 0;
}

int ledger_read(ops_str bytes, struct ledger *out)
{
    memset(out, 0, sizeof *out);
    while (bytes.n > 0) {
        if (!read_line(take_line(&bytes), out)) {
            return 0;
        }
    }
    return 1;
}

/* ---- Entries ---- */

static int is_key(const char *key, ops_str wanted)
{
    return strlen(key) == wanted.n &&
           (wanted.n == 0 || memcmp(key, wanted.p, (size_t)wanted.n) == 0);
}

/* Where it stands among those sent; n_sent: nowhere. */
static size_t find_sent(const struct ledger *ledger, ops_str key)
{
    size_t i = 0;
    while (i < ledger->n_sent && !is_key(ledger->sent[i].key, key)) {
        i++;
    }
    return i;
}

/* When it counts no more. */
static int64_t end_of(const struct ledger_sent *sent, const struct ledger_rules *rules)
{
    return sent->at_ms + (sent->is_begun ? LEDGER_BEGUN_MS : rules->per_ms);
}

/* What is too old to count is forgotten, but for the key that asks: it goes on. */
static void forget(struct ledger *ledger, const struct ledger_rules *rules, ops_str key,
                   int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < ledger->n_sent; i++) {
        if (end_of(&ledger->sent[i], rules) > now_ms || is_key(ledger->sent[i].key, key)) {
            ledger->sent[kept++] = ledger->sent[i];
        }
    }
    ledger->n_sent = kept;
}

static void begin(struct ledger *ledger, const struct ledger_message *message)
{
    if (ledger->n_sent == LEDGER_SENT) { /* no rule allows as many: the oldest counts for none */
        memmove(ledger->sent, ledger->sent + 1, (LEDGER_SENT - 1) * sizeof ledger->sent[0]);
        ledger->n_sent--;
    }
    struct ledger_sent *sent = &ledger->sent[ledger->n_sent++];
    *sent = (struct ledger_sent){.at_ms = message->now_ms, .upto = ledger->next, .is_begun = 1};
    copy(sent->key, sizeof sent->key, message->key);
}

static void append_line(char *out, size_t size, ops_str text)
{
    struct text line = {NULL, 0, 0, 0};
    text_append_line(&line, text, LEDGER_TEXT_BYTES);
    copy(out, size, line.failed ? (ops_str){NULL, 0} : text_str(&line));
    text_finish(&line);
}

static void hold(struct ledger *ledger, const struct ledger_message *message)
{
    for (size_t i = 0; i < ledger->n_held; i++) {
        if (is_key(ledger->held[i].key, message->key)) {
            return;
        }
    }
    if (ledger->n_held == LEDGER_HELD) {
        ledger->dropped++;
        return;
    }
    struct ledger_held *held = &ledger->held[ledger->n_held++];
    *held = (struct ledger_held){.at_ms = message->now_ms, .number = ledger->next++};
    copy(held->key, sizeof held->key, message->key);
    append_line(held->severity, sizeof held->severity, message->severity);
    append_line(held->text, sizeof held->text, message->text);
}

/* ---- The verdict ---- */

static int is_quiet(const struct ledger_rules *rules, int minute)
{
    int is_over_midnight = rules->quiet_from > rules->quiet_until;
    int is_after = minute >= rules->quiet_from;
    int is_before = minute < rules->quiet_until;
    return rules->is_quiet && (is_over_midnight ? is_after || is_before : is_after && is_before);
}

static size_t count_later(const struct ledger *ledger, const struct ledger_rules *rules,
                          int64_t than_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->n_sent; i++) {
        count += end_of(&ledger->sent[i], rules) > than_ms;
    }
    return count;
}

/* When one more may be sent; 0: now. */
static int64_t next_free_ms(const struct ledger *ledger, const struct ledger_rules *rules)
{
    int64_t first = 0;
    if (rules->most == 0 || ledger->n_sent < rules->most) {
        return 0;
    }
    for (size_t i = 0; i < ledger->n_sent; i++) {
        int64_t end = end_of(&ledger->sent[i], rules);
        int is_free = count_later(ledger, rules, end) < rules->most;
        first = is_free && (first == 0 || end < first) ? end : first;
    }
    return first;
}

/* What the rules say of a message that nothing is known of. */
static enum ledger_verdict judge(const struct ledger *ledger, const struct ledger_rules *rules,
                                 const struct ledger_message *message, int64_t *out_until_ms)
{
    int64_t free_ms = next_free_ms(ledger, rules);
    if (message->is_forced) {
        return LEDGER_PASS;
    }
    if (is_quiet(rules, message->minute)) {
        int left = (rules->quiet_until - message->minute + DAY_MINUTES) % DAY_MINUTES;
        *out_until_ms = message->now_ms - message->now_ms % MINUTE_MS + left * MINUTE_MS;
        return LEDGER_QUIET;
    }
    if (free_ms > 0) {
        *out_until_ms = free_ms;
        return LEDGER_FREQUENT;
    }
    return LEDGER_PASS;
}

enum ledger_verdict ledger_ask(struct ledger *ledger, const struct ledger_rules *rules,
                               const struct ledger_message *message, int64_t *out_until_ms)
{
    forget(ledger, rules, message->key, message->now_ms);
    size_t own = find_sent(ledger, message->key);
    if (own < ledger->n_sent) {
        struct ledger_sent *sent = &ledger->sent[own];
        sent->at_ms = sent->is_begun ? message->now_ms : sent->at_ms;
        return LEDGER_PASS;
    }
    if (message->is_digest && ledger->n_held == 0 && ledger->dropped == 0) {
        return LEDGER_EMPTY;
    }
    enum ledger_verdict verdict = judge(ledger, rules, message, out_until_ms);
    if (verdict == LEDGER_PASS) {
        begin(ledger, message);
    } else if (rules->has_digest && !message->is_digest) {
        hold(ledger, message);
    }
    return verdict;
}

/* ---- The digest ---- */

/* Those that a message before it has begun to take along are not its. */
static uint64_t first_free(const struct ledger *ledger, size_t own)
{
    uint64_t first = 0;
    for (size_t i = 0; i < own; i++) {
        const struct ledger_sent *sent = &ledger->sent[i];
        first = sent->is_begun && sent->upto > first ? sent->upto : first;
    }
    return first;
}

size_t ledger_taken(const struct ledger *ledger, ops_str key,
                    void (*each)(void *user, const struct ledger_held *held), void *user)
{
    size_t at = find_sent(ledger, key);
    size_t count = 0;
    if (at == ledger->n_sent || !ledger->sent[at].is_begun) {
        return 0;
    }
    const struct ledger_sent *own = &ledger->sent[at];
    uint64_t first = first_free(ledger, at);
    for (size_t i = 0; i < ledger->n_held; i++) {
        const struct ledger_held *held = &ledger->held[i];
        if (held->number < own->upto && held->number >= first && !is_key(held->key, key)) {
            each(user, held);
            count++;
        }
    }
    return count;
}

void ledger_confirm(struct ledger *ledger, ops_str key, int went_along)
{
    size_t at = find_sent(ledger, key);
    size_t kept = 0;
    if (at == ledger->n_sent || !ledger->sent[at].is_begun) {
        return;
    }
    struct ledger_sent *own = &ledger->sent[at];
    uint64_t first = first_free(ledger, at);
    for (size_t i = 0; i < ledger->n_held; i++) {
        const struct ledger_held *held = &ledger->held[i];
        int is_taken = held->number < own->upto && held->number >= first;
        if (!is_taken || (!went_along && !is_key(held->key, key))) {
            ledger->held[kept++] = ledger->held[i];
        }
    }
    ledger->n_held = kept;
    ledger->dropped = went_along ? 0 : ledger->dropped;
    own->is_begun = 0;
}

void ledger_withdraw(struct ledger *ledger, ops_str key)
{
    size_t at = find_sent(ledger, key);
    if (at < ledger->n_sent && ledger->sent[at].is_begun) {
        ledger->n_sent--;
        memmove(&ledger->sent[at], &ledger->sent[at + 1],
                (ledger->n_sent - at) * sizeof ledger->sent[0]);
    }
}

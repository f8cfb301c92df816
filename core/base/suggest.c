/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/suggest.h"

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The fewest changes that make b[j] out of a[i]; the three rows are those of i, i-1 and i-2. */
static size_t cell(struct str a, struct str b, size_t i, size_t j,
                   size_t rows[3][SUGGEST_LONGEST + 1])
{
    size_t *now = rows[i % 3];
    const size_t *before = rows[(i + 2) % 3];
    bool is_same = lower(a.p[i - 1]) == lower(b.p[j - 1]);
    size_t best = smaller(before[j], now[j - 1]) + 1;
    best = smaller(best, before[j - 1] + (is_same ? 0 : 1));
    if (i > 1 && j > 1 && lower(a.p[i - 1]) == lower(b.p[j - 2]) &&
        lower(a.p[i - 2]) == lower(b.p[j - 1])) {
        best = smaller(best, rows[(i + 1) % 3][j - 2] + 1);
    }
    return best;
}

/* Damerau-Levenshtein distance (of neighbours), case aside; `limit` or more is as good as far. */
static size_t distance(struct str a, struct str b, size_t limit)
{
    size_t rows[3][SUGGEST_LONGEST + 1];
    for (size_t j = 0; j <= b.n; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = rows[i % 3];
        now[0] = i;
        size_t row_best = i;
        for (size_t j = 1; j <= b.n; j++) {
            now[j] = cell(a, b, i, j, rows);
            row_best = smaller(row_best, now[j]);
        }
        if (row_best > limit) {
            return limit;
        }
    }
    return rows[a.n % 3][b.n];
}

struct suggest suggest_start(struct str wrong)
{
    size_t allowed = wrong.n / 3 < 1 ? 1 : smaller(wrong.n / 3, 3);
    return (struct suggest){.wrong = wrong, .best_distance = allowed + 1};
}

void suggest_offer(struct suggest *nearest, struct str candidate)
{
    struct str wrong = nearest->wrong;
    if (candidate.n == 0 || candidate.n > SUGGEST_LONGEST || wrong.n > SUGGEST_LONGEST) {
        return;
    }
    size_t least = candidate.n > wrong.n ? candidate.n - wrong.n : wrong.n - candidate.n;
    if (least >= nearest->best_distance) {
        return;
    }
    size_t found = distance(wrong, candidate, nearest->best_distance);
    /* All characters changed is another word, however short both are. */
    if (found < nearest->best_distance && found < candidate.n) {
        nearest->best = candidate;
        nearest->best_distance = found;
    }
}

struct str suggest_nearest(struct str wrong, const struct str *candidates, size_t count)
{
    struct suggest nearest = suggest_start(wrong);
    for (size_t i = 0; i < count; i++) {
        suggest_offer(&nearest, candidates[i]);
    }
    return nearest.best;
}

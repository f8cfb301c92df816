/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/item_cursor.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"

void item_cursor_write(const struct journal_item_place *place, char out[ITEM_CURSOR_SIZE])
{
    (void)snprintf(out, ITEM_CURSOR_SIZE, "%s.%lld.%llu", queue_priority_name(place->priority),
                   (long long)place->turn_at, (unsigned long long)place->number);
}

/* The text up to the next '.', which is taken away from `rest`. */
static struct str next_part(struct str *rest)
{
    const char *dot = rest->n > 0 ? memchr(rest->p, '.', rest->n) : NULL;
    size_t n = dot != NULL ? (size_t)(dot - rest->p) : rest->n;
    struct str part = str_make(rest->p, n);
    *rest = dot != NULL ? str_make(dot + 1, rest->n - n - 1) : STR("");
    return part;
}

static bool read_number(struct str text, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = text.p[i] - '0';
        if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return text.n > 0;
}

int item_cursor_read(struct str text, struct journal_item_place *out_place, struct error *err)
{
    struct journal_item_place place = {0};
    int64_t number = 0;
    struct str rest = text;
    if (text.n == 0) {
        return 0;
    }
    bool is_well = queue_priority_find(next_part(&rest), &place.priority) &&
                   read_number(next_part(&rest), &place.turn_at) && read_number(rest, &number) &&
                   number > 0;
    if (!is_well) {
        return error_set(err, E_INVALID,
                         "'cursor' has to be what the page before has as its next_cursor");
    }
    place.number = (uint64_t)number;
    *out_place = place;
    return 0;
}

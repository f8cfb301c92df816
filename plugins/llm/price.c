/* SPDX-License-Identifier: Apache-2.0 */
#include "price.h"

/* "2024-08-06", "20250514", "0613" and "latest"; not "mini", "16k" or "5". */
static int is_version(ops_str s)
{
    uint64_t digits = 0;
    if (ops_equal(s, "latest")) {
        return 1;
    }
    for (uint64_t i = 0; i < s.n; i++) {
        int is_digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (!is_digit && s.p[i] != '-') {
            return 0;
        }
        digits += (uint64_t)is_digit;
    }
    return digits == 4 || digits == 8;
}

int price_is_of(ops_str model, ops_str name)
{
    if (model.n < name.n || memcmp(model.p, name.p, (size_t)name.n) != 0) {
        return 0;
    }
    return model.n == name.n || (model.p[name.n] == '-' &&
                                 is_version(ops_slice(model.p + name.n + 1, model.n - name.n - 1)));
}

static int find_own(ops_val prices, ops_str model, struct price *out)
{
    uint64_t n = ops.value->count(ops.h, prices);
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = {NULL, 0};
        ops_val price = 0;
        if (ops.value->pair(ops.h, prices, i, &name, &price) == OPS_OK &&
            price_is_of(model, name)) {
            out->input = ops_get_f64(price, "input", 0);
            out->output = ops_get_f64(price, "output", 0);
            out->cached = ops_get_f64(price, "cached", out->input);
            return 1;
        }
    }
    return 0;
}

static int find(ops_val prices, ops_str model, struct price *out)
{
    if (find_own(prices, model, out)) {
        return 1;
    }
    for (const struct price *price = price_table; price->model != NULL; price++) {
        if (price_is_of(model, ops_text(price->model))) {
            *out = *price;
            return 1;
        }
    }
    return 0;
}

double price_cost(ops_val prices, ops_str model, const struct usage *usage)
{
    struct price price = {NULL, 0, 0, 0};
    if (usage->input_tokens < 0 || usage->output_tokens < 0 || !find(prices, model, &price)) {
        return -1;
    }
    double cached = usage->cached_tokens > 0 ? (double)usage->cached_tokens : 0;
    double input = (double)usage->input_tokens - cached;
    input = input > 0 ? input : 0;
    return (input * price.input + cached * price.cached +
            (double)usage->output_tokens * price.output) /
           1e6;
}

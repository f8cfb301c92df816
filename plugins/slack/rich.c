/* SPDX-License-Identifier: Apache-2.0 */
#include "rich.h"

#include <math.h>
#include <stdio.h>

#include "message/piece.h"

enum { BAR_EIGHTHS = 24 * 8, LABEL_UNITS = 24 };

/* ---- Charts ---- */

static double largest_of(ops_val values)
{
    double largest = 0;
    for (uint64_t i = 0; i < ops.value->count(ops.h, values); i++) {
        ops_val v = 0;
        double number = 0;
        (void)ops.value->pair(ops.h, values, i, NULL, &v);
        (void)ops.value->get_f64(ops.h, v, &number); /* the schema takes numbers only */
        largest = number > largest ? number : largest;
    }
    return largest;
}

static size_t width_of(ops_val values)
{
    size_t width = 0;
    for (uint64_t i = 0; i < ops.value->count(ops.h, values); i++) {
        ops_str label = {NULL, 0};
        (void)ops.value->pair(ops.h, values, i, &label, NULL);
        size_t units = piece_units(label);
        width = units > width ? units : width;
    }
    return width < LABEL_UNITS ? width : LABEL_UNITS;
}

/* Whole blocks, and the last one in eighths. */
static void append_bar(struct text *out, double part)
{
    int eighths = (int)lround(part * BAR_EIGHTHS);
    for (; eighths >= 8; eighths -= 8) {
        text_append_literal(out, "\xE2\x96\x88");
    }
    if (eighths > 0) {
        char last[4] = {'\xE2', '\x96', (char)(0x90 - eighths), '\0'}; /* U+2588 less each */
        text_append_literal(out, last);
    }
}

static void append_row(struct text *out, ops_str label, size_t width, double number, double largest,
                       ops_str unit)
{
    struct text shown = {NULL, 0, 0, 0};
    struct text line = {NULL, 0, 0, 0};
    char digits[32];
    text_append_line(&line, label, (size_t)label.n);
    piece_append_short(&shown, text_str(&line), LABEL_UNITS);
    text_append_str(out, text_str(&shown));
    for (size_t n = piece_units(text_str(&shown)); n < width + 2; n++) {
        text_append_literal(out, " ");
    }
    append_bar(out, number > 0 && largest > 0 ? number / largest : 0);
    (void)snprintf(digits, sizeof digits, "%s%.10g", number > 0 ? " " : "", number);
    text_append_literal(out, digits);
    text_append_str(out, unit);
    out->failed = out->failed || shown.failed || line.failed;
    text_finish(&shown);
    text_finish(&line);
}

static void add_chart(struct blocks *blocks, ops_val chart)
{
    ops_val values = ops_get(chart, "values");
    ops_str unit = ops_get_str(chart, "unit", NULL);
    double largest = largest_of(values);
    size_t width = width_of(values);
    struct text lines = {NULL, 0, 0, 0};
    text_append_str(&lines, ops_get_str(chart, "title", NULL));
    for (uint64_t i = 0; i < ops.value->count(ops.h, values); i++) {
        ops_str label = {NULL, 0};
        ops_val v = 0;
        double number = 0;
        (void)ops.value->pair(ops.h, values, i, &label, &v);
        (void)ops.value->get_f64(ops.h, v, &number); /* as above */
        text_append_literal(&lines, lines.n > 0 ? "\n" : "");
        append_row(&lines, label, width, number, largest, unit);
    }
    blocks_add_code(blocks, text_str(&lines));
    blocks->json.failed = blocks->json.failed || lines.failed;
    text_finish(&lines);
}

/* ---- Buttons ---- */

static void append_button(struct text *json, ops_val button, uint64_t i)
{
    char id[64];
    ops_str style = ops_get_str(button, "style", NULL);
    (void)snprintf(id, sizeof id,
                   ",\"action_id\":\"opstream_%llu\",\"url\":", (unsigned long long)i);
    text_append_literal(json, i > 0 ? "," : "");
    text_append_literal(json, "{\"type\":\"button\",\"text\":{\"type\":\"plain_text\",\"text\":");
    piece_append_json(json, ops_get_str(button, "text", NULL));
    text_append_literal(json, "}");
    text_append_literal(json, id);
    piece_append_json(json, ops_get_str(button, "url", NULL));
    if (style.n > 0) {
        text_append_literal(json, ",\"style\":");
        piece_append_json(json, style);
    }
    text_append_literal(json, "}");
}

static void add_buttons(struct blocks *blocks, ops_val buttons)
{
    struct text json = {NULL, 0, 0, 0};
    text_append_literal(&json, "{\"type\":\"actions\",\"elements\":[");
    for (uint64_t i = 0; i < ops.value->count(ops.h, buttons); i++) {
        ops_val button = 0;
        (void)ops.value->at(ops.h, buttons, i, &button); /* it is there */
        append_button(&json, button, i);
    }
    text_append_literal(&json, "]}");
    blocks_add_json(blocks, text_str(&json));
    blocks->json.failed = blocks->json.failed || json.failed;
    text_finish(&json);
}

/* ---- Both ---- */

void rich_add(struct blocks *blocks, ops_val config)
{
    ops_val chart = ops_get(config, "chart");
    ops_val buttons = ops_get(config, "buttons");
    if (ops.value->count(ops.h, ops_get(chart, "values")) > 0) {
        add_chart(blocks, chart);
    }
    if (ops.value->count(ops.h, buttons) > 0) {
        add_buttons(blocks, buttons);
    }
}

int rich_is_any(ops_val config)
{
    return ops.value->count(ops.h, ops_get(ops_get(config, "chart"), "values")) > 0 ||
           ops.value->count(ops.h, ops_get(config, "buttons")) > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/metrics_text.h"

#include "core/base/utf8.h"

void metrics_text_family(struct strbuf *out, const char *name, enum metric_type type,
                         const char *help)
{
    strbuf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                         type == METRIC_COUNTER ? "counter" : "gauge");
}

static void append_value(struct strbuf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        size_t whole = utf8_valid_prefix(value.p + i, value.n - i);
        char c = value.p[i];
        if (whole == 0) {
            strbuf_append_text(out, "\xEF\xBF\xBD");
        } else if (c == '\n') {
            strbuf_append_text(out, "\\n");
        } else if (c == '"' || c == '\\') {
            strbuf_append_char(out, '\\');
            strbuf_append_char(out, c);
        } else if ((unsigned char)c < 0x80) {
            strbuf_append_char(out, c);
        } else {
            uint32_t code = 0;
            size_t n = utf8_decode(value.p + i, value.n - i, &code);
            strbuf_append(out, value.p + i, n);
            i += n - 1;
        }
    }
}

void metrics_text_sample(struct strbuf *out, const char *name, const struct metric_label *labels,
                         size_t label_count, uint64_t value)
{
    strbuf_append_text(out, name);
    for (size_t i = 0; i < label_count; i++) {
        strbuf_append_text(out, i == 0 ? "{" : ",");
        strbuf_append_format(out, "%s=\"", labels[i].name);
        append_value(out, labels[i].value);
        strbuf_append_char(out, '"');
    }
    strbuf_append_text(out, label_count > 0 ? "}" : "");
    strbuf_append_format(out, " %llu\n", (unsigned long long)value);
}

void metrics_text_seconds(struct strbuf *out, const char *name, int64_t ms)
{
    strbuf_append_format(out, "%s %lld.%03lld\n", name, (long long)(ms / 1000),
                         (long long)(ms % 1000));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/service.h"

#include <string.h>

#include "core/base/digest.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"
#include "core/value/builder.h"
#include "core/value/value.h"

struct origin {
    struct str scheme;
    struct str host; /* with its port, if there is one */
};

bool service_has_origin(const struct node *node)
{
    return node->type->origin_key.n > 0;
}

bool service_is_set(const struct node *node)
{
    return (node->type->flags & NODE_TYPE_SET_ORIGIN) != 0;
}

bool service_is_named(const struct node *node)
{
    return (node->type->flags & NODE_TYPE_NAMED_ORIGIN) != 0;
}

int service_find_named(const struct node_type *type, const struct document *settings,
                       const struct document *config, struct document **out_named)
{
    const struct value *name = value_get(document_root(config), type->origin_name);
    const struct value *all = value_get(document_root(settings), type->origin_map);
    const struct value *named = value_is(name, VALUE_STRING) && value_is(all, VALUE_MAP)
                                    ? value_get(all, value_str(name))
                                    : NULL;
    struct builder *b = builder_create();
    if (value_is(named, VALUE_MAP)) {
        builder_embed(b, settings, named);
    } else {
        builder_map_begin(b);
        builder_map_end(b);
    }
    return builder_finish(b, out_named, NULL);
}

/* Names and passwords, path, query: none of it belongs to the origin. */
static bool read_origin(struct str url, struct origin *out)
{
    const char *mark = memmem(url.p, url.n, "://", 3);
    if (mark == NULL || mark == url.p) {
        return false;
    }
    struct str rest = str_make(mark + 3, url.n - (size_t)(mark + 3 - url.p));
    size_t end = 0;
    while (end < rest.n && strchr("/?#\\", rest.p[end]) == NULL) {
        end++;
    }
    const char *at = memrchr(rest.p, '@', end);
    size_t start = at != NULL ? (size_t)(at + 1 - rest.p) : 0;
    out->scheme = str_make(url.p, (size_t)(mark - url.p));
    out->host = str_make(rest.p + start, end - start);
    return out->host.n > 0;
}

static void append_lower(struct str text, struct strbuf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        bool is_upper = text.p[i] >= 'A' && text.p[i] <= 'Z';
        strbuf_append_char(out, is_upper ? (char)(text.p[i] - 'A' + 'a') : text.p[i]);
    }
}

static bool has_port(struct str host)
{
    const char *colon = memrchr(host.p, ':', host.n);
    const char *bracket = memrchr(host.p, ']', host.n);
    return colon != NULL && (bracket == NULL || bracket < colon);
}

static void append_origin(const struct origin *origin, struct strbuf *out)
{
    append_lower(origin->scheme, out);
    strbuf_append_text(out, "://");
    append_lower(origin->host, out);
    if (!has_port(origin->host)) {
        strbuf_append_text(out, str_equal_caseless(origin->scheme, STR("https"))  ? ":443"
                                : str_equal_caseless(origin->scheme, STR("http")) ? ":80"
                                                                                  : "");
    }
}

/* As a file says it; NULL: in another way. */
static const char *rate_unit(int64_t period_ms)
{
    return period_ms == 1000                  ? "second"
           : period_ms == 60 * 1000           ? "minute"
           : period_ms == 60 * 60 * 1000      ? "hour"
           : period_ms == 24 * 60 * 60 * 1000 ? "day"
                                              : NULL;
}

static struct str find_url(const struct node_type *type, const struct document *resolved)
{
    const struct value *url =
        resolved != NULL ? value_get(document_root(resolved), type->origin_key) : NULL;
    return url == NULL                   ? type->origin_default
           : value_is(url, VALUE_STRING) ? value_str(url)
                                         : STR("");
}

void service_append(const struct node *node, const struct document *resolved, struct strbuf *out)
{
    service_append_url(node, find_url(node->type, resolved), out);
}

void service_append_origin_of(const struct node_type *type, const struct document *resolved,
                              struct strbuf *out)
{
    service_append_origin(find_url(type, resolved), out);
}

void service_append_url(const struct node *node, struct str url, struct strbuf *out)
{
    struct origin origin;
    strbuf_append_str(out, node->type->plugin);
    if (url.n > 0 && read_origin(url, &origin)) {
        strbuf_append_char(out, ' ');
        append_origin(&origin, out);
    }
    if (node->secrets.n > 0) {
        strbuf_append_char(out, ' ');
        strbuf_append_str(out, node->secrets);
    }
}

void service_append_origin(struct str url, struct strbuf *out)
{
    struct origin origin;
    if (url.n > 0 && read_origin(url, &origin)) {
        append_origin(&origin, out);
    }
}

/* What stands before the first expression, if a path or more has begun there. */
static struct str fixed_part(struct str url)
{
    const char *brace = url.n > 0 ? memmem(url.p, url.n, "{{", 2) : NULL;
    const char *dollar = url.n > 0 ? memmem(url.p, url.n, "${", 2) : NULL;
    const char *first = brace == NULL || (dollar != NULL && dollar < brace) ? dollar : brace;
    struct str part = first != NULL ? str_make(url.p, (size_t)(first - url.p)) : url;
    const char *mark = part.n > 0 ? memmem(part.p, part.n, "://", 3) : NULL;
    size_t host = mark != NULL ? (size_t)(mark + 3 - part.p) : part.n;
    while (host < part.n && strchr("/?#", part.p[host]) == NULL) {
        host++;
    }
    return host < part.n ? part : STR("");
}

void service_append_fixed_origin(const struct node *node, struct strbuf *out)
{
    const struct value *source = template_source(node->config);
    bool is_here = service_has_origin(node) && !service_is_set(node) && !service_is_named(node);
    const struct value *url =
        value_is(source, VALUE_MAP) && is_here ? value_get(source, node->type->origin_key) : NULL;
    if (value_is(url, VALUE_STRING)) {
        bool is_dynamic = template_is_dynamic(node->config, url);
        service_append_origin(is_dynamic ? fixed_part(value_str(url)) : value_str(url), out);
    }
}

void service_append_rate(const struct rate_settings *settings, struct strbuf *out)
{
    const char *unit = rate_unit(settings->period_ms);
    strbuf_append_format(out, " %u/", settings->limit);
    if (unit != NULL) {
        strbuf_append_text(out, unit);
    } else {
        strbuf_append_format(out, "%lldms", (long long)settings->period_ms);
    }
    if (settings->burst != rate_default_burst(settings->limit)) {
        strbuf_append_format(out, " burst %u", settings->burst);
    }
}

bool service_is_rate(struct str service, struct str key)
{
    size_t i = service.n + 1;
    if (key.n <= i || !str_starts_with(key, service) || key.p[service.n] != ' ') {
        return false;
    }
    if (key.p[i] == '/') {
        return key.n > i + 1;
    }
    while (i < key.n && key.p[i] >= '0' && key.p[i] <= '9') {
        i++;
    }
    return i > service.n + 1 && i < key.n && key.p[i] == '/';
}

void service_append_resource(struct str name, struct strbuf *out)
{
    strbuf_append_text(out, " /");
    strbuf_append_str(out, name);
}

struct str service_resource(struct str key)
{
    const char *mark = key.n > 0 ? memmem(key.p, key.n, " /", 2) : NULL;
    return mark != NULL ? str_make(mark + 2, (size_t)(key.p + key.n - (mark + 2))) : STR("");
}

struct str service_of_resource(struct str key)
{
    struct str name = service_resource(key);
    return name.n > 0 ? str_make(key.p, key.n - name.n - 2) : key;
}

uint64_t service_operation(struct str url)
{
    const char *mark = url.n > 0 ? memmem(url.p, url.n, "://", 3) : NULL;
    size_t begin = mark != NULL ? (size_t)(mark + 3 - url.p) : 0;
    while (begin < url.n && strchr("/?#", url.p[begin]) == NULL) {
        begin++;
    }
    size_t end = begin;
    while (end < url.n && url.p[end] != '?' && url.p[end] != '#') {
        end++;
    }
    uint64_t hash = str_hash(str_make(url.p + begin, end - begin));
    return hash != 0 ? hash : 1;
}

uint64_t service_hash(struct str text)
{
    unsigned char bytes[DIGEST_BYTES];
    uint64_t hash = 0;
    digest_sha256(text, bytes);
    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

void service_append_settings(const struct breaker_settings *settings, struct strbuf *out)
{
    const struct breaker_settings defaults = BREAKER_SETTINGS_DEFAULT;
    struct strbuf text = STRBUF_INIT;
    struct strbuf usual = STRBUF_INIT;
    const struct breaker_settings *both[] = {settings, &defaults};
    struct strbuf *texts[] = {&text, &usual};
    for (size_t i = 0; i < 2; i++) {
        const struct breaker_settings *s = both[i];
        strbuf_append_format(texts[i], "%u %.9g %lld %u %lld %.9g %lld %u %lld",
                             s->failure_threshold, s->failure_rate, (long long)s->window_ms,
                             s->minimum_calls, (long long)s->slow_call_ms, s->slow_call_rate,
                             (long long)s->reset_timeout_ms, s->half_open_calls,
                             (long long)s->half_open_timeout_ms);
    }
    if (!str_equal(strbuf_str(&text), strbuf_str(&usual))) {
        strbuf_append_format(out, " ~%08llx",
                             (unsigned long long)(service_hash(strbuf_str(&text)) & 0xffffffffu));
    }
    strbuf_finish(&text);
    strbuf_finish(&usual);
}

struct str service_of_breaker(struct str key)
{
    const char *mark = key.n > 0 ? memmem(key.p, key.n, " ~", 2) : NULL;
    return mark != NULL ? str_make(key.p, (size_t)(mark - key.p)) : key;
}

bool service_is_breaker(struct str service, struct str key)
{
    return str_equal(service, key) || str_equal(service, service_of_breaker(key));
}

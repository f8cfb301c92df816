/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/tape_match.h"

#include <string.h>

#include "core/base/utf8.h"
#include "core/loop/tape_call.h"

/* What of a text is shown where it differs. */
enum { BEFORE_BYTES = 12, SHOWN_BYTES = 48, URL_SHOWN_BYTES = 200 };

/* Cuts the part up to the next *** off `*rest`; `*out_last`: there was none. */
static struct str next_part(struct str *rest, bool *out_last)
{
    const char *stars = rest->n > 0 ? memmem(rest->p, rest->n, "***", 3) : NULL;
    struct str part = *rest;
    *out_last = stars == NULL;
    if (stars != NULL) {
        part.n = (size_t)(stars - rest->p);
        *rest = str_make(stars + 3, rest->n - part.n - 3);
    }
    return part;
}

bool tape_match_text(struct str recorded, struct str given)
{
    bool is_last = false;
    struct str part = next_part(&recorded, &is_last);
    if (is_last) {
        return str_equal(part, given);
    }
    if (!str_starts_with(given, part)) {
        return false;
    }
    given = str_make(given.p + part.n, given.n - part.n);
    while (!is_last) {
        part = next_part(&recorded, &is_last);
        if (is_last) {
            return str_ends_with(given, part);
        }
        const char *found = part.n > 0 ? memmem(given.p, given.n, part.p, part.n) : given.p;
        if (found == NULL) {
            return false;
        }
        size_t used = (size_t)(found - given.p) + part.n;
        given = str_make(given.p + used, given.n - used);
    }
    return true;
}

/* Of a body that is too large for a tape its size alone is known. */
static bool match_body(const struct tape_body *recorded, const struct tape_body *given)
{
    if (recorded->left_out > 0 || given->left_out > 0) {
        return recorded->left_out > 0 && given->left_out > 0;
    }
    return tape_match_text(recorded->bytes, given->bytes);
}

static bool match_target(const struct tape_request *recorded, const struct tape_request *given)
{
    return str_equal(recorded->method, given->method) && tape_match_text(recorded->url, given->url);
}

struct tape_call *tape_match_find(const struct tape_row *row, const struct tape_request *given)
{
    for (size_t i = 0; i < row->count; i++) {
        struct tape_call *call = row->calls[i];
        if (!call->is_used && match_target(&call->request, given) &&
            match_body(&call->request.body, &given->body)) {
            return call;
        }
    }
    return NULL;
}

/* ---- why there is none ---- */

static size_t same_bytes(struct str a, struct str b)
{
    size_t n = 0;
    while (n < a.n && n < b.n && a.p[n] == b.p[n]) {
        n++;
    }
    return n;
}

/* How near a call is: what is the same in it counts, the URL most; used ones are the last resort.
 */
static size_t nearness(const struct tape_call *call, const struct tape_request *given)
{
    const struct tape_request *request = &call->request;
    size_t most = given->url.n + given->body.bytes.n + 2;
    size_t near = same_bytes(request->body.bytes, given->body.bytes);
    near += str_equal(request->method, given->method) ? 1 : 0;
    near += match_target(request, given) ? 2 * most : 0;
    near += tape_match_text(request->url, given->url) ? most : same_bytes(request->url, given->url);
    return call->is_used ? near / 2 : near;
}

static const struct tape_call *find_nearest(const struct tape_row *row,
                                            const struct tape_request *given)
{
    const struct tape_call *best = NULL;
    size_t best_near = 0;
    for (size_t i = 0; i < row->count; i++) {
        size_t near = nearness(row->calls[i], given);
        if (best == NULL || near > best_near) {
            best = row->calls[i];
            best_near = near;
        }
    }
    return best;
}

/* Some of `text` around the byte `at`, in quotes. */
static void append_around(struct strbuf *out, struct str text, size_t at)
{
    size_t from = at > BEFORE_BYTES ? at - BEFORE_BYTES : 0;
    while (from > 0 && ((unsigned char)text.p[from] & 0xC0) == 0x80) {
        from--; /* in the middle of a character */
    }
    size_t n = text.n - from < SHOWN_BYTES ? text.n - from : SHOWN_BYTES;
    n = utf8_whole_prefix(text.p + from, n);
    strbuf_append_format(out, "'%s%.*s%s'", from > 0 ? "..." : "", (int)n, text.p + from,
                         from + n < text.n ? "..." : "");
}

static void append_body_difference(const struct tape_body *there, const struct tape_body *here,
                                   struct strbuf *out)
{
    if (there->left_out > 0 || here->left_out > 0) {
        strbuf_append_text(out, there->left_out > 0
                                    ? "its body is too large for a tape, this is not"
                                    : "this body is too large for a tape");
        return;
    }
    bool is_text = utf8_valid_prefix(there->bytes.p, there->bytes.n) == there->bytes.n &&
                   utf8_valid_prefix(here->bytes.p, here->bytes.n) == here->bytes.n;
    size_t at = same_bytes(there->bytes, here->bytes);
    strbuf_append_format(out, "its body differs from byte %zu on", at + 1);
    if (is_text) {
        strbuf_append_text(out, ": there ");
        append_around(out, there->bytes, at);
        strbuf_append_text(out, ", here ");
        append_around(out, here->bytes, at);
    }
}

static void append_url(struct strbuf *out, const struct tape_request *request)
{
    size_t n = request->url.n < URL_SHOWN_BYTES ? request->url.n : URL_SHOWN_BYTES;
    n = utf8_whole_prefix(request->url.p, n);
    strbuf_append_format(out, "%.*s %.*s%s", STR_ARG(request->method), (int)n,
                         n > 0 ? request->url.p : "", n < request->url.n ? "..." : "");
}

void tape_match_append_why(const struct tape_row *row, const struct tape_request *given,
                           struct strbuf *out)
{
    const struct tape_call *nearest = find_nearest(row, given);
    if (nearest == NULL) {
        strbuf_append_text(out, "it has no calls");
        return;
    }
    strbuf_append_format(out, "the nearest is in line %u: ", (unsigned)nearest->line);
    append_url(out, &nearest->request);
    if (match_target(&nearest->request, given) &&
        !match_body(&nearest->request.body, &given->body)) {
        strbuf_append_text(out, "; ");
        append_body_difference(&nearest->request.body, &given->body, out);
    } else if (nearest->is_used) {
        strbuf_append_text(out, "; it was made already");
    }
}

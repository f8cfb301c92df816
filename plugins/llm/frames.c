/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <string.h>

static ops_str trim(ops_str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) {
        s.n--;
    }
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    return s;
}

static void end_event(struct frames *frames, frames_cb cb, void *user)
{
    if (frames->has_data && frames->data.n > 0 && !frames->data.failed) {
        cb(user, text_str(&frames->data));
    }
    frames->data.n = 0;
    frames->has_data = 0;
}

/* "data: {...}"; other fields say nothing that is needed. */
static void read_field(struct frames *frames, ops_str line)
{
    const char *colon = memchr(line.p, ':', (size_t)line.n);
    uint64_t n = colon != NULL ? (uint64_t)(colon - line.p) : line.n;
    if (n != 4 || memcmp(line.p, "data", 4) != 0) {
        return;
    }

    ops_str value = {NULL, 0};
    if (colon != NULL) {
        uint64_t at = n + 1;
        at += at < line.n && line.p[at] == ' ';
        value.p = line.p + at;
        value.n = line.n - at;
    }
    if (frames->has_data) {
        text_append(&frames->data, "\n", 1);
    }
    text_append_str(&frames->data, value);
    frames->has_data = 1;
}

static void end_line(struct frames *frames, frames_cb cb, void *user)
{
    ops_str line = text_str(&frames->line);
    if (!frames->is_begun && line.n >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0) {
        line.p += 3;
        line.n -= 3;
    }
    frames->is_begun = 1;
    if (frames->kind == FRAMES_LINES) {
        line = trim(line);
        if (line.n > 0) {
            cb(user, line);
        }
    } else if (line.n == 0) {
        end_event(frames, cb, user);
    } else {
        read_field(frames, line);
    }
    frames->line.n = 0;
}

static size_t find_end(const struct frames *frames, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' || (p[i] == '\r' && frames->kind == FRAMES_EVENTS)) {
            return i;
        }
    }
    return n;
}

static int is_too_much(const struct frames *frames)
{
    return frames->line.failed || frames->data.failed ||
           frames->line.n + frames->data.n > FRAMES_MAX_BYTES;
}

int frames_feed(struct frames *frames, ops_str bytes, frames_cb cb, void *user)
{
    const char *p = bytes.p;
    size_t n = (size_t)bytes.n;
    while (n > 0 && !frames->has_failed) {
        if (frames->skips_lf && *p == '\n') {
            p++;
            n--;
        }
        frames->skips_lf = 0;
        size_t end = find_end(frames, p, n);
        text_append(&frames->line, p, end);
        frames->has_failed = is_too_much(frames);
        if (end < n && !frames->has_failed) {
            frames->skips_lf = p[end] == '\r';
            end_line(frames, cb, user);
            frames->has_failed = is_too_much(frames);
            end++;
        }
        p += end;
        n -= end;
    }
    return !frames->has_failed;
}

void frames_end(struct frames *frames, frames_cb cb, void *user)
{
    if (frames->has_failed) {
        return;
    }
    if (frames->line.n > 0) {
        end_line(frames, cb, user);
    }
    if (frames->kind == FRAMES_EVENTS) {
        end_event(frames, cb, user);
    }
}

void frames_finish(struct frames *frames)
{
    text_finish(&frames->line);
    text_finish(&frames->data);
}

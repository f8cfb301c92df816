/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cut where there is no more room: what is shown is for people. */
static void print(char *out, size_t size, const char *format, va_list args)
{
    if (vsnprintf(out, size, format, args) < 0) {
        out[0] = '\0';
    }
}

void verdict_stage(struct verdict *verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(verdict->stage, sizeof verdict->stage, format, args);
    va_end(args);
}

void verdict_remark(struct verdict *verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(verdict->remark, sizeof verdict->remark, format, args);
    va_end(args);
}

static void add(struct verdict *verdict, const char *format, va_list args)
{
    size_t room = sizeof verdict->texts - verdict->used;
    if (verdict->finding_count == VERDICT_FINDINGS_MOST || room < 2) {
        verdict->lost_count++;
        return;
    }
    print(verdict->texts + verdict->used, room, format, args);
    verdict->used += strlen(verdict->texts + verdict->used) + 1;
    verdict->finding_count++;
}

void verdict_fail(struct verdict *verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(verdict, format, args);
    va_end(args);
    verdict->outcome = VERDICT_FAILED;
}

void verdict_skip(struct verdict *verdict, const char *format, ...)
{
    if (verdict->outcome == VERDICT_FAILED) {
        return;
    }
    va_list args;
    va_start(args, format);
    add(verdict, format, args);
    va_end(args);
    verdict->outcome = VERDICT_SKIPPED;
}

const char *verdict_finding(const struct verdict *verdict, size_t i)
{
    const char *text = verdict->texts;
    if (i >= verdict->finding_count) {
        return NULL;
    }
    while (i-- > 0) {
        text += strlen(text) + 1;
    }
    return text;
}

const char *verdict_outcome_name(const struct verdict *verdict)
{
    static const char *const names[] = {"ok", "failed", "skipped"};
    return names[verdict->outcome];
}

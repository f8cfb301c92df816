/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/admission.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/check.h"

void admission_set_limits(struct admission *admission, const struct admission_load *limits)
{
    const uint64_t default_bytes = (uint64_t)ADMISSION_DEFAULT_MEMORY_MB * 1024 * 1024;
    admission->limits = (struct admission_load){
        .runs = limits->runs > 0 ? limits->runs : ADMISSION_DEFAULT_RUNS,
        .writes = limits->writes > 0 ? limits->writes : ADMISSION_DEFAULT_WRITES,
        .memory_bytes = limits->memory_bytes > 0 ? limits->memory_bytes : default_bytes,
    };
}

void admission_init(struct admission *admission, const struct admission_load *limits)
{
    *admission = (struct admission){0};
    admission_set_limits(admission, limits);
}

static uint32_t *bucket_of(struct admission *admission, int64_t second)
{
    return &admission->ended[(uint64_t)second % ADMISSION_WINDOW_S];
}

void admission_note_end(struct admission *admission, int64_t now_unix_ms)
{
    int64_t second = now_unix_ms / 1000;
    if (second - admission->second >= ADMISSION_WINDOW_S) {
        memset(admission->ended, 0, sizeof(admission->ended));
        admission->second = second;
    }
    while (admission->second < second) {
        admission->second++;
        *bucket_of(admission, admission->second) = 0;
    }
    (*bucket_of(admission, admission->second))++;
}

enum admission_answer admission_ask(const struct admission *admission,
                                    const struct admission_load *load)
{
    const struct admission_load *limits = &admission->limits;
    if (load->writes >= limits->writes) {
        return ADMISSION_WRITES;
    }
    if (load->runs >= limits->runs) {
        return ADMISSION_RUNS;
    }
    return load->memory_bytes >= limits->memory_bytes ? ADMISSION_MEMORY : ADMISSION_OPEN;
}

/* In the window that ends now. */
static uint64_t ends_lately(const struct admission *admission, int64_t now_unix_ms)
{
    uint64_t sum = 0;
    for (int64_t age = 0; age < ADMISSION_WINDOW_S; age++) {
        int64_t second = admission->second - age;
        bool is_within = now_unix_ms / 1000 - second < ADMISSION_WINDOW_S && second >= 0;
        sum += is_within ? admission->ended[second % ADMISSION_WINDOW_S] : 0;
    }
    return sum;
}

uint32_t admission_retry_after_s(const struct admission *admission, enum admission_answer answer,
                                 const struct admission_load *load, int64_t now_unix_ms)
{
    uint64_t limit = admission->limits.runs;
    uint64_t needed = load->runs >= limit && answer == ADMISSION_RUNS ? load->runs - limit + 1 : 1;
    uint64_t ends = ends_lately(admission, now_unix_ms);
    if (answer == ADMISSION_OPEN || answer == ADMISSION_WRITES) {
        return 1;
    }
    if (ends == 0) {
        return ADMISSION_WINDOW_S;
    }
    double seconds = (double)needed * ADMISSION_WINDOW_S / (double)ends;
    return seconds < 1                      ? 1
           : seconds >= ADMISSION_LONGEST_S ? ADMISSION_LONGEST_S
                                            : (uint32_t)(seconds + 0.999);
}

const char *admission_answer_name(enum admission_answer answer)
{
    static const char *const names[ADMISSION_ANSWERS] = {
        [ADMISSION_OPEN] = "open",
        [ADMISSION_WRITES] = "writes",
        [ADMISSION_RUNS] = "runs",
        [ADMISSION_MEMORY] = "memory",
    };
    CHECK((unsigned)answer < ADMISSION_ANSWERS);
    return names[answer];
}

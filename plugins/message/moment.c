/* SPDX-License-Identifier: Apache-2.0 */
#include "message/moment.h"

#include <time.h>

static struct tm read_moment(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    (void)gmtime_r(&seconds, &tm); /* beyond the years of an int: 1970 */
    return tm;
}

void moment_write(int64_t unix_ms, char out[MOMENT_BYTES])
{
    struct tm tm = read_moment(unix_ms);
    (void)strftime(out, MOMENT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm); /* it fits */
}

void moment_write_local(int64_t local_ms, char out[MOMENT_BYTES])
{
    struct tm tm = read_moment(local_ms);
    (void)strftime(out, MOMENT_BYTES, "%Y-%m-%d %H:%M", &tm); /* it fits */
}

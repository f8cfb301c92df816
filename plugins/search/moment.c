/* SPDX-License-Identifier: Apache-2.0 */
#include "moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HOUR_SECONDS = 3600, MINUTE_SECONDS = 60 };

/* The digits behind the second's dot as milliseconds; what is smaller is dropped. */
static int read_fraction(const char **at)
{
    int ms = 0;
    int unit = 100;
    if (**at != '.') {
        return 0;
    }
    for (++*at; **at >= '0' && **at <= '9'; ++*at) {
        ms += (**at - '0') * unit;
        unit /= 10;
    }
    return ms;
}

/* Seconds east of Greenwich. 0: there is no zone, or something behind it. */
static int read_zone(const char *at, int *out)
{
    int hours = 0;
    int minutes = 0;
    int n = 0;
    if ((*at == 'Z' || *at == 'z') && at[1] == '\0') {
        *out = 0;
        return 1;
    }
    if ((*at != '+' && *at != '-') || sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 ||
        at[1 + n] != '\0' || hours > 23 || minutes > 59) {
        return 0;
    }
    *out = (*at == '-' ? -1 : 1) * (hours * HOUR_SECONDS + minutes * MINUTE_SECONDS);
    return 1;
}

int moment_read(ops_str text, int64_t *out_unix_ms)
{
    char line[MOMENT_BYTES + 1];
    struct tm tm = {0};
    char between = 0;
    int n = 0;
    int zone = 0;
    if (text.n == 0 || text.n > MOMENT_BYTES) {
        return 0;
    }
    memcpy(line, text.p, (size_t)text.n);
    line[text.n] = '\0';
    int fields = sscanf(line, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &between, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n);
    if (fields != 7 || (between != 'T' && between != 't') || tm.tm_year < 1) {
        return 0;
    }
    const char *at = line + n;
    int ms = read_fraction(&at);
    if (!read_zone(at, &zone)) {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out_unix_ms = ((int64_t)timegm(&tm) - zone) * 1000 + ms;
    return 1;
}

void moment_write(int64_t unix_ms, char out[MOMENT_BYTES])
{
    int64_t ms = ((unix_ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm tm;
    char date[24] = "";
    if (gmtime_r(&seconds, &tm) != NULL) {
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm); /* fits */
    }
    (void)snprintf(out, MOMENT_BYTES, "%s.%03dZ", date, (int)ms);
}

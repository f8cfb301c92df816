/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/interrupts.h"

#include <signal.h>

#include "core/base/clock.h"

/* Nobody presses a key twice so fast. */
static const int64_t ECHO_NS = 200 * 1000000LL;

void interrupts_init(struct interrupts *interrupts)
{
    struct sigaction action = {0};
    *interrupts = (struct interrupts){0};
    interrupts->ignores_hangup = sigaction(SIGHUP, NULL, &action) == 0 &&
                                 action.sa_handler == SIG_IGN;
}

unsigned interrupts_take(struct interrupts *interrupts, int signal_number)
{
    int64_t now_ns = clock_monotonic_ns();
    if (signal_number == SIGHUP && interrupts->ignores_hangup) {
        return 0;
    }
    if (interrupts->count > 0 && interrupts->last_signal == signal_number &&
        now_ns - interrupts->last_ns < ECHO_NS) {
        return 0;
    }
    interrupts->last_signal = signal_number;
    interrupts->last_ns = now_ns;
    return ++interrupts->count;
}

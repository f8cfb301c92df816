/* SPDX-License-Identifier: Apache-2.0 */

/* What a mail server says, line by line: what is kept of it is bounded text, and a message counts
 * as taken only after as many replies as it needs. The first byte: how many recipients. */

#include <stdlib.h>
#include <string.h>

#include "core/net/mail_call.h"
#include "tests/fuzz/fuzz.h"

static void check_reply(const struct mail_reply *reply)
{
    if (reply->code < 0 || reply->code > 999 || reply->n >= MAIL_REPLY_BYTES) {
        abort();
    }
    for (size_t i = 0; i < reply->n; i++) {
        if (reply->text[i] < ' ' || reply->text[i] > '~') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mail_talk talk = {0};
    size_t recipients = size > 0 ? data[0] % 4 + 1u : 1;
    struct str rest = str_make((const char *)data + (size > 0), size - (size > 0));
    size_t lines = 0;
    bool goes_on = true;
    while (rest.n > 0 && goes_on) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) + 1 : rest.n;
        talk.is_ready = talk.is_ready || lines == 2;
        goes_on = mail_talk_add_line(&talk, recipients, str_make(rest.p, n));
        rest = str_make(rest.p + n, rest.n - n);
        lines++;
    }
    check_reply(&talk.refusal);
    check_reply(&talk.answer);
    if ((mail_talk_is_good(&talk) && lines < recipients + 5) ||
        (!goes_on && talk.trouble != MAIL_TALKATIVE)) {
        abort();
    }
    (void)mail_talk_step(&talk, recipients);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/queue_priority.h"

#include <stddef.h>

const char *const queue_priority_words[] = {"high", "normal", "low", NULL};

const char *queue_priority_name(enum queue_priority priority)
{
    return queue_priority_words[(int)priority - QUEUE_PRIORITY_HIGH];
}

bool queue_priority_find(struct str word, enum queue_priority *out_priority)
{
    for (int i = 0; queue_priority_words[i] != NULL; i++) {
        if (str_equal_text(word, queue_priority_words[i])) {
            *out_priority = (enum queue_priority)(i + QUEUE_PRIORITY_HIGH);
            return true;
        }
    }
    return false;
}

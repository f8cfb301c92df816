/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/journal.h"

bool journal_keeps(const struct journal *journal)
{
    return journal->keeps;
}

uint64_t journal_next_run(struct journal *journal)
{
    return ++journal->next_run;
}

int journal_append(struct journal *journal, const struct journal_write *write, journal_append_cb cb,
                   void *user, struct error *err)
{
    return journal->class_->append(journal, write, cb, user, err);
}

void journal_collect(struct journal *journal)
{
    journal->class_->collect(journal);
}

void journal_close(struct journal *journal)
{
    if (journal != NULL) {
        journal->class_->close(journal);
    }
}

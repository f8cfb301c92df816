/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/journal.h"

int journal_append(struct journal *journal, const struct batch *batch, journal_append_cb cb,
                   void *user, struct error *err)
{
    return journal->class_->append(journal, batch, cb, user, err);
}

void journal_collect(struct journal *journal)
{
    journal->class_->collect(journal);
}

int journal_read(struct journal *journal, struct str id, journal_each_cb each, void *user)
{
    return journal->class_->read(journal, id, each, user);
}

void journal_drop(struct journal *journal, struct str id)
{
    journal->class_->drop(journal, id);
}

void journal_close(struct journal *journal)
{
    if (journal != NULL) {
        journal->class_->close(journal);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_STAND_INS_H
#define CORE_CLI_SECRET_STAND_INS_H

/*
 * Secret stand-ins: while a tape is played nothing goes out, so a pipeline's secrets need not be
 * set: each that it cannot do without gets a text in its place, which is hidden as a secret is and
 * so fits the *** of a tape. One that the pipeline only asks about, has(secrets.NAME), stays unset.
 *
 * Used by:  workspace.
 * Uses:     value (secrets), base.
 * Threads:  [loop]
 */

#include "core/base/strmap.h"
#include "core/value/secrets.h"

struct secret_stand_ins {
    struct secrets_source source; /* that is asked first */
    struct strmap names;          /* each is its own value: owned */
};

/* `source` (copied) with stand-ins behind it; `stand_ins` is kept. */
struct secrets_source secret_stand_ins_init(struct secret_stand_ins *stand_ins,
                                            const struct secrets_source *source);
void secret_stand_ins_finish(struct secret_stand_ins *stand_ins);

/* From here on there is one for `name`, where it is not set. Fails with E_NOMEM. */
int secret_stand_ins_add(struct secret_stand_ins *stand_ins, struct str name, struct error *err);

#endif

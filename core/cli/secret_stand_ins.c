/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_stand_ins.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/guarded.h"

/* A stand-in never changes. */
enum { STAMP = 1 };

static int make_reading(struct str name, struct secrets_reading *out_reading, struct error *err)
{
    static const char before[] = "stand-in-for-";
    size_t start = sizeof(before) - 1;
    struct secrets_reading reading = {.n = start + name.n, .stamp = STAMP};
    reading.p = guarded_alloc(reading.n + 1);
    if (reading.p == NULL) {
        return error_nomem(err);
    }
    memcpy(reading.p, before, start);
    memcpy(reading.p + start, name.p, name.n);
    *out_reading = reading;
    return 0;
}

static int read_one(void *user, struct str name, uint64_t known,
                    struct secrets_reading *out_reading, struct error *err)
{
    const struct secret_stand_ins *stand_ins = user;
    const struct secrets_source *source = &stand_ins->source;
    int status = source->read(source->user, name, known, out_reading, err);
    if (status != SECRETS_ABSENT || strmap_get(&stand_ins->names, name) == NULL) {
        return status;
    }
    return known == STAMP ? SECRETS_UNCHANGED : make_reading(name, out_reading, err);
}

static int bind(void *user, struct str name, struct secrets_binding *binding, struct error *err)
{
    const struct secret_stand_ins *stand_ins = user;
    return stand_ins->source.bind(stand_ins->source.user, name, binding, err);
}

static void append_places(void *user, struct str name, struct strbuf *out)
{
    const struct secret_stand_ins *stand_ins = user;
    stand_ins->source.append_places(stand_ins->source.user, name, out);
}

struct secrets_source secret_stand_ins_init(struct secret_stand_ins *stand_ins,
                                            const struct secrets_source *source)
{
    *stand_ins = (struct secret_stand_ins){.source = *source, .names = STRMAP_INIT};
    return (struct secrets_source){
        .user = stand_ins, .read = read_one, .bind = bind, .append_places = append_places};
}

void secret_stand_ins_finish(struct secret_stand_ins *stand_ins)
{
    size_t cursor = 0;
    char *name = NULL;
    while ((name = strmap_next(&stand_ins->names, &cursor, NULL)) != NULL) {
        free(name);
    }
    strmap_finish(&stand_ins->names);
    *stand_ins = (struct secret_stand_ins){0};
}

int secret_stand_ins_add(struct secret_stand_ins *stand_ins, struct str name, struct error *err)
{
    cleanup_free char *kept = str_dup(name);
    int status = kept != NULL ? strmap_add(&stand_ins->names, str_from(kept), kept) : E_NOMEM;
    if (status == E_EXISTS) {
        return 0;
    }
    if (status != 0) {
        return error_nomem(err);
    }
    (void)take_pointer(&kept);
    return 0;
}

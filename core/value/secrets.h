/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SECRETS_H
#define CORE_VALUE_SECRETS_H

/*
 * Secrets: their values by name, and the mask that hides them. A secret comes from the environment
 * variable OPSTREAM_SECRET_NAME (the name in capitals, '-' and '.' as '_'), which never changes, or
 * from a source that is asked each time that the secret is needed, so that a new value counts at
 * once. The last SECRETS_KEPT_VALUES values of a secret stay hidden: who was given one may show it
 * later.
 *
 * Used by:  model (names), engine (values), loop (the mask, the source), cli.
 * Uses:     mask, secret_hosts.
 * Threads:  [loop]; looking at a secret may change what is kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;
struct mask;
struct secrets;

#define SECRETS_VARIABLE_PREFIX "OPSTREAM_SECRET_"

enum {
    SECRETS_MAX_NAME_BYTES = 128,
    SECRETS_MIN_BYTES = 4, /* of a value: anything shorter stands in too many harmless texts */
    SECRETS_MAX_BYTES = 64 * 1024,
    SECRETS_KEPT_VALUES = 16,
    SECRETS_ADOPTED_MOST = 256,
    SECRETS_HIDDEN_MOST = 1024, /* values of definitions */
};

/* A variable's name, NUL-terminated. */
struct secrets_variable {
    char text[sizeof(SECRETS_VARIABLE_PREFIX) + SECRETS_MAX_NAME_BYTES];
};

/*
 * The variable of the secret `name`. False when no secret can have this name: it has 1 to 128
 * letters, digits, '_', '-' and '.'.
 */
bool secrets_variable_of(struct str name, struct secrets_variable *out_variable);

/* Why `value` cannot be a secret's: "is shorter than 4 bytes", ...; NULL when it can. Static. */
const char *secrets_fault_of(struct str value);

/* Where else than in the environment secrets are. */
enum {
    SECRETS_ABSENT = 1,
    SECRETS_UNCHANGED = 2,
};

/* A value that was read, in memory of guarded_alloc(n + 1). */
struct secrets_reading {
    char *p;
    size_t n;
    uint64_t stamp; /* of this value; 0: it has none, and is read each time */
};

/* Where a secret may go. */
struct secrets_binding {
    struct strbuf hosts;   /* as in secret_hosts.h */
    bool is_bound;         /* to `hosts` alone; else to what the definition says literally */
    bool allows_processes; /* bound, and child processes may have it all the same */
};

struct secrets_source {
    void *user;
    /*
     * Reads `name` as it is now: 0, and `*out_reading` is owned by the caller; SECRETS_UNCHANGED:
     * its stamp is still `known`, which is not 0; SECRETS_ABSENT; or a negative code when it is
     * there and cannot be read: `err` says where, why and what to do.
     */
    int (*read)(void *user, struct str name, uint64_t known, struct secrets_reading *out_reading,
                struct error *err);
    /* Adds to `binding` what is said of `name`. Fails as read(). */
    int (*bind)(void *user, struct str name, struct secrets_binding *binding, struct error *err);
    /* Appends where `name` was looked for: "the folder '/run/secrets' and ...". */
    void (*append_places)(void *user, struct str name, struct strbuf *out);
};

/*
 * Reads the secrets of an environment: `entries` (borrowed, NULL-terminated) are NAME=VALUE. Of two
 * entries with one name the first counts, as in getenv(). Values with a fault are not given out.
 * On success `*out_secrets` is owned: secrets_destroy().
 * Fails with E_NOMEM, and E_LIMIT as mask_create() does.
 */
int secrets_create(const char *const *entries, struct secrets **out_secrets, struct error *err);

/* Clears the values before their memory is given back. NULL is fine. */
void secrets_destroy(struct secrets *secrets);

/* What is asked behind the environment; its members are copied, `user` is kept. */
void secrets_set_source(struct secrets *secrets, const struct secrets_source *source);

/*
 * The value of `name`, borrowed: it stays as long as SECRETS_KEPT_VALUES say. `secrets` may be
 * NULL. Fails with E_NOT_FOUND ("the secret 'x' is not set"), E_INVALID (it has a fault, or no
 * secret can have the name), E_LIMIT, E_NOMEM, and as its source.
 */
int secrets_look(struct secrets *secrets, struct str name, struct str *out_value,
                 struct error *err);

/*
 * Appends how `name` is set, and where it was looked for: "set OPSTREAM_SECRET_X, or ...".
 * `secrets` may be NULL.
 */
void secrets_append_cure(const struct secrets *secrets, struct str name, struct strbuf *out);

/* Where `name` may go. `binding` is to be ended in every case. Fails as the source. */
int secrets_bind(const struct secrets *secrets, struct str name, struct secrets_binding *binding,
                 struct error *err);
void secrets_binding_finish(struct secrets_binding *binding);

/* A text that is no secret by itself, but was made of one. Borrowed. */
struct secrets_adoption {
    struct str name; /* of the secret that it was made of */
    struct str text;
    int64_t until_ms; /* when it is good for nothing any more */
};

/*
 * From here on the text is hidden as the values of its secret are, and counts as one of them in
 * secrets_is_in(). Those whose time is over at `now_ms` are forgotten, and the one whose time ends
 * first when there are more than SECRETS_ADOPTED_MOST. Fails as secrets_look() for a value with a
 * fault, with E_NOMEM, and E_LIMIT; then nothing has changed but what is forgotten.
 */
int secrets_adopt(struct secrets *secrets, const struct secrets_adoption *adoption, int64_t now_ms,
                  struct error *err);

/*
 * Whether a value of `name` that was looked at is in `text`, in any form that a mask finds. True as
 * well when memory runs out.
 */
bool secrets_is_in(struct secrets *secrets, struct str name, struct str text);

/*
 * Hides `value` (copied), a secret that stands in a definition; secrets_fault_of() has nothing
 * against it. The last SECRETS_HIDDEN_MOST of them stay hidden. `secrets` may be NULL: nothing is
 * kept. Fails with E_LIMIT, E_NOMEM.
 */
int secrets_hide(struct secrets *secrets, struct str value, struct error *err);

/* The same as secrets_is_in() for such a value. `secrets` may be NULL. */
bool secrets_is_hidden_in(struct secrets *secrets, struct str value, struct str text);

/* How many variables there are, also those whose value has a fault. `secrets` may be NULL. */
size_t secrets_count(const struct secrets *secrets);

/* Whether the environment has `name`, be it with a fault. `secrets` may be NULL. */
bool secrets_has_variable(const struct secrets *secrets, struct str name);

/* The i-th variable's name, borrowed; empty at the end. */
struct str secrets_variable_at(const struct secrets *secrets, size_t index);

/*
 * One of them as NAME=VALUE, for the environment of another process of this program. Owned:
 * secrets_free_entry(), which clears it. NULL: out of memory.
 */
char *secrets_copy_entry(const struct secrets *secrets, size_t index);
void secrets_free_entry(char *entry);

/*
 * Hides all values that were looked at, those of the environment and those of secrets_hide();
 * borrowed until the next secrets_look() or secrets_hide(). NULL when there is nothing to hide.
 * `secrets` may be NULL.
 */
const struct mask *secrets_mask(const struct secrets *secrets);

#endif

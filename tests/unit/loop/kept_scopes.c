/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/loop/kept_scopes.h"

void kept_scopes_init(struct kept_scopes *kept)
{
    *kept = (struct kept_scopes){
        .loading = {.engine_types = pipeline_fixture_options()->engine_types},
        .batch = BATCH_INIT,
    };
    store_fixture_init(&kept->store);
}

void kept_scopes_add(struct kept_scopes *kept, const char *kind, const char *key, const char *json)
{
    struct document *known = pipeline_fixture_json(json);
    batch_add_scope(&kept->batch,
                    &(struct scope_change){.kind = kind, .key = str_from(key), .state = known});
    document_unref(known);
}

static void begin(struct kept_scopes *kept)
{
    const struct loop_options options = {0};
    struct error err = {0};
    if (loop_create(&options, &kept->loop, &err) != 0 ||
        loop_keep_state(kept->loop, kept->store.folder, &kept->loading, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

void kept_scopes_open(struct kept_scopes *kept)
{
    store_fixture_write(&kept->store, &kept->batch);
    store_fixture_close(&kept->store);
    batch_finish(&kept->batch);
    kept->batch = BATCH_INIT;
    begin(kept);
}

void kept_scopes_reopen(struct kept_scopes *kept)
{
    loop_close(kept->loop);
    begin(kept);
}

void kept_scopes_finish(struct kept_scopes *kept)
{
    loop_close(kept->loop);
    store_fixture_finish(&kept->store);
}

void kept_scopes_expect_found(struct kept_scopes *kept, kept_scopes_find find, const char *part,
                              const char *scope)
{
    struct str found = STR("");
    struct error err = {0};
    if (find(kept->loop, str_from(part), &found, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(str_equal_text(found, scope));
}

void kept_scopes_expect_refused(struct kept_scopes *kept, kept_scopes_find find, const char *part,
                                int status, const char *words)
{
    struct str found = STR("");
    struct error err = {0};
    assert_int_equal(find(kept->loop, str_from(part), &found, &err), status);
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' has no '%s'", err.message, words);
    }
}

void kept_scopes_on_answer(void *user, int status, const struct error *err)
{
    *(bool *)user = true;
    if (status != 0) {
        fail_msg("%s", err->message);
    }
}

void kept_scopes_on_refused(void *user, int status, const struct error *err)
{
    *(int *)user = status;
    assert_int_equal(err->code, status);
}

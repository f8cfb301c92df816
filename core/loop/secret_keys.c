/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_keys.h"

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_file.h"
#include "core/loop/secret_seal.h"

enum { KEY_LINE_BYTES = 2 * SECRET_KEY_BYTES + 1, KEY_FILE_MAX_BYTES = 8 * 1024 };

struct secret_keys *secret_keys_create(void)
{
    return guarded_alloc(sizeof(struct secret_keys));
}

void secret_keys_destroy(struct secret_keys *keys)
{
    guarded_free(keys, sizeof(*keys));
}

static int name_key(struct secret_keys *keys, size_t i, struct error *err)
{
    const struct secret_module *module = NULL;
    unsigned char id[SECRET_KEY_ID_BYTES];
    int status = secret_seal_module(&module, err);
    if (status == 0) {
        module->key_id(keys->keys[i].bytes, id);
        digest_format_hex(id, sizeof(id), keys->keys[i].id);
    }
    return status;
}

static int add_line(struct secret_keys *keys, struct str line, const char *path, struct error *err)
{
    if (line.n == 0 || line.p[0] == '#') {
        return 0;
    }
    if (keys->count == SECRET_KEYS_MOST) {
        return error_set(err, E_LIMIT, "'%s' has more than %d keys", path, SECRET_KEYS_MOST);
    }
    if (!secret_seal_read_hex(line, keys->keys[keys->count].bytes, SECRET_KEY_BYTES)) {
        return error_set(err, E_CORRUPT,
                         "'%s' is damaged: a key is a line of %d hex digits; bring the file back "
                         "from a copy",
                         path, 2 * SECRET_KEY_BYTES);
    }
    return name_key(keys, keys->count++, err);
}

static int add_lines(struct secret_keys *keys, struct str text, const char *path, struct error *err)
{
    int status = 0;
    size_t before = keys->count;
    while (text.n > 0 && status == 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        status = add_line(keys, str_trim(str_make(text.p, n)), path, err);
        n += end != NULL;
        text = str_make(text.p + n, text.n - n);
    }
    if (status == 0 && keys->count == before) {
        return error_set(err, E_CORRUPT, "'%s' is damaged: there is no key in it", path);
    }
    return status;
}

int secret_keys_read(struct secret_keys *keys, int folder, const char *path, struct error *err)
{
    struct secret_file file = {0};
    /* A credential may be readable by the group of its service. */
    bool is_credential = str_ends_with(str_from(path), STR("/" SECRET_KEYS_CREDENTIAL));
    const struct secret_file_wish wish = {.folder = folder,
                                          .path = path,
                                          .flags = is_credential ? SECRET_FILE_GROUP_READS : 0,
                                          .limit_bytes = KEY_FILE_MAX_BYTES};
    int status = secret_file_read(&wish, &file, err);
    if (status == 0) {
        status = add_lines(keys, str_make(file.p, file.n), path, err);
    }
    secret_file_finish(&file);
    return status;
}

int secret_keys_add_new(struct secret_keys *keys, struct error *err)
{
    const struct secret_module *module = NULL;
    int status = secret_seal_module(&module, err);
    if (status != 0) {
        return status;
    }
    if (keys->count == SECRET_KEYS_MOST) {
        return error_set(err, E_LIMIT, "there are %d keys already", SECRET_KEYS_MOST);
    }
    memmove(&keys->keys[1], &keys->keys[0], keys->count * sizeof(keys->keys[0]));
    keys->count++;
    if (module->random(keys->keys[0].bytes, SECRET_KEY_BYTES) != 0) {
        return error_set(err, E_IO, "the system gives no random bytes for a key");
    }
    return name_key(keys, 0, err);
}

static size_t place_of(const struct secret_keys *keys, struct str id)
{
    size_t i = 0;
    while (i < keys->count && !str_equal_text(id, keys->keys[i].id)) {
        i++;
    }
    return i;
}

const unsigned char *secret_keys_find(const struct secret_keys *keys, struct str id)
{
    size_t i = place_of(keys, id);
    return i < keys->count ? keys->keys[i].bytes : NULL;
}

void secret_keys_keep(struct secret_keys *keys, struct str id)
{
    size_t i = place_of(keys, id);
    if (i < keys->count) {
        keys->keys[0] = keys->keys[i];
        explicit_bzero(&keys->keys[1], sizeof(keys->keys) - sizeof(keys->keys[0]));
        keys->count = 1;
    }
}

int secret_keys_write(const struct secret_keys *keys, int folder, const char *path,
                      struct error *err)
{
    size_t size = keys->count * KEY_LINE_BYTES + 1;
    char *text = guarded_alloc(size);
    if (text == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < keys->count; i++) {
        char *line = text + i * KEY_LINE_BYTES;
        digest_format_hex(keys->keys[i].bytes, SECRET_KEY_BYTES, line);
        line[KEY_LINE_BYTES - 1] = '\n';
    }
    int status = secret_file_write(folder, path, str_make(text, size - 1), err);
    guarded_free(text, size);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_path.h"

bool job_path_append(struct str id, struct str run_id, struct str path, struct strbuf *out)
{
    bool is_below = run_id.n > id.n && str_starts_with(run_id, id) && run_id.p[id.n] == '/';
    if (!is_below && !str_equal(run_id, id)) {
        return false;
    }
    if (is_below) {
        strbuf_append(out, run_id.p + id.n + 1, run_id.n - id.n - 1);
        strbuf_append_text(out, path.n > 0 ? "/" : "");
    }
    strbuf_append_str(out, path);
    return true;
}

bool job_path_is_inside(struct str path, struct str node)
{
    if (node.n == 0) {
        return true;
    }
    if (!str_starts_with(path, node)) {
        return false;
    }
    return path.n == node.n || (path.p[node.n] != '\0' && strchr("[.#@/", path.p[node.n]) != NULL);
}

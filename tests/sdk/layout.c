/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The layout of the plugin interface, epoch 1, byte for byte. A line that does not compile is a
 * break of every plugin in the world. Lines are added when something is appended; the SIZE of a
 * struct grows then, and nothing else in this file ever changes. See sdk/ABI.md.
 */

#include "opstream/plugin.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")
#define NUMBER(name, value) _Static_assert((name) == (value), #name " has changed")

_Static_assert(sizeof(void *) == 8 && sizeof(void (*)(void)) == 8, "epoch 1 is for 64 bits");

SIZE(ops_str, 16);
AT(ops_str, p, 0);
AT(ops_str, n, 8);

SIZE(ops_error, 104);
AT(ops_error, size, 0);
AT(ops_error, code, 4);
AT(ops_error, retry, 8);
AT(ops_error, effect, 12);
AT(ops_error, retry_after_ms, 16);
AT(ops_error, symbol, 24);
AT(ops_error, message, 40);
AT(ops_error, path, 56);
AT(ops_error, hint, 72);
AT(ops_error, details, 88);
AT(ops_error, upstream_status, 96);
AT(ops_error, flags, 100);

SIZE(ops_host, 64);
AT(ops_host, size, 0);
AT(ops_host, abi_minor, 4);
AT(ops_host, h, 8);
AT(ops_host, scope, 16);
AT(ops_host, name, 24);
AT(ops_host, version, 40);
AT(ops_host, get_iface, 56);

SIZE(ops_if_value, 200);
AT(ops_if_value, size, 0);
AT(ops_if_value, version, 4);
AT(ops_if_value, type, 8);
AT(ops_if_value, get_bool, 16);
AT(ops_if_value, get_i64, 24);
AT(ops_if_value, get_f64, 32);
AT(ops_if_value, get_str, 40);
AT(ops_if_value, get_bytes, 48);
AT(ops_if_value, count, 56);
AT(ops_if_value, at, 64);
AT(ops_if_value, find, 72);
AT(ops_if_value, pair, 80);
AT(ops_if_value, new_null, 88);
AT(ops_if_value, new_bool, 96);
AT(ops_if_value, new_i64, 104);
AT(ops_if_value, new_f64, 112);
AT(ops_if_value, new_str, 120);
AT(ops_if_value, new_bytes, 128);
AT(ops_if_value, new_list, 136);
AT(ops_if_value, new_map, 144);
AT(ops_if_value, from_json, 152);
AT(ops_if_value, to_json, 160);
AT(ops_if_value, retain, 168);
AT(ops_if_value, alloc, 176);
AT(ops_if_value, scope_open, 184);
AT(ops_if_value, scope_close, 192);

SIZE(ops_task_info, 168);
AT(ops_task_info, size, 0);
AT(ops_task_info, attempt, 4);
AT(ops_task_info, run_id, 8);
AT(ops_task_info, workflow, 24);
AT(ops_task_info, node, 40);
AT(ops_task_info, type, 56);
AT(ops_task_info, idempotency_key, 72);
AT(ops_task_info, deadline_unix_ms, 88);
AT(ops_task_info, memory_bytes, 96);
AT(ops_task_info, output_bytes, 104);
AT(ops_task_info, wall_ms, 112);
AT(ops_task_info, cpu_ms, 120);
AT(ops_task_info, file_bytes, 128);
AT(ops_task_info, open_files, 136);
AT(ops_task_info, processes, 144);
AT(ops_task_info, state_folder, 152);

SIZE(ops_if_exec, 88);
AT(ops_if_exec, size, 0);
AT(ops_if_exec, version, 4);
AT(ops_if_exec, info, 8);
AT(ops_if_exec, complete, 16);
AT(ops_if_exec, fail, 24);
AT(ops_if_exec, cancelled, 32);
AT(ops_if_exec, progress, 40);
AT(ops_if_exec, emit, 48);
AT(ops_if_exec, on_writable, 56);
AT(ops_if_exec, post, 64);
AT(ops_if_exec, set_user, 72);
AT(ops_if_exec, get_user, 80);

SIZE(ops_http_res, 136);
AT(ops_http_res, size, 0);
AT(ops_http_res, status, 4);
AT(ops_http_res, header_names, 8);
AT(ops_http_res, header_values, 16);
AT(ops_http_res, n_headers, 24);
AT(ops_http_res, body, 32);
AT(ops_http_res, effective_url, 48);
AT(ops_http_res, duration_ms, 64);
AT(ops_http_res, tls_not_after_unix_ms, 72);
AT(ops_http_res, body_bytes, 80);
AT(ops_http_res, connect_ms, 88);
AT(ops_http_res, first_byte_ms, 96);
AT(ops_http_res, tls_subject, 104);
AT(ops_http_res, tls_issuer, 120);

SIZE(ops_http_req, 160);
AT(ops_http_req, size, 0);
AT(ops_http_req, flags, 4);
AT(ops_http_req, method, 8);
AT(ops_http_req, url, 24);
AT(ops_http_req, header_names, 40);
AT(ops_http_req, header_values, 48);
AT(ops_http_req, n_headers, 56);
AT(ops_http_req, body, 64);
AT(ops_http_req, label, 80);
AT(ops_http_req, timeout_ms, 96);
AT(ops_http_req, connect_timeout_ms, 104);
AT(ops_http_req, max_body_bytes, 112);
AT(ops_http_req, on_chunk, 120);
AT(ops_http_req, on_done, 128);
AT(ops_http_req, user, 136);
AT(ops_http_req, header_vals, 144);
AT(ops_http_req, url_val, 152);

SIZE(ops_kv_entry, 40);
AT(ops_kv_entry, size, 0);
AT(ops_kv_entry, reserved0, 4);
AT(ops_kv_entry, value, 8);
AT(ops_kv_entry, version, 24);
AT(ops_kv_entry, expires_unix_ms, 32);

SIZE(ops_kv_req, 72);
AT(ops_kv_req, size, 0);
AT(ops_kv_req, flags, 4);
AT(ops_kv_req, key, 8);
AT(ops_kv_req, value, 24);
AT(ops_kv_req, version, 40);
AT(ops_kv_req, ttl_ms, 48);
AT(ops_kv_req, done, 56);
AT(ops_kv_req, user, 64);

SIZE(ops_if_kv, 40);
AT(ops_if_kv, size, 0);
AT(ops_if_kv, version, 4);
AT(ops_if_kv, get, 8);
AT(ops_if_kv, put, 16);
AT(ops_if_kv, remove, 24);
AT(ops_if_kv, abort, 32);

SIZE(ops_budget_answer, 48);
AT(ops_budget_answer, size, 0);
AT(ops_budget_answer, reserved0, 4);
AT(ops_budget_answer, reservation, 8);
AT(ops_budget_answer, model, 16);
AT(ops_budget_answer, why, 32);

SIZE(ops_budget_req, 40);
AT(ops_budget_req, size, 0);
AT(ops_budget_req, calls, 4);
AT(ops_budget_req, tokens, 8);
AT(ops_budget_req, cost, 16);
AT(ops_budget_req, done, 24);
AT(ops_budget_req, user, 32);

SIZE(ops_budget_used, 48);
AT(ops_budget_used, size, 0);
AT(ops_budget_used, calls, 4);
AT(ops_budget_used, reservation, 8);
AT(ops_budget_used, input_tokens, 16);
AT(ops_budget_used, output_tokens, 24);
AT(ops_budget_used, cached_tokens, 32);
AT(ops_budget_used, cost, 40);

SIZE(ops_if_budget, 32);
AT(ops_if_budget, size, 0);
AT(ops_if_budget, version, 4);
AT(ops_if_budget, settle, 8);
AT(ops_if_budget, reserve, 16);
AT(ops_if_budget, abort, 24);
SIZE(ops_mail_attachment, 56);
AT(ops_mail_attachment, size, 0);
AT(ops_mail_attachment, reserved0, 4);
AT(ops_mail_attachment, name, 8);
AT(ops_mail_attachment, content_type, 24);
AT(ops_mail_attachment, bytes, 40);

SIZE(ops_mail_res, 48);
AT(ops_mail_res, size, 0);
AT(ops_mail_res, code, 4);
AT(ops_mail_res, reply, 8);
AT(ops_mail_res, message_id, 24);
AT(ops_mail_res, duration_ms, 40);

SIZE(ops_mail_req, 240);
AT(ops_mail_req, size, 0);
AT(ops_mail_req, tls, 4);
AT(ops_mail_req, host, 8);
AT(ops_mail_req, port, 24);
AT(ops_mail_req, flags, 28);
AT(ops_mail_req, username, 32);
AT(ops_mail_req, password, 40);
AT(ops_mail_req, from, 48);
AT(ops_mail_req, to, 64);
AT(ops_mail_req, n_to, 72);
AT(ops_mail_req, cc, 80);
AT(ops_mail_req, n_cc, 88);
AT(ops_mail_req, bcc, 96);
AT(ops_mail_req, n_bcc, 104);
AT(ops_mail_req, reply_to, 112);
AT(ops_mail_req, subject, 128);
AT(ops_mail_req, text, 144);
AT(ops_mail_req, html, 160);
AT(ops_mail_req, attachments, 176);
AT(ops_mail_req, n_attachments, 184);
AT(ops_mail_req, label, 192);
AT(ops_mail_req, timeout_ms, 208);
AT(ops_mail_req, connect_timeout_ms, 216);
AT(ops_mail_req, on_done, 224);
AT(ops_mail_req, user, 232);

SIZE(ops_if_mail, 24);
AT(ops_if_mail, size, 0);
AT(ops_if_mail, version, 4);
AT(ops_if_mail, send, 8);
AT(ops_if_mail, abort, 16);

SIZE(ops_if_http, 24);
AT(ops_if_http, size, 0);
AT(ops_if_http, version, 4);
AT(ops_if_http, send, 8);
AT(ops_if_http, abort, 16);

SIZE(ops_if_timer, 48);
AT(ops_if_timer, size, 0);
AT(ops_if_timer, version, 4);
AT(ops_if_timer, after, 8);
AT(ops_if_timer, abort, 16);
AT(ops_if_timer, now_ns, 24);
AT(ops_if_timer, unix_ms, 32);
AT(ops_if_timer, zone_offset, 40);

SIZE(ops_if_job, 24);
AT(ops_if_job, size, 0);
AT(ops_if_job, version, 4);
AT(ops_if_job, run, 8);
AT(ops_if_job, abort, 16);

SIZE(ops_process_limits, 64);
AT(ops_process_limits, size, 0);
AT(ops_process_limits, processes, 4);
AT(ops_process_limits, wall_ms, 8);
AT(ops_process_limits, cpu_ms, 16);
AT(ops_process_limits, memory_bytes, 24);
AT(ops_process_limits, output_bytes, 32);
AT(ops_process_limits, file_bytes, 40);
AT(ops_process_limits, files, 48);
AT(ops_process_limits, kill_grace_ms, 56);

SIZE(ops_process_exit, 56);
AT(ops_process_exit, size, 0);
AT(ops_process_exit, exit_code, 4);
AT(ops_process_exit, signal, 8);
AT(ops_process_exit, limit, 12);
AT(ops_process_exit, wall_us, 16);
AT(ops_process_exit, cpu_us, 24);
AT(ops_process_exit, max_memory, 32);
AT(ops_process_exit, limit_value, 40);
AT(ops_process_exit, env_left_out, 48);

SIZE(ops_process_spec, 152);
AT(ops_process_spec, size, 0);
AT(ops_process_spec, flags, 4);
AT(ops_process_spec, argv, 8);
AT(ops_process_spec, n_argv, 16);
AT(ops_process_spec, env, 24);
AT(ops_process_spec, n_env, 32);
AT(ops_process_spec, inherit, 40);
AT(ops_process_spec, n_inherit, 48);
AT(ops_process_spec, cwd, 56);
AT(ops_process_spec, input, 72);
AT(ops_process_spec, limits, 88);
AT(ops_process_spec, on_stdout, 96);
AT(ops_process_spec, on_stderr, 104);
AT(ops_process_spec, on_result, 112);
AT(ops_process_spec, on_exit, 120);
AT(ops_process_spec, user, 128);
AT(ops_process_spec, input_val, 136);
AT(ops_process_spec, env_vals, 144);

SIZE(ops_if_process, 32);
AT(ops_if_process, size, 0);
AT(ops_if_process, version, 4);
AT(ops_if_process, spawn, 8);
AT(ops_if_process, kill, 16);
AT(ops_if_process, find, 24);

SIZE(ops_if_log, 16);
AT(ops_if_log, size, 0);
AT(ops_if_log, version, 4);
AT(ops_if_log, write, 8);

SIZE(ops_if_schema, 16);
AT(ops_if_schema, size, 0);
AT(ops_if_schema, version, 4);
AT(ops_if_schema, check, 8);

SIZE(ops_secret_req, 56);
AT(ops_secret_req, size, 0);
AT(ops_secret_req, flags, 4);
AT(ops_secret_req, of, 8);
AT(ops_secret_req, text, 16);
AT(ops_secret_req, ttl_ms, 32);
AT(ops_secret_req, done, 40);
AT(ops_secret_req, user, 48);

SIZE(ops_sign_req, 48);
AT(ops_sign_req, size, 0);
AT(ops_sign_req, algorithm, 4);
AT(ops_sign_req, key, 8);
AT(ops_sign_req, data, 16);
AT(ops_sign_req, done, 32);
AT(ops_sign_req, user, 40);

SIZE(ops_if_secret, 48);
AT(ops_if_secret, size, 0);
AT(ops_if_secret, version, 4);
AT(ops_if_secret, sign, 8);
AT(ops_if_secret, digest, 16);
AT(ops_if_secret, join, 24);
AT(ops_if_secret, adopt, 32);
AT(ops_if_secret, abort, 40);

SIZE(ops_node_type, 64);
AT(ops_node_type, size, 0);
AT(ops_node_type, flags, 4);
AT(ops_node_type, name, 8);
AT(ops_node_type, config_version, 16);
AT(ops_node_type, reserved0, 20);
AT(ops_node_type, create, 24);
AT(ops_node_type, execute, 32);
AT(ops_node_type, cancel, 40);
AT(ops_node_type, destroy, 48);
AT(ops_node_type, check, 56);

SIZE(ops_plugin_desc, 96);
AT(ops_plugin_desc, magic, 0);
AT(ops_plugin_desc, size, 4);
AT(ops_plugin_desc, abi_epoch, 8);
AT(ops_plugin_desc, abi_minor, 12);
AT(ops_plugin_desc, flags, 16);
AT(ops_plugin_desc, reserved0, 20);
AT(ops_plugin_desc, id, 24);
AT(ops_plugin_desc, version, 32);
AT(ops_plugin_desc, sdk_version, 40);
AT(ops_plugin_desc, manifest_crc, 48);
AT(ops_plugin_desc, init, 56);
AT(ops_plugin_desc, shutdown, 64);
AT(ops_plugin_desc, types, 72);
AT(ops_plugin_desc, n_types, 80);
AT(ops_plugin_desc, get_ext, 88);

/* ---- Numbers ---- */

NUMBER(OPS_ABI_MAGIC, 0x4F505354u);
NUMBER(OPS_ABI_EPOCH, 1u);
NUMBER(OPS_OK, 0);
NUMBER(OPS_E_CONFIG, 1);
NUMBER(OPS_E_INPUT, 2);
NUMBER(OPS_E_AUTH, 3);
NUMBER(OPS_E_PERMISSION, 4);
NUMBER(OPS_E_NOT_FOUND, 5);
NUMBER(OPS_E_CONFLICT, 6);
NUMBER(OPS_E_RATE_LIMITED, 7);
NUMBER(OPS_E_TIMEOUT, 8);
NUMBER(OPS_E_UNAVAILABLE, 9);
NUMBER(OPS_E_UPSTREAM, 10);
NUMBER(OPS_E_CANCELLED, 11);
NUMBER(OPS_E_RESOURCE, 12);
NUMBER(OPS_E_WOULD_BLOCK, 13);
NUMBER(OPS_E_STALE, 14);
NUMBER(OPS_E_UNSUPPORTED, 15);
NUMBER(OPS_E_INTERNAL, 16);
NUMBER(OPS_E_CRASHED, 17);
NUMBER(OPS_E_BUDGET, 18);
NUMBER(OPS_RETRY_DEFAULT, 0u);
NUMBER(OPS_RETRY_YES, 1u);
NUMBER(OPS_RETRY_NO, 2u);
NUMBER(OPS_EFFECT_NONE, 0u);
NUMBER(OPS_EFFECT_MAYBE, 1u);
NUMBER(OPS_EFFECT_DONE, 2u);
NUMBER(OPS_TYPE_NONE, 0u);
NUMBER(OPS_TYPE_NULL, 1u);
NUMBER(OPS_TYPE_BOOL, 2u);
NUMBER(OPS_TYPE_INT, 3u);
NUMBER(OPS_TYPE_DOUBLE, 4u);
NUMBER(OPS_TYPE_STRING, 5u);
NUMBER(OPS_TYPE_BYTES, 6u);
NUMBER(OPS_TYPE_LIST, 7u);
NUMBER(OPS_TYPE_MAP, 8u);
NUMBER(OPS_CANCEL_REQUESTED, 1u);
NUMBER(OPS_CANCEL_TIMEOUT, 2u);
NUMBER(OPS_CANCEL_SHUTDOWN, 3u);
NUMBER(OPS_HTTP_NO_REDIRECT, 1u);
NUMBER(OPS_HTTP_IDEMPOTENCY_KEY, 2u);
NUMBER(OPS_MAIL_TLS, 0u);
NUMBER(OPS_MAIL_STARTTLS, 1u);
NUMBER(OPS_MAIL_PLAIN, 2u);
NUMBER(OPS_MAIL_RECIPIENTS, 100u);
NUMBER(OPS_MAIL_ATTACHMENTS, 20u);
NUMBER(OPS_MAIL_BYTES, 26214400u);
NUMBER(OPS_KV_IF_ABSENT, 1u);
NUMBER(OPS_KV_IF_VERSION, 2u);
NUMBER(OPS_KV_KEY_BYTES, 512u);
NUMBER(OPS_KV_VALUE_BYTES, 1048576u);
NUMBER(OPS_KV_ALL_BYTES, 67108864u);
NUMBER(OPS_SECRET_DIGEST_BYTES, 32u);
NUMBER(OPS_SIGN_HMAC_SHA256, 1u);
NUMBER(OPS_SIGN_RS256, 2u);
NUMBER(OPS_SIGN_RSA_MIN_BITS, 2048u);
NUMBER(OPS_SIGN_RSA_MAX_BITS, 8192u);
NUMBER(OPS_SECRET_PARTS_MOST, 64u);
NUMBER(OPS_SECRET_BASE64, 1u);
NUMBER(OPS_PROCESS_INHERIT_ENV, 1u);
NUMBER(OPS_PROCESS_MERGE_ERROR, 2u);
NUMBER(OPS_ERROR_REPEATABLE, 1u);
NUMBER(OPS_LIMIT_NONE, 0u);
NUMBER(OPS_LIMIT_WALL, 1u);
NUMBER(OPS_LIMIT_CPU, 2u);
NUMBER(OPS_LIMIT_MEMORY, 3u);
NUMBER(OPS_LIMIT_OUTPUT, 4u);
NUMBER(OPS_LIMIT_FILE, 5u);
NUMBER(OPS_LIMIT_COUNT, 6u);
NUMBER(OPS_LOG_ERROR, 0u);
NUMBER(OPS_LOG_WARN, 1u);
NUMBER(OPS_LOG_INFO, 2u);
NUMBER(OPS_LOG_DEBUG, 3u);
NUMBER(OPS_NODE_PARALLEL, 1u);
NUMBER(OPS_NODE_BLOCKING, 2u);
NUMBER(OPS_NODE_IDEMPOTENT, 4u);

int main(void)
{
    return 0; /* it was compiled: that was the test */
}

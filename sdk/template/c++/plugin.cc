/* SPDX-License-Identifier: Apache-2.0 */

/* @ID@: two node types to begin with. Take out the one that you do not need. */

#include "opstream/sdk.hpp"

namespace
{

/* @ID@.greet: a function from the config to the output. */
struct greet {
    void execute(opstream::task task, opstream::value config)
    {
        opstream::map out(task);
        out.set("greeting", "hello, " + std::string(config.text("name", "world")));
        task.complete(out);
    }
};

/* @ID@.fetch: begins a call and returns; the answer ends the task. */
class fetch
{
  public:
    void execute(opstream::task task, opstream::value config)
    {
        opstream::request request(config.text("url", ""));
        if (opstream::value token = config["token"]) {
            /* It may be made of a secret: the host puts it in, this code never sees it. */
            opstream::value header(ops_with_prefix(task, "Bearer ", token.handle()));
            if (!header) {
                throw std::bad_alloc();
            }
            request.header("Authorization", header);
        }
        task.send(request, take);
    }

  private:
    /* What is thrown ends the task; status() throws when there is no answer, as after a cancel. */
    static void take(const opstream::task &task, const opstream::response &response)
    {
        if (response.status() >= 300) {
            throw opstream::error(code_of(response.status()), "the server refuses")
                .upstream_status(response.status());
        }

        opstream::map out(task);
        out.set("status", response.status()).set("body", read(task, response.body()));
        task.complete(out);
    }

    static opstream::value read(const opstream::task &task, std::string_view body)
    {
        try {
            return opstream::from_json(task, body);
        } catch (const opstream::error &e) {
            if (e.code() != OPS_E_INPUT) {
                throw;
            }
            throw opstream::error(OPS_E_UPSTREAM, e.what()).hint("the answer is no JSON");
        }
    }

    /* The codes decide whether the step is tried again: see opstream/abi.h. */
    static ops_status code_of(int32_t status)
    {
        if (status == 401 || status == 403) {
            return OPS_E_AUTH;
        }
        if (status == 404) {
            return OPS_E_NOT_FOUND;
        }
        if (status == 429) {
            return OPS_E_RATE_LIMITED;
        }
        return status == 502 || status == 503 ? OPS_E_UNAVAILABLE : OPS_E_UPSTREAM;
    }
};

} /* namespace */

static constexpr ops_node_type greet_type =
    opstream::node_type<greet>("@ID@.greet", OPS_NODE_PARALLEL);
static constexpr ops_node_type fetch_type =
    opstream::node_type<fetch>("@ID@.fetch", OPS_NODE_PARALLEL);

OPS_PLUGIN("@ID@", "1.0.0", &greet_type, &fetch_type);

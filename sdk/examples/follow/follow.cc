/* SPDX-License-Identifier: Apache-2.0 */

/* An asynchronous node in C++: lambdas that follow each other; what one throws ends the task. */

#include "opstream/sdk.hpp"

namespace
{

using names = std::vector<std::string>;

/* Reads a page {"names": [...], "next": URL} and those behind it. */
class follow
{
  public:
    void execute(opstream::task task, opstream::value config)
    {
        fetch(task, config.text("url", ""), config.integer("pages", 10), names());
    }

  private:
    /* What the lambda has captured goes with it, also when the task is cancelled. */
    static void fetch(const opstream::task &task, std::string_view url, int64_t pages, names found)
    {
        task.send(opstream::request(url).header("Accept", "application/json"),
                  [=](const opstream::task &answered, const opstream::response &response) mutable {
                      take(answered, response, pages - 1, std::move(found));
                  });
    }

    /* status() throws the reason when there is no answer, as after a cancel. */
    static void take(const opstream::task &task, const opstream::response &response, int64_t pages,
                     names found)
    {
        if (response.status() != 200) {
            throw opstream::error(OPS_E_UPSTREAM, "a page could not be read")
                .upstream_status(response.status());
        }

        opstream::value page = opstream::from_json(task, response.body());
        opstream::value here = page["names"];
        for (uint64_t i = 0; i < here.size(); i++) {
            found.emplace_back(here.at(i).text());
        }

        opstream::value next = page["next"];
        if (pages > 0 && next.type() == OPS_TYPE_STRING) {
            fetch(task, next.text(), pages, std::move(found));
            return;
        }

        complete(task, found);
    }

    static void complete(const opstream::task &task, const names &found)
    {
        opstream::list list(task);
        for (const std::string &name : found) {
            list.add(name);
        }
        opstream::map out(task);
        task.complete(out.set("names", list.end()));
    }
};

} /* namespace */

static constexpr ops_node_type follow_type =
    opstream::node_type<follow>("follow", OPS_NODE_PARALLEL);

OPS_PLUGIN("follow", "1.0.0", &follow_type);

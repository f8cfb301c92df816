/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/proxy.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "core/base/error.h"
#include "core/net/net_module.h"
#include "core/net/url.h"

static const char *first_env(const char *a, const char *b)
{
    const char *text = getenv(a);
    if ((text == NULL || *text == '\0') && b != NULL) {
        text = getenv(b);
    }
    return text != NULL && *text != '\0' ? text : NULL;
}

/* Host and port of handle, whose URL is a proxy's. E_INVALID when they are none, or E_NOMEM. */
static int read_parts(CURLU *handle, struct proxy *proxy)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    bool is_read = curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                   curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host != '\0';
    unsigned long number = 0;
    if (is_read) {
        number = curl_url_get(handle, CURLUPART_PORT, &port, 0) == CURLUE_OK
                     ? strtoul(port, NULL, 10)
                     : (strcmp(scheme, "https") == 0 ? 443 : 1080);
        struct str bare = str_from(host);
        if (bare.p[0] == '[') {
            bare = str_make(bare.p + 1, bare.n - 2);
        }
        proxy->host = str_dup(bare);
        proxy->port = (uint16_t)number;
        proxy->has_tls = strcmp(scheme, "https") == 0;
        (void)net_address_parse(bare, &proxy->address); /* else it is a name */
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    if (is_read && proxy->host == NULL) {
        return E_NOMEM;
    }
    return is_read && number > 0 && number <= UINT16_MAX ? 0 : E_INVALID;
}

static int proxy_init(struct proxy *proxy, const char *text, struct error *err)
{
    if (text == NULL || *text == '\0') {
        return 0;
    }

    struct strbuf full = STRBUF_INIT;
    strbuf_append_text(&full, strstr(text, "://") == NULL ? "http://" : "");
    strbuf_append_text(&full, text);
    proxy->url = strbuf_take(&full);
    CURLU *handle = curl_url();
    if (proxy->url == NULL || handle == NULL) {
        curl_url_cleanup(handle);
        return error_nomem(err);
    }

    CURLUcode code = curl_url_set(handle, CURLUPART_URL, proxy->url, 0);
    int status = code == CURLUE_OK ? read_parts(handle, proxy) : E_INVALID;
    proxy->is_bad = status == E_INVALID;
    curl_url_cleanup(handle);
    return status == E_NOMEM ? error_nomem(err) : 0;
}

int proxy_set_init(struct proxy_set *set, const struct net_client_options *options,
                   struct error *err)
{
    *set = (struct proxy_set){0};
    const char *all = first_env("all_proxy", "ALL_PROXY");
    const char *http = options->http_proxy;
    const char *https = options->https_proxy;
    const char *none = options->no_proxy;
    http = http != NULL ? http : first_env("http_proxy", NULL);
    https = https != NULL ? https : first_env("https_proxy", "HTTPS_PROXY");
    none = none != NULL ? none : first_env("no_proxy", "NO_PROXY");

    int status = proxy_init(&set->http, http != NULL ? http : all, err);
    if (status == 0) {
        status = proxy_init(&set->https, https != NULL ? https : all, err);
    }
    set->no_proxy = str_dup(str_from(none != NULL ? none : ""));
    if (status == 0 && set->no_proxy == NULL) {
        status = error_nomem(err);
    }
    return status;
}

static void proxy_finish(struct proxy *proxy)
{
    free(proxy->url);
    free(proxy->host);
}

void proxy_set_finish(struct proxy_set *set)
{
    proxy_finish(&set->http);
    proxy_finish(&set->https);
    free(set->no_proxy);
    *set = (struct proxy_set){0};
}

/* "example.com" and ".example.com" mean the name and all below it; networks mean addresses. */
static bool entry_matches(struct str entry, const struct url *url)
{
    if (str_equal_text(entry, "*")) {
        return true;
    }
    if (url->address.size != 0) {
        struct net_address network;
        uint8_t bits;
        return net_network_parse(entry, &network, &bits) &&
               net_network_contains(&network, bits, &url->address);
    }

    if (entry.n > 0 && entry.p[0] == '.') {
        entry = str_make(entry.p + 1, entry.n - 1);
    }
    size_t host_n = strlen(url->host);
    if (entry.n == 0 || host_n < entry.n ||
        strncasecmp(url->host + host_n - entry.n, entry.p, entry.n) != 0) {
        return false;
    }
    return host_n == entry.n || url->host[host_n - entry.n - 1] == '.';
}

static bool is_excluded(const char *no_proxy, const struct url *url)
{
    while (*no_proxy != '\0') {
        size_t n = strcspn(no_proxy, ", \t");
        if (n > 0 && entry_matches(str_make(no_proxy, n), url)) {
            return true;
        }
        no_proxy += n + (no_proxy[n] != '\0');
    }
    return false;
}

static bool is_this_machine(const struct url *url)
{
    if (url->address.size != 0) {
        return net_address_is_loopback(&url->address);
    }
    struct str host = str_from(url->host);
    return str_equal_text(host, "localhost") || str_ends_with(host, STR(".localhost"));
}

const struct proxy *proxy_for(const struct proxy_set *set, const struct url *url)
{
    const struct proxy *proxy = url->is_https ? &set->https : &set->http;
    if (proxy->url == NULL || is_this_machine(url) || is_excluded(set->no_proxy, url)) {
        return NULL;
    }
    return proxy;
}

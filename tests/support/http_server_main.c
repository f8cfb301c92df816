/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/support/http_server.h"

/* http_test_server: http_server.h says what it serves, and its options. */
int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"tls", no_argument, NULL, 't'},         {"days", required_argument, NULL, 'd'},
        {"early", no_argument, NULL, 'e'},       {"issued", no_argument, NULL, 'i'},
        {"name", required_argument, NULL, 'n'},  {"port", required_argument, NULL, 'p'},
        {"with-parent", no_argument, NULL, 'w'}, {0},
    };
    struct http_server_options settings = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't':
            settings.has_tls = true;
            break;
        case 'd':
            settings.certificate_days = (int)strtol(optarg, NULL, 10);
            break;
        case 'e':
            settings.is_early = true;
            break;
        case 'i':
            settings.is_issued = true;
            break;
        case 'n':
            settings.name = optarg;
            break;
        case 'p':
            settings.port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'w':
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* without it the server only lives longer */
            break;
        default:
            return 2;
        }
    }

    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    struct http_server *server = http_server_start(&settings);
    if (server == NULL) {
        return 1;
    }

    (void)printf("%u\n", http_server_port(server));
    if (settings.has_tls) {
        (void)printf("%s\n", http_server_ca_file(server));
    }
    (void)fflush(stdout);
    int number;
    (void)sigwait(&ends, &number);
    http_server_stop(server);
    return 0;
}

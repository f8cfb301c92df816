/* SPDX-License-Identifier: Apache-2.0 */

/* The module of signatures, by the test vectors of RFC 4231 and RFC 7515 (A.2). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/host/sign_module.h"

/* The key of RFC 7515, A.2.1, in the two forms of PEM that there are; then keys that do not do. */
static const char rsa_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
                                "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
                                "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
                                "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
                                "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
                                "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
                                "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
                                "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
                                "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
                                "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
                                "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
                                "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
                                "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
                                "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
                                "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
                                "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
                                "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
                                "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
                                "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
                                "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
                                "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
                                "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
                                "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
                                "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
                                "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
                                "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
                                "-----END PRIVATE KEY-----\n";
static const char rsa_pkcs1[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0\n"
                                "l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC\n"
                                "gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX\n"
                                "ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\n"
                                "Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8\n"
                                "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S\n"
                                "bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf\n"
                                "UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O\n"
                                "n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK\n"
                                "Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f\n"
                                "40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\n"
                                "bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE\n"
                                "tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG\n"
                                "BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE\n"
                                "fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs\n"
                                "p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD\n"
                                "zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7\n"
                                "DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4\n"
                                "U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm\n"
                                "27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN\n"
                                "54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC\n"
                                "Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S\n"
                                "0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z\n"
                                "NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE\n"
                                "6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1\n"
                                "-----END RSA PRIVATE KEY-----\n";
static const char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                "MIIFNTBfBgkqhkiG9w0BBQ0wUjAxBgkqhkiG9w0BBQwwJAQQgkbVL/iueDXC+KNi\n"
                                "0UXHVgICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEF2vAa0F9ThnC6Nt\n"
                                "zHGa+8cEggTQCsZ994qbeHIZelojmfSORWNvsZTID4kXLbTby+2CVPoTj6fS8sHU\n"
                                "6J+LkAfMY11kZlUKaRMmp6f/UBKCeZFE8VCdzKJwaMPkjiHLx2oOmhrrRL+9iflp\n"
                                "qsmI3wfG5I1p5MrXMd58Fd4HEL7Kpspp5mCZV44l0HS6YvAXg9fCjWo0jn5lPktw\n"
                                "760179GvqbcI4mjQ50EDt9XLN9AFZQOyyWAZ8y0Bq+E5r/RbsA3UFlAV9eLInJao\n"
                                "kfU7NmgoMd7kLrVd9qFaiZbU+JeSdhTQukat+CiF10ZEJ5Rxn5c0oKHDUcpIEBN/\n"
                                "BJ8K/PvN0cvvJ1OFUb5Y3J0cKjitVMWnbQH07ftTcvkYDgHaHMH1bNNOMQFdTvSm\n"
                                "uVkuHk3kvnX4CXkptsj8ARG9n2xVwhs9w8DPfha2zBHonjNtHzvZBvmeHPXCeEek\n"
                                "8l/duvPpqyA6lneUdf4F4itxJJtj9O9Y3oab9CA64A0/ESo4NJ2oJQRJa2k0CkXu\n"
                                "HOgPh5NgRpTqxD/JDLwegLMVA8cRpHubxld4PZr1+Kw3Qv5CoBkdijd1vNTXd8xS\n"
                                "iDaNH1+cfSuaL/OxYf2y4Z3ej9LCe4WdZ3L/hukiQmnJUjCyCL+g54CkaMJPupWO\n"
                                "EUZMC+BfJjOiVOoBeF8utvEksOyyTdzO6hK7nEB04WfuuuYBL7SwQMG7pb2gTGyB\n"
                                "IAKV9k1BAfzFw/fx6v7W7S+eBvFOVPoj2H4goSn2Pip7PH5s+dyhsMfeed2Sbo1Y\n"
                                "hCGYT5YOqcg95puGk5+fBlszigg7Gm3QmGcEII74oPEhQeCMrRlsuaxwKHAtt18o\n"
                                "W9wzTMtUghcLfJXn+UpPzw0+/ewozblKmtCa9TgtHm3foqQRGATU9iTnKmnY6OHx\n"
                                "7Dth/vcp0LP/XzQRNM21T08+918P4ousFbVMhd1zLqpOotTdm4IJZHpPE4EMLT63\n"
                                "j1Yzt6Tp61X0DUTJY1zWI664HaujuVcSX6ldojErWxKQgf0rH675t6mxK0S4A0TE\n"
                                "cTPowLefF6u6YqAB+v/cDj/GoR8lb4soRm3hHX8BdverAbhxnJqZhcXJAzYi89+v\n"
                                "L7y74rl32+pYnGy1NUyb6RgShJ6copv1eh511iybUcKbflGOCoxpbFf2c5V99rDe\n"
                                "wBS1u5HoLbyX4Z24TROQrR/7fx98pwZ14I41xTa0XDacUFKHoMVRAICHjnrJhsAz\n"
                                "+D9ukue8onyrc5WxP31aaXxG6ku0KGMWMLXXlzbLGK2/FVSIWiEO1eNKeyZxDGYw\n"
                                "7C5wcxQdO4yItC4w1iq4mWaTUi+yUCa3lv2nZy+fB6Uh1FQ4PKzhsR0VWdvO1bFP\n"
                                "At6Vq1masG9L/oLzaFR6nzUHf50ZepsLQ3WDWIIMq94rfDCJKNBhb2j3hrbXNh6A\n"
                                "Cu79PH/KjuO4SHhzIJjk5RhBHZPeCw9ydNDiqtfqc0Y1+43eachcn1r4agJrURFE\n"
                                "HfOPJx/BFk5lkczZGC0/giaaezbBn3tY/oSmc0NcSjEQdW5C9IbiPaTa1/gD58Rj\n"
                                "LFiSbVGd8CULMHg+sImFhB5XIhXaXLlAfzArgKgCwEvaiArFMBh7Pp7TsUwut9IZ\n"
                                "NMM42WTCAJilXkTjMnNedBHMjF1rtw6VgNyIemrJ7pFR5D59Tc4hTJc=\n"
                                "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char elliptic[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyGnZRTv7+gZOz+5I\n"
                               "3lvOm+hqnaqvnaYVJSv9oPDwgzqhRANCAATuyda3VA/UEVvjuXkR3PiMXG2UbDlD\n"
                               "6rHbgnhtGgllwvp0Jk+o7fFP3AbW/XPAi6CgAF/BqilJvTYiMqgBLhve\n"
                               "-----END PRIVATE KEY-----\n";
static const char small[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBALJgkTNSQiWkhQAb\n"
                            "5rSGPmxGw247K6GFBnF1RZe/A8TgwF1TK+cjnpKS3+IRLkA9ovsHYVGPOKCuPaKk\n"
                            "s8dxm1QwfbEaAumJJOAxoN7qls62zC2InXKE8+UioU8lV0xIB7u1eiC/9Ea9RIPW\n"
                            "LmDspYoV68go+9DoF7rVSi2RelFlAgMBAAECgYEAqulP9saYTo0GSoZxVQNTiFd9\n"
                            "JX9YXNiixc9BsRX6vIdEiacJZ9x/MZ29GlSv5imoobH+kzERZxPMRqxc/XpjAnsz\n"
                            "+q2RPMSOinldYZGlkTZpPAyzb55pcOFR2em1yousUQyylqD4mhvNaoRRXu045DzO\n"
                            "t9bTcdGeLm0LmPUrvXkCQQDlXx8vsibx5sBEu1UJaVPxaUtimjYL69T7ouvy/+0H\n"
                            "sdb0kZ5i7juxMyc2IS1m9tZsez2w9OJ1SsHt7htFFl1PAkEAxxXnNEs48RlCBCKW\n"
                            "2yOqz/nc0PbM9Lv55d4YEhxz6jJn7N2zQzhvugky3xiUI/Y0DObryNMQP8Zw53MB\n"
                            "9qkBCwJBAIq4oM/j2xHqENaAxclPXmle2SzlP1Kuar1Vp4XrqptAv1RizXvfwVJG\n"
                            "MazXG/JtzvkFACaJtHxjni4cF3oNMJkCQC/c6DT+ULZGKETuO+57aLmPjLMAYs4D\n"
                            "01ScTJUuGgAYFjwwIMTscI/9XimcsyDiNClV6yHg/GsYvlQmpjYy83kCQQC8vJ4z\n"
                            "WDP1KmYuSwzZfYGRiM5ffHmr8s0UlZrLrC/dBeNUfo3atnjMdaK3lEFN3eafBvY8\n"
                            "+ktzQrcwOItzPYh7\n"
                            "-----END PRIVATE KEY-----\n";

static const struct sign_module *sign;

static void assert_hex(const unsigned char *bytes, size_t n, const char *hex)
{
    char text[2 * SIGN_MAX_BYTES + 1] = "";
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    assert_string_equal(text, hex);
}

static void test_sign__hmac_is_that_of_rfc_4231(void **state)
{
    (void)state;
    char ones[20];
    char many[131];
    char data[50];
    memset(ones, 0x0b, sizeof ones);
    memset(many, 0xaa, sizeof many);
    memset(data, 0xdd, sizeof data);
    const struct {
        struct str key;
        struct str data;
        const char *hex;
    } cases[] = {
        {str_make(ones, sizeof ones), STR("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {STR("Jefe"), STR("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {str_make(many, 20), str_make(data, sizeof data),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {str_make(many, sizeof many), STR("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char out[SIGN_HMAC_BYTES];
        assert_int_equal(sign->hmac_sha256(cases[i].key, cases[i].data, out), SIGN_DONE);
        assert_hex(out, sizeof out, cases[i].hex);
    }
}

static void test_sign__rs256_is_that_of_rfc_7515(void **state)
{
    (void)state;
    static const char data[] =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char hex[] =
        "702e218943e88fd11eb5d82dbf7845f34106ae1b81fff7731116add1717d83656d420afd3c96eedd"
        "73a2663e5166687b000b87226e0187ed1073f945e582adfcef16d85a798ee8c66ddb3db8975b17d0"
        "9402beedd5d9d97007108db28160d5f8040ca7445762b81fbe7ff9d92e0ae76f24f25b33bbe6f44a"
        "e61eb1040acb20044d3ef9128ed40130795bd4bd3b41eecad066ab651981fde48df77f372dc38b9f"
        "afdd3befb18b5da3cc3c2eb02f9e3a41d612caad15911273a05f23b9e838faaf849d698429ef5a1e"
        "88798236c3d40e604522a544c8f27a7a2db80663d16cf7caea56de405cb2215a45b2c25566b55ac1"
        "a748a070dfc8a32a469543d019eefb47";
    const char *const keys[] = {rsa_pkcs8, rsa_pkcs1};
    for (size_t i = 0; i < 2; i++) {
        unsigned char out[SIGN_MAX_BYTES];
        size_t n = 0;
        assert_int_equal(sign->rs256(str_from(keys[i]), str_from(data), out, &n), SIGN_DONE);
        assert_int_equal(n, 256);
        assert_hex(out, n, hex);
    }
}

static void test_sign__what_is_no_key_for_it_is_told_apart(void **state)
{
    (void)state;
    char cut[600];
    (void)snprintf(cut, sizeof cut, "%.500s", rsa_pkcs8);
    const struct {
        const char *key;
        enum sign_result result;
    } cases[] = {
        {"", SIGN_NO_KEY},           {"no key", SIGN_NO_KEY}, {cut, SIGN_NO_KEY},
        {encrypted, SIGN_ENCRYPTED}, /* and nobody is asked at the terminal */
        {elliptic, SIGN_NOT_RSA},    {small, SIGN_BAD_SIZE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char out[SIGN_MAX_BYTES];
        size_t n = 7;
        assert_int_equal(sign->rs256(str_from(cases[i].key), STR("data"), out, &n),
                         cases[i].result);
        assert_int_equal(n, 7);
    }
}

static int load(void **state)
{
    const void *table = NULL;
    struct error err = {0};
    (void)state;
    if (module_load("sign", &table, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    sign = table;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign__hmac_is_that_of_rfc_4231),
        cmocka_unit_test(test_sign__rs256_is_that_of_rfc_7515),
        cmocka_unit_test(test_sign__what_is_no_key_for_it_is_told_apart),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

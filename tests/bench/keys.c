/* SPDX-License-Identifier: ISC
 *
 * Keys for the bench, and for nothing else: everybody has them. RSA of 1024 bits was made by OpenSSL 3.0: genpkey -algorithm RSA
 * -pkeyopt rsa_keygen_bits:1024, then req -x509 -new -sha256 -days 36500 -subj /CN=a. The others are those of the unit tests.
 */
#include "bench.h"
#include "unit/keys_help.h"
#include <string.h>

/* clang-format off */
static const struct key_files rsa1024[BENCH_SIDES] = {
    {
        "-----BEGIN PRIVATE KEY-----\n"
        "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALrcyaSctFoi2NdK\n"
        "QgAaTbu53ErivaQldQfI97v1WN3Z+lWrZWEaLDA/PUkR8fnZCSJqB9DCgRPXvfNy\n"
        "19hUtN+w0JV3n6KzGPMFdFzyQmOZLNcNrihSNfal2KvcFOiA6zl6LmxBdC3hVADY\n"
        "8rYRWKIGLvK11PnxqBVBcSVYBJFxAgMBAAECgYEAklrPTDC4SUi10ZmFrBLuAzSF\n"
        "R9njcqcrzFcpQXveiJRrr6G4m58mMPu3An4dqfTFZMDrMiTFeEcnrX+rcvKVXq20\n"
        "lwqhITQv5jSyWgrWTeTjNCFgCtW47HQC+8Ak4NM2Hsixqd3vJ86IoLm/Iu4yfuZE\n"
        "fNbdSsGFapqlmco2Y0kCQQDz7/A3aaQDFRvFTKk1C/1lpuqMkR3R6+37Bu+dWeSo\n"
        "qvE8MRzgQX3L/U6xYZtNDny5pBqAH4w956DGNxjsR/LnAkEAxBpTSGjETJoWXgvh\n"
        "CcQyDsVeH3sAW6nUak5Pam0q9wc6IkcR6vFx3OZYSnV7NxdMoBVT0bZCIPQiFxmW\n"
        "uHsl5wJBAPA0NuD5341BfeUchgo8UjuEz7W3OBv8LI1h2RWi7SzBl2ZkHkEdfFgg\n"
        "iRrWOGz6dQsAcy/y4NAchA5rNtmER8UCQFDmv2cG+bzUcNfZtLxPuYsId50rJGms\n"
        "dZppti+k2+3PiHcttMGlXCES0mfdcbi3nwAH7G1+8Gch8JJxFxIClA8CQGWWWmV4\n"
        "3zmn2Ij2c7RPswJrkqXZMcOBPGcpEWuDPYYomykVoXy6I22lNVs5M27toNZCCQ9r\n"
        "zscrxXCVc8BSNkk=\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n"
        "MIIB9jCCAV+gAwIBAgIUdM4D8DuTaTJU5SW4jpEKAnDEtU0wDQYJKoZIhvcNAQEL\n"
        "BQAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjcwODI3MDFaGA8yMTI2MTEwMzA4Mjcw\n"
        "MVowDDEKMAgGA1UEAwwBYTCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAutzJ\n"
        "pJy0WiLY10pCABpNu7ncSuK9pCV1B8j3u/VY3dn6VatlYRosMD89SRHx+dkJImoH\n"
        "0MKBE9e983LX2FS037DQlXeforMY8wV0XPJCY5ks1w2uKFI19qXYq9wU6IDrOXou\n"
        "bEF0LeFUANjythFYogYu8rXU+fGoFUFxJVgEkXECAwEAAaNTMFEwHQYDVR0OBBYE\n"
        "FIhrnqBx6dcMJzuk29XjMXdpf9CEMB8GA1UdIwQYMBaAFIhrnqBx6dcMJzuk29Xj\n"
        "MXdpf9CEMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAVVzmrWpe\n"
        "e39EMfNot/Uq4XekqFhru1MCoPj9huiUrF+80XfoYBJ2Ks8nsGKqjaiqd7X+qVIn\n"
        "5tQOlJxGqXmbAgfGLjTndYit4ATN8H3/bqhoaezJVAqJbt/Rzz2d6BgKqPH/o7aU\n"
        "m11AdXmYCPtNKceHLhoYS/ZGKJQDOdYx8vI=\n"
        "-----END CERTIFICATE-----\n"},
    {
        "-----BEGIN PRIVATE KEY-----\n"
        "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMx7QHPiSwo+ex3d\n"
        "EiTfgZMPyI4yVnCrvScCxnfX2CUbRPT/5CwJe+Gtrd07O2MFQZlQXxa5nx5zUXnk\n"
        "Ci+xcHa4iMDbWv+R6iTy7KxTdUbNBgP+6Oxo6S4hL8UcNzo+s/uox8n+Nwy5Kull\n"
        "qKCqzc5Ft4PJmfgi3ak8CaFXi8R1AgMBAAECgYEAihEyrMyANJOJl9l8dc9Ac2b1\n"
        "2SWd/gfH+T5DegoQ1MU7412g2CczMWeO/NEQwUR8TaPaAMMm8G2W9wGF6zwZHan+\n"
        "I5VGXoNuhYyEKk3evH2r4Hr3vG3anvdWpZvJj+wyxmgTfVldBO/L+zcliicld36m\n"
        "j7Vn2oVfXnGMUQDQH6UCQQD8LuZhXc4z0mZt37VgPnuBwNR2QdtreIgX7KTrTM6f\n"
        "UMS9V1Z1iIrTw0mK6bbxwIBdE6LnmCNr/R8v0QlD/Cz7AkEAz5OHQRqH3OjTltGO\n"
        "w7knwBsKLgbJIP1bVRc+1qSMde7F0IKFkTIAuErcRi8KI5gTVUebyOtbHUaCiIRd\n"
        "ekI5TwJAQw/ly/a6IyXMf2OCRDnZdkPlPB1/UDEZX+NaaAhg2hUMfJ2BLHhHEtFX\n"
        "+Uz1jYx3lkjmhVf783e4l2qrYBzriQJATwSmFE55Mcsf4OXdJvyw+RxR/7ttjTVl\n"
        "MzsqHKN/JNXET9+f4OncBEvbFoyJm4sksO4Vi6KsiLRytG1O+F+FWQJAPGYf2DBp\n"
        "vtJudUY1YGRL5KaR1M+IAmlWAX4ZrX5lDOgTLP6as4KjBqr/fFjud8CxoGczXUso\n"
        "x50Pq/KaihZd/A==\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n"
        "MIIB9jCCAV+gAwIBAgIUJPTnhFzNRoYxrcum9EYcjMefdoUwDQYJKoZIhvcNAQEL\n"
        "BQAwDDEKMAgGA1UEAwwBYjAgFw0yNjExMjcwODI3MDFaGA8yMTI2MTEwMzA4Mjcw\n"
        "MVowDDEKMAgGA1UEAwwBYjCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAzHtA\n"
        "c+JLCj57Hd0SJN+Bkw/IjjJWcKu9JwLGd9fYJRtE9P/kLAl74a2t3Ts7YwVBmVBf\n"
        "FrmfHnNReeQKL7FwdriIwNta/5HqJPLsrFN1Rs0GA/7o7GjpLiEvxRw3Oj6z+6jH\n"
        "yf43DLkq6WWooKrNzkW3g8mZ+CLdqTwJoVeLxHUCAwEAAaNTMFEwHQYDVR0OBBYE\n"
        "FJK35HWh7p6pZGClzHNYDVgJr6OsMB8GA1UdIwQYMBaAFJK35HWh7p6pZGClzHNY\n"
        "DVgJr6OsMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAYdiMvJwm\n"
        "L0OswxsCIIZUVVJmaasIukbbBVsEya13vGlPXvaXUVEKMY6Mud7k+Fp7381V82ga\n"
        "EksvWn9trHwA9SyM1xzgRiBacI3qDam69c+sJuxv7uAPXpV3jEa5fc4aSTj9EfaK\n"
        "jM1hK6ucKoTYYBFbQv7daPW+t1BlbJq6aho=\n"
        "-----END CERTIFICATE-----\n"},
};
/* clang-format on */

static ike_bytes text(const char *s) { return (ike_bytes){(const uint8_t *)s, strlen(s)}; }

void bench_keys(enum bench_sig sig, enum bench_side side, ike_conn_settings *conn)
{
    const struct key_files *of = sig == BENCH_RSA1024 ? rsa1024 : test_keys[sig == BENCH_RSA2048 ? KEY_RSA : KEY_P256];
    conn->local_key = text(of[side].key);
    conn->local_cert = text(of[side].cert);
    conn->remote_key = text(of[!side].cert);
}

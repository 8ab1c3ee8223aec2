/* SPDX-License-Identifier: ISC
 *
 * Keys for tests, and for nothing else: everybody has them. Made by OpenSSL 3.0: genpkey (-algorithm RSA -pkeyopt
 * rsa_keygen_bits:2048; -algorithm EC -pkeyopt ec_paramgen_curve:P-256; DSA of 1024 and 160 bits), then req -x509 -new -sha256
 * -days 36500 -subj /CN=a.
 */
#ifndef TESTS_UNIT_KEYS_HELP_H
#define TESTS_UNIT_KEYS_HELP_H

enum { KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_DSA, N_KEYS };

struct key_files {
    const char *key, *cert;
};

/* Of two ends, each kind. */
/* clang-format off */
static const struct key_files test_keys[N_KEYS][2] = {
    [KEY_RSA] = {
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCQU7TjyE27dLmQ\n"
            "u76b23PFIGMFzB1xinq+qDOHydDSr5Ci1XMQ+bp1oSvgiqm5nnujXehYHCtvHk7A\n"
            "AW/A0yOdJle/rm2bx5Hs3Rzxdq9i2PRTBAqIpnZqxDX0Ztp9LsYsEoWlmnP/wiGO\n"
            "sQVFn7hbrkkEF7yu+abp4w77JaO4b07WjfMIG00XfWgIVYWFolpDeoVaJrqkCKG2\n"
            "pLKohQbXwPU+bpExgbaDBUhcJSTXgDuVAHl9UF3bxlwxAo4MG+AJhzqPcEKxFhNv\n"
            "KW+EeKgWzzju9RkBYoRXXycy+1OAnq6FG+Dv1BIiHibBsVPsAz/t5pr31Aw4Hbly\n"
            "P4TK2xlfAgMBAAECggEALwI0ruR0/ROdxViBUv59jL1pw1+iT3MNW8ApWJcRXy4z\n"
            "6/WeDu9oHhwq0G4Zrg3Cs4lIvjoeo4i5maxeG+4pcWwltJc5uD2eeAnk/Xjs00Nb\n"
            "ARcV30Bo3YmfEUXW8GMlxQEbar8N/UXb7EAYOX82axYvThf1KwDBrvh3zrGJy+5n\n"
            "5CpcqBkw4TJ04BsxvhvMzb19BhJEepIfDPIZVysje/cVlzyX5Uq3ixB8qymeu9Or\n"
            "fUSh/rk+P7ccWazfjcnCrQmKZaR4d5xF97PrVn5OEGZO0dg/AzY9vcKreDxtaaLJ\n"
            "ya3c4hpYZ8amEnhZcYoyK46JvgObDTKcYcDZYmCqEQKBgQDJQV6kke2TDDKuzyiv\n"
            "Lqfi4wZ+ZDnOxogw1FaDEjb+oo0s9e0mIFGVPdkf90BW7iLv5i2P6KTniDH4RUQZ\n"
            "oSglyE6Ka1+rTYAjTBOlAnkiBLkUYTNOVrh2Fd7sC1OPfEqINtQ9kOC7fF5qT974\n"
            "2KHzC81vdT9qeBLzQiJ9YaGM5QKBgQC3lhG44YRHlFSa055dGaDYNnmCwaUgGJ6S\n"
            "VNLZAeAMrg9IBwvTkxBEUOayv4hRBj0LAYyedw52uQXqBA0Ecb+Nj0rgRB+UxgnR\n"
            "e8krBYQuqHkFfYej0PRaJZOYyNEfEOs4BpENRLgo1UzSeV9F6+2GSLmSNeHH/3DE\n"
            "Q8RXB28s8wKBgQCt79pdP2Xl3ff7zzzpUth0piOZnwO7KyjPkuUGOPrgzhpXjmCc\n"
            "v/filWaPUwD/YKc/UV91ber/1FzjpvG5eOga52jCBxTTF5M0bm7YATAx74UKEQvn\n"
            "m9mm7TYSKaPZceF0onaCkzE3uMBc/5TE2230gfHWb64UVZyDM1hdpsCZ5QKBgDLQ\n"
            "mv8tjMuzRufEA2WJnne6PE/xAZ+ssNeYGvRuDHH2C8zIBoH9htch/XkkgrrKm0Lc\n"
            "nuuN0LcT54sqq9+7DGZGb1c8A/HODxGozbnWwQuZHkZixJSXVctN81iq3RdYO4M6\n"
            "bhPaHY9P2v+3EKPt9cThhFvwBhqxnaj1iPb928v5AoGAIrHKWyOFMA5T2gPRzxtf\n"
            "KPoa87ivP5HnfEp+/YUX/mBzFrnMczqbwJcqSJmd01VZkb4ONBRKbS7WTBajdO8B\n"
            "xJqw9+4GbqptuFjhINaZ2eGq+en3UeI9RNJvSxktSC2XMpx0pe2bZJFLKVMLbpCh\n"
            "RiPTJ/c8Jn/daIGZi03qwaw=\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIC+zCCAeOgAwIBAgIUa8ql/sUmJkiKftK3xBtkOKbyrKYwDQYJKoZIhvcNAQEL\n"
            "BQAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjcwNTA5NDZaGA8yMTI2MTEwMzA1MDk0\n"
            "NlowDDEKMAgGA1UEAwwBYTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB\n"
            "AJBTtOPITbt0uZC7vpvbc8UgYwXMHXGKer6oM4fJ0NKvkKLVcxD5unWhK+CKqbme\n"
            "e6Nd6FgcK28eTsABb8DTI50mV7+ubZvHkezdHPF2r2LY9FMECoimdmrENfRm2n0u\n"
            "xiwShaWac//CIY6xBUWfuFuuSQQXvK75punjDvslo7hvTtaN8wgbTRd9aAhVhYWi\n"
            "WkN6hVomuqQIobaksqiFBtfA9T5ukTGBtoMFSFwlJNeAO5UAeX1QXdvGXDECjgwb\n"
            "4AmHOo9wQrEWE28pb4R4qBbPOO71GQFihFdfJzL7U4CeroUb4O/UEiIeJsGxU+wD\n"
            "P+3mmvfUDDgduXI/hMrbGV8CAwEAAaNTMFEwHQYDVR0OBBYEFNw9nvERdH6nxrbh\n"
            "Utq944pcVNYBMB8GA1UdIwQYMBaAFNw9nvERdH6nxrbhUtq944pcVNYBMA8GA1Ud\n"
            "EwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAB9TJIUpN7XB0NIA4XWcFMBa\n"
            "l0MVVgMOb5VjIS5WhMuYMy0YYxPqxElkTB/xq7nAXp72Ni+eGPAH66QISIqWG6Cj\n"
            "+REpkJdmgGAG7+KGOPwSgAaeSuuCPvt+IAyZ5YcLpBNgDPZs5XjeOp2uhtfvOCTv\n"
            "snoUnswylEfTLIruEba0gmmITsstMhB00/WJOkzInJuiGUT98M3xIy2AbWzY7m44\n"
            "EWqYmw5KVRMLWxBCwptC91qFVdVDrbJTwoM1rorRYfV1Lt/OSCaKCGGIWqQ8l2cK\n"
            "yfwSIzgiDkV2wwI78esk6vWCmj/bw0kylJBBmfYAKfg3Z3PwX2ve3De2HqhuVEI=\n"
            "-----END CERTIFICATE-----\n"},
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCnrPExA0SmuE12\n"
            "4mSf1fRO2gNL9HAi2UNj+oEA5erVjB0j1vLX216Gw3GdLIr2NWroYSKGXddL2lp8\n"
            "e4452TSfvfzyTunLy+SRIyqnVApZoAaPuJUWtBRrwguRFmJo3HP9hs4q0HrUXmzw\n"
            "8w+QihDrXK2x61GHS/RgT0E7IOKJ3OGq/n2OXG7kaUkBGx1K4qr+Wi36JLz3cljH\n"
            "sehvedDSfmrzOr1KIMW1uWNktc6xg6q7Ax/ZtU0Y3hcwNqiht/+6vyyUpK5YRfi/\n"
            "Sxbkk7dYO5dRasUz67AagR999XZDBBVulz2GbVZA7S4kWCqjfO8anikgLTn+arBF\n"
            "7XPNU+8TAgMBAAECggEAA3UyDiAyoLuJQWvexlsLrDqbucvDKjzPwnaOhX24T4oR\n"
            "qcULgf8QnnfWVnbuMLCeUUd7hkjWIUbR+eI0ZyX/C1JILpkJAj5kqseOYCAADKQb\n"
            "rogQbwTsrOI2Cdpr0hzFuZM3mjNtbQa7eWaRyhnGyovBOzuOlVswIXJQ9o6xjUU7\n"
            "w+ylJluocqnmYJf814nUtZZEXpHBE79VeNqxAZvR5D200/ltpI4wV/D+loRrYfF/\n"
            "Tjrp0ll/UaLJWnRaAHJLCKx5b94Sp2XQ+U+GEUGjfZ5+cmyOvyYzvqZoRuP07+Fq\n"
            "GgHMcn36ZJwleCJUR1yJJsXlnie4OWnRCYGispLSIQKBgQDdIexRaeRnoGsgqNlO\n"
            "QVNMyHOQ8pZDVnq7Ftp4LZcivk2CDrgG61nRh+1zFEAmApv1rf/E3bfqW9cn5KSi\n"
            "WxB96kUTc7VhF2iTKKdiUmgBgzqKn2by1Gr5QNYaNa17jraV3XDZm/60Hb8pOAJb\n"
            "L72Cr8yjgWc0LZZJYfg9lnF64QKBgQDCHTa3XWz77yluntdeCztojKjGu5N3i3wq\n"
            "9juSrMA0pk80Jwr6L3RKn8NQiXkuoOks6Ptj1lRkUr4zKAP36xvorN1VNFku22+/\n"
            "WVzivHeGniuPyfnADg/va33z5OL09TT4z2SfhxiQaPkoAd9YXbcuazAoUkdrOXne\n"
            "co7Kxi08cwKBgQCzKG3XVCzKTG0e684Lmd+MYQdIk1Jswh7zf0OHhKBjdL1FNvmg\n"
            "GYQOv8sAppKGeSy0csG7VUtRpBEAcD12kMMe0PQgG2oDfLysJY7fmRZMy25dq2H0\n"
            "MWduBDqyx3SDm4+QgfWRSNKmSUd8dLVr/ZTT0ezBN/FOk/SkBazi8QWF4QKBgQCT\n"
            "T2ZBu2XEv1f6+hJI7U81ZWGEB7++vh0J4XmOMwleK0P6ORLskGy5YQrxKJLNXxH1\n"
            "og19U58Rz3VGDz0LvOGeLul9CtAPbjocxa1m6E3w3EIEyet9424WbMXV/EJ8UUXU\n"
            "+FbNddGfbfp/cQRU5DHqyS9vuhk29xRUSy2wFrsnnwKBgQCX6qg0mtE6Nu0AJsr8\n"
            "SbHfwZQwOkdOydUsUTxkoJ5KNJ1alcTj/2GTLizI5Mwq8x8aCmyfJIK1hGsDPcNh\n"
            "oRv/Do+O9AG2l1hQeLmby245NSq30IcpDXChBcQn0W/LlzvpunlE/ZU3MOiWCgAO\n"
            "EuXrRLmXX/7DspzM95AhSAhwQg==\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIC+zCCAeOgAwIBAgIUd7feJBOoyDMqCD/+vGsRN9m42mUwDQYJKoZIhvcNAQEL\n"
            "BQAwDDEKMAgGA1UEAwwBYjAgFw0yNjExMjcwNTA5NDZaGA8yMTI2MTEwMzA1MDk0\n"
            "NlowDDEKMAgGA1UEAwwBYjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB\n"
            "AKes8TEDRKa4TXbiZJ/V9E7aA0v0cCLZQ2P6gQDl6tWMHSPW8tfbXobDcZ0sivY1\n"
            "auhhIoZd10vaWnx7jjnZNJ+9/PJO6cvL5JEjKqdUClmgBo+4lRa0FGvCC5EWYmjc\n"
            "c/2GzirQetRebPDzD5CKEOtcrbHrUYdL9GBPQTsg4onc4ar+fY5cbuRpSQEbHUri\n"
            "qv5aLfokvPdyWMex6G950NJ+avM6vUogxbW5Y2S1zrGDqrsDH9m1TRjeFzA2qKG3\n"
            "/7q/LJSkrlhF+L9LFuSTt1g7l1FqxTPrsBqBH331dkMEFW6XPYZtVkDtLiRYKqN8\n"
            "7xqeKSAtOf5qsEXtc81T7xMCAwEAAaNTMFEwHQYDVR0OBBYEFEUOTLMzNm1yK4Ef\n"
            "r0wSidpqzggEMB8GA1UdIwQYMBaAFEUOTLMzNm1yK4Efr0wSidpqzggEMA8GA1Ud\n"
            "EwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAF9bDJqoJXhHC5vhrpjnpVes\n"
            "LI7kAWUI8/iX43c7MU25dmfp+o+KPpTiJZvvMyf2Y3r28mwmJ+YfHLn1hfrz9I3F\n"
            "QtKtROQr8OVWvHAWB1Oy011a4L3aD2s2PhR0fhX/Z++pQP6r1InHngxC47OfulDp\n"
            "tScr5P/ES6V7UJSDCq9yJwguwnIYsn4a6asPOgqVsCFWXfMsrtX9PJU1oNdgGYbm\n"
            "pjqonRrEG52qA1b5wT2Zir6g/AdOCO954Dro6CEC13LUhwQC2y9NpdWmeLhNEGKJ\n"
            "zMv9BnLVLUeDokHuxTylbFCiUMTTKzMaWnavsfeYI5RFU+vw3NrNUxKF+9sYB0Q=\n"
            "-----END CERTIFICATE-----\n"},
    },
    [KEY_P256] = {
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgP6TL8iqkyo4biM0B\n"
            "hyr9FiHoB1cJCDHAQ6RZLJ7PLwuhRANCAASoMnNMq80eDkLcGntlc2/zHs/h1vNo\n"
            "817ELTLGfq01Zi8GcOmBLLf2Ix3V8Z9yUnd8uQQ6b1xQGSOKPBTeYcBj\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIBbzCCARWgAwIBAgIUUuWHmkRjuv+6+zxEFoL588B2TEswCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKgyc0yrzR4O\n"
            "Qtwae2Vzb/Mez+HW82jzXsQtMsZ+rTVmLwZw6YEst/YjHdXxn3JSd3y5BDpvXFAZ\n"
            "I4o8FN5hwGOjUzBRMB0GA1UdDgQWBBTZKQIyktSNNUaWg2XZ5KoegsAaVTAfBgNV\n"
            "HSMEGDAWgBTZKQIyktSNNUaWg2XZ5KoegsAaVTAPBgNVHRMBAf8EBTADAQH/MAoG\n"
            "CCqGSM49BAMCA0gAMEUCIQCpjqPbWhJeSojRbXTSQlnFQP7t84bq76z64kGLGLqp\n"
            "pAIgGjGTe6lxGpaM6b8qetg8Vj0UppUsVas/nA9+pDiu4EY=\n"
            "-----END CERTIFICATE-----\n"},
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdu1SF3LpXcCjjjdp\n"
            "ES3xPTkzF2mRgm0vU0N3qvHLwIWhRANCAAT/nnnhgl/oGpx3eNPmD5SyUJm4es19\n"
            "kTlWsk6x6rUBowGySw1eqyxZKHbrOEozvLhrlSsz+PeVfb776yABqeqW\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIBbzCCARWgAwIBAgIUfJbe44iRDJTgeFi9FG9trBPPvWIwCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYjAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABP+eeeGCX+ga\n"
            "nHd40+YPlLJQmbh6zX2ROVayTrHqtQGjAbJLDV6rLFkodus4SjO8uGuVKzP495V9\n"
            "vvvrIAGp6pajUzBRMB0GA1UdDgQWBBSIoyGhNI7gVCSQUH3KT1UxQic1TjAfBgNV\n"
            "HSMEGDAWgBSIoyGhNI7gVCSQUH3KT1UxQic1TjAPBgNVHRMBAf8EBTADAQH/MAoG\n"
            "CCqGSM49BAMCA0gAMEUCIQCNM+6uiAjwrVTDtBZUvev9UBs3DsCaDmlq63+tyUJj\n"
            "BwIgJ4FU8IRkxGf+YuEQUch7i8mjOL8idDJrvOTv3/j/ioo=\n"
            "-----END CERTIFICATE-----\n"},
    },
    [KEY_P384] = {
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDB0XAbbixoy3NXUrKme\n"
            "9FMyTMFfrWAGkgEBLpHM/EeJXatTewiWfbLFZ4rLjYwBcXihZANiAAQeF4eJDByf\n"
            "S8Hov6gDviAcUIp4SzLRCHFKBMHyjvbcTg0Zaog9s/1Ifj2+kgI0mLzUeJ2+vEUV\n"
            "Z+p3q2gRYqQGf3gkDBA5X4XYVyhZvND6MYgvnNY0eqwxkVRrSqtisJo=\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIBrDCCATKgAwIBAgIUcFxLM2OP5wansC1dE2gQQnY9p2cwCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYTB2MBAGByqGSM49AgEGBSuBBAAiA2IABB4Xh4kMHJ9Lwei/\n"
            "qAO+IBxQinhLMtEIcUoEwfKO9txODRlqiD2z/Uh+Pb6SAjSYvNR4nb68RRVn6ner\n"
            "aBFipAZ/eCQMEDlfhdhXKFm80PoxiC+c1jR6rDGRVGtKq2KwmqNTMFEwHQYDVR0O\n"
            "BBYEFMBsARXi6E+oAPLK2Zuxn5KLRp+3MB8GA1UdIwQYMBaAFMBsARXi6E+oAPLK\n"
            "2Zuxn5KLRp+3MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDaAAwZQIwZ8LR\n"
            "o+JO0l0+sO3/4aBUhWzn9d5C3Tw8PVziBW7EwR7Xhv4x+q2tfkMGzkLvhzmyAjEA\n"
            "vV1zQE7Q2Uc/pokOueidqV/5jntWFRt2t6N59WOU034A4cTzHISzauCmvOoW9RxY\n"
            "-----END CERTIFICATE-----\n"},
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAXQjzP+XwJI4JbPmH9\n"
            "9Go5NpH4iPuuc4ESVM57fEPQUDw0tsIFLQ+NEHNsbPENO6ChZANiAASw5vQnPhT0\n"
            "wRQtN7xZz3ISRZUOQDNOlK6ZsMTcEEn/lWGljk0sjFPNzynu/IhU9wHWAdIKeRy1\n"
            "iKSTAsAsfGykfll1HAO/w86x95aEPv4bWMeKMcg9wn3pKjQfxVfaN1Y=\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIBqzCCATKgAwIBAgIUeIWFhLgBhO4df5J5J6AojRw2tqQwCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYjAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYjB2MBAGByqGSM49AgEGBSuBBAAiA2IABLDm9Cc+FPTBFC03\n"
            "vFnPchJFlQ5AM06UrpmwxNwQSf+VYaWOTSyMU83PKe78iFT3AdYB0gp5HLWIpJMC\n"
            "wCx8bKR+WXUcA7/DzrH3loQ+/htYx4oxyD3CfekqNB/FV9o3VqNTMFEwHQYDVR0O\n"
            "BBYEFCpcd00aNMsevIFIU6kT1JX/DgL5MB8GA1UdIwQYMBaAFCpcd00aNMsevIFI\n"
            "U6kT1JX/DgL5MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDZwAwZAIwC1nA\n"
            "4WN2hhAef2aEd1s5so4SRNin2O+yNC2TzqrEtbkkbtuFCK/vlFURtGd2qv7/AjBr\n"
            "0wSrZkm3jyKc9VVJMYJmB3VHH9YzE7WUVfdgWl5YmZ4qVJOKVOO8R4JkTXCKaPM=\n"
            "-----END CERTIFICATE-----\n"},
    },
    [KEY_P521] = {
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBSu1Z/nuDrCpNLeU1\n"
            "L5LWJxBK1uM4UnMoFyDqDhR+BqEhXKzvmP+gDD3sGZnKb6X8xMKVWJdkjhgJ3zTi\n"
            "4WY+F3mhgYkDgYYABACY/rknu+FHRj7SppLmzL8BoThnuchTjg8v/TtKoHjD3TT5\n"
            "ExNBHyNFvku+9qQ7z4VdZK68jvugGBPqnucyseCxgAA+x5KPSTdljTBHTcudP6KX\n"
            "XYvelshWbO/PO8j00pcOE+qtpngIRSsArHQAQ21ulG+PvZ55zPOWuD9Pjs8hHuZU\n"
            "7Q==\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIB9zCCAVigAwIBAgIUZOAHVS7VYFNG5+bCHOVZuTeD330wCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYTCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEAJj+uSe74UdG\n"
            "PtKmkubMvwGhOGe5yFOODy/9O0qgeMPdNPkTE0EfI0W+S772pDvPhV1krryO+6AY\n"
            "E+qe5zKx4LGAAD7Hko9JN2WNMEdNy50/opddi96WyFZs7887yPTSlw4T6q2meAhF\n"
            "KwCsdABDbW6Ub4+9nnnM85a4P0+OzyEe5lTto1MwUTAdBgNVHQ4EFgQUIWUm6P9r\n"
            "EQA/x9Z/BYrAxxVNHhkwHwYDVR0jBBgwFoAUIWUm6P9rEQA/x9Z/BYrAxxVNHhkw\n"
            "DwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgOBjAAwgYgCQgDzhQMcjEyCUfF0\n"
            "NGc+b1tBnA8vwsEBRpGBWZnPptWg3TFAL5798l0Dzd3NZnLYmc1zPrYGmWiibJ5z\n"
            "pnXHjpZYewJCALdCyg+Mdl81gUtNCRiCiNRWOtk3usDLMMfiy3oYrD4t7jOOUU6S\n"
            "12BaC2OfuvG6R8aRX5MeHmt0UNoBMyru+ZJy\n"
            "-----END CERTIFICATE-----\n"},
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAZhfTWIlnUfisd1+P\n"
            "pR1HyqoUvwRvrEJLD9mF6hUOy9VhaO+p58JPiRtJfY18u0fVBVxZw0vsZDHBe7+F\n"
            "p7BKRbChgYkDgYYABAGJg4vEafeITKuFWW4Xyy/jrdwmnzi6MHTCINcOei1Xvmyj\n"
            "hnZcgvz+siAt7X7Q/Oy74q3l+h+/18aJ+NRQI010QQDHmbVvKvOwWMri+oGSOhwT\n"
            "hcLWuzIB8aykpfQ9/xLk7kFLHPIkcJSjDGb4OWC41aQ3PeOerEVZoOWX8MHIEWui\n"
            "lA==\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIIB9zCCAVigAwIBAgIUJxJbYJLZjdSB9/gfmoYUOO+OfHswCgYIKoZIzj0EAwIw\n"
            "DDEKMAgGA1UEAwwBYjAgFw0yNjExMjcwNTA5NDdaGA8yMTI2MTEwMzA1MDk0N1ow\n"
            "DDEKMAgGA1UEAwwBYjCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEAYmDi8Rp94hM\n"
            "q4VZbhfLL+Ot3CafOLowdMIg1w56LVe+bKOGdlyC/P6yIC3tftD87LvireX6H7/X\n"
            "xon41FAjTXRBAMeZtW8q87BYyuL6gZI6HBOFwta7MgHxrKSl9D3/EuTuQUsc8iRw\n"
            "lKMMZvg5YLjVpDc9456sRVmg5ZfwwcgRa6KUo1MwUTAdBgNVHQ4EFgQUpMBUtYdE\n"
            "6H+8On22JyFmPd0QMPswHwYDVR0jBBgwFoAUpMBUtYdE6H+8On22JyFmPd0QMPsw\n"
            "DwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgOBjAAwgYgCQgE64CgrejcnivZ9\n"
            "CHJcBTfPwHjo26IK6K5u1LytheCiF7Z1rVmSi6p0zRXeYBr19wa7AvevilOqzbqq\n"
            "lzyN1qW77wJCAfER4Y4T9kYNbIYdzQEgutImYVhZM0+Wa1rmTjEgbc+Fk/2ED9QA\n"
            "KiNiC7pp6jYiZTOKzz83XkJrjXq0+B2JcLtT\n"
            "-----END CERTIFICATE-----\n"},
    },
    [KEY_DSA] = {
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIIBSwIBADCCASwGByqGSM44BAEwggEfAoGBAKXrlplFP7Casa7HO30sH8p+I+A8\n"
            "XhpvF128Wpa/8SDS3EXRxus/29TNMYBBlfnA3jenpLR5/yJ4sSSlaQ668MpUv6S+\n"
            "NYImtZarvm0RpQDTclvxexy4cHZd2nxpobsKI31jptsWEx7bYnu+GTalU9SNDWem\n"
            "u0InOCG5iJPtQBp7AhUA9KCbKPSgmaQAyP0r1qfyVeBR2icCgYEAi9NgLXDnpKUw\n"
            "YM4wQ/BCKcSQkQuyoc35KVI+v3mlfJUi1DRk8KMdDElF273RrHdEz9/DcE7TBiF+\n"
            "uMs9yCOSV8iNPRamz1a8zs3NFEuRyUEcab4W7PFUyv3PyjAidiGZ8o34N66o2DDq\n"
            "EhmeySrnv8H+f9nmbOnRyBJghVM/dxYEFgIUJxWOOhRaAikcKitcP9aiGa814FE=\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIICuTCCAnagAwIBAgIUe3U4d+Up69CSY04M3v9ZRj2RiX8wCwYJYIZIAWUDBAMC\n"
            "MAwxCjAIBgNVBAMMAWEwIBcNMjYxMTI3MDUwOTQ3WhgPMjEyNjExMDMwNTA5NDda\n"
            "MAwxCjAIBgNVBAMMAWEwggG3MIIBLAYHKoZIzjgEATCCAR8CgYEApeuWmUU/sJqx\n"
            "rsc7fSwfyn4j4DxeGm8XXbxalr/xINLcRdHG6z/b1M0xgEGV+cDeN6ektHn/Inix\n"
            "JKVpDrrwylS/pL41gia1lqu+bRGlANNyW/F7HLhwdl3afGmhuwojfWOm2xYTHtti\n"
            "e74ZNqVT1I0NZ6a7Qic4IbmIk+1AGnsCFQD0oJso9KCZpADI/SvWp/JV4FHaJwKB\n"
            "gQCL02AtcOekpTBgzjBD8EIpxJCRC7KhzfkpUj6/eaV8lSLUNGTwox0MSUXbvdGs\n"
            "d0TP38NwTtMGIX64yz3II5JXyI09FqbPVrzOzc0US5HJQRxpvhbs8VTK/c/KMCJ2\n"
            "IZnyjfg3rqjYMOoSGZ7JKue/wf5/2eZs6dHIEmCFUz93FgOBhAACgYAilBBkKWJK\n"
            "B3OJcjA+eLrMcRpGuAhtuy+Lo34OsgQvOQVoRMFFRFQl/EL5azlFQjRDPsR0oH03\n"
            "/kbwSLvg512EuxtZmPfcEgdgtmDWBxRmPQC/VscEgKB3yWsRGr6b1/hmHaFLsjc/\n"
            "kk8BOAvIHhm7HS1M1Xm4xf63grUZ15+YMKNTMFEwHQYDVR0OBBYEFHB0s3hiUSxi\n"
            "JiZFcElKWIuluOf9MB8GA1UdIwQYMBaAFHB0s3hiUSxiJiZFcElKWIuluOf9MA8G\n"
            "A1UdEwEB/wQFMAMBAf8wCwYJYIZIAWUDBAMCAzAAMC0CFQCYU/yiqB/Yl5880KHe\n"
            "UCs+wfe69QIUM0Vrc27oBTi2PzynKIGelf0P+38=\n"
            "-----END CERTIFICATE-----\n"},
        {
            "-----BEGIN PRIVATE KEY-----\n"
            "MIIBSwIBADCCASwGByqGSM44BAEwggEfAoGBAKXrlplFP7Casa7HO30sH8p+I+A8\n"
            "XhpvF128Wpa/8SDS3EXRxus/29TNMYBBlfnA3jenpLR5/yJ4sSSlaQ668MpUv6S+\n"
            "NYImtZarvm0RpQDTclvxexy4cHZd2nxpobsKI31jptsWEx7bYnu+GTalU9SNDWem\n"
            "u0InOCG5iJPtQBp7AhUA9KCbKPSgmaQAyP0r1qfyVeBR2icCgYEAi9NgLXDnpKUw\n"
            "YM4wQ/BCKcSQkQuyoc35KVI+v3mlfJUi1DRk8KMdDElF273RrHdEz9/DcE7TBiF+\n"
            "uMs9yCOSV8iNPRamz1a8zs3NFEuRyUEcab4W7PFUyv3PyjAidiGZ8o34N66o2DDq\n"
            "EhmeySrnv8H+f9nmbOnRyBJghVM/dxYEFgIUGhzu+Lc3ebErNu4k04aRtoujQAU=\n"
            "-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n"
            "MIICuTCCAnegAwIBAgIUY0JxTIzB4FSBvbOj9zL/wxGOkFAwCwYJYIZIAWUDBAMC\n"
            "MAwxCjAIBgNVBAMMAWIwIBcNMjYxMTI3MDUwOTQ3WhgPMjEyNjExMDMwNTA5NDda\n"
            "MAwxCjAIBgNVBAMMAWIwggG4MIIBLAYHKoZIzjgEATCCAR8CgYEApeuWmUU/sJqx\n"
            "rsc7fSwfyn4j4DxeGm8XXbxalr/xINLcRdHG6z/b1M0xgEGV+cDeN6ektHn/Inix\n"
            "JKVpDrrwylS/pL41gia1lqu+bRGlANNyW/F7HLhwdl3afGmhuwojfWOm2xYTHtti\n"
            "e74ZNqVT1I0NZ6a7Qic4IbmIk+1AGnsCFQD0oJso9KCZpADI/SvWp/JV4FHaJwKB\n"
            "gQCL02AtcOekpTBgzjBD8EIpxJCRC7KhzfkpUj6/eaV8lSLUNGTwox0MSUXbvdGs\n"
            "d0TP38NwTtMGIX64yz3II5JXyI09FqbPVrzOzc0US5HJQRxpvhbs8VTK/c/KMCJ2\n"
            "IZnyjfg3rqjYMOoSGZ7JKue/wf5/2eZs6dHIEmCFUz93FgOBhQACgYEAhtFxT27D\n"
            "MZPaslEqkRybuLcaPOvRnezb/yf1oPU+4kcUNrV+/ybomGFJhTldN+WSdNauH8mf\n"
            "oj5Nm90srlql0ouqSxTrtrC4IXBolfo4F7F9IRIBYj03d7JKIdb14YpDB0FmT74B\n"
            "7WexRZa1v1L6ZZfEkxNpTrtWoejh8Jx4a4WjUzBRMB0GA1UdDgQWBBTqLNg77wni\n"
            "K9n0S0ztNgZMxYzI5DAfBgNVHSMEGDAWgBTqLNg77wniK9n0S0ztNgZMxYzI5DAP\n"
            "BgNVHRMBAf8EBTADAQH/MAsGCWCGSAFlAwQDAgMvADAsAhQXixhH263XCDivgpLb\n"
            "mjUOwP/D5wIUXAZR/ZqiJNGmJZfUl/2oR/XJqFM=\n"
            "-----END CERTIFICATE-----\n"},
    },
};
/* clang-format on */

#endif

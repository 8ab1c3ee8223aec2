/* SPDX-License-Identifier: ISC
 *
 * Algorithm keywords. Those of strongSwan where it has one, so that its configurations read the same here. The first row of
 * a transform is how it is printed; more rows are other ways to write it. A row does not mean that the algorithm can be run:
 * that is up to the crypto in use.
 */
#include "base/nearest.h"
#include "proposal/keywords.h"
#include "proposal/proposal.h"

static const struct ike_keyword keywords[] = {
    {"aes128gcm16", IKE_T_ENCR, 20, 128}, {"aes128gcm128", IKE_T_ENCR, 20, 128}, {"aes128gcm", IKE_T_ENCR, 20, 128},
    {"aes192gcm16", IKE_T_ENCR, 20, 192}, {"aes192gcm128", IKE_T_ENCR, 20, 192}, {"aes192gcm", IKE_T_ENCR, 20, 192},
    {"aes256gcm16", IKE_T_ENCR, 20, 256}, {"aes256gcm128", IKE_T_ENCR, 20, 256}, {"aes256gcm", IKE_T_ENCR, 20, 256},
    {"aes128gcm12", IKE_T_ENCR, 19, 128}, {"aes128gcm96", IKE_T_ENCR, 19, 128}, {"aes192gcm12", IKE_T_ENCR, 19, 192},
    {"aes192gcm96", IKE_T_ENCR, 19, 192}, {"aes256gcm12", IKE_T_ENCR, 19, 256}, {"aes256gcm96", IKE_T_ENCR, 19, 256},
    {"aes128gcm8", IKE_T_ENCR, 18, 128}, {"aes128gcm64", IKE_T_ENCR, 18, 128}, {"aes192gcm8", IKE_T_ENCR, 18, 192},
    {"aes192gcm64", IKE_T_ENCR, 18, 192}, {"aes256gcm8", IKE_T_ENCR, 18, 256}, {"aes256gcm64", IKE_T_ENCR, 18, 256},
    {"chacha20poly1305", IKE_T_ENCR, 28, 0}, {"chacha20", IKE_T_ENCR, 28, 0}, {"aes128", IKE_T_ENCR, 12, 128},
    {"aes192", IKE_T_ENCR, 12, 192}, {"aes256", IKE_T_ENCR, 12, 256}, {"aes", IKE_T_ENCR, 12, 128},
    {"aes128ctr", IKE_T_ENCR, 13, 128}, {"aes192ctr", IKE_T_ENCR, 13, 192}, {"aes256ctr", IKE_T_ENCR, 13, 256},
    {"aes128ccm16", IKE_T_ENCR, 16, 128}, {"aes128ccm128", IKE_T_ENCR, 16, 128}, {"aes128ccm", IKE_T_ENCR, 16, 128},
    {"aes192ccm16", IKE_T_ENCR, 16, 192}, {"aes192ccm128", IKE_T_ENCR, 16, 192}, {"aes192ccm", IKE_T_ENCR, 16, 192},
    {"aes256ccm16", IKE_T_ENCR, 16, 256}, {"aes256ccm128", IKE_T_ENCR, 16, 256}, {"aes256ccm", IKE_T_ENCR, 16, 256},
    {"aes128ccm12", IKE_T_ENCR, 15, 128}, {"aes128ccm96", IKE_T_ENCR, 15, 128}, {"aes192ccm12", IKE_T_ENCR, 15, 192},
    {"aes192ccm96", IKE_T_ENCR, 15, 192}, {"aes256ccm12", IKE_T_ENCR, 15, 256}, {"aes256ccm96", IKE_T_ENCR, 15, 256},
    {"aes128ccm8", IKE_T_ENCR, 14, 128}, {"aes128ccm64", IKE_T_ENCR, 14, 128}, {"aes192ccm8", IKE_T_ENCR, 14, 192},
    {"aes192ccm64", IKE_T_ENCR, 14, 192}, {"aes256ccm8", IKE_T_ENCR, 14, 256}, {"aes256ccm64", IKE_T_ENCR, 14, 256},
    {"aes128gmac", IKE_T_ENCR, 21, 128}, {"aes192gmac", IKE_T_ENCR, 21, 192}, {"aes256gmac", IKE_T_ENCR, 21, 256},
    {"camellia128", IKE_T_ENCR, 23, 128}, {"camellia192", IKE_T_ENCR, 23, 192}, {"camellia256", IKE_T_ENCR, 23, 256},
    {"camellia", IKE_T_ENCR, 23, 128}, {"camellia128ctr", IKE_T_ENCR, 24, 128}, {"camellia192ctr", IKE_T_ENCR, 24, 192},
    {"camellia256ctr", IKE_T_ENCR, 24, 256}, {"camellia128ccm16", IKE_T_ENCR, 27, 128},
    {"camellia128ccm128", IKE_T_ENCR, 27, 128}, {"camellia192ccm16", IKE_T_ENCR, 27, 192},
    {"camellia192ccm128", IKE_T_ENCR, 27, 192}, {"camellia256ccm16", IKE_T_ENCR, 27, 256},
    {"camellia256ccm128", IKE_T_ENCR, 27, 256}, {"camellia128ccm12", IKE_T_ENCR, 26, 128},
    {"camellia128ccm96", IKE_T_ENCR, 26, 128}, {"camellia192ccm12", IKE_T_ENCR, 26, 192},
    {"camellia192ccm96", IKE_T_ENCR, 26, 192}, {"camellia256ccm12", IKE_T_ENCR, 26, 256},
    {"camellia256ccm96", IKE_T_ENCR, 26, 256}, {"camellia128ccm8", IKE_T_ENCR, 25, 128},
    {"camellia128ccm64", IKE_T_ENCR, 25, 128}, {"camellia192ccm8", IKE_T_ENCR, 25, 192},
    {"camellia192ccm64", IKE_T_ENCR, 25, 192}, {"camellia256ccm8", IKE_T_ENCR, 25, 256},
    {"camellia256ccm64", IKE_T_ENCR, 25, 256}, {"3des", IKE_T_ENCR, 3, 0}, {"des", IKE_T_ENCR, 2, 0},
    {"null", IKE_T_ENCR, 11, 0}, {"cast128", IKE_T_ENCR, 6, 128}, {"blowfish128", IKE_T_ENCR, 7, 128},
    {"blowfish", IKE_T_ENCR, 7, 128},
    {"blowfish192", IKE_T_ENCR, 7, 192}, {"blowfish256", IKE_T_ENCR, 7, 256}, {"prfsha256", IKE_T_PRF, 5, 0},
    {"prfsha384", IKE_T_PRF, 6, 0}, {"prfsha512", IKE_T_PRF, 7, 0}, {"prfsha1", IKE_T_PRF, 2, 0},
    {"prfaesxcbc", IKE_T_PRF, 4, 0}, {"prfaescmac", IKE_T_PRF, 8, 0}, {"prfmd5", IKE_T_PRF, 1, 0},
    {"sha256", IKE_T_INTEG, 12, 0}, {"sha2_256", IKE_T_INTEG, 12, 0}, {"sha384", IKE_T_INTEG, 13, 0},
    {"sha2_384", IKE_T_INTEG, 13, 0}, {"sha512", IKE_T_INTEG, 14, 0}, {"sha2_512", IKE_T_INTEG, 14, 0},
    {"sha1", IKE_T_INTEG, 2, 0}, {"sha", IKE_T_INTEG, 2, 0}, {"aesxcbc", IKE_T_INTEG, 5, 0}, {"aescmac", IKE_T_INTEG, 8, 0},
    {"md5", IKE_T_INTEG, 1, 0}, {"sha1_160", IKE_T_INTEG, 7, 0}, {"md5_128", IKE_T_INTEG, 6, 0}, {"x25519", IKE_T_KE, 31, 0},
    {"curve25519", IKE_T_KE, 31, 0}, {"x448", IKE_T_KE, 32, 0}, {"curve448", IKE_T_KE, 32, 0}, {"ecp256", IKE_T_KE, 19, 0},
    {"ecp384", IKE_T_KE, 20, 0}, {"ecp521", IKE_T_KE, 21, 0}, {"modp2048", IKE_T_KE, 14, 0}, {"modp3072", IKE_T_KE, 15, 0},
    {"modp4096", IKE_T_KE, 16, 0}, {"modp6144", IKE_T_KE, 17, 0}, {"modp8192", IKE_T_KE, 18, 0},
    {"ecp256bp", IKE_T_KE, 28, 0}, {"ecp384bp", IKE_T_KE, 29, 0}, {"ecp512bp", IKE_T_KE, 30, 0},
    {"ecp224bp", IKE_T_KE, 27, 0}, {"ecp192", IKE_T_KE, 25, 0}, {"ecp224", IKE_T_KE, 26, 0},
    {"modp1024s160", IKE_T_KE, 22, 0}, {"modp2048s224", IKE_T_KE, 23, 0}, {"modp2048s256", IKE_T_KE, 24, 0},
    {"modp1536", IKE_T_KE, 5, 0}, {"modp1024", IKE_T_KE, 2, 0}, {"modp768", IKE_T_KE, 1, 0}, {"mlkem512", IKE_T_KE, 35, 0},
    {"mlkem768", IKE_T_KE, 36, 0}, {"mlkem1024", IKE_T_KE, 37, 0}, {"nopfs", IKE_T_KE, 0, 0}, {"modpnone", IKE_T_KE, 0, 0},
    {"ec2n155", IKE_T_KE, 3, 0}, {"ec2n185", IKE_T_KE, 4, 0}, {"esn", IKE_T_ESN, 1, 0}, {"noesn", IKE_T_ESN, 0, 0},
};

/* What is known of every cipher of the registry. An offer must be judged by ciphers nobody here can run as well: whether one
 * brings its own integrity decides what else may stand beside it. */
static const struct {
    uint16_t id;
    uint8_t traits;
} ciphers[] = {
    {1, IKE_ENCR_FIXED_KEY | IKE_ENCR_NOT_IKE},
    {2, IKE_ENCR_FIXED_KEY},
    {3, IKE_ENCR_FIXED_KEY},
    {4, 0},
    {5, IKE_ENCR_FIXED_KEY},
    {6, 0},
    {7, 0},
    {8, IKE_ENCR_FIXED_KEY},
    {9, IKE_ENCR_FIXED_KEY | IKE_ENCR_NOT_IKE},
    {11, IKE_ENCR_FIXED_KEY | IKE_ENCR_NOT_IKE},
    {12, 0},
    {13, 0},
    {14, IKE_ENCR_AEAD},
    {15, IKE_ENCR_AEAD},
    {16, IKE_ENCR_AEAD},
    {18, IKE_ENCR_AEAD},
    {19, IKE_ENCR_AEAD},
    {20, IKE_ENCR_AEAD},
    {21, IKE_ENCR_AEAD | IKE_ENCR_NOT_IKE},
    {23, 0},
    {24, 0},
    {25, IKE_ENCR_AEAD},
    {26, IKE_ENCR_AEAD},
    {27, IKE_ENCR_AEAD},
    {28, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY},
    {29, IKE_ENCR_AEAD | IKE_ENCR_NOT_IKE},
    {30, IKE_ENCR_AEAD | IKE_ENCR_NOT_IKE},
    {31, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY | IKE_ENCR_NOT_IKE},
    {32, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY},
    {33, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY},
    {34, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY},
    {35, IKE_ENCR_AEAD | IKE_ENCR_FIXED_KEY},
};

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool same(const char *word, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (word[i] == 0 || word[i] != lower(s[i])) {
            return false;
        }
    }
    return word[n] == 0;
}

/* `s` is a part of a longer text, not ended by NUL. Read at configuration only, so walking the table does. */
const struct ike_keyword *ike_keyword_find(const char *s, size_t n)
{
    /* No keyword is empty. */
    const char first = n ? lower(s[0]) : 0;
    for (size_t i = 0; i < IKE_COUNT(keywords); i++) {
        if (keywords[i].word[0] == first && same(keywords[i].word, s, n)) {
            return &keywords[i];
        }
    }
    return NULL;
}

/* The first row wins, see above. */
const char *ike_keyword_of(uint8_t type, uint16_t id, uint16_t bits)
{
    for (size_t i = 0; i < IKE_COUNT(keywords); i++) {
        if (keywords[i].type == type && keywords[i].id == id && keywords[i].bits == bits) {
            return keywords[i].word;
        }
    }
    return NULL;
}

/* 0: not in the registry. IKE_ENCR_KNOWN tells a cipher without traits from one that is not known. */
unsigned ike_encr_traits(uint16_t id)
{
    for (size_t i = 0; i < IKE_COUNT(ciphers); i++) {
        if (ciphers[i].id == id) {
            return ciphers[i].traits | (unsigned)IKE_ENCR_KNOWN;
        }
    }
    return 0;
}

/* A third of the letters and one more: farther away it would be guessing. */
const char *ike_keyword_nearest(const char *s, size_t n)
{
    struct ike_nearest near = ike_nearest(s, n, n ? n / 3 + 2 : 0);
    for (size_t i = 0; i < IKE_COUNT(keywords); i++) {
        ike_nearest_try(&near, keywords[i].word);
    }
    return near.best;
}

/* SPDX-License-Identifier: ISC
 *
 * vici_names.c - the words VICI clients expect: states, transforms (IANA numbers), subsystems of the log.
 */
#include "vici.h"

#include <stdio.h>

struct name {
    unsigned id;
    const char *text;
};

static const struct name encr[] = {{2, "DES_CBC"},     {3, "3DES_CBC"},       {6, "CAST_CBC"},      {7, "BLOWFISH_CBC"},
                                   {11, "NULL"},       {12, "AES_CBC"},       {13, "AES_CTR"},      {14, "AES_CCM_8"},
                                   {15, "AES_CCM_12"}, {16, "AES_CCM_16"},    {18, "AES_GCM_8"},    {19, "AES_GCM_12"},
                                   {20, "AES_GCM_16"}, {21, "NULL_AES_GMAC"}, {23, "CAMELLIA_CBC"}, {28, "CHACHA20_POLY1305"},
                                   {0, NULL}};
static const struct name integ[] = {
    {1, "HMAC_MD5_96"},        {2, "HMAC_SHA1_96"},       {5, "AES_XCBC_96"},        {8, "AES_CMAC_96"},
    {12, "HMAC_SHA2_256_128"}, {13, "HMAC_SHA2_384_192"}, {14, "HMAC_SHA2_512_256"}, {0, NULL}};
static const struct name prf[] = {
    {1, "PRF_HMAC_MD5"},      {2, "PRF_HMAC_SHA1"},     {4, "PRF_AES128_XCBC"}, {5, "PRF_HMAC_SHA2_256"},
    {6, "PRF_HMAC_SHA2_384"}, {7, "PRF_HMAC_SHA2_512"}, {8, "PRF_AES128_CMAC"}, {0, NULL}};
static const struct name ke[] = {
    {1, "MODP_768"},    {2, "MODP_1024"},   {3, "EC2N_155"},    {4, "EC2N_185"},     {5, "MODP_1536"},
    {14, "MODP_2048"},  {15, "MODP_3072"},  {16, "MODP_4096"},  {17, "MODP_6144"},   {18, "MODP_8192"},
    {19, "ECP_256"},    {20, "ECP_384"},    {21, "ECP_521"},    {25, "ECP_192"},     {26, "ECP_224"},
    {27, "ECP_224_BP"}, {28, "ECP_256_BP"}, {29, "ECP_384_BP"}, {30, "ECP_512_BP"},  {31, "CURVE_25519"},
    {32, "CURVE_448"},  {35, "ML_KEM_512"}, {36, "ML_KEM_768"}, {37, "ML_KEM_1024"}, {0, NULL}};

static const char *find(const struct name *list, unsigned id)
{
    while (list->text && list->id != id) {
        list++;
    }
    return list->text;
}

/* A transform we have no word for is a number; 0 is none at all. */
static const char *transform(const struct name *list, unsigned id, char *out, size_t n)
{
    const char *s = find(list, id);
    if (s == NULL && id) {
        snprintf(out, n, "%u", id);
        s = out;
    }
    return s;
}

const char *vici_encr_name(unsigned id, char *out, size_t n) { return transform(encr, id, out, n); }
const char *vici_integ_name(unsigned id, char *out, size_t n) { return transform(integ, id, out, n); }
const char *vici_prf_name(unsigned id, char *out, size_t n) { return transform(prf, id, out, n); }
const char *vici_ke_name(unsigned id, char *out, size_t n) { return transform(ke, id, out, n); }

const char *vici_sa_state(unsigned state)
{
    static const struct name states[] = {{IKE_SA_CONNECTING, "CONNECTING"}, {IKE_SA_ESTABLISHED, "ESTABLISHED"},
                                         {IKE_SA_REKEYING, "REKEYING"},     {IKE_SA_REKEYED, "REKEYED"},
                                         {IKE_SA_DELETING, "DELETING"},     {0, NULL}};
    const char *s = find(states, state);
    return s ? s : "UNKNOWN";
}

const char *vici_child_state(unsigned state)
{
    static const struct name states[] = {{IKE_CHILD_INSTALLING, "INSTALLING"}, {IKE_CHILD_INSTALLED, "INSTALLED"},
                                         {IKE_CHILD_REKEYING, "REKEYING"},     {IKE_CHILD_REKEYED, "REKEYED"},
                                         {IKE_CHILD_DELETING, "DELETING"},     {0, NULL}};
    const char *s = find(states, state);
    return s ? s : "UNKNOWN";
}

const char *vici_log_group(ike_log_class cls)
{
    switch (cls) {
    case IKE_LOG_ENGINE:
        return "MGR";
    case IKE_LOG_MESSAGE:
        return "ENC";
    case IKE_LOG_CHILD:
        return "CHD";
    case IKE_LOG_NEGOTIATION:
        return "CFG";
    case IKE_LOG_TIMER:
        return "JOB";
    case IKE_LOG_CRYPTO:
        return "LIB";
    case IKE_LOG_CLASSES:
        return "DMN";
    default:
        return "IKE";
    }
}

int vici_log_level(ike_log_level level)
{
    return level <= IKE_LOG_WARN ? 0 : level == IKE_LOG_INFO ? 1 : level == IKE_LOG_DEBUG ? 2 : 3;
}

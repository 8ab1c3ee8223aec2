/* SPDX-License-Identifier: ISC
 *
 * The numbers of the IANA registries "Internet Key Exchange Version 2 (IKEv2) Parameters" and "Magic Numbers for ISAKMP
 * Protocol", one sorted table each.
 */
#include "message/names.h"
#include "base/bytes.h"

struct row {
    uint16_t value;
    const char *name;
};

/* 0x100 and up are version 1's: both versions number exchanges and payloads on their own. */
static const struct row exchange[] = {
    {34, "IKE_SA_INIT"}, {35, "IKE_AUTH"}, {36, "CREATE_CHILD_SA"}, {37, "INFORMATIONAL"}, {38, "IKE_SESSION_RESUME"},
    {39, "GSA_AUTH"}, {40, "GSA_REGISTRATION"}, {41, "GSA_REKEY"}, {42, "GSA_INBAND_REKEY"}, {43, "IKE_INTERMEDIATE"},
    {44, "IKE_FOLLOWUP_KE"}, {0x100, "NONE"}, {0x101, "Base"}, {0x102, "Identity Protection"}, {0x103, "Authentication Only"},
    {0x104, "Aggressive"}, {0x105, "Informational"}, {0x106, "Transaction"}, {0x120, "Quick Mode"}, {0x121, "New Group Mode"},
};
static const struct row payload[] = {
    {0, "none"}, {33, "SA"}, {34, "KE"}, {35, "IDi"}, {36, "IDr"}, {37, "CERT"}, {38, "CERTREQ"}, {39, "AUTH"}, {40, "Nonce"},
    {41, "N"}, {42, "D"}, {43, "V"}, {44, "TSi"}, {45, "TSr"}, {46, "SK"}, {47, "CP"}, {48, "EAP"}, {49, "GSPM"}, {50, "IDg"},
    {51, "GSA"}, {52, "KD"}, {53, "SKF"}, {54, "PS"}, {0x100, "none"}, {0x101, "SA"}, {0x102, "Proposal"},
    {0x103, "Transform"}, {0x104, "KE"}, {0x105, "ID"}, {0x106, "CERT"}, {0x107, "CR"}, {0x108, "HASH"}, {0x109, "SIG"},
    {0x10a, "NONCE"}, {0x10b, "N"}, {0x10c, "D"}, {0x10d, "VID"}, {0x10e, "ATTR"}, {0x10f, "SAK"}, {0x110, "SAT"},
    {0x111, "KD"}, {0x112, "SEQ"}, {0x113, "POP"}, {0x114, "NAT-D"}, {0x115, "NAT-OA"}, {0x116, "GAP"},
    {0x182, "NAT-D (draft)"}, {0x183, "NAT-OA (draft)"}, {0x184, "FRAG"},
};
static const struct row notify[] = {
    {1, "UNSUPPORTED_CRITICAL_PAYLOAD"}, {4, "INVALID_IKE_SPI"}, {5, "INVALID_MAJOR_VERSION"}, {7, "INVALID_SYNTAX"},
    {9, "INVALID_MESSAGE_ID"}, {11, "INVALID_SPI"}, {14, "NO_PROPOSAL_CHOSEN"}, {17, "INVALID_KE_PAYLOAD"},
    {24, "AUTHENTICATION_FAILED"}, {34, "SINGLE_PAIR_REQUIRED"}, {35, "NO_ADDITIONAL_SAS"}, {36, "INTERNAL_ADDRESS_FAILURE"},
    {37, "FAILED_CP_REQUIRED"}, {38, "TS_UNACCEPTABLE"}, {39, "INVALID_SELECTORS"}, {40, "UNACCEPTABLE_ADDRESSES"},
    {41, "UNEXPECTED_NAT_DETECTED"}, {42, "USE_ASSIGNED_HoA"}, {43, "TEMPORARY_FAILURE"}, {44, "CHILD_SA_NOT_FOUND"},
    {45, "INVALID_GROUP_ID"}, {46, "AUTHORIZATION_FAILED"}, {47, "STATE_NOT_FOUND"}, {48, "TS_MAX_QUEUE"},
    {49, "REGISTRATION_FAILED"}, {16384, "INITIAL_CONTACT"}, {16385, "SET_WINDOW_SIZE"}, {16386, "ADDITIONAL_TS_POSSIBLE"},
    {16387, "IPCOMP_SUPPORTED"}, {16388, "NAT_DETECTION_SOURCE_IP"}, {16389, "NAT_DETECTION_DESTINATION_IP"},
    {16390, "COOKIE"}, {16391, "USE_TRANSPORT_MODE"}, {16392, "HTTP_CERT_LOOKUP_SUPPORTED"}, {16393, "REKEY_SA"},
    {16394, "ESP_TFC_PADDING_NOT_SUPPORTED"}, {16395, "NON_FIRST_FRAGMENTS_ALSO"}, {16396, "MOBIKE_SUPPORTED"},
    {16397, "ADDITIONAL_IP4_ADDRESS"}, {16398, "ADDITIONAL_IP6_ADDRESS"}, {16399, "NO_ADDITIONAL_ADDRESSES"},
    {16400, "UPDATE_SA_ADDRESSES"}, {16401, "COOKIE2"}, {16402, "NO_NATS_ALLOWED"}, {16403, "AUTH_LIFETIME"},
    {16404, "MULTIPLE_AUTH_SUPPORTED"}, {16405, "ANOTHER_AUTH_FOLLOWS"}, {16406, "REDIRECT_SUPPORTED"}, {16407, "REDIRECT"},
    {16408, "REDIRECTED_FROM"}, {16409, "TICKET_LT_OPAQUE"}, {16410, "TICKET_REQUEST"}, {16411, "TICKET_ACK"},
    {16412, "TICKET_NACK"}, {16413, "TICKET_OPAQUE"}, {16414, "LINK_ID"}, {16415, "USE_WESP_MODE"}, {16416, "ROHC_SUPPORTED"},
    {16417, "EAP_ONLY_AUTHENTICATION"}, {16418, "CHILDLESS_IKEV2_SUPPORTED"}, {16419, "QUICK_CRASH_DETECTION"},
    {16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"}, {16421, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"},
    {16422, "IKEV2_MESSAGE_ID_SYNC"}, {16423, "IPSEC_REPLAY_COUNTER_SYNC"}, {16424, "SECURE_PASSWORD_METHODS"},
    {16425, "PSK_PERSIST"}, {16426, "PSK_CONFIRM"}, {16427, "ERX_SUPPORTED"}, {16428, "IFOM_CAPABILITY"},
    {16429, "GROUP_SENDER"}, {16430, "IKEV2_FRAGMENTATION_SUPPORTED"}, {16431, "SIGNATURE_HASH_ALGORITHMS"},
    {16432, "CLONE_IKE_SA_SUPPORTED"}, {16433, "CLONE_IKE_SA"}, {16434, "PUZZLE"}, {16435, "USE_PPK"},
    {16436, "PPK_IDENTITY"}, {16437, "NO_PPK_AUTH"}, {16438, "INTERMEDIATE_EXCHANGE_SUPPORTED"}, {16439, "IP4_ALLOWED"},
    {16440, "IP6_ALLOWED"}, {16441, "ADDITIONAL_KEY_EXCHANGE"}, {16442, "USE_AGGFRAG"}, {16443, "SUPPORTED_AUTH_METHODS"},
    {16444, "SA_RESOURCE_INFO"}, {16445, "USE_PPK_INT"}, {16446, "PPK_IDENTITY_KEY"},
};
static const struct row notify_v1[] = {
    {1, "INVALID-PAYLOAD-TYPE"}, {2, "DOI-NOT-SUPPORTED"}, {3, "SITUATION-NOT-SUPPORTED"}, {4, "INVALID-COOKIE"},
    {5, "INVALID-MAJOR-VERSION"}, {6, "INVALID-MINOR-VERSION"}, {7, "INVALID-EXCHANGE-TYPE"}, {8, "INVALID-FLAGS"},
    {9, "INVALID-MESSAGE-ID"}, {10, "INVALID-PROTOCOL-ID"}, {11, "INVALID-SPI"}, {12, "INVALID-TRANSFORM-ID"},
    {13, "ATTRIBUTES-NOT-SUPPORTED"}, {14, "NO-PROPOSAL-CHOSEN"}, {15, "BAD-PROPOSAL-SYNTAX"}, {16, "PAYLOAD-MALFORMED"},
    {17, "INVALID-KEY-INFORMATION"}, {18, "INVALID-ID-INFORMATION"}, {19, "INVALID-CERT-ENCODING"},
    {20, "INVALID-CERTIFICATE"}, {21, "CERT-TYPE-UNSUPPORTED"}, {22, "INVALID-CERT-AUTHORITY"},
    {23, "INVALID-HASH-INFORMATION"}, {24, "AUTHENTICATION-FAILED"}, {25, "INVALID-SIGNATURE"}, {26, "ADDRESS-NOTIFICATION"},
    {27, "NOTIFY-SA-LIFETIME"}, {28, "CERTIFICATE-UNAVAILABLE"}, {29, "UNSUPPORTED-EXCHANGE-TYPE"},
    {30, "UNEQUAL-PAYLOAD-LENGTHS"}, {16384, "CONNECTED"}, {24576, "RESPONDER-LIFETIME"}, {24577, "REPLAY-STATUS"},
    {24578, "INITIAL-CONTACT"}, {36136, "R-U-THERE"}, {36137, "R-U-THERE-ACK"},
};
static const struct row protocol[] = {
    {1, "IKE"}, {2, "AH"}, {3, "ESP"}, {4, "FC_ESP_HEADER"}, {5, "FC_CT_AUTHENTICATION"}, {6, "GIKE_UPDATE"},
};
static const struct row id[] = {
    {1, "IPV4_ADDR"}, {2, "FQDN"}, {3, "RFC822_ADDR"}, {4, "IPV4_ADDR_SUBNET"}, {5, "IPV6_ADDR"}, {6, "IPV6_ADDR_SUBNET"},
    {7, "IPV4_ADDR_RANGE"}, {8, "IPV6_ADDR_RANGE"}, {9, "DER_ASN1_DN"}, {10, "DER_ASN1_GN"}, {11, "KEY_ID"}, {12, "FC_NAME"},
    {13, "NULL"},
};
static const struct row auth_method[] = {
    {1, "RSA Digital Signature"}, {2, "Shared Key Message Integrity Code"}, {3, "DSS Digital Signature"},
    {9, "ECDSA with SHA-256 on P-256"}, {10, "ECDSA with SHA-384 on P-384"}, {11, "ECDSA with SHA-512 on P-521"},
    {12, "Generic Secure Password"}, {13, "NULL"}, {14, "Digital Signature"},
};
static const struct row transform_type[] = {
    {1, "ENCR"}, {2, "PRF"}, {3, "INTEG"}, {4, "KE"}, {5, "ESN"}, {6, "ADDKE1"}, {7, "ADDKE2"}, {8, "ADDKE3"}, {9, "ADDKE4"},
    {10, "ADDKE5"}, {11, "ADDKE6"}, {12, "ADDKE7"}, {13, "KWA"}, {14, "GCAUTH"},
};
static const struct row encr[] = {
    {1, "DES_IV64"}, {2, "DES"}, {3, "3DES"}, {4, "RC5"}, {5, "IDEA"}, {6, "CAST"}, {7, "BLOWFISH"}, {8, "3IDEA"},
    {9, "DES_IV32"}, {11, "NULL"}, {12, "AES_CBC"}, {13, "AES_CTR"}, {14, "AES_CCM_8"}, {15, "AES_CCM_12"},
    {16, "AES_CCM_16"}, {18, "AES_GCM_8"}, {19, "AES_GCM_12"}, {20, "AES_GCM_16"}, {21, "NULL_AUTH_AES_GMAC"},
    {23, "CAMELLIA_CBC"}, {24, "CAMELLIA_CTR"}, {25, "CAMELLIA_CCM_8"}, {26, "CAMELLIA_CCM_12"}, {27, "CAMELLIA_CCM_16"},
    {28, "CHACHA20_POLY1305"}, {29, "AES_CCM_8_IIV"}, {30, "AES_GCM_16_IIV"}, {31, "CHACHA20_POLY1305_IIV"},
    {32, "KUZNYECHIK_MGM_KTREE"}, {33, "MAGMA_MGM_KTREE"}, {34, "KUZNYECHIK_MGM_MAC_KTREE"}, {35, "MAGMA_MGM_MAC_KTREE"},
};
static const struct row prf[] = {
    {1, "HMAC_MD5"}, {2, "HMAC_SHA1"}, {3, "HMAC_TIGER"}, {4, "AES128_XCBC"}, {5, "HMAC_SHA2_256"}, {6, "HMAC_SHA2_384"},
    {7, "HMAC_SHA2_512"}, {8, "AES128_CMAC"}, {9, "HMAC_STREEBOG_512"},
};
static const struct row integ[] = {
    {0, "NONE"}, {1, "HMAC_MD5_96"}, {2, "HMAC_SHA1_96"}, {3, "DES_MAC"}, {4, "KPDK_MD5"}, {5, "AES_XCBC_96"},
    {6, "HMAC_MD5_128"}, {7, "HMAC_SHA1_160"}, {8, "AES_CMAC_96"}, {9, "AES_128_GMAC"}, {10, "AES_192_GMAC"},
    {11, "AES_256_GMAC"}, {12, "HMAC_SHA2_256_128"}, {13, "HMAC_SHA2_384_192"}, {14, "HMAC_SHA2_512_256"},
};
static const struct row ke[] = {
    {0, "NONE"}, {1, "MODP-768"}, {2, "MODP-1024"}, {3, "EC2N-155"}, {4, "EC2N-185"}, {5, "MODP-1536"}, {14, "MODP-2048"},
    {15, "MODP-3072"}, {16, "MODP-4096"}, {17, "MODP-6144"}, {18, "MODP-8192"}, {19, "ECP-256"}, {20, "ECP-384"},
    {21, "ECP-521"}, {22, "MODP-1024-160"}, {23, "MODP-2048-224"}, {24, "MODP-2048-256"}, {25, "ECP-192"}, {26, "ECP-224"},
    {27, "Brainpool-P224r1"}, {28, "Brainpool-P256r1"}, {29, "Brainpool-P384r1"}, {30, "Brainpool-P512r1"},
    {31, "Curve25519"}, {32, "Curve448"}, {33, "GOST3410_2012_256"}, {34, "GOST3410_2012_512"}, {35, "ML-KEM-512"},
    {36, "ML-KEM-768"}, {37, "ML-KEM-1024"},
};
static const struct row esn[] = {
    {0, "No Extended Sequence Numbers"}, {1, "Extended Sequence Numbers"}, {2, "32-bit Unspecified Numbers"},
};
static const struct row cert[] = {
    {1, "PKCS #7 wrapped X.509"}, {2, "PGP"}, {3, "DNS Signed Key"}, {4, "X.509 Certificate - Signature"},
    {5, "X.509 Certificate - Key Exchange"}, {6, "Kerberos Token"}, {7, "CRL"}, {8, "ARL"}, {9, "SPKI"},
    {10, "X.509 Certificate - Attribute"}, {11, "Raw RSA Key"}, {12, "Hash and URL of X.509 Certificate"},
    {13, "Hash and URL of X.509 Bundle"}, {14, "OCSP Content"}, {15, "Raw Public Key"},
};
static const struct row ts[] = {
    {7, "TS_IPV4_ADDR_RANGE"}, {8, "TS_IPV6_ADDR_RANGE"}, {9, "TS_FC_ADDR_RANGE"}, {10, "TS_SECLABEL"},
};
static const struct row cfg_type[] = {
    {1, "CFG_REQUEST"}, {2, "CFG_REPLY"}, {3, "CFG_SET"}, {4, "CFG_ACK"},
};
static const struct row cfg_attr[] = {
    {1, "INTERNAL_IP4_ADDRESS"}, {2, "INTERNAL_IP4_NETMASK"}, {3, "INTERNAL_IP4_DNS"}, {4, "INTERNAL_IP4_NBNS"},
    {5, "INTERNAL_ADDRESS_EXPIRY"}, {6, "INTERNAL_IP4_DHCP"}, {7, "APPLICATION_VERSION"}, {8, "INTERNAL_IP6_ADDRESS"},
    {10, "INTERNAL_IP6_DNS"}, {12, "INTERNAL_IP6_DHCP"}, {13, "INTERNAL_IP4_SUBNET"}, {14, "SUPPORTED_ATTRIBUTES"},
    {15, "INTERNAL_IP6_SUBNET"}, {16, "MIP6_HOME_PREFIX"}, {17, "INTERNAL_IP6_LINK"}, {18, "INTERNAL_IP6_PREFIX"},
    {19, "HOME_AGENT_ADDRESS"}, {20, "P_CSCF_IP4_ADDRESS"}, {21, "P_CSCF_IP6_ADDRESS"}, {22, "FTT_KAT"},
    {23, "EXTERNAL_SOURCE_IP4_NAT_INFO"}, {24, "TIMEOUT_PERIOD_FOR_LIVENESS_CHECK"}, {25, "INTERNAL_DNS_DOMAIN"},
    {26, "INTERNAL_DNSSEC_TA"}, {27, "ENCDNS_IP4"}, {28, "ENCDNS_IP6"}, {29, "ENCDNS_DIGEST_INFO"},
};
static const struct row hash[] = {
    {1, "SHA1"}, {2, "SHA2-256"}, {3, "SHA2-384"}, {4, "SHA2-512"}, {5, "Identity"}, {6, "STREEBOG_256"}, {7, "STREEBOG_512"},
};

static const struct {
    const struct row *rows;
    size_t n;
} registries[IKE_REGISTRIES] = {
    [IKE_REG_EXCHANGE] = {exchange, IKE_COUNT(exchange)},
    [IKE_REG_PAYLOAD] = {payload, IKE_COUNT(payload)},
    [IKE_REG_NOTIFY] = {notify, IKE_COUNT(notify)},
    [IKE_REG_NOTIFY_V1] = {notify_v1, IKE_COUNT(notify_v1)},
    [IKE_REG_PROTOCOL] = {protocol, IKE_COUNT(protocol)},
    [IKE_REG_ID] = {id, IKE_COUNT(id)},
    [IKE_REG_AUTH_METHOD] = {auth_method, IKE_COUNT(auth_method)},
    [IKE_REG_TRANSFORM_TYPE] = {transform_type, IKE_COUNT(transform_type)},
    [IKE_REG_ENCR] = {encr, IKE_COUNT(encr)},
    [IKE_REG_PRF] = {prf, IKE_COUNT(prf)},
    [IKE_REG_INTEG] = {integ, IKE_COUNT(integ)},
    [IKE_REG_KE] = {ke, IKE_COUNT(ke)},
    [IKE_REG_ESN] = {esn, IKE_COUNT(esn)},
    [IKE_REG_CERT] = {cert, IKE_COUNT(cert)},
    [IKE_REG_TS] = {ts, IKE_COUNT(ts)},
    [IKE_REG_CFG_TYPE] = {cfg_type, IKE_COUNT(cfg_type)},
    [IKE_REG_CFG_ATTR] = {cfg_attr, IKE_COUNT(cfg_attr)},
    [IKE_REG_HASH] = {hash, IKE_COUNT(hash)},
};

/* By halving: the rows must be sorted. Values may come from a peer; a registry number past the end means that there is no
 * registry to look in. */
const char *ike_name(enum ike_registry r, uint16_t value)
{
    if ((unsigned)r >= IKE_REGISTRIES) {
        return NULL;
    }
    size_t lo = 0, hi = registries[r].n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        const struct row *row = &registries[r].rows[mid];
        if (row->value == value) {
            return row->name;
        }
        if (row->value < value) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

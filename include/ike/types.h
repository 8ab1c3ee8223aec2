/* SPDX-License-Identifier: ISC
 *
 * ike/types.h - the small types every other header uses.
 *
 * Conventions that hold in all public headers:
 *
 *  - Functions return IKE_OK (0), a positive value that is not a failure, or a negative ike_error.
 *  - Bytes and strings handed to a function stay the caller's and are copied where they must outlive the call.
 *  - Pointers the library hands to a callback are valid during that callback only, unless the callback's own text says longer.
 *  - Addresses and ports in these structs are plain bytes and host-order integers; SPIs are host-order integers.
 *  - Structs that may grow start with `size`. Those that the caller fills have an ike_*_init(), and a size that is not the
 *    library's is refused. In those that the library fills it is the library's: layouts change only with the shared library's
 *    version number (libike.so.N).
 *  - An engine and everything reached through it is used by one thread at a time. Different engines share nothing.
 */
#ifndef IKE_TYPES_H
#define IKE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(IKE_API)
#define IKE_API __attribute__((visibility("default")))
#elif !defined(IKE_API)
#define IKE_API
#endif

/* Monotonic microseconds from any origin. The host supplies it with each call; it must not run backwards. */
typedef uint64_t ike_time;
#define IKE_NEVER UINT64_MAX
#define IKE_MS ((ike_time)1000)
#define IKE_SEC ((ike_time)1000000)

/* Handles: generation-checked, never 0 for a live object. A stale one gives IKE_ERR_NOT_FOUND. */
typedef uint64_t ike_conn_id;
typedef uint64_t ike_sa_id;
typedef uint64_t ike_child_id;
/* An unanswered question, see ike/host.h. */
typedef uint64_t ike_token;

/* Borrowed bytes. */
typedef struct ike_bytes {
    const uint8_t *ptr;
    size_t len;
} ike_bytes;

typedef enum ike_error {
    IKE_OK = 0,
    IKE_PENDING = 1,          /* a hook will answer later by token; not a failure */
    IKE_ERR_INVALID = -1,     /* an argument or setting makes no sense */
    IKE_ERR_NOMEM = -2,       /* the host's allocator refused */
    IKE_ERR_LIMIT = -3,       /* a configured limit is reached */
    IKE_ERR_BUFFER = -4,      /* the caller's buffer is too small */
    IKE_ERR_STATE = -5,       /* not now: called from inside a hook, or the object is in another state */
    IKE_ERR_NOT_FOUND = -6,   /* no such object, or the handle is stale */
    IKE_ERR_UNSUPPORTED = -7, /* not compiled in, or not offered by the given crypto */
    IKE_ERR_PROTO = -8,       /* the peer's bytes break the protocol */
    IKE_ERR_CRYPTO = -9,      /* an operation failed: ICV, key value, provider */
    IKE_ERR_AUTH = -10,       /* authentication failed or is not permitted */
    IKE_ERR_HOST = -11,       /* a host hook failed: kernel, random source, store */
    IKE_ERR_EXISTS = -12,     /* a name is taken, or there is one already */
    IKE_ERR_REPLAY = -13      /* ESP: sequence number seen before or left of the window */
} ike_error;

/* A short English name, static storage, for any int. */
IKE_API const char *ike_strerror(int error);
/* The library's version, "major.minor.patch". */
IKE_API const char *ike_version(void);

/* An address and UDP port. family: 4, 6, or 0 for none/any. IPv4 uses the first 4 octets of ip; the rest is zero. */
typedef struct ike_addr {
    uint8_t family;
    uint8_t ip[16];
    uint16_t port;
    uint32_t scope; /* IPv6 zone index, 0 if not link-local */
} ike_addr;

/* Where a datagram came from or goes to, as the engine's side sees it. */
typedef struct ike_path {
    ike_addr local, remote;
    uint32_t ifindex; /* host's own meaning, carried back unchanged; 0 unknown */
    uint32_t stream;  /* 0 datagram; otherwise the host's id of a TCP stream (RFC 9329) */
    uint8_t encap;    /* 1: the port carries ESP too, so the transport puts the non-ESP marker before IKE (RFC 3948) */
} ike_path;

/* An identity as in the ID payload (RFC 7296 section 3.5). */
enum ike_id_type {
    IKE_ID_NONE = 0,
    IKE_ID_IPV4_ADDR = 1,
    IKE_ID_FQDN = 2,
    IKE_ID_RFC822_ADDR = 3,
    IKE_ID_IPV6_ADDR = 5,
    IKE_ID_DER_ASN1_DN = 9,
    IKE_ID_DER_ASN1_GN = 10,
    IKE_ID_KEY_ID = 11,
    IKE_ID_NULL = 13
};
typedef struct ike_id {
    uint8_t type; /* enum ike_id_type; IKE_ID_NONE in a setting: any peer identity, or derive ours from the address */
    ike_bytes data;
} ike_id;

/* One traffic selector (RFC 7296 section 3.13.1). Addresses are inclusive ranges. OPAQUE ports are 65535..0; for ICMP the
 * port holds type * 256 + code. proto 0 is any. */
typedef struct ike_ts {
    uint8_t family; /* 4 or 6 */
    uint8_t proto;
    uint16_t port_lo, port_hi;
    uint8_t lo[16], hi[16];
} ike_ts;

/* RFC 7296 section 3.3.1; IPComp has no number there, so that of RFC 2407 section 4.4.1. */
enum { IKE_PROTO_IKE = 1, IKE_PROTO_AH = 2, IKE_PROTO_ESP = 3, IKE_PROTO_IPCOMP = 4 };
typedef enum ike_mode { IKE_MODE_TUNNEL = 0, IKE_MODE_TRANSPORT = 1 } ike_mode;

/* Text forms. They write at most n bytes with the ending NUL and return the length the whole text has (like snprintf). */
IKE_API size_t ike_addr_format(const ike_addr *a, bool with_port, char *out, size_t n);
IKE_API size_t ike_id_format(const ike_id *id, char *out, size_t n);
IKE_API size_t ike_ts_format(const ike_ts *ts, char *out, size_t n);
/* Parse "10.0.0.1", "2001:db8::1", optionally "[2001:db8::1]:port" or "10.0.0.1:port". IKE_OK or IKE_ERR_INVALID. */
IKE_API int ike_addr_parse(ike_addr *a, const char *text);
/* Parse "10.0.0.0/24", "10.0.0.1-10.0.0.9", "2001:db8::/64", each optionally with "[proto]" or "[proto/port]" or
 * "[proto/lo-hi]" behind it; proto and ports are numbers, or tcp udp icmp ipv6-icmp; "any" stands for each. */
IKE_API int ike_ts_parse(ike_ts *ts, const char *text);
/* Parse an identity: address, "@fqdn" or fqdn, "user@host", "keyid:hex" or "keyid:@text", "%any". `buf` receives the
 * octets id->data will point to. */
IKE_API int ike_id_parse(ike_id *id, const char *text, uint8_t *buf, size_t n);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: ISC
 *
 * ike/esp.h - ESP in user space (RFC 4303, UDP encapsulation of RFC 3948), for hosts without kernel IPsec.
 *
 * Stands alone: nothing here knows of an engine. One ike_esp_sa is one direction of one SA; the host finds it by SPI, moves
 * the packets, and replaces it when it is rekeyed. An SA is used by one thread at a time; different SAs share nothing.
 *
 *   outbound   IP packet -> ike_esp_ts_match -> ike_esp_seal -> UDP or raw socket
 *   inbound    datagram -> ike_esp_udp_classify -> SA of ike_esp_spi() -> ike_esp_open -> ike_esp_ts_match -> deliver
 *
 * Left to the host: outer headers, fragmentation, path MTU, DSCP and ECN (RFC 6040), lifetimes, and fixing transport-mode
 * checksums behind a NAT (RFC 3948 section 3.1.2).
 */
#ifndef IKE_ESP_H
#define IKE_ESP_H

#include <ike/crypto.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ike_esp_sa ike_esp_sa;

#define IKE_ESP_WINDOW_DEFAULT 128
#define IKE_ESP_WINDOW_MIN     64
#define IKE_ESP_WINDOW_MAX     4096

/* Next header values this header speaks of (IANA protocol numbers). */
enum { IKE_ESP_NEXT_IPV4 = 4, IKE_ESP_NEXT_IPV6 = 41, IKE_ESP_NEXT_NONE = 59 };

typedef struct ike_esp_config {
    size_t size; /* set by ike_esp_config_init */
    bool inbound;
    ike_mode mode;
    uint32_t spi; /* not below 256 */
    bool esn;     /* 64-bit sequence numbers were negotiated; needs a window inbound */
    /* Replay window in packets, a multiple of 64, or 0 for no replay protection. Inbound only. */
    uint32_t window;
    /* NULL: ENCR_NULL. ENCR_NULL_AUTH_AES_GMAC is not supported. Descriptors must outlive the SA. */
    const ike_encr *encr;
    ike_bytes encr_key; /* key octets, then salt octets */
    /* NULL with an AEAD, otherwise required. */
    const ike_integ *integ;
    ike_bytes integ_key;
    /* Where the counter stands: 0 for a new SA; for one that is taken over the last number sent, or the highest number
     * received and authenticated (everything in the window then counts as seen). */
    uint64_t seq;
    /* Explicit IVs of counter-based ciphers are sequence number + iv_offset: unique by construction, so 0 is fine. */
    uint64_t iv_offset;
    /* Outbound with a CBC cipher: where unpredictable IVs come from. */
    ike_random random;
} ike_esp_config;

/* Sizes and defaults; cipher, keys and SPI are the caller's to fill in. */
IKE_API void ike_esp_config_init(ike_esp_config *config);

/* Keys the SA; the configuration, with its keys, is not needed afterwards. One allocation.
 * IKE_ERR_INVALID: the parts do not fit together; IKE_ERR_UNSUPPORTED: this cipher, or this CPU cannot run it;
 * IKE_ERR_NOMEM. */
IKE_API int ike_esp_create(const ike_esp_config *config, const ike_allocator *mem, ike_esp_sa **sa);
/* Wipes and releases. NULL is fine. */
IKE_API void ike_esp_destroy(ike_esp_sa *sa);

/* Why a packet was not sent or not delivered. Each has its own counter. */
typedef enum ike_esp_drop {
    IKE_ESP_OK = 0,
    IKE_ESP_DROP_LENGTH,      /* too short, or not whole cipher blocks */
    IKE_ESP_DROP_SPI,         /* another SA's SPI */
    IKE_ESP_DROP_SEQ_ZERO,    /* the number no sender may use */
    IKE_ESP_DROP_OLD,         /* left of the replay window, or ESN ran out */
    IKE_ESP_DROP_DUPLICATE,   /* seen before */
    IKE_ESP_DROP_ICV,         /* not authentic */
    IKE_ESP_DROP_PADDING,     /* padding is not 1, 2, 3 ... or longer than the packet */
    IKE_ESP_DROP_NEXT_HEADER, /* a tunnel carries only IPv4, IPv6 and dummies */
    IKE_ESP_DROP_INNER,       /* the inner IP packet contradicts itself or its next header */
    IKE_ESP_DROP_SELECTOR,    /* counted by the host through ike_esp_count_drop */
    IKE_ESP_DROP_INVALID,     /* outbound: no IP packet in tunnel mode, too long, or a wrong next header */
    IKE_ESP_DROP_EXHAUSTED,   /* outbound: no sequence number is left; rekey should have come long before */
    IKE_ESP_DROP_BUFFER,      /* outbound: the caller's buffer is too small */
    IKE_ESP_DROP_RANDOM,      /* outbound: the random source failed */
    IKE_ESP_DROP_CIPHER,      /* outbound: the cipher's provider failed */
    IKE_ESP_N_DROPS
} ike_esp_drop;

/* A short English name, static storage, for any value. */
IKE_API const char *ike_esp_drop_name(int drop);

typedef struct ike_esp_counters {
    uint64_t seq;     /* outbound: last number used; inbound: highest number authenticated */
    uint64_t packets; /* sent, or delivered; without dummies */
    uint64_t octets;  /* of inner packets */
    uint64_t dummies;
    uint64_t drops[IKE_ESP_N_DROPS];
} ike_esp_counters;

/* Valid until the SA is destroyed; changes with every packet. A sender rekeys when `seq` comes near ike_esp_seq_max(). */
IKE_API const ike_esp_counters *ike_esp_counters_of(const ike_esp_sa *sa);
/* The last sequence number this SA can use: 2^32-1, or 2^64-1 with ESN. */
IKE_API uint64_t ike_esp_seq_max(const ike_esp_sa *sa);
/* Count a packet that the host refused itself, by whatever it looked at beyond ESP. */
IKE_API void ike_esp_count_drop(ike_esp_sa *sa, ike_esp_drop drop);

/* Octets between the start of an ESP packet and its payload: SPI, sequence number, IV. At most 24. */
IKE_API size_t ike_esp_headroom(const ike_esp_sa *sa);
/* Octets of the ESP packet that carries n octets; 0 if n is absurd. */
IKE_API size_t ike_esp_sealed_size(const ike_esp_sa *sa, size_t n);

/* Outbound. Makes the ESP packet that carries `in` and writes it to `out`; *out_len is its size.
 *
 * next    transport mode: the protocol of the payload. Tunnel mode: 0, the value comes from the IP packet's version; or
 *         IKE_ESP_NEXT_NONE for a dummy (RFC 4303 section 2.6), whose octets are arbitrary.
 * cap     must be at least ike_esp_sealed_size(sa, n)
 *
 * `in` may lie anywhere, inside `out` too; with in == out + ike_esp_headroom(sa) nothing is moved.
 * IKE_OK; IKE_ERR_LIMIT when sequence numbers are used up: nothing can be sent any more; IKE_ERR_BUFFER; IKE_ERR_INVALID for
 * what this SA does not carry, or an inbound SA; IKE_ERR_HOST when the random source failed. `out` is untouched then. After
 * IKE_ERR_CRYPTO, a failing provider, it is wiped and the sequence number is used up. */
IKE_API int ike_esp_seal(ike_esp_sa *sa, uint8_t next, const uint8_t *in, size_t n, uint8_t *out, size_t cap, size_t *out_len);

typedef struct ike_esp_plain {
    uint8_t *data; /* inside the packet that was given */
    size_t len;    /* tunnel mode: the IP packet alone, without traffic-flow padding */
    uint8_t next;  /* next header; IKE_ESP_NEXT_NONE is a dummy: authentic, to be forgotten silently */
    bool dummy;
    uint64_t seq; /* with the inferred high half */
    /* The highest number so far. Only from such a packet may a peer's changed address and port be learnt. */
    bool newest;
    ike_esp_drop drop; /* the reason when the packet is refused */
} ike_esp_plain;

/* Inbound. Checks and decrypts one ESP packet in place, from the SPI on. A packet that is refused leaves the window as it was
 * and its octets undefined, unless it was authentic (padding, next header, inner): its number then counts as seen.
 * IKE_OK; IKE_ERR_PROTO, IKE_ERR_REPLAY, IKE_ERR_CRYPTO with plain->drop set; IKE_ERR_INVALID on an outbound SA. */
IKE_API int ike_esp_open(ike_esp_sa *sa, uint8_t *packet, size_t n, ike_esp_plain *plain);

/* What a datagram on the UDP port of RFC 3948 is (sections 2.2 to 2.4). */
typedef enum ike_esp_udp {
    IKE_ESP_UDP_JUNK = 0,
    IKE_ESP_UDP_KEEPALIVE, /* one octet 0xff */
    IKE_ESP_UDP_IKE,       /* non-ESP marker; the IKE message begins at IKE_ESP_MARKER_LEN */
    IKE_ESP_UDP_ESP
} ike_esp_udp;
#define IKE_ESP_MARKER_LEN 4

/* By the first octets only: what is ESP here may still be junk. */
IKE_API ike_esp_udp ike_esp_udp_classify(const uint8_t *datagram, size_t n);
/* The SPI of an ESP packet of at least 4 octets; 0 for a shorter one. */
IKE_API uint32_t ike_esp_spi(const uint8_t *packet, size_t n);

/* The length the IP packet has by its own header, or 0 if it is none: version, header length, total length <= n, and for
 * IPv4 the header checksum when `checksum`. Jumbograms are none. */
IKE_API size_t ike_esp_ip_length(const uint8_t *packet, size_t n, bool checksum);

/* Whether an IP packet is inside the traffic selectors: its source inside one of `local` and its destination inside one of
 * `remote`, the other way round when inbound. Protocol and ports count as RFC 4301 section 4.4.1.1 has it:
 *
 *  - TCP, UDP, SCTP, DCCP and UDP-Lite by source and destination port, ICMP by type * 256 + code on both sides;
 *  - where ports cannot be seen (other protocols, fragments but the first, cut headers) only selectors with all ports or
 *    OPAQUE match;
 *  - IPv6 extension headers are skipped, eight at most; what comes behind them in a later fragment is an unknown protocol and
 *    matches only selectors for any protocol.
 *
 * What is no whole IP packet matches nothing. */
IKE_API bool ike_esp_ts_match(const uint8_t *ip_packet, size_t n, const ike_ts *local, size_t n_local, const ike_ts *remote,
                              size_t n_remote, bool inbound);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: ISC
 *
 * What the targets share: an entry point each, a host with memory that is counted and can run dry, cryptography that costs
 * nothing, two engines that know each other, and what the mutator has to know of a target's inputs.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <ike/ike.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Ends the program unless `good`. */
void fuzz_check(bool good, const char *what);

ike_addr fuzz_addr(const char *text);
ike_ts fuzz_ts(const char *text);

/* ---- Host ------------------------------------------------------------------------------------------------------------- */

#define FUZZ_PLENTY UINT32_MAX
/* First in what a host's user pointer leads to. */
struct fuzz_host {
    size_t blocks;   /* not yet released */
    uint32_t memory; /* allocations that still succeed; FUZZ_PLENTY: all */
    uint32_t random; /* seed */
};
void *fuzz_alloc(void *user, size_t n);
void fuzz_release(void *user, void *p, size_t n); /* with the size it was asked for, or the program ends */
int fuzz_random(void *user, uint8_t *out, size_t n);

/* What an engine counts is what it shows. loose: children of IKEv1 may outlive their IKE SA. */
void fuzz_check_counts(const ike_engine *e, bool loose);

/* Every kind of algorithm the engine asks for, under the usual numbers. Ciphers leave the text as it is, sums are FNV, a shared
 * secret is the XOR of two public values. Proposals, key lengths, blocks and ICVs are as in earnest. */
const ike_crypto *fuzz_crypto(void);

/* ---- Two engines ------------------------------------------------------------------------------------------------------ */

/* a (192.0.2.1) and b (192.0.2.2) have the connection "peer" with the children "net" (10.1.0.0/16 behind a, 10.2.0.0/16 behind
 * b; key exchange if the other side asks for it) and "host" (transport mode, started by demand only). */
enum { DUO_QUEUE = 16, DUO_MESSAGE = 8192 };
struct duo_node {
    struct fuzz_host host;
    ike_engine *e;
    ike_conn_id conn;
    struct {
        ike_path path;
        size_t n;
        uint8_t *bytes;
    } out[DUO_QUEUE]; /* sent and not delivered */
    unsigned n_out;
    uint8_t asked; /* exchange type of its last request */
};
enum duo_kind {
    DUO_NAT = 1,   /* a is behind a NAT, which b knows as 198.51.100.1 */
    DUO_STRICT = 2, /* ESP in UDP whatever the network is, no other mode than the one wanted, little patience */
    DUO_V1 = 4,     /* over IKEv1, with DPD */
    DUO_AGGRESSIVE = 8
};
struct duo {
    struct duo_node node[2];
    ike_time now;
    unsigned kind;
};
/* ike: proposals of the IKE SA. adjust: may be NULL; before each engine is made. */
void duo_begin(struct duo *d, unsigned kind, const char *ike, void (*adjust)(struct duo *d, unsigned which, ike_settings *s));
void duo_end(struct duo *d);
/* Deliver the oldest message of node `from`; false: there is none. */
bool duo_step(struct duo *d, unsigned from);
/* In turns until nobody has sent anything, or `most` messages. */
void duo_run(struct duo *d, unsigned most);
void duo_drop(struct duo *d, unsigned from); /* all it has sent */
int duo_input(struct duo *d, unsigned to, const ike_path *path, const uint8_t *bytes, size_t n);
ike_path duo_path(const struct duo *d, unsigned to); /* as the receiver sees it */
void duo_time(struct duo *d, ike_time span);

/* ---- Mutator ---------------------------------------------------------------------------------------------------------- */

/* What an input is made of. */
enum fuzz_layout {
    FUZZ_MESSAGE,   /* a message is all there is */
    FUZZ_DATAGRAMS, /* [length, 2 octets] [message], again and again */
    FUZZ_CHAINS,    /* one octet; then [length, 2 octets] [one octet] [type of the first payload] [chain], again and again */
    FUZZ_CHAINS_V1, /* the same with payloads of IKEv1 */
    FUZZ_PROGRAM    /* no chain at all: instructions of two octets */
};
/* A target that is linked with mutate.c defines it. */
extern const enum fuzz_layout fuzz_layout;

#endif

/* SPDX-License-Identifier: ISC
 *
 * The handshake bench: two engines in one thread, against a loop that does nothing but the cryptography a handshake contains;
 * and the benches of one engine with many peers, whose host is net.h.
 *
 *   suite.c   what is negotiated, and the list of operations each side has to do for it
 *   pair.c    the two engines, and handshakes driven stage by stage so that each side's time is measured by itself
 *   count.c   descriptors that write down every operation an engine asks for
 *   floor.c   the list, executed by direct calls of libsodium, nettle and GMP
 *   ke.c      the key exchanges of the floor
 *   sign.c    the signatures of the floor
 *   keys.c    keys for the engines to sign with
 *   handshake.c   samples and output of all that
 *   net.c     engines that send each other datagrams through memory
 *   rekey.c   rekeys, over their cryptography and against a handshake
 *   year2000.c    the exchanges of IKEv1 that the paper timed
 *   scale.c   one engine with many tunnels
 *   flood.c   forged IKE_SA_INITs against one engine
 *   crowd.c   how many of many peers get through such a flood
 *   loss.c    how long it takes to connect as loss grows
 *   esp.c     ESP in user space against the bare AEAD
 *   daemon.c  two ikelibd over loopback sockets
 *   sockets.c the socket calls of a handshake, as a floor of them
 *   main.c    command line, clocks
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <ike/ike.h>

#define BENCH_BATCH  64 /* handshakes between two looks at the clock */
#define BENCH_SECRET "correct horse battery staple"

enum bench_side { BENCH_INITIATOR, BENCH_RESPONDER, BENCH_SIDES };

/* ---- Operations ------------------------------------------------------------------------------------------------------- */

/* A key set-up is an operation of its own: an SA keeps raw keys, so each message pays for its own. */
enum bench_kind {
    BENCH_RANDOM,  /* a draw from the system */
    BENCH_KEYGEN,  /* key pair of the key exchange, without the draw */
    BENCH_AGREE,   /* shared secret, the check of the public value included */
    BENCH_HASH,    /* NAT detection; of IKEv1 the IVs as well */
    BENCH_PRF_KEY, /* HMAC key of so many octets */
    BENCH_PRF,     /* HMAC over so many octets */
    BENCH_INTEG_KEY,
    BENCH_INTEG,
    BENCH_SEAL_KEY,
    BENCH_SEAL, /* encryption of so many octets, with an AEAD the tag too */
    BENCH_OPEN_KEY,
    BENCH_OPEN,
    BENCH_SIGN,   /* of so many octets of hash, the draws in it included */
    BENCH_VERIFY, /* a signature of so many octets of hash */
    BENCH_KINDS
};

struct bench_op {
    enum bench_kind kind;
    size_t octets;
    const char *why; /* NULL in a list that was counted */
};

#define BENCH_OPS 128
struct bench_list {
    unsigned n; /* may pass BENCH_OPS: then the list is not complete */
    struct bench_op op[BENCH_OPS];
};

extern const char *const bench_kinds[BENCH_KINDS];
void bench_add(struct bench_list *l, enum bench_kind kind, size_t octets, const char *why);
/* Whether both hold the same operations, in whatever order; otherwise says on stderr what differs. */
bool bench_same(const struct bench_list *wanted, const struct bench_list *counted, const char *name);

/* ---- Suites ----------------------------------------------------------------------------------------------------------- */

enum bench_cipher { BENCH_GCM, BENCH_CHACHA, BENCH_CBC, BENCH_DES3, BENCH_DES };
enum bench_ke { BENCH_X25519, BENCH_ECP256, BENCH_MODP2048, BENCH_MODP3072, BENCH_MODP1024, BENCH_MODP768 };
enum bench_sig { BENCH_SECRET_ONLY, BENCH_RSA1024, BENCH_RSA2048, BENCH_P256 };
enum bench_mac { BENCH_SHA256, BENCH_SHA1, BENCH_MD5, BENCH_MACS }; /* of PRF and integrity; in IKEv1 also the hash */

struct bench_suite {
    const char *name, *ike, *esp; /* proposals as a connection names them */
    enum bench_cipher cipher;
    enum bench_ke ke;
    uint16_t encr, group;           /* transform ids */
    size_t private_len, shared_len; /* of the key exchange */
    size_t encr_key, integ_key;     /* octets per direction, salt included; the ESP suite has the same */
    enum bench_mac mac;
    bool v1, aggressive;
    enum bench_sig sig;
};

extern const struct bench_suite bench_suites[];
extern const unsigned bench_n_suites;

/* Own key and certificate of that side, and the other's certificate. */
void bench_keys(enum bench_sig sig, enum bench_side side, ike_conn_settings *conn);

/* The four messages: IKE_SA_INIT and IKE_AUTH, request and response, in octets. */
enum bench_message { BENCH_INIT_REQUEST, BENCH_INIT_RESPONSE, BENCH_AUTH_REQUEST, BENCH_AUTH_RESPONSE, BENCH_MESSAGES };

/* What one side of a handshake has to do. Lengths of messages are those seen; everything else follows from the suite. */
void bench_list(struct bench_list *l, const struct bench_suite *s, enum bench_side side, const size_t *message);

/* ---- The engines ------------------------------------------------------------------------------------------------------ */

struct bench_pair;
struct bench_pair *bench_pair_new(const struct bench_suite *s, const ike_crypto *crypto); /* ends the program when it cannot */
void bench_pair_free(struct bench_pair *p);
/* `n` handshakes up to a child on both sides, each stage for all of them; then everything is taken down again. The CPU time of
 * each side without the taking down is added to us[]. Ends the program when a handshake fails. */
void bench_handshakes(struct bench_pair *p, unsigned n, double us[BENCH_SIDES]);
/* The same of n rekeys of a child, or of the IKE SA, by the initiator, Deletes of the old ones included; bringing up is not
 * timed. In IKEv1 such a rekey is a Quick Mode, or Main or Aggressive Mode, alone: Deletes follow seconds later. */
void bench_rekeys(struct bench_pair *p, bool ike, unsigned n, double us[BENCH_SIDES]);
/* Octets of the messages of the handshake before. */
const size_t *bench_messages(const struct bench_pair *p);

/* From here on the operations of a side are written down there, NULL: nowhere. */
void bench_pair_log(struct bench_pair *p, struct bench_list *log[BENCH_SIDES]);
void bench_count_to(struct bench_list *l);
/* Descriptors for this suite that write down what they are asked for, around those of `c`. One at a time. NULL: `c` lacks one. */
const ike_crypto *bench_counting(const struct bench_suite *s, const ike_crypto *c);

/* ---- The floor -------------------------------------------------------------------------------------------------------- */

struct bench_floor;
struct bench_floor *bench_floor_new(const struct bench_suite *s);
void bench_floor_free(struct bench_floor *f);
/* The list, n times; its CPU time in microseconds. */
double bench_floor_run(struct bench_floor *f, const struct bench_list *l, unsigned n);

/* The socket calls of a handshake; the initiator's with those of the command that begins it. */
struct bench_sockets;
struct bench_sockets *bench_sockets_new(void);
void bench_sockets_free(struct bench_sockets *b);
/* Messages of these lengths there and back, n of them at once; the CPU time of each side is added to us[]. */
void bench_sockets_run(struct bench_sockets *b, const size_t *message, unsigned n, double us[BENCH_SIDES]);

/* A key exchange by direct calls. */
struct bench_dh;
struct bench_dh *bench_dh_new(enum bench_ke ke);
void bench_dh_free(struct bench_dh *d);
void bench_dh_keygen(struct bench_dh *d, const uint8_t *random); /* private value from these octets */
void bench_dh_agree(struct bench_dh *d);                         /* with a fixed peer */

/* Signatures by direct calls, with a key of its own. */
struct bench_signer;
struct bench_signer *bench_signer_new(enum bench_sig sig);
void bench_signer_free(struct bench_signer *s);
void bench_sign(struct bench_signer *s, const uint8_t *data, size_t n);
void bench_verify(struct bench_signer *s, const uint8_t *data, size_t n); /* the last that was signed; must fit */

/* ---- Commands --------------------------------------------------------------------------------------------------------- */

int bench_handshake(int argc, char **argv);
int bench_scale(int argc, char **argv);
int bench_rekey(int argc, char **argv);
int bench_flood(int argc, char **argv);
int bench_crowd(int argc, char **argv);
int bench_loss(int argc, char **argv);
int bench_esp(int argc, char **argv);
int bench_daemon(int argc, char **argv);
int bench_year2000(int argc, char **argv);

/* One of the three pointers is set: true when the word is there, a number not below 0, or the next word. Ended by a NULL name. */
struct bench_option {
    const char *name;
    bool *flag;
    double *number;
    const char **text;
};
bool bench_options(int argc, char **argv, const struct bench_option *options);
int bench_usage(void); /* on stderr; returns the exit code */

/* ---- Odds and ends ---------------------------------------------------------------------------------------------------- */

double bench_cpu_us(void);                            /* of this thread */
double bench_wall_us(void);                           /* only for when to stop */
double bench_median(double *v, unsigned n);           /* sorts */
uint64_t bench_draw(uint64_t *state);                 /* xorshift: spreads accesses, the same in every run; state is not 0 */
int bench_random(void *user, uint8_t *out, size_t n); /* as the daemon draws */
int bench_random_counted(void *user, uint8_t *out, size_t n); /* the same, written down */
void *bench_alloc(size_t n);                                  /* zeroed; never NULL */
void bench_free(void *p);
_Noreturn void bench_die(const char *fmt, ...);

#endif

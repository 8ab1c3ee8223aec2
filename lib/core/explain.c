/* SPDX-License-Identifier: ISC
 *
 * What a failure record says, in words. One table; nothing here guesses: what this side cannot know it does not say.
 */
#include "core/core.h"
#include <stdarg.h>
#include <stdio.h>

/* The names are part of the interface: programs compare them, so a code keeps its name for good. The causes are for people. */
static const struct {
    const char *name, *cause;
} codes[IKE_FAIL_CODES] = {
    [IKE_FAIL_NONE] = {"none", "nothing failed"},
    [IKE_FAIL_NO_ANSWER] = {"no-answer", "the peer did not answer"},
    [IKE_FAIL_DEAD_PEER] = {"dead-peer", "the peer stopped answering"},
    [IKE_FAIL_NO_CONNECTION] = {"no-connection", "no connection is configured for this peer"},
    [IKE_FAIL_NO_PROPOSAL] = {"no-proposal", "no IKE proposal suits both sides"},
    [IKE_FAIL_NO_CHILD_PROPOSAL] = {"no-child-proposal", "no child (ESP, AH) proposal suits both sides"},
    [IKE_FAIL_KE_GROUP] = {"key-exchange-group", "no key-exchange group suits both sides"},
    [IKE_FAIL_IDENTITY] = {"identity", "the identities do not match the configuration"},
    [IKE_FAIL_AUTH_MISMATCH] = {"wrong-secret",
                                "the peer's proof is wrong: the two sides hold different secrets, or it signed with another key"},
    [IKE_FAIL_AUTH_METHOD] = {"auth-method", "the peer authenticates by a method that is not permitted here"},
    [IKE_FAIL_NO_SECRET] = {"no-secret", "no secret is configured here for this pair of identities"},
    [IKE_FAIL_PEER_REFUSED_AUTH] = {"peer-refused-auth",
                                    "the peer refused our authentication; by design it does not say why, its own log does"},
    [IKE_FAIL_SELECTORS] = {"selectors", "the traffic selectors of the two sides do not fit"},
    [IKE_FAIL_MODE] = {"mode", "one side wants transport mode, the other tunnel mode"},
    [IKE_FAIL_KERNEL] = {"local-data-plane", "the local data plane (kernel) refused"},
    [IKE_FAIL_SYNTAX] = {"malformed", "the peer sent a malformed message"},
    [IKE_FAIL_PEER_SYNTAX] = {"peer-says-malformed", "the peer calls our message malformed"},
    [IKE_FAIL_CRITICAL_PAYLOAD] = {"critical-payload", "a payload marked critical is not understood"},
    [IKE_FAIL_VERSION] = {"version", "the two sides do not speak the same IKE version"},
    [IKE_FAIL_KEY_EXCHANGE] = {"key-exchange", "the key exchange failed: a public value was refused or the computation failed"},
    [IKE_FAIL_NO_ADDITIONAL_SAS] = {"no-additional-sas", "the peer does not accept further SAs on this IKE SA"},
    [IKE_FAIL_TEMPORARY] = {"temporary", "the peer kept answering that it is busy"},
    [IKE_FAIL_CHILD_NOT_FOUND] = {"child-not-found", "the peer does not have the child that was to be rekeyed"},
    [IKE_FAIL_PEER_ERROR] = {"peer-error", "the peer answered with an error"},
    [IKE_FAIL_LIMIT] = {"limit", "a local limit is reached"},
    [IKE_FAIL_NO_MEMORY] = {"no-memory", "memory is short"},
    [IKE_FAIL_RANDOM] = {"random", "the random source failed"},
    [IKE_FAIL_DENIED] = {"denied", "the local policy decision was no"},
    [IKE_FAIL_REPLACED] = {"replaced", "another attempt with the same peer took its place"},
    [IKE_FAIL_CANCELLED] = {"cancelled", "it was cancelled here"},
    [IKE_FAIL_TIMEOUT] = {"timeout", "it was not completed in time"},
    [IKE_FAIL_NO_ROUTE] = {"no-route", "this machine has no way to the peer's address"},
    [IKE_FAIL_NAT] = {"nat", "AH cannot pass a NAT (RFC 3947 section 1)"},
    [IKE_FAIL_COOKIES] = {"cookies", "the peer kept asking for cookies"},
    [IKE_FAIL_USER] = {"wrong-user", "the user name or the password is wrong"},
    [IKE_FAIL_NO_ADDRESS] = {"no-address", "no inner address could be had"},
};

/* By ike_decider; the first is nobody yet. */
static const char *const deciders[] = {"", "this side refused", "the peer refused", "the local system failed",
                                       "nobody refused: silence"};

const char *ike_failure_name(unsigned code) { return code < IKE_FAIL_CODES && codes[code].name ? codes[code].name : "unknown"; }

const char *ike_failure_cause(const ike_failure *f)
{
    return f->code < IKE_FAIL_CODES && codes[f->code].cause ? codes[f->code].cause : "unknown";
}

/* Numbers of the registries of exchange types, which do not overlap; 0 stands in a record that was made before any exchange. */
static const char *exchange_name(const ike_failure *f)
{
    switch (f->exchange) {
    case 2:
        return "Main Mode";
    case 4:
        return "Aggressive Mode";
    case 5:
        return "Informational exchange";
    case 6:
        return "Transaction exchange";
    case 32:
        return "Quick Mode";
    case 33:
        return "New Group Mode";
    case 34:
        return "IKE_SA_INIT";
    case 35:
        return "IKE_AUTH";
    case 36:
        return "CREATE_CHILD_SA";
    case 37:
        return "INFORMATIONAL";
    default:
        return NULL;
    }
}

struct text {
    char *out;
    size_t cap, len;
};

/* Counts on past the end, as snprintf does, so that the caller learns how much room the whole text takes. */
static void IKE_PRINTF(2, 3) add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t at = t->len < t->cap ? t->len : t->cap;
    int k = vsnprintf(t->cap ? t->out + at : NULL, t->cap - at, fmt, ap);
    t->len += k > 0 ? (size_t)k : 0;
    va_end(ap);
}

/* One line for each thing that is known; a line about nothing would only hide those that say something. */
size_t ike_failure_explain(const ike_failure *f, char *out, size_t n)
{
    struct text t = {out, n, 0};
    char peer[64];
    ike_addr_format(&f->remote, true, peer, sizeof peer);
    if (f->conn_name[0]) {
        add(&t, "%s%s%s", f->conn_name, f->child_name[0] ? "/" : "", f->child_name);
    } else {
        add(&t, "unknown peer");
    }
    if (f->remote.family) {
        add(&t, " with %s", peer);
    }
    add(&t, ": %s.\n", ike_failure_cause(f));
    const char *x = exchange_name(f);
    const char *version = f->version == 1 ? ", IKEv1" : f->version ? ", IKEv2" : "";
    add(&t, "  where:    %s%s%s\n", x ? x : "before any exchange",
        x ? (f->initiator ? ", begun by us" : ", begun by the peer") : "", version);
    if (f->decider && f->decider < IKE_COUNT(deciders)) {
        add(&t, "  decided:  %s\n", deciders[f->decider]);
    }
    if (f->expected_len) {
        add(&t, "  expected: %s\n", f->expected);
    }
    if (f->received_len) {
        add(&t, "  received: %s\n", f->received);
    }
    if (f->error) {
        add(&t, "  error:    %s (%d)\n", ike_strerror(f->error), (int)f->error);
    }
    if (f->remedy_len) {
        add(&t, "  remedy:   %s\n", f->remedy);
    }
    if (f->source[0]) {
        add(&t, "  settings: %s\n", f->source);
    }
    if (f->repeats) {
        add(&t, "  so far:   %u times in a row\n", (unsigned)f->repeats + 1);
    }
    add(&t, "  code:     %u %s\n", (unsigned)f->code, ike_failure_name(f->code));
    return t.len;
}

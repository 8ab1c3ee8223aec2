/* SPDX-License-Identifier: ISC
 *
 * The key table: every tag of every section, once. Parsing, checking, error messages, comparison and the reference in
 * docs/config.md all come from these rows. `standard` says what the init functions of the settings do; a test compares.
 */
#include "conf/build.h"

#include "base/nearest.h"

enum { SECOND = 1, MINUTE = 60, HOUR = 3600, DAY = 86400, YEAR = 365 * DAY };

static const char *const backends[] = {"auto", "xfrm", "pfkey", "userspace", "none", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL}; /* order of ike_log_level */
static const char *const modes[] = {"tunnel", "transport", NULL};                      /* of ike_mode */
static const char *const versions[] = {"ikev2", "ikev1", "any", NULL};                 /* of ike_speaks */
static const char *const configs[] = {"pull", "push", NULL};
static const char *const xauths[] = {"no", "client", "server", NULL};                  /* of ike_xauth */
static const char *const starts[] = {"no", "yes", "on-demand", NULL};                  /* of ike_start */

/* Rows name the field once: width and offset follow from it and cannot disagree. */
#define WIDTH(type, field) sizeof(((type *)0)->field)
#define ROW(sect, who, type, field, knd, name, std, doc)                                                                         \
    .section = IKE_CONF_##sect, .target = IKE_CONF_T_##who, .width = WIDTH(type, field), .at = offsetof(type, field),            \
    .kind = &ike_kind_##knd, .tag = name, .standard = std, .text = doc
#define D(field, knd, name, std, doc) ROW(DAEMON, DAEMON, ike_config_daemon, field, knd, name, std, doc)
#define E(field, knd, name, std, doc) ROW(DAEMON, ENGINE, ike_settings, field, knd, name, std, doc)
#define C(field, knd, name, std, doc) ROW(CONNECTION, CONN, ike_config_conn, field, knd, name, std, doc)
#define U(field, knd, name, std, doc) ROW(USER, USER, struct ike_conf_user, field, knd, name, std, doc)
#define K(field, knd, name, std, doc) ROW(CHILD, CHILD, ike_child_settings, field, knd, name, std, doc), .in_connection = true

/* What ike_kind_life and ike_kind_volume rely on: the bounds follow the value, and are as wide. */
#define BOUNDED(type, life, low, high)                                                                                           \
    _Static_assert(offsetof(type, low) == offsetof(type, life) + WIDTH(type, life) &&                                            \
                       offsetof(type, high) == offsetof(type, life) + 2 * WIDTH(type, life),                                     \
                   "bounds of a lifetime")
BOUNDED(ike_conn_settings, life_s, life_min_s, life_max_s);
BOUNDED(ike_child_settings, life_s, life_min_s, life_max_s);
BOUNDED(ike_child_settings, life_bytes, life_min_bytes, life_max_bytes);

const struct ike_conf_key ike_conf_keys[] = {
    {D(backend, word, "backend", "auto",
       "Who carries the traffic: the kernel (xfrm; pfkey: by the older interface, which has fewer "
       "algorithms), the daemon itself over a TUN device (userspace), nobody (none: handshakes only). "
       "auto takes xfrm if the kernel has it."),
     .words = backends},
    {D(listen, listen, "listen", NULL, "The address to listen on. Without it: all addresses.")},
    {D(port, number, "port", "500", "UDP port for IKE."), .min = 1, .max = 65535},
    {D(encap_port, number, "encap-port", "4500", "UDP port for IKE and ESP through NAT."), .min = 1, .max = 65535},
    {D(socket, path, "socket", "/run/ikelibd/vici", "The control socket (VICI), for ikelibctl and swanctl."), .max = 107},
    {D(log_level, index, "log", "info", "How much is logged."), .words = levels},
    {D(keylog, path, "keylog", NULL,
       "Write the keys of every IKE SA to this file, for decrypting captures with ikelibctl decode or Wireshark. Who has the "
       "file can read the negotiations: for tests only."),
     .max = 255},
    {D(tun_name, device, "tun-name", "ikelib%d", "Name of the TUN device of the userspace back-end; %d is replaced by a number."),
     .max = 15},
    {D(mtu, mtu, "mtu", "0", "MTU of the TUN device; 0: from the path."), .min = 576, .max = 65535},
    {D(routes, yesno, "routes", "yes", "Whether routes into the tunnels are installed.")},
    {D(modules, text, "modules", NULL,
       "Modules with more algorithms, separated by commas: names (legacy, openssl) or paths. What they have is used only by "
       "connections that name it in their proposals. One that cannot be loaded is reported and left out."),
     .max = 255},

    {E(retransmit_first_ms, millis, "retransmit-first", "2s",
       "How long the first answer is waited for before a request is sent again."),
     .min = 10, .max = 60000},
    {E(retransmit_factor_pct, number, "retransmit-factor", "180", "The next wait in percent of the last one."), .min = 100,
     .max = 1000},
    {E(retransmit_max_ms, millis, "retransmit-max", "42s", "The longest wait."), .min = 10, .max = 600000},
    {E(retransmit_jitter_pct, number, "retransmit-jitter", "10", "Waits are longer or shorter by up to so many percent."),
     .min = 0, .max = 50},
    {E(retransmit_tries, number, "retransmit-tries", "6", "How often a request is sent again before the peer is given up."),
     .min = 0, .max = 100},
    {E(retry_first_ms, millis, "retry-first", "1s",
       "start = yes: pause after the first failed attempt; it doubles with each further one."),
     .min = 10, .max = 3600000},
    {E(retry_max_ms, millis, "retry-max", "1m", "start = yes: the longest pause."), .min = 10, .max = 86400000},
    {E(temporary_retry_ms, millis, "temporary-retry", "10s",
       "Pause before a request is repeated that the peer could not serve just then."),
     .min = 100, .max = 600000},
    {E(temporary_limit_ms, millis, "temporary-limit", "3m", "How long it is repeated."), .min = 100, .max = 3600000},
    {E(cookie_threshold, number, "cookie-threshold", "50",
       "Half-open IKE SAs from which peers must show that their address is real (0: always)."),
     .min = 0, .max = 1000000},
    {E(cookie_per_source, number, "cookie-per-source", "5", "The same for one source (IPv4 address, IPv6 /64)."), .min = 0,
     .max = 1000000},
    {E(max_half_open, number, "max-half-open", "1000",
       "Half-open IKE SAs in all, about two kilobytes each. When there are so many, one that has had its time and was not heard "
       "of again makes room at random, or the newcomer is not heard. Matters for IKEv1, which has no cookies: twice as many let "
       "twice as many real peers through a flood."),
     .min = 1, .max = 1000000},
    {E(half_open_per_source, number, "half-open-per-source", "50", "Half-open IKE SAs of one source."), .min = 1, .max = 1000000},
    {E(half_open_life_ms, millis, "half-open-life", "30s", "How long a peer may take to authenticate itself."), .min = 1000,
     .max = 600000},
    {E(allow_variable_time, yesno, "allow-variable-time", "no",
       "Use ciphers also where their time tells something of the keys to other programs on the machine: AES on a CPU without "
       "instructions for it, 3DES and older ones on all. Without leave they are left out; ChaCha20-Poly1305 remains.")},
    {E(max_sas, number, "max-sas", "1048576", "IKE SAs in all."), .min = 1, .max = 16777216},
    {E(max_children, number, "max-child-sas", "1048576", "IPsec SA pairs in all."), .min = 1, .max = 16777216},
    {E(max_conns, number, "max-connections", "65536", "Connections in all."), .min = 1, .max = 16777216},
    {E(replies_per_second, number, "replies-per-second", "100",
       "Error replies to strangers per second, and answers of Aggressive Mode, which cost a key exchange each; a tenth of "
       "them at most to one source."), .min = 0, .max = 1000000},
    {E(requests_per_second, number, "requests-per-second", "50",
       "What a peer may ask for on one IKE SA, each second: children and rekeys, with IKEv1 also checks and addresses; after a "
       "pause twenty times as much at once."),
     .min = 1, .max = 1000000},
    {E(password_tries, number, "password-tries", "10",
       "Wrong passwords (XAUTH) of one user from one address in a minute. Ten times as many of one user from anywhere, and of "
       "all users from one address. With more, no password is right for some seconds. 0: no limit."),
     .min = 0, .max = 1000000},
    {E(port, number, "peer-port", "500", "The peers' port for IKE."), .min = 1, .max = 65535},
    {E(encap_port, number, "peer-encap-port", "4500", "The peers' port for IKE and ESP through NAT."), .min = 1, .max = 65535},

    {C(settings.remote, remote, "remote", NULL,
       "The peer: its address, its DNS name (resolved again for each attempt), or, to wait for peers only, a network of "
       "peers or any."),
     .required = true},
    {C(settings.local, local, "local", "any", "Our address.")},
    {C(settings.secret, secret, "secret", NULL,
       "The pre-shared key: text; hexadecimal behind 0x; base64 behind 0s. This, secret-file or local-key must be there.")},
    {C(secret_file, text, "secret-file", NULL,
       "A file that holds the pre-shared key, in the same form. Others must not be able to read it. A relative name starts "
       "at the "
       "configuration's folder."),
     .max = 4095},
    {C(local_key, file, "local-key", NULL,
       "IKEv1, in place of a secret: a file with our private key (RSA or ECDSA; DSA with the module openssl), PEM or DER, not "
       "encrypted. Others must not be able to read it."),
     .max = 4095},
    {C(local_cert, file, "local-cert", NULL, "A file with our certificate, which the peer is sent. Not needed where it has it."),
     .max = 4095},
    {C(remote_cert, file, "remote-cert", NULL,
       "A file with the peer's certificate, or its public key alone: nobody else is let in. Goes with local-key. Who signed the "
       "certificate and how long it is valid does not count."),
     .max = 4095},
    {C(settings.local_id, id, "local-id", NULL, "Who we say we are. Without it: our address.")},
    {C(settings.remote_id, any_id, "remote-id", "any", "Who the peer has to be. any: whoever has the secret or the key.")},
    {C(settings.version, index, "version", "ikev2",
       "Which version of IKE is spoken. any: what the peer begins with; what begins here is IKEv2."),
     .words = versions},
    {C(settings.aggressive, yesno, "aggressive", "no",
       "IKEv1: begin in Aggressive Mode, and answer it as well as Main Mode. Identities are sent in clear, and whoever asks can "
       "try "
       "secrets against the answer: choose a long random one.")},
    {C(settings.xauth, index, "xauth", "no",
       "IKEv1: a user name and a password are shown behind the pre-shared key (XAUTH). client: ours. server: the peer's, and "
       "who may connect is in the [user] sections."),
     .words = xauths},
    {C(xauth_user, user_name, "xauth-user", NULL, "xauth = client: who we are. The password is in [user NAME].")},
    {C(settings.pool, pool, "pool", NULL,
       "IKEv1: addresses inside the tunnel for peers, one each (Mode-Config). A peer may then use its address only; remote-net "
       "can be left out.")},
    {C(settings.dns, servers, "dns", NULL, "pool: the DNS servers that peers are told of."),
     .at2 = offsetof(ike_conn_settings, n_dns)},
    {C(settings.nbns, servers, "nbns", NULL, "pool: the NetBIOS name servers that peers are told of."),
     .at2 = offsetof(ike_conn_settings, n_nbns)},
    {C(settings.inner_family, family, "inner-address", "no",
       "IKEv1: ask the peer for an address inside the tunnel (Mode-Config). Without local-net it is what is reached through "
       "us.")},
    {C(settings.push, index, "mode-config", "pull",
       "Who begins Mode-Config. pull: the side that wants an address. push: the side that has addresses."),
     .words = configs},
    {C(settings.proposals, proposals, "proposals", NULL,
       "Algorithms of the IKE SA, in order of preference. Keywords of one proposal are joined by -, proposals separated by "
       "commas. "
       "The default is below. With version = ikev1 each has to be one that IKEv1 has a number for, in all lists of proposals."),
     .max = IKE_PROTO_IKE},
    {C(settings.life_s, life, "lifetime", "4h",
       "How long an IKE SA is used before it is replaced. IKEv1 negotiates that: 600, 450:720 offers 600 seconds and takes 450 "
       "to 720 from a peer. Without a range anything is taken, and the shorter of both counts, of the peer's at least a minute; "
       "the peer is told."),
     .min = 0, .max = YEAR},
    {C(settings.margin_s, seconds, "margin", "10m",
       "How long before the end of lifetime the replacement begins. Standard: 10m, at most a tenth of lifetime."),
     .min = 0, .max = YEAR},
    {C(settings.jitter_pct, number, "jitter", "50",
       "Replacement begins earlier by a random part of up to so many percent of the margin."),
     .min = 0, .max = 100},
    {C(settings.dpd_s, seconds, "dpd", "30s",
       "After how much silence the peer is asked for a sign of life. A dead peer is given up when the question has been "
       "repeated in vain: after dpd and, with the standard retransmissions, about two minutes more. dpd-timeout shortens that."),
     .min = 0, .max = DAY},
    {C(settings.dpd_timeout_s, seconds, "dpd-timeout", "none",
       "Give the peer up so long after the first question without an answer. none: when all retransmissions are used up."),
     .min = 0, .max = DAY},
    {C(settings.keepalive_s, seconds, "keepalive", "20s", "Behind a NAT: how often its mapping is refreshed."), .min = 0,
     .max = DAY},
    {C(settings.encap, yesno, "encap", "no", "Carry ESP in UDP even where there is no NAT.")},
    {C(settings.unique, yesno, "unique", "yes", "One IKE SA per pair of identities: a newer one replaces the older.")},
    {C(settings.new_group, yesno, "new-group", "no",
       "IKEv1: take a MODP group that the peer made (New Group Mode): when it has passed all checks, it stands for the groups of "
       "the child's proposals until the IKE SA ends. The checks take up to half a second, once for each IKE SA; of all peers "
       "together six groups a minute are checked, and ten after a pause.")},
    {C(settings.send_initial_contact, yesno, "initial-contact", "yes", "Tell the peer to drop what it has left of us.")},
    {C(settings.max_children, number, "max-children", "100", "IPsec SA pairs per IKE SA."), .min = 1, .max = 65535},

    {.section = IKE_CONF_CHILD,
     .target = IKE_CONF_T_NONE,
     .kind = &ike_kind_conn_name,
     .tag = "connection",
     .text = "The connection it belongs to, unless the section is called [child CONNECTION/NAME]."},
    {K(local_ts, ts, "local-net", NULL,
       "What is reached through us: networks, ranges or addresses. Without it: our own address."),
     .at2 = offsetof(ike_child_settings, n_local_ts)},
    {K(remote_ts, ts, "remote-net", NULL, "What is reached through the peer. Without it: the peer's own address."),
     .at2 = offsetof(ike_child_settings, n_remote_ts)},
    {K(start, index, "start", "no",
       "yes: keep it up, for ever. on-demand: begin when there is traffic for it. no: wait for the peer or a command."),
     .words = starts},
    {K(mode, index, "mode", "tunnel", "tunnel joins networks, transport protects what the two peers say to each other."),
     .words = modes},
    {K(mode_fallback, yesno, "mode-fallback", "no",
       "mode = transport, with IKEv2: take tunnel when the peer does not agree.")},
    {K(proposals, proposals, "esp-proposals", NULL,
       "Algorithms of the IPsec SAs. A key-exchange keyword asks for PFS, nopfs beside it lets the peer do without. The "
       "default is below."),
     .max = IKE_PROTO_ESP},
    {K(ah_proposals, proposals, "ah-proposals", NULL,
       "Algorithms of AH, which authenticates packets and does not encrypt them. Without esp-proposals it takes the place of "
       "ESP; with them both are agreed together, AH around ESP, which IKEv2 has no words for. AH cannot pass a NAT."),
     .max = IKE_PROTO_AH},
    {K(compress, yesno, "compress", "no",
       "Compress packets before they are encrypted (IPComp with deflate), if the peer agrees and the data plane can.")},
    {K(life_s, life, "esp-lifetime", "1h", "How long an IPsec SA is used before it is replaced; with a range as in lifetime."),
     .min = 0, .max = YEAR},
    {K(margin_s, seconds, "esp-margin", "6m",
       "How long before the end of esp-lifetime the replacement begins. Standard: 6m, at most a tenth of esp-lifetime."),
     .min = 0, .max = YEAR},
    {K(life_bytes, volume, "esp-lifetime-bytes", "none",
       "How much one IPsec SA may carry; with a range as in lifetime, which a peer that names no volume is outside of. Without "
       "one no less than 1M counts of what a peer says."),
     .min = 0, .max = UINT64_MAX / 2},
    {K(life_packets, number, "esp-lifetime-packets", "none", "How many packets one IPsec SA may carry."), .min = 0,
     .max = UINT64_MAX / 2},
    {K(replay_window, number, "replay-window", "128", "Packets that may come late. 0: no protection against replay."), .min = 0,
     .max = 4096},
    {K(mark, number, "mark", "0", "Firewall mark of its policies (xfrm)."), .min = 0, .max = UINT32_MAX},
    {K(if_id, number, "if-id", "0", "XFRM interface it belongs to (xfrm)."), .min = 0, .max = UINT32_MAX},

    {U(settings.secret, secret, "secret", NULL,
       "The user's password, in the form of a pre-shared key. This or secret-file must be there.")},
    {U(user.secret_file, text, "secret-file", NULL, "A file that holds the password; see there in [connection]."), .max = 4095},
};
const size_t ike_conf_n_keys = IKE_COUNT(ike_conf_keys);

/* What people bring from other programs, and what it is called here. */
static const struct {
    const char *theirs, *ours;
} habits[] = {
    {"left", "local"},
    {"right", "remote"},
    {"peer", "remote"},
    {"gateway", "remote"},
    {"leftsubnet", "local-net"},
    {"rightsubnet", "remote-net"},
    {"leftid", "local-id"},
    {"rightid", "remote-id"},
    {"local_addrs", "local"},
    {"remote_addrs", "remote"},
    {"local_ts", "local-net"},
    {"remote_ts", "remote-net"},
    {"psk", "secret"},
    {"key", "secret"},
    {"leftcert", "local-cert"},
    {"rightcert", "remote-cert"},
    {"private-key", "local-key"},
    {"password", "secret"},
    {"auto", "start"},
    {"start_action", "start"},
    {"ike", "proposals"},
    {"ike-proposals", "proposals"},
    {"esp", "esp-proposals"},
    {"esp_proposals", "esp-proposals"},
    {"phase2alg", "esp-proposals"},
    {"ah", "ah-proposals"},
    {"ah_proposals", "ah-proposals"},
    {"ipcomp", "compress"},
    {"compression", "compress"},
    {"pfs", "esp-proposals"},
    {"type", "mode"},
    {"dpddelay", "dpd"},
    {"dpd_delay", "dpd"},
    {"dpdtimeout", "dpd-timeout"},
    {"ikelifetime", "lifetime"},
    {"ike-lifetime", "lifetime"},
    {"salifetime", "esp-lifetime"},
    {"keylife", "esp-lifetime"},
    {"life_time", "esp-lifetime"},
    {"lifebytes", "esp-lifetime-bytes"},
    {"forceencaps", "encap"},
    {"uniqueids", "unique"},
    {"rightsourceip", "pool"},
    {"pools", "pool"},
    {"addresspool", "pool"},
    {"leftsourceip", "inner-address"},
    {"vips", "inner-address"},
    {"modeconfig", "mode-config"},
    {"rightdns", "dns"},
    {"xauth_id", "xauth-user"},
    {"xauth_identity", "xauth-user"},
    {"leftxauthusername", "xauth-user"},
    {"leftxauthclient", "xauth"},
    {"leftxauthserver", "xauth"},
    {"interface", "if-id"},
};

static const char *const section_names[IKE_CONF_SECTIONS] = {"daemon", "connection", "child", "user"};

const char *ike_conf_section_name(unsigned section) { return section_names[section]; }

/* Tags of a child may stand in the connection, for all of its children. */
static bool stands_in(const struct ike_conf_key *k, unsigned section)
{
    return k->section == section || (section == IKE_CONF_CONNECTION && k->in_connection);
}

/* The table is short and read at configuration only, so it is walked. */
const struct ike_conf_key *ike_conf_key_find(unsigned section, const char *tag)
{
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        if (stands_in(&ike_conf_keys[i], section) && strcmp(ike_conf_keys[i].tag, tag) == 0) {
            return &ike_conf_keys[i];
        }
    }
    return NULL;
}

/* For the hint: a tag in the wrong kind of section is the most common mistake. */
unsigned ike_conf_key_elsewhere(unsigned section, const char *tag)
{
    for (unsigned i = 0; i < IKE_CONF_SECTIONS; i++) {
        if (i != section && ike_conf_key_find(i, tag)) {
            return i;
        }
    }
    return IKE_CONF_SECTIONS;
}

/* Near enough to be worth a question: a third of the letters. */
static struct ike_nearest near_to(const char *text)
{
    size_t n = strlen(text);
    return ike_nearest(text, n, (n < 3 ? 1 : n / 3) + 1);
}

const char *ike_conf_nearest(const char *text, const char *const *words, size_t n)
{
    struct ike_nearest near = near_to(text);
    for (size_t i = 0; i < n && words[i]; i++) {
        ike_nearest_try(&near, words[i]);
    }
    return near.best;
}

/* Habits first: what another program calls a thing may be spelt nothing like ours. */
const char *ike_conf_key_nearest(unsigned section, const char *tag)
{
    for (size_t i = 0; i < IKE_COUNT(habits); i++) {
        if (strcmp(habits[i].theirs, tag) == 0 && ike_conf_key_find(section, habits[i].ours)) {
            return habits[i].ours;
        }
    }
    struct ike_nearest near = near_to(tag);
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        if (stands_in(&ike_conf_keys[i], section)) {
            ike_nearest_try(&near, ike_conf_keys[i].tag);
        }
    }
    return near.best;
}

/* The same words in error messages and in the reference. */
size_t ike_conf_expected(const struct ike_conf_key *k, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    k->kind->expected(k, &t);
    return t.len;
}

int ike_config_key_at(size_t i, ike_config_key *out)
{
    if (i >= ike_conf_n_keys) {
        return IKE_ERR_NOT_FOUND;
    }
    const struct ike_conf_key *k = &ike_conf_keys[i];
    *out = (ike_config_key){.section = section_names[k->section],
                            .tag = k->tag,
                            .standard = k->standard,
                            .text = k->text,
                            .required = k->required,
                            .in_connection = k->in_connection};
    ike_conf_expected(k, out->expected, sizeof out->expected);
    return IKE_OK;
}

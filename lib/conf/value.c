/* SPDX-License-Identifier: ISC
 *
 * Plain values: switches, numbers with their units, words, paths, names, secrets.
 */
#include "conf/conf.h"

typedef struct ike_conf_key key;
typedef struct ike_conf_fault fault;

/* Rows say where in which struct a value goes; the caller passes the struct that belongs to the row's target. */
static void *field(const key *k, void *target) { return (uint8_t *)target + k->at; }
static const void *cfield(const key *k, const void *target) { return (const uint8_t *)target + k->at; }

/* By width and memcpy: the table knows sizes and offsets, not types. */
static void store(const key *k, void *target, uint64_t v)
{
    switch (k->width) {
    case 1:
        *(uint8_t *)field(k, target) = (uint8_t)v;
        break;
    case 2: {
        uint16_t n = (uint16_t)v;
        memcpy(field(k, target), &n, sizeof n);
        break;
    }
    case 4: {
        uint32_t n = (uint32_t)v;
        memcpy(field(k, target), &n, sizeof n);
        break;
    }
    default:
        memcpy(field(k, target), &v, sizeof v);
        break;
    }
}

/* Octets of the field, whatever its type: enums and switches too. */
static bool same_number(const key *k, const void *x, const void *y)
{
    return memcmp(cfield(k, x), cfield(k, y), k->width) == 0;
}

/* Pointers are read by memcpy: offsets come from a table, and the compiler knows no alignment of them. */
static bool same_text(const key *k, const void *x, const void *y)
{
    const char *a, *b;
    memcpy(&a, cfield(k, x), sizeof a);
    memcpy(&b, cfield(k, y), sizeof b);
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The text moves to the result's arena, so it outlives the configuration. */
static bool store_text(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    const char *copy = ike_arena_text(a, value, strlen(value));
    f->no_memory = copy == NULL;
    memcpy(field(k, target), &copy, sizeof copy);
    return copy != NULL;
}

/* ---- yes and no -------------------------------------------------------------------------------------------------------- */

static void expected_yesno(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "yes or no");
}

/* Two words only: true, on or 1 would mean as many ways to misread a file. */
static bool parse_yesno(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    (void)f;
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0) {
        return false;
    }
    memcpy(field(k, target), &yes, sizeof yes);
    return true;
}

const struct ike_conf_kind ike_kind_yesno = {expected_yesno, parse_yesno, same_number, false};

/* ---- Numbers and what has a unit --------------------------------------------------------------------------------------- */

/* The table ends with a NULL name. */
struct unit {
    const char *name;
    uint64_t factor;
};
/* From large to small, so that printing takes the first that divides; the first row of value 1 is what a bare number means.
 */
static const struct unit seconds[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {NULL, 0}};
static const struct unit millis[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit octets[] = {{"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20},
                                     {"K", 1ull << 10}, {"", 1},           {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

/* Overflow is refused, never wrapped: a lifetime of 2^64 + 1 seconds would be one of 1. */
static bool take_digits(const char **s, uint64_t *v)
{
    const char *p = *s;
    for (*v = 0; *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (*v > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *v = *v * 10 + digit;
    }
    bool some = p != *s;
    *s = p;
    return some;
}

/* "90", "1h30m", "500ms", "10G". A bare number counts `bare`; it stands alone. */
static bool take_amount(const char *s, const struct unit *units, uint64_t bare, uint64_t *out)
{
    uint64_t sum = 0, v;
    for (bool first = true; first || *s; first = false) {
        if (!take_digits(&s, &v)) {
            return false;
        }
        /* A unit is all the letters that follow, so "5min" is an unknown unit and not five minutes and "in". */
        size_t n = 0;
        while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z')) {
            n++;
        }
        /* A number without unit must be all of the value: "1h30" leaves open what the 30 are. */
        uint64_t factor = n == 0 && first && *s == 0 ? bare : 0;
        for (const struct unit *u = units; u->name && n; u++) {
            factor = strlen(u->name) == n && memcmp(u->name, s, n) == 0 ? u->factor : factor;
        }
        if (factor == 0 || v > UINT64_MAX / factor || v * factor > UINT64_MAX - sum) {
            return false;
        }
        sum += v * factor;
        s += n;
    }
    *out = sum;
    return true;
}

/* The largest unit that divides without rest, so that reading it back gives the same number. */
static void put_amount(struct ike_text *out, const struct unit *units, uint64_t v)
{
    while (units[1].name && (v == 0 || v % units->factor != 0)) {
        units++;
    }
    ike_text_uint(out, v / units->factor);
    ike_text_str(out, units->name);
}

/* Limits are the row's. What is outside is refused with the range in the message, not brought into it. */
static bool parse_amount(const key *k, const char *value, void *target, const struct unit *units, uint64_t bare)
{
    uint64_t v;
    /* 0 is how the settings say none. */
    if (strcmp(value, "none") == 0 && k->min == 0 && k->standard) {
        v = 0;
    } else if (!take_amount(value, units, bare, &v) || v < k->min || v > k->max) {
        return false;
    }
    store(k, target, v);
    return true;
}

static void put_range(const key *k, struct ike_text *out, const struct unit *units)
{
    ike_text_str(out, ", ");
    put_amount(out, units, k->min);
    ike_text_str(out, " to ");
    put_amount(out, units, k->max);
}

/* Whether 0 means that there is none, and the word may be said. */
static bool may_be_none(const key *k) { return k->min == 0 && k->standard && strcmp(k->standard, "0") != 0; }

/* A range that is as wide as the type says nothing. */
static void expected_number(const key *k, struct ike_text *out)
{
    ike_text_str(out, "a number");
    if (k->max < UINT32_MAX) {
        put_range(k, out, plain);
    }
    ike_text_str(out, k->standard && strcmp(k->standard, "none") == 0 ? ", or none" : "");
}

static void expected_seconds(const key *k, struct ike_text *out)
{
    ike_text_str(out, "a time such as 90s, 30m or 1h30m");
    put_range(k, out, seconds);
    ike_text_str(out, may_be_none(k) ? ", or none" : "");
}

static void expected_millis(const key *k, struct ike_text *out)
{
    ike_text_str(out, "a time such as 500ms, 2s or 1m");
    put_range(k, out, millis);
}

static void expected_octets(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "a size such as 500M or 10G (K, M, G, T: powers of 1024), or none");
}

static bool parse_number(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    (void)f;
    return parse_amount(k, value, target, plain, 1);
}

static bool parse_seconds(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    (void)f;
    return parse_amount(k, value, target, seconds, 1);
}

static bool parse_millis(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    (void)f;
    return parse_amount(k, value, target, millis, 1000); /* a bare number is seconds, as everywhere */
}

/* Of IKEv1: behind a comma what a peer may offer, "10m, 450s:12m"; without it, or with "any", all. The two bounds are the fields
 * behind the value's. */
static void expected_life(const key *k, struct ike_text *out)
{
    expected_seconds(k, out);
    ike_text_str(out, "; for IKEv1 also with a range, 10m, 450s:12m");
}

static void expected_volume(const key *k, struct ike_text *out)
{
    expected_octets(k, out);
    ike_text_str(out, "; for IKEv1 also with a range, 10G, 1G:20G");
}

static bool take_range(const key *k, const char *s, const struct unit *units, uint64_t bound[2])
{
    char low[32];
    const char *colon = strchr(s, ':');
    const size_t n = colon ? (size_t)(colon - s) : 0;
    bound[0] = bound[1] = 0;
    if (strcmp(s, "any") == 0) {
        return true;
    }
    if (n == 0 || n >= sizeof low) {
        return false;
    }
    memcpy(low, s, n);
    low[n] = 0;
    return take_amount(low, units, 1, &bound[0]) && take_amount(colon + 1, units, 1, &bound[1]) && bound[0] <= bound[1] &&
           bound[1] != 0 && bound[1] <= k->max;
}

static bool parse_with_range(const key *k, const char *value, void *target, const struct unit *units)
{
    char own[32];
    uint64_t bound[2] = {0, 0};
    const char *comma = strchr(value, ',');
    size_t n = comma ? (size_t)(comma - value) : strlen(value);
    while (n != 0 && value[n - 1] == ' ') {
        n--;
    }
    if (n >= sizeof own) {
        return false;
    }
    memcpy(own, value, n);
    own[n] = 0;
    if (comma && !take_range(k, comma + 1 + strspn(comma + 1, " "), units, bound)) {
        return false;
    }
    key at = *k;
    bool good = parse_amount(&at, own, target, units, 1);
    for (size_t i = 0; good && i < 2; i++) {
        at.at += at.width;
        store(&at, target, bound[i]);
    }
    return good;
}

static bool parse_life(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a, (void)f;
    return parse_with_range(k, value, target, seconds);
}

static bool parse_volume(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a, (void)f;
    return parse_with_range(k, value, target, octets);
}

static bool same_life(const key *k, const void *x, const void *y)
{
    return memcmp(cfield(k, x), cfield(k, y), 3 * (size_t)k->width) == 0;
}

/* 0, or what every IPv4 host has to take (RFC 791): below it a device does not carry IPv4. */
static void expected_mtu(const key *k, struct ike_text *out)
{
    expected_number(k, out);
    ike_text_str(out, ", or 0");
}

static bool parse_mtu(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    if (strcmp(value, "0") == 0) {
        store(k, target, 0);
        return true;
    }
    return parse_number(a, k, value, target, f);
}

const struct ike_conf_kind ike_kind_mtu = {expected_mtu, parse_mtu, same_number, false};
const struct ike_conf_kind ike_kind_number = {expected_number, parse_number, same_number, false};
const struct ike_conf_kind ike_kind_life = {expected_life, parse_life, same_life, false};
const struct ike_conf_kind ike_kind_seconds = {expected_seconds, parse_seconds, same_number, false};
const struct ike_conf_kind ike_kind_millis = {expected_millis, parse_millis, same_number, false};
const struct ike_conf_kind ike_kind_volume = {expected_volume, parse_volume, same_life, false};

/* ---- One of several words ---------------------------------------------------------------------------------------------- */

/* "a, b or c", from the same list that is searched. */
static void expected_words(const key *k, struct ike_text *out)
{
    for (size_t i = 0; k->words[i]; i++) {
        ike_text_str(out, i == 0 ? "" : k->words[i + 1] ? ", " : " or ");
        ike_text_str(out, k->words[i]);
    }
}

/* -1 with a suggestion where one is near. */
static int word_index(const key *k, const char *value, fault *f)
{
    int n = 0;
    for (; k->words[n]; n++) {
        if (strcmp(k->words[n], value) == 0) {
            return n;
        }
    }
    /* Words are compared in full; a near miss is asked about, not taken. */
    f->meant = ike_conf_nearest(value, k->words, (size_t)n);
    return -1;
}

/* Points to the table's own word: static, so nothing is copied. */
static bool parse_word(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    int i = word_index(k, value, f);
    if (i >= 0) {
        memcpy(field(k, target), &k->words[i], sizeof k->words[i]);
    }
    return i >= 0;
}

/* The words stand in the order of the enum they are for. */
static bool parse_index(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    int i = word_index(k, value, f);
    if (i >= 0) {
        store(k, target, (uint64_t)i);
    }
    return i >= 0;
}

const struct ike_conf_kind ike_kind_word = {expected_words, parse_word, same_text, false};
const struct ike_conf_kind ike_kind_index = {expected_words, parse_index, same_number, false};

/* ---- Texts ------------------------------------------------------------------------------------------------------------- */

/* In [connection] the only text is a file name. */
static void expected_text(const key *k, struct ike_text *out)
{
    ike_text_str(out, k->section == IKE_CONF_CONNECTION ? "a file name of at most " : "a text of at most ");
    ike_text_uint(out, k->max);
    ike_text_str(out, " characters");
}

static bool parse_text(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    return strlen(value) <= k->max && store_text(a, k, value, target, f);
}

/* Its name, and what it holds: another certificate under the same name is a change. */
static bool parse_file(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    return value[0] && parse_text(a, k, value, target, f);
}

static bool same_file(const key *k, const void *x, const void *y)
{
    ike_config_named p, q;
    memcpy(&p, cfield(k, x), sizeof p);
    memcpy(&q, cfield(k, y), sizeof q);
    return same_text(k, x, y) && ike_bytes_equal(p.text, q.text);
}

const struct ike_conf_kind ike_kind_file = {expected_text, parse_file, same_file, false};

static void expected_path(const key *k, struct ike_text *out)
{
    ike_text_str(out, "a path that begins with /, at most ");
    ike_text_uint(out, k->max);
    ike_text_str(out, " characters");
}

/* Absolute only: a daemon's working directory is nobody's concern. */
static bool parse_path(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    return value[0] == '/' && parse_text(a, k, value, target, f);
}

const struct ike_conf_kind ike_kind_text = {expected_text, parse_text, same_text, false};
const struct ike_conf_kind ike_kind_path = {expected_path, parse_path, same_text, false};

static void expected_device(const key *k, struct ike_text *out)
{
    ike_text_str(out, "the name of a device, at most ");
    ike_text_uint(out, k->max);
    ike_text_str(out, " characters, none of / : and blanks, % only as %d");
}

/* What the kernel takes (dev_valid_name, dev_alloc_name): it would say no more than "invalid argument". */
static bool parse_device(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    const char *percent = strchr(value, '%');
    for (const char *s = value; *s; s++) {
        if (*s <= ' ' || *s > '~' || *s == '/' || *s == ':') {
            return false;
        }
    }
    if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0 || (percent && (percent[1] != 'd' || strchr(percent + 1, '%')))) {
        return false;
    }
    return parse_text(a, k, value, target, f);
}

const struct ike_conf_kind ike_kind_device = {expected_device, parse_device, same_text, false};

/* The characters left out separate names elsewhere: in titles, lists, JSON and on the command line. */
bool ike_conf_name_ok(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~' || strchr("/\"[],", s[i])) {
            return false;
        }
    }
    return n > 0 && n <= IKE_CONFIG_NAME_MAX;
}

static void expected_conn_name(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "the name of a connection");
}

static bool parse_conn_name(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    (void)k;
    (void)target; /* which connection it is has been settled by the caller */
    (void)f;
    return ike_conf_name_ok(value, strlen(value));
}

/* What the tag says shows in which connection the child is. */
static bool same_always(const key *k, const void *x, const void *y)
{
    (void)k;
    (void)x;
    (void)y;
    return true;
}

static void expected_user_name(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "the name of a [user] section");
}

/* Which section it is is looked at when all are there. */
static bool parse_user_name(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    return ike_conf_name_ok(value, strlen(value)) && store_text(a, k, value, target, f);
}

const struct ike_conf_kind ike_kind_user_name = {expected_user_name, parse_user_name, same_text, false};
const struct ike_conf_kind ike_kind_conn_name = {expected_conn_name, parse_conn_name, same_always, false};

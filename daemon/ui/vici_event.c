/* SPDX-License-Identifier: ISC
 *
 * vici_event.c - what happens to SAs, told to clients that registered for it and to commands that wait.
 */
#include "vici.h"

#include <stdio.h>
#include <string.h>

static const char *const names[VICI_EVENTS] = {"list-sa",    "list-conn", "list-failure", "control-log", "log",
                                               "ike-updown", "ike-rekey", "child-updown", "child-rekey", "failure"};

#define BIT(e)    (1u << (e))
#define SA_EVENTS (BIT(VICI_EV_IKE_UPDOWN) | BIT(VICI_EV_IKE_REKEY) | BIT(VICI_EV_CHILD_UPDOWN) | BIT(VICI_EV_CHILD_REKEY))

int vici_event_find(struct vici_text name)
{
    for (int i = 0; i < VICI_EVENTS; i++) {
        if (vici_text_is(name, names[i])) {
            return i;
        }
    }
    return -1;
}

const char *vici_event_name(enum vici_event_id e) { return names[e]; }

bool vici_wanted(const struct vici *v, uint32_t events)
{
    for (const struct vici_client *c = v->clients; c; c = c->next) {
        if (!c->gone && (c->events & events)) {
            return true;
        }
    }
    return false;
}

/* The frame in v->buf, to all who want it. */
static void send_all(struct vici *v, enum vici_event_id e)
{
    for (struct vici_client *c = v->clients; c; c = c->next) {
        if (!c->gone && vici_registered(c, e)) {
            vici_send(c);
        }
    }
}

/* ---- Messages --------------------------------------------------------------------------------------------------------- */

static const char *name_of(struct vici *v, const ike_sa_info *sa, ike_conn_id conn)
{
    const struct conn_rt *rt = sa->conn_name ? NULL : daemon_conn_by_id(v->d, conn);
    return sa->conn_name && sa->conn_name[0] ? sa->conn_name : rt ? rt->name : "(unnamed)";
}

/* The SA as the engine has it, or as it was last seen. */
static bool sa_of(struct vici *v, ike_sa_id id, ike_sa_info *out)
{
    *out = (ike_sa_info){.size = sizeof *out};
    return id && (ike_sa_get(v->d->engine, id, out) == IKE_OK || vici_known_sa(v, id, out));
}

static bool child_of(struct vici *v, ike_child_id id, ike_child_info *out)
{
    *out = (ike_child_info){.size = sizeof *out};
    return id && (ike_child_get(v->d->engine, id, out) == IKE_OK || vici_known_child(v, id, out));
}

static void put_sa(struct vici *v, const char *section, ike_sa_id id, unsigned state)
{
    ike_sa_info sa;
    if (section) {
        vici_section(&v->buf, section);
    }
    if (sa_of(v, id, &sa)) {
        sa.state = state ? (uint8_t)state : sa.state;
        vici_form_sa(&v->buf, &sa, daemon_now(v->d));
    } else {
        vici_put(&v->buf, "state", vici_sa_state(state));
    }
    if (section) {
        vici_section_end(&v->buf);
    }
}

static void open_conn(struct vici *v, ike_sa_id sa_id, ike_conn_id conn)
{
    ike_sa_info sa;
    (void)sa_of(v, sa_id, &sa);
    vici_section(&v->buf, name_of(v, &sa, conn));
}

static void ike_updown(struct vici *v, const ike_event *ev, bool up)
{
    vici_begin(&v->buf, VICI_EVENT, names[VICI_EV_IKE_UPDOWN]);
    if (up) {
        vici_put(&v->buf, "up", "yes");
    }
    open_conn(v, ev->sa, ev->conn);
    put_sa(v, NULL, ev->sa, up ? 0 : IKE_SA_DELETING);
    vici_section_end(&v->buf);
    send_all(v, VICI_EV_IKE_UPDOWN);
}

static void ike_rekey(struct vici *v, const ike_event *ev)
{
    vici_begin(&v->buf, VICI_EVENT, names[VICI_EV_IKE_REKEY]);
    open_conn(v, ev->sa, ev->conn);
    put_sa(v, "old", ev->old_sa, IKE_SA_REKEYED);
    put_sa(v, "new", ev->sa, 0);
    vici_section_end(&v->buf);
    send_all(v, VICI_EV_IKE_REKEY);
}

static void put_child(struct vici *v, const char *section, const ike_child_info *k, unsigned state)
{
    ike_child_info copy = *k;
    copy.state = state ? (uint8_t)state : copy.state;
    vici_section(&v->buf, section);
    vici_form_child(&v->buf, &copy, daemon_now(v->d));
    vici_section_end(&v->buf);
}

static void child_updown(struct vici *v, const ike_event *ev, bool up)
{
    ike_child_info k;
    char name[80];
    bool known = child_of(v, ev->child, &k);
    vici_begin(&v->buf, VICI_EVENT, names[VICI_EV_CHILD_UPDOWN]);
    if (up) {
        vici_put(&v->buf, "up", "yes");
    }
    open_conn(v, ev->sa, ev->conn);
    put_sa(v, NULL, ev->sa, 0);
    vici_section(&v->buf, "child-sas");
    if (known) {
        snprintf(name, sizeof name, "%s-%u", k.name ? k.name : "", k.number);
        put_child(v, name, &k, up ? 0 : IKE_CHILD_DELETING);
    }
    vici_section_end(&v->buf);
    vici_section_end(&v->buf);
    send_all(v, VICI_EV_CHILD_UPDOWN);
}

static void child_rekey(struct vici *v, const ike_event *ev)
{
    ike_child_info was, is;
    bool known_was = child_of(v, ev->old_child, &was), known_is = child_of(v, ev->child, &is);
    vici_begin(&v->buf, VICI_EVENT, names[VICI_EV_CHILD_REKEY]);
    open_conn(v, ev->sa, ev->conn);
    put_sa(v, NULL, ev->sa, 0);
    vici_section(&v->buf, "child-sas");
    vici_section(&v->buf, known_is && is.name ? is.name : known_was && was.name ? was.name : "(unnamed)");
    if (known_was) {
        put_child(v, "old", &was, IKE_CHILD_REKEYED);
    }
    if (known_is) {
        put_child(v, "new", &is, 0);
    }
    for (int i = 0; i < 3; i++) {
        vici_section_end(&v->buf);
    }
    send_all(v, VICI_EV_CHILD_REKEY);
}

static void failure(struct vici *v, const ike_failure *f)
{
    vici_begin(&v->buf, VICI_EVENT, names[VICI_EV_FAILURE]);
    vici_form_failure(&v->buf, f, daemon_now(v->d));
    send_all(v, VICI_EV_FAILURE);
}

/* ---- Listening to the engine ------------------------------------------------------------------------------------------ */

static void note_sa(struct vici *v, ike_sa_id id)
{
    ike_sa_info sa = {.size = sizeof sa};
    if (v->known && ike_sa_get(v->d->engine, id, &sa) == IKE_OK) {
        vici_known_sa_up(v, &sa);
    }
}

static void note_child(struct vici *v, ike_child_id id)
{
    ike_child_info k = {.size = sizeof k};
    if (v->known && ike_child_get(v->d->engine, id, &k) == IKE_OK) {
        vici_known_child_up(v, &k);
    }
}

static void tell_sa_event(struct vici *v, const ike_event *ev)
{
    switch (ev->type) {
    case IKE_EV_SA_UP:
        note_sa(v, ev->sa);
        ike_updown(v, ev, true);
        break;
    case IKE_EV_SA_REKEYED:
        note_sa(v, ev->sa);
        ike_rekey(v, ev);
        vici_known_sa_forget(v, ev->old_sa);
        break;
    case IKE_EV_SA_DOWN:
        ike_updown(v, ev, false);
        vici_known_sa_forget(v, ev->sa);
        break;
    case IKE_EV_CHILD_UP:
        note_child(v, ev->child);
        child_updown(v, ev, true);
        break;
    case IKE_EV_CHILD_REKEYED:
        note_child(v, ev->child);
        child_rekey(v, ev);
        vici_known_child_forget(v, ev->old_child);
        break;
    case IKE_EV_CHILD_DOWN:
        child_updown(v, ev, false);
        vici_known_child_forget(v, ev->child);
        break;
    default:
        note_sa(v, ev->sa);
        break;
    }
}

static void on_event(void *arg, const ike_event *ev)
{
    struct vici *v = arg;
    if (vici_wanted(v, SA_EVENTS)) {
        tell_sa_event(v, ev);
    }
    if (ev->failure && vici_wanted(v, BIT(VICI_EV_FAILURE))) {
        failure(v, ev->failure);
    }
    for (struct vici_client *c = v->clients; c; c = c->next) {
        if (c->job && c->job->ops->event) {
            c->job->ops->event(c->job, ev);
        }
    }
}

void vici_events_update(struct vici *v)
{
    vici_known_update(v, vici_wanted(v, SA_EVENTS));
    vici_log_update(v);
}

void vici_events_open(struct vici *v)
{
    v->listener = (struct event_listener){.event = on_event, .arg = v};
    event_listener_add(v->d, &v->listener);
    vici_log_open(v);
}

void vici_events_close(struct vici *v)
{
    event_listener_remove(v->d, &v->listener);
    vici_known_update(v, false);
    vici_log_close(v);
}

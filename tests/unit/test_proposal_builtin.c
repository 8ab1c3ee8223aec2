/* SPDX-License-Identifier: ISC
 *
 * The one suite of a build that reads no proposals is what the default text leaves of itself where there is nothing else.
 */
#include "unit/core_help.h"

#include "proposal/proposal.h"

static struct lab lab;
static struct ike_core core;
static ike_crypto crypto;
static const ike_encr *encr[2];
static const ike_prf *prf[2];
static const ike_ke *ke[2];

/* The suite and nothing else, whatever the build has. */
static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &core);
    crypto = *core.crypto;
    encr[0] = ike_find_encr(&crypto, 20);
    prf[0] = ike_find_prf(&crypto, 5);
    ke[0] = ike_find_ke(&crypto, 31);
    crypto.encr = encr;
    crypto.prf = prf;
    crypto.ke = ke;
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_core_end(&lab, &core);
    return 0;
}

static void it_is_what_the_default_comes_to(void **state)
{
    (void)state;
    for (unsigned esp = 0; esp < 2; esp++) {
        const char *text = esp ? ike_default_child_proposals() : ike_default_ike_proposals();
        const uint8_t protocol = esp ? IKE_PROTO_ESP : IKE_PROTO_IKE;
        struct ike_proposals *want, *got;
        assert_int_equal(ike_proposals_parse_for(&want, text, protocol, &crypto, true, &core.mem, NULL), IKE_OK);
        assert_int_equal(ike_proposals_builtin(&got, protocol, &crypto, &core.mem), IKE_OK);
        assert_true(got->size == want->size && got->protocol == want->protocol && got->n == want->n);
        assert_int_equal(got->n_transforms, want->n_transforms);
        assert_memory_equal(got->first, want->first, sizeof got->first);
        for (unsigned i = 0; i < want->n_transforms; i++) {
            const struct ike_transform *g = &got->transforms[i], *w = &want->transforms[i];
            assert_true(g->type == w->type && g->id == w->id && g->bits == w->bits);
        }
        ike_proposals_free(want, &core.mem);
        ike_proposals_free(got, &core.mem);
    }
}

static void all_of_it_has_to_be_there(void **state)
{
    (void)state;
    struct ike_proposals *p;
    lab.allowed = 0;
    assert_int_equal(ike_proposals_builtin(&p, IKE_PROTO_IKE, &crypto, &core.mem), IKE_ERR_NOMEM);
    lab.allowed = -1;
    for (unsigned i = 0; i < 3; i++) {
        const ike_crypto all = crypto;
        static const ike_encr *const no_encr[] = {NULL};
        static const ike_prf *const no_prf[] = {NULL};
        static const ike_ke *const no_ke[] = {NULL};
        crypto.encr = i == 0 ? no_encr : all.encr;
        crypto.prf = i == 1 ? no_prf : all.prf;
        crypto.ke = i == 2 ? no_ke : all.ke;
        assert_int_equal(ike_proposals_builtin(&p, IKE_PROTO_ESP, &crypto, &core.mem), IKE_ERR_UNSUPPORTED);
        assert_null(p);
        crypto = all;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_what_the_default_comes_to, begin, end),
        cmocka_unit_test_setup_teardown(all_of_it_has_to_be_there, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

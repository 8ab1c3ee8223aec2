/* SPDX-License-Identifier: ISC
 *
 * What the library tells the simulator only (lib/base/sabotage.h): which cells of the collision table were met.
 */
#include "witness.h"
#include "base/sabotage.h"

#include <string.h>

unsigned sim_cells[SIM_RECEIVED][SIM_DOING], sim_met[IKE_METS];
enum ike_sabotage ike_sabotage;

const char *const sim_sabotages[] = {
    "lowest-nonce",    "temporary-failure", "resend-rebuilt", "old-first",   "replay-first",
    "half-open-stays", "children-left",     "spi-kept",       "never-again", "v1-iv",
    "v1-mid",          "v1-copy",           "v1-old-first",   "v1-deaf",     NULL,
};

bool sim_sabotage(const char *name)
{
    ike_sabotage = IKE_SABOTAGE_NONE;
    for (unsigned i = 0; name && sim_sabotages[i]; i++) {
        if (strcmp(sim_sabotages[i], name) == 0) {
            ike_sabotage = (enum ike_sabotage)(i + 1);
        }
    }
    return !name || ike_sabotage != IKE_SABOTAGE_NONE;
}

int ike_witness_collision(int received, int doing)
{
    sim_cells[received % SIM_RECEIVED][doing % SIM_DOING]++;
    return 0;
}

int ike_witness_met(int what)
{
    sim_met[what]++;
    return 0;
}

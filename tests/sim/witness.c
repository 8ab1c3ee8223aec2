/* SPDX-License-Identifier: ISC
 *
 * What the library tells the simulator only (lib/base/sabotage.h): which cells of the collision table were met.
 */
#include "witness.h"
#include "base/sabotage.h"

unsigned sim_cells[SIM_RECEIVED][SIM_DOING];

int ike_witness_collision(int received, int doing)
{
    sim_cells[received % SIM_RECEIVED][doing % SIM_DOING]++;
    return 0;
}

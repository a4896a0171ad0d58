#include "sim/cluster/cluster_internal.h"
void cluster_register_tables(struct cluster *cluster, struct tables *tables)
{
    (void)cluster, (void)tables;
}

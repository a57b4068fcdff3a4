/* ranks.h - the groups of tests that run on ranks, virtual or MPI's: each returns how many of its tests failed. */
#ifndef TESTS_RANKS_H
#define TESTS_RANKS_H
int ranks_rings(void);
int ranks_windows(void);
int ranks_collectives(void);
int ranks_all_to_all(void);
int ranks_dispatch(void);
int ranks_all_to_all_time(void);
int ranks_network(void);
int ranks_links(void);
int ranks_double_tree(void);
int ranks_lanes(void);
int ranks_lanes_cpu(void);
int ranks_equivalence(void);
int ranks_stages(void);
int ranks_precision(void);
int ranks_families(void);
int ranks_domains(void);
int ranks_experts(void);
int ranks_expert_parallel(void);
int ranks_faults(void);
int ranks_clock(void);
int ranks_machine(void);
int ranks_quantize(void);
int ranks_checkpoint(void);
int ranks_stop(void);
#endif

/* dual_pipe_v.h - a schedule with overlapped pairs, as PyTorch writes it. */
#ifndef TESTS_SUPPORT_DUAL_PIPE_V_H
#define TESTS_SUPPORT_DUAL_PIPE_V_H

/* torch.distributed.pipelining's ScheduleDualPipeV: 4 ranks, stage s beside stage 7 - s, 10 microbatches. With B = 2 F,
 * and half of either for each of a rank's two stages, a step is 31.5 F and every rank idles for 1.5 of them. */
extern const char DUAL_PIPE_V[];
#endif

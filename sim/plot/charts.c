/* charts.c - the table of charts, in the order in which they are told and drawn. */
#include "sim/plot/charts.h"

const PlotChartRow plot_charts[PLOT_CHARTS] = {
    {"loss", "loss by step over the entropy of the data; gradient norm; learning rate", plot_loss},
    {"comm", "bytes sent in a step by purpose; diamonds: the formula", plot_comm},
    {"bytes_by_axis", "bytes sent in a step by axis of the grid: data, tensor, pipeline", plot_bytes_by_axis},
    {"memory", "peak bytes by category; line: the formula for parameters, gradients, optimizer", plot_memory},
    {"activations", "peak bytes of activations alone; of several runs, that differ in technique",
     plot_activations},
    {"memory_timeline", "bytes held over a step by category, a panel a pipeline rank", plot_memory_timeline},
    {"step_time", "measured seconds of the median step by action, divided as a recorded one was",
     plot_step_time},
    {"gantt", "actions of the recorded step in simulated time, a row a pipeline rank", plot_gantt},
    {"bubble", "the share of a step in which a rank idles; line: the formula", plot_bubble},
    {"bubble_microbatches", "bubbles by schedule and number of microbatches; of several runs",
     plot_bubble_microbatches},
    {"breakdown", "simulated seconds of a step by what they went to", plot_breakdown},
    {"roofline", "operations a second of kernels by kind over their operations a byte, under the chip's roof",
     plot_roofline},
    {"expert_load",
     "load of each expert over steps, a heat map a layer; of several runs, of each one's last layer",
     plot_expert_load},
    {"expert_imbalance",
     "the fullest expert's load over the mean, by step and layer; of several runs, of each",
     plot_expert_imbalance},
};

/* test_config_fits.c - keys that must fit one another and the ranks: what is taken, and what refused with
 * the numbers that do not fit. */
#include <stdio.h>
#include <string.h>
#include "sim/config/ranks.h"
#include "sim/config/refuse.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

static void values_that_do_not_fit(void **state)
{
    (void)state;
    refuse("[model]\nheads = 3\n", NULL,
           "t.ini:2: model.heads = 3: heads must divide hidden, and 64 / 3 = 21.33; try model.heads = 1, 2, "
           "4, 8, 16, 32 or 64");
    refuse("[model]\nhidden = 30\n", NULL,
           "t.ini:2: model.hidden = 30: heads must divide hidden, and 30 / 4 = 7.50; try model.heads = 1, 2, "
           "3, 5, 6, 10, 15 or 30");
    refuse("[data]\nsource = a.txt\n", NULL,
           "t.ini:2: data.source = a.txt: a text is read as bytes, which are 256 tokens, and model.vocab = "
           "64; try model.vocab = 256, or data.source = markov");
    refuse("[model]\nvocab = 3\n", NULL,
           "t.ini:2: model.vocab = 3: the markov source has four tokens that can follow each; try "
           "model.vocab = 4 or more");
    refuse("[output]\nweights = a.h5\nfile = a.h5\n", NULL,
           "t.ini:3: output.file = a.h5: output.file and output.weights are the same file; try another name "
           "for output.file");
    refuse("[output]\ncheckpoint_keep = 1\n", NULL,
           "t.ini:2: output.checkpoint_keep = 1: there are no checkpoints; try output.checkpoint = "
           "results/ck.h5, or leaving output.checkpoint_keep out");
    refuse("[output]\ncheckpoint_async = no\n", NULL,
           "t.ini:2: output.checkpoint_async = no: there are no checkpoints; try output.checkpoint = "
           "results/ck.h5, or leaving output.checkpoint_async out");
    refuse("[output]\ncheckpoint = a.h5\ncheckpoint_async = no\n", NULL,
           "t.ini:3: output.checkpoint_async = no: the only checkpoint is that after the last step, which is "
           "waited for; try output.checkpoint_every = 20, or leaving output.checkpoint_async out");
    refuse_with("[model]\nvocab=256\n[data]\nsource = a\n[output]\nfile = a\n", NULL, "are the same file");
    refuse_with("[model]\nlayers = 1000000\nhidden = 10000000\nheads=1\n", NULL,
                "1.2e+21 parameters (layers 1000000");
    refuse_with("[model]\nsequence = 10000000\n[train]\nmicrobatch = 1000\n", NULL,
                "t.ini:4: train.microbatch = 1000: 1000 samples of 10000000 tokens at once");
    refuse_with("[train]\nsteps = 1000000000\nglobal_batch = 1000000000\n", NULL,
                "more tokens than can be counted");
    Config c; /* a few steps to try a config need not be as many as its warm-up has */
    take(&c, "[train]\nwarmup = 6\n", "train.steps=2");
    config_free(&c);
}

static void layers_of_stages(void **state)
{
    (void)state;
    static const char four[] = "[model]\nlayers = 32\n[parallel]\npp = 4\n";
    Config c;
    take(&c, four, "parallel.layers_per_stage= 7, 8 ,8,9");
    assert_row(&c, "parallel.layers_per_stage", "7,8,8,9");
    const int *layers = config_layers_per_stage(&c, 4);
    assert_true(layers && layers[0] == 7 && layers[1] == 8 && layers[2] == 8 && layers[3] == 9);
    assert_null(config_layers_per_stage(&c, 8));
    config_free(&c);
    take(&c, four, "parallel.layers_per_stage=");
    assert_row(&c, "parallel.layers_per_stage", "");
    assert_null(config_layers_per_stage(&c, 4));
    config_free(&c);
    refuse_with(four, "parallel.layers_per_stage=7,8,8",
                "--set parallel.layers_per_stage=7,8,8: 3 numbers for pp x "
                "virtual_stages = 4 x 1 = 4 stages; try parallel.layers_per_stage = 8,8,8,8");
    refuse_with(
        four, "parallel.layers_per_stage=7,8,8,8",
        "parallel.layers_per_stage sums to 31, and model.layers = 32; try parallel.layers_per_stage = "
        "8,8,8,8, or model.layers = 31");
    refuse_with("[parallel]\npp = 4\nlayers_per_stage = 1,1,1,2\n", "model.layers=6",
                "t.ini:3: parallel.layers_per_stage = 1,1,1,2: parallel.layers_per_stage sums to 5, and "
                "model.layers = 6; try parallel.layers_per_stage = 2,2,1,1, or model.layers = 5");
    refuse_with("[model]\nlayers = 64\n[parallel]\npp = 64\nlayers_per_stage = 64\n", NULL,
                "1 number for pp x virtual_stages = 64 x 1 = 64 stages; try leaving it out");
}

static void families(void **state)
{
    (void)state;
    Config c;
    take(&c, "[model]\npreset = llama-tiny\ndropout = 0.25\nattention = flash\n", NULL);
    assert_row(&c, "model.kv_heads", "4");
    assert_row(&c, "model.ffn", "176");
    assert_row(&c, "model.norm", "rmsnorm");
    assert_row(&c, "model.activation", "swiglu");
    assert_row(&c, "model.position", "rope");
    assert_row(&c, "model.bias", "no");
    assert_row(&c, "model.tie_embeddings", "no");
    assert_true(c.model.shape.dropout == 0.25 && c.model.shape.attention == ATTENTION_FLASH);
    config_free(&c);
    take(&c, "[model]\nheads = 8\npost_norm = yes\nposition = sinusoidal\nactivation = relu\n", NULL);
    assert_row(&c, "model.kv_heads", "8"); /* as many as heads unless given */
    assert_row(&c, "model.attention", "plain");
    assert_row(&c, "model.dropout", "0");
    assert_true(c.model.shape.post_norm && c.model.shape.activation == ACTIVATION_RELU);
    config_free(&c);
    take(&c, "", "model.preset=llama3-405b");
    assert_int_equal(c.model.shape.kv_heads, 8);
    assert_true(c.model.shape.rope_base == 5e5);
    config_free(&c);

    refuse(
        "[model]\nkv_heads = 3\n", NULL,
        "t.ini:2: model.kv_heads = 3: kv_heads must divide heads, and 4 / 3 = 1.33; try model.kv_heads = 1, "
        "2 or 4");
    refuse(
        "[model]\nkv_heads = 2\n", "model.heads=1",
        "t.ini:2: model.kv_heads = 2: kv_heads must divide heads, and 1 / 2 = 0.50; try model.kv_heads = 1");
    refuse(
        "[model]\nhidden = 12\nposition = rope\n", NULL,
        "t.ini:3: model.position = rope: rope turns pairs, and a head of hidden / heads = 12 / 4 = 3 numbers "
        "has no whole number of them; try model.hidden = 16");
    refuse("[model]\ndropout = 1\n", NULL, "t.ini:2: model.dropout = 1: outside 0 to 1, without 1; try 0.1");
    refuse("", "model.dropout=0.999993",
           "--set model.dropout=0.999993: shares are drawn in steps of 1/65536, "
           "and this one would drop everything; try model.dropout = 0.9999");
    refuse("", "model.dropout=7e-6",
           "--set model.dropout=7e-6: shares are drawn in steps of 1/65536, and this one "
           "would drop nothing; try model.dropout = 0");
    refuse("", "model.dropout=-0.1", "--set model.dropout=-0.1: outside 0 to 1, without 1; try 0.1");
    refuse("[model]\nrope_base = 0.5\n", NULL,
           "t.ini:2: model.rope_base = 0.5: outside 1 to 1e12; try 500000");
    refuse("[model]\nnorm = rms\n", NULL,
           "t.ini:2: model.norm = rms: not one of layernorm, rmsnorm; try rmsnorm");
    take(&c, "[model]\nkv_heads = 2\n[parallel]\ntp = 4\n", NULL);
    config_free(&c);
    take(&c, "[model]\nkv_heads = 1\n[parallel]\ntp = 2\n", NULL);
    config_free(&c);
}

static void ranks_refused(Config *c, int ranks, const char *message);

static void latents(void **state)
{
    (void)state;
    Config c;
    take(&c, "[model]\npreset = mla-tiny\n", NULL);
    assert_row(&c, "model.attention_kind", "mla");
    assert_row(&c, "model.q_lora_rank", "24");
    assert_row(&c, "model.kv_lora_rank", "32");
    assert_int_equal(kv_heads(&c.model.shape), 8); /* as many as heads, as whoever asks for groups wants */
    config_free(&c);
    /* in heads of 10 / 4 numbers, which 4 does not divide */
    take(&c, "[model]\nattention_kind = mla\nposition = rope\nhidden = 10\n", NULL);
    assert_row(&c, "model.q_lora_rank", "0");
    assert_row(&c, "model.kv_lora_rank", "8");
    assert_row(&c, "model.qk_nope_head_dim", "2");
    assert_row(&c, "model.qk_rope_head_dim", "2");
    assert_row(&c, "model.v_head_dim", "2");
    config_free(&c);
    take(&c, "[model]\nkv_heads = 2\nposition = rope\n", "model.attention_kind=mla"); /* nor a file's */
    assert_int_equal(kv_heads(&c.model.shape), 4);
    config_free(&c);
    /* a preset's groups are not those of latents */
    take(&c, "[model]\npreset = llama-tiny\nattention_kind = mla\n", NULL);
    assert_int_equal(kv_heads(&c.model.shape), 8);
    config_free(&c);

    refuse("[model]\npreset = mla-tiny\nkv_heads = 4\n", NULL,
           "t.ini:3: model.kv_heads = 4: has an effect only with model.attention_kind = mha; try leaving it "
           "out, "
           "or model.attention_kind = mha");
    refuse("[model]\nkv_lora_rank = 8\n", NULL,
           "t.ini:2: model.kv_lora_rank = 8: has an effect only with model.attention_kind = mla; try leaving "
           "it out, or "
           "model.attention_kind = mla and model.position = rope");
    refuse("[model]\nattention_kind = mla\n", NULL,
           "t.ini:2: model.attention_kind = mla: mla has 8 numbers of each head that rope turns, and knows "
           "places "
           "by them alone; try model.position = rope");
    refuse(
        "[model]\npreset = mla-tiny\nposition = learned\n", NULL,
        "t.ini:3: model.position = learned: mla has 4 numbers of each head that rope turns, and knows places "
        "by them alone; try model.position = rope");
    refuse("[model]\npreset = mla-tiny\nqk_rope_head_dim = 5\n", NULL,
           "t.ini:3: model.qk_rope_head_dim = 5: rope turns pairs, and 5 numbers are no whole number of "
           "them; try "
           "model.qk_rope_head_dim = 6");
    refuse("[model]\nattention_kind = mqa\n", NULL,
           "t.ini:2: model.attention_kind = mqa: not one of mha, mla; try mha");
    refuse("[model]\npreset = mla-tiny\nv_head_dim = -1\n", NULL,
           "t.ini:3: model.v_head_dim = -1: outside 0 to 10000000; try 128");
    take(&c, "[model]\npreset = mla-tiny\n[parallel]\ntp = 3\n", NULL);
    ranks_refused(&c, 3,
                  "t.ini:4: parallel.tp = 3: tp = 3 does not divide model.heads = 8; try parallel.tp = 1");
    config_free(&c);
}

static void ranks_refused(Config *c, int ranks, const char *message)
{
    Error error;
    assert_false(config_check_ranks(c, ranks, &error));
    assert_string_equal(error.text, message);
}

static void ranks_that_do_not_fit(void **state)
{
    (void)state;
    Config c;
    Error error;
    take(&c, "[train]\nglobal_batch = 24\n", NULL);
    ranks_refused(
        &c, 5,
        "t.ini:2: train.global_batch = 24: 24 samples do not divide over 5 ranks, 24 / 5 = 4.8; try "
        "train.global_batch = 20 or 25, or 1, 2, 3, 4, 6, 8, 12 or 24 ranks");
    assert_false(config_check_ranks(&c, 1024, &error));
    assert_non_null(strstr(error.text, "try train.global_batch = 1024, or 1,"));
    assert_true(config_check_ranks(&c, 8, &error)); /* and asked again, with other ranks */
    assert_int_equal(c.train.microbatch, 3);
    assert_true(config_check_ranks(&c, 4, &error));
    assert_int_equal(c.train.microbatch, 6);
    assert_false(config_check_ranks(&c, 0, &error));
    config_free(&c);

    take(&c, "[train]\nmicrobatch = 3\n", NULL);
    assert_true(config_check_ranks(&c, 8, &error));
    assert_int_equal(c.train.microbatch, 3);
    ranks_refused(
        &c, 6,
        "t.ini:2: train.microbatch = 3: 6 ranks with a microbatch of 3 take 18 samples at a time, and a "
        "step would need 24 / (6 x 3) = 1.333 microbatches; try train.global_batch = 18 or 36, "
        "train.microbatch = 1, 2 or 4, or 1, 2, 4 or 8 ranks");
    config_free(&c);
    take(&c, "", NULL); /* a default is blamed as one */
    assert_false(config_check_ranks(&c, 7, &error));
    assert_non_null(strstr(error.text, "t.ini: train.global_batch = 24 (default): 24 samples"));
    assert_false(config_refuse(&c, "model.layers", &error, "no; try %d", 1));
    assert_string_equal(error.text, "t.ini: model.layers = 2 (preset toy): no; try 1");
    config_free(&c);
    take(&c, "[model]\npreset = small\n", "train.microbatch=7");
    assert_false(config_refuse(&c, "model.layers", &error, "no; try %d", 1));
    assert_string_equal(error.text, "t.ini:2: model.layers = 4 (preset small): no; try 1");
    assert_false(config_check_ranks(&c, 4, &error));
    assert_non_null(strstr(error.text, "--set train.microbatch=7: 4 ranks with a microbatch of 7"));
    config_free(&c);
}

static void pipelines(void **state)
{
    (void)state;
    Config c;
    take(&c, "[hardware]\nprofile = Measured\nbandwidth_gb = 12.5\n", NULL);
    assert_int_equal(c.pipeline.size, 1);
    assert_int_equal(c.pipeline.virtual_stages, 1);
    assert_string_equal(c.pipeline.schedule, "1f1b");
    assert_int_equal(c.parallel.reduce, REDUCE_AUTO);
    assert_int_equal(c.hardware.profile, PROFILE_MEASURED);
    assert_true(c.hardware.latency_us == 5 && c.hardware.bandwidth == 12.5);
    config_free(&c);
    take(&c,
         "[parallel]\npp = 1\nschedule = a b.csv\nvirtual_stages = 2\ndata = zero2\nreduce = microbatch\n",
         NULL);
    assert_string_equal(c.pipeline.schedule, "a b.csv");
    assert_int_equal(c.parallel.reduce, REDUCE_MICROBATCH);
    config_free(&c);

    refuse("[parallel]\nschedule = gpip\n", NULL,
           "t.ini:2: parallel.schedule = gpip: not one of naive, gpipe, 1f1b, interleaved, zb-h1, nor the "
           "path of a file that ends in .csv; try gpipe");
    refuse_with("[parallel]\nschedule = .csv\n", NULL, "a file that ends in .csv; try 1f1b");
    refuse(
        "[parallel]\npp = 2\nschedule = gpipe\nvirtual_stages = 2\n", NULL,
        "t.ini:4: parallel.virtual_stages = 2: has an effect only with parallel.schedule = interleaved or a "
        "file's; try leaving it out, or parallel.schedule = interleaved");
    refuse_with(
        "[parallel]\npp = 2\nschedule = interleaved\n", NULL,
        "t.ini:3: parallel.schedule = interleaved: interleaved needs two or more stages a rank and has 1");
    refuse("[model]\nlayers = 5\n[parallel]\npp = 3\nschedule = interleaved\nvirtual_stages = 2\n", NULL,
           "t.ini:6: parallel.virtual_stages = 2: 5 layers cannot fill pp x virtual_stages = 3 x 2 = 6 "
           "stages; try model.layers = 6, or fewer stages");
    refuse_with("[parallel]\npp = 3\n", NULL, "t.ini:2: parallel.pp = 3: 2 layers cannot fill");
    refuse_with("[model]\nlayers = 2\n", "parallel.pp=65536",
                "65536 x 1 = 65536 stages; try model.layers = 65536");
    const char *const whole[] = {"dp", "ddp", "zero1"};
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "[parallel]\nreduce = microbatch\ndata = %s\n", whole[i]);
        refuse_with(text, NULL, "t.ini:2: parallel.reduce = microbatch: ");
        refuse_with(text, NULL, "has an effect only with parallel.data = zero2 or zero3; try leaving it out");
    }
    refuse_with("[hardware]\nbandwidth_gb = 0\n", NULL, "without 0; try 50");
    refuse_with("[output]\nfile = a.csv\n[parallel]\nschedule = a.csv\n", NULL, "are the same file");
}

static void ranks_of_a_pipeline(void **state)
{
    (void)state;
    Config c;
    Error error;
    take(&c, "[model]\nlayers = 4\n[train]\nmicrobatch = 2\n[parallel]\npp = 2\ntp = 2\n", NULL);
    assert_true(config_check_ranks(&c, 8, &error));
    assert_int_equal(config_mesh(&c, 8).dp, 2);
    assert_int_equal(config_microbatches(&c, 8), 6);
    assert_int_equal(config_microbatches(&c, 4), 12);
    ranks_refused(
        &c, 6,
        "t.ini:6: parallel.pp = 2: 6 ranks do not divide into groups of 4 (pp x tp = 2 x 2); try 4 or 8 "
        "ranks, or parallel.pp = 1 or 3");
    ranks_refused(
        &c, 1,
        "t.ini:6: parallel.pp = 2: 1 rank does not divide into groups of 4 (pp x tp = 2 x 2); try 4 "
        "ranks (mpirun -n 4, or --ranks 4 of a dry run), or another parallel.pp");
    ranks_refused(
        &c, 20,
        "t.ini:4: train.microbatch = 2: 5 replicas (20 ranks, parallel.pp = 2, parallel.tp = 2) with a "
        "microbatch of 2 take 10 samples at a time, and a step would need 24 / (5 x 2) = 2.4 "
        "microbatches; try train.global_batch = 20 or 30, or 1, 2, 3, 4, 6 or 12 replicas");
    config_free(&c);
    take(&c, "[parallel]\npp = 2\n", NULL);
    ranks_refused(
        &c, 10,
        "t.ini: train.global_batch = 24 (default): 24 samples do not divide over 5 replicas (10 ranks, "
        "parallel.pp = 2), 24 / 5 = 4.8; try train.global_batch = 20 or 25, or 1, 2, 3, 4, 6, 8, 12 or 24 "
        "replicas");
    config_free(&c);

    take(&c, "[model]\nlayers = 4\n[parallel]\npp = 2\nschedule = interleaved\nvirtual_stages = 2\n",
         "train.microbatch=4");
    assert_true(config_check_ranks(&c, 2, &error)); /* 6 microbatches: three groups of 2 */
    ranks_refused(
        &c, 4,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (2 x 4) = 3: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 3 microbatches are not whole groups of 2 (1 left over); try "
        "train.global_batch = 16 or 32, or parallel.schedule = 1f1b and parallel.virtual_stages = 1, or a "
        "schedule of your own, which `sim schedule --csv` writes to begin with: parallel.schedule = my.csv");
    config_free(&c);
    take(&c, "[model]\nlayers = 8\n[parallel]\npp = 4\nschedule = interleaved\nvirtual_stages = 2\n",
         "train.microbatch=0"); /* a share is one microbatch, whatever the batch */
    ranks_refused(
        &c, 8,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (2 x 12) = 1: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 1 microbatch is not whole groups of 4 (1 left over); try train.microbatch = 3, "
        "or parallel.schedule = 1f1b and parallel.virtual_stages = 1, or a schedule of your own, which `sim "
        "schedule --csv` writes to begin with: parallel.schedule = my.csv");
    ranks_refused(
        &c, 16,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (4 x 6) = 1: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 1 microbatch is not whole groups of 4 (1 left over); try train.global_batch = "
        "32 and train.microbatch = 2, or parallel.schedule = 1f1b and parallel.virtual_stages = 1, or a "
        "schedule of your own, which `sim schedule --csv` writes to begin with: parallel.schedule = my.csv");
    config_free(&c);
}

/* What tp is to cut, and what would be cut on so many ranks. */
static void tensor_parallelism(void **state)
{
    (void)state;
    Config c;
    take(&c, "[model]\nheads = 12\nhidden = 48\nkv_heads = 4\nffn = 12\n[parallel]\ntp = 6\n", NULL);
    ranks_refused(&c, 12,
                  "t.ini:7: parallel.tp = 6: tp = 6 does not divide model.kv_heads = 4, nor the other way "
                  "round; try parallel.tp = 1, 2, 4 or 12");
    config_free(&c);
    take(&c, "[model]\nheads = 8\n[parallel]\ntp = 6\n", NULL);
    ranks_refused(
        &c, 6, "t.ini:4: parallel.tp = 6: tp = 6 does not divide model.heads = 8; try parallel.tp = 1 or 2");
    ranks_refused(
        &c, 24,
        "t.ini:4: parallel.tp = 6: tp = 6 does not divide model.heads = 8; try parallel.tp = 1, 2, 4 or 8");
    config_free(&c);
    take(&c, "[model]\nheads = 8\n[parallel]\ntp = 2\n[train]\nglobal_batch = 28\n", NULL);
    ranks_refused(&c, 7,
                  "t.ini:4: parallel.tp = 2: 7 ranks do not divide into groups of 2; try 4 or 8 ranks, or "
                  "parallel.tp = 1");
    config_free(&c);
}

static void replicas_that_share_experts(void **state)
{
    (void)state;
    Config c;
    take(&c, "[moe]\nexperts = 12\n[parallel]\nep = 4\n[train]\nglobal_batch = 24\n", NULL);
    ranks_refused(&c, 6,
                  "t.ini:4: parallel.ep = 4: ep must divide the 6 replicas of 6 ranks, and 6 / 4 = 1.50; try "
                  "parallel.ep = 1, 2, 3 or 6, or 8 ranks");
    config_free(&c);
    take(&c, "[moe]\nexperts = 8\n[parallel]\nep = 4\npp = 2\n[train]\nglobal_batch = 24\n", NULL);
    ranks_refused(
        &c, 12,
        "t.ini:4: parallel.ep = 4: ep must divide the 6 replicas of 12 ranks, and 6 / 4 = 1.50; try "
        "parallel.ep = 1 or 2, or 16 ranks");
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_do_not_fit),
        cmocka_unit_test(layers_of_stages),
        cmocka_unit_test(tensor_parallelism),
        cmocka_unit_test(replicas_that_share_experts),
        cmocka_unit_test(families),
        cmocka_unit_test(latents),
        cmocka_unit_test(ranks_that_do_not_fit),
        cmocka_unit_test(pipelines),
        cmocka_unit_test(ranks_of_a_pipeline),
    };
    return cmocka_run_group_tests_name("config fits", tests, NULL, NULL);
}

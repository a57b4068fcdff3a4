/* derive.c - from keys to the values that follow. */
#include "sim/config/derive.h"
#include <string.h>
#include "sim/config/rows.h"

/* In a head's widths, as DeepSeek-V2 has them (DeepSeek-AI 2405.04434, section 3.1.2). */
static void take_latent(GptShape *shape)
{
    int64_t head = shape->hidden / shape->heads;
    if (head == 0) head = 1;
    if (shape->kv_lora_rank == 0) shape->kv_lora_rank = 4 * head;
    if (shape->qk_nope_head_dim == 0) shape->qk_nope_head_dim = head;
    if (shape->qk_rope_head_dim == 0) shape->qk_rope_head_dim = head < 4 ? 2 : head / 4 * 2;
    if (shape->v_head_dim == 0) shape->v_head_dim = head;
}

void config_derive_widths(Config *config)
{
    GptShape *shape = &config->model.shape;
    if (shape->ffn == 0) shape->ffn = 4 * shape->hidden;
    if (shape->experts.count && shape->experts.ffn == 0) shape->experts.ffn = shape->ffn;
    config->model.whole_heads |= shape->kv_heads == 0;
    if (shape->kv_heads == 0) shape->kv_heads = shape->heads;
    if (is_latent(shape)) take_latent(shape);
}

/* A bias is balance without a loss, but where one is asked for. */
static void take_coefficient(Config *config)
{
    bool given = config->origin[config_row_named("moe.balance_coefficient")] != ORIGIN_DEFAULT;
    if (has_expert_bias(&config->model.shape) && !given) config->model.shape.experts.auxiliary = 0;
}

/* What neither file nor --set gave of the model comes from the preset. */
static void take_preset(Config *config)
{
    for (int i = 0; i < CONFIG_ROWS; i++) {
        if (config_row_at(i)->fallback || config->origin[i] != ORIGIN_DEFAULT) continue;
        config_row_default(config_row_at(i), config);
        config->origin[i] = ORIGIN_PRESET;
    }
    config_derive_widths(config);
    take_coefficient(config);
}

/* A schedule's name as the others spell it, whatever the case it was given in. */
static void take_schedule(Config *config)
{
    ScheduleKind kind = config_schedule(config);
    if (kind != SCHEDULE_KINDS) strcpy(config->pipeline.schedule, schedule_name[kind]);
}

static void take_profile(Config *config)
{
    static const char *const names[] = {
        [PROFILE_IDEAL] = "ideal", [PROFILE_MEASURED] = "measured", [PROFILE_GIVEN] = "given"};
    config->hardware.profile = PROFILE_MACHINE;
    for (int i = 0; i < PROFILE_MACHINE; i++) {
        if (strcasecmp(config->hardware.name, names[i]) != 0) continue;
        config->hardware.profile = i;
        strcpy(config->hardware.name, names[i]);
    }
    if (config_is_localhost(config)) strcpy(config->hardware.name, "localhost");
}

void config_derive(Config *config)
{
    take_preset(config);
    take_schedule(config);
    take_profile(config);
    config->train.whole_share = config->train.microbatch == 0;
}

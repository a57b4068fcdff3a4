/* cache.c - values a token and layer in a cache of keys and values. */
#include "sim/report/cache.h"
#include "sim/report/run_config.h"
#include "sim/theory/theory.h"

/* What grouped queries are beside the two ends: 8 heads of keys and values, as Llama 2 and 3 have, or half of all; 0:
 * these do not divide. */
static int64_t groups_of(int64_t heads)
{
    if (heads > 8 && heads % 8 == 0) return 8;
    return heads > 2 && heads % 2 == 0 ? heads / 2 : 0;
}

void report_cache(const RunFile *run, Sheet *sheet)
{
    Config *config = run_config_new(run);
    if (config && is_latent(&config->model.shape)) {
        const GptShape *shape = &config->model.shape;
        int64_t groups = groups_of(shape->heads);
        sheet_line(sheet, SHEET_FACT, "cache");
        sheet_cell(sheet, "%lld values a token and layer at inference (%lld + %lld); with MHA %lld",
                   (long long)theory_cached(shape, 0), (long long)shape->kv_lora_rank,
                   (long long)shape->qk_rope_head_dim, (long long)theory_cached(shape, shape->heads));
        if (groups)
            sheet_more(sheet, ", GQA of %lld heads %lld", (long long)groups,
                       (long long)theory_cached(shape, groups));
        sheet_more(sheet, ", MQA %lld", (long long)theory_cached(shape, 1));
    }
    run_config_free(config);
}

/* dtype.c - how large they are. */
#include "models/machine/dtype.h"
#include "models/machine/real.h"

size_t dtype_bytes(DType dtype)
{
    static const size_t bytes[] = {
        [REAL] = sizeof(real), [INT32] = sizeof(int32_t), [BF16] = 2, [FP16] = 2, [UINT8] = 1};
    return bytes[dtype];
}

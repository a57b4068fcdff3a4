/* vector.c - numbers that the compiler is not to know where it makes vector code. */
#include "models/machine/vector.h"

const float exp_most = 88, exp_least = -87;

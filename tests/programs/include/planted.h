// For the programs with a planted bug: they end well whatever came of it, as careless programs do; the corrected
// twin (-DTWIN) has to be right.
#pragma once
#include "verdict.h"

#ifdef TWIN
#define PLANTED_CLOSE(name) return verdict_close(name)
#else
#define PLANTED_CLOSE(name) return verdict_close(name), 0
#endif

// What DPP and permlane moves give lanes whose source lane is switched off or outside of the row: zero, what was
// there before, or the other lane's register after all. `old` is never written; n lanes are switched on.
#include <hip/hip_runtime.h>
#define MOVE(name, code)                                                                                   \
  extern "C" __global__ void name(const float* old, const float* x, float* y, int n) {                     \
    const int t = threadIdx.x;                                                                             \
    float kept = old[t], value = x[t];                                                                     \
    asm volatile("" : "+v"(value)); /* loaded by lanes that are off afterwards, too */                     \
    if (t < n) {                                                                                           \
      asm volatile(code : "+v"(kept) : "v"(value), "s"(0xfedcba98), "s"(0x76543210));                      \
      y[t] = kept;                                                                                         \
    }                                                                                                      \
  }
#define DPP(control) "s_nop 1\n v_mov_b32_dpp %0, %1 " control
#define PERMLANE(control) "s_nop 1\n v_permlane16_b32 %0, %1, %2, %3 " control
MOVE(row_kept, DPP("row_shr:1 row_mask:0xf bank_mask:0xf"))
MOVE(row_zero, DPP("row_shr:1 row_mask:0xf bank_mask:0xf bound_ctrl:1"))
MOVE(off_kept, DPP("row_shl:1 row_mask:0xf bank_mask:0xf"))
MOVE(off_zero, DPP("row_shl:1 row_mask:0xf bank_mask:0xf bound_ctrl:1"))
MOVE(off_fetched, DPP("row_shl:1 row_mask:0xf bank_mask:0xf fi:1"))
MOVE(masked, DPP("quad_perm:[0,1,2,3] row_mask:0x1 bank_mask:0xf"))
MOVE(perm_kept, PERMLANE(""))
MOVE(perm_zero, PERMLANE("op_sel:[0,1]"))
MOVE(perm_fetched, PERMLANE("op_sel:[1,0]"))

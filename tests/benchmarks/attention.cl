// What kernels/rope.hip, kernels/qkt_matmul.hip and kernels/flash_attention.h compute, by the same tiles and
// with the same work-groups, for a CPU's OpenCL to be measured against.

#define TILE 32
#define PITCH 33
#define DIM 64
#define ROWS 64

__kernel void rope(__global float *x, __global const float *cosines, __global const float *sines, uint seq,
                   uint heads, uint head_dim) {
  const uint token = get_group_id(0);
  const uint head = get_group_id(1) * get_local_size(1) + get_local_id(1);
  const uint pair = get_group_id(2) * get_local_size(0) + get_local_id(0);
  const uint pairs = head_dim / 2;
  if (token >= seq || head >= heads || pair >= pairs) return;
  const float c = cosines[(size_t)token * pairs + pair], s = sines[(size_t)token * pairs + pair];
  __global float *row = x + ((size_t)token * heads + head) * head_dim;
  const float a = row[pair], b = row[pair + pairs];
  row[pair] = a * c - b * s;
  row[pair + pairs] = a * s + b * c;
}

// Each of 256 work-items has four scores of a tile of 32 x 32; 32 elements of each row are in local memory.
__kernel void qkt(__global const float *q, __global const float *k, __global float *scores, uint seq_q,
                  uint seq_k, float scale) {
  __local float left[TILE * PITCH], right[TILE * PITCH];
  const uint item = get_local_id(0), x = item % 16, y = item / 16;
  const uint query = get_group_id(1) * TILE, key = get_group_id(0) * TILE, head = get_group_id(2);
  const __global float *queries = q + ((size_t)head * seq_q + query) * DIM;
  const __global float *keys = k + ((size_t)head * seq_k + key) * DIM;
  float s00 = 0, s01 = 0, s10 = 0, s11 = 0;
  for (uint d = 0; d < DIM; d += TILE) {
    for (uint i = item; i < TILE * TILE; i += 256) {
      const uint row = i / TILE, column = i % TILE;
      left[row * PITCH + column] = queries[row * DIM + d + column];
      right[row * PITCH + column] = keys[row * DIM + d + column];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < TILE; ++i) {
      const float q0 = left[y * PITCH + i], q1 = left[(y + 16) * PITCH + i];
      const float k0 = right[x * PITCH + i], k1 = right[(x + 16) * PITCH + i];
      s00 += q0 * k0;
      s01 += q0 * k1;
      s10 += q1 * k0;
      s11 += q1 * k1;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  __global float *out = scores + ((size_t)head * seq_q + query) * seq_k + key;
  out[y * seq_k + x] = s00 * scale;
  out[y * seq_k + x + 16] = s01 * scale;
  out[(y + 16) * seq_k + x] = s10 * scale;
  out[(y + 16) * seq_k + x + 16] = s11 * scale;
}

// 256 work-items have 64 queries and take 32 keys at a time: 4 x 2 scores each, then 4 x 4 elements of the
// output. Four work-items share a row's maximum and sum.
__kernel void flash(__global const float *q, __global const float *k, __global const float *v,
                    __global float *out, uint seq, float scale) {
  __local float queries[ROWS * (DIM + 4)], keys[TILE * (DIM + 4)], weights[ROWS * 40];
  __local float highest[ROWS], total[ROWS], rescale[ROWS], partial[ROWS * 4];
  const uint item = get_local_id(0), x = item % 16, y = item / 16, row = item / 4, part = item % 4;
  const uint first = get_group_id(0) * ROWS;
  const size_t head = (size_t)get_group_id(1) * seq * DIM;
  float sum[4][4];
  for (uint r = 0; r < 4; ++r)
    for (uint c = 0; c < 4; ++c) sum[r][c] = 0;
  for (uint i = item; i < ROWS * DIM; i += 256)
    queries[i / DIM * (DIM + 4) + i % DIM] = q[head + (size_t)first * DIM + i];
  if (item < ROWS) {
    highest[item] = -INFINITY;
    total[item] = 0;
  }
  for (uint key = 0; key < first + ROWS; key += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = item; i < TILE * DIM; i += 256)
      keys[i / DIM * (DIM + 4) + i % DIM] = k[head + (size_t)key * DIM + i];
    barrier(CLK_LOCAL_MEM_FENCE);
    float score[4][2];
    for (uint r = 0; r < 4; ++r) score[r][0] = score[r][1] = 0;
    for (uint d = 0; d < DIM; ++d)
      for (uint r = 0; r < 4; ++r)
        for (uint c = 0; c < 2; ++c)
          score[r][c] += queries[(y + 16 * r) * (DIM + 4) + d] * keys[(x + 16 * c) * (DIM + 4) + d];
    for (uint r = 0; r < 4; ++r)
      for (uint c = 0; c < 2; ++c) {
        const uint i = y + 16 * r, j = x + 16 * c;
        weights[i * 40 + j] = key + j <= first + i ? score[r][c] * scale : -INFINITY;
      }
    barrier(CLK_LOCAL_MEM_FENCE);
    float most = -INFINITY;
    for (uint j = 0; j < 8; ++j) most = fmax(most, weights[row * 40 + part * 8 + j]);
    partial[item] = most;
    barrier(CLK_LOCAL_MEM_FENCE);
    const float before = highest[row];
    for (uint j = 0; j < 4; ++j) most = fmax(most, partial[row * 4 + j]);
    most = fmax(most, before);
    barrier(CLK_LOCAL_MEM_FENCE);
    float added = 0;
    for (uint j = 0; j < 8; ++j) {
      const float weight = exp(weights[row * 40 + part * 8 + j] - most);
      weights[row * 40 + part * 8 + j] = weight;
      added += weight;
    }
    partial[item] = added;
    for (uint i = item; i < TILE * DIM; i += 256)
      keys[i / DIM * (DIM + 4) + i % DIM] = v[head + (size_t)key * DIM + i];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (part == 0) {
      rescale[row] = exp(before - most);
      highest[row] = most;
      total[row] = total[row] * rescale[row] + partial[item] + partial[item + 1] + partial[item + 2] +
                   partial[item + 3];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint r = 0; r < 4; ++r)
      for (uint c = 0; c < 4; ++c) sum[r][c] *= rescale[y + 16 * r];
    for (uint j = 0; j < TILE; ++j)
      for (uint r = 0; r < 4; ++r)
        for (uint c = 0; c < 4; ++c)
          sum[r][c] += weights[(y + 16 * r) * 40 + j] * keys[j * (DIM + 4) + x + 16 * c];
  }
  for (uint r = 0; r < 4; ++r)
    for (uint c = 0; c < 4; ++c)
      out[head + (size_t)(first + y + 16 * r) * DIM + x + 16 * c] = sum[r][c] / total[y + 16 * r];
}

// Neighbourhoods: stencils with halos in LDS, convolution by a constant filter, game of life, image blend.
#include <hip/hip_runtime.h>

#define RADIUS 3
#define LINE 64
#define TILE_X 16
#define TILE_Y 8

// A weighted mean over seven neighbours; outside the line everything is zero.
extern "C" __global__ void stencil_1d(const float *in, float *out, int n)
{
    __shared__ float line[LINE + 2 * RADIUS];
    int t = threadIdx.x, start = blockIdx.x * LINE;
    for (int j = t; j < LINE + 2 * RADIUS; j += LINE) {
        int from = start + j - RADIUS;
        line[j] = from >= 0 && from < n ? in[from] : 0.0f;
    }
    __syncthreads();
    const float weight[RADIUS + 1] = {0.4f, 0.15f, 0.1f, 0.05f};
    float sum = weight[0] * line[t + RADIUS];
    for (int r = 1; r <= RADIUS; r++)
        sum += weight[r] * (line[t + RADIUS - r] + line[t + RADIUS + r]);
    if (start + t < n)
        out[start + t] = sum;
}

// One step of heat flow on a plate whose edge values are fixed.
extern "C" __global__ void stencil_2d(const float *in, float *out, int height, int width, float rate)
{
    __shared__ float tile[TILE_Y + 2][TILE_X + 2];
    int x0 = blockIdx.x * TILE_X - 1, y0 = blockIdx.y * TILE_Y - 1;
    for (int j = threadIdx.y * TILE_X + threadIdx.x; j < (TILE_Y + 2) * (TILE_X + 2); j += TILE_X * TILE_Y) {
        int row = j / (TILE_X + 2), column = j % (TILE_X + 2);
        int y = min(max(y0 + row, 0), height - 1), x = min(max(x0 + column, 0), width - 1);
        tile[row][column] = in[y * width + x];
    }
    __syncthreads();
    int x = x0 + 1 + threadIdx.x, y = y0 + 1 + threadIdx.y, c = threadIdx.x + 1, r = threadIdx.y + 1;
    if (x >= width || y >= height)
        return;
    float here = tile[r][c];
    bool inside = x > 0 && y > 0 && x < width - 1 && y < height - 1;
    float around = tile[r - 1][c] + tile[r + 1][c] + tile[r][c - 1] + tile[r][c + 1];
    out[y * width + x] = inside ? here + rate * (around - 4.0f * here) : here;
}

// The rows are no multiples of each other: a transposed or mirrored filter shows.
__constant__ float filter[5][5] = {{1, 4, 6, 4, 2}, {3, 16, 24, 15, 4}, {7, 24, -36, 23, 6}, {4, -17, 24, 16, 5}, {2, 4, 9, 4, -1}};

// A 5 x 5 convolution per channel (cross-correlation, zero padding, given stride).
extern "C" __global__ void convolve_2d(const float *in, float *out, int height, int width, int stride)
{
    int out_width = (width + stride - 1) / stride, out_height = (height + stride - 1) / stride;
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= out_width || y >= out_height)
        return;
    const float *plane = in + (size_t)blockIdx.z * height * width;
    float sum = 0.0f;
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            int row = y * stride + i - 2, column = x * stride + j - 2;
            if (row >= 0 && row < height && column >= 0 && column < width)
                sum += filter[i][j] * plane[row * width + column];
        }
    out[((size_t)blockIdx.z * out_height + y) * out_width + x] = sum;
}

// One generation of Conway's game of life on a torus, a byte a cell.
extern "C" __global__ void life(const unsigned char *in, unsigned char *out, int height, int width)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    int alive = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if (dx || dy)
                alive += in[(y + dy + height) % height * width + (x + dx + width) % width];
    out[y * width + x] = alive == 3 || (alive == 2 && in[y * width + x]);
}

// RGBA8 "over": a pixel is packed in a word, the channels are blended by the upper image's alpha.
extern "C" __global__ void blend(const unsigned *upper, const unsigned *lower, unsigned *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned a = upper[i], b = lower[i], alpha = a >> 24, mixed = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        unsigned sum = (a >> shift & 255) * alpha + (b >> shift & 255) * (255 - alpha) + 127;
        mixed |= sum / 255 << shift;
    }
    unsigned below = b >> 24;
    out[i] = mixed | (alpha + (below * (255 - alpha) + 127) / 255) << 24;
}

// Bytes: CRC-32 by a table in constant memory, FNV-1a, substring search, a hash table by compare-and-swap.
#include <hip/hip_runtime.h>

#define TABLE_SLOTS 512
#define EMPTY 0xffffffffu
#define PATTERN_MAX 16

// The table of the reflected polynomial 0xEDB88320 for half a byte.
__constant__ unsigned nibble_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

// One message a thread, `length` bytes each.
extern "C" __global__ void crc32(const unsigned char *messages, unsigned *checksum, int count, int length)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    const unsigned char *message = messages + (size_t)i * length;
    unsigned crc = ~0u;
    for (int j = 0; j < length; j++) {
        crc ^= message[j];
        crc = crc >> 4 ^ nibble_table[crc & 15];
        crc = crc >> 4 ^ nibble_table[crc & 15];
    }
    checksum[i] = ~crc;
}

// The 64-bit FNV-1a hash of each message.
extern "C" __global__ void fnv1a(const unsigned char *messages, unsigned long long *hash, int count, int length)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    unsigned long long h = 0xcbf29ce484222325ull;
    for (int j = 0; j < length; j++)
        h = (h ^ messages[(size_t)i * length + j]) * 0x100000001b3ull;
    hash[i] = h;
}

// Marks every place where the pattern begins, and counts them; the text's tile is staged in LDS.
extern "C" __global__ void string_search(const char *text, const char *pattern, unsigned char *found, int *count,
                                         int n, int m)
{
    __shared__ char tile[64 + PATTERN_MAX], wanted[PATTERN_MAX];
    int start = blockIdx.x * 64;
    for (int j = threadIdx.x; j < 64 + m - 1; j += blockDim.x)
        tile[j] = start + j < n ? text[start + j] : 0;
    if ((int)threadIdx.x < m)
        wanted[threadIdx.x] = pattern[threadIdx.x];
    __syncthreads();
    int i = start + threadIdx.x, j = 0;
    if (i + m <= n)
        while (j < m && tile[threadIdx.x + j] == wanted[j])
            j++;
    bool here = i + m <= n && j == m;
    if (i < n)
        found[i] = here;
    unsigned long long hits = __ballot(here);
    if (threadIdx.x % warpSize == 0 && hits)
        atomicAdd(count, __popcll(hits));
}

// Counts how often each key occurs: open addressing, a slot is claimed by compare-and-swap.
extern "C" __global__ void hash_count(const unsigned *keys, unsigned *slots, unsigned *counts, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned key = keys[i], h = key;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    h ^= h >> 16;
    for (unsigned slot = h % TABLE_SLOTS;; slot = (slot + 1) % TABLE_SLOTS) {
        unsigned held = atomicCAS(&slots[slot], EMPTY, key);
        if (held == EMPTY || held == key) {
            atomicAdd(&counts[slot], 1u);
            return;
        }
    }
}

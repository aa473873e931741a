/* How long a code object is: HIP's functions get only the address where it begins. */
#include <elf.h>
#include <string.h>

#include "client.h"

#define WRAPPER_MAGIC 0x48495046u /* "HIPF" */
#define BUNDLE_MAGIC "__CLANG_OFFLOAD_BUNDLE__"
#define COMPRESSED_MAGIC "CCOB"
#define MOST_BYTES ((uint64_t)4 << 30)
#define MOST_ENTRIES 1024
#define PAGE 4096

struct wrapper {
    uint32_t magic, version;
    const void *image, *unused;
};

struct entry {
    uint64_t offset, size, id_bytes;
};

/* The first `size` bytes at an address; false where they cannot be read. */
static bool take(void *into, const void *from, size_t size) {
    return rv_copy_guarded(into, from, size);
}

static size_t checked(const void *image, uint64_t size) {
    return size && size <= MOST_BYTES && rv_readable(image, size) ? size : 0;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static size_t elf_bytes(const char *image) {
    Elf64_Ehdr head;
    if (!take(&head, image, sizeof head) || head.e_ident[EI_CLASS] != ELFCLASS64) return 0;
    uint64_t end = larger(head.e_phoff + (uint64_t)head.e_phnum * sizeof(Elf64_Phdr),
                          head.e_shoff + (uint64_t)head.e_shnum * sizeof(Elf64_Shdr));
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr part;
        if (!take(&part, image + head.e_phoff + i * sizeof part, sizeof part)) return 0;
        end = larger(end, part.p_offset + part.p_filesz);
    }
    for (unsigned i = 0; i < head.e_shnum; i++) {
        Elf64_Shdr section;
        if (!take(&section, image + head.e_shoff + i * sizeof section, sizeof section)) return 0;
        if (section.sh_type != SHT_NOBITS) end = larger(end, section.sh_offset + section.sh_size);
    }
    return checked(image, end);
}

static size_t bundle_bytes(const char *image) {
    uint64_t count, at = strlen(BUNDLE_MAGIC), end = 0;
    if (!take(&count, image + at, 8) || count > MOST_ENTRIES) return 0;
    at += 8;
    for (uint64_t i = 0; i < count; i++) {
        struct entry entry;
        if (!take(&entry, image + at, sizeof entry) || entry.id_bytes > PAGE) return 0;
        at += sizeof entry + entry.id_bytes;
        end = larger(end, larger(at, entry.offset + entry.size));
    }
    return checked(image, larger(at, end));
}

/* Version 1 tells only how long its contents are: what a compressor can make of them at most, as far as memory goes. */
static size_t compressed_bytes_1(const char *image) {
    uint32_t contents;
    if (!take(&contents, image + 8, 4)) return 0;
    uint64_t most = (uint64_t)contents + contents / 128 + PAGE;
    char byte;
    uint64_t size = 0;
    while (size < most && take(&byte, image + size, 1)) size += PAGE - (RV_N(image) + size) % PAGE;
    return size < most ? size : most;
}

static size_t compressed_bytes(const char *image) {
    uint16_t version;
    uint32_t size;
    uint64_t long_size;
    if (!take(&version, image + 4, 2)) return 0;
    if (version <= 1) return compressed_bytes_1(image);
    if (version == 2) return take(&size, image + 8, 4) ? checked(image, size) : 0;
    return take(&long_size, image + 8, 8) ? checked(image, long_size) : 0;
}

static size_t image_bytes(const void *address) {
    char magic[24] = "";
    if (!take(magic, address, 4)) return 0;
    if (!memcmp(magic, ELFMAG, SELFMAG)) return elf_bytes(address);
    if (!memcmp(magic, COMPRESSED_MAGIC, 4)) return compressed_bytes(address);
    if (take(magic, address, sizeof magic) && !memcmp(magic, BUNDLE_MAGIC, sizeof magic)) return bundle_bytes(address);
    return 0;
}

size_t rv_image(const void *address, const void **image) {
    struct wrapper wrapper;
    *image = address;
    if (!address) return 0;
    if (take(&wrapper, address, sizeof wrapper) && wrapper.magic == WRAPPER_MAGIC) *image = wrapper.image;
    return image_bytes(*image);
}

// What Debian's headers of HIP 5.2 lack, found at run time: newer names, as newer programs ask for them.
#pragma once
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// The function of that name in the HIP library that is loaded; the program ends if there is none.
template <typename Function>
Function *later(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found == nullptr) {
        std::fprintf(stderr, "the HIP library has no %s\n", name);
        std::exit(1);
    }
    return reinterpret_cast<Function *>(found);
}

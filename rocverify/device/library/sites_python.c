/* Call sites of Python programs: the interpreter that is in this process, if there is one, is asked by its public
 * functions, found by name. The library needs no Python. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

typedef struct object object;

static struct {
    int (*is_initialized)(void), (*is_finalizing)(void);
    void *(*this_thread)(void);
    int (*ensure)(void);
    void (*release)(int);
    object *(*frame)(void), *(*back)(object *), *(*code)(object *);
    int (*last_instruction)(object *), (*line)(object *);
    object *(*attribute)(object *, const char *);
    const char *(*text)(object *);
    void (*keep)(object *), (*drop)(object *), (*clear)(void);
} python;

static bool found;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define FIND(field, name) (*(void **)&python.field = dlsym(RTLD_DEFAULT, name))

static void find_python(void) {
    if (!FIND(is_finalizing, "Py_IsFinalizing")) FIND(is_finalizing, "_Py_IsFinalizing");
    if (!FIND(last_instruction, "PyFrame_GetLasti")) FIND(last_instruction, "PyFrame_GetLineNumber");
    found = FIND(is_initialized, "Py_IsInitialized") && FIND(this_thread, "PyGILState_GetThisThreadState") &&
            FIND(ensure, "PyGILState_Ensure") && FIND(release, "PyGILState_Release") &&
            FIND(frame, "PyEval_GetFrame") && FIND(back, "PyFrame_GetBack") && FIND(code, "PyFrame_GetCode") &&
            FIND(line, "PyFrame_GetLineNumber") && FIND(attribute, "PyObject_GetAttrString") &&
            FIND(text, "PyUnicode_AsUTF8") && FIND(keep, "Py_IncRef") && FIND(drop, "Py_DecRef") &&
            FIND(clear, "PyErr_Clear");
}

struct frames {
    unsigned n;
    object *code[RV_FRAMES];
    int last_instruction[RV_FRAMES], line[RV_FRAMES];
    uint64_t hash;
};

/* The code objects are kept by a reference each until `let_go`. */
static void walk(struct frames *f) {
    object *frame = python.frame(), *above;
    f->hash = RV_HASH_START;
    if (frame) python.keep(frame);
    for (; frame && f->n < RV_FRAMES; frame = above, f->n++) {
        f->code[f->n] = python.code(frame);
        f->last_instruction[f->n] = python.last_instruction(frame);
        f->hash = rv_hash(rv_hash(f->hash, RV_N(f->code[f->n])), (uint64_t)f->last_instruction[f->n]);
        above = python.back(frame);
        python.drop(frame);
    }
    if (frame) python.drop(frame);
}

static void let_go(struct frames *f) {
    for (unsigned i = 0; i < f->n; i++) python.drop(f->code[i]);
}

static void find_lines(struct frames *f) {
    object *frame = python.frame(), *above;
    if (frame) python.keep(frame);
    for (unsigned i = 0; frame && i < f->n; frame = above, i++) {
        f->line[i] = python.line(frame);
        above = python.back(frame);
        python.drop(frame);
    }
    if (frame) python.drop(frame);
}

static const char *text_of(object *code, const char *name, object **held) {
    *held = python.attribute(code, name);
    const char *text = *held ? python.text(*held) : NULL;
    if (!text) python.clear();
    return text;
}

static size_t describe(char *line, size_t room, object *code, int number) {
    object *path_held, *name_held;
    const char *path = text_of(code, "co_filename", &path_held), *name = text_of(code, "co_qualname", &name_held);
    if (!name) name = text_of(code, "co_name", &name_held); /* Python 3.10 and before */
    int length = snprintf(line, room, "P\t%s\t%d\t%s\n", path ? path : "?", number, name ? name : "?");
    if (path_held) python.drop(path_held);
    if (name_held) python.drop(name_held);
    return length > 0 && (size_t)length < room ? (size_t)length : 0;
}

/* The code objects of a site that has a number are never let go: their addresses stand for them. */
static size_t describe_all(struct frames *f, char *text) {
    size_t length = 0;
    find_lines(f);
    for (unsigned i = 0; i < f->n; i++) {
        python.keep(f->code[i]);
        length += describe(text + length, RV_INLINE_BYTES - length, f->code[i], f->line[i]);
    }
    return length;
}

static bool is_python_thread(void) {
    pthread_once(&once, find_python);
    return found && python.is_initialized() && !(python.is_finalizing && python.is_finalizing()) && python.this_thread();
}

bool rv_site_python(struct rv_thread *t, uint32_t *site) {
    if (!is_python_thread()) return false;
    struct frames frames = {0};
    bool is_new = false;
    char *text = NULL;
    size_t bytes = 0;
    int state = python.ensure();
    walk(&frames);
    if (frames.n) *site = rv_site_number(frames.hash, &is_new);
    if (is_new && (text = malloc(RV_INLINE_BYTES))) bytes = describe_all(&frames, text);
    let_go(&frames);
    python.release(state);
    if (text) rv_site_send(t, *site, text, bytes);
    free(text);
    return frames.n != 0;
}

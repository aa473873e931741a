/* The process's connection to the device process: made at the first call that needs it, ended at exit. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

struct rv_client rv_client = {.lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1, .shared = -1};

void rv_say(const char *format, ...) {
    char line[1024] = "rocverify: ";
    size_t start = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + start, sizeof line - start - 1, format, list);
    va_end(list);
    strcat(line, "\n");
    ssize_t written = write(STDERR_FILENO, line, strlen(line)); /* one piece, in a signal handler too */
    (void)written;
}

/* ---- greetings */

static int open_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, rv_client.path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    rv_say("the device process at %s cannot be reached (%s): has its `rocverify exec` ended?", rv_client.path,
           strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

static ssize_t receive_welcome(int fd, struct rv_welcome *welcome, int *files, unsigned nfiles) {
    char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec bytes = {welcome, sizeof *welcome};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got;
    do got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len >= CMSG_LEN(nfiles * sizeof(int)))
        memcpy(files, CMSG_DATA(head), nfiles * sizeof(int));
    return got;
}

static bool acceptable(const struct rv_welcome *welcome, ssize_t got) {
    if (got < 12 || welcome->magic != RV_MAGIC) {
        rv_say("the process at %s is not a device process of rocverify", rv_client.path);
    } else if (welcome->version != RV_VERSION) {
        rv_say("this HIP library speaks version %d of rocverify's protocol and the device process at %s version %u: "
               "both have to come from one installation",
               RV_VERSION, rv_client.path, welcome->version);
    } else if (welcome->error) {
        rv_say("%.*s", (int)sizeof welcome->words, welcome->words);
    } else if (got != sizeof *welcome) {
        rv_say("the device process at %s sent a welcome of %zd bytes, not %zu", rv_client.path, got, sizeof *welcome);
    } else {
        return true;
    }
    return false;
}

int rv_greet(struct rv_hello *hello, struct rv_welcome *welcome, int *files, unsigned nfiles) {
    int fd = open_socket();
    if (fd < 0) return -1;
    hello->magic = RV_MAGIC;
    hello->version = RV_VERSION;
    hello->pid = (uint32_t)getpid();
    hello->tid = (uint32_t)syscall(SYS_gettid);
    hello->device = rv_client.device;
    strncpy(hello->program, program_invocation_name, sizeof hello->program - 1);
    for (unsigned i = 0; i < nfiles; i++) files[i] = -1;
    memset(welcome, 0, sizeof *welcome);
    ssize_t sent = send(fd, hello, sizeof *hello, MSG_NOSIGNAL);
    ssize_t got = sent == sizeof *hello ? receive_welcome(fd, welcome, files, nfiles) : -1;
    if (acceptable(welcome, got)) return fd;
    for (unsigned i = 0; i < nfiles; i++)
        if (files[i] >= 0) close(files[i]);
    close(fd);
    return -1;
}

/* ---- connecting */

static bool find_path(void) {
    if (rv_client.attached) return true;
    const char *path = getenv("ROCVERIFY_SOCKET"), *device = getenv("ROCVERIFY_DEVICE_INDEX");
    if (!path || !*path) {
        rv_say("this is rocverify's HIP library, but no device process is there: run the program with `rocverify exec`");
        return false;
    }
    if (strlen(path) >= sizeof rv_client.path) {
        rv_say("ROCVERIFY_SOCKET is longer than the %zu bytes that a socket's path may have", sizeof rv_client.path - 1);
        return false;
    }
    strcpy(rv_client.path, path);
    rv_client.device = device ? (unsigned)strtoul(device, NULL, 10) : 0;
    return true;
}

static bool map_ring(int file) {
    void *ring = mmap(NULL, RV_HEADER_BYTES + RV_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (ring == MAP_FAILED) {
        rv_say("the memory that is shared with the device process cannot be mapped (%s)", strerror(errno));
        return false;
    }
    rv_client.ring = ring;
    rv_client.data = (uint8_t *)ring + RV_HEADER_BYTES;
    return true;
}

static void let_go(void) {
    if (rv_client.socket >= 0) close(rv_client.socket);
    if (rv_client.shared >= 0) close(rv_client.shared);
    if (rv_client.ring) munmap(rv_client.ring, RV_HEADER_BYTES + RV_RING_BYTES);
    rv_client.socket = rv_client.shared = -1;
    rv_client.ring = NULL;
}

static int greet(void) {
    struct rv_hello hello = {.kind = RV_PROCESS};
    int files[2];
    rv_client.socket = rv_greet(&hello, &rv_client.welcome, files, 2);
    if (rv_client.socket < 0) {
        const struct rv_welcome *w = &rv_client.welcome;
        bool told = w->magic == RV_MAGIC && w->version == RV_VERSION && w->error;
        return told ? w->error : hipErrorNoDevice;
    }
    rv_client.shared = files[1];
    int code = map_ring(files[0]) ? 0 : hipErrorOperatingSystem;
    close(files[0]);
    if (code == 0) rv_reserve(&rv_client.welcome, &code);
    if (code) let_go();
    return code;
}

static void forget(void) {
    rv_modules_forget();
    rv_handles_forget();
    rv_shared_forget();
    rv_sites_clear();
}

static void connect_locked(void) {
    forget();
    rv_client.code = find_path() ? greet() : hipErrorNoDevice;
    if (rv_client.code == 0) {
        rv_faults_catch();
        rv_client.connection++;
    }
    rv_client.state = rv_client.code ? RV_ABSENT : RV_CONNECTED;
}

static int code_of(int state) {
    switch (state) {
    case RV_CONNECTED: return 0;
    case RV_ABSENT: return rv_client.code;
    case RV_FORKED: return hipErrorNotInitialized;
    default: return hipErrorDeinitialized;
    }
}

static void say_forked(void) {
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&said))
        rv_say("HIP was in use when this process was forked, and cannot be used in the child: "
               "call exec there, or fork first");
}

int rv_connect(void) {
    int state = atomic_load_explicit(&rv_client.state, memory_order_acquire);
    if (state == RV_CONNECTED) return 0;
    if (state == RV_FORKED) say_forked();
    if (state != RV_UNTRIED) return code_of(state);
    pthread_mutex_lock(&rv_client.lock);
    if (rv_client.state == RV_UNTRIED) connect_locked();
    pthread_mutex_unlock(&rv_client.lock);
    return code_of(rv_client.state);
}

void rv_died(const char *words) {
    int connected = RV_CONNECTED;
    if (atomic_compare_exchange_strong(&rv_client.state, &connected, RV_DEAD))
        rv_say("%s: this and every further HIP call fails (hipErrorDeinitialized)", words);
}

const struct rv_welcome *rv_connected(void) {
    int code = rv_connect();
    if (code) rv_note(code);
    return code ? NULL : &rv_client.welcome;
}

uint32_t rv_connection(void) {
    return rv_client.state == RV_CONNECTED ? rv_client.connection : 0;
}

/* ---- the judge's choice */

static void leave(void) {
    if (rv_client.state == RV_CONNECTED) rv_call(NULL, RV_CALL_rv_bye, NULL, 0, NULL, 0);
    pthread_mutex_lock(&rv_client.lock);
    if (rv_client.ring) rv_unreserve(&rv_client.welcome);
    let_go();
    forget();
    memset(&rv_client.welcome, 0, sizeof rv_client.welcome);
    rv_client.connection++; /* what threads have is of a former one */
    rv_client.attached = false;
    rv_client.state = RV_UNTRIED;
    pthread_mutex_unlock(&rv_client.lock);
}

RV_API int rv_attach(const char *socket_path, unsigned device) {
    if (!socket_path || strlen(socket_path) >= sizeof rv_client.path) return rv_note(hipErrorInvalidValue);
    if (rv_client.state == RV_FORKED) return rv_note(rv_connect());
    leave();
    strcpy(rv_client.path, socket_path);
    rv_client.device = device;
    rv_client.attached = true;
    return rv_note(rv_connect());
}

RV_API int rv_detach(void) {
    if (rv_client.state != RV_FORKED) leave();
    return 0;
}

RV_API int rv_finish(void) {
    return rv_client.state == RV_CONNECTED ? RV_CALL(rv_device_synchronize_quietly) : 0;
}

RV_API int rv_returned(void *stream) {
    return rv_client.state == RV_CONNECTED ? RV_CALL(rv_call_returned, RV_N(stream)) : 0;
}

/* ---- fork and exit */

/* The child shares the sockets with its parent: while it held them, nobody would notice the parent's end. */
static void in_child(void) {
    int state = rv_client.state;
    if (state == RV_UNTRIED || state == RV_ABSENT) return;
    rv_client.state = RV_FORKED;
    close(rv_client.socket);
    rv_threads_close_files();
}

__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(NULL, NULL, in_child);
}

/* Behind the program's own destructors, which may call HIP still. */
__attribute__((destructor)) static void say_bye(void) {
    if (rv_client.state == RV_CONNECTED) rv_call(NULL, RV_CALL_rv_bye, NULL, 0, NULL, 0);
    if (rv_client.state != RV_FORKED) rv_client.state = RV_ENDED;
}

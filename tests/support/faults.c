// In front of the system's calls for files named *.log: faults as FAULT says.
// `eio@7`: the 7th write fails with EIO; `eintr@7`: with EINTR; `short@7`: takes one byte;
// `efbig@7`, `enospc@7`; `sync@1`: the first fdatasync fails with EIO. Without a number: each one
// (every second one for eintr). `erofs`: while the file that SWITCH names is there, nothing can be
// written, made, renamed or deleted whose name has `.log` in it, as on a file system that became
// read-only under open files. `slow`: a moment passes before each of these steps.
// `kill@7`: the process is killed at its 7th step; before and after each call of these here that
// is about a name with `.log` in it is one. `half@7`: it is killed in the middle of its 7th write.
// `stop@7`: it is killed before the 7th write, cut, rename or deletion of what has `.log` in its
// path; `split@7`: in the middle of it, if it is a write; `after@7`: behind it. `full@7`: the 7th time that space is
// asked for there is none.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    const char *fault = getenv("FAULT");
    // A live file may be an archive already.
    if (fault && strcmp(fault, "erofs") == 0) return strstr(path, ".log") != NULL;
    return length > 4 && memcmp(path + length - 4, ".log", 4) == 0;
}

// Whether this call of `kind`'s is the one.
static int is_due(const char *kind, long number) {
    const char *fault = getenv("FAULT");
    size_t length = strlen(kind);
    if (!fault || strncmp(fault, kind, length) != 0) return 0;
    if (fault[length] == '@') return atol(fault + length + 1) == number;
    return fault[length] == 0 && (strcmp(kind, "eintr") != 0 || number % 2 == 1);
}

static int is_read_only(void) {
    const char *name = getenv("SWITCH");
    return is_due("erofs", 0) && name && access(name, F_OK) == 0;
}

// One of the places where a kill may meet the process.
static void step(void) {
    static long number;
    if (is_due("kill", __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST))) raise(SIGKILL);
}

// Before a change; whether the process is to die in the middle of it (1), or behind it (2).
static int change(void) {
    static long number;
    long now = __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST);
    if (is_due("stop", now)) raise(SIGKILL);
    return is_due("split", now) ? 1 : is_due("after", now) ? 2 : 0;
}

static int is_ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, ".log") != NULL;
}

// Whether changing this name fails.
static int is_fixed(const char *name) {
    if (!strstr(name, ".log") && !strstr(name, "ring-") && !strstr(name, "new-")) return 0;
    step();
    if (is_due("slow", 0)) usleep(200);
    return is_read_only();
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*next)(int, const void *, size_t);
    static long number;
    if (!next) next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    int end = is_ours(fd) ? change() : 0;
    if (end) {
        next(fd, bytes, end == 1 ? count / 2 : count);
        raise(SIGKILL);
    }
    if (!is_log(fd)) {
        int ours = is_ours(fd);
        if (ours) step();
        ssize_t done = next(fd, bytes, count);
        if (ours) step();
        return done;
    }
    number++;
    step();
    if (is_due("half", number) && count > 1) {
        next(fd, bytes, count / 2);
        raise(SIGKILL);
    }
    if (is_due("eio", number)) return errno = EIO, -1;
    if (is_due("eintr", number)) return errno = EINTR, -1;
    if (is_due("efbig", number)) return errno = EFBIG, -1;
    if (is_due("enospc", number)) return errno = ENOSPC, -1;
    if (is_read_only()) return errno = EROFS, -1;
    if (is_due("short", number) && count > 1) return next(fd, bytes, 1);
    ssize_t done = next(fd, bytes, count);
    step();
    return done;
}

int ftruncate64(int fd, off64_t length) {
    static int (*next)(int, off64_t);
    if (!next) next = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
    int ours = is_ours(fd);
    if (ours) change(), step();
    int done = next(fd, length);
    if (ours) step();
    return done;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    static int (*next)(int, int, off64_t, off64_t);
    if (!next) next = (int (*)(int, int, off64_t, off64_t))dlsym(RTLD_NEXT, "fallocate64");
    static long number;
    int ours = is_ours(fd);
    if (ours) step();
    if (ours && is_due("full", ++number)) return errno = ENOSPC, -1;
    int done = next(fd, mode, offset, length);
    if (ours) step();
    return done;
}

int flock(int fd, int operation) {
    static int (*next)(int, int);
    if (!next) next = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    int done = next(fd, operation);
    if (is_ours(fd)) step();
    return done;
}

int fdatasync(int fd) {
    static int (*next)(int);
    static long number;
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (is_log(fd) && is_due("sync", ++number)) return errno = EIO, -1;
    return next(fd);
}

int openat(int fd, const char *name, int flags, ...) {
    static int (*next)(int, const char *, int, ...);
    if (!next) next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (flags & (O_CREAT | O_WRONLY | O_RDWR) && is_fixed(name)) return errno = EROFS, -1;
    return next(fd, name, flags, mode);
}

int unlinkat(int fd, const char *name, int flags) {
    static int (*next)(int, const char *, int);
    if (!next) next = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
    change();
    if (is_fixed(name)) return errno = EROFS, -1;
    int done = next(fd, name, flags);
    is_fixed(name); // afterwards is a step, too
    return done;
}

// `renameat2` is called by its number.
long syscall(long number, ...) {
    static long (*next)(long, ...);
    if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_list more;
    va_start(more, number);
    long a[6];
    for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_renameat2) change();
    if (number == SYS_renameat2 && is_fixed((const char *)a[1])) return errno = EROFS, -1;
    long done = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_renameat2) is_fixed((const char *)a[1]);
    return done;
}

// In front of the system's `write` and `fdatasync` for files named *.log: faults as FAULT says.
// `eio@7`: the 7th write fails with EIO; `eintr@7`: with EINTR; `short@7`: takes one byte;
// `efbig@7`, `enospc@7`; `sync@1`: the first fdatasync fails with EIO. Without a number: each one
// (every second one for eintr).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
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

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*next)(int, const void *, size_t);
    static long number;
    if (!next) next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!is_log(fd)) return next(fd, bytes, count);
    number++;
    if (is_due("eio", number)) return errno = EIO, -1;
    if (is_due("eintr", number)) return errno = EINTR, -1;
    if (is_due("efbig", number)) return errno = EFBIG, -1;
    if (is_due("enospc", number)) return errno = ENOSPC, -1;
    if (is_due("short", number) && count > 1) return next(fd, bytes, 1);
    return next(fd, bytes, count);
}

int fdatasync(int fd) {
    static int (*next)(int);
    static long number;
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (is_log(fd) && is_due("sync", ++number)) return errno = EIO, -1;
    return next(fd);
}

/* Loaded before the C library, so that a file "breaks" while a control file names it: its first word is "sync" or
   "full", the rest is a part of the broken file's path. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int broken(int fd, const char *kind) {
    static const char *control;
    if (!control && !(control = getenv("GALLEY_TEST_FAULT_FILE"))) return 0;
    int file = open(control, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[512], link[64], path[512];
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    if (n <= 0) return 0;
    text[n] = 0;
    size_t word = strlen(kind);
    if (strncmp(text, kind, word) != 0 || text[word] != ' ') return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return strstr(path, text + word + 1) != NULL;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) {
    REAL(fsync);
    if (broken(fd, "sync")) { errno = EIO; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    if (broken(fd, "sync")) { errno = EIO; return -1; }
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t n) {
    REAL(write);
    if (broken(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    REAL(pwrite);
    if (broken(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    REAL(pwrite64);
    if (broken(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, data, n, at);
}

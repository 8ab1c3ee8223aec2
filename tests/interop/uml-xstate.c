/* SPDX-License-Identifier: ISC
 *
 * Preloaded into User-Mode Linux by uml-run on processors with AMX. Linux 6.1's UML keeps 2696 octets of a process's extended
 * registers, which end before the AMX tiles; the host's kernel takes back only the whole of them and answers EFAULT, and UML
 * ends in a panic. So a shorter set is completed with what the process has.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

long ptrace(enum __ptrace_request request, ...)
{
    static long (*next)(enum __ptrace_request, ...);
    static _Alignas(64) unsigned char all[64 * 1024]; /* UML's kernel is one thread */
    va_list ap;
    va_start(ap, request);
    pid_t pid = va_arg(ap, pid_t);
    void *addr = va_arg(ap, void *);
    void *data = va_arg(ap, void *);
    va_end(ap);
    if (next == NULL) {
        next = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
    }
    const struct iovec *given = data;
    struct iovec whole = {all, sizeof all};
    if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE &&
        next(PTRACE_GETREGSET, pid, addr, &whole) == 0 && given->iov_len < whole.iov_len) {
        memcpy(all, given->iov_base, given->iov_len);
        data = &whole;
    }
    return next(request, pid, addr, data);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces and commands in them, for programs that run in the guest.
 *
 * Namespaces are those of `ip netns`: `ip -n NAME`, tcpdump in `ip netns exec NAME`
 * and the rest work on them.
 */
#ifndef LIB_NETNS_H
#define LIB_NETNS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes the namespace, lo up in it. Deleted by netns_cleanup(), last made first,
 * which also runs at exit of the process that made it.
 * 0, or -1 and a line on stderr.
 */
int netns_add(const char *name);

/*
 * The same in a user namespace of its own, made by a user without any privilege: root
 * in it, which is nobody outside.
 */
int netns_add_user(const char *name);
int netns_del(const char *name);
void netns_cleanup(void);

/*
 * Moves the calling thread into the namespace; returns a descriptor of the one it
 * left, for netns_leave(), or -1 and a line on stderr.
 */
int netns_enter(const char *name);
void netns_leave(int fd);

/*
 * Runs a shell command, in a namespace unless ns is NULL. With V=1 in the environment
 * it is printed before it runs, as a diagnostic line. When it fails the command, its
 * status and what it printed go to stderr as diagnostic lines. Returns 0, the exit
 * status, or 128 + the signal.
 */
int netns_sh(const char *ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, nothing printed on failure: for questions ("is it there?"). */
int netns_try(const char *ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Quietly as well; the first line it printed is put into said, or nothing. */
int netns_ask(const char *ns, char *said, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Runs fn(arg) as that root: in the namespace and its user namespace, with a process of
 * its own. Returns what fn returns, 0 to 255, or -1 and a line on stderr.
 */
int netns_as_user(const char *name, int (*fn)(void *arg), void *arg);

/* sysctl -w in a namespace: netns_sysctl("r1", "net/ipv4/ip_forward", "1"). */
int netns_sysctl(const char *ns, const char *path, const char *value);

/*
 * Waits until cond(arg) is true, asking every 10 ms; false: not within so many seconds.
 * Time to wait is scaled with the guest's slowness (VM_SCALE, set by vmrun).
 */
bool wait_for(bool (*cond)(void *arg), void *arg, unsigned int seconds);

/* The factor for every timeout of one's own: 1 with KVM and on the host, 5 with TCG. */
unsigned int vm_scale(void);

#endif

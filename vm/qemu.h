/* SPDX-License-Identifier: GPL-2.0 */
/* What a run was asked for, and QEMU: its command line, its initramfs, its accelerator. */
#ifndef VM_QEMU_H
#define VM_QEMU_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "judge.h"

#define QEMU		"qemu-system-x86_64"
#define SLOW		5	/* how much longer everything takes without KVM */

struct argv {
	char *v[256];		/* NULL-terminated */
	int nr;
};

struct options {
	const char *kernel, *name, *accel, *allow, *append;
	char **cmd;		/* NULL-terminated */
	struct argv shares, env;
	char out[PATH_MAX];	/* where the files of a run go */
	char self[PATH_MAX];	/* where vmrun is, and init with it */
	int timeout, mem, smp;	/* smp 0: what suits the accelerator */
	bool wire, shell, host, quiet, verbose;
};

extern struct options opt;
extern volatile sig_atomic_t got_signal;

/* auto resolved: a probe boot says whether KVM is of use, once a kernel. */
const char *pick_accel(void);
/* Is time of another kind than the host's? */
bool is_slow(const char *accel);

void make_initramfs(const char *path, const char *accel, bool probe);
void qemu_line(struct argv *q, const char *accel, const char *base, bool probe);
void show_line(const struct argv *q);

/*
 * Starts a program with in and out as its stdin and stdout (-1: ours) and its messages
 * going to err. It dies with us, however we die.
 */
pid_t spawn(char **argv, int in, int out, int err);
/* Ends it, and what it started. */
void reap(pid_t pid);

void add(struct argv *a, char *s);
double now(void);
char *fmt(const char *f, ...) __attribute__((format(printf, 1, 2)));
void quit(enum vm_exit code, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

#endif

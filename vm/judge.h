/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a run was worth, from the two files it left and nothing else: the console and
 * the output of the command. So a kept run can be judged again (vmrun --judge), and
 * golden files can stand for a guest.
 */
#ifndef VM_JUDGE_H
#define VM_JUDGE_H

#include "ktap_read.h"

enum vm_exit {
	VM_PASSED	= 0,
	VM_FAILED	= 1,	/* a test, or the command */
	VM_USAGE	= 2,
	VM_NO_QEMU	= 3,
	VM_SKIPPED	= 4,	/* all of it */
	VM_DIED		= 10,	/* the guest, without a verdict */
	VM_PANIC	= 11,
	VM_HANG		= 12,
	VM_SPLAT	= 13,
	VM_TRUNCATED	= 14,	/* no plan, or not what was planned */
	VM_INTERRUPTED	= 130,
};

/* The last line of a console file, written by vmrun: accelerator, seconds, how it ended. */
#define VM_TRAILER	"vmrun: "
#define VM_EXITED	"exited"
#define VM_WATCHDOG	"watchdog: "
#define VM_INTERRUPT	"interrupted"
#define VM_NO_START	"no start"
/* What init leaves in the kernel log when the command has ended. */
#define VM_ENDED	"vm: the command ended with status "

struct judgement {
	enum vm_exit code;
	unsigned int passed, failed, skipped, xfailed;
	char accel[16];
	double seconds;
	char what[256];		/* is wrong; empty if nothing */
};

/* Reads the list of allowed splats; 0, or -1 and a line on stderr. */
int judge_allow(const char *path);

/* Prints what is wrong, unless quiet is set; either file may be missing. */
struct judgement judge(const char *name, const char *console, const char *ktap, bool quiet);
void judge_summary(const char *name, const struct judgement *j);

#endif

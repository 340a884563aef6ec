// SPDX-License-Identifier: GPL-2.0
/*
 * What a test of the VM needs a guest to do to itself, on any kernel config (sysrq may
 * not be there): "panic", or "poweroff" behind init's back.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* PID 1 dying is a panic, and it dies of a jump to nowhere; signals would not reach it. */
static int panic(void)
{
	struct user_regs_struct regs;

	if (getppid() != 1) {
		fputs("# not in the guest\n", stderr);
		return 1;
	}
	if (ptrace(PTRACE_ATTACH, 1, 0, 0) || waitpid(1, NULL, __WALL) < 0 ||
	    ptrace(PTRACE_GETREGS, 1, 0, &regs)) {
		perror("# ptrace");
		return 1;
	}
	regs.rip = 0;
	/* or the system call it sleeps in would be restarted first */
	regs.orig_rax = -1;
	ptrace(PTRACE_SETREGS, 1, 0, &regs);
	ptrace(PTRACE_DETACH, 1, 0, 0);
	pause();
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "panic"))
		return panic();
	if (argc == 2 && !strcmp(argv[1], "poweroff") && getppid() == 1)
		reboot(RB_POWER_OFF);
	return 1;
}

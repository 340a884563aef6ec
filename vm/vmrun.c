// SPDX-License-Identifier: GPL-2.0
/*
 * Boots a kernel under QEMU, runs one command in it, says what that was worth.
 *
 * The guest's root is the host's, read-only, over 9p; its PID 1 is init.c. What the
 * command prints comes back over a virtio-serial port, which here is a socket pair
 * that QEMU has as its stdio: so the line shown by -v can be pasted into a shell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "qemu.h"

#define BOOT_LIMIT	60	/* seconds to PID 1, before scaling */
#define LAST_WORDS	5	/* what a hanging guest gets to list its tasks */

static const char usage[] =
"usage: vmrun --kernel DIR --name NAME [options] -- COMMAND [ARG]...\n"
"       vmrun --shell --kernel DIR [options] [-- COMMAND [ARG]...]\n"
"       vmrun --host --name NAME [options] -- COMMAND [ARG]...\n"
"       vmrun --judge CONSOLE KTAP\n"
"\n"
"  --kernel DIR     folder with the bzImage to boot\n"
"  --name NAME      the run's files are NAME.ktap, NAME.console, NAME.cpio\n"
"  --out DIR        where they go (default: where vmrun is)\n"
"  --timeout SEC    for the command, times 5 without KVM (default 300)\n"
"  --accel WHICH    auto, kvm, tcg, icount (default: $ACCEL, else auto)\n"
"  --mem MB         default 1024\n"
"  --smp N          CPUs (default 2 with KVM, else 1; icount: always 1)\n"
"  --share DIR      writable in the guest, at the same path; may be repeated\n"
"  --env NAME[=VAL] passed to the command, as PATH, TERM, V, T and a few more are\n"
"  --wire           two network devices, eth0 and eth1, with a wire between them\n"
"  --append WORDS   for the kernel command line\n"
"  --allow FILE     allowed splats (default: splat.allow where vmrun is)\n"
"  --quiet          print failures and the summary only\n"
"  --shell          a shell in the guest, on this terminal\n"
"  --host           run the command here, no guest; judged the same way\n"
"  -v               show the QEMU command line (or V=1)\n"
"\n"
"exit: 0 passed, 1 failed, 2 usage, 3 no QEMU, 4 all skipped, 10 guest died,\n"
"      11 panic, 12 hang, 13 splat, 14 output not as planned, 130 interrupted\n";

struct options opt = { .timeout = 300, .mem = 1024, .append = "" };
volatile sig_atomic_t got_signal;

static void on_signal(int sig)
{
	got_signal = sig;
}

static bool in_path(const char *prog)
{
	char *path = strdup(getenv("PATH") ?: "/usr/bin"), *save = NULL;
	bool found = false;

	for (char *d = strtok_r(path, ":", &save); d && !found; d = strtok_r(NULL, ":", &save)) {
		char *file = fmt("%s/%s", d, prog);

		found = !access(file, X_OK);
		free(file);
	}
	free(path);
	return found;
}

/* ---- output as it comes ---- */

static struct {
	FILE *file;
	char *line;
	size_t len, room;
	/* --quiet: diagnostics wait for the result they belong to */
	char *held;
	size_t held_len;
	FILE *hold;
	bool up;		/* init is there */
	bool ended;		/* the command is through */
	bool listed;		/* and has left its last words in the log */
	bool colour;
} live;

static void show_result(const char *line)
{
	struct ktap_result_line r;
	bool result = ktap_parse_result(line, &r), bad;
	const char *on = "", *s = line + strspn(line, " ");

	bad = (result && r.verdict == KTAP_FAIL) || !strncmp(s, "Bail out!", 9);
	if (opt.quiet) {
		if (!live.hold)
			live.hold = open_memstream(&live.held, &live.held_len);
		if (!result && !bad) {
			fprintf(live.hold, "%s\n", line);
			return;
		}
		fclose(live.hold);
		live.hold = NULL;
		if (bad)
			fputs(live.held, stdout);
		free(live.held);
		if (!bad)
			return;
	}
	if (live.colour && result)
		on = bad ? "\033[1;31m" : r.verdict == KTAP_PASS ? "\033[32m" : "\033[33m";
	else if (live.colour && (*s == '#' || !strncmp(s, "KTAP ", 5) || !strncmp(s, "1..", 3)))
		on = "\033[2m";
	printf("%s%s%s\n", on, line, *on ? "\033[0m" : "");
	fflush(stdout);
}

static void take(const char *buf, size_t n)
{
	fwrite(buf, 1, n, live.file);
	fflush(live.file);
	for (; n; buf++, n--) {
		if (live.len + 1 >= live.room) {
			live.room = live.room ? 2 * live.room : 1024;
			live.line = realloc(live.line, live.room);
			if (!live.line)
				abort();
		}
		if (*buf != '\n') {
			live.line[live.len++] = *buf;
			continue;
		}
		live.line[live.len] = '\0';
		live.len = 0;
		if (!strncmp(live.line, "# vm: up", 8))
			live.up = true;
		if (!strncmp(live.line, "# vm: tasks listed", 18))
			live.listed = true;
		/* the exit record is for the judge, and the break that may go before it */
		if (!strncmp(live.line, KTAP_EXIT_RECORD, strlen(KTAP_EXIT_RECORD)))
			live.ended = true;
		else if (*live.line)
			show_result(live.line);
	}
}

/* ---- one run ---- */

struct run {
	char *base, *console, *ktap;
	const char *accel;
	int lock;		/* the console file, locked */
	double start;
	char how[160];
};

static void begin(struct run *r)
{
	r->base = fmt("%s/%s", opt.out, opt.name);
	r->console = fmt("%s.console", r->base);
	r->ktap = fmt("%s.ktap", r->base);
	r->lock = open(r->console, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (r->lock < 0)
		quit(VM_USAGE, "%s: %s", r->console, strerror(errno));
	if (flock(r->lock, LOCK_EX | LOCK_NB))
		quit(VM_USAGE, "%s is running already (%s is locked)", opt.name, r->console);
	if (ftruncate(r->lock, 0))
		quit(VM_USAGE, "%s: %s", r->console, strerror(errno));
	live.file = fopen(r->ktap, "we");
	if (!live.file)
		quit(VM_USAGE, "%s: %s", r->ktap, strerror(errno));
	live.colour = isatty(1) && !getenv("NO_COLOR");
}

/* QEMU's own words go into the console file, then how it ended. */
static struct judgement finish(struct run *r, FILE *err)
{
	char line[1024];

	if (err) {
		rewind(err);
		while (fgets(line, sizeof(line), err))
			dprintf(r->lock, "qemu: %s%s", line, strchr(line, '\n') ? "" : "\n");
		fclose(err);
	}
	dprintf(r->lock, VM_TRAILER "%s %.1f %s\n", r->accel, now() - r->start, r->how);
	if (ferror(live.file) | fclose(live.file))
		quit(VM_TRUNCATED, "%s: %s", r->ktap, strerror(errno));
	close(r->lock);
	return judge(opt.name, r->console, r->ktap, false);
}

/* Reads until the other side is gone, time is up, or we are told to stop. */
static void follow(struct run *r, int fd)
{
	int scale = is_slow(r->accel) ? SLOW : 1;
	double limit = live.up ? opt.timeout : BOOT_LIMIT;
	double end = now() + limit * scale;
	bool up = live.up, ended = false, asked = false;
	char buf[65536];
	ssize_t n;

	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		double left = end - now();

		if (got_signal) {
			snprintf(r->how, sizeof(r->how), VM_INTERRUPT);
			return;
		}
		if (left <= 0 && !asked) {
			snprintf(r->how, sizeof(r->how), ended ?
				 VM_WATCHDOG "not powered off after %g s" : up ?
				 VM_WATCHDOG "not done after %g s" :
				 VM_WATCHDOG "not at PID 1 after %g s", limit * scale);
			asked = true;
			if (!up || write(fd, "?", 1) < 0)
				return;
			end += LAST_WORDS;
			continue;
		}
		/* what init has said to the kernel log takes a moment to get out */
		if (live.listed && left > 1)
			end = now() + 1;
		if (left <= 0)
			return;
		if (poll(&p, 1, (end - now()) * 1000 + 1) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		take(buf, n);
		if (live.up && !up) {
			up = true;
			limit = opt.timeout;
			end = now() + limit * scale;
		}
		if (live.ended && !ended) {
			ended = true;
			limit = BOOT_LIMIT;
			end = now() + limit * scale;
		}
	}
}

static int run_guest(struct run *r)
{
	struct argv q = { .nr = 0 };
	FILE *err = tmpfile();
	struct judgement j;
	int sv[2], status;
	pid_t pid;

	if (!err || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		quit(VM_NO_QEMU, "cannot start QEMU: %s", strerror(errno));
	make_initramfs(fmt("%s.cpio", r->base), r->accel, false);
	qemu_line(&q, r->accel, r->base, false);
	if (opt.verbose)
		show_line(&q);

	r->start = now();
	pid = spawn(q.v, sv[1], sv[1], fileno(err));
	close(sv[1]);
	follow(r, sv[0]);
	/* QEMU closes its stdio at its very end: let it go by itself */
	if (!*r->how) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			if (got_signal)
				kill(-pid, SIGKILL);
		if (status && !live.up && lseek(r->lock, 0, SEEK_END) == 0)
			snprintf(r->how, sizeof(r->how), VM_NO_START);
		else if (WIFSIGNALED(status))
			snprintf(r->how, sizeof(r->how), "killed by signal %d",
				 WTERMSIG(status));
		else
			snprintf(r->how, sizeof(r->how), VM_EXITED);
	} else {
		reap(pid);
	}
	close(sv[0]);
	j = finish(r, err);
	judge_summary(opt.name, &j);
	return j.code == VM_INTERRUPTED ? (int)(128 + got_signal) : (int)j.code;
}

static int run_host(struct run *r)
{
	int fds[2], status;
	struct judgement j;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		quit(VM_USAGE, "pipe: %s", strerror(errno));
	r->start = now();
	live.up = true;
	pid = spawn(opt.cmd, open("/dev/null", O_RDONLY | O_CLOEXEC), fds[1], fds[1]);
	close(fds[1]);
	follow(r, fds[0]);
	if (!*r->how) {
		char buf[64];

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			if (got_signal)
				kill(-pid, SIGKILL);
		snprintf(r->how, sizeof(r->how), VM_EXITED);
		snprintf(buf, sizeof(buf), "%s" KTAP_EXIT_RECORD "%d\n", live.len ? "\n" : "",
			 WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		take(buf, strlen(buf));
	} else {
		reap(pid);
	}
	close(fds[0]);
	j = finish(r, NULL);
	judge_summary(opt.name, &j);
	return j.code == VM_INTERRUPTED ? (int)(128 + got_signal) : (int)j.code;
}

/* Nothing to judge but the guest itself; the shell's status is nobody's verdict. */
static int run_shell(struct run *r)
{
	struct argv q = { .nr = 0 };
	struct termios tty;
	bool is_tty = !tcgetattr(0, &tty);
	struct judgement j;
	int status;
	pid_t pid;

	make_initramfs(fmt("%s.cpio", r->base), r->accel, false);
	qemu_line(&q, r->accel, r->base, false);
	if (opt.verbose)
		show_line(&q);
	fprintf(stderr, "vm: %s; `exit` powers off, Ctrl-A x kills; the kernel log is in %s\n",
		r->accel, r->console);
	r->start = now();
	pid = spawn(q.v, -1, -1, -1);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
		if (got_signal)
			kill(pid, SIGKILL);
	}
	if (is_tty)
		tcsetattr(0, TCSANOW, &tty);
	snprintf(r->how, sizeof(r->how), "%s", got_signal ? VM_INTERRUPT : VM_EXITED);
	dprintf(r->lock, VM_TRAILER "%s %.1f %s\n", r->accel, now() - r->start, r->how);
	if (got_signal)
		return 128 + got_signal;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return VM_NO_QEMU;

	j = judge("shell", r->console, r->ktap, true);
	if (j.code == VM_PANIC || j.code == VM_SPLAT)
		judge("shell", r->console, r->ktap, false);
	return j.code == VM_PANIC || j.code == VM_SPLAT ? j.code : VM_PASSED;
}

/* ---- files kept from earlier ---- */

static char *run_name(const char *ktap)
{
	char *copy = strdup(ktap), *name = strdup(basename(copy)), *dot = strrchr(name, '.');

	if (dot && dot != name)
		*dot = '\0';
	free(copy);
	return name;
}

static enum vm_exit judge_files(const char *console, const char *ktap)
{
	char *name = run_name(ktap);
	struct judgement j;

	if (access(ktap, R_OK) || access(console, R_OK))
		quit(VM_USAGE, "%s: %s", access(ktap, R_OK) ? ktap : console, strerror(errno));
	j = judge(name, console, ktap, false);
	judge_summary(name, &j);
	return j.code;
}

/* ---- command line ---- */

static int number(const char *what, const char *s, int min, int max)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (!*s || *end || n < min || n > max)
		quit(VM_USAGE, "%s: %s is not a number from %d to %d", what, s, min, max);
	return n;
}

static char *real_dir(const char *what, const char *path)
{
	struct stat st;
	char *real = realpath(path, NULL);

	if (!real || stat(real, &st))
		quit(VM_USAGE, "%s %s: %s", what, path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		quit(VM_USAGE, "%s %s: not a folder", what, path);
	return real;
}

static void check_accel(void)
{
	static const char * const valid[] = { "auto", "kvm", "tcg", "icount" };

	if (!opt.accel)
		opt.accel = getenv("ACCEL");
	if (!opt.accel || !*opt.accel)
		opt.accel = "auto";
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		if (!strcmp(opt.accel, valid[i]))
			goto known;
	quit(VM_USAGE, "ACCEL=%s: no such accelerator; valid: auto kvm tcg icount", opt.accel);
known:
	if (!strcmp(opt.accel, "kvm") && access("/dev/kvm", R_OK | W_OK))
		quit(VM_NO_QEMU, "ACCEL=kvm: /dev/kvm: %s; leave ACCEL out, or ACCEL=tcg",
		     strerror(errno));
}

int main(int argc, char **argv)
{
	enum { KERNEL = 256, NAME, OUT, TIMEOUT, ACCEL, MEM, SMP, SHARE, ENV, WIRE, APPEND,
	       ALLOW, QUIET, SHELL, HOST, JUDGE, HELP };
	static const struct option longopts[] = {
		{ "kernel", required_argument, NULL, KERNEL },
		{ "name", required_argument, NULL, NAME },
		{ "out", required_argument, NULL, OUT },
		{ "timeout", required_argument, NULL, TIMEOUT },
		{ "accel", required_argument, NULL, ACCEL },
		{ "mem", required_argument, NULL, MEM },
		{ "smp", required_argument, NULL, SMP },
		{ "share", required_argument, NULL, SHARE },
		{ "env", required_argument, NULL, ENV },
		{ "wire", no_argument, NULL, WIRE },
		{ "append", required_argument, NULL, APPEND },
		{ "allow", required_argument, NULL, ALLOW },
		{ "quiet", no_argument, NULL, QUIET },
		{ "shell", no_argument, NULL, SHELL },
		{ "host", no_argument, NULL, HOST },
		{ "judge", no_argument, NULL, JUDGE },
		{ "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	static char *bash[] = { "bash", "--norc", "-i", NULL }, *sh[] = { "sh", "-i", NULL };
	const struct sigaction sa = { .sa_handler = on_signal };
	bool judging = false;
	const char *v = getenv("V"), *out = NULL;
	struct run r = { .accel = "host" };
	char *file, *cwd;
	ssize_t n;
	int c;

	n = readlink("/proc/self/exe", opt.self, sizeof(opt.self) - 1);
	if (n < 0)
		quit(VM_USAGE, "/proc/self/exe: %s", strerror(errno));
	opt.self[n] = '\0';
	dirname(opt.self);
	opt.verbose = v && *v && strcmp(v, "0");

	while ((c = getopt_long(argc, argv, "+v", longopts, NULL)) != -1) {
		switch (c) {
		case KERNEL: opt.kernel = optarg; break;
		case NAME: opt.name = optarg; break;
		case OUT: out = optarg; break;
		case TIMEOUT: opt.timeout = number("--timeout", optarg, 1, 1000000); break;
		case ACCEL: opt.accel = optarg; break;
		case MEM: opt.mem = number("--mem", optarg, 64, 1 << 20); break;
		case SMP: opt.smp = number("--smp", optarg, 1, 255); break;
		case SHARE: add(&opt.shares, real_dir("--share", optarg)); break;
		case ENV: add(&opt.env, optarg); break;
		case WIRE: opt.wire = true; break;
		case APPEND: opt.append = optarg; break;
		case ALLOW: opt.allow = optarg; break;
		case QUIET: opt.quiet = true; break;
		case SHELL: opt.shell = true; break;
		case HOST: opt.host = true; break;
		case JUDGE: judging = true; break;
		case 'v': opt.verbose = true; break;
		case HELP: fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return VM_USAGE;
		}
	}

	if (!opt.allow)
		opt.allow = fmt("%s/splat.allow", opt.self);
	if (judge_allow(opt.allow))
		return VM_USAGE;
	if (judging && argc - optind == 2)
		return judge_files(argv[optind], argv[optind + 1]);

	opt.cmd = argv + optind;
	if (opt.shell && !*opt.cmd)
		opt.cmd = access("/bin/bash", X_OK) ? sh : bash;
	if (opt.shell && !opt.name)
		opt.name = "shell";
	if (judging || !*opt.cmd || !opt.name || (!opt.kernel && !opt.host) ||
	    (opt.shell && opt.host)) {
		fputs(usage, stderr);
		return VM_USAGE;
	}
	if (!*opt.name || *opt.name == '.' || strchr(opt.name, '/'))
		quit(VM_USAGE, "--name %s: not the name of a file", opt.name);
	if (out)
		mkdir(out, 0777);
	file = real_dir("--out", out ?: opt.self);
	cwd = fmt("%s/", real_dir("the current folder", "."));
	/* messages and the QEMU line are read by people */
	if (!strncmp(file, cwd, strlen(cwd)))
		file += strlen(cwd);
	snprintf(opt.out, sizeof(opt.out), "%s", file);

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);

	if (opt.host) {
		begin(&r);
		return run_host(&r);
	}

	file = fmt("%s/bzImage", opt.kernel);
	if (access(file, R_OK))
		quit(VM_USAGE, "--kernel: %s: %s", file, strerror(errno));
	if (!in_path(QEMU))
		quit(VM_NO_QEMU, QEMU " is missing: install the package qemu-system-x86");
	check_accel();
	begin(&r);
	r.accel = pick_accel();
	return opt.shell ? run_shell(&r) : run_guest(&r);
}

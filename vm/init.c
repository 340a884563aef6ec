// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the guest: turns the host's root (9p, read-only) into a place one can work
 * in, runs one command, reports how it ended, and powers off.
 *
 * Its orders are in /conf: strings "key=value", each ended by a NUL (see vmrun.c).
 * What the command prints goes through init to the verdict port, so that the command
 * has an ordinary pipe for its stdout: a virtio port can be opened only once, which
 * would break every `echo >/dev/stderr`.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT	"/dev/vport0p1"
#define MAX	64

static char *args[1024], *env[MAX], *shares[MAX], *keep[MAX];
static int nr_args, nr_env, nr_shares, nr_keep;
static const char *cwd = "/";
static bool probe, shell;
static struct winsize win = { .ws_row = 24, .ws_col = 80 };

static int port = -1, kmsg = -1;

static __attribute__((format(printf, 1, 2))) void say(const char *fmt, ...)
{
	char buf[900];		/* printk cuts longer ones */
	va_list ap;
	int n;

	n = snprintf(buf, sizeof(buf), "<6>vm: ");
	va_start(ap, fmt);
	vsnprintf(buf + n, sizeof(buf) - n, fmt, ap);
	va_end(ap);
	if (kmsg >= 0 && write(kmsg, buf, strlen(buf)) < 0)
		return;		/* nowhere left to say it */
}

static void put(int fd, const char *buf, size_t n)
{
	ssize_t w;

	for (; n; buf += w, n -= w) {
		w = write(fd, buf, n);
		if (w < 0 && errno == EINTR)
			w = 0;
		else if (w < 0)
			return;
	}
}

/* Both channels say how it ended: one without the other means a channel was cut. */
static __attribute__((noreturn)) void power_off(int status, bool newline)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s# vm: exit %d\n", newline ? "\n" : "", status);
	put(port, buf, strlen(buf));
	say("the command ended with status %d", status);

	chdir("/");
	sync();
	for (int i = nr_shares; i--; )
		if (umount2(shares[i], 0))
			say("umount %s: %s", shares[i], strerror(errno));
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	say("%s: %s", buf, strerror(errno));
	dprintf(port, "Bail out! init: %s: %s\n", buf, strerror(errno));
	power_off(125, false);
}

static void mkdirs(const char *path)
{
	char buf[4096];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(buf, 0755);
		*p = '/';
	}
	mkdir(buf, 0755);
}

static void read_conf(void)
{
	static char conf[1 << 20];
	int fd = open("/conf", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, conf, sizeof(conf) - 1);
	const struct {
		const char *key;
		char **list;
		int *nr, max;
	} lists[] = {
		{ "arg", args, &nr_args, sizeof(args) / sizeof(args[0]) },
		{ "env", env, &nr_env, MAX },
		{ "share", shares, &nr_shares, MAX },
		{ "keep", keep, &nr_keep, MAX },
	};

	if (n < 0)
		die("/conf");
	close(fd);
	for (char *s = conf; s < conf + n; s += strlen(s) + 1) {
		char *val = strchr(s, '=');
		size_t len = val ? val - s : 0;

		if (!val)
			continue;
		val++;
		for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
			if (strlen(lists[i].key) != len || strncmp(s, lists[i].key, len))
				continue;
			/* the last place stays NULL: execvpe() wants it */
			if (*lists[i].nr == lists[i].max - 1)
				die("/conf: too many %s", lists[i].key);
			lists[i].list[(*lists[i].nr)++] = val;
		}
		if (!strncmp(s, "cwd=", 4)) {
			cwd = val;
		} else if (!strncmp(s, "mode=", 5)) {
			probe = !strcmp(val, "probe");
			shell = !strcmp(val, "shell");
		} else if (!strncmp(s, "window=", 7)) {
			sscanf(val, "%hux%hu", &win.ws_row, &win.ws_col);
		}
	}
}

/* The port appears when virtio's control queue has been served, some time after boot. */
static void open_port(void)
{
	for (int i = 0; port < 0 && i < 1000; i++) {
		port = open(PORT, O_RDWR | O_CLOEXEC);
		if (port < 0)
			usleep(10 * 1000);
	}
	if (port < 0)
		say("%s: %s", PORT, strerror(errno));
}

static void mount_root(void)
{
	/* cache=loose: nobody writes there, and without it every exec() is slow */
	if (mount("root", "/root", "9p", MS_RDONLY,
		  "trans=virtio,version=9p2000.L,msize=512000,access=any,cache=loose"))
		die("mount the host's root over 9p");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") ||
	    chdir("/"))
		die("switch to the host's root");
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir, *opts;
		bool optional;		/* the kernel may not have it */
	} fs[] = {
		{ "proc", "/proc", NULL, false },
		{ "sysfs", "/sys", NULL, false },
		{ "devtmpfs", "/dev", NULL, false },
		{ "tmpfs", "/tmp", "mode=1777", false },
		{ "tmpfs", "/run", "mode=755", false },
		{ "tmpfs", "/var/tmp", "mode=1777", false },
		{ "tmpfs", "/mnt", "mode=755", true },
		{ "tmpfs", "/dev/shm", "mode=1777", true },
		{ "devpts", "/dev/pts", "mode=620,ptmxmode=666", true },
		{ "bpf", "/sys/fs/bpf", NULL, true },
		{ "cgroup2", "/sys/fs/cgroup", NULL, true },
		{ "tracefs", "/sys/kernel/tracing", NULL, true },
		{ "debugfs", "/sys/kernel/debug", NULL, true },
	};
	int fd[MAX];

	/* A tree may live in /tmp: hold on to it before a tmpfs covers it. */
	for (int i = 0; i < nr_keep; i++)
		fd[i] = open(keep[i], O_PATH | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(fs) / sizeof(fs[0]); i++) {
		if (!strncmp(fs[i].dir, "/dev/", 5))
			mkdir(fs[i].dir, 0755);
		if (mount(fs[i].type, fs[i].dir, fs[i].type, 0, fs[i].opts) &&
		    !fs[i].optional)
			die("mount %s", fs[i].dir);
	}
	mkdir("/run/home", 0700);
	mkdir("/run/netns", 0755);
	mkdir("/run/lock", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");

	for (int i = 0; i < nr_keep; i++) {
		char link[64];

		if (fd[i] < 0)
			continue;
		if (access(keep[i], F_OK)) {
			mkdirs(keep[i]);
			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd[i]);
			if (mount(link, keep[i], NULL, MS_BIND, NULL))
				die("keep %s", keep[i]);
		}
		close(fd[i]);
	}

	for (int i = 0; i < nr_shares; i++) {
		char tag[16];

		snprintf(tag, sizeof(tag), "share%d", i);
		mkdirs(shares[i]);
		if (mount(tag, shares[i], "9p", 0,
			  "trans=virtio,version=9p2000.L,msize=512000,access=any,cache=mmap"))
			die("mount %s", shares[i]);
	}
}

static void lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		say("lo: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void limit(int what, rlim_t n)
{
	struct rlimit r = { n, n };

	if (setrlimit(what, &r))
		say("setrlimit %d: %s", what, strerror(errno));
}

/* The child's side: never returns. */
static void run(int out)
{
	sigset_t none;
	int in;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (shell) {
		in = open("/dev/hvc0", O_RDWR);
		out = in;
		ioctl(in, TIOCSCTTY, 0);
		ioctl(in, TIOCSWINSZ, &win);
	} else {
		in = open("/dev/null", O_RDONLY);
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (chdir(cwd)) {
		fprintf(stderr, "# vm: %s: %s\n", cwd, strerror(errno));
		_exit(125);
	}
	/* execvpe() looks for the program in its caller's PATH, not in the one it passes on */
	clearenv();
	for (int i = 0; i < nr_env; i++)
		putenv(env[i]);
	execvp(args[0], args);
	fprintf(stderr, "# vm: %s: %s\n", args[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void file_to_log(const char *pid, const char *what)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		say("    %s", line);
	}
	fclose(f);
}

/* The watchdog is about to end this: leave in the log who was doing what. */
static void dump_tasks(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char buf[288];

	say("the watchdog asks; tasks:");
	while (d && (e = readdir(d))) {
		ssize_t n = -1;
		int fd;

		if (!isdigit((unsigned char)e->d_name[0]) || !strcmp(e->d_name, "1"))
			continue;
		snprintf(buf, sizeof(buf), "/proc/%s/cmdline", e->d_name);
		fd = open(buf, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			n = read(fd, buf, sizeof(buf) - 1);
			close(fd);
		}
		if (n <= 0)
			continue;	/* a kernel thread */
		for (ssize_t i = 0; i < n; i++)
			if (!isprint((unsigned char)buf[i]))
				buf[i] = ' ';
		buf[n] = '\0';
		say("  %s: %s", e->d_name, buf);
		file_to_log(e->d_name, "wchan");
		file_to_log(e->d_name, "stack");
	}
	if (d)
		closedir(d);
	say("end of tasks");
	put(port, "# vm: tasks listed\n", 19);
}

static void on_child(int sig)
{
	(void)sig;		/* it only has to interrupt ppoll() */
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_child };
	int out[2], status = -1, wstatus, tail = '\n';
	struct utsname u;
	sigset_t chld, none;
	char buf[65536];
	bool eof = false;
	ssize_t n;
	pid_t pid, p;

	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	read_conf();
	open_port();
	if (probe) {
		put(port, "alive\n", 6);
		reboot(RB_POWER_OFF);
	}
	mount_root();
	mount_all();
	lo_up();
	sethostname("guest", 5);
	limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	limit(RLIMIT_NOFILE, 65536);
	limit(RLIMIT_CORE, 0);

	uname(&u);
	snprintf(buf, sizeof(buf), "# vm: up, Linux %s, %ld cpu\n", u.release,
		 sysconf(_SC_NPROCESSORS_ONLN));
	put(port, buf, strlen(buf));

	sigemptyset(&none);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigaction(SIGCHLD, &sa, NULL);

	if (pipe2(out, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		run(out[1]);
	close(out[1]);

	while (!eof) {
		struct pollfd fds[] = { { out[0], POLLIN, 0 }, { port, POLLIN, 0 } };

		while ((p = waitpid(-1, &wstatus, WNOHANG)) > 0) {
			if (p != pid)
				continue;
			status = WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) :
							WEXITSTATUS(wstatus);
			/* what it left running would hold the pipe and the shares */
			kill(-1, SIGKILL);
		}
		if (ppoll(fds, 2, NULL, &none) < 0)
			continue;
		if (fds[1].revents & POLLIN) {
			if (read(port, buf, sizeof(buf)) > 0)
				dump_tasks();
		}
		if (!fds[0].revents)
			continue;
		n = read(out[0], buf, sizeof(buf));
		if (n > 0) {
			put(port, buf, n);
			tail = buf[n - 1];
		}
		eof = n == 0;
	}
	/* the pipe can be closed long before the command ends, in --shell at once */
	while (status < 0) {
		p = waitpid(-1, &wstatus, 0);
		if (p == pid)
			status = WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) :
							WEXITSTATUS(wstatus);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	power_off(status, tail != '\n');
}

// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"

#define RUN_NETNS	"/run/netns"

static char made[64][64];
static int nr_made;
static pid_t owner;		/* a fork must not clean up what its parent uses */

static int complain(const char *what, const char *name)
{
	fprintf(stderr, "# netns: %s %s: %s\n", what, name, strerror(errno));
	return -1;
}

int netns_enter(const char *name)
{
	int old, new, err;
	char path[128];

	snprintf(path, sizeof(path), RUN_NETNS "/%s", name);
	new = open(path, O_RDONLY | O_CLOEXEC);
	if (new < 0)
		return complain("open", path);
	old = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	err = old < 0 ? -1 : setns(new, CLONE_NEWNET);
	close(new);
	if (err) {
		complain("enter", name);
		if (old >= 0)
			close(old);
		return -1;
	}
	return old;
}

void netns_leave(int fd)
{
	if (fd < 0)
		return;
	/* going on in the wrong namespace would make every later result a lie */
	if (setns(fd, CLONE_NEWNET)) {
		complain("leave", "");
		abort();
	}
	close(fd);
}

static int lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &ifr);

	if (fd >= 0)
		close(fd);
	return err;
}

/* An empty file to bind the namespace to. */
static int claim(const char *name, char *path, size_t size)
{
	int fd;

	if (nr_made == sizeof(made) / sizeof(made[0])) {
		errno = ENOSPC;
		return complain("add", name);
	}
	if (!owner) {
		owner = getpid();
		atexit(netns_cleanup);
	}
	mkdir(RUN_NETNS, 0755);
	snprintf(path, size, RUN_NETNS "/%s", name);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		return complain("add", path);
	close(fd);
	return 0;
}

static int give_up(const char *path)
{
	umount2(path, MNT_DETACH);
	unlink(path);
	return -1;
}

int netns_add(const char *name)
{
	char path[128];
	int home, err = 0;

	if (claim(name, path, sizeof(path)))
		return -1;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || unshare(CLONE_NEWNET)) {
		complain("unshare for", name);
		unlink(path);
		if (home >= 0)
			close(home);
		return -1;
	}
	if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL))
		err = complain("bind", path);
	else if (lo_up())
		err = complain("lo up in", name);
	netns_leave(home);
	if (err)
		return give_up(path);
	snprintf(made[nr_made++], sizeof(made[0]), "%s", name);
	return 0;
}

#define NOBODY	65534

/* Both pipes end with the process that holds them: nobody waits for ever. */
static void be_user(int ready, int done)
{
	char byte = 0;

	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) || write(ready, &byte, 1) != 1)
		_exit(1);
	_exit(read(done, &byte, 1) < 0);
}

static int map_root(pid_t pid, const char *what)
{
	char path[64], map[32];
	int fd, n, err;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	n = snprintf(map, sizeof(map), "0 %d 1", NOBODY);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	err = fd < 0 || write(fd, map, n) != n;
	if (fd >= 0)
		close(fd);
	return err;
}

int netns_add_user(const char *name)
{
	int ready[2], done[2], home, err = -1;
	char path[128], ns[64], byte;
	pid_t pid;

	if (claim(name, path, sizeof(path)))
		return -1;
	if (pipe2(ready, O_CLOEXEC) || pipe2(done, O_CLOEXEC) || (pid = fork()) < 0) {
		complain("fork for", name);
		unlink(path);
		return -1;
	}
	if (!pid) {
		close(ready[0]);
		close(done[1]);
		be_user(ready[1], done[0]);
	}
	close(ready[1]);
	close(done[0]);
	snprintf(ns, sizeof(ns), "/proc/%d/ns/net", pid);
	if (read(ready[0], &byte, 1) != 1 || map_root(pid, "uid_map") ||
	    map_root(pid, "gid_map"))
		complain("user namespace for", name);
	else if (mount(ns, path, "none", MS_BIND, NULL))
		complain("bind", path);
	else if ((home = netns_enter(name)) >= 0) {
		err = lo_up();
		netns_leave(home);
	}
	close(ready[0]);
	close(done[1]);
	waitpid(pid, NULL, 0);
	if (err)
		return give_up(path);
	snprintf(made[nr_made++], sizeof(made[0]), "%s", name);
	return 0;
}

int netns_as_user(const char *name, int (*fn)(void *arg), void *arg)
{
	int status, net, user;
	char path[128];
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		snprintf(path, sizeof(path), RUN_NETNS "/%s", name);
		net = open(path, O_RDONLY | O_CLOEXEC);
		user = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);
		if (user < 0 || setns(net, CLONE_NEWNET) || setns(user, CLONE_NEWUSER) ||
		    setresgid(0, 0, 0) || setresuid(0, 0, 0)) {
			complain("be root of", name);
			kill(getpid(), SIGKILL);
		}
		_exit(fn(arg));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int netns_del(const char *name)
{
	char path[128];

	for (int i = 0; i < nr_made; i++) {
		if (strcmp(made[i], name))
			continue;
		memmove(made[i], made[i + 1], (nr_made - i - 1) * sizeof(made[0]));
		nr_made--;
		break;
	}
	snprintf(path, sizeof(path), RUN_NETNS "/%s", name);
	if (umount2(path, MNT_DETACH) && errno != EINVAL)
		return complain("umount", path);
	if (unlink(path))
		return complain("delete", path);
	return 0;
}

void netns_cleanup(void)
{
	if (owner != getpid())
		return;
	while (nr_made) {
		char name[sizeof(made[0])];

		memcpy(name, made[nr_made - 1], sizeof(name));
		netns_del(name);
	}
}

/* What the command printed, each line as a diagnostic, cut when it is very long. */
static void show(FILE *log)
{
	char line[1024];
	int lines = 0;

	rewind(log);
	while (fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		if (++lines > 40) {
			fputs("#   [...]\n", stderr);
			break;
		}
		fprintf(stderr, "#   %s\n", line);
	}
}

/* The first line of what the command printed that says anything. */
static void first_line(FILE *log, char *said, size_t size)
{
	char line[1024];

	*said = '\0';
	rewind(log);
	while (!*said && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(said, size, "%s", line);
	}
}

/* said: NULL, what it prints goes to stderr if it fails; or for the first line of that. */
static int run(const char *ns, const char *cmd, bool quiet, char *said, size_t size)
{
	const char *v = getenv("V");
	FILE *log = tmpfile();
	int status, rc;
	pid_t pid;

	if (!log)
		return complain("temporary file for", cmd);
	if (v && *v && *v != '0') {
		printf("# %s%s%s\n", ns ? ns : "", ns ? ": " : "", cmd);
		fflush(stdout);
	}

	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		if (ns && netns_enter(ns) < 0)
			_exit(127);
		dup2(null, 0);
		dup2(fileno(log), 1);
		dup2(fileno(log), 2);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		fclose(log);
		return complain("run", cmd);
	}
	rc = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (rc && !quiet) {
		fprintf(stderr, "# failed with status %d%s%s: %s\n", rc, ns ? " in " : "",
			ns ? ns : "", cmd);
		show(log);
	}
	if (said)
		first_line(log, said, size);
	fclose(log);
	return rc;
}

static int vrun(const char *ns, bool quiet, char *said, size_t size, const char *fmt, va_list ap)
{
	char *cmd;
	int rc;

	if (vasprintf(&cmd, fmt, ap) < 0)
		return complain("run", fmt);
	rc = run(ns, cmd, quiet, said, size);
	free(cmd);
	return rc;
}

int netns_sh(const char *ns, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vrun(ns, false, NULL, 0, fmt, ap);
	va_end(ap);
	return rc;
}

int netns_try(const char *ns, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vrun(ns, true, NULL, 0, fmt, ap);
	va_end(ap);
	return rc;
}

int netns_ask(const char *ns, char *said, size_t size, const char *fmt, ...)
{
	va_list ap;
	int rc;

	*said = '\0';
	va_start(ap, fmt);
	rc = vrun(ns, true, said, size, fmt, ap);
	va_end(ap);
	return rc;
}

int netns_sysctl(const char *ns, const char *path, const char *value)
{
	int old = -1, fd, err = 0;
	char file[256];

	if (ns) {
		old = netns_enter(ns);
		if (old < 0)
			return -1;
	}
	/* /proc/sys/net shows the namespace of whoever opens the file */
	snprintf(file, sizeof(file), "/proc/sys/%s", path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err = complain("sysctl", path);
	if (fd >= 0)
		close(fd);
	netns_leave(old);
	return err;
}

unsigned int vm_scale(void)
{
	const char *s = getenv("VM_SCALE");
	int scale = s ? atoi(s) : 1;

	return scale > 0 ? scale : 1;
}

bool wait_for(bool (*cond)(void *arg), void *arg, unsigned int seconds)
{
	const struct timespec nap = { .tv_nsec = 10 * 1000 * 1000 };
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (cond(arg))
			return true;
		nanosleep(&nap, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec <= (time_t)(seconds * vm_scale()));
	return cond(arg);
}

// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "qemu.h"

#define PROBE_LIMIT	8	/* seconds a kernel gets to reach PID 1 under KVM */

void quit(enum vm_exit code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("vmrun: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(code);
}

char *fmt(const char *f, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, f);
	n = vasprintf(&s, f, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return s;
}

void add(struct argv *a, char *s)
{
	if (a->nr == sizeof(a->v) / sizeof(a->v[0]) - 1)
		quit(VM_USAGE, "too many arguments at %s", s);
	a->v[a->nr++] = s;
	a->v[a->nr] = NULL;
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- the initramfs: /init and its orders ---- */

static void pad(FILE *f)
{
	while (ftell(f) % 4)
		fputc(0, f);
}

/* One member of a cpio archive in the "newc" format. */
static void member(FILE *f, const char *name, unsigned int mode, const void *data, size_t size)
{
	static unsigned int ino;

	fprintf(f, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		++ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0);
	fwrite(name, 1, strlen(name) + 1, f);
	pad(f);
	fwrite(data, 1, size, f);
	pad(f);
}

static char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *buf = NULL;
	struct stat st;

	if (f && !fstat(fileno(f), &st))
		buf = malloc(st.st_size + 1);
	if (!buf || fread(buf, 1, st.st_size, f) != (size_t)st.st_size)
		quit(VM_USAGE, "%s: %s", path, strerror(errno));
	fclose(f);
	*size = st.st_size;
	return buf;
}

static __attribute__((format(printf, 2, 3))) void order(FILE *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc(0, f);
}

bool is_slow(const char *accel)
{
	return strcmp(accel, "kvm") && strcmp(accel, "host");
}

/* Where the caches are: a kernel or a tool may come from there, through a symlink. */
static char *cache_dir(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg && *xdg)
		return fmt("%s/skb-meta", xdg);
	return fmt("%s/.cache/skb-meta", home && *home ? home : "/root");
}

static void put_env(FILE *f, const char *spec)
{
	size_t len = strcspn(spec, "=");
	char *name = strndup(spec, len);
	const char *val = spec[len] ? spec + len + 1 : getenv(name);

	if (val)
		order(f, "env=%s=%s", name, val);
	free(name);
}

static void put_orders(FILE *f, const char *accel)
{
	static const char * const pass[] = {
		"TERM", "LANG", "NO_COLOR", "V", "T", "VARIANT", "DEBUG", "RESULTS_COMMAND",
	};
	const char *path = getenv("PATH");
	char cwd[PATH_MAX], real[PATH_MAX];
	struct winsize w;
	char **arg;

	if (!getcwd(cwd, sizeof(cwd)))
		quit(VM_USAGE, "the current folder is gone: %s", strerror(errno));

	order(f, "mode=%s", opt.shell ? "shell" : "run");
	order(f, "cwd=%s", cwd);
	order(f, "keep=%s", cwd);
	order(f, "keep=%s", cache_dir());
	order(f, "keep=%s", opt.self);
	if (realpath(opt.kernel, real))
		order(f, "keep=%s", real);
	for (int i = 0; i < opt.shares.nr; i++)
		order(f, "share=%s", opt.shares.v[i]);

	/* a user's PATH often lacks what root in the guest needs: ip, bpftool, tc */
	order(f, "env=PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	      path && *path ? path : "/usr/bin");
	order(f, "env=HOME=/run/home");
	order(f, "env=VM_ACCEL=%s", accel);
	order(f, "env=VM_SCALE=%d", is_slow(accel) ? SLOW : 1);
	for (size_t i = 0; i < sizeof(pass) / sizeof(pass[0]); i++)
		put_env(f, pass[i]);
	for (int i = 0; i < opt.env.nr; i++)
		put_env(f, opt.env.v[i]);

	if (opt.shell) {
		if (!ioctl(0, TIOCGWINSZ, &w) && w.ws_row && w.ws_col)
			order(f, "window=%hux%hu", w.ws_row, w.ws_col);
		order(f, "env=PS1=[%s] \\w # ", basename(strdup(opt.kernel)));
	}
	for (arg = opt.cmd; *arg; arg++)
		order(f, "arg=%s", *arg);
}

void make_initramfs(const char *path, const char *accel, bool probe)
{
	char *init_path = fmt("%s/init", opt.self), *conf;
	size_t size, conf_size;
	FILE *f, *m;
	char *init;

	init = read_file(init_path, &size);
	m = open_memstream(&conf, &conf_size);
	if (probe)
		order(m, "mode=probe");
	else
		put_orders(m, accel);
	fclose(m);

	f = fopen(path, "we");
	if (!f)
		quit(VM_USAGE, "%s: %s", path, strerror(errno));
	member(f, "dev", S_IFDIR | 0755, NULL, 0);
	member(f, "root", S_IFDIR | 0755, NULL, 0);
	member(f, "conf", S_IFREG | 0444, conf, conf_size);
	member(f, "init", S_IFREG | 0755, init, size);
	member(f, "TRAILER!!!", 0, NULL, 0);
	if (ferror(f) | fclose(f))
		quit(VM_USAGE, "%s: %s", path, strerror(errno));
	free(conf);
	free(init);
	free(init_path);
}

/* ---- QEMU ---- */

/* In a QEMU option a comma is written twice. */
static char *comma(const char *s)
{
	char *out = malloc(2 * strlen(s) + 1), *p = out;

	for (; *s; s++) {
		*p++ = *s;
		if (*s == ',')
			*p++ = ',';
	}
	*p = '\0';
	return out;
}

static void share(struct argv *q, const char *tag, const char *dir, const char *more)
{
	add(q, "-fsdev");
	add(q, fmt("local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag, comma(dir),
		   more));
	add(q, "-device");
	add(q, fmt("virtio-9p-pci,fsdev=%s,mount_tag=%s", tag, tag));
}

static void add_all(struct argv *q, const char * const *words)
{
	for (; *words; words++)
		add(q, (char *)*words);
}

void qemu_line(struct argv *q, const char *accel, const char *base, bool probe)
{
	static const char * const machine[] = {
		QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "q35,usb=off,smbus=off,sata=off,vmport=off", NULL,
	};
	static const char * const kvm[] = { "-accel", "kvm", "-cpu", "host", NULL };
	/*
	 * One thread, also for several CPUs. With a thread each, guests died at random (2 in
	 * about 110 boots), one seen to die of an int3 in a static branch that the other
	 * CPU had just patched: a stale translation, it seems. And one thread is faster:
	 * no need for atomic instructions.
	 */
	static const char * const tcg[] = {
		"-accel", "tcg,thread=single", "-cpu", "max", NULL
	};
	/* counts instructions: one CPU, and time is what the instructions make it */
	static const char * const icount[] = {
		"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max",
		NULL
	};
	bool counting = !strcmp(accel, "icount");
	int smp = !strcmp(accel, "kvm") && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;

	add_all(q, machine);
	add_all(q, !strcmp(accel, "kvm") ? kvm : counting ? icount : tcg);
	add(q, "-smp");
	add(q, fmt("%d", counting ? 1 : opt.smp ? opt.smp : smp));
	add(q, "-m");
	add(q, fmt("%d", opt.mem));
	add(q, "-kernel");
	add(q, fmt("%s/bzImage", opt.kernel));
	add(q, "-initrd");
	add(q, fmt("%s.cpio", base));
	add(q, "-append");
	/* no_timer_check: on a busy host the emulated timer comes late, and the check panics */
	add(q, fmt("console=ttyS0 panic=-1 oops=panic reboot=t nokaslr tsc=reliable "
		   "no_timer_check printk.devkmsg=on loglevel=7 cryptomgr.notests%s%s%s",
		   counting ? " clocksource=tsc" : "", *opt.append ? " " : "",
		   opt.append));
	add(q, "-chardev");
	add(q, fmt("file,id=console,path=%s.console", comma(base)));
	add(q, "-serial");
	add(q, "chardev:console");
	add(q, "-device");
	add(q, "virtio-serial-pci");
	if (opt.shell && !probe) {
		add(q, "-chardev");
		add(q, "stdio,id=terminal,mux=on,signal=off");
		add(q, "-device");
		add(q, "virtconsole,chardev=terminal");
		add(q, "-chardev");
		add(q, fmt("file,id=verdict,path=%s.ktap", comma(base)));
	} else {
		add(q, "-chardev");
		add(q, "stdio,id=verdict,signal=off");
	}
	add(q, "-device");
	add(q, "virtserialport,chardev=verdict,nr=1,name=verdict");
	if (probe)
		return;
	share(q, "root", "/", ",readonly=on");
	/* QEMU passes what one sends to the other; no file for booting from them is needed */
	for (int i = 0; i < 2 && opt.wire; i++) {
		add(q, "-netdev");
		add(q, fmt("hubport,id=wire%d,hubid=0", i));
		add(q, "-device");
		add(q, fmt("virtio-net-pci,netdev=wire%d,romfile=", i));
	}
	for (int i = 0; i < opt.shares.nr; i++)
		share(q, fmt("share%d", i), opt.shares.v[i], "");
}

void show_line(const struct argv *q)
{
	for (int i = 0; i < q->nr; i++) {
		bool plain = *q->v[i] && !strpbrk(q->v[i], " \t\n\"'\\$`*?[]();&|<>#~!");

		/* one option a line */
		fprintf(stderr, "%s", !i ? "" : *q->v[i] == '-' ? " \\\n\t" : " ");
		if (plain) {
			fputs(q->v[i], stderr);
			continue;
		}
		fputc('\'', stderr);
		for (const char *s = q->v[i]; *s; s++) {
			if (*s == '\'')
				fputs("'\\''", stderr);
			else
				fputc(*s, stderr);
		}
		fputc('\'', stderr);
	}
	fputc('\n', stderr);
}

pid_t spawn(char **argv, int in, int out, int err)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		quit(VM_NO_QEMU, "fork: %s", strerror(errno));
	if (pid)
		return pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* Ctrl-C is ours to handle; but the shell's terminal belongs to the foreground */
	if (in >= 0) {
		setpgid(0, 0);
		dup2(in, 0);
		dup2(out, 1);
	}
	if (err >= 0)
		dup2(err, 2);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

void reap(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);	/* it may not have its process group yet */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Does this kernel, under KVM, get as far as PID 1? */
static bool probe_kvm(void)
{
	char *base = fmt("%s/probe.%d", opt.out, getpid());
	struct argv q = { .nr = 0 };
	double end = now() + PROBE_LIMIT;
	bool alive = false;
	char buf[64];
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		quit(VM_NO_QEMU, "socketpair: %s", strerror(errno));
	make_initramfs(fmt("%s.cpio", base), "kvm", true);
	qemu_line(&q, "kvm", base, true);
	pid = spawn(q.v, sv[1], sv[1], open("/dev/null", O_WRONLY | O_CLOEXEC));
	close(sv[1]);

	while (!alive && !got_signal && now() < end) {
		struct pollfd p = { sv[0], POLLIN, 0 };

		if (poll(&p, 1, (end - now()) * 1000 + 1) <= 0)
			continue;
		if (read(sv[0], buf, sizeof(buf)) <= 0)
			break;
		alive = true;
	}
	reap(pid);
	close(sv[0]);
	unlink(fmt("%s.cpio", base));
	unlink(fmt("%s.console", base));
	if (got_signal)
		exit(128 + got_signal);
	return alive;
}

/*
 * The answer holds for one kernel image on one boot of one machine. FNV-1a: it only
 * has to tell kernels apart.
 */
static char *probe_key(void)
{
	uint64_t h = 0xcbf29ce484222325;
	char *path = fmt("%s/bzImage", opt.kernel), *image, id[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	size_t size;

	image = read_file(path, &size);
	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)image[i]) * 0x100000001b3;
	free(image);
	free(path);
	if (f) {
		if (fgets(id, sizeof(id), f))
			id[strcspn(id, "-\n")] = '\0';
		fclose(f);
	}
	return fmt("%016llx-%s", (unsigned long long)h, id);
}

const char *pick_accel(void)
{
	char *dir, *file, *part, answer[8] = "";
	FILE *f;
	bool ok;

	if (strcmp(opt.accel, "auto"))
		return opt.accel;
	if (access("/dev/kvm", R_OK | W_OK))
		return "tcg";

	mkdir(dirname(cache_dir()), 0755);
	mkdir(cache_dir(), 0755);
	dir = fmt("%s/accel", cache_dir());
	mkdir(dir, 0755);
	file = fmt("%s/%s", dir, probe_key());
	f = fopen(file, "re");
	if (f) {
		if (!fgets(answer, sizeof(answer), f))
			*answer = '\0';
		fclose(f);
		answer[strcspn(answer, "\n")] = '\0';
	}
	if (!strcmp(answer, "kvm"))
		return "kvm";
	if (!strcmp(answer, "tcg"))
		return "tcg";

	ok = probe_kvm();
	fprintf(stderr, ok ? "vm: KVM works with this kernel\n" :
		"vm: /dev/kvm is there, but this kernel does not get to PID 1 under it in %d s: using TCG (ACCEL=kvm insists)\n",
		PROBE_LIMIT);
	part = fmt("%s.%d", file, getpid());
	f = fopen(part, "we");
	if (f) {
		fputs(ok ? "kvm\n" : "tcg\n", f);
		fclose(f);
		rename(part, file);
	}
	return ok ? "kvm" : "tcg";
}


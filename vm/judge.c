// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>

#include "judge.h"

#define TAIL		30	/* console lines shown when something is wrong */
#define BLOCK		30	/* lines shown of a splat */
#define BLOCK_MAX	150	/* where a splat is over that does not say so */
#define SPLATS		3	/* splats shown */

/*
 * What the kernel prints when it found something wrong with itself. Lockdep, RCU and
 * KASAN reports begin with WARNING: or BUG: too; they are named for the reader.
 * '^': at the beginning of the message only.
 */
static const char * const deny[] = {
	"WARNING:",			/* WARN*(), lockdep, suspicious RCU usage */
	"BUG:",				/* BUG(), page faults, soft lockup, KASAN, KCSAN, KFENCE */
	"^BUG ",			/* slub: "BUG kmalloc-64 (Not tainted): ..." */
	"kernel BUG at",
	"Oops:",
	"Kernel panic",
	"^general protection",
	"Unable to handle kernel",
	"KASAN:",
	"KCSAN:",
	"KFENCE:",
	"KMSAN:",
	"UBSAN:",
	"possible circular locking dependency",
	"possible recursive locking",
	"inconsistent lock state",
	"suspicious RCU usage",
	"DEBUG_LOCKS_WARN_ON",
	"INFO: trying to register non-static key",
	"sleeping function called from invalid context",
	"scheduling while atomic",
	"refcount_t:",
	"list_add corruption",
	"list_del corruption",
	"skb_over_panic",
	"skb_under_panic",
	"blocked for more than",	/* hung task */
	"hard LOCKUP",
	"soft lockup",
	"detected stall",		/* rcu: INFO: rcu_preempt detected stalls */
	"detected expedited stall",
	"self-detected stall",
	"unregister_netdevice: waiting for",
	"stalled pool shutdown",	/* page_pool: pages never came back */
	"ref_tracker:",
	"new suspected memory leak",	/* kmemleak */
};

/* Counts only where nothing above explains it. */
static const char last_resort[] = "Call Trace:";

static struct allowed {
	regex_t re;
	struct allowed *next;
} *allowed;

int judge_allow(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], err[128];
	int nr = 0, rc = 0;

	if (!f) {
		fprintf(stderr, "vmrun: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (!rc && fgets(line, sizeof(line), f)) {
		struct allowed *a;
		char *hash;

		nr++;
		if (line[strspn(line, " \t\n")] == '\0' || *line == '#')
			continue;
		hash = strstr(line, " # ");
		if (!hash || !hash[3 + strspn(hash + 3, " \t\n")]) {
			fprintf(stderr, "vmrun: %s:%d: no reason given (pattern # reason)\n",
				path, nr);
			rc = -1;
			break;
		}
		while (hash > line && isspace((unsigned char)hash[-1]))
			hash--;
		*hash = '\0';
		a = malloc(sizeof(*a));
		rc = a ? regcomp(&a->re, line, REG_EXTENDED | REG_NOSUB) : REG_ESPACE;
		if (rc) {
			regerror(rc, NULL, err, sizeof(err));
			fprintf(stderr, "vmrun: %s:%d: %s: %s\n", path, nr, line, err);
			rc = -1;
			break;
		}
		a->next = allowed;
		allowed = a;
	}
	fclose(f);
	return rc;
}

static bool is_allowed(const char *msg)
{
	for (const struct allowed *a = allowed; a; a = a->next)
		if (!regexec(&a->re, msg, 0, NULL, 0))
			return true;
	return false;
}

static bool is_denied(const char *msg)
{
	for (size_t i = 0; i < sizeof(deny) / sizeof(deny[0]); i++)
		if (*deny[i] == '^' ? !strncmp(msg, deny[i] + 1, strlen(deny[i] + 1)) :
				      !!strstr(msg, deny[i]))
			return true;
	return false;
}

struct lines {
	char **line;
	size_t nr;
};

/* The file's lines without line ends. Terminal junk of a BIOS is not of interest. */
static struct lines read_lines(const char *path)
{
	struct lines l = { NULL, 0 };
	FILE *f = fopen(path, "re");
	size_t size = 0, room = 0;
	char *line = NULL;
	ssize_t n;

	while (f && (n = getline(&line, &size, f)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		for (ssize_t i = 0; i < n; i++)
			if (iscntrl((unsigned char)line[i]) && line[i] != '\t')
				line[i] = '?';
		if (l.nr == room) {
			room = room ? 2 * room : 1024;
			l.line = realloc(l.line, room * sizeof(*l.line));
			if (!l.line)
				abort();
		}
		l.line[l.nr++] = strdup(line);
	}
	free(line);
	if (f)
		fclose(f);
	return l;
}

static void free_lines(struct lines *l)
{
	while (l->nr)
		free(l->line[--l->nr]);
	free(l->line);
}

/* Behind "[   12.345678] " and "[   T42] ", where the kernel prints them. */
static const char *message(const char *line)
{
	while (*line == '[') {
		size_t n = strcspn(line, "]");

		if (!line[n] || strspn(line + 1, " .0123456789TC") != n - 1)
			break;
		line += n + 1;
		line += *line == ' ';
	}
	return line;
}

static void show(const struct lines *l, size_t from, size_t to)
{
	for (; from < to && from < l->nr; from++)
		printf("  | %s\n", l->line[from]);
}

/* Where the splat that begins at line i is over. */
static size_t block_end(const struct lines *l, size_t i)
{
	size_t end;

	for (end = i + 1; end < l->nr && end < i + BLOCK_MAX; end++)
		if (strstr(l->line[end], "---[ end "))
			return end + 1;
	return end;
}

static unsigned int splats(const struct lines *l, const char *name, bool quiet, size_t *shown)
{
	size_t quiet_until = 0, shown_until = 0;
	unsigned int nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const char *msg = message(l->line[i]);
		bool sure = is_denied(msg);

		/* user space's own words, passed on by init, are not the kernel's */
		if (!strncmp(msg, "vm: ", 4))
			continue;
		if (!sure && !(strstr(msg, last_resort) && i >= quiet_until))
			continue;
		quiet_until = block_end(l, i);
		if (is_allowed(msg))
			continue;
		nr++;
		/* several lines of one report are one splat to the reader */
		if (i < shown_until || quiet)
			continue;
		if (nr <= SPLATS) {
			size_t to = quiet_until < i + BLOCK ? quiet_until : i + BLOCK;

			printf("vm: %s: splat in the kernel log:\n", name);
			show(l, i, to);
			shown_until = quiet_until;
			*shown = to;
		}
	}
	return nr;
}

static bool contains(const struct lines *l, const char *what)
{
	for (size_t i = 0; i < l->nr; i++)
		if (strstr(l->line[i], what))
			return true;
	return false;
}

/* "vmrun: tcg 4.2 exited"; returns the last word or words. */
static const char *trailer(struct lines *l, struct judgement *j)
{
	const char *s;
	int n = 0;

	if (!l->nr || strncmp(l->line[l->nr - 1], VM_TRAILER, strlen(VM_TRAILER)))
		return NULL;
	s = l->line[l->nr - 1] + strlen(VM_TRAILER);
	if (sscanf(s, "%15s %lf %n", j->accel, &j->seconds, &n) < 2 || !n)
		return NULL;
	return s + n;
}

static void read_ktap(struct ktap_read *k, const char *path)
{
	struct lines l = read_lines(path);

	ktap_read_init(k);
	for (size_t i = 0; i < l.nr; i++)
		ktap_read_line(k, l.line[i]);
	ktap_read_end(k);
	free_lines(&l);
}

static void list(const char *name, const char *what, const char (*note)[288], unsigned int nr)
{
	for (unsigned int i = 0; i < nr && i < KTAP_NOTES; i++)
		printf("vm: %s: %s%s\n", name, what, note[i]);
	if (nr > KTAP_NOTES)
		printf("vm: %s: %s... and %u more\n", name, what, nr - KTAP_NOTES);
}

struct judgement judge(const char *name, const char *console, const char *ktap, bool quiet)
{
	struct lines l = read_lines(console);
	struct judgement j = { .accel = "?" };
	const char *how = trailer(&l, &j), *what = NULL;
	unsigned int nr_splats, leaves;
	size_t shown = 0, from;
	bool panic, ended_on_console;
	struct ktap_read k;
	char buf[256];

	if (how)
		l.nr--;		/* kept: how points into it */
	read_ktap(&k, ktap);
	nr_splats = splats(&l, name, quiet, &shown);
	panic = contains(&l, "Kernel panic - not syncing");
	ended_on_console = contains(&l, VM_ENDED);
	leaves = k.count[KTAP_PASS] + k.count[KTAP_FAIL] + k.count[KTAP_XFAIL];

	/* the worst first: what comes later is mostly its consequence */
	if (how && !strcmp(how, VM_INTERRUPT)) {
		j.code = VM_INTERRUPTED;
		what = "interrupted";
	} else if (how && !strcmp(how, VM_NO_START)) {
		j.code = VM_NO_QEMU;
		what = "QEMU did not start";
	} else if (panic) {
		j.code = VM_PANIC;
		what = "the kernel panicked";
	} else if (how && !strncmp(how, VM_WATCHDOG, strlen(VM_WATCHDOG))) {
		j.code = VM_HANG;
		what = how;
	} else if (!k.ended && !ended_on_console) {
		j.code = VM_DIED;
		snprintf(buf, sizeof(buf), "the guest died without a verdict (QEMU: %s)",
			 how ? how : "no record of its end");
		what = buf;
	} else if (nr_splats) {
		j.code = VM_SPLAT;
		snprintf(buf, sizeof(buf), "%u splat line%s in the kernel log", nr_splats,
			 nr_splats == 1 ? "" : "s");
		what = buf;
	} else if (!k.ended) {
		j.code = VM_TRUNCATED;
		what = "the output is cut off: the guest ended well, its exit record is missing";
	} else if (!k.bailed && k.nr_broken) {
		j.code = VM_TRUNCATED;
		what = "the output is not what was planned";
	} else if (k.bailed || k.count[KTAP_FAIL]) {
		j.code = VM_FAILED;
		what = k.bailed ? "the command bailed out" : "a test failed";
	} else if (k.status && !(k.status == KTAP_EXIT_SKIP && !leaves)) {
		j.code = VM_FAILED;
		what = "no test failed, but the command did";
	} else if (!leaves) {
		j.code = VM_SKIPPED;
	}

	if (what)
		snprintf(j.what, sizeof(j.what), "%s", what);
	if (what && !quiet) {
		printf("vm: %s: %s (exit %d)\n", name, what, j.code);
		list(name, "failed: ", (const char (*)[288])k.failed, k.nr_failed);
		if (k.has_plan || j.code == VM_TRUNCATED)
			list(name, "output: ", (const char (*)[288])k.broken, k.nr_broken);
		if (k.ended && k.status)
			printf("vm: %s: the command's exit status is %d\n", name, k.status);
		from = l.nr > TAIL ? l.nr - TAIL : 0;
		/* what came before PID 1 is of interest only when nothing came after it */
		for (size_t i = from; i + 1 < l.nr; i++)
			if (strstr(l.line[i], "Run /init as init process"))
				from = i + 1;
		if (from < shown)
			from = shown;
		if (from < l.nr && j.code != VM_SPLAT && j.code != VM_INTERRUPTED) {
			printf("vm: %s: last lines of %s:\n", name, console);
			show(&l, from, l.nr);
		}
	}

	j.passed = k.count[KTAP_PASS] + k.count[KTAP_XFAIL];
	j.xfailed = k.count[KTAP_XFAIL];
	j.skipped = k.count[KTAP_SKIP];
	j.failed = k.count[KTAP_FAIL];
	/* a run that is bad as a whole counts, even when no test of it is */
	if (!j.failed && j.code != VM_PASSED && j.code != VM_SKIPPED)
		j.failed = 1;
	if (how)
		l.nr++;
	free_lines(&l);
	return j;
}

void judge_summary(const char *name, const struct judgement *j)
{
	printf("vm: %s: %u passed, %u failed, %u skipped (%s, %.1f s", name, j->passed,
	       j->failed, j->skipped, j->accel, j->seconds);
	if (j->xfailed)
		printf(", %u expected to fail", j->xfailed);
	puts(")");
}

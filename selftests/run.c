// SPDX-License-Identifier: GPL-2.0
/*
 *	run --suite NAME --results DIR [--info info.json] PROGRAM...
 *
 * Runs test programs, each of which writes KTAP, one after the other: their results
 * are passed on as subtests, one test a program, and written down in the one form
 * results have (build/results/NAME-<variant>.jsonl), the case being "program.test".
 *
 * A program that ends early, crashes or prints no plan fails; what it planned and did
 * not run is listed as failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap_read.h"
#include "results.h"

#define INDENT	"  "

static struct results *results;

static void record(const char *prog, const char *test, enum ktap_verdict v, const char *reason)
{
	struct observation o = { .verdict = v, .reason = reason && *reason ? reason : NULL };
	char name[512];

	snprintf(name, sizeof(name), "%s%s%s", prog, test ? "." : "", test ? test : "");
	o.name = name;
	results_add(results, &o);
}

/* The program's name without path and ending. */
static void base(char *buf, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(buf, size, "%s", slash ? slash + 1 : path);
	buf[strcspn(buf, ".")] = '\0';
}

static FILE *start(const char *path, pid_t *pid)
{
	int fds[2];

	fflush(NULL);
	if (pipe2(fds, O_CLOEXEC) || (*pid = fork()) < 0) {
		perror("# run");
		exit(KTAP_EXIT_FAIL);
	}
	if (!*pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execl(path, path, (char *)NULL);
		printf("# %s: %s\n", path, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	close(fds[1]);
	return fdopen(fds[0], "re");
}

/* A line of the program; what is not KTAP becomes a diagnostic, so that it stays one. */
static void pass_on(struct ktap_read *k, const char *prog, char *line, char *reason, size_t size)
{
	enum ktap_line what = KTAP_LINE_OTHER;
	struct ktap_result_line r;
	const char *skip, *why;
	size_t n;

	line[strcspn(line, "\n")] = '\0';
	/* the exit record is not a program's to write */
	if (strncmp(line, KTAP_EXIT_RECORD, strlen(KTAP_EXIT_RECORD)))
		what = ktap_read_line(k, line);

	switch (what) {
	case KTAP_LINE_RESULT:
		ktap_parse_result(line, &r);
		why = r.verdict == KTAP_FAIL ? reason : r.reason;
		/* ktap_result() says "name: reason" */
		n = strlen(r.name);
		if (!strncmp(why, r.name, n) && why[n] == ':')
			why += n + 1 + strspn(why + n + 1, " ");
		record(prog, r.name, r.verdict, why);
		*reason = '\0';
		break;
	case KTAP_LINE_PLAN:
		skip = strcasestr(line, "# SKIP");
		if (skip)
			record(prog, NULL, KTAP_SKIP, skip + 6 + strspn(skip + 6, " "));
		*reason = '\0';
		break;
	case KTAP_LINE_PARENT:
		*reason = '\0';
		break;
	case KTAP_LINE_DIAG:
		/* the first thing said before a failure is mostly its reason */
		if (!*reason)
			snprintf(reason, size, "%s", line + strspn(line, " #"));
		break;
	default:
		/* its own header has been printed; those of its subtests are to be */
		if (!*line || !strncmp(line, "KTAP version", 12))
			return;
		if (!strncmp(line + strspn(line, " "), "KTAP version", 12))
			break;
		if (!*reason)
			snprintf(reason, size, "%s", line);
		printf(INDENT "# %s\n", line);
		fflush(stdout);
		return;
	}
	printf(INDENT "%s\n", line);
	fflush(stdout);
}

/* What was planned and did not come is said to have failed, from the inside out. */
static void fill(struct ktap_read *k, const char *prog)
{
	char line[64], why[] = "did not run: the program ended before";

	if (!k->has_plan && k->level[0].seen) {
		snprintf(line, sizeof(line), "1..%u", k->level[0].seen);
		pass_on(k, prog, line, why, sizeof(why));
	}
	for (int d = k->depth - 1; d >= 0; d--) {
		struct ktap_level *l = &k->level[d];

		while (l->has_plan && l->seen < l->plan) {
			char reason[64];

			snprintf(reason, sizeof(reason), "%s", why);
			snprintf(line, sizeof(line), "%*snot ok %u test %u did not run",
				 l->indent, "", l->seen + 1, l->seen + 1);
			pass_on(k, prog, line, reason, sizeof(reason));
		}
	}
}

static void run(struct ktap *t, const char *path)
{
	char prog[128], reason[512] = "", why[640] = "", *line = NULL;
	unsigned int early, ran;
	enum ktap_verdict v;
	struct ktap_read k;
	size_t size = 0;
	bool had_plan;
	int status;
	pid_t pid;
	FILE *f;

	base(prog, sizeof(prog), path);
	ktap_read_init(&k);
	puts(INDENT "KTAP version 1");
	f = start(path, &pid);
	while (getline(&line, &size, f) >= 0)
		pass_on(&k, prog, line, reason, sizeof(reason));
	fclose(f);
	free(line);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;

	had_plan = k.has_plan;
	early = k.nr_failed;
	fill(&k, prog);
	early = k.nr_failed - early;
	ktap_read_end(&k);
	ran = k.count[KTAP_PASS] + k.count[KTAP_XFAIL];
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);

	/* failed tests speak for themselves; the rest is to be said */
	if (status > 128)
		snprintf(why, sizeof(why), "killed by signal %d", status - 128);
	else if (early)
		snprintf(why, sizeof(why), "ended before its plan was done, status %d", status);
	else if (!had_plan)
		snprintf(why, sizeof(why), "no plan, status %d%s%s", status,
			 *reason ? ": " : "", reason);
	else if (k.nr_broken)
		snprintf(why, sizeof(why), "%s", k.broken[0]);
	else if (status && !k.nr_failed && !(status == KTAP_EXIT_SKIP && !ran))
		snprintf(why, sizeof(why), "no test failed, but the exit status is %d", status);

	v = *why || k.nr_failed ? KTAP_FAIL : ran ? KTAP_PASS : KTAP_SKIP;
	if (*why)
		record(prog, NULL, KTAP_FAIL, why);
	ktap_result(t, v, *why ? why : NULL, "%s", prog);
}

int main(int argc, char **argv)
{
	enum { SUITE = 256, RESULTS, INFO };
	static const struct option longopts[] = {
		{ "suite", required_argument, NULL, SUITE },
		{ "results", required_argument, NULL, RESULTS },
		{ "info", required_argument, NULL, INFO },
		{ NULL, 0, NULL, 0 },
	};
	const char *suite = NULL, *dir = NULL, *info = NULL;
	struct ktap t;
	int c, rc;

	while ((c = getopt_long(argc, argv, "+", longopts, NULL)) != -1) {
		switch (c) {
		case SUITE: suite = optarg; break;
		case RESULTS: dir = optarg; break;
		case INFO: info = optarg; break;
		default: return 2;
		}
	}
	if (!suite || !dir || optind == argc) {
		fputs("usage: run --suite NAME --results DIR [--info info.json] PROGRAM...\n",
		      stderr);
		return 2;
	}

	results = results_open(dir, suite, info, argc, argv);
	if (!results)
		return 1;
	ktap_start(&t, argc - optind);
	for (int i = optind; i < argc; i++)
		run(&t, argv[i]);
	rc = ktap_finish(&t);
	if (results_close(results))
		rc = 1;
	return rc;
}

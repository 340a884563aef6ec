/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes KTAP (Documentation/dev-tools/ktap.rst): header only, no globals.
 *
 *	struct ktap t;
 *
 *	ktap_start(&t, 2);
 *	ktap_diag(&t, "one line, or several; each gets its #");
 *	ktap_result(&t, KTAP_PASS, NULL, "vxlan4.udp.%d", 32);
 *	ktap_result(&t, KTAP_SKIP, "no CONFIG_MACSEC", "macsec");
 *	return ktap_finish(&t);
 *
 * Subtests: ktap_sub(&parent, &child, 3), results on the child, then one
 * result on the parent: ktap_result(&parent, ktap_verdict(&child), ...).
 *
 * Every line is flushed when it is written: the guest may die right after it,
 * and a test that forks must not write a line twice.
 */
#ifndef LIB_KTAP_H
#define LIB_KTAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum ktap_verdict {
	KTAP_PASS,
	KTAP_FAIL,
	KTAP_XFAIL,		/* fails, as its table of expectations says */
	KTAP_SKIP,
	KTAP_NR,
};

/* What a runner exits with; kselftest's numbers. */
#define KTAP_EXIT_PASS	0
#define KTAP_EXIT_FAIL	1
#define KTAP_EXIT_SKIP	4	/* nothing but skips */

struct ktap {
	FILE *out;		/* set by ktap_start(): stdout */
	int indent;
	unsigned int plan;
	unsigned int run;
	unsigned int count[KTAP_NR];
};

static inline const char *ktap_verdict_name(enum ktap_verdict v)
{
	static const char * const name[KTAP_NR] = {
		[KTAP_PASS] = "pass", [KTAP_FAIL] = "fail",
		[KTAP_XFAIL] = "xfail", [KTAP_SKIP] = "skip",
	};

	return v < KTAP_NR ? name[v] : "fail";
}

static inline void ktap_begin(struct ktap *t, FILE *out, int indent, unsigned int plan)
{
	memset(t, 0, sizeof(*t));
	t->out = out;
	t->indent = indent;
	t->plan = plan;
	fprintf(out, "%*sKTAP version 1\n%*s1..%u\n", indent, "", indent, "", plan);
	fflush(out);
}

static inline void ktap_start(struct ktap *t, unsigned int plan)
{
	ktap_begin(t, stdout, 0, plan);
}

static inline void ktap_sub(const struct ktap *parent, struct ktap *t, unsigned int plan)
{
	ktap_begin(t, parent->out, parent->indent + 2, plan);
}

/* All of it skipped: instead of ktap_start(); returns the exit status. */
static inline int ktap_skip_all(const char *reason)
{
	printf("KTAP version 1\n1..0 # SKIP %s\n", reason);
	fflush(stdout);
	return KTAP_EXIT_SKIP;
}

static inline void ktap_text(struct ktap *t, const char *s)
{
	size_t n;

	for (; *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		fprintf(t->out, "%*s# %.*s\n", t->indent, "", (int)n, s);
	}
	fflush(t->out);
}

static inline __attribute__((format(printf, 2, 3)))
void ktap_diag(struct ktap *t, const char *fmt, ...)
{
	char buf[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	ktap_text(t, buf);
}

/*
 * One result. The reason may be NULL for a pass; with a failure it is printed as
 * a diagnostic in front of the result, else behind the directive.
 * True unless the test failed.
 */
static inline __attribute__((format(printf, 4, 5)))
bool ktap_result(struct ktap *t, enum ktap_verdict v, const char *reason,
		 const char *fmt, ...)
{
	char name[512], *c;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	/* a # would begin a directive, a line break another line */
	for (c = name; *c; c++)
		if (*c == '#' || *c == '\n')
			*c = '_';

	t->run++;
	t->count[v < KTAP_NR ? v : KTAP_FAIL]++;

	if (v == KTAP_FAIL && reason)
		ktap_diag(t, "%s: %s", name, reason);
	fprintf(t->out, "%*s%s %u %s", t->indent, "",
		v == KTAP_FAIL ? "not ok" : "ok", t->run, name);
	if (v == KTAP_SKIP || v == KTAP_XFAIL)
		fprintf(t->out, " # %s%s%.*s", v == KTAP_SKIP ? "SKIP" : "XFAIL",
			reason ? " " : "", reason ? (int)strcspn(reason, "\n") : 0,
			reason ? reason : "");
	fputc('\n', t->out);
	fflush(t->out);
	return v != KTAP_FAIL;
}

/* The verdict over everything written so far, for the parent of a subtest. */
static inline enum ktap_verdict ktap_verdict(const struct ktap *t)
{
	if (t->count[KTAP_FAIL] || t->run != t->plan)
		return KTAP_FAIL;
	if (t->count[KTAP_SKIP] == t->run)
		return KTAP_SKIP;
	if (t->count[KTAP_XFAIL] + t->count[KTAP_SKIP] == t->run)
		return KTAP_XFAIL;
	return KTAP_PASS;
}

/* Prints the totals; returns the exit status of the program. */
static inline int ktap_finish(struct ktap *t)
{
	if (t->run != t->plan)
		ktap_diag(t, "planned %u tests, ran %u", t->plan, t->run);
	ktap_diag(t, "Totals: pass:%u fail:%u xfail:%u xpass:0 skip:%u error:0",
		  t->count[KTAP_PASS], t->count[KTAP_FAIL],
		  t->count[KTAP_XFAIL], t->count[KTAP_SKIP]);
	switch (ktap_verdict(t)) {
	case KTAP_FAIL:
		return KTAP_EXIT_FAIL;
	case KTAP_SKIP:
		return KTAP_EXIT_SKIP;
	default:
		return KTAP_EXIT_PASS;
	}
}

/* Gives up: whatever was planned and has not run will not. */
static inline __attribute__((format(printf, 2, 3)))
int ktap_bail_out(struct ktap *t, const char *fmt, ...)
{
	va_list ap;

	fprintf(t->out, "Bail out! ");
	va_start(ap, fmt);
	vfprintf(t->out, fmt, ap);
	va_end(ap);
	fputc('\n', t->out);
	fflush(t->out);
	return KTAP_EXIT_FAIL;
}

#endif

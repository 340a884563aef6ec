// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdlib.h>

#include "ktap_read.h"

#define note(k, list, ...) do {							\
	if ((k)->nr_##list < KTAP_NOTES)					\
		snprintf((k)->list[(k)->nr_##list], sizeof((k)->list[0]), __VA_ARGS__); \
	(k)->nr_##list++;							\
} while (0)

void ktap_read_init(struct ktap_read *k)
{
	memset(k, 0, sizeof(*k));
	k->depth = 1;
}

static const char *after(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) ? NULL : s + n;
}

static void copy(char *buf, size_t size, const char *s, size_t n)
{
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	snprintf(buf, size, "%.*s", (int)n, s);
}

/* "[not ]ok N [- ][name][ # DIRECTIVE[ reason]]" */
bool ktap_parse_result(const char *line, struct ktap_result_line *r)
{
	bool ok = true, skip, xfail;
	const char *s, *hash, *why;
	char *end;

	memset(r, 0, sizeof(*r));
	r->indent = strspn(line, " ");
	s = line + r->indent;
	if (after(s, "not ok")) {
		ok = false;
		s += 4;
	}
	s = after(s, "ok");
	if (!s || !isspace((unsigned char)*s))
		return false;
	s += strspn(s, " \t");
	/* the number is what tells a result from a sentence that begins with "ok" */
	if (!isdigit((unsigned char)*s))
		return false;
	r->number = strtoul(s, &end, 10);
	s = end + strspn(end, " \t");
	if (s[0] == '-' && s[1] == ' ')
		s += 2;

	hash = strchr(s, '#');
	copy(r->name, sizeof(r->name), s, hash ? (size_t)(hash - s) : strlen(s));
	why = hash ? hash + 1 + strspn(hash + 1, " \t") : "";
	skip = !strncasecmp(why, "SKIP", 4);
	xfail = !strncasecmp(why, "XFAIL", 5) || !strncasecmp(why, "TODO", 4);
	if (skip || xfail) {
		why += strcspn(why, " \t\n");
		why += strspn(why, " \t");
		copy(r->reason, sizeof(r->reason), why, strlen(why));
	}

	/* a skipped test did not run, so it cannot have failed: such a line is a failure */
	r->verdict = xfail ? KTAP_XFAIL : !ok ? KTAP_FAIL : skip ? KTAP_SKIP : KTAP_PASS;
	return true;
}

/* Ends the innermost list of tests and checks it. */
static void close_level(struct ktap_read *k)
{
	struct ktap_level *l = &k->level[--k->depth];
	const char *where = k->depth ? " in a list of subtests" : "";

	if (!l->has_plan)
		note(k, broken, "no plan%s", where);
	else if (l->plan != l->seen)
		note(k, broken, "planned %u test%s, got %u%s", l->plan,
		     l->plan == 1 ? "" : "s", l->seen, where);
	else if (!l->plan && !l->skipped)
		note(k, broken, "an empty plan that is no skip%s", where);

	if (k->depth) {
		l[-1].inside = true;
		l[-1].inside_failed += l->failed + l->inside_failed;
	}
}

/* The list a line belongs to, by its indent. */
static struct ktap_level *level(struct ktap_read *k, int indent)
{
	while (k->depth > 1 && k->level[k->depth - 1].indent > indent)
		close_level(k);
	if (k->level[k->depth - 1].indent < indent && k->depth < KTAP_DEPTH) {
		memset(&k->level[k->depth], 0, sizeof(k->level[0]));
		k->level[k->depth++].indent = indent;
	}
	return &k->level[k->depth - 1];
}

static void plan(struct ktap_read *k, const char *s, int indent)
{
	struct ktap_level *l = level(k, indent);
	char *end;

	if (l->has_plan) {
		note(k, broken, "a second plan: 1..%.100s", s);
		return;
	}
	l->has_plan = true;
	l->plan = strtoul(s, &end, 10);
	end += strspn(end, " \t#");
	l->skipped = !l->plan && !strncasecmp(end, "SKIP", 4);
	k->count[KTAP_SKIP] += l->skipped;
	if (l == k->level)
		k->has_plan = true;
}

/* False: it closes a list of subtests and adds nothing to what they said. */
static bool result(struct ktap_read *k, const struct ktap_result_line *r)
{
	struct ktap_level *l = level(k, r->indent);
	bool fail = r->verdict == KTAP_FAIL, counts;

	l->seen++;
	if (r->number != l->seen)
		note(k, broken, "test number %u where %u should be: %.100s",
		     r->number, l->seen, r->name);

	/* a parent counts only when it found fault with what its subtests did not see */
	counts = !l->inside || (fail && !l->inside_failed);
	if (counts)
		k->count[r->verdict]++;
	if (fail && counts)
		note(k, failed, "%s", *r->name ? r->name : "(a test without a name)");

	l->failed += fail ? 1 : l->inside_failed;
	l->inside = false;
	l->inside_failed = 0;
	return counts;
}

enum ktap_line ktap_read_line(struct ktap_read *k, const char *line)
{
	int indent = strspn(line, " ");
	const char *s = line + indent, *p;
	struct ktap_result_line r;

	p = after(line, KTAP_EXIT_RECORD);
	if (p) {
		k->ended = true;
		k->status = atoi(p);
		return KTAP_LINE_EXIT;
	}
	/* the record is the last line, or it was the command that wrote it */
	if (*s)
		k->ended = false;
	if (*s == '#')
		return KTAP_LINE_DIAG;

	p = after(s, "1..");
	if (p && isdigit((unsigned char)*p)) {
		plan(k, p, indent);
		return KTAP_LINE_PLAN;
	}
	if (after(s, "Bail out!")) {
		k->bailed = true;
		return KTAP_LINE_BAIL_OUT;
	}
	if (ktap_parse_result(line, &r))
		return result(k, &r) ? KTAP_LINE_RESULT : KTAP_LINE_PARENT;
	return KTAP_LINE_OTHER;
}

void ktap_read_end(struct ktap_read *k)
{
	while (k->depth)
		close_level(k);
}

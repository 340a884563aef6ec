// SPDX-License-Identifier: GPL-2.0
/* Reads results, strictly: a line that is not whole means that the file is not. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/results.h"
#include "read.h"

struct run runs[MAX_RUNS];
struct row *rows;
int nr_runs, nr_rows;

static struct {
	const char **at;
	size_t size, used;
} strings;

static size_t slot(const char *s)
{
	size_t h = 5381;

	for (const char *p = s; *p; p++)
		h = h * 33 + (unsigned char)*p;
	for (h %= strings.size; strings.at[h] && strcmp(strings.at[h], s); )
		h = (h + 1) % strings.size;
	return h;
}

const char *intern(const char *s)
{
	size_t h;

	if (strings.used * 2 >= strings.size) {
		const char **old = strings.at;
		size_t n = strings.size;

		strings.size = n ? n * 2 : 4096;
		strings.at = calloc(strings.size, sizeof(*strings.at));
		for (size_t i = 0; i < n; i++)
			if (old[i])
				strings.at[slot(old[i])] = old[i];
		free(old);
	}
	h = slot(s);
	if (!strings.at[h]) {
		strings.at[h] = strdup(s);
		strings.used++;
	}
	return strings.at[h];
}

/* ---- is it JSON? lib/results.c finds fields in what is, and does not ask ---- */

static const char *space(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* Each returns what is behind, or NULL. */
static const char *string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < 0x20)
			return NULL;
		if (*s == '\\' && !strchr("\"\\/bfnrtu", *++s))
			return NULL;
		if (!*s)
			return NULL;
	}
	return s + 1;
}

static const char *number(const char *s)
{
	char *end;

	if (!isdigit((unsigned char)s[*s == '-']))
		return NULL;
	strtod(s, &end);
	return end;
}

static const char *value(const char *s, int depth)
{
	static const char * const words[] = { "true", "false", "null" };
	const char close = *s == '{' ? '}' : ']';

	if (*s == '"')
		return string(s);
	if (*s != '{' && *s != '[') {
		for (size_t i = 0; i < 3; i++)
			if (!strncmp(s, words[i], strlen(words[i])))
				return s + strlen(words[i]);
		return number(s);
	}
	if (depth > 8)
		return NULL;
	s = space(s + 1);
	if (*s == close)
		return s + 1;
	for (;; s = space(s + 1)) {
		if (close == '}') {
			s = string(s);
			if (!s)
				return NULL;
			s = space(s);
			if (*s != ':')
				return NULL;
			s = space(s + 1);
		}
		s = value(s, depth + 1);
		if (!s)
			return NULL;
		s = space(s);
		if (*s != ',')
			return *s == close ? s + 1 : NULL;
	}
}

const char *json_wrong(const char *line)
{
	const char *s = space(line);

	if (*s != '{')
		return "not a JSON object";
	s = value(s, 0);
	if (!s)
		return "not JSON, or only the beginning of it";
	return *space(s) ? "something behind the JSON object" : NULL;
}

/* ---- fields ---- */

static const char *text(const char *json, const char *key)
{
	char buf[4096] = "";

	json_string(json, key, buf, sizeof(buf));
	return intern(buf);
}

static double real(const char *json, const char *key)
{
	double v;

	return json_number(json, key, &v) ? v : NAN;
}

static const char *run_line(struct run *r, const char *line)
{
	const char *json;
	double cpus;

	if (strncmp(space(line), "{\"run\"", 6))
		return "not a results file: no run line";
	json = strchr(space(line) + 1, '{');
	if (!json)
		return "not a results file: no run line";
	r->suite = text(json, "suite");
	r->variant = text(json, "variant");
	r->kernel = text(json, "kernel");
	r->base = text(json, "base");
	r->series = text(json, "series");
	r->accel = text(json, "accel");
	r->compiler = text(json, "compiler");
	r->command = text(json, "command");
	r->date = text(json, "date");
	json_bool(json, "debug", &r->debug);
	cpus = real(json, "cpus");
	r->cpus = isnan(cpus) ? 0 : cpus;
	return *r->suite && *r->variant && *r->kernel ? NULL :
	       "the run line lacks suite, variant or kernel";
}

/* The benchmark by another clock than instructions is another one: its files say which. */
static const char *clock_of(const struct run *r)
{
	return intern(strncmp(r->suite, "bench-", 6) || !strcmp(r->accel, "icount") ? "" : r->accel);
}

static const char *row_line(struct row *r, const struct run *run, const char *json)
{
	r->name = text(json, "case");
	r->verdict = text(json, "verdict");
	if (!*r->name)
		return "no field \"case\"";
	r->hook = text(json, "hook");
	r->reason = text(json, "reason");
	r->size = real(json, "size");
	r->unit = text(json, "unit");
	r->checkpoint = r->traffic = r->observed = intern("");
	r->state = r->path = r->more = intern("");
	r->value = r->floor = r->spread = r->target = r->boots = r->labelled = NAN;
	r->depth = r->hops = r->packets = NAN;
	if (!*r->unit) {
		if (!*r->verdict)
			return "no field \"verdict\"";
		r->checkpoint = text(json, "checkpoint");
		r->traffic = text(json, "traffic");
		r->observed = text(json, "observed");
		return NULL;
	}
	r->state = text(json, "state");
	r->path = text(json, "path");
	r->more = clock_of(run);
	r->value = real(json, "value");
	r->floor = real(json, "floor");
	r->spread = real(json, "spread");
	r->target = real(json, "target");
	r->boots = real(json, "boots");
	r->labelled = real(json, "labelled");
	r->depth = real(json, "depth");
	r->hops = real(json, "hops");
	r->packets = real(json, "packets");
	return NULL;
}

int read_results(const char *path, char **why)
{
	struct run r = { .file = intern(path) };
	const int first = nr_rows;
	const char *wrong = NULL;
	unsigned int nr = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (nr_runs == MAX_RUNS)
		return asprintf(why, "%s: not read, there are more than %d files", path, MAX_RUNS), -1;
	f = fopen(path, "re");
	if (!f)
		return asprintf(why, "%s: %s", path, strerror(errno)), -1;
	while (!wrong && getline(&line, &size, f) > 0) {
		wrong = json_wrong(line);
		if (wrong || !nr++) {
			nr += !!wrong;
			wrong = wrong ?: run_line(&r, line);
			continue;
		}
		if (!(nr_rows & (nr_rows - 1)))
			rows = realloc(rows, (nr_rows ? 2 * nr_rows : 1) * sizeof(*rows));
		rows[nr_rows].run = nr_runs;
		rows[nr_rows].line = nr;
		wrong = row_line(&rows[nr_rows], &r, line);
		nr_rows += !wrong;
	}
	if (!wrong && nr < 2)
		wrong = nr++ ? "no results in it" : "empty";
	free(line);
	fclose(f);
	if (wrong) {
		nr_rows = first;
		return asprintf(why, "%s:%u: %s; nothing of this file is shown", path, nr, wrong), -1;
	}
	r.rows = nr_rows - first;
	runs[nr_runs++] = r;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results as the report sees them: what was run, and the observations. Strings are stored
 * once, so that equal ones are the same pointer; a field that is not there is "" or NAN.
 */
#ifndef REPORT_READ_H
#define REPORT_READ_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_RUNS	64	/* files, and bits of a mask of them */

struct run {
	const char *file;		/* build/results/bench-movable.jsonl */
	const char *suite, *variant;
	const char *kernel, *base, *series, *accel, *compiler, *command, *date;
	bool debug;
	unsigned int cpus, rows;
};

struct row {
	int run;
	unsigned int line;
	const char *name;		/* "case" */
	const char *verdict, *reason;
	/* correctness */
	const char *checkpoint, *hook, *traffic, *observed;
	/* cost */
	const char *state, *path, *unit;
	const char *more;		/* what else the case is told apart by: the clock */
	double value, floor, spread, target, boots, labelled;
	/* both; NAN: has none */
	double size, depth, hops, packets;
};

extern struct run runs[MAX_RUNS];
extern struct row *rows;
extern int nr_runs, nr_rows;

const char *intern(const char *s);
/* Reads a file whole or not at all: -1, and *why (to be freed) names place and reason. */
int read_results(const char *path, char **why);
/* NULL: one JSON object and nothing else; or what is wrong with it. */
const char *json_wrong(const char *line);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads KTAP, line by line, strictly: what is missing is a failure.
 *
 * Counted are the leaves: a result that closes a list of subtests is their
 * parent and is not counted again. An expected failure counts as passed.
 */
#ifndef LIB_KTAP_READ_H
#define LIB_KTAP_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

#define KTAP_DEPTH	8
#define KTAP_NOTES	20

/* The record that ends a run, written by whoever ran the command. */
#define KTAP_EXIT_RECORD "# vm: exit "

struct ktap_level {
	int indent;
	bool has_plan;
	bool skipped;		/* 1..0 # SKIP */
	unsigned int plan;
	unsigned int seen;
	unsigned int failed;	/* of the results seen */
	bool inside;		/* subtests came since the last result: the next is their parent */
	unsigned int inside_failed;
};

struct ktap_read {
	unsigned int count[KTAP_NR];	/* of leaves */
	bool has_plan;			/* at the top level */
	bool bailed;
	bool ended;			/* the exit record was there, as the last line */
	int status;			/* from it */
	struct ktap_level level[KTAP_DEPTH];
	int depth;
	/* what is wrong with the output as such, and the failed tests */
	unsigned int nr_broken, nr_failed;
	char broken[KTAP_NOTES][288], failed[KTAP_NOTES][288];
};

enum ktap_line {
	KTAP_LINE_OTHER,
	KTAP_LINE_DIAG,
	KTAP_LINE_PLAN,
	KTAP_LINE_RESULT,
	KTAP_LINE_PARENT,	/* a result that only sums up its subtests */
	KTAP_LINE_BAIL_OUT,
	KTAP_LINE_EXIT,
};

/* One result line taken apart. */
struct ktap_result_line {
	int indent;
	enum ktap_verdict verdict;
	unsigned int number;
	char name[256];
	char reason[256];
};

bool ktap_parse_result(const char *line, struct ktap_result_line *r);

void ktap_read_init(struct ktap_read *k);
enum ktap_line ktap_read_line(struct ktap_read *k, const char *line);
/* After the last line: compares plans with what came. */
void ktap_read_end(struct ktap_read *k);

#endif

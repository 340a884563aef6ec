// SPDX-License-Identifier: GPL-2.0
/*
 * Prints what the testbed found, from its results and nothing else: one row a tunnel and
 * variant, one mark a checkpoint, the worst of all sizes and traffics. Exits 0 only if
 * every observation was as expected and none is missing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/results.h"
#include "checkpoints.h"

#define MAX_CASES	1024
#define MAX_HOOKS	16	/* as many traffics and sizes */
#define MAX_SHOWN	40	/* unexpected observations; the file has them all */

enum mark { ABSENT, KEPT, LOST, CORRUPT, REFUSED, UNEXPECTED, MARKS };

static const struct {
	const char *sign, *colour, *meaning;
} marks[MARKS] = {
	[ABSENT]     = { " ", "", "" },
	[KEPT]	     = { "+", "\033[32m", "kept" },
	[LOST]	     = { "-", "\033[33m", "lost" },
	[CORRUPT]    = { "X", "\033[31m", "corrupt" },
	[REFUSED]    = { "o", "\033[36m", "refused" },
	[UNEXPECTED] = { "!", "\033[1;37;41m", "not as expected" },
};

struct cell {
	enum mark mark;
	unsigned int seen;
};

struct row {
	struct cell cell[MAX_HOOKS][NR_CHECKPOINTS], point[TB_POINTS];
	bool there;
	bool failed;		/* all of it, nothing was measured */
	char *skipped;
};

/* One file: one run of one variant. */
struct run {
	const char *path;
	char name[80];		/* variant, -debug */
	char kernel[128], base[256];
	struct row *rows;	/* by case */
	unsigned int all, count[MARKS];
	unsigned int hooks;	/* a bit each: data_meta is not every variant's */
};

static char *cases[MAX_CASES], *hooks[MAX_HOOKS], *traffics[MAX_HOOKS], *sizes[MAX_HOOKS];
static FILE *complaints;	/* printed behind the matrix */
static unsigned int unexpected;
static const char *only, *variants;
static bool colour;

static int number(char **list, int max, const char *name)
{
	int i;

	for (i = 0; i < max && list[i]; i++)
		if (!strcmp(list[i], name))
			return i;
	if (i < max)
		list[i] = strdup(name);
	return i < max && list[i] ? i : -1;
}

static __attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...)
{
	va_list ap;

	if (unexpected++ >= MAX_SHOWN)
		return;
	va_start(ap, fmt);
	fputs("  ", complaints);
	vfprintf(complaints, fmt, ap);
	fputc('\n', complaints);
	va_end(ap);
}

static int broken(const char *path, unsigned int line, const char *what)
{
	fprintf(stderr, "matrix: %s:%u: %s\n", path, line, what);
	return -1;
}

/* Its cell; NULL: there is no such place, or no room for one more hook. */
static struct cell *cell_of(struct row *row, const char *cp, const char *hook)
{
	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		if (!strcmp(checkpoints[i].name, cp)) {
			int h = number(hooks, MAX_HOOKS, hook);

			return h < 0 ? NULL : &row->cell[h][i];
		}
	for (int p = 0; p < TB_POINTS; p++)
		if (!strcmp(points[p].name, cp))
			return &row->point[p];
	return NULL;
}

static int observation(struct run *r, unsigned int line, const char *json)
{
	char name[128], verdict[16], hook[32] = "", cp[64] = "", traffic[32] = "";
	char reason[512] = "", observed[16] = "", bytes[16];
	double size = 0;
	enum mark mark;
	bool failed;
	struct cell *cell;
	int c;

	if (!json_string(json, "case", name, sizeof(name)) ||
	    !json_string(json, "verdict", verdict, sizeof(verdict)))
		return broken(r->path, line, "no case or no verdict");
	json_string(json, "reason", reason, sizeof(reason));
	json_string(json, "traffic", traffic, sizeof(traffic));
	json_number(json, "size", &size);
	snprintf(bytes, sizeof(bytes), "%.0f", size);
	c = number(cases, MAX_CASES, name);
	if (c < 0)
		return broken(r->path, line, "too many cases");
	r->rows[c].there = true;
	if (!strcmp(verdict, "skip")) {
		r->rows[c].skipped = strdup(reason);
		return 0;
	}
	failed = !strcmp(verdict, "fail");

	if (!json_string(json, "checkpoint", cp, sizeof(cp))) {
		/* about a test as a whole, or a case: nothing but a failure is written down */
		if (*traffic)
			complain("%s %s, %s, %s bytes: %s", r->name, name, traffic, bytes, reason);
		else
			complain("%s %s: %s", r->name, name, reason);
		r->rows[c].failed |= !*traffic;
		return 0;
	}
	json_string(json, "hook", hook, sizeof(hook));
	json_string(json, "observed", observed, sizeof(observed));
	cell = cell_of(&r->rows[c], cp, hook);
	if (!cell || number(traffics, MAX_HOOKS, traffic) < 0 ||
	    number(sizes, MAX_HOOKS, bytes) < 0)
		return broken(r->path, line, "no such checkpoint, or too many hooks, traffics or sizes");
	for (mark = KEPT; mark < UNEXPECTED && strcmp(observed, marks[mark].meaning); mark++)
		;
	for (int h = 0; h < MAX_HOOKS && hooks[h]; h++)
		r->hooks |= !strcmp(hooks[h], hook) ? 1u << h : 0;
	r->all++;
	r->count[mark]++;
	if (failed) {
		complain("%s %s, %s, %s bytes, %s (%s): %s", r->name, name, traffic, bytes, cp,
			 hook, reason);
		mark = UNEXPECTED;
	}
	cell->seen++;
	if (cell->mark < mark)
		cell->mark = mark;
	return 0;
}

static int read_run(struct run *r, const char *path)
{
	static const char head[] = "{\"run\": ";
	unsigned int nr = 0;
	size_t size = 0;
	char *line = NULL;
	bool debug = false;
	int err = 0;
	FILE *f;

	r->path = path;
	r->rows = calloc(MAX_CASES, sizeof(*r->rows));
	f = fopen(path, "r");
	if (!f || !r->rows) {
		fprintf(stderr, "matrix: %s: %s; did its run end early?\n", path,
			strerror(errno));
		return -1;
	}
	while (!err && getline(&line, &size, f) > 0) {
		if (nr++) {
			err = observation(r, nr, line);
			continue;
		}
		if (strncmp(line, head, strlen(head)) ||
		    !json_string(line + strlen(head), "variant", r->name, 64)) {
			err = broken(path, nr, "not a results file: no run line");
			break;
		}
		json_bool(line + strlen(head), "debug", &debug);
		if (debug)
			strcat(r->name, "-debug");
		json_string(line + strlen(head), "kernel", r->kernel, sizeof(r->kernel));
		json_string(line + strlen(head), "base", r->base, sizeof(r->base));
	}
	if (!err && nr < 2)
		err = broken(path, nr, "no results in it");
	free(line);
	fclose(f);
	return err;
}

/* mask: of the hooks of a run, which it need not have; 0: all have it. */
static void check_cell(struct run *runs, int nr, int c, const char *cp, const char *hook,
		       unsigned int mask)
{
	unsigned int most = 0;

	for (int r = 0; r < nr; r++)
		if (most < cell_of(&runs[r].rows[c], cp, hook)->seen)
			most = cell_of(&runs[r].rows[c], cp, hook)->seen;
	for (int r = 0; r < nr; r++) {
		struct row *row = &runs[r].rows[c];
		struct cell *cell = cell_of(row, cp, hook);

		if (cell->seen == most || row->skipped || row->failed || !row->there ||
		    (mask && !(runs[r].hooks & mask)))
			continue;
		complain("%s %s %s (%s): %u results, other variants have %u", runs[r].name,
			 cases[c], cp, hook, cell->seen, most);
		cell->mark = UNEXPECTED;
	}
}

/* Every case asked for, and the same cells in all runs: a hole is a failure. */
static void check_complete(struct run *runs, int nr, const char *wanted)
{
	for (; wanted && *wanted; wanted += strcspn(wanted, ", \n")) {
		char name[128];
		int c, len;

		wanted += strspn(wanted, ", \n");
		len = strcspn(wanted, ", \n");
		if (!len)
			break;
		snprintf(name, sizeof(name), "%.*s", len, wanted);
		c = number(cases, MAX_CASES, name);
		for (int r = 0; r < nr && c >= 0; r++)
			if (!runs[r].rows[c].there)
				complain("%s %s: no result", runs[r].name, name);
	}
	for (int c = 0; c < MAX_CASES && cases[c]; c++) {
		for (int h = 0; h < MAX_HOOKS && hooks[h]; h++)
			for (size_t i = 0; i < NR_CHECKPOINTS; i++)
				check_cell(runs, nr, c, checkpoints[i].name, hooks[h], 1u << h);
		for (int p = 0; p < TB_POINTS; p++)
			check_cell(runs, nr, c, points[p].name, points[p].hook, 0);
	}
}

static void put_mark(enum mark m)
{
	if (colour && m)
		printf(" %s%s\033[0m", marks[m].colour, marks[m].sign);
	else
		printf(" %s", marks[m].sign);
}

/* Is it in the list? All are, if there is none. */
static bool listed(const char *list, const char *name)
{
	const char *w = list ?: "";
	size_t len = strlen(name);

	w += strspn(w, " ");
	if (!*w)
		return true;
	for (; *w; w += strcspn(w, " "), w += strspn(w, " "))
		if (strcspn(w, " ") == len && !strncmp(w, name, len))
			return true;
	return false;
}

/* Every row, unless --only or --variants names some; the sums are of all in any case. */
static bool shown(const struct run *r, const char *name)
{
	return listed(only, name) && listed(variants, r->name);
}

static bool has_points(const struct row *row)
{
	for (int p = 0; p < TB_POINTS; p++)
		if (row->point[p].mark)
			return true;
	return false;
}

/* The cases that were looked at elsewhere, too; a column for each place. */
static void print_points(struct run *runs, int nr, int width, int vwidth)
{
	bool head = false;
	int named = -1;

	for (int c = 0; c < MAX_CASES && cases[c]; c++)
		for (int r = 0; r < nr; r++) {
			struct row *row = &runs[r].rows[c];

			if (!has_points(row) || !shown(&runs[r], cases[c]))
				continue;
			if (!head) {
				printf("\n%-*s  %-*s ", width, "other hooks", vwidth, "");
				for (int p = 0; p < TB_POINTS; p++)
					printf(" %c", 'a' + p);
				printf("\n");
			}
			head = true;
			printf("%-*s  %-*s ", width, named == c ? "" : cases[c], vwidth, runs[r].name);
			named = c;
			for (int p = 0; p < TB_POINTS; p++)
				put_mark(row->point[p].mark);
			printf("\n");
		}
	if (!head)
		return;
	printf("\n");
	for (int p = 0; p < TB_POINTS; p++) {
		char what[64];

		snprintf(what, sizeof(what), "%s (%s)", points[p].name, points[p].hook);
		printf("%s%c %-30s%s", p % 3 ? "" : "  ", 'a' + p, what,
		       p % 3 == 2 || p + 1 == TB_POINTS ? "\n" : "");
	}
}

static void print(struct run *runs, int nr)
{
	int width = 11, vwidth = 8, named = -1;

	for (int c = 0; c < MAX_CASES && cases[c]; c++)
		if (width < (int)strlen(cases[c]))
			width = strlen(cases[c]);
	for (int r = 0; r < nr; r++)
		if (vwidth < (int)strlen(runs[r].name))
			vwidth = strlen(runs[r].name);

	printf("Metadata of");
	for (int i = 0; i < MAX_HOOKS && sizes[i]; i++)
		printf("%s %s", i ? "," : "", sizes[i]);
	printf(" bytes;");
	for (int i = 0; i < MAX_HOOKS && traffics[i]; i++)
		printf("%s %s", i ? "," : "", traffics[i]);
	printf("; at each checkpoint the worst of all.\n\n");

	printf("%*s", width + 2 + vwidth + 1, "");
	for (int h = 0; h < MAX_HOOKS && hooks[h]; h++)
		printf(" %-*s", 2 * (int)NR_CHECKPOINTS + 1, hooks[h]);
	printf("\n%-*s  %-*s", width, "tunnel", vwidth, "variant");
	for (int h = 0; h < MAX_HOOKS && hooks[h]; h++) {
		printf(" ");
		for (size_t i = 0; i < NR_CHECKPOINTS; i++)
			printf(" %zu", i + 1);
		printf(" ");
	}
	printf("\n");
	for (int c = 0; c < MAX_CASES && cases[c]; c++)
		for (int r = 0; r < nr; r++) {
			struct row *row = &runs[r].rows[c];

			if (!shown(&runs[r], cases[c]))
				continue;
			printf("%-*s  %-*s", width, named == c ? "" : cases[c], vwidth, runs[r].name);
			named = c;
			for (int h = 0; h < MAX_HOOKS && hooks[h] && row->there &&
			     !row->skipped && !row->failed; h++) {
				printf(" ");
				for (size_t i = 0; i < NR_CHECKPOINTS; i++)
					put_mark(row->cell[h][i].mark);
				printf(" ");
			}
			if (row->skipped)
				printf("  skipped: %s", row->skipped);
			else if (!row->there || row->failed)
				printf("  no result");
			printf("\n");
		}

	printf("\n");
	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		printf("%s%zu %-20s%s", i % 3 ? "" : "  ", i + 1, checkpoints[i].name,
		       i % 3 == 2 || i + 1 == NR_CHECKPOINTS ? "\n" : "");
	print_points(runs, nr, width, vwidth);
	for (enum mark m = KEPT; m < MARKS; m++) {
		printf(m == KEPT ? " " : "  ");
		put_mark(m);
		printf(" %s", marks[m].meaning);
	}
	printf("\n\n");
	for (int r = 0; r < nr; r++)
		printf("%-*s  %u cells: %u kept, %u lost, %u corrupt, %u refused%s%.0u%s  (%s; %s)\n",
		       vwidth, runs[r].name, runs[r].all, runs[r].count[KEPT], runs[r].count[LOST],
		       runs[r].count[CORRUPT], runs[r].count[REFUSED], runs[r].count[UNEXPECTED] ? ", " : "",
		       runs[r].count[UNEXPECTED], runs[r].count[UNEXPECTED] ? " missed" : "",
		       runs[r].kernel, runs[r].base);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cases", required_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "variants", required_argument, NULL, 'v' },
		{ }
	};
	const char *wanted = NULL;
	struct run *runs;
	int opt, nr = 0, unread = 0;
	char *text;
	size_t len;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c')
			wanted = optarg;
		else if (opt == 'o')
			only = optarg;
		else if (opt == 'v')
			variants = optarg;
		else
			goto usage;
	}
	if (optind == argc)
		goto usage;

	colour = isatty(1) && !getenv("NO_COLOR");
	runs = calloc(argc, sizeof(*runs));
	complaints = open_memstream(&text, &len);
	if (!runs || !complaints)
		return 1;
	for (int i = optind; i < argc; i++) {
		/* what there is of the others is shown all the same */
		if (read_run(&runs[nr], argv[i]))
			unread++;
		else
			nr++;
	}
	if (!nr)
		return 1;
	check_complete(runs, nr, wanted);
	print(runs, nr);
	if (unread)
		printf("%d results are missing or not to be read.\n", unread);
	if (!unexpected && !unread) {
		printf("Every observation is as expected.\n");
		return 0;
	}
	fclose(complaints);
	if (unexpected)
		printf("%u observations are NOT as expected:\n%s", unexpected, text);
	if (unexpected > MAX_SHOWN)
		printf("  and %u more, see the results\n", unexpected - MAX_SHOWN);
	return 1;

usage:
	fputs("usage: matrix [--cases A,B] [--only 'A B'] [--variants 'A B'] RESULTS.jsonl...\n"
	      "  --cases A,B       those that have to be there\n"
	      "  --only 'A B'      those to show\n"
	      "  --variants 'A B'  those to show in rows; the sums are of all\n", stderr);
	return 2;
}

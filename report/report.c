// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the report, or the tables of a cover letter, from results and nothing else. What is
 * not there is said to be missing, with the make target that makes it.
 *
 * Exit status: 0 nothing is missing, 1 something is, 2 it could not be made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define SHOWN	40	/* of a list; the results have all of it */

const char *variants[MAX_VARIANTS];
int nr_variants;

/* Without these of each variant a report is not complete; make trilogy has tests of each, too. */
static const struct {
	const char *suite, *target, *or;
} needed[] = {
	{ "testbed",   "matrix", NULL },
	{ "selftests", "test",   "trilogy" },
	{ "bench",     "bench",  NULL },
};

#define NR_NEEDED (sizeof(needed) / sizeof(needed[0]))

static struct {
	char *what, *how;
} *holes;

static int nr_holes;

void missing(const char *target, const char *variant, const char *fmt, ...)
{
	char *what, *how = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (target && asprintf(&how, "make %s%s%s", target, variant ? " VARIANT=" : "",
			       variant ?: "") < 0)
		abort();
	holes = realloc(holes, (nr_holes + 1) * sizeof(*holes));
	holes[nr_holes].what = what;
	holes[nr_holes++].how = how;
}

int find_variant(const char *name)
{
	for (int v = 0; v < nr_variants; v++)
		if (!strcmp(variants[v], name))
			return v;
	return -1;
}

int variant_of(const struct row *r)
{
	static int of[MAX_RUNS];	/* + 1 */

	if (!of[r->run])
		of[r->run] = 1 + (runs[r->run].debug ? -1 : find_variant(runs[r->run].variant));
	return of[r->run] - 1;
}

int find_run(const char *suite, const char *variant)
{
	for (int i = 0; i < nr_runs; i++)
		if (!runs[i].debug && !strcmp(runs[i].suite, suite) && !strcmp(runs[i].variant, variant))
			return i;
	return -1;
}

run_mask runs_of(const char *suite)
{
	run_mask m = 0;

	for (int i = 0; i < nr_runs; i++)
		if (!runs[i].debug && !strcmp(runs[i].suite, suite) && find_variant(runs[i].variant) >= 0)
			m |= 1ull << i;
	return m;
}

/* ---- reading, and what there is to complain of ---- */

/* No page needs the same suite twice of one kernel, nor one that is not asked for. */
static void read_all(const char *dir)
{
	char *pattern, *why;
	glob_t g = { 0 };

	if (asprintf(&pattern, "%s/*.jsonl", dir) < 0)
		abort();
	glob(pattern, 0, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (read_results(g.gl_pathv[i], &why))
			missing(NULL, NULL, "%s", why);
	globfree(&g);
}

static void check_needed(const char *dir)
{
	for (int v = 0; v < nr_variants; v++)
		for (size_t n = 0; n < NR_NEEDED; n++) {
			char path[4096], part[4104];
			FILE *f;

			if (find_run(needed[n].suite, variants[v]) >= 0 ||
			    (needed[n].or && find_run(needed[n].or, variants[v]) >= 0))
				continue;
			snprintf(path, sizeof(path), "%s/%s-%s.jsonl", dir, needed[n].suite, variants[v]);
			snprintf(part, sizeof(part), "%s.part", path);
			f = fopen(part, "re");
			if (f)
				fclose(f);
			missing(needed[n].target, variants[v], "`%s`%s", path,
				f ? ": its last run did not get to its end" : "");
		}
}

static const char *target_of(const char *suite)
{
	static const char * const named[] = { "nested", "examples", "regress", "bench", "size",
					      "trilogy" };

	for (size_t n = 0; n < NR_NEEDED; n++)
		if (!strcmp(needed[n].suite, suite))
			return needed[n].target;
	for (size_t n = 0; n < sizeof(named) / sizeof(named[0]); n++)
		if (!strncmp(named[n], suite, strlen(named[n])))
			return named[n];
	return "test";
}

/* The harness' own tests and times are of the machine, and of no kernel of ours. */
static bool of_machine(const struct run *r)
{
	return !strncmp(r->suite, "harness", 7) || !strcmp(r->suite, "bench-harness");
}

/* Figures of two kernels are not to be put side by side as if they were of one. */
static void check_kernels(void)
{
	for (int i = 0; i < nr_runs; i++) {
		const struct run *r = &runs[i];
		const char *now = series_hash(r->variant), *target = target_of(r->suite);

		if (find_variant(r->variant) < 0 || of_machine(r))
			continue;
		for (int k = 0; k < i; k++) {
			const struct run *other = &runs[k];

			if (other->variant != r->variant || other->debug != r->debug ||
			    of_machine(other) ||
			    (other->kernel == r->kernel && other->series == r->series &&
			     other->base == r->base &&
			     (other->compiler == r->compiler || !*other->compiler || !*r->compiler)))
				continue;
			missing(r->debug ? NULL : target, r->variant, "`%s` and `%s` are not of one kernel: "
				"%s, series %s, %s, %s; and %s, series %s, %s, %s", other->file, r->file,
				other->kernel, other->series, other->base, other->compiler, r->kernel,
				r->series, r->base, r->compiler);
			break;
		}
		if (*now && r->series != now && !r->debug)
			missing(target, r->variant, "`%s` is of series %s (%s), `kernel-patches/%s` is %s now",
				r->file, r->series, r->date, r->variant, now);
		for (int k = 0; k < i && !r->debug; k++)
			if (!runs[k].debug && find_variant(runs[k].variant) >= 0 &&
			    runs[k].variant != r->variant && !strcmp(runs[k].suite, r->suite) &&
			    (runs[k].base != r->base || runs[k].accel != r->accel)) {
				missing(target, r->variant, "`%s` and `%s` cannot be compared: %s by %s, and "
					"%s by %s", runs[k].file, r->file, runs[k].base, runs[k].accel,
					r->base, r->accel);
				break;
			}
	}
}

/* ---- the page ---- */

static const struct section {
	const char *id, *title;
	void (*write)(struct doc *d);
} sections[];

static void trilogy(struct doc *d)
{
	static const char * const fates[] = { "kept", "lost", "corrupt" };
	static const enum mark marks[] = { KEPT, LOST, CORRUPT };
	struct table t = { 0 };
	int right, n;

	table_column(&t, "variant");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	table_cell(&t, NULL, "semantics: cases as they should be");
	for (int v = 0; v < nr_variants; v++) {
		semantics_count(v, &right, &n);
		if (n)
			table_cell(&t, NULL, "%d of %d", right, n);
		else
			table_cell(&t, "missing", "?");
	}
	for (size_t i = 0; i < 3; i++) {
		table_cell(&t, NULL, "tunnels and paths: cells %s", fates[i]);
		for (int v = 0; v < nr_variants; v++) {
			struct fates f = fates_of(v, "testbed", NULL);
			unsigned int x = f.fate[marks[i]];

			if (f.cells)
				table_cell(&t, i == 2 && x ? "bad" : NULL, "%u (%.1f %%)", x,
					   100. * x / f.cells);
			else
				table_cell(&t, "missing", "?");
		}
	}
	cost_trilogy(&t);
	sizes_trilogy(&t);
	table_cell(&t, NULL, "hash of the series");
	for (int v = 0; v < nr_variants; v++)
		table_cell(&t, NULL, "%s", *series_hash(variants[v]) ? series_hash(variants[v]) : "?");
	doc_table(d, &t, runs_of("testbed") | semantics_runs() | runs_of("bench"),
		  "Every design on the same kernel, tests and tunnels. ?: not measured.");
}

static void size_tables(struct doc *d)
{
	cost_bytes(d);
	sizes_section(d);
}

/* Verdicts of every file there is, debug kernels' too. */
static void tests(struct doc *d)
{
	static const char * const verdicts[] = { "pass", "fail", "xfail", "skip" };
	struct table t = { 0 };
	int failed = 0;

	table_column(&t, "suite");
	table_column(&t, "kernel");
	table_column(&t, "run as");
	table_column(&t, ">passed");
	table_column(&t, ">failed");
	table_column(&t, ">expected to fail");
	table_column(&t, ">skipped");
	table_column(&t, "when");
	for (int i = 0; i < nr_runs; i++) {
		int n[4] = { 0 };

		for (int k = 0; k < nr_rows; k++)
			for (int v = 0; v < 4 && rows[k].run == i; v++)
				n[v] += !strcmp(rows[k].verdict, verdicts[v]);
		table_cell(&t, NULL, "%s", runs[i].suite);
		table_cell(&t, NULL, "%s%s", runs[i].variant, runs[i].debug ? ", debug" : "");
		table_cell(&t, NULL, "%s", runs[i].accel);
		for (int v = 0; v < 4; v++)
			table_cell(&t, v == 1 && n[v] ? "bad" : NULL, "%d", n[v]);
		table_cell(&t, NULL, "%s", runs[i].date);
	}
	doc_table(d, &t, 0, "Verdicts by file of results: observations, not tests, where a test makes "
		  "several.");
	for (int k = 0; k < nr_rows; k++) {
		const struct row *r = &rows[k];

		/* those of tunnels and missed targets are listed there */
		if (strcmp(r->verdict, "fail") || *r->checkpoint || !strcmp(r->state, "target"))
			continue;
		if (!failed++) {
			doc_text(d, "Failed:");
			doc_list(d, true);
		}
		if (failed <= SHOWN)
			doc_item(d, "%s%s, %s `%s` %s: %s (`%s:%u`)", runs[r->run].variant,
				 runs[r->run].debug ? "-debug" : "", runs[r->run].suite, r->name,
				 r->state, r->reason, runs[r->run].file, r->line);
	}
	if (failed > SHOWN)
		doc_item(d, "and %d more, see the files", failed - SHOWN);
	if (failed)
		doc_list(d, false);
}

static void not_shown(struct doc *d)
{
	struct skip {
		const char *reason, *name;
		int nr, run;
	} *skips = calloc(1024, sizeof(*skips));
	bool debug = false, guest = false, one = true;
	int nr = 0;

	if (nr_holes) {
		doc_text(d, "Missing:");
		doc_list(d, true);
		for (int i = 0; i < nr_holes; i++)
			if (holes[i].how)
				doc_item(d, "%s: `%s`", holes[i].what, holes[i].how);
			else
				doc_item(d, "%s", holes[i].what);
		doc_list(d, false);
	}
	doc_text(d, "Not measured, or not by these results:");
	doc_list(d, true);
	cost_not_shown(d);
	for (int i = 0; i < nr_runs; i++) {
		debug |= runs[i].debug;
		guest |= strcmp(runs[i].accel, "host") != 0;
		one &= !strcmp(runs[i].accel, "host") || runs[i].cpus == 1;
	}
	if (guest)
		doc_item(d, "Drivers of network cards: all packets went between namespaces of one guest, "
			 "over veth and the like, and XDP in its driver mode is veth's.");
	if (guest && one)
		doc_item(d, "More than one CPU: each guest had one, so that packets take the same way in "
			 "every run.");
	if (!debug)
		doc_item(d, "Kernels with KASAN and lockdep: there are no results of any (`make test "
			 "DEBUG=1`).");
	doc_list(d, false);

	for (int k = 0; k < nr_rows; k++) {
		int i = 0;

		if (strcmp(rows[k].verdict, "skip"))
			continue;
		while (i < nr && (skips[i].reason != rows[k].reason || skips[i].run != rows[k].run))
			i++;
		if (i == 1024)
			continue;
		if (i == nr)
			skips[nr++] = (struct skip){ rows[k].reason, rows[k].name, 0, rows[k].run };
		skips[i].nr++;
	}
	if (nr) {
		struct table t = { .wide = true };

		table_column(&t, "suite");
		table_column(&t, "kernel");
		table_column(&t, ">skipped");
		table_column(&t, "first");
		table_column(&t, "reason");
		for (int i = 0; i < nr; i++) {
			table_cell(&t, NULL, "%s", runs[skips[i].run].suite);
			table_cell(&t, NULL, "%s%s", runs[skips[i].run].variant,
				   runs[skips[i].run].debug ? ", debug" : "");
			table_cell(&t, NULL, "%d", skips[i].nr);
			table_cell(&t, NULL, "%s", skips[i].name);
			table_cell(&t, NULL, "%s", skips[i].reason);
		}
		doc_table(d, &t, 0, "What was skipped, and why.");
	}
	free(skips);
}

static void sources(struct doc *d)
{
	struct table t = { .wide = true };

	table_column(&t, ">no.");
	table_column(&t, "file");
	table_column(&t, "command");
	table_column(&t, "kernel");
	table_column(&t, "series");
	table_column(&t, "base");
	table_column(&t, "run as");
	table_column(&t, "compiler");
	table_column(&t, "date");
	for (int i = 0; i < nr_runs; i++) {
		table_cell(&t, NULL, "%d", i + 1);
		table_cell(&t, NULL, "`%s`", runs[i].file);
		table_cell(&t, NULL, "`%s`", runs[i].command);
		table_cell(&t, NULL, "%s", runs[i].kernel);
		table_cell(&t, NULL, "%s", runs[i].series);
		table_cell(&t, NULL, "%s", runs[i].base);
		table_cell(&t, NULL, "%s, %u CPU%s", runs[i].accel, runs[i].cpus,
			   runs[i].cpus == 1 ? "" : "s");
		table_cell(&t, NULL, "%s", runs[i].compiler);
		table_cell(&t, NULL, "%s", runs[i].date);
	}
	doc_table(d, &t, 0, "The files this was made from. Each is one run on one kernel; its first line "
		  "says what is here.");
}

static const struct section sections[] = {
	{ "trilogy",   "The designs side by side",	trilogy },
	{ "targets",   "Targets",			cost_targets },
	{ "survival",  "Survival",			survival_section },
	{ "semantics", "Semantics",			semantics_section },
	{ "cost",      "Cost",				cost_section },
	{ "counts",    "Counted per packet",		cost_counts },
	{ "memory",    "Memory and sizes",		size_tables },
	{ "examples",  "Examples",			cost_examples },
	{ "tests",     "Tests",				tests },
	{ "time",      "The harness itself",		cost_seconds },
	{ "not-shown", "What is not shown",		not_shown },
	{ "sources",   "Sources",			sources },
	{ }
};

/* A section without anything in it is left out: it is written to memory first. */
static void page(struct doc *d, const char *css)
{
	const char *newest = "", *base = "";
	const char *in[16] = { 0 };
	FILE *out = d->f;

	for (int i = 0; i < nr_runs; i++) {
		if (strcmp(runs[i].date, newest) > 0)
			newest = runs[i].date;
		if (find_variant(runs[i].variant) >= 0 && strcmp(runs[i].accel, "host"))
			base = runs[i].base;
	}
	for (int s = 0; sections[s].id; s++) {
		size_t size;
		char *text;

		d->f = open_memstream(&text, &size);
		sections[s].write(d);
		fclose(d->f);
		in[s] = text;
	}
	d->f = out;

	doc_begin(d, "Packet metadata: what was measured", css);
	doc_text(d, "Made from %d files of results, the newest of %s; base kernel %s. Every figure names "
		 "the files it was made from, and nothing in it was typed in.", nr_runs,
		 *newest ? newest : "no date", *base ? base : "unknown");
	if (d->format == HTML)
		fprintf(d->f, "<div class=\"%s\">\n", nr_holes ? "incomplete" : "complete");
	if (nr_holes)
		doc_text(d, "NOT complete: %d thing%s missing, old or not to be compared. What is not "
			 "measured is a ? in tables; the list is under What is not shown.", nr_holes,
			 nr_holes > 1 ? "s are" : " is");
	else
		doc_text(d, "Complete: of each variant there are results of the tunnels testbed, the "
			 "selftests and the benchmark, of one base kernel and of the series that are in "
			 "`kernel-patches/` now.");
	if (d->format == HTML) {
		fputs("</div>\n<nav>", d->f);
		for (int s = 0; sections[s].id; s++)
			if (*in[s])
				fprintf(d->f, "<a href=\"#%s\">%s</a> ", sections[s].id, sections[s].title);
		fputs("</nav>\n", d->f);
	}
	for (int s = 0; sections[s].id; s++) {
		if (*in[s]) {
			doc_section(d, sections[s].id, sections[s].title);
			fputs(in[s], d->f);
		}
		free((char *)in[s]);
	}
	doc_end(d);
}

static int write_page(const char *dir, const char *name, enum format format, const char *css)
{
	struct doc d = { .format = format };
	char *path, *new;

	if (asprintf(&path, "%s/%s", dir, name) < 0 || asprintf(&new, "%s.new", path) < 0)
		abort();
	d.f = fopen(new, "we");
	if (d.f) {
		page(&d, css);
		if (!ferror(d.f) && !fclose(d.f) && !rename(new, path))
			return 0;
	}
	fprintf(stderr, "report: %s: %s\n", path, strerror(errno));
	return -1;
}

static void cover(const char *variant)
{
	struct doc d = { .f = stdout, .format = TEXT };
	const int v = find_variant(variant), run = find_run("bench", variant);
	const int any = run >= 0 ? run : find_run("testbed", variant);

	if (any >= 0)
		doc_text(&d, "%s, %s, series %s%s; %s.", runs[any].base, runs[any].compiler,
			 runs[any].series, run < 0 ? "" : !strcmp(runs[run].accel, "icount") ?
			 "; costs are guest instructions (QEMU -icount)" : "",
			 "stock is the same kernel without it");
	cost_summary(&d, v);
	survival_summary(&d, v);
	sizes_summary(&d, v);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f || getdelim(&text, &size, '\0', f) < 0) {
		fprintf(stderr, "report: %s: %s\n", path, f ? "empty" : strerror(errno));
		exit(2);
	}
	fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "results", required_argument, NULL, 'r' },
		{ "sizes",   required_argument, NULL, 's' },
		{ "css",     required_argument, NULL, 'c' },
		{ "out",     required_argument, NULL, 'o' },
		{ "cover",   required_argument, NULL, 'C' },
		{ }
	};
	const char *results = NULL, *sizes = NULL, *css = NULL, *out = NULL, *letter = NULL;
	char *why;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (opt) {
		case 'r': results = optarg; break;
		case 's': sizes = optarg; break;
		case 'c': css = optarg; break;
		case 'o': out = optarg; break;
		case 'C': letter = optarg; break;
		default: results = NULL; optind = argc;
		}
	if (!results || optind == argc || argc - optind > MAX_VARIANTS || !(letter || (css && out))) {
		fputs("usage: report --results DIR [--sizes FILE] --css FILE --out DIR VARIANT...\n"
		      "       report --results DIR [--sizes FILE] --cover VARIANT VARIANT...\n", stderr);
		return 2;
	}
	while (optind < argc)
		variants[nr_variants++] = intern(argv[optind++]);
	if (letter && find_variant(letter) < 0) {
		fprintf(stderr, "report: --cover %s: not among the variants given\n", letter);
		return 2;
	}

	read_all(results);
	if (sizes && sizes_read(sizes, &why))
		missing(NULL, NULL, "%s", why);
	check_needed(results);
	check_kernels();
	survival_check();
	cost_read();
	cost_check(!letter);
	sizes_check();

	if (letter) {
		cover(letter);
	} else {
		char *style = slurp(css);

		if (write_page(out, "index.html", HTML, style) ||
		    write_page(out, "report.md", MARKDOWN, NULL))
			return 2;
		printf("report: %s/index.html, %s/report.md\n", out, out);
	}
	for (int i = 0; i < nr_holes; i++) {
		/* for people, not for a page */
		for (char *p = holes[i].what; *p; p++)
			if (*p != '`')
				fputc(*p, stderr);
		fprintf(stderr, "%s%s\n", holes[i].how ? ": " : "", holes[i].how ?: "");
	}
	if (nr_holes)
		fprintf(stderr, "report: NOT complete, %d thing%s missing, old or not to be compared\n",
			nr_holes, nr_holes > 1 ? "s are" : " is");
	else if (!letter)
		printf("report: complete\n");
	return nr_holes > 0;
}

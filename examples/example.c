// SPDX-License-Identifier: GPL-2.0
/* The examples' common part: example.h says what it is for. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "example.h"
#include "results.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CHECKS		64
#define COSTS		32

struct example example;

static struct kernel_info kernel;
static struct ktap ktap;
static struct results *results;
static const char *expect;
static FILE *text;

static struct check {
	char name[96], reason[512];
	enum ktap_verdict verdict;
} checks[CHECKS];
static unsigned int nr_checks;

static struct {
	const char *what, *state;
	double value, floor;
} costs[COSTS];
static unsigned int nr_costs;

void example_die(const char *fmt, ...)
{
	char why[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (text)
		fprintf(text, "%s: %s\n", example.name, why);
	exit(ktap_bail_out(&ktap, "%s", why));
}

void example_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(text, fmt, ap);
	va_end(ap);
	fputc('\n', text);
	fflush(text);
}

void example_start(int argc, char **argv)
{
	const char *accel = getenv("VM_ACCEL"), *info = NULL, *dir = NULL;
	int opt;

	example.name = basename(argv[0]);
	example.icount = accel && !strcmp(accel, "icount");
	ktap.out = stdout;
	text = stderr;
	while ((opt = getopt(argc, argv, "i:r:o:e:ws")) != -1) {
		switch (opt) {
		case 'i': info = optarg; break;
		case 'r': dir = optarg; break;
		case 'e': expect = optarg; break;
		case 'w': example.withhold = true; break;
		case 's': example.brief = true; break;
		case 'o':
			text = fopen(optarg, "we");
			if (text)
				break;
			text = stderr;
			example_die("%s: %s", optarg, strerror(errno));
		default:
			example_die("usage: %s -i info.json -r DIR [-o TEXT] [-e EXPECT] [-w] [-s]",
				    example.name);
		}
	}
	if (!info || !dir || optind < argc || kernel_info_read(&kernel, info))
		example_die("%s needs -i info.json -r DIR", example.name);
	example.variant = kernel.variant;
	example.dir = dir;
	results = results_open(dir, "examples", info, argc, argv);
	if (!results)
		example_die("no results can be written to %s", dir);
}

const char *example_program(const char *name)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n < 0)
		example_die("/proc/self/exe: %s", strerror(errno));
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash + 1, sizeof(path) - (slash + 1 - path), "%s", name);
	return path;
}

/*
 * Why it cannot hold here, by the file: VARIANT[,VARIANT] PATTERN # REASON. "likewise" is the
 * line before's, and more if there is more.
 */
static bool expected(const char *name, char *reason, size_t size)
{
	char *line = NULL, *variants, *pattern, *why, *v, last[256] = "";
	FILE *f = expect ? fopen(expect, "re") : NULL;
	bool found = false;
	size_t n = 0;

	while (f && !found && getline(&line, &n, f) >= 0) {
		why = strchr(line, '#');
		if (!why || why == line)
			continue;
		*why++ = '\0';
		why += strspn(why, " \t");
		why[strcspn(why, "\n")] = '\0';
		if (strncmp(why, "likewise", 8))
			snprintf(last, sizeof(last), "%s", why);
		variants = strtok(line, " \t");
		pattern = strtok(NULL, " \t");
		if (!pattern || fnmatch(pattern, name, 0))
			continue;
		for (v = strtok(variants, ","); v && !found; v = strtok(NULL, ","))
			found = !strcmp(v, kernel.variant);
		snprintf(reason, size, "%s%s", last,
			 strncmp(why, "likewise", 8) ? "" : why + 8);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

bool example_check(enum example_need need, bool ok, const char *name, const char *why, ...)
{
	char measured[256] = "", reason[256];
	struct check *c = &checks[nr_checks];
	va_list ap;

	if (nr_checks++ == CHECKS)
		example_die("more than %d checks", CHECKS);
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (!ok) {
		va_start(ap, why);
		vsnprintf(measured, sizeof(measured), why, ap);
		va_end(ap);
	}
	if (expected(name, reason, sizeof(reason))) {
		c->verdict = ok ? KTAP_FAIL : KTAP_XFAIL;
		snprintf(c->reason, sizeof(c->reason), ok ? "it holds, and %s says: %s%s" :
			 "%s%s (%s)", ok ? expect : "", reason, measured);
	} else if (example.withhold && need == EXAMPLE_META) {
		c->verdict = ok ? KTAP_FAIL : KTAP_XFAIL;
		snprintf(c->reason, sizeof(c->reason), ok ?
			 "it holds, although there is no metadata" :
			 "without metadata: %s", measured);
	} else {
		c->verdict = ok ? KTAP_PASS : KTAP_FAIL;
		snprintf(c->reason, sizeof(c->reason), "%s", measured);
	}
	return c->verdict != KTAP_FAIL;
}

static int print_none(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

/*
 * Of the verifier's log: what it says before it explains itself; from an older one, that
 * does not, the last line that is no statistics.
 */
static void last_words(char *log, char *why, size_t size)
{
	char *line, *save;

	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "Verification failed", 19))
			break;
		if (strncmp(line, "processed ", 10) && strncmp(line, "verification time", 17) &&
		    strncmp(line, "stack depth", 11) && line[strspn(line, " ")])
			snprintf(why, size, "%s", line);
	}
}

bool example_probe(const void *(*elf_bytes)(size_t *size), const char *program, char *why,
		   size_t size)
{
	const size_t log_size = 1 << 20;
	libbpf_print_fn_t print = libbpf_set_print(print_none);
	char *log = calloc(1, log_size);
	struct bpf_program *prog;
	struct bpf_object *obj;
	bool found = false;
	size_t elf_size;
	const void *elf;
	int err;

	elf = elf_bytes(&elf_size);
	obj = bpf_object__open_mem(elf, elf_size, NULL);
	if (!obj || !log)
		example_die("%s: the BPF object cannot be opened", program);
	bpf_object__for_each_program(prog, obj) {
		bool this = !strcmp(bpf_program__name(prog), program);

		bpf_program__set_autoload(prog, this);
		if (this)
			bpf_program__set_log_buf(prog, log, log_size);
		found |= this;
	}
	if (!found)
		example_die("%s: there is no such BPF program", program);
	err = bpf_object__load(obj);
	if (err) {
		snprintf(why, size, "%s", strerror(-err));
		last_words(log, why, size);
	}
	bpf_object__close(obj);
	libbpf_set_print(print);
	free(log);
	return !err;
}

double example_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

double example_best(int (*round)(void *arg), void *arg, unsigned int rounds)
{
	double best = 0, start, took;
	int n;

	while (rounds--) {
		start = example_now();
		n = round(arg);
		took = example_now() - start;
		if (n <= 0)
			example_die("packets get lost where their cost is measured");
		if (!best || took / n < best)
			best = took / n;
	}
	return best;
}

void example_cost(const char *state, double value, double floor)
{
	example_cost_per("packet", state, value, floor);
}

void example_cost_per(const char *what, const char *state, double value, double floor)
{
	if (nr_costs == COSTS)
		example_die("more than %d costs", COSTS);
	costs[nr_costs].what = what;
	costs[nr_costs].state = state;
	costs[nr_costs].value = value;
	costs[nr_costs++].floor = floor;
}

unsigned long long example_bad(const char *where, const struct meta_kv_bad *bad)
{
	const struct {
		const char *name;
		unsigned long long n;
	} by[] = {
		{ "without metadata", bad->none }, { "too short", bad->too_short },
		{ "with a foreign layout", bad->foreign }, { "without room", bad->no_room },
		{ "refused by the kernel", bad->refused }, { "otherwise", bad->other },
	};
	unsigned long long sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(by); i++) {
		if (by[i].n)
			example_say("  %s: %llu packets %s", where, by[i].n, by[i].name);
		sum += by[i].n;
	}
	return sum;
}

static const char *unit(unsigned int i)
{
	static char unit[64];

	snprintf(unit, sizeof(unit), "%s/%s", example.icount ? "instructions" : "ns",
		 costs[i].what);
	return unit;
}

static void write_results(void)
{
	char name[256];

	for (unsigned int i = 0; i < nr_checks; i++) {
		struct observation o = {
			.name = name, .verdict = checks[i].verdict,
			.reason = *checks[i].reason ? checks[i].reason : NULL,
		};

		snprintf(name, sizeof(name), "%s%s.%s", example.name,
			 example.withhold ? ".without" : "", checks[i].name);
		results_add(results, &o);
	}
	for (unsigned int i = 0; i < nr_costs; i++) {
		results_begin(results);
		results_str(results, "case", example.name);
		results_str(results, "state", costs[i].state);
		results_str(results, "unit", unit(i));
		results_real(results, "value", costs[i].value);
		results_real(results, "floor", costs[i].floor);
		results_int(results, "boots", 1);
		results_str(results, "verdict", "pass");
		results_end(results);
	}
}

int example_finish(void)
{
	static const char * const mark[] = {
		[KTAP_PASS] = "yes", [KTAP_FAIL] = "NO", [KTAP_XFAIL] = "no",
	};
	bool all = true;

	if (nr_costs) {
		example_say("\nbeyond the same with programs that only count:");
		for (unsigned int i = 0; i < nr_costs; i++)
			example_say("  %-28s %8.0f %s (%.0f - %.0f)", costs[i].state,
				    costs[i].value - costs[i].floor, unit(i), costs[i].value,
				    costs[i].floor);
	}
	example_say("%s", "");
	for (unsigned int i = 0; i < nr_checks; i++) {
		const struct check *c = &checks[i];

		all &= c->verdict == KTAP_PASS;
		example_say("  %-3s %s%s%s", mark[c->verdict], c->name,
			    *c->reason ? ": " : "", c->reason);
	}
	example_say("%s on %s%s: %s", example.name, example.variant,
		    example.withhold ? " with metadata withheld" : "", all ? "yes" : "no");

	ktap_start(&ktap, nr_checks);
	for (unsigned int i = 0; i < nr_checks; i++)
		ktap_result(&ktap, checks[i].verdict, checks[i].reason, "%s", checks[i].name);
	write_results();
	if (results_close(results))
		return KTAP_EXIT_FAIL;
	return nr_checks ? ktap_finish(&ktap) : KTAP_EXIT_FAIL;
}
